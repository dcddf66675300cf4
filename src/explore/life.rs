//! A life of a lock, and how it is written in the language. A deed that is not possible where it stands, as the use of a
//! code that is gone, is left out: so whatever is taken out of a life leaves one that can be played.

use std::fmt::Write as _;

use crate::belief::Bond;
use crate::lock::Method;

use super::deed::Deed;

/// A life of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The method by which it is reset.
    pub method: Method,
    /// How many codes its first owner stores.
    pub codes: u8,
    /// What is done, in this order.
    pub deeds: Vec<Deed>,
}

/// What a life has stored so far, as far as later deeds name it.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// Names of the codes that work, with their slots.
    pub codes: Vec<(String, u8)>,
    /// Codes of the scenario's own that were named so far.
    extra: u8,
    /// Bindings that were given up.
    pub unbound: Vec<Bond>,
    /// Up to here, nobody knows what is in the slots: codes that showed something were stored there.
    taken: u8,
}

impl Standing {
    pub(super) fn new(codes: u8) -> Self {
        let codes = (1..=codes).map(|number| (format!("user.{number}"), number)).collect();
        Self { codes, extra: 0, unbound: Vec::new(), taken: 0 }
    }

    /// A new code in a slot, in place of what was there.
    fn store(&mut self, slot: u8) -> String {
        self.extra += 1;
        let name = format!("extra.{}", self.extra);
        self.codes.retain(|(_, taken)| *taken != slot);
        self.codes.push((name.clone(), slot));
        name
    }

    /// A whole reset, and so long after it the next owner sets the lock up.
    fn begin_anew(&mut self, codes: u8, reset: &str, after: &str) -> Vec<String> {
        *self = Self { extra: self.extra, ..Self::new(codes) };
        let (verify, wait) = ("verify_state".to_owned(), format!("wait: {after}"));
        vec![reset.to_owned(), wait, verify.clone(), set_up(codes), verify]
    }

    fn may_store(&self, slot: u8) -> bool {
        slot > self.taken && self.extra < MAX_EXTRA
    }

    fn code(&self, number: usize) -> Option<&(String, u8)> {
        self.codes.get(number % self.codes.len().max(1))
    }

    /// The steps of a deed, if it is possible here, and what is stored after it.
    pub(super) fn steps(&mut self, deed: &Deed) -> Option<Vec<String>> {
        let is_bound = |bond: &Bond| !self.unbound.contains(bond);
        let word = |bond: &Bond| bond.channel().to_string();
        Some(match deed {
            Deed::Add(slot) => {
                // Most locks take codes over a binding only.
                if !self.unbound.is_empty() || !self.may_store(*slot) {
                    return None;
                }
                let name = self.store(*slot);
                vec![format!("do: {{operation: add_code, with: {{code: {name}, slot: {slot}}}}}")]
            }
            Deed::AddBy(bond, slot) => {
                if !is_bound(bond) || !self.may_store(*slot) {
                    return None;
                }
                let name = self.store(*slot);
                vec![format!("ask: {{{}: add_code, slot: {slot}, code: {name}}}", word(bond))]
            }
            Deed::Remove(bond, number) => {
                // One code stays, for without it no refusal proves anything.
                let slot = self.code(*number)?.1;
                if !is_bound(bond) || self.codes.len() < 2 || slot <= self.taken {
                    return None;
                }
                self.codes.retain(|(_, taken)| *taken != slot);
                vec![format!("ask: {{{}: remove_code, slot: {slot}}}", word(bond))]
            }
            Deed::Use(number) => vec![accepted(&self.code(*number)?.0)],
            Deed::Wrong => {
                let wrong = "attempt: {code: wrong, expect: refused}".into();
                vec![wrong, accepted(&self.code(0)?.0), APART.into()]
            }
            Deed::Near(number, near) => {
                let name = &self.code(*number)?.0;
                let near = format!("attempt: {{code: {name}, altered: {near}, expect: refused}}");
                vec![near, accepted(name), APART.into()]
            }
            Deed::LockOut => {
                let name = &self.code(0)?.0;
                vec![
                    "lock_out".into(),
                    format!("attempt: {{code: {name}, expect: refused}}"),
                    "wait: lockout".into(),
                    accepted(name),
                ]
            }
            Deed::Restart(off) => vec![format!("restart: {{off: {off}}}")],
            Deed::Batteries(off) => vec![format!("restart: {{off: {off}, cells: true}}")],
            Deed::Dip(to, length) => {
                vec![format!("power: {{to: {to} %, for: {length}}}"), "wait: 10 s".into()]
            }
            Deed::Ramp(over) => vec![
                format!("power: {{to: off, over: {over}}}"),
                "wait: 2 s".into(),
                format!("power: {{to: on, over: {over}}}"),
                "wait: 10 s".into(),
            ],
            Deed::CutWhileOpening(number) => {
                let name = &self.code(*number)?.0;
                vec![
                    format!("do: {{operation: enter, with: {{code: {name}}}}}"),
                    "wait: 200 ms".into(),
                    // Whatever moves on what is left of the power has stopped by then.
                    "power: off".into(),
                    "wait: 10 s".into(),
                    "never: {bolt: open, while: [{power: on}, {wait: 30 s}]}".into(),
                    "do: lock".into(),
                ]
            }
            Deed::Wait(length) => vec![format!("wait: {length}")],
            Deed::Status(bond) if is_bound(bond) => vec![format!("ask: {{{}: status}}", word(bond))],
            Deed::Guest(op) if is_bound(&Bond::App) => {
                vec![refused("app", op, "guest")]
            }
            Deed::Unpair(bond) if is_bound(bond) => {
                self.unbound.push(*bond);
                let op = if *bond == Bond::App { "unpair" } else { "leave" };
                vec![format!("ask: {{{}: {op}}}", word(bond)), "wait: 5 s".into()]
            }
            Deed::Pair(bond) if !is_bound(bond) => {
                self.unbound.retain(|known| known != bond);
                vec![format!("do: {}", bond.operation())]
            }
            Deed::PairAsAdmin if !is_bound(&Bond::App) => {
                self.unbound.retain(|known| *known != Bond::App);
                vec!["ask: {app: pair, role: admin, within: 30 s}".into()]
            }
            Deed::AskUnpaired(bond, op) if !is_bound(bond) => vec![refused(&word(bond), op, "owner")],
            Deed::Status(_)
            | Deed::Guest(_)
            | Deed::Unpair(_)
            | Deed::Pair(_)
            | Deed::PairAsAdmin
            | Deed::AskUnpaired(..) => return None,
            Deed::ShortHold(share) => vec![format!("reset_but: {{hold: {share} %}}")],
            Deed::Interrupted(length) => vec![format!("reset_but: {{interrupted_for: {length}}}")],
            Deed::Cut(share) => vec![format!("reset_but: {{cut_power_at: {share} %, cut_from: hold}}")],
            Deed::Reset(after, codes) => self.begin_anew(*codes, "reset", &after.to_string()),
            Deed::ResetAndAsk(codes) => {
                *self = Self { extra: self.extra, taken: *codes + BY_CLAIMS, ..Self::new(*codes) };
                vec![
                    "reset".into(),
                    "wait: 30 s".into(),
                    "no_old_access".into(),
                    set_up(*codes),
                    "verify_state".into(),
                ]
            }
            Deed::ResetBy(method, codes) => {
                let bond = match method {
                    Method::App => Some(Bond::App),
                    Method::Hub => Some(Bond::Hub),
                    Method::Button | Method::Keypad | Method::Manufacturer | Method::Knob => None,
                };
                if bond.is_some_and(|bond| self.unbound.contains(&bond)) {
                    return None;
                }
                self.begin_anew(*codes, &format!("reset_by: {method}"), "20 s")
            }
            Deed::Verify => vec!["verify_state".into()],
        })
    }
}

