//! What a reader of results needs to know of models and scenarios.

use std::sync::Arc;

use crate::evidence::{Catalogue, ModelSummary, ScenarioSummary};
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
    for facts in models.iter().filter_map(|id| library.models.get(id)).map(|model| &model.facts) {
        let summary = ModelSummary {
            maker: facts.maker.clone(),
            variant: facts.variant.clone(),
            source: format!("{} ({})", facts.source.title, facts.source.document),
            source_kind: facts.source.kind.word().to_owned(),
            conflicts: facts.source.conflicts.clone(),
        };
        catalogue.models.insert(facts.id.to_string(), summary);
    }
    catalogue
}
