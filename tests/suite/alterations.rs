//! Alterations of a reset: each can stand beside each other, leaves a witness in the program, and says what an unmet
//! step means.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use lockrig::lock::Named;
use lockrig::scenario::alter::Kind;
use lockrig::scenario::{
    Action, Content, Library, Origin, Program, Selection, Since, Start, Step, expand, find_case,
};
use lockrig::trace::{Argument, Channel, Handle, Keystroke, Value};
use lockrig::unit::{Angle, Duration, Voltage};
use lockrig::yaml::Source;

use crate::defects::library;
use crate::sound::model_text;

/// A lock on which a pause must be short, and whose codes can be tried: the library has no such model.
fn gapped() -> String {
    let text = model_text("kwikset-powerbolt-2").replace("model: kwikset-powerbolt-2", "model: gapped");
    let hold = "hold: {from: hold reset, to: release reset, at_least: 5 s}";
    let steps = "      - hold: reset\n      - wait: 5.5 s\n      - release: reset\n";
    assert!(text.contains(hold) && text.contains(steps));
    text.replace(hold, "gap: {from: press reset, to: power on, at_most: 10 s}")
        .replace(steps, "      - power: off\n      - press: reset\n      - wait: 3 s\n      - power: on\n")
}

/// The shipped library, one model and one scenario more.
pub(crate) fn with(scenario: &str) -> Library {
    let mut library = library();
    let source = |name, text: String| Source::new(name, text.into_bytes()).expect("text");
    let models = [source("gapped.yaml", gapped())];
    let (more, findings) = Library::load(&models, &[source("more.yaml", scenario.to_owned())]);
    assert!(!findings.has_errors(), "{}", findings.render(false, 100));
    library.scenarios = more.scenarios;
    library.models.extend(more.models);
    library
}

fn scenario(but: &str) -> String {
    let used = but.contains("proof");
    let reset = if used {
        "  - reset\n  - wait: 20 s\n  - provision: {user_codes: 2, app: paired, hub: paired, master: set}\n"
    } else {
        ""
    };
    let expect =
        if but.contains("cut_power_at") || but.contains("bolt") { "all_or_nothing" } else { "unchanged" };
    format!(
        "scenario: altered\ntitle: An altered reset\nmethods: all\narrange:\n  - provision: {{user_codes: 2, app: paired, hub: paired, master: set}}\n{reset}but: {{{but}}}\nact:\n  - reset\nexpect:\n  - {expect}\n"
    )
}

/// One way to write each alteration.
const ALTERATIONS: &[(Kind, &str)] = &[
    (Kind::Hold, "hold: 80 %"),
    (Kind::SecondHold, "second_hold: 80 %"),
    (Kind::Gap, "gap: 150 %"),
    (Kind::Interrupted, "interrupted_for: 300 ms"),
    (Kind::Bounces, "bounces: 3"),
    (Kind::Presses, "presses: -1"),
    (Kind::WrongKey, "wrong_key: every"),
    (Kind::MissingKeys, "missing_keys: 1"),
    (Kind::MissingButtons, "missing_buttons: 1"),
    (Kind::Pause, "pause: 60 s"),
    (Kind::Dropout, "dropout: 2 s"),
    (Kind::Proof, "proof: used"),
    (Kind::Bolt, "bolt: jammed"),
    (Kind::Bolt, "bolt: moving"),
    (Kind::Rotation, "rotation: 75 %"),
    (Kind::Without, "without: power"),
    (Kind::Without, "without: ownership"),
    (Kind::Without, "without: network"),
    (Kind::Without, "without: role"),
    (Kind::CutPower, "cut_power_at: sweep 0..100 % by 50 %"),
    (Kind::CutPower, "cut_power_at: 40 %, cut_to: 50 %"),
];

fn carries_out(program: &Program, kind: Kind) -> bool {
    program.steps().iter().any(|step| step.alters.contains(&kind))
}

