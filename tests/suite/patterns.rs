//! Light and beep patterns, judged on edges.

use std::sync::Arc;

use lockrig::trace::{Edge, GLITCH, Judgement, Length, Phase, PulsePattern, Value};
use lockrig::unit::{Duration, Instant, Tolerance};
use proptest::prelude::*;

/// Edges of a light from (colour, on in ms, off in ms).
fn train(pulses: &[(&str, u64, u64)]) -> Vec<Edge> {
    let mut now = Instant::START + Duration::milliseconds(100);
    let mut edges = Vec::new();
    for (colour, on, off) in pulses {
        edges.push(Edge { at: now, value: Value::Light(Some(Arc::from(*colour))) });
        now = now + Duration::milliseconds(*on);
        edges.push(Edge { at: now, value: Value::Light(None) });
        now = now + Duration::milliseconds(*off);
    }
    edges
}

fn phase(colour: &str, count: Option<u32>) -> Phase {
    Phase { colour: colour.into(), count, on: None, off: None, lengths: Vec::new(), ends: false }
}

fn pattern(phases: Vec<Phase>) -> PulsePattern {
    PulsePattern { phases }
}

/// The judgement once everything is known.
fn judged(pattern: &PulsePattern, edges: &[Edge]) -> Judgement {
    let far = Instant::START + Duration::seconds(1_000);
    let deadline = Instant::START + Duration::seconds(20);
    pattern.judge(edges, (Instant::START, deadline), far, Duration::ZERO)
}

fn unmet(pattern: &PulsePattern, edges: &[Edge], reason: &str) {
    match judged(pattern, edges) {
        Judgement::Unmet { reason: said } => assert!(said.contains(reason), "{said}"),
        other => panic!("{other:?} instead of {reason}"),
    }
}

fn met(pattern: &PulsePattern, edges: &[Edge]) {
    let judgement = judged(pattern, edges);
    assert!(matches!(judgement, Judgement::Met { .. }), "{judgement:?}");
}

#[test]
fn a_count_is_exact() {
    let three = pattern(vec![phase("green", Some(3))]);
    met(&three, &train(&[("green", 200, 200); 3]));
    unmet(&three, &train(&[("green", 200, 200); 2]), "2 of 3");
    unmet(&three, &train(&[("green", 200, 200); 4]), "more than 3");
    unmet(&three, &train(&[("red", 200, 200); 3]), "red was seen instead");
}

#[test]
fn three_of_four_blinks_are_not_three_even_before_the_fourth() {
    let three = pattern(vec![phase("green", Some(3))]);
    let edges = train(&[("green", 200, 200); 4]);
    let deadline = Instant::START + Duration::seconds(20);
    // Just after the third went off nothing is claimed yet.
    let horizon = edges[5].at + Duration::milliseconds(50);
    let judgement = three.judge(&edges, (Instant::START, deadline), horizon, Duration::ZERO);
    assert!(matches!(judgement, Judgement::Pending { .. }), "{judgement:?}");
}

#[test]
fn colours_that_take_turns_are_counted_in_rounds() {
    let turns = |rounds: u32| {
        let all = (0..rounds).flat_map(|_| ["green", "red"]).map(|colour| phase(colour, Some(1)));
        let mut phases: Vec<Phase> = all.collect();
        phases.last_mut().expect("a phase").ends = true;
        pattern(phases)
    };
    let shown = |rounds: usize, pause: u64| train(&[("green", 300, 0), ("red", 300, pause)].repeat(rounds));
    for pause in [0, 200] {
        met(&turns(3), &shown(3, pause));
        unmet(&turns(3), &shown(2, pause), "green pulsed 0 of 1 times");
        unmet(&turns(3), &shown(4, pause), "green followed the last red");
    }
    // A pause of theirs that is longer than the usual interval is no end.
    met(&turns(3), &shown(3, 1_200));
    unmet(&turns(3), &shown(4, 1_200), "green followed the last red");
    unmet(&turns(2), &train(&[("green", 300, 0), ("green", 300, 100), ("red", 300, 100)]), "of 1 time");
}

#[test]
fn order_matters() {
    let both = pattern(vec![phase("red", Some(3)), phase("green", None)]);
    met(&both, &train(&[("red", 200, 200), ("red", 200, 200), ("red", 200, 400), ("green", 300, 0)]));
    unmet(
        &both,
        &train(&[("green", 300, 200), ("red", 200, 200), ("red", 200, 200), ("red", 200, 0)]),
        "no green",
    );
}

#[test]
fn a_light_that_sticks_after_blinking_is_found() {
    let three = pattern(vec![phase("green", Some(3))]);
    let mut edges = train(&[("green", 200, 200); 3]);
    edges.pop();
    unmet(&three, &edges, "stuck");
    unmet(&three, &train(&[("green", 200, 200), ("green", 200, 200), ("green", 6_000, 0)]), "stuck");
}

#[test]
fn on_and_off_times_have_tolerances_and_a_guard_band() {
    let within = |text: &str| Some(Tolerance::parse(text).expect("a tolerance"));
    let timed =
        Phase { on: within("200 ms ±10 %"), off: within("300 ms ±30 ms"), ..phase("green", Some(2)) };
    let timed = pattern(vec![timed]);
    met(&timed, &train(&[("green", 210, 310), ("green", 190, 0)]));
    unmet(
        &timed,
        &train(&[("green", 250, 300), ("green", 200, 0)]),
        "1 pulse did not have the stated length",
    );
    unmet(&timed, &train(&[("green", 200, 400), ("green", 200, 0)]), "was off for 400 ms");
    let edges = train(&[("green", 219, 300), ("green", 200, 0)]);
    let far = Instant::START + Duration::seconds(100);
    let deadline = Instant::START + Duration::seconds(20);
    let judgement = timed.judge(&edges, (Instant::START, deadline), far, Duration::milliseconds(5));
    assert!(matches!(judgement, Judgement::Unclear { .. }), "{judgement:?}");
}

