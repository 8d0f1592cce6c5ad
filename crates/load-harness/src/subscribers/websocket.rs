//! WebSocket: sends one request, then reads a frame per event.
//!
//! ```text
//! > GET /websocket?after=k3v9qa.1 HTTP/1.1     `after` only after a reconnection
//! > upgrade: websocket
//! < HTTP/1.1 101 Switching Protocols
//! < {"cursor":"k3v9qa.1","resume":"live"}      where the subscription starts
//! < {"id":"k3v9qa.2","data":"hello"}
//! ```
//!
//! Cost: one [handshake](super::handshake), then a read per write of the server, and a pong for each ping.
//!
//! Exercise: acknowledge every event by an unsolicited pong (RFC 6455 §5.5.3). What does that cost in
//! `stock-ticker`, in bytes and in the server's CPU time, and how much does TLS add?

use std::convert::Infallible;

use super::{handshake, http_client::HttpStream, subscriber::Subscriber};
use crate::{
    connections::ledger::add,
    data::{
        error::SubscriberError,
        framing_sizes::{Sender, frame},
        parsed::Parsed,
        reading::{Frame, Message, MessageReader},
    },
};

/// Why reading frames stopped.
enum Stop {
    Enough,
    /// The server expects this frame as an answer.
    Answer(Vec<u8>),
    /// The same, for a close frame: nothing follows.
    CloseReply(Vec<u8>),
}

/// Reads until the connection fails or the server closes it.
pub(super) async fn run(subscriber: &Subscriber) -> Result<Infallible, SubscriberError> {
    let mut messages = MessageReader::default();
    let mut stream = subscriber
        .set_up(async {
            let mut stream = handshake::open(subscriber).await?;
            if subscriber.cursor().is_none() {
                read(subscriber, &mut stream, &mut messages, || subscriber.cursor().is_some()).await?;
            }
            Ok(stream)
        })
        .await?;
    loop {
        read(subscriber, &mut stream, &mut messages, || false).await?;
    }
}

/// Reads frames until `is_enough` holds or the server closes.
async fn read(
    subscriber: &Subscriber,
    stream: &mut HttpStream,
    messages: &mut MessageReader,
    is_enough: impl Fn() -> bool,
) -> Result<(), SubscriberError> {
    loop {
        let stop = stream.read(subscriber, |bytes| {
            let (mut rest, mut found) = (bytes, None);
            while found.is_none()
                && let Some(frame) = messages.next(&mut rest)?
            {
                found = take(subscriber, frame)?;
            }
            let found = found.or_else(|| is_enough().then_some(Stop::Enough));
            Ok(Parsed { used: bytes.len() - rest.len(), found })
        });
        match stop.await? {
            Stop::Enough => return Ok(()),
            Stop::Answer(pong) => stream.send(pong).await?,
            Stop::CloseReply(close) => {
                // The server may have closed the connection already: a failure changes nothing.
                let _ = stream.send(close).await;
                return Err(SubscriberError::Closed);
            }
        }
    }
}

/// Counts a frame and delivers its event; returns the answer that the frame needs, if any.
fn take(subscriber: &Subscriber, taken: Frame<'_>) -> Result<Option<Stop>, SubscriberError> {
    let counters = subscriber.counters();
    add(&counters.computed_received, frame(taken.payload_bytes, Sender::Server));
    let Some(message) = taken.message else { return Ok(None) };
    let answer = |said: usize| {
        add(&counters.computed_sent, frame(said, Sender::Client));
        message.answer(rand::random()).unwrap_or_default()
    };
    match message {
        Message::Text(text) => subscriber.take(&subscriber.protocol().message(text)?),
        Message::Ping(payload) => return Ok(Some(Stop::Answer(answer(payload.len())))),
        Message::Close(payload) => return Ok(Some(Stop::CloseReply(answer(payload.len().min(2))))),
        Message::Binary(_) | Message::Pong => {}
    }
    Ok(None)
}
