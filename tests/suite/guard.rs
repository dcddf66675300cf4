//! What the guard decides, on a clock that the test turns.

use std::collections::BTreeMap;

use lockrig::guard::{Core, Edge, Limits, OutputSpec, Program, Setup, When};
use lockrig::rig::{Active, Drive};
use lockrig::unit::{Duration, Moment};
use proptest::prelude::*;

const MAX_ON: Duration = Duration::seconds(5);

/// Three outputs that rest without power, of which the first two exclude each other, and one that
/// rests with power.
fn setup() -> Setup {
    let output = |number: u32, rest, max_on| OutputSpec {
        name: format!("output {number}"),
        board: "board".into(),
        number,
        active: Active::High,
        limits: Limits { rest, max_on },
    };
    let outputs = (0..3).map(|number| output(number, Drive::Deenergised, Some(MAX_ON)));
    let outputs = outputs.chain([output(3, Drive::Energised, None)]).collect();
    Setup {
        rig: "test".into(),
        boards: BTreeMap::new(),
        outputs,
        exclusive: vec![vec![0, 1]],
        watchdog: None,
    }
}

fn at(milliseconds: u64) -> Moment {
    Moment::from_nanoseconds(1_000_000_000_000 + milliseconds * 1_000_000)
}

fn on(command: u64, output: usize, when: When) -> Edge {
    Edge { command, output, drive: Drive::Energised, when }
}

fn off(command: u64, output: usize, when: When) -> Edge {
    Edge { command, output, drive: Drive::Deenergised, when }
}

fn after(command: u64, milliseconds: u64) -> When {
    When::After { command, delay: Duration::milliseconds(milliseconds) }
}

fn refused(core: &mut Core, program: Program, reason: &str) {
    let refusal = core.play(at(0), &program).expect_err("a refusal").to_string();
    assert!(refusal.contains(reason), "{refusal}");
    assert_eq!(core.next(), Moment::NEVER, "nothing of it is played");
}

#[test]
fn a_program_that_could_break_a_limit_is_refused_before_it_starts() {
    let mut core = Core::new(&setup());
    let long =
        Program { edges: vec![on(1, 0, When::At(at(0))), off(2, 0, after(1, 5_001))], ..Program::default() };
    refused(&mut core, long, "could be on for 5.001 s");
    let endless = Program { edges: vec![on(1, 0, When::At(at(0)))], ..Program::default() };
    refused(&mut core, endless.clone(), "without an end");
    let bounds = BTreeMap::from([(0, Duration::seconds(6))]);
    refused(&mut core, Program { bounds, ..endless }, "could be on for 6 s");
    let both = vec![
        on(1, 0, When::At(at(0))),
        on(2, 1, after(1, 100)),
        off(3, 0, after(1, 200)),
        off(4, 1, after(1, 300)),
    ];
    refused(&mut core, Program { edges: both, ..Program::default() }, "could be on together");
    let stranger = Program { edges: vec![on(1, 9, When::At(at(0)))], ..Program::default() };
    refused(&mut core, stranger, "no output 9");
    let orphan = Program { edges: vec![on(1, 0, after(77, 0))], ..Program::default() };
    refused(&mut core, orphan, "never given");
}

/// Plays what is due at a moment, each edge `late` after it; panics at what must never be.
fn turn(core: &mut Core, now: Moment, late: Duration, levels: &mut BTreeMap<usize, (Drive, Moment)>) {
    while let Some(effect) = core.due(now) {
        core.driven(effect, now + late);
        levels.insert(effect.output, (effect.drive, now + late));
    }
    if core.tripped().is_some() {
        levels.values_mut().for_each(|level| *level = (Drive::Deenergised, now));
    }
}

#[test]
fn a_hold_that_nobody_ends_is_ended() {
    let mut core = Core::new(&setup());
    let bounds = BTreeMap::from([(2, Duration::seconds(3))]);
    let program = Program { edges: vec![on(1, 2, When::At(at(0)))], bounds };
    core.play(at(0), &program).expect("a fine program");
    let effect = core.due(at(0)).expect("an edge");
    assert!(core.driven(effect, at(0)).is_none());
    assert_eq!(core.next(), at(3_000));
    let effect = core.due(at(3_000)).expect("the end of the hold");
    assert_eq!((effect.output, effect.drive, effect.command), (2, Drive::Deenergised, None));
    assert_eq!(core.driven(effect, at(3_000)), Some("output 2"));
}

