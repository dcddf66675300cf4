//! What is measured by trials, and on what: `characterize`, `sweep` and `triage` ask for it alike.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap_complete::engine::ArgValueCompleter;

use crate::drivers::clock;
use crate::evidence::{CaseEntry, create_fresh};
use crate::lock::Named;
use crate::rig::Rig;
use crate::run::{Trial, Vault};
use crate::scenario::ast::Model;
use crate::sim::{Flaw, Variation};
use crate::unit::Duration;

use super::apart::{Stage, Written};
use super::complete;
use super::files::{Files, Kind, Unpacked, known};
use super::mounted;
use super::signals;
use super::sim::{parse_defect, parse_variation};
use super::terminal::{Refusal, Terminal};

#[derive(clap::Args)]
pub(super) struct MeasuredArgs {
    /// Lock model: an id or a model file
    #[arg(long, add = ArgValueCompleter::new(complete::models))]
    model: String,
    /// Rig: an id or a rig file
    #[arg(long, default_value = "simulated", add = ArgValueCompleter::new(complete::rigs))]
    rig: String,
    /// Seed of codes and simulated noise
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..1 << 53))]
    seed: u64,
    /// Fault to switch on in the simulated lock (see `lockrig sim defects`)
    #[arg(long)]
    defect: Option<String>,
    /// Harmless variation to switch on in the simulated lock (see `lockrig sim variations`)
    #[arg(long)]
    variation: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// A lock on a rig, ready for trials.
pub(super) struct Bench {
    pub model: Model,
    files: Files,
    unpacked: Unpacked,
    seed: u64,
    defect: Option<Flaw>,
    variation: Option<Variation>,
    interrupt: Arc<AtomicBool>,
}

impl Bench {
    /// Reads what the trials need; nothing, if the files have errors, which are shown.
    pub(super) fn open(args: &MeasuredArgs, terminal: &Terminal) -> Result<Option<Self>, Refusal> {
        let plain = |message: String| (message, None);
        let hinted = |(message, hint): (String, String)| (message, Some(hint));
        let mut files = Files::library();
        let rig_id = files.id_of(Kind::Rig, &args.rig);
        let models: Vec<Arc<str>> = files.ids_of(Kind::Model, &args.model);
        let wanted: Vec<&str> =
            models.iter().map(|id| &**id).chain([&*args.model, &*args.rig, &*rig_id]).collect();
        let Some((library, rigs)) = files.usable(&wanted, terminal) else { return Ok(None) };
        let rig = known("rig", &rig_id, &rigs).map_err(hinted)?;
        let [id] = models.as_slice() else {
            return Err((format!("`{}` has several models", args.model), Some("name one of them".into())));
        };
        let model = known("model", id, &library.models).map_err(hinted)?.clone();
        mounted::check_simulated(rig, id).map_err(hinted)?;
        mounted::check_mounted(rig, [id]).map_err(hinted)?;
        let defect = args.defect.as_deref().map(parse_defect).transpose().map_err(plain)?;
        let variation = args.variation.as_deref().map(parse_variation).transpose().map_err(plain)?;
        mounted::check_altered(rig, defect.is_some() || variation.is_some()).map_err(hinted)?;
        let unpacked = Unpacked::new(rig)
            .map_err(|error| plain(format!("the rig's program can't be unpacked: {error}")))?;
        let interrupt = Arc::new(AtomicBool::new(false));
        Ok(Some(Self { model, files, unpacked, seed: args.seed, defect, variation, interrupt }))
    }

    pub(super) fn rig(&self) -> &Rig {
        &self.unpacked.rig
    }

    /// Makes the measurement's folder, and hears from now on if it is to end.
    pub(super) fn begin(&self, out: &Path) -> Result<PathBuf, Refusal> {
        let plain = |message: String| (message, None);
        signals::listen(&self.interrupt)
            .map_err(|error| plain(format!("signals can't be listened to: {error}")))?;
        let utc = clock::utc().map_err(|error| plain(error.to_string()))?;
        let folder = create_fresh(out, &utc.strftime("%Y%m%dT%H%M%SZ").to_string());
        let (folder, _) = folder.map_err(|error| plain(format!("{}: {error}", out.display())))?;
        Ok(folder)
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Writes what a measurement came to: `NAME.html` for people, and `NAME.json`; gives the path of the page.
    pub(super) fn conclude(
        &self,
        folder: &Path,
        name: &str,
        (page, record): (&str, &str),
    ) -> Result<PathBuf, Refusal> {
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        for (path, text) in [(path("html"), page), (path("json"), record)] {
            fs::write(&path, text).map_err(|error| (format!("{}: {error}", path.display()), None))?;
        }
        Ok(path("html"))
    }

    /// Makes trial after trial, each with a run folder below the measurement's, until nothing is left to ask, they are
    /// enough, or it is interrupted.
    ///
    /// # Errors
    /// Why it ended early, as a text for people.
    pub(super) fn make(&self, most: u32, folder: &Path, asking: &mut dyn Asking) -> Result<(), String> {
        let mut earlier = Vault::default();
        let mut elapsed = Duration::ZERO;
        for _ in 0..most {
            if let Some(limit) = self.rig().run_limit.filter(|limit| elapsed > *limit) {
                return Err(format!("it took longer than its rig allows ({limit})"));
            }
            if self.is_interrupted() {
                break;
            }
            let Some(trial) = asking.next()? else { break };
            let Some((entry, played)) = self.play(&trial, folder, &mut earlier)? else { break };
            elapsed = elapsed.saturating_add(Duration::nanoseconds(entry.length_ns));
            asking.hear(&trial, &entry, played);
        }
        Ok(())
    }

    /// Makes a trial: its case, and its run folder; nothing, if it was interrupted.
    fn play(
        &self,
        trial: &Trial,
        folder: &Path,
        earlier: &mut Vault,
    ) -> Result<Option<(CaseEntry, PathBuf)>, String> {
        let Self { files, seed, defect, variation, interrupt, .. } = self;
        let (seed, defect, variation) = (*seed, *defect, *variation);
        let stage = Stage { files, rig: self.rig(), seed, defect, variation, interrupt };
        let Trial { library, plan, files, method, .. } = trial;
        let written = Written { library, plan, files, model: &self.model.facts.id, method: *method };
        let done = stage.play(&written, folder, &format!("trial-{:03}", trial.number), true, earlier)?;
        Ok(done.ended.into_iter().next().map(|entry| (entry, done.folder)))
    }
}

/// What asks the next trial, and hears what became of it.
pub(super) trait Asking {
    /// The next trial; nothing, if there is nothing left to ask.
    fn next(&mut self) -> Result<Option<Trial>, String>;

    /// A trial was made, with its evidence in a folder.
    fn hear(&mut self, trial: &Trial, entry: &CaseEntry, folder: PathBuf);
}

/// What a word of the command line names.
pub(super) fn word<T: Named>(kind: &str, text: &str) -> Result<T, Refusal> {
    T::from_word(text).ok_or_else(|| {
        let words: Vec<&str> = T::words().collect();
        (format!("unknown {kind} `{text}`"), Some(format!("it is one of {}", words.join(", "))))
    })
}
