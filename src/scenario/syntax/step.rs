//! The shape of steps: externally tagged, so that each keeps its place in the file.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::yaml::{Map, OneOrMany, Scalar, Spanned};

use super::{Steps, Word, WordOr};

/// One step. Procedures may use the first group, scenarios all.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::scenario) enum StepSyntax {
    // What a person does to a lock.
    Hold(OneOrMany<String>),
    Release(OneOrMany<String>),
    Press(WordOr<PressSyntax>),
    Type(Spanned<WordOr<TypeSyntax>>),
    Power(WordOr<PowerStepSyntax>),
    Turn(WordOr<TurnSyntax>),
    Door(Scalar),
    Cover(Scalar),
    // What a person waits for and watches.
    Wait(WordOr<WaitSyntax>),
    See(SeeSyntax),
    Hear(HearSyntax),
    NoChange(NoChangeSyntax),
    Never(NeverSyntax),
    Notified(NotifiedSyntax),
    Witness(WordOr<WitnessSyntax>),
    // Requests, and structure.
    Ask(Map<Word>),
    Together(Vec<Steps>),
    Repeat(RepeatSyntax),
    Do(WordOr<DoSyntax>),
    // Claims, composed of the model's operations.
    Provision(Map<Word>),
    Prove(Word),
    Inventory,
    Reset,
    ResetBut(Box<Spanned<super::ButSyntax>>),
    ResetBy(Word),
    VerifyState,
    Restart(RestartSyntax),
    Attempt(AttemptSyntax),
    LockOut,
    NearlyLockOut,
    LockOutBetween(Steps),
    Confirmed,
    Unconfirmed,
    Erased(Word),
    NoOldAccess,
    FactoryState,
    Recommission,
    Unchanged,
    AllOrNothing,
    NothingLeft,
    ErasedFromMemory,
    AllOrNothingInMemory,
    FirmwareUnchanged,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct PressSyntax {
    pub button: OneOrMany<String>,
    #[serde(rename = "for")]
    pub hold: Option<Word>,
    pub times: Option<Spanned<u32>>,
    pub gap: Option<Word>,
    pub within: Option<Word>,
    pub until: Option<Box<Spanned<StepSyntax>>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct TypeSyntax {
    pub keys: String,
    pub gap: Option<Word>,
    pub each: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct PowerStepSyntax {
    pub to: Word,
    pub cell: Option<Spanned<u8>>,
    pub over: Option<Word>,
    #[serde(rename = "for")]
    pub duration: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct TurnSyntax {
    pub by: Word,
    pub over: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct WaitSyntax {
    pub until: Option<Box<Spanned<StepSyntax>>>,
    pub plus: Option<Word>,
    pub lockout: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct SeeSyntax {
    pub light: Option<Spanned<OneOrMany<String>>>,
    pub indicator: Option<Word>,
    pub blinks: Option<Spanned<u32>>,
    pub on: Option<Word>,
    pub off: Option<Word>,
    pub bolt: Option<Word>,
    pub door: Option<Word>,
    pub within: Word,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct HearSyntax {
    pub beeps: Option<Word>,
    pub lengths: Option<Spanned<Vec<String>>>,
    pub on: Option<Word>,
    pub off: Option<Word>,
    pub voice: Option<Word>,
    pub within: Word,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct NoChangeSyntax {
    pub channels: Vec<Word>,
    #[serde(rename = "for")]
    pub duration: Word,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct NeverSyntax {
    pub bolt: Option<Word>,
    pub light: Option<Word>,
    pub indicator: Option<Word>,
    #[serde(rename = "while")]
    pub body: Steps,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct NotifiedSyntax {
    pub channel: Word,
    pub event: Word,
    pub within: Word,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct WitnessSyntax {
    pub that: String,
    pub within: Word,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct RepeatSyntax {
    pub times: Spanned<u32>,
    pub within: Option<Word>,
    pub steps: Steps,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct DoSyntax {
    pub operation: Word,
    #[serde(default)]
    pub with: Map<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct RestartSyntax {
    pub off: Word,
    /// Take the cells out one by one instead of cutting the supply.
    #[serde(default)]
    pub cells: bool,
    /// Hold what the reset holds as the power comes back, for this share of the stated time.
    pub held: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct AttemptSyntax {
    pub code: Option<Word>,
    /// Type what is nearly this code.
    pub altered: Option<Word>,
    pub card: Option<Word>,
    pub finger: Option<Word>,
    pub expect: Word,
}