/// A lock may count the wrong codes of a minute, whatever good one came between.
const APART: &str = "wait: 15 s";
/// Claims store so many codes at most to show that a lock takes any.
const BY_CLAIMS: u8 = 6;
/// A scenario names so many codes of its own at most.
const MAX_EXTRA: u8 = 50;

/// Somebody asks for what they may not have.
fn refused(channel: &str, op: &str, role: &str) -> String {
    let with = match op {
        "add_code" => ", slot: 40, code: wrong",
        "remove_code" => ", slot: 1",
        "set_master" => ", code: wrong",
        _ => "",
    };
    format!("ask: {{{channel}: {op}, role: {role}{with}, expect: refused}}")
}

fn accepted(name: &str) -> String {
    format!("attempt: {{code: {name}, expect: accepted}}")
}

fn set_up(codes: u8) -> String {
    format!("provision: {{user_codes: {codes}, app: paired, hub: paired, master: set}}")
}

impl Life {
    /// The deeds that are possible where they stand.
    pub fn possible(&self) -> Vec<&Deed> {
        let mut standing = Standing::new(self.codes);
        self.deeds.iter().filter(|deed| standing.steps(deed).is_some()).collect()
    }

    /// The kinds of its deeds, in words.
    pub fn told(&self) -> String {
        let words: Vec<&str> = self.possible().iter().map(|deed| deed.kind().word()).collect();
        if words.is_empty() { "nothing but its set-up".into() } else { words.join(", ") }
    }

    /// A scenario file.
    pub fn scenario(&self, id: &str, title: &str) -> String {
        let mut text = String::new();
        // Writing to memory can't fail.
        let _ = write!(
            text,
            "scenario: {id}\ntitle: {title}\nmethods: [{}]\narrange:\n  - {}\n  - prove: provisioned\nact:\n",
            self.method.word(),
            set_up(self.codes)
        );
        let mut standing = Standing::new(self.codes);
        for step in self.deeds.iter().filter_map(|deed| standing.steps(deed)).flatten() {
            let _ = writeln!(text, "  - {step}");
        }
        text += "  - wait: 1 s\nexpect:\n  - unchanged\ntime_limit: 300 h\n";
        text
    }
}
