//! By how many one-way delays an age grows when the round trip grows.

use contract::Pattern;

use crate::{
    findings::Point,
    quantities::{Bound, QuantityName},
    statistics::least_squares::line,
    text::number::three_digits,
};

/// One one-way delay as a fraction of a round trip.
pub(crate) const ONE_WAY_DELAY_EXPLAINED: f64 = 0.5;

/// Growth of a quantity per growth of the round trip, measured and predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    pub(crate) pattern: Pattern,
    pub(crate) measured: f64,
    pub(crate) predicted: Option<f64>,
}

impl Growth {
    /// `SSE 1.00`, in one-way delays.
    pub(crate) fn one_way_delays(&self) -> String {
        format!("{} {}", self.pattern.label(), three_digits(self.measured / ONE_WAY_DELAY_EXPLAINED))
    }
}

/// The slope of each pattern that was measured at two round trips or more.
pub(crate) fn growths(points: &[&Point], name: QuantityName) -> Vec<Growth> {
    let of = |pattern: Pattern| {
        let points = || {
            points.iter().filter(move |point| {
                point.pattern == pattern && point.quantity_of(name).bound == Bound::Exact
            })
        };
        let pairs = |value: fn(&Point, QuantityName) -> Option<f64>| -> Vec<(f64, f64)> {
            points().filter_map(|point| Some((point.params.rtt_ms?, value(point, name)?))).collect()
        };
        Some(Growth {
            pattern,
            measured: line(&pairs(Point::measured))?.slope,
            predicted: line(&pairs(|point, name| point.quantity_of(name).predicted)).map(|line| line.slope),
        })
    };
    Pattern::ALL.into_iter().filter_map(of).collect()
}
