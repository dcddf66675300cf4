//! `lockrig rig selftest|monitor|safe`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::guard::force_safe;
use crate::lock::MemoryMap;
use crate::rig::Rig;
use crate::run::{Health, Live, Watched, selftest};
use crate::unit::{self, Duration};
use crate::yaml::Diagnostics;

use super::exit::Exit;
use super::files::{Files, Kind, known};
use super::guard::setup;
use super::signals;
use super::terminal::Terminal;

#[derive(clap::Args)]
pub(super) struct RigArgs {
    #[command(subcommand)]
    command: RigCommand,
}

#[derive(clap::Subcommand)]
enum RigCommand {
    /// Click each relay once and check what is read back; a pass clears an earlier fault
    Selftest {
        /// Bench: an id or a rig file
        rig: String,
    },
    /// Show every channel and each change until Ctrl-C
    Monitor {
        /// Bench: an id or a rig file
        rig: String,
        /// Stop after this time
        #[arg(long = "for", value_name = "TIME")]
        length: Option<String>,
    },
    /// De-energise every output; a guard that holds them is told to stop
    Safe {
        /// Bench: an id or a rig file
        rig: String,
    },
}

pub(super) fn rig(args: &RigArgs, terminal: &Terminal) -> Exit {
    match &args.command {
        RigCommand::Selftest { rig } => with_bench(rig, terminal, |rig, _| test(rig, terminal)),
        RigCommand::Monitor { rig, length } => {
            let length = length.as_deref().map(unit::parse::<Duration>).transpose();
            match length {
                Ok(length) => with_bench(rig, terminal, |rig, memory| monitor(rig, memory, length, terminal)),
                Err(error) => {
                    terminal.error(&error.to_string(), Some("write `--for '10 s'`"));
                    Exit::Usage
                }
            }
        }
        RigCommand::Safe { rig } => safe(rig, terminal),
    }
}

/// Does something with a bench, and with what is known of the memory of the lock on it.
fn with_bench(word: &str, terminal: &Terminal, act: impl FnOnce(&Rig, Option<&MemoryMap>) -> Exit) -> Exit {
    let mut files = Files::library();
    let id = files.id_of(Kind::Rig, word);
    let (library, rigs, findings) = files.load();
    match known("rig", &id, &rigs) {
        Ok(rig) if has_errors(rig, &findings, terminal) => Exit::Usage,
        Ok(rig) if rig.bench().is_some() => {
            let model = rig.model().and_then(|model| library.models.get(model));
            act(rig, model.and_then(|model| model.facts.memory.as_ref()))
        }
        Ok(_) => {
            terminal.error(
                &format!("rig `{id}` has no real outputs"),
                Some("only a rig with `boards:` and `wiring:` can be tested or monitored"),
            );
            Exit::Usage
        }
        Err((message, hint)) => {
            terminal.findings(&findings);
            terminal.error(&message, Some(&hint));
            Exit::Usage
        }
    }
}

/// Shows what is wrong in a rig's files: nothing may be switched by them.
pub(super) fn has_errors(rig: &Rig, findings: &Diagnostics, terminal: &Terminal) -> bool {
    let mut own = findings.clone();
    own.retain(|finding| rig.files.iter().any(|file| *file == finding.place.file()));
    if own.has_errors() {
        terminal.findings(&own);
        terminal.error(&format!("the files of rig `{}` have errors", rig.id), Some("fix them first"));
    }
    own.has_errors()
}

fn failed(terminal: &Terminal, message: &str) -> Exit {
    terminal.error(message, None);
    Exit::Unproven
}

fn test(rig: &Rig, terminal: &Terminal) -> Exit {
    let Some(bench) = rig.bench() else { return Exit::Usage };
    let mut live = match Live::open(rig, bench, None) {
        Ok(live) => live,
        Err(fault) => return failed(terminal, &fault.to_string()),
    };
    for warning in live.guard().warnings() {
        terminal.warning(warning);
    }
    let mut show = |clicked: &crate::run::Clicked| {
        let contact = match &clicked.contact {
            Some(contact) => format!(
                "contact follows after {} out and {} back, bounces for {}",
                contact.out, contact.back, contact.bounce
            ),
            None => "not read back: listen for the click".to_owned(),
        };
        terminal.line(&format!(
            "{:<20} {:<14} away from rest for {}; {contact}",
            clicked.output, clicked.line, clicked.achieved
        ));
    };
    let health = Health::of(&rig.id);
    let faults = match selftest(&mut live, rig, bench, &mut show) {
        Ok(faults) if faults.is_empty() => {
            if bench.outputs.iter().all(|output| output.sense.is_none()) {
                terminal.warning(
                    "no output is read back (`sense:`), so a stuck contact would not have been noticed",
                );
            }
            if let Err(error) = health.clear() {
                return failed(terminal, &format!("the recorded fault can't be cleared: {error}"));
            }
            terminal.line(&format!("rig `{}` passed; outputs tested: {}", rig.id, bench.outputs.len()));
            return Exit::Pass;
        }
        Ok(faults) => faults,
        Err(fault) => vec![fault],
    };
    if let Some(reason) = live.stopped() {
        return failed(terminal, reason);
    }
    for fault in &faults {
        terminal.error(&fault.to_string(), None);
    }
    if let Some(first) = faults.first()
        && let Err(error) = health.mark(&first.to_string())
    {
        terminal.error(&format!("the fault can't be recorded: {error}"), None);
    }
    Exit::Unproven
}

fn monitor(rig: &Rig, memory: Option<&MemoryMap>, length: Option<Duration>, terminal: &Terminal) -> Exit {
    let Some(bench) = rig.bench() else { return Exit::Usage };
    let interrupt = Arc::new(AtomicBool::new(false));
    if let Err(error) = signals::listen(&interrupt) {
        return failed(terminal, &format!("signals can't be caught: {error}"));
    }
    let mut live = match Live::open(rig, bench, memory) {
        Ok(live) => live,
        Err(fault) => return failed(terminal, &fault.to_string()),
    };
    let mut outcome = Exit::Pass;
    live.watch(bench, length, &mut |watched| {
        match watched {
            Watched::Value(at, channel, value) => {
                terminal.line(&format!("{:>12}  {channel:<20} {value}", at.to_string()));
            }
            Watched::Nothing => {}
            Watched::Stopped(reason) => {
                outcome = failed(terminal, &reason);
                return false;
            }
            Watched::Fault(fault) => {
                outcome = failed(terminal, &fault.to_string());
                if let Err(error) = Health::of(&rig.id).mark(&fault.to_string()) {
                    terminal.error(&format!("the fault can't be recorded: {error}"), None);
                }
                return false;
            }
        }
        !interrupt.load(Ordering::Relaxed)
    });
    outcome
}

fn safe(word: &str, terminal: &Terminal) -> Exit {
    // What can be read of a file with errors is made safe all the same.
    let (setup, has_errors) = match setup(word, Files::rigs, terminal) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    match force_safe(&setup, &format!("lockrig safe {}", std::process::id())) {
        Ok(()) => {
            terminal.line(&format!(
                "rig `{}` is safe; outputs de-energised: {}",
                setup.rig,
                setup.outputs.len()
            ));
            if has_errors { Exit::Usage } else { Exit::Pass }
        }
        Err(fault) => {
            let hint = "stop whatever holds them: a guard makes its outputs safe when it is told to stop";
            terminal.error(&fault.to_string(), Some(hint));
            Exit::Unproven
        }
    }
}
