//! How much the battery has left.

use crate::clock::comes_within;
use crate::registers::{ADC_CONFIG, ADC_ENABLE, ADC_END, ADC_RESULT, ADC_START};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Battery {
    Fine,
    /// It still opens, but wants to be changed.
    Low,
    /// The motor might stop half way.
    Empty,
}

/// 10 bit, no prescaler, the reference of 1.2 V, AIN2.
const CONFIG: u32 = 2 | 4 << 8;
/// A conversion takes 68.
const LONGEST_US: u32 = 1000;

/// What the converter reads at a voltage: 1023 stands for 1.2 V, and the battery is divided by six.
const fn reading_at(millivolts: u32) -> u32 {
    millivolts * 1023 / 7200
}

/// One that cannot be measured counts as fine: nobody shall be locked out by a broken divider.
pub fn measure() -> Battery {
    ADC_ENABLE.write(1);
    ADC_CONFIG.write(CONFIG);
    ADC_END.write(0);
    ADC_START.write(1);
    let reading = comes_within(LONGEST_US, ADC_END).then(|| ADC_RESULT.read());
    ADC_ENABLE.write(0);
    match reading {
        Some(reading) if reading < reading_at(3600) => Battery::Empty,
        Some(reading) if reading < reading_at(4800) => Battery::Low,
        Some(_) | None => Battery::Fine,
    }
}
