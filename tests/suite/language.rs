//! What the language can say, shown on locks of the rig.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lockrig::scenario::{Action, Content, Expected, Mark, Probe, Selection, Start, Step, expand};

use crate::common::{code, copy_tree, empty_folder, lockrig, root, text};
use crate::defects::library;

/// Runs a scenario made of these lines on a model, in a copy of the library.
fn run(model: &str, scenario: &str) -> (i32, String) {
    let folder = empty_folder();
    copy_tree(&root().join("scenarios"), &folder.path().join("scenarios"));
    let path = folder.path().join("mine.yaml");
    fs::write(&path, scenario).expect("written");
    let output = lockrig(folder.path(), &["run", "mine.yaml", "--model", model]);
    (output.status.code().unwrap_or(-1), text(&output))
}

fn passes(model: &str, scenario: &str) {
    let (code, said) = run(model, scenario);
    assert_eq!(code, 0, "{said}");
}

fn fails(model: &str, scenario: &str, reason: &str) {
    let (code, said) = run(model, scenario);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(reason), "{said}");
}

const HEAD: &str = "scenario: mine\ntitle: Mine\nmethods: baseline\n";

#[test]
fn overlapping_holds_chords_and_repeats_are_played() {
    passes(
        "kwikset-smartcode-914",
        &format!(
            "{HEAD}arrange:\n  - provision: {{user_codes: 1, hub: paired}}\nact:\n\
             \x20 - hold: [program, key.1]\n  - wait: 300 ms\n  - release: [key.1, program]\n\
             \x20 - press: {{button: program, times: 3, within: 3 s, gap: 200 ms, for: 150 ms}}\n\
             \x20 - repeat: {{times: 2, within: 5 s, steps: [{{type: '1 2'}}]}}\n\
             \x20 - wait: 12 s\nexpect:\n  - unchanged\n"
        ),
    );
}

#[test]
fn ramps_brown_outs_and_single_cells_are_played() {
    passes(
        "yale-nextouch",
        &format!(
            "{HEAD}arrange:\n  - provision: {{user_codes: 1, hub: paired}}\nact:\n\
             \x20 - power: {{to: 3 V, over: 2 s}}\n  - wait: 1 s\n  - power: on\n  - wait: 2 s\n\
             \x20 - power: {{to: 4.9 V, for: 2 ms}}\n  - power: {{cell: 2, to: off}}\n  - wait: 1 s\n\
             \x20 - power: {{cell: 2, to: on}}\n  - wait: 2 s\nexpect:\n  - unchanged\n"
        ),
    );
}

#[test]
fn a_cut_at_an_event_plus_an_offset_is_played_beside_the_reset() {
    passes(
        "kwikset-smartcode-914",
        &format!(
            "{HEAD}arrange:\n  - provision: {{user_codes: 1, hub: paired}}\nact:\n  - together:\n\
             \x20     - [reset]\n      - - wait: {{until: {{hear: {{beeps: any, within: 40 s}}}}, plus: 20 ms}}\n\
             \x20       - power: off\n        - wait: 2 s\n        - power: on\nbut: {{hold: 110 %}}\nexpect:\n  - unchanged\n"
        ),
    );
}

#[test]
fn a_window_in_which_nothing_may_change_is_judged() {
    passes(
        "yale-linus",
        &format!("{HEAD}act:\n  - wait: 1 s\nexpect:\n  - no_change: {{channels: [bolt], for: 5 s}}\n"),
    );
    fails(
        "kwikset-powerbolt-2",
        &format!(
            "{HEAD}act:\n  - type: '1234 lock'\nexpect:\n  - no_change: {{channels: [bolt], for: 5 s}}\n"
        ),
        "bolt changed",
    );
}

#[test]
fn never_is_judged_while_its_body_is_played() {
    fails(
        "kwikset-powerbolt-2",
        &format!(
            "{HEAD}act:\n  - never:\n      bolt: open\n      while:\n        - type: '1234 lock'\n        - wait: 3 s\nexpect:\n  - attempt: {{code: default, expect: accepted}}\n"
        ),
        "never see bolt open",
    );
}

#[test]
fn a_step_that_takes_too_long_is_named() {
    fails(
        "yale-linus",
        &format!(
            "{HEAD}act:\n  - repeat: {{times: 2, within: 1 s, steps: [{{wait: 2 s}}]}}\nexpect:\n  - no_change: {{channels: [bolt], for: 1 s}}\n"
        ),
        "repeat 2 was not done in time",
    );
    let (code, said) = run(
        "yale-linus",
        &format!(
            "{HEAD}time_limit: 3 s\nact:\n  - wait: 5 s\nexpect:\n  - no_change: {{channels: [bolt], for: 1 s}}\n"
        ),
    );
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("took longer than 3 s"), "{said}");
}

