//! `lockrig new`: a commented file to start from.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use clap::ValueEnum;

use crate::yaml::{IDENTIFIER, is_identifier};

use super::exit::Exit;
use super::files::{Files, Kind};
use super::terminal::Terminal;

/// Where the schemas of own files stand.
const SCHEMAS: &str = "schemas";

#[derive(clap::Args)]
pub(super) struct NewArgs {
    /// What to create
    what: What,
    /// Its id, which is also the file name
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
    fn kind(self) -> Kind {
        match self {
            Self::Model => Kind::Model,
            Self::Scenario => Kind::Scenario,
            Self::Rig => Kind::Rig,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Scenario => "scenario",
            Self::Rig => "rig",
        }
    }

    fn schema(self) -> &'static str {
        match self {
            Self::Model => include_str!("../../docs/schemas/model.json"),
            Self::Scenario => include_str!("../../docs/schemas/scenario.json"),
            Self::Rig => include_str!("../../docs/schemas/rig.json"),
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
    if !is_identifier(name) {
        let hint = format!("{IDENTIFIER}, such as `kwikset-powerbolt-2`");
        terminal.error(&format!("`{name}` is not a valid id"), Some(&hint));
        return Exit::Usage;
    }
    // In the place of a built-in file, an empty one would break whatever is like it.
    if Files::is_built_in(args.what.kind(), &format!("{name}.yaml")) {
        terminal.error(&format!("there is already a built-in `{name}.yaml`"), Some("choose another id"));
        return Exit::Usage;
    }
    let folder = Path::new(args.what.kind().folder());
    let path = folder.join(format!("{name}.yaml"));
    let schema = format!("{SCHEMAS}/{}.json", args.what.word());
    // An editor that knows YAML reads this line, and marks mistakes while they are made.
    let up = "../".repeat(folder.components().count());
    let head = format!("# yaml-language-server: $schema={up}{schema}\n");
    let text = head + &args.what.text().replace("NAME", name);
    let written = fs::create_dir_all(folder)
        .and_then(|()| File::create_new(&path))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::create_dir_all(SCHEMAS))
        .and_then(|()| fs::write(&schema, args.what.schema()));
    match written {
        Ok(()) => {
            terminal.line(&format!("created {}; editors find its schema in {schema}", path.display()));
            terminal.line("after each change, run:");
            terminal.line(&format!("  lockrig check {}", path.display()));
            Exit::Pass
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            terminal.error(&format!("{} already exists", path.display()), Some("choose another id"));
            Exit::Usage
        }
        Err(error) => {
            terminal.error(&format!("{}: {error}", path.display()), None);
            Exit::Usage
        }
    }
}
