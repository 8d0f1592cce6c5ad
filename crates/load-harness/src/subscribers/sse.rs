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

use http::{StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{Seat, SubscriberError};
use crate::{
    connection::{Connection, Use},
    framing_sizes::Chunks,
    ledger::add,
    sse_parser::{SseEvent, SseParser},
};

/// Reads until the connection fails or the server ends the stream.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let (mut stream, _connection) = seat
        .set_up(async {
            let mut connection = Connection::open(seat, Use::Kept).await?;
            let mut stream = Stream::open(seat, &mut connection).await?;
            while seat.cursor().is_none() {
                stream.read(seat).await?;
            }
            Ok((stream, connection))
        })
        .await?;
    loop {
        stream.read(seat).await?;
    }
}

struct Stream {
    body: Incoming,
    parser: SseParser,
    chunks: Chunks,
}

impl Stream {
    async fn open(seat: &Seat, connection: &mut Connection) -> Result<Self, SubscriberError> {
        let before_bytes = seat.counters.stream.total();
        let target = seat.cursor().map_or("/sse".to_owned(), |cursor| format!("/sse?after={cursor}"));
        let response = connection.get(seat, &target, &[(header::ACCEPT, "text/event-stream")]).await?;
        if response.status() != StatusCode::OK {
            return Err(SubscriberError::Status(response.status()));
        }
        seat.note_answer(0);
        // What has been read by now is the head, and the first block that came with it.
        add(&seat.counters.headers, seat.counters.stream.total() - before_bytes);
        Ok(Self { body: response.into_body(), parser: SseParser::default(), chunks: Chunks::default() })
    }

    async fn read(&mut self, seat: &Seat) -> Result<(), SubscriberError> {
        let frame = self.body.frame().await.ok_or(SubscriberError::Ended)??;
        let Ok(bytes) = frame.into_data() else {
            return Ok(());
        };
        add(&seat.counters.computed_received, self.chunks.take(&bytes));
        let mut unreadable = None;
        self.parser
            .push(&bytes, |event| {
                if let Err(error) = take(seat, event) {
                    unreadable = Some(error);
                }
            })
            .map_err(|error| SubscriberError::Protocol(error.to_string()))?;
        if seat.cursor().is_none() && !self.parser.last_event_id().is_empty() {
            seat.place(cursor(self.parser.last_event_id())?);
        }
        unreadable.map_or(Ok(()), Err)
    }
}

/// Takes an event of the stream, from whichever client read it.
pub(super) fn take(seat: &Seat, event: SseEvent<'_>) -> Result<(), SubscriberError> {
    let cursor = cursor(event.last_event_id)?;
    if event.event_type == "reset" {
        // The gap shows in the numbers of the events that follow.
        seat.place(cursor);
    } else {
        seat.deliver(cursor, event.data);
    }
    Ok(())
}

pub(super) fn cursor(id: &str) -> Result<contract::Cursor, SubscriberError> {
    id.parse().map_err(|error: contract::CursorError| SubscriberError::Protocol(error.to_string()))
}
