//! Finds and reads models, scenarios and rigs: those that the program was built with, and
//! `./scenarios` and `./rigs` on top of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::evidence::{Selected, TOOL};
use crate::rig::{self, Rig};
use crate::scenario::{Library, Plan};
use crate::sim;
use crate::unit::counted;
use crate::yaml::{self, Diagnostic, Diagnostics, MAX_DOCUMENT_BYTES, Place, Scalar, Severity, Source};

use super::terminal::Terminal;

/// Rigs by id.
pub(super) type Rigs = BTreeMap<Arc<str>, Rig>;

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");
static RIGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rigs");

/// Which of the three kinds a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    Scenario,
    Rig,
}

impl Kind {
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Model => "scenarios/models",
            Self::Scenario => "scenarios",
            Self::Rig => "rigs",
        }
    }
}

/// Sources by kind, with what could not be read.
#[derive(Default)]
pub(super) struct Files {
    sources: Vec<(Kind, Arc<Source>)>,
    seen: BTreeSet<PathBuf>,
    /// Built-in files in whose place there is another of the same name.
    pub replaced: Vec<String>,
    pub findings: Diagnostics,
}

impl Files {
    /// The built-in library, with the files of the current folder on top: one of the same name
    /// replaces the built-in one.
    pub(super) fn library() -> Self {
        let mut files = Self::default();
        for kind in [Kind::Model, Kind::Scenario, Kind::Rig] {
            let folder = Path::new(kind.folder());
            if folder.is_dir() {
                files.read_folder(kind, folder);
            }
        }
        files.complete();
        files
    }

    /// Whether the program was built with a file of this name.
    pub(super) fn is_built_in(kind: Kind, name: &str) -> bool {
        embedded(kind).is_some_and(|folder| {
            folder.files().any(|file| file.path().file_name().is_some_and(|own| own == name))
        })
    }

    /// Adds the built-in files that none of the same name replaces.
    pub(super) fn complete(&mut self) {
        [Kind::Model, Kind::Scenario, Kind::Rig].into_iter().for_each(|kind| self.read_embedded(kind));
    }

    /// Adds the models and scenarios that a run recorded and that are nowhere else. Rigs name programs to start, so
    /// none is taken from a run folder, which may be anybody's.
    pub(super) fn complete_from(&mut self, inputs: &Path) {
        for kind in [Kind::Model, Kind::Scenario] {
            let folder = inputs.join(kind.folder());
            let paths = if folder.is_dir() { self.yaml_files(&folder) } else { Vec::new() };
            for path in paths {
                let recorded = read_bounded(&path).ok().and_then(|bytes| Source::new("recorded", bytes).ok());
                let ids = recorded.as_ref().map(defined).unwrap_or_default();
                let of_kind = self.sources.iter().filter(|(known, _)| *known == kind);
                let known: BTreeSet<String> = of_kind.flat_map(|(_, source)| defined(source)).collect();
                if ids.iter().any(|id| !known.contains(id)) {
                    self.read_file(Some(kind), &path);
                }
            }
        }
    }

    /// Reads a file or a folder that the user named.
    pub(super) fn read_path(&mut self, path: &Path) {
        if path.is_dir() {
            for (name, kind) in [("models", Kind::Model), ("scenarios", Kind::Scenario), ("rigs", Kind::Rig)]
            {
                if path.file_name().is_some_and(|own| own == name) {
                    return self.read_tree(kind, path);
                }
            }
            self.read_unsorted(path);
            return self.read_below(path);
        }
        self.read_file(None, path);
    }

    fn read_tree(&mut self, kind: Kind, folder: &Path) {
        self.read_folder(kind, folder);
        self.read_below(folder);
    }

    /// Files whose kind only their first key tells.
    fn read_unsorted(&mut self, folder: &Path) {
        for path in self.yaml_files(folder) {
            self.read_file(None, &path);
        }
    }

    fn read_below(&mut self, folder: &Path) {
        for (name, kind) in [("models", Kind::Model), ("scenarios", Kind::Scenario), ("rigs", Kind::Rig)] {
            let below = folder.join(name);
            if below.is_dir() {
                self.read_tree(kind, &below);
            }
        }
    }

    fn read_folder(&mut self, kind: Kind, folder: &Path) {
        for path in self.yaml_files(folder) {
            self.read_file(Some(kind), &path);
        }
    }

    fn yaml_files(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = match fs::read_dir(folder) {
            Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
            Err(error) => {
                self.unreadable(folder, &error.to_string());
                Vec::new()
            }
        };
        paths.retain(|path| is_yaml(path));
        paths.sort();
        paths
    }

