//! What this machine has that a bench can be wired to, and whether it may be used.

use std::path::Path;

use gpiocdev::chip::chips;

use super::access;
use super::gpio;

/// A device that is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Path: what a rig file names.
    pub path: String,
    /// What it is: `gpio`, `pwm`, `serial` or `watchdog`.
    pub kind: &'static str,
    /// What it says of itself.
    pub description: String,
    /// Why it can't be used, and what would help; `None` if it can.
    pub denied: Option<String>,
}

/// Every GPIO chip, PWM chip, serial port and watchdog.
pub fn all() -> Vec<Port> {
    let mut ports = Vec::new();
    for path in chips().unwrap_or_default() {
        let denied = access::denied(&path);
        let description = match gpio::describe(&path) {
            Some(text) if denied.is_none() => text,
            _ => "GPIO chip".to_owned(),
        };
        ports.push(Port { path: path.display().to_string(), kind: "gpio", description, denied });
    }
    for port in serialport::available_ports().unwrap_or_default() {
        let denied = access::denied_unopened(port.port_name.as_ref());
        let description = match port.port_type {
            serialport::SerialPortType::UsbPort(usb) => {
                let words = [usb.manufacturer, usb.product, usb.serial_number];
                words.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            _ => "serial port".to_owned(),
        };
        let description = [vec![description], names_of(&port.port_name)].concat().join(", ");
        ports.push(Port { path: port.port_name, kind: "serial", description, denied });
    }
    for chip in names_in("/sys/class/pwm") {
        let folder = Path::new("/sys/class/pwm").join(&chip);
        let description =
            format!("channels: {}, the first is `servo: {chip}/0`", first_line(&folder.join("npwm")));
        let denied = access::denied_unopened(&folder.join("export"));
        ports.push(Port { path: chip, kind: "pwm", description, denied });
    }
    for watchdog in names_in("/sys/class/watchdog") {
        let folder = Path::new("/sys/class/watchdog").join(&watchdog);
        let (identity, timeout) = (first_line(&folder.join("identity")), first_line(&folder.join("timeout")));
        let path = Path::new("/dev").join(watchdog);
        let denied = access::denied_unopened(&path);
        let description = format!("{identity}, resets the machine after {timeout} s");
        ports.push(Port { path: path.display().to_string(), kind: "watchdog", description, denied });
    }
    ports.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
    ports
}

/// The names of a serial port that do not depend on the order in which ports are found.
fn names_of(port: &str) -> Vec<String> {
    let real = std::fs::canonicalize(port).ok();
    let all = ["/dev/serial/by-id", "/dev/serial/by-path"]
        .into_iter()
        .flat_map(|folder| names_in(folder).into_iter().map(move |name| format!("{folder}/{name}")));
    all.filter(|name| real.is_some() && std::fs::canonicalize(name).ok() == real).collect()
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn first_line(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("?").chars().take(80).collect()
}
