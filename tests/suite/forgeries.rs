//! Edits of a run folder after which every hash was made right again: what was recorded is bound to itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lockrig::evidence::{Catalogue, RunFolder, RunInfo, Verification, verify};
use lockrig::run::{Again, replay};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::common::{certified, code, copy_tree, empty_folder, lockrig, root, sha256, text};

/// A run with passes and failures, made once.
fn sample() -> &'static Path {
    static SAMPLE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = SAMPLE.get_or_init(|| {
        let folder = empty_folder();
        let more = ["--defect", "any-role-may-reset", "--scenario", "reset-needs-the-owner"];
        let more = [&more[..], &["--scenario", "reset-is-confirmed"]].concat();
        (empty_folder(), certified(&folder.keep(), "yale-linus", &more))
    });
    path
}

/// A copy to forge.
struct Forged {
    run: PathBuf,
    /// Whoever forges the record makes its views again; whoever forges a view does not.
    views_are_forged: bool,
    _folder: tempfile::TempDir,
}

impl Forged {
    fn new() -> Self {
        let folder = empty_folder();
        let run = folder.path().join(sample().file_name().expect("a name"));
        copy_tree(sample(), &run);
        Self { run, views_are_forged: false, _folder: folder }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.run.join(name)).expect("text")
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.run.join(name), content).expect("written");
    }

    /// Changes the lines of a file.
    fn lines(&self, name: &str, change: impl FnOnce(&mut Vec<String>)) -> &Self {
        let mut lines: Vec<String> = self.read(name).lines().map(str::to_owned).collect();
        change(&mut lines);
        self.write(name, &(lines.join("\n") + "\n"));
        self
    }

    /// Changes `run.json`.
    fn manifest(&self, change: impl FnOnce(&mut Json)) -> &Self {
        let mut json: Json = serde_json::from_str(&self.read("run.json")).expect("JSON");
        change(&mut json);
        self.write("run.json", &json.to_string());
        self
    }

    /// Changes `run.json`, and what the journal says of it.
    fn everywhere(&self, change: impl Fn(&mut Json)) -> &Self {
        self.manifest(&change);
        self.lines("journal.jsonl", |lines| {
            // Its fields are in the order of writing.
            let mut header: Json = serde_json::from_str(&lines[0]).expect("JSON");
            let before: Json = header["run"].clone();
            change(&mut header["run"]);
            for (name, value) in before.as_object().expect("an object") {
                let (old, new) =
                    (format!("\"{name}\":{value}"), format!("\"{name}\":{}", header["run"][name]));
                lines[0] = lines[0].replacen(&old, &new, 1);
            }
        })
    }

    /// Makes every hash right again.
    fn reseal(&self) -> &Self {
        let mut index = String::new();
        let (mut at, mut begin) = (0, None);
        if self.run.join("journal.jsonl").is_file() {
            self.lines("journal.jsonl", |lines| {
                let mut before = Vec::new();
                for line in lines {
                    if line.starts_with("{\"chain\":") {
                        *line = format!("{{\"chain\":\"{}\"}}", sha256(&before));
                    }
                    let json: Json = serde_json::from_str(line).unwrap_or_default();
                    if json.get("seed").is_some() {
                        begin = Some((json["case"].clone(), at));
                    }
                    before.extend_from_slice(line.as_bytes());
                    before.push(b'\n');
                    at = before.len();
                    if json.get("end").is_some()
                        && let Some((case, begin)) = begin.take()
                    {
                        index += &format!("{{\"case\":{case},\"begin\":{begin},\"bytes\":{}}}\n", at - begin);
                    }
                }
            });
            self.write("index.jsonl", &index);
        }
        self.seal();
        if !self.views_are_forged {
            self.make_views();
            self.seal();
        }
        self
    }

    /// Makes the hashes in `run.json` right again.
    fn seal(&self) {
        let journal = fs::read_to_string(self.run.join("journal.jsonl")).unwrap_or_default();
        self.manifest(|json| {
            json.as_object_mut().expect("an object").remove("self");
            json["journal"] = json!(journal.lines().count());
            for (name, hash) in json["files"].as_object_mut().expect("files") {
                if let Ok(bytes) = fs::read(self.run.join(name)) {
                    *hash = json!(sha256(&bytes));
                }
            }
            json["self"] = json!(sha256(json.to_string().as_bytes()));
        });
    }

    /// Makes reports and JUnit file of what the record says now, as far as it says anything.
    fn make_views(&self) {
        let (mut junit, mut page, mut report) = (Vec::new(), Vec::new(), Vec::new());
        if lockrig::report::pdf(&self.run, &mut report).is_ok() && self.run.join("report.pdf").exists() {
            fs::write(self.run.join("report.pdf"), report).expect("written");
        }
        if lockrig::report::junit(&self.run, &mut junit).is_ok() && self.run.join("junit.xml").exists() {
            fs::write(self.run.join("junit.xml"), junit).expect("written");
        }
        if lockrig::report::html(&self.run, &mut page).is_ok() && self.run.join("report.html").exists() {
            fs::write(self.run.join("report.html"), page).expect("written");
        }
    }

    /// Who finds it, and what is said: `verify`, or else `replay`, with its options.
    fn found(&self) -> Option<(&'static str, String)> {
        let run = self.run.display().to_string();
        for arguments in [&["verify"][..], &["replay"], &["replay", "--simulate"]] {
            let output = lockrig(root(), &[arguments, &[&run]].concat());
            match output.status.code() {
                Some(0) => {}
                Some(4) => return Some((arguments[arguments.len() - 1], text(&output))),
                other => panic!("{arguments:?}: {other:?}: {}", text(&output)),
            }
        }
        None
    }

    fn is_found_by(&self, who: &str, words: &str) {
        let (by, said) = self.reseal().found().unwrap_or_else(|| panic!("{words}: nobody found it"));
        assert_eq!((by, said.contains(words)), (who, true), "{words}: {said}");
    }
}

