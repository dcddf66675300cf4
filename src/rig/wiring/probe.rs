//! `memory`: a debug probe, and the console that is read through it.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::lock::Named;
use crate::rig::bench::{ConsoleSource, RttConsole};
use crate::rig::probe::{Connect, IfProtected, PROBE_SPEEDS, ProbePort, SelectorError};
use crate::yaml::{Place, Source};

use super::syntax::WireSyntax;
use super::{Reader, Word};

impl Reader<'_> {
    pub(super) fn probe(&mut self, wire: &WireSyntax, source: &Arc<Source>) {
        let selector = wire.probe.as_ref().and_then(|word| {
            let parsed = word.value.0.trim().parse();
            let wrong = |error: SelectorError| {
                let place = Place::of(source, word);
                self.findings.error_with_hint(&place, error.to_string(), SelectorError::HINT);
            };
            parsed.map_err(wrong).ok()
        });
        let speed = wire.speed.as_ref().and_then(|word| self.speed(word, source));
        let connect = self.choice(wire.connect.as_ref(), "way to connect", source).unwrap_or(Connect::Attach);
        let if_protected = self.choice(wire.if_protected.as_ref(), "treatment of a protected chip", source);
        let if_protected = if_protected.unwrap_or(IfProtected::Leave);
        self.bench.probe = Some(ProbePort { selector, speed, connect, if_protected });
    }

    pub(super) fn rtt(&mut self, word: &Word, source: &Arc<Source>) {
        let place = Place::of(source, word);
        let block = match word.value.0.trim() {
            "search" => None,
            text => match address(text) {
                Some(block) => Some(block),
                None => {
                    let message = format!("`{text}` is not where a control block of RTT lies");
                    let hint = "write `rtt: search`, or its address: `rtt: 0x20000400`";
                    return self.findings.error_with_hint(&place, message, hint);
                }
            },
        };
        self.bench.console = Some(ConsoleSource::Rtt(RttConsole { block }));
        self.rtt = Some(place);
    }

    /// The probe is that of `memory`, and listens all the time.
    pub(super) fn check_rtt(&mut self) {
        let Some(place) = self.rtt.clone() else { return };
        match self.bench.probe.as_ref().map(|probe| probe.connect) {
            None => {
                let hint = "wire it: `memory: {probe: \"VID:PID\"}`";
                self.findings.error_with_hint(&place, "`rtt` is read through the probe of `memory`", hint);
            }
            Some(Connect::UnderReset) => {
                let message = "`connect: under_reset` starts the lock anew each time its power comes back";
                let hint = "write `connect: attach`, or listen to a serial console";
                self.findings.error_with_hint(&place, message, hint);
            }
            Some(Connect::Attach) => {}
        }
    }

    fn choice<T: Named>(&mut self, word: Option<&Word>, what: &str, source: &Arc<Source>) -> Option<T> {
        let word = word?;
        let found = T::from_word(&word.value.0);
        if found.is_none() {
            self.findings.unknown(&Place::of(source, word), what, &word.value.0, T::words());
        }
        found
    }

    fn speed(&mut self, word: &Word, source: &Arc<Source>) -> Option<NonZeroU32> {
        let found = kilohertz(&word.value.0).filter(|khz| PROBE_SPEEDS.contains(khz));
        if found.is_none() {
            let message = format!("`{}` is not a speed of a probe", word.value.0);
            let hint = "10 kHz to 50 MHz: `speed: 1 MHz`";
            self.findings.error_with_hint(&Place::of(source, word), message, hint);
        }
        found.and_then(NonZeroU32::new)
    }
}

/// `0x20000400`. The parser of numbers would take a sign as well.
fn address(text: &str) -> Option<u32> {
    let digits =
        text.strip_prefix("0x").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    u32::from_str_radix(digits?, 16).ok()
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
