//! What the conformity report says, section by section.

use std::collections::BTreeMap;
use std::path::Path;

use crate::evidence::{Commission, Counts, EvidenceError, Party, SceneReader};
use crate::lock::Method;
use crate::unit::{counted, visible};
use crate::verdict::{Decision, Measurement, Verdict};

use super::super::clauses::{named, shown};
use super::super::findings::findings;
use super::super::summary::{Summary, UNTRIED, overall, told};
use super::figure;
use super::gathered::Gathered;
use super::sheet::{AMBER, BLACK, Cell, GREEN, Ink, RED, SOFT, Sheet};

/// More rows of a table are in the run folder only.
const MAX_ROWS: usize = 400;
/// More timelines are in `report.html` only.
const MAX_TIMELINES: usize = 160;
/// The steps by which a lock is set up again.
const STEPS: [&str; 5] = ["app", "hub", "master code", "user codes", "every entry method"];
/// What an optional field says if nobody filled it in.
const UNSTATED: &str = "not stated";

/// What identifies the evidence.
pub(super) struct Evidence<'a> {
    pub id: &'a str,
    /// SHA-256 of `results.json`, in hexadecimal digits.
    pub digest: &'a str,
    /// Whether the results are attached.
    pub is_attached: bool,
}

pub(super) fn title(summary: &Summary) -> String {
    match summary.matrix.keys().collect::<Vec<_>>().as_slice() {
        [model] => format!("Conformity report: reset of {model}"),
        models => format!("Conformity report: reset of {}", counted(models.len() as u64, "smart lock")),
    }
}

pub(super) fn write(
    sheet: &mut Sheet,
    summary: &Summary,
    gathered: &Gathered,
    folder: &Path,
    evidence: &Evidence<'_>,
) -> Result<(), EvidenceError> {
    sheet.heading(1, &title(summary));
    conclusion(sheet, summary);
    general(sheet, summary, evidence);
    results(sheet, summary);
    problems(sheet, summary);
    before_and_after(sheet, summary, gathered);
    clauses(sheet, summary);
    measurements(sheet, summary, gathered);
    not_shown(sheet, summary);
    timelines(sheet, gathered, folder)?;
    sources(sheet, summary);
    closing(sheet, summary, evidence);
    Ok(())
}

/// Whether each lock forgets its owner, by which methods, and what not.
fn conclusion(sheet: &mut Sheet, summary: &Summary) {
    let outcome = summary.outcome();
    let words = format!("{}: {}", outcome.word().replace('_', " "), told(&summary.counts));
    sheet.strong(&words, ink(outcome));
    let device = &summary.manifest.device;
    let item = |text: &Option<String>| text.as_deref().map_or_else(|| UNSTATED.to_owned(), visible);
    sheet.paragraph(&format!(
        "Serial number: {}. Firmware: {}.",
        item(&device.serial),
        item(&device.firmware)
    ));
    let columns = [("Model", 0.24), ("Forgets its owner", 0.22), ("Reset by", 0.24), ("Exceptions", 0.30)];
    let row = |(model, methods): (&String, &BTreeMap<Method, Counts>)| {
        let (answer, colour) = forgets(summary, model, methods);
        let by: Vec<&str> = summary.shown_by(model).into_iter().map(Method::word).collect();
        let by = if by.is_empty() { "none shown".to_owned() } else { by.join(", ") };
        vec![
            Cell::bold(model),
            Cell::inked(answer, colour),
            Cell::new(by),
            Cell::new(what_not(summary, model, methods)),
        ]
    };
    sheet.table("whether each lock forgets its owner", &columns, summary.matrix.iter().map(row));
    sheet.small(
        "This is a conformity report. It is no accreditation and no approval by any authority. Its results relate only \
         to the items tested. It must not be reproduced except in full.",
    );
}

/// The answer to the question that everybody has.
fn forgets(summary: &Summary, model: &str, methods: &BTreeMap<Method, Counts>) -> (&'static str, Ink) {
    let mut counts = Counts::default();
    methods.values().for_each(|own| counts.merge(own));
    let is_unshown = summary.unshown().values().flatten().any(|known| *known == model)
        || summary.untried_codes().contains(&model);
    // What is a part of a run, or was chosen, is no answer.
    let is_part = summary.unplayed() > 0 || summary.was_killed() || summary.manifest.earlier.is_some();
    match overall(&counts) {
        Verdict::Fail if summary.fails_mandatory(model) => ("NO", RED),
        Verdict::Fail => ("it fails other claims", RED),
        Verdict::Pass if is_part => ("not shown: a part of a run", AMBER),
        Verdict::Pass if !summary.is_whole() => ("not shown: only some claims were played", AMBER),
        Verdict::Pass if is_unshown || summary.shown_by(model).is_empty() => ("not shown", AMBER),
        Verdict::Pass if summary.deviations.contains_key(model) => ("in part, as its manual says", AMBER),
        Verdict::Pass => ("yes", GREEN),
        Verdict::NotApplicable => ("no reset documented", AMBER),
        Verdict::Inconclusive | Verdict::Error | Verdict::Aborted => ("not shown", AMBER),
    }
}

