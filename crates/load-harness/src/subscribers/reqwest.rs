//! The same reading with an ordinary client, one `reqwest::Client` a subscriber: a labelled
//! comparison that shows what convenience costs beside the lean subscriber.
//!
//! reqwest has no hook at the socket, so its bytes are those that the server counted, and a trial
//! with it says so.

use std::convert::Infallible;

use super::{
    Seat,
    event_source::{check_content_type, refusal},
    short_polling::take,
    sse,
    timetable::Timetable,
};
use crate::{
    connections::ledger::add,
    data::{error::SubscriberError, sse_parser::SseParser},
    subscribers::poller::Use,
};
use contract::{Cursor, PollBody};
use http::{HeaderValue, StatusCode};
use reqwest::{Client, RequestBuilder, Response, header, redirect::Policy};

/// Short polling with reqwest.
pub(crate) async fn short_polling(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let first = first_poll(seat, "short-polling");
    // Whoever comes back goes on with the next tick.
    let client = if seat.is_set_up() { client(seat)? } else { seat.set_up(first).await? };
    let mut timetable = Timetable::of(seat).await;
    loop {
        seat.sleep_until(timetable.next_ns(seat)).await;
        loop {
            let cursor = place(seat)?;
            let url = format!("http://{}/short-polling?after={cursor}", seat.target());
            let known = format!("\"{cursor}\"");
            if !poll(seat, ask(seat, &client, url).header(header::IF_NONE_MATCH, known)).await? {
                break;
            }
        }
    }
}

/// Long polling with reqwest.
pub(crate) async fn long_polling(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let client = seat.set_up(first_poll(seat, "long-polling")).await?;
    let hold = seat.desk.settings.hold.as_secs_f64();
    loop {
        let url = format!("http://{}/long-polling?after={}&hold={hold}", seat.target(), place(seat)?);
        if !poll(seat, ask(seat, &client, url)).await? {
            seat.pause(*seat.desk.settings.turnaround).await;
        }
    }
}

/// SSE with reqwest.
pub(crate) async fn sse(seat: &Seat) -> Result<Infallible, SubscriberError> {
    let mut parser = seat.reconnection.parser();
    let Err(error) = read_on(seat, &mut parser).await;
    seat.reconnection.remember(&parser);
    Err(error)
}

async fn read_on(seat: &Seat, parser: &mut SseParser) -> Result<Infallible, SubscriberError> {
    let mut stream = seat
        .set_up(async {
            let url = format!("http://{}/sse", seat.target());
            let mut request = ask(seat, &client(seat)?, url).header(header::ACCEPT, "text/event-stream");
            let id = seat.reconnection.last_event_id();
            if !id.is_empty() {
                request = request.header("last-event-id", id.as_bytes());
            }
            count(seat).await;
            let mut stream = request.send().await?;
            if stream.status() != StatusCode::OK {
                return Err(SubscriberError::Status(stream.status()));
            }
            check_content_type(stream.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes))?;
            seat.desk.note_read();
            seat.note_answer(0);
            while seat.cursor().is_none() {
                read(seat, &mut stream, parser).await?;
            }
            Ok(stream)
        })
        .await?;
    loop {
        read(seat, &mut stream, parser).await?;
    }
}

async fn read(seat: &Seat, stream: &mut Response, parser: &mut SseParser) -> Result<(), SubscriberError> {
    let bytes = stream.chunk().await?.ok_or(SubscriberError::Ended)?;
    add(&seat.counters.other_wakeups, 1);
    seat.desk.note_read();
    sse::take(seat, parser, &bytes)
}

fn client(seat: &Seat) -> Result<Client, SubscriberError> {
    // The lab's server, which it is used with, redirects nobody.
    let client = Client::builder().no_proxy().tcp_nodelay(true).redirect(Policy::none());
    let client = match seat.desk.connection_use() {
        Use::Kept => {
            seat.count_connection();
            client
        }
        Use::Once => client.pool_max_idle_per_host(0),
    };
    Ok(client.build()?)
}

/// A request on the client's connection, or on a fresh one that the server shall close.
fn ask(seat: &Seat, client: &Client, url: String) -> RequestBuilder {
    match seat.desk.connection_use() {
        Use::Kept => client.get(url),
        Use::Once => client.get(url).header(header::CONNECTION, "close"),
    }
}

/// Counts a request that is about to be sent, and the connection if it is opened for it.
async fn count(seat: &Seat) {
    seat.may_ask().await;
    match seat.desk.connection_use() {
        Use::Kept => {}
        Use::Once => seat.count_connection(),
    }
    seat.count_request().await;
}

async fn first_poll(seat: &Seat, path: &str) -> Result<Client, SubscriberError> {
    let client = client(seat)?;
    let url = format!("http://{}/{path}", seat.target());
    if seat.cursor().is_none() {
        count(seat).await;
        let answered = async {
            let response = ask(seat, &client, url).send().await?;
            if response.status() != StatusCode::OK {
                return Err(refused(&response));
            }
            let body = response.bytes().await?;
            Ok(serde_json::from_slice::<PollBody<'_>>(&body)?.cursor)
        };
        seat.place(seat.answered_in_time(answered).await?);
    }
    Ok(client)
}

fn place(seat: &Seat) -> Result<Cursor, SubscriberError> {
    seat.cursor().ok_or_else(|| SubscriberError::Protocol("the first answer had no cursor".to_owned()))
}

async fn poll(seat: &Seat, request: RequestBuilder) -> Result<bool, SubscriberError> {
    count(seat).await;
    let answered = async {
        let response = request.send().await?;
        add(&seat.counters.other_wakeups, 1);
        match response.status() {
            StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => {
                // Its bytes are known to the server alone.
                seat.desk.note_read();
                seat.count_empty_poll(0);
                Ok(false)
            }
            StatusCode::OK => {
                let body = response.bytes().await?;
                seat.desk.note_read();
                take(seat, &body, body.len() as u64)
            }
            _ => Err(refused(&response)),
        }
    };
    seat.answered_in_time(answered).await
}

fn refused(response: &Response) -> SubscriberError {
    refusal(response.status(), response.headers().get(header::RETRY_AFTER).map(HeaderValue::as_bytes))
}
