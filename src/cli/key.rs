//! `lockrig key` and `lockrig sign`: the key of whoever signs runs, and those that are trusted.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::attest::{self, PublicKey, SigningKey};
use crate::evidence::Verification;
use crate::report::Summary;
use crate::yaml::is_identifier;

use super::exit::Exit;
use super::pack::no_run;
use super::terminal::{Refusal, Terminal, typed};
use super::verify::verified;

/// A longer file is no key.
const MAX_KEY: u64 = 16 << 10;
/// Permissions that let others read a file.
const OTHERS: u32 = 0o077;

#[derive(clap::Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(clap::Subcommand)]
enum KeyCommand {
    /// Make a new signing key, and print its public part
    New {
        /// File for the private key; without it, `signing-key.pem` in ~/.config/lockrig
        file: Option<PathBuf>,
    },
    /// Print a key's id and its public part, to hand out
    Show {
        /// File of a private or public key; without it, your signing key
        file: Option<PathBuf>,
    },
    /// Trust a public key: `verify` then names whose signature a run has
    Trust {
        /// Whose key it is: a short name such as `acme-lab`
        name: String,
        /// File of the public key
        file: PathBuf,
    },
}

#[derive(clap::Args)]
pub(super) struct SignArgs {
    /// Run folder
    run: PathBuf,
    /// File of the private key; without it, `signing-key.pem` in ~/.config/lockrig
    #[arg(long)]
    key: Option<PathBuf>,
}

pub(super) fn key(args: &KeyArgs, terminal: &Terminal) -> Exit {
    let done = match &args.command {
        KeyCommand::New { file } => new(file.as_deref(), terminal),
        KeyCommand::Show { file } => show(file.as_deref(), terminal),
        KeyCommand::Trust { name, file } => trust(name, file, terminal),
    };
    ended(done, terminal)
}

fn ended(done: Result<(), Refusal>, terminal: &Terminal) -> Exit {
    done.map_or_else(|refusal| terminal.refused(refusal), |()| Exit::Pass)
}

/// Where keys are kept: `$XDG_CONFIG_HOME/lockrig`, else `~/.config/lockrig`.
fn folder() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    folder.or_else(home).unwrap_or_else(|| PathBuf::from("/etc")).join("lockrig")
}

fn own(file: Option<&Path>) -> PathBuf {
    file.map_or_else(|| folder().join("signing-key.pem"), Path::to_owned)
}

fn plain(path: &Path, error: &io::Error) -> Refusal {
    (format!("{}: {error}", path.display()), None)
}

fn new(file: Option<&Path>, terminal: &Terminal) -> Result<(), Refusal> {
    let path = own(file);
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(|error| plain(parent, &error))?;
    }
    let key = SigningKey::generate().map_err(|error| (error.to_string(), None))?;
    let pem = key.to_pem().map_err(|error| (error.to_string(), None))?;
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = created.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => (
            format!("{} exists already", path.display()),
            Some(
                "what it signed could be signed no more: name another file, or move it away yourself".into(),
            ),
        ),
        _ => plain(&path, &error),
    })?;
    file.write_all(pem.as_ref()).and_then(|()| file.sync_all()).map_err(|error| plain(&path, &error))?;
    terminal.note(&format!("the private key is in {}: keep it to yourself, and keep a copy", path.display()));
    print(&key.public(), terminal);
    Ok(())
}

fn print(key: &PublicKey, terminal: &Terminal) {
    terminal.line(&format!("key {}", key.id()));
    key.to_pem().lines().for_each(|line| terminal.line(line));
}

fn read(path: &Path) -> Result<String, Refusal> {
    let metadata = fs::metadata(path).map_err(|error| plain(path, &error))?;
    if !metadata.is_file() || metadata.len() > MAX_KEY {
        return Err((format!("{}: this is no key file", path.display()), None));
    }
    fs::read_to_string(path).map_err(|error| plain(path, &error))
}

