//! The engine alone: programs in, results out.

use lockrig::engine::{CaseResult, Engine, Precision};
use lockrig::scenario::ast::Observation;
use lockrig::scenario::{
    Action, Expected, Mark, Origin, Part, Presence, Probe, Program, Rule, Since, Stage, Step,
};
use lockrig::trace::{Argument, Channel, Found, Handle, Phase, PulsePattern, Reason, Response, Value};
use lockrig::unit::{Current, Duration, Instant, Tolerance};
use lockrig::verdict::Verdict;

fn at(milliseconds: u64) -> Instant {
    Instant::START + Duration::milliseconds(milliseconds)
}

/// One part, whose steps are an author's.
fn program(actions: Vec<Action>) -> Program {
    let steps = actions.into_iter().map(|action| Step::new("step", Origin::Author, action)).collect();
    let part = Part { name: "part".into(), stage: Stage::Act, tries_code: false, steps };
    Program { parts: vec![part], time_limit: Duration::seconds(60), ..Program::default() }
}

/// The same, during all of which the bolt may open.
fn opening(actions: Vec<Action>) -> Program {
    let body = actions.into_iter().map(|action| Step::new("step", Origin::Author, action)).collect();
    program(vec![Action::MayOpen { body, taken: None }])
}

/// Whatever a case is about, a bolt that opens where no step lets it is the lock's failure: at every moment, and be it
/// for 10 ms.
#[test]
fn a_bolt_that_opens_unasked_is_a_failure() {
    let enter = |probe: Option<Probe>| {
        let body = vec![Step::new("enter", Origin::Claim, wait(100))];
        Action::MayOpen { body, taken: probe }
    };
    let verdict = |program: &Program, moves: &[(u64, bool)]| {
        let mut engine = Engine::new(program, Precision::default());
        for (time, thrown) in moves {
            go(&mut engine, at(*time));
            engine.signal(at(*time), &Channel::Bolt, Value::Switch(*thrown));
        }
        play(&mut engine).verdict
    };
    let refused = Program { probes: 1, ..program(vec![wait(50), enter(Some(Probe(0))), wait(60_000 - 200)]) };
    let taken = program(vec![wait(50), enter(None), wait(60_000 - 200)]);
    for program in [&refused, &taken] {
        assert_eq!(verdict(program, &[]), Verdict::Pass);
        assert_eq!(verdict(program, &[(60, false), (140, true)]), Verdict::Pass);
        // Where the contact stands at the very beginning is no movement; a bounce is none either.
        assert_eq!(verdict(program, &[(0, false)]), Verdict::Pass);
        assert_eq!(verdict(program, &[(20, false), (24, true)]), Verdict::Pass);
        assert_eq!(verdict(program, &[(20, false), (30, true)]), Verdict::Fail);
        assert_eq!(verdict(program, &[(20_000, false)]), Verdict::Fail);
    }
    // A lock that took a code may open a little later; one that did not, must not.
    assert_eq!(verdict(&taken, &[(2_000, false)]), Verdict::Pass);
    // One that opened and was locked again has no reason to.
    assert_eq!(verdict(&taken, &[(60, false), (140, true), (2_000, false)]), Verdict::Fail);
    assert_eq!(verdict(&refused, &[(2_000, false)]), Verdict::Fail);
}

/// No lock may tell a secret; six digits are no accident, and four may be a year.
#[test]
fn a_lock_that_tells_a_secret_fails() {
    let verdict = |channel: Channel, digits: u8| {
        let secrets = [("user.1".into(), digits)].into();
        let program = Program { secrets, ..program(vec![wait(100)]) };
        let mut engine = Engine::new(&program, Precision::default());
        go(&mut engine, at(20));
        engine.told(&channel, "user.1");
        play(&mut engine).verdict
    };
    for channel in [Channel::Hub, Channel::Voice, Channel::Console] {
        assert_eq!(verdict(channel.clone(), 6), Verdict::Fail);
        assert_eq!(verdict(channel, 5), Verdict::Inconclusive);
    }
    assert_eq!(verdict(Channel::Operator, 8), Verdict::Pass);
    assert_eq!(verdict(Channel::Reader, 8), Verdict::Pass);
}

