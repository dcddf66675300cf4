//! `junit.xml`, as continuous-integration servers read it, written case by case.
//!
//! The shape is the one that the XSD of Jenkins' xunit plugin allows, the strictest of the readers: a case has no
//! properties, and what it has to say beside its outcome stands in its text. A library for JUnit exists
//! (`quick-junit`), and holds all cases in memory: a run of ten thousand must not.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::evidence::{CaseEntry, Counts, EvidenceError, read_results};
use crate::unit::visible;
use crate::verdict::Verdict;

use super::findings::{Finding, Key, findings, key, numbers};
use super::summary::{Summary, UNTRIED, overall, told};

/// The package of every test: servers group by it.
const PACKAGE: &str = "lockrig";

/// Writes the results of a run folder as JUnit: one suite a model.
///
/// # Errors
/// The folder can't be read, or `out` can't be written.
pub fn junit(folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    write_junit(&Summary::read(folder)?, folder, None, out)
}

/// The same for servers that show files beside a case: waveforms and the report, found in `at`. Where a run folder lies
/// is not on record, so the file in it names none.
///
/// # Errors
/// As without them.
pub fn junit_with_attachments(folder: &Path, at: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    write_junit(&Summary::read(folder)?, folder, Some(at), out)
}

pub(super) fn write_junit(
    summary: &Summary,
    folder: &Path,
    at: Option<&Path>,
    out: &mut dyn Write,
) -> Result<(), EvidenceError> {
    let found = findings(&summary.problems);
    let numbers = numbers(&found);
    let mut page = Page { writer: Writer::new_with_indent(out, b' ', 4), folder, at };
    page.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let run = of_the_run(summary);
    let mut all = summary.counts.clone();
    run.iter().for_each(|(_, verdict, _)| all.add(*verdict));
    let length = summary.lengths_ns.values().fold(0, |sum: u64, length| sum.saturating_add(*length));
    page.write(Event::Start(counted("testsuites", PACKAGE, &all, length)))?;
    let mut suite: Option<String> = None;
    for entry in read_results(folder)? {
        let entry = entry?;
        if suite.as_ref() != Some(&entry.model) {
            if let Some(model) = suite.replace(entry.model.clone()) {
                page.end_suite(&model, &found)?;
            }
            page.begin_suite(summary, &entry.model)?;
        }
        page.case(summary, &entry, &numbers)?;
    }
    if let Some(model) = suite {
        page.end_suite(&model, &found)?;
    }
    if !run.is_empty() {
        let mut counts = Counts::default();
        run.iter().for_each(|(_, verdict, _)| counts.add(*verdict));
        let name = format!("run {}", summary.manifest.run);
        page.write(Event::Start(stamped(counted("testsuite", &name, &counts, 0), summary)))?;
        for (name, verdict, reason) in &run {
            page.test(name, &format!("{PACKAGE}.run"), 0, *verdict, reason, &[])?;
        }
        page.end("testsuite")?;
    }
    page.end("testsuites")?;
    page.writer.get_mut().write_all(b"\n").map_err(EvidenceError::io(folder))
}

/// The file as far as it is written.
struct Page<'a> {
    writer: Writer<&'a mut dyn Write>,
    folder: &'a Path,
    at: Option<&'a Path>,
}

