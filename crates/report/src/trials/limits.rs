//! A trial against the limits of its scenario: the possible faults of the instrument.

use contract::{Limits, Measurements, Scenario};

use super::{
    added_age::{self, AddedAge, primary_age},
    books,
    ledgers::difference,
};
use crate::{
    quantities::QuantityName,
    statistics::finite::finite,
    text::number::{count, counted, percent, three_digits, with_unit},
};

/// On which side of its limit a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fine {
    AtMost,
    AtLeast,
}

/// The cause of a value beyond its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The machine disturbed the trial: a repetition may be fine.
    Machine,
    /// The trial itself: a repetition would give the same.
    Trial,
}

/// One check of a trial.
pub(crate) struct Check {
    /// Head of its column.
    pub(crate) head: &'static str,
    /// The start of the sentence if the value is beyond its limit; empty where another text has details.
    what: &'static str,
    source: Source,
    fine: Fine,
    value: fn(&Measurements) -> Option<f64>,
    limit: fn(&Limits) -> f64,
    text: fn(f64) -> String,
}

/// Head of the column that comes before those of [`CHECKS`]: its limit depends on what was measured.
pub(crate) const ADDED_HEAD: &str = "the instrument may have added to an age";

/// All checks with one limit for every trial, in the order of the validity box.
pub(crate) const CHECKS: [Check; 7] = [
    Check {
        head: "harness CPU",
        what: "the harness's CPU use of its cores was",
        source: Source::Trial,
        fine: Fine::AtMost,
        value: harness_share,
        limit: |limits| limits.harness_cpu,
        text: percent,
    },
    Check {
        head: "clock step",
        what: "the wall clock was stepped by",
        source: Source::Machine,
        fine: Fine::AtMost,
        value: |of| finite(of.clock_step_us.abs() * 1e-3),
        limit: |limits| limits.clock_step.milliseconds(),
        text: milliseconds,
    },
    Check {
        head: "pages swapped",
        what: "the machine swapped pages:",
        source: Source::Machine,
        fine: Fine::AtMost,
        value: |of| of.swapped_pages.map(|pages| pages as f64),
        limit: |limits| limits.swapped_pages as f64,
        text: whole,
    },
    Check {
        head: "events not sent",
        what: "the schedule was not sent completely; events left out or refused:",
        source: Source::Trial,
        fine: Fine::AtMost,
        value: |of| {
            let publisher = &of.publisher;
            let missing = publisher.planned.saturating_sub(publisher.published);
            Some(missing.max(publisher.refused) as f64)
        },
        limit: |_| 0.0,
        text: whole,
    },
    Check {
        head: "deliveries beyond p99",
        what: "too few deliveries for a p99; deliveries beyond it:",
        source: Source::Trial,
        fine: Fine::AtLeast,
        value: |of| (of.window_deliveries > 0).then_some(of.window_deliveries as f64 * 0.01),
        limit: |limits| f64::from(limits.tail_samples),
        text: three_digits,
    },
    Check {
        head: "byte counts differ by",
        what: "",
        source: Source::Trial,
        fine: Fine::AtMost,
        value: difference,
        limit: |limits| limits.ledger_difference,
        text: percent,
    },
    Check {
        head: "unexplained bytes",
        what: "",
        source: Source::Trial,
        fine: Fine::AtMost,
        value: books::difference,
        limit: |limits| limits.ledger_difference,
        text: percent,
    },
];

impl Check {
    /// Whether its sentence is made here; `ledgers` and `books` make their own.
    const fn has_sentence(&self) -> bool {
        !self.what.is_empty()
    }

    /// The value of a trial; none if the system does not report it.
    pub(crate) fn value(&self, of: &Measurements) -> Option<f64> {
        (self.value)(of)
    }

    pub(crate) fn text(&self, value: f64) -> String {
        (self.text)(value)
    }

