//! What a verdict may not rest on: each fault that was found in files which `check` called fine.

use std::fs;
use std::path::Path;

use lockrig::lock::{Method, Named};
use lockrig::run::false_alarms;
use lockrig::scenario::alter::Kind;
use lockrig::scenario::{Action, Content, Plan, Selection, Start, Step, expand, find_case};
use lockrig::sim::Variation;
use lockrig::trace::{Argument, Keystroke, Value};
use lockrig::unit::Duration;
use lockrig::verdict::Verdict;
use serde_json::Value as Json;

use crate::alterations::with;
use crate::common::{code, empty_folder, lockrig, root, runs, text};
use crate::defects::{library, simulated};

/// A scenario's verdicts on a model, with the reasons.
fn verdicts(scenario: &str, model: &str, more: &[&str]) -> Vec<(String, String)> {
    let folder = empty_folder();
    verdicts_in(folder.path(), scenario, model, more)
}

fn verdicts_in(folder: &Path, scenario: &str, model: &str, more: &[&str]) -> Vec<(String, String)> {
    fs::write(folder.join("tried.yaml"), scenario).expect("written");
    let mut arguments = vec!["run", "tried.yaml", "--model", model, "--json"];
    arguments.extend(more);
    let output = lockrig(folder, &arguments);
    let run = runs(folder).pop().unwrap_or_else(|| panic!("{}", text(&output)));
    let results: Json =
        serde_json::from_slice(&fs::read(run.join("results.json")).expect("results")).expect("JSON");
    let word = |case: &Json, name: &str| case[name].as_str().unwrap_or_default().to_owned();
    let cases = results["cases"].as_array().expect("cases").clone();
    assert!(!cases.is_empty(), "{}", text(&output));
    cases.iter().map(|case| (word(case, "verdict"), word(case, "reason"))).collect()
}

fn only(verdicts: &[(String, String)], expected: &str) {
    assert!(verdicts.iter().all(|(verdict, _)| verdict == expected), "not all {expected}: {verdicts:?}");
}

/// What `check` says of a file in a folder of its own.
fn checked(name: &str, content: &str) -> String {
    let folder = empty_folder();
    let place = match content.lines().find(|line| line.starts_with("model:")) {
        Some(_) => "scenarios/models",
        None if content.starts_with("rig:") => "rigs",
        None => "scenarios",
    };
    fs::create_dir_all(folder.path().join(place)).expect("made");
    fs::write(folder.path().join(place).join(name), content).expect("written");
    text(&lockrig(folder.path(), &["check"]))
}

#[test]
fn what_the_author_writes_into_a_negative_act_is_judged() {
    let act = |steps: &str| {
        format!(
            "scenario: judged\ntitle: Judged\nmethods: [button]\narrange:\n  - provision: {{user_codes: 1, hub: paired}}\nbut: {{hold: 80 %}}\nact:\n  - reset\n{steps}expect:\n  - unchanged\n"
        )
    };
    let model = "kwikset-smartcode-914";
    let opens = "  - together:\n      - - do: {operation: enter, with: {code: user.1}}\n      - - no_change: {channels: [bolt], for: 8 s}\n  - do: lock\n";
    only(&verdicts(&act(opens), model, &[]), "fail");
    only(
        &verdicts(&act("  - ask: {hub: status, role: owner, expect: refused, within: 5 s}\n"), model, &[]),
        "fail",
    );
    only(&verdicts(&act("  - see: {light: green, indicator: status, within: 1 s}\n"), model, &[]), "fail");
    only(&verdicts(&act("  - ask: {hub: status, role: owner, within: 5 s}\n"), model, &[]), "pass");
}

