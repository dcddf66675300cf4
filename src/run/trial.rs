//! A trial of a measurement: a scenario that lockrig writes itself, with one case.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::CaseResult;
use crate::lock::Method;
use crate::rig::Rig;
use crate::scenario::ast::Model;
use crate::scenario::{Content, Library, Plan, Selection, Stage};
use crate::verdict::Verdict;
use crate::yaml::Source;

use super::fit::{gaps, playable, start_of};

/// A trial that says nothing is made once more, so often in all.
pub const STUCK: usize = 3;

/// A trial to be made.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its number, from 1.
    pub number: usize,
    /// At which value: seconds, or volts.
    pub value: f64,
    /// By which method the lock is reset.
    pub method: Method,
    /// The model, and the scenario of the trial.
    pub library: Library,
    /// Its case.
    pub plan: Plan,
    /// The file in which it is written, by name.
    pub files: BTreeMap<String, String>,
}

impl Trial {
    /// The id of a trial's scenario.
    pub(super) fn id(number: usize) -> String {
        format!("trial-{number:03}")
    }

    /// Reads the scenario that lockrig wrote for a model and one of its methods.
    ///
    /// # Errors
    /// It is not what the language permits, as a text for people.
    pub(super) fn new(
        number: usize,
        value: f64,
        (model, method): (&Model, Method),
        text: String,
    ) -> Result<Self, String> {
        let source = Source::new("trial.yaml", text.clone().into_bytes()).map_err(|error| error.message)?;
        let (mut library, findings) = Library::read(&[], &[source]);
        if findings.has_errors() {
            return Err(format!(
                "lockrig itself wrote a trial that it can't read: {}",
                findings.render(false, 100)
            ));
        }
        library.models.insert(Arc::clone(&model.facts.id), model.clone());
        let plan = Plan::new(&library, Selection { methods: vec![method], ..Selection::default() });
        Ok(Self {
            number,
            value,
            method,
            library,
            plan,
            files: BTreeMap::from([("trial.yaml".to_owned(), text)]),
        })
    }

    /// Why its case can't be played on a rig, or has not the parts that it is made for, if so.
    pub(super) fn obstacle(&self, rig: &Rig, parts: &[&str]) -> Option<String> {
        let Some(case) = self.plan.cases().next() else { return Some("it has no case".to_owned()) };
        match case.build(&self.library, start_of(rig)) {
            Content::NotApplicable(reason) | Content::Unprovable(reason) => Some(reason),
            Content::Play(program) => {
                let facts = &self.library.models.get(&case.model)?.facts;
                let gaps = Vec::from_iter(gaps(&program, rig, facts));
                let has = |name: &&str| program.parts.iter().any(|part| part.name == **name);
                if !parts.iter().all(has) {
                    let why = program.omitted.last().map(|(_, reason)| reason.as_str());
                    return Some(why.unwrap_or("its source does not say what is needed").to_owned());
                }
                (!gaps.is_empty()).then(|| format!("rig `{}` lacks: {}", rig.id, gaps.join(", ")))
            }
        }
    }

    /// Whether what failed is what the trial asks, and not what it needs for that.
    pub(super) fn failed_where(&self, result: &CaseResult, rig: &Rig, asks: impl Fn(Stage) -> bool) -> bool {
        let planned = self.plan.cases().next().map(|case| case.build(&self.library, start_of(rig)));
        let Some(Ok(program)) = planned.map(playable) else { return false };
        let failed = result.parts.iter().filter(|part| part.verdict == Verdict::Fail);
        let stage = |name: &str| program.parts.iter().find(|part| part.name == name).map(|part| part.stage);
        failed.map(|part| stage(&part.name)).all(|stage| stage.is_some_and(&asks))
    }
}
