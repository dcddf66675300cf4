//! Scenarios.

use std::sync::Arc;

use crate::lock::{Level, Method, Named};
use crate::scenario::alter::{
    Alter, Bolt, Bounces, But, CutFrom, CutPower, Dropout, Gap, Hold, Interrupted, Kind, MissingButtons,
    MissingKeys, Pause, Presses, Rotation, Share, UsedProof, Without, WrongKey, excludes,
};
use crate::scenario::ast::{self, Action, Claim, MethodChoice, Scenario, Step};
use crate::scenario::clauses;
use crate::scenario::syntax::{ButSyntax, ScenarioSyntax, Steps, Word};
use crate::unit::{self, Duration, Ratio};
use crate::yaml::{Diagnostics, OneOrMany, Place, Spanned};

use super::{Lineage, Reader, combine, sense};

/// More shares than this in one sweep is a mistake.
const MAX_SWEEP: i64 = 200;

/// A scenario from its file and those that it is like.
pub(in crate::scenario) fn scenario(
    lineage: &Lineage<'_, ScenarioSyntax>,
    findings: &mut Diagnostics,
) -> Option<Scenario> {
    let source = lineage.own_source()?;
    let word = lineage.0.first()?.0.scenario.as_ref()?;
    let mut reader = Reader::new(source, findings);
    let id = reader.identifier("scenario", word)?;
    let place = reader.place(word);
    let title = lineage.nearest(|s| s.title.clone());
    if title.is_none() {
        findings.error(&place, "field `title` is missing");
    }
    let arrange = steps(lineage, |s| s.arrange.as_ref(), findings);
    let act = steps(lineage, |s| s.act.as_ref(), findings);
    let expect = steps(lineage, |s| s.expect.as_ref(), findings);
    let but = lineage.nearest(|s| s.but.as_ref()).map_or_else(But::default, |(but, source)| {
        let place = Place::of(source, but);
        self::but(&mut Reader::new(source, findings), &but.value, &place)
    });
    for stage in [&arrange, &act, &expect] {
        sense::steps(stage, None, findings);
    }
    misplaced(&arrange, "arrange", findings);
    misplaced(&act, "act", findings);
    misplaced(&expect, "expect", findings);
    if act.is_empty() && !findings.has_errors() {
        findings.error_with_hint(
            &place,
            "a scenario must do something",
            "add `act:`, usually with `- reset`",
        );
    }
    if !expect.iter().any(sense::judges) && !findings.has_errors() {
        findings.error_with_hint(&place, "a scenario must expect something", "add `expect:` with a claim");
    }
    check_but(&but, (&arrange, &act, &expect), &place, findings);
    let time_limit = lineage
        .nearest(|s| s.time_limit.as_ref())
        .and_then(|(word, source)| Reader::new(source, findings).quantity(word));
    let matrix = combine::matrix(lineage, findings);
    let given = matrix.given;
    if let Some(factor) = but.without().filter(|factor| given.contains_key(factor)) {
        let hint =
            format!("`without: {factor}` already covers every level at which the method does not work");
        findings.error_with_hint(&place, format!("`{factor}` is in both `given` and `but`"), hint);
    }
    let methods = methods(lineage, &place, findings);
    Some(Scenario {
        id,
        title: title?.0,
        clauses: self::clauses(lineage, findings),
        methods: methods?,
        given,
        cover: matrix.cover,
        exclude: matrix.exclude,
        arrange,
        but,
        act,
        expect,
        time_limit,
        files: lineage.files(),
        place,
    })
}

/// Claims are judged after the act, everything else of the language is done before.
fn misplaced(list: &[Step], stage: &str, findings: &mut Diagnostics) {
    for step in list {
        let Action::Claim(claim) = &step.action else { continue };
        let judged = match claim {
            Claim::Attempt { .. } | Claim::NoOldAccess => continue,
            Claim::Confirmed
            | Claim::Unconfirmed
            | Claim::Erased(_)
            | Claim::FactoryState
            | Claim::Recommission
            | Claim::Unchanged
            | Claim::AllOrNothing
            | Claim::NothingLeft
            | Claim::Memory(_) => true,
            Claim::Provision { .. }
            | Claim::Prove
            | Claim::ProveInMemory
            | Claim::Inventory
            | Claim::Reset
            | Claim::ResetBut(_)
            | Claim::ResetBy(_)
            | Claim::VerifyState
            | Claim::Restart { .. }
            | Claim::LockOut { .. }
            | Claim::NearlyLockOut => false,
        };
        if judged != (stage == "expect") {
            let right = if judged { "`expect`" } else { "`arrange` or `act`" };
            findings.error(&step.place, format!("this step belongs in {right}, not in `{stage}`"));
        }
    }
}