/// A peer that is the simulated lock, and says what it is told to say of its debug port.
const PROBE: &str = r#"import json, subprocess, sys
p = subprocess.Popen([sys.argv[1], "sim", "peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
for line in sys.stdin:
    p.stdin.write(line); p.stdin.flush()
    r = json.loads(line)
    if "bye" in r: break
    a = json.loads(p.stdout.readline())
    for o in a.get("ran", {}).get("out", []):
        if o["channel"] == "memory" and o["value"].get("ok") is False:
            o["value"].update(json.loads(sys.argv[2]))
    print(json.dumps(a), flush=True)
"#;

#[test]
fn a_refusal_is_judged_by_its_typed_reason_and_never_by_its_words() {
    for (said, expected) in [
        (r#"{"reason": "locked", "why": "no access"}"#, "pass"),
        (r#"{"reason": "no_target", "why": "probe access is blocked by udev rules"}"#, "inconclusive"),
        (r#"{"reason": "something else", "why": "locked"}"#, "inconclusive"),
        (r#"{"reason": "not_permitted", "why": "the debug port is locked"}"#, "inconclusive"),
    ] {
        let folder = empty_folder();
        fs::write(folder.path().join("probe.py"), PROBE).expect("written");
        let program = env!("CARGO_BIN_EXE_lockrig");
        let command = serde_json::to_string(&["python3", "probe.py", program, said]).expect("JSON");
        let rig = format!("rig: probe\nlockstep: {{command: {command}}}\nchannels: [\"*\"]\n");
        fs::write(folder.path().join("probe.yaml"), rig).expect("written");
        let arguments =
            ["run", "debug-port-is-closed", "--model", "nuki-smart-lock", "--rig", "probe.yaml", "--json"];
        let output = lockrig(folder.path(), &arguments);
        let run = runs(folder.path()).pop().unwrap_or_else(|| panic!("{}", text(&output)));
        let results = fs::read_to_string(run.join("results.json")).expect("results");
        let results: Json = serde_json::from_str(&results).expect("JSON");
        assert_eq!(results["cases"][0]["verdict"], expected, "{said}: {results}");
    }
}

pub(crate) fn model_text(name: &str) -> String {
    fs::read_to_string(root().join(format!("scenarios/models/{name}.yaml"))).expect("a model")
}

#[test]
fn the_number_of_decisive_keys_is_counted() {
    let wrong = model_text("commax-cdl-107u").replace("keys: 7", "keys: 2");
    let said = checked("commax-cdl-107u.yaml", &wrong);
    assert!(said.contains("the number of keys in the procedure is 7, but `keys` says 2"), "{said}");
}

#[test]
fn a_digit_is_replaced_by_a_digit_and_a_function_key_by_a_function_key() {
    let library = library();
    let selection = Selection { scenarios: vec!["wrong-code-erases-nothing".into()], ..Selection::default() };
    let is_digit = |label: &str| label.len() == 1 && label.chars().all(|c| c.is_ascii_digit());
    let mut seen = 0;
    for case in expand(&library, &selection) {
        let Content::Play(program) = case.build(&library, Start::Delivered) else { continue };
        let plain = Selection {
            scenarios: vec!["reset-is-confirmed".into()],
            models: vec![case.model.clone()],
            ..Selection::default()
        };
        assert!(!expand(&library, &plain).is_empty());
        let position: usize = case.levels()[0].1.parse().expect("a position");
        let altered =
            program.steps().into_iter().find(|step| step.alters.contains(&Kind::WrongKey)).expect("altered");
        let Action::Set { value: Value::Keys(keys), .. } = &altered.action else { panic!("no key") };
        let Some(Keystroke::Key(label)) = keys.first() else { continue };
        seen += 1;
        // The procedure of the model itself tells what stands there.
        let right = match (&*case.model, position) {
            ("commax-cdl-107u", n) => "1236547".chars().nth(n - 1).map(String::from),
            ("ttlock-oem", n) => "000#".chars().nth(n - 1).map(String::from),
            _ => None,
        };
        if let Some(right) = right {
            assert_ne!(**label, *right, "{}", case.id);
            assert_eq!(is_digit(label), is_digit(&right), "{}", case.id);
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn an_old_master_code_is_proved_dead() {
    let parts = |defect: &[&str], model: &str| {
        let folder = empty_folder();
        let mut arguments = vec!["run", "reset-erases-everything", "--model", model, "--json"];
        arguments.extend(defect);
        let output = lockrig(folder.path(), &arguments);
        let run = runs(folder.path()).pop().unwrap_or_else(|| panic!("{}", text(&output)));
        let results = fs::read_to_string(run.join("results.json")).expect("results");
        let results: Json = serde_json::from_str(&results).expect("JSON");
        let cases = results["cases"].as_array().expect("cases").clone();
        cases
            .iter()
            .flat_map(|case| case["parts"].as_array().cloned().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    let verdict = |parts: &[Json]| {
        let of = parts
            .iter()
            .find(|part| part["name"] == "master code erased")
            .map(|part| part["verdict"].clone());
        of.and_then(|verdict| verdict.as_str().map(str::to_owned))
    };
    let model = "schlage-s-6500f";
    assert_eq!(verdict(&parts(&[], model)).as_deref(), Some("pass"));
    assert_eq!(verdict(&parts(&["--defect", "master-survives"], model)).as_deref(), Some("fail"));
}

#[test]
fn a_light_that_the_model_lacks_is_not_applicable_wherever_it_is_looked_for() {
    for step in [
        "  - wait: {until: {see: {light: purple, indicator: nowhere, within: 2 s}}, plus: 1 s}\n",
        "  - see: {light: purple, indicator: nowhere, within: 2 s}\n",
        "  - press: {button: program, until: {see: {light: purple, indicator: nowhere, within: 2 s}}}\n",
    ] {
        let scenario = format!(
            "scenario: lit\ntitle: Lit\nmethods: baseline\narrange:\n  - provision: {{user_codes: 1}}\nact:\n{step}expect:\n  - unchanged\n"
        );
        only(&verdicts(&scenario, "kwikset-smartcode-914", &[]), "not_applicable");
    }
}

/// Sound locks differ from the textbook, and no claim fails over it: what can't be told is said.
#[test]
fn sound_variations_fail_nothing() {
    let library = library();
    let cases = simulated(&library, &[]);
    for (word, variation) in Variation::WORDS {
        // A light at 1 kHz has a thousand times as many edges.
        let seeds = if *variation == Variation::PwmLight { 1 } else { 2 };
        let alarms = false_alarms(&library, &cases, seeds, Some(*variation));
        let failed: Vec<_> =
            alarms.iter().filter(|(_, (_, verdict, _))| *verdict != Verdict::Inconclusive).collect();
        assert!(failed.is_empty(), "{word}: {failed:#?}");
        let most = if *variation == Variation::EarlyBolt { cases.len() / 50 } else { 0 };
        assert!(alarms.len() <= most, "{word}: {alarms:#?}");
    }
}

#[test]
fn a_code_is_removed_only_where_its_slot_is_known() {
    let folder = empty_folder();
    let models = folder.path().join("scenarios/models");
    fs::create_dir_all(&models).expect("made");
    let own = model_text("kwikset-smartcode-914")
        + "operations:\n  add_code:\n    - ask: {hub: add_code, code: \"{code}\", role: owner, within: 15 s}\n";
    fs::write(models.join("kwikset-smartcode-914.yaml"), own).expect("written");
    let removed =
        fs::read_to_string(root().join("scenarios/removed-code-is-refused.yaml")).expect("a scenario");
    let removed = removed.replace("removed-code-is-refused", "removed");
    only(&verdicts_in(folder.path(), &removed, "kwikset-smartcode-914", &[]), "not_applicable");
}

#[test]
fn a_code_of_digits_is_sent_as_a_text() {
    let library = with(
        "scenario: literal\ntitle: Literal\nmethods: baseline\nact:\n  - ask: {hub: add_code, slot: \"3\", code: \"048291\", role: owner}\nexpect:\n  - ask: {hub: status}\n",
    );
    let selection = Selection { models: vec!["kwikset-smartcode-914".into()], ..Selection::default() };
    let Content::Play(program) = expand(&library, &selection)[0].build(&library, Start::Delivered) else {
        panic!("not built")
    };
    let asked = program.steps().into_iter().find_map(|step| match &step.action {
        Action::Ask { op, arguments, .. } if &**op == "add_code" => Some(arguments.clone()),
        _ => None,
    });
    let asked = asked.expect("asked");
    assert!(asked.contains(&("code".into(), Argument::Text("048291".into()))), "{asked:?}");
    assert!(asked.contains(&("slot".into(), Argument::Number(3))), "{asked:?}");
}

#[test]
fn codes_that_are_added_by_app_have_their_app_bound() {
    let library = library();
    let selection = Selection {
        scenarios: vec!["reset-is-reported-to-the-hub".into()],
        models: vec!["kwikset-halo".into()],
        ..Selection::default()
    };
    for case in expand(&library, &selection) {
        if let Content::Unprovable(reason) = case.build(&library, Start::Delivered) {
            panic!("{}: {reason}", case.id);
        }
    }
}

#[test]
fn a_stranger_with_a_short_hold_is_played() {
    let scenario = "scenario: stranger\ntitle: Stranger\nmethods: [button]\narrange:\n  - provision: {user_codes: 1, app: paired}\nbut: {without: ownership, hold: 80 %}\nact:\n  - reset\nexpect:\n  - unchanged\n";
    only(&verdicts(scenario, "ultraloq-u-bolt-pro", &[]), "pass");
    let defect = ["--defect", "ownership-ignored"];
    only(&verdicts(scenario, "ultraloq-u-bolt-pro", &defect), "fail");
}

/// That of kwikset-powerbolt-2.
const LOCKOUT: &str = "lockout: {attempts: 5, for: 45 s, within: 60 s}\n";

#[test]
fn nonsense_is_refused() {
    let model = |from: &str, to: &str| {
        let text = model_text("kwikset-powerbolt-2");
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    };
    let absent = model("  cover: removable\n", "  cover: false\n");
    let said = checked("kwikset-powerbolt-2.yaml", &absent);
    assert!(said.contains("the model has no cover"), "{said}");
    for (from, to, expected) in [
        ("  cover: removable\n", "  cover: somehow\n", "unknown kind of cover `somehow`"),
        ("  cover: removable\n", "  cover: removable\n  knob: \"no\"\n", "unknown kind of knob `no`"),
        ("  cover: removable\n", "  cover: removable\n  door: \"no\"\n", "unknown kind of door `no`"),
        ("  reset: button\n", "  Reset: button\n", "`Reset` is not a valid button name"),
        ("  set_master: unknown\n", "", "missing from `operations`: `set_master`"),
        (LOCKOUT, "lockout: sometimes\n", "unknown lockout `sometimes`"),
        (
            LOCKOUT,
            "lockout: {attempts: 5, for: 45 s, within: 0 s}\n",
            "no wrong code could be entered within no time",
        ),
        ("  beeper: {}\n", "  beeper: {}\n  1: {}\n  \"1\": {}\n", "key `1` is defined twice"),
    ] {
        let said = checked("kwikset-powerbolt-2.yaml", &model(from, to));
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let scenario = |act: &str| {
        format!("scenario: nonsense\ntitle: Nonsense\nmethods: baseline\nact:\n{act}expect:\n  - unchanged\n")
    };
    for (act, expected) in [
        ("  - press: rezet\n", "did you mean `reset`?"),
        ("  - type: A\n", "unknown key `A`"),
        (
            "  - do: {operation: enter, with: {kode: user.1, colour: red}}\n",
            "unknown parameter of `enter` `kode`",
        ),
        ("  - do: {operation: add_code, with: {code: nobody, slot: \"1\"}}\n", "unknown code `nobody`"),
    ] {
        let said = checked("nonsense.yaml", &scenario(act));
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let long = format!("scenario: {}\n", "x".repeat(500));
    let said = checked("long.yaml", &long);
    assert!(said.contains("long.yaml:1:") && !said.contains(":1:1:1"), "{said}");
}

#[test]
fn two_boards_of_one_name_are_refused() {
    let rig = "rig: twice\nlock: {model: schlage-jbe109}\nboards:\n  1: {gpio: pinctrl-rp1}\n  \"1\": {gpio: gpiochip0}\nwiring: {}\n";
    let said = checked("twice.yaml", rig);
    assert!(said.contains("key `1` is defined twice"), "{said}");
}

#[test]
fn what_expands_without_bound_is_refused_by_check() {
    let model = model_text("kwikset-powerbolt-2");
    let boom = model.replace(
        "    - type: \"0000 lock 0 lock\"\n",
        "    - repeat: {times: 200, steps: [{do: calibrate}]}\n",
    ) + "  calibrate: [{repeat: {times: 200, steps: [{do: initiate}]}}]\n  initiate: [{repeat: {times: 200, steps: [{press: reset}]}}]\n";
    let said = checked("kwikset-powerbolt-2.yaml", &boom);
    assert!(said.contains("with all repeats written out this is 32000001 steps"), "{said}");
    // A scenario's repeats meet the operations of models.
    let scenario = "scenario: boom\ntitle: Boom\nmethods: baseline\nact:\n  - repeat: {times: 1000, steps: [{repeat: {times: 100, steps: [{do: {operation: enter, with: {code: wrong}}}]}}]}\nexpect:\n  - unchanged\n";
    let said = checked("boom.yaml", scenario);
    assert!(said.contains("with all repeats written out"), "{said}");
}

#[test]
fn a_model_without_a_simulated_lock_is_named_and_left_out() {
    let folder = empty_folder();
    let models = folder.path().join("scenarios/models");
    fs::create_dir_all(&models).expect("made");
    let own = model_text("kwikset-powerbolt-2").replace("model: kwikset-powerbolt-2", "model: my-own-lock");
    fs::write(models.join("my-own-lock.yaml"), own).expect("written");
    let output = lockrig(folder.path(), &["certify", "--scenario", "reset-is-confirmed"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("the simulated rig has no such lock: my-own-lock"), "{}", text(&output));
    assert_eq!(code(folder.path(), &["certify", "--model", "my-own-lock"]), 2);
}

/// A case and its id say the same, whatever else the library has.
#[test]
fn one_case_is_found_by_its_id_alone() {
    let many = "scenario: many\ntitle: Many\nmethods: all\ngiven: {power: [ok, low, none], network: [online, offline], role: [owner, admin, guest, none], ownership: [verified, unverified]}\narrange:\n  - provision: {user_codes: 1}\nbut: {wrong_key: every, cut_power_at: sweep 0..99 % by 0.5 %}\nact:\n  - reset\nexpect:\n  - all_or_nothing\n";
    let library = with(many);
    let plan = Plan::new(&library, Selection::default());
    assert!(plan.count() > 1_000_000, "{}", plan.count());
    let id = "many~schlage-s-6500f~keypad~network=offline~ownership=verified~power=none~role=guest~key=7~cut=99~r3";
    let case = find_case(&library, id).expect("a case");
    assert_eq!((&*case.id, case.method), (id, Method::Keypad));
    for wrong in ["~r03", "~r", "", "~r-1"] {
        assert!(find_case(&library, &id.replace("~r3", wrong)).is_none(), "{wrong}");
    }
    assert!(find_case(&library, &id.replace("key=7", "key=9")).is_none());
    assert!(find_case(&library, &id.replace("~key=7", "")).is_none());
    for case in plan.cases().step_by(99_991) {
        assert_eq!(find_case(&library, &case.id).map(|found| found.levels()), Some(case.levels()));
    }
}

/// The simulated lock as a peer, whose bolt bounces for longer than any glitch.
const BOUNCING: &str = r#"import json, subprocess, sys
p = subprocess.Popen([sys.argv[1], "sim", "peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
def ask(r):
    p.stdin.write(json.dumps(r) + "\n"); p.stdin.flush()
    return json.loads(p.stdout.readline())
now, late = 0, []
for line in sys.stdin:
    r = json.loads(line)
    if "bye" in r: break
    if "hello" in r: now, late = 0, []
    if "run" in r and late:
        # Bounces of 30 ms: open, closed, open.
        until = r["run"]["until_ns"]
        at, value = late[0]
        if at <= until:
            r["run"]["until_ns"] = at
    a = ask(r)
    if "ran" in a:
        now = a["ran"]["now_ns"]
        for o in a["ran"]["out"]:
            if o["channel"] == "bolt":
                late = [(now + 10_000_000, not o["value"]), (now + 30_000_000, o["value"])]
        if late and now >= late[0][0] and not any(o["channel"] == "bolt" for o in a["ran"]["out"]):
            a["ran"]["out"].append({"channel": "bolt", "value": late.pop(0)[1]})
    print(json.dumps(a), flush=True)
"#;

#[test]
fn a_peers_contacts_can_be_debounced_as_a_benchs_can() {
    let outcome = |debounce: &str| {
        let folder = empty_folder();
        fs::write(folder.path().join("peer.py"), BOUNCING).expect("written");
        let program = env!("CARGO_BIN_EXE_lockrig");
        let command = serde_json::to_string(&["python3", "peer.py", program]).expect("JSON");
        let rig = format!("rig: peer\nlockstep: {{command: {command}{debounce}}}\nchannels: [\"*\"]\n");
        fs::write(folder.path().join("peer.yaml"), rig).expect("written");
        // Nothing may move the bolt but what was told to.
        let scenario = "scenario: quiet\ntitle: Quiet\nmethods: baseline\narrange:\n  - provision: {user_codes: 1, hub: paired}\nact:\n  - do: {operation: enter, with: {code: user.1}}\n  - see: {bolt: open, within: 3 s}\n  - never: {bolt: thrown, while: [{wait: 2 s}]}\nexpect:\n  - ask: {hub: status}\n";
        fs::write(folder.path().join("quiet.yaml"), scenario).expect("written");
        let arguments =
            ["run", "quiet.yaml", "--model", "kwikset-smartcode-914", "--rig", "peer.yaml", "--json"];
        let output = lockrig(folder.path(), &arguments);
        (output.status.code(), text(&output))
    };
    let (code, said) = outcome("");
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = outcome(", debounce: 50 ms");
    assert_eq!(code, Some(0), "{said}");
}

/// A supply that falls over four seconds takes two seconds longer than one that falls over two, and falls in steps of
/// 20 ms.
#[test]
fn a_ramp_lasts_as_long_as_it_says() {
    let ramp = |over: u64| {
        let scenario = format!(
            "scenario: ramp\ntitle: A ramp\nmethods: baseline\nact:\n  - power: {{to: 3 V, over: {over} ms}}\n  - power: on\nexpect:\n  - no_change: {{channels: [bolt], for: 1 s}}\n"
        );
        let library = with(&scenario);
        let selection = Selection { models: vec!["yale-nextouch".into()], ..Selection::default() };
        let program = match expand(&library, &selection)[0].build(&library, Start::Delivered) {
            Content::Play(program) => program,
            _ => panic!("not built"),
        };
        let volts = |step: &&Step| match &step.action {
            Action::Set { value: Value::Voltage(volts), .. } => Some(*volts),
            _ => None,
        };
        let levels: Vec<_> = program.steps().iter().filter_map(volts).collect();
        (program.longest(), levels)
    };
    let ((two, levels), (four, _), (odd, _)) = (ramp(2_000), ramp(4_000), ramp(2_015));
    assert_eq!(four.saturating_sub(two), Duration::milliseconds(2_000));
    assert_eq!(odd.saturating_sub(two), Duration::milliseconds(15));
    let lowest = levels.iter().position(|volts| volts.as_f64() <= 3.0).expect("it falls to 3 V");
    let highest = levels[..lowest].iter().rposition(|volts| volts.as_f64() > 5.99).map_or(0, |at| at + 1);
    let falling = &levels[highest..=lowest];
    assert_eq!(falling.len(), 100, "{falling:?}");
    assert!(falling.windows(2).all(|pair| pair[0] > pair[1]), "{falling:?}");
}
