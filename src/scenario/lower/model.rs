//! Models and the families that they are like.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lock::{
    Asset, Defaults, Fact, Facts, Lockout, Method, Named, PadFacts, PowerFacts, Radio, ReadyFacts,
    SourceDocument, SourceKind, Token,
};
use crate::scenario::ast::{MethodFacts, Model, Operation, Step};
use crate::scenario::syntax::{ModelSyntax, OperationSyntax, StepSyntax, Word, WordListOr, WordOr};
use crate::trace::Channel;
use crate::unit::{Duration, Voltage};
use crate::yaml::{Diagnostics, Place, Source, Spanned, nearest};

use super::memory::memory_map;
use super::request::OPERATIONS;
use super::{Lineage, Reader, sense};

/// Operations on which claims rest: of each, a model that can be reset says what its source does. One that was
/// forgotten would leave its claims out in silence.
const REQUIRED: &[&str] = &["enter", "lock", "add_code", "set_master", "pair_app", "pair_hub"];

/// Longer than this no lock starts, forgets or waits before it throws its bolt.
const LONGEST_PAUSE: Duration = Duration::seconds(3600);

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
    let can_be_reset = methods.values().any(|fact| fact.known().is_some());
    let of_reader = facts.reader.iter().flat_map(|kind| [kind.added_by(), kind.used_by()]);
    // Half a sequence would be the beginning of each code that is typed after it.
    let never_forgets = facts.pad.forgets == Fact::Unsupported && !facts.keys.is_empty();
    let missing: Vec<String> = REQUIRED
        .iter()
        .copied()
        .chain(of_reader)
        .chain(never_forgets.then_some("clear"))
        .filter(|name| can_be_reset && !operations.contains_key(*name))
        .map(|name| format!("`{name}`"))
        .collect();
    if !missing.is_empty() {
        let hint = "write `unknown` if the source does not say, and `unsupported` if there is no such thing";
        let message = format!("missing from `operations`: {}", missing.join(", "));
        findings.error_with_hint(&place, message, hint);
    }
    // There is no such model: whoever builds its cases would never come to an end.
    sense::recursion(&operations, findings).ok()?;
    sense::lengths(&methods, &operations, findings);
    let baseline = baseline(lineage, &methods, &place, findings).ok()?;
    for (method, facts) in &methods {
        let known = facts.known().map_or(&[][..], |facts| &facts.afterwards);
        for name in known.iter().filter(|name| !operations.contains_key(*name)) {
            findings.error(
                &place,
                format!("`afterwards` of `{method}` names `{name}`, which is not an operation here"),
            );
        }
    }
    Some(Model { facts, baseline, methods, operations, files: lineage.files(), place })
}

