//! The subscribers: one file per pattern, the HTTP clients that carry them, and what they share.

pub(crate) mod error_counts;
mod event_source;
mod handshake;
mod http1_client;
mod http2_client;
mod http_client;
mod location;
mod long_polling;
mod poll;
mod reconnection;
mod request_timeout;
mod reqwest_client;
mod set_up;
mod short_polling;
mod sse;
pub(crate) mod subscriber;
mod timetable;
mod websocket;
pub(crate) mod worker_context;

use std::{convert::Infallible, rc::Rc};

use contract::Pattern;

use crate::{data::error::SubscriberError, subscribers::subscriber::Subscriber};

/// Reads until the trial ends or the server ends the subscription for good; after a lost connection it
/// reconnects and continues from the subscriber's cursor.
pub(crate) async fn subscribe(subscriber: Rc<Subscriber>) {
    loop {
        let Err(error) = read(&subscriber).await;
        let Some(wait) = subscriber.lose(&error) else { return };
        subscriber.pause(wait).await;
    }
}

/// Reads with the subscriber's pattern until the connection fails.
async fn read(subscriber: &Subscriber) -> Result<Infallible, SubscriberError> {
    match subscriber.pattern() {
        Pattern::ShortPolling => short_polling::run(subscriber).await,
        Pattern::LongPolling => long_polling::run(subscriber).await,
        Pattern::Sse => sse::run(subscriber).await,
        Pattern::WebSocket => websocket::run(subscriber).await,
    }
}

#[cfg(test)]
mod event_source_tests;
#[cfg(test)]
mod fake_server_tests;
#[cfg(test)]
mod http2_tests;
#[cfg(test)]
mod reconnection_tests;
#[cfg(test)]
mod request_timeout_tests;
#[cfg(test)]
mod tls_peer_tests;
