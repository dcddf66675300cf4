//! Reading a lock's memory as the `memory` channel does, beside probe-rs's call alone (within 1.2 times its time): in turns,
//! of the same emulated lock, 256 KiB each.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can not go on says where, and prints what it found"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lockrig::drivers::probe::{Probe, Setup};
use lockrig::rig::{Address, Connect, IfProtected, ProbePort, Selector};
use probe_rs::probe::glasgow::GlasgowFactory;
use probe_rs::probe::{DebugProbeSelector, Probe as Opened, ProbeFactory as _};
use probe_rs::{MemoryInterface as _, Permissions};

const CHIP: &str = "nRF51822_xxAA";
const WORDS: usize = 64 << 10;
const TURNS: usize = 5;
/// What is wanted.
const WANTED: f64 = 1.2;

/// The emulated lock, ended when it goes out of scope.
struct Lock(Child);

impl Lock {
    fn serve(socket: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_lockrig"))
            .args(["sim", "serve", "--probe-socket"])
            .arg(socket)
            .stdout(Stdio::piped())
            .spawn()
            .expect("lockrig");
        let mut said = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut said).expect("a line");
        Self(process)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// probe-rs alone, in one call.
fn alone(socket: &Path) -> (Duration, Vec<u8>) {
    let selector = format!("20b7:9db1:unix:{}", socket.display());
    let selector: DebugProbeSelector = selector.parse().expect("a selector");
    let opened = GlasgowFactory.open(&selector).expect("a probe");
    let opened = Opened::from_specific_probe(opened);
    let mut session = opened.attach(CHIP, Permissions::new()).expect("a chip");
    let mut core = session.core(0).expect("a core");
    let mut words = vec![0_u32; WORDS];
    let begin = Instant::now();
    core.read_32(0, &mut words).expect("memory");
    (begin.elapsed(), words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

fn ours(socket: &Path) -> (Duration, Vec<u8>) {
    let port = ProbePort {
        selector: Some(Selector::Socket(Address::Unix(socket.to_owned()))),
        speed: None,
        connect: Connect::Attach,
        if_protected: IfProtected::Leave,
    };
    let mut probe = Probe::open(Setup { port, chip: CHIP.into() }).expect("a probe");
    // probe-rs is attached already when its call begins.
    probe.read(0, 4, &mut |_| true).expect("memory");
    let begin = Instant::now();
    let bytes = probe.read(0, 4 * WORDS as u32, &mut |_| true).expect("memory");
    (begin.elapsed(), bytes)
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("probe");
    let _lock = Lock::serve(&socket);
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..TURNS {
        let turns = [alone(&socket), ours(&socket)];
        let [(_, alone), (_, ours)] = &turns;
        assert_eq!(alone, ours, "both read the same");
        for (fastest, (took, _)) in fastest.iter_mut().zip(&turns) {
            *fastest = (*fastest).min(*took);
        }
    }
    let [alone, ours] = fastest.map(|took| took.as_secs_f64());
    println!("256 KiB, the fastest of {TURNS} turns: probe-rs alone {alone:.3} s, lockrig {ours:.3} s");
    let ratio = ours / alone;
    println!("ratio {ratio:.2}, wanted {WANTED}: {}", if ratio <= WANTED { "met" } else { "NOT met" });
}
