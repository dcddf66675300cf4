//! `gap: 150 %`: a pause that must be short lasts another share of its stated length.

use crate::scenario::point::Point;
use crate::scenario::program::Program;
use crate::unit::Ratio;

use super::hold::{Stretch, lasts};
use super::{Alter, Kind, Plan, Subject, interval};

#[derive(Debug)]
pub(in crate::scenario) struct Gap {
    pub share: Ratio,
}

impl Alter for Gap {
    fn kind(&self) -> Kind {
        Kind::Gap
    }

    fn is_negative(&self) -> bool {
        self.share > Ratio::WHOLE
    }

    fn applies(&self, subject: &Subject<'_>, _: &Plan) -> Result<(), String> {
        interval(subject.facts, Stretch::Gap).map(|_| ()).ok_or_else(|| subject.has_no("pause"))
    }

    fn rewrite(&self, _: &Point, plan: &mut Plan) {
        plan.gap = Some(self.share);
    }

    fn is_witnessed(&self, subject: &Subject<'_>, plan: &Plan, program: &Program) -> bool {
        lasts(Stretch::Gap, subject, plan, program)
    }
}
