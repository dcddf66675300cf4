//! What a probe answers that reads the reference lock's flash. Regions and how codes are kept are those of
//! `firmware/SPEC.md`.
//!
//! Deliberately absent: the debug port, by which another program reads the same flash; RAM.

use crate::lock::{Region, SaltedDigest};
use crate::memory::{Image, Search, digest, in_words};
use crate::trace::{Argument, Found, MAX_FOUND, Reason, Request, Response};

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
    before: Option<Image>,
}

impl MemoryProbe {
    /// Answers a request. Without power there is no `flash` to read.
    pub(super) fn answer(&mut self, request: &Request, flash: Option<&[u8]>) -> Response {
        let outcome = match flash {
            Some(flash) => self.read(request, Image { start: 0, bytes: flash.to_vec() }),
            None => Err((Reason::Unpowered, "the chip has no power")),
        };
        match outcome {
            Ok(response) => Response { id: request.id, ok: true, ..response },
            Err((reason, why)) => {
                Response { id: request.id, ok: false, reason, why: Some(why.into()), ..Response::default() }
            }
        }
    }

    fn read(&mut self, request: &Request, image: Image) -> Result<Response, (Reason, &'static str)> {
        match &*request.op {
            "read" => Ok(Response::default()),
            "snapshot" => {
                self.before = Some(image);
                Ok(Response::default())
            }
            "search" => Ok(self.search(request, &image)),
            "digest" => {
                let named = request.arguments.iter().find_map(|(_, argument)| match argument {
                    Argument::Text(text) => REGIONS.iter().find(|(name, ..)| *name == &**text),
                    Argument::Number(_) | Argument::Secret(_) => None,
                });
                let (name, from, to) = named.ok_or((Reason::NotFound, "there is no such region"))?;
                let region = Region { name: (*name).into(), from: *from, to: *to };
                Ok(Response { digest: digest(&image, &region).map(Into::into), ..Response::default() })
            }
            _ => Err((Reason::Unsupported, "a memory can only be read")),
        }
    }

    /// Where the codes of a request are, each by its number in `code.1`, and what was not looked for.
    fn search(&self, request: &Request, image: &Image) -> Response {
        let codes: Vec<(u64, &str)> = request.arguments.iter().filter_map(code).collect();
        let texts: Vec<&str> = codes.iter().map(|(_, text)| *text).collect();
        let search = Search::new(&texts, Some(SALTED));
        let hits = search.find(image, self.before.as_ref());
        let found = hits.iter().filter_map(|hit| {
            let (number, _) = codes.get(hit.secret)?;
            let encoding = hit.encoding.word().into();
            Some(Found { code: *number, encoding, address: u64::from(hit.address) })
        });
        let why = in_words(&search.left_out(image, self.before.as_ref())).map(Into::into);
        Response { found: Some(found.take(MAX_FOUND).collect()), why, ..Response::default() }
    }
}

fn code((name, argument): &(std::sync::Arc<str>, Argument)) -> Option<(u64, &str)> {
    let number = name.strip_prefix("code.")?.parse().ok()?;
    match argument {
        Argument::Text(text) => Some((number, text)),
        Argument::Number(_) | Argument::Secret(_) => None,
    }
}
