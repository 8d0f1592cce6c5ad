//! Distributions of times: recorded in histograms, merged, written to records and read back.
//!
//! Percentiles are always read from merged histograms, never averaged.

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer, V2DeflateSerializer},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest time of a histogram, one hour; longer times are counted as this.
const LONGEST_US: u64 = 3_600_000_000;
/// Significant decimal digits: a recorded time is exact to 0.1 %.
const DIGITS: u8 = 3;

/// A histogram of times in microseconds that also keeps the exact sum, minimum and maximum.
#[derive(Debug, Clone)]
pub struct TimeHistogram {
    buckets: Histogram<u64>,
    sum_us: f64,
    min_us: u64,
    max_us: u64,
}

impl Default for TimeHistogram {
    fn default() -> Self {
        Self {
            // It grows with the longest recorded time, so that one histogram per second costs little memory.
            buckets: Histogram::new(DIGITS).expect("the precision is a constant that HdrHistogram accepts"),
            sum_us: 0.0,
            min_us: u64::MAX,
            max_us: 0,
        }
    }
}

impl TimeHistogram {
    /// Records a time given in nanoseconds, rounded to whole microseconds.
    pub fn record_ns(&mut self, time_ns: u64) {
        let time_us = (time_ns + 500) / 1_000;
        self.buckets.record(time_us.min(LONGEST_US)).expect("a histogram that grows takes every time");
        self.sum_us += time_ns as f64 * 1e-3;
        self.min_us = self.min_us.min(time_us);
        self.max_us = self.max_us.max(time_us);
    }

    /// Adds all samples of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.add(&other.buckets).expect("a histogram that grows takes every other");
        self.sum_us += other.sum_us;
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
    }

    /// Number of samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.len()
    }

    /// The time that a fraction `quantile` of the samples does not exceed, microseconds; 0 without
    /// samples.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> u64 {
        // A bucket's upper end may lie above the largest sample; a percentile must not.
        self.buckets.value_at_quantile(quantile).min(self.max_us)
    }

    /// Mean in microseconds; 0 without samples.
    #[must_use]
    pub fn mean_us(&self) -> f64 {
        if self.count() == 0 { 0.0 } else { self.sum_us / self.count() as f64 }
    }

    /// Samples that are at most `time_us`.
    #[must_use]
    pub fn count_up_to(&self, time_us: u64) -> u64 {
        self.buckets.count_between(0, time_us)
    }

    /// Every distinct bucket that holds samples: its time in microseconds and its count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()))
    }

    /// Summarises the histogram as one second of a trial.
    #[must_use]
    pub fn second(&self, second: u32) -> Second {
        Second {
            second,
            count: self.count(),
            mean_us: self.mean_us(),
            p50_us: self.quantile_us(0.5),
            p99_us: self.quantile_us(0.99),
            max_us: self.max_us,
            censored: 0,
        }
    }

    /// The form for a record.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        if self.count() == 0 {
            return Distribution::default();
        }
        let mut encoded = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.buckets, &mut encoded)
            .expect("writing a histogram to memory cannot fail");
        Distribution {
            count: self.count(),
            sum_us: self.sum_us,
            min_us: self.min_us,
            max_us: self.max_us,
            hdr: STANDARD.encode(encoded),
        }
    }
}

/// A distribution of times in microseconds: exact count, sum, minimum and maximum, and an HDR histogram with
/// three significant digits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// Number of samples.
    pub count: u64,
    /// Sum of all samples, so that the mean is exact.
    pub sum_us: f64,
    /// Smallest sample; 0 if there is none.
    pub min_us: u64,
    /// Largest sample; 0 if there is none.
    pub max_us: u64,
    /// HdrHistogram V2 encoding, compressed, base64. Empty if there is no sample.
    pub hdr: String,
}

/// An unreadable histogram, as in a damaged record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the histogram of a distribution cannot be read: {0}")]
pub struct DistributionError(String);

