//! Short polling: sends a request on a timer, at a fixed rate; each subscriber has its own phase.
//!
//! ```text
//! > GET /short-polling HTTP/1.1                      once, to learn the first cursor
//! > GET /short-polling?after=k3v9qa.1 HTTP/1.1       then every interval
//! > if-none-match: "k3v9qa.1"
//! < HTTP/1.1 304 Not Modified                        or 200 with events
//! ```
//!
//! Cost: a timer and an exchange per interval, with or without new events.
//!
//! Exercise: sleep for the interval after each answer instead of following a timetable. Which
//! quantities of `rtt` differ from the model then, and by how much?

use std::convert::Infallible;

use super::{http_client::HttpClient, poll, subscriber::Subscriber, timetable::Timetable};
use crate::{connections::ledger::add, data::error::SubscriberError};

/// Reads until the connection fails.
pub(super) async fn run(subscriber: &Subscriber) -> Result<Infallible, SubscriberError> {
    let mut client = HttpClient::of(subscriber);
    // After a reconnection the subscriber continues at the next tick.
    if !subscriber.is_set_up() {
        subscriber
            .set_up(async {
                client.connect(subscriber).await?;
                ask(subscriber, &mut client).await
            })
            .await?;
    }
    let mut timetable = Timetable::of(subscriber).await;
    loop {
        subscriber.sleep_until(timetable.next_ns(subscriber)).await;
        while ask(subscriber, &mut client).await? {}
    }
}

/// One poll. Returns `true` if the batch was cut and the next poll should follow at once.
async fn ask(subscriber: &Subscriber, client: &mut HttpClient) -> Result<bool, SubscriberError> {
    client
        .poll(subscriber, |answer| {
            // The model needs the duration of an exchange as an input.
            if let Some(exchange_ns) = answer.exchange_ns {
                add(&subscriber.counters().exchanges, 1);
                add(&subscriber.counters().exchange_ns, exchange_ns);
            }
            poll::take(subscriber, answer)
        })
        .await
}
