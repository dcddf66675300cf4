//! The budgets of the design: the cost of one more step with evidence on disk (4 µs), of `lockrig check`
//! over all files (20 ms), and of the report of some ten thousand cases (1 s).

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration as Wall, Instant as Clock};

use criterion::{Criterion, criterion_group, criterion_main};
use lockrig::engine::{Engine, Precision};
use lockrig::evidence::{Catalogue, RunFolder, RunInfo};
use lockrig::rig::Hello;
use lockrig::run::{Vault, play};
use lockrig::scenario::ast::Observation;
use lockrig::scenario::{Action, Origin, Part, Program, Since, Stage, Step};
use lockrig::sim::SimulatedLock;
use lockrig::trace::{Channel, Phase, PulsePattern, Value};
use lockrig::unit::{Duration, Instant};

fn folder(parent: &Path) -> RunFolder {
    let info = RunInfo { provenance: "simulated".into(), seed: 1, planned: 1, ..RunInfo::default() };
    RunFolder::create(parent, "bench", info, &Catalogue::default(), &BTreeMap::new()).unwrap_or_else(
        |error| {
            eprint(&error.to_string());
            std::process::exit(1)
        },
    )
}

fn eprint(text: &str) {
    use std::io::Write as _;
    // Nothing can be done about a closed terminal.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A program of `count` steps: a command and a wait in turn.
fn program(count: u64) -> Program {
    let step = |number: u64| {
        let action = if number.is_multiple_of(2) {
            let value = Value::Switch(number.is_multiple_of(4));
            Action::Set { channel: Channel::Button("program".into()), value, mark: None }
        } else {
            Action::Wait { since: Since::Here, duration: Duration::milliseconds(1) }
        };
        Step::new("step", Origin::Setup, action)
    };
    let steps = (0..count).map(step).collect();
    let part = Part { name: "bench".into(), stage: Stage::Act, tries_code: false, steps };
    Program { parts: vec![part], time_limit: Duration::seconds(1 << 30), ..Program::default() }
}

/// Time to play `count` steps with the journal on disk and durable.
fn played(count: u64) -> Wall {
    let temporary = tempfile::tempdir().unwrap_or_else(|_| std::process::exit(1));
    let mut folder = folder(temporary.path());
    let program = program(count);
    let hello = Hello {
        model: "kwikset-smartcode-914".into(),
        case: "restart-erases-nothing~bench~button~r1".into(),
        seed: 1,
    };
    let vault = Vault::simulated(&program.secrets, 1, 1);
    let mut lock = SimulatedLock::new(true, None);
    let never = AtomicBool::new(false);
    let start = Clock::now();
    let result = play(&program, &hello, &mut lock, &vault, Precision::default(), &never, &mut |at, entry| {
        folder.record(&hello.case, at, entry)
    });
    let _ = black_box(result);
    let _ = black_box(folder.commit());
    start.elapsed()
}

fn budgets(criterion: &mut Criterion) {
    criterion.bench_function("one more step, evidence on disk", |bencher| bencher.iter_custom(played));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    criterion.bench_function("check over all files, process included", |bencher| {
        bencher.iter(|| Command::new(env!("CARGO_BIN_EXE_lockrig")).current_dir(root).arg("check").output());
    });
}

/// Every case four times over, some ten thousand that are played.
fn report(criterion: &mut Criterion) {
    let temporary = tempfile::tempdir().unwrap_or_else(|_| std::process::exit(1));
    let arguments = ["certify", "--repeat", "4", "--json", "--out", "."];
    let certified =
        Command::new(env!("CARGO_BIN_EXE_lockrig")).current_dir(&temporary).args(arguments).output();
    black_box(certified.is_ok());
    let run = std::fs::read_dir(&temporary).into_iter().flatten().flatten().next();
    let run = run.unwrap_or_else(|| std::process::exit(1)).path();
    criterion.bench_function("report of ten thousand cases", |bencher| {
        bencher.iter(|| lockrig::report::html(&run, &mut std::io::sink()));
    });
}

/// Time for the engine to watch a `never` over a light that blinks so often in one case.
fn watched(edges: u64) -> Wall {
    let light = Channel::Light("status".into());
    let phase =
        Phase { colour: "red".into(), count: None, on: None, off: None, lengths: Vec::new(), ends: false };
    let pattern = PulsePattern { phases: vec![phase] };
    let observation = Observation::Pulses { channel: light.clone(), pattern };
    let length = Duration::milliseconds(20);
    let wait = Action::Wait { since: Since::Here, duration: length.times(edges) };
    let body = vec![Step::new("wait", Origin::Author, wait)];
    let never = Step::new("never see red", Origin::Author, Action::Never { observation, body });
    let part = Part { name: "bench".into(), stage: Stage::Act, tries_code: false, steps: vec![never] };
    let program = Program { parts: vec![part], time_limit: Duration::seconds(1 << 30), ..Program::default() };
    let start = Clock::now();
    let mut engine = Engine::new(&program, Precision::default());
    for number in 0..edges {
        let at = Instant::START + length.times(number);
        let colour = number.is_multiple_of(2).then(|| "green".into());
        engine.signal(at, &light, Value::Light(colour));
        engine.advance(at, at.before(Duration::nanoseconds(1)));
        engine.advance(at, at);
        while black_box(engine.poll()).is_some() {}
    }
    while black_box(engine.result()).is_none() {
        let at = engine.deadline();
        engine.advance(at, at);
        while engine.poll().is_some() {}
    }
    start.elapsed()
}

fn edges(criterion: &mut Criterion) {
    for edges in [10_000, 100_000, 1_000_000] {
        criterion.bench_function(&format!("a never over a light with {edges} edges"), |bencher| {
            bencher.iter_custom(|count| (0..count).map(|_| watched(edges)).sum())
        });
    }
}

/// One case of a library of a million combinations, from its id to its program.
fn one_of_a_million(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let many = "scenario: many\ntitle: Many\nmethods: all\ngiven: {power: [ok, low, none], network: [online, offline], role: [owner, admin, guest, none], ownership: [verified, unverified]}\nbut: {cut_power_at: sweep 0..99 % by 0.5 %}\nact:\n  - reset\nexpect:\n  - all_or_nothing\n";
    let temporary = tempfile::tempdir().unwrap_or_else(|_| std::process::exit(1));
    let written = std::fs::write(temporary.path().join("many.yaml"), many);
    black_box(written.is_ok());
    let case =
        "many~kwikset-smartcode-914~button~network=online~ownership=verified~power=ok~role=owner~cut=40~r1";
    let scenario = temporary.path().join("many.yaml").display().to_string();
    criterion.bench_function("one case of a million, process included", |bencher| {
        bencher.iter(|| {
            Command::new(env!("CARGO_BIN_EXE_lockrig"))
                .current_dir(root)
                .args(["run", &scenario, "--case", case, "--dry-run"])
                .output()
        });
    });
}

criterion_group! {
    name = all;
    config = Criterion::default().measurement_time(Wall::from_secs(4)).sample_size(20);
    targets = budgets, edges, one_of_a_million, report
}
criterion_main!(all);
