//! Lives that nobody wrote: sound locks live all of them, and what a faulty one fails in is an ordinary scenario with
//! ordinary evidence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lockrig::lock::Named;
use lockrig::rig::{self, Rig};
use lockrig::run::{FirstLife, Specimen, alarms, first_life, must_catch};
use lockrig::scenario::ast::Model;
use lockrig::scenario::{Library, Selection, expand};
use lockrig::sim::{Defect, Flaw};
use lockrig::verdict::Verdict;
use lockrig::yaml::Source;
use rayon::prelude::*;
use serde_json::Value as Json;

use crate::common::{empty_folder, lockrig, root, text};
use crate::defects::library;

/// Explores and hands out the last line, and those of what was found.
fn explore(folder: &Path, arguments: &[&str], wanted: i32) -> (Json, Vec<Json>) {
    let output = lockrig(folder, &[&["explore", "--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(wanted), "{arguments:?}: {}", text(&output));
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines: Vec<Json> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (lines.pop().expect("a summary"), lines)
}

/// The run folders in the folder of an exploration.
fn runs(folder: &Path, summary: &Json) -> Vec<PathBuf> {
    let below = folder.join(summary["folder"].as_str().expect("a folder"));
    let entries = fs::read_dir(below).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut runs: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    runs.sort();
    runs
}

fn lines_of_record(folder: &Path, summary: &Json) -> Vec<Json> {
    let file = folder.join(summary["folder"].as_str().expect("a folder")).join("explored.jsonl");
    let text = fs::read_to_string(file).expect("a record");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn sound_locks_live_every_life() {
    let folder = empty_folder();
    let (summary, _) = explore(folder.path(), &["--budget", "1 h", "--lives", "40", "--keep", "0"], 0);
    assert_eq!(summary["found"], 0);
    assert_eq!(summary["unclear"], 0, "{summary}");
    assert!(summary["deeds"].as_u64() > Some(10_000), "{summary}");
    assert!(summary["operations"].as_u64() > summary["deeds"].as_u64(), "{summary}");
    // Each deed is permitted by some model, and done.
    assert_eq!(summary["not_reached"], serde_json::json!([]));
    assert_eq!(summary["not_permitted"], serde_json::json!([]));
    // Nothing was to be kept, and each round is on record all the same.
    assert_eq!(runs(folder.path(), &summary), Vec::<PathBuf>::new());
    let rounds = lines_of_record(folder.path(), &summary);
    assert!(rounds.len() > 60 && rounds[1..].iter().all(|round| round["played"]["journal"].is_string()));
    for variation in ["slow-clock", "late-bolt", "early-bolt", "deaf-keypad", "slow-answers"] {
        let arguments =
            ["--budget", "1 h", "--lives", "6", "--seed", "2", "--keep", "0", "--variation", variation];
        let (summary, _) = explore(folder.path(), &arguments, 0);
        assert_eq!(summary["unclear"], 0, "{variation}: {summary}");
    }
}

/// What is found is short, fails again on the faulty lock, passes on a sound one, and replays.
#[test]
fn what_is_found_is_a_scenario_that_anybody_can_play() {
    for (model, defect) in [
        ("kwikset-smartcode-914", "back-after-an-hour"),
        ("kwikset-smartcode-914", "prefix-opens"),
        ("kwikset-smartcode-914", "erases-once"),
        ("yale-nextouch", "near-miss-shortens"),
        ("delaney-zw300", "hold-outlasts-cut"),
        ("yale-nextouch", "locked-out-still-opens"),
        ("ttlock-oem", "bindings-back-at-third-start"),
        ("ttlock-oem", "dip-opens"),
    ] {
        let folder = empty_folder();
        let at = |arguments: &[&str]| lockrig(folder.path(), arguments);
        let arguments = ["--model", model, "--budget", "1 h", "--lives", "400", "--defect", defect];
        let (_, found) = explore(folder.path(), &arguments, 1);
        for one in found {
            let file = one["scenario"].as_str().expect("a file");
            let deeds = one["deeds"].as_u64().expect("a number");
            assert!((1..=8).contains(&deeds), "{defect}: {one}");
            assert_eq!(one["confirmed"], true, "{one}");
            assert!(
                fs::read_to_string(folder.path().join(file)).expect("a scenario").contains("title: Found")
            );
            // The evidence beside it is a run like any other, with a report that a person can read.
            let evidence = one["evidence"].as_str().expect("a run");
            for arguments in [&["verify", evidence][..], &["replay", evidence, "--simulate"]] {
                let output = at(arguments);
                assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output));
            }
            assert!(folder.path().join(evidence).join("report.html").is_file());
            let again = at(&["run", file, "--model", model, "--defect", defect, "--out", "faulty"]);
            assert_eq!(again.status.code(), Some(1), "{defect} {one}: {}", text(&again));
            let sound = at(&["run", file, "--model", model, "--out", "sound"]);
            assert_eq!(sound.status.code(), Some(0), "{defect} {one}: {}", text(&sound));
        }
    }
}

#[test]
fn lives_that_passed_leave_evidence_like_any_run() {
    let folder = empty_folder();
    let arguments = ["--model", "yale-nextouch", "--focus", "button", "--budget", "1 h", "--lives", "40"];
    let (summary, _) = explore(folder.path(), &arguments, 0);
    let runs = runs(folder.path(), &summary);
    let rounds = lines_of_record(folder.path(), &summary);
    assert_eq!(summary["lives"], 40);
    // On a slow machine the rest takes more than one round.
    assert!(runs.len() >= 2, "a round of 16 and the rest: {runs:?}");
    for run in runs {
        let name = run.file_name().expect("a name").to_string_lossy().into_owned();
        let round = rounds.iter().find(|line| line["played"]["kept"] == name.as_str()).expect("its line");
        let manifest = fs::read_to_string(run.join("run.json")).expect("a manifest");
        let manifest: Json = serde_json::from_str(&manifest).expect("JSON");
        assert_eq!(manifest["files"]["journal.jsonl"], round["played"]["journal"]);
        let path = run.display().to_string();
        for arguments in
            [&["verify", &path][..], &["replay", &path, "--simulate"], &["report", &path, "--format", "csv"]]
        {
            let output = lockrig(folder.path(), arguments);
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output));
        }
    }
}

