//! `lockrig show`.

use std::sync::Arc;

use clap_complete::engine::ArgValueCompleter;

use crate::run::{gaps, start_of};
use crate::scenario::{Content, Library, Planned, Selection, expand, find_case, script};
use crate::unit::Spoken;
use crate::yaml::nearest;

use super::complete;
use super::exit::Exit;
use super::files::{Files, Kind, known};
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct ShowArgs {
    /// Case id, or a scenario (id or file) together with --model
    #[arg(add = ArgValueCompleter::new(complete::cases))]
    case: String,
    /// Lock model, if a scenario is given: an id or a model file
    #[arg(long, add = ArgValueCompleter::new(complete::models))]
    model: Option<String>,
    /// Bench: an id or a rig file
    #[arg(long, default_value = "simulated", add = ArgValueCompleter::new(complete::rigs))]
    rig: String,
}

pub(super) fn show(args: &ShowArgs, terminal: &Terminal) -> Exit {
    let mut files = Files::library();
    let wanted = files.id_of(Kind::Scenario, &args.case);
    let model = args.model.as_ref().map(|word| files.id_of(Kind::Model, word));
    let rig_id = files.id_of(Kind::Rig, &args.rig);
    let named: Vec<&str> = wanted.split('~').take(2).chain(model.as_deref()).chain([&*rig_id]).collect();
    let words = [Some(&args.case), args.model.as_ref(), Some(&args.rig)];
    let named: Vec<&str> = named.into_iter().chain(words.into_iter().flatten().map(String::as_str)).collect();
    let Some((library, rigs)) = files.usable(&named, terminal) else { return Exit::Usage };
    let found =
        known("rig", &rig_id, &rigs).and_then(|rig| chosen(&library, &wanted, model).map(|case| (rig, case)));
    let (rig, case) = match found {
        Ok(found) => found,
        Err((message, hint)) => {
            terminal.error(&message, Some(&hint));
            return Exit::Usage;
        }
    };
    terminal.line(&case.id);
    if let Some(scenario) = library.scenarios.get(&case.scenario) {
        terminal.line(&scenario.title);
    }
    let facts = library.models.get(&case.model).map(|model| &model.facts);
    if let Some(facts) = facts {
        terminal.line(&format!("{} {}, reset by {}", facts.maker, facts.variant, case.method));
    }
    terminal.line("");
    match case.build(&library, start_of(rig)) {
        Content::Play(program) => {
            for line in script(&program) {
                let indent = "   ".repeat(line.depth);
                terminal.line(&format!("{indent}{}  {}", line.number, line.text));
            }
            terminal.line("");
            for (claim, reason) in &program.omitted {
                terminal.line(&format!("left out: {claim}: {reason}"));
            }
            if let Some(facts) = facts {
                for lack in gaps(&program, rig, facts) {
                    terminal.line(&format!("rig `{}` lacks: {lack}", rig.id));
                }
            }
            terminal.line(&format!("It takes {} at most.", Spoken(program.longest())));
        }
        Content::NotApplicable(reason) => terminal.line(&format!("not applicable: {reason}")),
        Content::Unprovable(reason) => terminal.line(&format!("inconclusive, not played: {reason}")),
    }
    Exit::Pass
}

/// The case that is meant, or why none is: a message, and what would help.
fn chosen(
    library: &Library,
    wanted: &Arc<str>,
    model: Option<Arc<str>>,
) -> Result<Planned, (String, String)> {
    if let Some(case) = find_case(library, wanted) {
        return Ok(case);
    }
    if !library.scenarios.contains_key(wanted) {
        let near = nearest(wanted, library.scenarios.keys().map(|id| &**id));
        let hint = near.map_or_else(
            || "`lockrig list cases` shows their ids".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err((format!("`{wanted}` is neither a case nor a scenario"), hint));
    }
    if let Some(model) = &model {
        known("model", model, &library.models)?;
    }
    let models = model.into_iter().collect();
    let selection = Selection { models, scenarios: vec![Arc::clone(wanted)], ..Selection::default() };
    let mut cases = expand(library, &selection).into_iter();
    match (cases.next(), cases.next()) {
        (Some(only), None) => Ok(only),
        (Some(first), Some(_)) => {
            Err((format!("`{wanted}` has several cases"), format!("name one, such as `{}`", first.id)))
        }
        (None, _) => {
            Err((format!("`{wanted}` has no case for that model"), "choose another model".to_owned()))
        }
    }
}
