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
    /// Up to this time all was heard, and no line says so yet: the next may.
    waiting: Option<Instant>,
    /// The last line says nothing but that all was heard up to its time.
    is_passed: bool,
    /// Where a line that was read is written again.
    scratch: Vec<u8>,
}

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// It belongs to the run, and not to a case.
    None,
    /// At this time of its case.
    At(Instant),
    /// At this time of its case, up to which all signals were handed in.
    By(Instant),
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
        let is_of_this = self.case.as_deref() == Some(case);
        let waiting = self.waiting.take();
        let is_heard = is_of_this && waiting == Some(at) && may_follow(entry);
        if let (Some(passed), false) = (waiting, is_heard) {
            self.line(lines, Time::At(passed), &Entry::Advance { horizon_ns: passed })?;
            self.at = passed;
        }
        match entry {
            Entry::Run(_) | Entry::Commit { .. } => return self.line(lines, Time::None, entry),
            Entry::Begin { seed } => {
                *self = Self::of(case.into());
                return first_line(lines, case, Some(seed));
            }
            _ if !is_of_this => {
                *self = Self::of(case.into());
                first_line(lines, case, None)?;
            }
            _ if self.passes(at, entry) => {
                self.waiting = Some(at);
                return Ok(());
            }
            _ => {}
        }
        self.line(lines, if is_heard { Time::By(at) } else { Time::At(at) }, entry)?;
        self.said(at, entry);
        Ok(())
    }

    /// Whether an entry says nothing but that time passed, and all was heard up to then.
    fn passes(&self, at: Instant, entry: &Entry) -> bool {
        at != self.at && matches!(entry, Entry::Advance { horizon_ns } if *horizon_ns == at)
    }

    /// Writes what is no first line of a case.
    fn line(&self, line: &mut Vec<u8>, time: Time, entry: &Entry) -> Result<(), serde_json::Error> {
        let mut fields = Writer { line, is_first: true };
        let at = match time {
            Time::None => Instant::START,
            Time::At(at) => {
                fields.unless("t", &at, &self.at)?;
                at
            }
            Time::By(at) => {
                fields.field("by", &at)?;
                at
            }
        };
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
            Entry::Told { channel, secret } => {
                fields.field("told", channel)?;
                fields.field("secret", secret)
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
        self.is_passed = self.passes(at, entry);
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
            | Entry::Told { .. }
            | Entry::Advance { .. }
            | Entry::Record(Record::Step { .. } | Record::Reaction { .. })
            | Entry::Stderr { .. }
            | Entry::Stop { .. }
            | Entry::Commit { .. } => {}
        }
    }

    /// Reads a line with its end, and hands on what it says: nothing, if it only names a case, or that time passed
    /// until something happened, which are two entries.
    ///
    /// # Errors
    /// It is not JSON, not an entry of this format, or not written as [`Context::write`] does.
    pub(super) fn read(&mut self, line: &str, add: impl FnMut(JournalLine)) -> Result<(), EntryError> {
        let said = decode(line, self)?;
        self.check(&said, line)?;
        self.follow(said, add)
    }

    /// The same for a line that is known to be written by [`Context::write`].
    ///
    /// # Errors
    /// It is not JSON, or not an entry of this format.
    pub(super) fn read_verified(
        &mut self,
        line: &str,
        add: impl FnMut(JournalLine),
    ) -> Result<(), EntryError> {
        let said = decode(line, self)?;
        self.follow(said, add)
    }

    /// Whether a line is written as [`Context::write`] does: whatever else it says, or says otherwise, lockrig did not
    /// write.
    fn check(&mut self, said: &Said<'_>, line: &str) -> Result<(), EntryError> {
        let mut again = std::mem::take(&mut self.scratch);
        again.clear();
        match said {
            Said::Case { case, seed } => first_line(&mut again, case, seed.as_ref()),
            Said::Entry { time, entry } => self.line(&mut again, *time, entry),
        }
        .map_err(|error| EntryError(error.to_string()))?;
        let is_same = again == line.as_bytes();
        self.scratch = again;
        if is_same { Ok(()) } else { Err(EntryError("it is not as lockrig writes it".into())) }
    }

    /// What a line says, after those before it.
    fn follow(&mut self, said: Said<'_>, mut add: impl FnMut(JournalLine)) -> Result<(), EntryError> {
        match said {
            Said::Case { case, seed } => self.begin(&case, seed, add),
            Said::Entry { time: Time::None, entry } => match &self.case {
                Some(open) => Err(EntryError(format!("a hash stands within {open}"))),
                None => {
                    add(JournalLine { case: "".into(), at: Instant::START, entry });
                    Ok(())
                }
            },
            Said::Entry { time, entry } => self.go_on(time, entry, add),
        }
    }

    fn begin(
        &mut self,
        case: &str,
        seed: Option<u64>,
        mut add: impl FnMut(JournalLine),
    ) -> Result<(), EntryError> {
        if !is_case_id(case) {
            return Err(EntryError(format!("{case:?} is not a case id")));
        }
        if let Some(open) = &self.case {
            return Err(EntryError(format!("{open} began and has no end")));
        }
        let case: Arc<str> = case.into();
        let scratch = std::mem::take(&mut self.scratch);
        *self = Self { scratch, ..Self::of(Arc::clone(&case)) };
        if let Some(seed) = seed {
            add(JournalLine { case, at: Instant::START, entry: Entry::Begin { seed } });
        }
        Ok(())
    }

    fn go_on(
        &mut self,
        time: Time,
        entry: Entry,
        mut add: impl FnMut(JournalLine),
    ) -> Result<(), EntryError> {
        let Some(case) = self.case.clone() else {
            return Err(EntryError("it belongs to no case".into()));
        };
        let (at, is_heard) = match time {
            Time::None => (self.at, false),
            Time::At(at) => (at, false),
            Time::By(at) => (at, true),
        };
        let may_follow = may_follow(&entry);
        // There is one way to say that all was heard before something was done.
        if is_heard && (at == self.at || !may_follow) || self.is_passed && at == self.at && may_follow {
            return Err(EntryError("it is not as lockrig writes it".into()));
        }
        if is_heard {
            let entry = Entry::Advance { horizon_ns: at };
            add(JournalLine { case: Arc::clone(&case), at, entry });
        }
        self.said(at, &entry);
        if self.parts.len() + self.measurements.len() > MAX_SAID {
            return Err(EntryError(format!("{case} has more parts than any case that lockrig plays")));
        }
        add(JournalLine { case, at, entry });
        Ok(())
    }
}