fn wait(milliseconds: u64) -> Action {
    Action::Wait { since: Since::Here, duration: Duration::milliseconds(milliseconds) }
}

/// Goes from one deadline to the next until then, as players do.
fn go(engine: &mut Engine<'_>, until: Instant) {
    while engine.result().is_none() {
        while engine.poll().is_some() {}
        let next = engine.deadline().min(until);
        engine.advance(next, if next == until { next.before(Duration::nanoseconds(1)) } else { next });
        if next == until {
            return;
        }
    }
}

fn play(engine: &mut Engine<'_>) -> CaseResult {
    go(engine, Instant::NEVER);
    while engine.poll().is_some() {}
    engine.result().expect("an outcome").clone()
}

#[test]
fn a_case_that_is_stopped_says_so_and_why() {
    let program = program(vec![wait(1_000)]);
    for verdict in [Verdict::Aborted, Verdict::Error] {
        let mut engine = Engine::new(&program, Precision::default());
        engine.advance(at(10), at(10));
        engine.stop(verdict, "the reason");
        let result = play(&mut engine);
        assert_eq!((result.verdict, &*result.reason), (verdict, "part: the reason"));
    }
}

/// The first fault of a rig is the cause of the others, and outdoes whatever the lock seemed to do.
#[test]
fn a_rig_that_breaks_in_the_last_moment_makes_the_case_doubtful() {
    let program = program(vec![wait(1)]);
    let mut engine = Engine::new(&program, Precision::default());
    assert_eq!(play(&mut engine).verdict, Verdict::Pass);
    engine.stop(Verdict::Aborted, "stopped before it was at rest");
    assert_eq!(play(&mut engine).verdict, Verdict::Aborted);
    engine.stop(Verdict::Error, "first fault");
    engine.stop(Verdict::Error, "second fault");
    let result = play(&mut engine);
    assert_eq!((result.verdict, &*result.reason), (Verdict::Error, "first fault"));
}

/// What is shorter on a contact than a glitch, or than its `debounce`, is no change.
#[test]
fn a_contact_that_bounces_has_not_changed() {
    let open = Observation::Contact { channel: Channel::Bolt, value: false };
    let program = program(vec![Action::Never {
        observation: open,
        body: vec![Step::new("wait", Origin::Author, wait(200))],
    }]);
    let verdict = |length: u64, debounce: u64| {
        let precision = Precision { debounce: Duration::milliseconds(debounce), ..Precision::default() };
        let mut engine = Engine::new(&program, precision);
        engine.signal(at(0), &Channel::Bolt, Value::Switch(true));
        go(&mut engine, at(50));
        engine.signal(at(50), &Channel::Bolt, Value::Switch(false));
        engine.signal(at(50 + length), &Channel::Bolt, Value::Switch(true));
        play(&mut engine).verdict
    };
    assert_eq!(verdict(6, 0), Verdict::Pass);
    assert_eq!(verdict(30, 0), Verdict::Fail);
    assert_eq!(verdict(30, 50), Verdict::Pass);
    assert_eq!(verdict(60, 50), Verdict::Fail);
}

#[test]
fn what_never_happens_may_be_watched_while_branches_run_side_by_side() {
    let open = || Observation::Contact { channel: Channel::Bolt, value: false };
    let step = |action| Step::new("step", Origin::Author, action);
    let never = |length: u64| step(Action::Never { observation: open(), body: vec![step(wait(length))] });
    let inner = step(Action::Together(vec![vec![step(wait(10))], vec![step(wait(20))]]));
    let branches = Action::Together(vec![vec![inner, never(80)], vec![never(300)], vec![step(wait(200))]]);
    let program = program(vec![Action::Never { observation: open(), body: vec![step(branches)] }, wait(100)]);
    let verdict = |opens: u64| {
        let mut engine = Engine::new(&program, Precision::default());
        engine.signal(at(0), &Channel::Bolt, Value::Switch(true));
        go(&mut engine, at(opens));
        engine.signal(at(opens), &Channel::Bolt, Value::Switch(false));
        play(&mut engine).verdict
    };
    for (opens, expected) in
        [(50, Verdict::Fail), (150, Verdict::Fail), (250, Verdict::Fail), (350, Verdict::Pass)]
    {
        assert_eq!(verdict(opens), expected, "at {opens} ms");
    }
}

