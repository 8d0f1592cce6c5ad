//! The publisher: an open loop on its own thread.

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
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{
    EpochClock, Schedule,
    arrivals::{HANDOVER_STREAM, stream},
    cores::release_from_core,
    thread_cpu_us,
};

/// Longest busy wait before an event. A sleeping thread wakes about 50 µs late (the kernel's timer slack), so
/// the thread sleeps until this long before the event and then spins.
const SPIN_NS: u64 = 100_000;

const SECOND_NS: u64 = 1_000_000_000;

/// The sink refused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event was refused")]
pub struct Refused;

/// When a schedule starts on a clock, and how its events are delayed on purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pacing {
    /// The schedule's instant 0, nanoseconds of the clock.
    pub start_ns: u64,
    /// Events due before this, nanoseconds since instant 0, do not count for the report's total lateness.
    pub counted_from_ns: u64,
    /// Time by which each event is published later than it is due, on purpose, nanoseconds. It does not count
    /// as lateness.
    pub delay_ns: u64,
    /// Largest random addition to this delay, uniformly distributed, nanoseconds. The order is kept.
    pub jitter_ns: u64,
    /// Seed of the jitter.
    pub seed: u64,
}

/// Computes the instants at which events are to be published.
struct Handovers {
    pacing: Pacing,
    chance: ChaCha8Rng,
    last_ns: u64,
}

impl Handovers {
    fn new(pacing: Pacing) -> Self {
        Self { pacing, chance: stream(pacing.seed, HANDOVER_STREAM), last_ns: 0 }
    }

    /// The instant of the next event on the clock. It is never before its due plus the delay, and never before
    /// the previous event.
    fn next_ns(&mut self, due_ns: u64) -> u64 {
        let Pacing { start_ns, delay_ns, jitter_ns, .. } = self.pacing;
        let added_ns = (self.chance.random_range(0.0..1.0) * jitter_ns as f64) as u64;
        self.last_ns = self.last_ns.max(start_ns + due_ns + delay_ns + added_ns);
        self.last_ns
    }
}

/// Publishes a schedule at its due times, independently of the subscribers.
///
/// It never skips an event, and a late event does not move the events after it. The lateness of every event is
/// measured and reported. Dropping the publisher ends its thread.
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
    /// Starts publishing: `sink` gets each event's type and text at its due plus the delay of `pacing`. The text
    /// contains the due, without the delay.
    ///
    /// # Errors
    /// If the operating system refuses another thread.
    pub fn start(
        schedule: Schedule,
        clock: EpochClock,
        pacing: Pacing,
        sink: impl FnMut(Option<EventType>, String) -> Result<(), Refused> + Send + 'static,
    ) -> std::io::Result<Self> {
        let hash = schedule.hash().to_owned();
        let progress = Arc::new(Mutex::new(Progress::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new().name("publisher".to_owned()).spawn({
            let (progress, stop) = (Arc::clone(&progress), Arc::clone(&stop));
            move || publish(&schedule, clock, pacing, &progress, &stop, sink)
        })?;
        Ok(Self { progress, stop, thread: Some(thread), hash })
    }

    /// How closely the publisher has kept the schedule so far.
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
            // A panic of the thread has already been printed.
            let _ = thread.join();
        }
    }
}

/// Poisoning is ignored: the progress is plain numbers, which a panic cannot leave inconsistent.
fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

fn publish(
    schedule: &Schedule,
    clock: EpochClock,
    pacing: Pacing,
    progress: &Mutex<Progress>,
    stop: &AtomicBool,
    mut sink: impl FnMut(Option<EventType>, String) -> Result<(), Refused>,
) {
    // The server's threads may be bound to one core, which a fan-out keeps busy for milliseconds. On that core
    // the publisher would be late because of the server's work.
    release_from_core();
    let mut handovers = Handovers::new(pacing);
    for event in schedule.events() {
        let intended_ns = handovers.next_ns(event.due_ns);
        // The text is made before the wait, so that this work does not make the event late.
        let text = event.text(pacing.start_ns);
        let event_type = event.event_type.clone();
        if !wait_until(clock, intended_ns, stop) {
            break;
        }
        let late_ns = clock.now_ns().saturating_sub(intended_ns);
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
        if event.due_ns >= pacing.counted_from_ns {
            progress.lateness.record_ns(late_ns);
        }
        progress.lateness_seconds[second].record_ns(late_ns);
        progress.cpu_us = thread_cpu_us();
    }
    let mut progress = lock(progress);
    progress.finished = !stop.load(Ordering::Relaxed);
    progress.cpu_us = thread_cpu_us();
}

