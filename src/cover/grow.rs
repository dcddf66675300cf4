//! A first array: each row begins with a combination that is open, and takes level by level what closes most.
//! Of several rows made so, the best one is kept.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::Problem;
use super::counts::{Mask, Open};
use super::space::{Partial, Space, Value};

/// So many rows are made for each that is kept.
const TRIES: usize = 10;

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
    mask: Mask,
    gain: u32,
}

/// Rows that close everything that is open.
pub(super) fn rows(space: &Space, open: &mut Open) -> Result<Vec<Vec<Value>>, Problem> {
    let mut dice = Dice::new();
    let mut rows = Vec::new();
    let mut factors: Vec<usize> = (0..space.factors()).collect();
    let mut row = Row { values: vec![None; space.factors()], chosen: Vec::new(), mask: open.mask(), gain: 0 };
    while !open.is_done() {
        let mut best: Option<(u32, Vec<Value>)> = None;
        let degrees: Vec<u32> =
            (0..space.levels()).map(|value| open.degree(super::space::number(value))).collect();
        let most = degrees.iter().copied().max().unwrap_or(0);
        let firsts: Vec<usize> = (0..degrees.len()).filter(|value| degrees[*value] == most).collect();
        for _ in 0..TRIES {
            let first = super::space::number(firsts[dice.below(firsts.len())]);
            let Some(seed) = open.with(first, dice.number()) else { break };
            for index in (1..factors.len()).rev() {
                factors.swap(index, dice.below(index + 1));
            }
            row.begin();
            seed.iter().for_each(|value| row.choose(space, *value));
            row.complete(space, open, &factors, &mut dice)?;
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
        self.mask.clear();
        self.gain = 0;
    }

    fn choose(&mut self, space: &Space, value: Value) {
        self.values[space.owner(value)] = Some(value);
        self.chosen.push(value);
        self.mask.add(value);
    }

    /// Chooses the rest: for each factor what closes most of what can still be, by chance among equals.
    fn complete(
        &mut self,
        space: &Space,
        open: &Open,
        factors: &[usize],
        dice: &mut Dice,
    ) -> Result<(), Problem> {
        let mut ranked: Vec<(u32, u32, Value)> = Vec::new();
        for factor in factors {
            if self.values[*factor].is_some() {
                continue;
            }
            ranked.clear();
            let gains = space.values(*factor).map(|value| open.gain(value, &self.chosen, &self.mask));
            ranked.extend(gains.zip(space.values(*factor)).map(|(gain, value)| (gain, dice.number(), value)));
            if space.is_free() {
                if let Some((gain, _, value)) = ranked.iter().max().copied() {
                    self.gain += gain;
                    self.choose(space, value);
                }
                continue;
            }
            ranked.sort_unstable_by(|a, b| b.cmp(a));
            for (gain, _, value) in ranked.iter().copied() {
                self.values[*factor] = Some(value);
                if space.completes(&self.values)? {
                    self.gain += gain;
                    self.choose(space, value);
                    break;
                }
                self.values[*factor] = None;
            }
        }
        Ok(())
    }
}
