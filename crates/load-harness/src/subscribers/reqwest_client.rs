//! An ordinary client, one `reqwest::Client` a subscriber: a labelled comparison that shows what convenience
//! costs beside the lab's own.
//!
//! reqwest has no hook at the socket, so its bytes are those that the server counted, and a trial
//! with it says so.

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

/// An answer that goes on.
pub(super) struct ReqwestStream(Response);

impl ReqwestClient {
    pub(super) const fn new(reuse: ConnectionReuse) -> Self {
        Self { reuse, client: None }
    }

    /// Makes the client. When it opens its connection it does not tell: one that is kept counts now.
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
                // What else it took is known to the server alone.
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

    /// A request on the client's connection, or on a fresh one that the server shall close.
    fn request(&self, subscriber: &Subscriber, more: &str) -> Result<Request, SubscriberError> {
        let builder = http::Request::builder();
        let builder = match self.reuse {
            ConnectionReuse::Kept => builder,
            ConnectionReuse::Once => builder.header(header::CONNECTION, "close"),
        };
        let unsendable =
            |error: String| SubscriberError::Protocol(format!("no such request can be sent: {error}"));
        let request = subscriber.fill_request("http", more, builder).body(());
        let (head, ()) = request.map_err(|error| unsendable(error.to_string()))?.into_parts();
        let url = Url::parse(&head.uri.to_string()).map_err(|error| unsendable(error.to_string()))?;
        let mut request = Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        Ok(request)
    }

    /// Counts a request that is about to be sent, and the connection if it is opened for it.
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
    /// Shows `look` every chunk whole; all of it must be used.
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
