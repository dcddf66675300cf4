//! `missing_buttons: 1`: so many of the buttons that are held together are not held.

use std::collections::BTreeSet;

use crate::scenario::ast::{self, Control};
use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};
use crate::trace::{Channel, Value};

use super::{Alter, Kind, Plan, Subject, witnesses};

#[derive(Debug)]
pub(in crate::scenario) struct MissingButtons {
    pub count: u32,
}

impl Alter for MissingButtons {
    fn kind(&self) -> Kind {
        Kind::MissingButtons
    }

    fn is_negative(&self) -> bool {
        true
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        match held_together(subject) {
            0 | 1 => Err(subject.has_no("second button that is held")),
            held if left(held, self.count) == 0 => Err(format!("only {held} buttons are held together")),
            _ => Ok(()),
        }
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.missing_buttons = self.count;
    }

    /// Of those that are held together, as many are pressed as are left.
    fn is_witnessed(&self, subject: &Subject<'_>, _: &Plan, program: &Program) -> bool {
        let steps = witnesses(program, Kind::MissingButtons);
        let pressed: BTreeSet<&Channel> = steps
            .iter()
            .filter_map(|step| match &step.action {
                Action::Set { channel, value: Value::Switch(true), .. } => Some(channel),
                _ => None,
            })
            .collect();
        !pressed.is_empty() && pressed.len() == left(held_together(subject), self.count)
    }
}

/// Of controls that are held together, those that still are.
pub(in crate::scenario) fn still_held(controls: &[Control], missing: u32) -> &[Control] {
    controls.get(..left(controls.len(), missing)).unwrap_or_default()
}

fn left(held: usize, missing: u32) -> usize {
    held.saturating_sub(usize::try_from(missing).unwrap_or(usize::MAX))
}

/// The most buttons that the method holds at once.
fn held_together(subject: &Subject<'_>) -> usize {
    let held = subject.facts.procedure.iter().filter_map(|step| match &step.action {
        ast::Action::Hold(controls) => Some(controls),
        _ => None,
    });
    held.filter(|controls| are_buttons(controls)).map(Vec::len).max().unwrap_or(0)
}

/// Whether all of them are buttons: keys that are held together are another thing.
pub(in crate::scenario) fn are_buttons(controls: &[Control]) -> bool {
    controls.iter().all(|control| matches!(control, Control::Button(_)))
}
