//! Requests of the app, the hub, and of a probe at the debug port.

mod permission;

use std::sync::Arc;

use crate::trace::{Argument, Channel, Reason, Request, Response};
use crate::unit::Duration;

use super::defect::Defect;
use super::design::{Reset, Trigger, ms};
use super::lock::{SimulatedLock, Task};
use super::memory::Source;
use super::mutation::Rule;
use super::recognizer::Act;

/// How long a radio takes to answer.
const ANSWER: Duration = ms(300);
/// How long a command that was refused lies in a queue.
const QUEUED_FOR: Duration = ms(60_000);

/// Why it refuses, and what it says to that.
type Refusal = (Reason, &'static str);

type Outcome = Result<Response, Refusal>;

impl SimulatedLock {
    pub(super) fn request(&mut self, channel: &Channel, request: &Request) {
        // Without power there is no answer, not even a refusal.
        if !self.rules.decides(Rule::AnswerRunning, self.running) {
            return;
        }
        if &*request.op == "pair" && self.is_bound(channel) && self.has(Defect::BindsInSilence) {
            self.memory.app.insert(text(request, "role").unwrap_or("none").to_owned());
            return;
        }
        let outcome = self.handle(channel, request);
        let response = match outcome {
            Ok(response) => Response { id: request.id, ok: true, ..response },
            Err((reason, why)) => Response::refused(request.id, reason, self.worded(why, request)),
        };
        self.answer(channel, self.answers_after(ANSWER), response);
    }

    fn handle(&mut self, channel: &Channel, request: &Request) -> Outcome {
        if *channel == Channel::Memory {
            return self.read_memory();
        }
        let has_radio = match channel {
            Channel::App => self.design.app,
            Channel::Hub => self.design.hub,
            _ => false,
        };
        if !has_radio {
            return Err((Reason::Unsupported, "no such radio"));
        }
        match &*request.op {
            "pair" => self.pair(channel, text(request, "role").unwrap_or("owner")),
            "status" => {
                self.memory.asked += 1;
                if self.has(Defect::StatusEndsLockout) {
                    self.end_lockout();
                }
                if self.has(Defect::ResyncErases) && self.memory.asked > 3 {
                    self.memory.codes.clear();
                    self.memory.app.clear();
                    self.memory.hub = false;
                }
                Ok(self.status(channel))
            }
            "factory_reset" => self.factory_reset(channel, request),
            "leave" if *channel == Channel::App => self.leave_hub(request),
            "unpair" | "leave" => {
                self.permit(channel, request)?;
                self.unbind(channel);
                self.memory.detached = true;
                self.memory.unpaired.insert(channel.clone());
                Ok(Response::default())
            }
            "add_code" => self.take_code(channel, request),
            "remove_code" => {
                self.permit(channel, request)?;
                let slot = number(request, "slot").ok_or((Reason::Invalid, "no slot"))?;
                if self.has(Defect::RemovedCodeOpens) || !self.rules.does(Rule::RemoveCode) {
                    return Ok(Response::default());
                }
                let removed = self.memory.codes.remove(&slot).ok_or((Reason::NotFound, "no such code"))?;
                self.memory.history.push(removed);
                Ok(Response::default())
            }
            "set_master" => {
                self.permit(channel, request)?;
                self.set_master(text(request, "code").ok_or((Reason::Invalid, "no code"))?.to_owned());
                Ok(Response::default())
            }
            _ => Err((Reason::Unsupported, "unknown operation")),
        }
    }

    fn take_code(&mut self, channel: &Channel, request: &Request) -> Outcome {
        let slot = number(request, "slot").unwrap_or(1);
        if let Err(refusal) = self.permit(channel, request) {
            if self.has(Defect::RefusedCodeStoredLater)
                && let Some(code) = text(request, "code")
            {
                self.scratch.refused.push((slot, code.to_owned()));
            }
            return Err(refusal);
        }
        self.setup_works()?;
        let code = text(request, "code").ok_or((Reason::Invalid, "no code"))?;
        let shortest = self.rules.counts(Rule::ShortestCode, 4);
        if !(shortest..=10).contains(&(code.len() as u64)) || !code.chars().all(|c| c.is_ascii_digit()) {
            return Err((Reason::Invalid, "a code has 4 to 10 digits"));
        }
        let first = self.rules.counts(Rule::FirstSlot, 1);
        let last = self.rules.counts(Rule::LastSlot, self.design.slots);
        if !(first..=last).contains(&slot) {
            return Err((Reason::Invalid, "no such slot"));
        }
        if self.has(Defect::RequestUnderWayDone) && self.memory.erasing {
            self.scratch.under_way.push((slot, code.to_owned()));
        } else if self.rules.decides(Rule::RefuseWhileErasing, self.memory.erasing) {
            return Err((Reason::Busy, "a reset is under way"));
        } else {
            self.add_code(slot, code, Source::Radio);
        }
        Ok(Response::default())
    }

    /// What it says to a refusal; a faulty lock repeats the code that it was asked about.
    fn worded(&self, why: &str, request: &Request) -> Arc<str> {
        match text(request, "code") {
            Some(code) if self.has(Defect::RefusalQuotesCode) => format!("{why}: {code}").into(),
            _ => why.into(),
        }
    }

    fn read_memory(&self) -> Outcome {
        if !self.has(Defect::DebugPortOpen) {
            return Err((Reason::Locked, "the debug port is locked"));
        }
        Ok(Response { codes: Some(self.memory.codes.len() as u64), ..Response::default() })
    }

    /// The app takes the lock out of the hub's network.
    fn leave_hub(&mut self, request: &Request) -> Outcome {
        self.permit(&Channel::App, request)?;
        let by_app = |reset: &Reset| matches!(reset.trigger, Trigger::AppLeavesHub);
        let index =
            self.design.resets.iter().position(by_app).ok_or((Reason::Unsupported, "not supported"))?;
        self.reset(index);
        Ok(Response::default())
    }

    fn is_bound(&self, channel: &Channel) -> bool {
        match channel {
            Channel::App => !self.memory.app.is_empty(),
            _ => self.memory.hub,
        }
    }

    fn unbind(&mut self, channel: &Channel) {
        match channel {
            Channel::App if self.rules.does(Rule::UnbindApp) => self.memory.app.clear(),
            Channel::App => {}
            _ => self.memory.hub &= !self.rules.does(Rule::UnbindHub),
        }
    }

    fn setup_works(&self) -> Result<(), Refusal> {
        let refused = self.has(Defect::SetupRefused) && self.memory.was_reset;
        if refused { Err((Reason::Unsupported, "not available")) } else { Ok(()) }
    }

    fn pair(&mut self, channel: &Channel, role: &str) -> Outcome {
        self.setup_works()?;
        let takes_any = self.has(Defect::BindsTwice)
            || (self.has(Defect::JoinsAnotherNetwork) && *channel == Channel::Hub);
        let second = if *channel == Channel::App { Rule::SecondApp } else { Rule::SecondHub };
        if self.rules.decides(second, self.is_bound(channel)) && !takes_any {
            return Err((Reason::Already, "already paired"));
        }
        self.memory.obeyed = false;
        self.memory.forgotten.remove(channel);
        self.memory.unpaired.remove(channel);
        match channel {
            Channel::App if self.rules.does(Rule::BindApp) => drop(self.memory.app.insert(role.to_owned())),
            Channel::App => {}
            _ => self.memory.hub |= self.rules.does(Rule::BindHub),
        }
        self.after_pairing();
        Ok(Response::default())
    }

    /// What a faulty lock does once somebody is bound.
    fn after_pairing(&mut self) {
        match self.defect {
            Some(Defect::BackWhenPaired) => self.bring_back(),
            Some(Defect::OpensWhenPaired) => self.open_for_a_moment(),
            _ => {}
        }
        // Nothing but a fault keeps what was refused.
        for (slot, code) in std::mem::take(&mut self.scratch.refused) {
            self.add_code(slot, &code, Source::Radio);
        }
    }

    fn status(&self, channel: &Channel) -> Response {
        let users =
            if *channel == Channel::App { self.memory.app.len() } else { usize::from(self.memory.hub) };
        let told = self.memory.codes.values().next().filter(|_| self.has(Defect::StatusTellsCode));
        Response {
            why: told.map(|code| format!("code {code} is stored").into()),
            paired: Some(self.rules.decides(Rule::TellBond, self.is_bound(channel))),
            users: Some(users as u64),
            codes: Some(self.memory.codes.len() as u64),
            ..Response::default()
        }
    }

    fn factory_reset(&mut self, channel: &Channel, request: &Request) -> Outcome {
        let is_bound = self.rules.decides(Rule::BoundToReset, self.is_bound(channel));
        if !is_bound && !self.obeys_old_binding_to_reset(channel) {
            return Err((Reason::NotFound, "not paired"));
        }
        if !self.may_reset(text(request, "role")) && !self.has(Defect::AnyRoleMayReset) {
            return Err((Reason::NotPermitted, "only the owner may reset"));
        }
        let is_unverified = text(request, "ownership") == Some("unverified");
        if self.rules.decides(Rule::RefuseUnverified, is_unverified) && !self.has(Defect::OwnershipIgnored) {
            return Err((Reason::NotPermitted, "ownership is not verified"));
        }
        let is_offline = text(request, "network") == Some("offline");
        let offline =
            self.rules.decides(Rule::RefuseOffline, is_offline) && !self.has(Defect::OfflineResetAccepted);
        for (index, reset) in self.design.resets.iter().enumerate() {
            match (reset.trigger, channel) {
                (Trigger::App, Channel::App) => {
                    self.reset(index);
                    return Ok(Response::default());
                }
                (Trigger::Hub, Channel::Hub) => {
                    if offline {
                        if self.has(Defect::RefusedAndQueued) {
                            self.plan(QUEUED_FOR, Task::Reset(index));
                        }
                        return Err((Reason::Offline, "network unreachable"));
                    }
                    self.reset(index);
                    return Ok(Response::default());
                }
                _ => {}
            }
        }
        if self.design.armed_by_app && *channel == Channel::App {
            if self.rules.does(Rule::Arm) {
                self.act(Act::Armed);
            }
            return Ok(Response::default());
        }
        Err((Reason::Unsupported, "not supported"))
    }
}

fn text<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.arguments.iter().find(|(known, _)| &**known == name).and_then(|(_, argument)| match argument {
        Argument::Text(text) => Some(&**text),
        _ => None,
    })
}

fn number(request: &Request, name: &str) -> Option<u64> {
    request.arguments.iter().find(|(known, _)| &**known == name).and_then(|(_, argument)| match argument {
        Argument::Number(number) => Some(*number),
        _ => None,
    })
}
