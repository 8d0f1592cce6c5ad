//! The formulas of the re-arm gap: the deaf window of long polling with Poisson, steady and burst arrivals.
//!
//! `rate_hz` is the rate of events, `gap_s` the deaf window G, `hold_s` the hold W. Time-outs are also counted
//! for steady and burst schedules.

use crate::{
    Piece, deaf_window,
    gaps::{Gaps, idle_gap_s, mean_ticks},
};

/// Mean time between two requests of a subscriber, Poisson arrivals.
#[must_use]
pub fn mean_cycle_s(rate_hz: f64, gap_s: f64, hold_s: f64) -> f64 {
    gap_s - (-rate_hz * gap_s).exp() * (-rate_hz * hold_s).exp_m1() / rate_hz
}

/// Fraction of the requests whose hold ends without an event, Poisson arrivals.
#[must_use]
pub fn empty_ratio(rate_hz: f64, gap_s: f64, hold_s: f64) -> f64 {
    (-rate_hz * (gap_s + hold_s)).exp()
}

/// How long event `event` (from 0) of a burst waits for the end of a deaf window.
#[must_use]
pub fn burst_extra_s(event: u32, spacing_s: f64, gap_s: f64) -> f64 {
    let offset_s = f64::from(event) * spacing_s;
    if spacing_s >= gap_s {
        return 0.0;
    }
    (windows_until(offset_s, gap_s) * gap_s - offset_s).max(0.0)
}

/// Answers with events per burst and subscriber.
#[must_use]
pub fn burst_answers(events: u32, spacing_s: f64, gap_s: f64) -> f64 {
    if spacing_s >= gap_s {
        return f64::from(events);
    }
    1.0 + windows_until((f64::from(events) - 1.0) * spacing_s, gap_s)
}

/// Number of deaf windows up to `offset_s`, including the one that it lies in. The subtrahend keeps an exact
/// multiple from being rounded up.
fn windows_until(offset_s: f64, gap_s: f64) -> f64 {
    (offset_s / gap_s - 1e-9).ceil().max(0.0)
}

/// The answers, time-outs and waits of a subscriber, per event.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Requests that are answered with events.
    pub answers: f64,
    /// Requests whose hold ends without an event.
    pub timeouts: f64,
    /// Waits of the events that fall into a deaf window, as shares of all events; all other events find a
    /// parked request and do not wait.
    pub deaf: Vec<Piece>,
}

/// The course of a subscription with these gaps, deaf window and hold. `wake_s` is the mean time from an event
/// until a parked subscriber is served; events that come in that time are in the same answer.
#[must_use]
pub fn course(gaps: Gaps, gap_s: f64, hold_s: f64, wake_s: f64) -> Course {
    let timeout_every_s = gap_s + hold_s;
    match gaps {
        Gaps::Poisson { rate_hz } => {
            let woken = -(-rate_hz * gap_s).exp() * (-rate_hz * hold_s).exp_m1();
            let cycle_s = mean_cycle_s(rate_hz, gap_s, hold_s) + woken * wake_s;
            let requests = 1.0 / (rate_hz * cycle_s);
            let empty = empty_ratio(rate_hz, gap_s, hold_s);
            let share = deaf_window::delayed_fraction(gap_s, cycle_s);
            Course {
                answers: requests * (1.0 - empty),
                timeouts: requests * empty,
                deaf: vec![Piece { share, from_s: 0.0, to_s: gap_s }],
            }
        }
        Gaps::Steady { period_s } if period_s < gap_s => Course {
            answers: period_s / gap_s,
            timeouts: 0.0,
            deaf: vec![Piece { share: 1.0, from_s: 0.0, to_s: gap_s }],
        },
        Gaps::Steady { period_s } => Course {
            answers: 1.0,
            timeouts: mean_ticks(period_s, period_s, timeout_every_s, timeout_every_s),
            deaf: Vec::new(),
        },
        Gaps::Bursts { events, spacing_s, every_s } => {
            burst_course(events, spacing_s, every_s, gap_s, timeout_every_s)
        }
    }
}

fn burst_course(events: u32, spacing_s: f64, every_s: f64, gap_s: f64, timeout_every_s: f64) -> Course {
    let share = 1.0 / f64::from(events);
    let inner = f64::from(events) - 1.0;
    let last_extra_s = burst_extra_s(events - 1, spacing_s, gap_s);
    let (shortest_s, longest_s) = idle_gap_s(inner * spacing_s, every_s);
    let first_s = last_extra_s + timeout_every_s;
    let idle = mean_ticks(shortest_s, longest_s, first_s, timeout_every_s);
    let within = mean_ticks(spacing_s, spacing_s, timeout_every_s, timeout_every_s);
    Course {
        answers: burst_answers(events, spacing_s, gap_s) * share,
        timeouts: (idle + inner * within) * share,
        deaf: (0..events)
            .map(|event| burst_extra_s(event, spacing_s, gap_s))
            .filter(|&extra_s| extra_s > 0.0)
            .map(|extra_s| Piece { share, from_s: extra_s, to_s: extra_s })
            .collect(),
    }
}

/// The waits of all subscribers, if `wait` is that of the first. The others are woken up to `spread_s` later,
/// so their deaf windows also end later. A wait that would exceed the window ends with the window before. Waits
/// that are uniform over the window stay so.
pub(crate) fn along_the_row(wait: Piece, spread_s: f64, gap_s: f64) -> [Piece; 2] {
    let piece = |share, from_s, to_s| Piece { share, from_s, to_s };
    if wait.to_s > wait.from_s || spread_s == 0.0 {
        return [wait, piece(0.0, 0.0, 0.0)];
    }
    if spread_s >= gap_s {
        return [piece(wait.share, 0.0, gap_s), piece(0.0, 0.0, 0.0)];
    }
    let beyond_s = (wait.from_s + spread_s - gap_s).max(0.0);
    let before = wait.share * beyond_s / spread_s;
    [piece(wait.share - before, wait.from_s, wait.from_s + spread_s - beyond_s), piece(before, 0.0, beyond_s)]
}
