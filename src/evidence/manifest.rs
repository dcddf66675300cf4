//! `run.json`: what the folder holds, in canonical form, with its own hash.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::verdict::Verdict;

use super::files::sync_folder;
use super::{EvidenceError, hex};

/// Version of the evidence format; a reader refuses any other.
pub const FORMAT: u32 = 2;

/// This version of lockrig, as its manifests say it.
pub const TOOL: &str = env!("CARGO_PKG_VERSION");

/// Whether the run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// From the start until the close.
    Running,
    /// Complete.
    Closed,
    /// Never closed: what is left of it was read back from its journal.
    Aborted,
}

/// Which bench.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RigIdentity {
    /// Rig id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// When its calibration runs out; none for a simulated rig.
    pub calibration_due: Option<String>,
}

/// Which lock, as given by the operator or said by the device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceIdentity {
    /// Serial number.
    pub serial: Option<String>,
    /// Firmware version.
    pub firmware: Option<String>,
}

/// What the devices of a run said of themselves.
#[derive(Default)]
pub(super) enum Heard {
    #[default]
    Nothing,
    Always(DeviceIdentity),
    /// There were several devices: none is the one under test.
    Different,
}

impl Heard {
    pub(super) fn hear(&mut self, device: &DeviceIdentity) {
        match self {
            Self::Nothing => *self = Self::Always(device.clone()),
            Self::Always(known) if known != device => *self = Self::Different,
            Self::Always(_) | Self::Different => {}
        }
    }

    /// What the operator said comes first.
    pub(super) fn complete(&self, known: &mut DeviceIdentity) {
        if let Self::Always(device) = self {
            known.serial = known.serial.take().or_else(|| device.serial.clone());
            known.firmware = known.firmware.take().or_else(|| device.firmware.clone());
        }
    }
}

/// What was asked for, so that a run can be continued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selected {
    /// Models; all without any.
    pub models: Vec<String>,
    /// Scenarios; all without any.
    pub scenarios: Vec<String>,
    /// Methods; all without any.
    pub methods: Vec<String>,
    /// Cases; all without any.
    pub cases: Vec<String>,
    /// How often each.
    pub repeat: u32,
    /// Whether that is to certify, and not only to be tried.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub certifies: bool,
}

/// Cases by verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(pub BTreeMap<Verdict, u64>);

impl Counts {
    /// Counts a case.
    pub fn add(&mut self, verdict: Verdict) {
        *self.0.entry(verdict).or_insert(0) += 1;
    }

    /// Counts the cases of another, too.
    pub fn merge(&mut self, other: &Self) {
        for (verdict, count) in &other.0 {
            *self.0.entry(*verdict).or_insert(0) += count;
        }
    }

    /// Cases with a verdict.
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.0.get(&verdict).copied().unwrap_or(0)
    }

    /// These and the cases of another.
    #[must_use]
    pub fn merged(&self, other: Option<&Self>) -> Self {
        let mut all = self.clone();
        other.into_iter().for_each(|other| all.merge(other));
        all
    }

    /// All cases.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// What the runs that a run continues have shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Models of which they played any case.
    pub played: BTreeSet<String>,
    /// By clause, the models of which a passing case showed it.
    pub shown: BTreeMap<String, BTreeSet<String>>,
}

/// Somebody who has to do with a certification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Name.
    pub name: String,
    /// Address, contact or function.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// What only people can say of a certification (ISO/IEC 17025:2017, 7.8.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commission {
    /// Who performed it, with the address.
    pub laboratory: Party,
    /// Where, if not at that address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<String>,
    /// For whom, with the contact.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer: Option<Party>,
    /// In which condition the item was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub condition: Option<String>,
    /// When it was received: `2026-11-29`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub received: Option<String>,
    /// How it was chosen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sampling: Option<String>,
    /// Additions to, deviations or exclusions from the method.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deviations: Option<String>,
    /// Results that somebody else provided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub external: Option<String>,
    /// Who authorises the report, with the function.
    pub authorised_by: Party,
}

