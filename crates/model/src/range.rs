//! The predicted range of an age: the scatter of the calibration's own ages, applied to the trial.
//!
//! The formulas use the mean one-way delay and the mean cost of a delivery. They leave out how the scheduler
//! wakes threads, and how caches and other guests of the machine behave. The calibration shows these effects:
//! its ages differ from the same formulas applied to it. So an age of a trial is expected at
//!
//! > formula(trial) + mean(calibration − formula(calibration)) ± √((t·s)²·(1 + 1/n) + (2·0.1·m)²)
//!
//! The first part is the 95 % prediction interval for one more value like the n seconds of the calibration,
//! with standard deviation s and Student's t of n − 1 degrees of freedom (Hahn & Meeker, *Statistical
//! Intervals*, §4.7). The second part covers the difference between trials, each of which has new processes;
//! the seconds of one trial do not show it. It is twice a tenth of the calibration's own age m. (Four
//! undisturbed blocks of stock-ticker on two cores had medians of 2.58, 2.96, 3.11 and 3.15 ms for SSE, 2.67,
//! 2.76, 3.01 and 3.39 ms for WebSocket: standard deviations of 9 % and 11 %.) The range says where the age
//! lies on an undisturbed machine like that of the calibration. An age outside of it is explained neither by
//! the formula nor by the calibration.
//!
//! The calibration's events come one by one. If many events come before the previous one has reached every
//! subscriber, several events share a write and a read, and the cost of a delivery changes. Then there is no
//! range.

use contract::{Ablation, Pattern, Scatter};
use distrs::StudentsT;

use crate::{AgeCurve, Inputs, timeline::Delays};

/// Fewer seconds do not show the scatter.
const FEWEST_SECONDS: u32 = 3;
/// Share of the values that lie within the range.
const CONFIDENCE: f64 = 0.95;
/// Largest share of the events that may come before the previous event has reached every subscriber.
const MOST_MEETING: f64 = 0.1;
/// Standard deviation between trials, which have new processes each, as a share of the age.
const BETWEEN_TRIALS: f64 = 0.1;

/// A range of ages, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AgeRange {
    /// The smallest expected age.
    pub low_ms: f64,
    /// The expected age: the result of the formula, and the calibration's difference from it.
    pub middle_ms: f64,
    /// The largest expected age.
    pub high_ms: f64,
}

/// Ranges of the ages that a report compares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AgeRanges {
    /// Of the mean age.
    pub mean: AgeRange,
    /// Of the median.
    pub p50: AgeRange,
    /// Of the 99th percentile.
    pub p99: AgeRange,
}

/// The ranges of a predicted distribution of ages. None for polls, whose ages depend more on when a subscriber
/// polls than on the machine; none for a browser's page or an ablation of the server, which no calibration
/// covers; none if many events overlap; and none without a calibration of a few seconds.
#[must_use]
pub fn age_ranges(pattern: Pattern, inputs: &Inputs<'_>, age: &AgeCurve) -> Option<AgeRanges> {
    if pattern.polls() {
        return None;
    }
    let calibration = &inputs.calibration;
    let ages = calibration.ages;
    let is_calibrated = inputs.params.browser.is_none()
        && matches!(inputs.params.ablation, None | Some(Ablation::Best))
        && ages.seconds >= FEWEST_SECONDS;
    // The calibration's events never overlap: each has its own row of subscribers.
    let delays = Delays::from(*calibration);
    let youngest_ms = (delays.lateness_s + delays.transit_s) * 1e3;
    let spread_ms = f64::from(calibration.subscribers.max(1) - 1) * delays.service_s * 1e3;
    if !is_calibrated || meeting(inputs, spread_ms) > MOST_MEETING {
        return None;
    }
    let range = |formula_ms: f64, place: f64, measured: Scatter| {
        let left_out_ms = measured.mean_us * 1e-3 - (youngest_ms + place * spread_ms);
        let middle_ms = formula_ms + left_out_ms;
        let half_ms = half_width(measured, ages.seconds) * 1e-3;
        let [low_ms, middle_ms, high_ms] =
            [middle_ms - half_ms, middle_ms, middle_ms + half_ms].map(|ms| ms.max(0.0));
        AgeRange { low_ms, middle_ms, high_ms }
    };
    Some(AgeRanges {
        mean: range(age.mean_ms(), 0.5, ages.mean),
        p50: range(age.quantile_ms(0.5), 0.5, ages.p50),
        p99: range(age.quantile_ms(0.99), 0.99, ages.p99),
    })
}

/// Share of the window's events that come less than `apart_ms` after the previous one.
fn meeting(inputs: &Inputs<'_>, apart_ms: f64) -> f64 {
    let due_ns = &inputs.schedule.due_ns[inputs.counted()];
    let meets = |pair: &&[u64]| pair[1].saturating_sub(pair[0]) as f64 * 1e-6 < apart_ms;
    due_ns.windows(2).filter(meets).count() as f64 / due_ns.len().max(1) as f64
}

