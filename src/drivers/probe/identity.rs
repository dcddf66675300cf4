//! What a chip says of itself: probe-rs attaches to any chip under any name that its core allows.
//!
//! Deliberately absent: chips whose makers do not document where their part number stands. Of them the kind of core is
//! compared, and no more is said.
//!
//! Sources: Arm's CPUID; nRF51 Series Reference Manual 3.0.1 and later ones of the nRF52 (FICR, UICR); ST's reference
//! manuals (DBGMCU_IDCODE, option registers), part numbers compared with stlink's `config/chips`.

use probe_rs::config::CoreType;
use probe_rs::{Core, Error, MemoryInterface as _};

use super::chip::Chip;

/// Where a Cortex-M says what it is.
const CPUID: u64 = 0xe000_ed00;
/// Where an nRF51 says whether it may be read.
const RBPCONF: u64 = 0x1000_1004;

/// What is known of a chip's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It says that it is the one that was named.
    Confirmed(String),
    /// It can't be told from others like it.
    NotChecked(String),
}

/// Whether it lets itself be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It says so.
    Open,
    /// It says that it does not.
    Closed(String),
    /// Where it would say so is not known.
    Unknown,
}

/// It is another one: what its registers say.
pub(super) struct Another(pub(super) String);

/// Compares a chip's registers with its name.
///
/// # Errors
/// They can't be read.
pub(super) fn identify(core: &mut Core<'_>, chip: &Chip) -> Result<Result<Identity, Another>, Error> {
    let Some(kind) = chip.cores().next().filter(CoreType::is_cortex_m) else {
        return Ok(Ok(Identity::NotChecked("its part number can't be read on this kind of core".into())));
    };
    let cpuid = core.read_word_32(CPUID)?;
    if let Some(another) = another_core(kind, cpuid) {
        return Ok(Err(another));
    }
    if let Some(series) = series(chip.name()) {
        let word = core.read_word_32(series.identity)?;
        return Ok(of_stm32(chip.name(), word));
    }
    of_nordic(core, chip)
}

/// Cores by the part number in their CPUID.
fn core_name(part: u32) -> Option<(&'static str, &'static [CoreType])> {
    Some(match part {
        0xc20 => ("Cortex-M0", &[CoreType::Armv6m]),
        0xc60 => ("Cortex-M0+", &[CoreType::Armv6m]),
        0xc21 => ("Cortex-M1", &[CoreType::Armv6m]),
        0xc23 => ("Cortex-M3", &[CoreType::Armv7m]),
        // Some chips' lists call an M4 without floating point an M3.
        0xc24 => ("Cortex-M4", &[CoreType::Armv7em, CoreType::Armv7m]),
        0xc27 => ("Cortex-M7", &[CoreType::Armv7em]),
        0xd20 => ("Cortex-M23", &[CoreType::Armv8m]),
        0xd21 => ("Cortex-M33", &[CoreType::Armv8m]),
        0xd31 => ("Cortex-M35P", &[CoreType::Armv8m]),
        0xd22 => ("Cortex-M55", &[CoreType::Armv8m]),
        0xd23 => ("Cortex-M85", &[CoreType::Armv8m]),
        _ => return None,
    })
}

fn another_core(kind: CoreType, cpuid: u32) -> Option<Another> {
    let (name, kinds) = core_name(cpuid >> 4 & 0xfff)?;
    (!kinds.contains(&kind)).then(|| Another(format!("it has a {name}")))
}

