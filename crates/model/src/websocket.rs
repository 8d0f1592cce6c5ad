//! A WebSocket needs one request and has no deaf window, like SSE: its frames are shorter, its events are JSON.
//!
//! **Deaf window.** None while the connection is open, as for SSE ([`crate::sse`]); with the cursor
//! in the URL an outage delays events, without it they are lost.
//!
//! | quantity | formula |
//! |---|---|
//! | age at the j-th of N subscribers | ℓ + transit + (j−1)c, mean ℓ + transit + (N−1)c/2 |
//! | requests per event | 0; one upgrade per subscription, before the window |
//! | bytes per event | frame header and JSON object; ping and pong every 15 s, or as set |
//!
//! The symbols are those of [`crate::sse`]. Events come in server frames, which are not masked; the
//! subscriber's pong is masked (RFC 6455 §5.3). `fan_out.rs` has the formulas, which SSE shares; `bytes.rs` has
//! the sizes.

use contract::Pattern;

use crate::{
    Inputs, NotApplicable, Prediction,
    bytes::{EventText, WEBSOCKET_PING, WEBSOCKET_PONG},
    fan_out,
    fan_out::Framing,
};

const FRAMING: Framing = Framing {
    pattern: Pattern::WebSocket,
    content: EventText::websocket,
    is_chunked: false,
    heartbeat: WEBSOCKET_PING,
    heartbeat_answer: WEBSOCKET_PONG,
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
