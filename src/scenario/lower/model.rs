//! Models and the families that they are like.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lock::{
    Asset, Defaults, Fact, Facts, Level, Lockout, Mark, Method, Named, PowerFacts, Radio, SourceDocument,
};
use crate::scenario::ast::{Action, Decisive, Interval, MethodFacts, Model, Needs, Operation, Step, phrase};
use crate::scenario::syntax::{
    DecisiveSyntax, IntervalSyntax, MethodSyntax, ModelSyntax, OperationSyntax, StepSyntax, WordListOr,
    WordOr,
};
use crate::unit::{Duration, Voltage};
use crate::yaml::{Diagnostics, Place, Source, Spanned};

use super::step::OPERATIONS;
use super::{Lineage, Reader, sense};

/// A model from its file and those that it is like.
pub(in crate::scenario) fn model(
    lineage: &Lineage<'_, ModelSyntax>,
    findings: &mut Diagnostics,
) -> Option<Model> {
    let source = lineage.own_source()?;
    let own = lineage.0.first()?.0;
    let word = own.model.as_ref()?;
    let mut reader = Reader::new(source, findings);
    let id = reader.identifier("model", word)?;
    let place = reader.place(word);
    let facts = facts(lineage, id, &place, findings)?;
    let methods = methods(lineage, &facts, findings);
    let operations = operations(lineage, &facts, findings);
    sense::recursion(&operations, findings);
    let baseline = baseline(lineage, &methods, &place, findings).ok()?;
    for (method, facts) in &methods {
        let known = facts.known().map_or(&[][..], |facts| &facts.afterwards);
        for name in known.iter().filter(|name| !operations.contains_key(*name)) {
            findings
                .error(&place, format!("method `{method}` ends with `{name}`, which is no operation here"));
        }
    }
    Some(Model { facts, baseline, methods, operations, place })
}

fn required<T>(value: Option<T>, field: &str, place: &Place, findings: &mut Diagnostics) -> Option<T> {
    if value.is_none() {
        findings.error_with_hint(
            place,
            format!("field `{field}` is missing"),
            "neither this file nor what it is `like` has it",
        );
    }
    value
}

fn facts(
    lineage: &Lineage<'_, ModelSyntax>,
    id: Arc<str>,
    place: &Place,
    findings: &mut Diagnostics,
) -> Option<Facts> {
    let maker = required(lineage.nearest(|m| m.maker.clone()), "maker", place, findings);
    let variant = required(lineage.nearest(|m| m.variant.clone()), "variant", place, findings);
    let document = required(lineage.nearest(|m| m.source.as_ref()), "source", place, findings);
    let document = document.and_then(|(syntax, source)| {
        let mut reader = Reader::new(source, findings);
        let mark_place = reader.place(&syntax.mark);
        Some(SourceDocument {
            title: syntax.title.clone(),
            document: syntax.document.clone(),
            mark: reader.named::<Mark>("source mark", &syntax.mark.value.0, &mark_place)?,
            conflicts: syntax.conflicts.clone(),
        })
    });
    let mut facts = Facts {
        id,
        maker: maker?.0,
        variant: variant?.0,
        source: document?,
        buttons: BTreeSet::new(),
        keys: BTreeSet::new(),
        power: PowerFacts { cells: 0, nominal: Voltage::default(), low: Fact::Unknown },
        knob: false,
        door: false,
        debug_port: false,
        cover: false,
        lights: BTreeMap::new(),
        beeper: false,
        voice: false,
        code_digits: Fact::Unknown,
        defaults: Defaults::default(),
        lockout: Fact::Unknown,
        keeps: BTreeSet::new(),
        opens_for_any_code: false,
        radio: BTreeSet::new(),
    };
    controls(lineage, &mut facts, place, findings)?;
    indicators(lineage, &mut facts, findings);
    codes(lineage, &mut facts, findings);
    if let Some((keeps, source)) = lineage.nearest(|m| m.keeps.as_ref()) {
        let mut reader = Reader::new(source, findings);
        for word in keeps {
            let place = reader.place(word);
            facts.keeps.extend(reader.named::<Asset>("asset", &word.value.0, &place));
        }
    }
    if let Some((words, source)) = lineage.nearest(|m| m.radio.as_ref()) {
        let mut reader = Reader::new(source, findings);
        let place = reader.place(words);
        facts.radio =
            words.value.0.iter().filter_map(|word| reader.named::<Radio>("radio", word, &place)).collect();
    }
    facts.opens_for_any_code = lineage.nearest(|m| m.opens_for_any_code).is_some_and(|(opens, _)| opens);
    Some(facts)
}

