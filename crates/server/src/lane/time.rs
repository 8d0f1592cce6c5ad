//! What happens to riders without an event: signs of life, the end of a hold, the end of patience.

use std::time::Duration;

use bytes::Bytes;
use contract::Heartbeat;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Lane,
    frames::whole,
    rider::{Gone, State},
    wheel::{Slot, Wheel},
};
use crate::long_polling;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Lane<S> {
    /// Looks after a rider whose time has come, or puts it off.
    pub(super) fn look_at_the_time(&mut self, key: usize, slot: Slot) {
        let now = self.wheel.now();
        let Some(rider) = self.riders.get_mut(key) else { return };
        if rider.entered != slot {
            return;
        }
        rider.entered = Slot::MAX;
        if rider.due > now {
            return self.enter(key);
        }
        let patience = Wheel::slots(self.app.limits().head_timeout);
        let has_stalled = rider.stalled_for(now) >= patience;
        let done = match &rider.state {
            State::Stream { .. } if self.is_closing || has_stalled => Err(Gone),
            State::Stream { framing, .. } => {
                // From the last one's time on, or those that were late together would stay together.
                let next = |wait: Duration| (rider.due + Wheel::whole_slots(wait)).max(now + 1);
                let (due, beat) = match self.app.heartbeat() {
                    // It is looked at all the same, whether it still takes what is written.
                    Heartbeat::Off => (next(self.app.limits().head_timeout), None),
                    Heartbeat::Every(period) => (next(*period), Some(framing.beat())),
                    // The silence begins anew with this one.
                    Heartbeat::WhenIdle(period) => (self.wheel.after(*period), Some(framing.beat())),
                };
                rider.due = due;
                // Whoever has not read what was written before needs no sign of life.
                let said = match beat {
                    Some(beat) if rider.is_clear() => rider.say(&Bytes::from_static(beat)),
                    Some(_) | None => Ok(()),
                };
                self.enter(key);
                said
            }
            State::Held { .. } => {
                self.end_hold(key, StatusCode::NO_CONTENT, &whole(long_polling::no_content()))
            }
            // It is still taking its answer.
            State::Idle(_) if !rider.is_clear() && !has_stalled => {
                self.set_due(key, self.app.limits().head_timeout);
                Ok(())
            }
            State::Idle(_) | State::Leaving => Err(Gone),
        };
        if done.is_err() {
            self.remove(key);
        }
    }

    /// Something was written on a stream: where only silence is broken by a sign of life, the next one is
    /// due a whole period from now. Its entry in the wheel stays where it is.
    pub(super) fn note_write(&mut self, key: usize) {
        if let (Heartbeat::WhenIdle(period), false) = (self.app.heartbeat(), self.is_closing)
            && let Some(rider) = self.riders.get_mut(key)
            && matches!(rider.state, State::Stream { .. })
        {
            rider.due = self.wheel.after(*period);
        }
    }

    /// How long nothing need happen to a stream.
    pub(super) fn stream_patience(&self) -> Duration {
        match self.app.heartbeat() {
            Heartbeat::Off => self.app.limits().head_timeout,
            Heartbeat::Every(period) | Heartbeat::WhenIdle(period) => *period,
        }
    }

    /// Something is to happen to a rider after so long, if nothing else does before.
    pub(super) fn set_due(&mut self, key: usize, wait: Duration) {
        self.riders[key].due = self.wheel.after(wait);
        self.enter(key);
    }

    /// Lets the wheel know when a rider is due, unless it will look at it before anyway.
    fn enter(&mut self, key: usize) {
        let rider = &mut self.riders[key];
        if rider.due < rider.entered {
            rider.entered = rider.due;
            self.wheel.enter(rider.due, key);
        }
    }
}
