//! When a subscriber polls: at a fixed rate, with its own phase.

use super::subscriber::Subscriber;
use crate::connections::ledger::add;

/// The instants at which one subscriber polls: `(phase + k) · interval` after the schedule's start.
///
/// With memory steps subscribers are measured before there is a schedule: until it starts, their ticks
/// count from the beginning of the epoch.
pub(super) struct Timetable {
    start_ns: f64,
    phase: f64,
    has_started: bool,
    interval_ns: f64,
    next: f64,
}

impl Timetable {
    /// Waits for the schedule's start. After a reconnection it continues at the next tick; the ticks that
    /// passed meanwhile belong to the lost connection.
    pub(super) async fn of(subscriber: &Subscriber) -> Self {
        let started = if subscriber.settings().memory_steps.is_empty() {
            Some(subscriber.started().await)
        } else {
            subscriber.start()
        };
        let phase = subscriber.poll_phase();
        let mut timetable = Self {
            start_ns: started.map_or(0.0, |started| started.start_ns as f64),
            phase,
            has_started: started.is_some(),
            interval_ns: subscriber.settings().poll_interval.as_nanos() as f64,
            next: phase,
        };
        timetable.pass(subscriber.now_ns());
        timetable
    }

    /// The next tick, on the epoch's clock. Skips and counts the ticks that passed while a poll was in
    /// flight.
    pub(super) fn next_ns(&mut self, subscriber: &Subscriber) -> u64 {
        if let (false, Some(started)) = (self.has_started, subscriber.start()) {
            (self.start_ns, self.next, self.has_started) = (started.start_ns as f64, self.phase, true);
            self.pass(subscriber.now_ns());
        }
        add(&subscriber.counters().skipped_polls, self.pass(subscriber.now_ns()));
        let tick_ns = self.start_ns + self.next * self.interval_ns;
        self.next += 1.0;
        tick_ns as u64
    }

    /// Moves on to the first tick that has not passed; returns the number of ticks that have.
    fn pass(&mut self, now_ns: u64) -> u64 {
        let mut passed = 0;
        while self.start_ns + self.next * self.interval_ns < now_ns as f64 {
            self.next += 1.0;
            passed += 1;
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use contract::poll_phase;

    use super::*;

    /// How far ages are from the uniform distribution over the interval: the largest distance between
    /// the two distribution functions (Kolmogorov and Smirnov).
    fn unevenness(mut ages: Vec<f64>, interval: f64) -> f64 {
        ages.sort_by(f64::total_cmp);
        let count = ages.len() as f64;
        let steps = ages.iter().zip(1..).map(|(age, rank)| (f64::from(rank) / count - age / interval).abs());
        steps.fold(0.0, f64::max)
    }

    /// Ages of events that are due every quarter of the poll interval, as a hundred pollers with these
    /// phases see them.
    fn ages(phase: impl Fn(u32) -> f64) -> Vec<f64> {
        let dues = (0..40).map(|event| f64::from(event) * 0.25 + 0.125);
        let seen = |due: f64, phase: f64| (due - phase).ceil() + phase - due;
        dues.flat_map(|due| (0..100).map(move |index| (due, index)))
            .map(|(due, index)| seen(due, phase(index)))
            .collect()
    }

    #[test]
    fn phase_locked_polls_are_caught() {
        let broken = unevenness(ages(|_| 0.3), 1.0);
        assert!(broken > 0.15, "pollers that start together see only a few different ages: {broken}");
        for start in [0.0, 0.3, 0.77] {
            let ours = unevenness(ages(|index| poll_phase(start, index)), 1.0);
            assert!(ours < 0.03, "{ours}");
        }
    }

    #[test]
    fn ticks_that_passed_are_skipped_counted_and_never_made_up_for() {
        let mut timetable =
            Timetable { start_ns: 1_000.0, phase: 0.25, has_started: true, interval_ns: 100.0, next: 0.25 };
        assert_eq!(timetable.pass(900), 0);
        assert_eq!(timetable.pass(1_025), 0, "a tick that is due now must not count as passed");
        // A poll that took one and a half intervals from the tick at 1,025.
        timetable.next += 1.0;
        assert_eq!(timetable.pass(1_175), 1);
        assert_eq!(timetable.start_ns + timetable.next * timetable.interval_ns, 1_225.0);
    }
}
