//! What a bench lacks for a case is found before anything is switched: a colour that no photodiode
//! sees must not become a lock's failure, or its silence a pass.

use std::fs;

use crate::common::{empty_folder, lockrig, text};

/// Wires all that a Schlage JBE109 has; what it lacks is put in by a test.
const WHOLE: &str = "rig: fitted
lock: {model: schlage-jbe109}
boards:
  pins: {gpio: gpiochip0}
  gateway: {program: [cat]}
wiring:
  button.enroll: {relay: pins/1, contact: normally_open, safe: released, max_on: 60 s}
  power: {supply: 6.0 V}
  power.cell.1: {relay: pins/2, contact: normally_closed, safe: on, max_on: 10 min}
  power.cell.2: {relay: pins/3, contact: normally_closed, safe: on, max_on: 10 min}
  power.cell.3: {relay: pins/4, contact: normally_closed, safe: on, max_on: 10 min}
  power.cell.4: {relay: pins/5, contact: normally_closed, safe: on, max_on: 10 min}
  light.status: {colours: {amber: {input: pins/6}, green: {input: pins/7}, red: {input: pins/8}}}
  beeper: {input: pins/9}
  bolt: {input: pins/10}
  hub: {through: gateway}
uncertainty: {stimulus: 1 ms, observation: 1 ms}
";

/// Wires all that a Kwikset Powerbolt 2 has.
const KEYPAD: &str = "rig: fitted
lock: {model: kwikset-powerbolt-2}
boards: {pins: {gpio: gpiochip0}}
wiring:
  button.reset: {relay: pins/1, contact: normally_open, safe: released, max_on: 60 s}
  power: {relay: pins/2, contact: normally_closed, safe: on, supply: 6.0 V, max_on: 10 min}
  cover: {relay: pins/3, contact: normally_closed, safe: closed, max_on: 4 h}
  keypad:
    rows: [pins/4, pins/5, pins/6, pins/7]
    columns: [pins/8, pins/9, pins/10]
    layout: [\"1 2 3\", \"4 5 6\", \"7 8 9\", \"lock 0 -\"]
    contact: normally_open
    safe: released
    max_on: 5 s
  beeper: {input: pins/11}
  bolt: {input: pins/12}
uncertainty: {stimulus: 1 ms, observation: 1 ms}
";

/// No light may change: it has to be seen in every colour that it has.
const QUIET: &str = "scenario: nothing-blinks
title: Nothing blinks for a while
methods: [button]
arrange:
  - provision: {user_codes: 2, app: paired, hub: paired}
  - prove: provisioned
act:
  - no_change: {channels: [light.status], for: 5 s}
expect:
  - unchanged
";

/// The cases of the mounted model, each with what the rig lacks for it.
fn lacks(rig: &str) -> Vec<(String, Vec<String>)> {
    let folder = empty_folder();
    fs::create_dir(folder.path().join("rigs")).expect("a folder");
    fs::write(folder.path().join("rigs/fitted.yaml"), rig).expect("a file");
    fs::create_dir(folder.path().join("scenarios")).expect("a folder");
    fs::write(folder.path().join("scenarios/nothing-blinks.yaml"), QUIET).expect("a file");
    let output = lockrig(folder.path(), &["certify", "--rig", "fitted", "--dry-run", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).expect("text");
    let line = |line: &str| {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case");
        let lacks = case["lacks"].as_array().expect("a list").iter();
        let lacks = lacks.map(|word| word.as_str().expect("a word").to_owned()).collect();
        (case["case"].as_str().expect("a name").to_owned(), lacks)
    };
    lines.lines().map(line).collect()
}

/// Replacing something in a whole bench makes it lack that, and nothing else, for a scenario.
fn lacking(whole: &str, scenario: &str, replaced: &str, by: &str, lack: &str) {
    let of = |rig: &str| -> Vec<Vec<String>> {
        let cases = lacks(rig).into_iter().filter(|(case, _)| case.starts_with(scenario));
        cases.map(|(_, lacks)| lacks).collect()
    };
    let fine = of(whole);
    assert!(fine.iter().any(Vec::is_empty), "{scenario} can be played: {fine:?}");
    assert!(whole.contains(replaced), "{replaced}");
    let found = of(&whole.replace(replaced, by));
    assert!(found.iter().any(|lacks| lacks == &[lack]), "{lack}: {found:?}");
}

#[test]
fn a_colour_that_no_photodiode_sees_is_not_wired() {
    lacking(WHOLE, "reset-is-confirmed", "green:", "geren:", "light.status green");
    lacking(WHOLE, "reset-is-confirmed", ", green: {input: pins/7}", "", "light.status green");
}

#[test]
fn a_key_that_a_code_could_need_is_not_wired() {
    lacking(KEYPAD, "reset-erases-everything", "\"4 5 6\"", "\"4 - 6\"", "key `5` is not wired");
}

#[test]
fn a_hold_that_an_output_may_not_last_is_not_played() {
    let lack = "button.reset can be held for 5.5 s, but `max_on` is 5 s";
    let (sixty, five) = ("safe: released, max_on: 60 s", "safe: released, max_on: 5 s");
    lacking(KEYPAD, "reset-is-confirmed", sixty, five, lack);
}

#[test]
fn outputs_of_one_group_are_not_held_together() {
    let end = "uncertainty:";
    let lack = "button.reset and cover exclude each other";
    let group = "exclusive: [[button.reset, cover]]\nuncertainty:";
    lacking(KEYPAD, "reset-is-confirmed", end, group, lack);
    let lack = "outputs of keypad exclude each other";
    let group = "exclusive: [[keypad row 1, keypad column 1]]\nuncertainty:";
    lacking(KEYPAD, "reset-erases-everything", end, group, lack);
}

#[test]
fn a_supply_of_another_voltage_plays_nothing() {
    lacking(
        KEYPAD,
        "reset-is-confirmed",
        "supply: 6.0 V",
        "supply: 5.0 V",
        "the bench supplies 5 V; 6 V needs another supply",
    );
}

#[test]
fn a_light_that_must_not_change_is_seen_in_all_its_colours() {
    let lack = "light.status red";
    lacking(WHOLE, "nothing-blinks", ", red: {input: pins/8}", "", lack);
}

#[test]
fn the_keypad_bench_lacks_nothing_but_a_second_supply() {
    let bench = include_str!("../../rigs/bench-keypad.yaml").replace("rig: bench-keypad", "rig: fitted");
    let cases = lacks(&bench);
    assert!(cases.len() > 10, "{cases:?}");
    // No relay bounces on purpose or blocks a strike, and none gives another voltage.
    let others = [
        "nothing-blinks~",
        "bouncing-contact-resets~",
        "jammed-bolt-erases-all-or-nothing~",
        // No cover is pressed down for a day.
        "what-was-erased-stays-erased-for-a-day~",
    ];
    let is_other = |case: &str| others.iter().any(|other| case.starts_with(other));
    let is_supply = |lack: &String| lack.ends_with("needs another supply");
    let mut shipped = cases.iter().filter(|(case, _)| !is_other(case));
    assert_eq!(shipped.find(|(_, lacks)| !lacks.iter().all(is_supply)), None);
    assert!(cases.iter().all(|(_, lacks)| lacks.len() < 4), "{cases:?}");
}
