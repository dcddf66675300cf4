//! `junit.xml`, as continuous-integration servers read it, written case by case.
//!
//! The shape is the one that nextest writes. A library for it exists (`quick-junit`), and holds all cases
//! in memory: a run of ten thousand must not.

use std::io::Write;
use std::path::Path;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};

use crate::evidence::{CaseEntry, Counts, EvidenceError, read_results};
use crate::unit::visible;
use crate::verdict::Verdict;

use super::findings::{findings, key, numbers};
use super::summary::{Summary, overall, told};

/// Writes the results of a run folder as JUnit: one suite a model.
///
/// # Errors
/// The folder can't be read, or `out` can't be written.
pub fn junit(folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    write_junit(&Summary::read(folder)?, folder, out)
}

pub(super) fn write_junit(
    summary: &Summary,
    folder: &Path,
    out: &mut dyn Write,
) -> Result<(), EvidenceError> {
    let mut writer = Writer::new_with_indent(out, b' ', 4);
    let mut write = |event: Event<'_>| writer.write_event(event).map_err(EvidenceError::io(folder));
    write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let run = of_the_run(summary);
    let mut all = summary.counts.clone();
    run.iter().for_each(|(_, verdict, _)| all.add(*verdict));
    write(Event::Start(counted("testsuites", "lockrig", &all)))?;
    let numbers = numbers(&findings(&summary.problems));
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
        for event in case(&entry, numbers.get(&key(&entry)).copied()) {
            write(event)?;
        }
    }
    if suite.is_some() {
        write(Event::End(BytesEnd::new("testsuite")))?;
    }
    if !run.is_empty() {
        let mut counts = Counts::default();
        run.iter().for_each(|(_, verdict, _)| counts.add(*verdict));
        write(Event::Start(counted("testsuite", "run", &counts)))?;
        for (name, verdict, reason) in &run {
            for event in test(name, "lockrig.run", 0, *verdict, reason, None) {
                write(event)?;
            }
        }
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

/// What is wrong with the run beside its cases: it was interrupted, or continues one that did not pass.
fn of_the_run(summary: &Summary) -> Vec<(String, Verdict, String)> {
    let mut found = Vec::new();
    if summary.unplayed() > 0 {
        let reason = format!("{} of {} cases were not played", summary.unplayed(), summary.manifest.planned);
        found.push(("run completed".to_owned(), Verdict::Aborted, reason));
    }
    if summary.was_killed() {
        let reason = "the run was killed; only what its journal proves is here".to_owned();
        found.push(("run closed".to_owned(), Verdict::Aborted, reason));
    }
    if let (Some(run), Some(counts)) = (&summary.manifest.resumes, &summary.manifest.earlier) {
        let verdict = match overall(counts) {
            Verdict::NotApplicable => Verdict::Pass,
            other => other,
        };
        found.push((format!("continues {run}"), verdict, told(counts)));
    }
    found
}

fn case(entry: &CaseEntry, finding: Option<usize>) -> Vec<Event<'static>> {
    let group = format!("{}.{}", entry.model, entry.method);
    test(&entry.case, &group, entry.length_ns, entry.result.verdict, &entry.result.reason, finding)
}

fn test(
    name: &str,
    group: &str,
    length_ns: u64,
    verdict: Verdict,
    reason: &str,
    finding: Option<usize>,
) -> Vec<Event<'static>> {
    // XML has no way to write most control characters.
    let reason = visible(reason);
    let seconds = format!("{}.{:03}", length_ns / 1_000_000_000, length_ns / 1_000_000 % 1_000);
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("name", name));
    start.push_attribute(("classname", group));
    start.push_attribute(("time", seconds.as_str()));
    let kind = match verdict {
        Verdict::Pass => return vec![Event::Empty(start)],
        Verdict::NotApplicable => "skipped",
        Verdict::Fail => "failure",
        Verdict::Error | Verdict::Inconclusive | Verdict::Aborted => "error",
    };
    let mut inner = BytesStart::new(kind);
    inner.push_attribute(("message", reason.as_str()));
    if kind != "skipped" {
        inner.push_attribute(("type", verdict.word()));
    }
    let mut events = vec![Event::Start(start)];
    if let Some(number) = finding {
        // Cases of one finding have one cause to look into.
        let mut property = BytesStart::new("property");
        property.push_attribute(("name", "finding"));
        property.push_attribute(("value", number.to_string().as_str()));
        events.push(Event::Start(BytesStart::new("properties")));
        events.push(Event::Empty(property));
        events.push(Event::End(BytesEnd::new("properties")));
    }
    events.extend([Event::Empty(inner), Event::End(BytesEnd::new("testcase"))]);
    events
}
