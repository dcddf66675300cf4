//! The penalty for wrong codes: brought about, and waited for.

use crate::lock::Fact;
use crate::scenario::alter::Kind;
use crate::scenario::ast::Step;
use crate::scenario::program::{Origin, Rule, Since};
use crate::unit::{Duration, Ratio};

use super::context::{Context, Excluded};
use super::draft::Draft;
use super::procedure::Bindings;

/// A code that is tried near the end of a penalty is typed within this time.
const TYPED_WITHIN: Duration = Duration::seconds(4);

impl<'a> Context<'a> {
    /// Enters wrong codes until the penalty begins; before it a good code still works.
    pub(super) fn lock_out(&self, draft: &mut Draft, between: &'a [Step]) -> Result<(), Excluded> {
        self.enter_wrong_codes(draft, between, 0)?;
        draft.locked_out = draft.touches.last_key.or(draft.touches.last);
        Ok(())
    }

    /// Enters one wrong code fewer.
    pub(super) fn nearly_lock_out(&self, draft: &mut Draft) -> Result<(), Excluded> {
        self.enter_wrong_codes(draft, &[], 1)
    }

    fn enter_wrong_codes(&self, draft: &mut Draft, between: &'a [Step], fewer: u8) -> Result<(), Excluded> {
        let fact = &self.lock().lockout;
        let lockout = *fact.known().ok_or_else(|| fact.absence("a lockout"))?;
        if draft.belief.is_reset && self.lock().opens_for_any_code {
            return Err("any code opens the lock at this point, so none is wrong".into());
        }
        let (mut begun, mut takes) = (draft.length(), Duration::ZERO);
        for attempt in 0..lockout.attempts.saturating_sub(fewer) {
            if attempt > 0 {
                self.procedure(draft, between, &Bindings::new(Origin::Setup))?;
                takes = draft.straight_from(begun).saturating_add(TYPED_WITHIN);
            }
            let code = draft.wrong_code(self)?;
            if attempt > 0 || !self.scenario.but.alters(Kind::Bolt) {
                self.expect_no_entry(draft, &code)?;
                continue;
            }
            let probe = self.wrong_code_while_it_moves(draft, &code)?;
            self.judge(draft, probe, Rule::No, format!("code {} was accepted", code.name()), Origin::Claim);
            draft.wait(self.deaf());
            // The steps before are in parts by now.
            begun = 0;
        }
        match lockout.within {
            Fact::Known(within) if takes > within => {
                Err(format!("the lock counts wrong codes for {within} only, and these take longer").into())
            }
            Fact::Known(_) | Fact::Unsupported | Fact::Unknown => Ok(()),
        }
    }

    /// Waits until a share of the stated penalty is over, counted from the last wrong code.
    pub(super) fn wait_into_lockout(
        &self,
        draft: &mut Draft,
        share: Ratio,
        origin: Origin,
    ) -> Result<(), Excluded> {
        let fact = &self.lock().lockout;
        let lockout = *fact.known().ok_or_else(|| fact.absence("a lockout"))?;
        let begun = draft.locked_out.ok_or_else(|| Excluded::plan("no lockout was brought about"))?;
        let elapsed = lockout.duration.scaled(share);
        if lockout.duration.saturating_sub(elapsed) < TYPED_WITHIN {
            return Err("the lockout is too short to try a code that late in it".into());
        }
        draft.wait_since(origin, Since::Mark(begun, Duration::ZERO), elapsed);
        Ok(())
    }
}