/// Whether an old code was refused must not hang on a millisecond that the rig can't tell.
#[test]
fn an_answer_too_close_to_its_limit_is_neither_taken_nor_refused() {
    let light = Channel::Light("status".into());
    let on = Some(Tolerance::parse("100 ms ±20 ms").expect("a tolerance"));
    let phase =
        Phase { colour: "green".into(), count: Some(1), on, off: None, lengths: Vec::new(), ends: false };
    let pattern = PulsePattern { phases: vec![phase] };
    let observation = Observation::Pulses { channel: light.clone(), pattern };
    let (mark, probe, second) = (Mark(0), Probe(0), Duration::seconds(1));
    let touch = Action::Set { channel: Channel::Beeper, value: Value::Switch(true), mark: Some(mark) };
    let watch =
        Action::Watch { observation, first: mark, since: mark, from_rest: false, within: second, probe };
    let judge = Action::Judge { probes: vec![probe], rule: Rule::No, reason: "the code was taken".into() };
    let program = Program { marks: 1, probes: 1, ..opening(vec![touch, watch, judge]) };
    let verdict = |length: u64| {
        let precision = Precision { observation: Duration::milliseconds(2), ..Precision::default() };
        let mut engine = Engine::new(&program, precision);
        while engine.poll().is_some() {}
        engine.achieved(0, at(0));
        go(&mut engine, at(50));
        engine.signal(at(50), &light, Value::Light(Some("green".into())));
        engine.signal(at(50 + length), &light, Value::Light(None));
        play(&mut engine).verdict
    };
    let expected = [
        (100, Verdict::Fail),
        (119, Verdict::Inconclusive),
        (121, Verdict::Inconclusive),
        (130, Verdict::Pass),
    ];
    for (length, expected) in expected {
        assert_eq!(verdict(length), expected, "{length} ms");
    }
}

/// In a window full of changes a confirmation could be hidden anywhere.
#[test]
fn too_many_changes_hide_what_they_could_mean() {
    let light = Channel::Light("status".into());
    let on = Some(Tolerance::parse("1 s ±20 %").expect("a tolerance"));
    let phase =
        Phase { colour: "green".into(), count: Some(1), on, off: None, lengths: Vec::new(), ends: false };
    let observations =
        vec![Observation::Pulses { channel: light.clone(), pattern: PulsePattern { phases: vec![phase] } }];
    let (since, within) = (Since::Here, Duration::seconds(20));
    let verdict = |pulses: u64| {
        let unseen = Action::Unseen { observations: observations.clone(), since, within };
        let program = program(vec![wait(10), unseen]);
        let mut engine = Engine::new(&program, Precision::default());
        for number in 0..pulses {
            let begin = 1_000 + number * 200;
            for (time, colour) in [(begin, Some("green".into())), (begin + 100, None)] {
                go(&mut engine, at(time));
                engine.signal(at(time), &light, Value::Light(colour));
            }
        }
        play(&mut engine).verdict
    };
    assert_eq!(verdict(32), Verdict::Pass, "64 changes");
    assert_eq!(verdict(33), Verdict::Inconclusive, "66 changes");
}