    /// Reads a file; without a kind it is told by its first key.
    fn read_file(&mut self, kind: Option<Kind>, path: &Path) {
        let name = path.to_string_lossy().replace('\\', "/");
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(own) {
            return;
        }
        match read_bounded(path) {
            Ok(bytes) => self.add(kind, name.trim_start_matches("./"), bytes),
            Err(error) => self.unreadable(path, &error.to_string()),
        }
    }

    fn read_embedded(&mut self, kind: Kind) {
        for file in embedded(kind).into_iter().flat_map(Dir::files).filter(|file| is_yaml(file.path())) {
            let name = file.path().file_name().unwrap_or_default().to_string_lossy();
            let has_name = |known: &&(Kind, Arc<Source>)| {
                known.0 == kind
                    && Path::new(&known.1.name).file_name().is_some_and(|own| own.to_string_lossy() == name)
            };
            match self.sources.iter().find(has_name) {
                Some((_, own)) if own.text.as_bytes() != file.contents() => {
                    self.replaced.push(own.name.clone())
                }
                Some(_) => {}
                None => self.add(Some(kind), &format!("{}/{name}", kind.folder()), file.contents().to_vec()),
            }
        }
    }

    fn add(&mut self, kind: Option<Kind>, name: &str, bytes: Vec<u8>) {
        match Source::new(name, bytes) {
            Ok(source) => {
                if self.sources.iter().any(|(_, known)| known.name == source.name) {
                    return;
                }
                let kind = told_by_first_key(&source).or(kind).unwrap_or(Kind::Scenario);
                self.sources.push((kind, source));
            }
            Err(diagnostic) => self.findings.push(diagnostic),
        }
    }

    fn unreadable(&mut self, path: &Path, reason: &str) {
        let name = path.to_string_lossy().into_owned();
        if let Ok(source) = Source::new(&name, Vec::new()) {
            self.findings
                .push(Diagnostic::error(Place::start_of(&source), format!("can't be read: {reason}")));
        }
    }

    fn of(&self, kind: Kind) -> Vec<Arc<Source>> {
        let wanted = self.sources.iter().filter(|(known, _)| *known == kind);
        wanted.map(|(_, source)| Arc::clone(source)).collect()
    }

    /// Number of files read.
    pub(super) fn len(&self) -> usize {
        self.sources.len()
    }

    /// The rigs alone: whoever makes one safe does not wait until everything else is read.
    pub(super) fn rigs(&self) -> (Rigs, Diagnostics) {
        let (rigs, mut findings) = rig::load(&self.of(Kind::Rig));
        findings.extend(self.findings.clone());
        (rigs, findings)
    }

    /// The rigs, compared with the models that are mounted on them.
    pub(super) fn compared_rigs(&self) -> (Rigs, Diagnostics) {
        let (_, rigs, findings) = self.load();
        (rigs, findings)
    }

    /// What the files mean, with all that is wrong.
    pub(super) fn load(&self) -> (Library, Rigs, Diagnostics) {
        let (library, mut findings) = Library::load(&self.of(Kind::Model), &self.of(Kind::Scenario));
        let (rigs, rig_findings) = rig::load(&self.of(Kind::Rig));
        findings.extend(self.findings.clone());
        // A model that can't be read is not one that a bench names wrongly.
        if !findings.has_errors() {
            let models = library.models.iter().map(|(id, model)| (Arc::clone(id), &model.facts)).collect();
            findings.extend(rig::compare(&rigs, &models));
        }
        findings.extend(rig_findings);
        (library, rigs, findings)
    }

    /// What the files mean, without those that can't be used and whatever needs them, which are named: a draft is no
    /// reason not to play what is fine. If one of them is asked for by name, or stands in place of a built-in file, which
    /// would be missing, everything that is wrong is shown, and nothing can be used.
    pub(super) fn usable(&mut self, asked_for: &[&str], terminal: &Terminal) -> Option<(Library, Rigs)> {
        let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
        let mut all = None;
        loop {
            let (library, rigs, round) = self.load();
            if !round.has_errors() {
                for (file, count) in left_out {
                    let errors = counted(count as u64, "error");
                    terminal.note(&format!("left out: {file}, which has {errors}; lockrig check shows them"));
                }
                return Some((library, rigs));
            }
            // What the first round shows is what a person has to mend: the rest follows from it.
            let all = all.get_or_insert_with(|| round.clone());
            let mut errors: BTreeMap<String, usize> = BTreeMap::new();
            for finding in round.sorted().into_iter().filter(|finding| finding.severity == Severity::Error) {
                *errors.entry(finding.place.file().to_owned()).or_default() += 1;
            }
            let is_broken = |name: &str| errors.contains_key(name);
            let broken = || self.sources.iter().filter(|(_, source)| is_broken(&source.name));
            let is_asked_for = |word: &&str| {
                is_broken(word.trim_start_matches("./"))
                    || broken().any(|(_, source)| is_called(source, word))
            };
            let could_not_be_read = std::mem::take(&mut self.findings).has_errors();
            let is_stuck = broken().next().is_none() && !could_not_be_read;
            let in_place_of_another = broken().any(|(kind, source)| {
                let name = Path::new(&source.name).file_name().unwrap_or_default().to_string_lossy();
                Self::is_built_in(*kind, &name)
            });
            if is_stuck || in_place_of_another || asked_for.iter().any(is_asked_for) {
                terminal.complaints(all);
                return None;
            }
            self.sources.retain(|(_, source)| !is_broken(&source.name));
            left_out.extend(errors);
        }
    }

