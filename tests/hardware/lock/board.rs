//! Whose lines they are.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

/// Lines as the lock's side sees them: numbers below 100 are the first chip's, others the second's.
pub(crate) trait Board {
    /// The level that the rig drives.
    fn read(&mut self, line: u32) -> bool;

    /// Drives a line that the rig reads.
    fn drive(&mut self, line: u32, high: bool);

    /// Whether there is still somebody to play for.
    fn is_there(&mut self) -> bool {
        true
    }

    /// Between two looks at the lines: less often while nothing happens.
    fn pause(&mut self, is_quiet: bool) {
        std::thread::sleep(Duration::from_millis(if is_quiet { 16 } else { 4 }));
    }
}

pub(crate) fn open(name: &str) -> Box<dyn Board> {
    match name.split_once(':') {
        Some(("gpio-sim", folders)) => Box::new(GpioSim::new(folders)),
        Some(("registers", files)) => Box::new(Registers::new(files)),
        Some(("qtest", socket)) => Box::new(Qtest::new(socket)),
        Some(("recorder", file)) => Box::new(Recorder::new(file)),
        _ => panic!("unknown board {name}"),
    }
}

/// The kernel's simulated chips: levels are files.
struct GpioSim {
    chips: Vec<PathBuf>,
    values: BTreeMap<u32, File>,
}

impl GpioSim {
    /// `FOLDER,FOLDER`: a chip each.
    fn new(folders: &str) -> Self {
        Self { chips: folders.split(',').map(PathBuf::from).collect(), values: BTreeMap::new() }
    }

    fn folder(&self, line: u32) -> PathBuf {
        self.chips[line as usize / 100].join(format!("sim_gpio{}", line % 100))
    }
}

impl Board for GpioSim {
    fn read(&mut self, line: u32) -> bool {
        let path = self.folder(line).join("value");
        let file = self.values.entry(line).or_insert_with(|| File::open(&path).expect("a simulated line"));
        let mut byte = [0];
        file.seek(SeekFrom::Start(0)).expect("a file of the kernel");
        file.read_exact(&mut byte).expect("a level");
        byte == *b"1"
    }

    fn drive(&mut self, line: u32, high: bool) {
        let path = self.folder(line).join("pull");
        let mut file = OpenOptions::new().write(true).open(path).expect("a simulated line");
        file.write_all(if high { b"pull-up" } else { b"pull-down" }).expect("a level");
    }
}

/// The rig writes its outputs to a file; there are no lines that it reads.
struct Recorder {
    file: PathBuf,
    open: Option<File>,
    rest: String,
    levels: BTreeMap<u32, bool>,
}

impl Recorder {
    fn new(file: &str) -> Self {
        Self { file: file.into(), open: None, rest: String::new(), levels: BTreeMap::new() }
    }
}

impl Board for Recorder {
    fn read(&mut self, line: u32) -> bool {
        self.levels.get(&line).copied().unwrap_or(false)
    }

    fn drive(&mut self, _: u32, _: bool) {}

    fn pause(&mut self, _: bool) {
        std::thread::sleep(Duration::from_millis(1));
        self.open = self.open.take().or_else(|| File::open(&self.file).ok());
        let Some(file) = &mut self.open else { return };
        file.read_to_string(&mut self.rest).expect("a readable file");
        while let Some(end) = self.rest.find('\n') {
            let line: String = self.rest.drain(..=end).collect();
            let words: Vec<u32> = line.split_whitespace().skip(1).filter_map(|w| w.parse().ok()).collect();
            if let [number, level] = words.as_slice() {
                self.levels.insert(*number, *level == 1);
            }
        }
    }
}

/// A Raspberry Pi whose registers are a file (`pi/registers.c`), whose inputs are a simulated chip of
/// the kernel, and whose servo on hardware PWM is line 100.
struct Registers {
    registers: File,
    inputs: GpioSim,
    servo: PathBuf,
}

/// Levels of pins 0 to 31.
const LEVELS_AT: u64 = 0x34;
const SERVO: u32 = 100;
/// Longer pulses press.
const PRESSES_NS: u64 = 1_500_000;

impl Registers {
    /// `FILE,CHIP,PWM`.
    fn new(files: &str) -> Self {
        let [registers, chip, servo] = files.splitn(3, ',').collect::<Vec<_>>()[..] else {
            panic!("registers:FILE,CHIP,PWM");
        };
        let registers = File::open(registers).expect("registers");
        Self { registers, inputs: GpioSim::new(chip), servo: servo.into() }
    }

    fn number(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(self.servo.join(name)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }
}

impl Board for Registers {
    fn read(&mut self, line: u32) -> bool {
        if line == SERVO {
            return self.number("enable") == 1 && self.number("duty_cycle") > PRESSES_NS;
        }
        let mut word = [0; 4];
        self.registers.read_exact_at(&mut word, LEVELS_AT).expect("registers");
        u32::from_le_bytes(word) >> line & 1 == 1
    }

    fn drive(&mut self, line: u32, high: bool) {
        self.inputs.drive(line, high);
    }
}

/// The registers of an emulated Raspberry Pi 3, over the emulator's test socket.
struct Qtest {
    stream: BufReader<UnixStream>,
    levels: u32,
    is_gone: bool,
}

/// Where the pins' registers are: levels, set, clear.
const LEVELS: u32 = 0x3f20_0034;
const SET: u32 = 0x3f20_001c;
const CLEAR: u32 = 0x3f20_0028;

impl Qtest {
    /// Waits until the emulator joins the socket.
    fn new(socket: &str) -> Self {
        let listener = UnixListener::bind(socket).expect("a free path");
        let (stream, _) = listener.accept().expect("an emulator");
        Self { stream: BufReader::new(stream), levels: 0, is_gone: false }
    }

    fn ask(&mut self, command: &str) -> String {
        let mut answer = String::new();
        let sent = self.stream.get_mut().write_all(format!("{command}\n").as_bytes());
        // The emulator is ended from outside when its machine has said its last words.
        if sent.and_then(|()| self.stream.read_line(&mut answer)).is_err() || answer.is_empty() {
            self.is_gone = true;
        }
        answer
    }
}

impl Board for Qtest {
    fn read(&mut self, line: u32) -> bool {
        self.levels >> line & 1 == 1
    }

    fn drive(&mut self, line: u32, high: bool) {
        let register = if high { SET } else { CLEAR };
        self.ask(&format!("writel {register:#x} {:#x}", 1_u32 << line));
    }

    fn is_there(&mut self) -> bool {
        !self.is_gone
    }

    fn pause(&mut self, _: bool) {
        std::thread::sleep(Duration::from_millis(2));
        let answer = self.ask(&format!("readl {LEVELS:#x}"));
        let level = answer.trim().strip_prefix("OK 0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
        self.levels = level.and_then(|level| u32::try_from(level & 0xffff_ffff).ok()).unwrap_or(self.levels);
    }
}
