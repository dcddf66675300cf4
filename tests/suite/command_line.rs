//! Exit codes, answers and mistakes of a tired engineer.

use std::fs;

use serde_json::Value as Json;

use crate::common::{certified, code, copy_tree, empty_folder, lockrig, root, runs, text};

#[test]
fn certify_passes_prints_a_matrix_and_the_reports_path() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["certify"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let text = text(&output);
    let run = runs(folder.path()).remove(0);
    let report =
        format!("report: reports/{}/report.html", run.file_name().expect("a name").to_string_lossy());
    assert!(text.contains(&report), "{text}");
    let notes: Vec<&str> = text.lines().filter(|line| line.starts_with("not certified")).collect();
    let (mut certified, mut named) = (0, 0);
    for model in lockrig::sim::models() {
        let is_certified = text.lines().any(|line| line.starts_with(&format!("{model} ")));
        let is_named = notes.iter().any(|note| note.split([' ', ',']).any(|word| word == model));
        assert!(is_certified != is_named, "{model} is in the matrix, or named as left out: {text}");
        certified += usize::from(is_certified);
        named += usize::from(is_named);
    }
    assert!(certified >= 48 && named < 21, "{certified} certified, {named} not");
    assert!(!text.contains('\u{1b}'), "no colours without a terminal");
}

