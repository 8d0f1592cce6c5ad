//! A scenario and its points.

use contract::{Arrivals, Scenario};

use super::{comparison::PointComparison, point::Point, threshold::ThresholdFinding};
use crate::{
    quantities::{QuantityName, Unit},
    statistics::blocks::few_blocks,
    text::swept::SweepParameter,
};

/// A scenario and its points.
#[derive(Debug, Clone)]
pub struct ScenarioFinding {
    /// The question and its settings.
    pub scenario: Scenario,
    /// Its points: patterns in their order, within a pattern by the swept value, and at one value by
    /// server: the lab's own, its floor, then the others as the scenario lists them.
    pub points: Vec<Point>,
    /// Its points compared with each other, block by block.
    pub comparisons: Vec<PointComparison>,
    /// Its thresholds, each at every point that it applies to.
    pub thresholds: Vec<ThresholdFinding>,
    /// The command that reproduces it.
    pub command: String,
}

impl ScenarioFinding {
    /// The points as tables list them: by pattern, but behind obstacles the patterns of each obstacle together,
    /// because they are compared with each other.
    pub(crate) fn listed(&self) -> Vec<&Point> {
        let mut points: Vec<&Point> = self.points.iter().collect();
        if SweepParameter::of(&self.scenario) == Some(SweepParameter::Network) {
            let place = |point: &Point| point.swept_key().map_or(0.0, |key| key.place_in(&self.scenario));
            points.sort_by(|left, right| place(left).total_cmp(&place(right)));
        }
        points
    }

    /// The quantity that the question is about.
    pub(crate) fn primary(&self) -> Option<QuantityName> {
        QuantityName::named(&self.scenario.primary)
    }

    /// The quantities that at least one of its points has or is predicted to have.
    pub(crate) fn known_quantities(&self) -> Vec<QuantityName> {
        let known = |name: &QuantityName| {
            self.points.iter().map(|point| point.quantity_of(*name)).any(|quantity| {
                quantity.measured.is_some() || quantity.predicted.is_some() || quantity.closed_form.is_some()
            })
        };
        QuantityName::ALL.into_iter().filter(known).collect()
    }

    /// Whether servers were measured that the lab did not build.
    pub(crate) fn has_foreign(&self) -> bool {
        self.points.iter().any(|point| point.server.is_foreign())
    }

    /// The cost in which its servers are compared: the primary quantity if that is a cost, else the server's
    /// CPU per event; up to saturation where the rate grows.
    pub(crate) fn main_cost(&self) -> QuantityName {
        if self.is_ramp() {
            return QuantityName::SaturationCpuPerEvent;
        }
        let is_cost = |name: &QuantityName| matches!(name.unit(), Unit::Microseconds | Unit::Bytes);
        self.primary().filter(is_cost).unwrap_or(QuantityName::CpuPerEvent)
    }

    /// Whether the rate of events grows until a server can do no more.
    pub(crate) const fn is_ramp(&self) -> bool {
        matches!(self.scenario.events, Arrivals::Ramp { .. })
    }

    /// Most blocks that one of its points has.
    pub(crate) fn blocks(&self) -> usize {
        self.points.iter().map(Point::blocks).max().unwrap_or(0)
    }

    /// How few blocks it has, in words; none with enough for a judgement, and if nothing was measured.
    pub(crate) fn few_blocks(&self) -> Option<&'static str> {
        few_blocks(self.blocks()).filter(|_| self.blocks() > 0)
    }

    /// `valid`, `valid, one run`, or `not valid`.
    pub(crate) fn validity_words(&self) -> String {
        match (self.points.iter().all(|point| point.valid), self.few_blocks()) {
            (false, _) => "not valid".to_owned(),
            (true, None) => "valid".to_owned(),
            (true, Some(few)) => format!("valid, {few}"),
        }
    }
}
