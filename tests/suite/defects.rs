//! Every fault that can be switched on is found, on every model that can have it; without faults
//! nothing is found whatever the noise.

use std::fmt::Write as _;

use lockrig::lock::Named;
use lockrig::rig::EMULATED_MODEL;
use lockrig::run::{Specimen, alarms, false_alarms, must_catch, score};
use lockrig::scenario::{Content, Library, Planned, Selection, Start, expand};
use lockrig::sim::{Defect, Flaw};
use lockrig::yaml::Source;

pub(crate) fn library() -> Library {
    let read = |folder: &str| {
        let mut files: Vec<_> = std::fs::read_dir(crate::common::root().join(folder))
            .expect("a folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .collect();
        files.sort();
        let source = |path: &std::path::PathBuf| {
            Source::new(&path.display().to_string(), std::fs::read(path).expect("a file")).expect("text")
        };
        files.iter().map(source).collect::<Vec<_>>()
    };
    let (library, findings) = Library::load(&read("scenarios/models"), &read("scenarios"));
    assert!(!findings.has_errors(), "{}", findings.render(false, 100));
    library
}

/// The cases that are played on simulated locks, of some scenarios or of all.
pub(crate) fn simulated(library: &Library, scenarios: &[&str]) -> Vec<Planned> {
    let models = library.models.keys().filter(|id| ***id != *EMULATED_MODEL).cloned().collect();
    let scenarios = scenarios.iter().map(|id| (*id).into()).collect();
    expand(library, &Selection { models, scenarios, ..Selection::default() })
}

/// Which models show which fault. A line that loses a model has lost a proof.
#[test]
fn every_defect_is_caught_by_the_claim_that_is_there_for_it() {
    let library = library();
    let cases = simulated(&library, &[]);
    let defects: Vec<Defect> = Defect::WORDS.iter().map(|(_, defect)| *defect).collect();
    let (mut matrix, mut second, mut missed) = (String::new(), String::new(), Vec::new());
    for caught in score(&library, &cases, &defects, 1) {
        let name = caught.defect.word();
        let Some(claim) = must_catch(caught.defect) else {
            if !caught.is_caught() {
                missed.push(name);
            }
            let by: Vec<&str> = caught.by.keys().map(|claim| &**claim).collect();
            writeln!(second, "{name}: {}", by.join(", ")).expect("memory");
            continue;
        };
        assert!(library.scenarios.contains_key(claim), "{claim} is a scenario");
        assert!(caught.is_caught(), "{name} is not caught by {claim}");
        assert!(caught.errors.is_empty(), "{name} is taken for the rig's: {:?}", caught.errors);
        let models: Vec<&str> = caught.models().into_iter().collect();
        writeln!(matrix, "{name}: {}", models.join(", ")).expect("memory");
        let unseen: Vec<&str> = caught.unseen.iter().map(|model| &**model).collect();
        writeln!(matrix, "    {claim} passes on: {}", unseen.join(", ")).expect("memory");
    }
    insta::assert_snapshot!(matrix);
    insta::assert_snapshot!("second_family", second);
    insta::assert_snapshot!("second_family_missed", missed.join("\n"));
}

/// A lock that confirms and erases nothing passes no claim that says what is erased, on no model: what the act
/// itself took, what is kept anyway, and a mere signal are not taken for an erasure.
#[test]
fn no_claim_of_erasure_passes_where_nothing_is_erased() {
    let library = library();
    let scenarios = [
        "reset-erases-everything",
        "what-is-lost-is-on-record",
        "unbound-first-erases-everything",
        "left-the-hub-first-erases-everything",
        "second-reset-works",
        "stated-hold-suffices",
        "hold-at-the-limit-suffices",
        "bouncing-contact-resets",
    ];
    let cases = simulated(&library, &scenarios);
    let specimen =
        Specimen { seed: 1, flaw: Some(Flaw::Defect(Defect::ConfirmsWithoutErasing)), variation: None };
    let found = alarms(&library, &cases, &[specimen]).remove(0);
    let is_played = |case: &&Planned| matches!(case.build(&library, Start::Delivered), Content::Play(_));
    let played: Vec<&Planned> = cases.iter().filter(is_played).collect();
    assert!(played.len() > 300, "{}", played.len());
    for case in played {
        assert!(found.iter().any(|(id, ..)| *id == case.id), "{} passes", case.id);
    }
}

#[test]
fn two_hundred_seeds_of_noise_give_nothing_but_pass() {
    let library = library();
    let cases = simulated(&library, &[]);
    let found = false_alarms(&library, &cases, 200, None);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_program_exits_1_for_a_defect_and_names_the_case() {
    let folder = crate::common::empty_folder();
    let output = crate::common::lockrig(
        folder.path(),
        &["certify", "--model", "kwikset-smartcode-914", "--defect", "residual-user"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", crate::common::text(&output));
    let text = crate::common::text(&output);
    assert!(text.contains("code user.1 was accepted"), "{text}");
}
