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
    /// Waits for the schedule's start. After a reconnection it goes on with the next tick; those that
    /// passed meanwhile belong to the lost connection.
    pub(super) async fn of(seat: &Seat) -> Self {
        let started = seat.desk.started().await;
        let phase = (seat.desk.poll_phase + f64::from(seat.index) * GOLDEN).fract();
        let mut timetable = Self {
            start_ns: started.start_ns as f64,
            interval_ns: seat.desk.settings.poll_interval.as_nanos() as f64,
            next: phase,
        };
        timetable.pass(seat.desk.clock.now_ns());
        timetable
    }

    /// The next instant, on the epoch's clock. Ticks that passed while a poll was in flight are
    /// skipped and counted.
    pub(super) fn next_ns(&mut self, seat: &Seat) -> u64 {
        add(&seat.counters.skipped_polls, self.pass(seat.desk.clock.now_ns()));
        let tick_ns = self.start_ns + self.next * self.interval_ns;
        self.next += 1.0;
        tick_ns as u64
    }

    /// Moves on to the first tick that has not passed; returns how many have.
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
    use super::*;

    #[test]
    fn ticks_that_passed_are_skipped_counted_and_never_made_up_for() {
        let mut timetable = Timetable { start_ns: 1_000.0, interval_ns: 100.0, next: 0.25 };
        assert_eq!(timetable.pass(900), 0);
        assert_eq!(timetable.pass(1_025), 0, "a tick that is due now has not passed");
        // A poll that took one and a half intervals from the tick at 1,025.
        timetable.next += 1.0;
        assert_eq!(timetable.pass(1_175), 1);
        assert_eq!(timetable.start_ns + timetable.next * timetable.interval_ns, 1_225.0);
    }
}
