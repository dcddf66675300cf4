//! Completion in a shell: the ids of models, scenarios, rigs and cases that are known there, and YAML files.

use std::ffi::OsStr;
use std::io::Write;

use clap::CommandFactory;
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{CompleteEnv, Shells};

use crate::scenario::{Library, Selection, expand};

use super::Cli;
use super::files::{Files, Rigs, is_yaml};

/// Set by the script that a shell runs for it.
const VARIABLE: &str = "LOCKRIG_COMPLETE";
/// More cases than these help nobody.
const MOST_CASES: usize = 2_000;

/// Answers a shell that asks what may come next, and ends the process then.
pub(super) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).complete();
}

/// Writes the script that has a shell ask.
///
/// # Errors
/// It can't be written.
pub(super) fn script(shell: clap_complete::Shell, out: &mut dyn Write) -> std::io::Result<()> {
    match Shells::builtins().completer(&shell.to_string()) {
        Some(completer) => completer.write_registration(VARIABLE, "lockrig", "lockrig", "lockrig", out),
        None => Ok(()),
    }
}

pub(super) fn models(current: &OsStr) -> Vec<CompletionCandidate> {
    offer(current, |library, _| library.models.keys().map(ToString::to_string).collect())
}

pub(super) fn scenarios(current: &OsStr) -> Vec<CompletionCandidate> {
    offer(current, |library, _| library.scenarios.keys().map(ToString::to_string).collect())
}

pub(super) fn rigs(current: &OsStr) -> Vec<CompletionCandidate> {
    offer(current, |_, rigs| rigs.keys().map(ToString::to_string).collect())
}

pub(super) fn cases(current: &OsStr) -> Vec<CompletionCandidate> {
    let begun = current.to_string_lossy().into_owned();
    let scenario = begun.split_once('~').map(|(scenario, _)| scenario.to_owned());
    offer(current, |library, _| match scenario {
        Some(scenario) => {
            let selection = Selection { scenarios: vec![scenario.as_str().into()], ..Selection::default() };
            expand(library, &selection).iter().map(|case| case.id.to_string()).collect()
        }
        // A case begins with its scenario.
        None => library.scenarios.keys().map(|id| format!("{id}~")).collect(),
    })
}

/// What begins as typed, of ids and YAML files.
fn offer(current: &OsStr, ids: impl FnOnce(&Library, &Rigs) -> Vec<String>) -> Vec<CompletionCandidate> {
    let begun = current.to_string_lossy();
    // Files with mistakes are no reason not to offer the others; nothing may be printed here.
    let (library, rigs, _) = Files::library().load();
    let ids = ids(&library, &rigs).into_iter().filter(|id| id.starts_with(&*begun)).take(MOST_CASES);
    let files = PathCompleter::any().filter(|path| path.is_dir() || is_yaml(path));
    ids.map(CompletionCandidate::new).chain(files.complete(current)).collect()
}
