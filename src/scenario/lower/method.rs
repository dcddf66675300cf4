//! Methods of a model: their procedure, and what decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lock::{Asset, Fact, Facts, Level};
use crate::scenario::ast::{
    self, Action, Decisive, Interval, KeyToken, MethodFacts, Needs, Presses, Step, Term,
};
use crate::scenario::expand::PROOF_DIGITS;
use crate::scenario::phrase::phrase;
use crate::scenario::syntax::{DecisiveSyntax, Empty, IntervalSyntax, MethodSyntax, WordListOr};
use crate::unit::{Duration, Ratio};
use crate::yaml::{Place, Spanned};

use super::model::absent;
use super::{Reader, Word, sense};

/// From this share of its stated length on a lock may take a hold for long enough, if its source says nothing of its
/// clock: the one tolerance of a stated hold, used where a lock must not reset yet and where it may confirm already.
const JUST_UNDER: Ratio = Ratio::percent(95);
/// No rig tells less, in parts per million.
const LEAST_TOLERANCE: i64 = 1_000;
/// A procedure waits for so long at most in a hold, as a share of what it needs: beyond it, one of the two is a slip.
const LONGEST_MARGIN: Ratio = Ratio::percent(300);

/// A method from its file.
pub(super) fn method(reader: &mut Reader<'_>, syntax: &MethodSyntax) -> MethodFacts {
    let mut needs = Needs::default();
    for (factor, words) in &syntax.needs {
        let place = reader.place(words);
        if words.value.0.as_slice() == ["any"] {
            continue;
        }
        for word in &words.value.0 {
            match Level::from_words(factor, word) {
                Some(Some(Level::Power(level))) => drop(needs.power.insert(level)),
                Some(Some(Level::Ownership(level))) => drop(needs.ownership.insert(level)),
                Some(Some(Level::Network(level))) => drop(needs.network.insert(level)),
                Some(Some(Level::Role(level))) => drop(needs.role.insert(level)),
                Some(None) => {
                    let known = Level::words_of(factor).into_iter().chain(["any"]);
                    reader.findings.unknown(&place, "level", word, known);
                }
                None => reader.findings.unknown(&place, "factor", factor, Level::FACTORS.iter().copied()),
            }
        }
    }
    let procedure = reader.steps(&syntax.procedure);
    // What could not be read would be missed again and again.
    if procedure.len() == syntax.procedure.len() {
        sense::steps(&procedure, reader.facts, reader.findings);
    }
    for (name, place) in own_factors(&procedure) {
        reader.findings.error_with_hint(
            place,
            format!("`{name}` is what the claims vary, and can't be fixed in a method"),
            format!("leave `{name}` out; `needs: {{{name}: …}}` says for whom the method works"),
        );
    }
    let end = reader.place(&syntax.confirmed_by);
    let keeps = match (&syntax.keeps, reader.facts) {
        (Some(words), _) => super::model::keeps(reader, words),
        (None, facts) => facts.map(|facts| facts.keeps.clone()).unwrap_or_default(),
    };
    let erases = erases(reader, syntax.erases.as_ref(), &keeps, &end);
    let confirmed_by = match &syntax.confirmed_by.value {
        WordListOr::List(steps) if !steps.is_empty() => {
            Fact::Known(steps.iter().filter_map(|step| reader.observation_step(step)).collect())
        }
        WordListOr::Word(word) => {
            let place = reader.place(&syntax.confirmed_by);
            absent(reader, word, &place)
        }
        WordListOr::List(_) | WordListOr::Full(_) => {
            let place = reader.place(&syntax.confirmed_by);
            reader.findings.error_with_hint(
                &place,
                "no confirmation is named",
                "if the source does not say, write `unknown`",
            );
            Fact::Unknown
        }
    };
    let decisive = decisive(reader, &syntax.decisive, &procedure);
    let starts = syntax.starts.as_ref().and_then(|word| {
        reader.choice("state to start from", word, &[("locked", false), ("unlocked", true)])
    });
    let starts_unlocked = starts.unwrap_or(false);
    let afterwards = syntax.afterwards.iter().map(|word| word.value.0.as_str().into()).collect();
    MethodFacts { starts_unlocked, needs, decisive, erases, keeps, procedure, confirmed_by, afterwards }
}

