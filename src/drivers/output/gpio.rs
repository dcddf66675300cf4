//! Lines of a kernel GPIO chip.

use gpiocdev::Request;
use gpiocdev::chip::Chip;
use gpiocdev::line::Value;

use crate::drivers::gpio::{self, Refused};
use crate::rig::{Active, Drive};

use super::{OutputBoard, OutputFault};

/// Lines that this process holds: the kernel lets nobody else have them.
pub(super) struct GpioOutputs {
    request: Request,
    chip: String,
}

impl GpioOutputs {
    pub(super) fn open(chip: &str, lines: &[(u32, Active)], consumer: &str) -> Result<Self, OutputFault> {
        Self::on(&gpio::find(chip).map_err(OutputFault::Broken)?, lines, consumer)
    }

    /// Lines of a chip that was found.
    pub(super) fn on(chip: &Chip, lines: &[(u32, Active)], consumer: &str) -> Result<Self, OutputFault> {
        let mut request = Request::builder();
        request.on_chip(chip.path()).with_consumer(consumer);
        for (number, active) in lines {
            request.with_line(*number).as_output(Value::Inactive);
            match active {
                Active::High => request.as_active_high(),
                Active::Low => request.as_active_low(),
            };
        }
        let request = request.request().map_err(|error| {
            let numbers: Vec<u32> = lines.iter().map(|(number, _)| *number).collect();
            match gpio::refusal(chip, &numbers, &error) {
                Refused::Busy { what, holder } => OutputFault::Busy { what, holder },
                Refused::Broken(reason) => OutputFault::Broken(reason),
            }
        })?;
        Ok(Self { request, chip: chip.name() })
    }

    fn broken(&self, number: u32, error: &gpiocdev::Error) -> OutputFault {
        OutputFault::Broken(format!("line {number} of {}: {error}", self.chip))
    }
}

impl OutputBoard for GpioOutputs {
    fn set(&mut self, number: u32, drive: Drive) -> Result<(), OutputFault> {
        let value = if drive == Drive::Energised { Value::Active } else { Value::Inactive };
        self.request.set_value(number, value).map(drop).map_err(|error| self.broken(number, &error))
    }

    fn read(&mut self, number: u32) -> Result<Option<Drive>, OutputFault> {
        let value = self.request.value(number).map_err(|error| self.broken(number, &error))?;
        Ok(Some(if value == Value::Active { Drive::Energised } else { Drive::Deenergised }))
    }
}
