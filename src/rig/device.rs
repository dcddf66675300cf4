//! What the lockstep player needs of a device.

use crate::trace::{Channel, Value};
use crate::unit::Instant;

/// The case that begins.
#[derive(Clone, Debug)]
pub struct Hello {
    /// Model id.
    pub model: String,
    /// Case id.
    pub case: String,
    /// Seed of whatever the device draws at random.
    pub seed: u64,
}

/// A device that is ready for a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ready {
    /// Firmware version, if it says.
    pub firmware: Option<String>,
    /// Serial number, if it says.
    pub serial: Option<String>,
    /// What differs from the state that every case begins with.
    pub out: Vec<(Channel, Value)>,
}

/// How far a device ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// Where it stopped: the wanted time, or earlier at its first output.
    pub now: Instant,
    /// What it put out at that time.
    pub out: Vec<(Channel, Value)>,
}

/// What the device did wrong: the rig's error, never the lock's failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// A lock, or what stands for one, in virtual time.
pub trait LockstepDevice {
    /// A factory-fresh lock at time 0: power nominal, contacts false, lights off, bolt thrown.
    ///
    /// # Errors
    /// The device is not there or talks nonsense.
    fn start(&mut self, hello: &Hello) -> Result<Ready, Fault>;

    /// Applies `set` at the current time, then runs to `until` or to the first output.
    ///
    /// # Errors
    /// The device broke the protocol, died or hangs.
    fn run(&mut self, until: Instant, set: &[(Channel, Value)]) -> Result<Ran, Fault>;
}

/// The digits that the simulated maker issues for a reset of the lock that was greeted with
/// `seed`: the first eight bytes of SHA-256 over `lockrig maker proof SEED`, each modulo ten.
pub fn maker_proof(seed: u64) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(format!("lockrig maker proof {seed}"));
    hash.iter().take(8).map(|byte| char::from(b'0' + byte % 10)).collect()
}
