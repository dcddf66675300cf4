//! Debug probes: what is known before a chip is touched, and what becomes of whatever goes wrong on the way to one.
//!
//! The second half talks to the emulated chip of `lockrig sim serve` over its socket, as any program with probe-rs
//! would.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use lockrig::drivers::probe::{
    Chip, Ended, Firmware, FirmwareError, Heard, Identity, Line, LineSource, MemoryProbe, MemorySetup, Probe,
    ProbeError, Setup,
};
use lockrig::lock::{DebugPort, MemoryMap, Region};
use lockrig::rig::{Address, Connect, IfProtected, ProbePort, RttConsole, Selector};
use lockrig::trace::{Argument, Channel, Reason, Request, Response, Value};
use proptest::prelude::*;

use crate::common::{code, empty_folder, lockrig, root, text};

mod console;
mod power;

/// The emulated chip.
const CHIP: &str = "nRF51822_xxAA";

fn chip() -> Chip {
    Chip::find(CHIP).expect("a chip")
}

// Selectors.

#[test]
fn selectors_are_read_as_probe_rs_writes_them() {
    let usb = |vendor, product, interface, serial: Option<&str>| Selector::Usb {
        vendor,
        product,
        interface,
        serial: serial.map(str::to_owned),
    };
    for (text, selector) in [
        ("0d28:0204", usb(0x0d28, 0x0204, None, None)),
        ("D28:204", usb(0x0d28, 0x0204, None, None)),
        ("0403:6010-1", usb(0x0403, 0x6010, Some(1), None)),
        ("303a:1001:DC:DA:0C:D3", usb(0x303a, 0x1001, None, Some("DC:DA:0C:D3"))),
        ("0403:6010-1:AB", usb(0x0403, 0x6010, Some(1), Some("AB"))),
        ("20b7:9db1:C3-1:0:1", usb(0x20b7, 0x9db1, None, Some("C3-1:0:1"))),
        ("20b7:9db1:unix:/run/lock.sock", Selector::Socket(Address::Unix("/run/lock.sock".into()))),
        ("unix:lock:1.sock", Selector::Socket(Address::Unix("lock:1.sock".into()))),
        (
            "20B7:9DB1:tcp:bench-3:7000",
            Selector::Socket(Address::Tcp { host: "bench-3".into(), port: 7_000 }),
        ),
        ("tcp:[::1]:7000", Selector::Socket(Address::Tcp { host: "[::1]".into(), port: 7_000 })),
    ] {
        let read: Selector = text.parse().expect(text);
        assert_eq!(read, selector, "{text}");
        assert_eq!(read.to_string().parse::<Selector>(), Ok(read), "{text}");
    }
}

#[test]
fn what_names_no_probe_is_refused_with_a_reason() {
    for (text, why) in [
        ("", "a colon is missing"),
        ("probe", "a colon is missing"),
        ("0d28", "a colon is missing"),
        ("0d28:", "hexadecimal"),
        ("+d28:0204", "hexadecimal"),
        ("0d28:02041", "hexadecimal"),
        ("0403:6010-", "an interface is a number"),
        ("0403:6010-300", "an interface is a number"),
        ("20b7:9db1:unix:", "the path of the socket is missing"),
        ("20b7:9db1:tcp:host", "the port is missing"),
        ("20b7:9db1:tcp:host:0", "the port is no number"),
        ("20b7:9db1:tcp:host:70000", "the port is no number"),
        ("20b7:9db1:tcp::7000", "the host is missing"),
        ("0d28:0204:\u{1b}[2J", "can't be shown"),
    ] {
        let error = text.parse::<Selector>().expect_err(text);
        assert!(error.to_string().contains(why), "{text:?}: {error}");
    }
    let long = format!("unix:/{}", "x".repeat(200));
    assert!(long.parse::<Selector>().expect_err("too long").to_string().contains("107 bytes"));
}

proptest! {
    #[test]
    fn no_selector_is_too_strange(text in ".{0,60}") {
        if let Ok(selector) = text.parse::<Selector>() {
            prop_assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector));
        }
    }
}

// Chips.

#[test]
fn a_chip_is_found_by_its_name_or_the_beginning_of_it() {
    for (written, name) in [
        (CHIP, CHIP),
        ("nrf51822_XXaa", CHIP),
        ("nRF52840", "nRF52840_xxAA"),
        ("STM32WB55RGV6", "STM32WB55RGVx"),
    ] {
        assert_eq!(Chip::find(written).expect(written).name(), name);
    }
    let (flash, ram) = (0..0x4_0000, 0x2000_0000..0x2000_4000);
    assert_eq!((chip().flash(), chip().ram()), (vec![flash], vec![ram]));
    assert_eq!(chip().boot(), Some(0));
}

