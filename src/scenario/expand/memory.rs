//! What a probe finds in the lock's memory: codes before a reset and none after it.
//!
//! Deliberately absent: how a memory is read, and how a code can be kept in one.

use std::sync::Arc;

use crate::lock::{Asset, Credential, DebugPort, MemoryMap};
use crate::scenario::ast::{self, Claim, MemoryClaim};
use crate::scenario::program::{Action, Expected, Origin, Presence, Stage};
use crate::trace::{Argument, Channel};
use crate::unit::Duration;

use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::secret_argument;

/// A whole memory is read within this time: 1 MiB at 100 kB/s takes 10 s.
const READ_WITHIN: Duration = Duration::seconds(60);
/// The region that a reset must leave as it is.
const FIRMWARE: &str = "firmware";

impl Context<'_> {
    /// Has the probe note what the memory holds before anything is stored in it: what was there by chance is none of
    /// the owner's codes.
    pub(super) fn note_memory(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let stages = [&self.scenario.arrange, &self.scenario.act, &self.scenario.expect];
        let steps = stages.into_iter().flat_map(ast::all);
        let claims: Vec<&Claim> = steps
            .filter_map(|step| match &step.action {
                ast::Action::Claim(claim @ (Claim::ProveInMemory | Claim::Memory(_))) => Some(claim),
                _ => None,
            })
            .collect();
        if claims.is_empty() {
            return Ok(());
        }
        self.memory()?;
        ask(draft, "note the memory", "snapshot", Vec::new(), Expected::Done, Origin::Setup);
        if claims.iter().any(|claim| matches!(claim, Claim::Memory(MemoryClaim::FirmwareUnchanged))) {
            self.firmware(draft, Expected::Digest, Origin::Setup)?;
        }
        draft.part("memory before", Stage::Arrange);
        Ok(())
    }

    /// Finds each of the owner's codes: one that can't be found before says nothing when it is not found after.
    pub(super) fn prove_in_memory(&self, draft: &mut Draft) -> Result<(), Excluded> {
        let codes = self.stored(draft)?;
        self.search(draft, &codes, Presence::All, Origin::Setup);
        draft.part("prove in memory", Stage::Arrange);
        Ok(())
    }

    /// What must be found in the memory, or must not.
    pub(super) fn memory_claim(&self, draft: &mut Draft, claim: MemoryClaim) {
        match claim {
            MemoryClaim::Erased => draft.claim("no code left in memory", |draft| {
                let codes = self.to_lose(draft)?;
                self.search(draft, &codes, Presence::None, Origin::Claim);
                Ok(())
            }),
            MemoryClaim::AllOrNothing => draft.claim("all or nothing in memory", |draft| {
                let codes = self.stored(draft)?;
                if codes.len() < 2 {
                    return Err("the lock holds too few codes to be only half erased".into());
                }
                self.search(draft, &codes, Presence::AllOrNone, Origin::Claim);
                Ok(())
            }),
            MemoryClaim::FirmwareUnchanged => draft.claim("firmware unchanged", |draft| {
                self.firmware(draft, Expected::SameDigest, Origin::Claim)
            }),
        }
    }

    /// What is known of the memory, if it can be read.
    fn memory(&self) -> Result<&MemoryMap, Excluded> {
        let map = self.lock().memory.as_ref().ok_or("the source does not specify the lock's memory")?;
        match map.port {
            DebugPort::Open => Ok(map),
            DebugPort::Closed => Err("the debug port is closed, as the source states".into()),
        }
    }

    /// The owner's codes that a reset erases.
    fn stored(&self, draft: &Draft) -> Result<Vec<Credential>, Excluded> {
        let belief = &draft.belief;
        let mut codes = if self.keeps(Asset::UserCodes) { Vec::new() } else { belief.secret_codes() };
        codes.extend(belief.master.clone().filter(|_| !self.keeps(Asset::MasterCode)));
        secrets(codes)
    }

    /// The same, and all that were there before: removed, replaced, or an earlier owner's.
    fn to_lose(&self, draft: &Draft) -> Result<Vec<Credential>, Excluded> {
        let belief = &draft.belief;
        let former = belief.former.iter().chain(&belief.former_masters).cloned();
        secrets(self.stored(draft).unwrap_or_default().into_iter().chain(former).collect())
    }

    fn search(&self, draft: &mut Draft, codes: &[Credential], presence: Presence, origin: Origin) {
        let numbered = (1..).zip(codes);
        let arguments =
            numbered.map(|(number, code)| (format!("code.{number}").into(), secret_argument(code))).collect();
        let label = match presence {
            Presence::All => "each code is in memory",
            Presence::None => "no code is in memory",
            Presence::AllOrNone => "all codes are in memory, or none",
        };
        ask(draft, label, "search", arguments, Expected::Found(presence), origin);
    }

    fn firmware(&self, draft: &mut Draft, expected: Expected, origin: Origin) -> Result<(), Excluded> {
        if !self.memory()?.regions.iter().any(|region| &*region.name == FIRMWARE) {
            return Err("the source does not specify where in memory the firmware is".into());
        }
        let region = vec![("region".into(), Argument::Text(FIRMWARE.into()))];
        ask(draft, "digest of the firmware", "digest", region, expected, origin);
        Ok(())
    }
}

/// A code that a manual prints is nobody's.
fn secrets(mut codes: Vec<Credential>) -> Result<Vec<Credential>, Excluded> {
    codes.retain(|code| matches!(code, Credential::Secret { .. }));
    if codes.is_empty() { Err("no code can be stored that a memory could hold".into()) } else { Ok(codes) }
}

fn ask(
    draft: &mut Draft,
    label: &str,
    op: &str,
    arguments: Vec<(Arc<str>, Argument)>,
    expected: Expected,
    origin: Origin,
) {
    let (channel, op) = (Channel::Memory, op.into());
    draft.push(
        label,
        origin,
        Action::Ask { channel, op, arguments, expected, within: READ_WITHIN, mark: None },
    );
}
