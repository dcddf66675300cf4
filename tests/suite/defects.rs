//! Every fault that can be switched on is found, on every model that can have it; without faults
//! nothing is found whatever the noise.

use std::fmt::Write as _;
use std::sync::atomic::AtomicBool;

use lockrig::engine::Precision;
use lockrig::lock::Named;
use lockrig::rig::Hello;
use lockrig::run::{Vault, case_seed, play};
use lockrig::scenario::{Content, Library, Planned, Selection, Start, expand};
use lockrig::sim::{Defect, SimulatedLock};
use lockrig::verdict::Verdict;
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
    assert!(!findings.has_errors(), "{}", findings.render(false));
    library
}

/// The verdicts of cases on the simulated rig, without evidence.
fn verdicts(
    library: &Library,
    cases: &[Planned],
    seed: u64,
    defect: Option<Defect>,
) -> Vec<(String, Verdict, String)> {
    let mut lock = SimulatedLock::new(true, defect);
    let mut verdicts = Vec::new();
    for case in cases {
        let Content::Play(program) = case.build(library, Start::Delivered) else { continue };
        let own_seed = case_seed(seed, &case.id);
        let vault = Vault::simulated(&program.secrets, seed, own_seed);
        let hello = Hello { model: case.model.to_string(), case: case.id.to_string(), seed: own_seed };
        let never = AtomicBool::new(false);
        let played =
            play(&program, &hello, &mut lock, &vault, Precision::default(), &never, &mut |_, _| Ok(()))
                .expect("nothing is written");
        verdicts.push((case.id.to_string(), played.result.verdict, played.result.reason));
    }
    verdicts
}

/// Which models show which fault. A line that loses a model has lost a proof.
#[test]
fn every_defect_is_found_wherever_a_model_can_have_it() {
    let library = library();
    let mut matrix = String::new();
    for (name, defect) in Defect::WORDS {
        let mut found = Vec::new();
        for model in library.models.keys() {
            let selection = Selection { models: vec![model.clone()], ..Selection::default() };
            let cases = expand(&library, &selection);
            let results = verdicts(&library, &cases, 1, Some(*defect));
            if results.iter().any(|(_, verdict, _)| *verdict == Verdict::Fail) {
                found.push(&**model);
            }
            assert!(results.iter().all(|(_, verdict, _)| *verdict != Verdict::Error), "{name} on {model}");
        }
        assert!(!found.is_empty(), "{name} is found on no model");
        writeln!(matrix, "{name}: {}", found.join(", ")).expect("memory");
    }
    insta::assert_snapshot!(matrix);
}

#[test]
fn two_hundred_seeds_of_noise_give_nothing_but_pass() {
    let library = &library();
    let cases = &expand(library, &Selection::default());
    std::thread::scope(|scope| {
        for first in 1..=2 {
            scope.spawn(move || {
                for seed in (first..=200).step_by(2) {
                    for (case, verdict, reason) in verdicts(library, cases, seed, None) {
                        assert_eq!(verdict, Verdict::Pass, "seed {seed}, {case}: {reason}");
                    }
                }
            });
        }
    });
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
