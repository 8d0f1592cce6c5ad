//! An SSE stream needs one request and has no deaf window: the age is the one-way delay and the wait until the
//! subscribers before it are served.
//!
//! **Deaf window.** None while the connection is open. If a connection is open for A and then takes D to
//! reconnect, G = D and X = A + D ([`crate::deaf_window`]): with `Last-Event-ID` the events of the outage come
//! late, without it they are lost. The trials that the model predicts cut no connection.
//!
//! | quantity | formula |
//! |---|---|
//! | age at the j-th of N subscribers | ℓ + transit + (j−1)c, mean ℓ + transit + (N−1)c/2 |
//! | requests per event | 0; one request per subscription, before the window |
//! | bytes per event | `id`, `event` and `data` fields in a chunk; a heartbeat every 15 s, or as set |
//!
//! ℓ is the publisher's lateness, transit the one-way delay on loopback, c the time of one delivery; a network
//! adds its one-way delay once. `fan_out.rs` has the formulas, which WebSocket shares: the two patterns differ
//! in bytes, which also depend on the transport (`transports.rs`).

use contract::Pattern;

use crate::{
    Inputs, NotApplicable, Prediction,
    bytes::{EventText, SSE_COMMENT},
    fan_out,
    fan_out::Framing,
};

const FRAMING: Framing = Framing {
    pattern: Pattern::Sse,
    content: EventText::sse_block,
    is_chunked: true,
    heartbeat: SSE_COMMENT,
    heartbeat_answer: 0,
};

/// From the mean rate of the arrivals.
///
/// # Errors
/// If the arrivals have no closed form, or the fan-out takes longer than the gap between events.
pub fn closed_form(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    fan_out::closed_form(inputs, &FRAMING)
}

/// Event by event, from the due list that is really published.
///
/// # Errors
/// If the fan-out takes longer than the gap between events.
pub fn replayed(inputs: &Inputs<'_>) -> Result<Prediction, NotApplicable> {
    fan_out::replayed(inputs, &FRAMING)
}
