//! What is covered: factors with levels, and what excludes what.

use super::Problem;

/// A level of a factor, numbered over all factors.
pub(super) type Value = u32;

/// A row being made: a value for each factor that has one.
pub(super) type Partial = Vec<Option<Value>>;

/// Steps of a search for a row that completes another.
const PATIENCE: usize = 20_000;
/// Combinations that are listed one by one.
const MOST_LISTED: usize = 1_000_000;

/// Levels of some factors that do not go together: a row is excluded if, for each factor named, its level is among
/// those named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion(pub Vec<(usize, Vec<usize>)>);

/// Factors, each by the number of its levels, and what excludes what.
#[derive(Clone, Debug)]
pub struct Space {
    /// The first value of each factor, and one past the last.
    starts: Vec<Value>,
    /// The factor of each value.
    owners: Vec<usize>,
    /// For each exclusion its factors, and whether it names a value of theirs.
    exclusions: Vec<(Vec<usize>, Vec<bool>)>,
    /// The exclusions that name a factor.
    concerned: Vec<Vec<usize>>,
}

/// Whether a row can be completed.
enum Completion {
    Row(Vec<Value>),
    None,
    Unknown,
}

impl Space {
    /// A space of factors with so many levels each.
    ///
    /// # Errors
    /// [`Problem`] if a factor has no level, an exclusion speaks of what there is not, or no row is left.
    pub fn new(sizes: &[usize], exclusions: &[Exclusion]) -> Result<Self, Problem> {
        if let Some(empty) = sizes.iter().position(|size| *size == 0) {
            return Err(Problem::NoLevel(empty));
        }
        let levels = sizes.iter().fold(0_usize, |sum, size| sum.saturating_add(*size));
        let most = Value::MAX as usize / 2;
        if levels > most {
            return Err(Problem::TooLarge { levels, most });
        }
        let (mut starts, mut owners) = (vec![0], Vec::with_capacity(levels));
        for (factor, size) in sizes.iter().enumerate() {
            owners.extend(std::iter::repeat_n(factor, *size));
            starts.push(number(owners.len()));
        }
        let mut space =
            Self { starts, owners, exclusions: Vec::new(), concerned: vec![Vec::new(); sizes.len()] };
        for (index, exclusion) in exclusions.iter().enumerate() {
            space.exclude(exclusion).ok_or(Problem::Unknown(index))?;
        }
        match space.completion(&vec![None; sizes.len()]) {
            Completion::Row(_) => Ok(space),
            Completion::Unknown => Err(Problem::TooHard),
            Completion::None => Err(Problem::Contradiction(culprits(sizes, exclusions))),
        }
    }

    fn exclude(&mut self, exclusion: &Exclusion) -> Option<()> {
        let mut named = vec![false; self.owners.len()];
        let mut factors = Vec::new();
        for (factor, levels) in &exclusion.0 {
            for level in levels {
                *named.get_mut(self.value(*factor, *level)? as usize)? = true;
            }
            if *factor >= self.factors() || factors.contains(factor) {
                return None;
            }
            factors.push(*factor);
        }
        for factor in &factors {
            self.concerned[*factor].push(self.exclusions.len());
        }
        // One that names nothing would exclude everything.
        if factors.is_empty() {
            return None;
        }
        self.exclusions.push((factors, named));
        Some(())
    }

