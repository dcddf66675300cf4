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
    if error.kind() != ErrorKind::PermissionDenied {
        return None;
    }
    let group = std::fs::metadata(path).map_or(0, |meta| meta.gid());
    let path = path.display();
    if group == 0 {
        return Some(format!("{path} is for root only: install lockrig's udev rules (`docs/bench.md`)"));
    }
    let group = group_name(group);
    Some(format!("{path} needs the group `{group}`: sudo usermod -aG {group} $USER, then log in again"))
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
