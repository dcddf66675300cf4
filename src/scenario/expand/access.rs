//! Who was bound before: nothing that they ask may be done, once their binding must be gone.

use std::sync::Arc;

use crate::belief::Bond;
use crate::lock::{Credential, Named, Role};
use crate::scenario::program::{Action, Expected, Origin, Stage};
use crate::trace::Argument;

use super::attempt::no_slot;
use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::{Bindings, secret_argument};
use super::provision::ANSWER_WITHIN;

/// The code that somebody asks for who may not.
pub(super) const STRANGER: &str = "stranger";
/// So many free slots are left for what the case itself stores.
const APART: usize = 6;
/// Whoever is refused once may be obeyed the second time.
const TIMES: usize = 2;

impl Context<'_> {
    /// Each binding that was there before asks for everything that a binding can, in each role, and once more.
    pub(super) fn no_old_access(&self, draft: &mut Draft) {
        let gone: Vec<Bond> =
            draft.belief.bound.iter().copied().filter(|bond| !self.is_bound(draft, *bond)).collect();
        if gone.is_empty() {
            draft.omit("no old access", "no binding was there that should be gone");
        }
        for bond in gone {
            draft.claim(&format!("{} no longer obeyed", bond.noun()), |draft| {
                let has_codes = self.lock().code_digits.known().is_some();
                let asked = |op: &&str| has_codes || !matches!(*op, "add_code" | "set_master");
                for op in (0..TIMES).flat_map(|_| requests(bond)).filter(asked) {
                    Role::WORDS.iter().try_for_each(|(_, role)| self.refuse(draft, bond, op, *role))?;
                }
                Ok(())
            });
        }
        // A lock may do later what it refused, or refuse only what there is nothing to do for.
        for bond in draft.belief.bound.clone() {
            if !self.is_bound(draft, bond) && self.has("enter") && !self.asks("add_code", bond) {
                draft.claim(&format!("{} removes no code of the next owner", bond.noun()), |draft| {
                    self.removes_nothing(draft, bond)
                });
            }
        }
        let asked: Vec<Credential> = draft.stranger().into_iter().collect();
        if !asked.is_empty() && self.has("enter") {
            draft.claim("what was asked in vain is not done later", |draft| {
                if self.lock().opens_for_any_code {
                    self.known_good(draft)?;
                }
                self.expect_refused(draft, &asked)
            });
        }
    }

    /// The same before a lock that was reset is set up again.
    pub(super) fn no_old_access_in_act(&self, draft: &mut Draft) -> Result<(), Excluded> {
        if draft.belief.is_reset {
            for operation in &self.subject.facts.afterwards {
                self.perform(draft, operation, &Bindings::new(Origin::Setup))?;
            }
            self.lock_after_reset(draft, Origin::Setup)?;
        }
        draft.part("act", Stage::Act);
        self.no_old_access(draft);
        Ok(())
    }

    /// A code that is added without a binding is not the binding's to remove.
    fn removes_nothing(&self, draft: &mut Draft, bond: Bond) -> Result<(), Excluded> {
        self.operation("add_code")?;
        for other in Bond::ALL.into_iter().filter(|other| *other != bond) {
            if self.asks("add_code", other) && !self.is_bound(draft, other) {
                self.pair(draft, other, Origin::Control)?;
                draft.belief.bind(other);
            }
        }
        let handle = draft.belief.handle(&format!("unremoved.{}", bond.channel()));
        let code = draft.secret(self, &handle)?;
        let slot = self.take_slot(draft).ok_or_else(no_slot)?;
        let master = self.master_after_reset(&draft.belief);
        self.add_code(draft, &code, slot, master, Origin::Control)?;
        if draft.belief.is_reset {
            draft.belief.slots.insert(slot, Some(code.clone()));
        } else {
            draft.belief.store(slot, code.clone());
        }
        self.refuse_on(draft, bond, ("remove_code", slot), Role::Owner)?;
        self.expect_accepted(draft, &code, Origin::Claim)?;
        draft.belief.known_good = Some(code);
        Ok(())
    }

    /// Who had a binding is asked to use it, once it must be gone. Silence is a refusal, too.
    pub(super) fn refuse_old_binding(&self, draft: &mut Draft, bond: Bond) -> Result<(), Excluded> {
        if !self.asks("add_code", bond) {
            return Ok(());
        }
        self.refuse(draft, bond, "add_code", Role::Owner)
    }

    fn refuse(&self, draft: &mut Draft, bond: Bond, op: &str, role: Role) -> Result<(), Excluded> {
        // What is stored in it later would hide that this was.
        let last = self.lock().code_slots.known().copied().unwrap_or(u16::from(u8::MAX));
        let free: Vec<u8> =
            draft.belief.free_slots().take_while(|slot| u16::from(*slot) <= last).take(APART + 1).collect();
        let slot = *free.last().ok_or_else(no_slot)?;
        self.refuse_on(draft, bond, (op, slot), role)
    }

    fn refuse_on(
        &self,
        draft: &mut Draft,
        bond: Bond,
        (op, slot): (&str, u8),
        role: Role,
    ) -> Result<(), Excluded> {
        let mut arguments = vec![("role".into(), Argument::Text(role.word().into()))];
        if matches!(op, "add_code" | "remove_code") {
            arguments.push(("slot".into(), Argument::Number(u64::from(slot))));
        }
        if matches!(op, "add_code" | "set_master") {
            let code = draft.secret(self, STRANGER)?;
            arguments.push(("code".into(), secret_argument(&code)));
        }
        let (channel, op): (_, Arc<str>) = (bond.channel(), op.into());
        let label = match role {
            Role::Owner if &*op == "add_code" => format!("{channel} can no longer add a code"),
            _ => format!("{channel} is refused {op} as {}", role.word()),
        };
        let expected = Expected::Refused;
        let ask = Action::Ask { channel, op, arguments, expected, within: ANSWER_WITHIN, mark: None };
        draft.push(label, Origin::Claim, ask);
        Ok(())
    }
}

/// What a binding can ask for that changes something.
fn requests(bond: Bond) -> [&'static str; 6] {
    let leaves = match bond {
        Bond::App => "unpair",
        Bond::Hub => "leave",
    };
    ["add_code", "remove_code", "set_master", "set_parameter", "factory_reset", leaves]
}