/// Nordic's tables stand in probe-rs's list of chips.
fn of_nordic(core: &mut Core<'_>, chip: &Chip) -> Result<Result<Identity, Another>, Error> {
    let methods = chip.family().map(|family| family.chip_detection.as_slice()).unwrap_or_default();
    let unknown = |what: String| Ok(Ok(Identity::NotChecked(what)));
    if let Some(table) = methods.iter().find_map(|method| method.as_nordic_configid()) {
        let id = core.read_word_32(table.configid_address.into())? & 0xffff;
        return match table.hwid.get(&id) {
            Some(name) => Ok(compared(chip.name(), name)),
            None => unknown(format!("hardware id {id:#06x} is in no table")),
        };
    }
    let tables = || methods.iter().filter_map(|method| method.as_nordic_ficr());
    let Some(first) = tables().next() else {
        return unknown("where this chip says its part number is not known here".into());
    };
    let part = core.read_word_32(first.part_address.into())?;
    let Some(table) = tables().find(|table| table.part == part) else {
        return match part {
            0 | u32::MAX => unknown(format!("part number {part:#x} says nothing")),
            _ => Ok(Err(Another(format!("its part number is {part:#x}")))),
        };
    };
    let variant = core.read_word_32(table.variant_address.into())?;
    match table.variants.get(&variant) {
        Some(name) => Ok(compared(chip.name(), name)),
        // A revision that is newer than the table.
        None => {
            let any = table.variants.values().next().and_then(|name| name.split('_').next());
            Ok(match any {
                Some(part) if chip.name().starts_with(part) => {
                    Ok(Identity::Confirmed(format!("{part}, variant {variant:#010x}")))
                }
                Some(part) => Err(Another(format!("it is an {part}"))),
                None => Ok(Identity::NotChecked(format!("part number {part:#x} is in no table"))),
            })
        }
    }
}

fn compared(named: &str, found: &str) -> Result<Identity, Another> {
    match named.eq_ignore_ascii_case(found) {
        true => Ok(Identity::Confirmed(found.to_owned())),
        false => Err(Another(format!("it is an {found}"))),
    }
}

/// How a series of STM32 tells about itself.
struct Series {
    /// What its names begin with.
    names: &'static [&'static str],
    /// DBGMCU_IDCODE.
    identity: u64,
    /// Where the level of protection stands, the bits, and what they are if it is open.
    protection: (u64, u32, u32),
}

const SERIES: &[Series] = &[
    Series { names: &["STM32F1"], identity: 0xe004_2000, protection: (0x4002_201c, 0x2, 0) },
    Series { names: &["STM32F3"], identity: 0xe004_2000, protection: (0x4002_201c, 0x6, 0) },
    Series { names: &["STM32F0"], identity: 0x4001_5800, protection: (0x4002_201c, 0x6, 0) },
    Series {
        names: &["STM32F2", "STM32F4", "STM32F7"],
        identity: 0xe004_2000,
        protection: (0x4002_3c14, 0xff00, 0xaa00),
    },
    Series { names: &["STM32L0"], identity: 0x4001_5800, protection: (0x4002_201c, 0xff, 0xaa) },
    Series { names: &["STM32L1"], identity: 0xe004_2000, protection: (0x4002_3c1c, 0xff, 0xaa) },
    Series { names: &["STM32L4", "STM32G4"], identity: 0xe004_2000, protection: (0x4002_2020, 0xff, 0xaa) },
    Series { names: &["STM32G0"], identity: 0x4001_5800, protection: (0x4002_2020, 0xff, 0xaa) },
    Series { names: &["STM32L5", "STM32U5"], identity: 0xe004_4000, protection: (0x4002_2040, 0xff, 0xaa) },
    Series { names: &["STM32WB5", "STM32WB3"], identity: 0xe004_2000, protection: (0x5800_4020, 0xff, 0xaa) },
    Series { names: &["STM32WL"], identity: 0xe004_2000, protection: (0x5800_4020, 0xff, 0xaa) },
    Series {
        names: &["STM32H72", "STM32H73", "STM32H74", "STM32H75", "STM32H7A", "STM32H7B"],
        identity: 0x5c00_1000,
        protection: (0x5200_201c, 0xff00, 0xaa00),
    },
];

fn series(name: &str) -> Option<&'static Series> {
    SERIES.iter().find(|series| series.names.iter().any(|prefix| name.starts_with(prefix)))
}

