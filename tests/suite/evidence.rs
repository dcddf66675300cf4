//! A run folder proves what happened: every change is found, nothing that was shown is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::common::{certified, code, copy_tree, empty_folder, lockrig, root, runs, text};
use lockrig::evidence::{Verification, finished_cases, verify};
use proptest::prelude::*;

/// Every file of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// A fresh run with passes, failures and waveforms, made once.
fn sample() -> &'static Path {
    static SAMPLE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = SAMPLE.get_or_init(|| {
        let folder = empty_folder();
        let run = certified(folder.path(), "yale-linus", &["--defect", "any-role-may-reset"]);
        (folder, run)
    });
    path
}

fn code_of(run: &Path, command: &str) -> i32 {
    code(root(), &[command, &run.display().to_string()])
}

#[test]
fn a_fresh_run_is_intact_and_replays() {
    assert_eq!(code_of(sample(), "verify"), 0);
    assert_eq!(code_of(sample(), "replay"), 0);
    assert!(sample().join("traces").is_dir(), "cases that did not pass have waveforms");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_is_found(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), xor in 1_u8..) {
        let folder = empty_folder();
        let run = folder.path().join("run");
        copy_tree(sample(), &run);
        let all = files(&run);
        let path = file.get(&all);
        let mut bytes = fs::read(path).expect("bytes");
        prop_assume!(!bytes.is_empty());
        let at = at.index(bytes.len());
        bytes[at] ^= xor;
        fs::write(path, bytes).expect("written");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        match verify(&run) {
            Verification::Altered(findings) => {
                prop_assert!(findings.iter().any(|f| f.contains(&name)), "{} not named in {:?}", name, findings);
            }
            other => prop_assert!(false, "byte {} of {} changed: {:?}", at, name, other),
        }
    }
}

/// A journal whose cases have other names differs from the results in most of them, and it is the journal that was
/// altered.
#[test]
fn a_journal_that_differs_from_the_results_is_named() {
    let folder = empty_folder();
    let run = folder.path().join("run");
    copy_tree(sample(), &run);
    edit(&run, |lines| {
        let named = lines.iter_mut().skip(1).find(|line| line.contains("~app")).expect("a case");
        *named = named.replacen("~app", "zapp", 1);
    });
    let Verification::Altered(findings) = verify(&run) else { panic!("it is not found") };
    assert!(findings.iter().any(|finding| finding.starts_with("journal.jsonl: ")), "{findings:?}");
}

/// Changes the journal line by line.
fn edit(run: &Path, change: impl Fn(&mut Vec<String>)) {
    let path = run.join("journal.jsonl");
    let text = fs::read_to_string(&path).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(path, lines.join("\n") + "\n").expect("written");
}

#[test]
fn removed_added_reordered_and_replaced_files_are_found_and_named() {
    let altered = |change: &dyn Fn(&Path), named: &str| {
        let folder = empty_folder();
        let run = folder.path().join("run");
        copy_tree(sample(), &run);
        change(&run);
        let output = lockrig(root(), &["verify", &run.display().to_string()]);
        assert_eq!(output.status.code(), Some(4), "{named}: {}", text(&output));
        assert!(text(&output).contains(named), "{named}: {}", text(&output));
    };
    for path in files(sample()) {
        let name = path.strip_prefix(sample()).expect("inside").display().to_string();
        altered(&|run| fs::remove_file(run.join(&name)).expect("removed"), &name);
    }
    altered(&|run| fs::write(run.join("junk"), "x").expect("written"), "junk: added");
    altered(&|run| fs::write(run.join("inputs/junk.yaml"), "").expect("written"), "inputs/junk.yaml: added");
    altered(&|run| fs::create_dir(run.join("hole")).expect("made"), "hole/: added");
    altered(
        &|run| {
            fs::rename(run.join("report.html"), run.with_extension("html")).expect("moved");
            std::os::unix::fs::symlink(run.with_extension("html"), run.join("report.html")).expect("linked");
        },
        "report.html: replaced",
    );
    for name in ["journal.jsonl", "run.json", "results.json"] {
        let pipe = |run: &Path| {
            fs::remove_file(run.join(name)).expect("removed");
            assert!(Command::new("mkfifo").arg(run.join(name)).status().expect("mkfifo").success());
        };
        altered(&pipe, &format!("{name}: replaced"));
    }
    for name in [
        "journal.jsonl",
        "run.json",
        "results.json",
        "index.jsonl",
        "report.html",
        "inputs/rigs/simulated.yaml",
    ] {
        // A terabyte that takes no room is refused at once, and so is a hole in the middle.
        let huge = |run: &Path| {
            let file = fs::File::options().write(true).open(run.join(name)).expect("opened");
            file.set_len(1 << 40).expect("grown");
        };
        altered(&huge, "it has holes");
    }
    altered(&|run| edit(run, |lines| lines.swap(10, 11)), "line 11");
    altered(&|run| edit(run, |lines| drop(lines.remove(20))), "line 21");
    altered(&|run| edit(run, |lines| drop(lines.pop())), "cut after line");
    altered(&|run| edit(run, |lines| lines.insert(5, lines[5].clone())), "line 7");
}

