//! What a reader of results needs to know of models and scenarios.

use std::sync::Arc;

use crate::evidence::{Catalogue, Codes, ModelSummary, ScenarioSummary};
use crate::lock::Fact;
use crate::scenario::ast::Model;
use crate::scenario::{Library, Plan, clauses};

/// The models and scenarios of a plan in short.
pub fn catalogue(library: &Library, plan: &Plan) -> Catalogue {
    let mut catalogue = Catalogue::default();
    let (scenarios, models) = plan.subjects();
    for scenario in scenarios.iter().filter_map(|id| library.scenarios.get(id)) {
        let title = |id: &Arc<str>| (id.to_string(), clauses::title(id).unwrap_or_default().to_owned());
        let summary = ScenarioSummary {
            title: scenario.title.clone(),
            clauses: scenario.clauses.iter().map(title).collect(),
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
    catalogue
}

/// Whether a plan tries the codes of a model.
pub fn codes(library: &Library, plan: &Plan, model: &Model) -> Codes {
    let operation = |name: &str| model.operations.get(name);
    // One that takes codes from elsewhere has some, though nobody enters them.
    let takes_some = matches!(operation("add_code"), Some(Fact::Known(_)));
    match operation("enter") {
        _ if !model.can_be_reset() => Codes::None,
        None | Some(Fact::Unsupported) if !takes_some => Codes::None,
        _ if plan.tries_codes(library, &model.facts.id) => Codes::Tried,
        None | Some(Fact::Unsupported | Fact::Known(_) | Fact::Unknown) => Codes::Untried,
    }
}