/// In place of a verdict.
fn passes(line: &mut String) {
    *line = line.replace("\"verdict\":\"fail\"", "\"verdict\":\"pass\"");
}

#[test]
fn what_is_only_resealed_is_as_it_was() {
    let forged = Forged::new();
    let files = ["run.json", "journal.jsonl", "index.jsonl"];
    let before = files.map(|name| forged.read(name));
    forged.reseal();
    assert_eq!(before, files.map(|name| forged.read(name)));
    assert_eq!(forged.found(), None);
}

#[test]
fn results_and_counts_follow_from_the_journal() {
    let forged = Forged::new();
    forged.lines("results.json", |lines| lines.iter_mut().for_each(passes));
    forged.manifest(|json| json["counts"] = json!({"pass": 14}));
    forged.is_found_by("verify", "results.json: it does not say of reset-needs-the-owner");
    for counts in [json!({"pass": 234}), json!({"pass": 9_007_199_254_740_991_u64}), json!({})] {
        let forged = Forged::new();
        forged.manifest(|json| json["counts"] = counts);
        forged.is_found_by("verify", "run.json: `counts` is not what the journal says");
    }
    let forged = Forged::new();
    let spaced = |line: &mut String| {
        if line.contains("\"verdict\":\"fail\"") {
            line.insert(0, ' ');
        }
    };
    forged.lines("results.json", |lines| lines.iter_mut().for_each(spaced));
    forged.is_found_by("verify", "results.json: it does not say of reset-needs-the-owner");
    let levels = ("\"levels\":[[\"role\",\"guest\"]]", "\"levels\":[[\"role\",\"owner\"]]");
    let forged = Forged::new();
    forged.lines("results.json", |lines| {
        lines.iter_mut().for_each(|line| *line = line.replace(levels.0, levels.1));
    });
    forged.is_found_by("verify", "results.json: it does not say of reset-needs-the-owner");
    let forged = Forged::new();
    forged.lines("results.json", |lines| {
        let last = lines.len() - 2;
        lines[last] += ",";
        lines.insert(last + 1, lines[last - 1].trim_end_matches(',').to_owned());
    });
    forged.is_found_by("verify", "results.json");
    let forged = Forged::new();
    forged.lines("results.json", |lines| lines[1] = lines[1].replacen("\"title\":\"", "\"title\":\"Not ", 1));
    forged.is_found_by("replay", "catalogue");
}

