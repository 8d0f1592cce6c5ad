//! From the values of several blocks to one value with its interval.
//!
//! Intervals are taken over blocks, never over deliveries: the deliveries of one event to a thousand
//! subscribers are one observation of the machine, not a thousand.

use distrs::StudentsT;

use super::reading::{Bound, Reading};

/// With fewer blocks there is no interval: Student's t with one or two degrees of freedom is so wide
/// that it says nothing, and a reader would take that for a statement.
pub(crate) const FEWEST_BLOCKS: usize = 4;

/// Probability that an interval contains the true value.
const CONFIDENCE: f64 = 0.95;

/// A value over blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    /// Mean over the blocks: of the logarithms where all values are positive, of the values otherwise.
    pub(crate) value: f64,
    /// Ends of the 95 % interval; none with fewer than [`FEWEST_BLOCKS`].
    pub(crate) interval: Option<(f64, f64)>,
    /// Whether the value is only a lower bound.
    pub(crate) bound: Bound,
}

/// Mean and half width of the interval of normally scattered values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    /// Standard error of the mean; none with one value.
    pub(crate) error: Option<f64>,
    pub(crate) count: usize,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let error = (count > 1).then(|| (squares / (count - 1) as f64 / count as f64).sqrt());
        Some(Self { mean, error, count })
    }

    /// Ends of the 95 % interval of the mean by Student's t; none with too few blocks.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        if self.count < FEWEST_BLOCKS {
            return None;
        }
        let freedom = (self.count - 1) as f64;
        let half = StudentsT::ppf(0.5 + CONFIDENCE / 2.0, freedom) * self.error?;
        Some((self.mean - half, self.mean + half))
    }
}

/// The value over blocks, each block's value given once.
///
/// Times, bytes and costs scatter by factors, so their logarithms are averaged (the value is the geometric
/// mean). If a block has zero or less, the values themselves are averaged.
pub(crate) fn over_blocks(values: &[f64]) -> Option<Estimate> {
    let by_factor = values.iter().all(|value| *value > 0.0);
    let scaled: Vec<f64> = values.iter().map(|value| if by_factor { value.ln() } else { *value }).collect();
    let back = |value: f64| if by_factor { value.exp() } else { value };
    let spread = Spread::of(&scaled)?;
    let value = match values {
        // A logarithm and back would change the last digit.
        [only] => *only,
        _ => back(spread.mean),
    };
    let interval = spread.interval().map(|(low, high)| (back(low), back(high)));
    Some(Estimate { value, interval, bound: Bound::Exact })
}

/// The value over blocks of which some may have only a lower bound: then the result is a lower bound without
/// an interval.
pub(crate) fn over_readings(readings: &[Reading]) -> Option<Estimate> {
    let values: Vec<f64> = readings.iter().map(|reading| reading.value).collect();
    let mut estimate = over_blocks(&values)?;
    if values.iter().all(|value| *value >= 0.0) {
        // If no block can be negative, the interval cannot be either.
        estimate.interval = estimate.interval.map(|(low, high)| (low.max(0.0), high));
    }
    if readings.iter().any(|reading| reading.bound == Bound::AtLeast) {
        estimate.bound = Bound::AtLeast;
        estimate.interval = None;
    }
    Some(estimate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left / right - 1.0).abs() < 1e-6
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        // Mean 3, standard deviation √2.5, t(0.975; 4) = 2.776445.
        let spread = Spread::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let half = 2.776_445_105 * (2.5_f64 / 5.0).sqrt();
        let (low, high) = spread.interval().unwrap();
        assert!(close(low, 3.0 - half) && close(high, 3.0 + half), "{low} {high}");
    }

    #[test]
    fn positive_values_are_averaged_by_factor_and_others_as_they_are() {
        let estimate = over_blocks(&[10.0, 1_000.0, 100.0, 100.0]).unwrap();
        assert!(close(estimate.value, 100.0), "{}", estimate.value);
        let (low, high) = estimate.interval.unwrap();
        assert!(close(low * high, 10_000.0), "the interval is even by factor: {low} {high}");
        let estimate = over_blocks(&[0.0, 1.0, 0.0, 1.0]).unwrap();
        assert!(close(estimate.value, 0.5) && estimate.interval.unwrap().0 < 0.0);
    }

    #[test]
    fn a_bound_has_no_interval_and_a_count_is_not_negative() {
        let of = |value: f64, bound: Bound| Reading { value, bound };
        let zeros = [0.0, 1.0, 0.0, 1.0].map(|value| of(value, Bound::Exact));
        assert_eq!(over_readings(&zeros).unwrap().interval.unwrap().0, 0.0);
        let mut ages = [4.0, 5.0, 6.0, 7.0].map(|value| of(value, Bound::Exact));
        assert!(over_readings(&ages).unwrap().interval.is_some());
        ages[2].bound = Bound::AtLeast;
        let bound = over_readings(&ages).unwrap();
        assert_eq!((bound.bound, bound.interval), (Bound::AtLeast, None));
    }

    #[test]
    fn fewer_than_four_blocks_have_no_interval() {
        assert_eq!(over_blocks(&[1.1, 1.2, 1.3]).unwrap().interval, None);
        assert_eq!(over_blocks(&[5.3]).unwrap().value, 5.3);
        assert_eq!(over_blocks(&[]), None);
        assert_eq!(over_blocks(&[1.0, f64::NAN]), None);
        let same = over_blocks(&[7.0; 4]).unwrap();
        let (low, high) = same.interval.unwrap();
        assert!(close(low, 7.0) && close(high, 7.0));
    }
}
