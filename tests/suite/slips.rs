//! Slips of whoever writes a model or a rig file: none may turn into a pass.

use std::fs;
use std::path::Path;

use crate::common::{certified, code, copy_tree, empty_folder, lockrig, root, text};

/// A shipped model with a stretch of it replaced, in place of the shipped one.
fn with_model(folder: &Path, model: &str, from: &str, to: &str) {
    let file = format!("scenarios/models/{model}.yaml");
    let text = fs::read_to_string(root().join(&file)).expect("a model");
    assert!(text.contains(from), "{model} has no {from}");
    fs::create_dir_all(folder.join("scenarios/models")).expect("a folder");
    fs::write(folder.join(file), text.replace(from, to)).expect("written");
}

#[test]
fn a_lock_whose_codes_were_not_tested_is_not_certified() {
    let folder = empty_folder();
    let path = folder.path();
    let output = lockrig(path, &["certify", "--model", "lockly-pgd728f"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("not certified: lockly-pgd728f: codes were not tested"), "{said}");
    assert!(!said.contains("fail"), "{said}");
    let run = crate::common::runs(path).pop().expect("a run");
    let junit = fs::read_to_string(run.join("junit.xml")).expect("text");
    assert!(junit.contains("<error message=\"codes were not tested"), "{junit}");
    let page = fs::read_to_string(run.join("report.html")).expect("text");
    assert!(page.contains("Not certified: lockly-pgd728f: codes were not tested"));
    assert!(page.contains("banner inconclusive"), "the page's banner is no pass");
    let run = run.display().to_string();
    assert_eq!(code(path, &["verify", &run]), 0);
    assert_eq!(code(path, &["replay", &run]), 0);
    // Whoever names claims knows what they leave out.
    assert_eq!(code(path, &["run", "reset-erases-everything", "--model", "lockly-pgd728f"]), 0);
}

#[test]
fn models_whose_codes_nobody_can_test_are_left_out_by_name() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["certify", "--dry-run"]);
    let said = text(&output);
    assert!(said.contains("no source says how their codes are stored and entered: "), "{said}");
    assert!(said.contains("lockly-pgd728f"), "{said}");
    assert!(!said.contains("~lockly-pgd728f~"), "{said}");
    assert!(said.contains("~yale-linus~"), "a lock without a keypad has no codes: {said}");
}

#[test]
fn steps_after_the_decisive_one_move_no_window() {
    let count = |folder: &Path| {
        let run = certified(folder, "kwikset-powerbolt-2", &[]);
        let manifest = fs::read_to_string(run.join("run.json")).expect("text");
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        manifest["counts"].clone()
    };
    let as_printed = count(empty_folder().path());
    assert_eq!(as_printed.get("fail"), None, "{as_printed}");
    for after in ["      - wait: 1 s\n      - cover: \"on\"\n", "      - wait: 2 s\n"] {
        let folder = empty_folder();
        let step = "      - release: reset\n";
        with_model(folder.path(), "kwikset-powerbolt-2", step, &format!("{step}{after}"));
        assert_eq!(count(folder.path()), as_printed, "{after}");
    }
}

#[test]
fn keys_are_text() {
    let folder = empty_folder();
    let scenario = "scenario: literal\ntitle: Keys are text\nmethods: all\nact:\n  - type: 0077\n  - press: key.lock\n  \
                    - type: 1_2\n  - reset\nexpect: [confirmed]\n";
    fs::write(folder.path().join("literal.yaml"), scenario).expect("written");
    let output = lockrig(folder.path(), &["check", "literal.yaml"]);
    assert!(text(&output).contains("unknown key `1_2`"), "{}", text(&output));
    fs::write(folder.path().join("literal.yaml"), scenario.replace("  - type: 1_2\n", "")).expect("written");
    let run = ["run", "literal.yaml", "--model", "kwikset-smartcode-914"];
    let output = lockrig(folder.path(), &run);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let run = crate::common::runs(folder.path()).pop().expect("a run");
    let journal = fs::read_to_string(run.join("journal.jsonl")).expect("text");
    let typed: String = journal
        .lines()
        .filter_map(|line| line.split_once("{\"keys\":[\"")?.1.chars().next())
        .take(4)
        .collect();
    assert_eq!(typed, "0077");
}

