//! What a reader of results needs to know of models and scenarios.

use crate::evidence::{Catalogue, ClauseSummary, Codes, ModelSummary, ScenarioSummary};
use crate::lock::{Fact, Obligation};
use crate::scenario::ast::Model;
use crate::scenario::clauses::{self, Clause};
use crate::scenario::{Library, Plan, Program};

/// The models and scenarios of a plan in short.
pub fn catalogue(library: &Library, plan: &Plan) -> Catalogue {
    let mut catalogue = Catalogue::default();
    let (scenarios, models) = plan.subjects();
    for scenario in scenarios.iter().filter_map(|id| library.scenarios.get(id)) {
        let summary = ScenarioSummary {
            title: scenario.title.clone(),
            clauses: scenario.clauses.iter().map(ToString::to_string).collect(),
        };
        catalogue.scenarios.insert(scenario.id.to_string(), summary);
    }
    for model in models.iter().filter_map(|id| library.models.get(id)) {
        let facts = &model.facts;
        let summary = ModelSummary {
            maker: facts.maker.clone(),
            variant: facts.variant.clone(),
            source: format!("{} ({})", facts.source.title, facts.source.document),
            source_kind: facts.source.kind.word().to_owned(),
            conflicts: facts.source.conflicts.clone(),
            codes: codes(library, plan, model),
        };
        catalogue.models.insert(facts.id.to_string(), summary);
    }
    let clause = |clause: &Clause| ClauseSummary {
        requirement: clause.requirement.to_owned(),
        text: clause.text.to_owned(),
        mark: clause.mark.to_owned(),
        obligation: clause.obligation,
        shows: clause.shows.to_owned(),
        person: clause.person.to_owned(),
    };
    catalogue.clauses = clauses::ALL.iter().map(|known| (known.id.to_owned(), clause(known))).collect();
    catalogue
}

/// Mandatory clauses that no case of a plan can show for a model that is reset.
pub fn unshown(library: &Library, plan: &Plan, model: &Model) -> Vec<&'static str> {
    let mandatory = clauses::ALL.iter().filter(|clause| clause.obligation == Obligation::Mandatory);
    let names = |scenario: &str, clause: &Clause| {
        let scenario = library.scenarios.get(scenario);
        scenario.is_some_and(|scenario| scenario.clauses.iter().any(|id| **id == *clause.id))
    };
    let is_shown =
        |clause: &&Clause| plan.plays(library, &model.facts.id, &|scenario| names(scenario, clause), None);
    let unshown = mandatory.filter(|clause| model.can_be_reset() && !is_shown(clause));
    unshown.map(|clause| clause.id).collect()
}

/// Whether a plan tries the codes of a model.
pub fn codes(library: &Library, plan: &Plan, model: &Model) -> Codes {
    let operation = |name: &str| model.operations.get(name);
    // One that takes codes from elsewhere has some, though nobody enters them.
    let takes_some = matches!(operation("add_code"), Some(Fact::Known(_)));
    match operation("enter") {
        _ if !model.can_be_reset() => Codes::None,
        None | Some(Fact::Unsupported) if !takes_some => Codes::None,
        _ if plan.plays(library, &model.facts.id, &|_| true, Some(&Program::tries_codes)) => Codes::Tried,
        None | Some(Fact::Unsupported | Fact::Known(_) | Fact::Unknown) => Codes::Untried,
    }
}
