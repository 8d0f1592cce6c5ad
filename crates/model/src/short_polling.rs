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
//! bursts are no Poisson batches. Derived here, checked by the simulator in `tests/monte_carlo.rs`.
//!
//! **Left out.** The batch limit of 1,000 events. Polls that wait for each other at the server:
//! below a load of 0.9 less than five exchanges' CPU on average, and the prediction is
//! refused above. The set-up of a fresh connection for every poll: it delays the request and so makes
//! nothing older, but the polls come that much later than their ticks. Against a steady schedule whose period divides T each subscriber sees
//! few ages only; the uniform distribution then is that over many subscribers' phases.

use contract::Pattern;

use crate::{
    AgeCurve, Inputs, NotApplicable, Piece, Prediction,
    bytes::PollSizes,
    gaps::Gaps,
    polling::{Ledger, Ticks, closed_form_bytes},
    set_up,
    timeline::{Delays, Timeline},
};

/// Step between two subscribers' phases, as a fraction of the poll interval: the golden ratio's
/// fraction. Any number of subscribers is spread evenly, yet locks to no steady schedule.
pub const PHASE_STEP: f64 = 0.618_033_988_749_894_9;

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
/// If the arrivals have no closed form, or the polls alone saturate the server.
pub fn closed_form(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    let (interval_s, delays) = (interval_s(inputs)?, Delays::from(inputs.calibration));
    let gaps = Gaps::of(inputs.arrivals)?;
    let requests_per_event = requests_per_event(gaps, interval_s);
    let empty_ratio = empty_ratio(gaps, interval_s);
    let youngest_s = delays.lateness_s + delays.transit_s / 2.0;
    let sizes = inputs.exchanges(PollSizes::short_polling(inputs.params.client));
    Ok(Prediction {
        age: AgeCurve::of_pieces(&[Piece { share: 1.0, from_s: youngest_s, to_s: youngest_s + interval_s }]),
        requests_per_event,
        requests_per_subscriber: None,
        empty_ratio,
        bytes: Ok(closed_form_bytes(inputs, sizes, requests_per_event, empty_ratio)),
        sockets_held: inputs.sockets_held(delays.transit_s / interval_s),
        set_up_round_trips: set_up::round_trips(Pattern::ShortPolling, inputs.params.transport),
        connect_ms: set_up::connect_ms(Pattern::ShortPolling, inputs.params),
    })
}

/// Subscriber i polls at (frac(φ + i·0.618…) + k)·T + the timer's lateness, k = 0, 1, …
///
/// # Errors
/// If the polls alone saturate the server.
pub fn replayed(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    let (interval_s, delays) = (interval_s(inputs)?, Delays::from(inputs.calibration));
    let timeline = Timeline::new(inputs);
    let subscribers = inputs.params.subscribers as usize;
    let sizes = inputs.exchanges(PollSizes::short_polling(inputs.params.client));
    let mut ledger = Ledger::new(&timeline, sizes, subscribers, timeline.counted.len());
    let there_s = delays.transit_s / 2.0;
    let first_poll_s = |subscriber: usize| {
        let phase = (inputs.poll_phase + subscriber as f64 * PHASE_STEP).fract();
        phase * interval_s + delays.timer_late_s
    };
    for first_s in (0..subscribers).map(first_poll_s) {
        let ticks = Ticks { first_s, interval_s, exchange_s: delays.transit_s };
        let (mut cursor, mut next_poll) = (0, 0);
        while let Some(published_s) = timeline.published_s.get(cursor) {
            let poll = ((published_s - there_s - first_s) / interval_s).ceil() as u64;
            // Rounding must not let a poll bring something twice.
            let poll = poll.max(next_poll);
            let sent_s = first_s + poll as f64 * interval_s;
            let up_to = timeline.published_by(sent_s + there_s, cursor + 1);
            ledger.empty_ticks(&ticks, next_poll..poll, cursor);
            ledger.exchange(sent_s, sent_s + delays.transit_s, cursor, up_to);
            (cursor, next_poll) = (up_to, poll + 1);
        }
        ledger.empty_ticks(&ticks, next_poll..u64::MAX, cursor);
    }
    let end_s = ledger.end_s();
    let polls = |first_s: f64| ((end_s - first_s) / interval_s + 1.0).max(0.0) as u64;
    let timed: u64 = (0..subscribers).map(first_poll_s).map(polls).sum();
    let mut prediction =
        ledger.into_prediction(Pattern::ShortPolling, inputs.params, subscribers, subscribers as u64 + timed);
    prediction.sockets_held = inputs.sockets_held(delays.transit_s / interval_s);
    Ok(prediction)
}

/// The poll interval, if polling that often is possible at all.
fn interval_s(inputs: &Inputs<'_>) -> Result<f64, NotApplicable> {
    let interval_s = inputs.params.poll_interval_ms.unwrap_or(0.0) / 1e3;
    if interval_s <= 0.0 {
        return Err(NotApplicable("the poll interval is missing".to_owned()));
    }
    inputs.check_load(1.0 / interval_s)?;
    Ok(interval_s)
}
