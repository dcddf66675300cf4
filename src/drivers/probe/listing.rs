//! Which debug probes are connected, and whether this user may open them.
//!
//! Deliberately absent: probes behind sockets and a Glasgow on USB, which can't be told from another by looking.

use std::path::{Path, PathBuf};

use probe_rs::probe::list::{Accessibility, Lister};
use probe_rs::probe::{DebugProbeInfo, DebugProbeSelector};

use super::fault::ProbeError;
use crate::drivers::access;
use crate::rig::{GLASGOW, Selector};
use crate::unit::visible;

/// The rules that this comes with.
const RULES: &str = include_str!("../../../docs/udev/69-lockrig-probes.rules");
/// Their file.
const RULES_FILE: &str = "69-lockrig-probes.rules";
/// Where udev looks for rules.
const RULE_FOLDERS: [&str; 4] =
    ["/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"];

/// A probe that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is called by: what `--probe` takes.
    pub selector: Selector,
    /// What it says of itself.
    pub name: String,
    /// The kind of probe.
    pub kind: String,
    /// Why it can't be used, and what would help; `None` if it can.
    pub denied: Option<String>,
}

/// Every probe on USB.
pub fn all() -> Vec<Found> {
    present(None).iter().map(|(info, may)| found(info, *may)).collect()
}

fn present(selector: Option<&Selector>) -> Vec<(DebugProbeInfo, Accessibility)> {
    let told = selector.map(told);
    let items = Lister::new().list_with_access(told.as_ref());
    items.into_iter().map(|item| (item.info, item.accessibility)).collect()
}

/// What a probe that was found is called by.
pub(super) fn called(info: &DebugProbeInfo) -> Selector {
    Selector::Usb {
        vendor: info.vendor_id,
        product: info.product_id,
        interface: info.interface,
        serial: info.serial_number.clone(),
    }
}

/// The same for probe-rs.
pub(super) fn told(selector: &Selector) -> DebugProbeSelector {
    let (vendor_id, product_id) = GLASGOW;
    match selector {
        Selector::Usb { vendor, product, interface, serial } => DebugProbeSelector {
            vendor_id: *vendor,
            product_id: *product,
            interface: *interface,
            serial_number: serial.clone(),
        },
        Selector::Socket(address) => DebugProbeSelector {
            vendor_id,
            product_id,
            interface: None,
            serial_number: Some(address.to_string()),
        },
    }
}

fn found(info: &DebugProbeInfo, may: Accessibility) -> Found {
    Found {
        selector: called(info),
        name: visible(&info.identifier).chars().take(80).collect(),
        kind: info.probe_type(),
        denied: denied(info, may),
    }
}

/// The one that is meant; without a name, the only one there is.
///
/// # Errors
/// It is not there, it could be several, or this user may not open it.
pub(super) fn choose(selector: Option<&Selector>) -> Result<DebugProbeInfo, ProbeError> {
    let mut fitting = present(selector);
    let names = |all: &[(DebugProbeInfo, Accessibility)]| -> Vec<String> {
        let name = |info: &DebugProbeInfo| format!("{} ({})", called(info), visible(&info.identifier));
        all.iter().map(|(info, _)| name(info)).collect()
    };
    if fitting.len() > 1 {
        return Err(ProbeError::SeveralProbes { found: names(&fitting) });
    }
    let Some((info, may)) = fitting.pop() else {
        return Err(ProbeError::NoProbe { selector: selector.cloned(), present: names(&present(None)) });
    };
    match denied(&info, may) {
        Some(advice) => Err(ProbeError::NoPermission { probe: called(&info).to_string(), advice }),
        None => Ok(info),
    }
}

/// Why a probe can't be opened. One that is spoken to as a HID device is another file than its USB device.
fn denied(info: &DebugProbeInfo, may: Accessibility) -> Option<String> {
    let is_denied = match info.is_hid_interface {
        true => hidraw(info).is_some_and(|path| access::denied_unopened(&path).is_some()),
        false => may == Accessibility::PermissionDenied,
    };
    is_denied.then(|| advice(info))
}

/// The HID device of a probe.
fn hidraw(info: &DebugProbeInfo) -> Option<PathBuf> {
    let devices = std::fs::read_dir("/sys/class/hidraw").ok()?.flatten();
    let id = format!(":{:08X}:{:08X}", info.vendor_id, info.product_id);
    let is_it = |event: &str| {
        let value = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let serial = info.serial_number.as_deref().unwrap_or_default();
        value("HID_ID").is_some_and(|value| value.to_uppercase().ends_with(&id))
            && (serial.is_empty() || value("HID_UNIQ") == Some(serial))
    };
    let mut found = devices.filter(|device| {
        std::fs::read_to_string(device.path().join("device/uevent")).is_ok_and(|event| is_it(&event))
    });
    found.next().map(|device| Path::new("/dev").join(device.file_name()))
}

/// Which rule is missing.
fn advice(info: &DebugProbeInfo) -> String {
    let (vendor, product) = (info.vendor_id, info.product_id);
    if !covers(RULES, info) {
        return format!(
            "no udev rule of lockrig's names this probe: add a line to /etc/udev/rules.d/{RULES_FILE}: \
             ATTRS{{idVendor}}==\"{vendor:04x}\", ATTRS{{idProduct}}==\"{product:04x}\", \
             GROUP=\"lockrig\", MODE=\"0660\", TAG+=\"uaccess\""
        );
    }
    let installed = RULE_FOLDERS.iter().map(|folder| Path::new(folder).join(RULES_FILE));
    let Some(installed) = installed.into_iter().find(|path| path.exists()) else {
        return format!(
            "the udev rules for probes are not installed: copy docs/udev/{RULES_FILE} to /etc/udev/rules.d, then \
             sudo udevadm control --reload && sudo udevadm trigger (docs/probe.md)"
        );
    };
    match std::fs::read_to_string(&installed) {
        Ok(rules) if !covers(&rules, info) => {
            format!("{} is older than this probe: copy docs/udev/{RULES_FILE} over it", installed.display())
        }
        _ => "its udev rule is installed: join the group `lockrig` (sudo usermod -aG lockrig $USER), log in again, and \
              plug the probe in again"
            .to_owned(),
    }
}

/// Whether rules name a probe: by its numbers, by its maker if they name no product, or by what it calls itself.
fn covers(rules: &str, info: &DebugProbeInfo) -> bool {
    let vendor = format!("ATTRS{{idVendor}}==\"{:04x}\"", info.vendor_id);
    let product = format!("ATTRS{{idProduct}}==\"{:04x}\"", info.product_id);
    let is_it =
        |line: &str| line.contains(&vendor) && (line.contains(&product) || !line.contains("idProduct"));
    let mut lines = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
    info.identifier.contains("CMSIS-DAP") && rules.contains("*CMSIS-DAP*") || lines.any(is_it)
}
