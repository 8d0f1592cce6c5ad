//! The one law behind all four patterns: events reach a subscriber at once, except in its deaf windows.
//!
//! A subscription is a sequence of cycles of mean length E\[X\]. Each cycle has one deaf window, of mean
//! length E\[G\], in which no event can reach the subscriber; an event that falls into it waits for its end.
//! With a cursor the event is only delayed; without one it is lost.
//!
//! | pattern | deaf window G | cycle X |
//! |---|---|---|
//! | short polling on a timer | T, the whole cycle | T |
//! | long polling | from one answer to the arrival of the next request | G and the hold |
//! | SSE, WebSocket | from a lost connection to the next one | lifetime of a connection, and G |
//! | SSE, WebSocket, never cut | none | endless |
//!
//! So a long poll is like an SSE stream that is cut after every event, and a short poll is like one that is
//! never open. The law holds for events that are independent of the deaf windows: Poisson arrivals, or any
//! arrivals with a random phase.
//!
//! This is renewal theory: a random instant falls into a deaf window with probability E\[G\]/E\[X\], and into a
//! long window more often than into a short one. Checked by the simulator in `tests/all/monte_carlo.rs`. All
//! times in seconds.

/// Fraction of the events that fall into a deaf window: E\[G\]/E\[X\]. With a cursor they are delayed, without
/// one they are lost.
#[must_use]
pub fn delayed_fraction(mean_gap_s: f64, mean_cycle_s: f64) -> f64 {
    mean_gap_s / mean_cycle_s
}

/// Mean wait over all events, including those that did not wait: E\[G²\]/(2·E\[X\]).
///
/// Because of the square, one long outage costs more than many short ones with the same total.
#[must_use]
pub fn mean_extra_s(mean_square_gap_s2: f64, mean_cycle_s: f64) -> f64 {
    mean_square_gap_s2 / (2.0 * mean_cycle_s)
}

/// Fraction of the events that wait longer than `extra_s`, for a deaf window of constant length:
/// (G − x)⁺/E\[X\].
#[must_use]
pub fn delayed_longer_than(extra_s: f64, gap_s: f64, mean_cycle_s: f64) -> f64 {
    (gap_s - extra_s).max(0.0) / mean_cycle_s
}

/// The wait that a fraction `quantile` of the events does not exceed, for a deaf window of
/// constant length: max(0, G − (1 − p)·E\[X\]).
#[must_use]
pub fn quantile_extra_s(quantile: f64, gap_s: f64, mean_cycle_s: f64) -> f64 {
    (gap_s - (1.0 - quantile) * mean_cycle_s).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_a_proxy_cuts_every_minute() {
        // Open for 60 s until a proxy cuts it, 3 s until Chromium reconnects.
        let cycle_s = 63.0;
        assert!((mean_extra_s(9.0, cycle_s) - 0.0714).abs() < 1e-4);
        assert!((quantile_extra_s(0.99, 3.0, cycle_s) - 2.37).abs() < 1e-9);
        assert!((delayed_fraction(3.0, cycle_s) - 0.0476).abs() < 1e-4);
    }

    #[test]
    fn quantile_and_tail_are_inverse() {
        for quantile in [0.96, 0.99, 0.999] {
            let extra_s = quantile_extra_s(quantile, 3.0, 63.0);
            let tail = delayed_longer_than(extra_s, 3.0, 63.0);
            assert!((tail - (1.0 - quantile)).abs() < 1e-12);
        }
    }
}
