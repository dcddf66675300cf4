//! A finger on a servo, whose pulses the hardware PWM of a Raspberry Pi makes: they go on whatever
//! the processor does, and nothing of them depends on its load.
//!
//! The finger moves for a tenth of a second and more after its pulse changed: what is achieved here
//! is the pulse, and a sense line says what became of it.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use rppal::pwm::{Polarity, Pwm};

use crate::drivers::access;
use crate::rig::{Drive, Servo};

use super::{OutputBoard, OutputFault};

/// Servos take a pulse every 20 ms.
const PERIOD: Duration = Duration::from_millis(20);

/// A channel that this process holds.
pub(super) struct ServoOutput {
    pwm: Pwm,
    released: Duration,
    pressed: Duration,
    name: String,
    /// The kernel lets anybody write to a channel: whoever has this name is the one who may.
    _claim: UnixDatagram,
}

impl ServoOutput {
    /// Opens the channel, and lifts the finger.
    pub(super) fn open(servo: &Servo) -> Result<Self, OutputFault> {
        let name = format!("pwmchip{}/{}", servo.chip, servo.channel);
        let broken = |reason: String| OutputFault::Broken(format!("{name}: {reason}"));
        let export = format!("/sys/class/pwm/pwmchip{}/export", servo.chip);
        if !Path::new(&export).exists() {
            let hint = "there is no such PWM chip: `docs/bench.md` says how to enable it on a Raspberry Pi";
            return Err(broken(hint.into()));
        }
        if let Some(reason) = access::denied(export.as_ref()) {
            return Err(OutputFault::Broken(reason));
        }
        let claim = claim(&name)?;
        let length = |pulse: crate::unit::Duration| Duration::from_nanos(pulse.as_nanoseconds());
        let (released, pressed) = (length(servo.released), length(servo.pressed));
        let failed = |error: rppal::pwm::Error| broken(error.to_string());
        // Safe first of all: a channel that was left pressing is lifted before anything waits for the
        // kernel to give it out, which can take a second.
        let left = format!("/sys/class/pwm/pwmchip{}/pwm{}/duty_cycle", servo.chip, servo.channel);
        if Path::new(&left).exists() {
            let lifted = std::fs::write(&left, released.as_nanos().to_string());
            lifted.map_err(|error| broken(error.to_string()))?;
        }
        let mut pwm = Pwm::with_pwmchip(servo.chip, servo.channel).map_err(failed)?;
        // Without pulses the finger would stay where it is, if it were not for its spring.
        pwm.set_reset_on_drop(false);
        // A period shorter than the pulse that is set is refused.
        pwm.set_pulse_width(Duration::ZERO).map_err(failed)?;
        pwm.set_period(PERIOD).map_err(failed)?;
        pwm.set_polarity(Polarity::Normal).map_err(failed)?;
        pwm.set_pulse_width(released).map_err(failed)?;
        pwm.enable().map_err(failed)?;
        Ok(Self { pwm, released, pressed, name, _claim: claim })
    }

    fn broken(&self, error: &rppal::pwm::Error) -> OutputFault {
        OutputFault::Broken(format!("{}: {error}", self.name))
    }
}

/// Takes a channel's name, which is free again when this process ends however it ends.
fn claim(name: &str) -> Result<UnixDatagram, OutputFault> {
    let broken = |error: std::io::Error| OutputFault::Broken(format!("{name}: {error}"));
    let address = SocketAddr::from_abstract_name(format!("lockrig {name}")).map_err(broken)?;
    UnixDatagram::bind_addr(&address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            OutputFault::Busy { what: name.to_owned(), holder: "another lockrig process".into() }
        }
        _ => broken(error),
    })
}

impl OutputBoard for ServoOutput {
    fn set(&mut self, _: u32, drive: Drive) -> Result<(), OutputFault> {
        let pulse = if drive == Drive::Energised { self.pressed } else { self.released };
        self.pwm.set_pulse_width(pulse).map_err(|error| self.broken(&error))
    }

    fn read(&mut self, _: u32) -> Result<Option<Drive>, OutputFault> {
        let pulse = self.pwm.pulse_width().map_err(|error| self.broken(&error))?;
        let enabled = self.pwm.is_enabled().map_err(|error| self.broken(&error))?;
        let pressed = enabled && pulse == self.pressed;
        Ok(Some(if pressed { Drive::Energised } else { Drive::Deenergised }))
    }
}