/// Every pair of alterations on every shipped model and method is built with both, or not applicable for a
/// reason, or refused by `check`.
#[test]
fn alterations_compose_or_are_refused() {
    assert!(Kind::WORDS.iter().all(|(_, kind)| ALTERATIONS.iter().any(|(known, _)| known == kind)));
    let library = with(&scenario("").replace("but: {}\n", ""));
    let (mut pairs, mut built, mut not_applicable, mut refused, mut told) = (0, 0, 0, 0, 0);
    let (mut built_of, mut told_of) = (BTreeSet::new(), BTreeSet::new());
    for (index, (one, words)) in ALTERATIONS.iter().enumerate() {
        for (other, more) in ALTERATIONS
            .iter()
            .skip(index)
            .filter(|(_, more)| more == words || words.split(':').next() != more.split(':').next())
        {
            pairs += 1;
            let but = if words == more { (*words).to_owned() } else { format!("{words}, {more}") };
            let source = Source::new("pair.yaml", scenario(&but).into_bytes()).expect("text");
            let (loaded, findings) = Library::load(&[], &[source]);
            if findings.has_errors() {
                let said = findings.render(false, 100);
                assert!(said.contains("can't be combined"), "{but}: {said}");
                refused += 1;
                continue;
            }
            let tried = Library { models: library.models.clone(), scenarios: loaded.scenarios };
            // Loading takes time, and one alteration alone shows as much.
            let plain = (words == more).then(|| with(&scenario("").replace("but: {}\n", "")));
            for case in expand(&tried, &Selection::default()) {
                match case.build(&tried, Start::Delivered) {
                    Content::Play(program) => {
                        assert_eq!(case.unwitnessed(&tried, &program), None, "{}", case.id);
                        let unaltered = format!("altered~{}~{}~r1", case.model, case.method);
                        if let Some(plain) = &plain
                            && let Some(unaltered) = find_case(plain, &unaltered)
                            && let Content::Play(unaltered) = unaltered.build(plain, Start::Delivered)
                        {
                            assert_eq!(case.unwitnessed(&tried, &unaltered), Some(*one), "{}", case.id);
                            told += 1;
                            told_of.insert(one.to_string());
                        }
                        for kind in [one, other] {
                            assert!(carries_out(&program, *kind), "{}: {kind} is not in {but}", case.id);
                        }
                        built += 1;
                        built_of.insert(one.to_string());
                    }
                    Content::NotApplicable(reason) => {
                        assert!(!reason.is_empty());
                        not_applicable += 1;
                    }
                    // What the model's sources leave nothing to judge by is said, and is no pass.
                    Content::Unprovable(reason) => {
                        assert!(!reason.contains("could not be made"), "{}: {reason}", case.id);
                        not_applicable += 1;
                    }
                }
            }
        }
    }
    let said = format!(
        "{pairs} pairs of alterations: {built} cases built with both, {not_applicable} not applicable, {refused} pairs refused; {told} programs without the alteration are told"
    );
    writeln!(std::io::stdout(), "{said}").expect("printed");
    assert_eq!(told_of, built_of);
    assert!(pairs > 150 && built > 1_000 && refused > 0 && told > 300, "{said}");
}

/// What an unmet step of an altered procedure means depends on whether it still is a reset.
#[test]
fn an_altered_reset_is_none_unless_it_is_only_more_than_enough() {
    let enough =
        ["hold: 150 %", "second_hold: 150 %", "gap: 80 %", "presses: 1", "rotation: 150 %", "bounces: 3"];
    let too_little = ALTERATIONS.iter().map(|(_, words)| *words).filter(|words| !enough.contains(words));
    for (words, is_none) in
        enough.map(|words| (words, false)).into_iter().chain(too_little.map(|w| (w, true)))
    {
        let library = with(&scenario(words));
        let mut built = 0;
        for case in expand(&library, &Selection::default()) {
            let Content::Play(program) = case.build(&library, Start::Delivered) else { continue };
            let has = |origin| program.steps().iter().any(|step| step.origin == origin);
            let found = (has(Origin::Altered), has(Origin::Procedure));
            assert_eq!(found, (is_none, !is_none), "{words}: {}", case.id);
            built += 1;
        }
        assert!(built > 0, "{words} is built on no lock");
    }
}

#[test]
fn a_jam_and_a_cut_are_both_played() {
    let library = with(&scenario("bolt: jammed, cut_power_at: 50 %"));
    let selection = Selection { models: vec!["kwikset-smartcode-914".into()], ..Selection::default() };
    let cases = expand(&library, &selection);
    let Content::Play(program) = cases[0].build(&library, Start::Delivered) else { panic!("not built") };
    let sets: Vec<_> = program.settings();
    assert!(sets.contains(&(&Channel::Strike, &Value::Switch(true))));
    let off = |(channel, value): &(&Channel, &Value)| {
        **channel == Channel::Power && matches!(value, Value::Voltage(volts) if volts.as_millionths() == 0)
    };
    // One for the model's own procedure, one for the cut.
    assert!(sets.iter().filter(|set| off(set)).count() >= 2);
}

/// What can be wrong with a witness, so that it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spoiled {
    /// Nothing says that it carries the alteration out.
    Unmarked,
    /// It does nothing.
    Idle,
    /// It lasts another time.
    Length,
    /// It sets something else: off for on, no key, the full supply, another angle.
    Value,
    /// It sets another channel.
    Channel,
    /// It asks with other words.
    Words,
    /// It asks with words for something else.
    Names,
    /// Of steps side by side, only one is left.
    Alone,
}

const SPOILED: [Spoiled; 8] = [
    Spoiled::Unmarked,
    Spoiled::Idle,
    Spoiled::Length,
    Spoiled::Value,
    Spoiled::Channel,
    Spoiled::Words,
    Spoiled::Names,
    Spoiled::Alone,
];

