//! `proof: used`: the maker's proof was used before.

use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program, Stage, all};
use crate::trace::{Argument, Handle, Keystroke, Value};

use super::{Alter, Kind, Plan, Subject, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct UsedProof;

impl Alter for UsedProof {
    fn kind(&self) -> Kind {
        Kind::Proof
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        if subject.facts.takes("proof") { Ok(()) } else { Err(subject.has_no("proof")) }
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.used_proof = true;
    }

    /// It was used by a reset before the act, and is used again.
    fn is_witnessed(&self, _: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let before = program.parts.iter().filter(|part| part.stage == Stage::Arrange);
        let was_used = all(before.flat_map(|part| &part.steps)).iter().any(|step| uses_proof(&step.action));
        was_used && witnesses(program, Kind::Proof).iter().any(|step| uses_proof(&step.action))
    }
}

fn uses_proof(action: &Action) -> bool {
    let is_proof = |handle: &Handle| &*handle.0 == "proof";
    match action {
        Action::Set { value: Value::Keys(keys), .. } => {
            keys.iter().any(|key| matches!(key, Keystroke::Secret { handle, .. } if is_proof(handle)))
        }
        Action::Ask { arguments, .. } => arguments
            .iter()
            .any(|(_, argument)| matches!(argument, Argument::Secret(handle) if is_proof(handle))),
        _ => false,
    }
}
