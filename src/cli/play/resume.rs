//! Continuing a run that did not play everything.

use std::collections::btree_map::Entry::Vacant;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::evidence::{
    Before, Counts, EvidenceError, Manifest, State, Verification, finished_cases, is_packed, list_files,
    read_manifest, verify,
};
use crate::lock::Named;
use crate::scenario::{Library, Plan};
use crate::sim::{Flaw, Variation};
use crate::verdict::Verdict;

use super::super::files::{Files, Kind, Unpacked};
use super::super::pack::is_run_folder;
use super::{Exit, Refusal, Terminal, Wanted};

/// The run that is continued.
pub(super) struct Earlier {
    /// Its id.
    pub run: String,
    /// Cases that it finished, or the runs that it continued.
    pub finished: BTreeSet<String>,
    /// Those by verdict.
    pub counts: Counts,
    /// What its cases have shown.
    pub before: Before,
    /// Whether it was closed, as a run is that ends by itself.
    pub is_closed: bool,
}

/// What the earlier run wanted, on the very same files.
pub(super) fn wanted(
    files: &mut Files,
    folder: &Path,
    rig: &str,
    terminal: &Terminal,
) -> Result<Wanted, Refusal> {
    if !is_run_folder(folder) {
        let is_packed = is_packed(folder);
        let hint =
            if is_packed { "unpack it first: tar --zstd -xf FILE" } else { "name a folder under reports/" };
        let what = if is_packed { "a packed run" } else { "not a run folder" };
        return Err(Refusal::usage(format!("{} is {what}", folder.display()), hint));
    }
    let manifest = match verify(folder) {
        Verification::Intact(manifest) | Verification::Aborted { manifest, .. } => manifest,
        Verification::Running(_) => {
            return Err(Refusal::usage("that run is still in progress", "wait for it to finish, or stop it"));
        }
        Verification::Altered(findings) => {
            let message = format!("the run to resume does not verify: {}", findings.join("; "));
            return Err(Refusal { message, hint: None, exit: Exit::Evidence });
        }
    };
    let (finished, counts) = finished(folder, &manifest)?;
    let rig = if rig == "simulated" { manifest.rig.id.as_str() } else { rig };
    let rig = files.id_of(Kind::Rig, rig);
    if *rig != *manifest.rig.id {
        return Err(Refusal::usage(
            format!("the run was made on rig `{}`", manifest.rig.id),
            "a run can only be resumed on the same rig",
        ));
    }
    files.complete_from(&folder.join("inputs"));
    let selected = &manifest.selected;
    let named = selected.models.iter().chain(&selected.scenarios).map(String::as_str);
    let asked_for: Vec<&str> = [&*rig].into_iter().chain(named).collect();
    // What no run needs is as if it were not there.
    let (library, rigs) = super::usable(files, &asked_for, terminal)?;
    let Some(found) = rigs.get(&rig) else {
        return Err(Refusal::usage(
            format!("no rig `{rig}` is known here"),
            "add --rig FILE: the rig file that the run was made with",
        ));
    };
    let plan = Plan::new(&library, super::choice::selection(&library, selected)?);
    let unpacked = Unpacked::new(found)
        .map_err(|error| super::unwritable(&format!("the rig's program can't be unpacked: {error}")))?;
    same_inputs(&files.inputs(&library, &plan, selected, &unpacked.rig), folder)?;
    Ok(Wanted {
        rig,
        seed: manifest.seed,
        defect: manifest.defect.as_deref().and_then(Flaw::from_word),
        variation: manifest.variation.as_deref().and_then(Variation::from_word),
        selected: manifest.selected.clone(),
        commission: manifest.commission.clone(),
        operator: manifest.operator.clone(),
        earlier: Some(Earlier {
            run: manifest.run.clone(),
            before: before(&library, &finished),
            finished: finished.into_keys().collect(),
            counts,
            is_closed: manifest.state == State::Closed,
        }),
        files: BTreeMap::new(),
    })
}

/// What the earlier run finished, and the runs that it continued.
fn finished(folder: &Path, manifest: &Manifest) -> Result<(BTreeMap<String, Verdict>, Counts), Refusal> {
    let broken =
        |error: EvidenceError| Refusal { message: error.to_string(), hint: None, exit: Exit::Evidence };
    let (mut cases, mut counts) = (BTreeMap::new(), Counts::default());
    let mut at = (folder.to_owned(), manifest.resumes.clone());
    let mut seen = BTreeSet::from([manifest.run.clone()]);
    loop {
        for (case, verdict) in finished_cases(&at.0).map_err(broken)? {
            if let Vacant(new) = cases.entry(case) {
                new.insert(verdict);
                counts.add(verdict);
            }
        }
        let Some(run) = at.1 else { return Ok((cases, counts)) };
        if !seen.insert(run.clone()) {
            return Err(Refusal {
                message: format!("run {run} continues itself, by way of others"),
                hint: Some("no run can: `resumes` in one of their run.json files was altered".into()),
                exit: Exit::Evidence,
            });
        }
        let before = folder.parent().unwrap_or(Path::new(".")).join(&run);
        let is_name = Path::new(&run).file_name().is_some_and(|name| *name == *run);
        if !is_name || !before.is_dir() {
            return Err(Refusal::usage(
                format!("run {run}, which that run continued, is not in the same folder"),
                "put its folder back next to it: the cases it finished are not played again",
            ));
        }
        let earlier = read_manifest(&before).map_err(broken)?;
        at = (before, earlier.resumes);
    }
}

/// What the cases that are finished have shown of which clause.
fn before(library: &Library, finished: &BTreeMap<String, Verdict>) -> Before {
    let mut before = Before::default();
    for (case, verdict) in finished {
        let mut parts = case.split('~');
        let (Some(scenario), Some(model)) = (parts.next(), parts.next()) else { continue };
        if *verdict != Verdict::NotApplicable {
            before.played.insert(model.to_owned());
        }
        let clauses = library.scenarios.get(scenario).filter(|_| *verdict == Verdict::Pass);
        for clause in clauses.into_iter().flat_map(|scenario| &scenario.clauses) {
            before.shown.entry(clause.to_string()).or_default().insert(model.to_owned());
        }
    }
    before
}

/// Cases played on changed files would not be the same cases.
fn same_inputs(now: &BTreeMap<String, Vec<u8>>, folder: &Path) -> Result<(), Refusal> {
    let changed = |name: &str| {
        Refusal::usage(
            format!("{name} has changed since the run was made"),
            "start a new run, or restore the file from the run's inputs/",
        )
    };
    for (name, bytes) in now {
        let recorded = std::fs::read(folder.join("inputs").join(name)).ok();
        if recorded.as_ref() != Some(bytes) {
            return Err(changed(name));
        }
    }
    let recorded = list_files(&folder.join("inputs")).map_err(|error| Refusal {
        message: error.to_string(),
        hint: None,
        exit: Exit::Evidence,
    })?;
    match recorded.iter().find(|name| !now.contains_key(*name)) {
        Some(name) => Err(changed(name)),
        None => Ok(()),
    }
}
