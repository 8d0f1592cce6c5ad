//! Streams of an HTTP/2 connection (RFC 9113 §5) where HTTP/1.1 uses a connection each. Several subscribers
//! share a connection where the scenario says so.
//!
//! ```text
//! > :method GET  :path /sse  accept: text/event-stream        polls and SSE: a GET as in HTTP/1.1
//! < :status 200                                               then DATA, until the stream ends
//! > :method CONNECT  :protocol websocket  :path /websocket    WebSocket by extended CONNECT (RFC 8441 §4)
//! < :status 200                                               then frames in DATA, both ways
//! ```
//!
//! Heads are compressed, and within TLS their length cannot be measured. So all bytes of an exchange besides
//! its content count as heads if the subscriber has the connection for itself, and as framing if it shares it.

use std::{mem, ops::ControlFlow, pin::pin, rc::Rc};

use h2::ext::Protocol;
use http::{Method, Request};

use super::subscriber::Subscriber;
use crate::{
    connections::{
        context::ConnectionContext,
        http2::{Answer, Content, Http2Connection, Open, Purpose, StreamPermit},
        ledger::add,
    },
    data::{
        answer::{AnswerHead, PollAnswer},
        error::SubscriberError,
        parsed::Parsed,
        reading::LONGEST_BYTES,
    },
};

/// Header fields that the handshake of a WebSocket has in HTTP/1.1 only (RFC 8441 §5).
const UPGRADE_FIELDS: [&str; 3] = ["connection", "upgrade", "sec-websocket-key"];

/// A subscriber's share of a connection.
pub(super) struct Http2Client(Rc<Http2Connection>);

/// An answer that continues.
pub(super) struct Http2Stream {
    content: Content,
    /// Content that was not used yet. Empty, and without memory, between messages.
    rest: Vec<u8>,
    /// When the last content came.
    read_ns: u64,
}

impl Http2Client {
    pub(super) const fn new(connection: Rc<Http2Connection>) -> Self {
        Self(connection)
    }

    /// Opens the connection unless it is open.
    pub(super) async fn connect(&self, subscriber: &Subscriber) -> Result<Open, SubscriberError> {
        let purpose = if subscriber.pattern().upgrades() { Purpose::WebSocket } else { Purpose::Http };
        let opening = async { self.0.handshake(subscriber.connect().await?, purpose).await };
        self.0.open(subscriber.opened_in_time(pin!(opening))).await
    }

    /// Waits until a stream may be opened.
    pub(super) async fn stream(&self, subscriber: &Subscriber) -> Result<StreamPermit, SubscriberError> {
        self.connect(subscriber).await?.stream().await
    }

    /// Requests what comes after the subscriber's cursor, and waits for the head of the answer.
    pub(super) async fn ask(
        &self,
        subscriber: &Subscriber,
        more: &str,
        permit: StreamPermit,
    ) -> Result<Answer, SubscriberError> {
        subscriber.count_request().await;
        self.0.ask(request(subscriber, more)?, permit).await
    }

    pub(super) async fn poll<T>(
        &mut self,
        subscriber: &Subscriber,
        take: impl FnMut(&PollAnswer<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let permit = self.stream(subscriber).await?;
        let connection = permit.connection();
        let polled = subscriber.answered_in_time(pin!(self.exchange(subscriber, permit, take))).await;
        if matches!(polled, Err(SubscriberError::Overdue(_))) {
            self.0.give_up(&connection);
        }
        polled
    }

    async fn exchange<T>(
        &self,
        subscriber: &Subscriber,
        permit: StreamPermit,
        mut take: impl FnMut(&PollAnswer<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let mut answer = self.ask(subscriber, "", permit).await?;
        let context = subscriber.connection();
        let mut body = answer.content.next(context).await?.unwrap_or_default();
        while !body.is_empty()
            && let Some(piece) = answer.content.next(context).await?
        {
            if body.len() + piece.len() > LONGEST_BYTES {
                let reported = format!("an answer of more than {LONGEST_BYTES} bytes");
                return Err(SubscriberError::Protocol(reported));
            }
            body = [body, piece].concat().into();
        }
        take(&PollAnswer {
            head: AnswerHead::Fields(answer.status, &answer.headers),
            body: &body,
            // On a shared connection only the bytes of the body are known.
            exchange_bytes: self.0.taken_by(&answer).unwrap_or(body.len() as u64),
            exchange_ns: Some(context.received_ns() - answer.asked_ns),
        })
    }

    /// Opens a stream that continues.
    pub(super) async fn open<T>(
        &mut self,
        subscriber: &Subscriber,
        more: &str,
        mut accept: impl FnMut(&AnswerHead<'_>) -> Result<ControlFlow<T>, SubscriberError>,
    ) -> Result<ControlFlow<T, Http2Stream>, SubscriberError> {
        let mut answer = self.ask(subscriber, more, self.stream(subscriber).await?).await?;
        let accepted = accept(&AnswerHead::Fields(answer.status, &answer.headers))?;
        // On a stream that resumes, missed events come with the head; they do not count as heads.
        let content_bytes = answer.content.came_with_head()?;
        let taken = self.0.taken_by(&answer).map_or(0, |taken| taken.saturating_sub(content_bytes));
        add(&subscriber.counters().headers, taken);
        Ok(accepted.map_continue(|()| Http2Stream { content: answer.content, rest: Vec::new(), read_ns: 0 }))
    }
}

/// A subscriber's request in fields.
fn request(subscriber: &Subscriber, more: &str) -> Result<Request<()>, SubscriberError> {
    let (method, protocol) = if subscriber.pattern().upgrades() {
        (Method::CONNECT, Some(Protocol::from_static("websocket")))
    } else {
        (Method::GET, None)
    };
    let request = subscriber.fill_request("https", more, Request::builder().method(method)).body(());
    let mut request =
        request.map_err(|error| SubscriberError::Protocol(format!("the request cannot be sent: {error}")))?;
    if let Some(protocol) = protocol {
        request.extensions_mut().insert(protocol);
        for field in UPGRADE_FIELDS {
            request.headers_mut().remove(field);
        }
    }
    Ok(request)
}

impl Http2Stream {
    /// Calls `look` with the content as it comes.
    pub(super) async fn read<T>(
        &mut self,
        context: &ConnectionContext,
        mut look: impl FnMut(&[u8]) -> Result<Parsed<T>, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        if !self.rest.is_empty() {
            // It was received with the read that brought it.
            context.look_back(self.read_ns);
            let rest = mem::take(&mut self.rest);
            let Parsed { used, found } = look(&rest)?;
            self.rest = rest[used..].to_vec();
            if let Some(found) = found {
                return Ok(found);
            }
        }
        loop {
            let bytes = self.content.next(context).await?.ok_or(SubscriberError::Ended)?;
            self.read_ns = context.received_ns();
            let mut gathered = mem::take(&mut self.rest);
            let shown = if gathered.is_empty() {
                &bytes[..]
            } else {
                gathered.extend_from_slice(&bytes);
                &gathered[..]
            };
            let Parsed { used, found } = look(shown)?;
            self.rest = shown[used..].to_vec();
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    /// Sends bytes, if the request left its side of the stream open.
    pub(super) fn send(&mut self, bytes: Vec<u8>) -> Result<(), SubscriberError> {
        self.content.send(bytes)
    }
}
