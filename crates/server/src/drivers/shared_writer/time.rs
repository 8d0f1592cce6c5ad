//! What happens to connections without an event: heartbeats, the end of a hold, the end of patience.

use std::time::Duration;

use contract::Heartbeat;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    SharedWriter,
    connection::{Gone, State},
    deadlines::{Deadlines, Slot},
};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> SharedWriter<S> {
    /// Looks after a connection that stood in a slot which is over, or enters it again if it is due later.
    pub(super) fn on_deadline(&mut self, key: usize, slot: Slot) {
        let now = self.deadlines.now();
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.entered != slot {
            return;
        }
        connection.entered = Slot::MAX;
        if connection.due > now {
            return self.enter(key);
        }
        let patience = Deadlines::slots(self.app.limits().head_timeout);
        let has_stalled = connection.stalled_for(now) >= patience;
        let done = match &connection.state {
            State::Stream { .. } if self.is_closing || has_stalled => Err(Gone),
            State::Stream { stream, .. } => {
                // From the last one's time on, or those that were late together would stay together.
                let next = |wait: Duration| (connection.due + Deadlines::whole_slots(wait)).max(now + 1);
                let (due, heartbeat) = match self.app.heartbeat() {
                    // It is looked at all the same, whether it still takes what is written.
                    Heartbeat::Off => (next(self.app.limits().head_timeout), None),
                    Heartbeat::Every(period) => (next(*period), Some(self.wire.heartbeat(*stream))),
                    // The silence begins anew with this one.
                    Heartbeat::WhenIdle(period) => {
                        (self.deadlines.after(*period), Some(self.wire.heartbeat(*stream)))
                    }
                };
                connection.due = due;
                // A client that has not read what was written before needs no heartbeat.
                let sent = match heartbeat {
                    Some(heartbeat) if connection.is_drained() => connection.send(&heartbeat),
                    Some(_) | None => Ok(()),
                };
                self.enter(key);
                sent
            }
            State::Held { .. } => self.end_hold(key),
            State::Lingering { .. } => self.release(key),
            // It is still taking its answer.
            State::Idle(_) if !connection.is_drained() && !has_stalled => {
                self.set_due(key, self.app.limits().head_timeout);
                Ok(())
            }
            State::Idle(_) | State::Closing => Err(Gone),
        };
        if done.is_err() {
            self.remove(key);
        }
    }

    /// Something was written on a stream: where heartbeats break silence only, the next one is due a whole
    /// period from now. Its entry in the deadlines stays where it is.
    pub(super) fn note_write(&mut self, key: usize) {
        if let (Heartbeat::WhenIdle(period), false) = (self.app.heartbeat(), self.is_closing)
            && let Some(connection) = self.connections.get_mut(key)
            && matches!(connection.state, State::Stream { .. })
        {
            connection.due = self.deadlines.after(*period);
        }
    }

    /// How long nothing need happen to a stream.
    pub(super) fn stream_patience(&self) -> Duration {
        match self.app.heartbeat() {
            Heartbeat::Off => self.app.limits().head_timeout,
            Heartbeat::Every(period) | Heartbeat::WhenIdle(period) => *period,
        }
    }

    /// A connection is to be looked after in so long, if nothing happens before.
    pub(super) fn set_due(&mut self, key: usize, wait: Duration) {
        self.connections[key].due = self.deadlines.after(wait);
        self.enter(key);
    }

    /// Enters a connection into the deadlines, unless it stands there earlier anyway.
    fn enter(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        if connection.due < connection.entered {
            connection.entered = connection.due;
            self.deadlines.enter(connection.due, key);
        }
    }
}
