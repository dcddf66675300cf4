//! `rigs/*.yaml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::trace::{Channel, ChannelPattern};
use crate::unit::{self, Duration, Quantity};
use crate::yaml::shape::{refine, require};
use crate::yaml::{
    self, Diagnostic, Diagnostics, IDENTIFIER, Map, Place, Scalar, Source, Spanned, is_identifier,
};

use super::bench::Bench;
use super::boards::BoardSyntax;
use super::command;
use super::firmware::{EMULATED_MODEL, FIRMWARES};
use super::fit::{Mention, Subject};
use super::wiring::{self, BenchSyntax, LockSyntax, WireSyntax};

/// One bench.
#[derive(Clone, Debug)]
pub struct Rig {
    /// Identifier.
    pub id: Arc<str>,
    /// One sentence for people.
    pub title: String,
    /// What plays the lock.
    pub device: Device,
    /// Which channels are wired.
    pub channels: Vec<ChannelPattern>,
    /// Expanded uncertainty (k = 2) of achieved edges of outputs.
    pub stimulus_uncertainty: Duration,
    /// Expanded uncertainty (k = 2) of the stamps of signals.
    pub observation_uncertainty: Duration,
    /// Longest run, in the time of the cases.
    pub run_limit: Option<Duration>,
    /// Names of the files that it was made from, itself first.
    pub files: Vec<String>,
    /// What it says of its lock.
    pub(super) mentions: Vec<Mention>,
}

impl Rig {
    /// Whether a channel is wired.
    pub fn wires(&self, channel: &Channel) -> bool {
        if let Device::Bench(bench) = &self.device {
            return bench.wires(channel);
        }
        self.channels.iter().any(|pattern| pattern.matches(channel))
    }

    /// `hardware` only if a real device is declared and nothing in it is simulated.
    pub fn provenance(&self) -> &'static str {
        match &self.device {
            Device::Simulated { .. } | Device::Emulated { .. } | Device::Lockstep { .. } => "simulated",
            Device::Bench(bench) if bench.is_simulated() => "simulated",
            Device::Bench(_) => "hardware",
        }
    }

    /// What is shorter on a contact is no change; a bench debounces where it reads.
    pub fn debounce(&self) -> Duration {
        match &self.device {
            Device::Lockstep { debounce, .. } => *debounce,
            Device::Simulated { .. } | Device::Emulated { .. } | Device::Bench(_) => Duration::ZERO,
        }
    }

    /// The model that it plays, and no other.
    pub fn model(&self) -> Option<&Arc<str>> {
        match &self.device {
            Device::Simulated { .. } => None,
            Device::Emulated { model, .. } => Some(model),
            Device::Lockstep { model, .. } => model.as_ref(),
            Device::Bench(bench) => Some(&bench.model),
        }
    }

    /// The bench of real devices, if it is one.
    pub fn bench(&self) -> Option<&Bench> {
        match &self.device {
            Device::Bench(bench) => Some(bench),
            _ => None,
        }
    }
}

/// What plays the lock.
#[derive(Clone, Debug, PartialEq)]
pub enum Device {
    /// The built-in simulated locks.
    Simulated {
        /// With seeded bounce, jitter and flicker.
        noise: bool,
    },
    /// The reference lock on an emulated microcontroller.
    Emulated {
        /// The image of its firmware, out of [`FIRMWARES`].
        firmware: Arc<str>,
        /// The one model that it is.
        model: Arc<str>,
    },
    /// A program that speaks the lockstep protocol.
    Lockstep {
        /// Program and arguments.
        command: Vec<String>,
        /// Wall-clock time within which it must answer.
        answer_within: Duration,
        /// What is shorter on a contact is no change.
        debounce: Duration,
        /// The one model that it is; without it, whatever model it is asked to be.
        model: Option<Arc<str>>,
    },
    /// Real devices in real time.
    Bench(Box<Bench>),
}

type Word = Spanned<Scalar>;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RigSyntax {
    rig: Option<Word>,
    like: Option<Word>,
    title: Option<String>,
    simulated: Option<SimulatedSyntax>,
    emulated: Option<EmulatedSyntax>,
    lockstep: Option<LockstepSyntax>,
    lock: Option<LockSyntax>,
    boards: Option<Map<Spanned<BoardSyntax>>>,
    wiring: Option<Map<Spanned<WireSyntax>>>,
    exclusive: Option<Vec<Vec<Word>>>,
    watchdog: Option<Word>,
    channels: Option<Vec<Word>>,
    uncertainty: Option<UncertaintySyntax>,
    run_limit: Option<Word>,
}

