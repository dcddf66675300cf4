//! `lockrig characterize`: where a lock's answer changes, by trials.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::evidence::{CaseEntry, SceneReader};
use crate::lock::Method;
use crate::report::{ThresholdPage, ThresholdTrial, threshold};
use crate::rig::Rig;
use crate::run::{Answer, Heard, Quantity, STUCK, Trial, Trials};
use crate::statistics::Estimate;
use crate::unit::{self, Duration, Ratio, Voltage};

use super::exit::Exit;
use super::measured::{Asking, Bench, MeasuredArgs, word};
use super::terminal::{Refusal, Terminal};

#[derive(clap::Args)]
pub(super) struct CharacterizeArgs {
    #[command(flatten)]
    measured: MeasuredArgs,
    /// Reset method
    #[arg(long)]
    method: String,
    /// What to measure: `hold`, `second-hold` or `gap` of the reset, or the `supply` from which it completes
    #[arg(long, default_value = "hold")]
    quantity: String,
    /// Trials at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(3..=1_000))]
    trials: u32,
    /// Stop once the interval (95 %) is no wider than this share of the value
    #[arg(long, default_value = "0.5 %")]
    within: String,
    /// Lowest value to try, such as `2 s` or `3.5 V`; without it, 5 % of what is stated
    #[arg(long)]
    from: Option<String>,
    /// Highest value to try; without it, three times what is stated, of a supply the nominal one
    #[arg(long)]
    to: Option<String>,
    /// Folder to create the measurement's folder in
    #[arg(long, default_value = "characterized")]
    out: PathBuf,
}

pub(super) fn characterize(args: &CharacterizeArgs, terminal: &Terminal) -> Exit {
    measure(args, terminal).unwrap_or_else(|refusal| terminal.refused(refusal))
}

fn measure(args: &CharacterizeArgs, terminal: &Terminal) -> Result<Exit, Refusal> {
    let plain = |message: String| (message, None);
    let quantity: Quantity = word("quantity", &args.quantity)?;
    let within: Ratio = unit::parse(&args.within).map_err(|error| plain(error.to_string()))?;
    let bound = |text: &Option<String>| text.as_deref().map(|text| value(quantity, text)).transpose();
    let range = (bound(&args.from)?, bound(&args.to)?);
    let method: Method = word("method", &args.method)?;
    let Some(bench) = Bench::open(&args.measured, terminal)? else { return Ok(Exit::Usage) };
    let (id, rig) = (&bench.model.facts.id, bench.rig());
    let trials = Trials::new(&bench.model, method, quantity, range).map_err(|message| {
        (message, Some("take another --method or --quantity, or another range".to_owned()))
    })?;
    let folder = bench.begin(&args.out)?;
    let as_json = args.measured.json;
    let title = format!("{id}, reset by {method}: {}", quantity.word());
    if !as_json {
        terminal.line(&title);
    }
    let mut asking =
        Measuring { trials, rig, within, folders: Vec::new(), told: (!as_json).then_some(terminal) };
    let broken = bench.make(args.trials, &folder, &mut asking).err();
    let Measuring { trials, folders, .. } = asking;
    let is_interrupted = bench.is_interrupted();
    let found = trials.estimate();
    let mut said = said(&trials, quantity, found.as_ref(), broken.as_deref());
    if is_interrupted {
        said.push("the measurement was interrupted, and is not complete".to_owned());
    } else if found.is_some() && broken.is_none() && !is_known(&trials, within) {
        said.push("the interval is wider than --within asks for: allow more --trials".to_owned());
    }
    let page = page(&title, rig.provenance(), quantity, &trials, &folders, &said);
    let json = record(id, method, quantity, &trials, rig.provenance(), broken.as_deref());
    let path = bench.conclude(&folder, "characterized", (&threshold(&page), &json))?;
    if as_json {
        terminal.line(&json);
    } else {
        said.iter().for_each(|sentence| terminal.text(sentence, 2));
        terminal.line(&path.display().to_string());
    }
    Ok(match found {
        _ if is_interrupted => Exit::Interrupted,
        Some(_) if broken.is_none() && trials.is_stuck().is_none() => Exit::Pass,
        Some(_) | None => Exit::Unproven,
    })
}

/// Asks trials, and tells each as it was answered.
struct Measuring<'a> {
    trials: Trials<'a>,
    rig: &'a Rig,
    within: Ratio,
    folders: Vec<PathBuf>,
    told: Option<&'a Terminal>,
}

impl Asking for Measuring<'_> {
    fn next(&mut self) -> Result<Option<Trial>, String> {
        let trials = &self.trials;
        if is_known(trials, self.within) || trials.is_stuck().is_some() || trials.is_one_sided() {
            return Ok(None);
        }
        trials.next().map(Some)
    }

    fn hear(&mut self, trial: &Trial, entry: &CaseEntry, folder: PathBuf) {
        let quantity = self.trials.quantity();
        let achieved = achieved(&folder, &entry.case, quantity, trial.value);
        self.trials.hear(trial, &entry.result, self.rig, achieved);
        self.folders.push(folder);
        if let Some((terminal, heard)) = self.told.zip(self.trials.heard().last()) {
            let value = shown(quantity, heard.value);
            terminal.text(&format!("  {:3}  {value:>10}  {}", heard.number, told(quantity, heard)), 19);
        }
    }
}

