//! The same reading over HTTP/2: a stream (RFC 9113 §5) where HTTP/1.1 has a connection, and several
//! subscribers on one connection where the scenario says so.
//!
//! ```text
//! > :method GET  :path /sse  accept: text/event-stream        polls and SSE ask as ever
//! < :status 200                                               then DATA, until the stream ends
//! > :method CONNECT  :protocol websocket  :path /websocket    WebSocket by extended CONNECT (RFC 8441 §4)
//! < :status 200                                               then frames in DATA, both ways
//! ```
//!
//! Heads are compressed, and in TLS nobody can tell where one ends: what an exchange took besides its
//! content counts as heads where a subscriber has the connection for itself, and as framing where it shares.

use std::convert::Infallible;

use contract::Pattern;
use http::{HeaderValue, Method, StatusCode, header};

use super::{
    Seat, Stop, SubscriberError, event_source, short_polling::taken, sse, timetable::Timetable, websocket,
};
use crate::{
    connections::{
        http2::{Answer, Content, Place, Trunk},
        ledger::add,
    },
    data::{
        reading::{LONGEST_BYTES, MessageReader},
        sse_parser::SseParser,
    },
};

/// Reads until the stream or its connection fails.
pub(crate) async fn run(seat: &Seat, trunk: &Trunk) -> Result<Infallible, SubscriberError> {
    match seat.desk.pattern {
        Pattern::ShortPolling => short_polling(seat, trunk).await,
        Pattern::LongPolling => long_polling(seat, trunk).await,
        Pattern::Sse => event_stream(seat, trunk).await,
        Pattern::WebSocket => messages(seat, trunk).await,
    }
}

async fn short_polling(seat: &Seat, trunk: &Trunk) -> Result<Infallible, SubscriberError> {
    if !seat.is_set_up() {
        seat.set_up(timed_poll(seat, trunk)).await?;
    }
    let mut timetable = Timetable::of(seat).await;
    loop {
        seat.sleep_until(timetable.next_ns(seat)).await;
        while timed_poll(seat, trunk).await? {}
    }
}

async fn long_polling(seat: &Seat, trunk: &Trunk) -> Result<Infallible, SubscriberError> {
    seat.set_up(async {
        match seat.cursor() {
            None => poll(seat, trunk).await.map(drop),
            Some(_) => trunk.ready(seat).await,
        }
    })
    .await?;
    let turnaround = *seat.desk.settings.turnaround;
    loop {
        if !poll(seat, trunk).await?.has_more {
            seat.pause(turnaround).await;
        }
    }
}

async fn event_stream(seat: &Seat, trunk: &Trunk) -> Result<Infallible, SubscriberError> {
    let mut parser = seat.reconnection.parser();
    let Err(error) = read_events(seat, trunk, &mut parser).await;
    seat.reconnection.remember(&parser);
    Err(error)
}

async fn read_events(
    seat: &Seat,
    trunk: &Trunk,
    parser: &mut SseParser,
) -> Result<Infallible, SubscriberError> {
    let mut content = seat
        .set_up(async {
            let answer = open(seat, trunk, &Method::GET).await?;
            let content_type = answer.headers.get(header::CONTENT_TYPE);
            event_source::check_content_type(content_type.map(HeaderValue::as_bytes))?;
            let mut content = answer.content;
            while seat.cursor().is_none() {
                let bytes = content.next(seat).await?.ok_or(SubscriberError::Ended)?;
                sse::take(seat, parser, &bytes)?;
            }
            Ok(content)
        })
        .await?;
    loop {
        let bytes = content.next(seat).await?.ok_or(SubscriberError::Ended)?;
        sse::take(seat, parser, &bytes)?;
    }
}

async fn messages(seat: &Seat, trunk: &Trunk) -> Result<Infallible, SubscriberError> {
    let mut frames = Frames::default();
    let mut content = seat
        .set_up(async {
            let mut content = open(seat, trunk, &Method::CONNECT).await?.content;
            while seat.cursor().is_none() {
                frames.read(seat, &mut content).await?;
            }
            Ok(content)
        })
        .await?;
    loop {
        frames.read(seat, &mut content).await?;
    }
}

