//! A program that a rig file names runs below a small process of lockrig's, its supervisor. That ends it with
//! everything it started, whatever group or session that moved to, as soon as lockrig ends, however that ends.

use std::io::{Error, ErrorKind};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, getppid, kill_process, pidfd_open, set_child_subreaper,
    wait,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The program that runs, even if its file was replaced meanwhile.
pub const OWN_PROGRAM: &str = "/proc/self/exe";
/// A supervisor ends all that it has to within this time.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
/// What a shell says, too: not found, and not to be executed.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTED: i32 = 126;

/// A program that runs; it and whatever it started end when this is dropped.
#[derive(Debug)]
pub struct Supervised {
    supervisor: Child,
}

impl Supervised {
    /// Starts a command with pipes for input and output.
    ///
    /// # Errors
    /// There is no such program, or no more process can be started.
    pub fn start(command: &[String], stderr: Stdio) -> Result<Self, Error> {
        let name =
            command.first().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the command is empty"))?;
        find(name)?;
        let supervisor = Command::new(OWN_PROGRAM)
            .arg0("lockrig")
            .args(["supervise", &std::process::id().to_string(), "--"])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            // What a peer writes to standard error is evidence, and no log.
            .env_remove("LOCKRIG_LOG")
            // Ctrl-C is for the rig, which ends the case in order.
            .process_group(0)
            .spawn()?;
        tracing::debug!(program = name, pid = supervisor.id(), "a program was started below a supervisor");
        Ok(Self { supervisor })
    }

    /// Its standard streams, once each.
    pub fn streams(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.supervisor.stdin.take(), self.supervisor.stdout.take(), self.supervisor.stderr.take())
    }

    /// Whether it ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.supervisor.try_wait(), Ok(None))
    }

    /// How it ended, after its output did.
    pub fn ending(&mut self) -> String {
        let grace = Instant::now() + Duration::from_millis(500);
        while Instant::now() < grace {
            if let Ok(Some(status)) = self.supervisor.try_wait() {
                return format!("ended: {}", described(status));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        "closed its output".into()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // One that was waited for has no number any more that is its own.
        if matches!(self.supervisor.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&self.supervisor), Signal::TERM);
        }
        let until = Instant::now() + ENDS_WITHIN;
        while matches!(self.supervisor.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Already gone is fine; there is nothing else to do about a process that can't be killed.
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
    }
}

fn described(status: ExitStatus) -> String {
    let why = match status.code() {
        Some(NOT_FOUND) => " (it, or something that it runs, was not found)",
        Some(NOT_EXECUTED) => " (it, or something that it runs, can't be executed)",
        _ => "",
    };
    format!("{status}{why}")
}

/// Finds a program as a shell does: an error that comes at once says more than a process that is gone.
pub(super) fn find(name: &str) -> Result<(), Error> {
    let is_there = match name.contains('/') {
        true => Path::new(name).exists(),
        false => std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).exists())),
    };
    if is_there { Ok(()) } else { Err(Error::new(ErrorKind::NotFound, "there is no such program")) }
}

/// The supervisor's side: runs a command until it ends or `parent` does, then ends whatever is left of it.
/// Returns how the command ended.
///
/// # Errors
/// Signals or processes can't be handled here.
pub fn supervise(parent: u32, command: &[String]) -> Result<i32, Error> {
    let _ = rustix::thread::set_name(c"lockrig");
    let (signalled, wake) = UnixStream::pair()?;
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        signal_hook::low_level::pipe::register(signal, wake.try_clone()?)?;
    }
    // From here on whoever loses its parent becomes a child of this process.
    set_child_subreaper(Some(getpid()))?;
    let lockrig = i32::try_from(parent).ok().and_then(Pid::from_raw);
    let lockrig = lockrig.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "there is no such process"))?;
    let lockrig_ends = pidfd_open(lockrig, PidfdFlags::empty())?;
    if getppid() != Some(lockrig) {
        return Ok(0);
    }
    let (name, arguments) =
        command.split_first().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the command is empty"))?;
    // A group of its own, as a shell gives it: what it signals there is not this process.
    let mut child = match Command::new(name).args(arguments).process_group(0).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(NOT_FOUND),
        Err(_) => return Ok(NOT_EXECUTED),
    };
    // The ends of the pipes are the command's alone: it must be seen to close them.
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    let child_ends = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    let mut ends = [
        PollFd::new(&child_ends, PollFlags::IN),
        PollFd::new(&lockrig_ends, PollFlags::IN),
        PollFd::new(&signalled, PollFlags::IN),
    ];
    while ends.iter().all(|end| end.revents().is_empty()) {
        let _ = poll(&mut ends, None);
    }
    let status = child.try_wait()?;
    end_descendants();
    match status {
        // Ends as the command did, so that whoever waits is told so.
        Some(status) => match status.signal() {
            Some(signal) => {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
                Ok(128 + signal)
            }
            None => Ok(status.code().unwrap_or(0)),
        },
        None => Ok(0),
    }
}

/// Kills all children until there is none: those of a child that died become this process's.
fn end_descendants() {
    let until = Instant::now() + ENDS_WITHIN;
    let own = format!("PPid:\t{}", getpid());
    loop {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        for process in processes {
            let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let status = std::fs::read_to_string(process.path().join("status")).unwrap_or_default();
            if status.lines().any(|line| line == own)
                && let Some(child) = Pid::from_raw(id)
            {
                let _ = kill_process(child, Signal::KILL);
            }
        }
        // Reaps whoever has ended.
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        if Instant::now() > until {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
