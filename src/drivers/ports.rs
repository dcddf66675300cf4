//! What this machine has that a bench can be wired to, and whether it may be used.

use gpiocdev::chip::chips;

use super::access;
use super::gpio;

/// A device that is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Path: what a rig file names.
    pub path: String,
    /// What it is: `gpio` or `serial`.
    pub kind: &'static str,
    /// What it says of itself.
    pub description: String,
    /// Why it can't be used, and what would help; `None` if it can.
    pub denied: Option<String>,
}

/// Every GPIO chip and serial port.
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
        let denied = access::denied(port.port_name.as_ref());
        let description = match port.port_type {
            serialport::SerialPortType::UsbPort(usb) => {
                let words = [usb.manufacturer, usb.product, usb.serial_number];
                words.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            _ => "serial port".to_owned(),
        };
        ports.push(Port { path: port.port_name, kind: "serial", description, denied });
    }
    ports.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
    ports
}
