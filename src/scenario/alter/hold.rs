//! `hold: 80 %`, `second_hold: 110 %`: a decisive hold lasts another share of its stated length.

use crate::scenario::ast::Interval;
use crate::scenario::point::Point;
use crate::scenario::program::{Action, Program};
use crate::unit::Ratio;

use super::{Alter, Kind, Plan, Subject, interval, witnesses};

/// How much of its stated length a hold lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Share {
    /// As near to the whole as a lock must tell.
    JustUnder,
    /// So much.
    Of(Ratio),
}

impl Share {
    /// Of a stretch.
    pub(in crate::scenario) fn of(self, interval: &Interval) -> Ratio {
        match self {
            Self::JustUnder => interval.just_under,
            Self::Of(share) => share,
        }
    }
}

/// A stretch of a procedure that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Stretch {
    Hold,
    SecondHold,
    Gap,
}

impl Stretch {
    pub(in crate::scenario) const ALL: [Self; 3] = [Self::Hold, Self::SecondHold, Self::Gap];

    pub(in crate::scenario) const fn kind(self) -> Kind {
        match self {
            Self::Hold => Kind::Hold,
            Self::SecondHold => Kind::SecondHold,
            Self::Gap => Kind::Gap,
        }
    }
}

#[derive(Debug)]
pub(in crate::scenario) struct Hold {
    pub share: Share,
    /// The second one.
    pub is_second: bool,
}

impl Hold {
    fn stretch(&self) -> Stretch {
        if self.is_second { Stretch::SecondHold } else { Stretch::Hold }
    }
}

impl Alter for Hold {
    fn kind(&self) -> Kind {
        self.stretch().kind()
    }

    fn is_negative(&self) -> bool {
        match self.share {
            Share::JustUnder => true,
            Share::Of(share) => share < Ratio::WHOLE,
        }
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        let what = if self.is_second { "second hold" } else { "hold" };
        interval(subject.facts, self.stretch()).map(|_| ()).ok_or_else(|| subject.has_no(what))
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        let share = if self.is_second { &mut plan.second_hold } else { &mut plan.hold };
        *share = Some(self.share);
    }

    fn is_witnessed(&self, subject: &Subject<'_>, plan: &Plan, program: &Program) -> bool {
        lasts(self.stretch(), subject, plan, program)
    }
}

/// Whether a step ends a stretch after the planned share of its length.
pub(super) fn lasts(stretch: Stretch, subject: &Subject<'_>, plan: &Plan, program: &Program) -> bool {
    let Some((interval, share)) = plan.stretch(subject.facts, stretch) else { return false };
    let wanted = interval.length.scaled(share);
    witnesses(program, stretch.kind())
        .iter()
        .any(|step| matches!(step.action, Action::Wait { duration, .. } if duration == wanted))
}
