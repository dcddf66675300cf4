//! SEGGER RTT: the console's text in a ring buffer in RAM, which a debugger reads while the lock runs.

use crate::registers::{SHARED, read_shared, write_shared, write_shared_byte};

// The control block, by offset: an identifier, how many channels there are up and down, and the one channel.
const IDENTIFIER: u32 = 0;
const UP_CHANNELS: u32 = 16;
const DOWN_CHANNELS: u32 = 20;
const NAME: u32 = 24;
const BUFFER_AT: u32 = 28;
const BUFFER_SIZE: u32 = 32;
const WRITTEN: u32 = 36;
const READ: u32 = 40;
const MODE: u32 = 44;
// Behind it.
const BUFFER: u32 = 48;

const SIZE: u32 = 256;
/// What does not fit is skipped.
const SKIP: u32 = 0;

pub struct Rtt(());

impl Rtt {
    pub fn start() -> Self {
        // The identifier of the last boot is still there; nobody shall find it before the rest is right.
        for at in (IDENTIFIER..UP_CHANNELS).step_by(4) {
            write_shared(at, 0);
        }
        write_shared(UP_CHANNELS, 1);
        write_shared(DOWN_CHANNELS, 0);
        write_shared(NAME, c"Terminal".as_ptr() as usize as u32);
        write_shared(BUFFER_AT, SHARED + BUFFER);
        write_shared(BUFFER_SIZE, SIZE);
        write_shared(WRITTEN, 0);
        write_shared(READ, 0);
        write_shared(MODE, SKIP);
        for (at, byte) in (IDENTIFIER..).zip(*b"SEGGER RTT") {
            write_shared_byte(at, byte);
        }
        Self(())
    }

    pub fn put(&mut self, byte: u8) {
        let at = read_shared(WRITTEN) % SIZE;
        let next = (at + 1) % SIZE;
        if next != read_shared(READ) {
            write_shared_byte(BUFFER + at, byte);
            write_shared(WRITTEN, next);
        }
    }
}
