//! Quotients, means and percentiles that are finite numbers, or none.

use contract::Distribution;

pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// None for a divisor of zero or less.
pub(crate) fn divide(sum: f64, by: f64) -> Option<f64> {
    if by > 0.0 { finite(sum / by) } else { None }
}

/// Mean; none without a value.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    divide(values.iter().sum(), values.len() as f64)
}

/// A percentile of times in milliseconds; none without a time.
pub(crate) fn quantile_ms(distribution: &Distribution, quantile: f64) -> Option<f64> {
    let histogram = distribution.histogram().ok()?;
    (histogram.count() > 0).then(|| histogram.quantile_us(quantile) as f64 * 1e-3)
}
