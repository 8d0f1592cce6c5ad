//! Stalls of a worker's event loop: times in which it neither runs nor works, so that events that arrive
//! meanwhile look older than they are. Reading received bytes is not a stall: it is part of a delivery.

use std::{cell::RefCell, time::Duration};

use contract::TimeHistogram;
use schedule::{EpochClock, thread_cpu_us};
use tokio::time::{Instant, sleep_until};

use crate::data::started::Started;

/// Length of a sleep: short enough to detect most stalls, long enough to cost almost no CPU.
const SLEEP: Duration = Duration::from_millis(10);
/// Usual lateness of the runtime's timer: it ticks once a millisecond, and a sleep ends with the tick after its
/// time.
const TIMER_LATE_NS: u64 = 2_000_000;

/// Sleeps again and again on the event loop, and records for how long in the window the thread neither woke up
/// nor worked.
pub(crate) async fn watch(clock: EpochClock, started: Started, stalls: &RefCell<TimeHistogram>) {
    let Started { start_ns, window, .. } = started;
    loop {
        let due_ns = clock.now_ns() + SLEEP.as_nanos() as u64;
        let worked_before_us = thread_cpu_us();
        sleep_until(Instant::now() + SLEEP).await;
        let now_ns = clock.now_ns();
        let worked_ns = (thread_cpu_us() - worked_before_us) * 1_000;
        // A stall that began before the window counts from the window's start.
        let from_ns = due_ns.max(start_ns + window.start_ns);
        if from_ns <= now_ns && due_ns < start_ns + window.end_ns {
            stalls.borrow_mut().record_ns((now_ns - from_ns).saturating_sub(worked_ns + TIMER_LATE_NS));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{rc::Rc, thread};

    use contract::Window;
    use tokio::{
        task::{LocalSet, spawn_local},
        time::sleep,
    };

    use super::*;

    /// Watches the event loop for 300 ms, in which it runs `busy` once.
    fn watched(window: Window, busy: fn()) -> TimeHistogram {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stalls = Rc::new(RefCell::default());
        LocalSet::new().block_on(&runtime, async {
            let started = Started { start_ns: 0, window, numbers: (1, 1) };
            let watching = Rc::clone(&stalls);
            spawn_local(async move { watch(EpochClock::start_now(), started, &watching).await });
            sleep(Duration::from_millis(100)).await;
            spawn_local(async move { busy() });
            sleep(Duration::from_millis(200)).await;
        });
        stalls.take()
    }

    fn blocked() {
        thread::sleep(Duration::from_millis(100));
    }

    fn working() {
        let before_us = thread_cpu_us();
        while thread_cpu_us() < before_us + 100_000 {}
    }

    const WHOLE: Window = Window { start_ns: 0, end_ns: 60_000_000_000 };

    #[test]
    fn a_blocked_event_loop_is_a_stall_and_a_working_one_is_none() {
        let seen = watched(WHOLE, blocked).distribution();
        // The sleep that the block delays began at most 10 ms before it.
        assert!(seen.max_us >= 88_000, "{} us", seen.max_us);
        assert!(seen.count >= 3, "{}", seen.count);
        let worked = watched(WHOLE, working).distribution();
        // As long as the block, apart from what else the machine ran meanwhile.
        assert!(worked.min_us < 1_000 && worked.count >= 3, "{worked:?}");
    }

    #[test]
    fn a_stall_that_reaches_into_the_window_counts_from_its_start_on() {
        // The event loop is blocked from about 100 ms to 200 ms.
        let seen = watched(Window { start_ns: 150_000_000, end_ns: 60_000_000_000 }, blocked).distribution();
        assert!(seen.max_us >= 28_000, "{} us", seen.max_us);
    }

    #[test]
    fn outside_the_window_nothing_counts() {
        let later = Window { start_ns: 60_000_000_000, end_ns: 61_000_000_000 };
        assert_eq!(watched(later, blocked).count(), 0);
    }
}
