//! Long polling: sends a request, which the server holds until there is an event; then sends the next.
//!
//! ```text
//! > GET /long-polling HTTP/1.1                            once, to learn the first cursor
//! > GET /long-polling?after=k3v9qa.1&hold=25 HTTP/1.1     then again after each answer
//! < HTTP/1.1 200 OK                                       as soon as there is an event
//! < HTTP/1.1 204 No Content                               or when the hold has ended
//! ```
//!
//! Cost: an exchange per answer. Between an answer and the next request no event can reach the subscriber:
//! this is its deaf window. On loopback it is only CPU time, so a scenario may add a turnaround, which stands
//! for the delay of a network.
//!
//! Exercise: keep two requests parked, each on its own connection. What does the delivery check of
//! `bursts` find, and what would a server have to know to answer only one of them?

use std::convert::Infallible;

use super::{http_client::HttpClient, poll, subscriber::Subscriber};
use crate::data::error::SubscriberError;

/// Reads until the connection fails.
pub(super) async fn run(subscriber: &Subscriber) -> Result<Infallible, SubscriberError> {
    let mut client = HttpClient::of(subscriber);
    subscriber
        .set_up(async {
            client.connect(subscriber).await?;
            if subscriber.cursor().is_none() {
                ask(subscriber, &mut client).await?;
            }
            Ok(())
        })
        .await?;
    let turnaround = *subscriber.settings().turnaround;
    loop {
        if !ask(subscriber, &mut client).await? {
            subscriber.pause(turnaround).await;
        }
    }
}

/// One poll. Returns `true` if the batch was cut and the next poll should follow at once.
async fn ask(subscriber: &Subscriber, client: &mut HttpClient) -> Result<bool, SubscriberError> {
    client.poll(subscriber, |answer| poll::take(subscriber, answer)).await
}
