//! Outputs behind one small synchronous trait. Only the guard may own one.
//!
//! Deliberately absent: time, limits and programs. A driver that is dropped leaves its outputs as
//! they are; whoever opens them again finds them without power.

mod gpio;
mod pi;
mod recorder;
mod relay;
mod servo;

use crate::rig::{Active, Board, Drive};

use super::access;

/// A board whose outputs are owned.
pub trait OutputBoard {
    /// Drives an output, and returns once the board took it.
    ///
    /// # Errors
    /// The board is gone, or did not confirm.
    fn set(&mut self, number: u32, drive: Drive) -> Result<(), OutputFault>;

    /// What the board says of an output, if it can tell.
    ///
    /// # Errors
    /// The board is gone, or answers nonsense.
    fn read(&mut self, number: u32) -> Result<Option<Drive>, OutputFault>;
}

/// Why an output can't be owned or driven: always the rig's error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputFault {
    /// Somebody else has it; a new attempt may work.
    #[error("{what} is in use by {holder}")]
    Busy {
        /// Line or port.
        what: String,
        /// Who.
        holder: String,
    },
    /// Anything else.
    #[error("{0}")]
    Broken(String),
}

/// Opens lines of a board as outputs, without power from the first moment on.
///
/// # Errors
/// Not there, not permitted, in use, or not answering.
pub fn open(
    board: &Board,
    lines: &[(u32, Active)],
    consumer: &str,
) -> Result<Box<dyn OutputBoard>, OutputFault> {
    Ok(match board {
        Board::Gpio { chip } => Box::new(gpio::GpioOutputs::open(chip, lines, consumer)?),
        Board::RaspberryPi {} => Box::new(pi::PiOutputs::open(lines, consumer)?),
        Board::Lcus(relays) => Box::new(relay::Lcus::open(relays, lines)?),
        Board::Servo(servo) => Box::new(servo::ServoOutput::open(servo)?),
        Board::Numato(relays) => Box::new(relay::Numato::open(relays, lines)?),
        Board::Program { .. } => {
            return Err(OutputFault::Broken("a program has no outputs".into()));
        }
        Board::Recorder { file } => Box::new(recorder::Recorder::open(file, lines)?),
    })
}

/// Another program that has a board's port open: not every program locks the port that it uses.
pub fn shared(board: &Board) -> Option<OutputFault> {
    match board {
        Board::Lcus(relays) | Board::Numato(relays) => {
            let holder = access::other_holder(relays.port.as_ref())?;
            Some(OutputFault::Busy { what: relays.port.clone(), holder })
        }
        // The kernel hands these to one process only, or lockrig locks them itself.
        Board::Gpio { .. }
        | Board::RaspberryPi {}
        | Board::Servo(_)
        | Board::Program { .. }
        | Board::Recorder { .. } => None,
    }
}
