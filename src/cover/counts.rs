//! Which combinations are still open, as bits: how many of them a level would close is a matter of a few words.

use super::space::{Partial, Space, Value};
use super::{Problem, Strength};

/// Levels of all factors together of which any two are covered, and any three.
const MOST: [usize; 2] = [4_096, 256];
const WORD: usize = 64;

/// The combinations that no row has yet. For each beginning (a value, or two in any order) a bit for each value that
/// completes an open combination.
#[derive(Clone)]
pub(super) struct Open {
    strength: Strength,
    levels: usize,
    words: usize,
    bits: Vec<u64>,
    left: usize,
    /// How many open combinations each value is in.
    degrees: Vec<u32>,
}

/// A number for each value. The lowest bits of 64 values stand together, then their next ones, so that all of them are
/// added to at once.
#[derive(Default)]
pub(super) struct Gains {
    bits: Vec<u64>,
    /// So many bits have the largest of them.
    depth: usize,
}

/// No value closes more than 2^16 combinations in a row.
const DEPTH: usize = 16;

impl Gains {
    pub(super) fn clear(&mut self) {
        self.bits.fill(0);
    }

    /// Adds one to each value whose bit is set.
    fn add(&mut self, words: &[u64]) {
        self.bits.resize(words.len() * DEPTH, 0);
        for (sums, word) in self.bits.chunks_mut(DEPTH).zip(words) {
            let mut carry = *word;
            for (place, sum) in sums.iter_mut().enumerate() {
                if carry == 0 {
                    break;
                }
                (*sum, carry) = (*sum ^ carry, *sum & carry);
                self.depth = self.depth.max(place + 1);
            }
        }
    }

    pub(super) fn of(&self, value: Value) -> u32 {
        let (from, bit) = (value as usize / WORD * DEPTH, value as usize % WORD);
        let sums = self.bits[from..from + self.depth].iter().rev();
        sums.fold(0, |sum, bits| sum << 1 | (bits >> bit & 1) as u32)
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
        let mut open = Self {
            strength,
            levels,
            words,
            bits: vec![0; begins * words],
            left: 0,
            degrees: vec![0; levels],
        };
        let mut least = 0;
        let mut partial: Partial = vec![None; space.factors()];
        let mut choices = Vec::new();
        let all: Vec<usize> = (0..space.factors()).collect();
        combinations(&all, strength, |factors| choices.push(factors.to_vec()));
        for factors in choices {
            let mut here = 0;
            let mut problem = None;
            each(space, &factors, |values| {
                let is_possible = space.is_free() || {
                    factors.iter().zip(values).for_each(|(factor, value)| partial[*factor] = Some(*value));
                    let completes = space.completes(&partial);
                    factors.iter().for_each(|factor| partial[*factor] = None);
                    completes.unwrap_or_else(|found| {
                        problem = Some(found);
                        false
                    })
                };
                if is_possible {
                    open.open(values);
                    values.iter().for_each(|value| open.degrees[*value as usize] += 1);
                    here += 1;
                }
            });
            if let Some(problem) = problem {
                return Err(problem);
            }
            // No row has two combinations of the same factors.
            least = least.max(here);
            open.left += here;
        }
        Ok((open, least))
    }

    pub(super) fn is_done(&self) -> bool {
        self.left == 0
    }

    fn word(&self, first: Value, second: Option<Value>) -> usize {
        let begin = second.map_or(first as usize, |second| first as usize * self.levels + second as usize);
        begin * self.words
    }

    /// Opens a combination, in each order of its values.
    fn open(&mut self, values: &[Value]) {
        let mut put = |first: Value, second: Option<Value>, last: Value| {
            let word = self.word(first, second) + last as usize / WORD;
            self.bits[word] |= 1 << (last as usize % WORD);
        };
        match *values {
            [a, b] => {
                put(a, None, b);
                put(b, None, a);
            }
            [a, b, c] => {
                for (x, y, z) in [(a, b, c), (b, a, c), (a, c, b), (c, a, b), (b, c, a), (c, b, a)] {
                    put(x, Some(y), z);
                }
            }
            _ => {}
        }
    }

    /// Counts what each value would close besides, once this one stands beside those that were chosen.
    pub(super) fn count(&self, gains: &mut Gains, value: Value, chosen: &[Value]) {
        let words = |from: usize| &self.bits[from..from + self.words];
        match self.strength {
            Strength::Pairwise => gains.add(words(self.word(value, None))),
            Strength::ThreeWise => {
                chosen.iter().for_each(|other| gains.add(words(self.word(value, Some(*other)))));
            }
        }
    }

    /// How many open combinations each value is in.
    pub(super) fn degrees(&self) -> &[u32] {
        &self.degrees
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
        let mut mask = vec![0; self.words];
        row.iter().for_each(|value| mask[*value as usize / WORD] |= 1 << (*value as usize % WORD));
        let mut closed = 0;
        for first in row {
            let mut of_first = 0;
            match self.strength {
                Strength::Pairwise => of_first += self.clear(self.word(*first, None), &mask),
                Strength::ThreeWise => {
                    for second in row.iter().filter(|second| *second != first) {
                        of_first += self.clear(self.word(*first, Some(*second)), &mask);
                    }
                    // Each of its combinations was met in both orders of the other two.
                    of_first /= 2;
                }
            }
            self.degrees[*first as usize] -= of_first;
            closed += of_first as usize;
        }
        // And each in the turn of each of its values.
        self.left -= closed / self.strength.factors();
    }

    /// Clears bits of some words, and counts those that were set.
    fn clear(&mut self, from: usize, mask: &[u64]) -> u32 {
        let mut cleared = 0;
        for (word, mask) in self.bits[from..from + self.words].iter_mut().zip(mask) {
            if *word & mask != 0 {
                cleared += (*word & mask).count_ones();
                *word &= !mask;
            }
        }
        cleared
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

/// Hands on the combinations of values of two or three factors.
fn each(space: &Space, factors: &[usize], mut visit: impl FnMut(&[Value])) {
    match *factors {
        [a, b] => space.values(a).for_each(|x| space.values(b).for_each(|y| visit(&[x, y]))),
        [a, b, c] => space.values(a).for_each(|x| {
            space.values(b).for_each(|y| space.values(c).for_each(|z| visit(&[x, y, z])));
        }),
        _ => {}
    }
}
