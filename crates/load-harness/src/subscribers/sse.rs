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
//! Cost: one request, then a read per write of the server. How it asks is told in
//! [`super::event_source`], when it comes back in [`super::reconnection`].
//!
//! Exercise: leave `last-event-id` away when reconnecting. Cut the connection once in a trial: what does
//! the delivery check report?

use std::convert::Infallible;

use super::{
    Seat, SubscriberError,
    event_source::{self, Stream},
};
use crate::{
    connections::{http1::Step, ledger::add},
    data::{
        framing_sizes::chunk,
        reading::Piece,
        sse_parser::{SseEvent, SseParser},
    },
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
            let mut stream = event_source::open(seat).await?;
            if seat.cursor().is_none() {
                read(seat, &mut stream, parser, || seat.cursor().is_some()).await?;
            }
            Ok(stream)
        })
        .await?;
    loop {
        read(seat, &mut stream, parser, || false).await?;
    }
}

/// Takes what comes until it is enough, or the stream ends.
async fn read(
    seat: &Seat,
    Stream { wire, body }: &mut Stream,
    parser: &mut SseParser,
    is_enough: impl Fn() -> bool,
) -> Result<(), SubscriberError> {
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
