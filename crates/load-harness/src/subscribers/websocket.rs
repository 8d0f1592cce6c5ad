//! WebSocket: asks once, then reads a frame per event.
//!
//! ```text
//! > GET /websocket?after=k3v9qa.1 HTTP/1.1     `after` only when it reconnects
//! > upgrade: websocket
//! < HTTP/1.1 101 Switching Protocols
//! < {"cursor":"k3v9qa.1","resume":"live"}      the place it starts from
//! < {"id":"k3v9qa.2","data":"hello"}
//! ```
//!
//! Cost: one handshake, then a read per write of the server, and a pong to each of its pings.
//!
//! Exercise: give every subscriber a read buffer of its own, of 64 KiB, instead of its worker's. Which
//! column of `connections` moves, and why does the server's own not?

use std::convert::Infallible;

use http::{StatusCode, header};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::{Seat, Stop, SubscriberError};
use crate::{
    connections::{
        http1::{Step, Wire},
        ledger::add,
    },
    data::{
        framing_sizes::{Sender, frame},
        reading::{Frame, Message, MessageReader, read_head},
    },
};

/// Reads until the connection fails or the server closes it.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let mut messages = MessageReader::default();
    let mut wire = seat
        .set_up(async {
            let mut wire = open(seat).await?;
            if seat.cursor().is_none() {
                read(seat, &mut wire, &mut messages, || seat.cursor().is_some()).await?;
            }
            Ok(wire)
        })
        .await?;
    loop {
        read(seat, &mut wire, &mut messages, || false).await?;
    }
}

/// The handshake (RFC 6455 §4.1).
async fn open(seat: &Seat) -> Result<Wire, SubscriberError> {
    let mut wire = Wire::open(seat).await?;
    let before_bytes = seat.counters.stream.sent();
    let key = generate_key();
    let upgrade = format!(
        "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n"
    );
    wire.ask(seat, seat.desk.dialect.question(seat.cursor()), &upgrade).await?;
    wire.read(seat, |bytes, _| {
        let Some(head) = read_head(bytes)? else { return Ok(Step { used: 0, found: None }) };
        seat.count_heads(before_bytes, &head);
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(SubscriberError::Status(head.status));
        }
        if head.field(&header::SEC_WEBSOCKET_ACCEPT) != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(SubscriberError::Protocol("sec-websocket-accept answers another key".to_owned()));
        }
        Ok(Step { used: head.used, found: Some(()) })
    })
    .await?;
    seat.note_answer(0);
    seat.place_by_head();
    Ok(wire)
}

/// Takes what comes until it is enough, or the server closes.
async fn read(
    seat: &Seat,
    wire: &mut Wire,
    messages: &mut MessageReader,
    is_enough: impl Fn() -> bool,
) -> Result<(), SubscriberError> {
    loop {
        let stop = wire.read(seat, |bytes, _| {
            let mut rest = bytes;
            let mut found = None;
            while found.is_none()
                && let Some(frame) = messages.next(&mut rest)?
            {
                found = take(seat, frame)?;
            }
            let found = found.or_else(|| is_enough().then_some(Stop::Enough));
            Ok(Step { used: bytes.len() - rest.len(), found })
        });
        match stop.await? {
            Stop::Enough => return Ok(()),
            Stop::Answer(pong) => wire.send(&pong).await?,
            Stop::Farewell(close) => {
                // Whether that is heard is the server's affair.
                let _ = wire.send(&close).await;
                return Err(SubscriberError::Closed);
            }
        }
    }
}

/// Takes a frame, from whichever transport brought it.
pub(super) fn take(seat: &Seat, taken: Frame<'_>) -> Result<Option<Stop>, SubscriberError> {
    add(&seat.counters.computed_received, frame(taken.payload_bytes, Sender::Server));
    let Some(message) = taken.message else { return Ok(None) };
    let answer = |said: usize| {
        add(&seat.counters.computed_sent, frame(said, Sender::Client));
        message.answer(rand::random()).unwrap_or_default()
    };
    match message {
        Message::Text(text) => seat.desk.dialect.message(text)?.to(seat),
        Message::Ping(payload) => return Ok(Some(Stop::Answer(answer(payload.len())))),
        Message::Close(payload) => return Ok(Some(Stop::Farewell(answer(payload.len().min(2))))),
        Message::Binary(_) | Message::Pong => {}
    }
    Ok(None)
}