impl Page<'_> {
    fn write(&mut self, event: Event<'_>) -> Result<(), EvidenceError> {
        self.writer.write_event(event).map_err(EvidenceError::io(self.folder))
    }

    fn end(&mut self, element: &str) -> Result<(), EvidenceError> {
        self.write(Event::End(BytesEnd::new(element)))
    }

    fn text(&mut self, element: BytesStart<'_>, text: &str) -> Result<(), EvidenceError> {
        let end = element.to_end().into_owned();
        self.write(Event::Start(element))?;
        self.write(Event::Text(BytesText::new(text)))?;
        self.write(Event::End(end))
    }

    /// A model's suite. Mergers fuse suites of one name, so it says which lock it was, or else on which rig.
    fn begin_suite(&mut self, summary: &Summary, model: &str) -> Result<(), EvidenceError> {
        let manifest = &summary.manifest;
        let mut counts = Counts::default();
        for of_method in summary.matrix.get(model).into_iter().flat_map(BTreeMap::values) {
            counts.merge(of_method);
        }
        let length = summary.lengths_ns.get(model).copied().unwrap_or_default();
        let name = match &manifest.device.serial {
            Some(serial) => format!("{model} {}", visible(serial)),
            None => format!("{model} on {}", manifest.rig.id),
        };
        self.write(Event::Start(stamped(counted("testsuite", &name, &counts, length), summary)))?;
        // Readers keep one value a name.
        let clauses: Vec<&str> = summary.clauses.keys().map(String::as_str).collect();
        let clauses = Some(clauses.join(", ")).filter(|clauses| !clauses.is_empty());
        let seed = manifest.seed.to_string();
        let properties = [
            ("provenance", Some(manifest.provenance.as_str())),
            ("rig", Some(manifest.rig.id.as_str())),
            ("serial", manifest.device.serial.as_deref()),
            ("firmware", manifest.device.firmware.as_deref()),
            ("operator", manifest.operator.as_deref()),
            ("defect", manifest.defect.as_deref()),
            ("variation", manifest.variation.as_deref()),
            ("run", Some(manifest.run.as_str())),
            ("seed", Some(seed.as_str())),
            ("tool", Some(manifest.tool.as_str())),
            ("clause", clauses.as_deref()),
        ];
        self.write(Event::Start(BytesStart::new("properties")))?;
        let stated = properties.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        for (name, value) in stated {
            let mut property = BytesStart::new("property");
            property.push_attribute(("name", name));
            property.push_attribute(("value", visible(value).as_str()));
            self.write(Event::Empty(property))?;
        }
        self.end("properties")
    }

    /// What did not pass, by its cause.
    fn end_suite(&mut self, model: &str, found: &[Finding]) -> Result<(), EvidenceError> {
        let own = found.iter().filter(|finding| finding.model == model);
        let told: Vec<String> = own
            .map(|finding| {
                let (word, headline) = (finding.verdict.word(), visible(&finding.headline()));
                let (reason, case) = (visible(&finding.reason), &finding.shortest);
                format!("finding {}: {word}: {headline}: {reason}; shortest case: {case}", finding.number)
            })
            .collect();
        if !told.is_empty() {
            self.text(BytesStart::new("system-out"), &told.join("\n"))?;
        }
        self.end("testsuite")
    }

    /// What is to be seen beside a case, in the form that GitLab and Jenkins read.
    fn attached(&self, case: &str) -> Vec<String> {
        let Some(at) = self.at else { return Vec::new() };
        let files = [format!("traces/{case}.vcd"), "report.html".to_owned()];
        let there = files.into_iter().filter(|file| self.folder.join(file).is_file());
        there
            .map(|file| format!("[[ATTACHMENT|{}]]", visible(&at.join(file).display().to_string())))
            .collect()
    }

    fn case(
        &mut self,
        summary: &Summary,
        entry: &CaseEntry,
        numbers: &BTreeMap<Key, usize>,
    ) -> Result<(), EvidenceError> {
        let group = format!("{PACKAGE}.{}.{}", entry.model, entry.method);
        let mut more = Vec::new();
        if let Some(scenario) = summary.catalogue.scenarios.get(&entry.scenario) {
            more.push(format!("claim: {}", visible(&scenario.title)));
            let clauses: Vec<&str> = scenario.clauses.iter().map(String::as_str).collect();
            if !clauses.is_empty() {
                more.push(format!("clauses: {}", clauses.join(", ")));
            }
        }
        // Cases of one finding have one cause to look into.
        more.extend(numbers.get(&key(entry)).map(|number| format!("finding: {number}")));
        let (verdict, reason) = (entry.result.verdict, &entry.result.reason);
        self.test(&entry.case, &group, entry.length_ns, verdict, reason, &more)
    }

    fn test(
        &mut self,
        name: &str,
        group: &str,
        length_ns: u64,
        verdict: Verdict,
        reason: &str,
        more: &[String],
    ) -> Result<(), EvidenceError> {
        // XML has no way to write most control characters.
        let reason = visible(reason);
        let mut start = BytesStart::new("testcase");
        start.push_attribute(("name", name));
        start.push_attribute(("classname", group));
        start.push_attribute(("time", seconds(length_ns).as_str()));
        let kind = match verdict {
            Verdict::Pass => return self.write(Event::Empty(start)),
            Verdict::NotApplicable => "skipped",
            Verdict::Fail => "failure",
            Verdict::Error | Verdict::Inconclusive | Verdict::Aborted => "error",
        };
        self.write(Event::Start(start))?;
        let mut inner = BytesStart::new(kind);
        inner.push_attribute(("message", reason.as_str()));
        if verdict == Verdict::NotApplicable {
            self.write(Event::Empty(inner))?;
        } else {
            inner.push_attribute(("type", verdict.word()));
            // Some readers show the attribute, and others the text.
            let text: Vec<&str> =
                [reason.as_str()].into_iter().chain(more.iter().map(String::as_str)).collect();
            self.text(inner, &text.join("\n"))?;
            let attached = self.attached(name);
            if !attached.is_empty() {
                self.text(BytesStart::new("system-out"), &attached.join("\n"))?;
            }
        }
        self.end("testcase")
    }
}

