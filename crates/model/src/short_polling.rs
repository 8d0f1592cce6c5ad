//! Short polling on a timer: between two polls no event can reach the subscriber.
//!
//! **Deaf window.** With a timer of period T the whole cycle is a deaf window: G = X = T. An event waits for
//! the next poll that *arrives* after it, T/2 on average, then for the one-way delay of the answer. The
//! one-way delay of the request does not count: it shifts all polls alike.
//!
//! | quantity | formula |
//! |---|---|
//! | age | uniform on \[ℓ + d_d, ℓ + d_d + T\], mean ℓ + d_d + T/2 |
//! | requests per event | E\[gap\]/T, above 1 when events are rarer than polls |
//! | empty ratio | E\[(gap − T)⁺\]/E\[gap\]: Poisson e^(−λT), steady max(0, 1 − T/τ) |
//!
//! ℓ is the publisher's lateness, d_d the second half of an exchange (server time included), gap the time
//! between two events, λ the rate of events, τ the period of steady ones. The empty ratio is the fraction of
//! instants that lie more than T after the last event. This form also holds for the schedule's bursts, though
//! they are not Poisson batches. Derived here, checked by the simulator in `tests/all/monte_carlo.rs`.
//!
//! **Left out.** The batch limit of 1,000 events. Queueing of polls at the server: below a load of 0.9 it is
//! less than five exchanges' CPU on average, and above there is no prediction. With a steady schedule whose
//! period divides T, each subscriber sees only a few different ages; the uniform distribution then describes
//! many subscribers with different phases.
//!
//! **A network** adds its one-way delay to d_d. If an exchange takes longer than the interval, T becomes the
//! next multiple of it, because the polls between are skipped. Opening a connection for every poll delays the
//! request only, so it does not increase the age. An answer with n events takes its bytes ÷ bandwidth longer;
//! with Poisson arrivals an event shares its answer with λT others on average, so n = 1 + λT. Jitter up to j
//! adds j/2 to the answer on average; its effect on the arrival of polls is left out of the closed form
//! (j²/12T of the mean).

use contract::Pattern;

pub use crate::poll_timer::replayed;
use crate::{
    AgeCurve, Inputs, NotApplicable, Piece, Prediction,
    gaps::Gaps,
    poll_timer::{PollTimer, sizes},
    polling::{answer_bytes, check_link, closed_form_bytes},
    set_up,
};

/// Fraction of the polls that bring nothing new.
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
/// If the arrivals have no closed form, if polls alone saturate the server or the link, or if chance decides
/// which polls are skipped.
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
        // The largest answer must pass the link before the next tick, otherwise that tick is skipped.
        Gaps::Steady { .. } => answer_bytes(inputs, sizes, batch.ceil()),
        Gaps::Poisson { .. } | Gaps::Bursts { .. } => answer * (1.0 - empty_ratio),
    };
    check_link(&timer.path, gaps, batch, busiest / interval_s)?;
    let youngest_s = timer.delays.lateness_s + timer.back_s(answer);
    let wait = Piece { share: 1.0, from_s: youngest_s, to_s: youngest_s + interval_s };
    let bytes = closed_form_bytes(inputs, sizes, requests_per_event, empty_ratio);
    Ok(Prediction {
        age: AgeCurve::of_pieces(&wait.blurred(timer.path.jitter_s)),
        requests_per_event,
        requests_per_subscriber: None,
        empty_ratio,
        bytes: inputs.reported(Pattern::ShortPolling, bytes),
        sockets_held: timer.sockets_held(inputs),
        set_up_round_trips: set_up::round_trips(Pattern::ShortPolling, inputs.params.transport),
        connect_ms: set_up::connect_ms(Pattern::ShortPolling, inputs.params),
    })
}