/// A step begins at the achieved edge of the command before it, not where that became known; a group around it
/// changes nothing.
#[test]
fn a_step_within_a_group_begins_where_the_command_before_it_was_achieved() {
    let inner = || Step::new("inner", Origin::Author, wait(100));
    for group in [
        wait(100),
        Action::Sequence(vec![inner()]),
        Action::Limited { within: Duration::seconds(1), body: vec![inner()] },
        Action::Sequence(vec![Step::new("group", Origin::Author, Action::Sequence(vec![inner()]))]),
    ] {
        let value = Value::Switch(true);
        let press = Action::Set { channel: Channel::Button("reset".into()), value, mark: None };
        let program = program(vec![press, group]);
        let mut engine = Engine::new(&program, Precision::default());
        while engine.poll().is_some() {}
        engine.advance(at(10), at(10));
        engine.achieved(0, at(5));
        while engine.poll().is_some() {}
        assert_eq!(engine.deadline(), at(105));
    }
}

/// The same message again is one more; the same measured value again is none.
#[test]
fn what_is_said_again_is_no_silence() {
    let verdict = |channel: Channel, before: Value, after: Value| {
        let quiet =
            Action::NoChange { channels: vec![channel.clone()], duration: Duration::milliseconds(100) };
        let program = program(vec![wait(20), quiet]);
        let mut engine = Engine::new(&program, Precision::default());
        engine.signal(at(10), &channel, before);
        go(&mut engine, at(50));
        engine.signal(at(50), &channel, after);
        play(&mut engine).verdict
    };
    let text = |words: &str| Value::Text(words.into());
    assert_eq!(verdict(Channel::Voice, text("hello"), text("hello")), Verdict::Fail);
    assert_eq!(verdict(Channel::Voice, text("hello"), text("bye")), Verdict::Fail);
    let notify = |what: &str| Value::Notify(what.into());
    assert_eq!(verdict(Channel::Hub, notify("reset"), notify("reset")), Verdict::Fail);
    let current = |milliamperes: i64| Value::Current(Current::from_millionths(milliamperes * 1_000));
    assert_eq!(verdict(Channel::Current, current(5), current(5)), Verdict::Pass);
    assert_eq!(verdict(Channel::Current, current(5), current(90)), Verdict::Fail);
}

/// What happened at the very moment of the last touch was not caused by it.
#[test]
fn a_code_is_taken_only_after_its_last_touch() {
    let (mark, probe) = (Mark(0), Probe(0));
    let touch =
        Action::Set { channel: Channel::Button("1".into()), value: Value::Switch(true), mark: Some(mark) };
    let observation = Observation::Contact { channel: Channel::Bolt, value: false };
    let within = Duration::seconds(1);
    let watch = Action::Watch { observation, first: mark, since: mark, from_rest: true, within, probe };
    let judge = Action::Judge { probes: vec![probe], rule: Rule::Yes, reason: "it was refused".into() };
    let program = Program { marks: 1, probes: 1, ..opening(vec![touch, watch, judge]) };
    let verdict = |opens: Instant| {
        let mut engine = Engine::new(&program, Precision::default());
        engine.signal(at(0), &Channel::Bolt, Value::Switch(true));
        engine.advance(at(0), at(0));
        while engine.poll().is_some() {}
        engine.achieved(0, at(20));
        engine.advance(at(20), at(19));
        engine.signal(opens, &Channel::Bolt, Value::Switch(false));
        play(&mut engine).verdict
    };
    assert_eq!(verdict(at(20)), Verdict::Fail);
    assert_eq!(verdict(at(20) + Duration::nanoseconds(1)), Verdict::Pass);
    assert_eq!(verdict(at(60)), Verdict::Pass);
}

/// What was said before a silence, however often, does not break it; what is said at its last moment does.
#[test]
fn a_silence_is_broken_within_it_only() {
    let verdict = |channel: Channel, value: Value, times: &[u64]| {
        let quiet =
            Action::NoChange { channels: vec![channel.clone()], duration: Duration::milliseconds(100) };
        let program = program(vec![wait(20), quiet, wait(200)]);
        let mut engine = Engine::new(&program, Precision::default());
        for time in times {
            go(&mut engine, at(*time));
            engine.signal(at(*time), &channel, value.clone());
        }
        play(&mut engine).verdict
    };
    let current = Value::Current(Current::from_millionths(9_000));
    for (channel, value) in [
        (Channel::Voice, Value::Text("hello".into())),
        (Channel::Hub, Value::Notify("reset".into())),
        (Channel::Current, current),
    ] {
        let verdict = |times: &[u64]| verdict(channel.clone(), value.clone(), times);
        for before in [&[5][..], &[5, 10], &[5, 10, 20], &[1, 2, 3, 4, 5]] {
            assert_eq!(verdict(before), Verdict::Pass, "{channel} at {before:?}");
        }
        assert_eq!(verdict(&[5, 10, 121]), Verdict::Pass, "{channel}");
        for within in [&[21][..], &[60], &[120]] {
            assert_eq!(verdict(within), Verdict::Fail, "{channel} at {within:?}");
        }
    }
}

