//! Measures where a lock's answer changes: the hold from which it resets, the supply at which it still does. Each trial
//! is a case like any other, so simulated locks, peers and benches are measured alike, with evidence.

use crate::engine::CaseResult;
use crate::lock::{Method, named_enum};
use crate::rig::Rig;
use crate::scenario::Stage;
use crate::scenario::ast::Model;
use crate::statistics::{Estimate, Threshold};
use crate::unit::{Duration, Ratio, Voltage};
use crate::verdict::Verdict;

use super::trial::{STUCK, Trial};

/// A lock is looked at from this share of what is stated, and up to so many times as much. What is far longer than stated
/// may be no reset any more: then less is tried.
const FROM: f64 = 0.05;
const TO: [f64; 3] = [3.0, 1.5, 1.1];

named_enum! {
    /// What is measured.
    Quantity {
        /// The hold from which the lock resets.
        Hold = "hold",
        /// The second hold from which it does.
        SecondHold = "second-hold",
        /// The pause up to which it does.
        Gap = "gap",
        /// The supply from which a reset completes.
        Supply = "supply",
    }
}

impl Quantity {
    /// Whether more suffices: a pause can be too long, everything else too short or too low.
    fn is_upwards(self) -> bool {
        match self {
            Self::Hold | Self::SecondHold | Self::Supply => true,
            Self::Gap => false,
        }
    }

    /// In which its values are.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Hold | Self::SecondHold | Self::Gap => "s",
            Self::Supply => "V",
        }
    }
}

/// What a trial said.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The value suffices.
    Enough,
    /// It does not.
    TooLittle,
    /// Nothing can be concluded, for this reason.
    Unclear(String),
}

/// A trial with its answer.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its number, from 1.
    pub number: usize,
    /// At which value it was made, as it was achieved.
    pub value: f64,
    /// What it said.
    pub answer: Answer,
}

/// The trials of a model, a method and a quantity.
pub struct Trials<'a> {
    model: &'a Model,
    method: Method,
    quantity: Quantity,
    stated: f64,
    low: f64,
    /// Upper ends, the first one that answers otherwise than the lower end counts.
    tops: Vec<f64>,
    /// Trials at upper ends and the lower one, by what they said.
    ends: (Vec<bool>, Option<bool>),
    /// Once both ends answered, each in its way.
    threshold: Option<Threshold>,
    heard: Vec<Heard>,
}

impl<'a> Trials<'a> {
    /// Trials of what a model states, within a range if one is given.
    ///
    /// # Errors
    /// Why the model has no such quantity, or its range holds nothing, as a text for people.
    pub fn new(
        model: &'a Model,
        method: Method,
        quantity: Quantity,
        range: (Option<f64>, Option<f64>),
    ) -> Result<Self, String> {
        let stated = stated(model, method, quantity)?;
        let low = range.0.unwrap_or(stated * FROM);
        let tops = range.1.map_or_else(|| tops(quantity, stated), |top| vec![top]);
        if !low.is_finite() || low <= 0.0 || tops.iter().any(|top| !top.is_finite() || *top <= low) {
            let ends: Vec<String> = tops.iter().map(|top| format!("{top:.3}")).collect();
            return Err(format!("there is nothing to measure from {low:.3} to {}", ends.join(" or ")));
        }
        let ends = (Vec::new(), None);
        Ok(Self { model, method, quantity, stated, low, tops, ends, threshold: None, heard: Vec::new() })
    }

    /// What is measured.
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// What the model states: seconds, or volts.
    pub fn stated(&self) -> f64 {
        self.stated
    }

    /// Within which values it is looked for.
    pub fn range(&self) -> (f64, f64) {
        let tried = self.ends.0.len().clamp(1, self.tops.len());
        (self.low, self.tops[tried - 1])
    }

    /// Whether the lock answers the same at both ends of the range: there is nothing to find.
    pub fn is_one_sided(&self) -> bool {
        let has_no_top = self.ends.0.len() == self.tops.len() && !self.ends.0.contains(&true);
        has_no_top || self.ends.1 == Some(false)
    }

