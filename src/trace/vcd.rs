//! A timeline as a Value Change Dump that waveform viewers such as GTKWave open.
//!
//! Absent: reading one back; the journal holds the trace, this is a view.

use std::io;

use vcd::{IdCode, TimescaleUnit, VarType, Writer};

use crate::unit::Instant;

use super::{Channel, Edge, Form, Timeline, Value};

/// Writes `timeline`, which lasts until `end`, with `title` as its scope.
///
/// # Errors
/// Those of `out`.
pub fn write(timeline: &Timeline, title: &str, end: Instant, out: impl io::Write) -> io::Result<()> {
    let mut writer = Writer::new(out);
    let mut changes: Vec<(&Edge, IdCode)> = Vec::new();
    let mut variables = Vec::new();
    let mut code = IdCode::FIRST;
    for (channel, edges) in timeline.channels() {
        for part in Part::ALL {
            let of_it = edges.iter().filter(|edge| Part::of(&edge.value) == part);
            let before = changes.len();
            changes.extend(of_it.map(|edge| (edge, code)));
            if changes.len() > before {
                variables.push((channel, part, code));
                code = next(code);
            }
        }
    }
    let scale = Scale::of(changes.iter().map(|(edge, _)| edge.at.as_nanoseconds()));
    writer.timescale(scale.number, scale.unit)?;
    writer.add_module(&identifier(title))?;
    for (channel, part, code) in variables {
        let kind = variable_kind(channel);
        let width = if kind == VarType::Real { 64 } else { 1 };
        writer.var_def(kind, width, code, &identifier(&format!("{channel}{}", part.suffix())), None)?;
    }
    writer.upscope()?;
    writer.enddefinitions()?;
    changes.sort_by_key(|(edge, _)| edge.at);
    let mut now = None;
    for (edge, code) in changes {
        let at = edge.at.as_nanoseconds() / scale.nanoseconds;
        if now != Some(at) {
            writer.timestamp(at)?;
            now = Some(at);
        }
        write_change(&mut writer, code, &edge.value)?;
    }
    // What the last change led to lasts a while too: readers drop what has no width.
    let end = end.as_nanoseconds().div_ceil(scale.nanoseconds);
    writer.timestamp(end.max(now.map_or(0, |now| now.saturating_add(1))))?;
    writer.flush()
}

/// A channel that is asked is three variables: an answer that shared one with the next request would have no width.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Request,
    Answer,
    Notice,
}

impl Part {
    const ALL: [Self; 4] = [Self::Whole, Self::Request, Self::Answer, Self::Notice];

    fn of(value: &Value) -> Self {
        match value {
            Value::Request(_) => Self::Request,
            Value::Response(_) => Self::Answer,
            Value::Notify(_) => Self::Notice,
            Value::Switch(_)
            | Value::Light(_)
            | Value::Voltage(_)
            | Value::Current(_)
            | Value::Angle(_)
            | Value::Text(_)
            | Value::Keys(_) => Self::Whole,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Request => ".request",
            Self::Answer => ".answer",
            Self::Notice => ".notice",
        }
    }
}

/// The unit of time of a file.
struct Scale {
    number: u32,
    unit: TimescaleUnit,
    nanoseconds: u64,
}

impl Scale {
    /// The coarsest one that holds all times exactly: there are readers that go through every unit of a file. libsigrok
    /// loses the times of one that is coarser than a second.
    fn of(times: impl Iterator<Item = u64>) -> Self {
        let mut scale = Self { number: 1, unit: TimescaleUnit::S, nanoseconds: 1_000_000_000 };
        for time in times {
            while time % scale.nanoseconds != 0 {
                scale = scale.finer();
            }
        }
        scale
    }

    fn finer(self) -> Self {
        use TimescaleUnit::{FS, MS, NS, PS, S, US};
        let nanoseconds = (self.nanoseconds / 10).max(1);
        match (self.number, self.unit) {
            (1, S) => Self { number: 100, unit: MS, nanoseconds },
            (1, MS) => Self { number: 100, unit: US, nanoseconds },
            (1, US) => Self { number: 100, unit: NS, nanoseconds },
            (1, unit @ (NS | PS | FS)) => Self { number: 1, unit, nanoseconds },
            (number, unit) => Self { number: number / 10, unit, nanoseconds },
        }
    }
}

/// The next code of a variable. libsigrok takes the codes of strings that begin like a value for that value.
fn next(code: IdCode) -> IdCode {
    let mut code = code.next();
    while code.to_string().starts_with(['0', '1', 'x', 'X', 'z', 'Z', 'b', 'B', 'r', 'R', '#']) {
        code = code.next();
    }
    code
}

fn variable_kind(channel: &Channel) -> VarType {
    match (channel.form(), channel) {
        (Form::Level, _) => VarType::Real,
        // A light has a colour.
        (Form::Pulses, Channel::Light(_)) | (Form::Message, _) => VarType::String,
        (Form::Contact | Form::Pulses, _) => VarType::Wire,
    }
}

fn write_change<W: io::Write>(writer: &mut Writer<W>, code: IdCode, value: &Value) -> io::Result<()> {
    match value {
        Value::Switch(on) => writer.change_scalar(code, *on),
        Value::Voltage(volts) => writer.change_real(code, volts.as_f64()),
        Value::Current(amperes) => writer.change_real(code, amperes.as_f64()),
        Value::Angle(degrees) => writer.change_real(code, degrees.as_f64()),
        Value::Light(colour) => writer.change_string(code, &escaped(colour.as_deref().unwrap_or("off"))),
        Value::Text(text) | Value::Notify(text) => writer.change_string(code, &escaped(text)),
        Value::Keys(_) | Value::Request(_) | Value::Response(_) => {
            let json = serde_json::to_string(value).map_err(io::Error::other)?;
            writer.change_string(code, &escaped(&json))
        }
    }
}

/// Names may hold nothing that a viewer takes for syntax.
fn identifier(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '~') { c } else { '_' })
        .collect()
}

/// String values end at the first blank, and viewers know printable ASCII only: the rest is written as `\xNN`, which
/// wellen and GTKWave show as what it was. Dots mark what was cut.
fn escaped(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut word = String::new();
    for byte in text.bytes() {
        if word.len() >= LONGEST {
            return word + "...";
        }
        match byte {
            b'\\' => word.push_str("\\\\"),
            byte if byte.is_ascii_graphic() => word.push(char::from(byte)),
            byte => word.push_str(&format!("\\x{byte:02X}")),
        }
    }
    word
}
