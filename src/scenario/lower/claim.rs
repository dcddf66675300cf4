//! Scenarios.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lock::{Level, Method, Named};
use crate::scenario::ast::{Action, Claim, MethodChoice, Scenario, Step};
use crate::scenario::but::{Bolt, But, WrongKey};
use crate::scenario::clauses;
use crate::scenario::syntax::{ButSyntax, ScenarioSyntax, Steps, Word};
use crate::unit::{self, Ratio};
use crate::yaml::{Diagnostics, OneOrMany, Place, Spanned};

use super::{Lineage, Reader, sense};

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
            "a scenario does something",
            "add `act:`, most often with `- reset`",
        );
    }
    if !expect.iter().any(sense::judges) && !findings.has_errors() {
        findings.error_with_hint(&place, "a scenario must expect something", "add `expect:` with a claim");
    }
    let resets = |steps: &[Step]| steps.iter().any(crate::scenario::ast::resets);
    let locks_out = |step: &Step| matches!(step.action, Action::Claim(Claim::LockOut));
    let is_altered = resets(&act) || (but.bolt == Some(Bolt::Moving) && act.iter().any(locks_out));
    if !but.is_nothing() && !is_altered {
        findings.error(&place, "`but` alters a reset, and `act` has none");
    }
    let unconfirmed = |step: &Step| matches!(step.action, Action::Claim(Claim::Unconfirmed));
    if expect.iter().any(unconfirmed) && !resets(&act) {
        findings.error(&place, "`unconfirmed` is said of a reset that was tried, and `act` has none");
    }
    if but.used_proof && !resets(&arrange) {
        findings.error(&place, "`proof: used` needs a `reset` in `arrange` that uses it first");
    }
    let time_limit = lineage
        .nearest(|s| s.time_limit.as_ref())
        .and_then(|(word, source)| Reader::new(source, findings).quantity(word));
    Some(Scenario {
        id,
        title: title?.0,
        clauses: self::clauses(lineage, findings),
        methods: methods(lineage, &place, findings)?,
        given: given(lineage, findings),
        arrange,
        but,
        act,
        expect,
        time_limit,
        place,
    })
}

