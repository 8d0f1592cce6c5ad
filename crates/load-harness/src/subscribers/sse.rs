//! Server-Sent Events: asks once and reads an answer that never ends.
//!
//! ```text
//! > GET /sse HTTP/1.1
//! > accept: text/event-stream
//! > last-event-id: k3v9qa.1               only when it reconnects
//! < HTTP/1.1 200 OK
//! < content-type: text/event-stream
//! < id: k3v9qa.1                          the place it starts from
//! < id: k3v9qa.2
//! < data: hello
//! ```
//!
//! Cost: one request, then a read per write of the server. How it comes back is told in
//! [`super::reconnection`], what it makes of a head in [`super::event_source`].
//!
//! Exercise: leave `last-event-id` away when reconnecting. Cut the connection once in a trial: what does
//! the delivery check report?

use std::convert::Infallible;

use super::{
    Seat, SubscriberError,
    event_source::{self, MOST_REDIRECTS},
};
use crate::{
    framing_sizes::chunk,
    ledger::add,
    reading::{BodyReader, Piece, read_head},
    sse_parser::{SseEvent, SseParser},
    wire::{Step, Wire},
};

/// Reads until the connection fails or the server ends the stream.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let mut parser = seat.reconnection.parser();
    let Err(error) = read_on(seat, &mut parser).await;
    seat.reconnection.remember(&parser);
    Err(error)
}

async fn read_on(seat: &Seat, parser: &mut SseParser) -> Result<Infallible, SubscriberError> {
    let mut stream = seat
        .set_up(async {
            let mut stream = Stream::open(seat).await?;
            if seat.cursor().is_none() {
                stream.read(seat, parser, || seat.cursor().is_some()).await?;
            }
            Ok(stream)
        })
        .await?;
    loop {
        stream.read(seat, parser, || false).await?;
    }
}

struct Stream {
    wire: Wire,
    body: BodyReader,
}

impl Stream {
    /// Asks, and follows redirects. Where they lead counts for the next time only if a stream is there.
    async fn open(seat: &Seat) -> Result<Self, SubscriberError> {
        let known = seat.reconnection.moved();
        for _ in 0..=MOST_REDIRECTS {
            match Self::ask(seat).await {
                Ok(None) => {}
                Ok(Some(stream)) => return Ok(stream),
                Err(error) => {
                    seat.reconnection.move_to(known);
                    return Err(error);
                }
            }
        }
        Err(SubscriberError::Redirected(format!("more than {MOST_REDIRECTS} times")))
    }

    /// One request; no stream if the server redirects.
    async fn ask(seat: &Seat) -> Result<Option<Self>, SubscriberError> {
        let mut wire = Wire::open(seat).await?;
        let before_bytes = seat.counters.stream.total();
        let moved = seat.reconnection.moved();
        let question = match &moved {
            Some(moved) => &moved.question,
            None => seat.desk.dialect.question(seat.cursor()),
        };
        wire.ask(seat, question, &event_source::resuming(&seat.reconnection.last_event_id())).await?;
        let body = wire.read(seat, |bytes, _| {
            let Some(head) = read_head(bytes)? else { return Ok(Step { used: 0, found: None }) };
            add(&seat.counters.computed_received, head.rule_bytes);
            Ok(Step { used: head.used, found: Some(event_source::body(seat, &head)?) })
        });
        let Some(body) = body.await? else { return Ok(None) };
        seat.note_answer(0);
        // What has been read by now is the head, and the first block if it came with it.
        add(&seat.counters.headers, seat.counters.stream.total() - before_bytes);
        seat.place_by_head();
        Ok(Some(Self { wire, body }))
    }

    /// Takes what comes until it is enough, or the stream ends.
    async fn read(
        &mut self,
        seat: &Seat,
        parser: &mut SseParser,
        is_enough: impl Fn() -> bool,
    ) -> Result<(), SubscriberError> {
        let Self { wire, body } = self;
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
