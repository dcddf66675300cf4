//! Cases that did not pass, grouped into findings: one defect of a lock shows in many cases, and a person has one
//! thing to look into.

use std::collections::BTreeMap;

use crate::evidence::CaseEntry;
use crate::unit::counted;
use crate::verdict::Verdict;

/// What went wrong in the same place of the same model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Number in its run, from 1; the worst is first.
    pub number: usize,
    /// Model.
    pub model: String,
    /// Verdict of its cases.
    pub verdict: Verdict,
    /// The part that decided: what was claimed, or where the case ended.
    pub part: String,
    /// The shortest case that shows it.
    pub shortest: String,
    /// Why that one did not pass.
    pub reason: String,
    /// How many cases show it.
    pub cases: u64,
    /// Their scenarios, each once.
    pub scenarios: Vec<String>,
}

impl Finding {
    /// `kwikset-smartcode-914: user codes erased, in 12 cases`.
    pub fn headline(&self) -> String {
        format!("{}: {}, in {}", self.model, self.part, counted(self.cases, "case"))
    }
}

/// What the cases of a finding have in common: verdict, model, and the part that decided.
pub type Key = (Verdict, String, String);

/// The finding that a case which did not pass belongs to.
pub fn key(entry: &CaseEntry) -> Key {
    let verdict = entry.result.verdict;
    let part = entry.result.parts.iter().find(|part| part.verdict == verdict);
    // A case that was not played has no part that decided.
    let part = part.map_or_else(|| "not played".to_owned(), |part| part.name.clone());
    (verdict, entry.model.clone(), part)
}

/// The findings of the cases that did not pass, the worst verdict first, then those that most cases show.
pub fn findings(problems: &[CaseEntry]) -> Vec<Finding> {
    let mut groups: BTreeMap<Key, Vec<&CaseEntry>> = BTreeMap::new();
    for entry in problems {
        groups.entry(key(entry)).or_default().push(entry);
    }
    let mut all: Vec<Finding> = groups
        .into_iter()
        .filter_map(|((verdict, model, part), entries)| {
            let shortest = entries.iter().min_by_key(|entry| (entry.length_ns, &entry.case))?;
            let mut scenarios: Vec<String> = entries.iter().map(|entry| entry.scenario.clone()).collect();
            scenarios.sort();
            scenarios.dedup();
            Some(Finding {
                number: 0,
                model,
                verdict,
                part,
                shortest: shortest.case.clone(),
                reason: shortest.result.reason.clone(),
                cases: entries.len() as u64,
                scenarios,
            })
        })
        .collect();
    let rank = |verdict: Verdict| match verdict {
        Verdict::Fail => 0,
        Verdict::Error => 1,
        Verdict::Aborted => 2,
        Verdict::Inconclusive => 3,
        Verdict::Pass | Verdict::NotApplicable => 4,
    };
    all.sort_by(|one, other| {
        (rank(one.verdict), other.cases, &one.model, &one.part).cmp(&(
            rank(other.verdict),
            one.cases,
            &other.model,
            &other.part,
        ))
    });
    for (number, finding) in (1..).zip(&mut all) {
        finding.number = number;
    }
    all
}

/// The number of each finding, by what its cases have in common.
pub(super) fn numbers(findings: &[Finding]) -> BTreeMap<Key, usize> {
    let key = |finding: &Finding| (finding.verdict, finding.model.clone(), finding.part.clone());
    findings.iter().map(|finding| (key(finding), finding.number)).collect()
}
