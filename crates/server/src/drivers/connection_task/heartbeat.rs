//! The heartbeat timer of a stream that has its own task.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use contract::Heartbeat;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// The timer of one stream's heartbeats.
#[derive(Debug)]
pub(super) struct HeartbeatTimer {
    /// `None` if heartbeats are off.
    interval: Option<Interval>,
    is_put_off_by_writes: bool,
}

impl HeartbeatTimer {
    /// Starts the timer: the first heartbeat is due after one period.
    pub(super) fn new(heartbeat: Heartbeat) -> Self {
        let (period, is_put_off_by_writes) = match heartbeat {
            Heartbeat::Off => return Self { interval: None, is_put_off_by_writes: false },
            Heartbeat::Every(period) => (*period, false),
            Heartbeat::WhenIdle(period) => (*period, true),
        };
        // tokio's interval panics at zero. The contract allows no period below 100 ms.
        let period = period.max(Duration::from_millis(1));
        let mut interval = interval_at(Instant::now() + period, period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { interval: Some(interval), is_put_off_by_writes }
    }

    /// Notes that other bytes were written on the stream.
    pub(super) fn note_write(&mut self) {
        if let (Some(interval), true) = (&mut self.interval, self.is_put_off_by_writes) {
            interval.reset();
        }
    }

    /// Ready when a heartbeat is due; never if heartbeats are off.
    pub(super) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.interval {
            Some(interval) => interval.poll_tick(context).map(|_| ()),
            None => Poll::Pending,
        }
    }

    /// Waits until a heartbeat is due.
    pub(super) async fn due(&mut self) {
        poll_fn(|context| self.poll_due(context)).await;
    }
}

#[cfg(test)]
mod tests {
    use contract::Period;
    use tokio::time::{advance, timeout};

    use super::*;

    const PERIOD: Period = Period::from_millis(1_000);

    async fn is_due_within(timer: &mut HeartbeatTimer, wait: u64) -> bool {
        timeout(Duration::from_millis(wait), timer.due()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_heartbeat_does_not_care_for_what_is_written() {
        let mut timer = HeartbeatTimer::new(Heartbeat::Every(PERIOD));
        advance(Duration::from_millis(900)).await;
        timer.note_write();
        assert!(!is_due_within(&mut timer, 90).await);
        assert!(is_due_within(&mut timer, 20).await);
        assert!(!is_due_within(&mut timer, 980).await, "one a period");
        assert!(is_due_within(&mut timer, 30).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_heartbeat_waits_for_a_whole_silent_period() {
        let mut timer = HeartbeatTimer::new(Heartbeat::WhenIdle(PERIOD));
        for _ in 0..5 {
            assert!(!is_due_within(&mut timer, 900).await);
            timer.note_write();
        }
        assert!(!is_due_within(&mut timer, 990).await);
        assert!(is_due_within(&mut timer, 20).await);
        assert!(is_due_within(&mut timer, 1_010).await, "and again after the next silence");
    }

    #[tokio::test(start_paused = true)]
    async fn no_heartbeat_is_never_due() {
        let mut timer = HeartbeatTimer::new(Heartbeat::Off);
        timer.note_write();
        assert!(!is_due_within(&mut timer, 1_000_000).await);
    }
}