/// Sleeps, then spins until the instant. `false` if the publisher was stopped.
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

    fn from(start_ns: u64) -> Pacing {
        Pacing { start_ns, ..Pacing::default() }
    }

    #[test]
    fn every_event_is_published_once_in_order_and_never_early() {
        let clock = EpochClock::start_now();
        let (sender, receiver) = mpsc::channel();
        let start_ns = clock.now_ns() + 5_000_000;
        let publisher = Publisher::start(schedule(500.0, 200), clock, from(start_ns), move |_, text| {
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
        let publisher = Publisher::start(schedule(100.0, 500), clock, from(clock.now_ns()), move |_, _| {
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
        // About 19 of the 50 events fell due within the stall, evenly spaced over its 200 ms.
        let late = report.lateness.histogram().unwrap().quantile_us(0.8);
        assert!(late >= 70_000, "{late}");
    }

    #[test]
    fn dropping_the_publisher_ends_it_at_once() {
        let clock = EpochClock::start_now();
        let publisher =
            Publisher::start(schedule(0.001, 3_600_000), clock, from(clock.now_ns()), |_, _| Ok(())).unwrap();
        drop(publisher);
        assert!(clock.now_ns() < 60 * SECOND_NS);
    }

    #[test]
    fn the_warm_up_stays_out_of_the_total() {
        let clock = EpochClock::start_now();
        let pacing = Pacing { counted_from_ns: 60_000_000, ..from(clock.now_ns()) };
        let publisher = Publisher::start(schedule(100.0, 100), clock, pacing, |_, _| Ok(())).unwrap();
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
            Publisher::start(schedule(100.0, 100), clock, from(clock.now_ns()), |_, _| Err(Refused)).unwrap();
        while !publisher.report().finished {
            thread::yield_now();
        }
        assert_eq!((publisher.report().published, publisher.report().refused), (0, 10));
    }

    #[test]
    fn a_delay_moves_the_handover_and_neither_the_stamp_nor_the_lateness() {
        let clock = EpochClock::start_now();
        let (sender, receiver) = mpsc::channel();
        let start_ns = clock.now_ns() + 5_000_000;
        let (delay_ns, jitter_ns) = (30_000_000, 15_000_000);
        let pacing = Pacing { delay_ns, jitter_ns, seed: 3, ..from(start_ns) };
        let planned = schedule(500.0, 200);
        let hash = planned.hash().to_owned();
        let publisher = Publisher::start(planned, clock, pacing, move |_, text| {
            sender.send((clock.now_ns(), text)).map_err(|_| Refused)
        })
        .unwrap();
        let published: Vec<(u64, String)> = receiver.iter().collect();
        let due: Vec<u64> = published.iter().map(|(_, text)| Stamped::parse(text).unwrap().due_ns).collect();
        let expected: Vec<u64> =
            schedule(500.0, 200).events().iter().map(|event| start_ns + event.due_ns).collect();
        assert_eq!(due, expected, "the stamps hold the due, in order");
        assert!(published.iter().zip(&due).all(|((at_ns, _), due_ns)| *at_ns >= due_ns + delay_ns));
        let mut handovers = Handovers::new(pacing);
        let intended = expected.iter().map(|due_ns| handovers.next_ns(due_ns - start_ns));
        let late_ns: Vec<u64> = published.iter().zip(intended).map(|((at_ns, _), at)| at_ns - at).collect();
        while !publisher.report().finished {
            thread::yield_now();
        }
        let report = publisher.report();
        assert_eq!((report.hash, report.lateness.count), (hash, 100));
        // The publisher reports what the test saw, minus the time from the publisher to the test.
        assert!(report.lateness.sum_us <= late_ns.iter().sum::<u64>() as f64 * 1e-3);
    }

    #[test]
    fn jitter_is_seeded_evenly_spread_and_keeps_the_order() {
        let pacing = Pacing { start_ns: 7, delay_ns: 1_000_000, jitter_ns: 4_000_000, ..Pacing::default() };
        let handovers = |pacing, gap_ns: u64| -> Vec<u64> {
            let mut handovers = Handovers::new(pacing);
            (0..2_000).map(|event| handovers.next_ns(event * gap_ns)).collect()
        };
        let added = |pacing: Pacing| -> Vec<u64> {
            let instants = handovers(pacing, 10_000_000);
            instants.iter().zip(0..).map(|(at_ns, event)| at_ns - 7 - event * 10_000_000).collect()
        };
        assert_eq!(added(pacing), added(pacing));
        assert_ne!(added(pacing), added(Pacing { seed: 1, ..pacing }));
        assert!(added(pacing).iter().all(|added_ns| (1_000_000..5_000_000).contains(added_ns)));
        let mean_ns = added(pacing).iter().sum::<u64>() / 2_000;
        assert!((2_900_000..3_100_000).contains(&mean_ns), "{mean_ns}");
        // Events closer than the jitter would overtake one another.
        assert!(handovers(pacing, 100_000).is_sorted());
    }
}
