//! Where a lock's answer changes: the shortest hold that resets it, the lowest supply at which it does. Each trial says
//! yes or no, and a lock that is not sharp says the wrong one now and then near to the edge.
//!
//! What is known is a probability for each pair of a threshold and a spread (logistic, which is near to a normal
//! distribution), and a small one for an answer that is wrong anywhere. The next trial is made where it tells most; the
//! interval is the shortest that holds 95 % of the probability. A test measures how often it holds the truth.

/// Thresholds that are told apart, evenly in their logarithm.
const STEPS: u32 = 6_000;
/// Spreads that are told apart, each twice as large as the one before.
const SPREADS: usize = 12;
/// The first of them, as a share of the largest value.
const FIRST_SPREAD: f64 = 2e-5;
/// How often a lock answers wrongly wherever it is asked.
const LAPSES: f64 = 0.0005;
/// What the interval holds. A little more than is stated, for spreads that are no logistic ones.
const HELD: f64 = 0.98;
/// While the ends of the interval are so many times apart, halving it tells most.
const FAR: f64 = 1.25;
/// Places that are thought of for a trial.
const CANDIDATES: usize = 16;
/// What is less likely is left out of what is thought of.
const NEGLIGIBLE: f64 = 1e-9;
/// And what is less likely than this stays so.
const IMPOSSIBLE: f64 = 1e-30;

/// What trials say of a threshold.
#[derive(Clone, Debug)]
pub struct Threshold {
    high: f64,
    /// Where each step is.
    values: Vec<f64>,
    /// Probability of each threshold, for each spread.
    beliefs: Vec<Vec<f64>>,
}

/// A threshold as it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value above and below which it lies as likely.
    pub value: f64,
    /// Lower end of the interval (95 %).
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// Standard deviation of the lock's own threshold from trial to trial.
    pub spread: f64,
}

impl Threshold {
    /// A threshold somewhere between two values, `low` above 0 and below `high`.
    pub fn between(low: f64, high: f64) -> Self {
        // A lock is rather sharp than not.
        let likely = |spread| 0.83_f64.powi(i32::try_from(spread).unwrap_or(0)) / f64::from(STEPS);
        let beliefs = (0..SPREADS).map(|spread| vec![likely(spread); STEPS as usize]).collect();
        let value = |step| low * (high / low).powf((f64::from(step) + 0.5) / f64::from(STEPS));
        Self { high, values: (0..STEPS).map(value).collect(), beliefs }
    }

    /// The scale of a logistic distribution.
    fn scale(&self, spread: usize) -> f64 {
        let share = 2_f64.powi(i32::try_from(spread).unwrap_or(0));
        self.high * FIRST_SPREAD * share * 3_f64.sqrt() / std::f64::consts::PI
    }

    /// What a trial at a value answered.
    pub fn hear(&mut self, value: f64, answer: bool) {
        let scales: Vec<f64> = (0..SPREADS).map(|spread| self.scale(spread)).collect();
        for (beliefs, scale) in self.beliefs.iter_mut().zip(scales) {
            let likely = beliefs.iter_mut().zip(&self.values).filter(|(belief, _)| **belief > IMPOSSIBLE);
            for (belief, threshold) in likely {
                let yes = yes(*threshold, value, scale);
                *belief *= if answer { yes } else { 1.0 - yes };
            }
        }
        let sum: f64 = self.beliefs.iter().flatten().sum();
        if sum > 0.0 {
            self.beliefs.iter_mut().flatten().for_each(|belief| *belief /= sum);
        }
    }

    /// The probability of each threshold, whatever the spread.
    fn marginal(&self) -> Vec<f64> {
        (0..self.values.len()).map(|step| self.beliefs.iter().map(|beliefs| beliefs[step]).sum()).collect()
    }

    fn quantile(&self, marginal: &[f64], share: f64) -> f64 {
        let mut sum = 0.0;
        for (value, probability) in self.values.iter().zip(marginal) {
            sum += probability;
            if sum >= share {
                return *value;
            }
        }
        self.high
    }

