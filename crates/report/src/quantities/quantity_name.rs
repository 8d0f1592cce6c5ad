//! What the row of a quantity says about it, and its value in a trial or a prediction.

use contract::{Measurements, TrialRecord};
use model::{AgeRange, AgeRanges, Prediction};

use super::{
    ages::{AgeView, Percentile},
    row::{Compared, Measured, Row},
    rows::{QuantityName, ROWS},
    saturation::{Saturation, rate_grew},
    unit::Unit,
};
use crate::{
    statistics::{
        finite::{divide, finite},
        reading::Reading,
    },
    text::number,
};

impl QuantityName {
    pub(super) const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The quantity with this key; none if there is none.
    #[must_use]
    pub(crate) fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.key() == key)
    }

    /// Name in `summary.json` and `summary.csv`, unit last.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.row().key
    }

    /// Name in tables and running text.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.row().label
    }

    /// Its unit.
    #[must_use]
    pub const fn unit(self) -> Unit {
        self.row().unit
    }

    /// Anchor of the glossary entry that explains it.
    pub(crate) const fn term(self) -> &'static str {
        self.row().term
    }

    /// Whether more is better; for all others less is better.
    #[must_use]
    pub const fn more_is_better(self) -> bool {
        self.row().more_is_better
    }

    /// Whether it is an exact count, which scatters only by the exchanges at the window's edges; all others
    /// are timed or metered.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        self.row().is_counted
    }

    /// By how much the value of one block may differ from that of many, as a factor, at least 1.
    pub(crate) const fn one_block(self) -> f64 {
        self.row().one_block
    }

    /// Whether it is an age of events, and so depends on the clocks of both ends.
    #[must_use]
    pub const fn is_age(self) -> bool {
        matches!(self.row().measured, Measured::MeanAge | Measured::AgePercentile(_))
    }

    /// The percentile that it is, if it is one of ages.
    pub(crate) fn age_quantile(self) -> Option<f64> {
        if let Measured::AgePercentile(quantile) = self.row().measured { Some(quantile) } else { None }
    }

    /// Whether it is divided by the deliveries that arrived within the window.
    pub(crate) const fn is_per_delivery(self) -> bool {
        matches!(self.row().measured, Measured::PerDelivery(_) | Measured::CpuPerDelivery(_))
    }

    /// Whether it is a result of a growing rate.
    pub(crate) const fn is_of_saturation(self) -> bool {
        matches!(self.row().measured, Measured::Saturation(_))
    }

    /// Which comparisons of points include it.
    pub(crate) const fn compared(self) -> Compared {
        self.row().compared
    }

    /// Whether it is given as a multiple of the floor.
    pub(crate) const fn has_floor(self) -> bool {
        self.row().has_floor
    }

    /// Its reading in one trial. `ages` are the trial's own.
    pub(crate) fn reading(self, record: &TrialRecord, of: &Measurements, ages: &AgeView) -> Option<Reading> {
        let age = |Percentile { value_ms, bound }: Percentile| {
            finite(value_ms).map(|value| Reading { value, bound })
        };
        let per_delivery = |total: f64| {
            // A lost event has no cost per delivery, and the cost of a later one lies outside the window.
            let deliveries = of.window_received as f64;
            if rate_grew(of) { None } else { divide(total, deliveries).map(Reading::exact) }
        };
        match self.row().measured {
            Measured::MeanAge => age(ages.mean()?),
            Measured::AgePercentile(quantile) => age(ages.percentile(quantile)?),
            Measured::PerDelivery(total) => per_delivery(total(of)?),
            Measured::CpuPerDelivery(time_us) => per_delivery(time_us(of)),
            Measured::Saturation(read) => read(&Saturation::of(of)?),
            Measured::Trial(read) => read(record, of).map(Reading::exact),
        }
    }

    /// Its predicted value; none if the model does not predict it.
    pub(crate) fn predicted(self, of: &Prediction) -> Option<f64> {
        (self.row().predicted)(of).and_then(finite)
    }

    /// Its predicted range; none for a quantity that is no age.
    pub(crate) fn range(self, ranges: &AgeRanges) -> Option<AgeRange> {
        (self.row().range)(ranges)
    }

    /// A lower bound with its unit: rounded down, so that what is printed is one, too.
    #[must_use]
    pub fn lower_bound_text(self, value: f64) -> String {
        self.text(number::rounded_down(value))
    }

    /// A value with its unit, as text and tables print it.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        self.unit().text(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_block_may_differ_by_some_factor_and_less_in_a_count_than_in_a_time() {
        let factor = QuantityName::one_block;
        for name in QuantityName::ALL {
            assert!((1.0..10.0).contains(&factor(name)), "{}: {}", name.key(), factor(name));
        }
        assert!(factor(QuantityName::BytesPerEvent) < factor(QuantityName::CpuPerEvent));
        assert!(factor(QuantityName::CpuPerEvent) < factor(QuantityName::AgeP99));
    }
}
