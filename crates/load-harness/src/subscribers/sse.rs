//! Server-Sent Events: sends one request and reads an answer that never ends.
//!
//! ```text
//! > GET /sse HTTP/1.1
//! > accept: text/event-stream
//! > last-event-id: k3v9qa.1               only after a reconnection
//! < HTTP/1.1 200 OK
//! < content-type: text/event-stream
//! < id: k3v9qa.1                          where the stream starts
//! < id: k3v9qa.2
//! < data: hello
//! ```
//!
//! Cost: one request, then a read per write of the server. [`super::event_source`] handles status, content
//! type and redirects; [`super::reconnection`] decides when the subscriber reconnects.
//!
//! Exercise: reconnect without `last-event-id`. What does the delivery check of `obstacles` find where
//! every connection is cut after a while, and during which pause of the subscriber are events lost?

use std::convert::Infallible;

use super::{event_source, http_client::HttpStream, subscriber::Subscriber};
use crate::data::{
    error::SubscriberError,
    parsed::Parsed,
    sse_parser::{SseEvent, SseParser},
};

/// Reads until the connection fails or the server ends the stream.
pub(super) async fn run(subscriber: &Subscriber) -> Result<Infallible, SubscriberError> {
    let mut parser = subscriber.stream_parser();
    let Err(error) = read_on(subscriber, &mut parser).await;
    subscriber.remember(&parser);
    Err(error)
}

async fn read_on(subscriber: &Subscriber, parser: &mut SseParser) -> Result<Infallible, SubscriberError> {
    let mut stream = subscriber
        .set_up(async {
            let mut stream = open(subscriber).await?;
            if subscriber.cursor().is_none() {
                read(subscriber, &mut stream, parser, || subscriber.cursor().is_some()).await?;
            }
            Ok(stream)
        })
        .await?;
    loop {
        read(subscriber, &mut stream, parser, || false).await?;
    }
}

/// Requests the stream as a browser does: the same URL each time, with the last event ID, whether that is
/// one of our cursors or not.
async fn open(subscriber: &Subscriber) -> Result<HttpStream, SubscriberError> {
    let resuming = match &*subscriber.last_event_id() {
        "" => String::new(),
        id => format!("last-event-id: {id}\r\n"),
    };
    event_source::open(subscriber, &resuming).await
}

/// Reads events until `is_enough` holds or the stream ends.
async fn read(
    subscriber: &Subscriber,
    stream: &mut HttpStream,
    parser: &mut SseParser,
    is_enough: impl Fn() -> bool,
) -> Result<(), SubscriberError> {
    stream
        .read(subscriber, |content| {
            take(subscriber, parser, content)?;
            Ok(Parsed { used: content.len(), found: is_enough().then_some(()) })
        })
        .await
}

/// Parses a piece of the stream and delivers its events.
fn take(subscriber: &Subscriber, parser: &mut SseParser, content: &[u8]) -> Result<(), SubscriberError> {
    let mut outcome = Ok(());
    let take = |event: SseEvent<'_>| match subscriber.protocol().stream_event(event) {
        Ok(message) => subscriber.take(&message),
        Err(error) => outcome = Err(error),
    };
    parser.push(content, take).map_err(|error| SubscriberError::Protocol(error.to_string()))?;
    if subscriber.cursor().is_none()
        && let Some(place) = subscriber.protocol().stream_place(parser.last_event_id())?
    {
        subscriber.place(place);
    }
    outcome
}
