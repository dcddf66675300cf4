//! A moment at which a power cut leaves a lock half reset is found, with evidence, and what was not looked at is said.

use std::fs;
use std::path::Path;

use lockrig::statistics::{Changes, Gap};
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::common::{empty_folder, lockrig, root, text};

const POWERBOLT: &[&str] = &["--model", "kwikset-powerbolt-2", "--method", "button"];

/// What was found, and how the command ended.
fn sweep(folder: &Path, args: &[&str]) -> (Json, Option<i32>) {
    let output = lockrig(folder, &[&["sweep", "--json"], args].concat());
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    (json, output.status.code())
}

/// Stretches by their outcome: from and to.
fn stretches(json: &Json, outcome: &str) -> Vec<(f64, f64)> {
    let all = json["stretches"].as_array().expect("stretches").iter();
    let number = |stretch: &Json, name: &str| stretch[name].as_f64().expect("a number");
    all.filter(|stretch| stretch["outcome"] == outcome)
        .map(|stretch| (number(stretch, "from"), number(stretch, "to")))
        .collect()
}

/// The example lock in Python with an erase of 3 s, which for 2 ms has erased half of the codes and not noted it.
fn half_for_2_ms(folder: &Path, begins_ms: u64) -> String {
    let script = fs::read_to_string(root().join("rigs/examples/lock.py")).expect("the example");
    let replace = |script: String, old: &str, new: String| {
        assert_eq!(script.matches(old).count(), 1, "{old}");
        script.replace(old, &new)
    };
    let script = replace(
        script,
        "        self.memory.erasing = True ",
        format!(
            "        self.after({begins_ms} * MS, self.halve)\n        \
             self.after({} * MS, self.note)\n        # ",
            begins_ms + 2
        ),
    );
    let script =
        replace(script, "self.after(1_500 * MS, self.erase)", "self.after(3_000 * MS, self.erase)".into());
    let script = replace(
        script,
        "    def beep(self, on):",
        "    def halve(self):\n        self.memory.codes = self.memory.codes[:1]\n\n    \
         def note(self):\n        self.memory.erasing = True\n\n    def beep(self, on):"
            .into(),
    );
    fs::write(folder.join("lock.py"), script).expect("written");
    let rig = fs::read_to_string(root().join("rigs/python-lock.yaml")).expect("the rig");
    let rig = replace(rig, "rigs/examples/lock.py", "lock.py".into());
    let rig = replace(rig, "rig: python-lock", "rig: half".into());
    let path = folder.join("half.yaml");
    fs::write(&path, rig).expect("written");
    path.display().to_string()
}

#[test]
fn two_milliseconds_of_half_an_erase_are_found_with_sixty_cuts() {
    for begins_ms in [500, 1_337, 2_700] {
        let folder = empty_folder();
        let rig = half_for_2_ms(folder.path(), begins_ms);
        let (json, code) = sweep(folder.path(), &[POWERBOLT, &["--rig", &rig]].concat());
        assert_eq!(code, Some(1), "{begins_ms}: {json}");
        assert!(json["cuts"].as_array().expect("cuts").len() <= 60, "{json}");
        // The lock resets when its button is let go, 5 % after the stated 5 s.
        let begins = 5.25 + begins_ms as f64 / 1e3;
        let half = stretches(&json, "neither");
        let [(from, to)] = half.as_slice() else { panic!("{begins_ms}: {json}") };
        assert!(*from >= begins - 2e-4 && *to <= begins + 2.2e-3, "{begins}: {half:?}");
        // Its edges are known to the millisecond that is the default.
        assert!(*from - begins < 1.1e-3 && begins + 2e-3 - *to < 1.1e-3, "{begins}: {half:?}");
        assert_eq!(json["settled"], true, "{json}");
        assert_eq!((stretches(&json, "unchanged").len(), stretches(&json, "reset").len()), (1, 1), "{json}");
    }
}

#[test]
fn a_sound_lock_is_swept_from_the_press_to_the_end_of_its_confirmation() {
    let folder = empty_folder();
    let (json, code) = sweep(folder.path(), POWERBOLT);
    assert_eq!(code, Some(0), "{json}");
    assert_eq!((json["from"].as_str(), stretches(&json, "neither").len()), (Some("hold"), 0), "{json}");
    assert_eq!(stretches(&json, "unchanged")[0].0, 0.0, "{json}");
    let made = fs::read_dir(folder.path().join("swept")).expect("a folder").next();
    let made = made.expect("an entry").expect("an entry").path();
    let page = fs::read_to_string(made.join("swept.html")).expect("a page");
    assert!(page.contains("SIMULATED") && page.contains("<svg") && page.contains("may hide"), "{page}");
    assert_eq!(
        serde_json::from_str::<Json>(&fs::read_to_string(made.join("swept.json")).expect("a record"))
            .expect("JSON"),
        json
    );
    for trial in ["trial-001", "trial-007"] {
        let run = made.join(trial).display().to_string();
        for command in ["verify", "replay"] {
            let output = lockrig(folder.path(), &[command, &run]);
            assert_eq!(output.status.code(), Some(0), "{trial}: {}", text(&output));
        }
    }
    // The same seed, the same cuts.
    assert_eq!(sweep(folder.path(), POWERBOLT).0, json);
}

