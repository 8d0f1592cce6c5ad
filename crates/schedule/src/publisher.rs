//! The publisher: an open loop on a thread of its own.

use std::{
    hint,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use contract::{EventType, PublisherReport, TimeHistogram};

use crate::{EpochClock, Schedule, cores::release_from_core, thread_cpu_us};

/// The longest busy wait before an event. A sleeping thread wakes some 50 µs late (the kernel's
/// timer slack), so the thread sleeps until this long before the due time and spins for the rest.
const SPIN_NS: u64 = 100_000;

const SECOND_NS: u64 = 1_000_000_000;

/// The sink did not take an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event was refused")]
pub struct Refused;

/// Publishes a schedule at its due times, whatever the subscribers do.
///
/// It never skips an event and never delays the ones after a late one: being late is measured and
/// reported, per event. Dropping it ends the thread.
#[derive(Debug)]
pub struct Publisher {
    progress: Arc<Mutex<Progress>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
    hash: String,
}

#[derive(Debug, Default)]
struct Progress {
    published: u64,
    refused: u64,
    finished: bool,
    cpu_us: u64,
    lateness: TimeHistogram,
    lateness_seconds: Vec<TimeHistogram>,
}

impl Publisher {
    /// Starts publishing: `sink` gets each event's type and text when it is due. `start_ns` is the
    /// schedule's instant 0 on `clock`; events due before `counted_from_ns` of the schedule stay out
    /// of the report's total lateness.
    ///
    /// # Errors
    /// If the operating system refuses another thread.
    pub fn start(
        schedule: Schedule,
        clock: EpochClock,
        start_ns: u64,
        counted_from_ns: u64,
        sink: impl FnMut(Option<EventType>, String) -> Result<(), Refused> + Send + 'static,
    ) -> std::io::Result<Self> {
        let hash = schedule.hash().to_owned();
        let progress = Arc::new(Mutex::new(Progress::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new().name("publisher".to_owned()).spawn({
            let (progress, stop) = (Arc::clone(&progress), Arc::clone(&stop));
            move || publish(&schedule, clock, [start_ns, counted_from_ns], &progress, &stop, sink)
        })?;
        Ok(Self { progress, stop, thread: Some(thread), hash })
    }

    /// How faithfully the schedule was kept so far.
    #[must_use]
    pub fn report(&self) -> PublisherReport {
        let progress = lock(&self.progress);
        PublisherReport {
            hash: self.hash.clone(),
            finished: progress.finished,
            published: progress.published,
            refused: progress.refused,
            lateness: progress.lateness.distribution(),
            lateness_seconds: progress
                .lateness_seconds
                .iter()
                .zip(0..)
                .map(|(histogram, second)| histogram.second(second))
                .collect(),
            cpu_us: progress.cpu_us,
        }
    }

    /// CPU time of the pacing thread so far, microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> u64 {
        lock(&self.progress).cpu_us
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the thread has already been printed; there is nothing more to do here.
            let _ = thread.join();
        }
    }
}

/// Progress is plain numbers, valid at every instruction, so a panic elsewhere does not spoil it.
fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

fn publish(
    schedule: &Schedule,
    clock: EpochClock,
    [start_ns, counted_from_ns]: [u64; 2],
    progress: &Mutex<Progress>,
    stop: &AtomicBool,
    mut sink: impl FnMut(Option<EventType>, String) -> Result<(), Refused>,
) {
    // The server's threads may be bound to one core, which a fan-out keeps busy for milliseconds:
    // there the publisher would be late because the server works.
    release_from_core();
    for event in schedule.events() {
        let due_ns = start_ns + event.due_ns;
        // The text is made before the wait, so that making it does not make the event late.
        let text = event.text(start_ns);
        let event_type = event.event_type.clone();
        if !wait_until(clock, due_ns, stop) {
            break;
        }
        let late_ns = clock.now_ns().saturating_sub(due_ns);
        let outcome = sink(event_type, text);
        let mut progress = lock(progress);
        match outcome {
            Ok(()) => progress.published += 1,
            Err(Refused) => progress.refused += 1,
        }
        let second = (event.due_ns / SECOND_NS) as usize;
        if progress.lateness_seconds.len() <= second {
            progress.lateness_seconds.resize_with(second + 1, TimeHistogram::default);
        }
        if event.due_ns >= counted_from_ns {
            progress.lateness.record_ns(late_ns);
        }
        progress.lateness_seconds[second].record_ns(late_ns);
        progress.cpu_us = thread_cpu_us();
    }
    let mut progress = lock(progress);
    progress.finished = !stop.load(Ordering::Relaxed);
    progress.cpu_us = thread_cpu_us();
}

/// Sleeps coarsely, then spins. `false` if it was told to stop.
fn wait_until(clock: EpochClock, due_ns: u64, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left_ns = due_ns.saturating_sub(clock.now_ns());
        if left_ns == 0 {
            return true;
        }
        if left_ns > SPIN_NS {
            thread::park_timeout(Duration::from_nanos(left_ns - SPIN_NS));
        } else {
            hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use contract::{Arrivals, Period, Stamped};

    use super::*;

    fn schedule(rate_hz: f64, milliseconds: u64) -> Schedule {
        Schedule::build(&Arrivals::Steady { rate_hz }, None, 1, Period::from_millis(milliseconds), 40)
            .unwrap()
    }

    #[test]
    fn every_event_is_published_once_in_order_and_never_early() {
        let clock = EpochClock::start_now();
        let (sender, receiver) = mpsc::channel();
        let start_ns = clock.now_ns() + 5_000_000;
        let publisher = Publisher::start(schedule(500.0, 200), clock, start_ns, 0, move |_, text| {
            sender.send((clock.now_ns(), text)).map_err(|_| Refused)
        })
        .unwrap();
        let published: Vec<_> = receiver.iter().collect();
        let due: Vec<u64> = published.iter().map(|(_, text)| Stamped::parse(text).unwrap().due_ns).collect();
        let expected: Vec<u64> =
            schedule(500.0, 200).events().iter().map(|event| start_ns + event.due_ns).collect();
        assert_eq!(due, expected);
        assert!(published.iter().zip(&due).all(|((at, _), due)| at >= due));
        drop(publisher);
    }

    #[test]
    fn a_sink_that_stalls_makes_events_late_and_the_report_says_so() {
        let clock = EpochClock::start_now();
        let (sender, receiver) = mpsc::channel();
        let mut first = true;
        let publisher = Publisher::start(schedule(100.0, 500), clock, clock.now_ns(), 0, move |_, _| {
            if std::mem::take(&mut first) {
                thread::sleep(Duration::from_millis(200));
            }
            sender.send(()).map_err(|_| Refused)
        })
        .unwrap();
        assert_eq!(receiver.iter().count(), 50, "late events are published, not skipped");
        let report = loop {
            let report = publisher.report();
            if report.finished {
                break report;
            }
            thread::yield_now();
        };
        assert_eq!((report.published, report.refused, report.lateness.count), (50, 0, 50));
        assert!(report.lateness.max_us >= 185_000, "{}", report.lateness.max_us);
        // Some 19 of the 50 events fell due within the stall, evenly spread over its 200 ms.
        let late = report.lateness.histogram().unwrap().quantile_us(0.8);
        assert!(late >= 70_000, "{late}");
    }

    #[test]
    fn dropping_the_publisher_ends_it_at_once() {
        let clock = EpochClock::start_now();
        let publisher =
            Publisher::start(schedule(0.001, 3_600_000), clock, clock.now_ns(), 0, |_, _| Ok(())).unwrap();
        drop(publisher);
        assert!(clock.now_ns() < 60 * SECOND_NS);
    }

    #[test]
    fn the_warm_up_stays_out_of_the_total() {
        let clock = EpochClock::start_now();
        let (start_ns, from_ns) = (clock.now_ns(), 60_000_000);
        let publisher =
            Publisher::start(schedule(100.0, 100), clock, start_ns, from_ns, |_, _| Ok(())).unwrap();
        while !publisher.report().finished {
            thread::yield_now();
        }
        let report = publisher.report();
        assert_eq!((report.published, report.lateness.count, report.lateness_seconds[0].count), (10, 4, 10));
    }

    #[test]
    fn refused_events_are_counted() {
        let clock = EpochClock::start_now();
        let publisher =
            Publisher::start(schedule(100.0, 100), clock, clock.now_ns(), 0, |_, _| Err(Refused)).unwrap();
        while !publisher.report().finished {
            thread::yield_now();
        }
        assert_eq!((publisher.report().published, publisher.report().refused), (0, 10));
    }
}