fn what_not(summary: &Summary, model: &str, methods: &BTreeMap<Method, Counts>) -> String {
    let mut said = Vec::new();
    let mut none = Vec::new();
    for (method, counts) in methods {
        match overall(counts) {
            Verdict::Pass => {}
            Verdict::NotApplicable => none.push(method.word()),
            verdict => said.push(format!("{method}: {} {}", counts.of(verdict), verdict.word())),
        }
    }
    // Where claims were chosen, they may not concern a method that the lock has.
    if !none.is_empty() && summary.is_whole() {
        said.push(format!("no reset by {}", none.join(", ")));
    }
    said.extend(summary.deviations.get(model).into_iter().flat_map(BTreeMap::keys).map(|what| visible(what)));
    let omitted = summary.omitted.get(model).map_or(0, BTreeMap::len) as u64;
    if omitted > 0 {
        said.push(format!("{} left out", counted(omitted, "claim")));
    }
    said.join("; ")
}

/// ISO/IEC 17025:2017, 7.8.2.1 a to p, and 7.8.6.
fn general(sheet: &mut Sheet, summary: &Summary, evidence: &Evidence<'_>) {
    let manifest = &summary.manifest;
    let nobody = Commission::default();
    let people = manifest.commission.as_ref().unwrap_or(&nobody);
    let party = |party: &Party| match (&*party.name, &party.detail) {
        ("", _) => UNSTATED.to_owned(),
        (name, Some(detail)) => format!("{}, {}", visible(name), visible(detail)),
        (name, None) => visible(name),
    };
    let stated = |text: &Option<String>| text.as_deref().map_or_else(|| UNSTATED.to_owned(), visible);
    let ended = manifest.ended.as_deref().unwrap_or(UNSTATED);
    let models: Vec<&str> = summary.matrix.keys().map(String::as_str).collect();
    let simulated = manifest.provenance != "hardware";
    let mut rig = format!("{} ({}), {}", visible(&manifest.rig.title), manifest.rig.id, manifest.provenance);
    if let Some(due) = &manifest.rig.calibration_due {
        rig.push_str(&format!(", calibration due {due}"));
    }
    sheet.heading(2, "Laboratory, customer and item");
    let switched = [("defect", &manifest.defect), ("variation", &manifest.variation)];
    let switched: Vec<String> = switched
        .iter()
        .filter_map(|(kind, word)| Some(format!("simulated {kind} {}", word.as_ref()?)))
        .collect();
    let mut facts = vec![
        ("Laboratory", party(&people.laboratory)),
        (
            "Location",
            people.location.as_deref().map_or_else(|| "at the laboratory's address".to_owned(), visible),
        ),
        ("Report", evidence.id.to_owned()),
        ("Customer", people.customer.as_ref().map_or_else(|| UNSTATED.to_owned(), party)),
        ("Method", method(summary)),
        ("Item", named(&models)),
        ("Condition", if simulated { "a simulated lock".to_owned() } else { stated(&people.condition) }),
        ("Received", stated(&people.received)),
        ("Sampling", stated(&people.sampling)),
        ("Performed", format!("{} to {ended} (UTC)", manifest.started)),
        ("Issued", format!("{ended} (UTC)")),
        ("Rig", rig),
        ("Operator", stated(&manifest.operator)),
        (
            "Deviations from the method",
            people.deviations.as_deref().map_or_else(|| "none stated".to_owned(), visible),
        ),
        (
            "Externally provided results",
            people.external.as_deref().map_or_else(|| "none stated".to_owned(), visible),
        ),
        ("Authorised by", party(&people.authorised_by)),
    ];
    if !switched.is_empty() {
        facts.push(("Injected fault", switched.join(", ")));
    }
    sheet.facts("general information on the test", &facts);
    sheet.heading(3, "Decision rule");
    sheet.paragraph(
        "A claim passes only if the lock did what its source states, and the state before was shown. A measured limit \
         counts as met, or as violated, only outside a guard band as wide as the expanded uncertainty (k = 2, about \
         95 %) on either side (ILAC-G8, w = U); within it the case is inconclusive. A refused code counts only if a \
         known-good one is accepted afterwards. A fault of the rig never counts for or against a lock. The rule \
         applies to all results of this report.",
    );
}