#[test]
fn a_witness_is_inconclusive_where_nobody_is_wired() {
    let folder = empty_folder();
    let rig = folder.path().join("nobody.yaml");
    fs::write(&rig, "rig: nobody\nsimulated: {noise: false}\nchannels: [app, power, bolt]\n")
        .expect("written");
    let mine = folder.path().join("mine.yaml");
    fs::write(
        &mine,
        format!(
            "{HEAD}act:\n  - wait: 1 s\nexpect:\n  - witness: {{that: the door is shut, within: 1 min}}\n"
        ),
    )
    .expect("written");
    let path = |path: &Path| path.display().to_string();
    let output =
        lockrig(folder.path(), &["run", &path(&mine), "--rig", &path(&rig), "--model", "yale-linus"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("not wired: operator"), "{}", text(&output));
}

#[test]
fn what_a_scenario_did_not_arrange_is_inconclusive_and_no_excuse() {
    let (code, said) = run(
        "kwikset-smartcode-914",
        &format!(
            "{HEAD}arrange:\n  - provision: {{user_codes: 1, hub: paired}}\nact:\n  - wait: 1 s\nexpect:\n  - attempt: {{code: user.4, expect: accepted}}\n"
        ),
    );
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("code user.4 was not provisioned"), "{said}");
}

#[test]
fn what_a_model_does_not_have_can_neither_be_done_nor_be_seen_to_stay_away() {
    for (model, step) in [
        ("kwikset-smartcode-914", "press: reset"),
        ("kwikset-smartcode-914", "type: '*'"),
        ("kwikset-smartcode-914", "power: {to: off, cell: 9, for: 3 s}"),
        ("kwikset-smartcode-914", "turn: 180 deg"),
        ("kwikset-smartcode-914", "door: open"),
        ("kwikset-smartcode-914", "no_change: {channels: [light.statsu], for: 5 s}"),
        ("kwikset-smartcode-914", "never: {light: purple, indicator: status, while: [{wait: 1 s}]}"),
        ("kwikset-powerbolt-2", "never: {light: red, indicator: status, while: [{wait: 1 s}]}"),
        ("kwikset-powerbolt-2", "repeat: {times: 2, steps: [{press: program}]}"),
    ] {
        let (code, said) = run(
            model,
            &format!(
                "{HEAD}arrange:\n  - provision: {{user_codes: 1, hub: paired}}\n  - prove: provisioned\nact:\n  - {step}\nexpect:\n  - unchanged\n"
            ),
        );
        assert_eq!(code, 3, "{step}: {said}");
        assert!(said.contains("1 not applicable"), "{step}: {said}");
    }
}

#[test]
fn a_run_that_takes_longer_than_its_rig_allows_is_aborted_between_cases() {
    let folder = empty_folder();
    let rig = folder.path().join("hasty.yaml");
    fs::write(&rig, "rig: hasty\nsimulated: {noise: false}\nchannels: [\"*\"]\nrun_limit: 1 s\n")
        .expect("written");
    let output = lockrig(
        folder.path(),
        &[
            "run",
            "restart-erases-nothing",
            "--rig",
            &rig.display().to_string(),
            "--model",
            "yale-linus",
            "--repeat",
            "3",
        ],
    );
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("1 pass, 2 aborted"), "{said}");
    assert!(said.contains("the run took longer than its rig allows"), "{said}");
}

