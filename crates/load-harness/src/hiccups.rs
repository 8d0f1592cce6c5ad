//! How long a worker's event loop does not come back: what arrives meanwhile looks older than it was.

use std::{cell::RefCell, time::Duration};

use contract::TimeHistogram;
use schedule::EpochClock;
use tokio::time::{Instant, sleep_until};

use crate::desk::Started;

/// Length of a sleep: short enough to meet most stalls, long enough to cost nothing.
const SLEEP: Duration = Duration::from_millis(10);

/// Sleeps over and over on the event loop, and records by how much later than asked it comes back in
/// the window.
pub(crate) async fn watch(clock: EpochClock, started: Started, lateness: &RefCell<TimeHistogram>) {
    let Started { start_ns, window, .. } = started;
    loop {
        let due_ns = clock.now_ns() + SLEEP.as_nanos() as u64;
        sleep_until(Instant::now() + SLEEP).await;
        let now_ns = clock.now_ns();
        // One that began before the window counts from the window's start on.
        let from_ns = due_ns.max(start_ns + window.start_ns);
        if from_ns <= now_ns && due_ns < start_ns + window.end_ns {
            lateness.borrow_mut().record_ns(now_ns - from_ns);
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

    /// Watches for 300 ms of a window, in which the event loop is blocked once.
    fn watched(window: Window) -> TimeHistogram {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lateness = Rc::new(RefCell::default());
        LocalSet::new().block_on(&runtime, async {
            let started = Started { start_ns: 0, window, numbers: (1, 1) };
            let watching = Rc::clone(&lateness);
            spawn_local(async move { watch(EpochClock::start_now(), started, &watching).await });
            sleep(Duration::from_millis(100)).await;
            spawn_local(async { thread::sleep(Duration::from_millis(100)) });
            sleep(Duration::from_millis(200)).await;
        });
        lateness.take()
    }

    #[test]
    fn a_blocked_event_loop_is_a_hiccup() {
        let seen = watched(Window { start_ns: 0, end_ns: 60_000_000_000 }).distribution();
        // The sleep that is cut short by the block began at most 10 ms before it.
        assert!(seen.max_us >= 90_000, "{} us", seen.max_us);
        assert!(seen.count >= 3, "{}", seen.count);
    }

    #[test]
    fn a_hiccup_that_reaches_into_the_window_counts_from_its_start_on() {
        // The event loop stands still from about 100 ms to 200 ms.
        let seen = watched(Window { start_ns: 150_000_000, end_ns: 60_000_000_000 }).distribution();
        assert!(seen.max_us >= 30_000, "{} us", seen.max_us);
    }

    #[test]
    fn outside_the_window_nothing_counts() {
        let later = Window { start_ns: 60_000_000_000, end_ns: 61_000_000_000 };
        assert_eq!(watched(later).count(), 0);
    }
}
