//! How fast the reference lock is emulated, beside QEMU on the same image: instructions a second.
//!
//! Not criterion's business: QEMU has to be watched from outside, in turns with ours. The image is
//! `firmware/src/workload.rs`, which never sleeps, or an emulator that skips sleep would seem fast. What counts is processor
//! time, because other work beside it would slow one more than the other; and QEMU's own count of instructions.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can not go on says where, and prints what it found"
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration as Wall, Instant as Clock};

use lockrig::rig::{EMULATED_MODEL, Hello, LockstepDevice};
use lockrig::sim::ReferenceLock;
use lockrig::trace::{Channel, Value};
use lockrig::unit::{Duration, Instant};

/// The workload.
const IMAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/emulation.hex");
/// Of each way to run it, the best of so many turns.
const TURNS: usize = 3;
/// Rounds before a turn: whatever is done once is done then.
const WARM_UP: u32 = 20;
/// Processor time of a turn.
const TURN: Wall = Wall::from_secs(1);
/// Pin of the reset button.
const BUTTON: u32 = 17;
/// Nanoseconds of an instruction in QEMU, as a power of two.
const SHIFT: u32 = 6;
/// What is wanted of ours.
const WANTED_RATE: f64 = 12e6;
const WANTED_RATIO: f64 = 1.5;

/// What a round of the workload does.
#[derive(Clone, Copy)]
enum Work {
    Compute,
    Talk,
}

impl Work {
    const BOTH: [Self; 2] = [Self::Compute, Self::Talk];

    fn says(self) -> &'static str {
        match self {
            Self::Compute => "it computes: 100 SHA-256 digests",
            Self::Talk => "it talks to its chip: 10,000 times it reads its pins and writes one",
        }
    }

    /// Instructions in a round, as QEMU has counted them; it counts them again whenever it is there.
    fn instructions(self) -> u64 {
        match self {
            Self::Compute => 834_322,
            Self::Talk => 80_012,
        }
    }

    fn at<T: Copy>(self, both: [T; 2]) -> T {
        let [compute, talk] = both;
        match self {
            Self::Compute => compute,
            Self::Talk => talk,
        }
    }
}

/// Processor time that a process has had, and all its threads.
fn processor_time(process: &str) -> Wall {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("a process");
    let of = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Wall::from_nanos)
    };
    threads.flatten().filter_map(of).sum()
}

/// Processor time of a round, and how many ticks of 16 MHz the console says that one takes, of each kind of work.
struct Turn {
    round: Wall,
    ticks: [u64; 2],
}

/// Time of a round: so many as take a second.
fn measured(process: &str, mut round: impl FnMut()) -> Wall {
    (0..WARM_UP).for_each(|_| round());
    let begin = processor_time(process);
    let (mut rounds, mut took) = (0, Wall::ZERO);
    while took < TURN {
        (0..WARM_UP).for_each(|_| round());
        rounds += WARM_UP;
        took = processor_time(process) - begin;
    }
    took / rounds
}

fn ours(work: Work) -> Turn {
    let file = fs::read(IMAGE).expect("the workload");
    let mut lock = ReferenceLock::with_image("workload", &file).expect("a lock");
    let hello = Hello { model: EMULATED_MODEL.into(), case: "bench".into(), seed: 1 };
    lock.start(&hello).expect("a start");
    let is_down = matches!(work, Work::Talk);
    let mut set = vec![(Channel::Button("reset".into()), Value::Switch(is_down))];
    let mut next = move |is_wanted: fn(&Channel) -> bool| loop {
        let ran = lock.run(Instant::START + Duration::seconds(1 << 20), &set).expect("a run");
        set.clear();
        if let Some((_, value)) = ran.out.into_iter().find(|(channel, _)| is_wanted(channel)) {
            return value;
        }
    };
    let ticks = [(); 2].map(|()| match next(|channel| matches!(channel, Channel::Console)) {
        Value::Text(line) => from_hexadecimal(&line),
        _ => 0,
    });
    let round = measured("self", || drop(next(|channel| matches!(channel, Channel::Light(_)))));
    Turn { round, ticks }
}

fn from_hexadecimal(line: &str) -> u64 {
    u64::from_str_radix(line.trim(), 16).unwrap_or(0)
}

