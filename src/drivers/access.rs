//! Whether a device file may be used, and what is missing if not.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Why `path` can't be opened for reading and writing, if it is a matter of permission.
pub fn denied(path: &Path) -> Option<String> {
    let error = OpenOptions::new().read(true).write(true).open(path).err()?;
    if error.kind() != ErrorKind::PermissionDenied {
        return None;
    }
    let group = std::fs::metadata(path).ok().map(|meta| group_name(meta.gid()));
    let path = path.display();
    Some(match group.as_deref() {
        Some("root") | None => {
            format!("{path} is for root only: install lockrig's udev rules (`docs/bench.md`)")
        }
        Some(group) => {
            format!("{path} needs the group `{group}`: sudo usermod -aG {group} $USER, then log in again")
        }
    })
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
