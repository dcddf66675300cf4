//! Which debug probe is meant, and how it is connected to a chip. A probe is `VID:PID`, `VID:PID:SERIAL`, or a socket that
//! speaks the protocol of a Glasgow's `probe-rs` applet, written as probe-rs writes it: `20b7:9db1:unix:PATH`,
//! `20b7:9db1:tcp:HOST:PORT`.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use crate::lock::named_enum;
use crate::unit::{is_harmful, visible};

/// Speeds of its wires in kHz at which a chip can be read within the time that it is waited for.
pub const PROBE_SPEEDS: RangeInclusive<u32> = 10..=50_000;
/// What a Glasgow says it is, on USB and behind a socket.
pub const GLASGOW: (u16, u16) = (0x20b7, 0x9db1);
/// No serial number is longer.
const MAX_SERIAL: usize = 128;
/// What the kernel takes as the path of a socket, with the byte that ends it.
const MAX_PATH: usize = 107;

/// A debug probe, and how it is connected to the lock's chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePort {
    /// Which; `None` is the only one that is connected.
    pub selector: Option<Selector>,
    /// Speed of its wires in kHz; `None` is the probe's own.
    pub speed: Option<NonZeroU32>,
    /// How the connection is made.
    pub connect: Connect,
    /// What is done to a chip that is protected.
    pub if_protected: IfProtected,
}

named_enum! {
    /// How a connection is made.
    Connect {
        /// To the chip as it runs. It is halted for some milliseconds.
        Attach = "attach",
        /// While it is held in reset: it starts anew. If its reset line is not wired, it is reset through the debug port.
        UnderReset = "under_reset",
    }
}

named_enum! {
    /// What is done to a chip that is protected.
    IfProtected {
        /// Nothing: it is reported.
        Leave = "leave",
        /// All of it is erased.
        Erase = "erase",
    }
}

/// A debug probe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// On USB.
    Usb {
        /// Who made it.
        vendor: u16,
        /// What it is.
        product: u16,
        /// Which of its interfaces, if it is several probes in one.
        interface: Option<u8>,
        /// Which one of its kind.
        serial: Option<String>,
    },
    /// Behind a socket.
    Socket(Address),
}

/// Where a probe listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A socket of this machine.
    Unix(PathBuf),
    /// Another machine's.
    Tcp {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// It names no probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` names no debug probe: {why}", visible(found))]
pub struct SelectorError {
    /// What was found.
    pub found: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl SelectorError {
    /// What would be right.
    pub const HINT: &'static str = "write VID:PID, VID:PID:SERIAL, 20b7:9db1:unix:PATH or 20b7:9db1:tcp:HOST:PORT; \
         `lockrig list probes` shows what is connected";
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        read(text).map_err(|why| SelectorError { found: text.chars().take(200).collect(), why })
    }
}

fn read(text: &str) -> Result<Selector, &'static str> {
    if text.chars().any(is_harmful) {
        return Err("it contains a character that can't be shown");
    }
    if let Some(address) = address(text)? {
        return Ok(Selector::Socket(address));
    }
    let mut parts = text.splitn(3, ':');
    let (Some(vendor), Some(product)) = (parts.next(), parts.next()) else {
        return Err("a colon is missing");
    };
    let (product, interface) = match product.split_once('-') {
        Some((product, interface)) => (product, Some(number(interface)?)),
        None => (product, None),
    };
    let (vendor, product) = (id(vendor)?, id(product)?);
    let serial = parts.next();
    if (vendor, product) == GLASGOW
        && let Some(address) = serial.map(address).transpose()?.flatten()
    {
        return Ok(Selector::Socket(address));
    }
    if serial.is_some_and(|serial| serial.len() > MAX_SERIAL) {
        return Err("its serial number is too long");
    }
    Ok(Selector::Usb { vendor, product, interface, serial: serial.map(str::to_owned) })
}

/// Four hexadecimal digits, or fewer. The parser of numbers would take a sign as well.
fn id(text: &str) -> Result<u16, &'static str> {
    let is_hex = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u16::from_str_radix(text, 16).ok().filter(|_| is_hex);
    id.ok_or("VID and PID are one to four hexadecimal digits each")
}

fn number(text: &str) -> Result<u8, &'static str> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_decimal);
    number.ok_or("an interface is a number")
}

/// Where a socket is; nothing, if this is none.
fn address(text: &str) -> Result<Option<Address>, &'static str> {
    if let Some(path) = text.strip_prefix("unix:") {
        return match path.len() {
            0 => Err("the path of the socket is missing"),
            1..=MAX_PATH => Ok(Some(Address::Unix(path.into()))),
            _ => Err("the path of the socket is longer than the kernel takes (107 bytes)"),
        };
    }
    let Some(place) = text.strip_prefix("tcp:") else { return Ok(None) };
    let (host, port) = place.rsplit_once(':').ok_or("the port is missing")?;
    let is_decimal = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| is_decimal && *port != 0).ok_or("the port is no number")?;
    match host {
        "" => Err("the host is missing"),
        host => Ok(Some(Address::Tcp { host: host.to_owned(), port })),
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usb { vendor, product, interface, serial } => {
                write!(f, "{vendor:04x}:{product:04x}")?;
                interface.iter().try_for_each(|interface| write!(f, "-{interface}"))?;
                serial.iter().try_for_each(|serial| write!(f, ":{}", visible(serial)))
            }
            Self::Socket(address) => write!(f, "{:04x}:{:04x}:{address}", GLASGOW.0, GLASGOW.1),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}
