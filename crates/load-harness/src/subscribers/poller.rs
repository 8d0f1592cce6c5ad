//! Poll after poll: on one connection, or on a fresh one each time.

use std::mem;

use crate::{
    connections::{
        http1::{Step, Wire},
        ledger::add,
    },
    data::{
        error::SubscriberError,
        reading::{Head, read_answer},
    },
    subscribers::Seat,
};

/// What a polling connection is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Request after request.
    Kept,
    /// One exchange: the request asks the server to close after it.
    Once,
}

/// A polling subscriber's way to its server.
pub(crate) struct Poller {
    used: Use,
    kept: Option<Wire>,
    /// The kept connection has carried an answer.
    is_proven: bool,
    /// Something of the answer that is waited for has come.
    has_begun: bool,
}

/// The whole answer to a poll.
pub(crate) struct Answered<'a> {
    pub(crate) head: &'a Head<'a>,
    pub(crate) body: &'a [u8],
    /// Bytes of the stream that the exchange took, both directions.
    pub(crate) exchange_bytes: u64,
    /// From sending the request until the answer was complete.
    pub(crate) exchange_ns: u64,
}

impl Poller {
    /// Connects, if the connection is to be kept.
    pub(crate) async fn open(seat: &Seat) -> Result<Self, SubscriberError> {
        let mut poller = Self::closed(seat);
        if poller.used == Use::Kept {
            poller.kept = Some(seat.opened_in_time(Wire::open(seat)).await?);
        }
        Ok(poller)
    }

    /// Connects when it asks.
    pub(crate) fn closed(seat: &Seat) -> Self {
        Self { used: seat.desk.connection_use(), kept: None, is_proven: false, has_begun: false }
    }

    /// One exchange, asked from the subscriber's cursor on. The answer is taken where it lies.
    ///
    /// A server may close a connection that it has kept at any time, also while a request is on its way
    /// (RFC 9112 §9.3.1, §9.5). As in a browser that is no failure: where nothing of an answer has come on
    /// a connection that has carried one before, a GET is asked once more on a fresh one.
    pub(crate) async fn ask<T>(
        &mut self,
        seat: &Seat,
        mut take: impl FnMut(Answered<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let is_proven = mem::take(&mut self.is_proven);
        if let Some(mut wire) = self.kept.take()
            && (!is_proven || wire.is_idle())
        {
            match self.exchange(seat, wire, &mut take).await {
                Err(error) if is_proven && error.is_of_the_connection() && !self.has_begun => {}
                outcome => return outcome,
            }
        }
        seat.may_ask().await;
        let wire = seat.opened_in_time(Wire::open(seat)).await?;
        self.exchange(seat, wire, &mut take).await
    }

    async fn exchange<T>(
        &mut self,
        seat: &Seat,
        mut wire: Wire,
        take: &mut impl FnMut(Answered<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let (before_bytes, before_ns) = (seat.counters.stream.total(), seat.desk.clock.now_ns());
        let more = match self.used {
            Use::Kept => "",
            Use::Once => "connection: close\r\n",
        };
        let has_begun = &mut self.has_begun;
        let asked = async {
            wire.ask(seat, seat.desk.dialect.question(seat.cursor()), more).await?;
            *has_begun = false;
            let read = wire.read(seat, |bytes, is_end| {
                *has_begun |= !bytes.is_empty();
                let Some(answer) = read_answer(bytes, is_end)? else {
                    let is_cut = is_end && !bytes.is_empty();
                    return if is_cut {
                        Err(SubscriberError::BrokenOff)
                    } else {
                        Ok(Step { used: 0, found: None })
                    };
                };
                if answer.used < bytes.len() {
                    return Err(SubscriberError::Protocol("bytes follow the answer".to_owned()));
                }
                add(&seat.counters.computed_received, answer.rule_bytes);
                let taken = take(Answered {
                    head: &answer.head,
                    body: &answer.body,
                    exchange_bytes: seat.counters.stream.total() - before_bytes,
                    exchange_ns: seat.desk.received_ns() - before_ns,
                })?;
                Ok(Step { used: answer.used, found: Some((taken, answer.head.closes() || is_end)) })
            });
            match read.await {
                // On a connection that has carried answers before.
                Err(SubscriberError::Ended) => Err(SubscriberError::Unanswered),
                read => read,
            }
        };
        let (taken, closes) = seat.answered_in_time(asked).await?;
        if self.used == Use::Kept && !closes {
            (self.kept, self.is_proven) = (Some(wire), true);
        } else {
            wire.hear_out().await;
        }
        Ok(taken)
    }
}
