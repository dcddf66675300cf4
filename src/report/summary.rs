//! What a run comes to.

use std::collections::BTreeMap;
use std::path::Path;

use crate::evidence::{
    CaseEntry, Catalogue, Codes, Counts, EvidenceError, Manifest, State, read_catalogue, read_manifest,
    read_results,
};
use crate::lock::Method;
use crate::statistics::interval;
use crate::verdict::Verdict;

/// What is said of a model whose codes no case tried.
pub const UNTRIED: &str = "codes were not tested, because no source says how they are stored and entered";

/// Cases by model and method.
pub type Matrix = BTreeMap<String, BTreeMap<Method, Counts>>;

/// What a run comes to, without its passing cases.
#[derive(Clone, Debug)]
pub struct Summary {
    /// `run.json`.
    pub manifest: Manifest,
    /// Models and scenarios in short.
    pub catalogue: Catalogue,
    /// Cases by verdict.
    pub counts: Counts,
    /// Cases by model and method.
    pub matrix: Matrix,
    /// Length of all cases by model, in their own time and in nanoseconds.
    pub lengths_ns: BTreeMap<String, u64>,
    /// Cases by scenario.
    pub scenarios: BTreeMap<String, Counts>,
    /// Cases by clause.
    pub clauses: BTreeMap<String, Counts>,
    /// Documented deviations by model, with the clauses that they are against.
    pub deviations: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Claims left out by model, with what the model states.
    pub omitted: BTreeMap<String, BTreeMap<String, String>>,
    /// Cases that neither passed nor were inapplicable.
    pub problems: Vec<CaseEntry>,
    /// Of a run that repeats: each case, without its repetition, and what its repetitions came to.
    pub repeated: BTreeMap<String, Counts>,
}

/// What the repetitions of a case came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeated<'a> {
    /// The case, without its repetition.
    pub case: &'a str,
    /// How often it passed, of the times that it told.
    pub passed: u64,
    /// How often it told anything: it passed or failed.
    pub told: u64,
    /// How often nothing could be concluded.
    pub unclear: u64,
    /// The share of passes that lies behind that (95 %, Clopper and Pearson).
    pub interval: (f64, f64),
}

impl Repeated<'_> {
    /// Whether the lock did what it must one time and not another.
    pub fn is_flaky(&self) -> bool {
        self.passed > 0 && self.passed < self.told
    }

    /// Whether it passed every time that it was played.
    pub fn is_perfect(&self) -> bool {
        self.passed == self.told && self.unclear == 0
    }

    /// `48 of 50 pass (95 %: 86.3 % to 99.5 %)`.
    pub fn told(&self) -> String {
        let (low, high) = (self.interval.0 * 100.0, self.interval.1 * 100.0);
        format!("{} of {} pass (95 %: {low:.1} % to {high:.1} %)", self.passed, self.told)
    }
}