    /// Whether some value sufficed that is less than one that did not.
    pub fn is_sharp(&self) -> bool {
        let of = |answer: Answer| {
            let values = self.heard.iter().filter(move |heard| heard.answer == answer);
            values.map(|heard| heard.value).filter(|value| *value <= self.range().1)
        };
        let (enough, too_little) = match self.quantity.is_upwards() {
            true => (of(Answer::Enough), of(Answer::TooLittle)),
            false => (of(Answer::TooLittle), of(Answer::Enough)),
        };
        enough.fold(f64::INFINITY, f64::min) > too_little.fold(0.0, f64::max)
    }

    /// The trials so far.
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// Whether too many trials said nothing, and why the last one did.
    pub fn is_stuck(&self) -> Option<&str> {
        let reasons = self.heard.iter().filter_map(|heard| match &heard.answer {
            Answer::Unclear(reason) => Some(reason.as_str()),
            Answer::Enough | Answer::TooLittle => None,
        });
        let reasons: Vec<&str> = reasons.collect();
        reasons.last().copied().filter(|_| reasons.len() >= STUCK)
    }

    /// What is known by now. Nothing is, as long as the lock answered the same at every value.
    pub fn estimate(&self) -> Option<Estimate> {
        self.threshold.as_ref().map(Threshold::estimate)
    }

    /// The next trial.
    ///
    /// # Errors
    /// The trial is not what the language permits, as a text for people.
    pub fn next(&self) -> Result<Trial, String> {
        let number = self.heard.len() + 1;
        // First both ends: between two equal answers there is nothing to find.
        let value = match &self.threshold {
            Some(threshold) => threshold.next(),
            None if self.ends.0.last() == Some(&true) => self.low,
            None => self.tops[self.ends.0.len().min(self.tops.len() - 1)],
        };
        let (value, text) = self.written(&Trial::id(number), value)?;
        Trial::new(number, value, (self.model, self.method), text)
    }

    /// The scenario of a trial, and the value as it is written there.
    fn written(&self, id: &str, value: f64) -> Result<(f64, String), String> {
        let too_large = || format!("{value} is more than a trial can have");
        let share = altered(value / self.stated).ok_or_else(too_large)?;
        let of_stated = self.stated * share.as_parts_per_million() as f64 / 1e6;
        let reset = || vec!["reset".to_owned()];
        let (value, what, but, act, expect) = match self.quantity {
            Quantity::Hold => (of_stated, "hold", format!("hold: {share}"), reset(), "unchanged"),
            Quantity::SecondHold => {
                (of_stated, "second hold", format!("second_hold: {share}"), reset(), "unchanged")
            }
            Quantity::Gap => (of_stated, "pause", format!("gap: {share}"), reset(), "unchanged"),
            Quantity::Supply => {
                let supply = Voltage::from_f64(value).ok_or_else(too_large)?;
                let lowered = format!("power: {{to: {supply}}}");
                let act = [&lowered, "wait: 5 s", "reset", "wait: 5 s", "power: on"].map(str::to_owned);
                (supply.as_f64(), "supply", String::new(), act.to_vec(), "erased: user_codes")
            }
        };
        let unit = self.quantity.unit();
        let but = if but.is_empty() { String::new() } else { format!("but: {{{but}}}\n") };
        let act: String = act.iter().map(|step| format!("  - {step}\n")).collect();
        let text = format!(
            "scenario: {id}\ntitle: Trial - {what} of {value:.3} {unit}\nmethods: [{}]\narrange:\n  \
             - provision: {{user_codes: 2, app: paired, hub: paired}}\n  - prove: provisioned\n{but}act:\n{act}\
             expect:\n  - {expect}\n",
            self.method
        );
        Ok((value, text))
    }

