//! The one HTTP connection of a polling or SSE subscriber: `hyper::client::conn` over a socket of
//! its own.

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::task::{AbortHandle, spawn_local};

use crate::{
    counted_stream::CountedStream,
    subscribers::{Seat, SubscriberError},
};

/// hyper's smallest read buffer; answers are short.
const BUFFER_BYTES: usize = 8 << 10;

/// A connection with keep-alive. Dropping it closes the socket.
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    driver: AbortHandle,
    host: HeaderValue,
}

impl Connection {
    /// Connects a subscriber to its server.
    pub(crate) async fn open(seat: &Seat) -> Result<Self, SubscriberError> {
        let stream = seat.connect().await?;
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(BUFFER_BYTES)
            .handshake::<_, Empty<Bytes>>(TokioIo::<CountedStream>::new(stream))
            .await?;
        // The driver ends with an error when the server goes away; the next request then fails and
        // says so.
        let driver = spawn_local(async move { drop(driver.await) }).abort_handle();
        let host = HeaderValue::try_from(seat.target().to_string()).expect("an address is ASCII");
        Ok(Self { sender, driver, host })
    }

    /// Sends a GET and returns the answer's head. Headers are those given and `host`: the least that
    /// HTTP/1.1 asks for. What a browser adds is said in the report.
    pub(crate) async fn get(
        &mut self,
        target: &str,
        headers: &[(header::HeaderName, &str)],
    ) -> Result<Response<Incoming>, SubscriberError> {
        let mut request = Request::get(target).header(header::HOST, &self.host);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request =
            request.body(Empty::new()).map_err(|error| SubscriberError::Protocol(error.to_string()))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Reads a body to its end, without a copy if it came in one piece.
pub(crate) async fn read_to_end(mut body: Incoming) -> Result<Bytes, SubscriberError> {
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
