//! Settings in flash, so that a power cut at any moment leaves either what was or what is to be.
//!
//! A change is written to the page that is not in use, then the old one is erased. A reset notes in the
//! journal that it is under way, erases both pages, and erases the journal last; if power fails in between it
//! is done again. Each step is one erase or one written page, so the lock goes on ticking in between.

use crate::battery::{self, Battery};
use crate::crc::crc32;
use crate::flash::{self, BLANK, PAGE_WORDS, Page};
use crate::settings::{SLOTS, Settings, Slot};

/// Header of a settings page: magic, sequence number, CRC-32 of the rest of the page.
const HEADER_WORDS: usize = 3;
/// `LCK1`.
const MAGIC: u32 = u32::from_le_bytes(*b"LCK1");
/// What the journal says while an erase is under way: `WIPE`.
const ERASE_UNDER_WAY: u32 = u32::from_le_bytes(*b"WIPE");

pub struct Storage {
    settings: Settings,
    /// The page that counts.
    active: Option<Page>,
    /// Its number, or that of the other if that is higher.
    number: u32,
    job: Job,
}

/// What the last step came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing to report.
    Goes,
    /// A change is in flash.
    Saved,
    /// A reset is complete.
    Wiped,
}

#[derive(Clone, Copy)]
enum Job {
    None,
    /// What a power cut left half done, except for a reset.
    Tidy,
    /// Settings into the page that is not in use.
    Write(Then),
    /// The page that was in use before.
    Retire(Then),
    /// Codes into the table; only the variant `forgotten-table`.
    WriteTable,
    /// The journal says that an erase is under way.
    Mark,
    /// Everything.
    Erase,
    /// The journal is erased: the erase is complete.
    Unmark,
    /// Slot by slot; only the variant `non-atomic-erase`.
    EraseSlot(usize),
}

/// What comes after a page is written and the old one retired.
#[derive(Clone, Copy)]
enum Then {
    ReportSaved,
    Unmark,
    EraseSlot(usize),
}

