//! A short poll is a subscription that is never open: between two polls the subscriber is deaf.
//!
//! **Deaf window.** On a timer of period T every cycle is deaf from end to end: G = X = T. An event
//! waits for the next poll that *arrives* after it, on average T/2, then for the answer's way.
//! The way of the request does not count, because what matters is not when a poll is sent.
//!
//! | quantity | formula |
//! |---|---|
//! | age | uniform on \[ℓ + d_d, ℓ + d_d + T\], mean ℓ + d_d + T/2 |
//! | requests per event | E\[gap\]/T, above 1 when events are rarer than polls |
//! | empty ratio | E\[(gap − T)⁺\]/E\[gap\]: Poisson e^(−λT), steady max(0, 1 − T/τ) |
//!
//! ℓ is the publisher's lateness, d_d the second half of an exchange (its server time inside), gap
//! the time between two events. The empty ratio is the law's tail turned round: the fraction of
//! instants that are farther than T after the last event; in this form, because the schedule's
//! bursts are no Poisson batches. Derived here, checked by the simulator in `tests/all/monte_carlo.rs`.
//!
//! **Left out.** The batch limit of 1,000 events. Polls that wait for each other at the server:
//! below a load of 0.9 less than five exchanges' CPU on average, and the prediction is refused above.
//! Against a steady schedule whose period divides T each subscriber sees few ages only; the uniform
//! distribution then is that over many subscribers' phases.
//!
//! **A network** adds its way to d_d and, where an exchange outlasts the interval, makes T the next
//! multiple of it: the polls between are skipped. Opening a connection for every poll delays the request
//! and so makes nothing older. An answer with n events takes its bytes ÷ bandwidth more; the n of an event
//! among Poisson arrivals is 1 + λT. Jitter up to j is added to the answer, on average j/2; that it moves
//! the polls' arrivals is left out of the closed form (j²/12T of the mean).

use contract::Pattern;

pub use crate::poll_timer::replayed;
use crate::{
    AgeCurve, Inputs, NotApplicable, Piece, Prediction,
    gaps::Gaps,
    poll_timer::{PollTimer, sizes},
    polling::{answer_bytes, check_link, closed_form_bytes},
    set_up,
};

/// Fraction of the polls that find nothing new.
#[must_use]
pub fn empty_ratio(gaps: Gaps, interval_s: f64) -> f64 {
    gaps.mean_excess_s(interval_s) / gaps.mean_s()
}

/// Polls per event and subscriber.
#[must_use]
pub fn requests_per_event(gaps: Gaps, interval_s: f64) -> f64 {
    gaps.mean_s() / interval_s
}

/// From the mean gaps of the arrivals.
///
/// # Errors
/// If the arrivals have no closed form, the polls alone saturate the server or the link, or chance
/// decides which polls are skipped.
pub fn closed_form(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    let timer = PollTimer::of(inputs)?;
    let gaps = Gaps::of(inputs.arrivals)?;
    let interval_s = timer.interval_s();
    let requests_per_event = requests_per_event(gaps, interval_s);
    let empty_ratio = empty_ratio(gaps, interval_s);
    let sizes = sizes(inputs);
    let batch = gaps.mean_batch(interval_s);
    let answer = answer_bytes(inputs, sizes, batch);
    let busiest = match gaps {
        // The fullest answer must be through before the next tick, or that is skipped.
        Gaps::Steady { .. } => answer_bytes(inputs, sizes, batch.ceil()),
        Gaps::Poisson { .. } | Gaps::Bursts { .. } => answer * (1.0 - empty_ratio),
    };
    check_link(&timer.way, gaps, batch, busiest / interval_s)?;
    let youngest_s = timer.delays.lateness_s + timer.back_s(answer);
    let wait = Piece { share: 1.0, from_s: youngest_s, to_s: youngest_s + interval_s };
    let bytes = closed_form_bytes(inputs, sizes, requests_per_event, empty_ratio);
    Ok(Prediction {
        age: AgeCurve::of_pieces(&wait.blurred(timer.way.jitter_s)),
        requests_per_event,
        requests_per_subscriber: None,
        empty_ratio,
        bytes: inputs.told(Pattern::ShortPolling, bytes),
        sockets_held: timer.sockets_held(inputs),
        set_up_round_trips: set_up::round_trips(Pattern::ShortPolling, inputs.params.transport),
        connect_ms: set_up::connect_ms(Pattern::ShortPolling, inputs.params),
    })
}
