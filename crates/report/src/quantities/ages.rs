//! Ages of a point, including the deliveries that never came.

use contract::{Measurements, TimeHistogram};

use crate::statistics::{
    estimate::over_readings,
    reading::{Bound, Reading},
};

/// Ages are at least one microsecond, their resolution: a logarithmic axis has no zero.
pub(crate) const LEAST_MS: f64 = 1e-3;

/// A percentile of ages of which some may never have arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Percentile {
    pub(crate) value_ms: f64,
    pub(crate) bound: Bound,
}

/// All ages of a point, deliveries that never came ranked above everything that did.
#[derive(Debug, Clone)]
pub(crate) struct AgeView {
    pub(crate) arrived: TimeHistogram,
    pub(crate) censored: u64,
    pub(crate) censored_min_ms: f64,
}

impl AgeView {
    pub(crate) fn merged<'a>(trials: impl Iterator<Item = &'a Measurements>) -> Self {
        let mut view =
            Self { arrived: TimeHistogram::default(), censored: 0, censored_min_ms: f64::INFINITY };
        for measurements in trials {
            // `Run::parse` has refused damaged histograms.
            if let Ok(histogram) = measurements.age.arrived.histogram() {
                view.arrived.merge(&histogram);
            }
            if measurements.age.censored > 0 {
                view.censored += measurements.age.censored;
                let reached_ms = measurements.age.censored_min_us as f64 * 1e-3;
                view.censored_min_ms = view.censored_min_ms.min(reached_ms);
            }
        }
        if view.censored == 0 {
            view.censored_min_ms = 0.0;
        }
        view
    }

    pub(crate) fn total(&self) -> u64 {
        self.arrived.count() + self.censored
    }

    /// None without deliveries.
    pub(crate) fn percentile(&self, quantile: f64) -> Option<Percentile> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let arrived = self.arrived.count();
        // The rank that this percentile asks for; it reaches into the lost ones if it is beyond
        // what arrived.
        let rank = (quantile * total as f64).ceil().max(1.0);
        if rank > arrived as f64 {
            // They rank above all arrivals, even if the harness waited less for them.
            let oldest_ms = self.arrived.quantile_us(1.0) as f64 * 1e-3;
            return Some(Percentile { value_ms: self.censored_min_ms.max(oldest_ms), bound: Bound::AtLeast });
        }
        Some(Percentile {
            value_ms: self.arrived.quantile_us(rank / arrived as f64) as f64 * 1e-3,
            bound: Bound::Exact,
        })
    }

    pub(crate) fn mean(&self) -> Option<Percentile> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let arrived_sum = self.arrived.mean_us() * 1e-3 * self.arrived.count() as f64;
        let censored_sum = self.censored_min_ms * self.censored as f64;
        Some(Percentile {
            value_ms: (arrived_sum + censored_sum) / total as f64,
            bound: if self.censored > 0 { Bound::AtLeast } else { Bound::Exact },
        })
    }
}

/// One step of a curve of ages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// Which percentile, as a fraction.
    pub(crate) quantile: f64,
    pub(crate) age_ms: f64,
    /// The 95 % interval over blocks; none with too few of them.
    pub(crate) interval_ms: Option<(f64, f64)>,
}

/// Percentiles, ascending.
pub(crate) type AgeCurve = Vec<Step>;

/// The typical block's age at each of these percentiles. The curve ends where a percentile reaches into
/// deliveries that never came.
pub(crate) fn curve(trials: &[&AgeView], quantiles: impl Iterator<Item = f64>) -> AgeCurve {
    let step = |quantile: f64| {
        let ages = trials.iter().filter_map(|ages| ages.percentile(quantile));
        let readings: Vec<Reading> =
            ages.map(|age| Reading { value: age.value_ms, bound: age.bound }).collect();
        let typical = over_readings(&readings).filter(|typical| typical.bound == Bound::Exact)?;
        let least = |age_ms: f64| age_ms.max(LEAST_MS);
        Some(Step {
            quantile,
            age_ms: least(typical.value),
            interval_ms: typical.interval.map(|(low, high)| (least(low), least(high))),
        })
    };
    quantiles.filter_map(step).collect()
}