impl Distribution {
    /// Whether it has no sample.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Mean in microseconds, if there is a sample.
    #[must_use]
    pub fn mean_us(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_us / self.count as f64)
    }

    /// The histogram, to read percentiles from or to merge.
    ///
    /// # Errors
    /// If the text is not an encoded histogram, or does not hold `count` samples.
    pub fn histogram(&self) -> Result<TimeHistogram, DistributionError> {
        let mut histogram = TimeHistogram::default();
        if self.count == 0 {
            return Ok(histogram);
        }
        let error = |problem: &dyn std::fmt::Display| DistributionError(problem.to_string());
        let encoded = STANDARD.decode(&self.hdr).map_err(|problem| error(&problem))?;
        let buckets: Histogram<u64> =
            Deserializer::new().deserialize(&mut encoded.as_slice()).map_err(|problem| error(&problem))?;
        if buckets.len() != self.count {
            return Err(error(&format!("it holds {} samples, not {}", buckets.len(), self.count)));
        }
        histogram.buckets.add(&buckets).map_err(|problem| error(&problem))?;
        histogram.sum_us = self.sum_us;
        histogram.min_us = self.min_us;
        histogram.max_us = self.max_us;
        Ok(histogram)
    }
}

/// One second of a trial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// Which second of the schedule, by due time.
    pub second: u32,
    /// Samples in it.
    pub count: u64,
    /// Mean.
    pub mean_us: f64,
    /// Median.
    pub p50_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// Largest.
    pub max_us: u64,
    /// Deliveries due in this second that never arrived; they are in none of the numbers above.
    #[serde(default)]
    pub censored: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recorded(times_us: &[u64]) -> TimeHistogram {
        let mut histogram = TimeHistogram::default();
        for time in times_us {
            histogram.record_ns(time * 1_000);
        }
        histogram
    }

    #[test]
    fn the_record_keeps_every_quantile_to_the_resolution() {
        let times: Vec<u64> = (1..=10_000).map(|step| step * 37).collect();
        let read_back = recorded(&times).distribution().histogram().unwrap();
        for (quantile, expected) in [(0.5, 5_000 * 37), (0.99, 9_900 * 37), (0.999, 9_990 * 37)] {
            let found = read_back.quantile_us(quantile) as f64;
            assert!((found / expected as f64 - 1.0).abs() < 0.001, "{quantile}: {found}");
        }
        assert_eq!(read_back.quantile_us(1.0), 370_000);
        assert_eq!(read_back.mean_us(), times.iter().sum::<u64>() as f64 / 10_000.0);
    }

    #[test]
    fn merging_is_recording_everything_in_one() {
        let mut left = recorded(&[1, 5, 9]);
        left.merge(&recorded(&[200_000, 3]));
        let whole = recorded(&[1, 5, 9, 200_000, 3]);
        assert!(left.buckets().eq(whole.buckets()));
        assert_eq!((left.count(), left.mean_us(), left.max_us), (5, whole.mean_us(), 200_000));
    }

    #[test]
    fn a_damaged_histogram_is_an_error() {
        let good = recorded(&[1, 2, 3]).distribution();
        for damaged in [
            Distribution { hdr: "%%%".into(), ..good.clone() },
            Distribution { hdr: "AAAA".into(), ..good.clone() },
            Distribution { count: 4, ..good.clone() },
        ] {
            assert!(damaged.histogram().is_err());
        }
        assert_eq!(Distribution::default().histogram().unwrap().count(), 0);
    }

    proptest! {
        #[test]
        fn no_percentile_leaves_the_samples(
            times in proptest::collection::vec(0_u64..10_000_000, 1..50),
            quantile in 0.0_f64..=1.0,
        ) {
            let histogram = recorded(&times);
            let found = histogram.quantile_us(quantile);
            prop_assert!(found <= *times.iter().max().unwrap());
            let at_most = times.iter().filter(|time| **time <= found + found / 1_000).count();
            prop_assert!(at_most as f64 >= (quantile * times.len() as f64).floor());
        }
    }
}
