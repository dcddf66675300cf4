//! How large a proportion is, after so many of so many.

use statrs::distribution::{Beta, ContinuousCDF as _};

/// The interval of Clopper and Pearson: it holds the proportion at least as often as `confidence` says, however small the
/// number of trials. Nothing for no trial, or for more hits than trials.
pub fn interval(hits: u64, trials: u64, confidence: f64) -> Option<(f64, f64)> {
    let misses = trials.checked_sub(hits).filter(|_| trials > 0)?;
    let tail = (1.0 - confidence) / 2.0;
    let (hits, misses) = (hits as f64, misses as f64);
    let low = if hits == 0.0 { 0.0 } else { Beta::new(hits, misses + 1.0).ok()?.inverse_cdf(tail) };
    let high = if misses == 0.0 { 1.0 } else { Beta::new(hits + 1.0, misses).ok()?.inverse_cdf(1.0 - tail) };
    Some((low, high))
}

/// The 95 % interval of a share of which `hits` of `all` are a sample: Wilson's score interval,
/// (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96.
pub fn wilson(hits: usize, all: usize) -> (f64, f64) {
    if all == 0 {
        return (0.0, 1.0);
    }
    let (z, n) = (1.96_f64, all as f64);
    let p = hits as f64 / n;
    let (centre, scale) = (p + z * z / (2.0 * n), 1.0 + z * z / n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0))
}

/// How many passes without a failure prove a reliability with a confidence: the success run. Nothing if no number does.
pub fn success_run(reliability: f64, confidence: f64) -> Option<u64> {
    let is_open = |share: f64| share > 0.0 && share < 1.0;
    let runs = ((1.0 - confidence).ln() / reliability.ln()).ceil();
    (is_open(reliability) && is_open(confidence) && runs < 1e15).then_some((runs as u64).max(1))
}

#[cfg(test)]
mod tests {
    use super::{interval, success_run};

    #[test]
    fn a_success_run_is_as_long_as_the_tables_have_it() {
        for (reliability, confidence, runs) in
            [(0.99, 0.95, 299), (0.95, 0.95, 59), (0.9, 0.9, 22), (0.999, 0.9, 2302), (0.5, 0.5, 1)]
        {
            assert_eq!(success_run(reliability, confidence), Some(runs), "{reliability}, {confidence}");
        }
        for (reliability, confidence) in
            [(1.0, 0.95), (0.0, 0.9), (0.9, 1.0), (f64::NAN, 0.9), (0.9, f64::NAN)]
        {
            assert_eq!(success_run(reliability, confidence), None, "{reliability}, {confidence}");
        }
    }

    /// What statsmodels 0.15.0 and the closed forms for none and all say.
    #[test]
    fn the_interval_is_that_of_clopper_and_pearson() {
        let is = |hits, trials, low: f64, high: f64| {
            let (from, to) = interval(hits, trials, 0.95).expect("an interval");
            assert!(
                (from - low).abs() < 1e-5 && (to - high).abs() < 1e-5,
                "{hits} of {trials}: {from} to {to}"
            );
        };
        is(0, 59, 0.0, 0.060_608);
        is(0, 299, 0.0, 0.012_262);
        for trials in [1_u64, 2, 10, 1_000, 100_000] {
            let bound = 0.025_f64.powf(1.0 / trials as f64);
            is(trials, trials, bound, 1.0);
            is(0, trials, 0.0, 1.0 - bound);
        }
        // A symmetric one, by its own definition.
        let (from, to) = interval(5, 10, 0.95).expect("an interval");
        assert!((from + to - 1.0).abs() < 1e-9 && (from - 0.187_086).abs() < 1e-5, "{from} to {to}");
        assert_eq!(interval(0, 0, 0.95), None);
        assert_eq!(interval(3, 2, 0.95), None);
    }
}