/// What the source says the reset erases; nothing if it does not say.
fn erases(
    reader: &mut Reader<'_>,
    syntax: Option<&Spanned<WordListOr<Word, Empty>>>,
    keeps: &BTreeSet<Asset>,
    method: &Place,
) -> BTreeSet<Asset> {
    let mut erases = BTreeSet::new();
    let words = match syntax.map(|syntax| &syntax.value) {
        Some(WordListOr::Word(word)) if word == "unknown" => return erases,
        Some(WordListOr::List(words)) if !words.is_empty() => words,
        None | Some(WordListOr::Word(_) | WordListOr::List(_) | WordListOr::Full(_)) => {
            let place = syntax.map_or_else(|| method.clone(), |syntax| reader.place(syntax));
            reader.findings.error_with_hint(
                &place,
                "`erases` names nothing that a lock holds",
                "list what the source says, such as `[user_codes, app_pairing]`, or write `unknown`",
            );
            return erases;
        }
    };
    for word in words {
        let place = reader.place(word);
        let Some(asset) = reader.named::<Asset>("asset", &word.value.0, &place) else { continue };
        if keeps.contains(&asset) {
            let message = format!("`{}` survives a reset, according to `keeps`", asset.word());
            let hint = "a reset either erases it or keeps it; what only one method keeps goes into `keeps` of that method";
            reader.findings.error_with_hint(&place, message, hint);
        }
        erases.insert(asset);
    }
    erases
}

/// Factors that a request in the procedure states itself: the method would be asked by the same person in every case.
fn own_factors(procedure: &[Step]) -> Vec<(&str, &Place)> {
    let mut found = Vec::new();
    for step in ast::all(procedure) {
        if let Action::Ask { arguments, .. } = &step.action {
            let is_own = |(name, term): &&(Arc<str>, Term)| {
                matches!(&**name, "role" | "ownership" | "network") && matches!(term, Term::Word(_))
            };
            found.extend(arguments.iter().filter(is_own).map(|(name, _)| (&**name, &step.place)));
        }
    }
    found
}

fn decisive(reader: &mut Reader<'_>, syntax: &DecisiveSyntax, procedure: &[Step]) -> Decisive {
    let mut interval = |syntax: &Option<Spanned<IntervalSyntax>>, least: bool| {
        syntax.as_ref().and_then(|interval| self::interval(reader, interval, procedure, least))
    };
    let (hold, second_hold) = (interval(&syntax.hold, true), interval(&syntax.second_hold, true));
    let gap = interval(&syntax.gap, false);
    let rotation = reader.optional(syntax.rotation.as_ref());
    if let Some(word) = &syntax.rotation
        && !procedure.iter().any(|step| matches!(step.action, Action::Turn { .. }))
    {
        let place = reader.place(word);
        reader.findings.error(&place, "a turn can't be decisive: the procedure has none");
    }
    if let Some(keys) = &syntax.keys {
        let place = reader.place(keys);
        match reader.facts.and_then(|facts| typed(procedure, facts)) {
            Some(0) => reader.findings.error(&place, "keys can't be decisive: the procedure types none"),
            Some(count) if count != keys.value => reader.findings.error_with_hint(
                &place,
                format!("the number of keys in the procedure is {count}, but `keys` says {}", keys.value),
                format!("write `keys: {count}`"),
            ),
            // Without a length for codes nothing can be typed: the claims on it say so.
            Some(_) | None => {}
        }
    }
    let presses = syntax.presses.as_ref().and_then(|presses| {
        let place = reader.place(presses);
        let fits = |(step, written): (usize, &Step)| match &written.action {
            Action::Press { times, controls, .. } if *times == presses.value => {
                Some(Presses { step, count: *times, controls: controls.len() })
            }
            _ => None,
        };
        let mut fitting = procedure.iter().enumerate().filter_map(fits);
        match (fitting.next(), fitting.next()) {
            (Some(found), None) => return Some(found),
            (Some(_), Some(_)) => reader.findings.error(
                &place,
                format!("more than one step of the procedure has a press count of {}", presses.value),
            ),
            (None, _) => reader
                .findings
                .error(&place, format!("no step of the procedure has a press count of {}", presses.value)),
        }
        None
    });
    Decisive { hold, second_hold, gap, presses, keys: syntax.keys.as_ref().map(|keys| keys.value), rotation }
}

