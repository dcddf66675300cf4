//! Whose lines they are.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
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

    /// Whether a relay's contact is stuck, as a fault.
    fn is_stuck(&mut self, _line: u32) -> bool {
        false
    }

    /// Between two looks at the lines: less often while nothing happens.
    fn pause(&mut self, is_quiet: bool) {
        std::thread::sleep(Duration::from_millis(if is_quiet { 16 } else { 4 }));
    }
}

pub(crate) fn open(name: &str) -> Box<dyn Board> {
    match name.split_once(':') {
        Some(("gpio-sim", folders)) => Box::new(GpioSim::new(folders)),
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
