//! What a certification comes to: a conformity report that its record makes again, the laboratory's own words, and clauses
//! that must be shown. `tests/pdf` reads the report with other programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lockrig::evidence::{Catalogue, Commission, Party, RunFolder, RunInfo};
use lockrig::report;
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::common::{certified, copy_tree, empty_folder, lockrig, root, runs, sha256, text};

fn pdf(run: &Path) -> Vec<u8> {
    fs::read(run.join("report.pdf")).expect("a report")
}

/// Makes the hashes in `run.json` right again.
fn reseal(run: &Path) {
    let path = run.join("run.json");
    let mut json: Json = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    json.as_object_mut().expect("an object").remove("self");
    json["files"]["report.pdf"] = sha256(&pdf(run)).into();
    json["self"] = sha256(json.to_string().as_bytes()).into();
    fs::write(path, json.to_string()).expect("written");
}

#[test]
fn a_certification_has_a_report_that_its_record_makes_again() {
    let folder = empty_folder();
    let run = certified(folder.path(), "kwikset-powerbolt-2", &[]);
    let own = pdf(&run);
    assert!(own.starts_with(b"%PDF-1.7"), "{:?}", &own[..8]);
    let output = lockrig(folder.path(), &["report", &run.display().to_string(), "--format", "pdf"]);
    assert_eq!((output.status.code(), output.stdout == own), (Some(0), true), "another one");
    assert_eq!(lockrig(folder.path(), &["verify", &run.display().to_string()]).status.code(), Some(0));
    // That of another run of the same lock, which failed, in the place of this one, or the other way round.
    let other = certified(folder.path(), "kwikset-powerbolt-2", &["--defect", "residual-user"]);
    let forged = folder.path().join(other.file_name().expect("a name")).join("forged");
    copy_tree(&other, &forged);
    fs::write(forged.join("report.pdf"), &own).expect("written");
    reseal(&forged);
    let output = lockrig(folder.path(), &["replay", &forged.display().to_string()]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("report.pdf: it does not show what the record says"), "{said}");
}

#[test]
fn a_run_that_certifies_nothing_has_no_conformity_report() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["run", "reset-is-confirmed", "--model", "kwikset-powerbolt-2"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(!runs(folder.path())[0].join("report.pdf").exists());
}

#[test]
fn the_laboratory_speaks_for_itself() {
    let folder = empty_folder();
    let path = root().join("tests/pdf/laboratory.yaml").display().to_string();
    let run = certified(folder.path(), "kwikset-powerbolt-2", &["--laboratory", &path]);
    let json: Json = serde_json::from_slice(&fs::read(run.join("run.json")).expect("read")).expect("JSON");
    assert_eq!(json["commission"]["laboratory"]["name"], "Example Lock Laboratory", "{json}");
    assert_eq!(json["commission"]["authorised_by"]["detail"], "head of laboratory", "{json}");
    for command in ["verify", "replay"] {
        assert_eq!(lockrig(folder.path(), &[command, &run.display().to_string()]).status.code(), Some(0));
    }
    // Somebody else's words afterwards.
    let forged = run.display().to_string();
    let text_of = fs::read_to_string(run.join("run.json")).expect("read");
    fs::write(run.join("run.json"), text_of.replace("A. Example", "B. Example")).expect("written");
    reseal(&run);
    assert_eq!(lockrig(folder.path(), &["verify", &forged]).status.code(), Some(4));
}