#[test]
fn a_name_that_fits_several_chips_lists_them() {
    let error = Chip::find("nRF51822").expect_err("several");
    let ProbeError::AmbiguousChip { matching, count: 3, .. } = &error else { panic!("{error:?}") };
    assert_eq!(matching, &["nRF51822_xxAA", "nRF51822_xxAB", "nRF51822_xxAC"]);
    assert_eq!(error.hint().as_deref(), Some("write one of: nRF51822_xxAA, nRF51822_xxAB, nRF51822_xxAC"));
    let error = Chip::find("STM32").expect_err("hundreds");
    let ProbeError::AmbiguousChip { matching, count, .. } = &error else { panic!("{error:?}") };
    assert!(matching.len() <= 12 && *count > 500, "{count}");
    assert!(error.hint().is_some_and(|hint| hint.contains(" more")));
}

#[test]
fn a_name_that_fits_no_chip_is_answered_with_names_like_it() {
    for (written, meant) in [
        ("nRF51882_xxAA", "nRF51822_xxAA"),
        ("nRF52832_xxAA_rev2", "nRF52832_xxAA"),
        ("STM32WB55RGVxx", "STM32WB55RGVx"),
        ("SMT32F407VG", "STM32F407VGTx"),
    ] {
        let error = Chip::find(written).expect_err(written);
        let ProbeError::UnknownChip { near, .. } = &error else { panic!("{error:?}") };
        assert!(near.iter().any(|name| name == meant), "{written}: {near:?}");
        assert!(near.len() <= 5, "{near:?}");
    }
    for written in ["", "a lock", "\u{1b}[2J", &"x".repeat(1_000)] {
        let error = Chip::find(written).expect_err("no chip");
        assert!(matches!(&error, ProbeError::UnknownChip { near, .. } if near.is_empty()), "{error:?}");
        assert!(!error.to_string().contains('\u{1b}') && error.to_string().len() < 200, "{error}");
    }
}

// Firmware.

/// A firmware that copies a table into the RAM, word by word, and then does nothing more.
fn copier(to: u32, table: &[u8]) -> Vec<u8> {
    const FROM: usize = 0x80;
    let mut image = vec![0xff; FROM];
    let mut put = |at: usize, words: &[u32]| {
        for (place, word) in image[at..].chunks_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
    };
    put(0, &[0x2000_4000, 0x41]);
    // ldr r0, r1, r2; ldm r0!, {r3}; stm r1!, {r3}; subs r2; bne; b .
    put(0x40, &[0x4904_4803, 0xc808_4a04, 0x3a01_c108, 0xe7fe_d1fb]);
    put(0x50, &[FROM as u32, to, table.len().div_ceil(4) as u32]);
    image.extend(table);
    image.resize(image.len().next_multiple_of(4), 0);
    image
}

/// A firmware that says something by semihosting, and ends.
fn speaker(words: &str) -> Vec<u8> {
    let mut image = vec![0xff; 0x60];
    let mut put = |at: usize, words: &[u32]| {
        for (place, word) in image[at..].chunks_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
    };
    put(0, &[0x2000_4000, 0x41]);
    // movs r0, #4; ldr r1; bkpt 0xab; movs r0, #0x18; ldr r1; bkpt 0xab
    put(0x40, &[0x4902_2004, 0x2018_beab, 0xbeab_4901, 0x60, 0x2_0026]);
    image.extend(words.as_bytes());
    image.push(0);
    image.resize(image.len().next_multiple_of(4), 0);
    image
}

/// An RTT control block with one channel in whose buffer this stands, for an address.
fn rtt_block(at: u32, said: &str) -> Vec<u8> {
    let buffer = at + 16 + 8 + 24;
    let mut block = b"SEGGER RTT\0\0\0\0\0\0".to_vec();
    for word in [1, 0, 0, buffer, 64, said.len() as u32, 0, 0] {
        block.extend(word.to_le_bytes());
    }
    block.extend(said.as_bytes());
    block.resize(48 + 64, 0);
    block
}

/// Intel HEX of bytes at an address.
fn hex(at: u32, bytes: &[u8]) -> String {
    let record = |address: u16, kind: u8, contents: &[u8]| {
        let [high, low] = address.to_be_bytes();
        let mut all = vec![contents.len() as u8, high, low, kind];
        all.extend(contents);
        all.push(all.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte)));
        let digits: String = all.iter().map(|byte| format!("{byte:02X}")).collect();
        format!(":{digits}\n")
    };
    let mut text = String::new();
    for (number, part) in bytes.chunks(16).enumerate() {
        let address = at + number as u32 * 16;
        text += &record(0, 4, &((address >> 16) as u16).to_be_bytes());
        text += &record(address as u16, 0, part);
    }
    text + &record(0, 1, &[])
}

