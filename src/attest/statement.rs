//! The statement: every file of the run with its hash, and how the run ended (in-toto Statement v1 with its predicate
//! `test-result` v0.1). It follows from the run alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::evidence::{Manifest, hex};
use crate::unit::visible;
use crate::verdict::Verdict;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// The statement of a run, in canonical JSON.
pub(super) fn statement(folder: &Path, manifest: &Manifest, outcome: Verdict) -> Result<Vec<u8>, String> {
    let path = folder.join("run.json");
    let own = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let own = hex(&Sha256::digest(&own));
    let mut files: BTreeMap<&str, &str> =
        manifest.files.iter().map(|(name, hash)| (name.as_str(), hash.as_str())).collect();
    files.insert("run.json", &own);
    let described = |(name, hash): (&&str, &&str)| json!({"name": name, "digest": {"sha256": hash}});
    let inputs = files.iter().filter(|(name, _)| name.starts_with("inputs/"));
    let statement = json!({
        "_type": STATEMENT,
        "subject": files.iter().map(described).collect::<Vec<_>>(),
        "predicateType": PREDICATE,
        "predicate": {"result": result(outcome), "configuration": inputs.map(described).collect::<Vec<_>>()},
    });
    serde_json_canonicalizer::to_vec(&statement).map_err(|error| error.to_string())
}

/// What a run comes to, in the words of the predicate.
fn result(outcome: Verdict) -> &'static str {
    match outcome {
        Verdict::Pass => "PASSED",
        Verdict::Fail => "FAILED",
        // Nobody may take what was not proved for passed.
        Verdict::Inconclusive | Verdict::Error | Verdict::Aborted | Verdict::NotApplicable => "WARNED",
    }
}

/// How a statement differs from the one that a run has.
pub(super) fn difference(signed: &[u8], expected: &[u8]) -> String {
    let files = |bytes: &[u8]| -> BTreeMap<String, Json> {
        let statement: Json = serde_json::from_slice(bytes).unwrap_or_default();
        let subjects = statement["subject"].as_array().cloned().unwrap_or_default();
        let named = |one: Json| Some((one["name"].as_str()?.to_owned(), one["digest"].clone()));
        subjects.into_iter().filter_map(named).collect()
    };
    let (signed, expected) = (files(signed), files(expected));
    for (name, hash) in &expected {
        match signed.get(name) {
            None => return format!("what was signed leaves out {name}"),
            Some(other) if other != hash => return format!("{name} is not the file that was signed"),
            Some(_) => {}
        }
    }
    match signed.keys().find(|name| !expected.contains_key(*name)) {
        Some(name) => format!("{} was signed, and is not in the run", visible(name)),
        None => "what was signed is not what lockrig says of this run".to_owned(),
    }
}