#[test]
fn an_exploration_goes_on_where_it_ended() {
    let folder = empty_folder();
    let method = ["--model", "yale-nextouch", "--focus", "button", "--seed", "3"];
    let lives = |number: &'static str| ["--budget", "1 h", "--lives", number];
    let (summary, _) = explore(folder.path(), &[&method[..], &lives("20")].concat(), 0);
    let at = summary["folder"].as_str().expect("a folder");
    let file = folder.path().join(at).join("explored.jsonl");
    // What was being written when the power went.
    let mut torn = fs::read(&file).expect("a record");
    torn.extend(b"{\"played\":{\"model\":\"ya");
    fs::write(&file, torn).expect("a record");
    let (more, _) = explore(folder.path(), &[&["--resume", at][..], &lives("20")].concat(), 0);
    assert_eq!(more["folder"], summary["folder"]);
    assert_eq!(more["lives"], 20);
    // In one go the same lives are drawn.
    let (whole, _) = explore(folder.path(), &[&method[..], &lives("40")].concat(), 0);
    let drawn = |summary: &Json| {
        let mut lives: Vec<String> = Vec::new();
        for run in runs(folder.path(), summary) {
            let inputs = fs::read_dir(run.join("inputs/scenarios")).expect("inputs");
            for path in inputs.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()) {
                let text = fs::read_to_string(path).expect("lives");
                lives.extend(text.split("---\n").map(str::to_owned));
            }
        }
        lives.sort();
        lives
    };
    assert_eq!(drawn(&more).len(), 40);
    assert_eq!(drawn(&more), drawn(&whole));
    let again = lockrig(folder.path(), &["explore", "--resume", "nowhere"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again).contains("nowhere can't be continued"), "{}", text(&again));
    let record = fs::read_to_string(&file).expect("a record");
    for (altered, said) in [
        (record.replacen("\"inputs\":\"", "\"inputs\":\"0", 1), "has changed since"),
        (record.replacen("\"drawn\":16", "\"drawn\":x", 1), "line 2 of explored.jsonl"),
    ] {
        fs::write(&file, &altered).expect("a record");
        let again = lockrig(folder.path(), &["explore", "--resume", at]);
        assert_eq!(again.status.code(), Some(2), "{}", text(&again));
        assert!(text(&again).contains(said), "{}", text(&again));
        assert_eq!(fs::read_to_string(&file).expect("a record"), altered, "nothing of it is lost");
    }
}

