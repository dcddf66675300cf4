//! A timeline as a Value Change Dump that waveform viewers such as GTKWave open.
//!
//! Absent: reading one back; the journal holds the trace, this is a view.

use std::io;

use vcd::{IdCode, TimescaleUnit, VarType, Writer};

use super::{Channel, Edge, Form, Timeline, Value};

/// Writes `timeline` with `title` as its scope.
///
/// # Errors
/// Those of `out`.
pub fn write(timeline: &Timeline, title: &str, out: impl io::Write) -> io::Result<()> {
    let mut writer = Writer::new(out);
    writer.timescale(1, TimescaleUnit::NS)?;
    writer.add_module(&identifier(title))?;
    let mut changes: Vec<(&Edge, IdCode)> = Vec::new();
    for (channel, edges) in timeline.channels() {
        let kind = variable_kind(channel);
        let width = if kind == VarType::Real { 64 } else { 1 };
        let code = writer.add_var(kind, width, &identifier(&channel.to_string()), None)?;
        changes.extend(edges.iter().map(|edge| (edge, code)));
    }
    writer.upscope()?;
    writer.enddefinitions()?;
    changes.sort_by_key(|(edge, _)| edge.at);
    let mut now = None;
    for (edge, code) in changes {
        if now != Some(edge.at) {
            writer.timestamp(edge.at.as_nanoseconds())?;
            now = Some(edge.at);
        }
        write_change(&mut writer, code, &edge.value)?;
    }
    writer.flush()
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
        Value::Light(colour) => writer.change_string(code, &word(colour.as_deref().unwrap_or("off"))),
        Value::Text(text) | Value::Notify(text) => writer.change_string(code, &word(text)),
        structured => {
            let json = serde_json::to_string(structured).map_err(io::Error::other)?;
            writer.change_string(code, &word(&json))
        }
    }
}

/// Names may hold nothing that a viewer takes for syntax.
fn identifier(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '~') { c } else { '_' })
        .collect()
}

/// String values end at the first blank, and viewers know printable ASCII only.
fn word(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect()
}
