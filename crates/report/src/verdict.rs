//! Whether a run can be trusted as a whole, and why not.

use crate::{findings::Failure, number::count, point::Point, validity::bytes_are_the_servers};

/// The one word about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every planned trial completed and is valid.
    Passed,
    /// At least one trial could not be finished.
    Failed,
    /// Every trial completed, but the numbers of at least one cannot be trusted.
    Invalid,
    /// The run ended before all planned trials did.
    Interrupted,
}

impl Verdict {
    /// The word in `summary.json`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
        }
    }

    /// The word at the top of the report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "valid",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
        }
    }

    /// The verdict and the reason beside it.
    pub(crate) fn of(points: &[&Point], failures: &[Failure], planned: u32) -> (Self, String) {
        let recorded: usize = points.iter().map(|point| point.trials.len()).sum();
        let completed: usize = points.iter().map(|point| point.completed().count()).sum();
        let of_planned =
            format!("{} of {} planned trials completed", count(completed as u64), count(u64::from(planned)));
        if let Some(failure) = failures.first() {
            return (
                Self::Failed,
                format!(
                    "{of_planned}; {} failed, the first in {}: {}",
                    count(failures.len() as u64),
                    failure.scenario,
                    failure.reason
                ),
            );
        }
        let invalid: Vec<&&Point> = points.iter().filter(|point| !point.valid).collect();
        if let Some(point) = invalid.first() {
            let reason = point.warnings.first().map_or("its numbers contradict each other", String::as_str);
            return (
                Self::Invalid,
                format!(
                    "{} of {} points, the first {} in {}: {reason}",
                    invalid.len(),
                    points.len(),
                    point.label(),
                    point.scenario
                ),
            );
        }
        if recorded < planned as usize || recorded == 0 {
            return (Self::Interrupted, format!("{of_planned}, the others were not run"));
        }
        (
            Self::Passed,
            format!(
                "{of_planned}; every event was delivered once, in order, and subscribers and server counted the same {}",
                same_counts(points)
            ),
        )
    }
}

/// What both sides counted by themselves.
fn same_counts(points: &[&Point]) -> &'static str {
    let theirs = points.iter().filter(|point| bytes_are_the_servers(point.pattern, &point.params)).count();
    if theirs == 0 {
        "requests and bytes"
    } else if theirs < points.len() {
        "requests and bytes; bytes of reqwest subscribers are the server's own count"
    } else {
        "requests; bytes of reqwest subscribers are the server's own count"
    }
}
