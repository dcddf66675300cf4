//! What is in an image that was not at the same addresses before.

use std::ops::Range;

use super::Image;
use super::randomness::{are_digits, looks_random};

/// Compared at once, as most of a memory stays as it was.
const BLOCK: usize = 256;
/// So many bytes on each side of a place are looked at, and so many of them are different if they are random.
const SIDE: usize = 16;
const SIDE_DIFFERENT: usize = 14;

/// An image beside an earlier one. Places are indices into its bytes.
pub(super) struct Changes<'a> {
    start: u32,
    bytes: &'a [u8],
    /// Places of which is known what stood there.
    known: Range<usize>,
    /// What stood there.
    old: &'a [u8],
    /// Places of which it is not known, or where it was something else; in order and apart from each other.
    runs: Vec<Range<usize>>,
}

impl<'a> Changes<'a> {
    pub(super) fn between(image: &'a Image, before: Option<&'a Image>) -> Self {
        let bytes = addressed(image);
        let (known, old) = before.and_then(|before| common(image, before)).unwrap_or_default();
        let mut changes = Self { start: image.start, bytes, known, old, runs: Vec::new() };
        changes.compare();
        changes
    }

    fn compare(&mut self) {
        let known = self.known.clone();
        self.add(0..known.start);
        let blocks = self.bytes(&known).chunks(BLOCK).zip(self.old.chunks(BLOCK));
        let differing = blocks.enumerate().filter(|(_, (new, old))| new != old);
        let places = differing.flat_map(|(number, (new, old))| {
            let each = (known.start + BLOCK * number..).zip(new.iter().zip(old));
            each.filter(|(_, (new, old))| new != old).map(|(place, _)| place)
        });
        let places: Vec<usize> = places.collect();
        places.into_iter().for_each(|place| self.add(place..place + 1));
        self.add(known.end..self.bytes.len());
    }

    fn add(&mut self, run: Range<usize>) {
        match self.runs.last_mut().filter(|last| last.end >= run.start) {
            Some(last) => last.end = last.end.max(run.end),
            None if run.is_empty() => {}
            None => self.runs.push(run),
        }
    }

    /// Whether all that was there before is known.
    pub(super) fn are_all_known(&self) -> bool {
        self.known.len() == self.bytes.len()
    }

    /// The bytes of a place, if it is within the image.
    pub(super) fn bytes(&self, place: &Range<usize>) -> &'a [u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    /// The address of a place.
    pub(super) fn address(&self, place: usize) -> Option<u32> {
        self.start.checked_add(u32::try_from(place).ok()?)
    }

    /// Whether anything of a place changed.
    pub(super) fn are_in(&self, place: &Range<usize>) -> bool {
        self.count_in(place) > 0
    }

    /// How many bytes of a place changed.
    pub(super) fn count_in(&self, place: &Range<usize>) -> usize {
        let known = place.start.max(self.known.start)..place.end.min(self.known.end);
        if known.is_empty() {
            return place.len();
        }
        let old = self.old.get(known.start - self.known.start..known.end - self.known.start);
        let pairs = self.bytes(&known).iter().zip(old.unwrap_or_default());
        place.len() - pairs.filter(|(new, old)| new == old).count()
    }

    /// At most so many places of a length have anything that changed.
    pub(super) fn windows(&self, length: usize) -> u128 {
        self.runs.iter().map(|run| (run.len() + length.saturating_sub(1)) as u128).sum()
    }

    /// What changed, with so much around it that whatever has this length and a changed byte is within one part.
    pub(super) fn with_surroundings(&self, length: usize) -> Vec<Range<usize>> {
        let reach = length.saturating_sub(1);
        let mut parts: Vec<Range<usize>> = Vec::new();
        for run in &self.runs {
            let part = run.start.saturating_sub(reach)..run.end.saturating_add(reach).min(self.bytes.len());
            match parts.last_mut().filter(|last| last.end >= part.start) {
                Some(last) => last.end = part.end,
                None => parts.push(part),
            }
        }
        parts
    }

    /// Whether bytes that look random stand on both sides of a place. A list of packed codes does not.
    pub(super) fn is_among_random(&self, place: &Range<usize>) -> bool {
        let is_random = |side: Range<usize>| {
            let side = self.bytes(&side);
            looks_random(side, SIDE_DIFFERENT) && !are_digits(side)
        };
        let before = place.start.checked_sub(SIDE).map(|start| start..place.start);
        before.is_some_and(is_random) && is_random(place.end..place.end + SIDE)
    }
}

/// The bytes that have an address.
fn addressed(image: &Image) -> &[u8] {
    let room = usize::try_from((1_u64 << 32) - u64::from(image.start)).unwrap_or(usize::MAX);
    image.bytes.get(..room).unwrap_or(&image.bytes)
}

/// Places of an image whose addresses an earlier one has too, and what that has there.
fn common<'a>(image: &Image, before: &'a Image) -> Option<(Range<usize>, &'a [u8])> {
    let addresses =
        |image: &Image| (u64::from(image.start), u64::from(image.start) + addressed(image).len() as u64);
    let ((start, end), (old_start, old_end)) = (addresses(image), addresses(before));
    let (from, to) = (start.max(old_start), end.min(old_end));
    let place = |start: u64| {
        Some(usize::try_from(from.checked_sub(start)?).ok()?..usize::try_from(to.checked_sub(start)?).ok()?)
    };
    let known = place(start).filter(|known| !known.is_empty())?;
    before.bytes.get(place(old_start)?).map(|old| (known, old))
}