/// What was played, and what of it was chosen.
fn method(summary: &Summary) -> String {
    let manifest = &summary.manifest;
    let selected = &manifest.selected;
    let mut said = format!(
        "lockrig {}, {} played with seed {}; the run folder has every file used",
        manifest.tool,
        counted(summary.scenarios.len() as u64, "scenario"),
        manifest.seed
    );
    let chosen =
        [("scenarios", &selected.scenarios), ("methods", &selected.methods), ("cases", &selected.cases)];
    for (what, list) in chosen.iter().filter(|(_, list)| !list.is_empty()) {
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        said.push_str(&format!("; chosen {what} only: {}", named(&list)));
    }
    if let Some(run) = &manifest.resumes {
        let earlier = manifest.earlier.as_ref().map(told).unwrap_or_default();
        said.push_str(&format!("; it continues run {run}, which came to: {earlier}"));
    }
    said
}

fn results(sheet: &mut Sheet, summary: &Summary) {
    sheet.heading(2, "Results by model and method");
    sheet.small("In cases. Not applicable: the claim does not concern the model, or its source does not say what it needs.");
    let columns = [
        ("Model", 0.3),
        ("Method", 0.14),
        ("Passed", 0.09),
        ("Failed", 0.09),
        ("Inconclusive", 0.13),
        ("Not applicable", 0.12),
        ("Result", 0.13),
    ];
    let rows = summary.matrix.iter().flat_map(|(model, methods)| {
        methods.iter().map(move |(method, counts)| {
            let unclear = [Verdict::Inconclusive, Verdict::Error, Verdict::Aborted];
            let unclear: u64 = unclear.into_iter().map(|verdict| counts.of(verdict)).sum();
            let verdict = overall(counts);
            vec![
                Cell::new(model),
                Cell::new(method.word()),
                Cell::new(counts.of(Verdict::Pass).to_string()),
                Cell::new(counts.of(Verdict::Fail).to_string()),
                Cell::new(unclear.to_string()),
                Cell::new(counts.of(Verdict::NotApplicable).to_string()),
                Cell::inked(verdict.word().replace('_', " "), ink(verdict)),
            ]
        })
    });
    sheet.table("results by model and method, in cases", &columns, rows);
}

/// What is to be looked into.
fn problems(sheet: &mut Sheet, summary: &Summary) {
    let all = findings(&summary.problems);
    if all.is_empty() {
        return;
    }
    sheet.heading(2, "Findings");
    sheet.small(
        "Cases of one model that did not pass in the same part are one finding, with its shortest case.",
    );
    let columns = [
        ("No.", 0.06),
        ("Verdict", 0.12),
        ("Model", 0.17),
        ("Part", 0.17),
        ("Why", 0.28),
        ("Shortest case", 0.2),
    ];
    let rows = all.iter().take(MAX_ROWS).map(|finding| {
        vec![
            Cell::new(finding.number.to_string()),
            Cell::inked(finding.verdict.word(), ink(finding.verdict)),
            Cell::new(&finding.model),
            Cell::new(visible(&finding.part)),
            Cell::new(visible(&finding.reason)),
            Cell::new(format!("{} ({})", finding.shortest, counted(finding.cases, "case"))),
        ]
    });
    sheet.table("findings, the worst first", &columns, rows);
    more(sheet, all.len());
}

/// What was there before a reset, and how the lock was set up again.
fn before_and_after(sheet: &mut Sheet, summary: &Summary, gathered: &Gathered) {
    if !gathered.inventory.is_empty() {
        sheet.heading(2, "Before a reset");
        let columns = [
            ("Model", 0.22),
            ("Method", 0.13),
            ("On record before it was lost", 0.35),
            ("Manual on file", 0.3),
        ];
        let rows = gathered.inventory.iter().map(|((model, method), assets)| {
            let manual = summary.catalogue.models.get(model);
            let manual = manual.map_or_else(|| UNSTATED.to_owned(), |model| visible(&model.source));
            vec![Cell::new(model), Cell::new(method.word()), Cell::new(visible(assets)), Cell::new(manual)]
        });
        sheet.table("what a reset will erase, and by which manual", &columns, rows);
    }
    if gathered.set_up.is_empty() {
        return;
    }
    sheet.heading(2, "After a reset: setting up again");
    sheet.small("A dash: the model has none, or its source does not say how; the section on what is not shown has the reason.");
    let columns = [
        ("Model", 0.25),
        ("Method", 0.13),
        ("App", 0.12),
        ("Hub", 0.12),
        ("Master code", 0.12),
        ("User codes", 0.12),
        ("Every entry", 0.14),
    ];
    let others = |steps: &BTreeMap<String, Counts>| {
        let others = steps.iter().filter(|(name, _)| !STEPS.contains(&name.as_str()));
        others.map(|(name, counts)| format!("{name}: {}", told(counts))).collect::<Vec<_>>()
    };
    let rows = gathered.set_up.iter().map(|((model, method), steps)| {
        let step = |name: &str| match steps.get(name) {
            Some(counts) => Cell::inked(overall(counts).word().replace('_', " "), ink(overall(counts))),
            None => Cell::new("–"),
        };
        [Cell::new(model), Cell::new(method.word())].into_iter().chain(STEPS.map(step)).collect()
    });
    sheet.table("the steps by which each lock was set up again", &columns, rows);
    for ((model, method), steps) in &gathered.set_up {
        let others = others(steps);
        if !others.is_empty() {
            sheet.small(&format!("{model}, reset by {method}: {}", visible(&others.join("; "))));
        }
    }
}