fn steps(
    lineage: &Lineage<'_, ScenarioSyntax>,
    field: impl Fn(&ScenarioSyntax) -> Option<&Steps>,
    findings: &mut Diagnostics,
) -> Vec<Step> {
    lineage
        .0
        .iter()
        .find_map(|(syntax, source)| Some((field(syntax)?, *source)))
        .map_or_else(Vec::new, |(steps, source)| Reader::new(source, findings).steps(steps))
}

fn clauses(lineage: &Lineage<'_, ScenarioSyntax>, findings: &mut Diagnostics) -> Vec<Arc<str>> {
    let found = lineage.nearest(|s| Some(&s.clauses).filter(|list| !list.is_empty()));
    let Some((list, source)) = found else { return Vec::new() };
    let mut known = Vec::new();
    for word in list {
        let text = word.value.0.as_str();
        if clauses::find(text).is_some() {
            known.push(text.into());
        } else {
            let place = Place::of(source, word);
            findings.unknown(&place, "clause", text, clauses::ALL.iter().map(|clause| clause.id));
        }
    }
    known
}

fn methods(
    lineage: &Lineage<'_, ScenarioSyntax>,
    place: &Place,
    findings: &mut Diagnostics,
) -> Option<MethodChoice> {
    let found: Option<(&Spanned<OneOrMany<String>>, _)> = lineage.nearest(|s| s.methods.as_ref());
    let Some((words, source)) = found else {
        findings.error_with_hint(
            place,
            "field `methods` is missing",
            "write `all`, `baseline` (if the claim is not about a method) or a list",
        );
        return None;
    };
    match words.value.0.as_slice() {
        [one] if one == "all" => Some(MethodChoice::All),
        [one] if one == "baseline" => Some(MethodChoice::Baseline),
        _ => {
            let reader = Reader::new(source, findings);
            let at = reader.place(words);
            let mut chosen = std::collections::BTreeSet::new();
            for word in &words.value.0 {
                match Method::from_word(word) {
                    Some(method) => drop(chosen.insert(method)),
                    None if matches!(word.as_str(), "all" | "baseline") => {
                        let place = at.narrowed_to(word);
                        reader.findings.error(&place, format!("`{word}` must stand alone, not in a list"));
                    }
                    None => reader.findings.unknown(
                        &at,
                        "method",
                        word,
                        Method::words().chain(["all", "baseline"]),
                    ),
                }
            }
            if words.value.0.is_empty() {
                reader.findings.error(&at, "no method is named");
            }
            Some(MethodChoice::Some(chosen))
        }
    }
}

