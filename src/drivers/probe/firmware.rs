//! A firmware's file: ELF, Intel HEX or raw bytes, and whether it fits a chip. All of it is looked at before the chip
//! is touched.
//!
//! Deliberately absent: other formats. A file says nothing of which lock it is for; that it is for another chip shows
//! in what it is built for, in where it lies, and in its first two words.

mod elf;
mod hex;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use probe_rs::config::CoreType;

use super::chip::Chip;
use crate::unit::visible;

/// An ELF file has all that a debugger wants to know besides.
const MAX_FILE: u64 = 256 << 20;
/// No microcontroller has more flash.
const MAX_BYTES: u64 = 64 << 20;
/// Nor does a linker make more parts than this.
const MAX_PARTS: usize = 100_000;

/// What belongs into a chip's flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    name: String,
    parts: Vec<Part>,
    built_for: Option<Processor>,
}

/// Bytes that lie together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Address of the first.
    pub start: u32,
    /// At least one.
    pub bytes: Vec<u8>,
}

impl Part {
    /// Address behind the last.
    pub fn end(&self) -> u64 {
        u64::from(self.start) + self.bytes.len() as u64
    }

    fn word(&self, address: u64) -> Option<u32> {
        let at = usize::try_from(address.checked_sub(self.start.into())?).ok()?;
        self.bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
    }
}

/// What an ELF file says it is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Processor {
    /// `e_machine`.
    machine: u16,
    /// `Tag_CPU_arch` of Arm's build attributes.
    arm: Option<u8>,
}

/// Why a file can't be flashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirmwareError {
    /// It can't be read.
    #[error("{}: {why}", visible(file))]
    Unreadable {
        /// Its name.
        file: String,
        /// Why not.
        why: String,
    },
    /// It is larger than any firmware.
    #[error("{} is larger than any firmware", visible(file))]
    TooBig {
        /// Its name.
        file: String,
    },
    /// Neither its beginning nor its name says what it is.
    #[error("{} is no ELF and no Intel HEX file", visible(file))]
    Unknown {
        /// Its name.
        file: String,
    },
    /// There is nothing in it for a flash.
    #[error("{} holds nothing to flash", visible(file))]
    Empty {
        /// Its name.
        file: String,
    },
    /// Its end is missing.
    #[error("{} is cut off: {why}", visible(file))]
    Truncated {
        /// Its name.
        file: String,
        /// How that shows.
        why: String,
    },
    /// It is not well-formed.
    #[error("{} is damaged: {why}", visible(file))]
    Damaged {
        /// Its name.
        file: String,
        /// Where and how.
        why: String,
    },
    /// It is made for something else.
    #[error("{} is not for the {chip}: {why}", visible(file))]
    OtherChip {
        /// Its name.
        file: String,
        /// The chip.
        chip: String,
        /// How that shows.
        why: String,
    },
    /// Some of it lies where the chip has no flash.
    #[error("{} has bytes at {from:#010x}, where the {chip} has no flash", visible(file))]
    Outside {
        /// Its name.
        file: String,
        /// The chip.
        chip: String,
        /// The first of them.
        from: u64,
        /// Where the chip has flash.
        flash: String,
    },
    /// It ends behind the end of the flash.
    #[error(
        "{} is too large for the {chip}: it ends at {end:#010x}, the flash at {flash_end:#010x}",
        visible(file)
    )]
    TooLarge {
        /// Its name.
        file: String,
        /// The chip.
        chip: String,
        /// Address behind the last byte.
        end: u64,
        /// Address behind the flash.
        flash_end: u64,
    },
}

impl FirmwareError {
    /// What would help, if anything is known.
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { .. } => "raw bytes are taken from a file whose name ends in `.bin`".into(),
            Self::Truncated { .. } => "copy or build it again".into(),
            Self::Outside { flash, .. } => format!("it has flash at {flash}"),
            Self::Empty { .. } => "link it for the chip's flash".into(),
            Self::OtherChip { .. } | Self::TooLarge { .. } => {
                "take the file for this chip, or name the chip that the lock has".into()
            }
            Self::Unreadable { .. } | Self::TooBig { .. } | Self::Damaged { .. } => return None,
        })
    }
}

/// How a file is written.
enum Format {
    Elf,
    Hex,
    Raw,
}

