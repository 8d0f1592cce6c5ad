//! The HTTP clients behind one interface: a pattern's file says what to request and how to handle the answer,
//! and does not know which client carries it.
//!
//! The default client's futures are stored in the subscriber's task itself; those of the others are boxed,
//! otherwise every task would be as large as the largest of them.

use std::{ops::ControlFlow, rc::Rc};

use contract::Client;
use http::StatusCode;

use super::{
    http1_client::Http1Client,
    http2_client::{Http2Client, Http2Stream},
    reqwest_client::{ReqwestClient, ReqwestStream},
    subscriber::Subscriber,
};
use crate::{
    connections::http1::Http1Stream,
    data::{
        answer::{AnswerHead, PollAnswer},
        error::SubscriberError,
        parsed::Parsed,
    },
};

/// The client of a subscriber.
pub(super) enum HttpClient {
    /// HTTP/1.1 on its own connections, plain or over TLS.
    Http1(Http1Client),
    /// Streams of an HTTP/2 connection.
    Http2(Http2Client),
    /// An ordinary client, for comparison.
    Reqwest(ReqwestClient),
}

/// An answer that continues: an event stream, or a WebSocket after its handshake. Dropping it ends it.
pub(super) enum HttpStream {
    Http1(Http1Stream),
    Http2(Box<Http2Stream>),
    Reqwest(Box<ReqwestStream>),
}

impl HttpClient {
    /// The client of a subscriber, with no connection yet.
    pub(super) fn of(subscriber: &Subscriber) -> Self {
        let has_choice = !subscriber.pattern().upgrades();
        let client = if has_choice { subscriber.settings().client } else { Client::Lean };
        match (subscriber.http2(), client) {
            (Some(connection), _) => Self::Http2(Http2Client::new(Rc::clone(connection))),
            (None, Client::Lean) => Self::Http1(Http1Client::new(subscriber.reuse())),
            (None, Client::Reqwest) => Self::Reqwest(ReqwestClient::new(subscriber.reuse())),
        }
    }

    /// Opens the connection that polls keep; otherwise the first poll opens it.
    pub(super) async fn connect(&mut self, subscriber: &Subscriber) -> Result<(), SubscriberError> {
        match self {
            Self::Http1(client) => client.connect(subscriber).await,
            Self::Http2(client) => Box::pin(client.connect(subscriber)).await.map(drop),
            Self::Reqwest(client) => client.connect(subscriber),
        }
    }

    /// One poll for what comes after the subscriber's cursor. `take` is called with the whole answer, while
    /// the instant of its read is the current one.
    pub(super) async fn poll<T>(
        &mut self,
        subscriber: &Subscriber,
        take: impl FnMut(&PollAnswer<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        match self {
            Self::Http1(client) => client.poll(subscriber, take).await,
            Self::Http2(client) => Box::pin(client.poll(subscriber, take)).await,
            Self::Reqwest(client) => Box::pin(client.poll(subscriber, take)).await,
        }
    }

    /// Requests a stream of what comes after the subscriber's cursor; `more` holds additional header lines.
    /// `accept` checks the head, and may break off if the stream is somewhere else.
    pub(super) async fn open<T>(
        &mut self,
        subscriber: &Subscriber,
        more: &str,
        accept: impl FnMut(&AnswerHead<'_>) -> Result<ControlFlow<T>, SubscriberError>,
    ) -> Result<ControlFlow<T, HttpStream>, SubscriberError> {
        let opened = match self {
            Self::Http1(client) => {
                client.open(subscriber, more, accept).await?.map_continue(HttpStream::Http1)
            }
            Self::Http2(client) => Box::pin(client.open(subscriber, more, accept))
                .await?
                .map_continue(|stream| HttpStream::Http2(Box::new(stream))),
            Self::Reqwest(client) => Box::pin(client.open(subscriber, more, accept))
                .await?
                .map_continue(|stream| HttpStream::Reqwest(Box::new(stream))),
        };
        if opened.is_continue() {
            subscriber.note_stream();
        }
        Ok(opened)
    }

    /// Whether redirects are followed. Other subscribers use a shared connection, too, and the server that
    /// reqwest is used with does not redirect.
    pub(super) const fn follows_redirects(&self) -> bool {
        match self {
            Self::Http1(_) => true,
            Self::Http2(_) | Self::Reqwest(_) => false,
        }
    }

    /// The status that turns a stream into a WebSocket (RFC 6455 §4.1, RFC 8441 §5).
    pub(super) const fn upgraded(&self) -> StatusCode {
        match self {
            Self::Http1(_) | Self::Reqwest(_) => StatusCode::SWITCHING_PROTOCOLS,
            Self::Http2(_) => StatusCode::OK,
        }
    }
}

impl HttpStream {
    /// Calls `look` with the received content until it finds what it waits for; each time with the bytes that
    /// it has not used, and more.
    pub(super) async fn read<T>(
        &mut self,
        subscriber: &Subscriber,
        look: impl FnMut(&[u8]) -> Result<Parsed<T>, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let context = subscriber.connection();
        match self {
            Self::Http1(stream) => stream.read(context, look).await,
            Self::Http2(stream) => Box::pin(stream.read(context, look)).await,
            Self::Reqwest(stream) => Box::pin(stream.read(context, look)).await,
        }
    }

    /// Sends bytes on a WebSocket.
    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<(), SubscriberError> {
        match self {
            Self::Http1(stream) => stream.send(&bytes).await,
            Self::Http2(stream) => stream.send(bytes),
            Self::Reqwest(_) => Err(SubscriberError::Protocol("reqwest has no WebSocket".to_owned())),
        }
    }
}