    /// Hears what became of a trial, and at which value it was made, if that was measured.
    pub fn hear(&mut self, trial: &Trial, result: &CaseResult, rig: &Rig, achieved: Option<f64>) {
        let value = achieved.unwrap_or(trial.value);
        let answer = self.answer(trial, result, rig);
        match answer {
            Answer::Enough => self.note(value, self.quantity.is_upwards()),
            Answer::TooLittle => self.note(value, !self.quantity.is_upwards()),
            Answer::Unclear(_) => {}
        }
        self.heard.push(Heard { number: trial.number, value, answer });
    }

    /// Takes an answer in: whether a value is beyond the threshold.
    fn note(&mut self, value: f64, is_beyond: bool) {
        if let Some(threshold) = &mut self.threshold {
            return threshold.hear(value, is_beyond);
        }
        if self.ends.0.last() == Some(&true) {
            self.ends.1 = Some(!is_beyond);
        } else {
            self.ends.0.push(is_beyond);
        }
        if self.ends.1 == Some(true) {
            let (low, high) = self.range();
            let mut threshold = Threshold::between(low, high);
            threshold.hear(low, false);
            threshold.hear(high, true);
            self.threshold = Some(threshold);
        }
    }

    /// A trial says something only if it got as far as its question, and nothing else was wrong.
    fn answer(&self, trial: &Trial, result: &CaseResult, rig: &Rig) -> Answer {
        let reason = || Answer::Unclear(result.reason.clone());
        let is_yes = match (self.quantity, result.verdict) {
            (_, Verdict::Error | Verdict::Inconclusive | Verdict::NotApplicable | Verdict::Aborted) => {
                return reason();
            }
            // What is unchanged was not reset.
            (Quantity::Hold | Quantity::SecondHold | Quantity::Gap, verdict) => verdict == Verdict::Fail,
            (Quantity::Supply, verdict) => verdict == Verdict::Pass,
        };
        let asks = |stage| match self.quantity {
            Quantity::Hold | Quantity::SecondHold | Quantity::Gap => stage == Stage::Expect,
            // A reset that does not get on ends the act.
            Quantity::Supply => matches!(stage, Stage::Act | Stage::Expect),
        };
        if result.verdict == Verdict::Fail && !trial.failed_where(result, rig, asks) {
            return reason();
        }
        if is_yes { Answer::Enough } else { Answer::TooLittle }
    }
}

/// A share of what is stated. None of it and all of it alter nothing, so the next one is taken.
fn altered(share: f64) -> Option<Ratio> {
    let least = Ratio::from_f64(1e-6)?;
    match Ratio::from_f64(share)?.max(least) {
        Ratio::WHOLE => Ratio::from_f64(1.0 + 1e-6),
        share => Some(share),
    }
}

/// Up to what a lock is looked at.
fn tops(quantity: Quantity, stated: f64) -> Vec<f64> {
    match quantity {
        Quantity::Hold | Quantity::SecondHold => TO.map(|times| stated * times).to_vec(),
        Quantity::Gap => vec![stated * TO[0]],
        // No lock is given more than its supply.
        Quantity::Supply => vec![stated],
    }
}

/// What a model states of a quantity: seconds, or volts.
fn stated(model: &Model, method: Method, quantity: Quantity) -> Result<f64, String> {
    let id = &model.facts.id;
    let facts = model.methods.get(&method).and_then(|fact| fact.known());
    let facts = facts.ok_or_else(|| format!("{id} has no reset by {method}"))?;
    let seconds = Duration::as_seconds_f64;
    let (stated, what) = match quantity {
        Quantity::Hold => (facts.decisive.hold.as_ref().map(|hold| seconds(hold.length)), "hold"),
        Quantity::SecondHold => {
            (facts.decisive.second_hold.as_ref().map(|hold| seconds(hold.length)), "second hold")
        }
        Quantity::Gap => (facts.decisive.gap.as_ref().map(|gap| seconds(gap.length)), "pause"),
        Quantity::Supply => (Some(model.facts.power.nominal.as_f64()), "supply"),
    };
    let none = || format!("a reset of {id} by {method} depends on no {what}");
    stated.filter(|stated| *stated > 0.0).ok_or_else(none)
}