#[test]
fn what_run_json_says_follows_from_the_journal() {
    let changes: [(&str, Json); 9] = [
        ("provenance", json!("hardware")),
        ("defect", json!(null)),
        ("seed", json!(2)),
        ("tool", json!("9.9.9")),
        ("run", json!("another")),
        ("planned", json!(1)),
        ("operator", json!("somebody")),
        ("device", json!({"firmware": "9", "serial": "x"})),
        ("selected", json!({"cases": [], "methods": [], "models": [], "repeat": 1, "scenarios": []})),
    ];
    for (name, value) in changes {
        let forged = Forged::new();
        forged.manifest(|json| json[name] = value);
        forged.is_found_by("verify", &format!("run.json: `{name}` is not what the journal says"));
    }
    for ended in ["1995-01-01T00:00:00Z", "yesterday"] {
        let forged = Forged::new();
        forged.manifest(|json| json["ended"] = json!(ended));
        forged.is_found_by("verify", "it ended before it started, or these are no times");
    }
}

#[test]
fn what_is_said_in_both_is_played_again() {
    let forged = Forged::new();
    forged.everywhere(|json| json["provenance"] = json!("hardware"));
    forged.is_found_by("replay", "simulated or hardware");
    let forged = Forged::new();
    forged.everywhere(|json| json["defect"] = json!(null));
    forged.is_found_by("--simulate", "the simulated lock does something else");
    let forged = Forged::new();
    forged.everywhere(|json| json["seed"] = json!(7));
    forged.is_found_by("replay", "it does not begin with the seed");
}

/// What people and build servers look at shows what the record says.
#[test]
fn views_are_made_of_the_record() {
    let view = |name: &str, from: &str, to: &str| {
        let mut forged = Forged::new();
        forged.views_are_forged = true;
        let text = forged.read(name);
        assert!(text.contains(from), "{name} has no {from}");
        forged.write(name, &text.replace(from, to));
        forged
    };
    view("junit.xml", "<failure", "<system-out").is_found_by("verify", "junit.xml: it does not show");
    view("report.html", "fail", "pass").is_found_by("replay", "report.html: it does not show");
    let waves: Vec<String> = lockrig::evidence::list_files(sample()).expect("files");
    let waves: Vec<_> = waves.iter().filter(|name| name.starts_with("traces/")).collect();
    assert!(!waves.is_empty());
    for name in waves {
        view(name, "\n#", "\n#1").is_found_by("replay", "vcd: it does not show");
    }
}

#[test]
fn cases_are_those_of_the_plan_each_once() {
    let failing = |forged: &Forged| {
        let lines = forged.read("results.json");
        let line = lines.lines().find(|line| line.contains("\"verdict\":\"fail\"")).expect("a failure");
        line.split('"').nth(3).expect("a case").to_owned()
    };
    let forged = Forged::new();
    let case = failing(&forged);
    forged.lines("results.json", |lines| {
        lines.retain(|line| !line.contains(&case));
        let last = lines.len() - 2;
        lines[last] = lines[last].trim_end_matches(',').to_owned();
    });
    forged.lines("journal.jsonl", |lines| {
        let mut inside = false;
        lines.retain(|line| {
            if line.starts_with("{\"case\":") {
                inside = line.contains(&case);
            }
            !inside || line.starts_with("{\"chain\":")
        });
    });
    forged.manifest(|json| {
        let fails = json["counts"]["fail"].as_u64().expect("a number") - 1;
        json["counts"]["fail"] = json!(fails);
    });
    forged.everywhere(|json| json["planned"] = json!(json["planned"].as_u64().expect("a number") - 1));
    forged.is_found_by("replay", "cases were planned; the recorded files give");

    let forged = Forged::new();
    forged.lines("journal.jsonl", |lines| {
        let begin = lines.iter().position(|line| line.starts_with("{\"case\":")).expect("a case");
        let end = begin + lines[begin..].iter().position(|line| line.contains("\"end\":")).expect("an end");
        let once: Vec<String> = lines[begin..=end].to_vec();
        lines.splice(end + 1..end + 1, once);
    });
    forged.is_found_by("verify", "ends a second time");
}

