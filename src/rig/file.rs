//! `rigs/*.yaml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::trace::{Channel, ChannelPattern};
use crate::unit::{self, Duration, Quantity};
use crate::yaml::{self, Diagnostic, Diagnostics, Place, Scalar, Source, Spanned};

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
}

impl Rig {
    /// Whether a channel is wired.
    pub fn wires(&self, channel: &Channel) -> bool {
        self.channels.iter().any(|pattern| pattern.matches(channel))
    }

    /// `hardware` only if a real device is declared and nothing in it is simulated.
    pub fn provenance(&self) -> &'static str {
        match self.device {
            Device::Simulated { .. } | Device::Lockstep { .. } => "simulated",
        }
    }
}

/// What plays the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// The built-in simulated locks.
    Simulated {
        /// With seeded bounce, jitter and flicker.
        noise: bool,
    },
    /// A program that speaks the lockstep protocol.
    Lockstep {
        /// Program and arguments.
        command: Vec<String>,
        /// Wall-clock time within which it must answer.
        answer_within: Duration,
    },
}

type Word = Spanned<Scalar>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RigSyntax {
    rig: Option<Word>,
    like: Option<Word>,
    title: Option<String>,
    simulated: Option<SimulatedSyntax>,
    lockstep: Option<LockstepSyntax>,
    channels: Option<Vec<Word>>,
    uncertainty: Option<UncertaintySyntax>,
    run_limit: Option<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SimulatedSyntax {
    noise: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockstepSyntax {
    command: Spanned<Vec<String>>,
    answer_within: Option<Word>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UncertaintySyntax {
    stimulus: Word,
    observation: Word,
}

/// How long a peer may take to answer if its rig does not say.
const ANSWER_WITHIN: Duration = Duration::seconds(10);

/// Reads rig files; what is wrong with some does not hide the others.
pub fn load(sources: &[Arc<Source>]) -> (BTreeMap<Arc<str>, Rig>, Diagnostics) {
    let mut findings = Diagnostics::default();
    let mut files: BTreeMap<String, (RigSyntax, Arc<Source>)> = BTreeMap::new();
    for source in sources {
        let syntax: RigSyntax = match yaml::load(source) {
            Ok(syntax) => syntax,
            Err(diagnostic) => {
                findings.push(diagnostic);
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
        let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.chars().all(safe) || !(2..=60).contains(&id.len()) {
            let hint = "2 to 60 lowercase letters, digits and hyphens";
            findings.error_with_hint(&place, format!("`{id}` is not a rig id"), hint);
            continue;
        }
        files.insert(id, (syntax, Arc::clone(source)));
    }
    let mut rigs = BTreeMap::new();
    for id in files.keys() {
        if let Some(rig) = rig(&files, id, &mut findings) {
            rigs.insert(Arc::clone(&rig.id), rig);
        }
    }
    (rigs, findings)
}

type Lineage<'a> = Vec<(&'a RigSyntax, &'a Arc<Source>)>;

fn lineage<'a>(
    files: &'a BTreeMap<String, (RigSyntax, Arc<Source>)>,
    id: &str,
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
            findings.unknown(&place, "rig to be like", &next, files.keys().map(String::as_str));
            return None;
        }
        if line.len() > files.len() {
            findings.error(&place, format!("`{next}` is like itself"));
            return None;
        }
    }
}

fn rig(
    files: &BTreeMap<String, (RigSyntax, Arc<Source>)>,
    id: &str,
    findings: &mut Diagnostics,
) -> Option<Rig> {
    let line = lineage(files, id, findings)?;
    let place = Place::of(line[0].1, line[0].0.rig.as_ref()?);
    let title = line.iter().find_map(|(rig, _)| rig.title.clone());
    let simulated = line.iter().find_map(|(rig, _)| rig.simulated.clone());
    let lockstep = line.iter().find_map(|(rig, source)| Some((rig.lockstep.clone()?, *source)));
    let device = match (simulated, lockstep) {
        (Some(simulated), None) => Device::Simulated { noise: simulated.noise },
        (None, Some((lockstep, source))) => {
            let command = lockstep.command.value.clone();
            if command.is_empty() {
                findings.error(&Place::of(source, &lockstep.command), "the command is empty");
                return None;
            }
            let answer_within = lockstep.answer_within.as_ref().and_then(|w| quantity(source, w, findings));
            Device::Lockstep { command, answer_within: answer_within.unwrap_or(ANSWER_WITHIN) }
        }
        _ => {
            findings.error_with_hint(
                &place,
                "a rig needs exactly one device",
                "write `simulated: {noise: true}` or `lockstep: {command: […]}`",
            );
            return None;
        }
    };
    let mut channels = Vec::new();
    let wired = line.iter().find_map(|(rig, source)| Some((rig.channels.as_ref()?, *source)));
    let Some((words, source)) = wired else {
        findings.error_with_hint(&place, "field `channels` is missing", "list what is wired, or `[\"*\"]`");
        return None;
    };
    for word in words {
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
        Some((words, source)) => (
            quantity(source, &words.stimulus, findings).unwrap_or_default(),
            quantity(source, &words.observation, findings).unwrap_or_default(),
        ),
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
    })
}

fn quantity<Q: Quantity>(source: &Arc<Source>, word: &Word, findings: &mut Diagnostics) -> Option<Q> {
    let place = Place::of(source, word);
    unit::parse(&word.value.0).map_err(|error| findings.error(&place, error.to_string())).ok()
}
