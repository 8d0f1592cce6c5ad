//! By how much of a round trip an age grows when the round trip does.

use contract::Pattern;

use crate::{
    number::three_digits,
    point::Point,
    quantity::{Bound, QuantityName},
};

/// What one transit is of a round trip.
pub(crate) const A_TRANSIT: f64 = 0.5;

/// Growth of a quantity per growth of the round trip: of what was measured, and of what was predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    pub(crate) pattern: Pattern,
    pub(crate) measured: f64,
    pub(crate) predicted: Option<f64>,
}

impl Growth {
    /// `SSE 0.501`, and in transits: `SSE 1.00 transits`.
    pub(crate) fn transits(&self) -> String {
        format!("{} {}", self.pattern.label(), three_digits(self.measured / A_TRANSIT))
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
            measured: slope(&pairs(Point::measured))?,
            predicted: slope(&pairs(|point, name| point.quantity_of(name).predicted)),
        })
    };
    Pattern::ALL.into_iter().filter_map(of).collect()
}

/// The slope of the line with the least squares; none where all stand at one place.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let number = points.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / number;
    let (x_mean, y_mean) = (mean(|(x, _)| *x), mean(|(_, y)| *y));
    let spread: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    let together: f64 = points.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    (spread > 0.0).then(|| together / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_that_of_the_line() {
        let line: Vec<(f64, f64)> = [0.0, 20.0, 100.0, 300.0].map(|x| (x, 3.0 + 0.5 * x)).to_vec();
        assert!((slope(&line).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(slope(&[(20.0, 3.0)]), None);
        assert_eq!(slope(&[]), None);
    }
}
