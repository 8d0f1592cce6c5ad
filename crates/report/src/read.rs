//! Reads a run back: strict about what it cannot judge, lenient only about a last line cut short.

use contract::{Distribution, Manifest, Outcome, RECORD_SCHEMA, TrialRecord};
use serde::Deserialize;

/// Scenario name of the trials that only find out what this machine costs.
pub(crate) const CALIBRATION: &str = "calibration";

const MANIFEST: &str = "manifest.json";
const RECORDS: &str = "records.jsonl";

/// A run as its two files tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was to be measured, and where.
    pub manifest: Manifest,
    /// What was measured, calibration included, in the order in which it ended.
    pub records: Vec<TrialRecord>,
    /// Doubts about the files themselves, in words.
    pub warnings: Vec<String>,
}

/// Files that are not a run this version can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or a field is missing or of the wrong kind.
    #[error("{file}, line {line}: {problem}")]
    Form {
        /// The file's name.
        file: &'static str,
        /// Line, from 1.
        line: usize,
        /// What the reader said.
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
    /// A record that does not fit the manifest, or that contradicts itself.
    #[error("{RECORDS}, line {line}: {problem}")]
    Contradiction {
        /// Line, from 1.
        line: usize,
        /// What does not fit.
        problem: String,
    },
}

/// The one field that every version of the files has.
#[derive(Deserialize)]
struct Versioned {
    schema: u32,
}

impl Run {
    /// Reads `manifest.json` and `records.jsonl`.
    ///
    /// A last line without its line end that is not a whole record was cut short by a full disk or
    /// a kill: it is left out with a warning in [`Run::warnings`].
    ///
    /// # Errors
    /// [`ReadError`] with file and line if the text is not a run of this schema, a record names a
    /// scenario that the manifest does not have, or a histogram is damaged.
    pub fn parse(manifest_json: &str, records_jsonl: &str) -> Result<Self, ReadError> {
        let manifest: Manifest = versioned(MANIFEST, 1, manifest_json)?;
        let mut run = Self { manifest, records: Vec::new(), warnings: Vec::new() };
        let lines: Vec<&str> = records_jsonl.lines().collect();
        for (index, text) in lines.iter().enumerate() {
            if text.trim().is_empty() {
                continue;
            }
            let line = index + 1;
            let unfinished = line == lines.len() && !records_jsonl.ends_with('\n');
            match versioned::<TrialRecord>(RECORDS, line, text) {
                Ok(record) => {
                    run.check(line, &record)?;
                    run.records.push(record);
                }
                Err(ReadError::Form { .. }) if unfinished => run.warnings.push(format!(
                    "line {line} of {RECORDS} is cut short and was left out: its trial counts as not run"
                )),
                Err(error) => return Err(error),
            }
        }
        Ok(run)
    }

    /// What everything after this relies on.
    fn check(&self, line: usize, record: &TrialRecord) -> Result<(), ReadError> {
        let error = |problem: String| Err(ReadError::Contradiction { line, problem });
        let known = record.scenario == CALIBRATION
            || self.manifest.scenarios.iter().any(|scenario| scenario.name == record.scenario);
        if !known {
            return error(format!("scenario `{}` is not in {MANIFEST}", record.scenario));
        }
        let Outcome::Completed { measurements } = &record.outcome else {
            return Ok(());
        };
        if measurements.window.end_ns < measurements.window.start_ns {
            return error("the measured window ends before it starts".to_owned());
        }
        for (name, distribution) in [
            ("age.arrived", &measurements.age.arrived),
            ("lateness", &measurements.lateness),
            ("connect", &measurements.connect),
            ("stalls", &measurements.stalls),
            ("recovery", &measurements.recovery),
        ] {
            if let Err(problem) = Distribution::histogram(distribution) {
                return error(format!("{name}: {problem}"));
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
