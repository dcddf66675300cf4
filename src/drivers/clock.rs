//! The monotonic clock that edges are stamped with and played on.

use std::time::SystemTime;

use jiff::Timestamp;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::unit::{Duration, Moment};

/// What the clock shows now.
pub fn now() -> Moment {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    Moment::from_nanoseconds(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
}

/// The date and time in UTC, as this machine has them.
///
/// # Errors
/// Its clock shows a date that no calendar has.
pub fn utc() -> Result<Timestamp, NoDate> {
    date(SystemTime::now())
}

/// The machine's clock is set to a date that can't be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this machine's clock shows no possible date: set it")]
pub struct NoDate;

fn date(time: SystemTime) -> Result<Timestamp, NoDate> {
    Timestamp::try_from(time).map_err(|_| NoDate)
}

/// Sleeps until the clock shows `moment`; a signal may end it earlier.
pub fn sleep_until(moment: Moment) {
    // An interrupted sleep is seen by whoever looks at the clock next.
    let _ = clock_nanosleep_absolute(ClockId::Monotonic, &timespec(moment.as_nanoseconds()));
}

/// A time-out for `poll`.
pub fn timeout(length: Duration) -> Timespec {
    timespec(length.as_nanoseconds())
}

fn timespec(nanoseconds: u64) -> Timespec {
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX);
    // Less than a thousand million always fits.
    let rest = i64::try_from(nanoseconds % 1_000_000_000).unwrap_or(0);
    Timespec { tv_sec: seconds, tv_nsec: rest as _ }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_at_an_absurd_date_is_an_error() {
        let years = |count: u64| std::time::Duration::from_secs(count * 365 * 24 * 3_600);
        assert_eq!(date(SystemTime::UNIX_EPOCH + years(20_000)), Err(NoDate));
        assert!(date(SystemTime::UNIX_EPOCH - years(100)).is_ok());
        assert!(utc().is_ok());
    }
}