/// Claims are judged after the act, everything else of the language is done before.
fn misplaced(list: &[Step], stage: &str, findings: &mut Diagnostics) {
    for step in list {
        let Action::Claim(claim) = &step.action else { continue };
        let judged = match claim {
            Claim::Attempt { .. } => continue,
            Claim::Confirmed
            | Claim::Unconfirmed
            | Claim::Erased(_)
            | Claim::FactoryState
            | Claim::Recommission
            | Claim::Unchanged
            | Claim::AllOrNothing => true,
            Claim::Provision { .. }
            | Claim::Prove
            | Claim::Inventory
            | Claim::Reset
            | Claim::Restart { .. }
            | Claim::LockOut => false,
        };
        if judged != (stage == "expect") {
            let right = if judged { "`expect`" } else { "`arrange` or `act`" };
            findings.error(&step.place, format!("this stands in `{stage}` and belongs in {right}"));
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
        if clauses::title(text).is_some() {
            known.push(text.into());
        } else {
            let place = Place::of(source, word);
            findings.unknown(&place, "clause", text, clauses::ALL.iter().map(|(id, _)| *id));
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
            "`all`, `baseline` (the claim is not about a method) or a list",
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
                        reader.findings.error(&place, format!("`{word}` stands alone, not in a list"));
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

fn given(
    lineage: &Lineage<'_, ScenarioSyntax>,
    findings: &mut Diagnostics,
) -> BTreeMap<&'static str, Vec<Level>> {
    let mut given = BTreeMap::new();
    for (factor, (words, source)) in lineage.merged(|s| &s.given) {
        let place = Place::of(source, words);
        let Some(name) = Level::FACTORS.iter().find(|name| **name == factor) else {
            findings.unknown(&place, "factor", factor, Level::FACTORS.iter().copied());
            continue;
        };
        let mut levels = Vec::new();
        for word in &words.value.0 {
            match Level::from_words(factor, word).flatten() {
                Some(level) if levels.contains(&level) => {
                    findings.error(&place, format!("level `{word}` stands here twice"));
                }
                Some(level) => levels.push(level),
                None => findings.unknown(&place, "level", word, Level::words_of(factor)),
            }
        }
        if words.value.0.is_empty() {
            findings.error(&place, "no level is named");
        }
        given.insert(*name, levels);
    }
    given
}

fn but(reader: &mut Reader<'_>, syntax: &ButSyntax, place: &Place) -> But {
    let place = place.clone();
    let without = syntax.without.as_ref().and_then(|word| {
        let found = Level::FACTORS.iter().find(|name| **name == word.value.0).copied();
        if found.is_none() {
            let place = reader.place(word);
            reader.findings.unknown(&place, "factor", &word.value.0, Level::FACTORS.iter().copied());
        }
        found
    });
    for (word, what) in [
        (&syntax.hold, "hold"),
        (&syntax.then_hold, "hold"),
        (&syntax.gap, "gap"),
        (&syntax.rotation, "turn"),
    ] {
        if let Some(word) = word
            && matches!(unit::parse::<Ratio>(&word.value.0), Ok(share) if share == Ratio::WHOLE || share == Ratio::default())
        {
            let place = reader.place(word);
            reader.findings.error(
                &place,
                format!("`{}` does not alter the {what} to something that tells", word.value.0),
            );
        }
    }
    if syntax.presses.is_some_and(|n| n == 0 || n.unsigned_abs() > 1_000) {
        reader.findings.error(&place, "presses change by at least one");
    }
    if syntax.bounces.is_some_and(|n| n == 0 || n > 100) || syntax.missing_keys == Some(0) {
        reader.findings.error(&place, "`bounces` are 1 to 100, and `missing_keys` at least 1");
    }
    if syntax.cut_to.is_some() && syntax.cut_power_at.is_none() {
        reader.findings.error_with_hint(
            &place,
            "`cut_to` says how deep, and nothing says when",
            "add `cut_power_at`",
        );
    }
    let nothing = ButSyntax::default();
    if format!("{syntax:?}") == format!("{nothing:?}") {
        reader.findings.error(&place, "`but` alters nothing");
    }
    But {
        hold: reader.optional(syntax.hold.as_ref()),
        then_hold: reader.optional(syntax.then_hold.as_ref()),
        let_go: reader.optional(syntax.let_go.as_ref()),
        bounces: syntax.bounces,
        gap: reader.optional(syntax.gap.as_ref()),
        presses: syntax.presses,
        wrong_key: syntax.wrong_key.as_ref().and_then(|word| wrong_key(reader, word)),
        missing_keys: syntax.missing_keys,
        pause: reader.optional(syntax.pause.as_ref()),
        used_proof: syntax
            .proof
            .as_ref()
            .and_then(|word| reader.choice("proof", word, &[("used", ())]))
            .is_some(),
        bolt: syntax.bolt.as_ref().and_then(|word| {
            reader.choice("state of the bolt", word, &[("jammed", Bolt::Jammed), ("moving", Bolt::Moving)])
        }),
        rotation: reader.optional(syntax.rotation.as_ref()),
        without,
        cut_to: reader.optional(syntax.cut_to.as_ref()),
        cut_power_at: syntax.cut_power_at.as_ref().map_or_else(Vec::new, |word| sweep(reader, word)),
    }
}

fn wrong_key(reader: &mut Reader<'_>, word: &Word) -> Option<WrongKey> {
    match word.value.0.as_str() {
        "every" => Some(WrongKey::Every),
        number => match number.parse() {
            Ok(position) if position > 0 => Some(WrongKey::At(position)),
            _ => {
                let place = reader.place(word);
                let message = format!("`{number}` is not a key's position");
                reader.findings.error_with_hint(&place, message, "keys count from 1; `every` tries each");
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
