//! When a subscriber polls: a fixed rate, at a phase of its own.

use super::Seat;
use crate::ledger::add;

/// Multiples of the golden ratio's fraction fill `[0, 1)` more evenly than chance, for any number of
/// subscribers, and lock to no schedule's period.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// The instants at which one subscriber polls: `(phase + k) · interval` after the schedule's start.
pub(super) struct Timetable {
    start_ns: f64,
    interval_ns: f64,
    next: f64,
}

impl Timetable {
    /// Waits for the schedule's start.
    pub(super) async fn of(seat: &Seat) -> Self {
        let started = seat.started().await;
        let phase = (seat.desk.poll_phase + f64::from(seat.index) * GOLDEN).fract();
        let interval_ns = seat.desk.settings.poll_interval.as_nanos() as f64;
        Self { start_ns: started.start_ns as f64, interval_ns, next: phase }
    }

    /// The next instant, on the epoch's clock. Ticks that passed while a poll was in flight are
    /// skipped and counted.
    pub(super) fn next_ns(&mut self, seat: &Seat) -> u64 {
        let now_ns = seat.desk.clock.now_ns() as f64;
        let mut tick_ns = self.start_ns + self.next * self.interval_ns;
        self.next += 1.0;
        while tick_ns + self.interval_ns <= now_ns {
            tick_ns += self.interval_ns;
            self.next += 1.0;
            add(&seat.counters.skipped_polls, 1);
        }
        tick_ns as u64
    }
}
