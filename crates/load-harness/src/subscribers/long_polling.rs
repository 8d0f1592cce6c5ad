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

use super::{Seat, SubscriberError, short_polling::polled};
use crate::subscribers::poller::Poller;

/// Reads until the connection fails.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let mut poller = seat
        .set_up(async {
            let mut poller = Poller::open(seat).await?;
            if seat.cursor().is_none() {
                poller.ask(seat, |answer| polled(seat, &answer)).await?;
            }
            Ok(poller)
        })
        .await?;
    let turnaround = *seat.desk.settings.turnaround;
    loop {
        // True if the batch was cut and there is more to fetch at once.
        if !poller.ask(seat, |answer| polled(seat, &answer)).await? {
            seat.pause(turnaround).await;
        }
    }
}
