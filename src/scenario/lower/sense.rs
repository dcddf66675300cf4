//! What is well written and makes no sense: empty bodies, a release without a hold, a cover that
//! the model does not have, steps without end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lock::{Fact, Facts, Method};
use crate::scenario::ast::{self, Action, Claim, Control, MethodFacts, Operation, Step, Supply};
use crate::trace::Channel;
use crate::unit::Duration;
use crate::yaml::{Diagnostics, Place};

/// More steps than this, once repeats are written out, are a mistake.
const MAX_STEPS: u64 = 20_000;
/// No single wait is longer; a battery that must stay out for an hour is the longest known.
const LONGEST_WAIT: Duration = Duration::seconds(24 * 3600);

/// Checks the steps of a procedure or of a scenario's stage.
pub(super) fn steps(list: &[Step], facts: Option<&Facts>, findings: &mut Diagnostics) {
    too_long(list, &|_| 0, findings);
    let mut held: Vec<Control> = Vec::new();
    for step in list {
        self::step(step, facts, findings);
        match &step.action {
            Action::Hold(controls) => {
                for control in controls {
                    if held.contains(control) {
                        findings.error(&step.place, format!("{} is already held", name(control)));
                    }
                    held.push(control.clone());
                }
            }
            Action::Release(controls) => {
                for control in controls {
                    if !held.contains(control) {
                        findings.error(&step.place, format!("{} is not held here", name(control)));
                    }
                    held.retain(|known| known != control);
                }
            }
            Action::Press { controls, .. } => {
                for control in controls.iter().filter(|control| held.contains(control)) {
                    findings
                        .error(&step.place, format!("{} is pressed while it is already held", name(control)));
                }
            }
            Action::Type { .. }
            | Action::Power { .. }
            | Action::Turn { .. }
            | Action::Contact { .. }
            | Action::Wait(_)
            | Action::WaitLockout { .. }
            | Action::WaitUntil { .. }
            | Action::Observe { .. }
            | Action::NoChange { .. }
            | Action::Never { .. }
            | Action::Witness { .. }
            | Action::Ask { .. }
            | Action::Together(_)
            | Action::Repeat { .. }
            | Action::Do { .. }
            | Action::Claim(_) => {}
        }
    }
    if let (Some(step), Some(control)) = (list.last(), held.first()) {
        findings.error_with_hint(
            &step.place,
            format!("{} is still held at the end", name(control)),
            "add `- release:` for it",
        );
    }
}

fn name(control: &Control) -> String {
    match control {
        Control::Button(name) => format!("button `{name}`"),
        Control::Key(label) => format!("key `{label}`"),
    }
}

