//! `junit.xml`, as continuous-integration servers read it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::evidence::{CaseEntry, EvidenceError, read_results};
use crate::verdict::Verdict;

/// The results of a run folder as JUnit: one suite a model.
///
/// # Errors
/// The folder can't be read.
pub fn junit(folder: &Path) -> Result<Vec<u8>, EvidenceError> {
    let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
    for entry in read_results(folder)? {
        let entry = entry?;
        let suite = suites.entry(entry.model.clone()).or_insert_with(|| TestSuite::new(entry.model.as_str()));
        suite.add_test_case(case(&entry));
    }
    let mut report = Report::new("lockrig");
    report.add_test_suites(suites.into_values());
    let mut bytes =
        report.to_string().map_err(|error| EvidenceError::malformed(folder, error.to_string()))?;
    if !bytes.ends_with('\n') {
        bytes.push('\n');
    }
    Ok(bytes.into_bytes())
}

fn case(entry: &CaseEntry) -> TestCase {
    let reason = entry.result.reason.as_str();
    let status = match entry.result.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::NotApplicable => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
        Verdict::Fail => unmet(NonSuccessKind::Failure, entry.result.verdict, reason),
        verdict => unmet(NonSuccessKind::Error, verdict, reason),
    };
    let mut case = TestCase::new(entry.case.as_str(), status);
    case.set_classname(format!("{}.{}", entry.model, entry.method));
    case.set_time(time::Duration::from_nanos(entry.length_ns));
    case
}

fn unmet(kind: NonSuccessKind, verdict: Verdict, reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(reason).set_type(verdict.word());
    status
}