/// An ELF file with one segment, for a machine.
fn elf(machine: u16, at: u32, bytes: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([2_u16.to_le_bytes(), machine.to_le_bytes()].concat());
    for word in [1, at | 1, 52, 0, 0x0500_0200] {
        file.extend(u32::to_le_bytes(word));
    }
    for half in [52_u16, 32, 1, 40, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let size = bytes.len() as u32;
    for word in [1, 84, 0x2000_0000, at, size, size, 5, 4] {
        file.extend(u32::to_le_bytes(word));
    }
    file.extend(bytes);
    file
}

const ARM: u16 = 40;
const RISC_V: u16 = 243;

fn checked(name: &str, bytes: Vec<u8>) -> Result<Firmware, FirmwareError> {
    let firmware = Firmware::decode(name, bytes, 0)?;
    firmware.check(&chip()).map(|()| firmware)
}

#[test]
fn the_same_firmware_is_read_from_each_kind_of_file() {
    let image = copier(0x2000_0100, b"table");
    let raw = checked("lock.bin", image.clone()).expect("raw bytes");
    for (name, file) in [
        ("lock.hex", hex(0, &image).into_bytes()),
        ("lock.txt", hex(0, &image).into_bytes()),
        ("lock.hex", hex(0, &image).replace('\n', "\r\n\r\n").into_bytes()),
        // Where it runs is not where it is loaded.
        ("lock", elf(ARM, 0, &image)),
        ("lock.bin", elf(ARM, 0, &image)),
    ] {
        let read = checked(name, file).expect(name);
        assert_eq!(read.parts(), raw.parts(), "{name}");
    }
    assert_eq!(raw.size(), image.len() as u64);
}

#[test]
fn the_built_in_images_fit_their_chip() {
    let images = std::fs::read_dir(root().join("firmware/images")).expect("a folder").flatten();
    let images: Vec<PathBuf> = images.map(|entry| entry.path()).collect();
    let images: Vec<&PathBuf> = images.iter().filter(|p| p.extension().is_some_and(|e| e == "hex")).collect();
    assert!(!images.is_empty());
    for image in images {
        let firmware = Firmware::read(image, None, &chip()).expect("a firmware");
        assert_eq!(firmware.check(&chip()), Ok(()), "{}", image.display());
        // Code, and the factory page at the end of the flash.
        assert_eq!(firmware.parts().len(), 2, "{}", image.display());
        let other = Chip::find("STM32WB55RGVx").expect("a chip");
        assert!(matches!(firmware.check(&other), Err(FirmwareError::Outside { from: 0, .. })));
    }
}

#[test]
fn a_file_that_is_no_whole_firmware_is_refused_before_anything_is_connected() {
    let image = copier(0x2000_0100, b"table");
    let good = hex(0, &image);
    let whole = elf(ARM, 0, &image);
    let relocatable: Vec<u8> =
        whole.iter().enumerate().map(|(at, b)| if at == 16 { 1 } else { *b }).collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("lock.txt", b"no firmware".to_vec(), "no ELF and no Intel HEX"),
        ("lock.bin", Vec::new(), "nothing to flash"),
        ("lock.hex", b":00000001FF\n".to_vec(), "nothing to flash"),
        ("lock.hex", good.replace(":00000001FF\n", "").into_bytes(), "cut off"),
        ("lock.hex", good.as_bytes()[..good.len() / 2].to_vec(), "line"),
        ("lock.hex", good.replacen("FF", "FE", 1).into_bytes(), "line 2 is no record"),
        ("lock.hex", (good.clone() + &hex(0x1000, b"more")).into_bytes(), "comes after the end"),
        ("lock.hex", hex(0, b"\xff\xfe").replace(':', ";").into_bytes(), "line 1 is no record"),
        ("lock.hex", b"\xff\xfe".to_vec(), "it is no text"),
        ("lock.hex", good.replace(":00000001FF\n", &good).into_bytes(), "two bytes for 0x00000000"),
        ("lock.elf", whole[..40].to_vec(), "cut off"),
        ("lock.elf", whole[..60].to_vec(), "cut off"),
        ("lock.elf", whole[..whole.len() - 1].to_vec(), "a segment is not whole"),
        ("lock.elf", relocatable, "not linked yet"),
        ("lock.elf", b"\x7fELF\x02\x01\x01".to_vec(), "64-bit"),
    ];
    for (name, file, why) in cases {
        let error = checked(name, file).expect_err(why);
        assert!(error.to_string().contains(why), "{why}: {error}");
        assert!(error.to_string().starts_with(name), "{error}");
    }
}

