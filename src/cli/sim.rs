//! `lockrig sim`.

use std::io;

use clap::Subcommand;
use serde_json::json;

use crate::lock::Named;
use crate::sim::{Defect, SimulatedLock, models, serve};

use super::exit::Exit;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct SimArgs {
    #[command(subcommand)]
    command: SimCommand,
}

#[derive(Subcommand)]
enum SimCommand {
    /// List the faults that can be switched on with --defect
    Defects {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the simulated locks
    Models,
    /// Speak the lockstep protocol on standard input and output
    Peer {
        /// Fault to switch on
        #[arg(long)]
        defect: Option<String>,
        /// With seeded bounce, jitter and flicker
        #[arg(long)]
        noise: bool,
    },
}

pub(super) fn sim(args: &SimArgs, terminal: &Terminal) -> Exit {
    match &args.command {
        SimCommand::Defects { json: true } => {
            terminal.line(&json!(Defect::words().collect::<Vec<_>>()).to_string());
            Exit::Pass
        }
        SimCommand::Defects { .. } => {
            Defect::words().for_each(|name| terminal.line(name));
            Exit::Pass
        }
        SimCommand::Models => {
            models().for_each(|name| terminal.line(name));
            Exit::Pass
        }
        SimCommand::Peer { defect, noise } => peer(defect.as_deref(), *noise, terminal),
    }
}

fn peer(defect: Option<&str>, noise: bool, terminal: &Terminal) -> Exit {
    let defect = match defect.map(parse_defect).transpose() {
        Ok(defect) => defect,
        Err(message) => {
            terminal.error(&message, None);
            return Exit::Usage;
        }
    };
    let mut lock = SimulatedLock::new(noise, defect);
    match serve(&mut lock, io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => Exit::Pass,
        Err(error) => {
            terminal.error(&error.to_string(), None);
            Exit::Unproven
        }
    }
}

/// The defect that a word names.
pub(super) fn parse_defect(word: &str) -> Result<Defect, String> {
    Defect::from_word(word).ok_or_else(|| {
        let near = crate::yaml::nearest(word, Defect::words());
        let hint =
            near.map_or("`lockrig sim defects` lists them".into(), |near| format!("did you mean `{near}`?"));
        format!("unknown defect `{word}`; {hint}")
    })
}
