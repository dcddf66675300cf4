//! What a run comes to.

use std::collections::BTreeMap;
use std::path::Path;

use crate::evidence::{
    CaseEntry, Catalogue, Codes, Counts, EvidenceError, Manifest, State, read_catalogue, read_manifest,
    read_results,
};
use crate::lock::{Method, Obligation};
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
    /// Cases by clause, model and method.
    pub clauses: BTreeMap<String, BTreeMap<(String, Method), Counts>>,
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
        let clauses: Vec<String> = scenario.map_or_else(Vec::new, |scenario| scenario.clauses.clone());
        for clause in &clauses {
            let models = self.clauses.entry(clause.clone()).or_default();
            models.entry((entry.model.clone(), entry.method)).or_default().add(verdict);
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
        let untried = self.catalogue.models.iter().filter(|(_, model)| model.codes == Codes::Untried);
        untried.map(|(id, _)| id.as_str()).filter(|id| self.is_whole() && self.was_played(id)).collect()
    }

    /// Mandatory clauses that no passing case shows, with the models of which that is so. Nothing is said of a run that
    /// is not over, or of what somebody chose.
    pub fn unshown(&self) -> BTreeMap<&str, Vec<&str>> {
        let before = self.manifest.before.as_ref();
        let is_over = self.is_whole() && self.unplayed() == 0;
        let models = |clause: &str| {
            let shows = |model: &&str| {
                let earlier = before.and_then(|before| before.shown.get(clause));
                self.is_shown(clause, model) || earlier.is_some_and(|models| models.contains(*model))
            };
            let played = self.catalogue.models.keys().map(String::as_str).filter(|model| {
                self.was_played_now(model) || before.is_some_and(|before| before.played.contains(*model))
            });
            // One with cases that did not pass has them as its reason.
            played.filter(|model| !shows(model) && !self.has_problem(clause, model)).collect::<Vec<_>>()
        };
        let mandatory = self.mandatory().filter(|_| is_over);
        mandatory.map(|clause| (clause, models(clause))).filter(|(_, models)| !models.is_empty()).collect()
    }

    /// Clauses that hold for every lock.
    fn mandatory(&self) -> impl Iterator<Item = &str> {
        let all = self.catalogue.clauses.iter();
        let mandatory = all.filter(|(_, clause)| clause.obligation == Obligation::Mandatory);
        mandatory.map(|(id, _)| id.as_str())
    }

    /// Whether a case that is evidence for a mandatory clause failed on a model.
    pub fn fails_mandatory(&self, model: &str) -> bool {
        self.mandatory().any(|clause| self.of(clause, model).any(|counts| counts.of(Verdict::Fail) > 0))
    }

    /// Whether a passing case of this run shows a clause for a model.
    fn is_shown(&self, clause: &str, model: &str) -> bool {
        self.of(clause, model).any(|counts| counts.of(Verdict::Pass) > 0)
    }

    /// Whether a case that is evidence for a clause was played on a model and did not pass.
    fn has_problem(&self, clause: &str, model: &str) -> bool {
        self.of(clause, model)
            .any(|counts| !matches!(overall(counts), Verdict::Pass | Verdict::NotApplicable))
    }

    /// The cases of a model that are evidence for a clause, by method.
    fn of(&self, clause: &str, model: &str) -> impl Iterator<Item = &Counts> {
        let cases = self.clauses.get(clause).into_iter().flatten();
        cases.filter(move |((known, _), _)| *known == *model).map(|(_, counts)| counts)
    }

    /// Methods by which a passing case of this run shows every mandatory clause for a model, and none fails.
    pub fn shown_by(&self, model: &str) -> Vec<Method> {
        let row = self.matrix.get(model).into_iter().flatten();
        let passing = row.filter(|(_, counts)| overall(counts) == Verdict::Pass).map(|(method, _)| *method);
        let shows = |method: &Method| {
            let key = (model.to_owned(), *method);
            let of = |clause: &str| self.clauses.get(clause).and_then(|cases| cases.get(&key));
            let mut mandatory = self.mandatory().peekable();
            mandatory.peek().is_some()
                && mandatory.all(|clause| of(clause).is_some_and(|counts| counts.of(Verdict::Pass) > 0))
        };
        passing.filter(shows).collect()
    }

    /// Whether something that a certification needs was not shown, though nothing failed.
    pub fn lacks_evidence(&self) -> bool {
        !self.untried_codes().is_empty() || !self.unshown().is_empty()
    }

    /// Whether every claim was asked for.
    pub fn is_whole(&self) -> bool {
        let selected = &self.manifest.selected;
        selected.scenarios.is_empty() && selected.methods.is_empty() && selected.cases.is_empty()
    }

    fn was_played(&self, model: &str) -> bool {
        // What an earlier part of the run played counts as well.
        self.manifest.earlier.is_some() || self.was_played_now(model)
    }

    fn was_played_now(&self, model: &str) -> bool {
        let row = self.matrix.get(model).into_iter().flat_map(BTreeMap::values);
        row.into_iter().any(|counts| counts.total() > counts.of(Verdict::NotApplicable))
    }

    /// Whether the run was killed: nobody closed it.
    pub fn was_killed(&self) -> bool {
        self.manifest.state == State::Aborted
    }

    /// What the run comes to, with the runs that it continues. One that was interrupted or killed is no pass, nor is
    /// one that tried no code of a lock that has some, or shows nothing of a mandatory clause.
    pub fn outcome(&self) -> Verdict {
        let mut counts = self.counts.merged(self.manifest.earlier.as_ref());
        if self.unplayed() > 0 || self.was_killed() {
            counts.add(Verdict::Aborted);
        }
        if self.lacks_evidence() {
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