#[test]
fn a_window_of_silence_ends_when_it_ends() {
    let quiet = Action::NoChange { channels: vec![Channel::Bolt], duration: Duration::milliseconds(100) };
    let program = opening(vec![wait(20), quiet, wait(100)]);
    for (moves, expected) in
        [(10, Verdict::Pass), (21, Verdict::Fail), (119, Verdict::Fail), (122, Verdict::Pass)]
    {
        let mut engine = Engine::new(&program, Precision::default());
        engine.signal(at(0), &Channel::Bolt, Value::Switch(true));
        go(&mut engine, at(moves));
        engine.signal(at(moves), &Channel::Bolt, Value::Switch(false));
        assert_eq!(play(&mut engine).verdict, expected, "at {moves} ms");
    }
}

/// Both ends of a window of silence belong to it, and so do both ends of a sound.
#[test]
fn a_sound_breaks_a_silence_by_its_beginning_and_by_its_end() {
    let quiet = Action::NoChange { channels: vec![Channel::Beeper], duration: Duration::milliseconds(100) };
    let program = program(vec![wait(20), quiet, wait(200)]);
    let cases = [
        (5, 19, Verdict::Pass),
        (5, 20, Verdict::Fail),
        (5, 60, Verdict::Fail),
        (5, 120, Verdict::Fail),
        (5, 121, Verdict::Pass),
        (5, 300, Verdict::Pass),
        (19, 300, Verdict::Pass),
        (20, 300, Verdict::Fail),
        (20, 60, Verdict::Fail),
        (120, 300, Verdict::Fail),
        (121, 300, Verdict::Pass),
    ];
    for (on, off, expected) in cases {
        let mut engine = Engine::new(&program, Precision::default());
        for (moment, value) in [(on, true), (off, false)] {
            go(&mut engine, at(moment));
            engine.signal(at(moment), &Channel::Beeper, Value::Switch(value));
        }
        assert_eq!(play(&mut engine).verdict, expected, "on at {on} ms, off at {off} ms");
    }
}

/// A bench asks beforehand what is held, how long at most, and what beside what.
#[test]
fn holds_side_by_side_are_known_beforehand() {
    let button = |name: &str| Channel::Button(name.into());
    let set = |name: &str, on| Action::Set { channel: button(name), value: Value::Switch(on), mark: None };
    let step = |action| Step::new("step", Origin::Author, action);
    let held = |name: &str, before: u64, length: u64| {
        [wait(before), set(name, true), wait(length), set(name, false)].map(step).to_vec()
    };
    let branches = Action::Together(vec![held("a", 0, 3_000), held("b", 1_000, 1_000)]);
    let mut actions = vec![set("d", true), branches, set("d", false), wait(10)];
    actions.extend(held("c", 0, 2_000).into_iter().map(|step| step.action));
    let holds = program(actions).holds(|_, value| *value == Value::Switch(true));
    let longest: Vec<(Channel, Duration)> = holds.longest.into_iter().collect();
    let seconds = Duration::seconds;
    let expected = [("a", 3), ("b", 1), ("c", 2), ("d", 3)];
    assert_eq!(longest, expected.map(|(name, length)| (button(name), seconds(length))));
    let together: Vec<_> = holds.together.into_iter().collect();
    let pairs = [("a", "b"), ("a", "d"), ("b", "d"), ("c", "d")];
    let pairs: Vec<_> = pairs.iter().map(|(one, other)| (button(one), button(other))).collect();
    assert!(pairs[..3].iter().all(|pair| together.contains(pair)), "{together:?}");
    assert!(!together.contains(&pairs[3]), "{together:?}");
}