/// How many keys a procedure types, codes written out; nothing if the length of a code is not stated.
fn typed(procedure: &[Step], facts: &Facts) -> Option<u32> {
    let published = |code: &Arc<str>| u32::try_from(code.chars().count()).unwrap_or(u32::MAX);
    let digits = || facts.code_digits.known().map(|digits| u32::from(*digits));
    let keys = |token: &KeyToken| match token {
        KeyToken::Key(_) => Some(1),
        KeyToken::Parameter(name) => match &**name {
            "proof" => Some(u32::from(PROOF_DIGITS)),
            "master" => digits().or_else(|| facts.defaults.master.known().map(published)),
            _ => digits(),
        },
    };
    procedure.iter().try_fold(0_u32, |sum, step| {
        let own = match &step.action {
            Action::Type { keys: tokens, .. } => {
                tokens.iter().try_fold(0_u32, |sum, token| Some(sum.saturating_add(keys(token)?)))?
            }
            Action::Repeat { times, body, .. } => typed(body, facts)?.saturating_mul(*times),
            Action::Never { body, .. } => typed(body, facts)?,
            Action::Together(branches) => branches
                .iter()
                .try_fold(0_u32, |sum, branch| Some(sum.saturating_add(typed(branch, facts)?)))?,
            Action::Hold(_)
            | Action::Release(_)
            | Action::Press { .. }
            | Action::Power { .. }
            | Action::Turn { .. }
            | Action::Contact { .. }
            | Action::Wait(_)
            | Action::WaitLockout { .. }
            | Action::WaitUntil { .. }
            | Action::Observe { .. }
            | Action::NoChange { .. }
            | Action::Witness { .. }
            | Action::Ask { .. }
            | Action::Do { .. }
            | Action::Claim(_) => 0,
        };
        Some(sum.saturating_add(own))
    })
}

fn interval(
    reader: &mut Reader<'_>,
    syntax: &Spanned<IntervalSyntax>,
    procedure: &[Step],
    least: bool,
) -> Option<Interval> {
    let place = reader.place(syntax);
    let IntervalSyntax { from, to, at_least, at_most, tolerance } = &syntax.value;
    let phrases: Vec<String> = procedure.iter().map(|step| phrase(&step.action)).collect();
    let mut find = |word: &Word, after: usize| {
        let wanted = word.value.0.as_str();
        let found = phrases.iter().skip(after).position(|p| p == wanted).map(|index| index + after);
        if found.is_none() {
            let place = reader.place(word);
            let known = phrases.iter().skip(after).map(String::as_str);
            reader.findings.unknown(&place, "step of the procedure", wanted, known);
        }
        found
    };
    let from = find(from, 0)?;
    let to = find(to, from + 1)?;
    let length = match (least, at_least, at_most) {
        (true, Some(word), None) | (false, None, Some(word)) => reader.quantity::<Duration>(word)?,
        (true, ..) => {
            reader.findings.error(&place, "a hold takes `at_least`, and no `at_most`");
            return None;
        }
        (false, ..) => {
            reader.findings.error(&place, "a gap takes `at_most`, and no `at_least`");
            return None;
        }
    };
    if length == Duration::ZERO {
        reader.findings.error(&place, "a length of zero decides nothing");
        return None;
    }
    let inside = &procedure[from + 1..to];
    let listens =
        inside.iter().any(|step| matches!(step.action, Action::Observe { .. } | Action::WaitUntil { .. }));
    let waited = inside.iter().fold(Duration::ZERO, |sum, step| match step.action {
        Action::Wait(duration) => sum.saturating_add(duration),
        _ => sum,
    });
    if least && !listens && waited < length {
        reader.findings.error_with_hint(
            &place,
            format!("the procedure waits only {waited} in a hold that must last {length}"),
            "anyone following it would not reset the lock",
        );
    }
    if least && !listens && waited > length.scaled(LONGEST_MARGIN) {
        reader.findings.error_with_hint(
            &place,
            format!("the procedure waits {waited} in a hold that is said to need {length}"),
            "the claims hold it for shares of the stated time, which must be the one that decides",
        );
    }
    if !least && waited > length {
        reader.findings.error_with_hint(
            &place,
            format!("the procedure waits {waited} in a pause that may last {length} at most"),
            "anyone following it would not reset the lock",
        );
    }
    if let (false, Some(word)) = (least, tolerance) {
        let place = reader.place(word);
        reader.findings.error(&place, "only a hold takes a `tolerance`");
    }
    let just_under = match tolerance {
        Some(word) => just_under(reader, word)?,
        None => JUST_UNDER,
    };
    Some(Interval { from, to, length, just_under })
}

/// A lock's clock runs so much too fast at most, as its source states.
fn just_under(reader: &mut Reader<'_>, word: &Word) -> Option<Ratio> {
    let tolerance: Ratio = reader.quantity(word)?;
    let just_under = tolerance.rest();
    if tolerance.as_parts_per_million() < LEAST_TOLERANCE || just_under < JUST_UNDER {
        let place = reader.place(word);
        let hint = "without one it is 5 %; a rig can't tell less than 0.1 %";
        reader.findings.error_with_hint(&place, format!("{tolerance} is no tolerance of a hold"), hint);
        return None;
    }
    Some(just_under)
}
