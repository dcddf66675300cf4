//! Which combinations are still open, as bits: how many of them a level would close is a matter of a few words.

use super::space::{Partial, Space, Value};
use super::{Problem, Strength};

/// Levels of all factors together of which any two are covered, and any three.
const MOST: [usize; 2] = [4_096, 256];
const WORD: usize = 64;

/// The combinations that no row has yet. For each beginning (a value, or two in any order) a bit for each value that
/// completes an open combination.
pub(super) struct Open {
    strength: Strength,
    levels: usize,
    words: usize,
    bits: Vec<u64>,
    left: usize,
}

/// Values of a row, as bits.
#[derive(Clone)]
pub(super) struct Mask(Vec<u64>);

impl Mask {
    pub(super) fn add(&mut self, value: Value) {
        self.0[value as usize / WORD] |= 1 << (value as usize % WORD);
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }
}

impl Open {
    /// All combinations that can be, and how many rows there are at least.
    pub(super) fn new(space: &Space, strength: Strength) -> Result<(Self, usize), Problem> {
        let levels = space.levels();
        let most = match strength {
            Strength::Pairwise => MOST[0],
            Strength::ThreeWise => MOST[1],
        };
        if levels > most {
            return Err(Problem::TooLarge { levels, most });
        }
        let words = levels.div_ceil(WORD);
        let begins = match strength {
            Strength::Pairwise => levels,
            Strength::ThreeWise => levels * levels,
        };
        let mut open = Self { strength, levels, words, bits: vec![0; begins * words], left: 0 };
        let mut least = 0;
        let mut partial: Partial = vec![None; space.factors()];
        let mut choices = Vec::new();
        let all: Vec<usize> = (0..space.factors()).collect();
        combinations(&all, strength, |factors| choices.push(factors.to_vec()));
        for factors in choices {
            let mut here = 0;
            for values in values(space, &factors) {
                let is_possible = space.is_free() || {
                    factors.iter().zip(&values).for_each(|(factor, value)| partial[*factor] = Some(*value));
                    let completes = space.completes(&partial);
                    factors.iter().for_each(|factor| partial[*factor] = None);
                    completes?
                };
                if is_possible {
                    open.set(&values, true);
                    here += 1;
                }
            }
            // No row has two combinations of the same factors.
            least = least.max(here);
            open.left += here;
        }
        Ok((open, least))
    }

    pub(super) fn mask(&self) -> Mask {
        Mask(vec![0; self.words])
    }

    pub(super) fn is_done(&self) -> bool {
        self.left == 0
    }

    fn word(&self, first: Value, second: Option<Value>) -> usize {
        let begin = second.map_or(first as usize, |second| first as usize * self.levels + second as usize);
        begin * self.words
    }

    /// Opens or closes a combination, in each order of its values; whether it was not so before.
    fn set(&mut self, values: &[Value], is_open: bool) -> bool {
        let mut is_new = false;
        let mut put = |open: &mut Self, first: Value, second: Option<Value>, last: Value| {
            let index = open.word(first, second) + last as usize / WORD;
            let bit = 1_u64 << (last as usize % WORD);
            let word = &mut open.bits[index];
            is_new = (*word & bit != 0) != is_open;
            *word = if is_open { *word | bit } else { *word & !bit };
        };
        match *values {
            [a, b] => {
                put(self, a, None, b);
                put(self, b, None, a);
            }
            [a, b, c] => {
                for (x, y, z) in [(a, b, c), (b, a, c), (a, c, b), (c, a, b), (b, c, a), (c, b, a)] {
                    put(self, x, Some(y), z);
                }
            }
            _ => {}
        }
        is_new
    }

    /// How many open combinations a value would close, beside the values chosen so far.
    pub(super) fn gain(&self, value: Value, chosen: &[Value], mask: &Mask) -> u32 {
        let count = |from: usize| -> u32 {
            let words = &self.bits[from..from + self.words];
            words.iter().zip(&mask.0).map(|(open, chosen)| (open & chosen).count_ones()).sum()
        };
        match self.strength {
            Strength::Pairwise => count(self.word(value, None)),
            // Each pair of chosen values is met from both sides.
            Strength::ThreeWise => {
                chosen.iter().map(|other| count(self.word(value, Some(*other)))).sum::<u32>() / 2
            }
        }
    }

    /// How many open combinations a value is in at all.
    pub(super) fn degree(&self, value: Value) -> u32 {
        let from = self.word(value, matches!(self.strength, Strength::ThreeWise).then_some(0));
        let length = match self.strength {
            Strength::Pairwise => self.words,
            Strength::ThreeWise => self.words * self.levels,
        };
        self.bits[from..from + length].iter().map(|word| word.count_ones()).sum()
    }

    /// An open combination with this value; which one is told by a number.
    pub(super) fn with(&self, value: Value, number: u32) -> Option<Vec<Value>> {
        let others = (0..self.levels).map(|other| other as Value);
        match self.strength {
            Strength::Pairwise => {
                let from = self.word(value, None);
                Some(vec![value, pick(&self.bits[from..from + self.words], number)?])
            }
            Strength::ThreeWise => {
                let begins = others.filter(|other| {
                    let from = self.word(value, Some(*other));
                    self.bits[from..from + self.words].iter().any(|word| *word != 0)
                });
                let begins: Vec<Value> = begins.collect();
                let second = *begins.get(number as usize % begins.len().max(1))?;
                let from = self.word(value, Some(second));
                Some(vec![value, second, pick(&self.bits[from..from + self.words], number)?])
            }
        }
    }

    /// Closes what a row has.
    pub(super) fn close(&mut self, row: &[Value]) {
        combinations(row, self.strength, |values| {
            if self.set(values, false) {
                self.left -= 1;
            }
        });
    }
}

/// One of the bits that are set, told by a number.
fn pick(words: &[u64], number: u32) -> Option<Value> {
    let count: u32 = words.iter().map(|word| word.count_ones()).sum();
    let mut skip = number.checked_rem(count)?;
    for (index, word) in words.iter().enumerate() {
        let mut word = *word;
        if skip >= word.count_ones() {
            skip -= word.count_ones();
            continue;
        }
        for _ in 0..skip {
            word &= word - 1;
        }
        return Some(super::space::number(index * WORD) + word.trailing_zeros());
    }
    None
}

/// Hands on each choice of so many items out of all, in their order.
pub(super) fn combinations<T: Copy>(items: &[T], strength: Strength, mut visit: impl FnMut(&[T])) {
    for (index, a) in items.iter().enumerate() {
        for (next, b) in items.iter().enumerate().skip(index + 1) {
            match strength {
                Strength::Pairwise => visit(&[*a, *b]),
                Strength::ThreeWise => items.iter().skip(next + 1).for_each(|c| visit(&[*a, *b, *c])),
            }
        }
    }
}

/// The combinations of values of some factors.
fn values(space: &Space, factors: &[usize]) -> Vec<Vec<Value>> {
    factors.iter().fold(vec![Vec::new()], |begun, factor| {
        let longer = |begun: &Vec<Value>, value| begun.iter().copied().chain([value]).collect();
        begun.iter().flat_map(|begun| space.values(*factor).map(move |value| longer(begun, value))).collect()
    })
}
