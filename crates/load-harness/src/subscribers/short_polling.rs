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

use http::{StatusCode, header};

use super::{Seat, SubscriberError, event_source::refusal, timetable::Timetable};
use crate::{
    connections::ledger::add,
    subscribers::poller::{Answered, Poller},
};

/// Reads until the connection fails.
pub(crate) async fn run(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let first = async {
        let mut poller = Poller::open(seat).await?;
        poller.ask(seat, |answer| answered(seat, &answer)).await?;
        Ok(poller)
    };
    // Whoever comes back goes on with the next tick.
    let mut poller = if seat.is_set_up() { Poller::closed(seat) } else { seat.set_up(first).await? };
    let mut timetable = Timetable::of(seat).await;
    loop {
        seat.sleep_until(timetable.next_ns(seat)).await;
        while poller.ask(seat, |answer| answered(seat, &answer)).await? {}
    }
}

/// `true` if the batch was cut and there is more to fetch at once.
fn answered(seat: &Seat, answer: &Answered<'_>) -> Result<bool, SubscriberError> {
    add(&seat.counters.exchanges, 1);
    add(&seat.counters.exchange_ns, answer.exchange_ns);
    polled(seat, answer)
}

/// Takes a poll's answer, short or long.
pub(super) fn polled(seat: &Seat, answer: &Answered<'_>) -> Result<bool, SubscriberError> {
    seat.place_as_named(answer)?;
    let answered = (answer.head.status, answer.head.field(&header::RETRY_AFTER));
    taken(seat, answered, answer.body, answer.exchange_bytes)
}

/// Takes it once its place is known, from whichever transport brought it.
pub(super) fn taken(
    seat: &Seat,
    (status, retry_after): (StatusCode, Option<&[u8]>),
    body: &[u8],
    exchange_bytes: u64,
) -> Result<bool, SubscriberError> {
    match status {
        StatusCode::OK => take(seat, body, exchange_bytes),
        status if seat.desk.dialect.is_empty(status) => {
            seat.count_empty_poll(exchange_bytes);
            Ok(false)
        }
        other => Err(refusal(other, retry_after)),
    }
}

/// Takes the body of a poll's answer.
pub(super) fn take(seat: &Seat, body: &[u8], exchange_bytes: u64) -> Result<bool, SubscriberError> {
    let answer = seat.desk.dialect.poll(body)?;
    if seat.cursor().is_none() {
        seat.place(answer.cursor);
    }
    if answer.events.is_empty() {
        seat.count_empty_poll(exchange_bytes);
    } else {
        seat.note_answer(answer.events.len());
        add(&seat.counters.headers, exchange_bytes - body.len() as u64);
    }
    for event in &answer.events {
        seat.deliver(event.id, &event.data);
    }
    seat.place(answer.cursor);
    Ok(answer.more)
}