/// What a poll brought.
struct Polled {
    /// The batch was cut, and the rest can be fetched at once.
    has_more: bool,
    /// From sending the request until the answer was complete.
    exchange_ns: u64,
}

async fn poll(seat: &Seat, trunk: &Trunk) -> Result<Polled, SubscriberError> {
    let place = trunk.place(seat).await?;
    let connection = place.connection();
    let polled = seat.answered_in_time(exchange(seat, trunk, place)).await;
    if matches!(polled, Err(SubscriberError::Overdue(_))) {
        trunk.give_up(&connection);
    }
    polled
}

async fn exchange(seat: &Seat, trunk: &Trunk, place: Place) -> Result<Polled, SubscriberError> {
    let mut answer = trunk.ask(seat, &Method::GET, place).await?;
    let mut body = answer.content.next(seat).await?.unwrap_or_default();
    while !body.is_empty()
        && let Some(piece) = answer.content.next(seat).await?
    {
        if body.len() + piece.len() > LONGEST_BYTES {
            return Err(SubscriberError::Protocol(format!("an answer of more than {LONGEST_BYTES} bytes")));
        }
        body = [body, piece].concat().into();
    }
    // Shared: what it took besides its body nobody knows.
    let exchange_bytes = trunk.taken_by(&answer).unwrap_or(body.len() as u64);
    let retry_after = answer.headers.get(header::RETRY_AFTER).map(HeaderValue::as_bytes);
    let has_more = taken(seat, (answer.status, retry_after), &body, exchange_bytes)?;
    Ok(Polled { has_more, exchange_ns: seat.desk.received_ns() - answer.asked_ns })
}

/// A short poll; how long it took is an input of the model.
async fn timed_poll(seat: &Seat, trunk: &Trunk) -> Result<bool, SubscriberError> {
    let Polled { has_more, exchange_ns } = poll(seat, trunk).await?;
    add(&seat.counters.exchanges, 1);
    add(&seat.counters.exchange_ns, exchange_ns);
    Ok(has_more)
}

/// Opens a stream that is to stay. A redirect is not followed: the connection is others', too.
async fn open(seat: &Seat, trunk: &Trunk, method: &Method) -> Result<Answer, SubscriberError> {
    let mut answer = trunk.ask(seat, method, trunk.place(seat).await?).await?;
    if answer.status != StatusCode::OK {
        return Err(SubscriberError::Status(answer.status));
    }
    seat.note_answer(0);
    // On a stream that resumes, missed events come with the head: these are no heads.
    let content_bytes = answer.content.came_with_head()?;
    let taken = trunk.taken_by(&answer).map_or(0, |taken| taken.saturating_sub(content_bytes));
    add(&seat.counters.headers, taken);
    seat.place_by_head();
    Ok(answer)
}

/// The frames of a WebSocket, wherever the network and HTTP/2 have cut them.
#[derive(Default)]
struct Frames {
    messages: MessageReader,
    /// The start of a frame whose end has not come; empty, and without memory, between frames.
    rest: Vec<u8>,
}

impl Frames {
    /// Takes what comes next, and answers a ping.
    async fn read(&mut self, seat: &Seat, content: &mut Content) -> Result<(), SubscriberError> {
        let bytes = content.next(seat).await?.ok_or(SubscriberError::Ended)?;
        let mut gathered = std::mem::take(&mut self.rest);
        let mut rest = if gathered.is_empty() {
            &bytes[..]
        } else {
            gathered.extend_from_slice(&bytes);
            &gathered[..]
        };
        while let Some(frame) = self.messages.next(&mut rest)? {
            match websocket::take(seat, frame)? {
                Some(Stop::Answer(pong)) => content.send(pong)?,
                Some(Stop::Farewell(close)) => {
                    let _ = content.send(close);
                    return Err(SubscriberError::Closed);
                }
                Some(Stop::Enough) | None => {}
            }
        }
        self.rest = rest.to_vec();
        Ok(())
    }
}
