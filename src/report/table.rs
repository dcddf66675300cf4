//! Results as CSV and as JSON lines.

use std::path::Path;

use crate::evidence::{EvidenceError, read_results};

/// One row a case; every field is quoted, and none can be taken for a formula.
///
/// # Errors
/// The folder can't be read.
pub fn csv(folder: &Path) -> Result<Vec<u8>, EvidenceError> {
    let mut text = String::from("case,model,method,scenario,verdict,reason,length_s\r\n");
    for entry in read_results(folder)? {
        let entry = entry?;
        let length = format!("{}.{:09}", entry.length_ns / 1_000_000_000, entry.length_ns % 1_000_000_000);
        let fields = [
            entry.case.as_str(),
            entry.model.as_str(),
            entry.method.word(),
            entry.scenario.as_str(),
            entry.result.verdict.word(),
            entry.result.reason.as_str(),
            length.as_str(),
        ];
        let row: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        text.push_str(&row.join(","));
        text.push_str("\r\n");
    }
    Ok(text.into_bytes())
}

fn quoted(field: &str) -> String {
    let harmless: String = field.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let guard = if harmless.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("\"{guard}{}\"", harmless.replace('"', "\"\""))
}

/// One JSON object a line and case.
///
/// # Errors
/// The folder can't be read.
pub fn json(folder: &Path) -> Result<Vec<u8>, EvidenceError> {
    let mut bytes = Vec::new();
    for entry in read_results(folder)? {
        let line = serde_json::to_vec(&entry?);
        bytes.extend(line.map_err(|error| EvidenceError::malformed(folder, error.to_string()))?);
        bytes.push(b'\n');
    }
    Ok(bytes)
}
