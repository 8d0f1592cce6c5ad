//! The value of a quantity: measured, predicted, and the comparison of both.

use super::{rows::QuantityName, unit::Unit};
use crate::{
    statistics::reading::Bound,
    text::number::{self, three_digits},
};

/// Below this a timer or scheduler adds more by chance than both times: a ratio alone would mislead, so the
/// difference is printed before it.
const DIFFERENCE_BELOW_MS: f64 = 5.0;

/// One quantity of one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Which one.
    pub name: QuantityName,
    /// The typical block: the geometric mean of the values of the completed trials, one per block (the
    /// plain mean if one of them is zero or less); none if no trial has it. A percentile is read from all
    /// deliveries of its trial, never averaged within one.
    pub measured: Option<f64>,
    /// Low end of the 95 % interval; none with fewer than four blocks.
    pub low: Option<f64>,
    /// High end of the 95 % interval; none with fewer than four blocks.
    pub high: Option<f64>,
    /// The model replayed over the published schedule; none where it does not apply. An age with a range
    /// includes the excess of the calibration's ages over the same formulas.
    pub predicted: Option<f64>,
    /// Low end of the predicted range of an age, from the scatter of the calibration's own ages; none for
    /// other quantities and without a calibration.
    pub predicted_low: Option<f64>,
    /// High end of that range.
    pub predicted_high: Option<f64>,
    /// What the instrument may have added to an age with a range, milliseconds, mean over the trials. The range
    /// itself assumes an instrument that adds nothing.
    pub added_ms: Option<f64>,
    /// The model's closed form with the mean rate; none where it does not apply.
    pub closed_form: Option<f64>,
    /// Whether `measured` is the value or a lower bound of it.
    pub bound: Bound,
    /// Largest clock error of a browser that measured this age. Smaller differences are not results.
    pub clock_bound_ms: Option<f64>,
    /// Why a reader should not rely on `measured`: it is printed in grey with this reason.
    pub warning: Option<String>,
}

/// Measured against predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    /// Measured ÷ predicted.
    Ratio(f64),
    /// Measured − predicted, where a ratio alone would mislead; and the ratio, if there is one.
    Difference(f64, Option<f64>),
    /// One of the two is missing, or the measured value is only a bound.
    None,
}

impl Quantity {
    /// A quantity with nothing in it.
    #[must_use]
    pub(crate) const fn empty(name: QuantityName) -> Self {
        Self {
            name,
            measured: None,
            low: None,
            high: None,
            predicted: None,
            predicted_low: None,
            predicted_high: None,
            added_ms: None,
            closed_form: None,
            bound: Bound::Exact,
            clock_bound_ms: None,
            warning: None,
        }
    }

    /// The measured value as text: `4.30 ms`, `> 2,000 ms`, or a dash.
    #[must_use]
    pub fn measured_text(&self) -> String {
        let Some(value) = self.measured else {
            return "—".to_owned();
        };
        let text = match self.bound {
            Bound::Exact => self.name.text(value),
            Bound::AtLeast => format!(">{}{}", number::THIN_SPACE, self.name.lower_bound_text(value)),
        };
        format!("{text}{}", self.clock_bound_text())
    }

    /// ` ± 0.300 ms` after an age that a browser measured; else empty.
    #[must_use]
    pub fn clock_bound_text(&self) -> String {
        self.clock_bound_ms.map_or_else(String::new, |bound_ms| {
            format!("{space}±{space}{}", number::with_unit(bound_ms, "ms"), space = number::THIN_SPACE)
        })
    }

    /// The interval as text, `4.10–4.60`, in the unit of [`Self::measured_text`]; none without one, and
    /// where both ends print as the value does.
    #[must_use]
    pub fn interval_text(&self) -> Option<String> {
        self.name.unit().interval(self.measured?, self.low?, self.high?)
    }

    /// The measured value with its interval where there is one: `4.30 ms (4.10–4.60)`.
    #[must_use]
    pub fn measured_with_interval(&self) -> String {
        let text = self.measured_text();
        self.interval_text().map_or_else(|| text.clone(), |interval| format!("{text} ({interval})"))
    }

    /// The replayed prediction as text, or a dash.
    #[must_use]
    pub fn predicted_text(&self) -> String {
        self.predicted.map_or_else(|| "—".to_owned(), |value| self.name.text(value))
    }

    /// The replayed prediction with its range where it has one: `3.10 ms (2.60–3.90)`.
    #[must_use]
    pub fn predicted_with_range(&self) -> String {
        let text = self.predicted_text();
        let unit = self.name.unit();
        let range = || unit.interval(self.predicted?, self.predicted_low?, self.predicted_high?);
        range().map_or_else(|| text.clone(), |range| format!("{text} ({range})"))
    }

