//! Rig files: what is wired to what, limits, and what a device must be able to do.
//!
//! Deliberately absent: drivers and peers themselves; a rig file describes, they act.

mod bench;
mod boards;
mod command;
mod device;
mod file;
mod firmware;
mod fit;
mod probe;
mod shape;
mod supervisor;
mod wiring;

pub use bench::{
    Active, Actuator, Bench, Bias, Board, ConsolePort, ConsoleSource, Contact, Drive, HEADER_CHIPS, Input,
    Line, Output, RelayBoard, RttConsole, Sensor, SerialPort, Servo, Unwired,
};
pub use command::absent;
pub use device::{Fault, Hello, LockstepDevice, Ran, Ready, maker_proof};
pub use file::{Device, Rig, load, schema};
pub use firmware::{EMULATED_MODEL, FIRMWARES};
pub use fit::compare;
pub use probe::{Address, Connect, GLASGOW, IfProtected, PROBE_SPEEDS, ProbePort, Selector, SelectorError};
pub use supervisor::{OWN_PROGRAM, Supervised, supervise};
