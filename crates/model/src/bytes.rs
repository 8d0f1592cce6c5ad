//! The bytes of each exchange, event and heartbeat on the wire, counted from literal transcripts.
//!
//! `{C}` stands for a cursor, `{N}` for the digits of a content length, `{HOLD}` for a hold in
//! seconds. All sizes are bytes of the TCP stream: no TCP, IP or Ethernet headers. `transports.rs` adds
//! TLS and HTTP/2.
//! Sources: the server's pattern files; chunks RFC 9112 §7.1, frames RFC 6455 §5.2, event
//! streams WHATWG HTML §9.2. A wire test compares these sizes with real sockets.
//!
//! The resulting bytes per event, both directions, for texts of 32 bytes, Poisson arrivals and a deaf
//! window of 100 ms (closed form):
//!
//! | events per second | short polling, 1 s | 5 s | long polling, 25 s | SSE | WebSocket |
//! |---|---|---|---|---|---|
//! | 0.1 | 2273 | 567 | 352 | 66 | 68 |
//! | 1 | 340 | 125 | 336 | 62 | 64 |
//! | 10 | 94 | 68 | 263 | 61 | 63 |

use contract::{Client, Transport};

use crate::transports::{RECORD_OVERHEAD, sealed};

const SHORT_POLL_REQUEST: &str = concat!(
    "GET /short-polling?after={C} HTTP/1.1\r\n",
    "host: 127.0.0.1:40000\r\n",
    "if-none-match: \"{C}\"\r\n",
    "\r\n",
);
const SHORT_POLL_ANSWER_HEAD: &str = concat!(
    "HTTP/1.1 200 OK\r\n",
    "content-type: application/json\r\n",
    "cache-control: no-cache\r\n",
    "etag: \"{C}\"\r\n",
    "content-length: {N}\r\n",
    "date: Sat, 21 Nov 2026 05:21:16 GMT\r\n",
    "\r\n",
);
const SHORT_POLL_EMPTY: &str = concat!(
    "HTTP/1.1 304 Not Modified\r\n",
    "cache-control: no-cache\r\n",
    "etag: \"{C}\"\r\n",
    "date: Sat, 21 Nov 2026 05:21:16 GMT\r\n",
    "\r\n",
);
const LONG_POLL_REQUEST: &str =
    concat!("GET /long-polling?after={C}&hold={HOLD} HTTP/1.1\r\n", "host: 127.0.0.1:40000\r\n", "\r\n",);
const LONG_POLL_ANSWER_HEAD: &str = concat!(
    "HTTP/1.1 200 OK\r\n",
    "content-type: application/json\r\n",
    "cache-control: no-store\r\n",
    "content-length: {N}\r\n",
    "date: Sat, 21 Nov 2026 05:21:16 GMT\r\n",
    "\r\n",
);
const LONG_POLL_EMPTY: &str = concat!(
    "HTTP/1.1 204 No Content\r\n",
    "cache-control: no-store\r\n",
    "date: Sat, 21 Nov 2026 05:21:16 GMT\r\n",
    "\r\n",
);
/// The one header line that `reqwest` adds by default, besides the host that every client sends.
const REQWEST_EXTRA: &str = "accept: */*\r\n";
/// The line in both heads of an exchange that has its own connection (RFC 9112 §9.6).
const CLOSE: &str = "connection: close\r\n";
const POLL_BODY: &str = r#"{"cursor":"{C}","resume":"live","events":[],"more":false}"#;
const JSON_EVENT: &str = r#"{"id":"{C}","data":""}"#;
const JSON_TYPE: &str = r#""type":"","#;
const SSE_EVENT: &str = "id: {C}\ndata: \n\n";
const SSE_TYPE: &str = "event: \n";
/// Each line of a text after the first repeats the field name; its line feed is in the text.
const SSE_NEXT_LINE: &str = "data: ";

/// Seconds between two heartbeats of SSE, and between two pings of WebSocket, on one connection, unless a
/// scenario sets another period: [`contract::Heartbeat::default`].
pub const HEARTBEAT_EVERY_S: f64 = 15.0;
/// An SSE heartbeat: the empty comment `:\n\n`.
pub const SSE_COMMENT: usize = ":\n\n".len();
/// The same as a chunk of its own.
pub const SSE_HEARTBEAT: usize = chunk(SSE_COMMENT);
/// A WebSocket ping without payload, server to client: two bytes of header.
pub const WEBSOCKET_PING: usize = 2;
/// The pong that answers it, client to server: two bytes of header and four of mask.
pub const WEBSOCKET_PONG: usize = 6;

/// A transcript in which only cursors vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Transcript {
    fixed: usize,
    cursors: usize,
}

impl Transcript {
    fn of(text: &str) -> Self {
        let cursors = text.matches("{C}").count();
        let numbers = text.matches("{N}").count();
        Self { fixed: text.len() - (cursors + numbers) * "{C}".len(), cursors }
    }

    const fn bytes(self, cursor: usize) -> usize {
        self.fixed + self.cursors * cursor
    }
}

/// Sizes of one polling pattern's exchanges. All lengths are in bytes, those of cursors too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollSizes {
    request: Transcript,
    answer_head: Transcript,
    empty: Transcript,
    body: Transcript,
    is_sealed: bool,
}

impl PollSizes {
    /// Sizes of short polling: request, `200` with its `ETag`, `304`.
    #[must_use]
    pub fn short_polling(client: Client) -> Self {
        Self::of(client, SHORT_POLL_REQUEST, SHORT_POLL_ANSWER_HEAD, SHORT_POLL_EMPTY)
    }

