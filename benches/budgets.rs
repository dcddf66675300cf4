//! The budgets of the design: the cost of one more step with evidence on disk (4 µs), of `lockrig check`
//! over all files (20 ms), and of the report of some ten thousand cases (1 s).

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration as Wall, Instant as Clock};

use criterion::{Criterion, criterion_group, criterion_main};
use lockrig::engine::Precision;
use lockrig::evidence::{Catalogue, DeviceIdentity, RigIdentity, RunFolder, RunInfo, Selected};
use lockrig::rig::Hello;
use lockrig::run::{Vault, play};
use lockrig::scenario::{Action, Origin, Part, Program, Since, Stage, Step};
use lockrig::sim::SimulatedLock;
use lockrig::trace::{Channel, Value};
use lockrig::unit::Duration;

fn folder(parent: &Path) -> RunFolder {
    let info = RunInfo {
        tool: String::new(),
        provenance: "simulated".into(),
        rig: RigIdentity { id: "bench".into(), title: String::new(), calibration_due: None },
        device: DeviceIdentity::default(),
        operator: None,
        seed: 1,
        defect: None,
        variation: None,
        resumes: None,
        earlier: None,
        selected: Selected::default(),
        started: String::new(),
        planned: 1,
    };
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
    let part = Part { name: "bench".into(), stage: Stage::Act, steps };
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

criterion_group! {
    name = all;
    config = Criterion::default().measurement_time(Wall::from_secs(4)).sample_size(20);
    targets = budgets, report
}
criterion_main!(all);