/// What is altered has to be there, and can't exclude something else that is.
fn check_but(
    but: &But,
    (arrange, act, expect): (&[Step], &[Step], &[Step]),
    place: &Place,
    findings: &mut Diagnostics,
) {
    let is_lockout = |step: &&Step| matches!(&step.action, Action::Claim(Claim::LockOut { .. }));
    let (resets, locks_out) = (ast::reset(act), ast::all(act).iter().any(is_lockout));
    for alteration in but.iter() {
        let is_there = resets || (locks_out && !alteration.is_of_a_reset());
        if !is_there {
            let kind = alteration.kind();
            let hint = "add `- reset` to `act`, or remove the alteration from `but`";
            findings.error_with_hint(place, format!("`{kind}` alters a reset, but `act` has none"), hint);
        }
    }
    let kinds = but.kinds();
    for (index, one) in kinds.iter().enumerate() {
        for other in kinds.iter().skip(index + 1) {
            if let Some(reason) = excludes(*one, *other, but.without()) {
                findings.error_with_hint(place, format!("`{one}` and `{other}` can't be combined"), reason);
            }
        }
    }
    if expect.iter().any(|step| matches!(&step.action, Action::Claim(Claim::Unconfirmed))) && !resets {
        findings.error(place, "`unconfirmed` is about an attempted reset, but `act` has none");
    }
    let is_otherwise =
        ast::all(act).iter().any(|step| matches!(&step.action, Action::Claim(Claim::ResetBy(_))));
    let of_a_signal = expect
        .iter()
        .find(|step| matches!(&step.action, Action::Claim(Claim::Confirmed | Claim::Unconfirmed)));
    if let Some(step) = of_a_signal.filter(|_| is_otherwise && !resets) {
        let hint = "add `- reset` to `act`, or claim what the lock holds instead";
        let message = "this is about a reset by the method of the case, but `act` has one by another only";
        findings.error_with_hint(&step.place, message, hint);
    }
    if but.alters(Kind::Proof) && !ast::reset(arrange) {
        findings.error(place, "`proof: used` needs a `reset` in `arrange` that uses the proof first");
    }
}

pub(super) fn but(reader: &mut Reader<'_>, syntax: &ButSyntax, place: &Place) -> But {
    let mut list: Vec<Arc<dyn Alter>> = Vec::new();
    for (word, is_second) in [(&syntax.hold, false), (&syntax.second_hold, true)] {
        let share = word.as_ref().and_then(|word| match word.value.0.as_str() {
            "just_under" => Some(Share::JustUnder),
            _ => share(reader, word, "hold").map(Share::Of),
        });
        list.extend(share.map(|share| Arc::new(Hold { share, is_second }) as Arc<dyn Alter>));
    }
    if let Some(share) = syntax.gap.as_ref().and_then(|word| share(reader, word, "gap")) {
        list.push(Arc::new(Gap { share }));
    }
    if let Some(share) = syntax.rotation.as_ref().and_then(|word| share(reader, word, "turn")) {
        list.push(Arc::new(Rotation { share }));
    }
    if let Some(pause) = some_time(reader, syntax.interrupted_for.as_ref()) {
        list.push(Arc::new(Interrupted { pause }));
    }
    if let Some(length) = some_time(reader, syntax.pause.as_ref()) {
        list.push(Arc::new(Pause { length }));
    }
    if let Some(length) = some_time(reader, syntax.dropout.as_ref()) {
        list.push(Arc::new(Dropout { length }));
    }
    if let Some(more) = syntax.presses {
        if more == 0 || more.unsigned_abs() > 1_000 {
            reader.findings.error(place, "`presses` must change the count by 1 to 1000, up or down");
        }
        list.push(Arc::new(Presses { more }));
    }
    if let Some(times) = syntax.bounces {
        if !(1..=100).contains(&times) {
            reader.findings.error(place, "`bounces` must be a count from 1 to 100");
        }
        list.push(Arc::new(Bounces { times: times.min(100) }));
    }
    if let Some(count) = syntax.missing_keys {
        if count == 0 {
            reader.findings.error(place, "`missing_keys` must be at least 1");
        }
        list.push(Arc::new(MissingKeys { count }));
    }
    if let Some(count) = syntax.missing_buttons {
        if count == 0 {
            reader.findings.error(place, "`missing_buttons` must be at least 1");
        }
        list.push(Arc::new(MissingButtons { count }));
    }
    if let Some(key) = syntax.wrong_key.as_ref().and_then(|word| wrong_key(reader, word)) {
        list.push(Arc::new(key));
    }
    if let Some(word) = &syntax.proof
        && reader.choice("proof", word, &[("used", ())]).is_some()
    {
        list.push(Arc::new(UsedProof));
    }
    let states = [("jammed", Bolt::Jammed), ("moving", Bolt::Moving)];
    if let Some(bolt) =
        syntax.bolt.as_ref().and_then(|word| reader.choice("state of the bolt", word, &states))
    {
        list.push(Arc::new(bolt));
    }
    if let Some(word) = &syntax.without {
        match Level::FACTORS.iter().find(|name| **name == word.value.0) {
            Some(factor) => list.push(Arc::new(Without { factor })),
            None => {
                let place = reader.place(word);
                reader.findings.unknown(&place, "factor", &word.value.0, Level::FACTORS.iter().copied());
            }
        }
    }
    let to = syntax.cut_to.as_ref().and_then(|word| {
        let to: Ratio = reader.quantity(word)?;
        if !(Ratio::default()..Ratio::WHOLE).contains(&to) {
            let place = reader.place(word);
            reader.findings.error(&place, "a cut must leave less than the full supply");
        }
        Some(to)
    });
    match &syntax.cut_power_at {
        Some(word) => {
            let at = sweep(reader, word);
            let from = syntax.cut_from.as_ref().and_then(|word| {
                let place = reader.place(word);
                reader.named::<CutFrom>("beginning of a cut", &word.value.0, &place)
            });
            let from = from.unwrap_or(CutFrom::Completion);
            list.push(Arc::new(CutPower { at, to: to.unwrap_or_default(), from }));
        }
        None if syntax.cut_to.is_some() || syntax.cut_from.is_some() => reader.findings.error_with_hint(
            place,
            "`cut_to` and `cut_from` describe a power cut, but nothing says when it is",
            "add `cut_power_at`",
        ),
        None => {}
    }
    if list.is_empty() && !reader.findings.has_errors() {
        reader.findings.error(place, "`but` alters nothing");
    }
    But::new(list)
}

