//! A serial console that is listened to: lines out of whatever bytes come.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serialport::SerialPort as _;

use super::access;
use super::input::InputFault;
use crate::rig::{ConsolePort, SerialPort};

/// Longer lines are cut, and the rest of them is left out.
const MAX_LINE: usize = 4096;
/// A console that goes with the power is back after so long, or it was unplugged.
const LONGEST_GONE: Duration = Duration::from_secs(600);
/// A port that is new may be refused for so long.
const SETTLED: Duration = Duration::from_secs(5);
/// How long the listener may not notice that nobody wants it any more.
const GLANCE: Duration = Duration::from_millis(50);

/// A console that is listened to until it is dropped.
pub struct Console {
    unwanted: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Console {
    /// Opens a port and listens; nothing is ever written to it. `on_line` is called from another
    /// thread for each line, and once with why no more can come.
    ///
    /// # Errors
    /// Not there, not permitted, or in use.
    pub fn open(
        console: &ConsolePort,
        mut on_line: impl FnMut(Result<String, InputFault>) + Send + 'static,
    ) -> Result<Self, InputFault> {
        let (port, comes_back) = (console.port.clone(), console.goes_with_power);
        let mut lines = Lines::default();
        let mut opened = match open(&port) {
            Ok(opened) => Some(opened),
            Err(Missing::NotThere(_)) if comes_back => None,
            Err(Missing::NotThere(fault) | Missing::Refused(fault)) => return Err(fault),
        };
        if let Some(opened) = &mut opened {
            let before = waiting(opened).map_err(|error| InputFault(format!("{}: {error}", port.port)))?;
            lines.begin_after(&before);
        }
        let unwanted = Arc::new(AtomicBool::new(false));
        let is_unwanted = Arc::clone(&unwanted);
        let listen = move || {
            let (mut complete, mut buffer) = (Vec::new(), [0; 4096]);
            let mut since = Instant::now();
            while !is_unwanted.load(Ordering::Relaxed) {
                let Some(listened) = &mut opened else {
                    std::thread::sleep(GLANCE);
                    match open(&port) {
                        // What it said since its power came back is said to nobody else: all of it is heard.
                        Ok(again) => opened = Some(again),
                        Err(Missing::NotThere(_)) if since.elapsed() < LONGEST_GONE => {}
                        // Whoever is told of a new port may look at it first, or still have to permit it.
                        Err(Missing::Refused(_)) if since.elapsed() < SETTLED => {}
                        Err(Missing::NotThere(fault) | Missing::Refused(fault)) => {
                            return on_line(Err(fault));
                        }
                    }
                    continue;
                };
                let lost = match listened.read(&mut buffer) {
                    Ok(0) => Some(String::new()),
                    Ok(count) => {
                        lines.push(&buffer[..count], &mut complete);
                        None
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                        None
                    }
                    Err(error) => Some(format!(": {error}")),
                };
                complete.drain(..).for_each(|line| on_line(Ok(line)));
                match lost {
                    None => {}
                    Some(why) if !comes_back => {
                        return on_line(Err(InputFault(format!("{} was unplugged{why}", port.port))));
                    }
                    // Gone with the lock's power. A port that is still held comes back under another name.
                    Some(_) => {
                        tracing::debug!(port = %port.port, "the console is gone");
                        (opened, lines, since) = (None, Lines::default(), Instant::now());
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("console".into()).spawn(listen);
        let thread = thread.map_err(|error| InputFault(format!("can't start a thread: {error}")))?;
        Ok(Self { unwanted, thread: Some(thread) })
    }
}

/// Why a port can't be listened to.
enum Missing {
    NotThere(InputFault),
    Refused(InputFault),
}

fn open(port: &SerialPort) -> Result<serialport::TTYPort, Missing> {
    let path = &port.port;
    let opened = serialport::new(path, port.baud).timeout(GLANCE).open_native();
    let opened = opened.map_err(|error| match access::refused_port(path, &error) {
        Ok(holder) => Missing::Refused(InputFault(format!("{path} is in use by {holder}"))),
        Err(reason) if !std::path::Path::new(path).exists() => Missing::NotThere(InputFault(reason)),
        Err(reason) => Missing::Refused(InputFault(reason)),
    })?;
    tracing::debug!(port = %path, "the console is open");
    // Not every program locks the port that it reads: each would get some of the lines.
    match access::other_holder(path.as_ref()) {
        Some(holder) => Err(Missing::Refused(InputFault(format!("{path} is in use by {holder}")))),
        None => Ok(opened),
    }
}

/// What was said before anybody listened, or the end of it.
fn waiting(port: &mut serialport::TTYPort) -> std::io::Result<Vec<u8>> {
    let mut last = Vec::new();
    let mut buffer = [0; 4096];
    // Bounded: whoever never stops talking is listened to from some line on.
    for _ in 0..64 {
        if port.bytes_to_read()? == 0 {
            break;
        }
        let count = port.read(&mut buffer)?;
        last = buffer[..count].to_vec();
    }
    Ok(last)
}

impl Drop for Console {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Cuts bytes into lines of bounded length.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    is_cut: bool,
    /// The end of a line whose beginning nobody heard.
    is_headless: bool,
}

impl Lines {
    /// Leaves out the rest of a line that these bytes began.
    pub fn begin_after(&mut self, before: &[u8]) {
        self.is_headless = before.last().is_some_and(|byte| *byte != b'\n');
    }

    /// Adds bytes, and puts out the lines that they complete; what is not UTF-8 is replaced.
    pub fn push(&mut self, bytes: &[u8], lines: &mut Vec<String>) {
        for byte in bytes {
            if self.is_headless {
                self.is_headless = *byte != b'\n';
            } else if *byte == b'\n' {
                let text = String::from_utf8_lossy(&self.line);
                let mut text = text.trim_end_matches('\r').to_owned();
                if self.is_cut {
                    text.push('…');
                }
                lines.push(text);
                self.line.clear();
                self.is_cut = false;
            } else if self.line.len() < MAX_LINE - 8 {
                self.line.push(*byte);
            } else {
                self.is_cut = true;
            }
        }
    }
}