fn controls(
    lineage: &Lineage<'_, ModelSyntax>,
    facts: &mut Facts,
    place: &Place,
    findings: &mut Diagnostics,
) -> Option<()> {
    let mut has_power = false;
    for (name, (syntax, source)) in lineage.merged(|m| &m.controls) {
        let mut reader = Reader::new(source, findings);
        let at = reader.place(syntax);
        match (name, &syntax.value) {
            ("power", WordOr::Full(power)) => {
                has_power = true;
                facts.power.cells = power.cells;
                facts.power.nominal = reader.quantity(&power.nominal).unwrap_or_default();
                facts.power.low = match power.low.value.0.as_str() {
                    "unknown" => Fact::Unknown,
                    _ => reader.quantity(&power.low).map_or(Fact::Unknown, Fact::Known),
                };
                let (nominal, low) = (facts.power.nominal, facts.power.low.known().copied());
                let sane = (1_000_000..=48_000_000).contains(&nominal.as_millionths());
                if !sane || low.is_some_and(|low| low >= nominal || low <= Voltage::default()) {
                    findings.error(&at, "nominal is 1 V to 48 V, and low lies below it");
                }
                if facts.power.cells > 12 {
                    findings.error(&at, format!("{} cells are more than a rig can switch (12)", power.cells));
                }
            }
            ("keypad", WordOr::Word(keys)) => facts.keys = key_labels(keys),
            ("knob", WordOr::Word(_)) => facts.knob = true,
            ("door", WordOr::Word(_)) => facts.door = true,
            ("cover", WordOr::Word(_)) => facts.cover = true,
            ("memory", WordOr::Word(_)) => facts.debug_port = true,
            (button, WordOr::Word(kind)) if kind == "button" => {
                facts.buttons.insert(button.into());
            }
            (_, WordOr::Word(kind)) => {
                findings.unknown(&at, "kind of control", kind, ["button"]);
            }
            (_, WordOr::Full(_)) => findings.error(&at, "only `power` has details"),
        }
    }
    if !has_power {
        findings.error(place, "field `controls.power` is missing");
    }
    has_power.then_some(())
}

/// `0-9 lock` is ten digits and a key called lock.
fn key_labels(text: &str) -> BTreeSet<Arc<str>> {
    let mut labels = BTreeSet::new();
    for word in text.split_whitespace() {
        if word == "0-9" {
            labels.extend(('0'..='9').map(|digit| Arc::from(digit.to_string())));
        } else {
            labels.insert(word.into());
        }
    }
    labels
}

fn indicators(lineage: &Lineage<'_, ModelSyntax>, facts: &mut Facts, findings: &mut Diagnostics) {
    for (name, (syntax, source)) in lineage.merged(|m| &m.indicators) {
        let place = Place::of(source, syntax);
        match (name, &syntax.value) {
            ("beeper", WordListOr::Full(_)) => facts.beeper = true,
            ("voice", WordListOr::Full(_)) => facts.voice = true,
            (light, WordListOr::List(colours)) if light.starts_with("light.") => {
                let colours = colours.iter().map(|colour| colour.as_str().into()).collect();
                facts.lights.insert(light["light.".len()..].into(), colours);
            }
            _ => findings.error_with_hint(
                &place,
                format!("`{name}` is not an indicator"),
                "write `light.NAME: [colours]`, `beeper: {}` or `voice: {}`",
            ),
        }
    }
}

