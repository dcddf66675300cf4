//! What client and guard say to each other: JSON lines over a Unix socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rig::{Active, Bench, Board, Drive};
use crate::unit::{Duration, Moment};

/// A longer line is refused: no program comes near it.
pub(super) const MAX_LINE: usize = 1 << 20;

/// An output as the guard needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// Name, for people.
    pub name: String,
    /// Board.
    pub board: Arc<str>,
    /// Number on the board.
    pub number: u32,
    /// Level of the line that energises.
    pub active: Active,
    /// Its limits.
    pub limits: Limits,
}

/// What must never be exceeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Level between cases.
    pub rest: Drive,
    /// Longest time away from rest.
    #[serde(rename = "max_on_ns")]
    pub max_on: Option<Duration>,
}

/// Everything that a guard owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Rig, for messages.
    pub rig: String,
    /// Boards by name.
    pub boards: BTreeMap<Arc<str>, Board>,
    /// Outputs, by their numbers.
    pub outputs: Vec<OutputSpec>,
    /// Outputs of which at most one may be away from rest.
    pub exclusive: Vec<Vec<usize>>,
    /// Device to feed.
    pub watchdog: Option<std::path::PathBuf>,
}

impl Setup {
    /// What a bench gives to its guard.
    pub fn of(rig: &str, bench: &Bench) -> Self {
        let outputs = bench.outputs.iter().map(|output| OutputSpec {
            name: output.name.clone(),
            board: Arc::clone(&output.line.board),
            number: output.line.number,
            active: output.active,
            limits: Limits { rest: output.rest, max_on: output.max_on },
        });
        let outputs: Vec<OutputSpec> = outputs.collect();
        let boards = bench.boards.iter().filter(|(name, _)| outputs.iter().any(|o| o.board == **name));
        Self {
            rig: rig.to_owned(),
            boards: boards.map(|(name, board)| (Arc::clone(name), board.clone())).collect(),
            outputs,
            exclusive: bench.exclusive.clone(),
            watchdog: bench.watchdog.clone(),
        }
    }

    /// Whether an output of the one can be one of the other, too.
    pub(super) fn concerns(&self, other: &Self) -> bool {
        let outputs = |setup: &Self| -> Vec<(Option<Board>, u32)> {
            let of = |output: &OutputSpec| (setup.boards.get(&output.board).cloned(), output.number);
            setup.outputs.iter().map(of).collect()
        };
        let theirs = outputs(other);
        self.rig == other.rig || outputs(self).iter().any(|output| theirs.contains(output))
    }
}

/// When an edge is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At that moment, or at once if it is over.
    At(Moment),
    /// After the last achieved edge of a command.
    After {
        /// Which.
        command: u64,
        /// How much.
        delay: Duration,
    },
}

/// One edge of one output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Command that it belongs to; several edges may.
    pub command: u64,
    /// Which output.
    pub output: usize,
    /// To what.
    pub drive: Drive,
    /// When.
    pub when: When,
}

/// Edges, and the end of whatever they leave away from rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Edges; those of one output in their order.
    pub edges: Vec<Edge>,
    /// Outputs that the last edge leaves away from rest, and for how long at most.
    pub bounds: BTreeMap<usize, Duration>,
}

/// Why a program is not played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{0}")]
pub struct Refusal(pub String);

/// Client to guard.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// First: who it is, and what it thinks the guard owns.
    Hello { client: String, setup: Setup },
    /// Play this; supersedes what is left of older programs on the same outputs.
    Play { number: u64, program: Program },
    /// Everything to rest.
    Rest {},
    /// What do the boards say?
    Read {},
    /// I live.
    Beat {},
    /// Everything safe, and good-bye.
    Bye {},
    /// Everything safe, and an end to whatever is played: from somebody who is no client.
    Safe { setup: Setup },
}

/// Guard to client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The outputs are owned and safe.
    Ready {
        /// What is weaker than it could be.
        warnings: Vec<String>,
    },
    /// The guard does not serve.
    Unavailable {
        /// Why.
        reason: String,
    },
    /// A program is not played.
    Refused {
        /// Number of the program.
        number: u64,
        /// Why.
        reason: String,
    },
    /// An output was driven.
    Achieved {
        /// Command that it belongs to.
        command: u64,
        /// Which output.
        output: usize,
        /// To what.
        drive: Drive,
        /// When the board had taken it.
        at: Moment,
    },
    /// Every output is at rest.
    Rested {},
    /// What the boards say of each output.
    Levels {
        /// By number; none where a board can't tell.
        levels: Vec<Option<Drive>>,
    },
    /// Everything was made safe, for a reason that ends the run.
    Tripped {
        /// Why.
        reason: String,
        /// Every board took it; else somebody has to try again.
        safe: bool,
        /// Somebody asked for it: nothing is wrong with the rig.
        asked: bool,
    },
    /// To whoever asked: everything was made safe.
    Stopped {
        /// Why it could not be.
        fault: Option<String>,
        /// A service goes on owning the outputs.
        stays: bool,
    },
    /// Boards that take their time are being made safe: silence is no sign of death now.
    MakingSafe {},
    /// I live.
    Beat {},
}
