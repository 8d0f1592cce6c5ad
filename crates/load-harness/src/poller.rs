//! Poll after poll: on one connection, or on a fresh one each time.

use crate::{
    ledger::add,
    reading::{Head, read_answer},
    subscribers::{Seat, SubscriberError},
    wire::{Step, Wire},
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
        let used = seat.desk.connection_use();
        let kept = match used {
            Use::Kept => Some(Wire::open(seat).await?),
            Use::Once => None,
        };
        Ok(Self { used, kept })
    }

    /// One exchange, asked from the subscriber's cursor on. The answer is taken where it lies.
    pub(crate) async fn ask<T>(
        &mut self,
        seat: &Seat,
        mut take: impl FnMut(Answered<'_>) -> Result<T, SubscriberError>,
    ) -> Result<T, SubscriberError> {
        let mut wire = match self.kept.take() {
            Some(wire) => wire,
            None => {
                seat.may_ask().await;
                Wire::open(seat).await?
            }
        };
        let (before_bytes, before_ns) = (seat.counters.stream.total(), seat.desk.clock.now_ns());
        let more = match self.used {
            Use::Kept => "",
            Use::Once => "connection: close\r\n",
        };
        wire.ask(seat, seat.desk.dialect.question(seat.cursor()), more).await?;
        let (taken, closes) = wire
            .read(seat, |bytes, is_end| {
                let Some(answer) = read_answer(bytes, is_end)? else {
                    return Ok(Step { used: 0, found: None });
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
            })
            .await?;
        if self.used == Use::Kept && !closes {
            self.kept = Some(wire);
        } else {
            wire.hear_out().await;
        }
        Ok(taken)
    }
}