/// What fails among the claims does not keep the others from being judged; what ends a case does.
#[test]
fn claims_after_one_that_fails_are_judged() {
    let open = Observation::Contact { channel: Channel::Bolt, value: false };
    let within = Duration::milliseconds(50);
    let unmet = Action::Observe { observation: open, since: Since::Here, within, mark: None, already: false };
    for (stage, judged) in [(Stage::Arrange, 1), (Stage::Act, 1), (Stage::Between, 2), (Stage::Expect, 2)] {
        let part = |name: &str, action: &Action| {
            let step = Step::new("step", Origin::Claim, action.clone());
            Part { name: name.into(), stage, tries_code: false, steps: vec![step] }
        };
        let parts = vec![part("one", &unmet), part("other", &wait(20))];
        let program = Program { parts, time_limit: Duration::seconds(60), ..Program::default() };
        let mut engine = Engine::new(&program, Precision::default());
        let result = play(&mut engine);
        assert_eq!((result.verdict, result.parts.len()), (Verdict::Fail, judged), "{stage:?}");
        for verdict in [Verdict::Aborted, Verdict::Error] {
            let mut engine = Engine::new(&program, Precision::default());
            engine.advance(at(10), at(10));
            engine.stop(verdict, "the reason");
            let result = play(&mut engine);
            assert_eq!((result.verdict, result.parts.len()), (verdict, 1), "{stage:?}");
        }
    }
}

/// Whatever is asked and however it is answered: what is no answer to the question proves nothing.
#[test]
fn answers_are_judged_by_what_they_say() {
    let answer = |ok, reason, paired, users, codes| {
        Some(Response { ok, reason, paired, users, codes, ..Response::default() })
    };
    let none = Reason::default();
    let answers = [
        ("silence", None),
        ("ok", answer(true, none, None, None, None)),
        ("ok, paired", answer(true, none, Some(true), None, None)),
        ("ok, paired, 1 user, 2 codes", answer(true, none, Some(true), Some(1), Some(2))),
        ("ok, paired, 2 users, 2 codes", answer(true, none, Some(true), Some(2), Some(2))),
        ("ok, paired, 1 user, 3 codes", answer(true, none, Some(true), Some(1), Some(3))),
        ("ok, unpaired", answer(true, none, Some(false), None, None)),
        ("ok, unpaired, 0 users, 0 codes", answer(true, none, Some(false), Some(0), Some(0))),
        ("ok, unpaired, 1 user", answer(true, none, Some(false), Some(1), None)),
        ("ok, unpaired, 1 code", answer(true, none, Some(false), None, Some(1))),
        ("ok, 1 code", answer(true, none, None, None, Some(1))),
        ("refused", answer(false, none, None, None, None)),
        ("refused, locked", answer(false, Reason::Locked, None, None, None)),
        ("refused, paired", answer(false, none, Some(true), None, None)),
        ("refused, unpaired", answer(false, none, Some(false), Some(0), Some(0))),
    ];
    let expectations = [
        ("done", Expected::Done),
        ("refused", Expected::Refused),
        ("paired", Expected::Paired(true)),
        ("unpaired", Expected::Paired(false)),
        ("erased", Expected::Erased { codes: false }),
        ("erased with codes", Expected::Erased { codes: true }),
        ("holds", Expected::Holds { codes: None, users: false }),
        ("holds 2 codes", Expected::Holds { codes: Some(2), users: false }),
        ("holds users", Expected::Holds { codes: None, users: true }),
        ("a probe that must say no", Expected::Probe(Probe(0))),
    ];
    let mut all = String::new();
    for channel in [Channel::Hub, Channel::Memory] {
        for (wanted, expected) in &expectations {
            for (said, response) in &answers {
                let within = Duration::seconds(1);
                let (channel, expected) = (channel.clone(), *expected);
                let ask = Action::Ask {
                    channel: channel.clone(),
                    op: "ask".into(),
                    arguments: vec![],
                    expected,
                    within,
                    mark: None,
                };
                let reason = "the probe says yes".into();
                let judge = Action::Judge { probes: vec![Probe(0)], rule: Rule::No, reason };
                let is_probe = matches!(expected, Expected::Probe(_));
                let actions = if is_probe { vec![ask, judge] } else { vec![ask] };
                let program = Program { probes: 1, ..program(actions) };
                let mut engine = Engine::new(&program, Precision::default());
                while engine.poll().is_some() {}
                engine.achieved(0, at(0));
                go(&mut engine, at(10));
                if let Some(response) = response {
                    engine.signal(at(10), &channel, Value::Response(response.clone()));
                }
                let result = play(&mut engine);
                all += &format!("{channel}, {wanted}: {said}: {} {}\n", result.verdict, result.reason);
            }
        }
    }
    insta::assert_snapshot!(all);
}

