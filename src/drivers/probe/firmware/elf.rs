//! ELF, as a linker leaves it: the segments that are loaded, at their load addresses, and what they are built for.

use object::Endianness;
use object::elf::{self, FileHeader32};
use object::read::elf::{AttributesSection, FileHeader as _, ProgramHeader as _, SectionHeader as _};

use super::{ARM, FirmwareError, Part, Processor};

type Header = FileHeader32<Endianness>;

/// Tags of Arm's build attributes: of a file, of the architecture, and those whose values are texts.
const OF_FILE: u8 = 1;
const CPU_ARCH: u64 = 6;
const TEXTS: [u64; 2] = [4, 5];
const COMPATIBILITY: u64 = 32;

/// The parts in a file, and what runs them.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<(Vec<Part>, Option<Processor>), FirmwareError> {
    let file = || name.to_owned();
    let damaged = |why: &str| FirmwareError::Damaged { file: file(), why: why.into() };
    let cut = |why: &str| FirmwareError::Truncated { file: file(), why: why.into() };
    if bytes.get(4) == Some(&elf::ELFCLASS64) {
        return Err(damaged("it is a 64-bit ELF file, and no microcontroller's"));
    }
    let header = Header::parse(bytes).map_err(|_| cut("its header is not whole"))?;
    let endian = header.endian().map_err(|_| damaged("its header makes no sense"))?;
    match header.e_type(endian) {
        elf::ET_EXEC | elf::ET_DYN => {}
        elf::ET_REL => return Err(damaged("it is an object file, which was not linked yet")),
        _ => return Err(damaged("it is no program")),
    }
    let segments =
        header.program_headers(endian, bytes).map_err(|_| cut("its segments are not all there"))?;
    // A linker writes them last, so what was cut off is noticed here.
    let sections =
        header.section_headers(endian, bytes).map_err(|_| cut("its sections are not all there"))?;
    let mut parts = Vec::new();
    for segment in segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD) {
        let bytes = segment.data(endian, bytes).map_err(|()| cut("a segment is not whole"))?;
        if !bytes.is_empty() {
            parts.push(Part { start: segment.p_paddr(endian), bytes: bytes.to_vec() });
        }
    }
    let machine = header.e_machine(endian);
    // What an attribute says is a help, and no more: one that can't be read says nothing.
    let arm = (machine == ARM).then(|| {
        let attributes = sections.iter().filter(|section| section.sh_type(endian) == elf::SHT_ARM_ATTRIBUTES);
        attributes.filter_map(|section| section.data(endian, bytes).ok()).find_map(|data| arch(endian, data))
    });
    Ok((parts, Some(Processor { machine, arm: arm.flatten() })))
}

/// The architecture in a section of attributes.
fn arch(endian: Endianness, data: &[u8]) -> Option<u8> {
    let section = AttributesSection::<Header>::new(endian, data).ok()?;
    let mut subsections = section.subsections().ok()?;
    while let Some(subsection) = subsections.next().ok()? {
        if subsection.vendor() != b"aeabi" {
            continue;
        }
        let mut parts = subsection.subsubsections();
        while let Some(part) = parts.next().ok()? {
            if part.tag() != OF_FILE {
                continue;
            }
            let mut attributes = part.attributes();
            while let Some(tag) = attributes.read_tag().ok()? {
                // Above the last known one, odd tags have texts.
                if TEXTS.contains(&tag) || tag > COMPATIBILITY && tag % 2 == 1 {
                    attributes.read_string().ok()?;
                    continue;
                }
                let value = attributes.read_integer().ok()?;
                if tag == CPU_ARCH {
                    return u8::try_from(value).ok();
                }
                if tag == COMPATIBILITY {
                    attributes.read_string().ok()?;
                }
            }
        }
    }
    None
}
