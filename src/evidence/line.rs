//! One line of the journal: how an entry is written, and read back. What an earlier line of the case said, a later
//! one leaves out: the case, a time that did not change, the number of the next command, the parts of an outcome.

use std::sync::Arc;

use serde::Serialize;

use crate::engine::{CaseResult, PartResult, Record, StepOutcome};
use crate::unit::Instant;
use crate::verdict::Measurement;

use super::decode::{Said, decode};
use super::entry::{Entry, EntryError, JournalLine, is_case_id};

/// No case has more parts and measurements: it has 20,000 steps at most.
const MAX_SAID: usize = 100_000;

/// What the lines of a case said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// None between two cases.
    case: Option<Arc<str>>,
    pub(super) at: Instant,
    /// Number of the next command.
    pub(super) next: u64,
    pub(super) parts: Vec<PartResult>,
    pub(super) measurements: Vec<Measurement>,
    /// Where a line that was read is written again.
    scratch: Vec<u8>,
}

/// Writes the fields of one line.
struct Writer<'a> {
    line: &'a mut Vec<u8>,
    is_first: bool,
}

impl Writer<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), serde_json::Error> {
        self.line.push(if self.is_first { b'{' } else { b',' });
        self.is_first = false;
        self.line.push(b'"');
        self.line.extend_from_slice(name.as_bytes());
        self.line.extend_from_slice(b"\":");
        serde_json::to_writer(&mut *self.line, value)
    }

    /// A field that is left out if it says what is known anyway.
    fn unless<T: Serialize + PartialEq>(
        &mut self,
        name: &str,
        value: &T,
        known: &T,
    ) -> Result<(), serde_json::Error> {
        if value == known { Ok(()) } else { self.field(name, value) }
    }

    fn optional<T: Serialize>(&mut self, name: &str, value: Option<&T>) -> Result<(), serde_json::Error> {
        value.map_or(Ok(()), |value| self.field(name, value))
    }

    fn end(self) {
        if self.is_first {
            self.line.push(b'{');
        }
        self.line.extend_from_slice(b"}\n");
    }
}

/// The line that names a case, with the seed of its device if one was made.
fn first_line(line: &mut Vec<u8>, case: &str, seed: Option<&u64>) -> Result<(), serde_json::Error> {
    let mut fields = Writer { line, is_first: true };
    fields.field("case", case)?;
    fields.optional("seed", seed)?;
    fields.end();
    Ok(())
}

impl Context {
    fn of(case: Arc<str>) -> Self {
        Self { case: Some(case), ..Self::default() }
    }

    /// The case that began and has no end.
    pub(super) fn open_case(&self) -> Option<&str> {
        self.case.as_deref()
    }

    /// Writes an entry; a case that was not mentioned yet is mentioned first, on a line of its own.
    ///
    /// # Errors
    /// A value has no JSON form.
    pub(super) fn write(
        &mut self,
        lines: &mut Vec<u8>,
        case: &str,
        at: Instant,
        entry: &Entry,
    ) -> Result<(), serde_json::Error> {
        match entry {
            Entry::Run(_) | Entry::Commit { .. } => return self.line(lines, at, entry),
            Entry::Begin { seed } => {
                *self = Self::of(case.into());
                return first_line(lines, case, Some(seed));
            }
            _ if self.case.as_deref() != Some(case) => {
                *self = Self::of(case.into());
                first_line(lines, case, None)?;
            }
            _ => {}
        }
        self.line(lines, at, entry)?;
        self.said(at, entry);
        Ok(())
    }

    /// Writes what is no first line of a case.
    fn line(&self, line: &mut Vec<u8>, at: Instant, entry: &Entry) -> Result<(), serde_json::Error> {
        let mut fields = Writer { line, is_first: true };
        if !matches!(entry, Entry::Run(_) | Entry::Commit { .. }) {
            fields.unless("t", &at, &self.at)?;
        }
        self.body(&mut fields, at, entry)?;
        fields.end();
        Ok(())
    }

