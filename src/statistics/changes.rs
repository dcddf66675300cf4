//! Where an answer changes along a line: a few trials spread over it, then more between any two neighbours that answered
//! differently, until they are as near as is wanted.
//!
//! Between neighbours that answered alike nothing is known: something short may hide there. With trials to spare, the
//! widest of those gaps is halved, so that a search that goes on leaves ever less room.

/// A stretch of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

impl Gap {
    fn width(self) -> f64 {
        self.to - self.from
    }

    fn middle(self) -> f64 {
        self.from + self.width() / 2.0
    }
}

/// What trials along a line answered.
#[derive(Clone, Debug)]
pub struct Changes<T> {
    line: Gap,
    /// No gap between two trials is wider, once they are spread.
    spread: f64,
    /// No nearer than this need two trials be that answered differently.
    near: f64,
    /// Sorted by where they were made.
    known: Vec<(f64, T)>,
}

impl<T: Clone + PartialEq> Changes<T> {
    /// A line to be looked at, in so many equal gaps at first, and down to so near.
    pub fn along(line: Gap, gaps: u32, near: f64) -> Self {
        // Halving never gives exactly the width that was asked for.
        let spread = line.width() / f64::from(gaps.max(1)) * (1.0 + 1e-9);
        Self { line, spread, near, known: Vec::new() }
    }

    /// What a trial answered. A second one at the same place takes the place of the first.
    pub fn hear(&mut self, at: f64, answer: T) {
        let index = self.known.partition_point(|(known, _)| *known < at);
        match self.known.get_mut(index).filter(|(known, _)| *known == at) {
            Some(known) => known.1 = answer,
            None => self.known.insert(index, (at, answer)),
        }
    }

    /// Where the next trial tells most; nothing, once no two neighbours are farther apart than is wanted.
    pub fn next(&self) -> Option<f64> {
        if let Some(end) = [self.line.from, self.line.to].into_iter().find(|end| !self.has_heard(*end)) {
            return Some(end);
        }
        let too_wide = |gap: &Gap| gap.width() > self.near;
        let coarse = self.widest(|_| true).filter(|gap| gap.width() > self.spread.max(self.near));
        let gap = coarse.or_else(|| self.unsettled()).or_else(|| self.widest(|_| true).filter(too_wide));
        // What no number lies between can't be halved.
        gap.map(Gap::middle).filter(|middle| !self.has_heard(*middle))
    }

    /// The widest gap between neighbours that answered differently, if it is wider than is wanted.
    pub fn unsettled(&self) -> Option<Gap> {
        self.widest(|(one, other)| one.1 != other.1).filter(|gap| gap.width() > self.near)
    }

    /// The widest gap between neighbours that answered alike: what is shorter may hide in it.
    pub fn blind(&self) -> Option<Gap> {
        self.widest(|(one, other)| one.1 == other.1)
    }

    /// Stretches of the same answer, in order: between the first and the last trial that gave it.
    pub fn stretches(&self) -> Vec<(Gap, T)> {
        let mut stretches: Vec<(Gap, T)> = Vec::new();
        for (at, answer) in &self.known {
            match stretches.last_mut().filter(|(_, last)| last == answer) {
                Some((gap, _)) => gap.to = *at,
                None => stretches.push((Gap { from: *at, to: *at }, answer.clone())),
            }
        }
        stretches
    }

    fn has_heard(&self, at: f64) -> bool {
        self.known.iter().any(|(known, _)| *known == at)
    }

    fn widest(&self, is_wanted: impl Fn((&(f64, T), &(f64, T))) -> bool) -> Option<Gap> {
        let pairs = self.known.iter().zip(self.known.iter().skip(1));
        let wanted = pairs.filter(|(one, other)| is_wanted((one, other)));
        // Of equally wide ones, the first.
        wanted
            .map(|(one, other)| Gap { from: one.0, to: other.0 })
            .rev()
            .max_by(|a, b| a.width().total_cmp(&b.width()))
    }
}