#[test]
fn a_program_is_one_lock_or_is_asked_by_name() {
    let folder = empty_folder();
    let path = folder.path();
    let program = assert_cmd::cargo::cargo_bin("lockrig").display().to_string();
    copy_tree(&root().join("rigs"), &path.join("rigs"));
    let rig = |lock: &str| {
        format!("rig: own\n{lock}lockstep: {{command: [\"{program}\", sim, peer]}}\nchannels: [\"*\"]\n")
    };
    let play = |lock: &str, more: &[&str]| {
        fs::write(path.join("rigs/own.yaml"), rig(lock)).expect("written");
        let output =
            lockrig(path, &[&["run", "reset-erases-everything", "--rig", "own", "--quiet"], more].concat());
        (output.status.code(), text(&output))
    };
    let (status, said) = play("", &[]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("rig `own` does not say which lock it is"), "{said}");
    assert_eq!(play("", &["--model", "yale-linus", "--model", "nuki-smart-lock"]).0, Some(0));
    let lock = "lock: {model: yale-linus}\n";
    assert_eq!(play(lock, &[]).0, Some(0));
    let (status, said) = play(lock, &["--model", "nuki-smart-lock"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("the lock of rig `own` is a `yale-linus`"), "{said}");
}

/// A folder of somebody at work: a draft with mistakes, a file of another program, a folder that is called like a file.
fn untidy() -> tempfile::TempDir {
    let folder = empty_folder();
    let path = folder.path();
    fs::create_dir_all(path.join("scenarios/models")).expect("a folder");
    fs::create_dir_all(path.join("rigs/old.yaml")).expect("a folder");
    let draft = root().join("tests/corpus/role-in-a-method.model.yaml");
    fs::copy(draft, path.join("scenarios/models/draft.yaml")).expect("a copy");
    fs::write(path.join("scenarios/compose.yml"), "services:\n  web: {image: x}\n").expect("written");
    folder
}

#[test]
fn what_a_run_does_not_need_does_not_stop_it() {
    let folder = untidy();
    let path = folder.path();
    let left_out = ["rigs/old.yaml", "scenarios/compose.yml", "scenarios/models/draft.yaml"];
    let play = ["run", "reset-is-confirmed", "--model", "kwikset-smartcode-914", "--quiet"];
    for arguments in
        [&play[..], &["list", "models"], &["show", "reset-is-confirmed~kwikset-smartcode-914~button~r1"]]
    {
        let output = lockrig(path, arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("left out: ")).collect();
        assert_eq!(lines.len(), left_out.len(), "{said}");
        for (line, file) in lines.iter().zip(left_out) {
            assert!(line.starts_with(&format!("left out: {file}, which has ")), "{line}");
        }
    }
    // Neither is it evidence, nor does it keep the run from being continued or replayed.
    let run = crate::common::runs(path).pop().expect("a run");
    assert!(!run.join("inputs/scenarios/models/draft.yaml").exists());
    let run = run.display().to_string();
    assert_eq!(code(path, &["replay", &run]), 0);
    let output = lockrig(path, &["run", "--resume", &run]);
    assert!(text(&output).contains("the earlier run finished every case"), "{}", text(&output));
    // `check` shows everything.
    assert_eq!(code(path, &["check"]), 2);
}

#[test]
fn what_is_asked_for_by_name_must_be_fine() {
    let folder = untidy();
    let model = "broken-role-in-a-method";
    let family =
        "family: drafts\nmethods:\n  button: {needs: {power: odd}, procedure: [], confirmed_by: unknown}\n";
    fs::write(folder.path().join("scenarios/models/drafts.yaml"), family).expect("written");
    let heir = fs::read_to_string(root().join("scenarios/models/yale-linus.yaml")).expect("a model");
    let heir = heir.replace("model: yale-linus", "model: heir").replace("like: app", "like: drafts");
    fs::write(folder.path().join("scenarios/models/heir.yaml"), heir).expect("written");
    for arguments in [
        vec!["certify", "--model", model],
        vec!["certify", "--model", "scenarios/models/draft.yaml"],
        vec!["certify", "--model", "heir"],
        vec!["show", "reset-is-confirmed", "--model", model],
        vec!["run", "reset-is-confirmed", "--rig", "rigs/old.yaml"],
        vec!["run", "scenarios/compose.yml"],
    ] {
        let output = lockrig(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
    }
    assert_eq!(code(folder.path(), &["run", "reset-is-confirmed", "--model", "kwikset-smartcode-914"]), 0);
}

#[test]
fn a_file_is_what_it_says_wherever_it_lies_and_however_it_begins() {
    let folder = empty_folder();
    fs::create_dir_all(folder.path().join("scenarios")).expect("a folder");
    let model = fs::read_to_string(root().join("scenarios/models/yale-linus.yaml")).expect("a model");
    let model = model.replace("model: yale-linus", "model: misplaced");
    fs::write(folder.path().join("scenarios/misplaced.yaml"), format!("\u{feff}{model}")).expect("written");
    let output = lockrig(folder.path(), &["list", "models"]);
    assert!(text(&output).contains("\nmisplaced "), "{}", text(&output));
    assert_eq!(code(folder.path(), &["check"]), 0);
}

#[test]
fn a_rig_file_names_files_that_lie_beside_it() {
    let folder = empty_folder();
    let path = folder.path();
    fs::create_dir_all(path.join("project/rigs")).expect("a folder");
    let write = |script: &str| {
        let rig = format!(
            "rig: own\nlock: {{model: kwikset-powerbolt-2}}\nlockstep: {{command: [python3, {script}]}}\n\
             channels: [button.*, power, power.cell.*, keypad, cover, beeper, bolt, strike]\n"
        );
        fs::write(path.join("project/rigs/own.yaml"), rig).expect("written");
    };
    let play = ["run", "reset-is-confirmed", "--rig", "project/rigs/own.yaml"];
    for place in ["project/rigs/own-lock.py", "project/own-lock.py", "own-lock.py"] {
        fs::copy(root().join("rigs/examples/lock.py"), path.join(place)).expect("a copy");
        write("own-lock.py");
        let output = lockrig(path, &play);
        assert_eq!(output.status.code(), Some(0), "{place}: {}", text(&output));
        assert_eq!(code(path, &["check", "project/rigs/own.yaml"]), 0, "{place}");
        // The program is evidence.
        let run = crate::common::runs(path).pop().expect("a run");
        assert!(run.join("inputs/peer/own-lock.py").exists(), "{place}");
        fs::remove_file(path.join(place)).expect("gone");
    }
    let said = text(&lockrig(path, &["check", "project/rigs/own.yaml"]));
    assert!(said.contains("there is no file `own-lock.py`"), "{said}");
    assert!(said.contains("files are looked for beside the rig file"), "{said}");
    write("own-lock.py");
    let rig = fs::read_to_string(path.join("project/rigs/own.yaml")).expect("text");
    fs::write(path.join("project/rigs/own.yaml"), rig.replace("python3", "no-such-program"))
        .expect("written");
    let output = lockrig(path, &["check", "project/rigs/own.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("there is no program `no-such-program`"), "{}", text(&output));
    assert!(text(&output).contains("install it, or name it with its folder"), "{}", text(&output));
}

#[test]
fn a_broken_file_in_place_of_a_built_in_one_is_no_draft() {
    let folder = empty_folder();
    let path = folder.path();
    fs::create_dir_all(path.join("scenarios/models")).expect("a folder");
    let place = |from: &str, to: &str, old: &str, new: &str| {
        let text = fs::read_to_string(root().join(from)).expect("text");
        fs::write(path.join(to), text.replace(old, new)).expect("written");
    };
    let refused = |arguments: &[&str]| {
        let output = lockrig(path, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
    };
    // Its claim would not be made.
    let claim = "scenarios/lockout-survives-a-power-cut.yaml";
    place(claim, claim, "expect:", "expectt:");
    refused(&["certify", "--model", "yale-yrd156"]);
    fs::remove_file(path.join(claim)).expect("gone");
    // A file that is named is played, and no other of its id, however that is written.
    let model = "scenarios/models/schlage-be468zp.yaml";
    place(model, "own.yaml", "model: schlage-be468zp", "model: \"schlage-be468zp\"");
    refused(&["certify", "--model", "own.yaml"]);
    refused(&["show", "reset-is-confirmed", "--model", "own.yaml"]);
}

#[test]
fn a_contact_that_ends_a_decisive_hold_begins_the_window() {
    let folder = empty_folder();
    let (path, model) = (folder.path(), "schlage-be468zp");
    let file = "scenarios/models/schlage-be468zp.yaml";
    with_model(path, model, "from: hold program, to: release program", "from: cover off, to: cover on");
    let text_of_it = fs::read_to_string(path.join(file)).expect("text");
    let (before, rest) = text_of_it.split_once("      - cover: off\n").expect("the procedure");
    let (_, after) = rest.split_once("    confirmed_by:").expect("its end");
    let procedure = "      - press: program\n      - cover: off\n      - wait: 8 s\n      - cover: on\n";
    fs::write(path.join(file), format!("{before}{procedure}    confirmed_by:{after}")).expect("written");
    let said = text(&lockrig(path, &["show", "reset-is-confirmed~schlage-be468zp~button~r1"]));
    assert!(said.contains("watch from the moment you put the cover on: see light.pcb red"), "{said}");
}
