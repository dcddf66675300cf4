//! What the engine has to say about a case, for the evidence.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::scenario::Program;
use crate::unit::{Duration, Instant};
use crate::verdict::{Measurement, Verdict};

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Done, or its condition was met.
    Done,
    /// Its condition was not met.
    Unmet,
}

/// Something worth keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A step ended.
    Step {
        /// What it is called.
        label: String,
        /// When it began.
        #[serde(rename = "begin_ns")]
        begin: Instant,
        /// When it ended.
        #[serde(rename = "end_ns")]
        end: Instant,
        /// How it ended.
        outcome: StepOutcome,
        /// What was not met.
        #[serde(skip_serializing_if = "String::is_empty", default)]
        reason: String,
    },
    /// A part ended.
    Part(PartResult),
    /// A command followed at once on something seen.
    Reaction {
        /// What was seen.
        to: String,
        /// From its edge to the achieved edge of the command.
        #[serde(rename = "latency_ns")]
        latency: Duration,
    },
    /// Something was measured.
    Measurement(Measurement),
}

/// The outcome of one part of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartResult {
    /// Its name: `user codes erased`.
    pub name: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why, unless it passed.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reason: String,
    /// When it began.
    #[serde(rename = "begin_ns")]
    pub begin: Instant,
    /// When it ended.
    #[serde(rename = "end_ns")]
    pub end: Instant,
}

impl PartResult {
    /// Something that happened in no part.
    pub(super) fn outside(verdict: Verdict, reason: &str) -> Self {
        let at = Instant::START;
        Self { name: "case".into(), verdict, reason: reason.to_owned(), begin: at, end: at }
    }
}

/// Why a case was not played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The rig lacks what the case needs.
    NotWired,
    /// The model states that the claim does not concern it.
    NotApplicable,
    /// The scenario arranged nothing that the claim could be judged on.
    NotProvable,
    /// The rig broke before, or is not there.
    Rig,
    /// The run was over.
    RunOver,
    /// lockrig itself failed.
    Lockrig,
}

/// The outcome of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one plain sentence.
    pub reason: String,
    /// Why it was not played, if it was not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unplayed: Option<Cause>,
    /// Each part.
    pub parts: Vec<PartResult>,
    /// Everything measured.
    pub measurements: Vec<Measurement>,
    /// Claims left out, with the model's reason.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub omitted: Vec<(String, String)>,
    /// Deviations from a clause that the manual documents.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub deviations: Vec<String>,
}

impl CaseResult {
    /// The worst part decides; a definite failure outranks what could not be told.
    pub(super) fn from_parts(
        program: &Program,
        parts: &[PartResult],
        measurements: Vec<Measurement>,
    ) -> Self {
        let worst = parts.iter().max_by_key(|part| part.verdict);
        let verdict = worst.map_or(Verdict::Inconclusive, |part| part.verdict);
        let mut reason = String::new();
        match worst {
            None => reason.push_str("nothing was played"),
            Some(part) if verdict != Verdict::Pass => {
                let first = parts.iter().find(|other| other.verdict == verdict).unwrap_or(part);
                // Writing to a string can't fail.
                let _ = write!(reason, "{}: {}", first.name, first.reason);
            }
            Some(_) => {}
        }
        Self {
            verdict,
            reason,
            unplayed: None,
            parts: parts.to_vec(),
            measurements,
            omitted: program.omitted.clone(),
            deviations: if verdict == Verdict::Pass { program.deviations.clone() } else { Vec::new() },
        }
    }

    /// The outcome of a case that was never played.
    pub fn unplayed(verdict: Verdict, cause: Cause, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            unplayed: Some(cause),
            parts: Vec::new(),
            measurements: Vec::new(),
            omitted: Vec::new(),
            deviations: Vec::new(),
        }
    }
}