#[test]
fn a_last_pulse_that_outlives_the_window_is_unmet_and_stays_so() {
    let three = pattern(vec![phase("green", Some(3))]);
    let edges = train(&[("green", 361, 1_989), ("green", 597, 291), ("green", 307, 20)]);
    let deadline = edges[4].at + Duration::milliseconds(207);
    for later in [50, 101, 500, 3_000, 60_000] {
        let horizon = deadline + Duration::milliseconds(later);
        let known: Vec<Edge> = edges.iter().filter(|edge| edge.at <= horizon).cloned().collect();
        let judgement = three.judge(&known, (Instant::START, deadline), horizon, Duration::ZERO);
        assert!(matches!(judgement, Judgement::Unmet { .. }), "after {later} ms: {judgement:?}");
    }
}

#[test]
fn long_and_short_are_relative() {
    let lengths = vec![Length::Long, Length::Short, Length::Short];
    let rhythm = pattern(vec![Phase { lengths, ..phase("green", Some(3)) }]);
    met(&rhythm, &train(&[("green", 900, 300), ("green", 200, 200), ("green", 200, 0)]));
    unmet(
        &rhythm,
        &train(&[("green", 200, 300), ("green", 200, 200), ("green", 200, 0)]),
        "not clearly longer",
    );
}

#[test]
fn long_alone_is_no_short_one() {
    let lengths = vec![Length::Long; 3];
    let alone = pattern(vec![Phase { lengths, ..phase("green", Some(3)) }]);
    met(&alone, &train(&[("green", 500, 300), ("green", 450, 200), ("green", 500, 0)]));
    unmet(&alone, &train(&[("green", 500, 300), ("green", 150, 200), ("green", 500, 0)]), "is not long");
    let short = pattern(vec![Phase { lengths: vec![Length::Short], ..phase("green", Some(1)) }]);
    met(&short, &train(&[("green", 150, 0)]));
    unmet(&short, &train(&[("green", 700, 0)]), "is not short");
}

#[test]
fn a_pulse_that_began_before_the_window_does_not_count() {
    let one = pattern(vec![phase("green", Some(1))]);
    let edges = train(&[("green", 500, 500), ("green", 200, 0)]);
    let since = edges[0].at + Duration::milliseconds(1);
    let far = Instant::START + Duration::seconds(100);
    let deadline = Instant::START + Duration::seconds(20);
    assert!(matches!(one.judge(&edges, (since, deadline), far, Duration::ZERO), Judgement::Met { .. }));
}

proptest! {
    /// Flicker shorter than a glitch changes no judgement.
    #[test]
    fn glitches_change_nothing(
        count in 1_u32..5,
        wanted in 1_u32..5,
        on in 60_u64..400,
        off in 60_u64..400,
        at in 12_u64..40,
        gap in 1_u64..7,
        noise_at in 15_u64..40,
    ) {
        let clean: Vec<_> = (0..count).map(|_| ("green", on, off)).collect();
        let clean = train(&clean);
        let mut noisy = Vec::new();
        for pair in clean.chunks(2) {
            let start = pair[0].at;
            noisy.push(pair[0].clone());
            noisy.push(Edge { at: start + Duration::milliseconds(at), value: Value::Light(None) });
            noisy.push(Edge { at: start + Duration::milliseconds(at + gap), value: pair[0].value.clone() });
            noisy.push(pair[1].clone());
            let spike = pair[1].at + Duration::milliseconds(noise_at);
            noisy.push(Edge { at: spike, value: pair[0].value.clone() });
            noisy.push(Edge { at: spike + Duration::milliseconds(gap), value: Value::Light(None) });
        }
        prop_assert!(Duration::milliseconds(gap) < GLITCH);
        let pattern = pattern(vec![phase("green", Some(wanted))]);
        let (a, b) = (judged(&pattern, &clean), judged(&pattern, &noisy));
        prop_assert_eq!(matches!(a, Judgement::Met { .. }), count == wanted);
        prop_assert_eq!(a, b);
    }

    /// What is met stays met, and what is unmet stays unmet, whatever comes after the horizon.
    #[test]
    fn a_judgement_is_final(
        pulses in proptest::collection::vec((0_usize..2, 20_u64..600, 20_u64..2_500), 0..8),
        count in proptest::option::of(1_u32..4),
        steps in proptest::collection::vec(1_u64..900, 1..60),
    ) {
        let colours = ["red", "green"];
        let list: Vec<_> = pulses.iter().map(|(c, on, off)| (colours[*c], *on, *off)).collect();
        let edges = train(&list);
        let pattern = pattern(vec![phase("green", count)]);
        let deadline = Instant::START + Duration::seconds(6);
        let mut horizon = Instant::START;
        let mut first: Option<bool> = None;
        for step in steps {
            horizon = horizon + Duration::milliseconds(step);
            let known: Vec<Edge> = edges.iter().filter(|edge| edge.at <= horizon).cloned().collect();
            let judgement = pattern.judge(&known, (Instant::START, deadline), horizon, Duration::ZERO);
            let now = match judgement {
                Judgement::Met { .. } => Some(true),
                Judgement::Unmet { .. } => Some(false),
                _ => None,
            };
            if let Some(before) = first {
                prop_assert_eq!(now, Some(before));
            }
            first = first.or(now);
        }
    }
}
