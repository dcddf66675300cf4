//! What is played, how it is told to people, and what the simulated locks make of it, does not change unnoticed: a digest of the programs and
//! one of the records of each scenario. After a change that is meant to show, `INSTA_UPDATE=always` writes them anew;
//! `lockrig show CASE` and a run say what changed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use lockrig::scenario::{Content, Selection, Start, expand, script};
use lockrig::trace::Value;
use sha2::{Digest as _, Sha256};

use crate::common::{empty_folder, lockrig, runs, text};
use crate::defects::library;

/// The first digits say enough.
fn digits(hash: Sha256) -> String {
    hash.finalize().iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn scenario_of(case: &str) -> String {
    case.split('~').next().unwrap_or_default().to_owned()
}

#[test]
fn programs_and_records_are_what_they_were() {
    let library = library();
    let mut programs: BTreeMap<String, (u32, Sha256)> = BTreeMap::new();
    for case in expand(&library, &Selection::default()) {
        let (count, hash) = programs.entry(case.scenario.to_string()).or_default();
        *count += 1;
        for start in [Start::Delivered, Start::AsFound] {
            let content = case.build(&library, start);
            hash.update(format!("{} {content:?}\n", case.id));
            if let Content::Play(program) = &content {
                let holds = program.holds(|_, value| *value == Value::Switch(true));
                hash.update(format!("{holds:?}\n{:?}\n", script(program)));
            }
        }
    }
    let folder = empty_folder();
    let scenarios = library.scenarios.keys().map(|id| &**id);
    let output = lockrig(folder.path(), &["run", "--quiet"].into_iter().chain(scenarios).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let journal = fs::read_to_string(runs(folder.path())[0].join("journal.jsonl")).expect("text");
    let mut records: BTreeMap<String, Sha256> = BTreeMap::new();
    let mut scenario = String::new();
    for line in
        journal.lines().filter(|line| !line.starts_with("{\"run\"") && !line.starts_with("{\"chain\""))
    {
        if let Some(case) = line.strip_prefix("{\"case\":\"") {
            scenario = scenario_of(case);
        }
        records.entry(scenario.clone()).or_default().update(line);
    }
    let mut all = String::new();
    for (scenario, (count, hash)) in programs {
        let records = records.remove(&scenario).map_or_else(|| "none".to_owned(), digits);
        writeln!(all, "{scenario}: {count} cases, programs {}, records {records}", digits(hash))
            .expect("written");
    }
    insta::assert_snapshot!(all);
}
