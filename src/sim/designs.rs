//! The simulated models, a file a family. Triggers are from the makers' manuals as the table of sources
//! in `docs/models.md` cites them; what no source states (lockout of some models, rhythm of lights)
//! is a choice of these files, and no model file may rely on it.

mod buttons;
mod keypads;
mod kwikset;
mod radios;
mod schlage;
mod yale;

use super::design::Design;

const FAMILIES: [&[Design]; 6] =
    [kwikset::DESIGNS, schlage::DESIGNS, yale::DESIGNS, buttons::DESIGNS, keypads::DESIGNS, radios::DESIGNS];

/// Ids of all simulated models.
pub fn models() -> impl Iterator<Item = &'static str> {
    designs().map(|design| design.model)
}

pub(super) fn designs() -> impl Iterator<Item = &'static Design> {
    FAMILIES.into_iter().flatten()
}

pub(super) fn design(model: &str) -> Option<&'static Design> {
    designs().find(|design| design.model == model)
}
