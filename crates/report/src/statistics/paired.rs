//! Compares two series of values that are paired block by block.
//!
//! Both sides of a block saw the machine in the same state, so common effects cancel: the logarithm of their
//! ratio is taken in each block, and Student's t over the blocks.

use distrs::StudentsT;

use super::estimate::{FEWEST_BLOCKS, Spread};

/// Rounding, not a difference.
const ROUNDING: f64 = 1e-12;

/// How two series compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Paired {
    /// Left ÷ right: the geometric mean of the blocks' ratios; none where a value is zero or less.
    pub(crate) ratio: Option<f64>,
    /// Ends of the ratio's 95 % interval; none with too few blocks.
    pub(crate) interval: Option<(f64, f64)>,
    /// Probability of a difference as large as this one, or larger, if there were none; none with too
    /// few blocks.
    pub(crate) p: Option<f64>,
    /// Whether the interval (of the difference if there is no ratio) excludes "the same".
    pub(crate) apart: bool,
    /// Blocks that both sides have.
    pub(crate) blocks: usize,
}

/// Compares values block by block; none without any.
pub(crate) fn paired(values: &[(f64, f64)]) -> Option<Paired> {
    let by_factor = values.iter().all(|(left, right)| *left > 0.0 && *right > 0.0);
    let differences: Vec<f64> = values
        .iter()
        .map(|(left, right)| if by_factor { (left / right).ln() } else { left - right })
        .collect();
    let spread = Spread::of(&differences)?;
    let never_apart = values.iter().all(|(left, right)| left == right);
    let interval = spread.interval();
    // Only zeros on both sides: there is no quotient, but they are equal.
    let scaled = |value: f64| if by_factor { Some(value.exp()) } else { never_apart.then_some(1.0) };
    Some(Paired {
        ratio: scaled(spread.mean),
        interval: interval.and_then(|(low, high)| Some((scaled(low)?, scaled(high)?))),
        p: probability(&spread),
        apart: interval.is_some_and(|(low, high)| low > ROUNDING || high < -ROUNDING),
        blocks: values.len(),
    })
}

/// Left − right over blocks: its mean, and its 95 % interval with four blocks or more.
pub(crate) fn difference(values: &[(f64, f64)]) -> Option<(f64, Option<(f64, f64)>)> {
    let differences: Vec<f64> = values.iter().map(|(left, right)| left - right).collect();
    let spread = Spread::of(&differences)?;
    Some((spread.mean, spread.interval()))
}

/// Two-sided, by Student's t.
fn probability(spread: &Spread) -> Option<f64> {
    if spread.count < FEWEST_BLOCKS {
        return None;
    }
    let error = spread.error?;
    if spread.mean.abs() <= ROUNDING {
        return Some(1.0);
    }
    // If all blocks agree to the last digit, chance is excluded.
    if error <= ROUNDING * spread.mean.abs() {
        return Some(0.0);
    }
    let freedom = (spread.count - 1) as f64;
    Some((2.0 * StudentsT::cdf(-(spread.mean / error).abs(), freedom)).clamp(0.0, 1.0))
}

/// Holm's step-down adjustment: it keeps the chance of rejecting even one true "no difference" of the family
/// below the level, however the comparisons depend on each other.
pub(crate) fn holm(family: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..family.len()).collect();
    order.sort_by(|left, right| family[*left].total_cmp(&family[*right]));
    let mut adjusted = vec![1.0; family.len()];
    let mut least = 0.0_f64;
    for (rank, place) in order.into_iter().enumerate() {
        least = least.max((family.len() - rank) as f64 * family[place]).min(1.0);
        adjusted[place] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adjustment_is_that_of_the_textbook() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn the_ratio_and_its_probability_are_those_of_the_textbook() {
        // Differences of logarithms 1, 2, 3, 4, 5: t = 3 ÷ √0.5 = 4.2426, two-sided p = 0.013236.
        let values: Vec<(f64, f64)> = (1..=5).map(|step| (f64::from(step).exp(), 1.0)).collect();
        let paired = paired(&values).unwrap();
        assert!((paired.p.unwrap() - 0.013_236).abs() < 1e-5, "{paired:?}");
        assert!((paired.ratio.unwrap().ln() - 3.0).abs() < 1e-9 && paired.apart);
    }

    #[test]
    fn equal_and_zero_values_are_no_accident() {
        for values in [[(7.0, 7.0); 4], [(0.0, 0.0); 4]] {
            let same = paired(&values).unwrap();
            assert_eq!((same.ratio, same.interval, same.p), (Some(1.0), Some((1.0, 1.0)), Some(1.0)));
            assert!(!same.apart);
        }
        let none = paired(&[(0.0, 3.0); 4]).unwrap();
        assert_eq!((none.ratio, none.interval, none.p, none.apart), (None, None, Some(0.0), true));
        let twice = paired(&[(6.0, 3.0); 4]).unwrap();
        assert!(twice.apart && twice.p == Some(0.0), "{twice:?}");
        let few = paired(&[(6.0, 3.0); 3]).unwrap();
        assert_eq!((few.interval, few.p, few.apart), (None, None, false));
        assert_eq!(paired(&[]), None);
    }

    #[test]
    fn a_difference_is_that_of_the_blocks() {
        // Differences 1, 2, 3, 4, 5: mean 3, t(0.975; 4) × √0.5 = 1.963243.
        let values: Vec<(f64, f64)> =
            (1..=5).map(|step| (10.0 + f64::from(2 * step), 10.0 + f64::from(step))).collect();
        let (mean, interval) = difference(&values).unwrap();
        let (low, high) = interval.unwrap();
        assert!(
            (mean - 3.0).abs() < 1e-9 && (low - 1.036_757).abs() < 1e-5 && (high - 4.963_243).abs() < 1e-5
        );
        assert_eq!(difference(&values[..3]).unwrap().1, None);
        assert_eq!(difference(&[]), None);
    }
}
