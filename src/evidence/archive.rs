//! A run in one file: tar and zstd, in one form only, so that nothing can stand in it beside the run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use sha2::Digest;

use super::EvidenceError;
use super::files::{Hashed, open_regular};
use super::folder::list_files;
use super::verify::read_manifest;

/// What a zstd frame begins with (RFC 8878, 3.1.1).
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Beyond it a run gets hardly smaller, and needs far more memory.
const LEVEL: i32 = 6;
/// A frame that wants more than 8 MiB to be unpacked was not written here.
const WINDOW_LOG: u32 = 23;
/// A run is unpacked to about ten times its size, one of many repetitions to a hundred; whatever claims to be so much
/// more is none.
const MOST_TIMES: u64 = 1_000;
/// What even the smallest run may have.
const ALWAYS: u64 = 1 << 20;
/// More files are in no run.
const MAX_FILES: usize = 1_000_000;
/// Folders in which a file can stand, and its name: no run has deeper ones.
const MAX_DEPTH: usize = 8;
/// A longer name is in no run.
const MAX_NAME: u64 = 1_000;

/// Whether a path is a file that begins like a packed run.
pub fn is_packed(path: &Path) -> bool {
    let mut begin = [0; MAGIC.len()];
    let Ok(real) = fs::canonicalize(path) else { return false };
    open_regular(&real).is_ok_and(|mut file| file.read_exact(&mut begin).is_ok()) && begin == MAGIC
}

/// Writes a run folder as one file, which is the same whenever and wherever it is made of the same run.
///
/// # Errors
/// The folder can't be read, or `out` can't be written.
pub fn pack(folder: &Path, out: impl Write) -> Result<(), EvidenceError> {
    let io = |error| EvidenceError::io(folder)(error);
    let mut encoder = zstd::stream::write::Encoder::new(out, LEVEL).map_err(io)?;
    encoder.include_checksum(true).map_err(io)?;
    write_tar(folder, &mut encoder)?;
    encoder.finish().and_then(|mut out| out.flush()).map_err(io)
}

/// The files of a run folder, sorted, as of when the run began, below the run's id.
fn write_tar(folder: &Path, out: impl Write) -> Result<(), EvidenceError> {
    let manifest = read_manifest(folder)?;
    let started = manifest.started.parse::<Timestamp>().map_or(0, |started| started.as_second());
    let mut builder = tar::Builder::new(out);
    // A folder in which a killed run had no time to write anything is none.
    for name in list_files(folder)?.into_iter().filter(|name| !name.ends_with('/')) {
        let path = folder.join(&name);
        let io = |error| EvidenceError::io(&path)(error);
        let mut file = open_regular(&path)?;
        let length = file.metadata().map_err(io)?.len();
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(u64::try_from(started).unwrap_or_default());
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(length);
        let name = format!("{}/{name}", manifest.run);
        builder.append_data(&mut header, name, (&mut file).take(length)).map_err(io)?;
        if file.stream_position().map_err(io)? != length {
            return Err(EvidenceError::malformed(&path, "it became shorter while it was packed"));
        }
    }
    builder.into_inner().map(drop).map_err(EvidenceError::io(folder))
}

/// Unpacks a packed run below `into`, and returns its folder.
///
/// # Errors
/// It can't be read or written, or is not what [`pack`] writes of that run.
pub fn unpack(archive: &Path, into: &Path) -> Result<PathBuf, EvidenceError> {
    let real = fs::canonicalize(archive).map_err(EvidenceError::io(archive))?;
    let file = open_regular(&real)?;
    let packed = file.metadata().map_err(EvidenceError::io(archive))?.len();
    let most = packed.saturating_mul(MOST_TIMES).saturating_add(ALWAYS);
    let damaged = |error: io::Error| EvidenceError::malformed(archive, format!("it is damaged: {error}"));
    // Further frames, which could hold anything, are none of the archive's.
    let mut decoder = zstd::stream::read::Decoder::new(file).map_err(damaged)?.single_frame();
    decoder.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let mut stream = Hashed::new(decoder.take(most));
    let unpacked = write_files(archive, &mut stream, into);
    if stream.stream.limit() == 0 {
        let what = format!("it is unpacked to more than {MOST_TIMES} times its size, which no run is");
        return Err(EvidenceError::malformed(archive, what));
    }
    let folder = unpacked?;
    io::copy(&mut stream, &mut io::sink()).map_err(damaged)?;
    let mut rest = stream.stream.into_inner().finish();
    let is_whole = rest.fill_buf().map_err(damaged)?.is_empty();
    // Owners, dates, order, what follows the end: everything is as it would be packed again.
    let mut again = Hashed::new(io::sink());
    write_tar(&folder, &mut again)?;
    if !is_whole || again.hash.finalize() != stream.hash.finalize() {
        return Err(EvidenceError::malformed(archive, "it is not what `lockrig pack` makes of this run"));
    }
    Ok(folder)
}