/// What a probe found is judged by the numbers of the codes that were asked for; what it does not say proves nothing.
#[test]
fn what_a_memory_holds_is_judged_by_what_was_found() {
    let place = |code, address| Found { code, encoding: "ascii".into(), address };
    let found = |places: &[Found]| Response { ok: true, found: Some(places.to_vec()), ..Response::default() };
    let digest = |text: &str| Response { ok: true, digest: Some(text.into()), ..Response::default() };
    let locked = Response { reason: Reason::Locked, ..Response::default() };
    let answers = [
        ("silence", None),
        ("locked", Some(locked)),
        ("nothing of it", Some(Response { ok: true, ..Response::default() })),
        ("none", Some(found(&[]))),
        ("the first", Some(found(&[place(1, 16), place(1, 64)]))),
        ("both", Some(found(&[place(2, 16), place(1, 64)]))),
        ("a third", Some(found(&[place(3, 16)]))),
        ("a digest", Some(digest("aa"))),
    ];
    let secret = |handle: &str| Argument::Secret(Handle::new(handle));
    let ask = |expected| Action::Ask {
        channel: Channel::Memory,
        op: "search".into(),
        arguments: vec![("code.1".into(), secret("user.1")), ("code.2".into(), secret("user.2"))],
        expected,
        within: Duration::seconds(1),
        mark: None,
    };
    let mut all = String::new();
    for (wanted, asks) in [
        ("all", vec![ask(Expected::Found(Presence::All))]),
        ("none", vec![ask(Expected::Found(Presence::None))]),
        ("all or none", vec![ask(Expected::Found(Presence::AllOrNone))]),
        ("a digest", vec![ask(Expected::Digest)]),
        ("the same digest", vec![ask(Expected::SameDigest)]),
        ("the same as `aa`", vec![ask(Expected::Digest), ask(Expected::SameDigest)]),
        ("the same as `bb`", vec![ask(Expected::Digest), ask(Expected::SameDigest)]),
    ] {
        for (said, response) in &answers {
            let program = program(asks.clone());
            let mut engine = Engine::new(&program, Precision::default());
            while engine.poll().is_some() {}
            let mut earlier = Vec::new();
            if asks.len() > 1 {
                earlier.push(Some(digest(wanted.split('`').nth(1).expect("a digest"))));
            }
            for (number, response) in (0..).zip(earlier.iter().chain([response])) {
                engine.achieved(number, at(10 * number));
                go(&mut engine, at(10 * number + 5));
                if let Some(response) = response {
                    let response = Response { id: number, ..response.clone() };
                    engine.signal(at(10 * number + 5), &Channel::Memory, Value::Response(response));
                }
                go(&mut engine, at(10 * number + 6));
                while engine.poll().is_some() {}
            }
            let result = play(&mut engine);
            all += &format!("{wanted}: {said}: {} {}\n", result.verdict, result.reason);
        }
    }
    insta::assert_snapshot!(all);
}