#[test]
fn help_and_manual_have_the_exit_codes() {
    let folder = empty_folder();
    let codes = "0 all pass, 1 a lock failed, 2 bad usage or files, 3 rig error, inconclusive or aborted, 4 evidence does \
                 not verify or replay disagrees, 130 interrupted";
    let readme = fs::read_to_string(root().join("README.md")).expect("text");
    let commands = [
        &["--help"][..],
        &["certify", "--help"],
        &["run", "-h"],
        &["verify", "-h"],
        &["replay", "-h"],
        &["man"],
    ];
    let said = commands.map(|arguments| text(&lockrig(folder.path(), arguments)));
    for said in said.iter().chain([&readme]) {
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(codes), "{said}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let folder = empty_folder();
    let results = |seed: &str| {
        let run = certified(folder.path(), "kwikset-smartcode-914", &["--seed", seed]);
        fs::read(run.join("results.json")).expect("results")
    };
    let first = results("7");
    assert_eq!(first, results("7"));
    assert_ne!(first, results("8"));
}

#[test]
fn a_case_alone_is_the_same_case() {
    let folder = empty_folder();
    let case = "short-hold-erases-nothing~schlage-be468zp~button~r1";
    let output = lockrig(folder.path(), &["run", "short-hold-erases-nothing", "--case", case, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let line_of = |run: &std::path::Path| {
        let text = fs::read_to_string(run.join("results.json")).expect("results");
        let line = text.lines().find(|line| line.contains(case)).expect("the case");
        line.trim_end_matches(',').to_owned()
    };
    let alone = line_of(&runs(folder.path())[0]);
    let whole = certified(folder.path(), "schlage-be468zp", &[]);
    assert_eq!(alone, line_of(&whole));
}

#[test]
fn one_repetition_is_found_by_its_name() {
    let folder = empty_folder();
    let case = "short-hold-erases-nothing~schlage-be468zp~button~r2";
    let arguments = ["run", "short-hold-erases-nothing", "--dry-run", "--json", "--case", case];
    assert_eq!(code(folder.path(), &arguments), 2, "it is played once only");
    let output = lockrig(folder.path(), &[&arguments[..], &["--repeat", "3"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(case), "{said}");
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let folder = empty_folder();
    let code = |arguments: &[&str]| code(folder.path(), arguments);
    assert_eq!(code(&["certify", "--model", "yale-linus"]), 0);
    assert_eq!(code(&["certify", "--model", "yale-linus", "--defect", "setup-refused"]), 1);
    for usage in [
        vec!["certify", "--model", "yale-linnus"],
        vec!["certify", "--rig", "nowhere"],
        vec!["certify", "--defect", "bad-luck"],
        vec!["certify", "--seed", "9007199254740993"],
        vec!["run"],
        vec!["run", "no-such-scenario"],
        vec!["run", "restart-erases-nothing", "--case", "x~y~z~r1"],
        vec!["run", "restart-erases-nothing", "--method", "wire"],
        vec!["verify", "nowhere"],
        vec!["replay", "nowhere"],
        vec!["check", "nowhere.yaml"],
        vec!["fly"],
    ] {
        assert_eq!(code(&usage), 2, "{usage:?}");
    }
    // Nothing applicable was executed: that is no pass.
    assert_eq!(code(&["run", "half-turn-erases-nothing", "--model", "yale-linus"]), 3);
    assert_eq!(code(&["run", "reset-needs-power", "--model", "kwikset-powerbolt-2", "--method", "hub"]), 3);
    let run = certified(folder.path(), "yale-linus", &[]);
    fs::write(run.join("results.json"), "{}").expect("written");
    let run = run.display().to_string();
    assert_eq!(code(&["verify", &run]), 4);
    assert_eq!(code(&["replay", &run]), 4);
    assert_eq!(code(&["report", &run, "--format", "html"]), 4);
}

#[test]
fn mistakes_get_a_hint() {
    let folder = empty_folder();
    let says = |arguments: &[&str], hint: &str| {
        let text = text(&lockrig(folder.path(), arguments));
        assert!(text.contains(hint), "{arguments:?}: {text}");
    };
    says(&["certify", "--model", "yale-linnus"], "did you mean `yale-linus`?");
    says(&["certify", "--defect", "residual-usr"], "did you mean `residual-user`?");
    says(&["run", "restart-erases-nothin"], "did you mean `restart-erases-nothing`?");
    let case = ["run", "reset-is-confirmed", "--case", "reset-is-confirmed~kwikset-powerbolt-2~buton~r1"];
    let case_of_another = ["run", "reset-is-confirmed", "--case", "restart-erases-nothing~yale-linus~app~r1"];
    says(&case_of_another, "is not among the chosen models, methods and scenarios");
    says(&["verify", "."], "is neither a run folder nor a packed run");
    says(&case, "did you mean `reset-is-confirmed~kwikset-powerbolt-2~button~r1`?");
}

#[test]
fn an_unwired_channel_is_inconclusive_and_named() {
    let folder = empty_folder();
    let rig = folder.path().join("poor.yaml");
    fs::write(&rig, "rig: poor\nsimulated: {noise: true}\nchannels: [power, app]\n").expect("written");
    let output = lockrig(
        folder.path(),
        &["run", "reset-is-confirmed", "--rig", &rig.display().to_string(), "--model", "keymitt-smart-lock"],
    );
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("not wired: knob, light.status"), "{}", text(&output));
}

#[test]
fn a_model_without_a_simulated_lock_or_a_source_is_refused_with_the_way_out() {
    let folder = empty_folder();
    copy_tree(&root().join("scenarios"), &folder.path().join("scenarios"));
    let models = folder.path().join("scenarios/models");
    let text_of = fs::read_to_string(models.join("yale-linus.yaml")).expect("text");
    let mine = text_of.replace("model: yale-linus", "model: my-lock");
    fs::write(models.join("my-lock.yaml"), &mine).expect("written");
    let output = lockrig(folder.path(), &["certify", "--model", "my-lock"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("lockstep"), "{}", text(&output));
    fs::write(models.join("my-lock.yaml"), mine.replace("kind: primary", "kind: unsourced"))
        .expect("written");
    let output = lockrig(folder.path(), &["certify", "--model", "my-lock"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("unsourced"), "{}", text(&output));
}

#[test]
fn a_dry_run_lists_cases_with_their_time_and_plays_none() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["run", "restart-erases-nothing", "--dry-run"]);
    assert_eq!(output.status.code(), Some(0));
    let text = text(&output);
    assert!(text.contains("restart-erases-nothing~yale-linus~app~r1"), "{text}");
    assert!(text.contains("would be played, in at most"), "{text}");
    assert!(runs(folder.path()).is_empty());
}

#[test]
fn identity_given_by_the_operator_is_in_the_manifest() {
    let folder = empty_folder();
    let run = certified(
        folder.path(),
        "yale-linus",
        &["--serial", "L-7", "--firmware", "2.1", "--operator", "A. Tester"],
    );
    let manifest: Json =
        serde_json::from_slice(&fs::read(run.join("run.json")).expect("run.json")).expect("JSON");
    assert_eq!(manifest["device"]["serial"], "L-7");
    assert_eq!(manifest["device"]["firmware"], "2.1");
    assert_eq!(manifest["operator"], "A. Tester");
    assert_eq!(manifest["provenance"], "simulated");
}

#[test]
fn lists_completions_and_manuals_answer() {
    let folder = empty_folder();
    for arguments in [
        vec!["list", "models"],
        vec!["list", "scenarios", "--json"],
        vec!["list", "rigs"],
        vec!["list", "cases"],
        vec!["list", "clauses"],
        vec!["sim", "defects"],
        vec!["sim", "models"],
        vec!["completions", "bash"],
        vec!["man"],
        vec!["--version"],
        vec!["check"],
    ] {
        let output = lockrig(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output));
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

/// The program with more in its environment.
fn lockrig_with(
    folder: &std::path::Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> std::process::Output {
    let mut command = assert_cmd::Command::cargo_bin("lockrig").expect("the program");
    command
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("XDG_STATE_HOME", folder.join(".state"))
        .args(arguments);
    command.envs(environment.iter().copied()).output().expect("it runs")
}

#[test]
fn what_is_read_fits_into_sixty_columns() {
    let folder = empty_folder();
    let path = folder.path();
    std::fs::create_dir_all(path.join("scenarios")).expect("a folder");
    std::fs::write(path.join("scenarios/broken.yaml"), "scenario: broken\ntitel: A word that is misspelt\n")
        .expect("written");
    for arguments in [
        &["list", "models"][..],
        &["list", "clauses"],
        &["sim", "defects"],
        &["check", "scenarios/broken.yaml"],
        &["run", "reset-erases-everything", "--model", "kwikset-smartcode-914", "--defect", "keeps-codes"],
        &["certify", "--model", "nuki-smart-lock", "--defect", "keeps-codes"],
    ] {
        let said = text(&lockrig_with(path, arguments, &[("COLUMNS", "60")]));
        assert!(!said.is_empty(), "{arguments:?}");
        // What can't be broken is copied: a path, a command, a case.
        let is_whole = |line: &str| {
            line.trim_start().split(' ').any(|word| word.len() > 40) || line.starts_with("  lockrig")
        };
        let wide: Vec<&str> =
            said.lines().filter(|line| line.chars().count() > 60 && !is_whole(line)).collect();
        assert!(wide.is_empty(), "{arguments:?}:\n{}", wide.join("\n"));
    }
}

#[test]
fn every_case_that_is_not_played_has_its_reason() {
    let folder = empty_folder();
    let said = text(&lockrig(folder.path(), &["certify", "--model", "yale-linus", "--dry-run"]));
    let unplayed: Vec<&str> = said.lines().filter(|line| line.trim_start().starts_with("n/a ")).collect();
    assert!(unplayed.len() > 10, "{said}");
    assert!(unplayed.iter().all(|line| line.contains(": ")), "{}", unplayed.join("\n"));
    let listed = text(&lockrig(folder.path(), &["list", "cases", "--model", "yale-linus"]));
    assert!(listed.lines().skip(1).all(|line| line.contains("~yale-linus~")), "{listed}");
    assert!(listed.contains("not applicable: "), "{listed}");
    let output = lockrig(folder.path(), &["list", "cases", "--model", "yale-linux"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("did you mean `yale-linus`?"), "{}", text(&output));
}

#[test]
fn defects_and_variations_say_what_they_are() {
    let folder = empty_folder();
    for what in ["defects", "variations"] {
        let said = text(&lockrig(folder.path(), &["sim", what]));
        assert!(
            said.lines().all(|line| line.split("  ").filter(|part| !part.is_empty()).count() == 2),
            "{said}"
        );
    }
}

#[test]
fn a_run_of_one_scenario_shows_its_cases_and_says_nothing_twice() {
    let folder = empty_folder();
    let run = ["run", "power-cut-erases-all-or-nothing", "--model", "baldwin-8225"];
    let output = lockrig(folder.path(), &run);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows =
        said.lines().filter(|line| line.starts_with("pass         power-cut-erases-all-or-nothing~")).count();
    assert!(rows > 5, "{said}");
    let output = lockrig(folder.path(), &["certify", "--model", "baldwin-8225", "--defect", "keeps-codes"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut sentences: Vec<&str> =
        said.lines().map(str::trim).filter(|line| line.contains(": code ")).collect();
    let all = sentences.len();
    sentences.sort_unstable();
    sentences.dedup();
    assert_eq!(sentences.len(), all, "{said}");
}

#[test]
fn errors_are_on_standard_error() {
    let folder = empty_folder();
    std::fs::create_dir_all(folder.path().join("scenarios")).expect("a folder");
    std::fs::write(folder.path().join("scenarios/broken.yaml"), "scenario: broken\ntitel: A\n")
        .expect("written");
    let output = lockrig(folder.path(), &["run", "broken"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("unknown field `titel`") && said.contains("error: the files have errors"),
        "{said}"
    );
}

#[test]
fn a_shell_completes_what_there_is() {
    let folder = empty_folder();
    let complete = |words: &[&str]| {
        let line = [&["--", "lockrig"], words].concat();
        let index = (words.len()).to_string();
        let environment = [
            ("LOCKRIG_COMPLETE", "bash"),
            ("_CLAP_COMPLETE_INDEX", index.as_str()),
            ("_CLAP_COMPLETE_COMP_TYPE", "9"),
            ("_CLAP_IFS", "\n"),
            ("_CLAP_COMPLETE_SPACE", "true"),
        ];
        String::from_utf8_lossy(&lockrig_with(folder.path(), &line, &environment).stdout).into_owned()
    };
    assert!(complete(&["certify", "--model", "yale-li"]).lines().any(|word| word == "yale-linus"));
    assert!(complete(&["run", "reset-is-c"]).lines().any(|word| word == "reset-is-confirmed"));
    assert!(complete(&["certify", "--rig", "bench-k"]).lines().any(|word| word == "bench-keypad"));
    let cases = complete(&["show", "reset-is-confirmed~yale-li"]);
    assert!(cases.lines().any(|word| word == "reset-is-confirmed~yale-linus~app~r1"), "{cases}");
    let script = text(&lockrig(folder.path(), &["completions", "zsh"]));
    assert!(script.contains("LOCKRIG_COMPLETE"), "{script}");
}

#[test]
fn a_run_keeps_the_files_that_it_used_and_no_others() {
    let folder = empty_folder();
    let path = folder.path();
    let run = certified(path, "kwikset-smartcode-914", &["--scenario", "reset-is-confirmed"]);
    let mut kept: Vec<String> = Vec::new();
    for below in ["scenarios", "scenarios/models", "rigs"] {
        let entries = fs::read_dir(run.join("inputs").join(below)).expect("a folder");
        kept.extend(entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())));
    }
    kept.sort();
    // The model is like a family, and that is like another one.
    assert!(kept.len() < 10, "{kept:?}");
    for file in ["kwikset-smartcode-914.yaml", "reset-is-confirmed.yaml", "simulated.yaml"] {
        assert!(kept.iter().any(|name| name == file), "{kept:?}");
    }
    let run = run.display().to_string();
    assert_eq!(code(path, &["verify", &run]), 0);
    assert_eq!(code(path, &["replay", &run, "--simulate"]), 0);
    // A scenario names a button that only other models have.
    fs::write(
        path.join("own.yaml"),
        "scenario: own\ntitle: Own\nmethods: baseline\nact:\n  - press: reset\nexpect: [unchanged]\n",
    )
    .expect("written");
    assert_eq!(code(path, &["run", "own.yaml", "--model", "kwikset-smartcode-914"]), 3);
    let run = crate::common::runs(path).pop().expect("a run").display().to_string();
    assert_eq!(code(path, &["replay", &run]), 0);
}

#[test]
fn the_example_lock_is_certified_from_anywhere() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["certify", "--rig", "python-lock", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let run = crate::common::runs(folder.path()).pop().expect("a run");
    assert!(run.join("inputs/peer/lock.py").exists());
    assert_eq!(code(folder.path(), &["replay", &run.display().to_string()]), 0);
}

/// A run that was stopped after its first cases, to be continued.
fn stopped(path: &std::path::Path, arguments: &[&str]) -> String {
    let started = std::process::Command::new(assert_cmd::cargo::cargo_bin("lockrig"))
        .current_dir(path)
        .env("XDG_STATE_HOME", path.join(".state"))
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    let has_begun = || {
        let index = runs(path).pop().map(|run| run.join("journal.jsonl"));
        index.and_then(|file| fs::metadata(file).ok()).is_some_and(|file| file.len() > 4_000)
    };
    assert!(crate::common::happens(std::time::Duration::from_secs(60), has_begun), "no run begins");
    crate::common::end(started, rustix::process::Signal::TERM);
    runs(path).pop().expect("a run").display().to_string()
}

#[test]
fn a_run_is_continued_with_the_files_that_it_used() {
    let folder = empty_folder();
    let path = folder.path();
    // The program of a built-in rig lies nowhere here.
    let run = stopped(path, &["certify", "--rig", "python-lock", "--repeat", "4", "--quiet"]);
    let output = lockrig(path, &["run", "--resume", &run, "--quiet"]);
    assert!(!text(&output).contains("has changed"), "{}", text(&output));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    // A file of one's own that is called like a built-in one, and one that has no case.
    let folder = empty_folder();
    let path = folder.path();
    fs::create_dir(path.join("drafts")).expect("a folder");
    let scenario = |id: &str, methods: &str| {
        format!(
            "scenario: {id}\ntitle: Own\nmethods: {methods}\narrange: [{{provision: {{user_codes: 1}}}}]\n\
             act: [{{restart: {{off: 3 s}}}}]\nexpect: [unchanged]\n"
        )
    };
    fs::write(path.join("drafts/restart-erases-nothing.yaml"), scenario("my-restart", "baseline"))
        .expect("written");
    fs::write(path.join("drafts/other.yaml"), scenario("my-other", "[manufacturer]")).expect("written");
    let files = ["drafts/restart-erases-nothing.yaml", "drafts/other.yaml"];
    let run =
        stopped(path, &["run", files[0], files[1], "--model", "baldwin-8225", "--repeat", "1500", "--quiet"]);
    let output = lockrig(path, &["run", "--resume", &run, "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("earlier, in "), "{}", text(&output));
}

#[test]
fn views_are_written_outside_the_folder_and_never_into_it() {
    let folder = empty_folder();
    let run = certified(folder.path(), "yale-linus", &["--defect", "setup-refused"]);
    let run_text = run.display().to_string();
    for format in ["html", "junit", "csv", "json"] {
        let output = lockrig(folder.path(), &["report", &run_text, "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{format}: {}", text(&output));
        assert!(text(&output).contains("set-up-again-after-reset~yale-linus~app~r1"), "{format}");
    }
    assert_eq!(code(folder.path(), &["report", &run_text, "--format", "vcd", "--out", "waves"]), 0);
    assert!(folder.path().join("waves/set-up-again-after-reset~yale-linus~app~r1.vcd").exists());
    let inside = run.join("traces/../mine.html").display().to_string();
    assert_eq!(code(folder.path(), &["report", &run_text, "--format", "html", "--out", &inside]), 2);
    assert_eq!(code(folder.path(), &["verify", &run_text]), 0);
}

/// What a technician follows by hand reads the same from one change to the next.
#[test]
fn cases_are_shown_as_numbered_steps() {
    let folder = empty_folder();
    let shown = |case: &str| text(&lockrig(folder.path(), &["show", case]));
    let cases = [
        "short-second-hold-erases-nothing~yale-ydm3109a~button~r1",
        "half-turn-erases-nothing~connect-internal-fingerprint~knob~r1",
        "jammed-bolt-erases-all-or-nothing~baldwin-8225~button~r1",
        "brown-out-erases-all-or-nothing~baldwin-8225~button~cut=0~r1",
        "wrong-code-erases-nothing~commax-cdl-107u~keypad~key=1~r1",
        "reset-needs-the-owner~yale-linus~app~role=guest~r1",
    ];
    let unknown = lockrig(folder.path(), &["show", "restart-erases-nothing", "--model", "yale-linsu"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown).contains("did you mean `yale-linus`?"), "{}", text(&unknown));
    insta::assert_snapshot!(cases.map(shown).join("\n"));
}
