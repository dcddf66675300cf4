//! What must cost no more than in proportion, and must not end the run.

use std::time::{Duration as Wall, Instant as Clock};

use lockrig::engine::{Engine, Precision};
use lockrig::run::contain;
use lockrig::scenario::ast::Observation;
use lockrig::scenario::{Action, Origin, Part, Program, Since, Stage, Step};
use lockrig::trace::{Channel, Phase, PulsePattern, Value};
use lockrig::unit::{Duration, Instant};
use lockrig::verdict::Verdict;

use crate::common::{empty_folder, lockrig, root, text};

/// Time for the engine to watch a light that changes so often, a dimmed one at 1 kHz, and the verdict.
fn watched(edges: u64) -> (Wall, Option<Verdict>) {
    let light = Channel::Light("status".into());
    let phase =
        Phase { colour: "red".into(), count: None, on: None, off: None, lengths: Vec::new(), ends: false };
    let observation =
        Observation::Pulses { channel: light.clone(), pattern: PulsePattern { phases: vec![phase] } };
    let period = Duration::microseconds(500);
    let wait = Action::Wait { since: Since::Here, duration: period.times(edges) };
    let body = vec![Step::new("wait", Origin::Author, wait)];
    let never = Step::new("never see red", Origin::Author, Action::Never { observation, body });
    let part = Part { name: "dimmed".into(), stage: Stage::Act, tries_code: false, steps: vec![never] };
    let program = Program { parts: vec![part], time_limit: Duration::seconds(1 << 30), ..Program::default() };
    let start = Clock::now();
    let mut engine = Engine::new(&program, Precision::default());
    for number in 0..edges {
        let at = Instant::START + period.times(number);
        let colour = number.is_multiple_of(2).then(|| "green".into());
        engine.signal(at, &light, Value::Light(colour));
        engine.advance(at, at);
        while engine.poll().is_some() {}
    }
    while engine.result().is_none() {
        let at = engine.deadline();
        engine.advance(at, at);
        while engine.poll().is_some() {}
    }
    (start.elapsed(), engine.result().map(|result| result.verdict))
}

/// Sixteen times the work may take a few dozen times as long on a busy machine; the square would be 256.
fn in_proportion(work: impl Fn(u32) -> Wall) {
    let best = |size: u32| (0..3).map(|_| work(size)).min().expect("three");
    let (few, many) = (best(1), best(16));
    assert!(many < few.saturating_mul(80) + Wall::from_millis(50), "{few:?} and {many:?}");
}

#[test]
fn a_light_that_is_dimmed_costs_in_proportion_to_its_edges() {
    in_proportion(|size| {
        let (took, verdict) = watched(10_000 * u64::from(size));
        assert_eq!(verdict, Some(Verdict::Pass));
        took
    });
}

#[test]
fn cases_that_are_named_cost_in_proportion_to_their_number() {
    let folder = empty_folder();
    in_proportion(|size| {
        let ids =
            (1..=400 * size).map(|number| format!("restart-erases-nothing~august-smart-lock~app~r{number}"));
        let words = ["run", "restart-erases-nothing", "--dry-run", "--repeat", "6400"];
        let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for id in ids {
            arguments.extend(["--case".to_owned(), id]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let start = Clock::now();
        let output = lockrig(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        start.elapsed()
    });
}

#[test]
fn a_fault_of_lockrigs_own_is_an_error_with_its_reason() {
    assert_eq!(contain(|| 7), Ok(7));
    let fault = contain(|| "none".parse::<usize>().expect("a number")).expect_err("it panics");
    let result = fault.result();
    assert_eq!(result.verdict, Verdict::Error);
    assert!(
        result.reason.contains("lockrig itself failed") && result.reason.contains("a number"),
        "{result:?}"
    );
}

/// The scenario that is timed beside other tools is one of today's language.
#[test]
fn steps_are_timed_with_a_scenario_that_plays() {
    let folder = empty_folder();
    let steps = root().join("benches/peers/steps.yaml").display().to_string();
    let output = lockrig(folder.path(), &["run", &steps, "--model", "kwikset-powerbolt-2", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}