fn step(step: &Step, facts: Option<&Facts>, findings: &mut Diagnostics) {
    let mut wrong = |message: &str| findings.error(&step.place, message.to_owned());
    match &step.action {
        Action::Hold(list) | Action::Release(list) | Action::Press { controls: list, .. }
            if list.is_empty() =>
        {
            wrong("no control is named");
        }
        Action::Type { keys, .. } if keys.is_empty() => wrong("no key is named"),
        Action::NoChange { channels, .. } if channels.is_empty() => wrong("`channels` names no channel"),
        Action::NoChange { duration, .. } if *duration == Duration::ZERO => {
            wrong("a window of zero length sees nothing")
        }
        Action::NoChange { channels, .. } if channels.iter().any(Channel::is_driven) => {
            wrong("the rig drives this channel itself, so only its own actions would show")
        }
        Action::Never { body, .. } if !body.is_empty() && body.iter().all(takes_no_time) => {
            wrong("`while` takes no time, so nothing would be seen")
        }
        Action::Never { body, .. } | Action::Repeat { body, .. } if body.is_empty() => {
            wrong("the body is empty")
        }
        Action::Together(branches) if branches.iter().any(Vec::is_empty) || branches.is_empty() => {
            wrong("a branch is empty");
        }
        Action::Wait(duration) if *duration > LONGEST_WAIT => wrong("a wait can be at most 24 h"),
        Action::Observe { within, .. } if *within == Duration::ZERO => {
            wrong("a window of zero length sees nothing")
        }
        Action::Contact { channel: Channel::Cover, .. } if facts.is_some_and(|facts| !facts.cover) => {
            wrong("the model has no cover");
        }
        Action::Contact { channel: Channel::Door, .. } if facts.is_some_and(|facts| !facts.door) => {
            wrong("the model has no door");
        }
        Action::Power { to: Supply::Volts(volts), .. } => {
            let most = facts.map_or(48_000_000, |facts| facts.power.nominal.as_millionths() * 3 / 2);
            if !(0..=most).contains(&volts.as_millionths()) {
                wrong(&format!(
                    "{volts} is outside the range allowed for this lock: 0 V to 1.5 times nominal"
                ));
            }
        }
        Action::Power { over: Some(_), duration: Some(_), .. } => {
            wrong("`over` and `for` can't be used together")
        }
        Action::Hold(_)
        | Action::Release(_)
        | Action::Press { .. }
        | Action::Type { .. }
        | Action::Power { .. }
        | Action::Turn { .. }
        | Action::Contact { .. }
        | Action::Wait(_)
        | Action::WaitLockout { .. }
        | Action::WaitUntil { .. }
        | Action::Observe { .. }
        | Action::NoChange { .. }
        | Action::Never { .. }
        | Action::Witness { .. }
        | Action::Ask { .. }
        | Action::Together(_)
        | Action::Repeat { .. }
        | Action::Do { .. }
        | Action::Claim(_) => {}
    }
    if let Action::Never { body, .. } | Action::Repeat { body, .. } = &step.action {
        steps(body, facts, findings);
    } else {
        // Of branches and of what is waited for, each by itself: a button may be held in one branch while another acts.
        let inner = step.action.children();
        inner.into_iter().flatten().for_each(|inner| self::step(inner, facts, findings));
    }
}

fn takes_no_time(step: &Step) -> bool {
    matches!(&step.action, Action::Wait(duration) if *duration == Duration::ZERO)
}

/// Number of steps with all repeats written out; `of` says how many an operation has.
pub(in crate::scenario) fn expanded(list: &[Step], of: &dyn Fn(&str) -> u64) -> u64 {
    let one = |step: &Step| match &step.action {
        Action::Repeat { times, body, .. } => u64::from(*times).saturating_mul(expanded(body, of).max(1)),
        Action::Press { times, .. } => u64::from(*times).saturating_mul(4),
        Action::Never { body, .. } => expanded(body, of),
        Action::Together(branches) => {
            branches.iter().map(|branch| expanded(branch, of)).fold(0, u64::saturating_add)
        }
        // A code has up to twelve digits, and each is touched and let go.
        Action::Type { keys, .. } => (keys.len() as u64).saturating_mul(12),
        Action::Power { over: Some(over), .. } => over.as_nanoseconds() / 20_000_000,
        Action::Do { operation, .. } => of(operation),
        Action::Hold(_)
        | Action::Release(_)
        | Action::Power { over: None, .. }
        | Action::Turn { .. }
        | Action::Contact { .. }
        | Action::Wait(_)
        | Action::WaitLockout { .. }
        | Action::WaitUntil { .. }
        | Action::Observe { .. }
        | Action::NoChange { .. }
        | Action::Witness { .. }
        | Action::Ask { .. }
        | Action::Claim(_) => 1,
    };
    list.iter().map(one).fold(0, u64::saturating_add)
}

/// How many steps each operation has, operations within it written out.
pub(in crate::scenario) fn sizes(
    operations: &BTreeMap<Arc<str>, Fact<Operation>>,
) -> BTreeMap<Arc<str>, u64> {
    let mut sizes: BTreeMap<Arc<str>, u64> = BTreeMap::new();
    // Each round settles those that do only settled ones; what does itself is refused elsewhere.
    for _ in 0..operations.len() {
        let round: BTreeMap<Arc<str>, u64> = operations
            .iter()
            .filter_map(|(name, fact)| {
                let of = |name: &str| sizes.get(name).copied().unwrap_or(1);
                Some((Arc::clone(name), expanded(&fact.known()?.procedure, &of)))
            })
            .collect();
        if round == sizes {
            break;
        }
        sizes = round;
    }
    sizes
}

