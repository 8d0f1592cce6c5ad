//! A stream on an HTTP/1.1 connection in clear, byte by byte: what the pattern's file makes, in chunks as
//! long as it is the body of a response.

use bytes::Bytes;
use contract::Pattern;
use event_log::{Batch, Event, Start};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;

use crate::{
    encodings::Encodings,
    http1::{LAST_CHUNK, chunk},
    sse, websocket,
};

/// A pattern whose answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Http1Stream {
    /// Chunks of a response body.
    Sse,
    /// Frames; HTTP has left.
    WebSocket,
}

impl Http1Stream {
    /// The stream of a pattern; none for one that polls.
    pub(super) const fn of(pattern: Pattern) -> Option<Self> {
        match pattern {
            Pattern::Sse => Some(Self::Sse),
            Pattern::WebSocket => Some(Self::WebSocket),
            Pattern::ShortPolling | Pattern::LongPolling => None,
        }
    }

    /// What follows the head of the response.
    pub(super) fn first(self, start: &Start) -> Bytes {
        match self {
            Self::Sse => chunk(&sse::first(start)),
            Self::WebSocket => websocket::bytes([websocket::place(start)]),
        }
    }

    /// An event.
    pub(super) fn event(self, encodings: &Encodings, event: &Event) -> Bytes {
        match self {
            Self::Sse => chunk(&sse::event(encodings, event)),
            Self::WebSocket => websocket::bytes([websocket::event(encodings, event)]),
        }
    }

    /// All events of a batch.
    pub(super) fn batch(self, encodings: &Encodings, batch: &Batch) -> Bytes {
        match self {
            Self::Sse => chunk(&sse::batch(encodings, batch)),
            Self::WebSocket => websocket::batch(encodings, batch),
        }
    }

    /// The stream goes on from another place than the subscriber's own.
    pub(super) fn reset(self, start: &Start) -> Bytes {
        match self {
            Self::Sse => chunk(sse::reset(start).as_bytes()),
            Self::WebSocket => websocket::bytes([websocket::place(start)]),
        }
    }

    /// A heartbeat.
    pub(super) fn heartbeat(self) -> Bytes {
        match self {
            Self::Sse => chunk(sse::HEARTBEAT),
            Self::WebSocket => websocket::bytes([websocket::heartbeat()]),
        }
    }

    /// The end of the stream: the log is closed.
    pub(super) fn end(self) -> Bytes {
        match self {
            Self::Sse => Bytes::from_static(LAST_CHUNK),
            Self::WebSocket => websocket::bytes([Frame::close(Some(websocket::end()))]),
        }
    }
}
