//! What a request, an answer, a chunk and a frame take on the wire, computed from what they are.
//!
//! The subscribers keep a ledger of bytes by these rules, beside the counters of the sockets: two
//! ways to the same number that share nothing.

use http::{HeaderMap, Request, Response};

/// Who sends a frame of a WebSocket; a client's are masked (RFC 6455 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Server,
}

/// A request's head in HTTP/1.1: request line, `name: value` lines, blank line (RFC 9112 §2.1).
pub(crate) fn request_head<T>(request: &Request<T>) -> u64 {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let line = request.method().as_str().len() + " ".len() + target.len() + " HTTP/1.1\r\n".len();
    (line + fields(request.headers())) as u64
}

/// An answer's head: status line with the usual reason, `name: value` lines, blank line.
pub(crate) fn response_head<T>(response: &Response<T>) -> u64 {
    let reason = response.status().canonical_reason().unwrap_or("");
    let line = "HTTP/1.1 200 ".len() + reason.len() + "\r\n".len();
    (line + fields(response.headers())) as u64
}

fn fields(headers: &HeaderMap) -> usize {
    let lines = headers.iter().map(|(name, value)| name.as_str().len() + ": \r\n".len() + value.len());
    lines.sum::<usize>() + "\r\n".len()
}

/// A chunk around `content` bytes: their number in hexadecimal and two CRLF (RFC 9112 §7.1).
pub(crate) const fn chunk(content: u64) -> u64 {
    let digits = match content.checked_ilog2() {
        Some(log) => log as u64 / 4 + 1,
        None => 1,
    };
    digits + "\r\n\r\n".len() as u64 + content
}

/// A frame around `payload` bytes (RFC 6455 §5.2).
pub(crate) const fn frame(payload: usize, sender: Sender) -> u64 {
    let length = match payload {
        ..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    };
    let mask = match sender {
        Sender::Client => 4,
        Sender::Server => 0,
    };
    (length + mask + payload) as u64
}

/// The chunks of an event stream, told apart from outside.
///
/// A client library hands out the content of chunks as it arrives, so a chunk that came in two reads
/// is two pieces. Every chunk of our server ends with a blank line, whether it carries events or a
/// heartbeat; a piece that does not is the first part of one.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    begun: u64,
}

impl Chunks {
    /// Takes the next piece; returns the bytes on the wire of the chunk that it completes, else 0.
    pub(crate) fn take(&mut self, piece: &[u8]) -> u64 {
        self.begun += piece.len() as u64;
        if piece.ends_with(b"\n\n") { chunk(std::mem::take(&mut self.begun)) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use http::{StatusCode, header};

    use super::*;

    #[test]
    fn heads_are_as_long_as_their_text() {
        let request = Request::get("/short-polling?after=k3v9qa.17")
            .header(header::HOST, "127.0.0.1:40000")
            .header(header::IF_NONE_MATCH, "\"k3v9qa.17\"")
            .body(())
            .unwrap();
        let text = "GET /short-polling?after=k3v9qa.17 HTTP/1.1\r\nhost: 127.0.0.1:40000\r\n\
                    if-none-match: \"k3v9qa.17\"\r\n\r\n";
        assert_eq!(request_head(&request), text.len() as u64);
        let absolute = Request::get("ws://127.0.0.1:40000/websocket").body(()).unwrap();
        assert_eq!(request_head(&absolute), "GET /websocket HTTP/1.1\r\n\r\n".len() as u64);

        let response = Response::builder()
            .status(StatusCode::NOT_MODIFIED)
            .header(header::ETAG, "\"k3v9qa.17\"")
            .body(())
            .unwrap();
        let text = "HTTP/1.1 304 Not Modified\r\netag: \"k3v9qa.17\"\r\n\r\n";
        assert_eq!(response_head(&response), text.len() as u64);
    }

    #[test]
    fn chunks_and_frames_grow_at_their_limits() {
        assert_eq!(chunk(0), "0\r\n\r\n".len() as u64);
        for (content, around) in [(15, 5), (16, 6), (255, 6), (256, 7), (4_095, 7), (4_096, 8)] {
            assert_eq!(chunk(content), content + around, "{content}");
        }
        for (payload, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(frame(payload, Sender::Server), (payload + header) as u64, "{payload}");
            assert_eq!(frame(payload, Sender::Client), (payload + header + 4) as u64, "{payload}");
        }
    }

    #[test]
    fn a_chunk_that_came_in_pieces_is_counted_once() {
        let mut chunks = Chunks::default();
        assert_eq!(chunks.take(b"id: k3v9qa.1\nda"), 0);
        let block = "id: k3v9qa.1\ndata: x\n\n";
        assert_eq!(chunks.take(b"ta: x\n\n"), format!("{:x}\r\n{block}\r\n", block.len()).len() as u64);
        assert_eq!(chunks.take(b":\n\n"), "3\r\n:\n\n\r\n".len() as u64);
    }
}
