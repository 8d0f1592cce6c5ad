//! The number of heartbeats on a stream: by the clock, or only when nothing else was written.
//!
//! If a heartbeat is sent after h without a write, a gap of length g has ⌈g/h⌉ − 1 heartbeats: for steady
//! events a fixed number, for Poisson arrivals Σ e^(−λhk) = 1/(e^(λh) − 1) per event (the sum over k of the
//! probability that a gap is longer than kh). h starts at the last write, an event or a heartbeat.

use contract::{Heartbeat, Params};

use crate::{
    gaps::{Gaps, idle_gap_s, mean_ticks},
    timeline::Timeline,
};

/// The trial's heartbeat; every 15 s by default.
pub(crate) fn heartbeat(params: &Params) -> Heartbeat {
    params.heartbeat.unwrap_or_default()
}

/// Heartbeats per event and connection.
#[must_use]
pub fn per_event(gaps: Gaps, heartbeat: Heartbeat) -> f64 {
    match heartbeat {
        Heartbeat::Off => 0.0,
        Heartbeat::Every(period) => gaps.mean_s() / period.as_secs_f64(),
        Heartbeat::WhenIdle(period) => per_idle_gap(gaps, period.as_secs_f64()),
    }
}

fn per_idle_gap(gaps: Gaps, after_s: f64) -> f64 {
    let within = |gap_s: f64| mean_ticks(gap_s, gap_s, after_s, after_s);
    match gaps {
        Gaps::Poisson { rate_hz } => 1.0 / (rate_hz * after_s).exp_m1(),
        Gaps::Steady { period_s } => within(period_s),
        Gaps::Bursts { events, spacing_s, every_s } => {
            let inner = f64::from(events) - 1.0;
            let (shortest_s, longest_s) = idle_gap_s(inner * spacing_s, every_s);
            let between = mean_ticks(shortest_s, longest_s, after_s, after_s);
            (between + inner * within(spacing_s)) / f64::from(events)
        }
    }
}

/// Heartbeats in the window, per connection. Idle heartbeats follow the due list from the start of the
/// schedule; all are received `way_s` after they are sent.
pub(crate) fn in_window(timeline: &Timeline<'_>, heartbeat: Heartbeat, way_s: f64) -> f64 {
    let window_s = &timeline.window_s;
    match heartbeat {
        Heartbeat::Off => 0.0,
        Heartbeat::Every(period) => (window_s.end - window_s.start) / period.as_secs_f64(),
        Heartbeat::WhenIdle(period) => {
            let after_s = period.as_secs_f64();
            let mut last_s = 0.0;
            let mut beats = 0.0;
            for until_s in timeline.published_s.iter().copied().chain([window_s.end]) {
                // Heartbeat k = 1, 2, … comes at last + k·h, if that is before the next event.
                let before = |edge_s: f64| ((edge_s.min(until_s) - last_s) / after_s - 1.0).ceil().max(0.0);
                beats += before(window_s.end - way_s) - before(window_s.start - way_s);
                last_s = until_s;
            }
            beats
        }
    }
}
