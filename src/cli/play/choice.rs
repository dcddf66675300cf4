//! What is played of what there is: chosen by name, left out with a reason, or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::evidence::{Codes, Selected};
use crate::lock::{Method, Named, SourceKind};
use crate::rig::{Device, EMULATED_MODEL, Rig};
use crate::run;
use crate::scenario::ast::Model;
use crate::scenario::{Library, Plan, Selection, find_case};
use crate::sim;
use crate::yaml::nearest;

use super::super::{files, mounted};
use super::{Refusal, Terminal, Wanted};

/// A name is compared with so many others at most.
const MOST_COMPARED: usize = 20_000;

/// The cases that are played; what is left out without being asked for is said.
pub(super) fn choose(
    library: &Library,
    rig: &Rig,
    wanted: &mut Wanted,
    quiet: bool,
    terminal: &Terminal,
) -> Result<Plan, Refusal> {
    let mut selection = selection(library, &wanted.selected)?;
    let usage = |(message, hint): (String, String)| Refusal::usage(message, hint);
    mounted::check_named(rig, !selection.models.is_empty() || !selection.cases.is_empty()).map_err(usage)?;
    mounted::check_mounted(rig, &selection.models).map_err(usage)?;
    selection.models.extend(rig.model().filter(|_| selection.models.is_empty()).cloned());
    if wanted.selected.certifies && selection.models.is_empty() {
        let unsourced = leave_out_unsourced(library, &mut selection);
        let untried = leave_out_untried(library, &mut selection);
        let unshown = leave_out_unshown(library, &mut selection);
        [unsourced, untried, unshown]
            .iter()
            .flatten()
            .filter(|_| !quiet)
            .for_each(|note| terminal.note(note));
    }
    if let Some(note) = leave_out_unsimulated(library, rig, wanted, &mut selection).filter(|_| !quiet) {
        terminal.note(&note);
    }
    check_models(library, rig, wanted, &selection)?;
    // What is left out is left out when the run is continued or replayed, too.
    wanted.selected.models = selection.models.iter().map(ToString::to_string).collect();
    let plan = Plan::new(library, selection.clone());
    check_cases(library, &plan, selection)?;
    Ok(plan)
}

pub(super) fn known<'a, T>(kind: &str, id: &str, all: &'a BTreeMap<Arc<str>, T>) -> Result<&'a T, Refusal> {
    files::known(kind, id, all).map_err(|(message, hint)| Refusal::usage(message, hint))
}

pub(super) fn selection(library: &Library, selected: &Selected) -> Result<Selection, Refusal> {
    for id in &selected.models {
        known("model", id, &library.models)?;
    }
    for id in &selected.scenarios {
        known("scenario", id, &library.scenarios)?;
    }
    run::selection(selected).map_err(|word| {
        let words: Vec<&str> = Method::words().collect();
        Refusal::usage(format!("unknown method `{word}`"), format!("the methods are {}", words.join(", ")))
    })
}

/// Of all models those are certified whose procedures are sourced; says which are not.
fn leave_out_unsourced(library: &Library, selection: &mut Selection) -> Option<String> {
    let is_sourced = |model: &Model| model.facts.source.kind != SourceKind::Unsourced;
    let (sourced, unsourced): (Vec<&Model>, Vec<&Model>) =
        library.models.values().partition(|model| is_sourced(model));
    selection.models = sourced.iter().map(|model| Arc::clone(&model.facts.id)).collect();
    let ids: Vec<&str> = unsourced.iter().map(|model| &*model.facts.id).collect();
    (!ids.is_empty())
        .then(|| format!("not certified, because no source says how to reset them: {}", ids.join(", ")))
}

/// Of the others those are certified of whose codes at least one can be tried; says which are not.
fn leave_out_untried(library: &Library, selection: &mut Selection) -> Option<String> {
    if !selection.scenarios.is_empty() {
        return None;
    }
    let plan = Plan::new(library, selection.clone());
    let is_untried = |id: &Arc<str>| {
        let model = library.models.get(id);
        model.is_some_and(|model| run::codes(library, &plan, model) == Codes::Untried)
    };
    let (untried, tried): (Vec<Arc<str>>, Vec<Arc<str>>) = selection.models.drain(..).partition(is_untried);
    selection.models = tried;
    (!untried.is_empty()).then(|| {
        format!(
            "not certified, because no source says how their codes are stored and entered: {}",
            untried.join(", ")
        )
    })
}