/// The private key of a file that nobody else can read.
fn private(path: &Path) -> Result<SigningKey, Refusal> {
    let text = read(path).map_err(|(message, _)| {
        (message, Some("`lockrig key new` makes a key; --key FILE names another one".to_owned()))
    })?;
    let key = SigningKey::from_pem(&text).map_err(|error| (format!("{}: {error}", path.display()), None))?;
    let mode = fs::metadata(path).map_err(|error| plain(path, &error))?.mode();
    if mode & OTHERS != 0 {
        return Err((
            format!("{}: others may read this private key (mode {:03o})", path.display(), mode & 0o777),
            Some(format!(
                "make a new key if anybody could have read it; else chmod 600 {}",
                typed(&path.display().to_string())
            )),
        ));
    }
    Ok(key)
}

/// The public key of a file, which may be that of the private one.
fn public(path: &Path) -> Result<PublicKey, Refusal> {
    let text = read(path)?;
    let key = PublicKey::from_pem(&text)
        .or_else(|error| SigningKey::from_pem(&text).map(|key| key.public()).map_err(|_| error));
    key.map_err(|error| (format!("{}: {error}", path.display()), None))
}

fn show(file: Option<&Path>, terminal: &Terminal) -> Result<(), Refusal> {
    print(&public(&own(file))?, terminal);
    Ok(())
}

fn trust(name: &str, file: &Path, terminal: &Terminal) -> Result<(), Refusal> {
    if !is_identifier(name) {
        let hint = "take lower-case letters, digits and `-`, such as `acme-lab`";
        return Err((format!("`{name}` is no name for a key"), Some(hint.into())));
    }
    let key = public(file)?;
    let folder = folder().join("trusted");
    fs::create_dir_all(&folder).map_err(|error| plain(&folder, &error))?;
    let path = folder.join(format!("{name}.pem"));
    let created = OpenOptions::new().write(true).create_new(true).open(&path);
    let mut out = created.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => (
            format!("a key of `{name}` is trusted already"),
            Some(format!("remove {} first if it is to be replaced", path.display())),
        ),
        _ => plain(&path, &error),
    })?;
    out.write_all(key.to_pem().as_bytes()).map_err(|error| plain(&path, &error))?;
    terminal.line(&format!("trusted as {name}: key {}", key.id()));
    Ok(())
}

/// The keys that are trusted, by name; one that can't be read is said.
pub(super) fn trusted() -> Result<Vec<(String, PublicKey)>, Refusal> {
    let folder = folder().join("trusted");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(plain(&folder, &error)),
    };
    let mut keys = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| plain(&folder, &error))?.path();
        if path.extension().is_some_and(|end| end == "pem") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            keys.push((name, public(&path)?));
        }
    }
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(keys)
}

/// A key that a signature must be by: a file, or the name of a trusted one.
pub(super) fn wanted(word: &str) -> Result<(String, PublicKey), Refusal> {
    if let Some(found) = trusted()?.into_iter().find(|(name, _)| name == word) {
        return Ok(found);
    }
    let hint = "give the file of a public key, or a name that `lockrig key trust` was given";
    public(Path::new(word))
        .map(|key| (word.to_owned(), key))
        .map_err(|(message, _)| (message, Some(hint.into())))
}

pub(super) fn sign(args: &SignArgs, terminal: &Terminal) -> Exit {
    let folder = &args.run;
    if !folder.join("run.json").exists() {
        return no_run(folder, terminal);
    }
    let manifest = match verified(folder) {
        Verification::Intact(manifest) => manifest,
        Verification::Aborted { .. } | Verification::Running(_) => {
            terminal.error("the run was not finished, and only a finished one is signed", None);
            return Exit::Unproven;
        }
        Verification::Altered(findings) => {
            terminal.error("the run has been altered", findings.first().map(String::as_str));
            return Exit::Evidence;
        }
    };
    let done = private(&own(args.key.as_deref())).and_then(|key| {
        let summary = Summary::read(folder).map_err(|error| (error.to_string(), None))?;
        let signed = attest::sign(folder, &manifest, summary.outcome(), &key);
        let envelope = signed.map_err(|message| (message, None))?;
        let path = folder.join(attest::FILE);
        let created = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = created.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ("the run is signed already".to_owned(), None),
            _ => plain(&path, &error),
        })?;
        file.write_all(&envelope).and_then(|()| file.sync_all()).map_err(|error| plain(&path, &error))?;
        terminal.line(&format!("signed by key {}: {}", key.public().id(), path.display()));
        Ok(())
    });
    ended(done, terminal)
}
