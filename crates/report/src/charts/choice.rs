//! A point as a choice between cost and freshness.

use super::intervals;
use crate::{
    findings::Point,
    quantities::{Bound, QuantityName},
};

/// A point with a cost and an age.
pub(super) struct Choice<'a> {
    pub(super) point: &'a Point,
    pub(super) bytes: f64,
    pub(super) age_ms: f64,
}

impl<'a> Choice<'a> {
    /// None without a cost, and if the age is only a lower bound.
    pub(super) fn of(point: &'a Point) -> Option<Self> {
        let age = point.quantity_of(QuantityName::AgeP99);
        let (bytes, age_ms) = (point.measured(QuantityName::BytesPerEvent)?, age.measured?);
        (age.bound == Bound::Exact && bytes > 0.0).then_some(Self { point, bytes, age_ms: age_ms.max(1e-3) })
    }

    /// The cost and the ends of its interval.
    pub(super) fn all_bytes(&self) -> [f64; 3] {
        let (low, high) = self.interval(QuantityName::BytesPerEvent).unwrap_or((self.bytes, self.bytes));
        [self.bytes, low, high]
    }

    /// The age and the ends of its interval.
    pub(super) fn all_ages_ms(&self) -> [f64; 3] {
        let (low, high) = self.interval(QuantityName::AgeP99).unwrap_or((self.age_ms, self.age_ms));
        [self.age_ms, low, high]
    }

    pub(super) fn interval(&self, name: QuantityName) -> Option<(f64, f64)> {
        intervals::of(self.point.quantity_of(name))
    }
}
