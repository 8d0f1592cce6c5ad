//! The publisher in the harness: the same pacing thread as in the lab's own server, but it publishes each event
//! by POST. It treats all servers alike, and its CPU time counts neither as the server's nor as the
//! subscribers'.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
};

use contract::{PublisherReport, StartSchedule, StartedSchedule};
use schedule::{EpochClock, Pacing, Publisher, Refused, Schedule};

use crate::publishing::http_publisher::{HttpPublisher, HttpPublisherCounts, PostError, PublishAddress};

/// A publisher for one trial: it publishes the traffic of each memory step, then the schedule.
#[derive(Debug)]
pub(crate) struct PostingPublisher {
    address: PublishAddress,
    clock: EpochClock,
    counts: Arc<HttpPublisherCounts>,
    /// The reason for the last refused event.
    last_error: Arc<Mutex<Option<String>>>,
    running: RefCell<Option<Publisher>>,
    /// CPU time of the pacing threads that have ended.
    ended_cpu_us: RefCell<u64>,
}

/// Counters of its sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Connections that it has opened.
    pub(crate) connections: u64,
    /// Of these, open now: one or none.
    pub(crate) open: u64,
}

/// The schedule could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishingError {
    #[error(transparent)]
    Schedule(#[from] schedule::ScheduleError),
    #[error(transparent)]
    Post(#[from] PostError),
    #[error("the publisher's thread could not be started: {0}")]
    Thread(std::io::Error),
}

impl PostingPublisher {
    pub(crate) fn new(address: PublishAddress, clock: EpochClock) -> Self {
        Self {
            address,
            clock,
            counts: Arc::default(),
            last_error: Arc::default(),
            running: RefCell::default(),
            ended_cpu_us: RefCell::default(),
        }
    }

    /// Publishes one text at once.
    pub(crate) fn post_now(&self, text: &str) -> Result<(), PostError> {
        let mut http = HttpPublisher::new(self.address.clone(), Arc::clone(&self.counts));
        let outcome = http.post(None, text);
        self.counts.close();
        outcome
    }

    /// Starts a schedule and ends the previous one. `first_seq` is the number of its first event.
    pub(crate) fn start(
        &self,
        order: &StartSchedule,
        first_seq: u64,
    ) -> Result<StartedSchedule, PublishingError> {
        let csv = order.replay_csv.as_deref();
        let schedule = Schedule::build(&order.arrivals, csv, order.seed, order.length, order.payload_bytes)?;
        self.end();
        let mut http = HttpPublisher::new(self.address.clone(), Arc::clone(&self.counts));
        http.connect()?;
        let start_ns = self.clock.now_ns() + order.start_in.as_nanos() as u64;
        let started = StartedSchedule {
            hash: schedule.hash().to_owned(),
            events: schedule.events().len() as u64,
            first_seq,
            start_ns,
        };
        let pacing = Pacing {
            start_ns,
            counted_from_ns: order.counted_from.as_nanos() as u64,
            delay_ns: order.delivery_delay.as_nanos() as u64,
            jitter_ns: order.delivery_jitter.as_nanos() as u64,
            seed: order.seed,
        };
        let last_error = Arc::clone(&self.last_error);
        let publisher = Publisher::start(schedule, self.clock, pacing, move |event_type, text| {
            http.post(event_type.as_ref(), &text).map_err(|error| {
                *last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                Refused
            })
        })
        .map_err(PublishingError::Thread)?;
        self.running.replace(Some(publisher));
        Ok(started)
    }

    /// The report on how the running schedule was kept; none if there was no schedule.
    pub(crate) fn report(&self) -> Option<PublisherReport> {
        self.running.borrow().as_ref().map(Publisher::report)
    }

    /// The reason for the last refused event.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// CPU time of the pacing threads so far, microseconds.
    pub(crate) fn cpu_us(&self) -> u64 {
        *self.ended_cpu_us.borrow() + self.running.borrow().as_ref().map_or(0, Publisher::cpu_us)
    }

    pub(crate) fn posted(&self) -> Posted {
        Posted {
            sent: self.counts.sent.load(Relaxed),
            received: self.counts.received.load(Relaxed),
            connections: self.counts.connections.load(Relaxed),
            open: u64::from(self.counts.is_open()),
        }
    }

    /// Ends the running schedule and closes its connection.
    pub(crate) fn end(&self) {
        self.counts.close();
        if let Some(publisher) = self.running.take() {
            *self.ended_cpu_us.borrow_mut() += publisher.cpu_us();
        }
        // An event that was just being sent when the first connection was closed may have opened another.
        self.counts.close();
    }
}

impl Drop for PostingPublisher {
    fn drop(&mut self) {
        self.end();
    }
}
