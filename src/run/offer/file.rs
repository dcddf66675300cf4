//! Sockets and links that are gone once they are not needed any more.

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;

use crate::rig::Fault;

/// Sockets are their owner's alone: what is kept from everybody else.
const KEPT: Mode = Mode::from_raw_mode(0o177);

/// A file of our own.
#[derive(Debug)]
pub(super) struct Own {
    path: PathBuf,
    /// Which file it is: nobody else's is removed in its place.
    identity: Option<(u64, u64)>,
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

impl Own {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: identity(path) }
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens at a path that nobody listens at.
///
/// # Errors
/// There is something else, or it can't be made.
pub(super) fn listen(path: &Path) -> Result<(UnixListener, Own), Fault> {
    let meta = fs::symlink_metadata(path);
    let is_socket = meta.is_ok_and(|meta| meta.file_type().is_socket());
    let is_left = || UnixStream::connect(path).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused);
    if is_socket && is_left() {
        // Whoever listened there was killed.
        let _ = fs::remove_file(path);
    }
    let before = umask(KEPT);
    let bound = UnixListener::bind(path);
    umask(before);
    let listener = bound.map_err(|error| refused(path, &error))?;
    let own = Own::new(path);
    listener.set_nonblocking(true).map_err(|error| refused(path, &error))?;
    Ok((listener, own))
}

/// Makes a link to something.
///
/// # Errors
/// There is something else, or it can't be made.
pub(super) fn link(path: &Path, target: &Path) -> Result<Own, Fault> {
    std::os::unix::fs::symlink(target, path).map_err(|error| refused(path, &error))?;
    Ok(Own::new(path))
}

fn refused(path: &Path, error: &Error) -> Fault {
    let path = path.display();
    Fault(match error.kind() {
        ErrorKind::AddrInUse | ErrorKind::AlreadyExists => format!("{path} is there already"),
        _ => format!("{path}: {error}"),
    })
}