/// Writes what is in a tar stream below `into`: regular files below one folder, each once.
fn write_files(archive: &Path, stream: impl Read, into: &Path) -> Result<PathBuf, EvidenceError> {
    let damaged = |error: io::Error| EvidenceError::malformed(archive, format!("it is damaged: {error}"));
    let foreign = |what: &str| EvidenceError::malformed(archive, format!("it is no packed run: {what}"));
    let mut tar = tar::Archive::new(stream);
    let mut root: Option<PathBuf> = None;
    let mut long: Option<PathBuf> = None;
    // Raw: what extends names or files would be taken into memory, and is in no run.
    for (count, entry) in tar.entries().map_err(damaged)?.raw(true).enumerate() {
        let mut entry = entry.map_err(damaged)?;
        if entry.header().entry_type() == tar::EntryType::GNULongName
            && long.is_none()
            && entry.size() <= MAX_NAME
        {
            let mut text = String::new();
            entry.read_to_string(&mut text).map_err(damaged)?;
            long = Some(PathBuf::from(text.trim_end_matches('\0')));
            continue;
        }
        let name = match long.take() {
            Some(long) => long,
            None => entry.path().map_err(damaged)?.into_owned(),
        };
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(foreign("something in it is not a regular file"));
        }
        if count >= MAX_FILES {
            return Err(foreign("it has too many files"));
        }
        let mut parts = name.components();
        let Some(Component::Normal(first)) = parts.next() else {
            return Err(foreign("a name in it leads elsewhere"));
        };
        let depth = parts.clone().count();
        if depth == 0 || !parts.all(|part| matches!(part, Component::Normal(_))) {
            return Err(foreign("a name in it leads elsewhere"));
        }
        if depth > MAX_DEPTH || name.to_str().is_none() {
            return Err(foreign("a name in it is none that lockrig gives"));
        }
        let folder = into.join(first);
        if *root.get_or_insert_with(|| folder.clone()) != folder {
            return Err(foreign("it has more than one folder"));
        }
        let path = into.join(&name);
        let parent = path.parent().unwrap_or(&folder);
        // A file may stand where its folder should.
        let made = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                foreign("a file in it is a folder too")
            }
            _ => EvidenceError::io(parent)(error),
        };
        fs::create_dir_all(parent).map_err(made)?;
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory) =>
            {
                return Err(foreign("a file is in it twice"));
            }
            opened => opened.map_err(EvidenceError::io(&path))?,
        };
        copy(&mut entry, &mut file, archive, &path)?;
    }
    let root = root.ok_or_else(|| foreign("it is empty"))?;
    if root.join("run.json").is_file() { Ok(root) } else { Err(foreign("run.json is not in it")) }
}

/// Copies, and tells a stream that is damaged from a disk that is full.
fn copy(from: &mut impl Read, to: &mut File, archive: &Path, path: &Path) -> Result<(), EvidenceError> {
    let mut block = vec![0; 1 << 16];
    loop {
        let read = match from.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) => return Err(EvidenceError::malformed(archive, format!("it is damaged: {error}"))),
        };
        to.write_all(&block[..read]).map_err(EvidenceError::io(path))?;
    }
}
