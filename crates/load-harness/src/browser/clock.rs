//! The offset between the page's clock and the server's, with its error bound.
//!
//! It is the four-stamp estimate (RFC 5905 §8); the server's two stamps are one, because it answers at once.
//! The shortest of many round trips is used: there the delays of both directions can differ least.

use serde::Deserialize;

/// The resolution of `performance.now()` on a page that is not isolated, microseconds. It affects both stamps
/// of the page.
const CLOCK_STEP_US: f64 = 100.0;

/// One round trip to the server's clock: milliseconds of the page's clock, nanoseconds of the server's.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trip {
    asked_ms: f64,
    server_ns: u64,
    answered_ms: f64,
}

/// The conversion from the page's clock to the server's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PageClock {
    /// The server's clock when the page's was 0, nanoseconds.
    offset_ns: f64,
    /// Largest error of this offset.
    pub(super) bound_us: f64,
}

impl PageClock {
    /// The estimate from the shortest of these round trips; none if there are none.
    pub(super) fn of(trips: &[Trip]) -> Option<Self> {
        let length = |trip: &Trip| trip.answered_ms - trip.asked_ms;
        let shortest = trips.iter().min_by(|left, right| length(left).total_cmp(&length(right)))?;
        let middle_ms = f64::midpoint(shortest.asked_ms, shortest.answered_ms);
        Some(Self {
            offset_ns: shortest.server_ns as f64 - middle_ms * 1e6,
            bound_us: length(shortest).max(0.0) * 1e3 / 2.0 + CLOCK_STEP_US,
        })
    }

    /// An instant of the page on the server's clock; 0 for one before the epoch.
    pub(super) fn server_ns(&self, page_ms: f64) -> i64 {
        (page_ms * 1e6 + self.offset_ns).round() as i64
    }

    /// Whether two estimates contradict each other: then one of the clocks has drifted in between.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        (self.offset_ns - other.offset_ns).abs() * 1e-3 > self.bound_us + other.bound_us
    }

    /// The estimate with the smaller error bound.
    pub(super) fn better(self, other: Self) -> Self {
        if other.bound_us < self.bound_us { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trip of a page whose clock began 7 s after the server's.
    fn trip(asked_ms: f64, there_ms: f64, back_ms: f64) -> Trip {
        let server_ns = ((7_000.0 + asked_ms + there_ms) * 1e6) as u64;
        Trip { asked_ms, server_ns, answered_ms: asked_ms + there_ms + back_ms }
    }

    #[test]
    fn the_shortest_trip_counts_and_the_truth_lies_within_its_bound() {
        let trips = [trip(10.0, 9.0, 1.0), trip(30.0, 0.5, 0.3), trip(50.0, 1.0, 4.0)];
        let clock = PageClock::of(&trips).unwrap();
        assert!((clock.bound_us - 500.0).abs() < 1e-6, "{clock:?}");
        let off_us = (clock.server_ns(100.0) as f64 - 7_100.0 * 1e6).abs() * 1e-3;
        assert!(off_us <= clock.bound_us, "{off_us}");
        assert_eq!(PageClock::of(&[]), None);
    }

    #[test]
    fn estimates_that_lie_further_apart_than_their_bounds_contradict_each_other() {
        let early = PageClock::of(&[trip(10.0, 0.5, 0.5)]).unwrap();
        let late = PageClock::of(&[trip(60_000.0, 0.6, 0.4)]).unwrap();
        assert!(!early.contradicts(&late));
        let stepped = PageClock { offset_ns: late.offset_ns + 2e6, ..late };
        assert!(early.contradicts(&stepped));
        assert_eq!(early.better(PageClock { bound_us: 1.0, ..late }).bound_us, 1.0);
    }
}