/// `run.json` without its own hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    pub format: u32,
    /// Running or closed.
    pub state: State,
    /// Run id.
    pub run: String,
    /// Version of the tool.
    pub tool: String,
    /// `simulated` or `hardware`.
    pub provenance: String,
    /// Which bench.
    pub rig: RigIdentity,
    /// Which lock.
    pub device: DeviceIdentity,
    /// Who.
    pub operator: Option<String>,
    /// What people say of it, for the conformity report.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commission: Option<Commission>,
    /// Seed.
    pub seed: u64,
    /// Defect that was switched on in the simulated lock.
    pub defect: Option<String>,
    /// How the simulated lock differed from the textbook, soundly.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub variation: Option<String>,
    /// Run that this one continues.
    pub resumes: Option<String>,
    /// Cases by verdict that it and those before it finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Counts>,
    /// What those before it have shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// What was asked for.
    pub selected: Selected,
    /// When it began, UTC.
    pub started: String,
    /// When it ended, UTC.
    pub ended: Option<String>,
    /// Cases planned.
    pub planned: u64,
    /// Cases by verdict.
    pub counts: Counts,
    /// Files with their sha256: those under `inputs/`, and every other once the run is closed.
    pub files: BTreeMap<String, String>,
    /// Lines of the journal; once closed.
    pub journal: Option<u64>,
}

impl Manifest {
    /// The bytes of `run.json`.
    ///
    /// # Errors
    /// A value has no canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut json = serde_json::to_value(self).map_err(|error| error.to_string())?;
        let canonical = serde_json_canonicalizer::to_vec(&json).map_err(|error| error.to_string())?;
        let own = hex(&Sha256::digest(&canonical));
        if let Json::Object(object) = &mut json {
            object.insert("self".into(), Json::String(own));
        }
        serde_json_canonicalizer::to_vec(&json).map_err(|error| error.to_string())
    }

    /// Reads `run.json`, accepting only the very bytes that it was written with.
    ///
    /// # Errors
    /// Not canonical, not its own hash, a newer format, or not a manifest.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let mut json: Json = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
        let format = json.get("format").and_then(Json::as_u64);
        match format {
            Some(format) if format > u64::from(FORMAT) => {
                return Err("written by a newer version of lockrig".into());
            }
            Some(format) if format < u64::from(FORMAT) => {
                return Err(format!(
                    "written in format {format}, by an earlier version of lockrig; only that reads it"
                ));
            }
            Some(_) | None => {}
        }
        let canonical = serde_json_canonicalizer::to_vec(&json).map_err(|error| error.to_string())?;
        if canonical != bytes {
            return Err("not in canonical form".into());
        }
        let own = json.as_object_mut().and_then(|object| object.remove("self"));
        let rest = serde_json_canonicalizer::to_vec(&json).map_err(|error| error.to_string())?;
        if own != Some(Json::String(hex(&Sha256::digest(&rest)))) {
            return Err("its own hash does not match".into());
        }
        let manifest: Self =
            serde_json::from_value(json).map_err(|error| format!("not a manifest: {error}"))?;
        // A field of its own would stand in the record, and follow from nothing.
        if manifest.to_bytes()? != bytes {
            return Err("it has fields that no run writes".into());
        }
        Ok(manifest)
    }

    /// Writes `run.json` so that there is always a whole one.
    ///
    /// # Errors
    /// Those of the files.
    pub fn write(&self, folder: &Path) -> Result<(), EvidenceError> {
        let (path, new) = (folder.join("run.json"), folder.join("run.json.new"));
        let bytes = self.to_bytes().map_err(|reason| EvidenceError::malformed(&path, reason))?;
        let mut file = File::create(&new).map_err(EvidenceError::io(&new))?;
        file.write_all(&bytes).map_err(EvidenceError::io(&new))?;
        file.sync_all().map_err(EvidenceError::io(&new))?;
        fs::rename(&new, &path).map_err(EvidenceError::io(&path))?;
        sync_folder(folder)
    }
}
