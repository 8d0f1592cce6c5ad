//! When a stream that has a task of its own is to show a sign of life.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use contract::Heartbeat;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// The heartbeat of one stream.
#[derive(Debug)]
pub(crate) struct Beats {
    /// None where there is no heartbeat.
    interval: Option<Interval>,
    is_put_off_by_writes: bool,
}

impl Beats {
    /// Begins now: the first beat is due after one period.
    pub(crate) fn new(heartbeat: Heartbeat) -> Self {
        let (period, is_put_off_by_writes) = match heartbeat {
            Heartbeat::Off => return Self { interval: None, is_put_off_by_writes: false },
            Heartbeat::Every(period) => (*period, false),
            Heartbeat::WhenIdle(period) => (*period, true),
        };
        // tokio's interval panics at zero; a contract that allows 100 ms at least never comes near.
        let period = period.max(Duration::from_millis(1));
        let mut interval = interval_at(Instant::now() + period, period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { interval: Some(interval), is_put_off_by_writes }
    }

    /// Notes that something else was written on the stream.
    pub(crate) fn note_write(&mut self) {
        if let (Some(interval), true) = (&mut self.interval, self.is_put_off_by_writes) {
            interval.reset();
        }
    }

    /// Ready when a beat is due; never where there is no heartbeat.
    pub(crate) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.interval {
            Some(interval) => interval.poll_tick(context).map(|_| ()),
            None => Poll::Pending,
        }
    }

    /// Waits until a beat is due.
    pub(crate) async fn due(&mut self) {
        poll_fn(|context| self.poll_due(context)).await;
    }
}

#[cfg(test)]
mod tests {
    use contract::Period;
    use tokio::time::{advance, timeout};

    use super::*;

    const PERIOD: Period = Period::from_millis(1_000);

    async fn is_due_within(beats: &mut Beats, wait: u64) -> bool {
        timeout(Duration::from_millis(wait), beats.due()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_heartbeat_does_not_care_for_what_is_written() {
        let mut beats = Beats::new(Heartbeat::Every(PERIOD));
        advance(Duration::from_millis(900)).await;
        beats.note_write();
        assert!(!is_due_within(&mut beats, 90).await);
        assert!(is_due_within(&mut beats, 20).await);
        assert!(!is_due_within(&mut beats, 980).await, "one a period");
        assert!(is_due_within(&mut beats, 30).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_heartbeat_waits_for_a_whole_silent_period() {
        let mut beats = Beats::new(Heartbeat::WhenIdle(PERIOD));
        for _ in 0..5 {
            assert!(!is_due_within(&mut beats, 900).await);
            beats.note_write();
        }
        assert!(!is_due_within(&mut beats, 990).await);
        assert!(is_due_within(&mut beats, 20).await);
        assert!(is_due_within(&mut beats, 1_010).await, "and again after the next silence");
    }

    #[tokio::test(start_paused = true)]
    async fn no_heartbeat_is_never_due() {
        let mut beats = Beats::new(Heartbeat::Off);
        beats.note_write();
        assert!(!is_due_within(&mut beats, 1_000_000).await);
    }
}
