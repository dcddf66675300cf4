//! Which combinations of levels are cases: all, or few that still have each pair, and never those that are excluded.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value as Json;

use crate::common::{copy_tree, empty_folder, lockrig, root, text};

/// A claim about resets in the state that its levels say.
fn claim(given: &str, more: &str) -> String {
    format!(
        "scenario: combined\ntitle: Combined\nmethods: all\ngiven: {given}\n{more}arrange:\n  \
         - provision: {{user_codes: 1}}\nact:\n  - reset\nexpect:\n  - erased: all\n"
    )
}

/// A case: its id, the levels in it, why it is not played, and why it is one.
struct Case {
    id: String,
    levels: Vec<(String, String)>,
    not_applicable: String,
    why: String,
}

fn cases(claim: &str, model: &str) -> (tempfile::TempDir, Vec<Case>) {
    let folder = empty_folder();
    copy_tree(&root().join("scenarios/models"), &folder.path().join("scenarios/models"));
    fs::write(folder.path().join("scenarios/combined.yaml"), claim).expect("written");
    let output = lockrig(
        folder.path(),
        &["list", "cases", "--model", model, "--scenario", "combined", "--why", "--json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let case = |line: &str| {
        let json: Json = serde_json::from_str(line).expect("JSON");
        let word = |field: &str| json[field].as_str().expect("a text").to_owned();
        let id = word("case");
        let levels = id.split('~').filter_map(|part| part.split_once('='));
        let levels = levels.map(|(factor, level)| (factor.to_owned(), level.to_owned())).collect();
        Case { levels, id, not_applicable: word("not_applicable"), why: word("why") }
    };
    let cases = String::from_utf8_lossy(&output.stdout).lines().map(case).collect();
    (folder, cases)
}

type Pair = ((String, String), (String, String));

fn pairs<'a>(cases: impl Iterator<Item = &'a Case>) -> BTreeSet<Pair> {
    let of = |case: &Case| {
        let levels = case.levels.clone();
        let after = |index: usize| levels.iter().skip(index + 1).cloned().collect::<Vec<_>>();
        levels
            .iter()
            .enumerate()
            .flat_map(|(index, one)| after(index).into_iter().map(|other| (one.clone(), other)))
            .collect::<Vec<_>>()
    };
    cases.flat_map(of).collect()
}

const GIVEN: &str = "{power: [ok, low], network: [online, offline], role: [owner, admin, guest]}";

#[test]
fn a_covering_array_has_every_pair_that_can_be_played_in_fewer_cases() {
    // Its app resets it for its owner only.
    for model in ["yale-nextouch", "kwikset-smartcode-914", "yale-yrd136"] {
        let (_folder, all) = cases(&claim(GIVEN, ""), model);
        let (folder, few) = cases(&claim(GIVEN, "cover: pairwise\n"), model);
        assert!(few.len() < all.len() && !few.is_empty(), "{model}: {} of {}", few.len(), all.len());
        let played = |cases: &[Case]| {
            let played: Vec<_> = cases.iter().filter(|case| case.not_applicable.is_empty()).collect();
            pairs(played.into_iter())
        };
        assert_eq!(played(&few), played(&all), "{model}: the pairs that are played");
        let said = |cases: &[Case]| -> BTreeSet<String> {
            cases.iter().map(|case| case.not_applicable.clone()).filter(|reason| !reason.is_empty()).collect()
        };
        assert_eq!(said(&few), said(&all), "{model}: what is not played has the same reasons");
        assert!(few.iter().all(|case| !case.why.is_empty()), "{model}: each says why it is one");
        // Each says what it is the first to have, and any other combination is played by its id.
        let first = few.iter().find(|case| case.not_applicable.is_empty()).expect("a case that is played");
        assert!(
            first.why.starts_with("the first case with ") && first.why.contains(" and "),
            "{}",
            first.why
        );
        let output = lockrig(folder.path(), &["run", "--case", &first.id]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", text(&output));
        let absent = all.iter().find(|case| few.iter().all(|other| other.id != case.id)).expect("one less");
        let output = lockrig(folder.path(), &["run", "--case", &absent.id]);
        assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "it is played by its id: {}", text(&output));
    }
}

/// What a model does not permit, and what is excluded beside it, is on record all the same.
#[test]
fn no_level_is_lost() {
    let given = "{power: [ok, low], role: [owner, admin]}";
    let exclude = "cover: pairwise\nexclude: [{power: ok, role: admin}]\n";
    let (_folder, few) = cases(&claim(given, exclude), "kwikset-halo");
    for level in ["power=ok", "power=low", "role=owner", "role=admin"] {
        assert!(few.iter().any(|case| case.id.contains(level)), "{level}");
    }
    // Its source states no low voltage: that is the reason, and not what is excluded.
    let low = few.iter().filter(|case| case.id.contains("power=low") && case.id.contains("~button~"));
    let reasons: BTreeSet<&str> = low.map(|case| case.not_applicable.as_str()).collect();
    assert!(reasons.iter().all(|reason| reason.contains("low-battery voltage")), "{reasons:?}");
}

#[test]
fn what_is_excluded_is_no_case_and_costs_no_pair_its_coverage() {
    let excluded = "exclude:\n  - {network: offline, role: [admin, guest]}\n  - {power: low, role: guest}\n";
    let is_excluded = |case: &Case| {
        let has = |factor: &str, level: &str| {
            case.levels.iter().any(|(name, word)| name == factor && word == level)
        };
        has("network", "offline") && (has("role", "admin") || has("role", "guest"))
            || has("power", "low") && has("role", "guest")
    };
    for model in ["yale-nextouch", "kwikset-smartcode-914"] {
        let (_folder, all) = cases(&claim(GIVEN, ""), model);
        let left: Vec<&Case> = all.iter().filter(|case| !is_excluded(case)).collect();
        let (_folder, listed) = cases(&claim(GIVEN, excluded), model);
        let ids = |cases: &[&Case]| -> Vec<String> { cases.iter().map(|case| case.id.clone()).collect() };
        assert_eq!(ids(&listed.iter().collect::<Vec<_>>()), ids(&left), "{model}: all but the excluded ones");
        let (_folder, few) = cases(&claim(GIVEN, &format!("cover: pairwise\n{excluded}")), model);
        let is_played = |case: &&Case| case.not_applicable.is_empty();
        assert!(few.iter().filter(is_played).all(|case| !is_excluded(case)), "{model}");
        assert_eq!(
            pairs(few.iter().filter(is_played)),
            pairs(left.into_iter().filter(|case| is_played(case))),
            "{model}"
        );
    }
}