fn clauses(sheet: &mut Sheet, summary: &Summary) {
    sheet.heading(2, "Clauses");
    sheet.small(
        "The requirements are in our own words. A model is certified only if a passing case shows each mandatory clause, \
         and none fails. What a rig can't show stays with a person.",
    );
    let columns = [
        ("Clause", 0.22),
        ("Requirement", 0.2),
        ("Evidence", 0.22),
        ("The rig shows", 0.2),
        ("A person judges", 0.16),
    ];
    let all = shown(summary);
    let rows = all.iter().map(|shown| {
        let clause = shown.clause;
        let mut said = Vec::new();
        if !shown.scenarios.is_empty() {
            said.push(told(&shown.counts));
            if !shown.met.is_empty() {
                said.push(format!("shown for {}", counted(shown.met.len() as u64, "model")));
            }
        }
        if !shown.failed.is_empty() {
            said.push(format!("failed by {}", named(&shown.failed)));
        }
        said.extend(shown.remark());
        let verdict = if shown.failed.is_empty() { BLACK } else { RED };
        vec![
            Cell::new(format!("{} ({}; {})", shown.id, clause.obligation, clause.text)),
            Cell::new(&clause.requirement),
            Cell { ink: verdict, ..Cell::new(said.join("; ")) },
            Cell::new(&clause.shows),
            Cell::new(&clause.person),
        ]
    });
    sheet.table("clauses and their evidence", &columns, rows);
    sheet.heading(3, "Scenarios by clause");
    let columns = [("Clause", 0.24), ("Scenarios", 0.76)];
    let covered = all.iter().filter(|shown| !shown.scenarios.is_empty());
    let rows = covered.map(|shown| vec![Cell::new(shown.id), Cell::new(shown.scenarios.join(", "))]);
    sheet.table("the scenarios that are evidence for each clause", &columns, rows);
    for (clause, models) in summary.unshown() {
        sheet.strong(&format!("Not certified: {}: no passing case shows {clause}.", named(&models)), AMBER);
    }
    let untried = summary.untried_codes();
    if !untried.is_empty() {
        sheet.strong(&format!("Not certified: {}: {UNTRIED}.", named(&untried)), AMBER);
    }
}

/// Of each model and quantity the measurement that is nearest to its limit.
fn measurements(sheet: &mut Sheet, summary: &Summary, gathered: &Gathered) {
    if gathered.measured.is_empty() {
        return;
    }
    sheet.heading(2, "Measurements");
    sheet.small(
        "Of each quantity the one that is nearest to its limit, between achieved edges, with its expanded uncertainty \
         (k = 2).",
    );
    let simulated = summary.manifest.provenance != "hardware";
    let columns = [
        ("Model", 0.2),
        ("Measured", 0.24),
        ("Times", 0.07),
        ("Value", 0.12),
        ("Uncertainty", 0.12),
        ("Limit", 0.13),
        ("Decision", 0.12),
    ];
    let row = |((model, name), (measurement, count)): (&(String, String), &(Measurement, u64))| {
        let zero = measurement.uncertainty == crate::unit::Duration::ZERO;
        let uncertainty = match (zero, simulated) {
            (true, true) => "exact: virtual time".to_owned(),
            (true, false) => "not known".to_owned(),
            (false, _) => format!("± {}", measurement.uncertainty),
        };
        let bounds = [("≥", measurement.limit.min), ("≤", measurement.limit.max)];
        let bounds: Vec<String> =
            bounds.iter().filter_map(|(sign, bound)| Some(format!("{sign} {}", (*bound)?))).collect();
        let (decision, colour) = match measurement.decision {
            Decision::Inside => ("inside", GREEN),
            Decision::GuardBand => ("in the guard band", AMBER),
            Decision::Outside => ("outside", RED),
        };
        vec![
            Cell::new(model),
            Cell::new(visible(name)),
            Cell::new(count.to_string()),
            Cell::new(measurement.value.to_string()),
            Cell::new(uncertainty),
            Cell::new(if bounds.is_empty() { "none".to_owned() } else { bounds.join(" ") }),
            Cell::inked(decision, colour),
        ]
    };
    sheet.table("measurements", &columns, gathered.measured.iter().take(MAX_ROWS).map(row));
    more(sheet, gathered.measured.len());
}