    fn body(&self, fields: &mut Writer<'_>, at: Instant, entry: &Entry) -> Result<(), serde_json::Error> {
        match entry {
            Entry::Run(manifest) => fields.field("run", manifest),
            Entry::Begin { .. } => Ok(()),
            Entry::Ready(device) => fields.field("ready", device),
            Entry::Command { id, channel, value, achieved_ns } => {
                fields.field(if achieved_ns.is_some() { "set" } else { "command" }, channel)?;
                fields.field("to", value)?;
                fields.unless("id", id, &self.next)?;
                fields.optional("at", achieved_ns.as_ref().filter(|achieved| **achieved != at))
            }
            Entry::Achieved { id } => fields.field("achieved", id),
            Entry::Clock { utc, monotonic_ns } => {
                fields.field("clock", utc)?;
                fields.field("monotonic_ns", monotonic_ns)
            }
            Entry::Sensed { output, closed } => {
                fields.field("sensed", output)?;
                fields.field("closed", closed)
            }
            Entry::Hold { channel, begin_ns, commanded_ns, achieved_ns, uncertainty_ns } => {
                fields.field("hold", channel)?;
                fields.field("begin_ns", begin_ns)?;
                fields.optional("commanded_ns", commanded_ns.as_ref())?;
                fields.field("achieved_ns", achieved_ns)?;
                fields.field("uncertainty_ns", uncertainty_ns)
            }
            Entry::SensedHold { output, sensed_ns, uncertainty_ns } => {
                fields.field("sensed_hold", output)?;
                fields.field("sensed_ns", sensed_ns)?;
                fields.field("uncertainty_ns", uncertainty_ns)
            }
            Entry::Signal { channel, value } => {
                fields.field("signal", channel)?;
                fields.field("is", value)
            }
            Entry::Advance { horizon_ns } => fields.unless("horizon", horizon_ns, &at),
            Entry::Record(Record::Step { label, begin, end, outcome, reason }) => {
                fields.field("step", label)?;
                fields.unless("since", begin, &at)?;
                fields.unless("until", end, &at)?;
                match outcome {
                    StepOutcome::Unmet => fields.field("unmet", reason),
                    StepOutcome::Done => fields.unless("reason", reason, &String::new()),
                }
            }
            Entry::Record(Record::Part(PartResult { name, verdict, reason, begin, end })) => {
                fields.field("part", name)?;
                fields.field("verdict", verdict)?;
                fields.unless("since", begin, &at)?;
                fields.unless("until", end, &at)?;
                fields.unless("reason", reason, &String::new())
            }
            Entry::Record(Record::Reaction { to, latency }) => {
                fields.field("reaction", to)?;
                fields.field("latency_ns", latency)
            }
            Entry::Record(Record::Measurement(measurement)) => fields.field("measured", measurement),
            Entry::Stderr { line } => fields.field("stderr", line),
            Entry::Stop { verdict, reason } => {
                fields.field("stop", verdict)?;
                fields.field("reason", reason)
            }
            Entry::End(result) => {
                let CaseResult { verdict, reason, unplayed, parts, measurements, omitted, deviations } =
                    &**result;
                fields.field("end", verdict)?;
                fields.unless("reason", reason, &String::new())?;
                fields.optional("unplayed", unplayed.as_ref())?;
                fields.unless("parts", parts, &self.parts)?;
                fields.unless("measurements", measurements, &self.measurements)?;
                fields.unless("omitted", omitted, &Vec::new())?;
                fields.unless("deviations", deviations, &Vec::new())
            }
            Entry::Commit { chain } => fields.field("chain", chain),
        }
    }

    /// Remembers what an entry said.
    fn said(&mut self, at: Instant, entry: &Entry) {
        self.at = at;
        match entry {
            Entry::Command { id, .. } => self.next = id.wrapping_add(1),
            Entry::Record(Record::Part(part)) => self.parts.push(part.clone()),
            Entry::Record(Record::Measurement(measurement)) => self.measurements.push(measurement.clone()),
            Entry::End(_) => *self = Self::default(),
            Entry::Run(_)
            | Entry::Begin { .. }
            | Entry::Ready(_)
            | Entry::Achieved { .. }
            | Entry::Clock { .. }
            | Entry::Sensed { .. }
            | Entry::Hold { .. }
            | Entry::SensedHold { .. }
            | Entry::Signal { .. }
            | Entry::Advance { .. }
            | Entry::Record(Record::Step { .. } | Record::Reaction { .. })
            | Entry::Stderr { .. }
            | Entry::Stop { .. }
            | Entry::Commit { .. } => {}
        }
    }

    /// Reads a line with its end. One that only names a case says nothing yet.
    ///
    /// # Errors
    /// It is not JSON, not an entry of this format, or not written as [`Context::write`] does.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<Option<JournalLine>, EntryError> {
        let said = decode(line, self)?;
        let mut again = std::mem::take(&mut self.scratch);
        again.clear();
        let read = self.understood(said, &mut again);
        let is_same = again == line;
        self.scratch = again;
        match read {
            // Whatever else it says, or says otherwise, lockrig did not write.
            Ok(_) if !is_same => Err(EntryError("it is not as lockrig writes it".into())),
            read => read,
        }
    }

    /// What a line says in its case, and the line that says just that.
    fn understood(&mut self, said: Said<'_>, again: &mut Vec<u8>) -> Result<Option<JournalLine>, EntryError> {
        let unwritten = |error: serde_json::Error| EntryError(error.to_string());
        let (at, entry) = match said {
            Said::Case { case, seed } => {
                if !is_case_id(&case) {
                    return Err(EntryError(format!("{case:?} is not a case id")));
                }
                if let Some(open) = &self.case {
                    return Err(EntryError(format!("{open} began and has no end")));
                }
                first_line(again, &case, seed.as_ref()).map_err(unwritten)?;
                let case: Arc<str> = (&*case).into();
                *self = Self::of(Arc::clone(&case));
                let begin = |seed| JournalLine { case, at: Instant::START, entry: Entry::Begin { seed } };
                return Ok(seed.map(begin));
            }
            Said::Entry { at, entry } => (at, entry),
        };
        self.line(again, at, &entry).map_err(unwritten)?;
        if let (Entry::Commit { .. }, Some(open)) = (&entry, &self.case) {
            return Err(EntryError(format!("a hash stands within {open}")));
        }
        let case = match (&entry, &self.case) {
            (Entry::Run(_) | Entry::Commit { .. }, _) => "".into(),
            (_, Some(case)) => Arc::clone(case),
            (_, None) => return Err(EntryError("it belongs to no case".into())),
        };
        if !case.is_empty() {
            self.said(at, &entry);
        }
        if self.parts.len() + self.measurements.len() > MAX_SAID {
            return Err(EntryError(format!("{case} has more parts than any case that lockrig plays")));
        }
        Ok(Some(JournalLine { case, at, entry }))
    }
}