    /// Sizes of long polling: request with its hold, `200`, `204`. The hold is written in seconds, in the short
    /// form in which Rust prints the number: `25`, `1.5`.
    #[must_use]
    pub fn long_polling(client: Client, hold_s: f64) -> Self {
        // A hold converted from milliseconds may have become 1.0049999999999999 s.
        let written_s = (hold_s * 1e6).round() / 1e6;
        let request = LONG_POLL_REQUEST.replace("{HOLD}", &written_s.to_string());
        Self::of(client, &request, LONG_POLL_ANSWER_HEAD, LONG_POLL_EMPTY)
    }

    fn of(client: Client, request: &str, answer_head: &str, empty: &str) -> Self {
        let mut request = Transcript::of(request);
        request.fixed += match client {
            Client::Lean => 0,
            Client::Reqwest => REQWEST_EXTRA.len(),
        };
        Self {
            request,
            answer_head: Transcript::of(answer_head),
            empty: Transcript::of(empty),
            body: Transcript::of(POLL_BODY),
            is_sealed: false,
        }
    }

    /// The same if every exchange has its own connection: both heads contain `connection: close`.
    #[must_use]
    pub const fn with_fresh_connections(mut self) -> Self {
        self.request.fixed += CLOSE.len();
        self.answer_head.fixed += CLOSE.len();
        self.empty.fixed += CLOSE.len();
        self
    }

    /// The same over a transport. A request is one write, and so is a whole answer with head and body: each
    /// takes one TLS record, or as many as it needs. HTTP/2 compresses heads depending on earlier ones
    /// (RFC 7541), so for HTTP/2 these are the sizes before compression.
    #[must_use]
    pub const fn over(mut self, transport: Transport) -> Self {
        if transport.is_encrypted() {
            self.request.fixed += RECORD_OVERHEAD;
            self.empty.fixed += RECORD_OVERHEAD;
            self.is_sealed = true;
        }
        self
    }

    /// A request that asks for what comes after a cursor of `cursor` bytes.
    #[must_use]
    pub const fn request(&self, cursor: usize) -> usize {
        self.request.bytes(cursor)
    }

    /// The head of a `200` answer, whose body has `body` bytes and a cursor of `cursor` bytes, with everything
    /// that the transport adds around head and body.
    #[must_use]
    pub const fn answer_head(&self, cursor: usize, body: usize) -> usize {
        let head = self.answer_head.bytes(cursor) + digits(body as u64);
        if self.is_sealed { sealed(head + body) - body } else { head }
    }

    /// The whole answer that brings nothing new: `304` or `204`.
    #[must_use]
    pub const fn empty_answer(&self, cursor: usize) -> usize {
        self.empty.bytes(cursor)
    }

    /// A body `{"cursor":"…","resume":"live","events":[],"more":false}` without any event. n events add their
    /// [`EventText::json`] and n − 1 commas.
    #[must_use]
    pub const fn empty_body(&self, cursor: usize) -> usize {
        self.body.bytes(cursor)
    }
}

/// The properties of an event's text that its framing depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventText {
    /// Bytes of the text.
    pub data: usize,
    /// Bytes of the type's name; 0 without type.
    pub type_name: usize,
    /// Bytes that escaping adds to the text in JSON.
    pub escape: usize,
    /// Lines of the text, at least 1.
    pub lines: usize,
}

impl EventText {
    /// An event without type whose text is one line that needs no escape.
    #[must_use]
    pub const fn plain(data: usize) -> Self {
        Self { data, type_name: 0, escape: 0, lines: 1 }
    }

    /// The object `{"id":"…","type":"…","data":"…"}` of a polling body or a WebSocket frame.
    #[must_use]
    pub fn json(self, id: usize) -> usize {
        Transcript::of(JSON_EVENT).bytes(id) + named(self.type_name, JSON_TYPE) + self.data + self.escape
    }

    /// The block `id: …\nevent: …\ndata: …\n\n` of an event stream, without the chunk framing.
    #[must_use]
    pub fn sse_block(self, id: usize) -> usize {
        let next_lines = self.lines.saturating_sub(1) * SSE_NEXT_LINE.len();
        let type_field = named(self.type_name, SSE_TYPE);
        Transcript::of(SSE_EVENT).bytes(id) + type_field + self.data + next_lines
    }

    /// The same block as a chunk of its own.
    #[must_use]
    pub fn sse(self, id: usize) -> usize {
        chunk(self.sse_block(id))
    }

    /// The text frame that carries the same JSON object.
    #[must_use]
    pub fn websocket(self, id: usize) -> usize {
        let payload = self.json(id);
        let header = match payload {
            ..=125 => 2,
            126..=65_535 => 4,
            _ => 10,
        };
        header + payload
    }
}

const fn named(name: usize, around: &str) -> usize {
    if name == 0 { 0 } else { around.len() + name }
}

/// Bytes of the cursor `<epoch>.<seq>`: six characters, a dot and the digits.
#[must_use]
pub const fn cursor(seq: u64) -> usize {
    "k3v9qa.".len() + digits(seq)
}

/// An HTTP/1.1 chunk around `content` bytes: their number in hexadecimal and two CRLF.
#[must_use]
pub const fn chunk(content: usize) -> usize {
    let mut hex_digits = 1;
    let mut rest = content >> 4;
    while rest > 0 {
        hex_digits += 1;
        rest >>= 4;
    }
    hex_digits + "\r\n\r\n".len() + content
}

const fn digits(number: u64) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}
