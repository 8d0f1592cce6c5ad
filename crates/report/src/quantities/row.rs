//! What a row of the table of quantities contains.

use contract::{Measurements, TrialRecord};
use model::{AgeRange, AgeRanges, Prediction};

use super::{saturation::Saturation, unit::Unit};
use crate::statistics::reading::Reading;

/// One quantity.
pub(super) struct Row {
    /// Name in `summary.json`, `summary.csv` and thresholds, unit last.
    pub(super) key: &'static str,
    /// Name in tables and running text.
    pub(super) label: &'static str,
    pub(super) unit: Unit,
    /// How it is read from a trial.
    pub(super) measured: Measured,
    /// How it is read from a prediction; none where the model does not predict it.
    pub(super) predicted: fn(&Prediction) -> Option<f64>,
    /// The predicted range, which only ages have.
    pub(super) range: fn(&AgeRanges) -> Option<AgeRange>,
    /// Which comparisons of points include it.
    pub(super) compared: Compared,
    /// Whether it is given as a multiple of the floor.
    pub(super) has_floor: bool,
    /// Whether it is an exact count, which scatters only by the exchanges at the window's edges; all others are
    /// timed or metered.
    pub(super) is_counted: bool,
    /// By how much the value of one block may differ from that of many, as a factor, at least 1. A claim that is
    /// judged by fewer than four blocks must hold within it. Infinite if nothing can be said by one block.
    ///
    /// In 34 runs of several blocks, 95 of 100 blocks lay within these factors of their point's mean: 1.20 for the
    /// age at p50, 1.33 at p99, 1.34 for CPU per event, 1.02 for memory, 1.19 for the set-up at p50, 1.52 at p99;
    /// bytes and requests on one schedule differ by less than 1.01. The factors here are larger, because another run
    /// differs by more than another block.
    pub(super) one_block: f64,
    /// Whether more is better; for all others less is better.
    pub(super) more_is_better: bool,
    /// Anchor of the glossary entry that explains it.
    pub(super) term: &'static str,
}

/// How a quantity is read from a trial.
///
/// A cost per event is the cost within the window, divided by the deliveries that arrived within the window,
/// whatever their due: a cost belongs to the events that it delivered. Ages are those of the events due in the
/// window, whenever they came.
#[derive(Debug, Clone, Copy)]
pub(super) enum Measured {
    /// The mean of the ages.
    MeanAge,
    /// A percentile of the ages.
    AgePercentile(f64),
    /// A total of the window ÷ its deliveries.
    PerDelivery(fn(&Measurements) -> Option<f64>),
    /// The CPU time of a process ÷ its deliveries, in microseconds; left out where few arrive per second, because
    /// the process's own idle work would be divided among them.
    CpuPerDelivery(fn(&Measurements) -> f64),
    /// A result of a growing rate.
    Saturation(fn(&Saturation) -> Option<Reading>),
    /// Any other value.
    Trial(fn(&TrialRecord, &Measurements) -> Option<f64>),
}

/// Which comparisons of points include a quantity. Each further one makes the others' differences harder to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// All.
    Always,
    /// Those of scenarios about the cost of connections.
    WithMemorySteps,
    /// Those of scenarios with a rate that grows until the server is saturated.
    OnRamps,
    /// Only those of scenarios whose question is about it.
    AsPrimary,
}

impl Row {
    /// A timed or metered quantity. Less is better; the model does not predict it; it is compared only if the
    /// question is about it; it has no floor; one block says nothing about others.
    pub(super) const fn metered(
        key: &'static str,
        label: &'static str,
        unit: Unit,
        measured: Measured,
    ) -> Self {
        Self {
            key,
            label,
            unit,
            measured,
            predicted: |_| None,
            range: |_| None,
            compared: Compared::AsPrimary,
            has_floor: false,
            is_counted: false,
            one_block: f64::INFINITY,
            more_is_better: false,
            term: "delivery",
        }
    }

    /// The same of an exact count.
    pub(super) const fn counted(
        key: &'static str,
        label: &'static str,
        unit: Unit,
        measured: Measured,
    ) -> Self {
        Self { is_counted: true, ..Self::metered(key, label, unit, measured) }
    }
}
