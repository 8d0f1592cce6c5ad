//! A long poll is a stream that is cut after every event: the subscriber is deaf until it has asked
//! again.
//!
//! **Deaf window.** From the server's look into the log until the next request has arrived:
//! G = d_d + turnaround + d_u. Then a request is parked until the next event, but no longer than
//! the hold W. A cycle is E\[X\] = G + e^(−λG)(1 − e^(−λW))/λ: the deaf window, and, if it brought no
//! event, the wait for one. d_d is the calibration's transit, ℓ the publisher's lateness.
//!
//! | Poisson arrivals | formula |
//! |---|---|
//! | requests per event | 1/(λE\[X\]): 1 at low rates, fewer at high ones, more with a short hold |
//! | empty ratio | e^(−λ(G+W)) |
//! | age | ℓ + d_d for the fraction 1 − G/E\[X\]; up to G more for the rest |
//! | mean age | ℓ + d_d + G²/(2E\[X\]) |
//!
//! Steady arrivals with period τ: above G each event finds a parked request and is answered at
//! once; below, τ/G requests per event and ages uniform over G. A burst of B events spaced δ < G:
//! the first is answered at once and opens a deaf window, event k waits for the end of the window
//! it falls into, ⌈kδ/G⌉·G − kδ; a burst costs 1 + ⌈(B−1)δ/G⌉ answers. So bursts, not high rates,
//! hurt long polling. With N subscribers parked, the last is woken (N−1)c after the first; what is
//! published meanwhile is in its answer.
//!
//! RFC 6202 §2.2 names the batching at high rates "graceful degradation". The formulas are derived
//! in `rearm.rs` and checked by the simulator in `tests/monte_carlo.rs`; the replay is
//! `held_requests.rs`. Left out of the closed form: an event that falls into the deaf window after
//! a time-out of a steady or burst schedule (a fraction G/(G+W) of the bursts). Left out of both:
//! that a hold ends up to a timer tick late; the set-up of a fresh connection for every request, by
//! which G is longer (a round trip and the server's accepting); and c is the CPU of a whole exchange, of which with a
//! turnaround only the waking half lies between two subscribers of a row.

use contract::Pattern;

use crate::{
    AgeCurve, Inputs, NotApplicable, Piece, Prediction,
    bytes::PollSizes,
    gaps::Gaps,
    polling::closed_form_bytes,
    rearm::{along_the_row, course},
    set_up,
    timeline::Delays,
};

pub use crate::held_requests::replayed;

/// From the mean rate of the arrivals.
///
/// # Errors
/// If the arrivals have no closed form, or the requests saturate the server.
pub fn closed_form(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    let rearm = Rearm::of(inputs)?;
    let gaps = Gaps::of(inputs.arrivals)?;
    let others = f64::from(inputs.params.subscribers) - 1.0;
    let spread_s = others * rearm.delays.service_s;
    let course = course(gaps, rearm.gap_s(), rearm.hold_s, spread_s / 2.0);
    let requests_per_event = course.answers + course.timeouts;
    inputs.check_load(requests_per_event / gaps.mean_s())?;

    let delays = rearm.delays;
    let youngest_s = delays.lateness_s + delays.transit_s;
    let deaf: f64 = course.deaf.iter().map(|piece| piece.share).sum();
    let woken = Piece { share: 1.0 - deaf, from_s: youngest_s, to_s: youngest_s + spread_s };
    let waits = course.deaf.iter();
    let pieces: Vec<Piece> = waits
        .flat_map(|wait| along_the_row(*wait, spread_s, rearm.gap_s()))
        .map(|wait| wait.after(youngest_s))
        .chain([woken])
        .collect();
    // Not negative, but a zero may carry a minus sign.
    let empty_ratio = (course.timeouts / requests_per_event).abs();
    let sizes = rearm.sizes(inputs);
    Ok(Prediction {
        age: AgeCurve::of_pieces(&pieces),
        requests_per_event,
        requests_per_subscriber: None,
        empty_ratio,
        bytes: Ok(closed_form_bytes(inputs, sizes, requests_per_event, empty_ratio)),
        sockets_held: inputs.sockets_held(1.0 - requests_per_event / gaps.mean_s() * rearm.turnaround_s),
        set_up_round_trips: set_up::round_trips(Pattern::LongPolling, inputs.params.transport),
        connect_ms: set_up::connect_ms(Pattern::LongPolling, inputs.params),
    })
}

/// The settings that decide when a subscriber is deaf.
pub(crate) struct Rearm {
    pub(crate) hold_s: f64,
    pub(crate) delays: Delays,
    pub(crate) turnaround_s: f64,
}

impl Rearm {
    pub(crate) fn of(inputs: &Inputs<'_>) -> Result<Self, NotApplicable> {
        let delays = Delays::from(inputs.calibration);
        let hold_s = inputs.params.hold_ms.unwrap_or(0.0) / 1e3;
        if hold_s <= 0.0 {
            return Err(NotApplicable("the hold is missing".to_owned()));
        }
        // Without a turnaround the subscriber asks again at once and sets no timer.
        let turnaround_s = match inputs.params.turnaround_ms {
            Some(pause_ms) if pause_ms > 0.0 => pause_ms / 1e3 + delays.timer_late_s,
            Some(_) | None => 0.0,
        };
        Ok(Self { hold_s, delays, turnaround_s })
    }

    /// A request's way to the server, d_u. The calibration times publication, wake-up and the
    /// answer's way; a request takes about half as long.
    pub(crate) fn request_way_s(&self) -> f64 {
        self.delays.transit_s / 2.0
    }

    /// The deaf window G.
    pub(crate) fn gap_s(&self) -> f64 {
        self.delays.transit_s + self.turnaround_s + self.request_way_s()
    }

    pub(crate) fn sizes(&self, inputs: &Inputs<'_>) -> PollSizes {
        inputs.exchanges(PollSizes::long_polling(inputs.params.client, self.hold_s))
    }
}
