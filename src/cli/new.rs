//! `lockrig new`: a commented file to start from.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use clap::ValueEnum;

use super::exit::Exit;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct NewArgs {
    /// What to begin
    what: What,
    /// Its id, which names the file too
    name: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// A lock model, in ./scenarios/models
    Model,
    /// A claim, in ./scenarios
    Scenario,
    /// A bench, in ./rigs
    Rig,
}

impl What {
    fn folder(self) -> &'static str {
        match self {
            Self::Model => "scenarios/models",
            Self::Scenario => "scenarios",
            Self::Rig => "rigs",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Model => include_str!("new/model.yaml"),
            Self::Scenario => include_str!("new/scenario.yaml"),
            Self::Rig => include_str!("new/rig.yaml"),
        }
    }
}

pub(super) fn new(args: &NewArgs, terminal: &Terminal) -> Exit {
    let name = args.name.as_str();
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 60 || !name.chars().all(is_id) || name.starts_with('-') {
        terminal.error(
            &format!("`{name}` is not an id"),
            Some("lowercase letters, digits and dashes, 60 at most, such as `kwikset-powerbolt-2`"),
        );
        return Exit::Usage;
    }
    let path = Path::new(args.what.folder()).join(format!("{name}.yaml"));
    let written = fs::create_dir_all(args.what.folder())
        .and_then(|()| File::create_new(&path))
        .and_then(|mut file| file.write_all(args.what.text().replace("NAME", name).as_bytes()));
    match written {
        Ok(()) => {
            terminal.line(&format!("{} is there; after each change: lockrig check {0}", path.display()));
            Exit::Pass
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            terminal.error(&format!("{} is there already", path.display()), Some("choose another id"));
            Exit::Usage
        }
        Err(error) => {
            terminal.error(&format!("{}: {error}", path.display()), None);
            Exit::Usage
        }
    }
}