    /// `at most 5.00 ms`.
    pub(crate) fn limit_text(&self, limits: &Limits) -> String {
        let limit = self.text((self.limit)(limits));
        match self.fine {
            Fine::AtMost => format!("at most {limit}"),
            Fine::AtLeast => format!("at least {limit}"),
        }
    }

    pub(crate) fn is_beyond(&self, value: f64, limits: &Limits) -> bool {
        let limit = (self.limit)(limits);
        match self.fine {
            Fine::AtMost => value > limit,
            Fine::AtLeast => value < limit,
        }
    }

    /// The worse of two values.
    pub(crate) fn is_worse(&self, value: f64, than: f64) -> bool {
        match self.fine {
            Fine::AtMost => value > than,
            Fine::AtLeast => value < than,
        }
    }
}

/// The limits that a trial broke, in words; `ledgers` and `books` report theirs.
pub(crate) fn beyond_limits(of: &Measurements, scenario: &Scenario) -> Vec<String> {
    let (mut beyond, others) = (disturbances(of, scenario), beyond(of, &scenario.limits, Source::Trial));
    beyond.extend(others);
    beyond
}

/// The limits that the machine, not the pattern, broke in a trial, in words. A repetition at a quieter moment
/// may keep them.
#[must_use]
pub fn disturbances(of: &Measurements, scenario: &Scenario) -> Vec<String> {
    // A question that is not about an age does not suffer from what was added to ages.
    by_machine(of, primary_age(scenario), &scenario.limits)
}

/// The same of a calibration: its median age decides the pace.
#[must_use]
pub fn calibration_disturbances(of: &Measurements, limits: &Limits) -> Vec<String> {
    by_machine(of, Some(QuantityName::AgeP50), limits)
}

fn by_machine(of: &Measurements, age: Option<QuantityName>, limits: &Limits) -> Vec<String> {
    let added = age.and_then(|age| AddedAge::of(age, of)).filter(|added| added.is_beyond(limits));
    let added = added.map(|added| added.sentence(limits));
    added.into_iter().chain(beyond(of, limits, Source::Machine)).collect()
}

fn beyond(of: &Measurements, limits: &Limits, source: Source) -> Vec<String> {
    let checks = CHECKS.iter().filter(|check| check.has_sentence() && check.source == source);
    checks
        .filter_map(|check| {
            let value = check.value(of)?;
            let said =
                || format!("{} {} (limit: {})", check.what, check.text(value), check.limit_text(limits));
            check.is_beyond(value, limits).then(said)
        })
        .collect()
}

/// `the instrument may have added to an age, at most 10.0 % or 0.500 ms`.
pub(crate) fn added_head(limits: &Limits) -> String {
    format!("{ADDED_HEAD}, {}", added_age::limit_text(limits))
}

/// Retransmissions are a warning and leave a trial valid: a network may lose segments.
pub(crate) fn retransmission_warning(of: &Measurements) -> Option<String> {
    let again = of.kernel_life.filter(|kernel| kernel.retransmitted > 0)?.retransmitted;
    Some(format!("the subscribers' kernel retransmitted {}", counted(again, "segment", "segments")))
}

fn harness_share(of: &Measurements) -> Option<f64> {
    finite(of.cpu.harness_us / (of.cpu.wall_us * f64::from(of.workers)))
}

/// To the microsecond; shorter times count as zero.
fn milliseconds(value: f64) -> String {
    if value < 1e-3 { with_unit(0.0, "ms") } else { with_unit(value, "ms") }
}

fn whole(value: f64) -> String {
    count(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_last_value_that_is_fine() {
        let limits = Limits::default();
        for (place, fine, beyond) in
            [(0, 0.95, 0.96), (1, 50.0, 50.1), (2, 256.0, 257.0), (3, 0.0, 1.0), (4, 10.0, 9.99)]
        {
            let check = &CHECKS[place];
            assert!(!check.is_beyond(fine, &limits) && check.is_beyond(beyond, &limits), "{}", check.head);
            assert!(check.is_worse(beyond, fine), "{}", check.head);
        }
    }
}
