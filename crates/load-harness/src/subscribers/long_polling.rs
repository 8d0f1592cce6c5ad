//! Long polling: asks, is held, takes the answer, asks again.
//!
//! ```text
//! > GET /long-polling HTTP/1.1                            once, to learn the first cursor
//! > GET /long-polling?after=k3v9qa.1&hold=25 HTTP/1.1     then without a pause
//! < HTTP/1.1 200 OK                                       as soon as there is an event
//! < HTTP/1.1 204 No Content                               or when the hold has ended
//! ```
//!
//! Cost: an exchange per answer. Between an answer and the next request the subscriber is deaf; on
//! loopback that gap is CPU time alone, so a scenario may add a turnaround that stands for a network.
//!
//! Exercise: keep two requests parked, so that one is always there. What happens to the age in
//! `bursts`, and what to the order of events?

use std::convert::Infallible;

use http::StatusCode;

use super::{Seat, SubscriberError, short_polling::take};
use crate::poller::{Answered, Poller};

/// Reads until the connection fails.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let mut poller = seat
        .set_up(async {
            let mut poller = Poller::open(seat).await?;
            if seat.cursor().is_none() {
                poller.ask(seat, |answer| answered(seat, &answer)).await?;
            }
            Ok(poller)
        })
        .await?;
    let turnaround = *seat.desk.settings.turnaround;
    loop {
        if !poller.ask(seat, |answer| answered(seat, &answer)).await? {
            seat.pause(turnaround).await;
        }
    }
}

/// `true` if the batch was cut and there is more to fetch at once.
fn answered(seat: &Seat, answer: &Answered<'_>) -> Result<bool, SubscriberError> {
    match answer.status {
        StatusCode::NO_CONTENT => {
            seat.count_empty_poll(answer.exchange_bytes);
            Ok(false)
        }
        StatusCode::OK => take(seat, answer.body, answer.exchange_bytes),
        other => Err(SubscriberError::Status(other)),
    }
}
