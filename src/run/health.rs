//! Whether a rig may be used: one that broke stays refused until its self-test passes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A note about one rig that outlives the process.
#[derive(Clone, Debug)]
pub struct Health {
    path: PathBuf,
}

impl Health {
    /// Of a rig, below `$XDG_STATE_HOME` (else `~/.local/state`).
    pub fn of(rig: &str) -> Self {
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
        let folder = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = folder.or_else(home).unwrap_or_else(|| PathBuf::from("/var/lib"));
        Self { path: folder.join("lockrig").join(format!("{rig}.broken")) }
    }

    /// Why the rig is refused, if it is.
    pub fn fault(&self) -> Option<String> {
        let text = fs::read_to_string(&self.path).ok()?;
        Some(text.trim().chars().take(500).collect())
    }

    /// Refuses the rig from now on.
    ///
    /// # Errors
    /// The note can't be written.
    pub fn mark(&self, reason: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.path, format!("{reason}\n"))
    }

    /// Allows the rig again.
    ///
    /// # Errors
    /// The note can't be removed.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
