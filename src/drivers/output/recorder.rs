//! No board: each write goes to a file, with its time. For trials without a bench, and for
//! measuring how exactly programs are played and how fast outputs become safe.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::drivers::clock;
use crate::rig::{Active, Drive};

use super::{OutputBoard, OutputFault};

/// A file that holds a line `NANOSECONDS NUMBER 0|1` for each write.
pub(super) struct Recorder {
    file: File,
    path: PathBuf,
    levels: BTreeMap<u32, Drive>,
}

impl Recorder {
    pub(super) fn open(path: &Path, lines: &[(u32, Active)]) -> Result<Self, OutputFault> {
        let what = path.display().to_string();
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| OutputFault::Broken(format!("{what}: {error}")))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| OutputFault::Busy { what, holder: "another process".into() })?;
        let mut recorder = Self { file, path: path.to_owned(), levels: BTreeMap::new() };
        for (number, _) in lines {
            recorder.set(*number, Drive::Deenergised)?;
        }
        Ok(recorder)
    }
}

impl OutputBoard for Recorder {
    fn set(&mut self, number: u32, drive: Drive) -> Result<(), OutputFault> {
        let level = u8::from(drive == Drive::Energised);
        // One write, so that a kill leaves whole lines.
        let line = format!("{} {number} {level}\n", clock::now().as_nanoseconds());
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|error| OutputFault::Broken(format!("{}: {error}", self.path.display())))?;
        self.levels.insert(number, drive);
        Ok(())
    }

    fn read(&mut self, number: u32) -> Result<Option<Drive>, OutputFault> {
        Ok(self.levels.get(&number).copied())
    }
}