#[test]
fn defects_of_an_erase_are_found() {
    let folder = empty_folder();
    for defect in ["half-erased", "dead-after-cut", "cut-in-hold-halves"] {
        let (json, code) = sweep(folder.path(), &[POWERBOLT, &["--defect", defect]].concat());
        assert_eq!(code, Some(1), "{defect}: {json}");
    }
}

#[test]
fn the_memory_of_the_reference_lock_is_looked_into() {
    let folder = empty_folder();
    let reference = ["--rig", "emulated", "--model", "reference", "--method", "button"];
    let (json, code) = sweep(folder.path(), &reference);
    assert_eq!((code, &json["memory"]), (Some(0), &Json::Bool(true)), "{json}");
}

#[test]
fn what_no_cut_has_come_into_is_no_pass() {
    let folder = empty_folder();
    // A lock that every loss of power erases, and a reset that is over at once.
    let erases = ["--model", "kwikset-smartcode-914", "--method", "button", "--defect", "restart-erases"];
    for arguments in [&erases[..], &["--model", "kwikset-smartcode-914", "--method", "hub"]] {
        let (json, code) = sweep(folder.path(), arguments);
        assert_eq!((code, stretches(&json, "unchanged").len()), (Some(3), 0), "{arguments:?}: {json}");
    }
    // One that is dead afterwards is not told from one that does not answer, and is no pass either.
    let dead = ["--model", "baldwin-8225", "--method", "hub", "--defect", "dead-after-cut"];
    let (json, code) = sweep(folder.path(), &dead);
    assert!(matches!(code, Some(1 | 3)), "{json}");
}

#[test]
fn a_threshold_that_moves_is_no_finding() {
    let folder = empty_folder();
    for seed in ["1", "2", "3", "4"] {
        let (json, code) = sweep(folder.path(), &[POWERBOLT, &["--seed", seed]].concat());
        assert_eq!((code, stretches(&json, "neither").len()), (Some(0), 0), "{seed}: {json}");
    }
}

#[test]
fn what_can_not_be_swept_is_said() {
    let folder = empty_folder();
    let refused = |args: &[&str], why: &str| {
        let output = lockrig(folder.path(), &[&["sweep"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(why), "{args:?}: {}", text(&output));
    };
    refused(&["--model", "nobody", "--method", "button"], "unknown model `nobody`");
    refused(&["--model", "kwikset-powerbolt-2", "--method", "bell"], "unknown method `bell`");
    refused(&["--model", "kwikset-powerbolt-2", "--method", "hub"], "has no reset by hub");
    refused(&[POWERBOLT, &["--within", "1 us"]].concat(), "can't be told apart");
    refused(&[POWERBOLT, &["--cuts", "2"]].concat(), "--cuts");
    refused(&[POWERBOLT, &["--within", "20 s"]].concat(), "would leave out most");
    assert!(!folder.path().join("swept").exists(), "nothing is left of what was refused");
    refused(&["--model", "yale-linus", "--method", "app"], "too little to be only half erased");
    // Too few cuts leave open what happens in between, and nothing is proved.
    let (json, code) = sweep(folder.path(), &[POWERBOLT, &["--cuts", "8"]].concat());
    assert_eq!((code, &json["settled"]), (Some(3), &Json::Bool(false)), "{json}");
}

/// How many cuts it takes until a window is hit.
fn cuts_until_found(window: (f64, f64), end: f64) -> Option<u32> {
    let mut changes = Changes::along(Gap { from: 0.0, to: end }, 16, 0.001);
    let mut cuts = 0;
    while cuts < 60 {
        let at = changes.next()?;
        if (window.0..=window.1).contains(&at) {
            return Some(cuts + 1).filter(|cuts| *cuts <= 60);
        }
        cuts += 1;
        changes.hear(at, at < window.0);
    }
    None
}

proptest! {
    /// Wherever in an erase of 3 s a change of 2 ms lies that has something else on either side.
    #[test]
    fn a_window_between_two_outcomes_is_always_hit(hold in 2.0..30.0_f64, offset in 0.0..2.998_f64) {
        let window = (hold + offset, hold + offset + 0.002);
        prop_assert!(cuts_until_found(window, hold * 1.05 + 5.0).is_some());
    }

    /// Neighbours that differ come as near as is wanted, and no stretch claims more than its trials.
    #[test]
    fn changes_are_narrowed(edges in prop::collection::vec(0.0..10.0_f64, 1..4), near in 0.001..0.5_f64) {
        let answer = |at: f64| edges.iter().filter(|edge| at >= **edge).count();
        let mut changes = Changes::along(Gap { from: 0.0, to: 10.0 }, 8, near);
        let mut trials = 0;
        while let Some(at) = changes.next().filter(|_| trials < 40_000) {
            changes.hear(at, answer(at));
            trials += 1;
        }
        prop_assert!(trials < 40_000 && changes.unsettled().is_none() && changes.next().is_none());
        for (gap, known) in changes.stretches() {
            prop_assert_eq!((answer(gap.from), answer(gap.to)), (known, known));
        }
        prop_assert!(changes.blind().is_none_or(|gap| gap.to - gap.from <= near));
    }
}