#[test]
fn what_is_wrong_with_a_laboratory_file_is_said_at_once() {
    let folder = empty_folder();
    let refused = |content: &str, why: &[&str]| {
        fs::write(folder.path().join("laboratory.yaml"), content).expect("written");
        let arguments = ["certify", "--model", "kwikset-powerbolt-2", "--laboratory", "laboratory.yaml"];
        let output = lockrig(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        for why in why {
            assert!(text(&output).contains(why), "{why}: {}", text(&output));
        }
        assert!(!folder.path().join("reports").exists(), "nothing is left of what was refused");
    };
    let whole = "laboratory: {name: L, address: A}\nauthorised_by: {name: N}\n";
    refused("", &["the file is empty"]);
    refused("laboratory: {name: L, address: A}\n", &["authorised_by"]);
    refused(&format!("{whole}labortory: {{}}\n"), &["laboratory.yaml:3:1", "labortory"]);
    refused(
        "laboratory: {name: \"\", address: \"a\\nb\"}\nitem: {received: 20 November}\nauthorised_by: {name: N}\n",
        &["it is empty", "control character", "`20 November` is not a date", "write it as 2026-11-29"],
    );
    refused(&whole.replace("{name: N}", &format!("{{name: {}}}", "n".repeat(301))), &["longer than 300"]);
    let arguments = ["certify", "--model", "kwikset-powerbolt-2", "--laboratory", "nothing.yaml"];
    assert!(text(&lockrig(folder.path(), &arguments)).contains("nothing.yaml: No such file"));
}

#[test]
fn a_lock_of_which_nothing_mandatory_is_shown_is_not_certified() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["certify", "--model", "schlage-control"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("not certified: schlage-control: no passing case shows etsi-en-303-645/5.11-1"),
        "{said}"
    );
    let output = lockrig(folder.path(), &["certify", "--model", "schlage-control", "--json"]);
    let json: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        json["unshown_clauses"]["etsi-en-303-645/5.11-1"],
        serde_json::json!(["schlage-control"]),
        "{json}"
    );
    let junit = fs::read_to_string(runs(folder.path())[0].join("junit.xml")).expect("JUnit");
    assert!(junit.contains("etsi-en-303-645/5.11-1 of schlage-control"), "a build server is told: {junit}");
    let page = fs::read_to_string(runs(folder.path())[0].join("report.html")).expect("a page");
    assert!(page.contains("Not certified: schlage-control: no passing case shows"), "{page}");
    assert!(page.contains("no case covers it") && page.contains("Stays with a person"), "{page}");
    // Who chose a scenario knows what was left out.
    let chosen = ["certify", "--model", "schlage-control", "--scenario", "restart-erases-nothing"];
    assert!(!text(&lockrig(folder.path(), &chosen)).contains("not certified"));
    // Of all models it is left out, and named.
    let dry = lockrig(folder.path(), &["certify", "--dry-run"]);
    let said = text(&dry);
    assert!(said.contains("no case can show that a reset erases anything: schlage-control"), "{said}");
    assert!(!String::from_utf8_lossy(&dry.stdout).contains("~schlage-control~"), "it is played all the same");
}

#[test]
fn what_was_mandatory_is_not_forgotten_when_a_run_is_resumed() {
    let folder = empty_folder();
    let run = |arguments: &[&str]| lockrig(folder.path(), arguments);
    // Two models, of which the one shows nothing; interrupted after some cases, and continued.
    let laboratory = root().join("tests/pdf/laboratory.yaml").display().to_string();
    let both = ["certify", "--model", "schlage-control", "--model", "kwikset-powerbolt-2"];
    let both = [&both[..], &["--operator", "T. Tester", "--laboratory", &laboratory]].concat();
    let output = run(&both);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let whole = runs(folder.path()).remove(0);
    let cut = folder.path().join("reports/cut");
    fs::create_dir(&cut).expect("made");
    copy_tree(&whole.join("inputs"), &cut.join("inputs"));
    // What a kill leaves: the journal up to the end of a case, and run.json as it began.
    let journal = fs::read_to_string(whole.join("journal.jsonl")).expect("read");
    let ends: Vec<usize> = journal.match_indices("\"end\":").map(|(at, _)| at).collect();
    // What is left shows nothing by itself: it all rests on what was shown before.
    let end = ends[ends.len() - 3];
    let end = end + journal[end..].find('\n').expect("a line") + 1;
    let header: Json = serde_json::from_str(journal.lines().next().expect("a line")).expect("JSON");
    let mut manifest = header["run"].clone();
    manifest["run"] = "cut".into();
    let renamed =
        journal[..end].replacen(whole.file_name().expect("a name").to_str().expect("text"), "cut", 1);
    // A chain line vouches for everything before it, so each is made again; what follows the last one proves nothing.
    let mut chained = String::new();
    for line in renamed.split_inclusive('\n') {
        if line.starts_with("{\"chain\"") {
            chained.push_str(&format!("{{\"chain\":\"{}\"}}\n", sha256(chained.as_bytes())));
        } else {
            chained.push_str(line);
        }
    }
    chained.push_str(&format!("{{\"chain\":\"{}\"}}\n", sha256(chained.as_bytes())));
    fs::write(cut.join("journal.jsonl"), chained).expect("written");
    manifest["self"] = sha256(manifest.to_string().as_bytes()).into();
    fs::write(cut.join("run.json"), manifest.to_string()).expect("written");
    let output = run(&["run", "--resume", &cut.display().to_string()]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("not certified: schlage-control: no passing case shows"), "{said}");
    assert!(!said.contains("kwikset-powerbolt-2: no passing case shows"), "{said}");
    assert!(!said.contains(", kwikset-powerbolt-2"), "{said}");
    // It is the same certification, by the same people.
    let resumed =
        runs(folder.path()).into_iter().find(|run| run.join("report.pdf").exists() && *run != whole);
    let resumed = fs::read_to_string(resumed.expect("a report").join("run.json")).expect("read");
    let json: Json = serde_json::from_str(&resumed).expect("JSON");
    assert_eq!(json["operator"], "T. Tester", "{json}");
    assert_eq!(json["commission"]["laboratory"]["name"], "Example Lock Laboratory", "{json}");
    assert!(json["before"]["shown"]["etsi-en-303-645/5.11-1"].to_string().contains("kwikset"), "{json}");
}

