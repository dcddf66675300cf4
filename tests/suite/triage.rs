//! What is advised of a lock follows from what was tried on it, and each check has its evidence.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::common::{empty_folder, lockrig, text};

fn triage(folder: &Path, args: &[&str]) -> (Json, Option<i32>) {
    let output = lockrig(folder, &[&["triage", "--json"], args].concat());
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    (json, output.status.code())
}

#[test]
fn a_sound_lock_works_with_evidence_for_each_check() {
    let folder = empty_folder();
    let (json, code) = triage(folder.path(), &["--model", "kwikset-smartcode-914"]);
    assert_eq!((code, &json["advice"]), (Some(0), &"works".into()), "{json}");
    let checks = json["checks"].as_array().expect("checks");
    assert!(checks.len() >= 6, "restart, batteries, hub and each reset: {json}");
    let made = fs::read_dir(folder.path().join("triaged")).expect("a folder").next();
    let made = made.expect("an entry").expect("an entry").path();
    let page = fs::read_to_string(made.join("triaged.html")).expect("a page");
    assert!(page.contains("SIMULATED") && page.contains("works"), "{page}");
    for run in checks.iter().filter_map(|check| check["folder"].as_str()) {
        let output = lockrig(folder.path(), &["verify", &made.join(run).display().to_string()]);
        assert_eq!(output.status.code(), Some(0), "{run}: {}", text(&output));
    }
}

#[test]
fn the_advice_follows_from_what_failed() {
    let folder = empty_folder();
    let of = |model: &str, defect: &str| {
        let (json, code) = triage(folder.path(), &["--model", model, "--defect", defect]);
        (json["advice"].as_str().expect("an advice").to_owned(), code, json)
    };
    // What fails on a lock that was reset and set up, no reset mends.
    for defect in ["restart-erases", "battery-change-erases", "opens-at-start"] {
        let (advice, code, json) = of("kwikset-smartcode-914", defect);
        assert_eq!((&*advice, code), ("needs repair or replacement", Some(1)), "{defect}: {json}");
    }
    // What comes back after restarts was not erased, by whichever method.
    for defect in ["erased-in-vain", "back-at-second-start"] {
        let (advice, code, json) = of("yale-nextouch", defect);
        assert!(advice != "works" && matches!(code, Some(0 | 1)), "{defect}: {json}");
        assert!(json["checks"].to_string().contains("fail"), "{defect}: {json}");
    }
    // No reset erases.
    let (advice, code, json) = of("kwikset-powerbolt-2", "residual-user");
    assert_eq!((&*advice, code), ("needs repair or replacement", Some(1)), "{json}");
    assert!(json["next"].as_str().is_some_and(|next| next.contains("Do not hand the lock on")), "{json}");
    // What stays by design is said.
    let (json, code) = triage(folder.path(), &["--model", "gateman-a200"]);
    assert_eq!(code, Some(0), "{json}");
    assert!(json["next"].as_str().is_some_and(|next| next.contains("keeps its user codes")), "{json}");
    // Only the maker can reset this one, and nothing can be said of that one.
    let (json, code) = triage(folder.path(), &["--model", "schlage-control"]);
    assert_eq!((code, &json["advice"]), (Some(3), &"not clear".into()), "{json}");
    let (json, code) = triage(folder.path(), &["--model", "tuya-fingercrystal"]);
    assert_eq!((code, &json["advice"]), (Some(1), &"call the maker".into()), "{json}");
}

#[test]
fn what_can_not_be_triaged_is_said() {
    let folder = empty_folder();
    let refused = |args: &[&str], why: &str| {
        let output = lockrig(folder.path(), &[&["triage"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(why), "{args:?}: {}", text(&output));
    };
    refused(&["--model", "nobody"], "unknown model `nobody`");
    refused(&["--model", "gateman-a20"], "has no lock `gateman-a20`");
    assert!(!folder.path().join("triaged").exists(), "nothing is left of what was refused");
}