#[test]
fn a_journal_has_all_that_happened() {
    let forged = Forged::new();
    forged.write("journal.jsonl", "");
    forged.is_found_by("verify", "its first line is missing");
    let forged = Forged::new();
    fs::remove_file(forged.run.join("journal.jsonl")).expect("removed");
    forged.is_found_by("verify", "journal.jsonl: removed");
    let forged = Forged::new();
    for name in ["journal.jsonl", "results.json", "index.jsonl", "report.html", "junit.xml"] {
        fs::remove_file(forged.run.join(name)).expect("removed");
    }
    for name in ["inputs", "traces"] {
        fs::remove_dir_all(forged.run.join(name)).expect("removed");
    }
    forged.manifest(|json| json["files"] = json!({}));
    forged.is_found_by("verify", "run.json does not list it");
    let without = |kinds: &[&str]| {
        let forged = Forged::new();
        let is_kept = |line: &String| !kinds.iter().any(|kind| line.contains(&format!("\"{kind}\":")));
        forged.lines("journal.jsonl", |lines| lines.retain(is_kept));
        forged
    };
    without(&["step", "part", "measured", "reaction"]).is_found_by("verify", "results.json");
    without(&["step"]).is_found_by("replay", "the engine says");
    without(&["ready"]).is_found_by("verify", "run.json: `device` is not what the journal says");
    for kind in ["set", "signal", "t"] {
        assert!(without(&[kind]).reseal().found().is_some(), "{kind}");
    }
    let forged = Forged::new();
    let begin = |line: &mut String| {
        if line.starts_with("{\"case\":") && line.contains("\"seed\":") {
            *line = format!("{}}}", line.split(",\"seed\"").next().unwrap_or_default());
        }
    };
    forged.lines("journal.jsonl", |lines| lines.iter_mut().for_each(begin));
    forged.is_found_by("replay", "it does not begin with the seed");
    let forged = Forged::new();
    let command = |line: &mut String| {
        if line.contains("\"set\":") {
            let time = line.split("\"set\"").next().unwrap_or_default().to_owned();
            *line = format!("{time}\"set\":\"button.reset\",\"to\":false}}");
        }
    };
    forged.lines("journal.jsonl", |lines| lines.iter_mut().for_each(command));
    forged.is_found_by("replay", "is not the engine's");
}

#[test]
fn inputs_are_those_that_the_run_used() {
    let forged = Forged::new();
    let name = "inputs/scenarios/reset-needs-the-owner.yaml";
    forged.lines(name, |lines| lines.push("# easier".into()));
    forged.is_found_by("verify", &format!("{name}: not the file that the run used"));
    // Edited while the run plays.
    let parent = empty_folder();
    let inputs = BTreeMap::from([("a.yaml".to_owned(), b"scenario: a".to_vec())]);
    let info = RunInfo { started: "2026-01-01T00:00:00Z".into(), ..RunInfo::default() };
    let mut folder =
        RunFolder::create(parent.path(), "run", info, &Catalogue::default(), &inputs).expect("made");
    let run = folder.path().to_owned();
    fs::write(run.join("inputs/a.yaml"), "scenario: b").expect("written");
    folder.finish_results(Some("2026-01-01T00:00:01Z".into())).expect("written");
    folder.close().expect("closed");
    assert_eq!(verify(&run), Verification::Altered(vec!["inputs/a.yaml: altered".into()]));
}