/// What was found is on record as soon as its scenario is written, and whoever goes on has still found it.
#[test]
fn going_on_forgets_nothing_that_was_found() {
    let folder = empty_folder();
    let arguments =
        ["--model", "yale-nextouch", "--budget", "1 h", "--lives", "60", "--defect", "residual-user"];
    let (summary, found) = explore(folder.path(), &arguments, 1);
    let record = lines_of_record(folder.path(), &summary);
    let kept: Vec<&Json> = record.iter().filter(|line| line["found"].is_object()).collect();
    assert_eq!(kept.len(), found.len());
    // The round in which it failed is kept with it.
    let kept = runs(folder.path(), &summary);
    let is_of_lives =
        |run: &&PathBuf| run.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lives-"));
    assert!(kept.iter().filter(is_of_lives).count() > 0, "{kept:?}");
    let at = summary["folder"].as_str().expect("a folder");
    let (again, more) = explore(folder.path(), &["--resume", at, "--budget", "1 h", "--lives", "2"], 1);
    assert_eq!((again["found"].as_u64(), more.len()), (Some(found.len() as u64), 0), "{again}");
}

#[test]
fn the_same_seed_finds_the_same() {
    let folder = empty_folder();
    let arguments =
        ["--model", "yale-nextouch", "--budget", "1 h", "--lives", "60", "--defect", "residual-user"];
    let found = || {
        let (_, mut found) = explore(folder.path(), &arguments, 1);
        for one in &mut found {
            let fields = one.as_object_mut().expect("an object");
            fields.retain(|name, _| name != "scenario" && name != "evidence");
        }
        found.sort_by_key(ToString::to_string);
        found
    };
    let first = found();
    assert_eq!(found(), first);
    assert!(!first.is_empty());
}