#[test]
fn what_new_writes_passes_check_and_is_not_written_over() {
    let folder = empty_folder();
    for (what, path) in [
        ("model", "scenarios/models/mine.yaml"),
        ("scenario", "scenarios/mine.yaml"),
        ("rig", "rigs/mine.yaml"),
    ] {
        let output = lockrig(folder.path(), &["new", what, "mine"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert!(text(&output).contains(path), "{}", text(&output));
        let output = lockrig(folder.path(), &["check", path]);
        assert_eq!(output.status.code(), Some(0), "{what}: {}", text(&output));
        assert_eq!(code(folder.path(), &["new", what, "mine"]), 2);
        // Its first line leads an editor to the schema.
        let path = folder.path().join(path);
        let text = std::fs::read_to_string(&path).expect("a file");
        let named =
            text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
        let schema = path.parent().expect("a folder").join(named.expect("a schema"));
        let schema = std::fs::read_to_string(schema).expect("the schema is there");
        assert!(serde_json::from_str::<serde_json::Value>(&schema).expect("JSON").is_object());
    }
    // Nor what YAML reads as something else, or what would take a built-in file's place.
    for name in ["", "../mine", "Mine", "mine.yaml", "1", "null", "family-app", "kwikset-smartcode-914"] {
        assert_eq!(code(folder.path(), &["new", "model", name]), 2, "{name}");
    }
    // The example claim holds of a lock that is known; the example lock is not certified before its source is.
    assert_eq!(code(folder.path(), &["run", "mine", "--model", "kwikset-smartcode-914"]), 0);
    let output = lockrig(folder.path(), &["certify", "--model", "mine"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("unsourced"), "{}", text(&output));
}

#[test]
fn the_schemas_in_docs_are_those_of_the_program() {
    let folder = empty_folder();
    for what in ["model", "scenario", "rig"] {
        let output = lockrig(folder.path(), &["schema", what]);
        let path = root().join(format!("docs/schemas/{what}.json"));
        let written = fs::read_to_string(&path).expect("a schema");
        assert!(text(&output) == written, "`lockrig schema {what} >docs/schemas/{what}.json` makes it true");
    }
}

/// Names of fields and words of steps, wherever they stand in a schema.
fn names(schema: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(fields) => {
            if let Some(properties) = fields.get("properties").and_then(|value| value.as_object()) {
                found.extend(properties.keys().cloned());
            }
            // Steps that are a single word.
            let words = fields.get("then").and_then(|then| then.get("enum")).map_or(vec![], list);
            found.extend(words.into_iter().filter_map(|word| word.as_str()).map(str::to_owned));
            fields.values().for_each(|value| names(value, found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

fn list(value: &serde_json::Value) -> Vec<&serde_json::Value> {
    value.as_array().into_iter().flatten().collect()
}

#[test]
fn the_page_of_the_language_has_every_field_and_every_step() {
    let page = fs::read_to_string(root().join("docs/language.md")).expect("the page");
    let mut known = std::collections::BTreeSet::new();
    for what in ["model", "scenario", "rig"] {
        let text = fs::read_to_string(root().join(format!("docs/schemas/{what}.json"))).expect("a schema");
        names(&serde_json::from_str(&text).expect("JSON"), &mut known);
    }
    assert!(known.len() > 100 && known.contains("lock_out"), "{known:?}");
    let is_there =
        |name: &&String| ["`", ":", "{", " "].iter().any(|end| page.contains(&format!("`{name}{end}")));
    let missing: Vec<&String> = known.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "docs/language.md lacks {missing:?}");
}

/// A word of an earlier version is named with its successor, and rewritten on demand; nothing else moves.
#[test]
fn words_of_earlier_versions_are_rewritten_in_place() {
    let old = "# mine\nscenario: mine # an id\ntitle:  Mine\nmethods: all\narrange:\n  - provision: {user_codes: 1, hub: paired}\n\nbut: {let_go: 300 ms}   # of the hold\nact:\n  - reset\n  - repeat:\n      times: 2\n      do: # twice\n        - no_change: {of: [bolt], for: 1 s} # of: stays\nexpect:\n  - notified: {within: 10 s, of: of, channel: hub}\n";
    let new = old
        .replace("let_go:", "interrupted_for:")
        .replace("      do: #", "      steps: #")
        .replace("{of: [", "{channels: [")
        .replace(", of: of", ", event: of");
    let folder = empty_folder();
    fs::write(folder.path().join("mine.yaml"), old).expect("written");
    let output = lockrig(folder.path(), &["check", "mine.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("did you mean `interrupted_for`?"), "{}", text(&output));
    assert_eq!(fs::read_to_string(folder.path().join("mine.yaml")).expect("read"), old);

    let output = lockrig(folder.path(), &["check", "mine.yaml", "--fix"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("fixed 4 words in mine.yaml"), "{}", text(&output));
    assert_eq!(fs::read_to_string(folder.path().join("mine.yaml")).expect("read"), new);

    // A slip is no word of an earlier version: what was meant is for its author to say.
    fs::write(folder.path().join("mine.yaml"), new.replace("title:", "titel:")).expect("written");
    let output = lockrig(folder.path(), &["check", "mine.yaml", "--fix"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(fs::read_to_string(folder.path().join("mine.yaml")).expect("read").contains("titel:"));
}

/// Marks that these steps set and probes that they answer, each with how often: a second try only counts after
/// a first that said no, so it is no second.
fn numbered(
    steps: &[Step],
    marks: &mut BTreeMap<Mark, u32>,
    probes: &mut BTreeMap<Probe, u32>,
    again: Option<Probe>,
) {
    for step in steps {
        let (mark, probe) = match &step.action {
            Action::Set { mark, .. } | Action::Observe { mark, .. } => (*mark, None),
            Action::Ask { mark, expected: Expected::Probe(probe), .. } => (*mark, Some(*probe)),
            Action::Ask { mark, .. } => (*mark, None),
            Action::Watch { probe, .. } => (None, Some(*probe)),
            _ => (None, None),
        };
        mark.into_iter().for_each(|mark| *marks.entry(mark).or_default() += 1);
        let probe = probe.filter(|probe| again != Some(*probe));
        probe.into_iter().for_each(|probe| *probes.entry(probe).or_default() += 1);
        let again = match &step.action {
            Action::If { probe, yes: false, .. } => Some(*probe),
            _ => again,
        };
        step.action.children().into_iter().for_each(|inner| numbered(inner, marks, probes, again));
    }
}

/// What is tried in branches and side by side must not overwrite what is remembered elsewhere.
#[test]
fn every_mark_and_every_probe_of_a_program_has_one_step() {
    let library = library();
    let mut seen = 0;
    for case in expand(&library, &Selection::default()) {
        let Content::Play(program) = case.build(&library, Start::Delivered) else { continue };
        let (mut marks, mut probes) = (BTreeMap::new(), BTreeMap::new());
        for part in &program.parts {
            numbered(&part.steps, &mut marks, &mut probes, None);
        }
        assert!(marks.keys().all(|mark| mark.0 < program.marks), "{}", case.id);
        assert!(probes.keys().all(|probe| probe.0 < program.probes), "{}", case.id);
        let twice: Vec<_> = marks.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{}: {twice:?}", case.id);
        let twice: Vec<_> = probes.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{}: {twice:?}", case.id);
        seen += probes.len();
    }
    assert!(seen > 3_000, "{seen}");
}

/// Without power there is nothing to cut; without anything else there is.
#[test]
fn alterations_that_exclude_each_other_are_refused_and_no_others() {
    for (without, refused) in [("power", true), ("network", false), ("ownership", false)] {
        for (beside, reason) in
            [("cut_power_at: 50 %", "nothing to cut"), ("bolt: jammed", "can't move the bolt")]
        {
            let folder = empty_folder();
            let text = format!(
                "scenario: mine\ntitle: Mine\nmethods: [app, hub]\narrange:\n\
                 \x20 - provision: {{user_codes: 1, app: paired, hub: paired}}\n\
                 but: {{without: {without}, {beside}}}\nact:\n  - reset\nexpect:\n  - unchanged\n"
            );
            fs::write(folder.path().join("mine.yaml"), text).expect("written");
            let output = lockrig(folder.path(), &["check", "mine.yaml"]);
            let said = self::text(&output);
            assert_eq!(said.contains(reason), refused, "{without}, {beside}: {said}");
            assert_eq!(output.status.code(), Some(if refused { 2 } else { 0 }), "{said}");
        }
    }
}

/// A lock has no power whoever resets it; of everything else only app, hub and maker hear.
#[test]
fn a_reset_without_power_needs_nobody_who_tells_the_lock() {
    let scenario = "scenario: mine\ntitle: Mine\nmethods: [button, keypad]\narrange:\n  - provision: {user_codes: 1}\n\
        but: {without: power}\nact:\n  - reset\nexpect:\n  - unchanged\n";
    let (code, said) = run("kwikset-powerbolt-2", scenario);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 pass"), "{said}");
}

/// A code of four keys can lack three of them; without any it would be no code.
#[test]
fn a_code_lacks_fewer_keys_than_it_has() {
    let lacking = |count: u32| {
        let scenario = format!(
            "scenario: mine\ntitle: Mine\nmethods: keypad\narrange:\n  - provision: {{user_codes: 1}}\n\
             but: {{missing_keys: {count}}}\nact:\n  - reset\nexpect:\n  - unchanged\n"
        );
        run("ttlock-oem", &scenario)
    };
    let (code, said) = lacking(3);
    assert_eq!(code, 0, "{said}");
    let (code, said) = lacking(4);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("1 not applicable"), "{said}");
}
