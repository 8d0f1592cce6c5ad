//! Deadlines of connections: heartbeats, the end of a hold, timeouts.

use std::time::Duration;

use contract::Heartbeat;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    SharedWriter,
    connection::{Gone, State},
    deadlines::{Deadlines, Slot},
};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> SharedWriter<S> {
    /// Handles a connection whose slot has passed, or enters it again if it is due later.
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
                // Counted from the last due time: otherwise heartbeats that were late together would stay
                // together.
                let next = |wait: Duration| (connection.due + Deadlines::whole_slots(wait)).max(now + 1);
                let (due, heartbeat) = match self.app.heartbeat() {
                    // Without heartbeats the connection is still checked for a stalled client.
                    Heartbeat::Off => (next(self.app.limits().head_timeout), None),
                    Heartbeat::Every(period) => (next(*period), Some(self.wire.heartbeat(*stream))),
                    // The silent period starts again with this heartbeat.
                    Heartbeat::WhenIdle(period) => {
                        (self.deadlines.after(*period), Some(self.wire.heartbeat(*stream)))
                    }
                };
                connection.due = due;
                // A connection with unwritten bytes needs no heartbeat.
                let sent = match heartbeat {
                    Some(heartbeat) if connection.is_drained() => connection.send(&heartbeat),
                    Some(_) | None => Ok(()),
                };
                self.enter(key);
                sent
            }
            State::Held { .. } => self.end_hold(key),
            State::Lingering { .. } => self.release(key),
            // The client is still reading its answer.
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

    /// Bytes were written on a stream: a heartbeat that is sent only after silence is now due a whole period
    /// later. The connection's entry in the deadlines stays where it is.
    pub(super) fn note_write(&mut self, key: usize) {
        if let (Heartbeat::WhenIdle(period), false) = (self.app.heartbeat(), self.is_closing)
            && let Some(connection) = self.connections.get_mut(key)
            && matches!(connection.state, State::Stream { .. })
        {
            connection.due = self.deadlines.after(*period);
        }
    }

    /// Time until a stream's first deadline.
    pub(super) fn stream_patience(&self) -> Duration {
        match self.app.heartbeat() {
            Heartbeat::Off => self.app.limits().head_timeout,
            Heartbeat::Every(period) | Heartbeat::WhenIdle(period) => *period,
        }
    }

    /// Sets the connection's deadline to `wait` from now.
    pub(super) fn set_due(&mut self, key: usize, wait: Duration) {
        self.connections[key].due = self.deadlines.after(wait);
        self.enter(key);
    }

    /// Enters a connection into the deadlines, unless it is entered in an earlier slot already.
    fn enter(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        if connection.due < connection.entered {
            connection.entered = connection.due;
            self.deadlines.enter(connection.due, key);
        }
    }
}