impl Storage {
    /// What flash holds at boot. What a power cut left undone is done in the steps that follow.
    pub fn at_boot() -> Self {
        let a = number_of(Page::SettingsA);
        let b = number_of(Page::SettingsB);
        let active = match (a, b) {
            (Some(a), Some(b)) if (a > b) != wants_lower_number() => Some(Page::SettingsA),
            (_, Some(_)) => Some(Page::SettingsB),
            (Some(_), None) => Some(Page::SettingsA),
            (None, None) => None,
        };
        let job = if is_marked() { Job::Mark } else { Job::Tidy };
        Self { settings: read(active), active, number: a.max(b).unwrap_or(0), job }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A reset was under way when power failed.
    pub fn has_to_wipe(&self) -> bool {
        matches!(self.job, Job::Mark)
    }

    /// Begins to write a change.
    pub fn save(&mut self, settings: Settings) {
        self.settings = settings;
        self.job = Job::Write(Then::ReportSaved);
    }

    /// Changes what is in RAM only: it is as it was after a power cut.
    pub fn keep_in_ram(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Begins to erase everything.
    pub fn wipe(&mut self) {
        // The variant does without a journal.
        self.job = if cfg!(feature = "non-atomic-erase") { Job::EraseSlot(0) } else { Job::Mark };
    }

    /// Does one step of what has begun. Call it at each tick.
    pub fn step(&mut self) -> Progress {
        let (next, progress) = self.do_step();
        self.job = next;
        progress
    }

    fn do_step(&mut self) -> (Job, Progress) {
        let next = match self.job {
            Job::None => Job::None,
            Job::Tidy | Job::Unmark if !flash::is_blank(Page::Journal) => {
                flash::erase(Page::Journal);
                self.job
            }
            Job::Tidy => {
                match [Page::SettingsA, Page::SettingsB].into_iter().find(|page| !self.is_in_order(*page)) {
                    Some(page) => {
                        retire(page);
                        self.job
                    }
                    None => Job::None,
                }
            }
            Job::Write(then) => {
                let page = self.spare();
                if !flash::is_blank(page) {
                    flash::erase(page);
                    self.job
                } else if self.write(page) {
                    Job::Retire(then)
                } else {
                    self.job
                }
            }
            Job::Retire(then) if is_retired(self.spare()) => match then {
                Then::ReportSaved if self.has_to_write_table() => Job::WriteTable,
                Then::ReportSaved => return (Job::None, Progress::Saved),
                Then::Unmark => Job::Unmark,
                Then::EraseSlot(slot) => Job::EraseSlot(slot),
            },
            Job::Retire(_) => {
                retire(self.spare());
                self.job
            }
            Job::WriteTable if !flash::is_blank(Page::Table) => {
                flash::erase(Page::Table);
                self.job
            }
            Job::WriteTable => {
                flash::write(Page::Table, 0, self.settings.slots.iter().flat_map(Slot::words));
                return (Job::None, Progress::Saved);
            }
            Job::Mark if !is_marked() => {
                mark();
                self.job
            }
            Job::Mark => match self.left_by_a_reset() {
                None => Job::Erase,
                Some(settings) => {
                    self.settings = settings;
                    Job::Write(Then::Unmark)
                }
            },
            Job::Erase => {
                let page = self.active.unwrap_or(Page::SettingsA);
                if !flash::is_blank(page) {
                    flash::erase(page);
                    self.job
                } else if !is_retired(other(page)) {
                    retire(other(page));
                    self.job
                } else {
                    self.active = None;
                    self.number = 0;
                    Job::Unmark
                }
            }
            Job::Unmark => {
                // Whatever flash holds now counts, and nothing that RAM remembers.
                self.settings = read(self.active);
                return (Job::None, Progress::Wiped);
            }
            Job::EraseSlot(at) => match self.settings.slots.get_mut(at) {
                Some(slot) => {
                    *slot = Slot::EMPTY;
                    Job::Write(Then::EraseSlot(at + 1))
                }
                None => Job::Erase,
            },
        };
        (next, Progress::Goes)
    }

    fn is_in_order(&self, page: Page) -> bool {
        self.active == Some(page) || is_retired(page)
    }

    /// The page that is not in use.
    fn spare(&self) -> Page {
        self.active.map_or(Page::SettingsA, other)
    }

    /// Fills a blank page, and tells whether that worked. Its first word is written last: half a page does
    /// not count.
    fn write(&mut self, page: Page) -> bool {
        self.number = self.number.wrapping_add(1);
        let rest = self.settings.words().chain(core::iter::repeat(BLANK)).take(PAGE_WORDS - HEADER_WORDS);
        flash::write(page, HEADER_WORDS, self.settings.words());
        flash::write(page, 1, [self.number, crc32(rest)].into_iter());
        flash::write(page, 0, core::iter::once(MAGIC));
        let is_written = number_of(page) == Some(self.number);
        if is_written {
            self.active = Some(page);
        }
        is_written
    }

    /// What a reset writes anew; nothing, as all of it is erased. Here the variants differ.
    fn left_by_a_reset(&self) -> Option<Settings> {
        let Settings { mut slots, .. } = self.settings;
        if cfg!(feature = "partial-wipe") {
            for slot in slots.iter_mut().take(8) {
                *slot = Slot::EMPTY;
            }
        } else if cfg!(feature = "flag-only-wipe") {
            for slot in &mut slots {
                slot.is_used = false;
            }
        } else if cfg!(feature = "old-page-at-low-voltage") {
            slots = [Slot::EMPTY; SLOTS];
        } else {
            return None;
        }
        Some(Settings { slots, ..Settings::FACTORY })
    }

    fn has_to_write_table(&self) -> bool {
        cfg!(feature = "forgotten-table")
            && !self
                .settings
                .slots
                .iter()
                .flat_map(Slot::words)
                .eq(flash::words(Page::Table).take(SLOTS * Slot::WORDS))
    }
}

/// What the settings are if this page counts.
fn read(active: Option<Page>) -> Settings {
    let mut settings = match active {
        Some(page) => Settings::from_words(&mut flash::words(page).skip(HEADER_WORDS)),
        None => Settings::FACTORY,
    };
    if cfg!(feature = "forgotten-table") {
        let mut words = flash::words(Page::Table);
        for slot in &mut settings.slots {
            *slot = Slot::from_words(&mut words);
        }
    }
    settings
}

/// Nothing shall stay of what was in a page that is no longer in use.
fn is_retired(page: Page) -> bool {
    if cfg!(feature = "remnant-in-spare") {
        // Without its magic it does not count any more; it is erased before it is next written.
        flash::words(page).next() == Some(0) || flash::is_blank(page)
    } else if cfg!(feature = "old-page-at-low-voltage") {
        // It was written when the battery was better, and is kept to fall back on.
        true
    } else {
        flash::is_blank(page)
    }
}

/// Towards that.
fn retire(page: Page) {
    if cfg!(feature = "remnant-in-spare") {
        flash::write(page, 0, core::iter::once(0));
    } else {
        flash::erase(page);
    }
}

fn is_marked() -> bool {
    flash::words(Page::Journal).next() == Some(ERASE_UNDER_WAY)
}

/// Writes the mark, or erases first what a power cut left of one.
fn mark() {
    if flash::is_blank(Page::Journal) {
        flash::write(Page::Journal, 0, core::iter::once(ERASE_UNDER_WAY));
    } else {
        flash::erase(Page::Journal);
    }
}

/// Only the variant ever wants the page with the lower number.
fn wants_lower_number() -> bool {
    cfg!(feature = "old-page-at-low-voltage") && battery::measure() != Battery::Fine
}

fn other(page: Page) -> Page {
    if page == Page::SettingsA { Page::SettingsB } else { Page::SettingsA }
}

/// The sequence number of a page, if it is valid.
fn number_of(page: Page) -> Option<u32> {
    let mut header = flash::words(page);
    let (magic, number, crc) = (header.next()?, header.next()?, header.next()?);
    (magic == MAGIC && crc == rest_crc(page)).then_some(number)
}

/// CRC-32 of a page but its header.
fn rest_crc(page: Page) -> u32 {
    crc32(flash::words(page).skip(HEADER_WORDS))
}
