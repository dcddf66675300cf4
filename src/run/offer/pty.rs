//! A serial port that is a pseudo-terminal: the device's end of it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::ioctl_fionbio;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::rig::Fault;

use super::Place;
use super::file::{self, Own};

/// More is not read at once.
const AT_ONCE: usize = 1024;

/// A port.
pub(super) struct Pty {
    device: File,
    /// The end of whoever opens it.
    path: PathBuf,
    link: Option<Own>,
    /// Somebody has opened it: what is said to nobody is lost, as on any wire.
    is_open: bool,
}

impl Pty {
    /// Makes one, and a link to it.
    ///
    /// # Errors
    /// The system has none left, or the path of the link is taken.
    pub(super) fn open(place: &Place) -> Result<Self, Fault> {
        let (device, path) = made().map_err(|error| Fault(format!("no pseudo-terminal: {error}")))?;
        let link = match place {
            Place::Anywhere => None,
            Place::At(name) => Some(file::link(name, &path)?),
        };
        Ok(Self { device, path, link, is_open: false })
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        self.link.as_ref().map_or(self.path.as_path(), Own::path).display().to_string()
    }

    /// To wait for what is sent to it. Nothing, as long as nobody has opened it: it would be ready without end.
    pub(super) fn ready(&self) -> Option<PollFd<'_>> {
        self.is_open.then(|| PollFd::new(&self.device, PollFlags::IN))
    }

    /// What was sent to it, at most so many bytes; the rest waits.
    pub(super) fn read(&mut self, most: usize) -> Vec<u8> {
        let mut buffer = [0; AT_ONCE];
        let room = buffer.get_mut(..most.min(AT_ONCE)).unwrap_or_default();
        if room.is_empty() {
            return Vec::new();
        }
        match self.device.read(room) {
            Ok(count) => {
                self.is_open = true;
                room.get(..count).unwrap_or_default().to_vec()
            }
            Err(error) => {
                match error.kind() {
                    ErrorKind::WouldBlock => self.is_open = true,
                    ErrorKind::Interrupted => {}
                    _ => self.is_open = false,
                }
                Vec::new()
            }
        }
    }

    /// Sends; what there is no room for is lost.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.is_open && !bytes.is_empty() {
            let _ = self.device.write(bytes);
        }
    }
}

/// A terminal that hands bytes on as they are, and its path.
fn made() -> rustix::io::Result<(File, PathBuf)> {
    let device = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&device)?;
    unlockpt(&device)?;
    let name = ptsname(&device, Vec::new())?;
    // These stay when this end is closed again: nobody else may be seen to have the port open.
    let port =
        rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut settings = tcgetattr(&port)?;
    settings.make_raw();
    tcsetattr(&port, OptionalActions::Now, &settings)?;
    ioctl_fionbio(&device, true)?;
    let path = Path::new(&*name.to_string_lossy()).to_owned();
    Ok((File::from(device), path))
}