    /// How many factors there are.
    pub fn factors(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many levels a factor has.
    pub(super) fn size(&self, factor: usize) -> usize {
        (self.starts[factor + 1] - self.starts[factor]) as usize
    }

    /// How many levels all have together.
    pub(super) fn levels(&self) -> usize {
        self.owners.len()
    }

    pub(super) fn owner(&self, value: Value) -> usize {
        self.owners[value as usize]
    }

    pub(super) fn values(&self, factor: usize) -> std::ops::Range<Value> {
        self.starts[factor]..self.starts[factor + 1]
    }

    pub(super) fn is_free(&self) -> bool {
        self.exclusions.is_empty()
    }

    fn value(&self, factor: usize, level: usize) -> Option<Value> {
        let values = (factor < self.factors()).then(|| self.values(factor))?;
        values.into_iter().nth(level)
    }

    /// The levels of a row, each within its factor.
    pub(super) fn levels_of(&self, row: &[Value]) -> Vec<usize> {
        row.iter().zip(&self.starts).map(|(value, start)| (value - start) as usize).collect()
    }

    /// Whether a whole row keeps the exclusions that name a factor.
    pub(super) fn permits(&self, row: &[Value], factor: usize) -> bool {
        self.concerned[factor].iter().all(|index| {
            let (factors, named) = &self.exclusions[*index];
            factors.iter().any(|factor| !named[row[*factor] as usize])
        })
    }

    /// Whether levels, given as factor and level, go together in any row at all.
    ///
    /// # Errors
    /// [`Problem::Unknown`] (with the index of what is given) for what there is not, and [`Problem::TooHard`].
    pub fn permits_together(&self, levels: &[(usize, usize)]) -> Result<bool, Problem> {
        let mut partial = vec![None; self.factors()];
        for (index, (factor, level)) in levels.iter().enumerate() {
            let value = self.value(*factor, *level).ok_or(Problem::Unknown(index))?;
            partial[*factor] = Some(value);
        }
        self.completes(&partial)
    }

    /// Some row, if there is any.
    ///
    /// # Errors
    /// [`Problem::TooHard`].
    pub fn any(&self) -> Result<Option<Vec<usize>>, Problem> {
        match self.completion(&vec![None; self.factors()]) {
            Completion::Row(row) => Ok(Some(self.levels_of(&row))),
            Completion::None => Ok(None),
            Completion::Unknown => Err(Problem::TooHard),
        }
    }

    /// Whether any row has these values.
    pub(super) fn completes(&self, partial: &Partial) -> Result<bool, Problem> {
        match self.completion(partial) {
            Completion::Row(_) => Ok(true),
            Completion::None => Ok(false),
            Completion::Unknown => Err(Problem::TooHard),
        }
    }

    /// Looks for a row with these values: the factor with the fewest levels left is tried first.
    fn completion(&self, partial: &Partial) -> Completion {
        let mut left = PATIENCE;
        let mut domains = vec![true; self.levels()];
        for (factor, chosen) in partial.iter().enumerate() {
            if let Some(chosen) = chosen {
                self.values(factor).for_each(|value| domains[value as usize] = value == *chosen);
            }
        }
        self.narrowed(domains, &mut left)
    }

    /// Whether the levels that are left hold a row.
    fn narrowed(&self, mut domains: Vec<bool>, left: &mut usize) -> Completion {
        if *left == 0 {
            return Completion::Unknown;
        }
        *left -= 1;
        if !self.propagate(&mut domains) {
            return Completion::None;
        }
        let choices = |factor: usize| self.values(factor).filter(|value| domains[*value as usize]);
        let open = (0..self.factors()).map(|factor| (choices(factor).count(), factor));
        // What no exclusion names can be anything.
        let open = open.filter(|(count, factor)| *count > 1 && !self.concerned[*factor].is_empty());
        let Some((_, factor)) = open.min() else {
            let first = |factor| choices(factor).next().unwrap_or_default();
            return Completion::Row((0..self.factors()).map(first).collect());
        };
        for value in choices(factor) {
            let mut tried = domains.clone();
            self.values(factor).for_each(|other| tried[other as usize] = other == value);
            match self.narrowed(tried, left) {
                Completion::None => {}
                found => return found,
            }
        }
        Completion::None
    }

    /// Strikes out what an exclusion leaves no room for; `false` if a factor has nothing left.
    fn propagate(&self, domains: &mut [bool]) -> bool {
        loop {
            let mut is_changed = false;
            for (factors, named) in &self.exclusions {
                // The factors that can still be something that is not named.
                let mut free = factors.iter().filter(|factor| {
                    self.values(**factor).any(|value| domains[value as usize] && !named[value as usize])
                });
                let Some(only) = free.next() else { return false };
                if free.next().is_some() {
                    continue;
                }
                for value in self.values(*only).map(|value| value as usize) {
                    is_changed |= domains[value] && named[value];
                    domains[value] &= !named[value];
                }
            }
            if !is_changed {
                return true;
            }
        }
    }

    /// Every row that there is.
    ///
    /// # Errors
    /// [`Problem::TooLarge`] if there are more than a million combinations.
    pub fn all(&self) -> Result<Vec<Vec<usize>>, Problem> {
        let sizes = (0..self.factors()).map(|factor| self.size(factor));
        if sizes.fold(1_usize, usize::saturating_mul) > MOST_LISTED {
            return Err(Problem::TooLarge { levels: self.levels(), most: MOST_LISTED });
        }
        let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
        for factor in 0..self.factors() {
            rows = rows
                .iter()
                .flat_map(|row| {
                    self.values(factor).map(move |value| {
                        let mut longer = row.clone();
                        longer.push(value);
                        longer
                    })
                })
                .collect();
        }
        rows.retain(|row| (0..self.factors()).all(|factor| self.permits(row, factor)));
        Ok(rows.iter().map(|row| self.levels_of(row)).collect())
    }
}

/// Of exclusions that leave no row, some that alone leave none, and each of which is needed for that.
fn culprits(sizes: &[usize], exclusions: &[Exclusion]) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..exclusions.len()).collect();
    for index in 0..exclusions.len() {
        let rest: Vec<usize> = kept.iter().copied().filter(|one| *one != index).collect();
        let mut space = match Space::new(sizes, &[]) {
            Ok(space) => space,
            Err(_) => return kept,
        };
        rest.iter().for_each(|one| {
            let _ = space.exclude(&exclusions[*one]);
        });
        if matches!(space.completion(&vec![None; sizes.len()]), Completion::None) {
            kept = rest;
        }
    }
    kept
}

/// A number of levels; all together are fewer than a value can count.
pub(super) fn number(count: usize) -> Value {
    Value::try_from(count).unwrap_or(Value::MAX)
}
