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
//! Exercise: read with a buffer of 128 KiB instead of 1 KiB. Which column of the report moves, and
//! why does the server's own not?

use std::{borrow::Cow, convert::Infallible};

use contract::{Cursor, EventType, Resume};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

use super::{Seat, SubscriberError};
use crate::{
    counted_stream::CountedStream,
    framing_sizes::{Sender, frame, request_head, response_head},
    ledger::add,
};

/// As on the server: tungstenite zeroes its read buffer at every attempt to read.
const READ_BUFFER_BYTES: usize = 1 << 10;

/// What the server sends: a place, or an event.
#[derive(Deserialize)]
#[serde(untagged)]
enum Frame<'a> {
    Event {
        id: Cursor,
        #[serde(rename = "type")]
        _event_type: Option<EventType>,
        #[serde(borrow)]
        data: Cow<'a, str>,
    },
    Place {
        cursor: Cursor,
        #[serde(rename = "resume")]
        _resume: Resume,
    },
}

/// Reads until the connection fails or the server closes it.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let mut socket = seat
        .set_up(async {
            let mut socket = open(seat).await?;
            while seat.cursor().is_none() {
                read(seat, &mut socket).await?;
            }
            Ok(socket)
        })
        .await?;
    loop {
        read(seat, &mut socket).await?;
    }
}

async fn open(seat: &Seat) -> Result<WebSocketStream<CountedStream>, SubscriberError> {
    let stream = seat.connect().await?;
    let before_bytes = seat.counters.stream.total();
    seat.count_request().await;
    let after = seat.cursor().map_or(String::new(), |cursor| format!("?after={cursor}"));
    let url = format!("ws://{}/websocket{after}", seat.target());
    let request = url.into_client_request().map_err(Box::new)?;
    add(&seat.counters.computed_sent, request_head(&request));
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES).write_buffer_size(0);
    let (socket, response) =
        client_async_with_config(request, stream, Some(config)).await.map_err(Box::new)?;
    seat.note_answer(0);
    add(&seat.counters.computed_received, response_head(&response));
    add(&seat.counters.headers, seat.counters.stream.total() - before_bytes);
    Ok(socket)
}

async fn read(seat: &Seat, socket: &mut WebSocketStream<CountedStream>) -> Result<(), SubscriberError> {
    let message = socket.next().await.ok_or(SubscriberError::Ended)?.map_err(Box::new)?;
    add(&seat.counters.computed_received, frame(message.len(), Sender::Server));
    match message {
        Message::Text(text) => match serde_json::from_str(&text)? {
            Frame::Event { id, data, .. } => seat.deliver(id, &data),
            Frame::Place { cursor, .. } => seat.place(cursor),
        },
        // tungstenite has queued the pong, with the same payload; flushing sends it.
        Message::Ping(payload) => {
            add(&seat.counters.computed_sent, frame(payload.len(), Sender::Client));
            socket.flush().await.map_err(Box::new)?;
        }
        Message::Close(_) => return Err(SubscriberError::Ended),
        Message::Binary(_) | Message::Pong(_) | Message::Frame(_) => {}
    }
    Ok(())
}