impl Firmware {
    /// Reads a file. Raw bytes begin at `base`, or where the chip's firmware does.
    ///
    /// # Errors
    /// It can't be read, or is none.
    pub fn read(path: &Path, base: Option<u32>, chip: &Chip) -> Result<Self, FirmwareError> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let unreadable = |why: String| FirmwareError::Unreadable { file: name.clone(), why };
        // A pipe that nobody writes to would be opened without end.
        if !std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.is_file() {
            return Err(unreadable("this is no file".into()));
        }
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(FirmwareError::TooBig { file: name });
        }
        let base = base.or_else(|| chip.boot().and_then(|boot| u32::try_from(boot).ok()));
        Self::decode(&name, bytes, base.unwrap_or_default())
    }

    /// Reads the contents of a file.
    ///
    /// # Errors
    /// They are no firmware.
    pub fn decode(name: &str, bytes: Vec<u8>, base: u32) -> Result<Self, FirmwareError> {
        let file = name.to_owned();
        let (parts, built_for) = match format(name, &bytes) {
            Some(Format::Elf) => elf::read(name, &bytes)?,
            Some(Format::Hex) => (hex::read(name, &bytes)?, None),
            Some(Format::Raw) => (vec![Part { start: base, bytes }], None),
            None => return Err(FirmwareError::Unknown { file }),
        };
        let parts = joined(name, parts)?;
        if parts.is_empty() {
            return Err(FirmwareError::Empty { file });
        }
        let firmware = Self { name: file.clone(), parts, built_for };
        match firmware.size() {
            0..=MAX_BYTES => Ok(firmware),
            _ => Err(FirmwareError::TooBig { file }),
        }
    }

    /// What is flashed, in order; gaps between the parts are left as they are.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How many bytes are flashed.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes.len() as u64).sum()
    }

    /// Compares it with a chip.
    ///
    /// # Errors
    /// It is for another one, or does not fit.
    pub fn check(&self, chip: &Chip) -> Result<(), FirmwareError> {
        if let Some(why) = self.built_for.and_then(|built| built.misfit(chip)) {
            return Err(self.other_chip(chip, why));
        }
        let flash = chip.flash();
        for part in &self.parts {
            self.fits(part, chip, &flash)?;
        }
        match first_words(chip) {
            Some(ram) => self.starts(chip, ram),
            None => Ok(()),
        }
    }

    fn other_chip(&self, chip: &Chip, why: String) -> FirmwareError {
        FirmwareError::OtherChip { file: self.name.clone(), chip: chip.name().to_owned(), why }
    }

    fn fits(&self, part: &Part, chip: &Chip, flash: &[Range<u64>]) -> Result<(), FirmwareError> {
        let (file, name) = (self.name.clone(), chip.name().to_owned());
        let start = u64::from(part.start);
        match flash.iter().find(|range| range.contains(&start)) {
            Some(range) if part.end() <= range.end => Ok(()),
            Some(range) => {
                Err(FirmwareError::TooLarge { file, chip: name, end: part.end(), flash_end: range.end })
            }
            None => {
                let all = flash.iter().map(|range| format!("{:#010x}–{:#010x}", range.start, range.end - 1));
                let all: Vec<String> = all.collect();
                let flash = if all.is_empty() { "no address".into() } else { all.join(", ") };
                Err(FirmwareError::Outside { file, chip: name, from: start, flash })
            }
        }
    }

    /// Looks at where the stack and the code begin, if the firmware has the place where the chip looks.
    fn starts(&self, chip: &Chip, ram: Vec<Range<u64>>) -> Result<(), FirmwareError> {
        let Some(boot) = chip.boot() else { return Ok(()) };
        let words = self.parts.iter().find_map(|part| Some((part.word(boot)?, part.word(boot + 4)?)));
        let Some((stack, code)) = words else { return Ok(()) };
        if !ram.iter().any(|ram| ram.start < stack.into() && u64::from(stack) <= ram.end) {
            let why = format!("its stack begins at {stack:#010x}, where that has no RAM");
            return Err(self.other_chip(chip, why));
        }
        // A Cortex-M knows no code at an even address.
        let is_code = code & 1 == 1 && chip.flash().iter().any(|flash| flash.contains(&u64::from(code & !1)));
        match is_code {
            true => Ok(()),
            false => {
                let why = format!("its code begins at {code:#010x}, which is no code in that one's flash");
                Err(self.other_chip(chip, why))
            }
        }
    }
}

