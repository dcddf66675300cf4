//! One run's folder while it is written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Listed;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::engine::CaseResult;
use crate::unit::Instant;

use super::entry::Entry;
use super::files::{hash_file, sync_folder};
use super::index::IndexWriter;
use super::journal::JournalWriter;
use super::manifest::{
    Before, Commission, Counts, DeviceIdentity, FORMAT, Heard, Manifest, RigIdentity, Selected, State,
};
use super::results::{CaseEntry, Catalogue, ResultsWriter};
use super::{EvidenceError, hex};

/// What is known of a run when it begins.
#[derive(Clone, Debug, Default)]
pub struct RunInfo {
    /// Version of the tool.
    pub tool: String,
    /// `simulated` or `hardware`.
    pub provenance: String,
    /// Which bench.
    pub rig: RigIdentity,
    /// Which lock, if the operator says.
    pub device: DeviceIdentity,
    /// Who.
    pub operator: Option<String>,
    /// What people say of it, for the conformity report.
    pub commission: Option<Commission>,
    /// Seed.
    pub seed: u64,
    /// Defect switched on.
    pub defect: Option<String>,
    /// How the simulated lock differed from the textbook, soundly.
    pub variation: Option<String>,
    /// Run that this one continues.
    pub resumes: Option<String>,
    /// Cases by verdict that it and those before it finished.
    pub earlier: Option<Counts>,
    /// What those before it have shown.
    pub before: Option<Before>,
    /// What was asked for.
    pub selected: Selected,
    /// When it begins, UTC, RFC 3339.
    pub started: String,
    /// Cases planned.
    pub planned: u64,
}

impl From<Manifest> for RunInfo {
    /// What was known when that run began.
    fn from(manifest: Manifest) -> Self {
        let Manifest { tool, provenance, rig, device, operator, commission, .. } = manifest;
        let Manifest {
            seed, defect, variation, resumes, earlier, before, selected, started, planned, ..
        } = manifest;
        Self {
            tool,
            provenance,
            rig,
            device,
            operator,
            commission,
            seed,
            defect,
            variation,
            resumes,
            earlier,
            before,
            selected,
            started,
            planned,
        }
    }
}

/// An open run folder. Dropping it without [`RunFolder::close`] leaves an aborted run.
pub struct RunFolder {
    path: PathBuf,
    manifest: Manifest,
    journal: JournalWriter,
    results: ResultsWriter,
    index: IndexWriter,
    heard: Heard,
    /// Where in the journal the case that is played began.
    case_begin: Option<u64>,
}

