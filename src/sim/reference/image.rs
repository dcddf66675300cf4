//! The built-in images of the reference lock's firmware: Intel HEX files, and what they put into the flash.
//!
//! They are built by `firmware/build.sh`; `firmware/images/SOURCES` says from what.

use ihex::Record;
use include_dir::{Dir, include_dir};

use crate::rig::Fault;
use crate::sim::mcu::FLASH_BYTES;

/// Every image, and what they were built from.
static IMAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/firmware/images");

/// The file of an image, by its name.
pub fn firmware_image(name: &str) -> Option<&'static [u8]> {
    IMAGES.get_file(format!("{name}.hex")).map(|file| file.contents())
}

/// The whole flash with an image in it, and nothing else.
///
/// # Errors
/// There is no image of that name, or its file is damaged.
pub(super) fn flash(name: &str) -> Result<Vec<u8>, Fault> {
    let file = firmware_image(name).ok_or_else(|| Fault(format!("there is no firmware `{name}`")))?;
    flash_of(name, file)
}

/// The whole flash with what a file puts into it, and nothing else.
///
/// # Errors
/// The file is damaged.
pub(super) fn flash_of(name: &str, file: &[u8]) -> Result<Vec<u8>, Fault> {
    let loaded = std::str::from_utf8(file).map_err(|error| error.to_string()).and_then(load);
    loaded.map_err(|reason| Fault(format!("firmware `{name}` can't be loaded: {reason}")))
}

/// Reads Intel HEX.
fn load(text: &str) -> Result<Vec<u8>, String> {
    let mut flash = vec![0xff; FLASH_BYTES];
    let mut upper = 0;
    for (number, line) in (1..).zip(text.lines()) {
        match Record::from_record_string(line)
            .map_err(|error| format!("line {number} is no record: {error}"))?
        {
            Record::Data { offset, value } => {
                let at = upper + usize::from(offset);
                let place = flash.get_mut(at..).and_then(|flash| flash.get_mut(..value.len()));
                let place = place.ok_or_else(|| format!("line {number} lies outside the flash"))?;
                place.copy_from_slice(&value);
            }
            Record::ExtendedLinearAddress(half) => upper = usize::from(half) << 16,
            Record::EndOfFile => return Ok(flash),
            Record::ExtendedSegmentAddress(_)
            | Record::StartSegmentAddress { .. }
            | Record::StartLinearAddress(_) => {
                return Err(format!("line {number} is a record that no image has"));
            }
        }
    }
    Err("its end is missing".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::FIRMWARES;

    #[test]
    fn every_name_has_an_image_and_every_image_a_name() {
        for name in FIRMWARES {
            let flash = flash(name).expect("an image");
            // The stack pointer and the start, and the factory page; what the lock stores is blank.
            assert_eq!(flash[..4], 0x2000_1000_u32.to_le_bytes(), "{name}");
            assert_eq!(flash[4] & 1, 1, "{name}");
            assert!(flash[0x3_ec00..0x3_fc00].iter().all(|byte| *byte == 0xff), "{name}");
            assert!(flash[0x3_fc00..].starts_with(b"RL1-000017\0"), "{name}");
        }
        let images = IMAGES.files().filter(|file| file.path().extension().is_some_and(|e| e == "hex"));
        assert_eq!(images.count(), FIRMWARES.len());
        assert!(flash("sounder").is_err());
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let end = ":00000001FF\n";
        assert_eq!(load(&format!(":0100100042AD\n{end}")).map(|flash| flash[0x10]), Ok(0x42));
        assert_eq!(
            load(&format!(":020000040003F7\n:01FFFF0042BF\n{end}")).map(|flash| flash[0x3_ffff]),
            Ok(0x42)
        );
        for (text, why) in [
            (":0100100042AD\n", "its end is missing"),
            (":0100100042AE\n:00000001FF\n", "line 1 is no record"),
            (":0100100042A\n:00000001FF\n", "line 1 is no record"),
            (":01001000+2AD\n:00000001FF\n", "line 1 is no record"),
            (":00000001FE\n", "line 1 is no record"),
            (":020000040004F6\n:010000004 2BD\n", "line 2 is no record"),
            (":020000040004F6\n:0100000042BD\n", "line 2 lies outside the flash"),
            (":01000004FFFC\n", "line 1 is no record"),
            (":0400000500000000F7\n", "line 1 is a record that no image has"),
            (":020000021000EC\n", "line 1 is a record that no image has"),
        ] {
            let refused = load(text).expect_err(text);
            assert!(refused.starts_with(why), "{text}: {refused}");
        }
    }
}