    /// Where the next trial tells most: what it leaves unknown of threshold and spread is the least, on average over
    /// its two answers (the psi method of Kontsevich and Tyler, 1999).
    pub fn next(&self) -> f64 {
        let marginal = self.marginal();
        let found = self.estimate();
        if found.to > found.from * FAR {
            return found.value;
        }
        let places =
            (1..CANDIDATES).map(|number| self.quantile(&marginal, number as f64 / CANDIDATES as f64));
        let least = places.map(|place| (self.unknown_after(place), place)).min_by(|a, b| a.0.total_cmp(&b.0));
        least.map_or(found.value, |(_, place)| place)
    }

    /// The entropy that is left after a trial, as far as it depends on where the trial is made.
    fn unknown_after(&self, place: f64) -> f64 {
        // Of each answer its probability, and the sum of p log p.
        let mut answers = [(0.0, 0.0); 2];
        for (spread, beliefs) in self.beliefs.iter().enumerate() {
            let scale = self.scale(spread);
            let likely = beliefs.iter().zip(&self.values).filter(|(belief, _)| **belief > NEGLIGIBLE);
            for (belief, threshold) in likely {
                let yes = yes(*threshold, place, scale);
                for (answer, share) in answers.iter_mut().zip([yes, 1.0 - yes]) {
                    let joint = belief * share;
                    answer.0 += joint;
                    answer.1 += joint * joint.ln();
                }
            }
        }
        answers.iter().map(|(sum, product)| sum * sum.max(f64::MIN_POSITIVE).ln() - product).sum()
    }

    /// What is known now.
    pub fn estimate(&self) -> Estimate {
        let marginal = self.marginal();
        let tail = (1.0 - HELD) / 2.0;
        let spread = (0..SPREADS)
            .map(|spread| self.scale(spread) * self.beliefs[spread].iter().sum::<f64>())
            .sum::<f64>();
        Estimate {
            value: self.quantile(&marginal, 0.5),
            from: self.quantile(&marginal, tail),
            to: self.quantile(&marginal, 1.0 - tail),
            spread: spread * std::f64::consts::PI / 3_f64.sqrt(),
        }
    }
}

/// How likely a trial at a value is to answer yes.
fn yes(threshold: f64, value: f64, scale: f64) -> f64 {
    let yes = 1.0 / (1.0 + ((threshold - value) / scale).exp());
    LAPSES + (1.0 - 2.0 * LAPSES) * yes
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    use super::{Estimate, Threshold};

    const LOCKS: u64 = 200;

    /// What a lock adds to its threshold in a trial.
    type Noise = fn(&mut ChaCha8Rng) -> f64;

    fn uniform(random: &mut ChaCha8Rng) -> f64 {
        f64::from(random.next_u32()) / f64::from(u32::MAX)
    }

    /// A lock whose threshold is somewhere between 2 s and 40 s, and differs from trial to trial.
    fn measured(seed: u64, noise: Noise) -> (f64, Estimate) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let truth = 2.0 + 38.0 * uniform(&mut random);
        let mut threshold = Threshold::between(0.5, 60.0);
        for _ in 0..20 {
            let value = threshold.next();
            threshold.hear(value, value >= truth + noise(&mut random));
        }
        (truth, threshold.estimate())
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        let kinds: [(&str, Noise); 3] = [
            ("none", |_| 0.0),
            ("30 ms either way", |random| 0.03 * (2.0 * uniform(random) - 1.0)),
            ("a standard deviation of 30 ms", |random| {
                let radius = (-2.0 * uniform(random).max(1e-12).ln()).sqrt();
                0.03 * radius * (std::f64::consts::TAU * uniform(random)).cos()
            }),
        ];
        for (jitter, noise) in kinds {
            let all: Vec<(f64, Estimate)> =
                (0..LOCKS).into_par_iter().map(|seed| measured(seed, noise)).collect();
            let held = all.iter().filter(|(truth, found)| (found.from..=found.to).contains(truth)).count();
            assert!(held >= 190, "{jitter}: {held} of {LOCKS}");
            let width = all.iter().map(|(truth, found)| (found.to - found.from) / truth).sum::<f64>();
            assert!(width / (LOCKS as f64) < 0.08, "{jitter}: {:.1} % wide", width / LOCKS as f64 * 100.0);
            let off = all.iter().map(|(truth, found)| (found.value - truth).abs() / truth).sum::<f64>();
            assert!(off / (LOCKS as f64) < 0.005, "{jitter}: {:.2} % off", off / LOCKS as f64 * 100.0);
        }
    }
}
