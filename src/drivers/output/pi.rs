//! Pins of a Raspberry Pi through its registers.
//!
//! rppal goes around the kernel's ownership of lines: each pin is claimed through its GPIO chip
//! first, so that nobody else can have it meanwhile.

use std::collections::BTreeMap;

use rppal::gpio::{Gpio, OutputPin};

use crate::rig::{Active, Drive};

use super::gpio::GpioOutputs;
use super::{OutputBoard, OutputFault};

/// Pins that this process holds.
pub(super) struct PiOutputs {
    pins: BTreeMap<u32, (OutputPin, Active)>,
    /// Holds the lines.
    _claim: GpioOutputs,
}

impl PiOutputs {
    pub(super) fn open(lines: &[(u32, Active)], consumer: &str) -> Result<Self, OutputFault> {
        let broken = |error: rppal::gpio::Error| OutputFault::Broken(error.to_string());
        let chip = crate::drivers::gpio::find_header().map_err(OutputFault::Broken)?;
        let claim = GpioOutputs::on(&chip, lines, consumer)?;
        let gpio = Gpio::new().map_err(broken)?;
        let mut pins = BTreeMap::new();
        for (number, active) in lines {
            let pin = u8::try_from(*number)
                .map_err(|_| OutputFault::Broken(format!("a Raspberry Pi has no pin {number}")))?;
            let pin = gpio.get(pin).map_err(broken)?;
            let mut pin = match active {
                Active::High => pin.into_output_low(),
                Active::Low => pin.into_output_high(),
            };
            // Going back to an input on the way out would leave the level to the board.
            pin.set_reset_on_drop(false);
            pins.insert(*number, (pin, *active));
        }
        Ok(Self { pins, _claim: claim })
    }

    fn pin(&mut self, number: u32) -> Result<&mut (OutputPin, Active), OutputFault> {
        let missing = || OutputFault::Broken(format!("pin {number} is not open"));
        self.pins.get_mut(&number).ok_or_else(missing)
    }
}

impl OutputBoard for PiOutputs {
    fn set(&mut self, number: u32, drive: Drive) -> Result<(), OutputFault> {
        let (pin, active) = self.pin(number)?;
        if (drive == Drive::Energised) == (*active == Active::High) {
            pin.set_high()
        } else {
            pin.set_low()
        }
        Ok(())
    }

    fn read(&mut self, number: u32) -> Result<Option<Drive>, OutputFault> {
        let (pin, active) = self.pin(number)?;
        let energised = pin.is_set_high() == (*active == Active::High);
        Ok(Some(if energised { Drive::Energised } else { Drive::Deenergised }))
    }
}
