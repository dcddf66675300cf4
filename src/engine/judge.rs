//! Answers judged for the step that asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::scenario::{Expected, Presence, Probe, Weight};
use crate::trace::{Argument, Channel, Found, Reason, Response};
use crate::unit::counted;

/// What a step asked, and for what answer.
pub(super) struct Asked<'a> {
    pub channel: &'a Channel,
    pub op: &'a str,
    pub arguments: &'a [(Arc<str>, Argument)],
    pub expected: Expected,
    /// What an answer means that does not say that.
    pub weight: Weight,
}

/// What of an answer later steps refer to.
pub(super) enum Said {
    Nothing,
    Yes(Probe, bool),
    Digest(String, Arc<str>),
}

/// What is wrong with an answer, and what that means.
type Unmet = (Weight, String);

impl Asked<'_> {
    /// What an answer, or none in time, means; `digests` were said before.
    pub(super) fn answered(
        &self,
        response: Option<&Response>,
        digests: &BTreeMap<String, Arc<str>>,
    ) -> Result<Said, Unmet> {
        let (channel, op, weight) = (self.channel, self.op, self.weight);
        let unanswered = || format!("{channel} did not answer {op}");
        let nothing = Ok(Said::Nothing);
        match (self.expected, response) {
            (Expected::Done, Some(r)) if r.ok => nothing,
            (Expected::Done, Some(r)) => Err((weight, self.refusal(r))),
            (Expected::Any, _) => nothing,
            (Expected::Refused, Some(r)) if r.ok => {
                Err((weight, format!("{channel} did {op} instead of refusing it")))
            }
            // A debug probe always answers: silence is a probe that is not there.
            (Expected::Refused, None) if *channel == Channel::Memory => {
                Err((Weight::Inconclusive, unanswered()))
            }
            // One that found no target refuses, too, and has not tried the lock's port.
            (Expected::Refused, Some(r)) if *channel == Channel::Memory && r.reason != Reason::Locked => {
                let words = r.why.as_deref().unwrap_or(r.reason.words());
                let what = format!("the probe does not say that the port is locked; it says: {words}");
                Err((Weight::Inconclusive, what))
            }
            (Expected::Refused, _) => nothing,
            (Expected::Paired(wanted), Some(r)) if r.ok => match r.paired {
                Some(paired) if paired == wanted => nothing,
                Some(true) => Err((weight, format!("{channel} is still paired"))),
                Some(false) => Err((weight, format!("{channel} is not paired"))),
                None => self.unsaid(),
            },
            (Expected::Holds { codes, users }, Some(r)) if r.ok => self.holds(r, codes, users),
            (Expected::Erased { codes }, Some(r)) if r.ok => self.erased(r, codes),
            (Expected::Probe(probe), Some(r)) if r.ok => {
                r.paired.map_or_else(|| self.unsaid(), |paired| Ok(Said::Yes(probe, paired)))
            }
            (Expected::Found(presence), Some(r)) if r.ok => match &r.found {
                Some(found) => self.found(presence, found),
                None => Err((Weight::Inconclusive, format!("{channel} does not say what it found"))),
            },
            (Expected::Digest, Some(r)) if r.ok => Ok(Said::Digest(self.named(), self.digest(r)?)),
            (Expected::SameDigest, Some(r)) if r.ok => {
                let of = self.named();
                match (self.digest(r)?, digests.get(&of)) {
                    (digest, Some(before)) if digest == *before => nothing,
                    (_, Some(_)) => Err((weight, format!("{channel} has changed: {of}"))),
                    (_, None) => {
                        Err((Weight::Inconclusive, format!("{channel} said no digest of {of} before")))
                    }
                }
            }
            (Expected::Paired(true), Some(r)) => Err((weight, self.refusal(r))),
            (Expected::Done, None) => Err((weight, unanswered())),
            // Silence or a refusal to say is no proof that a binding is gone, nor that a memory is clean.
            (
                Expected::Paired(_)
                | Expected::Erased { .. }
                | Expected::Holds { .. }
                | Expected::Probe(_)
                | Expected::Found(_)
                | Expected::Digest
                | Expected::SameDigest,
                said,
            ) => Err((Weight::Inconclusive, said.map_or_else(unanswered, |r| self.refusal(r)))),
        }
    }

    /// Words are for people: nothing is judged by them.
    fn refusal(&self, response: &Response) -> String {
        let words = response.why.as_deref().unwrap_or(response.reason.words());
        format!("{} refused {}: {words}", self.channel, self.op)
    }

    fn unsaid(&self) -> Result<Said, Unmet> {
        Err((Weight::Inconclusive, format!("{} does not say whether it is paired", self.channel)))
    }

    fn digest(&self, r: &Response) -> Result<Arc<str>, Unmet> {
        let unsaid = || (Weight::Inconclusive, format!("{} does not say a digest", self.channel));
        r.digest.clone().ok_or_else(unsaid)
    }

    fn holds(&self, r: &Response, codes: Option<u64>, users: bool) -> Result<Said, Unmet> {
        let channel = self.channel;
        match (r.paired, r.codes.zip(codes)) {
            (Some(true), Some((said, stored))) if said != stored => {
                Err((self.weight, format!("{channel} reports {}; stored: {stored}", counted(said, "code"))))
            }
            (Some(true), _) => match r.users {
                Some(said) if said > 1 => {
                    let users = counted(said, "user");
                    Err((self.weight, format!("{channel} reports {users}, but only 1 was paired")))
                }
                None if users => {
                    Err((Weight::Inconclusive, format!("{channel} does not say how many users it has")))
                }
                _ => Ok(Said::Nothing),
            },
            (Some(false), _) => Err((self.weight, format!("{channel} is not paired"))),
            (None, _) => self.unsaid(),
        }
    }

    fn erased(&self, r: &Response, codes: bool) -> Result<Said, Unmet> {
        let (channel, weight) = (self.channel, self.weight);
        let left = |count: Option<u64>| count.filter(|count| *count > 0);
        match (r.paired, left(r.users), left(r.codes).filter(|_| codes)) {
            (Some(true), ..) => Err((weight, format!("{channel} is still paired"))),
            (_, Some(users), _) => {
                Err((weight, format!("{channel} still reports {}", counted(users, "user"))))
            }
            (_, _, Some(left)) => Err((weight, format!("{channel} still reports {}", counted(left, "code")))),
            (Some(false), None, None) => Ok(Said::Nothing),
            (None, ..) => self.unsaid(),
        }
    }

    /// Codes by their numbers, as the request has them, against what was found.
    fn found(&self, presence: Presence, found: &[Found]) -> Result<Said, Unmet> {
        let channel = self.channel;
        let numbered = (1..).zip(self.arguments).map(|(number, (_, argument))| (number, argument));
        let codes: Vec<(u64, &Argument)> = numbered.collect();
        if let Some(other) = found.iter().find(|one| !codes.iter().any(|(number, _)| *number == one.code)) {
            let what = format!("{channel} found a code {} that was not looked for", other.code);
            return Err((Weight::Inconclusive, what));
        }
        let first = |number: u64| found.iter().find(|one| one.code == number);
        let missing = codes.iter().find(|(number, _)| first(*number).is_none());
        let held = codes.iter().find_map(|(number, code)| Some((*code, first(*number)?)));
        match (presence, missing, held) {
            (Presence::All, Some((_, code)), _) => {
                Err((self.weight, format!("{channel} does not hold {}", name(code))))
            }
            (Presence::None, _, Some((code, place))) => Err((
                self.weight,
                format!("{channel} still holds {}: {} at {:#x}", name(code), place.encoding, place.address),
            )),
            (Presence::AllOrNone, Some((_, gone)), Some((left, place))) => Err((
                self.weight,
                format!(
                    "{channel} holds {} ({} at {:#x}) and not {}",
                    name(left),
                    place.encoding,
                    place.address,
                    name(gone)
                ),
            )),
            (Presence::All, None, _) | (Presence::None, _, None) => Ok(Said::Nothing),
            (Presence::AllOrNone, None, _) | (Presence::AllOrNone, _, None) => Ok(Said::Nothing),
        }
    }

    /// What was asked for.
    fn named(&self) -> String {
        self.arguments.iter().map(|(_, argument)| name(argument)).collect::<Vec<_>>().join(", ")
    }
}

fn name(argument: &Argument) -> String {
    match argument {
        Argument::Text(text) => text.to_string(),
        Argument::Number(number) => number.to_string(),
        Argument::Secret(handle) => handle.0.to_string(),
    }
}
