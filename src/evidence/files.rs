//! Files of a run folder, which may be anybody's: only regular ones are opened, whole, and in bounded memory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, SeekFrom, seek};
use sha2::{Digest, Sha256};

use super::{EvidenceError, hex};

/// A longer line was not written by this tool.
const MAX_LINE: u64 = 64 << 20;

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), EvidenceError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(EvidenceError::io(folder))
}

/// Opens a file of a run folder. A link, a pipe or a device in its place is not that file, whatever is behind it, and
/// one with holes, which could be of any length, was not written by a run.
pub(super) fn open_regular(path: &Path) -> Result<File, EvidenceError> {
    let foreign = || EvidenceError::malformed(path, "replaced by something that is not a regular file");
    if !fs::symlink_metadata(path).map_err(EvidenceError::io(path))?.file_type().is_file() {
        return Err(foreign());
    }
    // Whatever takes its place meanwhile is neither followed nor waited for.
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file =
        OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(EvidenceError::io(path))?;
    let kind = file.metadata().map_err(EvidenceError::io(path))?;
    if !kind.is_file() {
        return Err(foreign());
    }
    // Where the system can't tell, there are none.
    let hole = seek(&file, SeekFrom::Hole(0)).unwrap_or(kind.len());
    let _ = seek(&file, SeekFrom::Start(0));
    if hole < kind.len() {
        return Err(EvidenceError::malformed(path, "it has holes, which nothing that lockrig writes has"));
    }
    Ok(file)
}

/// The whole of a file that is not longer than `most` bytes.
///
/// # Errors
/// It is longer, not a regular file, or can't be read.
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>, EvidenceError> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(most + 1).read_to_end(&mut bytes).map_err(EvidenceError::io(path))?;
    if bytes.len() as u64 > most {
        return Err(EvidenceError::malformed(path, format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

/// The sha256 of a file, read in blocks.
///
/// # Errors
/// It can't be read.
pub fn hash_file(path: &Path) -> Result<String, EvidenceError> {
    let mut file = open_regular(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block).map_err(EvidenceError::io(path))? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&block[..read]),
        }
    }
}

/// The sha256 of whatever is written.
///
/// # Errors
/// Those of `write`.
pub fn hash_written(
    write: impl FnOnce(&mut dyn Write) -> Result<(), EvidenceError>,
) -> Result<String, EvidenceError> {
    let mut hashed = Hashed::new(io::sink());
    write(&mut BufWriter::with_capacity(1 << 16, &mut hashed))?;
    Ok(hex(&hashed.hash.finalize()))
}

/// A stream, with the hash of what went through it.
pub(super) struct Hashed<S> {
    pub(super) stream: S,
    pub(super) hash: Sha256,
}

impl<S> Hashed<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, hash: Sha256::new() }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The lines of a text file, without their ends.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, EvidenceError> {
        Ok(Self { path: path.to_owned(), reader: BufReader::new(open_regular(path)?) })
    }

    fn line(&mut self) -> Result<Option<String>, EvidenceError> {
        let mut line = Vec::new();
        let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        let length = read.map_err(EvidenceError::io(&self.path))? as u64;
        let malformed = |reason: &str| EvidenceError::malformed(&self.path, reason);
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if length >= MAX_LINE {
            return Err(malformed("a line is longer than any that lockrig writes"));
        }
        let text = String::from_utf8(line).map_err(|_| malformed("it is not UTF-8"))?;
        Ok(Some(text).filter(|_| length > 0))
    }
}

impl Iterator for Lines {
    type Item = Result<String, EvidenceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line().transpose()
    }
}