/// The JSON Schema of rig files: their shape, not their meaning.
///
/// # Errors
/// Names a field that is none: a fault of lockrig's own.
pub fn schema() -> Result<schemars::Schema, String> {
    let mut schema = schemars::schema_for!(RigSyntax);
    let device = ["simulated", "emulated", "lockstep", "wiring"].map(|device| json!({"required": [device]}));
    let always = json!({"required": ["rig"], "anyOf": [{"required": ["like"]}, {"oneOf": device}],
                        "if": {"required": ["wiring"]}, "then": {"anyOf": [{"required": ["like"]},
                        {"required": ["lock", "boards", "uncertainty"]}]}});
    require(&mut schema, always, &[]);
    let of_a_program = json!({"anyOf": [{"required": ["emulated"]}, {"required": ["lockstep"]}]});
    schema.insert("if".into(), of_a_program);
    schema.insert("then".into(), json!({"anyOf": [{"required": ["channels"]}, {"required": ["like"]}]}));
    refine(schema, &super::shape::fields())
}

impl RigSyntax {
    /// A field that only a bench has; which lock it is, a program can say too.
    fn field_of_a_bench(&self, is_lockstep: bool) -> Option<&'static str> {
        let fields = [
            ("wiring", self.wiring.is_some()),
            ("boards", self.boards.is_some()),
            ("lock", self.lock.is_some() && !is_lockstep),
            ("exclusive", self.exclusive.is_some()),
            ("watchdog", self.watchdog.is_some()),
        ];
        fields.into_iter().find(|(_, is_stated)| *is_stated).map(|(name, _)| name)
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SimulatedSyntax {
    noise: bool,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EmulatedSyntax {
    firmware: Word,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LockstepSyntax {
    command: Spanned<Vec<String>>,
    answer_within: Option<Word>,
    debounce: Option<Word>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UncertaintySyntax {
    stimulus: Word,
    observation: Word,
}

/// What is debounced for longer is not seen.
const LONGEST_DEBOUNCE: Duration = Duration::seconds(1);

/// How long a peer may take to answer if its rig does not say.
const ANSWER_WITHIN: Duration = Duration::seconds(10);

/// Reads rig files; what is wrong with some does not hide the others.
pub fn load(sources: &[Arc<Source>]) -> (BTreeMap<Arc<str>, Rig>, Diagnostics) {
    let mut findings = Diagnostics::default();
    let mut files: BTreeMap<String, (RigSyntax, Arc<Source>)> = BTreeMap::new();
    let mut are_all_read = true;
    for source in sources {
        let syntax: RigSyntax = match yaml::load(source, &[]) {
            Ok(syntax) => syntax,
            Err(diagnostic) => {
                findings.push(diagnostic);
                are_all_read = false;
                continue;
            }
        };
        let Some(word) = &syntax.rig else {
            findings.push(
                Diagnostic::error(Place::start_of(source), "the file does not say what it is")
                    .hint("begin with `rig: ID`"),
            );
            continue;
        };
        let (id, place) = (word.value.0.clone(), Place::of(source, word));
        if files.contains_key(&id) {
            findings.error(&place, format!("`{id}` is defined twice"));
            continue;
        }
        if !is_identifier(&id) {
            let hint = IDENTIFIER;
            findings.error_with_hint(&place, format!("`{id}` is not a valid rig id"), hint);
            continue;
        }
        files.insert(id, (syntax, Arc::clone(source)));
    }
    let mut rigs = BTreeMap::new();
    for id in files.keys() {
        if let Some(rig) = rig(&files, id, are_all_read, &mut findings) {
            rigs.insert(Arc::clone(&rig.id), rig);
        }
    }
    (rigs, findings)
}

type Lineage<'a> = Vec<(&'a RigSyntax, &'a Arc<Source>)>;

fn lineage<'a>(
    files: &'a BTreeMap<String, (RigSyntax, Arc<Source>)>,
    id: &str,
    are_all_read: bool,
    findings: &mut Diagnostics,
) -> Option<Lineage<'a>> {
    let mut line: Lineage<'a> = Vec::new();
    let mut next = id.to_owned();
    loop {
        let (syntax, source) = files.get(&next)?;
        line.push((syntax, source));
        let Some(word) = &syntax.like else { return Some(line) };
        let place = Place::of(source, word);
        next = word.value.0.clone();
        if !files.contains_key(&next) {
            // What stands in a file that can't be read is not unknown.
            if are_all_read {
                findings.unknown(&place, "rig in `like`:", &next, files.keys().map(String::as_str));
            }
            return None;
        }
        if line.len() > files.len() {
            findings.error(&place, format!("`like` leads back to `{next}` itself"));
            return None;
        }
    }
}

fn rig(
    files: &BTreeMap<String, (RigSyntax, Arc<Source>)>,
    id: &str,
    are_all_read: bool,
    findings: &mut Diagnostics,
) -> Option<Rig> {
    let line = lineage(files, id, are_all_read, findings)?;
    let place = Place::of(line[0].1, line[0].0.rig.as_ref()?);
    let title = line.iter().find_map(|(rig, _)| rig.title.clone());
    let (device, mentions) = device(&line, &place, findings)?;
    let mut channels = Vec::new();
    let wired = line.iter().find_map(|(rig, source)| Some((rig.channels.as_ref()?, *source)));
    let is_bench = matches!(device, Device::Bench(_));
    if let (Some((words, source)), true) = (wired, is_bench) {
        let place = words.first().map_or_else(|| place.clone(), |word| Place::of(source, word));
        findings.error_with_hint(
            &place,
            "`channels` does not apply to a bench",
            "its `wiring` says what is wired",
        );
    }
    if wired.is_none() && !is_bench {
        findings.error_with_hint(&place, "field `channels` is missing", "list what is wired, or `[\"*\"]`");
        return None;
    }
    for (word, source) in wired.iter().flat_map(|(words, source)| words.iter().map(move |w| (w, *source))) {
        match word.value.0.parse() {
            Ok(pattern) => channels.push(pattern),
            Err(_) => {
                let known = Channel::FORMS.into_iter().chain(["*", "button.*", "light.*", "power.cell.*"]);
                findings.unknown(&Place::of(source, word), "channel", &word.value.0, known);
            }
        }
    }
    let uncertainty = line.iter().find_map(|(rig, source)| Some((rig.uncertainty.as_ref()?, *source)));
    let (stimulus, observation) = match uncertainty {
        Some((words, source)) => {
            let mut read = |word| {
                let uncertainty: Duration = quantity(source, word, findings).unwrap_or_default();
                if uncertainty == Duration::ZERO && is_bench {
                    let hint = "state it with k = 2; docs/bench.md says what contributes to it";
                    findings.error_with_hint(&Place::of(source, word), "an uncertainty can't be zero", hint);
                }
                uncertainty
            };
            (read(&words.stimulus), read(&words.observation))
        }
        None if is_bench => {
            let hint = "write `uncertainty: {stimulus: 0.5 ms, observation: 1 ms}` (k = 2)";
            findings.error_with_hint(&place, "field `uncertainty` is missing", hint);
            return None;
        }
        None => (Duration::ZERO, Duration::ZERO),
    };
    let run_limit = line
        .iter()
        .find_map(|(rig, source)| Some((rig.run_limit.as_ref()?, *source)))
        .and_then(|(word, source)| quantity(source, word, findings));
    Some(Rig {
        id: id.into(),
        title: title.unwrap_or_else(|| id.to_owned()),
        device,
        channels,
        stimulus_uncertainty: stimulus,
        observation_uncertainty: observation,
        run_limit,
        files: line.iter().map(|(_, source)| source.name.clone()).collect(),
        mentions,
    })
}

/// The one device, and what a bench says of its lock.
fn device(line: &Lineage<'_>, place: &Place, findings: &mut Diagnostics) -> Option<(Device, Vec<Mention>)> {
    let simulated = line.iter().find_map(|(rig, _)| rig.simulated.clone());
    let emulated = line.iter().find_map(|(rig, source)| Some((rig.emulated.clone()?, *source)));
    let lockstep = line.iter().find_map(|(rig, source)| Some((rig.lockstep.clone()?, *source)));
    let wiring: Vec<_> = nearest(line, |rig| rig.wiring.as_ref());
    let of_a_bench = line.iter().find_map(|(rig, _)| rig.field_of_a_bench(lockstep.is_some()));
    match (simulated, emulated, lockstep, of_a_bench) {
        (None, None, None, Some(_)) if !wiring.is_empty() => {
            let syntax = BenchSyntax {
                place: place.clone(),
                lock: nearest(line, |rig| rig.lock.as_ref()).first().copied(),
                boards: nearest(line, |rig| rig.boards.as_ref()),
                wiring,
                exclusive: nearest(line, |rig| rig.exclusive.as_ref()).first().copied(),
                watchdog: nearest(line, |rig| rig.watchdog.as_ref()).first().copied(),
            };
            let (bench, mentions) = wiring::bench(&syntax, findings)?;
            Some((Device::Bench(Box::new(bench)), mentions))
        }
        (Some(simulated), None, None, None) => {
            Some((Device::Simulated { noise: simulated.noise }, Vec::new()))
        }
        (None, Some((EmulatedSyntax { firmware }, source)), None, None) => {
            let name = firmware.value.0.as_str();
            if !FIRMWARES.contains(&name) {
                findings.unknown(&Place::of(source, &firmware), "firmware", name, FIRMWARES);
                return None;
            }
            Some((Device::Emulated { firmware: name.into(), model: EMULATED_MODEL.into() }, Vec::new()))
        }
        (None, None, Some((lockstep, source)), None) => {
            let command_place = Place::of(source, &lockstep.command);
            let command = command::located(&lockstep.command.value, &source.name);
            if command.is_empty() {
                findings.error(&command_place, "the command is empty");
                return None;
            }
            let answer_within = lockstep.answer_within.as_ref().and_then(|w| quantity(source, w, findings));
            let answer_within = answer_within.unwrap_or(ANSWER_WITHIN);
            let debounce = lockstep.debounce.as_ref().and_then(|word| {
                let debounce: Duration = quantity(source, word, findings)?;
                if debounce > LONGEST_DEBOUNCE {
                    let message = format!("a contact can't be debounced for {debounce}");
                    let hint = format!(
                        "at most {LONGEST_DEBOUNCE}: changes shorter than the debounce time are not seen"
                    );
                    findings.error_with_hint(&Place::of(source, word), message, hint);
                }
                Some(debounce)
            });
            let debounce = debounce.unwrap_or_default();
            let lock = nearest(line, |rig| rig.lock.as_ref()).first().copied();
            if let Some((LockSyntax { serial: Some(serial), .. }, source)) = lock {
                let hint = "leave it out: a program answers `hello` with its serial number";
                findings.error_with_hint(&Place::of(source, serial), "`serial` is for a bench", hint);
            }
            let model = lock.map(|(lock, _)| lock.model.value.0.as_str().into());
            let mention = |(lock, source): (&LockSyntax, &Arc<Source>)| Mention {
                place: Place::of(source, &lock.model),
                subject: Subject::Model,
            };
            let played = Mention { place: command_place, subject: Subject::Command(command.clone()) };
            let mentions = lock.map(mention).into_iter().chain([played]).collect();
            Some((Device::Lockstep { command, answer_within, debounce, model }, mentions))
        }
        (simulated, emulated, lockstep, of_a_bench) => {
            let stated = [
                simulated.map(|_| "simulated"),
                emulated.map(|_| "emulated"),
                lockstep.map(|_| "lockstep"),
                of_a_bench,
            ];
            let stated: Vec<String> = stated.iter().flatten().map(|name| format!("`{name}`")).collect();
            let message = match stated.as_slice() {
                [_, _, ..] => {
                    format!("a rig needs exactly one device, but this one has {}", stated.join(" and "))
                }
                _ => "a rig needs exactly one device".to_owned(),
            };
            let hint = "write `simulated:`, `emulated:` or `lockstep:`, or `lock:`, `boards:` and `wiring:` for a bench";
            findings.error_with_hint(place, message, hint);
            None
        }
    }
}

/// What the files say on something, nearest first.
fn nearest<'a, T>(
    line: &Lineage<'a>,
    field: impl Fn(&'a RigSyntax) -> Option<&'a T>,
) -> Vec<(&'a T, &'a Arc<Source>)> {
    line.iter().filter_map(|(rig, source)| Some((field(rig)?, *source))).collect()
}

fn quantity<Q: Quantity>(source: &Arc<Source>, word: &Word, findings: &mut Diagnostics) -> Option<Q> {
    let place = Place::of(source, word);
    unit::parse(&word.value.0).map_err(|error| findings.error(&place, error.to_string())).ok()
}