#[test]
fn what_cannot_be_explored_is_said() {
    let folder = empty_folder();
    for (arguments, said) in [
        (&["--model", "kwikset-smartcode-941"][..], "did you mean"),
        (&["--focus", "buton"], "unknown method `buton`"),
        (&["--budget", "soon"], "`soon` is not a time"),
        (
            &["--rig", "bench-keypad", "--model", "yale-linus"],
            "is a `kwikset-powerbolt-2`, not a `yale-linus`",
        ),
        (&["--rig", "bench-keypad", "--defect", "dip-opens"], "for the simulated rig"),
        (&["--defect", "tired"], "unknown defect `tired`"),
    ] {
        let output = lockrig(folder.path(), &[&["explore"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(said), "{arguments:?}: {}", text(&output));
    }
    // No bench is here, and nothing of a lock is claimed.
    let output = lockrig(folder.path(), &["explore", "--rig", "bench-keypad", "--budget", "1 s"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("the rig is not ready"), "{}", text(&output));
    // One that broke is left alone, as by a run, though it might be there.
    let state = folder.path().join(".state/lockrig");
    fs::create_dir_all(&state).expect("a folder");
    fs::write(state.join("bench-keypad.broken"), "a relay stuck\n").expect("a note");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockrig"));
    command.args(["explore", "--rig", "bench-keypad", "--budget", "1 s"]).current_dir(folder.path());
    let output = command.env("XDG_STATE_HOME", folder.path().join(".state")).output().expect("a run");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("out of use after a fault: a relay stuck"), "{}", text(&output));
}

/// A rig and a model are named as a run names them: by id, or by their file.
#[test]
fn a_rig_and_a_model_may_be_files() {
    let folder = empty_folder();
    let peer = serde_json::json!([env!("CARGO_BIN_EXE_lockrig"), "sim", "peer", "--defect", "prefix-opens"]);
    let rig = format!(
        "rig: pipe\ntitle: A lock behind a pipe\nlockstep: {{command: {peer}}}\n\
         channels: [button.*, power, power.cell.*, keypad, bolt, voice, hub]\n"
    );
    fs::write(folder.path().join("pipe.yaml"), rig).expect("a file");
    let own = "model: own-lock\nlike: yale-nextouch\nvariant: of our own\n";
    fs::write(folder.path().join("own.yaml"), own).expect("a file");
    for (arguments, said) in [
        (&["--rig", "pipe.yaml"][..], "rig `pipe` does not say which lock it is"),
        (&["--model", "own.yaml"], "the simulated rig has no lock `own-lock`"),
    ] {
        let output = lockrig(folder.path(), &[&["explore"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(said), "{arguments:?}: {}", text(&output));
    }
    let arguments = [
        "--rig",
        "pipe.yaml",
        "--model",
        "yale-nextouch",
        "--focus",
        "button",
        "--lives",
        "400",
        "--budget",
        "1 h",
    ];
    let (summary, found) = explore(folder.path(), &arguments, 1);
    assert_eq!(summary["found"], 1);
    // What is said to be played next can be.
    let output = lockrig(folder.path(), &[&["explore"], &arguments[..], &["--out", "told"]].concat());
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let again = said.lines().find_map(|line| line.trim().strip_prefix("lockrig run ")).expect("a command");
    let again: Vec<&str> = ["run"].into_iter().chain(again.split(' ')).collect();
    let output = lockrig(folder.path(), &again);
    assert_eq!(output.status.code(), Some(1), "{again:?}: {}", text(&output));
    assert_eq!(found[0]["model"], "yale-nextouch");
}

/// The simulated rig.
fn simulated() -> Rig {
    let file = root().join("rigs/simulated.yaml");
    let source = Source::new("rigs/simulated.yaml", fs::read(file).expect("a rig")).expect("text");
    let (mut rigs, findings) = rig::load(&[source]);
    assert!(!findings.has_errors(), "{}", findings.render(false, 100));
    rigs.remove("simulated").expect("the simulated rig")
}

/// Whichever fault of the second family lives show on a few locks: they come down to eight deeds or fewer, and the
/// scenario that is written fails on the faulty lock and passes on sound ones.
#[test]
fn every_life_that_shows_a_fault_is_short_and_shows_nothing_else() {
    let library = library();
    let rig = simulated();
    let models = ["kwikset-smartcode-914", "yale-nextouch", "kwikset-powerbolt-2", "ultraloq-u-bolt-pro"];
    let models: Vec<&Model> = models.iter().map(|id| &library.models[*id]).collect();
    let second =
        Defect::WORDS.iter().map(|(_, defect)| *defect).filter(|defect| must_catch(*defect).is_none());
    let second: Vec<Defect> = second.collect();
    let forever = Duration::from_secs(3_600);
    let tried: Vec<(Defect, Option<FirstLife>)> = second
        .par_iter()
        .map(|defect| {
            let specimen = Specimen { seed: 1, flaw: Some(Flaw::Defect(*defect)), variation: None };
            (*defect, first_life(&models, &rig, specimen, forever, 40))
        })
        .collect();
    let mut found = 0;
    for (defect, shown) in tried {
        let Some(FirstLife { model, method, found: one, .. }) = shown else { continue };
        found += 1;
        let name = defect.word();
        assert!(one.life.possible().len() <= 8, "{name}: {}", one.life.told());
        // As it would be read from its file.
        let text = one.life.scenario("found", "Found");
        let source = Source::new("found.yaml", text.clone().into_bytes()).expect("text");
        let (mut written, findings) = Library::read(&[], &[source]);
        assert!(!findings.has_errors(), "{name}: {}", findings.render(false, 100));
        written.models.insert(model.clone(), library.models[&model].clone());
        let cases = expand(&written, &Selection { methods: vec![method], ..Selection::default() });
        assert_eq!(cases.len(), 1, "{name}");
        let verdicts = |seed: u64, flaw: Option<Flaw>| {
            let specimen = Specimen { seed, flaw, variation: None };
            alarms(&written, &cases, &[specimen]).remove(0)
        };
        let failed = verdicts(1, Some(Flaw::Defect(defect)));
        assert!(failed.iter().any(|(_, verdict, _)| *verdict == Verdict::Fail), "{name}:\n{text}");
        for seed in [1, 2, 3] {
            assert!(verdicts(seed, None).is_empty(), "{name} on a sound lock:\n{text}");
        }
    }
    assert!(found >= 45, "only {found} of {} faults were found", second.len());
}