    /// Turns a path into the first id that the file defines, reading it; an id stays what it is.
    pub(super) fn id_of(&mut self, kind: Kind, word: &str) -> Arc<str> {
        self.ids_of(kind, word).into_iter().next().unwrap_or_else(|| word.into())
    }

    /// Turns a path into the ids that the file defines, reading it; an id, or the path of a file without any, stays what
    /// it is.
    pub(super) fn ids_of(&mut self, kind: Kind, word: &str) -> Vec<Arc<str>> {
        if !is_yaml(Path::new(word)) {
            return vec![word.into()];
        }
        self.read_file(Some(kind), Path::new(word));
        let own = fs::canonicalize(word).ok();
        let source = self
            .sources
            .iter()
            .find(|(_, source)| fs::canonicalize(&source.name).ok() == own && own.is_some());
        let of = |head: Head| match kind {
            Kind::Model => head.model,
            Kind::Scenario => head.scenario,
            Kind::Rig => head.rig,
        };
        let ids = source.into_iter().flat_map(|(_, source)| heads(source)).filter_map(of);
        let ids: Vec<Arc<str>> = ids.map(|Scalar(id)| id.into()).collect();
        if ids.is_empty() { vec![word.into()] } else { ids }
    }

    /// A hash of this lockrig's version, and of the files with these names.
    pub(super) fn digest(&self, names: &BTreeSet<&String>) -> String {
        let mut hash = Sha256::new_with_prefix(TOOL);
        for (_, source) in self.sources.iter().filter(|(_, source)| names.contains(&source.name)) {
            hash.update(source.name.len().to_le_bytes());
            hash.update(&source.name);
            hash.update(source.text.len().to_le_bytes());
            hash.update(&source.text);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Every file that the planned cases use, as it will stand under `inputs/`.
    pub(super) fn inputs(
        &self,
        library: &Library,
        plan: &Plan,
        selected: &Selected,
        rig: &Rig,
    ) -> BTreeMap<String, Vec<u8>> {
        let (mut scenarios, mut models) = plan.subjects();
        // One that was asked for may have no case; whoever continues the run asks for it again.
        scenarios.extend(selected.scenarios.iter().map(|id| id.as_str().into()));
        models.extend(selected.models.iter().map(|id| id.as_str().into()));
        let scenarios =
            scenarios.iter().filter_map(|id| library.scenarios.get(id)).flat_map(|one| &one.files);
        let models = models.iter().filter_map(|id| library.models.get(id)).flat_map(|one| &one.files);
        let mut used: BTreeSet<&String> = scenarios.chain(models).chain(&rig.files).collect();
        // Whatever else stands in those files is read with them, and needs what it is `like`.
        let all = || {
            let models = library.models.values().map(|one| &one.files);
            models.chain(library.scenarios.values().map(|one| &one.files))
        };
        let mut count = 0;
        while count < used.len() {
            count = used.len();
            let is_used = |files: &&Vec<String>| files.first().is_some_and(|own| used.contains(own));
            let more: Vec<&String> = all().filter(is_used).flatten().collect();
            used.extend(more);
        }
        let mut inputs = BTreeMap::new();
        for (kind, source) in self.sources.iter().filter(|(_, source)| used.contains(&source.name)) {
            let file = Path::new(&source.name).file_name().unwrap_or_default().to_string_lossy();
            // Files of the same name from different folders are all kept.
            let names = (1..).map(|n| if n == 1 { String::new() } else { format!("{n}-") });
            let mut names = names.map(|prefix| format!("{}/{prefix}{file}", kind.folder()));
            if let Some(name) = names.find(|name| !inputs.contains_key(name)) {
                inputs.insert(name, source.text.clone().into_bytes());
            }
        }
        if let rig::Device::Emulated { firmware, .. } = &rig.device {
            let image = sim::firmware_image(firmware).map(<[u8]>::to_vec);
            inputs.extend(image.map(|image| (format!("firmware/{firmware}.hex"), image)));
        }
        if let rig::Device::Lockstep { command, .. } = &rig.device {
            for word in command.iter().filter(|word| word.contains(['/', '.'])) {
                // Words that name small files are the peer's program.
                let path = Path::new(word);
                let is_small =
                    fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= MAX_DOCUMENT_BYTES as u64);
                if let (true, Ok(bytes), Some(file)) = (is_small, fs::read(path), path.file_name()) {
                    inputs.insert(format!("peer/{}", file.to_string_lossy()), bytes);
                }
            }
        }
        inputs
    }
}

/// A rig with the program of a built-in one put where it can be run: the source tree is not everywhere.
pub(super) struct Unpacked {
    pub rig: Rig,
    /// Where it is put; removed once the rig is not used any more.
    _folder: Option<TempDir>,
}

impl Unpacked {
    /// # Errors
    /// The files can't be written.
    pub(super) fn new(rig: &Rig) -> io::Result<Self> {
        let (mut rig, mut folder) = (rig.clone(), None);
        if let rig::Device::Lockstep { command, .. } = &mut rig.device {
            for word in command.iter_mut().filter(|word| !Path::new(word).is_file()) {
                let file = word.strip_prefix("rigs/").and_then(|name| RIGS.get_file(name));
                if let Some((file, name)) = file.and_then(|file| Some((file, file.path().file_name()?))) {
                    let folder = match &mut folder {
                        Some(folder) => folder,
                        none => none.insert(tempfile::tempdir()?),
                    };
                    let path = folder.path().join(name);
                    fs::write(&path, file.contents())?;
                    *word = path.display().to_string();
                }
            }
        }
        Ok(Self { rig, _folder: folder })
    }
}

/// What has that id.
///
/// # Errors
/// That there is none of that name, and what would help.
pub(super) fn known<'a, T>(
    kind: &str,
    id: &str,
    all: &'a BTreeMap<Arc<str>, T>,
) -> Result<&'a T, (String, String)> {
    all.get(id).ok_or_else(|| {
        let hint = match yaml::nearest(id, all.keys().map(|known| &**known)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`lockrig list {kind}s` shows the known ones"),
        };
        (format!("unknown {kind} `{id}`"), hint)
    })
}

