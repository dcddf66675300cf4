//! Making a life that failed shorter and plainer: first whole stretches go, then single deeds, then their numbers.

use super::life::Life;

/// What is tried next, given how the tries before went.
#[derive(Clone, Debug)]
pub struct Shrinking {
    /// The shortest life that is known to fail.
    pub best: Life,
    /// What is left to try of it, the boldest last.
    left: Vec<Life>,
}

impl Shrinking {
    /// Of a life that failed.
    pub fn new(life: Life) -> Self {
        let best = Life { deeds: life.possible().into_iter().cloned().collect(), ..life };
        Self { left: simpler(&best), best }
    }

    /// The next life to try; nothing once none can be simpler.
    pub fn simpler(&mut self) -> Option<Life> {
        self.left.pop()
    }

    /// The life that was tried fails as well.
    pub fn fails(&mut self, life: Life) {
        *self = Self::new(life);
    }
}

/// Lives that are simpler than one by a step, the boldest last.
fn simpler(life: &Life) -> Vec<Life> {
    let mut all = Vec::new();
    if life.codes > 1 {
        all.push(Life { codes: 1, ..life.clone() });
    }
    for (index, deed) in life.deeds.iter().enumerate() {
        for plain in deed.plainer().into_iter().rev() {
            let mut deeds = life.deeds.clone();
            deeds[index] = plain;
            all.push(Life { deeds, ..life.clone() });
        }
    }
    let mut size = 1;
    while size <= life.deeds.len() {
        for begin in (0..life.deeds.len()).step_by(size) {
            let end = (begin + size).min(life.deeds.len());
            let mut deeds = life.deeds.clone();
            deeds.drain(begin..end);
            all.push(Life { deeds, ..life.clone() });
        }
        size *= 2;
    }
    all
}