/// Where a stack may lie on a chip that begins with the address of its stack. Others begin with a boot loader of
/// their maker's, or their lists of RAM are not complete.
fn first_words(chip: &Chip) -> Option<Vec<Range<u64>>> {
    // The core-coupled RAM of an STM32 is not in every list.
    const COUPLED: Range<u64> = 0x1000_0000..0x1010_0000;
    let mut ram = chip.ram();
    match chip.name() {
        name if name.starts_with("nRF5") || name.starts_with("nRF91") => {}
        name if name.starts_with("STM32") => ram.push(COUPLED),
        _ => return None,
    }
    Some(ram)
}

fn format(name: &str, bytes: &[u8]) -> Option<Format> {
    let extension = Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase());
    match (bytes, extension.as_deref()) {
        ([0x7f, b'E', b'L', b'F', ..], _) => Some(Format::Elf),
        (_, Some("hex" | "ihex" | "ihx")) => Some(Format::Hex),
        (_, Some("bin")) => Some(Format::Raw),
        ([b':', ..], _) => Some(Format::Hex),
        _ => None,
    }
}

/// Parts in order, those that touch made one.
fn joined(name: &str, mut parts: Vec<Part>) -> Result<Vec<Part>, FirmwareError> {
    let damaged = |why: String| FirmwareError::Damaged { file: name.to_owned(), why };
    parts.retain(|part| !part.bytes.is_empty());
    // Of equal addresses the order in the file is kept.
    parts.sort_by_key(|part| part.start);
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        if part.end() > 1 << 32 {
            return Err(damaged(format!("the bytes from {:#010x} on do not end in 32 bits", part.start)));
        }
        match joined.last_mut() {
            Some(last) if u64::from(part.start) < last.end() => {
                return Err(damaged(format!("there are two bytes for {:#010x}", part.start)));
            }
            Some(last) if u64::from(part.start) == last.end() => last.bytes.extend(part.bytes),
            _ => joined.push(part),
        }
        if joined.len() > MAX_PARTS {
            return Err(damaged("it consists of too many parts".into()));
        }
    }
    Ok(joined)
}

const ARM: u16 = 40;
const AARCH64: u16 = 183;
const RISC_V: u16 = 243;
const XTENSA: u16 = 94;

impl Processor {
    /// Why none of a chip's cores runs it.
    fn misfit(self, chip: &Chip) -> Option<String> {
        if chip.cores().any(|core| self.runs_on(core)) {
            return None;
        }
        Some(match (self.machine, self.arm.and_then(arm_name)) {
            (ARM, Some(name)) => format!("it is built for {name}"),
            (ARM, None) => "it is built for an Arm core".into(),
            (AARCH64, _) => "it is built for a 64-bit Arm core".into(),
            (RISC_V, _) => "it is built for a RISC-V core".into(),
            (XTENSA, _) => "it is built for an Xtensa core".into(),
            (3 | 62, _) => "it is a program for a PC".into(),
            (machine, _) => format!("it is built for another processor (ELF machine {machine})"),
        })
    }

    fn runs_on(self, core: CoreType) -> bool {
        // Attributes: 11 and 12 are those of a Cortex-M0, 10 of an M3, 13 of an M4, 16, 17 and 21 of an M23 and later.
        let any_of = |known: &[u8]| self.machine == ARM && self.arm.is_none_or(|arm| known.contains(&arm));
        match core {
            CoreType::Armv6m => any_of(&[11, 12]),
            CoreType::Armv7m => any_of(&[10, 11, 12]),
            CoreType::Armv7em => any_of(&[10, 11, 12, 13]),
            CoreType::Armv8m | CoreType::Armv7a | CoreType::Armv7r => self.machine == ARM,
            CoreType::Armv8a => matches!(self.machine, ARM | AARCH64),
            CoreType::Riscv | CoreType::Riscv64 => self.machine == RISC_V,
            CoreType::Xtensa => self.machine == XTENSA,
        }
    }
}

fn arm_name(arm: u8) -> Option<&'static str> {
    Some(match arm {
        0..=9 => "an Arm core that is no microcontroller's",
        10 => "a Cortex-M3 or a larger core",
        11 | 12 => "a Cortex-M0",
        13 => "a Cortex-M4 or M7",
        16 => "a Cortex-M23",
        17 => "a Cortex-M33",
        21 => "a Cortex-M55",
        _ => return None,
    })
}
