//! Fewer rows: one row less, and the rest is changed, one level at a time, until it covers everything again. A level
//! that was left is not come back to for a while (tabu search, after K. J. Nurmela, "Upper bounds for covering arrays
//! by tabu search", 2004).

use super::counts::combinations;
use super::grow::Dice;
use super::space::{Space, Value};
use super::{Effort, Strength};

/// A level that was left may be taken again after so many changes, and up to as many more by chance.
const RESTS: u64 = 2;

/// An array that is being changed: how many rows have each combination, and which ones no row has.
struct Array<'a> {
    space: &'a Space,
    strength: Strength,
    rows: Vec<Vec<Value>>,
    counts: Vec<u32>,
    /// Combinations that no row has.
    missing: Vec<usize>,
    /// Where each of them stands.
    places: Vec<usize>,
    looks: u64,
}

/// A level of a row that becomes another one.
#[derive(Clone, Copy)]
struct Change {
    row: usize,
    factor: usize,
    value: Value,
}

/// The rows, or fewer that do the same.
pub(super) fn fewer(
    space: &Space,
    strength: Strength,
    rows: Vec<Vec<Value>>,
    least: usize,
    effort: Effort,
) -> Vec<Vec<Value>> {
    let enough = effort.enough.max(least);
    let mut best = rows;
    if best.len() <= enough {
        return best;
    }
    let mut array = Array::new(space, strength, best.clone());
    let all = array.counts.iter().filter(|count| **count > 0).count();
    let most = effort.looks.saturating_mul(all as u64);
    let mut dice = Dice::new();
    while best.len() > enough && array.looks < most {
        array.drop_one();
        if !array.mend(&mut dice, most) {
            break;
        }
        best.clone_from(&array.rows);
    }
    best
}

impl<'a> Array<'a> {
    fn new(space: &'a Space, strength: Strength, rows: Vec<Vec<Value>>) -> Self {
        let size = space.levels().pow(if strength == Strength::Pairwise { 2 } else { 3 });
        let mut array = Self {
            space,
            strength,
            rows: Vec::new(),
            counts: vec![0; size],
            missing: Vec::new(),
            places: vec![0; size],
            looks: 0,
        };
        for row in &rows {
            combinations(row, strength, |values| array.counts[index(space, values)] += 1);
        }
        array.rows = rows;
        array
    }

    /// Leaves out the row that is missed least.
    fn drop_one(&mut self) {
        let missed = |row: &Vec<Value>| {
            let mut alone = 0;
            combinations(row, self.strength, |values| {
                alone += usize::from(self.counts[index(self.space, values)] == 1);
            });
            alone
        };
        let Some((least, _)) = self.rows.iter().enumerate().min_by_key(|(_, row)| missed(row)) else {
            return;
        };
        let row = self.rows.swap_remove(least);
        let (space, strength) = (self.space, self.strength);
        combinations(&row, strength, |values| self.leave(index(space, values)));
    }

    /// Changes rows until they cover everything; `false` if that takes too long.
    fn mend(&mut self, dice: &mut Dice, most: u64) -> bool {
        let factors = self.space.factors();
        // Until when a level of a row stays as it is.
        let mut rests = vec![0_u64; self.rows.len() * factors];
        let mut fewest = self.missing.len();
        let mut changes = 0_u64;
        while !self.missing.is_empty() {
            if self.looks > most {
                return false;
            }
            changes += 1;
            let wanted = self.missing[dice.below(self.missing.len())];
            let wanted = self.values(wanted);
            let mut chosen: Option<(i64, Change)> = None;
            let mut equals = 0;
            for row in 0..self.rows.len() {
                self.looks += 1;
                let Some(change) = self.one_away(row, &wanted) else { continue };
                if !self.keeps(change) {
                    continue;
                }
                let gain = self.gain(change);
                let missing = i64::try_from(self.missing.len()).unwrap_or(i64::MAX);
                let is_resting = rests[row * factors + change.factor] > changes;
                if is_resting && missing - gain >= i64::try_from(fewest).unwrap_or(i64::MAX) {
                    continue;
                }
                match chosen {
                    Some((best, _)) if gain < best => continue,
                    Some((best, _)) if gain == best => {
                        equals += 1;
                        if dice.below(equals) != 0 {
                            continue;
                        }
                    }
                    Some(_) | None => equals = 1,
                }
                chosen = Some((gain, change));
            }
            match chosen {
                Some((_, change)) => {
                    self.change(change);
                    rests[change.row * factors + change.factor] =
                        changes + RESTS + dice.below(RESTS as usize) as u64;
                }
                None => self.force(&wanted, dice),
            }
            fewest = fewest.min(self.missing.len());
        }
        true
    }

