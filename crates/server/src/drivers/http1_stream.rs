//! The bytes of a stream on a plain HTTP/1.1 connection: the pattern file makes them, and SSE wraps them into
//! the chunks of a response body.

use bytes::{BufMut, Bytes, BytesMut};
use contract::Pattern;
use event_log::{Batch, Event, Start};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;

use crate::{encodings::Encodings, sse, websocket};

/// The empty chunk that ends a body (RFC 9112 §7.1).
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A pattern that streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Http1Stream {
    /// Chunks of a response body.
    Sse,
    /// WebSocket frames on the upgraded connection.
    WebSocket,
}

impl Http1Stream {
    /// The stream of a pattern; `None` for a pattern that polls.
    pub(super) const fn of(pattern: Pattern) -> Option<Self> {
        match pattern {
            Pattern::Sse => Some(Self::Sse),
            Pattern::WebSocket => Some(Self::WebSocket),
            Pattern::ShortPolling | Pattern::LongPolling => None,
        }
    }

    /// The first bytes after the head of the response.
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

    /// Reports that the stream continues from another cursor than the subscriber's own.
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

/// A chunk of a body (RFC 9112 §7.1).
fn chunk(bytes: &[u8]) -> Bytes {
    let mut chunk = BytesMut::with_capacity(bytes.len() + 20);
    chunk.put_slice(format!("{:X}\r\n", bytes.len()).as_bytes());
    chunk.put_slice(bytes);
    chunk.put_slice(b"\r\n");
    chunk.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_has_the_shortest_length() {
        assert_eq!(chunk(b"x"), "1\r\nx\r\n");
        assert_eq!(chunk(&[b'x'; 26])[..4], *b"1A\r\n");
    }
}
