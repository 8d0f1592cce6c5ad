//! An SSE stream is asked for once and never deaf: what remains is the way and the row of readers.
//!
//! **Deaf window.** None while the connection lives. A stream that lives A and is away D until it
//! has reconnected has G = D, X = A + D ([`crate::deaf_window`]): with `Last-Event-ID` the events
//! of the outage come late, without it they are lost. The lab's trials cut no connection.
//!
//! | quantity | formula |
//! |---|---|
//! | age at the j-th of N subscribers | ℓ + transit + (j−1)c, mean ℓ + transit + (N−1)c/2 |
//! | requests per event | 0; one request in a subscription's life, before the window |
//! | bytes per event | `id`, `event` and `data` fields in a chunk; a heartbeat every 15 s, or as set |
//!
//! ℓ is the publisher's lateness, c the time that one delivery takes; a network's way, once, comes on top
//! of transit. The row of subscribers is `fan_out.rs`, which WebSocket shares: the two differ in bytes,
//! and these by transport (`transports.rs`).

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
