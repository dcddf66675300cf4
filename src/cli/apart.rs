//! Plans that lockrig writes itself, each played into a run folder of its own: lives, and trials.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::drivers::clock;
use crate::evidence::{CaseEntry, Manifest, RunFolder, Selected};
use crate::lock::Method;
use crate::rig::Rig;
use crate::run::{self, Event, Session, Vault};
use crate::scenario::{Library, Plan};
use crate::sim::{Flaw, Variation};

use super::files::Files;
use super::play::{out_of_use, seal, shown_time};

/// On what such plans are played.
pub(super) struct Stage<'a> {
    pub files: &'a Files,
    pub rig: &'a Rig,
    pub seed: u64,
    pub defect: Option<Flaw>,
    pub variation: Option<Variation>,
    pub interrupt: &'a AtomicBool,
}

/// A plan, and the files in which its scenarios are written, by name.
pub(super) struct Written<'a> {
    pub library: &'a Library,
    pub plan: &'a Plan,
    pub files: &'a BTreeMap<String, String>,
    pub model: &'a str,
    pub method: Method,
}

/// What became of it.
pub(super) struct Done {
    pub ended: Vec<CaseEntry>,
    /// Its run folder.
    pub folder: PathBuf,
    pub manifest: Manifest,
    /// What was done to the lock.
    pub operations: u64,
}

impl Stage<'_> {
    /// Plays a plan into a new folder below another; with all views, or only with what evidence needs.
    pub(super) fn play(
        &self,
        written: &Written<'_>,
        parent: &Path,
        name: &str,
        has_views: bool,
        earlier: &mut Vault,
    ) -> Result<Done, String> {
        let is_real = self.rig.bench().is_some();
        // What broke before is broken still.
        if let Some((message, hint)) = out_of_use(self.rig) {
            return Err(format!("{message}; {hint}"));
        }
        let Written { library, plan, files, model, method } = *written;
        let session = Session {
            library,
            rig: self.rig,
            seed: self.seed,
            defect: self.defect,
            variation: self.variation,
            all_traces: is_real,
            interrupt: self.interrupt,
        };
        let prepared = session.prepare(plan).map_err(|fault| format!("the rig is not ready: {fault}"))?;
        let selected = Selected {
            models: vec![model.to_owned()],
            methods: vec![method.word().to_owned()],
            repeat: 1,
            ..Selected::default()
        };
        let mut inputs = self.files.inputs(library, plan, &selected, self.rig);
        let own = files.iter().map(|(name, text)| (format!("scenarios/{name}"), text.clone().into_bytes()));
        inputs.extend(own);
        let now = || clock::utc().map(shown_time).map_err(|error| error.to_string());
        let info = session.info(selected, plan.count(), now()?);
        let catalogue = run::catalogue(library, plan);
        let mut folder =
            RunFolder::create(parent, name, info, &catalogue, &inputs).map_err(|error| error.to_string())?;
        let path = folder.path().to_owned();
        let mut ended: Vec<CaseEntry> = Vec::new();
        let operations = session
            .run(plan, prepared, &mut folder, earlier, &mut |event| match event {
                Event::Finished(entry) => ended.push(entry.clone()),
                Event::Started { .. } => {}
            })
            .map_err(|error| error.to_string())?;
        if !is_real {
            // Codes of simulated locks are the same each time.
            *earlier = Vault::default();
        }
        let sealed = if has_views {
            seal(folder, false)
        } else {
            folder.finish_results(now().ok()).and_then(|()| folder.close())
        };
        let manifest = sealed.map_err(|error| error.to_string())?;
        Ok(Done { ended, folder: path, manifest, operations })
    }
}
