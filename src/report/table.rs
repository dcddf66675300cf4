//! Results as CSV and as JSON lines.

use std::io::Write;
use std::path::Path;

use crate::evidence::{EvidenceError, read_results};
use crate::unit::visible;

/// One row a case; every field is quoted, and none can be taken for a formula.
///
/// # Errors
/// The folder can't be read.
pub fn csv(folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    let mut write = |text: &str| out.write_all(text.as_bytes()).map_err(EvidenceError::io(folder));
    write("case,model,method,scenario,verdict,reason,length_s\r\n")?;
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
        write(&format!("{}\r\n", row.join(",")))?;
    }
    Ok(())
}

fn quoted(field: &str) -> String {
    let harmless = visible(field);
    let guard = if harmless.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("\"{guard}{}\"", harmless.replace('"', "\"\""))
}

/// One JSON object a line and case.
///
/// # Errors
/// The folder can't be read.
pub fn json(folder: &Path, out: &mut dyn Write) -> Result<(), EvidenceError> {
    for entry in read_results(folder)? {
        let line = serde_json::to_string(&entry?)
            .map_err(|error| EvidenceError::malformed(folder, error.to_string()))?;
        writeln!(out, "{line}").map_err(EvidenceError::io(folder))?;
    }
    Ok(())
}
