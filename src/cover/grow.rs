//! A first array: each row begins with a combination that is open, and takes level by level what closes most.
//! Of several rows made so, the best one is kept.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::Problem;
use super::counts::{Gains, Open};
use super::space::{Partial, Space, Value};

/// So many rows are made for each that is kept, of a small array.
pub(super) const TRIES: usize = 10;

/// Random numbers, the same on every machine.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new() -> Self {
        Self(ChaCha8Rng::seed_from_u64(1))
    }

    pub(super) fn number(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number below another, which is not 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let drawn = u64::from(self.number()) * limit as u64;
        usize::try_from(drawn >> 32).unwrap_or(0)
    }
}

/// A row in the making.
struct Row {
    values: Partial,
    chosen: Vec<Value>,
    /// What each value would close besides.
    gains: Gains,
    gain: u32,
}

/// Rows that close everything that is open, each the best of so many.
pub(super) fn rows(space: &Space, mut open: Open, tries: usize) -> Result<Vec<Vec<Value>>, Problem> {
    let mut dice = Dice::new();
    let mut rows = Vec::new();
    let mut factors: Vec<usize> = (0..space.factors()).collect();
    let mut row =
        Row { values: vec![None; space.factors()], chosen: Vec::new(), gains: Gains::default(), gain: 0 };
    while !open.is_done() {
        let mut best: Option<(u32, Vec<Value>)> = None;
        let degrees = open.degrees();
        let most = degrees.iter().copied().max().unwrap_or(0);
        let firsts: Vec<usize> = (0..degrees.len()).filter(|value| degrees[*value] == most).collect();
        for _ in 0..tries {
            let first = super::space::number(firsts[dice.below(firsts.len())]);
            let Some(seed) = open.with(first, dice.number()) else { break };
            for index in (1..factors.len()).rev() {
                factors.swap(index, dice.below(index + 1));
            }
            row.begin();
            seed.iter().for_each(|value| row.choose(space, &open, *value));
            row.complete(space, &open, &factors, &mut dice)?;
            if best.as_ref().is_none_or(|(gain, _)| row.gain > *gain) {
                best = Some((row.gain, row.values.iter().flatten().copied().collect()));
            }
        }
        // What is open can be: a row that begins with it closes it at least.
        let Some((_, made)) = best else { break };
        open.close(&made);
        rows.push(made);
    }
    Ok(rows)
}

impl Row {
    fn begin(&mut self) {
        self.values.fill(None);
        self.chosen.clear();
        self.gains.clear();
        self.gain = 0;
    }

    fn choose(&mut self, space: &Space, open: &Open, value: Value) {
        self.values[space.owner(value)] = Some(value);
        open.count(&mut self.gains, value, &self.chosen);
        self.chosen.push(value);
    }

    /// Chooses the rest: for each factor what closes most of what can still be, by chance among equals.
    fn complete(
        &mut self,
        space: &Space,
        open: &Open,
        factors: &[usize],
        dice: &mut Dice,
    ) -> Result<(), Problem> {
        let mut ranked: Vec<(u32, Value)> = Vec::new();
        for factor in factors {
            if self.values[*factor].is_some() {
                continue;
            }
            ranked.clear();
            let gains = space.values(*factor).map(|value| (self.gains.of(value), value));
            ranked.extend(gains);
            // Among equals, the first from a place that is drawn.
            let from = dice.below(ranked.len());
            ranked.rotate_left(from);
            if space.is_free() {
                let best = ranked.iter().rev().max_by_key(|(gain, _)| *gain);
                if let Some((gain, value)) = best.copied() {
                    self.gain += gain;
                    self.choose(space, open, value);
                }
                continue;
            }
            ranked.sort_by_key(|(gain, _)| std::cmp::Reverse(*gain));
            for (gain, value) in ranked.iter().copied() {
                self.values[*factor] = Some(value);
                if space.completes(&self.values)? {
                    self.gain += gain;
                    self.choose(space, open, value);
                    break;
                }
                self.values[*factor] = None;
            }
        }
        Ok(())
    }
}