fn required<T>(value: Option<T>, field: &str, place: &Place, findings: &mut Diagnostics) -> Option<T> {
    if value.is_none() {
        findings.error_with_hint(
            place,
            format!("field `{field}` is missing"),
            "neither this file nor any it is `like` has it",
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
        let kind_place = reader.place(&syntax.kind);
        Some(SourceDocument {
            title: syntax.title.clone(),
            document: syntax.document.clone(),
            kind: reader.named::<SourceKind>("kind of source", &syntax.kind.value.0, &kind_place)?,
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
        pad: PadFacts::default(),
        ready: ReadyFacts::default(),
        relocks: Fact::Unknown,
        knob: false,
        door: false,
        debug_port: false,
        memory: None,
        reader: BTreeSet::new(),
        cover: false,
        lights: BTreeMap::new(),
        beeper: false,
        voice: false,
        code_digits: Fact::Unknown,
        code_lengths: None,
        masking: None,
        code_slots: Fact::Unknown,
        defaults: Defaults::default(),
        lockout: Fact::Unknown,
        keeps: BTreeSet::new(),
        opens_for_any_code: false,
        radio: BTreeSet::new(),
    };
    controls(lineage, &mut facts, place, findings)?;
    indicators(lineage, &mut facts, findings);
    codes(lineage, &mut facts, findings);
    times(lineage, &mut facts, findings);
    memory_map(lineage, &mut facts, findings);
    if let Some((words, source)) = lineage.nearest(|m| m.keeps.as_ref()) {
        facts.keeps = keeps(&mut Reader::new(source, findings), words);
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

/// How long the lock takes nothing, or forgets, or waits before it acts by itself.
fn times(lineage: &Lineage<'_, ModelSyntax>, facts: &mut Facts, findings: &mut Diagnostics) {
    if let Some((pad, source)) = lineage.nearest(|m| m.keypad.as_ref()) {
        let mut reader = Reader::new(source, findings);
        let (forgets, deaf) = (pad.forgets_after.as_ref(), pad.deaf_after_wrong_code.as_ref());
        facts.pad = PadFacts { forgets: time(&mut reader, forgets), deaf: time(&mut reader, deaf) };
    }
    if let Some((ready, source)) = lineage.nearest(|m| m.ready.as_ref()) {
        let mut reader = Reader::new(source, findings);
        facts.ready = ReadyFacts {
            after_power: time(&mut reader, ready.after_power.as_ref()),
            after_short_press: time(&mut reader, ready.after_short_press.as_ref()),
        };
    }
    if let Some((word, source)) = lineage.nearest(|m| m.relocks_after.as_ref()) {
        facts.relocks = time(&mut Reader::new(source, findings), Some(word));
    }
}

/// A time, `none` or `unknown`. One of hours is a slip of its unit, and would have every case wait for it.
fn time(reader: &mut Reader<'_>, word: Option<&Word>) -> Fact<Duration> {
    match word.map(|word| (word, word.value.0.as_str())) {
        None | Some((_, "unknown")) => Fact::Unknown,
        Some((_, "none")) => Fact::Unsupported,
        Some((word, _)) => {
            let time = reader.quantity::<Duration>(word);
            if time.is_some_and(|time| time > LONGEST_PAUSE) {
                let place = reader.place(word);
                reader.findings.error(&place, format!("no lock takes longer than {LONGEST_PAUSE} for this"));
            }
            time.map_or(Fact::Unknown, |time| Fact::Known(time.min(LONGEST_PAUSE)))
        }
    }
}

/// What stays after a reset.
pub(super) fn keeps(reader: &mut Reader<'_>, words: &[Word]) -> BTreeSet<Asset> {
    let mut kept = BTreeSet::new();
    for word in words {
        let place = reader.place(word);
        kept.extend(reader.named::<Asset>("asset", &word.value.0, &place));
    }
    kept
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
                    findings.error(&at, "`nominal` must be 1 V to 48 V, and `low` must be below it");
                }
                if facts.power.cells > 12 {
                    findings.error(&at, format!("{} cells are more than a rig can switch (12)", power.cells));
                }
            }
            ("keypad", WordOr::Word(keys)) => facts.keys = key_labels(keys),
            ("knob", WordOr::Word(word)) => {
                facts.knob = part(&mut reader, "knob", word, &["rotary", "tailpiece", "thumb_latch"], &at);
            }
            ("door", WordOr::Word(word)) => facts.door = part(&mut reader, "door", word, &["contact"], &at),
            ("cover", WordOr::Word(word)) => {
                facts.cover = part(&mut reader, "cover", word, &["removable", "contact"], &at);
            }
            ("reader", WordOr::Word(word)) => {
                if part(&mut reader, "reader", word, &["card", "finger", "both"], &at) {
                    let kinds = [Token::Card, Token::Finger].into_iter();
                    facts.reader = kinds.filter(|kind| word == "both" || word == kind.word()).collect();
                }
            }
            ("memory", WordOr::Word(word)) => {
                facts.debug_port = part(&mut reader, "memory", word, &["debug_port"], &at);
            }
            (button, WordOr::Word(kind)) if kind == "button" => {
                if format!("button.{button}").parse::<Channel>().is_err() {
                    let hint = "1 to 40 lower-case letters, digits, `_` and `-`";
                    findings.error_with_hint(&at, format!("`{button}` is not a valid button name"), hint);
                }
                facts.buttons.insert(button.into());
            }
            (name, WordOr::Word(kind)) => {
                let parts = ["keypad", "knob", "door", "cover", "memory", "power", "reader"];
                match nearest(name, parts) {
                    Some(near) => {
                        let hint = format!("did you mean `{near}`? A button is written `{name}: button`");
                        findings.error_with_hint(&at, format!("unknown control `{name}`"), hint);
                    }
                    None => findings.unknown(&at, "kind of control", kind, ["button"]),
                }
            }
            (_, WordOr::Full(_)) => findings.error(&at, "only `power` takes a mapping of details"),
        }
    }
    if !has_power {
        findings.error(place, "field `controls.power` is missing");
    }
    has_power.then_some(())
}

/// Whether the model has a part, by one of its kinds; `none` or `false` is no such part.
fn part(reader: &mut Reader<'_>, name: &str, word: &str, kinds: &[&str], place: &Place) -> bool {
    if matches!(word, "none" | "false") {
        return false;
    }
    let is_known = kinds.contains(&word);
    if !is_known {
        let known = kinds.iter().copied().chain(["none"]);
        reader.findings.unknown(place, &format!("kind of {name}"), word, known);
    }
    is_known
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
                if light.parse::<Channel>().is_err() {
                    let hint = "`light.` and 1 to 40 lower-case letters, digits, `_` and `-`";
                    findings.error_with_hint(&place, format!("`{light}` is not a valid light name"), hint);
                }
                let colours = colours.iter().map(|colour| colour.as_str().into()).collect();
                facts.lights.insert(light["light.".len()..].into(), colours);
            }
            ("beeper" | "voice", _) => {
                let hint = format!("write `{name}: {{}}`");
                findings.error_with_hint(&place, format!("`{name}` takes no details"), hint);
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
            findings.error(&place, format!("a code has 4 to 10 digits, not {}", codes.digits.value));
        }
        if let Some(slots) = &codes.slots {
            facts.code_slots = Fact::Known(slots.value);
            if slots.value == 0 {
                findings.error(&Place::of(source, slots), "a lock with codes has at least 1 slot for them");
            }
        }
        if let Some(word) = &codes.masking {
            let mut reader = Reader::new(source, findings);
            let place = reader.place(word);
            facts.masking = reader.named("place of masking digits", &word.value.0, &place);
        }
        let length = |word: &Option<Spanned<u8>>| word.as_ref().map_or(codes.digits.value, |word| word.value);
        let (shortest, longest) = (length(&codes.shortest), length(&codes.longest));
        if codes.shortest.is_some() || codes.longest.is_some() {
            facts.code_lengths = Some((shortest, longest));
            if !(shortest..=longest).contains(&codes.digits.value) || shortest == 0 || longest > 20 {
                let message = "`digits` must be from `shortest` to `longest`, and those from 1 to 20";
                findings.error(&place, message);
            }
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
                    let within = match &full.within {
                        Some(word) => reader.quantity(word).map_or(Fact::Unknown, Fact::Known),
                        None => Fact::Unknown,
                    };
                    if within == Fact::Known(Duration::ZERO) {
                        let place = reader.place(lockout);
                        reader.findings.error(&place, "no wrong code could be entered within no time");
                    }
                    Fact::Known(Lockout { attempts: full.attempts, duration, within })
                }
                Some(_) => {
                    let place = reader.place(lockout);
                    reader
                        .findings
                        .error(&place, "a lockout needs at least one wrong code and a time above zero");
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
                Fact::Known(super::method::method(&mut reader, full))
            }
        };
        methods.insert(method, fact);
    }
    methods
}

pub(super) fn absent<T>(reader: &mut Reader<'_>, word: &str, place: &Place) -> Fact<T> {
    match word {
        "unsupported" => Fact::Unsupported,
        "unknown" => Fact::Unknown,
        other => {
            reader.findings.unknown(place, "word", other, ["unsupported", "unknown"]);
            Fact::Unknown
        }
    }
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
            WordListOr::Full(OperationSyntax { parameters: own, procedure, accepted_by }) => {
                for parameter in own.iter().filter(|p| !parameters.contains(&p.as_str())) {
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
    let known = || methods.values().filter_map(|fact| fact.known());
    let mut kept =
        methods.get(&method).and_then(|fact| fact.known()).into_iter().flat_map(|facts| &facts.keeps);
    if let Some(asset) = kept.find(|asset| known().any(|other| other.erases.contains(asset))) {
        let message = format!("the baseline `{method}` keeps `{asset}`, which another reset erases");
        let hint = "a bench brings the lock to a known state by it: choose the reset that erases the most";
        reader.findings.error_with_hint(&at, message, hint);
    }
    Ok(Some(method))
}