    /// The change that gives a row a combination, if it takes a single one.
    fn one_away(&self, row: usize, wanted: &[Value]) -> Option<Change> {
        let here = &self.rows[row];
        let mut others = wanted.iter().filter(|value| here[self.space.owner(**value)] != **value);
        let value = *others.next()?;
        others.next().is_none().then(|| Change { row, factor: self.space.owner(value), value })
    }

    /// Whether nothing is excluded by a change.
    fn keeps(&mut self, change: Change) -> bool {
        if self.space.is_free() {
            return true;
        }
        let before = std::mem::replace(&mut self.rows[change.row][change.factor], change.value);
        let keeps = self.space.permits(&self.rows[change.row], change.factor);
        self.rows[change.row][change.factor] = before;
        keeps
    }

    /// How many more combinations are covered after a change.
    fn gain(&mut self, change: Change) -> i64 {
        let row = &self.rows[change.row];
        let before = row[change.factor];
        let mut gain = 0;
        beside(row, change.factor, self.strength, |others| {
            gain += i64::from(self.counts[index_with(self.space, others, change.value)] == 0);
            gain -= i64::from(self.counts[index_with(self.space, others, before)] == 1);
        });
        self.looks += row.len() as u64;
        gain
    }

    fn change(&mut self, change: Change) {
        let row = std::mem::take(&mut self.rows[change.row]);
        let before = row[change.factor];
        beside(&row, change.factor, self.strength, |others| {
            self.leave(index_with(self.space, others, before));
            self.take(index_with(self.space, others, change.value));
        });
        self.rows[change.row] = row;
        self.rows[change.row][change.factor] = change.value;
    }

    /// A row has a combination no more.
    fn leave(&mut self, index: usize) {
        self.counts[index] -= 1;
        if self.counts[index] == 0 {
            self.places[index] = self.missing.len();
            self.missing.push(index);
        }
    }

    /// A row has a combination.
    fn take(&mut self, index: usize) {
        let place = self.places[index];
        if self.counts[index] == 0 && self.missing.get(place) == Some(&index) {
            self.missing.swap_remove(place);
            if let Some(moved) = self.missing.get(place) {
                self.places[*moved] = place;
            }
        }
        self.counts[index] += 1;
    }

    /// Gives some row a combination that none is near to: all at once, for what stands between may be excluded.
    fn force(&mut self, wanted: &[Value], dice: &mut Dice) {
        let row = dice.below(self.rows.len());
        let mut after = self.rows[row].clone();
        wanted.iter().for_each(|value| after[self.space.owner(*value)] = *value);
        if !(0..after.len()).all(|factor| self.space.permits(&after, factor)) {
            return;
        }
        let (space, strength) = (self.space, self.strength);
        let before = std::mem::replace(&mut self.rows[row], after.clone());
        combinations(&before, strength, |values| self.leave(index(space, values)));
        combinations(&after, strength, |values| self.take(index(space, values)));
    }

    fn values(&self, index: usize) -> Vec<Value> {
        let levels = self.space.levels();
        let digit = |value: usize| super::space::number(value);
        match self.strength {
            Strength::Pairwise => vec![digit(index / levels), digit(index % levels)],
            Strength::ThreeWise => {
                vec![digit(index / levels / levels), digit(index / levels % levels), digit(index % levels)]
            }
        }
    }
}

/// The number of a combination, whose values stand in the order of their factors.
fn index(space: &Space, values: &[Value]) -> usize {
    values.iter().fold(0, |index, value| index * space.levels() + *value as usize)
}

/// The number of a combination of values in their order, and one more.
fn index_with(space: &Space, others: &[Value], value: Value) -> usize {
    let levels = space.levels();
    match *others {
        [a] if a < value => a as usize * levels + value as usize,
        [a] => value as usize * levels + a as usize,
        [a, b] if b < value => (a as usize * levels + b as usize) * levels + value as usize,
        [a, b] if a < value => (a as usize * levels + value as usize) * levels + b as usize,
        [a, b] => (value as usize * levels + a as usize) * levels + b as usize,
        _ => 0,
    }
}

/// Hands on what a factor's level stands beside, in its combinations.
fn beside(row: &[Value], factor: usize, strength: Strength, mut visit: impl FnMut(&[Value])) {
    let others = |from: usize| row.iter().enumerate().skip(from).filter(move |(index, _)| *index != factor);
    for (index, a) in others(0) {
        match strength {
            Strength::Pairwise => visit(&[*a]),
            Strength::ThreeWise => others(index + 1).for_each(|(_, b)| visit(&[*a, *b])),
        }
    }
}
