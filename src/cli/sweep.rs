//! `lockrig sweep`: the power is cut at moments of a reset.

use std::path::PathBuf;

use serde_json::json;

use crate::evidence::CaseEntry;
use crate::lock::{Aftermath, Method};
use crate::report::{SweepCut, SweepPage, sweep as map};
use crate::rig::Rig;
use crate::run::{Cut, STUCK, Sweep, Trial};
use crate::scenario::alter::CutFrom;
use crate::statistics::Gap;
use crate::unit::{self, Duration, visible};

use super::exit::Exit;
use super::measured::{Asking, Bench, MeasuredArgs, word};
use super::terminal::{Refusal, Terminal};

#[derive(clap::Args)]
pub(super) struct SweepArgs {
    #[command(flatten)]
    measured: MeasuredArgs,
    /// Reset method
    #[arg(long)]
    method: String,
    /// Cuts at most
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(3..=10_000))]
    cuts: u32,
    /// Smallest distance between two cuts
    #[arg(long, default_value = "1 ms")]
    within: String,
    /// Folder to create the sweep's folder in
    #[arg(long, default_value = "swept")]
    out: PathBuf,
}

pub(super) fn sweep(args: &SweepArgs, terminal: &Terminal) -> Exit {
    cut(args, terminal).unwrap_or_else(|refusal| terminal.refused(refusal))
}

fn cut(args: &SweepArgs, terminal: &Terminal) -> Result<Exit, Refusal> {
    let plain = |message: String| (message, None);
    let within: Duration = unit::parse(&args.within).map_err(|error| plain(error.to_string()))?;
    if within < Duration::microseconds(100) {
        let hint = "no power supply is switched more exactly than that: take 100 us or more";
        return Err((format!("cuts can't be told apart within {within}"), Some(hint.to_owned())));
    }
    let method: Method = word("method", &args.method)?;
    let Some(bench) = Bench::open(&args.measured, terminal)? else { return Ok(Exit::Usage) };
    let (id, rig) = (&bench.model.facts.id, bench.rig());
    let sweep = Sweep::new(&bench.model, method, rig, within).map_err(|message| (message, None))?;
    let folder = bench.begin(&args.out)?;
    let as_json = args.measured.json;
    let title = format!("{id}, reset by {method}: power cuts");
    if !as_json {
        terminal.line(&title);
        terminal.line(&format!("  times count from {}", beginning(sweep.from())));
    }
    let told = (!as_json).then_some(terminal);
    let mut cutting = Cutting { sweep, rig, folders: Vec::new(), told };
    let broken = bench.make(args.cuts, &folder, &mut cutting).err();
    let Cutting { sweep, folders, .. } = cutting;
    let stuck = sweep
        .is_stuck()
        .map(|reason| format!("{STUCK} cuts in a row were inconclusive, so the lock may be dead: {reason}"));
    let broken = broken.or(stuck);
    let said = said(&sweep, broken.as_deref(), bench.is_interrupted());
    let page = page(&title, rig.provenance(), &sweep, &folders, &said);
    let json = record(id, method, &sweep, rig.provenance(), broken.as_deref());
    let path = bench.conclude(&folder, "swept", (&map(&page), &json))?;
    if as_json {
        terminal.line(&json);
    } else {
        said.iter().for_each(|sentence| terminal.text(sentence, 2));
        terminal.line(&path.display().to_string());
    }
    Ok(if bench.is_interrupted() {
        Exit::Interrupted
    } else if has(&sweep, Aftermath::Neither) {
        Exit::Failed
    } else if broken.is_some() || sweep.changes().unsettled().is_some() || !has_both(&sweep) {
        Exit::Unproven
    } else {
        Exit::Pass
    })
}

/// Whether some cut came before the erase and some after it: else none is known to have come into it.
fn has_both(sweep: &Sweep<'_>) -> bool {
    has(sweep, Aftermath::Unchanged) && has(sweep, Aftermath::Reset)
}

fn has(sweep: &Sweep<'_>, outcome: Aftermath) -> bool {
    sweep.changes().stretches().iter().any(|(_, known)| *known == outcome)
}

/// Asks cuts, and tells each as it came out.
struct Cutting<'a> {
    sweep: Sweep<'a>,
    rig: &'a Rig,
    folders: Vec<PathBuf>,
    told: Option<&'a Terminal>,
}

impl Asking for Cutting<'_> {
    fn next(&mut self) -> Result<Option<Trial>, String> {
        if self.sweep.is_stuck().is_some() { Ok(None) } else { self.sweep.next() }
    }

    fn hear(&mut self, trial: &Trial, entry: &CaseEntry, folder: PathBuf) {
        self.sweep.hear(trial, &entry.result, self.rig);
        self.folders.push(folder);
        if let Some((terminal, cut)) = self.told.zip(self.sweep.cuts().last()) {
            terminal.text(&format!("  {:3}  {:>10.4} s  {}", cut.number, cut.at, told(cut)), 21);
        }
    }
}

