//! The simulated locks know nothing of the model files: whoever alters a decisive quantity there,
//! or drops a decisive step, gets a failing certification.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lockrig::rig::EMULATED_MODEL;

use crate::common::{code, copy_tree, empty_folder, root};

/// A model file with one change.
struct Mutant {
    /// The model to certify: the file's own, or an heir of the family.
    model: String,
    file: String,
    what: String,
    text: String,
}

/// Lines of a model's procedures that are done to the lock, and quantities that decide.
fn mutants(file: &str, model: &str, text: &str) -> Vec<Mutant> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut make = |what: String, text: String| {
        found.push(Mutant { model: model.into(), file: file.into(), what, text });
    };
    let mut in_procedure = false;
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if line.trim() == "procedure:" && indent == 4 && lines[..index].iter().rev().any(|l| *l == "methods:")
        {
            in_procedure = !lines[..index].contains(&"operations:");
            continue;
        }
        if in_procedure && indent <= 4 {
            in_procedure = false;
        }
        let step = line.trim().strip_prefix("- ").unwrap_or_default();
        let acts = ["hold:", "release:", "press:", "power:", "turn:", "type:", "cover:", "ask:"];
        if in_procedure && acts.iter().any(|act| step.starts_with(act)) {
            let mut rest = lines.clone();
            rest.remove(index);
            make(format!("drop `{step}`"), rest.join("\n"));
        }
        if let Some((before, after)) = line.split_once("at_least: ") {
            let seconds: f64 = after.split(' ').next().and_then(|n| n.parse().ok()).expect("seconds");
            for factor in [0.5, 1.6] {
                let altered = format!("{before}at_least: {} s}}", seconds * factor);
                let mut rest: Vec<String> = lines.iter().map(ToString::to_string).collect();
                rest[index] = altered;
                make(format!("at_least × {factor} in line {}", index + 1), rest.join("\n"));
            }
        }
        if in_procedure && step.starts_with("wait: 3.3 s")
            || step.starts_with("wait: 5.5 s")
            || step.starts_with("wait: 3.5 s")
        {
            let mut rest: Vec<String> = lines.iter().map(ToString::to_string).collect();
            rest[index] = line.replace("3.3 s", "1.6 s").replace("5.5 s", "2.7 s").replace("3.5 s", "1.7 s");
            make(format!("halve `{step}`"), rest.join("\n"));
        }
        if let Some(degrees) = step.strip_prefix("turn: ").filter(|_| in_procedure) {
            let degrees = degrees.split(' ').next().expect("a number");
            let half = degrees.parse::<i64>().expect("degrees") / 2;
            let mut rest: Vec<String> = lines.iter().map(ToString::to_string).collect();
            rest[index] = line.replace(degrees, &half.to_string());
            make(format!("halve `{step}`"), rest.join("\n"));
        }
        if in_procedure && step.starts_with("type:") && step.chars().any(|c| c.is_ascii_digit()) {
            let mut rest: Vec<String> = lines.iter().map(ToString::to_string).collect();
            let at = line.find(|c: char| c.is_ascii_digit()).expect("a digit");
            let other = (line.as_bytes()[at] - b'0' + 1) % 10;
            rest[index].replace_range(at..=at, &other.to_string());
            make(format!("alter `{step}`"), rest.join("\n"));
        }
    }
    found
}

/// Exit code of certifying the mutated model.
fn outcome(mutant: &Mutant, folder: &Path) -> i32 {
    copy_tree(&root().join("scenarios"), &folder.join("scenarios"));
    fs::write(folder.join(format!("scenarios/models/{}.yaml", mutant.file)), &mutant.text).expect("written");
    code(folder, &["certify", "--json", "--model", &mutant.model])
}

/// The texts of all model and family files by name.
fn model_files() -> BTreeMap<String, String> {
    let entries = fs::read_dir(root().join("scenarios/models")).expect("models");
    let read = |entry: fs::DirEntry| {
        let name = entry.path().file_stem().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(entry.path()).expect("text"))
    };
    entries.map(|entry| read(entry.expect("an entry"))).collect()
}

/// A model that is like a family without words of its own for its methods, or the model itself.
fn heir(name: &str, texts: &BTreeMap<String, String>) -> String {
    let Some(family) = name.strip_prefix("family-") else { return name.to_owned() };
    let like = format!("like: {family}\n");
    let mut heirs = texts.iter().filter(|(_, text)| text.contains(&like));
    let plain = heirs.clone().find(|(heir, text)| !text.contains("methods:") && !heir.starts_with("family-"));
    let (found, _) = plain.or_else(|| heirs.next()).expect("an heir");
    heir(found, texts)
}

#[test]
fn every_mutant_of_a_model_file_fails() {
    let mut survivors = Vec::new();
    let mut count = 0;
    let texts = model_files();
    for (name, text) in &texts {
        // Nobody says how an unsourced model is reset, and one lock is emulated: tests/suite/emulated.rs plays that.
        if text.contains("kind: unsourced") || name == EMULATED_MODEL {
            continue;
        }
        for mutant in mutants(name, &heir(name, &texts), text) {
            count += 1;
            let folder = empty_folder();
            // 1: the lock fails the claim. 2: the file is refused. Anything else has survived.
            if !matches!(outcome(&mutant, folder.path()), 1 | 2) {
                survivors.push(format!("{name}: {}", mutant.what));
            }
        }
    }
    assert!(count >= 60, "only {count} mutants were made");
    assert!(survivors.is_empty(), "survivors: {survivors:#?}");
}

#[test]
fn the_unaltered_models_pass() {
    let folder = empty_folder();
    copy_tree(&root().join("scenarios"), &folder.path().join("scenarios"));
    assert_eq!(code(folder.path(), &["certify", "--json"]), 0);
}