/// An element with its counts; `testsuites` has no `skipped`, which strict readers refuse there.
fn counted(element: &'static str, name: &str, counts: &Counts, length_ns: u64) -> BytesStart<'static> {
    let of =
        |verdicts: &[Verdict]| verdicts.iter().map(|verdict| counts.of(*verdict)).sum::<u64>().to_string();
    let mut start = BytesStart::new(element);
    start.push_attribute(("name", name));
    start.push_attribute(("tests", counts.total().to_string().as_str()));
    start.push_attribute(("failures", of(&[Verdict::Fail]).as_str()));
    start.push_attribute(("errors", of(&[Verdict::Error, Verdict::Inconclusive, Verdict::Aborted]).as_str()));
    if element == "testsuite" {
        start.push_attribute(("skipped", of(&[Verdict::NotApplicable]).as_str()));
    }
    start.push_attribute(("time", seconds(length_ns).as_str()));
    start
}

/// With the start of the run, in UTC; the common form has no zone.
fn stamped(mut suite: BytesStart<'static>, summary: &Summary) -> BytesStart<'static> {
    suite.push_attribute(("timestamp", summary.manifest.started.trim_end_matches('Z')));
    suite
}

fn seconds(nanoseconds: u64) -> String {
    format!("{}.{:03}", nanoseconds / 1_000_000_000, nanoseconds / 1_000_000 % 1_000)
}

/// What is wrong with the run beside its cases: nothing was tested, it was interrupted, or continues one that did not
/// pass.
fn of_the_run(summary: &Summary) -> Vec<(String, Verdict, String)> {
    let mut found = Vec::new();
    if !summary.executed_anything() && summary.manifest.planned > 0 {
        let reason = "no case was played, so nothing is proved".to_owned();
        found.push(("cases played".to_owned(), Verdict::Inconclusive, reason));
    }
    if summary.unplayed() > 0 {
        let reason = format!("{} of {} cases were not played", summary.unplayed(), summary.manifest.planned);
        found.push(("run completed".to_owned(), Verdict::Aborted, reason));
    }
    if summary.was_killed() {
        let reason = "the run was killed; only what its journal proves is here".to_owned();
        found.push(("run closed".to_owned(), Verdict::Aborted, reason));
    }
    for model in summary.untried_codes() {
        found.push((format!("codes of {model}"), Verdict::Inconclusive, UNTRIED.to_owned()));
    }
    for (clause, models) in summary.unshown() {
        for model in models {
            let reason = "no passing case shows it, and it is mandatory".to_owned();
            found.push((format!("{clause} of {model}"), Verdict::Inconclusive, reason));
        }
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
