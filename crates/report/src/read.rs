//! Reads a run back. A line that is not a record costs only its own trial, and a warning names it.

use contract::{Distribution, Manifest, Outcome, RECORD_SCHEMA, TrialRecord};
use serde::Deserialize;

use crate::claims::{Claim, read_claims};

/// Scenario name of the trials that only measure the costs of this machine.
pub(crate) const CALIBRATION: &str = "calibration";

const MANIFEST: &str = "manifest.json";
const RECORDS: &str = "records.jsonl";

/// Name of the file of claims, in the folder of the scenarios and in that of a run.
pub const CLAIMS: &str = "claims.toml";

/// A run as its files describe it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was to be measured, and where.
    pub manifest: Manifest,
    /// What was measured, calibration included, in the order in which it ended.
    pub records: Vec<TrialRecord>,
    /// The claims that it is asked about; empty without a file of claims.
    pub claims: Vec<Claim>,
    /// Warnings about the files themselves, in words.
    pub warnings: Vec<String>,
}

/// The files are not a run that this version can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or a field is missing or of the wrong kind.
    #[error("{file}, line {line}: {problem}")]
    Form {
        /// The file's name.
        file: &'static str,
        /// Line, from 1.
        line: usize,
        /// The parser's message.
        problem: String,
    },
    /// Written by another version of pushlab.
    #[error(
        "{file}, line {line}: schema {found} cannot be read, only schema {RECORD_SCHEMA}: use the pushlab that measured this run"
    )]
    Schema {
        /// The file's name.
        file: &'static str,
        /// Line, from 1.
        line: usize,
        /// The version found.
        found: u32,
    },
}

/// Why a line is not a record.
enum Unread {
    /// The whole run is another version's.
    OtherVersion(ReadError),
    /// This line alone is lost.
    Broken(String),
}

/// The one field that every version of the files has.
#[derive(Deserialize)]
struct Versioned {
    schema: u32,
}

impl Run {
    /// Reads `manifest.json` and `records.jsonl`.
    ///
    /// A line may be cut short by a full disk or a kill, or damaged later: not UTF-8, not JSON, a missing
    /// field, a scenario that the manifest does not have, a histogram that contradicts itself. Such a line is
    /// left out, and a warning in [`Run::warnings`] names it.
    ///
    /// # Errors
    /// [`ReadError`] with file and line if the manifest cannot be read, or either file was written by
    /// another version of pushlab.
    pub fn parse(manifest_json: &str, records_jsonl: impl AsRef<[u8]>) -> Result<Self, ReadError> {
        let manifest: Manifest = versioned(MANIFEST, 1, manifest_json)?;
        let mut run = Self { manifest, records: Vec::new(), claims: Vec::new(), warnings: Vec::new() };
        let bytes = records_jsonl.as_ref();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        for (line, text) in (1..).zip(&lines) {
            if text.trim_ascii().is_empty() {
                continue;
            }
            match run.record(line, text) {
                Ok(record) => run.records.push(record),
                Err(Unread::OtherVersion(error)) => return Err(error),
                Err(Unread::Broken(problem)) => {
                    // Only a line that was still being written lacks its end.
                    let state = if line == lines.len() { "is cut short" } else { "cannot be read" };
                    run.warnings.push(format!(
                        "line {line} of {RECORDS} {state} and was left out ({problem}): its trial counts as not run"
                    ));
                }
            }
        }
        Ok(run)
    }

    /// The run with the claims of [`CLAIMS`] in its folder. A file that cannot be read is a warning.
    #[must_use]
    pub fn with_claims(mut self, text: &[u8]) -> Self {
        match read_claims(CLAIMS, text) {
            Ok(claims) => self.claims = claims,
            Err(error) => self.warnings.push(format!("no claims: {error}")),
        }
        self
    }

    /// The record of a line.
    fn record(&self, line: usize, text: &[u8]) -> Result<TrialRecord, Unread> {
        let broken = |problem: String| Unread::Broken(problem);
        let text = std::str::from_utf8(text)
            .map_err(|error| broken(format!("not UTF-8 after {} bytes", error.valid_up_to())))?;
        let record: TrialRecord = versioned(RECORDS, line, text).map_err(|error| match error {
            ReadError::Form { problem, .. } => broken(problem),
            ReadError::Schema { .. } => Unread::OtherVersion(error),
        })?;
        self.check(&record).map_err(broken)?;
        Ok(record)
    }

    /// The properties that all later code relies on.
    fn check(&self, record: &TrialRecord) -> Result<(), String> {
        let known = record.scenario == CALIBRATION
            || self.manifest.scenarios.iter().any(|scenario| scenario.name == record.scenario);
        if !known {
            return Err(format!("scenario `{}` is not in {MANIFEST}", record.scenario));
        }
        let Outcome::Completed { measurements } = &record.outcome else {
            return Ok(());
        };
        if measurements.window.end_ns < measurements.window.start_ns {
            return Err("the measured window ends before it starts".to_owned());
        }
        for (name, distribution) in [
            ("age.arrived", &measurements.age.arrived),
            ("lateness", &measurements.lateness),
            ("connect", &measurements.connect),
            ("stalls", &measurements.stalls),
            ("recovery", &measurements.recovery),
        ] {
            if let Err(problem) = Distribution::histogram(distribution) {
                return Err(format!("{name}: {problem}"));
            }
        }
        Ok(())
    }
}

fn versioned<T: for<'de> Deserialize<'de>>(
    file: &'static str,
    line: usize,
    text: &str,
) -> Result<T, ReadError> {
    let form = |problem: serde_json::Error| ReadError::Form {
        file,
        // A record is one line of its file; the reader's own line counts within it.
        line: line + problem.line().saturating_sub(1),
        problem: problem.to_string(),
    };
    let version: Versioned = serde_json::from_str(text).map_err(form)?;
    if version.schema != RECORD_SCHEMA {
        return Err(ReadError::Schema { file, line, found: version.schema });
    }
    serde_json::from_str(text).map_err(form)
}
