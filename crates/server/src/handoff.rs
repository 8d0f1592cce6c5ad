//! How an answer goes on: what a pattern's handler says to the drivers.
//!
//! A handler answers with a head, and puts a [`Handoff`] into the extensions of the response. The listener
//! then picks the driver that delivers what follows, so nothing is made that is not sent.

use std::time::Duration;

use bytes::Bytes;
use contract::{Cursor, Pattern};
use event_log::Start;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};

/// What follows the head of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Handoff {
    /// A stream of Server-Sent Events from a place; only events of `types`, if there are any.
    Sse { start: Start, types: Option<Vec<String>> },
    /// The frames of a WebSocket from a place.
    WebSocket { start: Start },
    /// A WebSocket that sends one frame and closes.
    OneShot { text: Frame, close: CloseFrame },
    /// Nothing: the response is the whole answer to a poll. The next poll will follow on the same
    /// connection.
    Polled(Pattern),
    /// A long poll that is held for an event after a place: the response is no answer yet.
    Held { after: Cursor, hold: Duration },
}

/// A connection that leaves hyper for the shared writer.
#[derive(Debug)]
pub(crate) struct HandoffRequest<S> {
    /// The socket.
    pub(crate) stream: S,
    /// What the client sent behind its request.
    pub(crate) early: Bytes,
    /// What to write before anything else: the head of the response, or all of it.
    pub(crate) first: Bytes,
    /// How to go on.
    pub(crate) handoff: Handoff,
}
