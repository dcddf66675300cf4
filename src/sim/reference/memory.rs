//! What a probe answers that reads the reference lock's flash. Regions and how codes are kept are those of
//! `firmware/SPEC.md`.
//!
//! Deliberately absent: the debug port, by which another program reads the same flash; RAM.

use crate::lock::{Region, SaltedDigest};
use crate::memory::{Image, Question, Refusal, digested, searched};
use crate::trace::{Reason, Request, Response};

/// Parts of the flash, by the name that a request has for them.
const REGIONS: [(&str, u32, u32); 5] = [
    ("firmware", 0, 0x3_ec00),
    ("table", 0x3_ec00, 0x3_f000),
    ("settings", 0x3_f000, 0x3_f800),
    ("journal", 0x3_f800, 0x3_fc00),
    ("factory", 0x3_fc00, 0x4_0000),
];
/// A code is kept as 8 bytes of salt and the SHA-256 of both.
const SALTED: SaltedDigest = SaltedDigest { salt_bytes: 8 };

/// The probe.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryProbe {
    /// What the flash held when that was noted.
    before: Vec<Image>,
}

impl MemoryProbe {
    /// Answers a request. Without power there is no `flash` to read.
    pub(super) fn answer(&mut self, request: &Request, flash: Option<&[u8]>) -> Response {
        let id = request.id;
        match self.read(request, flash) {
            Ok(response) => Response { id, ok: true, ..response },
            Err(Refusal { reason, why }) => Response::refused(id, reason, why),
        }
    }

    fn read(&mut self, request: &Request, flash: Option<&[u8]>) -> Result<Response, Refusal> {
        let unpowered = Refusal { reason: Reason::Unpowered, why: "the chip has no power" };
        let image = Image { start: 0, bytes: flash.ok_or(unpowered)?.to_vec() };
        match Question::of(request)? {
            Question::Read => Ok(Response::default()),
            Question::Snapshot => {
                self.before = vec![image];
                Ok(Response::default())
            }
            Question::Search(codes) => Ok(searched(&codes, Some(SALTED), &[image], &self.before)),
            Question::Digest(named) => {
                let region = REGIONS.iter().find(|(name, ..)| *name == named).ok_or(Refusal::NO_REGION)?;
                digested(&image, &Region { name: named.into(), from: region.1, to: region.2 })
            }
        }
    }
}
