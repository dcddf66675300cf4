//! Intel HEX.

use ihex::Record;

use super::{FirmwareError, Part};

/// The parts in a file, as they come.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Vec<Part>, FirmwareError> {
    let file = || name.to_owned();
    let text = std::str::from_utf8(bytes)
        .map_err(|_| FirmwareError::Damaged { file: file(), why: "it is no text".into() })?;
    let (mut parts, mut base, mut has_ended): (Vec<Part>, u32, bool) = (Vec::new(), 0, false);
    let lines = (1_usize..).zip(text.lines()).map(|(number, line)| (number, line.trim_end()));
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let damaged =
            |what: &str| FirmwareError::Damaged { file: file(), why: format!("line {number} {what}") };
        if has_ended {
            // Two files in one: half of it would be left out.
            return Err(damaged("comes after the end"));
        }
        let record = Record::from_record_string(line);
        match record.map_err(|error| damaged(&format!("is no record: {error}")))? {
            Record::Data { offset, value } => {
                let start =
                    base.checked_add(offset.into()).ok_or_else(|| damaged("has too high an address"))?;
                push(&mut parts, start, value);
            }
            Record::ExtendedSegmentAddress(segment) => base = u32::from(segment) << 4,
            Record::ExtendedLinearAddress(upper) => base = u32::from(upper) << 16,
            // Where a debugger would start it.
            Record::StartSegmentAddress { .. } | Record::StartLinearAddress(_) => {}
            Record::EndOfFile => has_ended = true,
        }
    }
    match has_ended {
        true => Ok(parts),
        false => {
            Err(FirmwareError::Truncated { file: file(), why: "the record that ends it is missing".into() })
        }
    }
}

/// A record mostly goes on where the last one ended.
fn push(parts: &mut Vec<Part>, start: u32, value: Vec<u8>) {
    match parts.last_mut() {
        Some(last) if last.end() == u64::from(start) => last.bytes.extend(value),
        _ => parts.push(Part { start, bytes: value }),
    }
}
