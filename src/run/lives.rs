//! Which faults exploration finds: lives on simulated locks, played without evidence.

use std::sync::Arc;
use std::time::{Duration as Wall, Instant as Clock};

use crate::engine::{CaseResult, Cause};
use crate::lock::Method;
use crate::rig::Rig;
use crate::scenario::Start;
use crate::scenario::ast::Model;
use crate::unit::{Duration, Instant};
use crate::verdict::Verdict;

use super::explore::{Ended, Explorer, Found, Purpose, Round, methods};
use super::fit::playable;
use super::score::{Specimen, play_on};

/// Lives of a round: few at first, so that each model has its turn soon.
const FIRST: usize = 8;
/// At most.
const MOST: usize = 256;

/// The first life that shows a fault.
#[derive(Clone, Debug)]
pub struct FirstLife {
    /// On which model.
    pub model: Arc<str>,
    /// Reset by what.
    pub method: Method,
    /// The life, as short as it could be made.
    pub found: Found,
    /// Lives that were played until then, on all models.
    pub lives: u64,
    /// How long they were in the locks' time.
    pub virtual_time: Duration,
    /// How long that took on one processor.
    pub wall: Wall,
}

/// Explores locks with the same fault, a little of each in turn, until a life fails on one of them; so many lives by each
/// method, and so long for each model at most.
pub fn first_life(
    models: &[&Model],
    rig: &Rig,
    specimen: Specimen,
    budget: Wall,
    lives: u64,
) -> Option<FirstLife> {
    let began = Clock::now();
    let budget = budget.saturating_mul(u32::try_from(models.len()).unwrap_or(u32::MAX));
    let mut explorers = Vec::new();
    for model in models {
        for method in methods(model) {
            explorers.push((*model, method, Explorer::new(model, method, specimen.seed, rig, None)));
        }
    }
    let (mut size, mut played, mut virtual_time) = (FIRST, 0_u64, Duration::ZERO);
    let mut left: Vec<u64> = vec![lives; explorers.len()];
    loop {
        let mut is_over = true;
        for ((model, method, explorer), left) in explorers.iter_mut().zip(&mut left) {
            if began.elapsed() >= budget {
                return None;
            }
            let wanted = size.min(usize::try_from(*left).unwrap_or(MOST));
            let Ok(Some(round)) = explorer.round(wanted) else { continue };
            is_over = false;
            *left = left.saturating_sub(round.drawn());
            let ended = play(&round, specimen);
            played += ended.len() as u64;
            virtual_time = ended.iter().fold(virtual_time, |sum, one| sum.saturating_add(one.length));
            explorer.hear(&round, ended);
            if explorer.is_shrinking() {
                let wall = began.elapsed();
                while let Ok(Some(round)) = explorer.round(FIRST) {
                    explorer.hear(&round, play(&round, specimen));
                }
                let found = explorer.found()?;
                // What a sound lock fails in, too, shows nothing of the fault.
                let sound = Specimen { flaw: None, ..specimen };
                let proof = explorer.proof(&found, "life").ok()?;
                if play(&proof, sound).iter().any(|one| one.result.verdict != Verdict::Pass) {
                    return None;
                }
                let (model, method) = (Arc::clone(&model.facts.id), *method);
                return Some(FirstLife { model, method, found, lives: played, virtual_time, wall });
            }
        }
        if is_over {
            return None;
        }
        size = (size * 2).min(MOST);
    }
}

/// Plays a round up to the first life that fails.
fn play(round: &Round, specimen: Specimen) -> Vec<Ended> {
    let mut ended = Vec::new();
    for planned in round.plan.cases() {
        let (result, length) = match playable(planned.build(&round.library, Start::Delivered)) {
            Ok(program) => {
                let mut lock = specimen.lock();
                match play_on(&mut lock, &program, &planned, specimen.seed, &mut |_, _| Ok(())) {
                    Ok(played) => (played.result, played.end.since(Instant::START)),
                    Err(error) => {
                        let reason = error.to_string();
                        (CaseResult::unplayed(Verdict::Error, Cause::Lockrig, reason), Duration::ZERO)
                    }
                }
            }
            Err(result) => (*result, Duration::ZERO),
        };
        let has_failed = result.verdict == Verdict::Fail;
        ended.push(Ended { scenario: planned.scenario.to_string(), result, length });
        if has_failed && round.purpose != Purpose::Proof {
            break;
        }
    }
    ended
}