#[test]
fn a_foreign_attestation_is_no_part_of_a_run() {
    let forged = Forged::new();
    forged.write("attestation.json", "garbage");
    forged.is_found_by("verify", "attestation.json: it is no signature");
}

/// After the end of a closed run nothing happens.
#[test]
fn a_journal_ends_with_its_hash() {
    let begins =
        "{\"case\":\"reset-needs-the-owner~yale-linus~app~role=guest~r1\",\"seed\":6441924173798622}";
    let names = "{\"case\":\"reset-needs-the-owner~yale-linus~app~role=guest~r1\"}";
    for line in [begins, names] {
        for keeps in [false, true] {
            let forged = Forged::new();
            forged.lines("journal.jsonl", |lines| {
                lines.truncate(lines.len() - usize::from(!keeps));
                lines.push(line.to_owned());
            });
            forged.is_found_by("verify", "its last line is not the hash");
        }
    }
}

/// Names in the manifest of a killed run lead nowhere else: nothing there is opened.
#[test]
fn a_manifest_names_no_files_outside_its_folder() {
    for name in ["/etc/hostname", "../outside", "inputs/../../outside", "/dev/null"] {
        let forged = Forged::new();
        fs::write(forged.run.parent().expect("a folder").join("outside"), "x").expect("written");
        let hash = sha256(b"x");
        forged.everywhere(|json| {
            json["state"] = json!("running");
            json["files"][name] = json!(hash);
        });
        unclosed(&forged);
        forged.reseal();
        let output = lockrig(root(), &["verify", &forged.run.display().to_string()]);
        assert_eq!(output.status.code(), Some(4), "{name}: {}", text(&output));
        assert!(text(&output).contains(&format!("{name}: removed")), "{name}: {}", text(&output));
    }
}

/// There is one way to say that all was heard before something was done.
#[test]
fn a_line_has_one_form() {
    let changed = |begins: &str, change: fn(&str) -> String| {
        let folder = empty_folder();
        let run = certified(folder.path(), "yale-linus", &["--scenario", "restart-erases-nothing"]);
        let forged = Forged { run, views_are_forged: false, _folder: folder };
        forged.lines("journal.jsonl", |lines| {
            let line = lines.iter_mut().find(|line| line.starts_with(begins)).expect("such a line");
            *line = change(line);
        });
        forged.is_found_by("verify", "it is not as lockrig writes it");
    };
    // On two lines.
    changed("{\"by\":", |line| {
        let (time, rest) = line.split_once(',').unwrap_or_default();
        format!("{}}}\n{{{rest}", time.replace("by", "t"))
    });
    // Twice.
    changed("{\"by\":", |line| {
        let time = line.split(',').next().unwrap_or_default();
        format!("{line}\n{time},\"reaction\":\"a key\",\"latency_ns\":1}}")
    });
    // Before what the lock did.
    changed("{\"t\":", |line| line.replacen("\"t\"", "\"by\"", 1));
}

/// As if the run had been killed after its last case, before it was closed.
fn unclosed(forged: &Forged) {
    let journal = forged.read("journal.jsonl");
    let began: Json = serde_json::from_str(journal.lines().next().expect("a line")).expect("JSON");
    forged.write("run.json", &began["run"].to_string());
    forged.manifest(|json| json["self"] = json!(sha256(json.to_string().as_bytes())));
}

