//! The parts of a run that stopped and was resumed.

use contract::{Environment, Manifest, TrialRecord};

use crate::text::{
    environment::{EnvironmentDifference, differences},
    number::counted,
};

/// What was measured of a run from its start, or from a resumption, to the next stop or the end.
#[derive(Debug, Clone, PartialEq)]
pub struct PartFinding {
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// Trials recorded in it, calibrations and repetitions included.
    pub trials: usize,
    /// Where it was measured.
    pub environment: Environment,
    /// How that differs from the first part.
    pub differences: Vec<EnvironmentDifference>,
}

impl PartFinding {
    /// The parts of a run; none if it was measured in one go.
    pub(crate) fn of(manifest: &Manifest, records: &[TrialRecord]) -> Vec<Self> {
        if manifest.resumed.is_empty() {
            return Vec::new();
        }
        let first = (&manifest.started_at, 0, &manifest.environment);
        let later = manifest.resumed.iter();
        let later = later.map(|part| (&part.started_at, part.kept as usize, &part.environment));
        let starts: Vec<(&String, usize, &Environment)> = std::iter::once(first).chain(later).collect();
        let ends = starts.iter().skip(1).map(|(_, kept, _)| *kept).chain([records.len()]);
        let part = |(start, end): (&(&String, usize, &Environment), usize)| {
            let (started_at, kept, environment) = *start;
            Self {
                started_at: started_at.clone(),
                trials: end.saturating_sub(kept),
                environment: environment.clone(),
                differences: differences(&manifest.environment, environment),
            }
        };
        let parts: Vec<Self> = starts.iter().zip(ends).map(part).collect();
        // A part without a record, which stopped at once, is none.
        let parts: Vec<Self> = parts.into_iter().filter(|part| part.trials > 0).collect();
        if parts.len() > 1 { parts } else { Vec::new() }
    }

    /// The warning that this part, whose number counts from 1, was measured elsewhere than the first.
    pub(crate) fn warning(&self, number: usize) -> Option<String> {
        let words = |difference: &EnvironmentDifference| {
            let EnvironmentDifference { fact, before, after } = difference;
            format!("{fact}: {before} in part 1, {after} in part {number}")
        };
        let words: Vec<String> = self.differences.iter().map(words).collect();
        (!words.is_empty()).then(|| {
            format!(
                "part {number} of the run, with {}, was measured in another environment, so its numbers may \
                 differ for this reason alone ({})",
                counted(self.trials as u64, "trial", "trials"),
                words.join("; ")
            )
        })
    }
}