fn embedded(kind: Kind) -> Option<&'static Dir<'static>> {
    match kind {
        Kind::Model => SCENARIOS.get_dir("models"),
        Kind::Scenario => Some(&SCENARIOS),
        Kind::Rig => Some(&RIGS),
    }
}

/// A regular file's bytes, one more than a document may have at most: a pipe is never opened, and
/// what grows without end is not read to its end.
pub(super) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a file says it is, whatever else stands in it.
#[derive(Default, serde::Deserialize)]
struct Head {
    model: Option<Scalar>,
    family: Option<Scalar>,
    scenario: Option<Scalar>,
    rig: Option<Scalar>,
}

/// The ids that a file defines.
fn defined(source: &Arc<Source>) -> Vec<String> {
    let id = |head: Head| {
        let Head { model, family, scenario, rig } = head;
        [model, family, scenario, rig].into_iter().flatten().next().map(|Scalar(id)| id)
    };
    heads(source).into_iter().filter_map(id).collect()
}

fn heads(source: &Arc<Source>) -> Vec<Head> {
    yaml::load_all(source, &[]).unwrap_or_default()
}

pub(super) fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// What a file is, wherever it lies. A broken one is told by its lines, so that its own mistake is shown.
fn told_by_first_key(source: &Arc<Source>) -> Option<Kind> {
    let has = |key: &str| source.text.lines().any(|line| line.starts_with(key));
    let keys = [
        ("rig:", Kind::Rig),
        ("model:", Kind::Model),
        ("family:", Kind::Model),
        ("scenario:", Kind::Scenario),
    ];
    keys.into_iter().find(|(key, _)| has(key)).map(|(_, kind)| kind)
}

/// Whether a file defines something of that id, as far as its lines tell, or is that file.
fn is_called(source: &Source, word: &str) -> bool {
    let defines = |line: &str| {
        let value = ["rig:", "model:", "scenario:"].iter().find_map(|key| line.strip_prefix(key));
        let id = value.and_then(|value| value.split('#').next());
        id.is_some_and(|id| id.trim().trim_matches(['"', '\'']) == word)
    };
    Path::new(&source.name) == Path::new(word.trim_start_matches("./")) || source.text.lines().any(defines)
}
