//! The command line: one file a subcommand, and the only place that wires things together.
//!
//! Deliberately absent: anything that a library user could want.

mod apart;
mod characterize;
mod check;
mod complete;
mod exit;
mod explore;
mod files;
mod guard;
mod key;
mod list;
mod log;
mod measured;
mod mounted;
mod new;
mod pack;
mod play;
mod probe;
mod report;
mod rig;
mod schema;
mod show;
mod signals;
mod sim;
mod stamp;
mod sweep;
mod terminal;
mod triage;
mod verify;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use crate::rig::supervise;

pub use exit::Exit;

use terminal::Terminal;

/// Certifies the reset methods of smart locks, on a bench or on a complete simulated rig.
#[derive(Parser)]
#[command(name = "lockrig", version, about, max_term_width = 100, after_help = exit::CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play everything the models claim, and end with a matrix and a report
    #[command(after_help = exit::CODES)]
    Certify(play::CertifyArgs),
    /// Play scenarios
    #[command(after_help = exit::CODES)]
    Run(play::RunArgs),
    /// Draw lives of a lock at random, and make the first that fails as short as it can be
    #[command(after_help = exit::CODES)]
    Explore(explore::ExploreArgs),
    /// Measure where a lock's answer changes: the hold from which it resets, the supply at which it still does
    #[command(after_help = exit::CODES)]
    Characterize(characterize::CharacterizeArgs),
    /// Cut the power at moments of a reset, and find those after which a lock is neither as it was nor reset
    #[command(after_help = exit::CODES)]
    Sweep(sweep::SweepArgs),
    /// Try simple remedies and every reset on a lock, and say what to do with it; it is reset
    #[command(after_help = exit::CODES)]
    Triage(triage::TriageArgs),
    /// Check YAML files and show all errors
    Check(check::CheckArgs),
    /// Create a commented model, scenario or rig file to start from
    New(new::NewArgs),
    /// Print the JSON Schema of model, scenario or rig files
    Schema(schema::SchemaArgs),
    /// Print a case as numbered steps that a person can follow by hand
    Show(show::ShowArgs),
    /// List models, scenarios, rigs, cases, clauses, probes or ports
    List(list::ListArgs),
    /// Verify that a run folder is unaltered
    #[command(after_help = exit::CODES)]
    Verify(verify::VerifyArgs),
    /// Sign a finished run: every file of it, and how it ended
    #[command(after_help = exit::CODES)]
    Sign(key::SignArgs),
    /// Ask a time-stamping authority for its word that a signature existed, and attach it
    #[command(after_help = exit::CODES)]
    Timestamp(stamp::TimestampArgs),
    /// Make a signing key, show its public part, or trust somebody else's
    Key(key::KeyArgs),
    /// Recompute every verdict from the recorded trace
    #[command(after_help = exit::CODES)]
    Replay(verify::ReplayArgs),
    /// Export a run folder as HTML, PDF, JUnit, CSV, JSON or VCD
    Report(report::ReportArgs),
    /// Pack a run folder into one file for the archive
    Pack(pack::PackArgs),
    /// Flash, erase, read or reset a lock's chip through a debug probe, or show what its firmware says
    #[command(after_help = exit::CODES)]
    Probe(probe::ProbeArgs),
    /// Self-test a bench, monitor it, or make its outputs safe
    Rig(rig::RigArgs),
    /// List simulated locks, their defects and variations, run one as a peer, or offer one in real time
    Sim(sim::SimArgs),
    /// Own a rig's outputs: started by `run` and `certify`, or as a service
    #[command(hide = true)]
    Guard(guard::GuardArgs),
    /// Run a program of a rig file, and end it with whatever it started: started by `run` and `certify`
    #[command(hide = true)]
    Supervise {
        /// Process that it ends with
        parent: u32,
        /// Program and arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for every subcommand
    Man {
        /// Folder to write the pages to
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

/// Runs the program with the process's arguments.
pub fn main() -> Exit {
    complete::answer();
    let terminal = Terminal::new();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors; a closed pipe is nobody's fault.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Pass };
        }
    };
    let _log = match log::start() {
        Ok(log) => log,
        Err(reason) => {
            terminal
                .error(&format!("LOCKRIG_LOG: {reason}"), Some("try LOCKRIG_LOG=debug, or info,guard=trace"));
            return Exit::Usage;
        }
    };
    match dispatch(cli.command, &terminal) {
        Exit::Pass if terminal.has_lost_output() => Exit::Unproven,
        exit => exit,
    }
}

fn dispatch(command: Command, terminal: &Terminal) -> Exit {
    match command {
        Command::Certify(args) => play::certify(&args, terminal),
        Command::Run(args) => play::run(&args, terminal),
        Command::Explore(args) => explore::explore(&args, terminal),
        Command::Characterize(args) => characterize::characterize(&args, terminal),
        Command::Sweep(args) => sweep::sweep(&args, terminal),
        Command::Triage(args) => triage::triage(&args, terminal),
        Command::Check(args) => check::check(&args, terminal),
        Command::New(args) => new::new(&args, terminal),
        Command::Schema(args) => schema::schema(&args, terminal),
        Command::Show(args) => show::show(&args, terminal),
        Command::List(args) => list::list(&args, terminal),
        Command::Verify(args) => verify::verify(&args, terminal),
        Command::Sign(args) => key::sign(&args, terminal),
        Command::Timestamp(args) => stamp::timestamp(&args, terminal),
        Command::Key(args) => key::key(&args, terminal),
        Command::Replay(args) => verify::replay(&args, terminal),
        Command::Report(args) => report::report(&args, terminal),
        Command::Pack(args) => pack::pack(&args, terminal),
        Command::Probe(args) => probe::probe(&args, terminal),
        Command::Rig(args) => rig::rig(&args, terminal),
        Command::Sim(args) => sim::sim(&args, terminal),
        Command::Guard(args) => guard::guard(&args, terminal),
        Command::Supervise { parent, command } => match supervise(parent, &command) {
            Ok(code) => std::process::exit(code),
            Err(error) => {
                terminal.error(&format!("the program can't be supervised: {error}"), None);
                Exit::Unproven
            }
        },
        Command::Completions { shell } => {
            let mut script = Vec::new();
            // Writing to memory can't fail.
            let _ = complete::script(shell, &mut script);
            terminal.bytes(&script);
            Exit::Pass
        }
        Command::Man { out } => man(out.as_deref(), terminal),
    }
}

fn man(out: Option<&std::path::Path>, terminal: &Terminal) -> Exit {
    let command = Cli::command();
    let written = match out {
        Some(folder) => {
            std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder))
        }
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(command).render(&mut page);
            terminal.bytes(&page);
            rendered
        }
    };
    match written {
        Ok(()) => Exit::Pass,
        Err(error) => {
            terminal.error(&format!("the manual can't be written: {error}"), None);
            Exit::Usage
        }
    }
}
