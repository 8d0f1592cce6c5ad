//! The timeout of a poll: as `fetch` with `AbortSignal.timeout()` in a page (WHATWG DOM §3.2). HTTP itself
//! defines no time after which a client stops waiting (RFC 9110).
//!
//! The timeout starts when the request is sent, for a long poll when its hold should have ended; opening a
//! connection for it may take as long again. After a timeout the subscriber closes the connection, because an
//! answer could still come there, and counts a failure. Streams have no timeout, as a page's EventSource and
//! WebSocket have none.

use std::{pin::Pin, time::Duration};

use tokio::time::sleep;

use super::subscriber::Subscriber;
use crate::{connections::ledger::add, data::error::SubscriberError};

// Futures are passed by pinned reference: by value, every function in the chain would reserve room for them in
// the subscriber's task.
impl Subscriber {
    /// Opens a connection, for a poll within the request timeout.
    pub(super) async fn opened_in_time<T>(
        &self,
        opening: Pin<&mut impl Future<Output = Result<T, SubscriberError>>>,
    ) -> Result<T, SubscriberError> {
        if self.pattern().polls() {
            self.in_time(*self.settings().request_timeout, opening).await
        } else {
            opening.await
        }
    }

    /// Sends a poll and waits for the whole answer, within the timeout. Dropping the exchange must close its
    /// connection.
    pub(super) async fn answered_in_time<T>(
        &self,
        exchange: Pin<&mut impl Future<Output = Result<T, SubscriberError>>>,
    ) -> Result<T, SubscriberError> {
        self.in_time(self.answer_timeout(), exchange).await
    }

    /// The timeout of the next poll. A server that uses our cursors does not hold the first long poll; a
    /// foreign server may.
    fn answer_timeout(&self) -> Duration {
        let settings = self.settings();
        let may_be_held = self.cursor().is_some() || !self.protocol().numbers_events();
        let is_held = self.pattern().is_held() && may_be_held;
        let hold = if is_held { *settings.hold } else { Duration::ZERO };
        hold + *settings.request_timeout
    }

    async fn in_time<T>(
        &self,
        longest: Duration,
        mut awaited: Pin<&mut impl Future<Output = Result<T, SubscriberError>>>,
    ) -> Result<T, SubscriberError> {
        // The answer first: if both are ready, it came in time.
        tokio::select! {
            biased;
            outcome = &mut awaited => return outcome,
            () = sleep(longest) => {}
        }
        if self.is_closing() {
            // The trial is over: a timeout would only cut off an answer that is still counted.
            return awaited.await;
        }
        add(&self.counters().other_wakeups, 1);
        Err(SubscriberError::Overdue(longest))
    }
}
