//! What a maker documents of a lock's memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lock::{DebugPort, Facts, MemoryMap, Region, SaltedDigest};
use crate::scenario::syntax::{ModelSyntax, Word};
use crate::yaml::{Diagnostics, IDENTIFIER, is_identifier};

use super::{Lineage, Reader};

/// No lock has more; each is read again and again.
const MOST_BYTES: u32 = 16 << 20;
/// Salts of known firmware have 8 to 32 bytes.
const LONGEST_SALT: u8 = 64;

/// The map of a model's memory; a lock that has one has a debug port.
pub(super) fn memory_map(lineage: &Lineage<'_, ModelSyntax>, facts: &mut Facts, findings: &mut Diagnostics) {
    let Some((spanned, source)) = lineage.nearest(|m| m.memory.as_ref()) else { return };
    let syntax = &spanned.value;
    let mut reader = Reader::new(source, findings);
    let at = reader.place(spanned);
    let place = reader.place(&syntax.debug_port);
    let port = reader.named::<DebugPort>("state of a debug port", &syntax.debug_port.value.0, &place);
    let chip = syntax.chip.value.0.trim();
    if chip.is_empty() || !chip.bytes().all(|byte| byte.is_ascii_graphic()) || chip.len() > 60 {
        let place = reader.place(&syntax.chip);
        reader.findings.error(&place, "`chip` must be the name that a probe's software has for the chip");
    }
    let mut regions: Vec<Region> = Vec::new();
    for (name, spanned) in &syntax.regions {
        let place = reader.place(spanned);
        if !is_identifier(name) {
            reader.findings.error_with_hint(&place, format!("`{name}` is not a valid name"), IDENTIFIER);
        }
        let (from, to) = (address(&mut reader, &spanned.value.from), address(&mut reader, &spanned.value.to));
        let (Some(from), Some(to)) = (from, to) else { continue };
        if from >= to {
            reader.findings.error(&place, format!("region `{name}` ends before it begins"));
            continue;
        }
        if let Some(other) = regions.iter().find(|other| other.from < to && from < other.to) {
            let message = format!("region `{name}` overlaps region `{}`", other.name);
            reader.findings.error(&place, message);
        }
        regions.push(Region { name: Arc::from(name.as_str()), from, to });
    }
    let names: BTreeSet<&Arc<str>> = regions.iter().map(|region| &region.name).collect();
    let bytes: u64 = regions.iter().map(|region| u64::from(region.to - region.from)).sum();
    if names.is_empty() && syntax.regions.is_empty() {
        let hint = "for example `regions: {settings: {from: 0x3F000, to: 0x3F800}}`";
        reader.findings.error_with_hint(&at, "a memory needs at least one region", hint);
    }
    if bytes > u64::from(MOST_BYTES) {
        reader.findings.error(&at, format!("the regions have more than {} MiB together", MOST_BYTES >> 20));
    }
    let salted = syntax.salt.as_ref().and_then(|salt| {
        if !(1..=LONGEST_SALT).contains(&salt.value) {
            let place = reader.place(salt);
            reader.findings.error(&place, format!("`salt` must be 1 to {LONGEST_SALT} bytes"));
            return None;
        }
        Some(SaltedDigest { salt_bytes: salt.value })
    });
    facts.debug_port = true;
    facts.memory = port.map(|port| MemoryMap { chip: chip.into(), port, regions, salted });
}

/// `0x3F000`, or a number.
fn address(reader: &mut Reader<'_>, word: &Word) -> Option<u32> {
    let text = word.value.0.trim();
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    if parsed.is_err() {
        let place = reader.place(word);
        let hint = "write it as `0x3F000`; the end of a region is the address after its last byte";
        reader.findings.error_with_hint(&place, format!("`{text}` is not an address of 32 bits"), hint);
    }
    parsed.ok()
}
