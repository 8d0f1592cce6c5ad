//! What the instrument itself may have added to the ages of a trial, compared with the age in question.
//!
//! Three causes make an event look older than the server made it:
//!
//! * The publisher was late. Its **lateness** is measured for each event and read at the same place as the
//!   age (mean, median or 99th percentile). With few events the latest one alone is more than the hundredth
//!   beyond p99. The ages of one event are spread over a row of subscribers, so lateness moves it beyond p99
//!   only by what exceeds that spread.
//! * Server or harness were ready to run but **waited** for a core that was busy. The kernel counts that
//!   time; it is spread over the events of the window.
//! * The harness's event loop **stalled**, so arrivals were read late. A random instant falls into a stall
//!   of length h with probability h ÷ window, and an arrival then waits for its end: on average h/2, and
//!   more than x with probability Σ(h − x)⁺ ÷ window.
//!
//! Their sum is an upper bound: a wait may also be part of a stall, and a late event may have had no wait.

use contract::{Distribution, Limits, Measurements, Scenario};

use crate::{
    quantities::{QuantityName, ages::AgeView},
    statistics::finite::finite,
    text::number::with_unit,
};

/// What may have been added to an age of a trial, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AddedAge {
    /// Which age.
    pub age: QuantityName,
    /// Its value in the trial.
    pub of_ms: f64,
    /// Lateness of the publisher, at the same place of its distribution.
    pub lateness_ms: f64,
    /// Waiting of server and harness for a core, per event; 0 if the kernel does not report it.
    pub waiting_ms: f64,
    /// Stalls of the harness's event loops, at the same place of the distribution.
    pub stalls_ms: f64,
}

impl AddedAge {
    /// What was added to an age of a trial; none without ages.
    pub(crate) fn of(age: QuantityName, trial: &Measurements) -> Option<Self> {
        let ages = AgeView::merged(std::iter::once(trial));
        let watched_ms = trial.window.seconds() * 1e3 * f64::from(trial.workers.max(1));
        let stalls = Stalls::new(&trial.stalls, watched_ms);
        let (of_ms, lateness_ms, stalls_ms) = match age.age_quantile() {
            None => (ages.mean()?.value_ms, trial.lateness.mean_us()? * 1e-3, stalls.mean_ms()),
            Some(quantile) => (
                ages.percentile(quantile)?.value_ms,
                lateness_at_ms(&trial.lateness, quantile, spread_ms(&ages)?)?,
                stalls.at_ms(quantile),
            ),
        };
        let waited_us = trial.cpu.server_wait_us.unwrap_or(0.0) + trial.cpu.harness_wait_us.unwrap_or(0.0);
        let waiting_ms = finite(waited_us * 1e-3 / trial.lateness.count as f64)?;
        Some(Self { age, of_ms, lateness_ms, waiting_ms, stalls_ms })
    }

    /// All together, milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> f64 {
        self.lateness_ms + self.waiting_ms + self.stalls_ms
    }

    /// What may be added at most, milliseconds.
    #[must_use]
    pub fn allowed_ms(&self, limits: &Limits) -> f64 {
        limits.added_age.milliseconds().max(limits.added_age_share * self.of_ms)
    }

    pub(crate) fn is_beyond(&self, limits: &Limits) -> bool {
        self.total_ms() > self.allowed_ms(limits)
    }

    /// `0.310 ms of 4.70 ms`.
    pub(crate) fn text(&self) -> String {
        format!("{} of {}", short(self.total_ms()), with_unit(self.of_ms, "ms"))
    }

    /// Its parts and its limit.
    pub(crate) fn sentence(&self, limits: &Limits) -> String {
        format!(
            "the instrument may have added {} to the {} of {} (limit: {}). Its parts: publisher late {}, waiting \
             for a core {}, stalls of the harness {}",
            short(self.total_ms()),
            self.age.label(),
            with_unit(self.of_ms, "ms"),
            with_unit(self.allowed_ms(limits), "ms"),
            short(self.lateness_ms),
            short(self.waiting_ms),
            short(self.stalls_ms),
        )
    }
}

/// The age that a scenario's question is about; none if it is about another quantity.
pub(crate) fn primary_age(scenario: &Scenario) -> Option<QuantityName> {
    QuantityName::named(&scenario.primary).filter(|name| name.is_age())
}

/// The age that is compared with what was added: the one in question, or the 99th percentile.
pub(crate) fn judged_age(scenario: &Scenario) -> QuantityName {
    primary_age(scenario).unwrap_or(QuantityName::AgeP99)
}

/// The limit in words, as the head of a column.
pub(crate) fn limit_text(limits: &Limits) -> String {
    let share = with_unit(limits.added_age_share * 100.0, "%");
    format!("at most {share} or {}", with_unit(limits.added_age.milliseconds(), "ms"))
}

/// What lateness adds to a percentile of the ages, if the ages of one event are spread over `spread_ms`.
fn lateness_at_ms(lateness: &Distribution, quantile: f64, spread_ms: f64) -> Option<f64> {
    let late = lateness.histogram().ok().filter(|late| late.count() > 0)?;
    let events = late.count() as f64;
    let rank = (quantile * events).floor().max(1.0);
    let most_ms = late.quantile_us(rank / events) as f64 * 1e-3;
    let worst_ms = late.quantile_us(1.0) as f64 * 1e-3 - spread_ms;
    let is_few = events * (1.0 - quantile) < 1.0;
    Some(if is_few { most_ms.max(worst_ms) } else { most_ms })
}

