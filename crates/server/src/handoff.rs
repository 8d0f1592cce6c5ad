//! The handoff from a pattern's handler to a driver: what follows the head of an answer.
//!
//! A handler answers with a head, and puts a [`Handoff`] into the extensions of the response. The listener
//! then picks the driver that delivers the rest. The handler makes no bytes that are not sent.

use std::time::Duration;

use bytes::Bytes;
use contract::{Cursor, Pattern};
use event_log::Start;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};

/// What follows the head of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Handoff {
    /// A stream of Server-Sent Events from a cursor; only events of `types`, if given.
    Sse { start: Start, types: Option<Vec<String>> },
    /// The frames of a WebSocket from a cursor.
    WebSocket { start: Start },
    /// A WebSocket that sends one frame and closes.
    OneShot { text: Frame, close: CloseFrame },
    /// Nothing: the response is the whole answer to a poll. The next poll will follow on the same
    /// connection.
    Polled(Pattern),
    /// A long poll that is held until there is an event after a cursor; it has no answer yet.
    Held { after: Cursor, hold: Duration },
}

/// A connection that hyper hands off to the shared writer.
#[derive(Debug)]
pub(crate) struct HandoffRequest<S> {
    /// The socket.
    pub(crate) stream: S,
    /// Bytes that the client sent after its request.
    pub(crate) early: Bytes,
    /// The bytes to write first: the head of the response, or the whole response.
    pub(crate) first: Bytes,
    /// What follows.
    pub(crate) handoff: Handoff,
}