#[test]
fn another_format_is_refused() {
    let folder = empty_folder();
    let run = folder.path().join("run");
    copy_tree(sample(), &run);
    let path = run.join("run.json");
    let written = fs::read_to_string(&path).expect("text");
    for (format, said) in [(3, "newer version"), (1, "in format 1, by an earlier version")] {
        let other = written.replace("\"format\":2", &format!("\"format\":{format}"));
        assert_ne!(other, written);
        fs::write(&path, other).expect("written");
        assert!(matches!(verify(&run), Verification::Altered(list) if list[0].contains(said)), "{said}");
    }
}

const LONG_RUN: [&str; 9] = [
    "run",
    "reset-erases-everything",
    "restart-erases-nothing",
    "--model",
    "kwikset-powerbolt-2",
    "--model",
    "kwikset-smartcode-914",
    "--model",
    "yale-linus",
];

/// Starts a long run in a folder.
fn long_run(folder: &Path, repeat: &str) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_lockrig"))
        .current_dir(folder)
        .args(LONG_RUN)
        .args(["--repeat", repeat, "--verbose"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// Waits for a condition, without guessing how long it takes.
fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not happen");
        std::thread::yield_now();
    }
}

#[test]
fn an_aborted_run_is_resumed_into_a_new_folder_without_gaps() {
    let folder = empty_folder();
    let mut child = long_run(folder.path(), "60");
    until("a finished case", || {
        runs(folder.path()).first().is_some_and(|run| finished_cases(run).is_ok_and(|cases| cases.len() > 40))
    });
    child.kill().expect("killed");
    child.wait().expect("reaped");
    let first = runs(folder.path()).remove(0);
    let name = first.file_name().expect("a name").to_string_lossy().into_owned();
    let before = finished_cases(&first).expect("intact");
    if matches!(verify(&first), Verification::Intact(_)) {
        return; // The machine was faster than the kill.
    }
    let output = lockrig(folder.path(), &["run", "--resume", &format!("reports/{name}"), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let second = runs(folder.path()).into_iter().find(|run| *run != first).expect("a new folder");
    let manifest = fs::read_to_string(second.join("run.json")).expect("text");
    assert!(manifest.contains(&format!("\"resumes\":\"{name}\"")), "{manifest}");
    let after = finished_cases(&second).expect("intact");
    assert!(after.iter().all(|case| !before.contains(case)), "a finished case was played again");
    let mut arguments = LONG_RUN.to_vec();
    arguments.extend(["--repeat", "60", "--dry-run", "--json"]);
    let dry = lockrig(folder.path(), &arguments);
    let planned = String::from_utf8_lossy(&dry.stdout).lines().count();
    assert_eq!(before.len() + after.len(), planned);
    assert_eq!(code_of(&second, "verify"), 0);
    assert_eq!(code_of(&second, "replay"), 0);
}

#[test]
fn what_a_run_found_before_it_was_interrupted_is_not_undone_by_its_rest() {
    let folder = empty_folder();
    // The cases of the first model fail, and those of the second pass.
    let wanted = [
        ["run", "too-few-presses-erase-nothing", "power-cut-erases-all-or-nothing", "--quiet"],
        ["--model", "danalock-v3", "--model", "kwikset-smartcode-914"],
        ["--defect", "too-few-presses-reset", "--repeat", "400"],
    ];
    let child = Command::new(env!("CARGO_BIN_EXE_lockrig"))
        .current_dir(folder.path())
        .args(wanted.concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.expect("it starts");
    // Only its text is looked at: a journal takes longer to decode than the run to be over, on a busy machine.
    let of_second = |journal: String| journal.lines().skip(1).any(|line| line.contains("~kwikset"));
    until("a case of the second model", || {
        runs(folder.path())
            .first()
            .is_some_and(|run| fs::read_to_string(run.join("journal.jsonl")).is_ok_and(of_second))
    });
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(child.wait().expect("reaped").code(), Some(130));
    let first = runs(folder.path()).remove(0);
    assert_eq!(code(folder.path(), &["verify", &first.display().to_string()]), 3);
    for (view, told) in [("report.html", "interrupted: "), ("junit.xml", "cases were not played")] {
        let view = fs::read_to_string(first.join(view)).expect("text");
        assert!(view.contains(told), "{told}");
    }
    let output = lockrig(folder.path(), &["run", "--resume", &first.display().to_string()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("earlier, in "), "{}", text(&output));
    let second = runs(folder.path()).into_iter().find(|run| *run != first).expect("a new folder");
    let junit = fs::read_to_string(second.join("junit.xml")).expect("text");
    assert!(junit.contains("failures=\"1\"") && junit.contains("400 fail"), "{}", &junit[..400]);
    let output = lockrig(folder.path(), &["run", "--resume", &second.display().to_string()]);
    assert!(text(&output).contains("nothing left to play"), "{}", text(&output));
}

/// A scenario that was given as a file is in the record; a rig names programs, and is asked for.
#[test]
fn what_was_given_as_a_file_is_resumed_without_it() {
    let folder = empty_folder();
    let scenario = fs::read_to_string(root().join("scenarios/restart-erases-nothing.yaml")).expect("text");
    fs::write(folder.path().join("mine.yaml"), scenario.replace("restart-erases-nothing", "mine"))
        .expect("written");
    let program = env!("CARGO_BIN_EXE_lockrig");
    let rig = format!("rig: own\nlockstep: {{command: [\"{program}\", sim, peer]}}\nchannels: [\"*\"]\n");
    fs::write(folder.path().join("own.yaml"), rig).expect("written");
    let mut child = Command::new(program)
        .current_dir(folder.path())
        .args([
            "run",
            "mine.yaml",
            "--model",
            "kwikset-powerbolt-2",
            "--rig",
            "own.yaml",
            "--repeat",
            "300",
            "--quiet",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    until("a finished case", || {
        runs(folder.path())
            .first()
            .is_some_and(|run| finished_cases(run).is_ok_and(|cases| !cases.is_empty()))
    });
    child.kill().expect("killed");
    child.wait().expect("reaped");
    let run = runs(folder.path()).remove(0).display().to_string();
    fs::remove_file(folder.path().join("mine.yaml")).expect("removed");
    let output = lockrig(folder.path(), &["run", "--resume", &run, "--quiet"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("add --rig FILE"), "{}", text(&output));
    let output = lockrig(folder.path(), &["run", "--resume", &run, "--rig", "own.yaml", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn a_resume_on_changed_files_is_refused() {
    let folder = empty_folder();
    copy_tree(&root().join("scenarios"), &folder.path().join("scenarios"));
    let run = certified(folder.path(), "yale-linus", &["--scenario", "restart-erases-nothing"]);
    let scenario = folder.path().join("scenarios/restart-erases-nothing.yaml");
    let text_now = fs::read_to_string(&scenario).expect("text").replace("3 s", "4 s");
    fs::write(&scenario, text_now).expect("written");
    let output = lockrig(folder.path(), &["run", "--resume", &run.display().to_string()]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("restart-erases-nothing.yaml has changed since"), "{}", text(&output));
    let more = folder.path().join("scenarios/more.yaml");
    fs::rename(scenario, &more).expect("moved");
    assert_eq!(code(folder.path(), &["run", "--resume", &run.display().to_string()]), 2);
}

#[test]
fn a_full_disk_ends_as_a_rig_error_with_the_durable_part_intact() {
    let folder = empty_folder();
    let program = env!("CARGO_BIN_EXE_lockrig");
    // The shell's limit is in blocks of 1,024 bytes; the program must survive the signal itself.
    let script = format!("ulimit -f 1500; exec {program} certify --json");
    let output =
        Command::new("bash").current_dir(folder.path()).args(["-c", &script]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("can't be written"), "{}", text(&output));
    let run = runs(folder.path()).remove(0);
    assert!(matches!(verify(&run), Verification::Aborted { .. }), "{:?}", verify(&run));
}

#[test]
fn an_unwritable_folder_is_a_rig_error() {
    let folder = empty_folder();
    fs::write(folder.path().join("reports"), "a file is in the way").expect("written");
    let output = lockrig(folder.path(), &["certify", "--model", "yale-linus"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
}

#[test]
fn the_first_signal_ends_the_case_and_writes_the_record() {
    let folder = empty_folder();
    let mut child = long_run(folder.path(), "3000");
    until("a finished case", || {
        runs(folder.path())
            .first()
            .is_some_and(|run| finished_cases(run).is_ok_and(|cases| !cases.is_empty()))
    });
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    let mut output = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().expect("its output"), &mut output).expect("text");
    let status = child.wait().expect("reaped");
    assert_eq!(status.code(), Some(130), "{output}");
    assert!(output.contains("interrupted") && output.contains("report.html"), "{output}");
    assert!(matches!(verify(&runs(folder.path())[0]), Verification::Intact(_)));
}

#[test]
fn waveforms_and_junit_are_what_their_readers_expect() {
    let folder = empty_folder();
    let run = certified(
        folder.path(),
        "kwikset-smartcode-914",
        &["--scenario", "reset-is-confirmed", "--traces", "all"],
    );
    let path = files(&run.join("traces")).remove(0);
    let mut parser = vcd::Parser::new(std::io::BufReader::new(fs::File::open(&path).expect("a file")));
    let header = parser.parse_header().expect("a header");
    let names: Vec<String> = header
        .items
        .iter()
        .flat_map(
            |item| if let vcd::ScopeItem::Scope(scope) = item { scope.items.clone() } else { Vec::new() },
        )
        .filter_map(|item| if let vcd::ScopeItem::Var(var) = item { Some(var.reference) } else { None })
        .collect();
    for channel in ["button.program", "power", "beeper", "light.status", "hub.request", "hub.answer"] {
        assert!(names.iter().any(|name| name == channel), "{channel} in {names:?}");
    }
    assert!(parser.count() > 20, "changes follow");
    let junit = fs::read_to_string(run.join("junit.xml")).expect("text");
    assert!(junit.contains("<testsuite name=\"kwikset-smartcode-914 SIM-kwikset-smartcode-914\""), "{junit}");
}
