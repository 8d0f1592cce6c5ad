//! Server-Sent Events: asks once and reads an answer that never ends.
//!
//! ```text
//! > GET /sse?after=k3v9qa.1 HTTP/1.1      `after` only when it reconnects
//! > accept: text/event-stream
//! < HTTP/1.1 200 OK
//! < id: k3v9qa.1                          the place it starts from
//! < id: k3v9qa.2
//! < data: hello
//! ```
//!
//! Cost: one request, then a read per write of the server.
//!
//! Exercise: leave `after` away when reconnecting. Cut the connection once in a trial: what does the
//! delivery check report?

use std::convert::Infallible;

use http::StatusCode;

use super::{Seat, SubscriberError};
use crate::{
    framing_sizes::chunk,
    ledger::add,
    reading::{BodyReader, Piece, read_head},
    sse_parser::{SseEvent, SseParser},
    wire::{Step, Wire},
};

/// Reads until the connection fails or the server ends the stream.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let mut stream = seat
        .set_up(async {
            let mut stream = Stream::open(seat).await?;
            if seat.cursor().is_none() {
                stream.read(seat, || seat.cursor().is_some()).await?;
            }
            Ok(stream)
        })
        .await?;
    loop {
        stream.read(seat, || false).await?;
    }
}

struct Stream {
    wire: Wire,
    body: BodyReader,
    parser: SseParser,
}

impl Stream {
    async fn open(seat: &Seat) -> Result<Self, SubscriberError> {
        let mut wire = Wire::open(seat).await?;
        let before_bytes = seat.counters.stream.total();
        wire.ask(seat, seat.desk.dialect.question(seat.cursor()), "").await?;
        let body = wire
            .read(seat, |bytes, _| {
                let Some(head) = read_head(bytes)? else { return Ok(Step { used: 0, found: None }) };
                if head.status != StatusCode::OK {
                    return Err(SubscriberError::Status(head.status));
                }
                add(&seat.counters.computed_received, head.rule_bytes);
                Ok(Step { used: head.used, found: Some(head.body()?) })
            })
            .await?;
        seat.note_answer(0);
        // What has been read by now is the head, and the first block if it came with it.
        add(&seat.counters.headers, seat.counters.stream.total() - before_bytes);
        seat.place_by_head();
        Ok(Self { wire, body, parser: SseParser::default() })
    }

    /// Takes what comes until it is enough, or the stream ends.
    async fn read(&mut self, seat: &Seat, is_enough: impl Fn() -> bool) -> Result<(), SubscriberError> {
        let Self { wire, body, parser } = self;
        wire.read(seat, |bytes, _| {
            let mut rest = bytes;
            while let Some(piece) = body.next(&mut rest)? {
                match piece {
                    Piece::Content(content) => take(seat, parser, content)?,
                    Piece::ChunkEnd { content } => add(&seat.counters.computed_received, chunk(content)),
                    Piece::End => return Err(SubscriberError::Ended),
                }
            }
            Ok(Step { used: bytes.len() - rest.len(), found: is_enough().then_some(()) })
        })
        .await
    }
}

/// Takes a piece of the stream, from whichever client read it.
pub(super) fn take(seat: &Seat, parser: &mut SseParser, bytes: &[u8]) -> Result<(), SubscriberError> {
    let mut outcome = Ok(());
    let take = |event: SseEvent<'_>| match seat.desk.dialect.stream_event(event) {
        Ok(said) => said.to(seat),
        Err(error) => outcome = Err(error),
    };
    parser.push(bytes, take).map_err(|error| SubscriberError::Protocol(error.to_string()))?;
    if seat.cursor().is_none()
        && let Some(place) = seat.desk.dialect.stream_place(parser.last_event_id())?
    {
        seat.place(place);
    }
    outcome
}