    /// The predicted range alone: `2.60 ms to 3.90 ms (and 0.100 ms that the instrument may have added)`; none
    /// without one.
    #[must_use]
    pub fn range_text(&self) -> Option<String> {
        let (low, high) = self.predicted_low.zip(self.predicted_high)?;
        let added = self.added_ms.filter(|added_ms| *added_ms > 0.0).map_or_else(String::new, |added_ms| {
            format!(" (and {} that the instrument may have added)", self.name.text(added_ms))
        });
        Some(format!("{} to {}{added}", self.name.text(low), self.name.text(high)))
    }

    /// Whether the measured value lies within the predicted range, or above it by no more than the instrument
    /// may have added. None without a range, with only a bound, and for a value with a doubt.
    #[must_use]
    pub fn is_as_predicted(&self) -> Option<bool> {
        let (low, high) = self.predicted_low.zip(self.predicted_high)?;
        let measured = self.measured.filter(|_| self.warning.is_none())?;
        Some((low..=high + self.added_ms.unwrap_or(0.0)).contains(&measured))
    }

    /// The closed form as text, or a dash.
    #[must_use]
    pub fn closed_form_text(&self) -> String {
        self.closed_form.map_or_else(|| "—".to_owned(), |value| self.name.text(value))
    }

    /// Measured against predicted.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        let (Some(measured), Some(predicted), Bound::Exact) = (self.measured, self.predicted, self.bound)
        else {
            return Comparison::None;
        };
        let short = self.name.unit() == Unit::Milliseconds
            && measured < DIFFERENCE_BELOW_MS
            && predicted < DIFFERENCE_BELOW_MS;
        if short || predicted.abs() < 1e-9 {
            let ratio = (predicted.abs() >= 1e-9).then_some(measured / predicted);
            Comparison::Difference(measured - predicted, ratio)
        } else {
            Comparison::Ratio(measured / predicted)
        }
    }

    /// The comparison as text: a bare ratio, a difference with sign and unit followed by the ratio, or a
    /// dash.
    #[must_use]
    pub fn comparison_text(&self) -> String {
        match self.comparison() {
            Comparison::Ratio(ratio) => three_digits(ratio),
            Comparison::Difference(difference, ratio) => {
                let (size, _) = self.name.unit().scaled(difference.abs());
                let is_zero = three_digits(size) == "0";
                let sign = if is_zero {
                    ""
                } else if difference < 0.0 {
                    "−"
                } else {
                    "+"
                };
                let ratio = ratio.map_or_else(String::new, |ratio| format!(" ({})", three_digits(ratio)));
                format!("{sign}{}{ratio}", self.name.text(difference.abs()))
            }
            Comparison::None => "—".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(name: QuantityName, measured: f64, predicted: f64) -> Quantity {
        Quantity { measured: Some(measured), predicted: Some(predicted), ..Quantity::empty(name) }
    }

    #[test]
    fn no_two_quantities_have_the_same_key() {
        for name in QuantityName::ALL {
            assert_eq!(QuantityName::named(name.key()), Some(name));
        }
    }

    #[test]
    fn an_interval_is_printed_where_it_can_be_seen() {
        let with = |name: QuantityName, measured: f64, low: f64, high: f64| {
            let of = Quantity {
                measured: Some(measured),
                low: Some(low),
                high: Some(high),
                ..Quantity::empty(name)
            };
            of.measured_with_interval()
        };
        assert_eq!(with(QuantityName::AgeP99, 4.3, 4.1, 4.6), "4.30\u{202f}ms (4.10–4.60)");
        assert_eq!(with(QuantityName::AgeP99, 4.3, 4.2999, 4.3001), "4.30\u{202f}ms");
        let units = with(QuantityName::MemoryUser, 1_100.0, 980.0, 1_200.0);
        assert_eq!(units, "1.10\u{202f}KB (980\u{202f}B–1.20\u{202f}KB)");
        assert_eq!(with(QuantityName::RequestsPerEvent, 1.0, 0.9, 1.1), "1.00 (0.900–1.10)");
    }

    #[test]
    fn a_lower_bound_is_printed_rounded_down() {
        let mut age = quantity(QuantityName::AgeP99, 2_146.3, 2.0);
        assert_eq!(age.measured_text(), "2,150\u{202f}ms");
        age.bound = Bound::AtLeast;
        assert_eq!(age.measured_text(), ">\u{202f}2,140\u{202f}ms");
    }

    #[test]
    fn short_times_are_compared_by_their_difference() {
        for (name, measured, predicted, text) in [
            (QuantityName::AgeP50, 510.0, 500.0, "1.02"),
            (QuantityName::AgeP50, 0.61, 0.40, "+0.210\u{202f}ms (1.53)"),
            (QuantityName::AgeP50, 0.40, 0.61, "−0.210\u{202f}ms (0.656)"),
            (QuantityName::EmptyRatio, 0.0, 0.0, "0"),
            (QuantityName::BytesPerEvent, 12.0, 0.0, "+12.0\u{202f}B"),
        ] {
            assert_eq!(quantity(name, measured, predicted).comparison_text(), text);
        }
        assert_eq!(Quantity::empty(QuantityName::AgeP50).comparison_text(), "—");
    }
}
