//! Who may ask for what: whoever is bound, in the role of an owner or admin.

use crate::sim::defect::Defect;
use crate::sim::lock::SimulatedLock;
use crate::sim::mutation::Rule;
use crate::trace::{Channel, Reason, Request};

use super::{Refusal, text};

impl SimulatedLock {
    pub(super) fn permit(&mut self, channel: &Channel, request: &Request) -> Result<(), Refusal> {
        let role = text(request, "role");
        let bound = if *channel == Channel::App { Rule::AppBound } else { Rule::HubBound };
        let is_bound = self.rules.decides(bound, self.is_bound(channel));
        if !is_bound && !self.memory.obeyed && !self.obeys_unbound(channel, &request.op, role) {
            return Err((Reason::NotFound, "not paired"));
        }
        let is_unchecked = match self.defect {
            Some(Defect::AnyRoleSetsMaster) => &*request.op == "set_master",
            Some(Defect::OldGuestObeyed) => !is_bound && role == Some("guest"),
            _ => false,
        };
        if self.may_change(role) || is_unchecked {
            Ok(())
        } else {
            Err((Reason::NotPermitted, "this role may not do that"))
        }
    }

    fn may_change(&self, role: Option<&str>) -> bool {
        match role {
            Some("owner") => self.rules.does(Rule::OwnerMayChange),
            Some("admin") => true,
            Some("guest") => self.rules.decides(Rule::GuestMayChange, false),
            _ => self.rules.decides(Rule::StrangerMayChange, false),
        }
    }

    /// Only its owner may reset a lock.
    pub(super) fn may_reset(&self, role: Option<&str>) -> bool {
        match role {
            Some("owner") => self.rules.does(Rule::OwnerMayReset),
            Some("admin") => self.rules.decides(Rule::AdminMayReset, false),
            Some("guest") => self.rules.decides(Rule::GuestMayReset, false),
            _ => self.rules.decides(Rule::StrangerMayReset, false),
        }
    }

    /// Whether a faulty lock obeys somebody who is not bound, or is no longer.
    fn obeys_unbound(&mut self, channel: &Channel, op: &str, role: Option<&str>) -> bool {
        if self.has(Defect::UnpairedStillObeyed) {
            return self.memory.unpaired.contains(channel);
        }
        if !self.memory.forgotten.contains(channel) {
            return false;
        }
        match self.defect {
            Some(Defect::OldBindingRemovesCodes) => op == "remove_code",
            Some(Defect::OldBindingSetsMaster) => op == "set_master",
            Some(Defect::OldAdminObeyed) => role == Some("admin"),
            Some(Defect::OldGuestObeyed) => role == Some("guest"),
            Some(Defect::ObeysSecondAsking) => {
                self.scratch.refusals = self.scratch.refusals.saturating_add(1);
                self.scratch.refusals > 1
            }
            _ => false,
        }
    }

    pub(super) fn obeys_old_binding_to_reset(&self, channel: &Channel) -> bool {
        self.has(Defect::OldBindingResets) && self.memory.forgotten.contains(channel)
    }
}
