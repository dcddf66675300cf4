//! Whether a device file may be used, and what is missing if not.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Why `path` can't be opened for writing, and for reading where anybody can, if it is a matter of permission.
pub fn denied(path: &Path) -> Option<String> {
    // Some files of the kernel can't be read by anybody.
    let is_readable = std::fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o444 != 0);
    let error = OpenOptions::new().read(is_readable).write(true).open(path).err()?;
    (error.kind() == ErrorKind::PermissionDenied).then(|| what_helps(path))
}

/// The same for what must not be opened to find out: a watchdog would begin to count, and many a board starts anew
/// when its serial port is opened.
pub fn denied_unopened(path: &Path) -> Option<String> {
    let allowed = rustix::fs::access(path, rustix::fs::Access::WRITE_OK);
    (allowed == Err(rustix::io::Errno::ACCESS)).then(|| what_helps(path))
}

fn what_helps(path: &Path) -> String {
    let group = std::fs::metadata(path).map_or(0, |meta| meta.gid());
    let path = path.display();
    if group == 0 {
        return format!("{path} is for root only: install lockrig's udev rules (`docs/bench.md`)");
    }
    let group = group_name(group);
    format!("{path} needs the group `{group}`: sudo usermod -aG {group} $USER, then log in again")
}

/// What keeps a device file busy, as far as this user may know.
fn holder(path: &Path) -> String {
    other_holder(path).unwrap_or_else(|| "another program".to_owned())
}

/// Another process that has a device open, as far as this user may know.
pub fn other_holder(path: &Path) -> Option<String> {
    let device = std::fs::metadata(path).ok()?.rdev();
    // One that is gone may live on in whoever has it open, while its number belongs to the next one.
    let is_it = |file: &std::fs::DirEntry| {
        std::fs::read_link(file.path()).is_ok_and(|link| link.starts_with("/dev"))
            && std::fs::metadata(file.path()).is_ok_and(|meta| meta.rdev() == device && meta.nlink() > 0)
    };
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let id = process.file_name().to_string_lossy().into_owned();
        if id == own || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let mut files = std::fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        if files.any(|file| is_it(&file)) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("process {id} ({})", name.trim()));
        }
    }
    None
}

/// Who holds a serial port that could not be opened.
///
/// # Errors
/// It is not held: why else.
pub fn refused_port(path: &str, error: &serialport::Error) -> Result<String, String> {
    if let Some(reason) = denied_unopened(path.as_ref()) {
        return Err(reason);
    }
    // A port that is open says that it is busy, and to root that its lock is held.
    let words = error.to_string();
    let is_held = ["busy", "exclusive lock"].iter().any(|word| words.contains(word));
    if is_held { Ok(holder(path.as_ref())) } else { Err(format!("{path}: {error}")) }
}

fn group_name(id: u32) -> String {
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let found = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id.to_string()).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| id.to_string())
}