fn codes(lineage: &Lineage<'_, ModelSyntax>, facts: &mut Facts, findings: &mut Diagnostics) {
    if let Some((codes, source)) = lineage.nearest(|m| m.codes.as_ref()) {
        let place = Place::of(source, &codes.digits);
        if (4..=10).contains(&codes.digits.value) {
            facts.code_digits = Fact::Known(codes.digits.value);
        } else {
            findings.error(&place, format!("{} is not a number of digits from 4 to 10", codes.digits.value));
        }
    }
    if let Some((defaults, source)) = lineage.nearest(|m| m.defaults.as_ref()) {
        let is_code = |text: &str| (4..=10).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
        let words = ["unknown", "none"];
        let master = &defaults.master.value.0;
        for wrong in
            defaults.user_codes.value.0.iter().filter(|c| !is_code(c) && !words.contains(&c.as_str()))
        {
            let place = Place::of(source, &defaults.user_codes).narrowed_to(wrong);
            findings.error_with_hint(
                &place,
                format!("`{wrong}` is not a code"),
                "4 to 10 digits in quotes, `none` or `unknown`",
            );
        }
        if !is_code(master) && !words.contains(&master.as_str()) {
            let place = Place::of(source, &defaults.master);
            findings.error_with_hint(
                &place,
                format!("`{master}` is not a code"),
                "4 to 10 digits in quotes, `none` or `unknown`",
            );
        }
        let list = &defaults.user_codes.value.0;
        facts.defaults.user_codes = match list.as_slice() {
            [one] if one == "unknown" => Fact::Unknown,
            [one] if one == "none" => Fact::Unsupported,
            codes => Fact::Known(codes.iter().map(|code| code.as_str().into()).collect()),
        };
        facts.defaults.master = match defaults.master.value.0.as_str() {
            "unknown" => Fact::Unknown,
            "none" => Fact::Unsupported,
            code => Fact::Known(code.into()),
        };
    }
    if let Some((lockout, source)) = lineage.nearest(|m| m.lockout.as_ref()) {
        let mut reader = Reader::new(source, findings);
        facts.lockout = match &lockout.value {
            WordOr::Word(word) if word == "unknown" => Fact::Unknown,
            WordOr::Word(word) if word == "unsupported" => Fact::Unsupported,
            WordOr::Word(word) => {
                let place = reader.place(lockout);
                findings.unknown(&place, "lockout", word, ["unknown", "unsupported"]);
                Fact::Unknown
            }
            WordOr::Full(full) => match reader.quantity::<Duration>(&full.duration) {
                Some(duration) if full.attempts > 0 && duration > Duration::ZERO => {
                    Fact::Known(Lockout { attempts: full.attempts, duration })
                }
                Some(_) => {
                    let place = reader.place(lockout);
                    reader.findings.error(&place, "a lockout takes at least one wrong code and some time");
                    Fact::Unknown
                }
                None => Fact::Unknown,
            },
        };
    }
}

fn methods(
    lineage: &Lineage<'_, ModelSyntax>,
    facts: &Facts,
    findings: &mut Diagnostics,
) -> BTreeMap<Method, Fact<MethodFacts>> {
    let mut methods: BTreeMap<_, _> =
        Method::WORDS.iter().map(|(_, method)| (*method, Fact::Unknown)).collect();
    for (name, (syntax, source)) in lineage.merged(|m| &m.methods) {
        let mut reader = Reader::new(source, findings);
        reader.facts = Some(facts);
        let place = reader.place(syntax);
        let Some(method) = reader.named::<Method>("method", name, &place) else { continue };
        let fact = match &syntax.value {
            WordOr::Word(word) => absent(&mut reader, word, &place),
            WordOr::Full(full) => {
                reader.parameters =
                    ["code", "master", "proof", "role", "ownership", "network"].map(Arc::from).to_vec();
                Fact::Known(self::method(&mut reader, full))
            }
        };
        methods.insert(method, fact);
    }
    methods
}

fn absent<T>(reader: &mut Reader<'_>, word: &str, place: &Place) -> Fact<T> {
    match word {
        "unsupported" => Fact::Unsupported,
        "unknown" => Fact::Unknown,
        other => {
            reader.findings.unknown(place, "word", other, ["unsupported", "unknown"]);
            Fact::Unknown
        }
    }
}

fn method(reader: &mut Reader<'_>, syntax: &MethodSyntax) -> MethodFacts {
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
    let mut erases = BTreeSet::new();
    for word in &syntax.erases {
        let place = reader.place(word);
        let Some(asset) = reader.named::<Asset>("asset", &word.value.0, &place) else { continue };
        if reader.facts.is_some_and(|facts| facts.keeps.contains(&asset)) {
            let message = format!("`{}` is kept after a reset, as `keeps` says", asset.word());
            reader.findings.error_with_hint(&place, message, "a reset either erases it or keeps it");
        }
        erases.insert(asset);
    }
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
                "nothing is named",
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
    MethodFacts { starts_unlocked, needs, decisive, erases, procedure, confirmed_by, afterwards }
}

fn decisive(reader: &mut Reader<'_>, syntax: &DecisiveSyntax, procedure: &[Step]) -> Decisive {
    let mut interval = |syntax: &Option<Spanned<IntervalSyntax>>, least: bool| {
        syntax.as_ref().and_then(|interval| self::interval(reader, interval, procedure, least))
    };
    let (hold, then_hold) = (interval(&syntax.hold, true), interval(&syntax.then_hold, true));
    let gap = interval(&syntax.gap, false);
    let rotation = reader.optional(syntax.rotation.as_ref());
    if let Some(word) = &syntax.rotation
        && !procedure.iter().any(|step| matches!(step.action, Action::Turn { .. }))
    {
        let place = reader.place(word);
        reader.findings.error(&place, "a turn can't decide: the procedure has none");
    }
    let typed: usize = procedure
        .iter()
        .map(|step| if let Action::Type { keys, .. } = &step.action { keys.len() } else { 0 })
        .sum();
    if let Some(keys) = &syntax.keys
        && typed == 0
    {
        let place = reader.place(keys);
        reader.findings.error(&place, "keys can't decide: the procedure types none");
    }
    if let Some(presses) = &syntax.presses {
        let place = reader.place(presses);
        let matches =
            |step: &Step| matches!(step.action, Action::Press { times, .. } if times == presses.value);
        if !procedure.iter().any(matches) {
            reader
                .findings
                .error(&place, format!("no step of the procedure presses {} times", presses.value));
        }
    }
    Decisive {
        hold,
        then_hold,
        gap,
        presses: syntax.presses.as_ref().map(|presses| presses.value),
        keys: syntax.keys.as_ref().map(|keys| keys.value),
        rotation,
    }
}

