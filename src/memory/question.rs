//! What a rig asks of a lock's memory, and how it is answered, whoever reads it: a probe, or an emulated lock.

use std::collections::BTreeMap;

use crate::lock::{Region, SaltedDigest};
use crate::trace::{Argument, Found, MAX_FOUND, Reason, Request, Response};

use super::{Image, Search, digest, in_words};

/// A question to a memory.
#[derive(Debug, PartialEq, Eq)]
pub enum Question<'a> {
    /// Whether it can be read.
    Read,
    /// To note what it holds, as the state before.
    Snapshot,
    /// Where codes are, each with the number that it has in the request: 1 for `code.1`.
    Search(Vec<(u64, &'a str)>),
    /// The digest of a region, by its name.
    Digest(&'a str),
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Out of the closed list.
    pub reason: Reason,
    /// In words for people.
    pub why: &'static str,
}

impl Refusal {
    /// The map has no region of that name.
    pub const NO_REGION: Self = Self { reason: Reason::NotFound, why: "the map names no such region" };

    const fn invalid(why: &'static str) -> Self {
        Self { reason: Reason::Invalid, why }
    }
}

impl<'a> Question<'a> {
    /// What a request asks.
    ///
    /// # Errors
    /// There is no such operation, or its arguments are none: a code that was left out would count as gone.
    pub fn of(request: &'a Request) -> Result<Self, Refusal> {
        match &*request.op {
            "read" => Ok(Self::Read),
            "snapshot" => Ok(Self::Snapshot),
            "search" => codes(request).map(Self::Search),
            "digest" => {
                let named = request.arguments.iter().find_map(|(name, value)| match value {
                    Argument::Text(text) if &**name == "region" => Some(&**text),
                    Argument::Text(_) | Argument::Number(_) | Argument::Secret(_) => None,
                });
                named.map(Self::Digest).ok_or(Refusal::invalid("a digest needs `region`"))
            }
            _ => Err(Refusal { reason: Reason::Unsupported, why: "there is no such operation on a memory" }),
        }
    }
}

fn codes(request: &Request) -> Result<Vec<(u64, &str)>, Refusal> {
    let invalid = Refusal::invalid("a search needs `code.1`, `code.2`, … as texts");
    let named =
        request.arguments.iter().filter_map(|(name, value)| Some((name.strip_prefix("code.")?, value)));
    let codes = named.map(|(number, code)| match (number.parse(), code) {
        (Ok(number), Argument::Text(code)) if !code.is_empty() => Ok((number, &**code)),
        _ => Err(invalid),
    });
    let codes: Vec<(u64, &str)> = codes.collect::<Result<_, _>>()?;
    if codes.is_empty() { Err(invalid) } else { Ok(codes) }
}

/// The answer to a search in images, each of which was like the one at its place in `before`: where each code is, and in
/// words what was not looked for.
pub fn searched(
    codes: &[(u64, &str)],
    salted: Option<SaltedDigest>,
    images: &[Image],
    before: &[Image],
) -> Response {
    let texts: Vec<&str> = codes.iter().map(|(_, text)| *text).collect();
    let search = Search::new(&texts, salted);
    // No code takes the room of another, which would then count as gone.
    let most = (MAX_FOUND / codes.len().max(1)).max(1);
    let (mut places, mut found, mut left_out) = (BTreeMap::<u64, usize>::new(), Vec::new(), Vec::new());
    for (place, image) in images.iter().enumerate() {
        left_out.extend(search.left_out(image, before.get(place)));
        for hit in search.find(image, before.get(place)) {
            let Some((code, _)) = codes.get(hit.secret).copied() else { continue };
            let count = places.entry(code).or_default();
            *count += 1;
            if *count <= most {
                found.push(Found {
                    code,
                    encoding: hit.encoding.word().into(),
                    address: u64::from(hit.address),
                });
            }
        }
    }
    Response { found: Some(found), why: in_words(&left_out).map(Into::into), ..Response::default() }
}

/// The answer that is a digest of a region.
///
/// # Errors
/// Not all of it is in the image.
pub fn digested(image: &Image, region: &Region) -> Result<Response, Refusal> {
    let digest = digest(image, region).map(Into::into);
    let not_whole = Refusal { reason: Reason::Unknown, why: "the region was not read as a whole" };
    digest.map(|digest| Response { digest: Some(digest), ..Response::default() }).ok_or(not_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(op: &str, arguments: &[(&str, Argument)]) -> Request {
        let arguments = arguments.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        Request { id: 1, op: op.into(), arguments }
    }

    /// Of what is not looked for nobody may say that it is gone.
    #[test]
    fn a_search_that_would_leave_out_a_code_is_refused() {
        let text = |text: &str| Argument::Text(text.into());
        for arguments in [
            vec![],
            vec![("code.1", text(""))],
            vec![("code.1", text("48213907")), ("code.x", text("90341562"))],
            vec![("code.1", text("48213907")), ("code.2", Argument::Number(90_341_562))],
        ] {
            let refused = Question::of(&request("search", &arguments)).map(|_| ());
            assert_eq!(refused.map_err(|refusal| refusal.reason), Err(Reason::Invalid), "{arguments:?}");
        }
        let two = [("code.10", text("48213907")), ("code.2", text("90341562"))];
        let wanted = Question::Search(vec![(10, "48213907"), (2, "90341562")]);
        assert_eq!(Question::of(&request("search", &two)), Ok(wanted));
    }

    #[test]
    fn a_code_that_is_everywhere_takes_no_other_ones_room() {
        let codes: Vec<(u64, String)> =
            (1..=40).map(|number| (number, format!("{}", 48_213_907 + number))).collect();
        let mut bytes: Vec<u8> = Vec::new();
        for (_, code) in &codes {
            bytes.extend(format!("{code} ").repeat(60).bytes());
        }
        let codes: Vec<(u64, &str)> = codes.iter().map(|(number, code)| (*number, code.as_str())).collect();
        let before = Image { start: 0, bytes: vec![0xff; bytes.len()] };
        let found = searched(&codes, None, &[Image { start: 0, bytes }], &[before]).found.expect("an answer");
        assert!(found.len() <= MAX_FOUND);
        for (number, _) in codes {
            assert!(found.iter().any(|place| place.code == number), "{number}");
        }
    }
}
