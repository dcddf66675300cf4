//! Chips by their names, and what memory they have: looked up in probe-rs's list before anything is connected.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use probe_rs::config::{ChipFamily, CoreType, MemoryRegion, Registry, RegistryError, Target};

use super::fault::ProbeError;

/// No chip has a longer name.
const MAX_NAME: usize = 64;
/// So many names are offered.
const MAX_OFFERED: usize = 12;
/// So many are offered for one that is misspelt.
const MAX_NEAR: usize = 5;
/// What a family of chips begins with has so many characters: `STM32`.
const MIN_PREFIX: usize = 5;

/// Every chip: unpacking them takes a while, and they do not change.
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::from_builtin_families);

/// A microcontroller, as probe-rs knows it.
#[derive(Clone, Debug)]
pub struct Chip {
    target: Target,
}

impl Chip {
    /// The chip of a name; a shorter one will do if it leaves one chip.
    ///
    /// # Errors
    /// There is none, or there are several; chips with names like it.
    pub fn find(name: &str) -> Result<Self, ProbeError> {
        let known: Arc<str> = name.chars().take(MAX_NAME).collect::<String>().into();
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(ProbeError::UnknownChip { name: known, near: Vec::new() });
        }
        match REGISTRY.get_target_by_name(name) {
            Ok(target) => Ok(Self { target }),
            Err(RegistryError::ChipNotUnique(..)) => {
                let mut matching = beginning_with(name);
                let count = matching.len();
                matching.truncate(MAX_OFFERED);
                Err(ProbeError::AmbiguousChip { name: known, matching, count })
            }
            Err(_) => Err(ProbeError::UnknownChip { name: known, near: near(name) }),
        }
    }

    /// Its whole name.
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// Where it has flash, or other memory that stays.
    pub fn flash(&self) -> Vec<Range<u64>> {
        let ranges = self.target.memory_map.iter().filter_map(MemoryRegion::as_nvm_region);
        joined(ranges.map(|region| region.range.clone()))
    }

    /// Where it has RAM.
    pub fn ram(&self) -> Vec<Range<u64>> {
        let ranges = self.target.memory_map.iter().filter_map(MemoryRegion::as_ram_region);
        joined(ranges.filter(|region| !region.is_alias).map(|region| region.range.clone()))
    }

    /// Where its firmware begins, if it starts from flash of its own.
    pub fn boot(&self) -> Option<u64> {
        let flash = || self.target.memory_map.iter().filter_map(MemoryRegion::as_nvm_region);
        let boots = flash().find(|region| region.is_boot_memory());
        boots.or_else(|| flash().find(|region| !region.is_alias)).map(|region| region.range.start)
    }

    /// What its cores run.
    pub(super) fn cores(&self) -> impl Iterator<Item = CoreType> {
        self.target.cores.iter().map(|core| core.core_type)
    }

    /// How probe-rs knows it.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The family that it belongs to.
    pub(super) fn family(&self) -> Option<&'static ChipFamily> {
        let name = self.name();
        let has = |family: &&ChipFamily| {
            family.variants.iter().any(|chip| chip.package_variants().any(|variant| variant == name))
        };
        REGISTRY.families().iter().find(has)
    }

    /// Every chip that there is.
    pub(super) fn registry() -> &'static Registry {
        &REGISTRY
    }
}

/// Ranges in order, those that touch made one.
fn joined(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = ranges.collect();
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Names that begin so.
fn beginning_with(name: &str) -> Vec<String> {
    let mut names: Vec<String> =
        every_name().filter(|known| begins(known, name)).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn every_name() -> impl Iterator<Item = &'static str> {
    let chips = REGISTRY.families().iter().flat_map(|family| &family.variants);
    chips.flat_map(|chip| chip.package_variants().map(String::as_str))
}

/// Whether a name begins with what was written; an `x` in the name stands for any letter.
fn begins(known: &str, written: &str) -> bool {
    let is_alike = |(known, written): (char, char)| known == 'x' || known.eq_ignore_ascii_case(&written);
    written.len() <= known.len() && known.chars().zip(written.chars()).all(is_alike)
}

/// Names that could have been meant: those that begin as it does, as far as any do, or those that differ least.
fn near(name: &str) -> Vec<String> {
    let cuts = name.char_indices().map(|(at, _)| at).filter(|at| *at >= MIN_PREFIX).rev();
    let longest = cuts.filter_map(|at| name.get(..at)).map(beginning_with).find(|names| !names.is_empty());
    let distance = |known: &str| {
        // What was written may be the beginning of a name.
        let beginning: String = known.chars().take(name.chars().count()).collect();
        strsim::damerau_levenshtein(&beginning.to_lowercase(), &name.to_lowercase())
    };
    let mut all: Vec<(usize, &str)> = every_name().map(|known| (distance(known), known)).collect();
    all.retain(|(distance, known)| *distance <= name.len() / 4 && *distance < known.len());
    all.sort();
    all.dedup();
    let mut names: Vec<String> = all.into_iter().take(MAX_NEAR).map(|(_, known)| known.to_owned()).collect();
    if names.is_empty() {
        names = longest.unwrap_or_default();
        names.truncate(MAX_NEAR);
    }
    names
}