fn interval(
    reader: &mut Reader<'_>,
    syntax: &Spanned<IntervalSyntax>,
    procedure: &[Step],
    least: bool,
) -> Option<Interval> {
    let place = reader.place(syntax);
    let IntervalSyntax { from, to, at_least, at_most } = &syntax.value;
    let phrases: Vec<String> = procedure.iter().map(|step| phrase(&step.action)).collect();
    let mut find = |word: &super::Word, after: usize| {
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
            reader.findings.error(&place, "a hold is decided by `at_least`");
            return None;
        }
        (false, ..) => {
            reader.findings.error(&place, "a gap is decided by `at_most`");
            return None;
        }
    };
    if length == Duration::ZERO {
        reader.findings.error(&place, "a length of nothing decides nothing");
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
            format!("the procedure waits only {waited} within a hold that needs {length}"),
            "a person who follows it would not reset the lock",
        );
    }
    Some(Interval { from, to, length })
}

fn operations(
    lineage: &Lineage<'_, ModelSyntax>,
    facts: &Facts,
    findings: &mut Diagnostics,
) -> BTreeMap<Arc<str>, Fact<Operation>> {
    let mut operations = BTreeMap::new();
    for (name, (syntax, source)) in lineage.merged(|m| &m.operations) {
        let mut reader = Reader::new(source, findings);
        reader.facts = Some(facts);
        let place = reader.place(syntax);
        let Some((_, parameters)) = OPERATIONS.iter().find(|(known, _)| *known == name) else {
            let known = OPERATIONS.iter().map(|(known, _)| *known);
            findings.unknown(&place, "operation", name, known);
            continue;
        };
        reader.parameters = parameters.iter().map(|p| Arc::from(*p)).collect();
        let fact = match &syntax.value {
            WordListOr::Word(word) => absent(&mut reader, word, &place),
            WordListOr::List(steps) => {
                if steps.is_empty() {
                    reader.findings.error(&place, "an operation has at least one step");
                }
                Fact::Known(operation(&mut reader, steps, None))
            }
            WordListOr::Full(OperationSyntax { with, procedure, accepted_by }) => {
                for parameter in with.iter().filter(|p| !parameters.contains(&p.as_str())) {
                    reader.findings.unknown(&place, "parameter", parameter, parameters.iter().copied());
                }
                Fact::Known(operation(&mut reader, procedure, accepted_by.as_ref()))
            }
        };
        operations.insert(Arc::from(name), fact);
    }
    operations
}

fn operation(
    reader: &mut Reader<'_>,
    steps: &[Spanned<StepSyntax>],
    accepted_by: Option<&Spanned<StepSyntax>>,
) -> Operation {
    let procedure: Vec<Step> = steps.iter().filter_map(|step| reader.step(step)).collect();
    // What could not be read would be missed again and again.
    if procedure.len() == steps.len() {
        sense::steps(&procedure, reader.facts, reader.findings);
    }
    let accepted_by = accepted_by.and_then(|step| reader.observation_step(step));
    Operation { parameters: reader.parameters.clone(), procedure, accepted_by }
}

/// How the model is brought to a known state; nothing can where it can't be reset at all.
///
/// # Errors
/// Said already.
fn baseline(
    lineage: &Lineage<'_, ModelSyntax>,
    methods: &BTreeMap<Method, Fact<MethodFacts>>,
    place: &Place,
    findings: &mut Diagnostics,
) -> Result<Option<Method>, ()> {
    let found: Option<(_, &Arc<Source>)> = lineage.nearest(|m| m.baseline.as_ref());
    let has_any = methods.values().any(|fact| fact.known().is_some());
    if found.is_none() && !has_any {
        return Ok(None);
    }
    let (word, source) = required(found, "baseline", place, findings).ok_or(())?;
    let mut reader = Reader::new(source, findings);
    let at = reader.place(word);
    let method = reader.named::<Method>("method", &word.value.0, &at).ok_or(())?;
    if methods.get(&method).is_some_and(|fact| fact.known().is_none()) {
        findings.error(&at, format!("the model has no procedure for its baseline `{method}`"));
        return Err(());
    }
    Ok(Some(method))
}