/// Half the prediction interval for one more value, in the unit of the scatter.
fn half_width(scatter: Scatter, values: u32) -> f64 {
    let number = f64::from(values);
    let t = StudentsT::ppf(0.5 + CONFIDENCE / 2.0, number - 1.0);
    let within = t * scatter.deviation_us * (1.0 + 1.0 / number).sqrt();
    within.hypot(2.0 * BETWEEN_TRIALS * scatter.mean_us)
}

#[cfg(test)]
mod tests {
    use contract::{Arrivals, CalibratedAges, Calibration, Params, PublishedSchedule, Window};

    use super::*;
    use crate::Piece;

    fn ranges(pattern: Pattern, calibration: Calibration, piece: Piece) -> Option<AgeRanges> {
        ranges_of(pattern, calibration, piece, None, &[])
    }

    /// For this ablation of the server, and events that are due at these milliseconds.
    fn ranges_of(
        pattern: Pattern,
        calibration: Calibration,
        piece: Piece,
        ablation: Option<Ablation>,
        due_ms: &[u64],
    ) -> Option<AgeRanges> {
        let due_ns = due_ms.iter().map(|ms| ms * 1_000_000).collect();
        let inputs = Inputs {
            params: &Params { ablation, ..Params::of(101, 100, 10.0) },
            arrivals: &Arrivals::Steady { rate_hz: 10.0 },
            schedule: &PublishedSchedule { due_ns, ..PublishedSchedule::default() },
            window: Window { start_ns: 0, end_ns: 1_000_000_000 },
            poll_phase: 0.0,
            calibration,
        };
        age_ranges(pattern, &inputs, &AgeCurve::of_pieces(&[piece]))
    }

    const AFTER_A_WAY: Piece = Piece { share: 1.0, from_s: 0.050, to_s: 0.051 };

    /// 101 subscribers 10 us apart after 0.4 ms: the formulas yield 0.9 ms at p50 and 1.39 ms at p99.
    fn calibration() -> Calibration {
        let scatter = |mean_us: f64| Scatter { mean_us, deviation_us: 20.0 };
        Calibration {
            subscribers: 101,
            pace_us: 10.0,
            transit_us: 350.0,
            lateness_mean_us: 50.0,
            ages: CalibratedAges {
                seconds: 3,
                mean: scatter(900.0),
                p50: scatter(1_000.0),
                p99: scatter(2_390.0),
            },
            ..Calibration::default()
        }
    }

    #[test]
    fn what_the_calibration_had_beyond_the_formula_is_added_and_its_scatter_is_the_width() {
        let found = ranges(Pattern::Sse, calibration(), AFTER_A_WAY).unwrap();
        // Student's t with two degrees of freedom is 4.303: 4.303 · 20 us · √(4/3) = 99.4 us; combined with a
        // fifth of the calibration's age.
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-3;
        let half_ms = |age_ms: f64| 0.0994_f64.hypot(0.2 * age_ms);
        assert!(near(found.p50.low_ms, 50.6 - half_ms(1.0)), "{found:?}");
        assert!(near(found.p50.high_ms, 50.6 + half_ms(1.0)), "{found:?}");
        assert!(near(found.mean.low_ms, 50.5 - half_ms(0.9)), "{found:?}");
        assert!(near(found.p99.high_ms, 50.99 + 1.0 + half_ms(2.39)), "{found:?}");
    }

    #[test]
    fn no_age_is_expected_before_the_event() {
        let at_once = Piece { share: 1.0, from_s: 0.0, to_s: 0.0 };
        assert_eq!(ranges(Pattern::WebSocket, calibration(), at_once).unwrap().mean.low_ms, 0.0);
    }

    /// A row of subscribers takes 1 ms.
    #[test]
    fn where_events_meet_or_something_is_taken_from_the_server_there_is_no_range() {
        let has_range = |ablation, due_ms: &[u64]| {
            ranges_of(Pattern::Sse, calibration(), AFTER_A_WAY, ablation, due_ms).is_some()
        };
        assert!(has_range(Some(Ablation::Best), &[100, 200, 300]));
        assert!(!has_range(Some(Ablation::OwnTasks), &[100, 200, 300]));
        let one_in_twenty: Vec<u64> = (0..19).map(|event| event * 10).chain([180]).collect();
        assert!(has_range(None, &one_in_twenty));
        assert!(!has_range(None, &[100, 100, 100, 200, 200, 200]));
    }

    #[test]
    fn without_seconds_and_for_polls_there_is_no_range() {
        for polling in [Pattern::ShortPolling, Pattern::LongPolling] {
            assert_eq!(ranges(polling, calibration(), AFTER_A_WAY), None);
        }
        let mut short = calibration();
        short.ages.seconds = 2;
        assert_eq!(ranges(Pattern::Sse, short, AFTER_A_WAY), None);
    }
}