/// The spread of one event's ages: twice the distance from the youngest to the median, because the older half
/// may contain late events.
fn spread_ms(ages: &AgeView) -> Option<f64> {
    Some(2.0 * (ages.percentile(0.5)?.value_ms - ages.percentile(0.01)?.value_ms))
}

/// The stalls of a trial.
struct Stalls {
    /// Lengths in milliseconds with their number, the longest first.
    lengths: Vec<(f64, f64)>,
    /// The time that all event loops together were watched for.
    watched_ms: f64,
}

impl Stalls {
    fn new(lengths: &Distribution, watched_ms: f64) -> Self {
        // `Run::parse` has refused damaged histograms.
        let histogram = lengths.histogram().unwrap_or_default();
        let mut lengths: Vec<(f64, f64)> = histogram
            .buckets()
            .filter(|(us, _)| *us > 0)
            .map(|(us, count)| (us as f64 * 1e-3, count as f64))
            .collect();
        lengths.reverse();
        Self { lengths, watched_ms }
    }

    /// How long what arrives at a random instant waits for the end of a stall, on average.
    fn mean_ms(&self) -> f64 {
        let squares = self.lengths.iter().map(|(ms, count)| count * ms * ms);
        squares.sum::<f64>() / 2.0 / self.watched_ms
    }

    /// How long it waits at a percentile: the x for which Σ(h − x)⁺ is the rest of the time.
    fn at_ms(&self, quantile: f64) -> f64 {
        let rest_ms = self.watched_ms * (1.0 - quantile);
        // Down from the longest: with n stalls longer than x the sum grows by n for each millisecond.
        let (mut longer, mut sum_ms, mut at_ms) = (0.0, 0.0, 0.0);
        for &(ms, count) in self.lengths.iter().chain(&[(0.0, 0.0)]) {
            let grown_ms = longer * (at_ms - ms);
            if longer > 0.0 && sum_ms + grown_ms >= rest_ms {
                return at_ms - (rest_ms - sum_ms) / longer;
            }
            sum_ms += grown_ms;
            longer += count;
            at_ms = ms;
        }
        0.0
    }
}

/// To the microsecond; shorter times count as zero.
fn short(ms: f64) -> String {
    if ms < 1e-3 { with_unit(0.0, "ms") } else { with_unit(ms, "ms") }
}

#[cfg(test)]
mod tests {
    use contract::TimeHistogram;

    use super::*;

    /// Stalls of these lengths in so many milliseconds.
    fn stalls(lengths_ms: &[u64], watched_ms: f64) -> Stalls {
        let mut histogram = TimeHistogram::default();
        lengths_ms.iter().for_each(|ms| histogram.record_ns(ms * 1_000_000));
        Stalls::new(&histogram.distribution(), watched_ms)
    }

    #[test]
    fn one_late_event_of_few_counts_by_what_exceeds_the_row_of_subscribers() {
        let late = |lengths_us: &[u64], spread_ms: f64, quantile: f64| {
            let mut histogram = TimeHistogram::default();
            lengths_us.iter().for_each(|us| histogram.record_ns(us * 1_000));
            lateness_at_ms(&histogram.distribution(), quantile, spread_ms).unwrap()
        };
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 0.01 * expected.max(1.0), "{found}");
        };
        let mut sixty = [30; 60];
        sixty[7] = 3_100;
        near(late(&sixty, 4.7, 0.99), 0.03);
        near(late(&sixty, 1.0, 0.99), 2.1);
        sixty[8] = 3_000;
        // Two of sixty are more than a hundredth, however their ages are spread.
        near(late(&sixty, 4.7, 0.99), 3.0);
        near(late(&sixty, 4.7, 0.5), 0.03);
        let mut many = [30; 300];
        many[0] = 500_000;
        near(late(&many, 4.7, 0.99), 0.03);
    }

    #[test]
    fn a_stall_adds_to_what_arrives_during_it() {
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1.0, "{found}, {expected}");
        // Half a second of ten: 5 % of the arrivals wait up to 500 ms. Beyond p99 lie those that wait for
        // more than 400 ms; on average it is 500²/2 of 10,000.
        let one = stalls(&[500, 0, 0], 10_000.0);
        near(one.at_ms(0.99), 400.0);
        near(one.at_ms(0.5), 0.0);
        near(one.mean_ms(), 12.5);
        // Two of 200 ms: Σ(200 − x) = 100 at x = 150.
        near(stalls(&[200, 200], 10_000.0).at_ms(0.99), 150.0);
        // The shorter one counts once x is below it: 2 · 50 + 50 = 150 at x = 50.
        near(stalls(&[150, 100], 15_000.0).at_ms(0.99), 50.0);
        // One of 90 ms is less than a hundredth of the time.
        assert_eq!(stalls(&[90], 10_000.0).at_ms(0.99), 0.0);
        let none = stalls(&[], 10_000.0);
        assert_eq!((none.at_ms(0.99), none.mean_ms()), (0.0, 0.0));
        // Of two workers each has half of the arrivals: Σ(500 − x) = 200 of 20 seconds.
        near(stalls(&[500], 20_000.0).at_ms(0.99), 300.0);
    }
}