/// What no witness of an alteration survives.
fn fatal(words: &str) -> &'static [Spoiled] {
    use Spoiled::{Alone, Channel, Idle, Length, Names, Unmarked, Value, Words};
    match words.split(':').next().expect("a name") {
        "hold" | "second_hold" | "gap" | "pause" => &[Unmarked, Idle, Length],
        "interrupted_for" => &[Unmarked, Idle, Length],
        "bounces" => &[Unmarked, Idle],
        "presses" | "wrong_key" | "missing_keys" | "missing_buttons" => &[Unmarked, Idle, Value],
        "rotation" => &[Unmarked, Idle, Value, Channel],
        "proof" => &[Unmarked, Idle, Words],
        "bolt" if words == "bolt: jammed" => &[Unmarked, Idle, Value, Channel],
        "bolt" => &[Unmarked, Idle, Alone],
        "without" if words == "without: power" => &[Unmarked, Idle, Channel],
        "without" => &[Unmarked, Idle, Words, Names],
        "cut_power_at" | "dropout" => &[Unmarked, Idle, Value, Channel],
        other => panic!("what spoils `{other}`?"),
    }
}

/// Spoils the witnesses of an alteration; `true` if there was anything to spoil.
fn spoil(steps: &mut [Step], kind: Kind, how: Spoiled, within: bool) -> bool {
    let mut is_changed = false;
    for step in steps {
        let is_witness = within || step.alters.contains(&kind);
        if is_witness {
            is_changed |= spoil_step(step, kind, how);
        }
        is_changed |= match &mut step.action {
            Action::If { body, .. }
            | Action::Never { body, .. }
            | Action::MayOpen { body, .. }
            | Action::Limited { body, .. }
            | Action::Sequence(body) => spoil(body, kind, how, is_witness),
            Action::Together(branches) => branches
                .iter_mut()
                .fold(false, |changed, branch| changed | spoil(branch, kind, how, is_witness)),
            _ => false,
        };
    }
    is_changed
}

fn spoil_step(step: &mut Step, kind: Kind, how: Spoiled) -> bool {
    match (how, &mut step.action) {
        (Spoiled::Unmarked, _) => step.alters.retain(|other| *other != kind),
        (Spoiled::Idle, action) => *action = Action::Wait { since: Since::Here, duration: Duration::ZERO },
        (Spoiled::Length, Action::Wait { duration, .. }) => {
            *duration = duration.saturating_add(Duration::nanoseconds(1))
        }
        (Spoiled::Channel, Action::Set { channel, .. }) => *channel = Channel::Bolt,
        (Spoiled::Alone, Action::Together(branches)) => branches.truncate(1),
        (Spoiled::Value, Action::Set { value, .. }) => match value {
            Value::Switch(on) => *on = false,
            Value::Keys(keys) => keys.clear(),
            Value::Voltage(volts) => *volts = Voltage::from_millionths(1_000_000_000),
            Value::Angle(angle) => *angle = Angle::from_millionths(angle.as_millionths() + 1),
            _ => return false,
        },
        (Spoiled::Words, Action::Set { value: Value::Keys(keys), .. }) => keys.iter_mut().for_each(|key| {
            if let Keystroke::Secret { handle, .. } = key {
                *handle = Handle::new("another");
            }
        }),
        (Spoiled::Words, Action::Ask { arguments, .. }) => {
            for (_, argument) in arguments {
                *argument = match argument {
                    Argument::Text(_) | Argument::Number(_) => Argument::Text("another".into()),
                    Argument::Secret(_) => Argument::Secret(Handle::new("another")),
                };
            }
        }
        (Spoiled::Names, Action::Ask { arguments, .. }) => {
            arguments.iter_mut().for_each(|(name, _)| *name = "another".into());
        }
        _ => return false,
    }
    true
}

/// A program whose witness is no longer one is refused, whatever is wrong with it.
#[test]
fn a_spoiled_witness_is_told() {
    let mut told: BTreeMap<(&str, Spoiled), usize> = BTreeMap::new();
    for (kind, words) in ALTERATIONS {
        let library = with(&scenario(words));
        for case in expand(&library, &Selection::default()) {
            let Content::Play(program) = case.build(&library, Start::Delivered) else { continue };
            assert_eq!(case.unwitnessed(&library, &program), None, "{}", case.id);
            for how in SPOILED.into_iter().filter(|how| fatal(words).contains(how)) {
                let mut spoiled = program.clone();
                let is_changed = spoiled
                    .parts
                    .iter_mut()
                    .fold(false, |changed, part| changed | spoil(&mut part.steps, *kind, how, false));
                if is_changed {
                    assert_eq!(case.unwitnessed(&library, &spoiled), Some(*kind), "{how:?}: {}", case.id);
                    *told.entry((words, how)).or_default() += 1;
                }
            }
        }
        for how in fatal(words) {
            assert!(told.contains_key(&(*words, *how)), "no witness of `{words}` was spoiled: {how:?}");
        }
    }
}
