//! WebSocket: the subscriber asks once, then both sides send frames (RFC 6455).
//!
//! ```text
//! > GET /websocket?after=k3v9qa.1 HTTP/1.1
//! > host: 127.0.0.1:8080
//! > connection: upgrade
//! > upgrade: websocket
//! > sec-websocket-version: 13
//! > sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==
//! < HTTP/1.1 101 Switching Protocols
//! < [0x81 37] {"cursor":"k3v9qa.1","resume":"live"}
//! < [0x81 32] {"id":"k3v9qa.2","data":"hello"}
//! ```
//!
//! Cost: one handshake in a subscriber's life; then per event the JSON object and a frame header of
//! two bytes, four from 126 bytes on. The same socket carries the way up: a text frame publishes.
//! An idle socket costs a ping and a pong every 15 s. Over HTTP/2 it is a stream that begins with
//! `CONNECT` and `:protocol: websocket`, has no key and is answered 200 (RFC 8441).
//!
//! Exercise: send the event's text as a binary frame without the JSON around it. How many bytes does
//! that save in `stock-ticker`, and how does a subscriber then resume?

use std::sync::Arc;

use axum::{Router, extract::State, response::Response, routing};
use contract::Pattern;
use event_log::{Follow, Followed, Start};
use futures_util::{SinkExt, StreamExt, future::Either};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes, protocol::frame::coding::CloseCode};

use crate::{
    App,
    app::Route,
    framing::place_json,
    handshake::{self, Handshake, Socket, Upgrade, close},
    heartbeat::Beats,
    problem::Problem,
    publish::{PublishError, publish},
    request::Subscription,
    takeover::Ride,
};

/// The route of this pattern.
pub(crate) fn router() -> Router<Arc<App>> {
    Route::of(Pattern::WebSocket).serve("GET, OPTIONS", routing::get(upgrade).connect(upgrade))
}

async fn upgrade(
    State(app): State<Arc<App>>,
    subscription: Subscription,
    handshake: Handshake,
) -> Result<Response, Problem> {
    app.check_origin(&handshake.headers)?;
    let start = app.log().resume(subscription.after);
    let (mut response, upgrade) = handshake.accept();
    response.extensions_mut().insert(Ride::WebSocket(start));
    app.clone().spawn(serve(app, start, upgrade));
    Ok(response)
}

async fn serve(app: Arc<App>, start: Start, mut upgrade: Upgrade) {
    // A client that leaves during the handshake is its own affair, and so is one that rides the lane.
    let Ok(mut socket) = handshake::socket(&mut upgrade, &app).await else {
        return;
    };
    let follow = app.follow(&start);
    // An error of the socket means that nobody listens any more; a close of ours is an `Ok`.
    let _ = converse(&app, &start, follow, &mut socket).await;
    handshake::hang_up(&mut socket).await;
}

/// Sends what the log has and takes what the subscriber says, until one of them ends it.
async fn converse(app: &App, start: &Start, mut follow: Follow, socket: &mut Socket) -> Result<(), Error> {
    let mut beats = Beats::new(app.heartbeat());
    socket.send(Message::text(place_json(start))).await?;
    loop {
        let stirred = tokio::select! {
            // Whoever has something to say needs no sign of life beside it.
            biased;
            stirred = async { tokio::select! {
                followed = follow.next() => Either::Left(followed),
                received = socket.next() => Either::Right(received),
            } } => Some(stirred),
            () = beats.due() => None,
        };
        match stirred {
            None => socket.send(Message::Ping(bytes::Bytes::new())).await?,
            Some(Either::Left(followed)) => {
                match followed {
                    None => return close(socket, CloseCode::Away, "the server is shutting down").await,
                    Some(Followed::Expired(start)) => socket.feed(Message::text(place_json(&start))).await?,
                    Some(Followed::Events(batch)) => {
                        for event in &batch.events {
                            socket.feed(text_frame(app.framings().json(event))).await?;
                        }
                    }
                }
                socket.flush().await?;
                beats.note_write();
            }
            Some(Either::Right(received)) => {
                if matches!(received, Some(Ok(Message::Ping(_)))) {
                    beats.note_write();
                }
                match received.map_or(Reaction::Gone, |received| react(app, received)) {
                    Reaction::Continue => socket.flush().await?,
                    Reaction::Close(code, reason) => return close(socket, code, &reason).await,
                    Reaction::Gone => return Ok(()),
                }
            }
        }
    }
}

/// What a message of the subscriber leads to.
pub(crate) enum Reaction {
    /// Nothing more: what is queued, such as a pong, is to be flushed.
    Continue,
    /// The conversation is closed with this code and reason.
    Close(CloseCode, String),
    /// The socket is gone.
    Gone,
}

/// Takes one message of the subscriber.
pub(crate) fn react(app: &App, received: Result<Message, Error>) -> Reaction {
    match received {
        Ok(Message::Text(text)) => match publish(app.log(), None, &text) {
            Ok(_) => Reaction::Continue,
            Err(error @ PublishError::CarriageReturn) => {
                Reaction::Close(CloseCode::Policy, error.to_string())
            }
            Err(error @ PublishError::Log(_)) => Reaction::Close(CloseCode::Away, error.to_string()),
        },
        Ok(Message::Binary(_)) => {
            Reaction::Close(CloseCode::Unsupported, "an event is text: send a text frame".to_owned())
        }
        // tungstenite queues the pong and the echo of a close itself.
        Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => Reaction::Continue,
        Err(error) => match handshake::close_code(&error) {
            Some(code) => Reaction::Close(code, error.to_string()),
            None => Reaction::Gone,
        },
    }
}

fn text_frame(json: bytes::Bytes) -> Message {
    // The bytes come from a JSON writer: the check for UTF-8 cannot fail.
    Message::Text(Utf8Bytes::try_from(json).unwrap_or_default())
}