/// Refuses procedures that would be too long to hold, with all repeats and operations written out.
pub(super) fn lengths(
    methods: &BTreeMap<Method, Fact<MethodFacts>>,
    operations: &BTreeMap<Arc<str>, Fact<Operation>>,
    findings: &mut Diagnostics,
) {
    let sizes = sizes(operations);
    let of = |name: &str| sizes.get(name).copied().unwrap_or(0);
    let methods = methods.values().filter_map(Fact::known).map(|facts| &facts.procedure);
    let operations = operations.values().filter_map(Fact::known).map(|operation| &operation.procedure);
    for procedure in methods.chain(operations) {
        too_long(procedure, &of, findings);
    }
}

/// Refuses a list of steps that is too long, with all repeats and operations written out.
pub(in crate::scenario) fn too_long(list: &[Step], of: &dyn Fn(&str) -> u64, findings: &mut Diagnostics) {
    let count = expanded(list, of);
    if let Some(step) = list.first().filter(|_| count > MAX_STEPS) {
        let message =
            format!("with all repeats written out this is {count} steps; at most {MAX_STEPS} are allowed");
        findings.error(&step.place, message);
    }
}

/// Refuses operations that do themselves, by whatever way: written out, they would never end.
pub(super) fn recursion(
    operations: &BTreeMap<Arc<str>, Fact<Operation>>,
    findings: &mut Diagnostics,
) -> Result<(), Endless> {
    let mut outcome = Ok(());
    'all: for start in operations.keys() {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = vec![start];
        while let Some(name) = open.pop() {
            let procedure = operations.get(name).and_then(Fact::known).map(|operation| &operation.procedure);
            for (used, at) in procedure.into_iter().flat_map(|steps| uses(steps)) {
                if *used == **start {
                    findings.error(at, format!("operation `{start}` calls itself"));
                    outcome = Err(Endless);
                    continue 'all;
                }
                if seen.insert(used) {
                    open.push(used);
                }
            }
        }
    }
    outcome
}

/// Operations that can't be written out.
pub(super) struct Endless;

/// Operations that steps do, with their places.
fn uses(list: &[Step]) -> Vec<(&str, &Place)> {
    let mut found = Vec::new();
    for step in ast::all(list) {
        if let Action::Do { operation, .. } = &step.action {
            found.push((&**operation, &step.place));
        }
    }
    found
}

/// Whether a step of `expect` can be wrong at all.
pub(super) fn judges(step: &Step) -> bool {
    ast::all([step]).iter().any(|step| match &step.action {
        Action::Claim(claim) => match claim {
            Claim::Provision { .. }
            | Claim::Restart { .. }
            | Claim::Reset
            | Claim::ResetBut(_)
            | Claim::ResetBy(_) => false,
            Claim::Prove
            | Claim::ProveInMemory
            | Claim::VerifyState
            | Claim::Inventory
            | Claim::Attempt { .. }
            | Claim::LockOut { .. }
            | Claim::NearlyLockOut
            | Claim::Confirmed
            | Claim::Unconfirmed
            | Claim::Erased(_)
            | Claim::NoOldAccess
            | Claim::FactoryState
            | Claim::Recommission
            | Claim::Unchanged
            | Claim::AllOrNothing
            | Claim::NothingLeft
            | Claim::Memory(_) => true,
        },
        Action::Observe { .. }
        | Action::NoChange { .. }
        | Action::Ask { .. }
        | Action::Witness { .. }
        | Action::Never { .. } => true,
        Action::Hold(_)
        | Action::Release(_)
        | Action::Press { .. }
        | Action::Type { .. }
        | Action::Power { .. }
        | Action::Turn { .. }
        | Action::Contact { .. }
        | Action::Wait(_)
        | Action::WaitLockout { .. }
        | Action::WaitUntil { .. }
        | Action::Together(_)
        | Action::Repeat { .. }
        | Action::Do { .. } => false,
    })
}
