//! What of the lock is there for other programs beside the channels of a case: its debug port, and its console byte by
//! byte. Whoever plays it in real time finds here when it acts next.

use crate::sim::PortFault;
use crate::sim::mcu::{Refusal, Transfer};
use crate::unit::{Duration, Instant};

use super::{ReferenceLock, cycles, instant};

/// So long after its reset line was let go the board's reset supervisor still holds the chip.
const SUPERVISED: Duration = Duration::milliseconds(170);

impl ReferenceLock {
    /// Something is wrong with its debug port from its next start on.
    pub fn with_port_fault(mut self, fault: PortFault) -> Self {
        self.port_fault = fault;
        self
    }

    /// From now on [`ReferenceLock::spoken`] hands out what its console sends.
    pub fn listen(&mut self) {
        self.spoken.get_or_insert_default();
    }

    /// What its console has sent since this was asked last.
    pub fn spoken(&mut self) -> Vec<u8> {
        self.spoken.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Sends bytes to its console, of which it takes as many as [`ReferenceLock::hears`] says.
    pub fn tell(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().take(self.hears()) {
            self.machine.receive(*byte);
        }
    }

    /// How many bytes can be sent to its console now.
    pub fn hears(&self) -> usize {
        self.machine.takes()
    }

    /// Its time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// When it does something next by itself: until then nothing is put out if nothing happens from outside.
    pub fn acts(&self) -> Instant {
        instant(self.machine.acts()).min(self.bolt.arrives()).min(self.reset_ends)
    }

    /// Pulls its reset line low, or lets it go.
    pub(in crate::sim) fn hold_reset(&mut self, is_held: bool) {
        if is_held {
            self.reset_ends = Instant::NEVER;
            self.machine.hold_reset(true);
            self.look();
        } else {
            self.reset_ends = self.now + SUPERVISED;
        }
    }

    /// Puts a transfer on its debug port, which takes so many cycles: its time goes on meanwhile.
    ///
    /// # Errors
    /// The port refuses.
    pub(in crate::sim) fn transfer(&mut self, transfer: Transfer, takes: u64) -> Result<u32, Refusal> {
        let begins = self.machine.port_is_free().max(cycles(self.now));
        let until = instant(begins + takes);
        while self.now < until {
            self.go_on(until);
        }
        let answer = self.machine.transfer(transfer);
        self.look();
        answer
    }
}