#[test]
fn a_firmware_for_another_chip_or_another_place_is_refused() {
    let image = copier(0x2000_0100, b"table");
    let with_stack = |stack: u32| [stack.to_le_bytes().as_slice(), &image[4..]].concat();
    let with_start = |start: u32| [&image[..4], start.to_le_bytes().as_slice(), &image[8..]].concat();
    for (name, file, why) in [
        ("lock.elf", elf(RISC_V, 0, &image), "it is built for a RISC-V core"),
        ("lock.elf", elf(3, 0, &image), "it is a program for a PC"),
        ("lock.bin", with_stack(0x2000_8000), "its stack begins at 0x20008000"),
        ("lock.bin", with_start(0x40), "its code begins at 0x00000040"),
        ("lock.bin", with_start(0x0800_0041), "its code begins at 0x08000041"),
    ] {
        let error = checked(name, file).expect_err(why);
        assert!(
            matches!(error, FirmwareError::OtherChip { .. }) && error.to_string().contains(why),
            "{error}"
        );
    }
    let error = checked("lock.hex", hex(0x0800_0000, &image).into_bytes()).expect_err("no flash there");
    assert!(matches!(error, FirmwareError::Outside { from: 0x0800_0000, .. }), "{error}");
    let error = checked("lock.elf", elf(ARM, 0x2000_0000, &image)).expect_err("RAM");
    assert!(matches!(error, FirmwareError::Outside { from: 0x2000_0000, .. }), "{error}");
    let mut large = image.clone();
    large.resize(0x4_0001, 0);
    let error = checked("lock.bin", large).expect_err("too large");
    let end = FirmwareError::TooLarge {
        file: "lock.bin".into(),
        chip: CHIP.into(),
        end: 0x4_0001,
        flash_end: 0x4_0000,
    };
    assert_eq!(error, end);
    // Gaps are fine, and what does not hold the beginning is not judged by it.
    let tail = hex(0x3_fc00, b"RL1-000017");
    let two = hex(0, &image).replace(":00000001FF\n", &tail);
    assert_eq!(checked("lock.hex", two.into_bytes()).expect("two parts").parts().len(), 2);
    assert!(checked("lock.hex", tail.into_bytes()).is_ok());
}

#[test]
fn attributes_of_an_elf_file_tell_the_core_that_it_is_built_for() {
    /// An ELF file with the section of attributes that a compiler writes for an architecture.
    fn with_attributes(image: &[u8], architecture: u8) -> Vec<u8> {
        // Of the file: a name of the core, the architecture, Thumb.
        let mut of_file = b"\x05Cortex\0".to_vec();
        of_file.extend([6, architecture, 9, 1]);
        let mut vendor = b"aeabi\0\x01".to_vec();
        vendor.extend((of_file.len() as u32 + 5).to_le_bytes());
        vendor.extend(of_file);
        let mut section = vec![b'A'];
        section.extend((vendor.len() as u32 + 4).to_le_bytes());
        section.extend(vendor);
        let mut file = elf(ARM, 0, image);
        let at = file.len() as u32;
        let size = section.len() as u32;
        file.extend(section);
        let table = file.len() as u32;
        file.extend([0; 40]);
        for word in [0, 0x7000_0003, 0, 0, at, size, 0, 0, 1, 0] {
            file.extend(u32::to_le_bytes(word));
        }
        file[32..36].copy_from_slice(&table.to_le_bytes());
        file[48..50].copy_from_slice(&2_u16.to_le_bytes());
        file
    }
    let image = copier(0x2000_0100, b"table");
    for architecture in [11, 12] {
        assert!(checked("lock.elf", with_attributes(&image, architecture)).is_ok(), "{architecture}");
    }
    for (architecture, built) in [(10, "Cortex-M3"), (13, "Cortex-M4"), (17, "Cortex-M33")] {
        let error = checked("lock.elf", with_attributes(&image, architecture)).expect_err(built);
        assert!(error.to_string().contains(built), "{error}");
    }
    // One that is cut off, or makes no sense, says nothing.
    let cut = with_attributes(&image, 11);
    let error = checked("lock.elf", cut[..cut.len() - 1].to_vec()).expect_err("cut off");
    assert!(matches!(error, FirmwareError::Truncated { .. }), "{error}");
}

