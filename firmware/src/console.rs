//! Text for whoever watches, on the UART and by RTT, and the one question that may be asked. Never a code.

use crate::board::{RX_PIN, TX_PIN};
use crate::registers::{
    NVIC_ICPR, NVIC_ISER, UART_BAUDRATE, UART_ENABLE, UART_INTENSET, UART_PSELRXD, UART_PSELTXD, UART_RXD,
    UART_RXDRDY, UART_STARTRX, UART_STARTTX, UART_TXD, UART_TXDRDY,
};
use crate::rtt::Rtt;

const BAUD_115200: u32 = 0x01D7_E000;
const LINE: u32 = 1 << 2;
const RXDRDY_INTERRUPT: u32 = 1 << 2;
/// More than what is sent in the time that a boot takes.
const QUEUE: usize = 256;
/// At a tick it looks so often at most whether the next byte can go: about 2 ms, or twenty bytes.
const LOOKS: usize = 2000;
/// A sender that never stops must not keep the lock from its tick.
const BYTES_AT_ONCE: usize = 32;
const QUESTION: &[u8] = b"status";

pub struct Console {
    rtt: Rtt,
    queue: [u8; QUEUE],
    first: usize,
    waiting: usize,
    /// A byte was handed to the UART, and it has not told yet that it is out.
    sends: bool,
    received: [u8; QUESTION.len()],
    length: usize,
}

impl Console {
    pub fn start() -> Self {
        UART_PSELTXD.write(TX_PIN);
        UART_PSELRXD.write(RX_PIN);
        UART_BAUDRATE.write(BAUD_115200);
        UART_ENABLE.write(4);
        // The UART holds six bytes, and more than that come within a tick: so each wakes the core.
        UART_INTENSET.write(RXDRDY_INTERRUPT);
        NVIC_ISER.write(LINE);
        UART_STARTTX.write(1);
        UART_STARTRX.write(1);
        Self {
            rtt: Rtt::start(),
            queue: [0; QUEUE],
            first: 0,
            waiting: 0,
            sends: false,
            received: [0; QUESTION.len()],
            length: 0,
        }
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        for byte in text.bytes() {
            self.put(byte);
        }
        self
    }

    /// Up to 99. Without a division, for which this core has no instruction.
    pub fn number(&mut self, number: usize) -> &mut Self {
        let (mut tens, mut ones) = (0, number);
        while ones >= 10 {
            ones -= 10;
            tens += 1;
        }
        if tens > 0 {
            self.put(b'0' + tens);
        }
        self.put(b'0' + ones as u8);
        self
    }

    /// Ends a line.
    pub fn end(&mut self) {
        self.text("\r\n");
    }

    /// What does not fit is lost: the lock does not wait for anybody.
    fn put(&mut self, byte: u8) {
        self.rtt.put(byte);
        if self.waiting < QUEUE {
            if let Some(place) = self.queue.get_mut((self.first + self.waiting) % QUEUE) {
                *place = byte;
            }
            self.waiting += 1;
        }
    }

    /// Sends on.
    pub fn tick(&mut self) {
        for _ in 0..LOOKS {
            if self.sends && UART_TXDRDY.read() == 0 {
                continue;
            }
            self.sends = self.waiting > 0;
            if !self.sends {
                return;
            }
            UART_TXDRDY.write(0);
            UART_TXD.write(self.queue.get(self.first).map_or(0, |byte| u32::from(*byte)));
            self.first = (self.first + 1) % QUEUE;
            self.waiting -= 1;
        }
    }

    /// Takes what was received, and tells whether it asks how the lock stands.
    pub fn is_asked(&mut self) -> bool {
        NVIC_ICPR.write(LINE);
        let mut is_asked = false;
        for _ in 0..BYTES_AT_ONCE {
            if UART_RXDRDY.read() == 0 {
                break;
            }
            UART_RXDRDY.write(0);
            is_asked |= self.take(UART_RXD.read() as u8);
        }
        is_asked
    }

    fn take(&mut self, byte: u8) -> bool {
        // Nobody types a nought; but a line that is pulled low, or a glitch on it, reads as one.
        if byte == 0 {
            return false;
        }
        if byte == b'\r' || byte == b'\n' {
            return self.received.get(..core::mem::take(&mut self.length)) == Some(QUESTION);
        }
        if let Some(place) = self.received.get_mut(self.length) {
            *place = byte;
        }
        self.length = self.length.saturating_add(1);
        false
    }
}