#[test]
fn a_scenario_for_a_mandatory_clause_resets_and_looks_for_what_is_left() {
    let output = lockrig(root(), &["list", "clauses", "--json"]);
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let rows = lines.filter_map(|line| serde_json::from_slice::<Json>(line).ok());
    let mandatory: Vec<Json> = rows.filter(|row| row["obligation"] == "mandatory").collect();
    assert!(!mandatory.is_empty());
    for scenario in mandatory.iter().flat_map(|row| row["scenarios"].as_array().expect("scenarios")) {
        let path = root().join(format!("scenarios/{}.yaml", scenario.as_str().expect("an id")));
        let mut all = fs::read_to_string(&path).expect("a scenario");
        // What it is like, it has.
        while let Some(like) =
            all.lines().rev().find_map(|line| line.strip_prefix("like: ").map(str::to_owned))
        {
            let parent =
                fs::read_to_string(root().join(format!("scenarios/{like}.yaml"))).expect("a scenario");
            all = format!("{}\n{parent}", all.replace(&format!("like: {like}"), ""));
        }
        let has = |words: &[&str]| words.iter().any(|word| all.contains(word));
        assert!(has(&["- reset"]), "{scenario} resets nothing: {all}");
        let claims =
            ["- erased", "- no_old_access", "recommission", "refused", "all_or_nothing", "- unchanged"];
        assert!(has(&claims), "{scenario} does not look for what is left: {all}");
    }
}

#[test]
fn a_report_says_yes_only_if_everything_was_asked_for() {
    // What `tests/pdf` finds in the text of a report, this finds in its source: the answer follows from the summary.
    let folder = empty_folder();
    let summary = |more: &[&str]| {
        let run = certified(folder.path(), "kwikset-powerbolt-2", more);
        report::Summary::read(&run).expect("read")
    };
    let whole = summary(&[]);
    assert!(whole.is_whole() && whole.unshown().is_empty());
    let words: Vec<&str> = whole.shown_by("kwikset-powerbolt-2").iter().map(|method| method.word()).collect();
    assert_eq!(words, ["button"]);
    let chosen = summary(&["--scenario", "restart-erases-nothing"]);
    assert!(!chosen.is_whole() && chosen.shown_by("kwikset-powerbolt-2").is_empty());
    // A reset that leaves something is shown by no method.
    let faulty = summary(&["--defect", "residual-user"]);
    assert!(faulty.shown_by("kwikset-powerbolt-2").is_empty());
}

#[test]
fn each_clause_says_where_it_stands_and_what_stays_with_a_person() {
    let output = lockrig(root(), &["list", "clauses", "--json"]);
    let rows: Vec<Json> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    assert!(rows.len() >= 14, "{}", text(&output));
    for row in rows {
        for field in ["clause", "requirement", "text", "mark", "obligation", "shows", "person"] {
            assert!(row[field].as_str().is_some_and(|text| text.len() > 3), "{field}: {row}");
        }
        assert!(["primary", "secondary", "memory"].contains(&row["mark"].as_str().expect("a mark")), "{row}");
    }
}

/// A run folder without cases, of which only words are told.
fn told_by(parent: &Path, words: &str) -> PathBuf {
    let party = |text: &str| Party { name: text.to_owned(), detail: Some(text.to_owned()) };
    let info = RunInfo {
        started: "2026-01-01T00:00:00Z".into(),
        operator: Some(words.to_owned()),
        commission: Some(Commission {
            laboratory: party(words),
            authorised_by: party(words),
            ..Commission::default()
        }),
        ..RunInfo::default()
    };
    let mut folder =
        RunFolder::create(parent, "run", info, &Catalogue::default(), &BTreeMap::new()).expect("made");
    folder.finish_results(Some("2026-01-01T00:00:01Z".into())).expect("written");
    folder.path().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    /// No words keep a report from being one, in whatever script, private or none.
    #[test]
    fn any_words_make_a_report(words in any::<String>(), long in "[a-z]{0,200}", scripts in "\\PC{0,60}") {
        let parent = empty_folder();
        let run = told_by(parent.path(), &format!("{words}{long} {scripts}"));
        let mut made = Vec::new();
        report::pdf(&run, &mut made).expect("made");
        prop_assert!(made.starts_with(b"%PDF"));
    }
}