impl RunFolder {
    /// Creates `parent/<run-id>` with its inputs; `name` is the wished run id, which gets a
    /// number if it is taken.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn create(
        parent: &Path,
        name: &str,
        info: RunInfo,
        catalogue: &Catalogue,
        inputs: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, EvidenceError> {
        let (path, run) = create_fresh(parent, name)?;
        let mut files = BTreeMap::new();
        for (name, bytes) in inputs {
            let relative = format!("inputs/{name}");
            let file = path.join(&relative);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder).map_err(EvidenceError::io(folder))?;
            }
            fs::write(&file, bytes).map_err(EvidenceError::io(&file))?;
            files.insert(relative, hex(&Sha256::digest(bytes)));
        }
        let manifest = Manifest {
            format: FORMAT,
            state: State::Running,
            run,
            tool: info.tool,
            provenance: info.provenance,
            rig: info.rig,
            device: info.device,
            operator: info.operator,
            commission: info.commission,
            seed: info.seed,
            defect: info.defect,
            variation: info.variation,
            resumes: info.resumes,
            earlier: info.earlier,
            before: info.before,
            selected: info.selected,
            started: info.started,
            ended: None,
            planned: info.planned,
            counts: Counts::default(),
            files,
            journal: None,
        };
        manifest.write(&path)?;
        let mut journal = JournalWriter::create(&path.join("journal.jsonl"))?;
        journal.append("", Instant::START, &Entry::Run(Box::new(manifest.clone())))?;
        journal.commit()?;
        let results = ResultsWriter::create(&path.join("results.json"), catalogue)?;
        let index = IndexWriter::create(&path)?;
        sync_folder(&path)?;
        sync_folder(parent)?;
        tracing::info!(folder = %path.display(), "a run folder was created");
        Ok(Self { path, manifest, journal, results, index, heard: Heard::default(), case_begin: None })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in its manifest so far.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Appends to the journal.
    ///
    /// # Errors
    /// Those of the file.
    pub fn record(&mut self, case: &str, at: Instant, entry: &Entry) -> Result<(), EvidenceError> {
        if let Entry::Begin { .. } = entry {
            self.case_begin = Some(self.journal.length());
        }
        if let Entry::Ready(device) = entry {
            self.heard.hear(device);
        }
        self.journal.append(case, at, entry)
    }

    /// Ends a case. Its verdict may be shown once [`RunFolder::commit`] returned.
    ///
    /// # Errors
    /// Those of the files, or it is no id of a case.
    pub fn end_case(
        &mut self,
        case: &str,
        at: Instant,
        result: CaseResult,
    ) -> Result<CaseEntry, EvidenceError> {
        let no_case = || EvidenceError::malformed(&self.path, format!("{case:?} is not the id of a case"));
        let entry = CaseEntry::ended(case, at, result).ok_or_else(no_case)?;
        self.manifest.counts.add(entry.result.verdict);
        self.journal.append(case, at, &Entry::End(Box::new(entry.result.clone())))?;
        if let Some(begin) = self.case_begin.take() {
            self.index.append(case, begin, self.journal.length() - begin)?;
        }
        self.results.append(&entry)?;
        Ok(entry)
    }

    /// Makes everything recorded so far durable.
    ///
    /// # Errors
    /// Those of the file.
    pub fn commit(&mut self) -> Result<(), EvidenceError> {
        self.index.finish()?;
        self.journal.commit()
    }

    /// Completes `results.json` and notes when the last case ended, so that views can be made before the close.
    ///
    /// # Errors
    /// Those of the files.
    pub fn finish_results(&mut self, ended: Option<String>) -> Result<(), EvidenceError> {
        self.results.finish()?;
        // The clock may have been set back meanwhile.
        self.manifest.ended = ended.map(|ended| ended.max(self.manifest.started.clone()));
        self.index.finish()?;
        self.heard.complete(&mut self.manifest.device);
        self.manifest.write(&self.path)?;
        self.journal.commit()
    }

    /// Leaves the folder as what remains of a run that was never closed, for views of it.
    ///
    /// # Errors
    /// Those of the files.
    pub fn abort(&mut self) -> Result<(), EvidenceError> {
        self.manifest.state = State::Aborted;
        self.finish_results(None)
    }

    /// Seals the folder: the manifest lists every file.
    ///
    /// # Errors
    /// Those of the files.
    pub fn close(mut self) -> Result<Manifest, EvidenceError> {
        let (lines, journal) = self.journal.finish()?;
        // What was written is sealed, not what lies there by now.
        let files = &mut self.manifest.files;
        files.insert("journal.jsonl".to_owned(), journal);
        files.insert("results.json".to_owned(), self.results.hash());
        files.insert("index.jsonl".to_owned(), self.index.hash());
        for name in list_files(&self.path)? {
            if matches!(name.as_str(), "run.json" | "run.json.new") {
                continue;
            }
            let path = self.path.join(&name);
            // The manifest vouches for what is on the disk.
            File::open(&path).and_then(|file| file.sync_all()).map_err(EvidenceError::io(&path))?;
            if let Listed::Vacant(unknown) = files.entry(name) {
                unknown.insert(hash_file(&path)?);
            }
        }
        self.manifest.state = State::Closed;
        self.manifest.journal = Some(lines);
        self.manifest.write(&self.path)?;
        tracing::info!(folder = %self.path.display(), lines, "the run folder was closed");
        Ok(self.manifest)
    }
}

/// A new folder below another, and its name: the wished one, which gets a number if it is taken.
///
/// # Errors
/// It can't be made, or a thousand are there already.
pub fn create_fresh(parent: &Path, name: &str) -> Result<(PathBuf, String), EvidenceError> {
    fs::create_dir_all(parent).map_err(EvidenceError::io(parent))?;
    for number in 1..1_000 {
        let run = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let path = parent.join(&run);
        match fs::create_dir(&path) {
            Ok(()) => return Ok((path, run)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(EvidenceError::io(&path)(error)),
        }
    }
    Err(EvidenceError::malformed(parent, format!("already has a thousand runs called {name}")))
}

/// Every file below a folder, as paths with forward slashes.
///
/// # Errors
/// The folder can't be read.
pub fn list_files(folder: &Path) -> Result<Vec<String>, EvidenceError> {
    let mut files = Vec::new();
    let mut open = vec![String::new()];
    while let Some(prefix) = open.pop() {
        let path = folder.join(&prefix);
        let mut is_empty = true;
        for entry in fs::read_dir(&path).map_err(EvidenceError::io(&path))? {
            is_empty = false;
            let entry = entry.map_err(EvidenceError::io(&path))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let name = if prefix.is_empty() { name.into_owned() } else { format!("{prefix}/{name}") };
            // A link is listed as what it is, a file that nobody wrote: it is never followed.
            let kind = entry.file_type().map_err(EvidenceError::io(&path))?;
            if kind.is_dir() {
                open.push(name);
            } else {
                files.push(name);
            }
        }
        if is_empty && !prefix.is_empty() {
            // An empty folder was not written by a run: it is listed, so that it is noticed.
            files.push(format!("{prefix}/"));
        }
    }
    files.sort();
    Ok(files)
}