/// A share that makes a difference.
fn share(reader: &mut Reader<'_>, word: &Word, what: &str) -> Option<Ratio> {
    let share: Ratio = reader.quantity(word)?;
    if share == Ratio::WHOLE || share <= Ratio::default() {
        let place = reader.place(word);
        let message = format!("`{}` is not a meaningful change to the {what}", word.value.0);
        reader.findings.error(&place, message);
    }
    Some(share)
}

/// A length of time that is more than none.
fn some_time(reader: &mut Reader<'_>, word: Option<&Word>) -> Option<Duration> {
    let word = word?;
    let length: Duration = reader.quantity(word)?;
    if length == Duration::ZERO {
        let place = reader.place(word);
        reader.findings.error(&place, "a length of zero alters nothing");
    }
    Some(length)
}

fn wrong_key(reader: &mut Reader<'_>, word: &Word) -> Option<WrongKey> {
    match word.value.0.as_str() {
        "every" => Some(WrongKey::Every),
        number => match number.parse() {
            Ok(position) if position > 0 => Some(WrongKey::At(position)),
            _ => {
                let place = reader.place(word);
                let message = format!("`{number}` is not a key position");
                reader.findings.error_with_hint(
                    &place,
                    message,
                    "keys are numbered from 1; `every` tries each one",
                );
                None
            }
        },
    }
}

/// `40 %`, or `sweep 0..100 % by 10 %`.
fn sweep(reader: &mut Reader<'_>, word: &Word) -> Vec<Ratio> {
    let place = reader.place(word);
    let text = word.value.0.as_str();
    let Some(range) = text.strip_prefix("sweep ") else {
        return reader.quantity(word).into_iter().collect();
    };
    let parts = range.split_once("..").and_then(|(from, rest)| {
        let (to, by) = rest.split_once(" by ")?;
        let read = |text: &str| unit::parse::<Ratio>(text).ok();
        Some((read(from).or_else(|| read(&format!("{from} %")))?, read(to)?, read(by)?))
    });
    let Some((from, to, by)) = parts.filter(|(from, to, by)| from <= to && *by > Ratio::default()) else {
        reader.findings.error_with_hint(
            &place,
            format!("`{text}` is not a sweep"),
            "write `sweep 0..100 % by 10 %`",
        );
        return Vec::new();
    };
    let (from, to, by) = (from.as_parts_per_million(), to.as_parts_per_million(), by.as_parts_per_million());
    if (to - from) / by >= MAX_SWEEP {
        reader.findings.error(&place, format!("a sweep has at most {MAX_SWEEP} points"));
        return Vec::new();
    }
    let share = |ppm: i64| unit::Quantity::from_base(i128::from(ppm));
    (0..=(to - from) / by).filter_map(|n| share(from + n * by)).collect()
}
