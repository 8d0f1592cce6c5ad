//! Long polling behaves like a stream that is cut after every event: after an answer no event can reach the
//! subscriber until its next request has arrived.
//!
//! **Deaf window.** From the moment the server reads the log until the next request has arrived:
//! G = d_d + turnaround + d_u. Then the request is parked until the next event, but no longer than
//! the hold W. A cycle is E\[X\] = G + e^(−λG)(1 − e^(−λW))/λ: the deaf window, and, if no event came in it,
//! the wait for one. d_d is the one-way delay of the answer (the calibration's transit), d_u that of the
//! request, λ the rate of events, ℓ the publisher's lateness.
//!
//! | Poisson arrivals | formula |
//! |---|---|
//! | requests per event | 1/(λE\[X\]): 1 at low rates, fewer at high ones, more with a short hold |
//! | empty ratio | e^(−λ(G+W)) |
//! | age | ℓ + d_d for the fraction 1 − G/E\[X\]; up to G more for the rest |
//! | mean age | ℓ + d_d + G²/(2E\[X\]) |
//!
//! Steady arrivals with period τ: if τ > G, each event finds a parked request and is answered at once; if
//! τ < G, there are τ/G requests per event and ages are uniform over G. A burst of B events spaced δ < G:
//! the first is answered at once and opens a deaf window, event k waits for the end of the window
//! it falls into, ⌈kδ/G⌉·G − kδ; a burst costs 1 + ⌈(B−1)δ/G⌉ answers. So bursts, not high rates,
//! hurt long polling. With N subscribers parked and c the CPU time of an exchange, the last is woken (N−1)c
//! after the first, and its answer contains everything published until then.
//!
//! RFC 6202 §2.2 calls the batching at high rates "graceful degradation". The formulas are derived
//! in `rearm.rs` and checked by the simulator in `tests/all/monte_carlo.rs`; the replay is
//! `held_requests.rs`. Left out of the closed form: with steady or burst schedules, an event that falls into
//! the deaf window after a time-out (a fraction G/(G+W) of the bursts). Left out of both: a hold may end up to
//! one timer tick late; a new connection costs the server CPU; and c is the CPU time of a whole exchange,
//! though with a turnaround only its waking half lies between two subscribers.
//!
//! **A network** adds its one-way delay to d_u and d_d, and the opening of a new connection to d_u: ages are
//! one to three one-way delays. Both also grow by bytes ÷ bandwidth and by up to j of jitter. So G varies: its
//! mean grows by j, and its distribution is that of the sum of two jitters.

use contract::Pattern;

pub use crate::held_requests::replayed;
use crate::{
    AgeCurve, Inputs, NotApplicable, Piece, Prediction,
    gaps::Gaps,
    polling::{answer_bytes, check_link, closed_form_bytes},
    rearm::{along_the_row, course},
    rearm_gap::Rearm,
    set_up,
};

/// From the mean rate of the arrivals.
///
/// # Errors
/// If the arrivals have no closed form, or if requests saturate the server or the link.
pub fn closed_form(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    let rearm = Rearm::of(inputs)?;
    let gaps = Gaps::of(inputs.arrivals)?;
    let (delays, path) = (rearm.delays, rearm.path);
    let sizes = rearm.sizes(inputs);
    let alone = answer_bytes(inputs, sizes, 1.0);
    let shortest_gap_s = rearm.gap_s(sizes, inputs, alone);
    let batch = gaps.mean_batch(shortest_gap_s + path.jitter_s);
    check_link(&path, gaps, batch, alone / gaps.mean_s())?;
    rearm.check_jitter(gaps, shortest_gap_s)?;
    let deaf_answer = answer_bytes(inputs, sizes, batch);
    let gap_s = shortest_gap_s + path.jitter_s;

    let others = f64::from(inputs.params.subscribers) - 1.0;
    let spread_s = others * delays.service_s;
    let course = course(gaps, gap_s, rearm.hold_s, spread_s / 2.0);
    let requests_per_event = course.answers + course.timeouts;
    inputs.check_load(requests_per_event / gaps.mean_s())?;

    let youngest_s = |answer: f64| delays.lateness_s + delays.transit_s + path.back_s(answer);
    let deaf: f64 = course.deaf.iter().map(|piece| piece.share).sum();
    let woken = Piece { share: 1.0 - deaf, from_s: youngest_s(alone), to_s: youngest_s(alone) + spread_s };
    let waits = course.deaf.iter();
    let pieces: Vec<Piece> = waits
        .flat_map(|wait| rearm.varied(*wait, shortest_gap_s))
        .flat_map(|wait| along_the_row(wait, spread_s, gap_s))
        .map(|wait| wait.after(youngest_s(deaf_answer)))
        .chain([woken])
        .flat_map(|piece| piece.blurred(path.jitter_s))
        .collect();
    // It is never negative, but a zero may have a minus sign.
    let empty_ratio = (course.timeouts / requests_per_event).abs();
    let bytes = closed_form_bytes(inputs, sizes, requests_per_event, empty_ratio);
    Ok(Prediction {
        age: AgeCurve::of_pieces(&pieces),
        requests_per_event,
        requests_per_subscriber: None,
        empty_ratio,
        bytes: inputs.reported(Pattern::LongPolling, bytes),
        sockets_held: inputs.sockets_held(1.0 - requests_per_event / gaps.mean_s() * rearm.turnaround_s),
        set_up_round_trips: set_up::round_trips(Pattern::LongPolling, inputs.params.transport),
        connect_ms: set_up::connect_ms(Pattern::LongPolling, inputs.params),
    })
}
