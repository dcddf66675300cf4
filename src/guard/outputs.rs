//! The boards that a guard owns, opened without power and made safe whatever else fails.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::drivers::output::{self, OutputBoard, OutputFault};
use crate::rig::{Active, Board, Drive};

use super::control::ask_guards;
use super::protocol::Setup;

/// Lines of a process that was just killed are free a little later.
const RETRY_BUSY: Duration = Duration::from_secs(2);
/// Before a guard that hangs is ended, its lines are tried for so long.
const SHORT_OF_TIME: Duration = Duration::from_millis(20);

/// Every output of a setup.
pub(super) struct Outputs {
    boards: Vec<(Arc<str>, Box<dyn OutputBoard>)>,
    lines: Vec<(usize, u32)>,
}

impl Outputs {
    /// Opens every board, the fast ones first; all outputs are then without power.
    ///
    /// # Errors
    /// Every board that can't be had, with its reason; those that can were made safe.
    pub(super) fn open(
        setup: &Setup,
        consumer: &str,
        patience: Duration,
        sharing: Sharing,
    ) -> Result<Self, OutputFault> {
        let mut wanted: BTreeMap<Arc<str>, Vec<(u32, Active)>> = BTreeMap::new();
        for spec in &setup.outputs {
            wanted.entry(Arc::clone(&spec.board)).or_default().push((spec.number, spec.active));
        }
        let mut names: Vec<(bool, Arc<str>)> = wanted
            .keys()
            .map(|name| {
                let slow = setup.boards.get(name).is_some_and(Board::is_serial);
                (slow, Arc::clone(name))
            })
            .collect();
        names.sort();
        let mut boards = Vec::new();
        let mut problems: Vec<OutputFault> = Vec::new();
        for (_, name) in &names {
            let Some(board) = setup.boards.get(name) else {
                problems.push(OutputFault::Broken(format!("there is no board `{name}`")));
                continue;
            };
            match patiently(board, &wanted[name], consumer, patience, sharing) {
                Ok(opened) => boards.push((Arc::clone(name), opened)),
                Err(problem) => problems.push(problem),
            }
        }
        match problems.len() {
            0 => {}
            1 => return Err(problems.remove(0)),
            _ => {
                let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
                return Err(OutputFault::Broken(all.join("; ")));
            }
        }
        let index = |name: &Arc<str>| boards.iter().position(|(other, _)| other == name).unwrap_or(0);
        let lines = setup.outputs.iter().map(|spec| (index(&spec.board), spec.number)).collect();
        Ok(Self { boards, lines })
    }

    /// Drives an output.
    ///
    /// # Errors
    /// Its board is gone, or did not confirm.
    pub(super) fn set(&mut self, output: usize, drive: Drive) -> Result<(), OutputFault> {
        match self.lines.get(output) {
            Some((board, number)) => self.boards[*board].1.set(*number, drive),
            None => Err(OutputFault::Broken("the boards are not open".into())),
        }
    }

    /// Gives up every board.
    pub(super) fn close(&mut self) {
        self.boards.clear();
        self.lines.clear();
    }

    /// Takes the power from everything, whatever fails on the way: a board that fails waits until
    /// the others are done.
    ///
    /// # Errors
    /// The first board that did not take it.
    pub(super) fn make_safe(&mut self) -> Result<(), OutputFault> {
        let mut failed: Vec<usize> = Vec::new();
        let mut outcome = match self.lines.is_empty() {
            true => Err(OutputFault::Broken("the boards are not open".into())),
            false => Ok(()),
        };
        for board in 0..self.boards.len() {
            if self.make_board_safe(board, true).is_err() {
                failed.push(board);
            }
        }
        for board in failed {
            let done = self.make_board_safe(board, false);
            outcome = outcome.and(done);
        }
        outcome
    }

    fn make_board_safe(&mut self, board: usize, stops_early: bool) -> Result<(), OutputFault> {
        let mut outcome = Ok(());
        let numbers: Vec<u32> =
            self.lines.iter().filter(|(of, _)| *of == board).map(|(_, number)| *number).collect();
        for number in numbers {
            let done = self.boards[board].1.set(number, Drive::Deenergised);
            outcome = outcome.and(done);
            if stops_early && outcome.is_err() {
                break;
            }
        }
        outcome
    }

    /// What the boards say.
    pub(super) fn read(&mut self) -> Result<Vec<Option<Drive>>, OutputFault> {
        let lines = self.lines.clone();
        lines.iter().map(|(board, number)| self.boards[*board].1.read(*number)).collect()
    }
}

/// What to do about a port that another program has open, too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// It is not for lockrig.
    Refused,
    /// Outputs are made safe whoever else is there.
    Ignored,
}

fn patiently(
    board: &Board,
    lines: &[(u32, Active)],
    consumer: &str,
    patience: Duration,
    sharing: Sharing,
) -> Result<Box<dyn OutputBoard>, OutputFault> {
    let begin = Instant::now();
    loop {
        let shared = match sharing {
            Sharing::Refused => output::shared(board),
            Sharing::Ignored => None,
        };
        match shared.map_or_else(|| output::open(board, lines, consumer), Err) {
            Err(OutputFault::Busy { .. }) if begin.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(1));
            }
            outcome => return outcome,
        }
    }
}

/// Opens every output of a bench and takes its power, for when no guard does. Each board is made
/// safe whatever is wrong with the others.
///
/// # Errors
/// Every board that could not be had.
pub(super) fn make_safe(setup: &Setup, consumer: &str) -> Result<(), OutputFault> {
    Outputs::open(setup, consumer, RETRY_BUSY, Sharing::Ignored)?.make_safe()
}

/// The same while guards may hold the outputs: they make them safe and end, and then it is done once more. A guard
/// that does not answer is ended only if its outputs may be these.
///
/// # Errors
/// Every board that could not be had, and who holds it; or a service that could not make its outputs safe.
pub fn force_safe(setup: &Setup, consumer: &str) -> Result<(), OutputFault> {
    let asked = ask_guards(setup);
    if asked.is_done {
        return Ok(());
    }
    let patience = if asked.has_silent() { SHORT_OF_TIME } else { RETRY_BUSY };
    let safe = |patience| Outputs::open(setup, consumer, patience, Sharing::Ignored)?.make_safe();
    let outcome = match safe(patience) {
        Err(_) if asked.end_silent() => safe(RETRY_BUSY).inspect(|()| end_watch(setup)),
        outcome => outcome,
    };
    // Whatever this could do is done.
    match (asked.problem, outcome) {
        (None, outcome) => outcome,
        (Some(problem), Ok(())) => Err(OutputFault::Broken(problem)),
        (Some(problem), Err(fault)) => Err(OutputFault::Broken(format!("{problem}; {fault}"))),
    }
}

/// The guard that fed the watchdog is gone and its outputs are safe: nothing is left to watch.
pub(super) fn end_watch(setup: &Setup) {
    if let Some(path) = &setup.watchdog
        && let Ok(mut watchdog) = std::fs::OpenOptions::new().write(true).open(path)
    {
        let _ = watchdog.write_all(b"V");
    }
}
