//! The one HTTP connection of a polling or SSE subscriber: `hyper::client::conn` over a socket of
//! its own.

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::task::{AbortHandle, spawn_local};

use crate::{
    counted_stream::CountedStream,
    framing_sizes,
    ledger::add,
    subscribers::{Seat, SubscriberError},
};

/// hyper's smallest read buffer; answers are short.
const BUFFER_BYTES: usize = 8 << 10;

/// What a connection is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Request after request, or an answer that never ends.
    Kept,
    /// One exchange: the request asks the server to close after it.
    Once,
}

/// A connection. Dropping it closes the socket.
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    driver: AbortHandle,
    host: HeaderValue,
    used: Use,
}

impl Connection {
    /// Connects a subscriber to its server.
    pub(crate) async fn open(seat: &Seat, used: Use) -> Result<Self, SubscriberError> {
        let stream = seat.connect().await?;
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(BUFFER_BYTES)
            .handshake::<_, Empty<Bytes>>(TokioIo::<CountedStream>::new(stream))
            .await?;
        // The driver ends with an error when the server goes away; the next request then fails and
        // says so.
        let driver = spawn_local(async move { drop(driver.await) }).abort_handle();
        let host = HeaderValue::try_from(seat.target().to_string()).expect("an address is ASCII");
        Ok(Self { sender, driver, host, used })
    }

    /// Sends a GET, counted, and returns the answer's head. Headers are those given and `host`: the
    /// least that HTTP/1.1 asks for. What a browser adds is said in the report.
    pub(crate) async fn get(
        &mut self,
        seat: &Seat,
        target: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<Response<Incoming>, SubscriberError> {
        let mut request = Request::get(target).header(header::HOST, &self.host);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if self.used == Use::Once {
            request = request.header(header::CONNECTION, "close");
        }
        let request =
            request.body(Empty::new()).map_err(|error| SubscriberError::Protocol(error.to_string()))?;
        self.sender.ready().await?;
        seat.count_request().await;
        add(&seat.counters.computed_sent, framing_sizes::request_head(&request));
        let response = self.sender.send_request(request).await?;
        add(&seat.counters.computed_received, framing_sizes::response_head(&response));
        Ok(response)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Asks poll after poll: on one connection, or on a fresh one each time.
pub(crate) struct Poller<'seat> {
    seat: &'seat Seat,
    kept: Option<Connection>,
}

/// The whole answer to a poll.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// Bytes of the stream that the exchange took, both directions.
    pub(crate) exchange_bytes: u64,
    /// From sending the request until the answer was complete.
    pub(crate) exchange_ns: u64,
}

impl<'seat> Poller<'seat> {
    /// Connects, if the connection is to be kept.
    pub(crate) async fn open(seat: &'seat Seat) -> Result<Self, SubscriberError> {
        let kept = match seat.desk.connection_use() {
            Use::Kept => Some(Connection::open(seat, Use::Kept).await?),
            Use::Once => None,
        };
        Ok(Self { seat, kept })
    }

    /// One exchange.
    pub(crate) async fn ask(
        &mut self,
        target: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<Answer, SubscriberError> {
        let seat = self.seat;
        let mut once;
        let connection = match &mut self.kept {
            Some(connection) => connection,
            None => {
                seat.may_ask().await;
                once = Connection::open(seat, Use::Once).await?;
                &mut once
            }
        };
        let (before_bytes, before_ns) = (seat.counters.stream.total(), seat.desk.clock.now_ns());
        let response = connection.get(seat, target, headers).await?;
        let status = response.status();
        let body = read_to_end(response.into_body()).await?;
        add(&seat.counters.computed_received, body.len() as u64);
        Ok(Answer {
            status,
            body,
            exchange_bytes: seat.counters.stream.total() - before_bytes,
            exchange_ns: seat.desk.clock.now_ns() - before_ns,
        })
    }
}

/// Reads a body to its end, without a copy if it came in one piece.
async fn read_to_end(mut body: Incoming) -> Result<Bytes, SubscriberError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}
