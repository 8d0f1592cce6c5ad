//! The handshake of a WebSocket (RFC 6455 §4.1). Over HTTP/2 it has no key (RFC 8441 §5).

use std::{convert::Infallible, ops::ControlFlow};

use http::{StatusCode, header};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::{
    http_client::{HttpClient, HttpStream},
    subscriber::Subscriber,
};
use crate::data::{answer::AnswerHead, error::SubscriberError};

/// Opens a WebSocket.
pub(super) async fn open(subscriber: &Subscriber) -> Result<HttpStream, SubscriberError> {
    let mut client = HttpClient::of(subscriber);
    let (upgraded, key) = (client.upgraded(), generate_key());
    let upgrade = format!(
        "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n"
    );
    let opened = client.open(subscriber, &upgrade, |head| accept(head, upgraded, &key));
    let ControlFlow::Continue(stream) = opened.await?;
    Ok(stream)
}

/// Checks that the answer opens a WebSocket and belongs to this key.
fn accept(
    head: &AnswerHead<'_>,
    upgraded: StatusCode,
    key: &str,
) -> Result<ControlFlow<Infallible>, SubscriberError> {
    if head.status() != upgraded {
        return Err(SubscriberError::Status(head.status()));
    }
    let accepted = head.field(&header::SEC_WEBSOCKET_ACCEPT);
    if upgraded == StatusCode::SWITCHING_PROTOCOLS
        && accepted != Some(derive_accept_key(key.as_bytes()).as_bytes())
    {
        return Err(SubscriberError::Protocol("sec-websocket-accept does not match the key".to_owned()));
    }
    Ok(ControlFlow::Continue(()))
}