/// A bound in the unit of what is measured.
fn value(quantity: Quantity, text: &str) -> Result<f64, Refusal> {
    let parsed = match quantity {
        Quantity::Hold | Quantity::SecondHold | Quantity::Gap => {
            unit::parse::<Duration>(text).map(Duration::as_seconds_f64)
        }
        Quantity::Supply => unit::parse::<Voltage>(text).map(Voltage::as_f64),
    };
    parsed.map_err(|error| (error.to_string(), None))
}

fn shown(quantity: Quantity, value: f64) -> String {
    format!("{value:.3} {}", quantity.unit())
}

/// At which value a trial was made, by the edges of what was held.
fn achieved(folder: &Path, case: &str, quantity: Quantity, wanted: f64) -> Option<f64> {
    let is_held = match quantity {
        Quantity::Hold | Quantity::SecondHold => true,
        // A pause is between two commands, which the guard achieves as exactly.
        Quantity::Gap | Quantity::Supply => false,
    };
    let scene = SceneReader::open(folder).ok().filter(|_| is_held)?.read(case).ok()??;
    let holds = scene.holds.iter().filter(|hold| {
        let commanded = hold.commanded.map(Duration::as_seconds_f64);
        commanded.is_some_and(|commanded| (commanded - wanted).abs() < 1e-5 * wanted.max(1.0))
    });
    holds.map(|hold| hold.lasted.as_seconds_f64()).next()
}

/// Whether the interval is as narrow as it is wanted.
fn is_known(trials: &Trials<'_>, within: Ratio) -> bool {
    let share = within.as_parts_per_million() as f64 / 1e6;
    trials.estimate().is_some_and(|found| found.to - found.from <= share * found.value)
}

/// What a trial said, for people.
fn told(quantity: Quantity, heard: &Heard) -> String {
    let (enough, too_little) = match quantity {
        Quantity::Hold | Quantity::SecondHold | Quantity::Gap => ("reset", "not reset"),
        Quantity::Supply => ("the reset completes", "the reset does not complete"),
    };
    match &heard.answer {
        Answer::Enough => enough.to_owned(),
        Answer::TooLittle => too_little.to_owned(),
        Answer::Unclear(reason) => format!("says nothing: {}", unit::visible(reason)),
    }
}

/// What is known, in sentences.
fn said(
    trials: &Trials<'_>,
    quantity: Quantity,
    found: Option<&Estimate>,
    broken: Option<&str>,
) -> Vec<String> {
    let show = |value: f64| shown(quantity, value);
    let mut said = Vec::new();
    if let Some(found) = found {
        said.push(format!(
            "{}: {} (95 %: {} to {}), from {} trials; the model states {}",
            quantity.word(),
            show(found.value),
            show(found.from),
            show(found.to),
            trials.heard().len(),
            show(trials.stated())
        ));
        if !trials.is_sharp() {
            said.push(format!(
                "it differs from trial to trial, with a standard deviation of about {}",
                show(found.spread)
            ));
        }
    } else if trials.is_one_sided() {
        let (low, high) = trials.range();
        said.push(format!(
            "nothing changes between {} and {}: try other values with --from and --to",
            show(low),
            show(high)
        ));
    }
    let stuck = trials.is_stuck().map(|reason| format!("{STUCK} trials said nothing: {reason}"));
    let broken = broken.map(str::to_owned).or(stuck);
    said.extend(broken.map(|error| format!("the measurement ended early: {}", unit::visible(&error))));
    said
}

fn page(
    title: &str,
    provenance: &str,
    quantity: Quantity,
    trials: &Trials<'_>,
    folders: &[PathBuf],
    said: &[String],
) -> ThresholdPage {
    let trial = |(heard, folder): (&Heard, &PathBuf)| ThresholdTrial {
        value: heard.value,
        is_enough: match heard.answer {
            Answer::Enough => Some(true),
            Answer::TooLittle => Some(false),
            Answer::Unclear(_) => None,
        },
        answer: told(quantity, heard),
        folder: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    ThresholdPage {
        title: title.to_owned(),
        provenance: provenance.to_owned(),
        unit: quantity.unit().to_owned(),
        stated: trials.stated(),
        range: trials.range(),
        found: trials.estimate().map(|found| (found.value, found.from, found.to)),
        said: said.to_vec(),
        trials: trials.heard().iter().zip(folders).map(trial).collect(),
    }
}

fn record(
    model: &str,
    method: Method,
    quantity: Quantity,
    trials: &Trials<'_>,
    provenance: &str,
    broken: Option<&str>,
) -> String {
    let trial = |heard: &Heard| {
        let (enough, reason) = match &heard.answer {
            Answer::Enough => (Some(true), None),
            Answer::TooLittle => (Some(false), None),
            Answer::Unclear(reason) => (None, Some(reason)),
        };
        json!({"trial": heard.number, "value": heard.value, "enough": enough, "reason": reason})
    };
    let found = trials.estimate().map(|found| {
        json!({"value": found.value, "from": found.from, "to": found.to, "confidence": 0.95, "spread": found.spread})
    });
    json!({"format": 1, "model": model, "method": method.word(), "quantity": quantity.word(),
        "unit": quantity.unit(), "provenance": provenance, "stated": trials.stated(), "found": found,
        "broken": broken, "trials": trials.heard().iter().map(trial).collect::<Vec<_>>()})
    .to_string()
}
