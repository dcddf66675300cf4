//! Answers judged for the step that asked.

use crate::scenario::{Expected, Probe, Weight};
use crate::trace::{Channel, Reason, Response};
use crate::unit::counted;

/// What an answer means for a step that asked: a probe's value, or what is wrong.
pub(super) fn answered(
    channel: &Channel,
    op: &str,
    expected: Expected,
    weight: Weight,
    response: Option<&Response>,
) -> Result<Option<(Probe, bool)>, (Weight, String)> {
    // Words are for people: nothing is judged by them.
    let refusal = |response: &Response| {
        let words = response.why.as_deref().unwrap_or(response.reason.words());
        format!("{channel} refused {op}: {words}")
    };
    let unanswered = || format!("{channel} did not answer {op}");
    let unsaid = || Err((Weight::Inconclusive, format!("{channel} does not say whether it is paired")));
    match (expected, response) {
        (Expected::Done, Some(r)) if r.ok => Ok(None),
        (Expected::Done, Some(r)) => Err((weight, refusal(r))),
        (Expected::Any, _) => Ok(None),
        (Expected::Refused, Some(r)) if r.ok => {
            Err((weight, format!("{channel} did {op} instead of refusing it")))
        }
        // A debug probe always answers: silence is a probe that is not there.
        (Expected::Refused, None) if *channel == Channel::Memory => Err((Weight::Inconclusive, unanswered())),
        // One that found no target refuses, too, and has not tried the lock's port.
        (Expected::Refused, Some(r)) if *channel == Channel::Memory && r.reason != Reason::Locked => {
            let words = r.why.as_deref().unwrap_or(r.reason.words());
            Err((
                Weight::Inconclusive,
                format!("the probe does not say that the port is locked; it says: {words}"),
            ))
        }
        (Expected::Refused, _) => Ok(None),
        (Expected::Paired(wanted), Some(r)) if r.ok => match r.paired {
            Some(paired) if paired == wanted => Ok(None),
            Some(true) => Err((weight, format!("{channel} is still paired"))),
            Some(false) => Err((weight, format!("{channel} is not paired"))),
            None => unsaid(),
        },
        (Expected::Holds { codes, users }, Some(r)) if r.ok => match (r.paired, r.codes.zip(codes)) {
            (Some(true), Some((said, stored))) if said != stored => {
                Err((weight, format!("{channel} reports {}; stored: {stored}", counted(said, "code"))))
            }
            (Some(true), _) => match r.users {
                Some(said) if said > 1 => Err((
                    weight,
                    format!("{channel} reports {}, but only 1 was paired", counted(said, "user")),
                )),
                None if users => {
                    Err((Weight::Inconclusive, format!("{channel} does not say how many users it has")))
                }
                _ => Ok(None),
            },
            (Some(false), _) => Err((weight, format!("{channel} is not paired"))),
            (None, _) => unsaid(),
        },
        (Expected::Erased { codes }, Some(r)) if r.ok => {
            let left = |count: Option<u64>| count.filter(|count| *count > 0);
            match (r.paired, left(r.users), left(r.codes).filter(|_| codes)) {
                (Some(true), ..) => Err((weight, format!("{channel} is still paired"))),
                (_, Some(users), _) => {
                    Err((weight, format!("{channel} still reports {}", counted(users, "user"))))
                }
                (_, _, Some(left)) => {
                    Err((weight, format!("{channel} still reports {}", counted(left, "code"))))
                }
                (Some(false), None, None) => Ok(None),
                (None, ..) => unsaid(),
            }
        }
        // Silence or a refusal to say is no proof that a binding is gone.
        (Expected::Paired(false) | Expected::Erased { .. } | Expected::Holds { .. }, Some(r)) => {
            Err((Weight::Inconclusive, refusal(r)))
        }
        (Expected::Paired(true), Some(r)) => Err((weight, refusal(r))),
        (Expected::Probe(probe), Some(r)) if r.ok => {
            r.paired.map_or_else(unsaid, |paired| Ok(Some((probe, paired))))
        }
        (Expected::Probe(_), Some(r)) => Err((Weight::Inconclusive, refusal(r))),
        (Expected::Done, None) => Err((weight, unanswered())),
        (
            Expected::Paired(_) | Expected::Erased { .. } | Expected::Holds { .. } | Expected::Probe(_),
            None,
        ) => Err((Weight::Inconclusive, unanswered())),
    }
}