/// The lines at the beginning of a text, as far as they are whole and UTF-8.
pub(super) fn whole_lines(text: &[u8]) -> &str {
    let valid = match str::from_utf8(text) {
        Ok(valid) => valid,
        Err(error) => str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    &valid[..valid.rfind('\n').map_or(0, |end| end + 1)]
}

/// The lines of a text, with their ends.
pub(super) fn each_line(lines: &str) -> impl Iterator<Item = &str> {
    let mut begin = 0;
    memchr::memchr_iter(b'\n', lines.as_bytes()).filter_map(move |end| {
        let line = lines.get(begin..=end);
        begin = end + 1;
        line
    })
}

/// Whether it can be said on one line that all was heard up to a time, and then this happened: what the engine says.
const fn may_follow(entry: &Entry) -> bool {
    match entry {
        Entry::Command { .. } | Entry::Record(_) => true,
        Entry::Run(_)
        | Entry::Begin { .. }
        | Entry::Ready(_)
        | Entry::Achieved { .. }
        | Entry::Clock { .. }
        | Entry::Sensed { .. }
        | Entry::Hold { .. }
        | Entry::SensedHold { .. }
        | Entry::Signal { .. }
        | Entry::Told { .. }
        | Entry::Advance { .. }
        | Entry::Stderr { .. }
        | Entry::Stop { .. }
        | Entry::End(_)
        | Entry::Commit { .. } => false,
    }
}
