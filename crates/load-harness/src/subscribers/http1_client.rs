//! HTTP/1.1 on a subscriber's own connections: polls on a kept connection, or on a new one each time; streams
//! on a connection each.

use std::{mem, ops::ControlFlow, pin::pin};

use http::StatusCode;

use super::{subscriber::Subscriber, worker_context::ConnectionReuse};
use crate::{
    connections::{
        http1::{Http1Connection, Http1Stream},
        ledger::add,
    },
    data::{
        answer::{AnswerHead, PollAnswer},
        error::SubscriberError,
        parsed::Parsed,
        reading::read_answer,
    },
};

/// The lab's own client.
pub(super) struct Http1Client {
    reuse: ConnectionReuse,
    kept: Option<Http1Connection>,
    /// The kept connection has carried an answer.
    is_proven: bool,
    /// Part of the awaited answer has come.
    has_begun: bool,
}

impl Http1Client {
    pub(super) const fn new(reuse: ConnectionReuse) -> Self {
        Self { reuse, kept: None, is_proven: false, has_begun: false }
    }

    /// Connects, if the connection will be kept.
    pub(super) async fn connect(&mut self, subscriber: &Subscriber) -> Result<(), SubscriberError> {
        if self.reuse == ConnectionReuse::Kept {
            self.kept = Some(subscriber.opened_in_time(pin!(connect(subscriber))).await?);
        }
        Ok(())
    }

    /// One exchange. The answer is parsed in place, without a copy.
    ///
    /// A server may close a kept connection at any time, also while a request is in flight (RFC 9112 §9.3.1,
    /// §9.5). As in a browser that is not a failure: if no part of an answer has come on a connection that has
    /// carried one before, the GET is repeated once on a new one.
    pub(super) async fn poll<T>(
        &mut self,
        subscriber: &Subscriber,
        mut take: impl FnMut(&PollAnswer<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let is_proven = mem::take(&mut self.is_proven);
        if let Some(mut connection) = self.kept.take()
            && (!is_proven || connection.is_idle())
        {
            match self.exchange(subscriber, connection, &mut take).await {
                Err(error) if is_proven && error.is_of_the_connection() && !self.has_begun => {}
                outcome => return outcome,
            }
        }
        subscriber.may_ask().await;
        let connection = subscriber.opened_in_time(pin!(connect(subscriber))).await?;
        self.exchange(subscriber, connection, &mut take).await
    }

    async fn exchange<T>(
        &mut self,
        subscriber: &Subscriber,
        mut connection: Http1Connection,
        take: &mut impl FnMut(&PollAnswer<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let context = subscriber.connection();
        let (before_bytes, before_ns) = (context.counters.stream.total(), context.now_ns());
        let more = match self.reuse {
            ConnectionReuse::Kept => "",
            ConnectionReuse::Once => "connection: close\r\n",
        };
        let has_begun = &mut self.has_begun;
        let asked = async {
            ask(subscriber, &mut connection, more).await?;
            *has_begun = false;
            let read = connection.read(context, |bytes, is_end| {
                *has_begun |= !bytes.is_empty();
                let Some(answer) = read_answer(bytes, is_end)? else {
                    let is_cut = is_end && !bytes.is_empty();
                    return if is_cut { Err(SubscriberError::BrokenOff) } else { Ok(Parsed::NOTHING) };
                };
                if answer.used < bytes.len() {
                    return Err(SubscriberError::Protocol("bytes follow the answer".to_owned()));
                }
                add(&context.counters.computed_received, answer.rule_bytes);
                let taken = take(&PollAnswer {
                    head: AnswerHead::Text(&answer.head),
                    body: &answer.body,
                    exchange_bytes: context.counters.stream.total() - before_bytes,
                    exchange_ns: Some(context.received_ns() - before_ns),
                })?;
                Ok(Parsed { used: answer.used, found: Some((taken, answer.head.closes() || is_end)) })
            });
            match read.await {
                // On a connection that has carried answers before.
                Err(SubscriberError::Ended) => Err(SubscriberError::Unanswered),
                read => read,
            }
        };
        let (taken, closes) = subscriber.answered_in_time(pin!(asked)).await?;
        if self.reuse == ConnectionReuse::Kept && !closes {
            (self.kept, self.is_proven) = (Some(connection), true);
        } else {
            connection.drain_until_close().await;
        }
        Ok(taken)
    }

    /// Requests a stream on a new connection.
    pub(super) async fn open<T>(
        &mut self,
        subscriber: &Subscriber,
        more: &str,
        mut accept: impl FnMut(&AnswerHead<'_>) -> Result<ControlFlow<T>, SubscriberError>,
    ) -> Result<ControlFlow<T, Http1Stream>, SubscriberError> {
        let mut connection = connect(subscriber).await?;
        let context = subscriber.connection();
        let sent_before = context.counters.stream.sent();
        ask(subscriber, &mut connection, more).await?;
        let accepted = connection.head(context, sent_before, |head| {
            Ok(match accept(&AnswerHead::Text(head))? {
                ControlFlow::Break(elsewhere) => ControlFlow::Break(elsewhere),
                ControlFlow::Continue(()) if head.status == StatusCode::SWITCHING_PROTOCOLS => {
                    ControlFlow::Continue(None)
                }
                ControlFlow::Continue(()) => ControlFlow::Continue(Some(head.body()?)),
            })
        });
        Ok(accepted.await?.map_continue(|body| connection.into_stream(body)))
    }
}

/// Connects a subscriber to its server.
async fn connect(subscriber: &Subscriber) -> Result<Http1Connection, SubscriberError> {
    let stream = subscriber.connect().await?;
    Http1Connection::over(stream, subscriber.connection()).await
}

/// Counts a request and sends it.
async fn ask(
    subscriber: &Subscriber,
    connection: &mut Http1Connection,
    more: &str,
) -> Result<(), SubscriberError> {
    if subscriber.is_closing() {
        // The connection is no longer needed, but the server has counted the bytes that it sent at its start.
        connection.drain_until_close().await;
    }
    subscriber.count_request().await;
    connection.ask(subscriber.connection(), |text| subscriber.write_request(more, text)).await
}