/// What the results file of a killed run says proves nothing: its views come from the journal.
#[test]
fn views_of_a_killed_run_come_from_its_journal() {
    let forged = Forged::new();
    forged.lines("results.json", |lines| lines.iter_mut().for_each(passes));
    unclosed(&forged);
    let run = forged.run.display().to_string();
    let output = lockrig(root(), &["verify", &run]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    for (format, said) in [
        ("html", "the run was killed"),
        ("junit", "the run was killed"),
        ("csv", "\"fail\""),
        ("json", "\"verdict\":\"fail\""),
    ] {
        let output = lockrig(root(), &["report", &run, "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert!(text(&output).contains(said), "{format}: {}", text(&output));
        assert!(text(&output).contains("fail"), "{format}");
    }
    // It was not written out before the kill, or not whole.
    for results in [None, Some("{\"format\":2,")] {
        fs::remove_file(forged.run.join("results.json")).expect("removed");
        results.into_iter().for_each(|text| forged.write("results.json", text));
        assert_eq!(code(root(), &["replay", &run]), 0, "{results:?}");
        forged.write("results.json", "");
    }
    // Whatever no hash follows was promised to nobody.
    let confirmed = |run: &str| text(&lockrig(root(), &["replay", run]));
    let all = confirmed(&run);
    assert!(!all.contains("\n0 verdicts") && all.contains("0 contradicted"), "{all}");
    forged.lines("journal.jsonl", |lines| lines.retain(|line| !line.starts_with("{\"chain\":")));
    let none = lockrig(root(), &["replay", &run]);
    assert!(text(&none).contains("0 verdicts confirmed, 0 contradicted"), "{}", text(&none));
    assert_eq!(none.status.code(), Some(3), "{}", text(&none));
}

#[test]
fn a_run_that_was_killed_before_its_close_is_closed_by_a_resume() {
    let forged = Forged::new();
    unclosed(&forged);
    let name = forged.run.file_name().expect("a name").to_string_lossy().into_owned();
    let parent = forged.run.parent().expect("a parent");
    let output = lockrig(parent, &["run", "--resume", &name, "--out", ".", "--json"]);
    assert_eq!(output.status.code(), Some(1), "what it found still counts: {}", text(&output));
    let json: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    let closed = parent.join(json["folder"].as_str().expect("a folder")).display().to_string();
    for command in ["verify", "replay"] {
        assert_eq!(code(root(), &[command, &closed]), 0, "{command}");
    }
    let output = lockrig(parent, &["run", "--resume", &closed, "--out", "."]);
    assert!(text(&output).contains("nothing left to play"), "{}", text(&output));
}

#[test]
fn runs_that_continue_each_other_are_refused() {
    let forged = Forged::new();
    let name = forged.run.file_name().expect("a name").to_string_lossy().into_owned();
    let other = forged.run.with_file_name("other");
    copy_tree(&forged.run, &other);
    for resumes in ["../elsewhere", "/tmp"] {
        forged.everywhere(|json| json["resumes"] = json!(resumes));
        forged.reseal();
        let run = forged.run.display().to_string();
        let output = lockrig(root(), &["run", "--resume", &run, "--dry-run"]);
        assert_eq!(output.status.code(), Some(2), "{resumes}: {}", text(&output));
        assert!(text(&output).contains("is not in the same folder"), "{resumes}: {}", text(&output));
    }
    let second = Forged { run: other, views_are_forged: false, _folder: empty_folder() };
    second.everywhere(|json| json["resumes"] = json!(name));
    forged.everywhere(|json| json["resumes"] = json!("other"));
    second.reseal();
    forged.reseal();
    let output = lockrig(root(), &["run", "--resume", &forged.run.display().to_string()]);
    assert!(text(&output).contains("continues itself"), "{}", text(&output));
}

/// Whatever a kill in the first moments leaves is no accusation.
#[test]
fn a_run_that_was_killed_while_it_was_made_is_aborted() {
    let journal = sample().join("journal.jsonl");
    let length = fs::read_to_string(journal).expect("text").lines().next().expect("a line").len();
    for keep in [None, Some(0), Some(1), Some(length / 2), Some(length), Some(length + 1)] {
        let forged = Forged::new();
        unclosed(&forged);
        for name in ["results.json", "index.jsonl", "report.html", "junit.xml"] {
            fs::remove_file(forged.run.join(name)).expect("removed");
        }
        fs::remove_dir_all(forged.run.join("traces")).expect("removed");
        let path = forged.run.join("journal.jsonl");
        match keep {
            None => fs::remove_file(path).expect("removed"),
            Some(keep) => fs::write(&path, &fs::read(&path).expect("bytes")[..keep]).expect("written"),
        }
        let run = forged.run.display().to_string();
        let output = lockrig(root(), &["verify", &run]);
        assert_eq!(output.status.code(), Some(3), "{keep:?}: {}", text(&output));
        assert!(text(&output).contains("aborted: 0 of"), "{keep:?}: {}", text(&output));
        assert_ne!(code(root(), &["report", &run, "--format", "csv"]), 4, "{keep:?}");
        let parent = forged.run.parent().expect("a parent");
        let name = forged.run.file_name().expect("a name").to_string_lossy().into_owned();
        assert_eq!(code(parent, &["run", "--resume", &name, "--out", "."]), 1, "{keep:?}");
    }
}

/// Whether an edit is found, without a process for each: there are many.
fn is_found(run: &Path) -> bool {
    match verify(run) {
        Verification::Altered(_) => true,
        Verification::Intact(_) => {
            !replay(run, Again::SimulatedLock).is_ok_and(|replayed| replayed.disagreed.is_empty())
        }
        other @ (Verification::Aborted { .. } | Verification::Running(_)) => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// One letter or digit, anywhere in what is said beside the journal: each of them follows from it, or from the plan.
    #[test]
    fn no_edit_beside_the_journal_passes(
        name in prop::sample::select(&["results.json", "index.jsonl", "run.json"][..]),
        at in any::<prop::sample::Index>(),
        to in prop::sample::select(&b"a7"[..]),
    ) {
        let mut forged = Forged::new();
        forged.views_are_forged = true;
        let before = forged.read(name);
        let mut text = before.clone().into_bytes();
        let words: Vec<usize> = (0..text.len()).filter(|at| text[*at].is_ascii_alphanumeric()).collect();
        let at = words[at.index(words.len())];
        // What is written as a number stays one.
        text[at] = if text[at].is_ascii_digit() { b'7' } else { to };
        forged.write(name, str::from_utf8(&text).expect("ASCII"));
        let is_json = serde_json::from_slice::<Json>(&text).is_ok();
        if name != "run.json" || is_json {
            forged.seal();
        }
        // When a run ended, nothing else says.
        let known = |text: &str| {
            let mut json: Json = serde_json::from_str(text).unwrap_or_default();
            json.as_object_mut().map(|json| (json.remove("ended"), json.remove("self")));
            json
        };
        let after = forged.read(name);
        let is_same = after == before || name == "run.json" && is_json && known(&after) == known(&before);
        if is_same {
            return Ok(());
        }
        prop_assert!(is_found(&forged.run), "{name}: {}", &before[at.saturating_sub(40)..before.len().min(at + 40)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Dropped, doubled, moved or altered and resealed: found, unless no verdict, count or trace changes by it.
    #[test]
    fn no_edit_of_the_journal_passes(
        edit in 0_usize..5,
        at in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        digit in 0_u8..10,
    ) {
        let mut forged = Forged::new();
        // Of 2,000 edits the library alone is asked, which knows no views.
        forged.views_are_forged = true;
        let before = forged.read("journal.jsonl");
        forged.lines("journal.jsonl", |lines| {
            let at = at.index(lines.len());
            match edit {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[at].clone()),
                2 => {
                    let line = lines.remove(at);
                    lines.insert(to.index(lines.len()), line);
                }
                3 => lines[at] = lines[to.index(lines.len())].clone(),
                _ => {
                    let line = &lines[at];
                    let places: Vec<usize> = line.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
                    if !places.is_empty() {
                        let place = places[to.index(places.len())];
                        lines[at] = format!("{}{digit}{}", &line[..place], &line[place + 1..]);
                    }
                }
            }
        });
        forged.reseal();
        // Where the hashes stand is no matter.
        let without = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with("{\"chain\":")).map(str::to_owned).collect()
        };
        if without(&forged.read("journal.jsonl")) != without(&before) {
            prop_assert!(is_found(&forged.run), "edit {edit} of line {at:?}, {to:?}, {digit}");
        } else {
            prop_assert!(edit != 4 || !is_found(&forged.run), "nothing was edited");
        }
    }
}