/// From where times count, in words.
fn beginning(from: CutFrom) -> &'static str {
    match from {
        CutFrom::Completion => "the moment at which the reset is complete",
        CutFrom::Hold => "the press of the decisive hold",
        CutFrom::Confirmation => "the first sign of a confirmation",
    }
}

/// What a cut said, for people.
fn told(cut: &Cut) -> String {
    match cut.outcome {
        None => format!("inconclusive: {}", visible(&cut.reason)),
        Some(Aftermath::Neither) => format!("NEITHER: {}", visible(&cut.reason)),
        Some(outcome @ (Aftermath::Unchanged | Aftermath::Reset)) => outcome.word().to_owned(),
    }
}

/// What is known, in sentences.
fn said(sweep: &Sweep<'_>, broken: Option<&str>, is_interrupted: bool) -> Vec<String> {
    let mut said = Vec::new();
    for (gap, outcome) in sweep.changes().stretches() {
        let what = match outcome {
            Aftermath::Unchanged => "the lock is as it was before",
            Aftermath::Reset => "the lock is wholly reset",
            Aftermath::Neither => "the lock is NEITHER as it was NOR wholly reset",
        };
        let (from, to) = (gap.from, gap.to);
        if from == to {
            said.push(format!("cut at {from:.4} s: {what}"));
        } else {
            said.push(format!("cut from {from:.4} s to {to:.4} s: {what}"));
        }
    }
    if sweep.reads_memory() {
        said.push("its memory was looked into after each cut, too".to_owned());
    }
    if let Some(gap) = sweep.changes().blind() {
        let width = gap.to - gap.from;
        said.push(format!(
            "something shorter than {width:.4} s may hide between two cuts, at most so long from {:.4} s to {:.4} s; \
             more --cuts leave less room",
            gap.from, gap.to
        ));
    }
    if let Some(gap) = sweep.changes().unsettled().filter(|_| broken.is_none() && !is_interrupted) {
        said.push(format!(
            "the cuts ran out before it was clear what happens between {:.4} s and {:.4} s: allow more with --cuts",
            gap.from, gap.to
        ));
    }
    if is_interrupted {
        said.push("the sweep was interrupted, and is not complete".to_owned());
    } else if broken.is_none() && !has(sweep, Aftermath::Reset) {
        said.push("after none of the cuts was it reset, so nothing is proved of its erase".to_owned());
    } else if broken.is_none() && !has(sweep, Aftermath::Unchanged) {
        said.push(
            "after none of the cuts was it as before: each came too late, or the loss of power alone erases it; nothing \
             is proved of its erase"
                .to_owned(),
        );
    }
    said.extend(broken.map(|error| format!("the sweep ended early: {}", visible(error))));
    said
}

fn page(title: &str, provenance: &str, sweep: &Sweep<'_>, folders: &[PathBuf], said: &[String]) -> SweepPage {
    let cut = |(cut, folder): (&Cut, &PathBuf)| SweepCut {
        at: cut.at,
        outcome: cut.outcome,
        answer: told(cut),
        folder: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    SweepPage {
        title: title.to_owned(),
        provenance: provenance.to_owned(),
        beginning: beginning(sweep.from()).to_owned(),
        said: said.to_vec(),
        stretches: sweep.changes().stretches(),
        cuts: sweep.cuts().iter().zip(folders).map(cut).collect(),
    }
}

fn record(model: &str, method: Method, sweep: &Sweep<'_>, provenance: &str, broken: Option<&str>) -> String {
    let cut = |cut: &Cut| {
        json!({"trial": cut.number, "at": cut.at, "outcome": cut.outcome.map(Aftermath::word),
            "reason": cut.reason})
    };
    let changes = sweep.changes();
    let stretches = changes.stretches().into_iter();
    let stretch =
        |(gap, outcome): (Gap, Aftermath)| json!({"from": gap.from, "to": gap.to, "outcome": outcome.word()});
    json!({"format": 1, "model": model, "method": method.word(), "from": sweep.from().word(), "unit": "s",
        "provenance": provenance, "memory": sweep.reads_memory(), "broken": broken,
        "widest_gap": changes.blind().map(|gap| gap.to - gap.from), "settled": changes.unsettled().is_none(),
        "stretches": stretches.map(stretch).collect::<Vec<_>>(),
        "cuts": sweep.cuts().iter().map(cut).collect::<Vec<_>>()})
    .to_string()
}
