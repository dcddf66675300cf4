//! `lockrig schema`: what an editor needs to complete and check a file.

use clap::ValueEnum;

use super::exit::Exit;
use super::terminal::Terminal;
use crate::{rig, scenario};

#[derive(clap::Args)]
pub(super) struct SchemaArgs {
    /// Kind of file
    what: What,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Lock models
    Model,
    /// Claims
    Scenario,
    /// Benches
    Rig,
}

pub(super) fn schema(args: &SchemaArgs, terminal: &Terminal) -> Exit {
    let schema = match args.what {
        What::Model => scenario::model_schema(),
        What::Scenario => scenario::scenario_schema(),
        What::Rig => rig::schema(),
    };
    match schema {
        Ok(schema) => {
            terminal.bytes(format!("{:#}\n", schema.to_value()).as_bytes());
            Exit::Pass
        }
        Err(error) => {
            terminal.error(&format!("the schema is none: {error}"), None);
            Exit::Unproven
        }
    }
}