/// Part numbers of STM32, with what the names of the chips that have them begin with.
const PARTS: &[(u32, &[&str])] = &[
    (0x410, &["STM32F101", "STM32F102", "STM32F103"]),
    (0x411, &["STM32F2"]),
    (0x412, &["STM32F101", "STM32F102", "STM32F103"]),
    (0x413, &["STM32F405", "STM32F407", "STM32F415", "STM32F417"]),
    (0x414, &["STM32F101", "STM32F103"]),
    (0x415, &["STM32L47", "STM32L48"]),
    (0x416, &["STM32L1"]),
    (0x417, &["STM32L05", "STM32L06", "STM32L010"]),
    (0x418, &["STM32F105", "STM32F107"]),
    (0x419, &["STM32F42", "STM32F43"]),
    (0x420, &["STM32F100"]),
    (0x421, &["STM32F446"]),
    (0x422, &["STM32F302", "STM32F303", "STM32F358"]),
    (0x423, &["STM32F401"]),
    (0x425, &["STM32L03", "STM32L04", "STM32L010"]),
    (0x427, &["STM32L1"]),
    (0x428, &["STM32F100"]),
    (0x429, &["STM32L1"]),
    (0x430, &["STM32F101", "STM32F103"]),
    (0x431, &["STM32F411"]),
    (0x432, &["STM32F37"]),
    (0x433, &["STM32F401"]),
    (0x434, &["STM32F46", "STM32F47"]),
    (0x435, &["STM32L43", "STM32L44"]),
    (0x436, &["STM32L1"]),
    (0x437, &["STM32L1"]),
    (0x438, &["STM32F303", "STM32F328", "STM32F334"]),
    (0x439, &["STM32F301", "STM32F302", "STM32F318"]),
    (0x440, &["STM32F05", "STM32F030"]),
    (0x441, &["STM32F412"]),
    (0x442, &["STM32F09", "STM32F030"]),
    (0x444, &["STM32F03"]),
    (0x445, &["STM32F04", "STM32F070"]),
    (0x446, &["STM32F302", "STM32F303", "STM32F398"]),
    (0x447, &["STM32L07", "STM32L08", "STM32L010"]),
    (0x448, &["STM32F07"]),
    (0x449, &["STM32F74", "STM32F75"]),
    (0x450, &["STM32H74", "STM32H75"]),
    (0x451, &["STM32F76", "STM32F77"]),
    (0x452, &["STM32F72", "STM32F73"]),
    (0x456, &["STM32G05", "STM32G06"]),
    (0x457, &["STM32L01", "STM32L02"]),
    (0x458, &["STM32F410"]),
    (0x460, &["STM32G07", "STM32G08"]),
    (0x461, &["STM32L496", "STM32L4A6"]),
    (0x462, &["STM32L45", "STM32L46"]),
    (0x463, &["STM32F413", "STM32F423"]),
    (0x464, &["STM32L41", "STM32L42"]),
    (0x466, &["STM32G03", "STM32G04"]),
    (0x467, &["STM32G0B", "STM32G0C"]),
    (0x468, &["STM32G43", "STM32G44"]),
    (0x469, &["STM32G47", "STM32G48"]),
    (0x470, &["STM32L4R", "STM32L4S"]),
    (0x471, &["STM32L4P", "STM32L4Q"]),
    (0x472, &["STM32L55", "STM32L56"]),
    (0x479, &["STM32G49", "STM32G4A"]),
    (0x480, &["STM32H7A", "STM32H7B"]),
    (0x482, &["STM32U57", "STM32U58"]),
    (0x483, &["STM32H72", "STM32H73"]),
    (0x495, &["STM32WB5", "STM32WB3"]),
    (0x497, &["STM32WL"]),
];

fn of_stm32(named: &str, word: u32) -> Result<Identity, Another> {
    let part = word & 0xfff;
    match PARTS.iter().find(|(id, _)| *id == part) {
        Some((_, names)) if names.iter().any(|name| named.starts_with(name)) => {
            Ok(Identity::Confirmed(format!("part number {part:#05x}")))
        }
        Some((_, names)) => Err(Another(format!("it is one of {}", names.join("…, ") + "…"))),
        None if part == 0 => Err(Another("where an STM32 has its part number, it has none".into())),
        None => Ok(Identity::NotChecked(format!("part number {part:#05x} is in no table"))),
    }
}

/// Whether a chip says that it is protected.
///
/// # Errors
/// The register can't be read.
pub(super) fn protection(core: &mut Core<'_>, chip: &Chip) -> Result<Protection, Error> {
    if chip.name().starts_with("nRF51") {
        // Bits of region 0 and of everything: all ones is open.
        let word = core.read_word_32(RBPCONF)?;
        return Ok(match word & 0xffff {
            0xffff => Protection::Open,
            _ => Protection::Closed(format!("UICR.RBPCONF is {word:#010x}")),
        });
    }
    let Some(series) = series(chip.name()) else { return Ok(Protection::Unknown) };
    let (address, mask, open) = series.protection;
    let word = core.read_word_32(address)?;
    Ok(match word & mask == open {
        true => Protection::Open,
        false => Protection::Closed(format!("its option register at {address:#010x} is {word:#010x}")),
    })
}
