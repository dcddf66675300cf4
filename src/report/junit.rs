//! `junit.xml`, as continuous-integration servers read it, written case by case.
//!
//! The shape is the one that nextest writes. A library for it exists (`quick-junit`), and holds all cases
//! in memory: a run of ten thousand must not.

use std::io::Write;
use std::path::Path;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};

use crate::evidence::{CaseEntry, Counts, EvidenceError, read_results};
use crate::verdict::Verdict;

use super::html::visible;
use super::summary::Summary;

/// Writes the results of a run folder as JUnit: one suite a model.
///
/// # Errors
/// The folder can't be read, or `out` can't be written.
pub fn junit(folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    let summary = Summary::read(folder)?;
    let mut writer = Writer::new_with_indent(out, b' ', 4);
    let mut write = |event: Event<'_>| writer.write_event(event).map_err(EvidenceError::io(folder));
    write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    write(Event::Start(counted("testsuites", "lockrig", &summary.counts)))?;
    let mut suite: Option<String> = None;
    for entry in read_results(folder)? {
        let entry = entry?;
        if suite.as_ref() != Some(&entry.model) {
            if suite.is_some() {
                write(Event::End(BytesEnd::new("testsuite")))?;
            }
            let mut counts = Counts::default();
            for of_method in summary.matrix.get(&entry.model).into_iter().flat_map(|row| row.values()) {
                counts.merge(of_method);
            }
            write(Event::Start(counted("testsuite", &entry.model, &counts)))?;
            suite = Some(entry.model.clone());
        }
        for event in case(&entry) {
            write(event)?;
        }
    }
    if suite.is_some() {
        write(Event::End(BytesEnd::new("testsuite")))?;
    }
    write(Event::End(BytesEnd::new("testsuites")))?;
    writer.get_mut().write_all(b"\n").map_err(EvidenceError::io(folder))
}

fn counted(element: &'static str, name: &str, counts: &Counts) -> BytesStart<'static> {
    let of =
        |verdicts: &[Verdict]| verdicts.iter().map(|verdict| counts.of(*verdict)).sum::<u64>().to_string();
    let mut start = BytesStart::new(element);
    start.push_attribute(("name", name));
    start.push_attribute(("tests", counts.total().to_string().as_str()));
    start.push_attribute(("skipped", of(&[Verdict::NotApplicable]).as_str()));
    start.push_attribute(("errors", of(&[Verdict::Error, Verdict::Inconclusive, Verdict::Aborted]).as_str()));
    start.push_attribute(("failures", of(&[Verdict::Fail]).as_str()));
    start
}

fn case(entry: &CaseEntry) -> Vec<Event<'static>> {
    // XML has no way to write most control characters.
    let reason = visible(&entry.result.reason);
    let seconds = format!("{}.{:03}", entry.length_ns / 1_000_000_000, entry.length_ns / 1_000_000 % 1_000);
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("name", entry.case.as_str()));
    start.push_attribute(("classname", format!("{}.{}", entry.model, entry.method).as_str()));
    start.push_attribute(("time", seconds.as_str()));
    let kind = match entry.result.verdict {
        Verdict::Pass => return vec![Event::Empty(start)],
        Verdict::NotApplicable => "skipped",
        Verdict::Fail => "failure",
        Verdict::Error | Verdict::Inconclusive | Verdict::Aborted => "error",
    };
    let mut inner = BytesStart::new(kind);
    inner.push_attribute(("message", reason.as_str()));
    if kind != "skipped" {
        inner.push_attribute(("type", entry.result.verdict.word()));
    }
    vec![Event::Start(start), Event::Empty(inner), Event::End(BytesEnd::new("testcase"))]
}