#[test]
fn a_newer_program_supersedes_the_same_output_only() {
    let mut core = Core::new(&setup());
    let edges = vec![on(1, 0, When::At(at(0))), off(2, 0, after(1, 4_000))];
    core.play(at(0), &Program { edges, ..Program::default() }).expect("a fine program");
    let edges = vec![on(3, 2, When::At(at(0))), off(4, 2, after(3, 1_000))];
    core.play(at(0), &Program { edges, ..Program::default() }).expect("a fine program");
    let mut levels = BTreeMap::new();
    turn(&mut core, at(0), Duration::ZERO, &mut levels);
    let edges = vec![off(5, 0, When::At(at(10)))];
    core.play(at(10), &Program { edges, ..Program::default() }).expect("a fine program");
    turn(&mut core, at(10), Duration::ZERO, &mut levels);
    assert_eq!(levels[&0].0, Drive::Deenergised);
    assert_eq!(levels[&2].0, Drive::Energised);
    assert_eq!(core.next(), at(1_000));
}

#[test]
fn edges_that_follow_a_superseded_command_end_in_rest() {
    let mut core = Core::new(&setup());
    let edges = vec![
        on(1, 0, When::At(at(0))),
        off(2, 0, after(1, 100)),
        on(3, 2, When::At(at(0))),
        off(4, 2, after(2, 100)),
    ];
    core.play(at(0), &Program { edges, ..Program::default() }).expect("a fine program");
    let mut levels = BTreeMap::new();
    turn(&mut core, at(0), Duration::ZERO, &mut levels);
    let edges = vec![off(5, 0, When::At(at(10)))];
    core.play(at(10), &Program { edges, ..Program::default() }).expect("a fine program");
    turn(&mut core, at(10), Duration::ZERO, &mut levels);
    assert_eq!(levels[&2].0, Drive::Deenergised, "its end would never have come");
}

#[test]
fn silence_is_death() {
    let mut core = Core::new(&setup());
    core.heard(at(0));
    core.check_silence(at(199));
    assert!(core.tripped().is_none());
    core.check_silence(at(200));
    assert!(core.tripped().is_some());
    let program = Program { edges: vec![off(1, 0, When::At(at(0)))], ..Program::default() };
    assert!(core.play(at(300), &program).is_err(), "nothing is played after that");
}

prop_compose! {
    fn edge()(
        output in 0_usize..4,
        energised: bool,
        base in proptest::option::of(0_u64..40),
        delay in 0_u64..4_000,
    ) -> (usize, bool, Option<u64>, u64) {
        (output, energised, base, delay)
    }
}

proptest! {
    /// Whatever is asked, and however late it is played: no limit is exceeded by more than one turn
    /// of the loop, no two exclusive outputs are on together, and what was accepted ends by itself.
    #[test]
    fn no_limit_is_ever_exceeded(
        programs in proptest::collection::vec(
            (proptest::collection::vec(edge(), 1..8), 0_u64..1_500, proptest::option::of(1_u64..6_000)),
            1..12,
        ),
        late in 0_u64..3,
    ) {
        let late = Duration::milliseconds(late);
        let mut core = Core::new(&setup());
        let mut levels: BTreeMap<usize, (Drive, Moment)> = BTreeMap::new();
        let mut since: BTreeMap<usize, Moment> = BTreeMap::new();
        let mut command = 0;
        let mut now = 0;
        let mut pending = programs.into_iter();
        let mut next_at = 0;
        let mut idle = 0;
        while idle < 40_000 {
            if now >= next_at && let Some((edges, gap, bound)) = pending.next() {
                let mut program = Program::default();
                for (output, energised, base, delay) in edges {
                    command += 1;
                    let when = match base {
                        Some(back) if back < command && back > 0 => after(command - back, delay),
                        _ => When::At(at(now + delay)),
                    };
                    let drive = if energised { Drive::Energised } else { Drive::Deenergised };
                    program.edges.push(Edge { command, output, drive, when });
                    if let Some(bound) = bound {
                        program.bounds.insert(output, Duration::milliseconds(bound));
                    }
                }
                // Most are refused, and that is as good as any.
                let _ = core.play(at(now), &program);
                next_at = now + gap;
                idle = 0;
            }
            turn(&mut core, at(now), late, &mut levels);
            let away = |output: usize| {
                levels.get(&output).is_some_and(|(drive, _)| *drive == Drive::Energised)
            };
            prop_assert!(!(away(0) && away(1)), "two exclusive outputs are on at {} ms", now);
            for output in 0..3 {
                if away(output) {
                    let begin = *since.entry(output).or_insert(at(now));
                    let most = MAX_ON.saturating_add(Duration::milliseconds(30));
                    prop_assert!(at(now).since(begin) <= most, "output {} is on for too long", output);
                } else {
                    since.remove(&output);
                }
            }
            let step = if core.next() == Moment::NEVER { 500 } else { 10 };
            now += step;
            idle += step;
        }
        prop_assert!((0..3).all(|output| levels.get(&output).is_none_or(|l| l.0 == Drive::Deenergised)));
    }
}
