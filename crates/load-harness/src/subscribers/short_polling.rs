//! Short polling: asks on a timer, at a fixed rate and at a phase of its own.
//!
//! ```text
//! > GET /short-polling HTTP/1.1                      once, to learn the first cursor
//! > GET /short-polling?after=k3v9qa.1 HTTP/1.1       then every interval
//! > if-none-match: "k3v9qa.1"
//! < HTTP/1.1 304 Not Modified                        or 200 with events
//! ```
//!
//! Cost: a timer and an exchange per interval, whether or not something happened.
//!
//! Exercise: sleep for the interval after each answer instead of keeping to a timetable. Which
//! quantities of `poll-interval` leave the model, and by how much?

use std::convert::Infallible;

use contract::PollBody;
use http::{StatusCode, header};
use tokio::time::sleep_until;

use super::{Seat, SubscriberError, timetable::Timetable};
use crate::{
    connection::{Connection, read_to_end},
    ledger::add,
};

/// Reads until the connection fails.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let mut connection = seat
        .set_up(async {
            let mut connection = Connection::open(seat).await?;
            poll(seat, &mut connection).await?;
            Ok(connection)
        })
        .await?;
    let mut timetable = Timetable::of(seat).await;
    loop {
        sleep_until(seat.desk.instant(timetable.next_ns(seat))).await;
        while poll(seat, &mut connection).await? {}
    }
}

/// One exchange. `true` if the batch was cut and there is more to fetch at once.
async fn poll(seat: &Seat, connection: &mut Connection) -> Result<bool, SubscriberError> {
    let counters = &seat.counters;
    let (before_bytes, before_ns) = (counters.stream.total(), seat.desk.clock.now_ns());
    seat.count_request().await;
    let response = match seat.cursor() {
        None => connection.get("/short-polling", &[]).await?,
        Some(cursor) => {
            let known = format!("\"{cursor}\"");
            let target = format!("/short-polling?after={cursor}");
            connection.get(&target, &[(header::IF_NONE_MATCH, &known)]).await?
        }
    };
    let status = response.status();
    let body = read_to_end(response.into_body()).await?;
    let exchange_bytes = counters.stream.total() - before_bytes;
    add(&counters.exchanges, 1);
    add(&counters.exchange_ns, seat.desk.clock.now_ns() - before_ns);
    match status {
        StatusCode::NOT_MODIFIED => {
            add(&counters.empty_answers, 1);
            add(&counters.empty_polls, exchange_bytes);
            Ok(false)
        }
        StatusCode::OK => take(seat, &body, exchange_bytes),
        other => Err(SubscriberError::Status(other)),
    }
}

/// Takes the body of a poll's answer, short or long.
pub(super) fn take(seat: &Seat, body: &[u8], exchange_bytes: u64) -> Result<bool, SubscriberError> {
    let answer: PollBody<'_> = serde_json::from_slice(body)?;
    if seat.cursor().is_none() {
        seat.place(answer.cursor);
    }
    if answer.events.is_empty() {
        add(&seat.counters.empty_answers, 1);
        add(&seat.counters.empty_polls, exchange_bytes);
    } else {
        add(&seat.counters.headers, exchange_bytes - body.len() as u64);
    }
    for event in &answer.events {
        seat.deliver(event.id, &event.data);
    }
    seat.place(answer.cursor);
    Ok(answer.more)
}
