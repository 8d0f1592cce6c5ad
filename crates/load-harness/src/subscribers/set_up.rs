//! The cost of setting up a subscription: time, bytes and segments until the first cursor.

use contract::SetUp;

use super::subscriber::Subscriber;
use crate::data::error::SubscriberError;

impl Subscriber {
    /// Runs `contact`, from `connect()` to the answer that gives a cursor, and records how long the first
    /// one took. Only a few subscribers of a worker do this at a time.
    pub(super) async fn set_up<T>(
        &self,
        contact: impl Future<Output = Result<T, SubscriberError>>,
    ) -> Result<T, SubscriberError> {
        let permit = self.worker.connecting.acquire().await;
        // Failed attempts are part of the set-up time.
        let first_ns = self.first_attempt_ns.get().unwrap_or_else(|| self.now_ns());
        self.first_attempt_ns.set(Some(first_ns));
        let outcome = contact.await;
        drop(permit);
        // The first cursor may have come just before the connection ended.
        let has_place = outcome.is_ok() || self.cursor().is_some();
        if has_place && !self.is_set_up.replace(true) {
            self.worker.note_set_up(self.now_ns() - first_ns, self.taken_so_far());
        }
        outcome
    }

    /// Bytes and segments of this subscriber's connections until now; of a shared connection, only those
    /// since the previous subscriber was set up.
    fn taken_so_far(&self) -> SetUp {
        let stream = &self.socket_counters().stream;
        let segments = stream.kernel().map(|kernel| kernel.all.segments());
        let taken = SetUp { subscribers: 1, bytes: stream.total(), segments };
        self.http2().map_or(taken, |shared| shared.since_last(taken))
    }
}
