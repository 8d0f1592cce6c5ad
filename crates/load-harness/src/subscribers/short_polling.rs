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

use super::{Seat, SubscriberError};
use crate::{
    connection::{Connection, read_to_end},
    ledger::add,
};

/// Multiples of the golden ratio's fraction fill `[0, 1)` more evenly than chance, for any number of
/// subscribers, and lock to no schedule's period.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

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
        sleep_until(seat.instant(timetable.next_ns(seat))).await;
        while poll(seat, &mut connection).await? {}
    }
}

/// One exchange. `true` if the batch was cut and there is more to fetch at once.
async fn poll(seat: &Seat, connection: &mut Connection) -> Result<bool, SubscriberError> {
    let counters = &seat.counters;
    let (before_bytes, before_ns) = (counters.stream.total(), seat.desk.clock.now_ns());
    add(&counters.requests, 1);
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

/// The instants at which one subscriber polls: `(phase + k) · interval` after the schedule's start.
pub(super) struct Timetable {
    start_ns: f64,
    interval_ns: f64,
    next: f64,
}

impl Timetable {
    /// Waits for the schedule's start.
    pub(super) async fn of(seat: &Seat) -> Self {
        let started = seat.started().await;
        let phase = (seat.desk.poll_phase + f64::from(seat.index) * GOLDEN).fract();
        let interval_ns = seat.desk.settings.poll_interval.as_nanos() as f64;
        Self { start_ns: started.start_ns as f64, interval_ns, next: phase }
    }

    /// The next instant, on the epoch's clock. Ticks that passed while a poll was in flight are
    /// skipped and counted.
    pub(super) fn next_ns(&mut self, seat: &Seat) -> u64 {
        let now_ns = seat.desk.clock.now_ns() as f64;
        let mut tick_ns = self.start_ns + self.next * self.interval_ns;
        self.next += 1.0;
        while tick_ns + self.interval_ns <= now_ns {
            tick_ns += self.interval_ns;
            self.next += 1.0;
            add(&seat.counters.skipped_polls, 1);
        }
        tick_ns as u64
    }
}
