//! How the contact of a relay follows its coil, as it should or with a fault.

use std::collections::VecDeque;
use std::time::{Duration, Instant as Clock};

use crate::Line;
use crate::board::Board;

/// A contact follows so late.
const FOLLOWS: Duration = Duration::from_millis(4);
/// One that is late takes longer than any relay may.
const LATE: Duration = Duration::from_millis(350);
/// From one edge of a bouncing contact to the next.
const BOUNCE: Duration = Duration::from_millis(2);

/// What is wrong with every contact.
#[derive(Clone, Copy)]
enum Fault {
    None,
    /// It never moves.
    Stuck,
    /// It closes and never opens again.
    Welded,
    Late,
    /// It closes and opens so often before it stays.
    Bounces(u32),
}

impl Fault {
    fn named(name: &str) -> Self {
        match name {
            "" => Self::None,
            "stuck" => Self::Stuck,
            "welded" => Self::Welded,
            "late" => Self::Late,
            "bounces" => Self::Bounces(2),
            "worn" => Self::Bounces(10),
            _ => panic!("unknown fault {name}"),
        }
    }

    /// How long after the coil the contact changes, each time.
    fn edges(self, closed: bool) -> Vec<Duration> {
        match self {
            Self::Stuck => Vec::new(),
            Self::Welded if !closed => Vec::new(),
            Self::None | Self::Welded => vec![FOLLOWS],
            Self::Late => vec![LATE],
            Self::Bounces(times) => (0..=2 * times).map(|edge| FOLLOWS + BOUNCE * edge).collect(),
        }
    }
}

/// The contact of one relay, which a rig reads back.
pub(crate) struct Contact {
    coil: Line,
    sense: Line,
    fault: Fault,
    is_energised: bool,
    is_closed: bool,
    edges: VecDeque<(Clock, bool)>,
}

impl Contact {
    pub(crate) fn new(coil: Line, sense: Line, fault: &str) -> Self {
        let (fault, edges) = (Fault::named(fault), VecDeque::new());
        Self { coil, sense, fault, is_energised: false, is_closed: false, edges }
    }

    /// Looks at the coil, and does what is due.
    pub(crate) fn turn(&mut self, board: &mut dyn Board) {
        let (energised, now) = (self.coil.read(board), Clock::now());
        if energised != self.is_energised {
            self.is_energised = energised;
            let edges = self.fault.edges(energised).into_iter().enumerate();
            self.edges.extend(edges.map(|(n, after)| (now + after, energised == (n % 2 == 0))));
        }
        while let Some((_, closed)) = self.edges.pop_front_if(|(at, _)| *at <= now) {
            if closed != self.is_closed {
                self.is_closed = closed;
                self.sense.drive(board, closed);
            }
        }
    }
}