/// How many rows of a table are not here.
fn more(sheet: &mut Sheet, all: usize) {
    if all > MAX_ROWS {
        sheet.small(&format!("{} more are in the run folder.", all - MAX_ROWS));
    }
}

/// Claims that were not made, each once, with the models that it concerns.
fn not_shown(sheet: &mut Sheet, summary: &Summary) {
    let mut left_out: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (model, list) in &summary.omitted {
        for (claim, reason) in list {
            left_out.entry((claim, reason)).or_default().push(model);
        }
    }
    if left_out.is_empty() {
        return;
    }
    sheet.heading(2, "What is not shown");
    sheet.small(
        "No claim is made about these: the models' sources do not state what a proof would need, or state that the lock \
         does not have it.",
    );
    let columns = [("Claim", 0.24), ("Why not", 0.4), ("Models", 0.36)];
    let rows = left_out.iter().take(MAX_ROWS).map(|((claim, reason), models)| {
        vec![Cell::new(visible(claim)), Cell::new(visible(reason)), Cell::new(named(models))]
    });
    sheet.table("claims that were left out", &columns, rows);
    more(sheet, left_out.len());
}

/// What happened in the cases that decide.
fn timelines(sheet: &mut Sheet, gathered: &Gathered, folder: &Path) -> Result<(), EvidenceError> {
    if gathered.decisive.is_empty() {
        return Ok(());
    }
    let scenes = SceneReader::open(folder)?;
    sheet.heading(2, "Timelines of the decisive cases");
    sheet.small(
        "Of each model and method the case that failed first, or else that of a whole reset. Each lane is a channel; a bar \
         is the time for which it is on. Grey behind them are the parts that were judged, red the one that failed.",
    );
    for entry in gathered.decisive.values().take(MAX_TIMELINES) {
        if let Some(scene) = scenes.read(&entry.case)? {
            figure::timeline(sheet, entry, &scene.trace);
        }
    }
    if gathered.decisive.len() > MAX_TIMELINES {
        sheet.small(&format!("{} more are in report.html.", gathered.decisive.len() - MAX_TIMELINES));
    }
    Ok(())
}

fn sources(sheet: &mut Sheet, summary: &Summary) {
    sheet.heading(2, "Models and their sources");
    let columns = [("Model", 0.22), ("Maker and variant", 0.26), ("Source", 0.4), ("Kind", 0.12)];
    let rows = summary.catalogue.models.iter().map(|(id, model)| {
        vec![
            Cell::new(id),
            Cell::new(visible(&format!("{} {}", model.maker, model.variant))),
            Cell::new(visible(&model.source)),
            Cell::new(&model.source_kind),
        ]
    });
    sheet.table("models and the sources of their facts", &columns, rows);
}

/// How anybody can check the report, and its end.
fn closing(sheet: &mut Sheet, summary: &Summary, evidence: &Evidence<'_>) {
    let manifest = &summary.manifest;
    sheet.heading(2, "Evidence");
    let attached = match evidence.is_attached {
        true => "attached to this file, and in the run folder",
        false => "in the run folder; too large to be attached",
    };
    sheet.facts(
        "how to check this report",
        &[
            ("Run folder", manifest.run.clone()),
            ("results.json", attached.to_owned()),
            ("SHA-256 of results.json", evidence.digest.to_owned()),
            ("To check it", format!("lockrig verify {0}; lockrig replay {0}", manifest.run)),
        ],
    );
    let code = format!("lockrig:{}:sha256:{}", manifest.run, evidence.digest);
    figure::code(sheet, &code);
    sheet.small(&format!("The code reads: {code}"));
    sheet.strong(&format!("End of report {}", evidence.id), SOFT);
}

fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Pass => GREEN,
        Verdict::Fail | Verdict::Error => RED,
        Verdict::Inconclusive | Verdict::Aborted => AMBER,
        Verdict::NotApplicable => SOFT,
    }
}
