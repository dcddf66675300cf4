//! Which codes open: how what was typed is compared with what is stored.

use crate::sim::defect::Defect;
use crate::sim::lock::SimulatedLock;
use crate::sim::mutation::Rule;

impl SimulatedLock {
    /// The master code that is valid now.
    pub(super) fn master(&self) -> Option<&str> {
        let default = || self.design.default_master.filter(|_| self.rules.does(Rule::DefaultMaster));
        self.memory.master.as_deref().or_else(default)
    }

    /// Whether a code opens the lock now.
    pub(super) fn opens_for(&self, code: &str) -> bool {
        let is_universal = self.has(Defect::UniversalCodeOpens) && matches!(code, "000" | "4560852580");
        let is_known = self.memory.codes.values().any(|known| {
            self.rules.decides(Rule::CodeMatches, known == code) || self.is_taken_for(known, code)
        });
        if is_known || is_universal || self.remains_open_for(code) || self.opens_without_code(code) {
            return true;
        }
        let keeps_default = self.has(Defect::DefaultAlwaysOpens)
            || (self.has(Defect::DefaultStaysAfterReset) && self.memory.was_reset);
        if keeps_default && self.design.default_codes.contains(&code) {
            return true;
        }
        let untouched = self.memory.fresh && self.memory.codes.is_empty();
        let defective = self.has(Defect::OpensForAnyCode) && self.memory.was_reset && self.memory.fresh;
        if (self.design.open_when_fresh && self.rules.decides(Rule::OpenWhenFresh, untouched)) || defective {
            return true;
        }
        let dead = self.has(Defect::DefaultCodeDead) && self.memory.was_reset;
        let is_default = self.rules.decides(Rule::DefaultMatches, self.design.default_codes.contains(&code));
        let counts = self.rules.decides(Rule::DefaultWithoutCodes, self.memory.codes.is_empty());
        counts && !dead && is_default
    }

    /// Whether a careless comparison takes what was typed for a code that it is not.
    fn is_taken_for(&self, known: &str, typed: &str) -> bool {
        let sum = |code: &str| code.bytes().map(u64::from).sum::<u64>();
        match self.defect {
            Some(Defect::PrefixOpens) => !typed.is_empty() && known.starts_with(typed),
            Some(Defect::LongerCodeOpens) => typed.starts_with(known),
            Some(Defect::LeadingDigitsIgnored) => typed.ends_with(known),
            Some(Defect::LastDigitUnread) => {
                matches!((known.as_bytes(), typed.as_bytes()), ([a @ .., _], [b @ .., _]) if a == b)
            }
            Some(Defect::FirstDigitUnread) => {
                matches!((known.as_bytes(), typed.as_bytes()), ([_, a @ ..], [_, b @ ..]) if a == b)
            }
            Some(Defect::FourDigitsCompared) => {
                known.len() == typed.len() && known.bytes().take(4).eq(typed.bytes().take(4))
            }
            Some(Defect::ChecksumOpens) => known.len() == typed.len() && sum(known) == sum(typed),
            _ => false,
        }
    }

    /// Whether a faulty lock opens for something that nobody stored.
    fn opens_without_code(&self, typed: &str) -> bool {
        match self.defect {
            Some(Defect::EmptyEntryOpens) => typed.is_empty(),
            // That is what an empty slot holds.
            Some(Defect::ZerosOpen) => {
                self.memory.was_reset && typed.len() >= 4 && typed.bytes().all(|digit| digit == b'0')
            }
            Some(Defect::SlotNumberOpens) => {
                typed.parse::<u64>().is_ok_and(|slot| self.memory.codes.contains_key(&slot))
            }
            _ => false,
        }
    }
}