impl Summary {
    /// Reads a run folder, closed or about to be.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn read(folder: &Path) -> Result<Self, EvidenceError> {
        let mut summary = Self {
            manifest: read_manifest(folder)?,
            catalogue: read_catalogue(folder)?,
            counts: Counts::default(),
            matrix: Matrix::new(),
            lengths_ns: BTreeMap::new(),
            scenarios: BTreeMap::new(),
            clauses: BTreeMap::new(),
            deviations: BTreeMap::new(),
            omitted: BTreeMap::new(),
            problems: Vec::new(),
            repeated: BTreeMap::new(),
        };
        for entry in read_results(folder)? {
            summary.add(entry?);
        }
        Ok(summary)
    }

    fn add(&mut self, entry: CaseEntry) {
        let verdict = entry.result.verdict;
        self.counts.add(verdict);
        let row = self.matrix.entry(entry.model.clone()).or_default();
        row.entry(entry.method).or_default().add(verdict);
        let length = self.lengths_ns.entry(entry.model.clone()).or_default();
        *length = length.saturating_add(entry.length_ns);
        self.scenarios.entry(entry.scenario.clone()).or_default().add(verdict);
        let scenario = self.catalogue.scenarios.get(&entry.scenario);
        let clauses: Vec<String> =
            scenario.map_or_else(Vec::new, |s| s.clauses.iter().map(|(id, _)| id.clone()).collect());
        for clause in &clauses {
            self.clauses.entry(clause.clone()).or_default().add(verdict);
        }
        for (claim, reason) in &entry.result.omitted {
            let known = self.omitted.entry(entry.model.clone()).or_default();
            known.entry(claim.clone()).or_insert_with(|| reason.clone());
        }
        for deviation in &entry.result.deviations {
            let known = self.deviations.entry(entry.model.clone()).or_default();
            let against = known.entry(deviation.clone()).or_default();
            for clause in &clauses {
                if !against.contains(clause) {
                    against.push(clause.clone());
                }
            }
        }
        if self.manifest.selected.repeat > 1 {
            let case = entry.case.rsplit_once("~r").map_or(entry.case.as_str(), |(case, _)| case);
            self.repeated.entry(case.to_owned()).or_default().add(verdict);
        }
        if !matches!(verdict, Verdict::Pass | Verdict::NotApplicable) {
            self.problems.push(entry);
        }
    }

    /// Cases that were played several times and told something, flaky ones first, then by their share of passes.
    pub fn repetitions<'a>(&'a self) -> Vec<Repeated<'a>> {
        let of = |(case, counts): (&'a String, &'a Counts)| {
            let passed = counts.of(Verdict::Pass);
            let told = passed + counts.of(Verdict::Fail);
            let unclear = counts.total() - counts.of(Verdict::NotApplicable) - told;
            Some(Repeated { case, passed, told, unclear, interval: interval(passed, told, 0.95)? })
        };
        let mut all: Vec<Repeated<'a>> = self.repeated.iter().filter_map(of).collect();
        let share = |one: &Repeated<'_>| one.passed as f64 / one.told as f64;
        all.sort_by(|a, b| (!a.is_flaky()).cmp(&!b.is_flaky()).then(share(a).total_cmp(&share(b))));
        all
    }

    /// The sentence that a scenario claims; empty if it is not known.
    pub fn title(&self, scenario: &str) -> &str {
        self.catalogue.scenarios.get(scenario).map_or("", |scenario| scenario.title.as_str())
    }

    /// Whether any case was executed at all.
    pub fn executed_anything(&self) -> bool {
        self.counts.total() > self.counts.of(Verdict::NotApplicable)
    }

    /// Cases that were planned and not played: the run was interrupted.
    pub fn unplayed(&self) -> u64 {
        self.manifest.planned.saturating_sub(self.counts.total())
    }

    /// Models that were certified by every claim, and none of their codes was tried: nothing is known of what matters
    /// most. Whoever chose scenarios, methods or cases knows what they left out.
    pub fn untried_codes(&self) -> Vec<&str> {
        let selected = &self.manifest.selected;
        let is_whole =
            selected.scenarios.is_empty() && selected.methods.is_empty() && selected.cases.is_empty();
        let was_played = |model: &str| {
            // What an earlier part of the run played counts as well.
            if self.manifest.earlier.is_some() {
                return true;
            }
            let row = self.matrix.get(model).into_iter().flat_map(BTreeMap::values);
            row.into_iter().any(|counts| counts.total() > counts.of(Verdict::NotApplicable))
        };
        let untried = self.catalogue.models.iter().filter(|(_, model)| model.codes == Codes::Untried);
        untried.map(|(id, _)| id.as_str()).filter(|id| is_whole && was_played(id)).collect()
    }

    /// Whether the run was killed: nobody closed it.
    pub fn was_killed(&self) -> bool {
        self.manifest.state == State::Aborted
    }

    /// What the run comes to, with the runs that it continues. One that was interrupted or killed is no pass, nor is
    /// one that tried no code of a lock that has some.
    pub fn outcome(&self) -> Verdict {
        let mut counts = self.counts.merged(self.manifest.earlier.as_ref());
        if self.unplayed() > 0 || self.was_killed() {
            counts.add(Verdict::Aborted);
        }
        if !self.untried_codes().is_empty() {
            counts.add(Verdict::Inconclusive);
        }
        overall(&counts)
    }

    /// Methods that any model has a case for.
    pub fn methods(&self) -> Vec<Method> {
        let mut methods: Vec<Method> = self.matrix.values().flat_map(|row| row.keys().copied()).collect();
        methods.sort();
        methods.dedup();
        methods
    }
}

/// `3 pass, 1 fail`.
pub fn told(counts: &Counts) -> String {
    let known = Verdict::ALL.iter().filter(|verdict| counts.of(**verdict) > 0);
    let told: Vec<String> = known
        .map(|verdict| format!("{} {}", counts.of(*verdict), verdict.word().replace('_', " ")))
        .collect();
    told.join(", ")
}

/// The verdict that a group of cases comes to.
pub fn overall(counts: &Counts) -> Verdict {
    let worst = [Verdict::Fail, Verdict::Error, Verdict::Aborted, Verdict::Inconclusive, Verdict::Pass];
    worst.into_iter().find(|verdict| counts.of(*verdict) > 0).unwrap_or(Verdict::NotApplicable)
}
