//! `lockrig triage`: what to do with a lock that somebody complains of.

use std::path::PathBuf;

use serde_json::json;

use crate::evidence::CaseEntry;
use crate::report::{TriagePage, triage as page};
use crate::rig::Rig;
use crate::run::{Advice, Check, Checked, Trial, advice, checked, checks, trial};
use crate::scenario::ast::Model;
use crate::unit::visible;
use crate::verdict::Verdict;

use super::exit::Exit;
use super::measured::{Asking, Bench, MeasuredArgs};
use super::terminal::{Refusal, Terminal};

#[derive(clap::Args)]
pub(super) struct TriageArgs {
    #[command(flatten)]
    measured: MeasuredArgs,
    /// Folder to create the triage's folder in
    #[arg(long, default_value = "triaged")]
    out: PathBuf,
}

pub(super) fn triage(args: &TriageArgs, terminal: &Terminal) -> Exit {
    look(args, terminal).unwrap_or_else(|refusal| terminal.refused(refusal))
}

fn look(args: &TriageArgs, terminal: &Terminal) -> Result<Exit, Refusal> {
    let Some(bench) = Bench::open(&args.measured, terminal)? else { return Ok(Exit::Usage) };
    let (model, rig) = (&bench.model, bench.rig());
    let id = &model.facts.id;
    if !model.can_be_reset() {
        let hint = "its source says so, or says nothing of it: `lockrig list models`";
        return Err((format!("`{id}` has no reset that could be tried"), Some(hint.to_owned())));
    }
    let folder = bench.begin(&args.out)?;
    let as_json = args.measured.json;
    let title = format!("Triage of {id}");
    if !as_json {
        terminal.line(&title);
    }
    let mut asking = Triaging {
        model,
        rig,
        left: checks(model).into_iter().rev().collect(),
        asked: None,
        done: Vec::new(),
        told: (!as_json).then_some(terminal),
    };
    let broken = bench.make(u32::MAX, &folder, &mut asking).err();
    let interrupted = bench.is_interrupted().then(|| "it was interrupted".to_owned());
    let broken = broken.map(|reason| format!("the rig failed ({reason})")).or(interrupted);
    let is_whole = asking.left.is_empty() && asking.asked.is_none() && broken.is_none();
    let done = asking.done;
    let all: Vec<Checked> = done.iter().map(|(checked, _)| checked.clone()).collect();
    let advised = if is_whole { advice(&all) } else { Advice::Unclear };
    let next = next(advised, model, &all, broken.as_deref());
    let rows = done.iter().map(|(one, folder)| {
        let name = folder.as_ref().and_then(|folder| folder.file_name());
        let name = name.map(|name| name.to_string_lossy().into_owned());
        (one.check.described(), one.verdict, visible(&one.reason), name)
    });
    let shown = TriagePage {
        title,
        provenance: rig.provenance().to_owned(),
        advice: advised.word().to_owned(),
        next: next.clone(),
        checks: rows.clone().collect(),
    };
    let record = json!({"format": 1, "model": id, "provenance": rig.provenance(), "advice": advised.word(), "next": next,
        "broken": broken, "checks": rows.map(|(check, verdict, reason, folder)| {
            json!({"check": check, "verdict": verdict, "reason": reason, "folder": folder})
        }).collect::<Vec<_>>()})
    .to_string();
    let path = bench.conclude(&folder, "triaged", (&page(&shown), &record))?;
    if as_json {
        terminal.line(&record);
    } else {
        terminal.line("");
        terminal.text(&format!("{id}: {}", advised.word().to_uppercase()), 2);
        terminal.text(&next, 2);
        terminal.line(&path.display().to_string());
    }
    Ok(match advised {
        _ if bench.is_interrupted() => Exit::Interrupted,
        Advice::Works | Advice::Resettable => Exit::Pass,
        Advice::Repair | Advice::Maker => Exit::Failed,
        Advice::Unclear => Exit::Unproven,
    })
}

/// Asks check after check; those that can't be made here are noted and passed over.
struct Triaging<'a> {
    model: &'a Model,
    rig: &'a Rig,
    /// Last first.
    left: Vec<Check>,
    asked: Option<Check>,
    done: Vec<(Checked, Option<PathBuf>)>,
    told: Option<&'a Terminal>,
}

impl Triaging<'_> {
    fn note(&mut self, checked: Checked, folder: Option<PathBuf>) {
        if let Some(terminal) = self.told {
            let mut line =
                format!("  {} {}", terminal.verdict(checked.verdict, 14), checked.check.described());
            if !checked.reason.is_empty() {
                line.push_str(&format!(": {}", visible(&checked.reason)));
            }
            terminal.text(&line, 17);
        }
        self.done.push((checked, folder));
    }
}

impl Asking for Triaging<'_> {
    fn next(&mut self) -> Result<Option<Trial>, String> {
        while let Some(check) = self.left.pop() {
            match trial(self.model, check, self.done.len() + 1, self.rig)? {
                Ok(trial) => {
                    self.asked = Some(check);
                    return Ok(Some(trial));
                }
                Err(impossible) => self.note(impossible, None),
            }
        }
        Ok(None)
    }

    fn hear(&mut self, _: &Trial, entry: &CaseEntry, folder: PathBuf) {
        if let Some(check) = self.asked.take() {
            self.note(checked(check, &entry.result), Some(folder));
        }
    }
}

/// What to do next, as a support agent would say it.
fn next(advised: Advice, model: &Model, all: &[Checked], why: Option<&str>) -> String {
    let of = |wanted: Verdict| {
        let methods = all.iter().filter_map(move |one| match one.check {
            Check::Reset(method) if one.verdict == wanted => Some(method.word()),
            Check::Reset(_) | Check::Use | Check::Restart | Check::FreshBattery | Check::HubSync => None,
        });
        methods.collect::<Vec<_>>().join(" or ")
    };
    let (good, bad) = (of(Verdict::Pass), of(Verdict::Fail));
    let broken = all.iter().find(|one| one.verdict == Verdict::Fail);
    let mut stays: Vec<&str> = all.iter().flat_map(|one| &one.stays).map(String::as_str).collect();
    stays.sort_unstable();
    stays.dedup();
    let stays = match stays.as_slice() {
        [] => String::new(),
        stays => format!(
            " Even then, as its manual says, it {}: see to that before the lock changes hands.",
            visible(&stays.join(", and "))
        ),
    };
    match advised {
        Advice::Works => format!(
            "It works once it is reset and set up. Before it changes hands, reset it by {good}, and set it up again.{stays}"
        ),
        Advice::Resettable => format!(
            "Reset it by {good}, not by {bad}, which fails; then set it up again. If the complaint comes back, send it \
             in.{stays}"
        ),
        Advice::Repair => format!(
            "Do not hand the lock on: it was reset and set up anew, and it does not hold that {}. Have it repaired or \
             replaced.",
            broken.map_or_else(|| "it can be reset".to_owned(), |one| one.check.described())
        ),
        Advice::Maker => format!(
            "Call {}: of its resets only the one that the maker begins works.{stays}",
            visible(&model.facts.maker)
        ),
        Advice::Unclear => match why {
            Some(reason) => format!("Nothing can be said: {}.", visible(reason)),
            None if good.is_empty() && bad.is_empty() => "Nothing can be said: none of its resets could be tried \
                here. The reasons are given with the checks."
                .to_owned(),
            None => "Nothing can be said for certain: some checks could not tell. Look at their evidence, and try again."
                .to_owned(),
        },
    }
}
