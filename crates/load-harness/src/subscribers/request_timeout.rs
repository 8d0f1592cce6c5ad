//! When a poll is given up: as `fetch` with `AbortSignal.timeout()` in a page (WHATWG DOM §3.2) would. HTTP
//! itself knows no time after which a client stops waiting (RFC 9110).
//!
//! The time runs from when the request is sent, for a long poll from when its hold should have ended; opening
//! a connection for it may take as long again. A subscriber that gives up lets go of the connection, for an
//! answer could still come there, and counts a failure. Streams are waited for without end: a page's
//! EventSource and WebSocket have no timeout either.

use std::{pin::Pin, time::Duration};

use contract::Pattern;
use tokio::time::sleep;

use super::subscriber::Subscriber;
use crate::{connections::ledger::add, data::error::SubscriberError};

// What is awaited is pinned where it stands: by value every function on the way would keep room for it in the
// subscriber's task.
impl Subscriber {
    /// Opens a connection; for a poll it must not take too long.
    pub(super) async fn opened_in_time<T>(
        &self,
        opening: Pin<&mut impl Future<Output = Result<T, SubscriberError>>>,
    ) -> Result<T, SubscriberError> {
        match self.pattern() {
            Pattern::ShortPolling | Pattern::LongPolling => {
                self.in_time(*self.settings().request_timeout, opening).await
            }
            Pattern::Sse | Pattern::WebSocket => opening.await,
        }
    }

    /// Sends a poll and waits for the whole answer, but not too long. Dropping the exchange must let go of
    /// its connection.
    pub(super) async fn answered_in_time<T>(
        &self,
        exchange: Pin<&mut impl Future<Output = Result<T, SubscriberError>>>,
    ) -> Result<T, SubscriberError> {
        self.in_time(self.answer_timeout(), exchange).await
    }

    /// How long the answer to the next poll is waited for. The first long poll is not held by a server that
    /// knows our cursors; what others do with theirs is for them.
    fn answer_timeout(&self) -> Duration {
        let settings = self.settings();
        let may_be_held = self.cursor().is_some() || !self.protocol().numbers_events();
        let is_held = self.pattern() == Pattern::LongPolling && may_be_held;
        let hold = if is_held { *settings.hold } else { Duration::ZERO };
        hold + *settings.request_timeout
    }

    async fn in_time<T>(
        &self,
        longest: Duration,
        mut awaited: Pin<&mut impl Future<Output = Result<T, SubscriberError>>>,
    ) -> Result<T, SubscriberError> {
        // The answer first: where both are there, it has come.
        tokio::select! {
            biased;
            outcome = &mut awaited => return outcome,
            () = sleep(longest) => {}
        }
        if self.is_closing() {
            // The trial is over: giving up would only cut off what is still counted.
            return awaited.await;
        }
        add(&self.counters().other_wakeups, 1);
        Err(SubscriberError::Overdue(longest))
    }
}