proptest! {
    #[test]
    fn no_file_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0_usize..4) {
        let begin: &[u8] = [b"\x7fELF\x01\x01\x01".as_slice(), b":10000000", b":", b""][kind];
        let name = ["lock", "lock.hex", "lock.hex", "lock.bin"][kind];
        let _ = checked(name, [begin, &bytes].concat());
    }

    #[test]
    fn no_change_of_a_byte_is_too_strange(at in 0_usize..200, byte: u8) {
        let mut file = elf(ARM, 0, &copier(0x2000_0100, b"table"));
        file[at] = byte;
        let _ = checked("lock.elf", file);
    }
}

// The command line, with nothing connected.

#[test]
fn the_command_line_refuses_before_it_connects() {
    let folder = empty_folder();
    let image = folder.path().join("lock.bin");
    std::fs::write(&image, copier(0x2000_0100, b"table")).expect("written");
    std::fs::write(folder.path().join("short.hex"), ":0100100042AD\n").expect("written");
    let nowhere = "20b7:9db1:unix:nowhere.sock";
    for (arguments, code, words) in [
        (vec!["flash", "lock.bin", "--chip", "nRF51822"], 2, "write one of: nRF51822_xxAA"),
        (
            vec!["flash", "lock.bin", "--chip", "nRF51882_xxAA"],
            2,
            "did you mean nRF51802_xxAA, nRF51822_xxAA",
        ),
        (vec!["flash", "lock.bin", "--chip", "STM32WB55RGVx"], 2, "is not for the STM32WB55RGVx"),
        (vec!["flash", "none.bin", "--chip", CHIP], 2, "none.bin"),
        (vec!["flash", "short.hex", "--chip", CHIP], 2, "cut off"),
        (vec!["flash", "lock.bin", "--chip", CHIP, "--probe", "what"], 2, "names no debug probe"),
        (
            vec!["flash", "lock.bin", "--chip", CHIP, "--probe", nowhere],
            3,
            "no probe listens at unix:nowhere.sock",
        ),
        (vec!["flash", "lock.bin", "--chip", CHIP, "--probe", "ffff:fff1"], 3, "no probe `ffff:fff1`"),
        (vec!["erase", "--chip", CHIP], 2, "add `--yes`"),
        (vec!["read", "0", "4x", "out.bin", "--chip", CHIP], 2, "256KiB"),
        (vec!["reset", "--chip", CHIP, "--speed", "0"], 2, "0"),
        (vec!["console", "--chip", CHIP, "--for", "10"], 2, "--for '10 s'"),
    ] {
        let output = lockrig(folder.path(), &[["probe"].as_slice(), &arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(words), "{arguments:?}: {}", text(&output));
    }
    assert!(!folder.path().join("out.bin").exists());
    assert_eq!(self::code(folder.path(), &["list", "probes"]), 0);
    assert_eq!(self::code(folder.path(), &["list", "probes", "--json"]), 0);
}

// Over the socket.

/// `lockrig sim serve`, ended when this is dropped.
struct Server {
    folder: tempfile::TempDir,
    process: Child,
}

impl Server {
    fn start(more: &[&str]) -> Self {
        let folder = empty_folder();
        let socket = folder.path().join("probe.sock");
        let mut process = Command::new(assert_cmd::cargo::cargo_bin("lockrig"))
            .args(["sim", "serve", "--probe-socket"])
            .arg(&socket)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut said = String::new();
        let output = process.stdout.take().expect("its output");
        // It says what it offers once it does.
        BufReader::new(output).read_line(&mut said).expect("a line");
        Self { folder, process }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("probe.sock")
    }

    fn setup(&self) -> Setup {
        setup(&self.socket())
    }

    fn probe(&self) -> Probe {
        Probe::open(self.setup()).expect("a probe")
    }

    fn lockrig(&self, arguments: &[&str]) -> std::process::Output {
        let selector = format!("20b7:9db1:unix:{}", self.socket().display());
        let which = ["--probe", &selector, "--chip", CHIP];
        lockrig(self.folder.path(), &[["probe"].as_slice(), arguments, &which].concat())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn setup(socket: &Path) -> Setup {
    let port = ProbePort {
        selector: Some(Selector::Socket(Address::Unix(socket.to_owned()))),
        speed: None,
        connect: Connect::Attach,
        if_protected: IfProtected::Leave,
    };
    Setup { port, chip: CHIP.into() }
}

fn flashed(server: &Server, image: &[u8]) -> Probe {
    let mut probe = server.probe();
    let firmware = Firmware::decode("test.bin", image.to_vec(), 0).expect("a firmware");
    probe.flash(&firmware, &mut |_| {}).expect("flashed");
    probe
}

#[test]
fn a_firmware_is_flashed_verified_and_read_back() {
    let server = Server::start(&[]);
    let image = copier(0x2000_0100, b"a table of words");
    let mut probe = server.probe();
    assert!(matches!(probe.identity(), Identity::Confirmed(name) if name == CHIP), "{:?}", probe.identity());
    let firmware = Firmware::decode("test.bin", image.clone(), 0).expect("a firmware");
    let mut stages = Vec::new();
    probe.flash(&firmware, &mut |progress| stages.push(progress.stage.word())).expect("flashed");
    stages.dedup();
    assert_eq!(stages, ["erase", "write", "verify"]);
    let read = |probe: &mut Probe, from, length: usize| {
        probe.read(from, length as u32, &mut |_| true).expect("read")
    };
    assert_eq!(read(&mut probe, 0, image.len()), image);
    // Neither the address nor the length need be a word's.
    assert_eq!(read(&mut probe, 0x81, 5), image[0x81..0x86]);
    assert!(read(&mut probe, 0x1000, 0).is_empty());
    probe.reset_and_halt().expect("halted");
    probe.run().expect("it runs");
    probe.halt().expect("halted");
    assert_eq!(read(&mut probe, 0x2000_0100, 16), b"a table of words");
    probe.erase_all(&mut |_| {}).expect("erased");
    assert_eq!(read(&mut probe, 0, 16), [0xff; 16]);
    let error = probe.observe(&mut |_| true).expect_err("blank");
    assert_eq!(error, ProbeError::Blank { at: 0 });
}

#[test]
fn the_same_from_the_command_line() {
    let server = Server::start(&[]);
    let image = copier(0x2000_0100, b"a table of words");
    std::fs::write(server.folder.path().join("lock.bin"), &image).expect("written");
    let output = server.lockrig(&["flash", "lock.bin", "--under-reset"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("written and verified"), "{}", text(&output));
    let output = server.lockrig(&["read", "0x80", "16", "out.bin"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(std::fs::read(server.folder.path().join("out.bin")).expect("a file"), b"a table of words");
    let output = server.lockrig(&["reset"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let output = server.lockrig(&["erase", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let output = server.lockrig(&["read", "0x80000000", "4", "none.bin"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("FAULT") && !server.folder.path().join("none.bin").exists());
}

fn said(heard: &Heard) -> Option<Line> {
    match heard {
        Heard::Line(line) => Some(line.clone()),
        Heard::Progress(_) | Heard::CaughtUp | Heard::Nothing => None,
    }
}

#[test]
fn what_a_firmware_says_is_heard_line_by_line() {
    let server = Server::start(&[]);
    let mut probe = flashed(&server, &copier(0x2000_0100, &rtt_block(0x2000_0100, "boot\nready\nno end")));
    probe.restart().expect("it starts");
    let mut lines = Vec::new();
    let begin = Instant::now();
    let ended = probe.listen(None, &mut |heard| {
        lines.extend(said(heard));
        lines.len() < 2 && begin.elapsed() < Duration::from_secs(20)
    });
    assert_eq!(ended, Ok(Ended::Asked));
    let texts: Vec<(LineSource, &str)> = lines.iter().map(|line| (line.source, line.text.as_str())).collect();
    assert_eq!(texts, [(LineSource::Rtt, "boot"), (LineSource::Rtt, "ready")]);
    drop(probe);
    let mut probe = flashed(&server, &speaker("hello from the lock\n"));
    probe.reset_and_halt().expect("halted");
    let mut lines = Vec::new();
    let ended = probe.listen(None, &mut |heard| {
        lines.extend(said(heard));
        begin.elapsed() < Duration::from_secs(60)
    });
    assert_eq!(ended, Ok(Ended::Exit("exit code 0".into())));
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["hello from the lock"]);
    assert!(lines.iter().all(|line| line.source == LineSource::Semihosting));
}

#[test]
fn several_control_blocks_are_reported_and_one_can_be_named() {
    let server = Server::start(&[]);
    let mut table = rtt_block(0x2000_0100, "first\n");
    table.resize(0x400, 0);
    table.extend(rtt_block(0x2000_0500, "second\n"));
    // What the probe left in the RAM while it wrote is none.
    let mut probe = flashed(&server, &copier(0x2000_0100, &table));
    probe.restart().expect("it starts");
    let begin = Instant::now();
    let is_early = move || begin.elapsed() < Duration::from_secs(20);
    let error = probe.listen(None, &mut |_| is_early()).expect_err("two");
    assert_eq!(error, ProbeError::SeveralRtt { at: vec![0x2000_0100, 0x2000_0500] });
    let mut heard = None;
    let ended = probe.listen(Some(0x2000_0500), &mut |what| {
        heard = heard.take().or(said(what).map(|line| line.text));
        heard.is_none() && is_early()
    });
    assert_eq!((ended, heard.as_deref()), (Ok(Ended::Asked), Some("second")));
}

#[test]
fn what_is_wrong_with_a_port_is_told_apart() {
    let open = |fault: &str| Probe::open(Server::start(&["--port-fault", fault]).setup()).map(drop);
    assert_eq!(open("none"), Ok(()));
    assert_eq!(open("no-power-up"), Err(ProbeError::NoPowerUp));
    assert_eq!(open("no-access-port"), Err(ProbeError::NoAccessPort));
    assert!(matches!(open("wrong-identity"), Err(ProbeError::WrongChip { .. })));
    let server = Server::start(&["--port-fault", "fault-answers"]);
    let outcome = Probe::open(server.setup())
        .and_then(|mut probe| probe.read(0, 0x4_0000, &mut |_| true))
        .expect_err("a refusal");
    assert!(matches!(outcome, ProbeError::Fault { .. }), "{outcome:?}");
    let mut other = setup(&Server::start(&[]).socket());
    other.chip = "STM32WB55RGVx".into();
    let server = Server::start(&[]);
    other.port.selector = server.setup().port.selector;
    let error = Probe::open(other).map(drop).expect_err("another chip");
    assert!(matches!(error, ProbeError::WrongChip { .. }), "{error:?}");
}

#[test]
fn a_protected_chip_is_never_taken_for_a_clean_one() {
    let server = Server::start(&["--port-fault", "protected"]);
    let mut probe = server.probe();
    let error = probe.read(0x3_f000, 0x400, &mut |_| true).expect_err("protected");
    assert!(matches!(error, ProbeError::Protected { .. }), "{error:?}");
    let firmware = Firmware::decode("test.bin", copier(0x2000_0100, b"table"), 0).expect("a firmware");
    let error = probe.flash(&firmware, &mut |_| {}).expect_err("protected");
    assert!(matches!(error, ProbeError::Protected { .. }), "{error:?}");
    drop(probe);
    let asked = Asked::start(&server.setup());
    for op in ["read", "snapshot", "search", "digest"] {
        let answer = asked.answer(op).expect("an answer");
        assert!(!answer.ok && answer.reason == Reason::Locked, "{op}: {answer:?}");
        assert_eq!((answer.found, answer.digest), (None, None), "{op}");
    }
}

/// A socket in between that ends the connection after so many bytes from the chip.
fn cut_after(server: &Server, bytes: usize) -> PathBuf {
    let path = server.folder.path().join("cut.sock");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("a socket");
    let to = server.socket();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = UnixStream::connect(&to).expect("a server");
            let (mut up_from, mut up_to) =
                (near.try_clone().expect("a copy"), far.try_clone().expect("a copy"));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut up_from, &mut up_to);
                let _ = up_to.shutdown(Shutdown::Both);
            });
            let mut down = (&far).take(bytes as u64);
            let _ = std::io::copy(&mut down, &mut (&near));
            let _ = near.shutdown(Shutdown::Both);
            let _ = far.shutdown(Shutdown::Both);
        }
    });
    path
}

#[test]
fn a_connection_that_is_lost_ends_what_is_under_way_at_once() {
    let server = Server::start(&[]);
    let mut lost = 0;
    for bytes in [0, 10, 200, 2_000, 20_000, 60_000] {
        let begin = Instant::now();
        let outcome = Probe::open(setup(&cut_after(&server, bytes)))
            .and_then(|mut probe| probe.read(0, 0x4_0000, &mut |_| true));
        let error = outcome.expect_err("lost");
        let is_lost = matches!(error, ProbeError::Lost { .. } | ProbeError::NotAProbe { .. });
        assert!(is_lost, "{bytes}: {error:?}");
        lost += u32::from(matches!(error, ProbeError::Lost { .. }));
        assert!(begin.elapsed() < Duration::from_secs(8), "{bytes}: {:?}", begin.elapsed());
    }
    assert!(lost >= 3, "{lost}");
    let firmware = Firmware::decode("test.bin", copier(0x2000_0100, &[7; 20_000]), 0).expect("a firmware");
    for bytes in [5_000, 20_000] {
        let outcome = Probe::open(setup(&cut_after(&server, bytes)))
            .and_then(|mut probe| probe.flash(&firmware, &mut |_| {}));
        let error = outcome.expect_err("lost");
        assert!(matches!(error, ProbeError::Lost { .. }), "{bytes}: {error:?}");
        assert!(error.hint().is_some_and(|hint| hint.contains("half written")), "{error:?}");
    }
    // What is left of it disturbs nobody.
    server.probe().flash(&firmware, &mut |_| {}).expect("flashed");
}

#[test]
fn whoever_listens_there_and_speaks_something_else_is_no_probe() {
    let folder = empty_folder();
    let path = folder.path().join("web.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    std::thread::spawn(move || {
        for (number, mut stream) in listener.incoming().flatten().enumerate() {
            // One that answers, and one that hangs up.
            let mut buffer = [0; 64];
            let _ = stream.read(&mut buffer);
            if number == 0 {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n\0");
                let _ = stream.read(&mut buffer);
            }
        }
    });
    for _ in 0..2 {
        let error = Probe::open(setup(&path)).map(drop).expect_err("no probe");
        assert!(matches!(error, ProbeError::NotAProbe { .. }), "{error:?}");
    }
    let error = Probe::open(setup(&folder.path().join("nothing.sock"))).map(drop).expect_err("nobody");
    assert!(matches!(error, ProbeError::NoServer { .. }), "{error:?}");
}

// The memory channel.

/// A probe that answers for a lock, and what it answered.
struct Asked {
    probe: MemoryProbe,
    answers: std::sync::mpsc::Receiver<Result<(Channel, Value), String>>,
}

impl Asked {
    fn start(setup: &Setup) -> Self {
        Self::listening(setup, None)
    }

    fn listening(setup: &Setup, console: Option<RttConsole>) -> Self {
        let region = |name: &str, from, to| Region { name: name.into(), from, to };
        let map = MemoryMap {
            chip: CHIP.into(),
            port: DebugPort::Open,
            regions: vec![region("flash", 0, 0x1000), region("ram", 0x2000_0000, 0x2000_1000)],
            salted: None,
        };
        let setup = MemorySetup { probe: setup.clone(), map: Arc::new(map), console };
        let (sender, answers) = channel();
        let tell = move |answer: Result<(Channel, Value), _>| {
            let _ =
                sender.send(answer.map_err(|fault: lockrig::drivers::input::InputFault| fault.to_string()));
        };
        Self { probe: MemoryProbe::start(setup, tell).expect("it starts"), answers }
    }

    /// Asks, and waits for the answer; what a rig's fault says, if that is what comes.
    fn answer(&self, op: &str) -> Result<Response, String> {
        let arguments = match op {
            "search" => vec![
                ("code.1".into(), Argument::Text("4821".into())),
                ("code.2".into(), Argument::Text("739105".into())),
            ],
            "digest" => vec![("region".into(), Argument::Text("flash".into()))],
            _ => Vec::new(),
        };
        let request = Request { id: 7, op: op.into(), arguments };
        self.probe.tell(&Value::Request(request)).expect("asked");
        loop {
            match self.answers.recv_timeout(Duration::from_secs(60)).expect("an answer") {
                Ok((Channel::Memory, Value::Response(response))) => {
                    assert_eq!(response.id, 7);
                    return Ok(response);
                }
                Ok((Channel::Console, Value::Text(_))) => {}
                Ok(other) => panic!("{other:?}"),
                Err(fault) => return Err(fault),
            }
        }
    }
}

#[test]
fn the_memory_channel_finds_what_was_not_there_before() {
    let server = Server::start(&[]);
    drop(flashed(&server, &copier(0x2000_0100, b"nothing of note ")));
    let asked = Asked::start(&server.setup());
    assert!(asked.answer("read").expect("an answer").ok);
    assert!(asked.answer("snapshot").expect("an answer").ok);
    let found = || asked.answer("search").expect("an answer").found.expect("what was found");
    assert_eq!(found(), []);
    let before = asked.answer("digest").expect("an answer");
    drop(flashed(&server, &copier(0x2000_0100, b"code 739105 here")));
    let places = found();
    assert!(!places.is_empty() && places.iter().all(|one| one.code == 2), "{places:?}");
    assert_ne!(asked.answer("digest").expect("an answer"), before);
    let answer = asked.answer("format").expect("an answer");
    assert_eq!((answer.ok, answer.reason), (false, Reason::Unsupported));
    let said = format!("{before:?}{answer:?}");
    assert!(!said.contains("739105") && !said.contains("4821"), "{said}");
    drop(server);
    assert!(asked.answer("read").expect_err("the server is gone").contains("no probe listens"));
}

#[test]
fn a_memory_channel_without_a_probe_is_the_rigs_fault() {
    let folder = empty_folder();
    let asked = Asked::start(&setup(&folder.path().join("nothing.sock")));
    let fault = asked.answer("read").expect_err("no probe");
    assert!(fault.contains("no probe listens"), "{fault}");
    // Nothing more comes of it.
    let request = Request { id: 8, op: "read".into(), arguments: Vec::new() };
    let is_over = || asked.probe.tell(&Value::Request(request.clone())).is_err();
    assert!(crate::common::happens(Duration::from_secs(10), is_over));
}
