//! `memory`: a debug probe.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::rig::bench::ProbePort;
use crate::yaml::{Place, Source};

use super::syntax::WireSyntax;
use super::{Reader, Word};

/// No probe's wires are slower or faster.
const SLOWEST_KHZ: u32 = 1;
const FASTEST_KHZ: u32 = 50_000;

impl Reader<'_> {
    pub(super) fn probe(&mut self, wire: &WireSyntax, source: &Arc<Source>) {
        let selector = wire.probe.as_ref().map(|word| word.value.0.trim());
        if let (Some(word), Some(text)) = (&wire.probe, selector)
            && !is_selector(text)
        {
            let hint = "write `VID:PID` or `VID:PID:SERIAL` as `lockrig list probes` shows it, or `20b7:9db1:unix:PATH` for a socket; without `probe` the only one is taken";
            self.findings.error_with_hint(&Place::of(source, word), format!("`{text}` is not a probe"), hint);
        }
        let choice = |reader: &mut Self, word: Option<&Word>, what: &str, words: [&str; 2]| -> bool {
            let Some(word) = word else { return false };
            let found = word.value.0.as_str();
            if !words.contains(&found) {
                reader.findings.unknown(&Place::of(source, word), what, found, words);
            }
            found == words[1]
        };
        let under_reset = choice(self, wire.connect.as_ref(), "way to connect", ["attach", "under_reset"]);
        let erases_protected =
            choice(self, wire.if_protected.as_ref(), "treatment of a protected chip", ["leave", "erase"]);
        let speed = wire.speed.as_ref().and_then(|word| self.speed(word, source));
        let selector = selector.map(str::to_owned);
        self.bench.probe = Some(ProbePort { selector, speed, under_reset, erases_protected });
    }

    fn speed(&mut self, word: &Word, source: &Arc<Source>) -> Option<NonZeroU32> {
        let found = kilohertz(&word.value.0).filter(|khz| (SLOWEST_KHZ..=FASTEST_KHZ).contains(khz));
        if found.is_none() {
            let message = format!("`{}` is not a speed of a probe", word.value.0);
            self.findings.error_with_hint(
                &Place::of(source, word),
                message,
                "1 kHz to 50 MHz: `speed: 1 MHz`",
            );
        }
        found.and_then(NonZeroU32::new)
    }
}

/// Vendor and product in four hexadecimal digits each, perhaps with the number of an interface; what follows is a serial
/// number or an address.
fn is_selector(text: &str) -> bool {
    let mut parts = text.splitn(3, ':');
    let is_id = |id: &str| id.len() == 4 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_product = |part: &str| match part.split_once('-') {
        Some((id, interface)) => is_id(id) && interface.parse::<u8>().is_ok(),
        None => is_id(part),
    };
    parts.next().is_some_and(is_id)
        && parts.next().is_some_and(is_product)
        && parts.next().is_none_or(|rest| !rest.is_empty() && rest.len() <= 200)
}

/// `500 kHz`, `1.8 MHz`.
fn kilohertz(text: &str) -> Option<u32> {
    let (number, unit) = text.trim().split_once(' ')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = match unit {
        "kHz" if fraction.is_empty() => 0,
        "MHz" if fraction.len() <= 3 => 3,
        _ => return None,
    };
    format!("{whole}{fraction:0<digits$}").parse().ok()
}
