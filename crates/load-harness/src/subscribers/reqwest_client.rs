//! An ordinary client, one `reqwest::Client` per subscriber: a labelled comparison that shows what convenience
//! costs.
//!
//! reqwest gives no access to the socket, so its bytes are those that the server counted, and a warning in the
//! record says so.

use std::{mem, ops::ControlFlow, pin::pin};

use bytes::Bytes;
use http::{StatusCode, header};
use reqwest::{Client, Request, Response, Url, redirect::Policy};

use super::{subscriber::Subscriber, worker_context::ConnectionReuse};
use crate::{
    connections::{context::ConnectionContext, ledger::add},
    data::{
        answer::{AnswerHead, PollAnswer},
        error::SubscriberError,
        parsed::Parsed,
    },
};

/// A subscriber's client, once it has been made.
pub(super) struct ReqwestClient {
    reuse: ConnectionReuse,
    client: Option<Client>,
}

/// An answer that continues.
pub(super) struct ReqwestStream(Response);

impl ReqwestClient {
    pub(super) const fn new(reuse: ConnectionReuse) -> Self {
        Self { reuse, client: None }
    }

    /// Makes the client. It does not report when it opens its connection, so a kept one is counted now.
    pub(super) fn connect(&mut self, subscriber: &Subscriber) -> Result<(), SubscriberError> {
        self.client(subscriber).map(drop)
    }

    fn client(&mut self, subscriber: &Subscriber) -> Result<Client, SubscriberError> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = Client::builder().no_proxy().tcp_nodelay(true).redirect(Policy::none());
        let client = match self.reuse {
            ConnectionReuse::Kept => {
                subscriber.count_connection();
                client
            }
            ConnectionReuse::Once => client.pool_max_idle_per_host(0),
        };
        Ok(self.client.insert(client.build()?).clone())
    }

    pub(super) async fn poll<T>(
        &mut self,
        subscriber: &Subscriber,
        mut take: impl FnMut(&PollAnswer<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let (client, request) = (self.client(subscriber)?, self.request(subscriber, "")?);
        self.count(subscriber).await;
        let context = subscriber.connection();
        let answered = async {
            let mut response = client.execute(request).await?;
            add(&context.counters.other_wakeups, 1);
            let (status, headers) = (response.status(), mem::take(response.headers_mut()));
            let body = if status == StatusCode::OK { response.bytes().await? } else { Bytes::new() };
            context.note_read();
            take(&PollAnswer {
                head: AnswerHead::Fields(status, &headers),
                body: &body,
                // Only the server knows the other bytes of the exchange.
                exchange_bytes: body.len() as u64,
                exchange_ns: None,
            })
        };
        subscriber.answered_in_time(pin!(answered)).await
    }

    pub(super) async fn open<T>(
        &mut self,
        subscriber: &Subscriber,
        more: &str,
        mut accept: impl FnMut(&AnswerHead<'_>) -> Result<ControlFlow<T>, SubscriberError>,
    ) -> Result<ControlFlow<T, ReqwestStream>, SubscriberError> {
        let (client, request) = (self.client(subscriber)?, self.request(subscriber, more)?);
        self.count(subscriber).await;
        let response = client.execute(request).await?;
        let accepted = accept(&AnswerHead::Fields(response.status(), response.headers()))?;
        subscriber.connection().note_read();
        Ok(accepted.map_continue(|()| ReqwestStream(response)))
    }

    /// A request on the client's connection, or on a new one that the server should close.
    fn request(&self, subscriber: &Subscriber, more: &str) -> Result<Request, SubscriberError> {
        let builder = http::Request::builder();
        let builder = match self.reuse {
            ConnectionReuse::Kept => builder,
            ConnectionReuse::Once => builder.header(header::CONNECTION, "close"),
        };
        let unsendable =
            |error: String| SubscriberError::Protocol(format!("the request cannot be sent: {error}"));
        let request = subscriber.fill_request("http", more, builder).body(());
        let (head, ()) = request.map_err(|error| unsendable(error.to_string()))?.into_parts();
        let url = Url::parse(&head.uri.to_string()).map_err(|error| unsendable(error.to_string()))?;
        let mut request = Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        Ok(request)
    }

    /// Counts a request that is about to be sent, and the connection if the request opens one.
    async fn count(&self, subscriber: &Subscriber) {
        subscriber.may_ask().await;
        match self.reuse {
            ConnectionReuse::Kept => {}
            ConnectionReuse::Once => subscriber.count_connection(),
        }
        subscriber.count_request().await;
    }
}

impl ReqwestStream {
    /// Calls `look` with every chunk whole; it must use all of it.
    pub(super) async fn read<T>(
        &mut self,
        context: &ConnectionContext,
        mut look: impl FnMut(&[u8]) -> Result<Parsed<T>, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        loop {
            let bytes = self.0.chunk().await?.ok_or(SubscriberError::Ended)?;
            add(&context.counters.other_wakeups, 1);
            context.note_read();
            if let Some(found) = look(&bytes)?.found {
                return Ok(found);
            }
        }
    }
}