/// QEMU, ended when it goes out of scope.
struct Qemu {
    process: Child,
    _folder: tempfile::TempDir,
    /// Of its serial line.
    console: BufReader<UnixStream>,
    /// Of its pins.
    pins: BufReader<UnixStream>,
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

impl Qemu {
    fn start(program: &Path, counts: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (console, pins) = (folder.path().join("console"), folder.path().join("pins"));
        let mut command = Command::new(program);
        command.args(["-M", "microbit", "-nodefaults", "-display", "none", "-device"]);
        command.arg(format!("loader,file={IMAGE}"));
        if counts {
            command.arg("-icount").arg(format!("shift={SHIFT},align=off,sleep=off"));
        }
        // It waits for both, the pins first, so that nothing of what is said is lost.
        command.arg("-serial").arg(format!("unix:{},server=on,wait=on", console.display()));
        command.arg("-qtest").arg(format!("unix:{},server=on,wait=on", pins.display()));
        command.args(["-qtest-log", "/dev/null"]).stdin(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("QEMU");
        let [pins, console] = [pins, console].map(|path| BufReader::new(connected(&path)));
        Self { process, _folder: folder, console, pins }
    }

    fn turn(mut self, work: Work) -> Turn {
        let level = u8::from(matches!(work, Work::Compute));
        let path = "/machine/nrf51";
        let asked = format!("irq_intercept_out {path}\nset_irq_in {path} unnamed-gpio-in {BUTTON} {level}\n");
        self.pins.get_mut().write_all(asked.as_bytes()).expect("QEMU");
        let console = &mut self.console;
        let ticks = [(); 2].map(|()| from_hexadecimal(&line(console)));
        let pins = &mut self.pins;
        // Two answers, and then a line for each level that changes.
        let round = measured(&self.process.id().to_string(), || drop(line(pins)));
        Turn { round, ticks }
    }
}

fn line(from: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("a line of QEMU");
    assert!(!line.is_empty(), "QEMU has ended");
    line
}

fn connected(path: &Path) -> UnixStream {
    let begin = Clock::now();
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => {
                stream.set_read_timeout(Some(Wall::from_secs(60))).expect("a limit");
                return stream;
            }
            Err(error) => assert!(begin.elapsed() < Wall::from_secs(60), "no way to QEMU: {error}"),
        }
        std::thread::sleep(Wall::from_millis(5));
    }
}

/// QEMU as the tests fetch it, or another one.
fn qemu() -> Option<PathBuf> {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/for-a-pi/qemu-system-arm");
    let program = std::env::var_os("QEMU").map_or(fetched, PathBuf::from);
    program.exists().then_some(program)
}

/// The fastest of some turns.
fn best(turns: &mut [Turn]) -> Turn {
    let first = turns.iter().min_by_key(|turn| turn.round).expect("a turn");
    Turn { round: first.round, ticks: first.ticks }
}

fn print(name: &str, rate: f64) {
    println!("  {name:<24} {:>7.1} million instructions/s", rate / 1e6);
}

/// Instructions in a round, by a clock of 16 MHz that stands still but for them.
fn counted(ticks: u64) -> u64 {
    (ticks * 125 / 2) >> SHIFT
}

fn compare(work: Work, program: Option<&Path>) {
    let mut turns = [(); 3].map(|()| Vec::new());
    for _ in 0..TURNS {
        let [own, counting, free] = &mut turns;
        own.push(ours(work));
        if let Some(program) = program {
            counting.push(Qemu::start(program, true).turn(work));
            free.push(Qemu::start(program, false).turn(work));
        }
    }
    let [own, counting, free] = &mut turns;
    let own = best(own);
    let counting = program.map(|_| best(counting));
    let instructions = counting.as_ref().map_or(work.instructions(), |turn| counted(work.at(turn.ticks)));
    let rate = |turn: &Turn| instructions as f64 / turn.round.as_secs_f64();
    let cycles = work.at(own.ticks);
    println!("{}", work.says());
    println!(
        "  a round has {instructions} instructions and takes {cycles} cycles, {:.2} each",
        cycles as f64 / instructions as f64
    );
    if instructions.abs_diff(work.instructions()) > 2 {
        println!("  that is new: {} are written down in benches/emulation.rs", work.instructions());
    }
    print("lockrig", rate(&own));
    println!("  {:.0} times as fast as the chip", cycles as f64 / 16e6 / own.round.as_secs_f64());
    if let Some(counting) = counting {
        print("QEMU -icount", rate(&counting));
        print("QEMU, not deterministic", rate(&best(free)));
        println!("  lockrig to QEMU -icount: {:.2} (wanted {WANTED_RATIO})", rate(&own) / rate(&counting));
    }
    println!("  wanted of lockrig: {:.0} million instructions/s: {}", WANTED_RATE / 1e6, met(rate(&own)));
}

fn met(rate: f64) -> &'static str {
    if rate >= WANTED_RATE { "met" } else { "NOT met" }
}

fn main() {
    let program = qemu();
    match &program {
        Some(program) => {
            let version = Command::new(program).arg("--version").output().expect("QEMU").stdout;
            println!("{}", String::from_utf8_lossy(&version).lines().next().unwrap_or_default());
        }
        None => println!("SKIPPED QEMU: bash tests/hardware/pi/fetch.sh target/for-a-pi brings it"),
    }
    for work in Work::BOTH {
        compare(work, program.as_deref());
    }
}
