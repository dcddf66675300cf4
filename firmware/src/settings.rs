//! What the lock has to remember, and how it lies in a page.

use crate::flash::BLANK;
use crate::secret::{Code, Secret};

pub const SLOTS: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub is_used: bool,
    pub secret: Secret,
}

#[derive(Clone)]
pub struct Settings {
    /// Blank: that of the factory.
    pub master: Secret,
    pub slots: [Slot; SLOTS],
    /// Wrong codes in a row.
    pub wrong: u32,
    pub is_locked_out: bool,
}

const USED: u32 = 1;
const NOT_USED: u32 = 0;

impl Slot {
    pub const WORDS: usize = 1 + Secret::WORDS;
    pub const EMPTY: Self = Self { is_used: false, secret: Secret::BLANK };

    pub fn words(&self) -> impl Iterator<Item = u32> {
        // One that holds nothing stays blank, so that a page shows nothing of what it held.
        let mark = match (self.is_used, self.secret == Secret::BLANK) {
            (true, _) => USED,
            (false, false) => NOT_USED,
            (false, true) => BLANK,
        };
        core::iter::once(mark).chain(self.secret.words())
    }

    pub fn from_words(words: &mut impl Iterator<Item = u32>) -> Self {
        let is_used = words.next() == Some(USED);
        Self { is_used, secret: Secret::from_words(words) }
    }
}

impl Settings {
    pub const FACTORY: Self =
        Self { master: Secret::BLANK, slots: [Slot::EMPTY; SLOTS], wrong: 0, is_locked_out: false };

    pub fn words(&self) -> impl Iterator<Item = u32> {
        let slots = self.slots.iter().flat_map(|slot| {
            // The variant keeps its codes elsewhere, see storage.rs.
            let slot = if cfg!(feature = "forgotten-table") { &Slot::EMPTY } else { slot };
            slot.words()
        });
        self.master.words().chain(slots).chain([self.wrong, u32::from(self.is_locked_out)])
    }

    pub fn from_words(words: &mut impl Iterator<Item = u32>) -> Self {
        let mut settings = Self { master: Secret::from_words(words), ..Self::FACTORY };
        for slot in &mut settings.slots {
            *slot = Slot::from_words(words);
        }
        settings.wrong = words.next().unwrap_or(0);
        settings.is_locked_out = words.next() == Some(1);
        settings
    }

    /// The slot whose code this is, counted from one. Always tries them all: how long it takes tells nothing.
    pub fn slot_of(&self, code: &Code) -> Option<usize> {
        let slots = (1..).zip(&self.slots);
        slots
            .filter(|(_, slot)| slot.is_used && slot.secret.is_of(code))
            .fold(None, |found, (number, _)| found.or(Some(number)))
    }

    pub fn is_master(&self, code: &Code) -> bool {
        if self.has_own_master() { self.master.is_of(code) } else { Secret::of_factory_master().is_of(code) }
    }

    pub fn has_own_master(&self) -> bool {
        self.master != Secret::BLANK
    }

    pub fn codes(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_used).count()
    }

    /// A slot by its number, counted from one.
    pub fn slot_mut(&mut self, number: usize) -> Option<&mut Slot> {
        self.slots.get_mut(number.checked_sub(1)?)
    }
}