/// Of the others those are certified of which a case can show what is mandatory; says which are not.
fn leave_out_unshown(library: &Library, selection: &mut Selection) -> Option<String> {
    if !selection.scenarios.is_empty() || !selection.methods.is_empty() || !selection.cases.is_empty() {
        return None;
    }
    let plan = Plan::new(library, selection.clone());
    let is_shown = |id: &Arc<str>| {
        let model = library.models.get(id);
        model.is_none_or(|model| run::unshown(library, &plan, model).is_empty())
    };
    let (shown, unshown): (Vec<Arc<str>>, Vec<Arc<str>>) = selection.models.drain(..).partition(is_shown);
    selection.models = shown;
    (!unshown.is_empty()).then(|| {
        format!(
            "not certified, because no case can show that a reset erases anything: {}",
            unshown.join(", ")
        )
    })
}

/// On the simulated rig those models are played of which there is such a lock, unless one is asked for by name;
/// says which are not.
fn leave_out_unsimulated(
    library: &Library,
    rig: &Rig,
    wanted: &Wanted,
    selection: &mut Selection,
) -> Option<String> {
    if !matches!(rig.device, Device::Simulated { .. }) || !wanted.selected.models.is_empty() {
        return None;
    }
    let is_chosen = |id: &Arc<str>| selection.models.is_empty() || selection.models.contains(id);
    let chosen = library.models.values().filter(|model| is_chosen(&model.facts.id));
    let (played, left_out): (Vec<&Model>, Vec<&Model>) = chosen
        .partition(|model| !model.can_be_reset() || sim::models().any(|known| known == &*model.facts.id));
    if left_out.is_empty() {
        return None;
    }
    selection.models = played.iter().map(|model| Arc::clone(&model.facts.id)).collect();
    let named = |model: &&Model| match &*model.facts.id {
        EMULATED_MODEL => format!("{EMULATED_MODEL} (--rig emulated has it)"),
        id => id.to_owned(),
    };
    let ids: Vec<String> = left_out.iter().map(named).collect();
    Some(format!("not played, because the simulated rig has no such lock: {}", ids.join(", ")))
}

/// A model is certified only by its sources, and played only where there is such a lock.
fn check_models(library: &Library, rig: &Rig, wanted: &Wanted, selection: &Selection) -> Result<(), Refusal> {
    for id in &selection.models {
        let model = known("model", id, &library.models)?;
        if wanted.selected.certifies && model.facts.source.kind == SourceKind::Unsourced {
            return Err(Refusal::usage(
                format!("`{id}` can't be certified: its procedures are unsourced"),
                "cite a manual: `source:` with `kind: primary` or `secondary`",
            ));
        }
    }
    let all = library.models.keys().filter(|id| selection.models.is_empty() || selection.models.contains(id));
    let is_played = |id: &&Arc<str>| library.models.get(*id).is_some_and(Model::can_be_reset);
    all.filter(is_played).try_for_each(|id| {
        mounted::check_simulated(rig, id).map_err(|(message, hint)| Refusal::usage(message, hint))
    })
}

fn check_cases(library: &Library, plan: &Plan, selection: Selection) -> Result<(), Refusal> {
    let planned: BTreeSet<Arc<str>> = match selection.cases.as_slice() {
        [] => BTreeSet::new(),
        _ => plan.cases().map(|case| case.id).collect(),
    };
    if let Some(id) = selection.cases.iter().find(|id| !planned.contains(*id)) {
        if find_case(library, id).is_some() {
            let message = format!("case `{id}` is not among the chosen models, methods and scenarios");
            return Err(Refusal::usage(message, "choose ones that the case belongs to, or leave them out"));
        }
        let message = format!("unknown case `{id}`");
        let id = Arc::clone(id);
        let all = Plan::new(library, Selection { cases: Vec::new(), ..selection });
        let ids: Vec<Arc<str>> = all.cases().take(MOST_COMPARED).map(|case| case.id).collect();
        let near = nearest(&id, ids.iter().map(|id| &**id)).map(|near| format!("did you mean `{near}`?"));
        let hint = near.unwrap_or_else(|| "`lockrig list cases` shows them all".into());
        return Err(Refusal::usage(message, hint));
    }
    if plan.is_empty() {
        return Err(Refusal::usage(
            "no case matches the chosen models, methods and scenarios",
            "`lockrig list cases` shows them all",
        ));
    }
    Ok(())
}
