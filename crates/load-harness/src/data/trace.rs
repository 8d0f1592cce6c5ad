//! The trace of one subscriber around the first events of the window: enough to draw how a pattern works.

use std::cell::{Cell, RefCell};

use contract::{Exchange, TraceEvent};

use crate::data::trial_spec::TrialSpec;

/// Number of traced events of the window.
const EVENTS: usize = 20;
/// Most entries of a trace.
const MOST_ENTRIES: usize = 400;

/// Number of the traced subscriber: the one in the middle of the row. Subscribers connect in the order of their
/// numbers, and the shared writer writes an event in the order in which connections came. So half of the
/// subscribers get a pushed event before the traced one, and half after it.
pub(crate) const fn traced_subscriber(subscribers: u32) -> u32 {
    subscribers / 2
}

/// The traced part of a schedule, nanoseconds since its instant 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceWindow {
    /// Of earlier entries only the last one is kept: it may be a request that is held at this instant.
    from_ns: u64,
    /// Due of the last traced event. None if there is no event in the window.
    last_due_ns: Option<u64>,
    /// How long the trace continues after that event has arrived.
    more_ns: u64,
    /// The trace never continues after this instant.
    until_ns: u64,
}

impl TraceWindow {
    /// From the window's first event to its twentieth, and the poll interval or the hold that follows.
    pub(crate) fn of(order: &TrialSpec) -> Self {
        let (window, settings) = (order.window(), &order.plan.settings);
        let due = || order.schedule.events().iter().map(|event| event.due_ns);
        let mut counted = due().filter(|due_ns| window.contains(*due_ns)).take(EVENTS);
        let first_ns = counted.next();
        let more = match order.plan.pattern.exchange() {
            Exchange::TimedPoll => *settings.poll_interval,
            Exchange::HeldPoll => *settings.hold,
            Exchange::Stream => std::time::Duration::ZERO,
        };
        Self {
            from_ns: first_ns.unwrap_or(window.start_ns),
            last_due_ns: counted.last().or(first_ns),
            more_ns: more.as_nanos() as u64,
            until_ns: window.end_ns.saturating_add(settings.drain.as_nanos() as u64),
        }
    }
}

/// The entries of the traced subscriber; instants are of the epoch until [`Trace::finish`].
#[derive(Debug)]
pub(crate) struct Trace {
    window: TraceWindow,
    entries: RefCell<Vec<TraceEvent>>,
    /// When the last traced event arrived.
    last_arrived_ns: Cell<Option<u64>>,
}

impl Trace {
    pub(crate) fn new(window: TraceWindow) -> Self {
        Self { window, entries: RefCell::default(), last_arrived_ns: Cell::default() }
    }

    /// Notes an entry at `at_ns` of the epoch, if it is in the traced part. `start_ns` is the schedule's
    /// instant 0, once it is known.
    pub(crate) fn note(&self, at_ns: u64, start_ns: Option<u64>, what: TraceEvent) {
        let mut entries = self.entries.borrow_mut();
        let Some(start_ns) = start_ns.filter(|start_ns| at_ns >= start_ns + self.window.from_ns) else {
            entries.clear();
            entries.push(what);
            return;
        };
        let arrived_ns = self.last_arrived_ns.get().map(|at_ns| at_ns + self.window.more_ns);
        let end_ns = (start_ns + self.window.until_ns).min(arrived_ns.unwrap_or(u64::MAX));
        if at_ns > end_ns || entries.len() >= MOST_ENTRIES {
            return;
        }
        entries.push(what);
        let last_due_ns = self.window.last_due_ns.map(|due_ns| (start_ns + due_ns) as i64);
        if let (TraceEvent::Delivered { due_ns, .. }, Some(last_due_ns)) = (what, last_due_ns)
            && due_ns >= last_due_ns
            && self.last_arrived_ns.get().is_none()
        {
            self.last_arrived_ns.set(Some(at_ns));
        }
    }

    /// The entries relative to the schedule's instant 0.
    pub(crate) fn finish(&self, start_ns: u64) -> Vec<TraceEvent> {
        let start_ns = start_ns as i64;
        let shifted = |entry: &TraceEvent| match *entry {
            TraceEvent::Connected { at_ns } => TraceEvent::Connected { at_ns: at_ns - start_ns },
            TraceEvent::Asked { at_ns } => TraceEvent::Asked { at_ns: at_ns - start_ns },
            TraceEvent::Answered { at_ns, events } => {
                TraceEvent::Answered { at_ns: at_ns - start_ns, events }
            }
            TraceEvent::Delivered { due_ns, at_ns } => {
                TraceEvent::Delivered { due_ns: due_ns - start_ns, at_ns: at_ns - start_ns }
            }
        };
        self.entries.borrow().iter().map(shifted).collect()
    }
}

#[cfg(test)]
mod tests {
    use contract::Pattern;

    use super::*;

    use crate::data::calibration_spec::calibration_spec;

    const START_NS: u64 = 5_000;

    fn window() -> TraceWindow {
        TraceWindow { from_ns: 1_000, last_due_ns: Some(2_000), more_ns: 300, until_ns: 9_000 }
    }

    fn asked(at_ns: u64) -> TraceEvent {
        TraceEvent::Asked { at_ns: at_ns as i64 }
    }

    fn delivered(due_ns: u64, at_ns: u64) -> TraceEvent {
        TraceEvent::Delivered { due_ns: due_ns as i64, at_ns: at_ns as i64 }
    }

    #[test]
    fn the_traced_subscriber_is_in_the_middle_of_the_row() {
        for (subscribers, traced) in [(1, 0), (2, 1), (3, 1), (7, 3), (1_000, 500)] {
            assert_eq!(traced_subscriber(subscribers), traced, "of {subscribers}");
        }
    }

    #[test]
    fn the_stretch_is_that_of_twenty_events_and_what_the_pattern_does_after() {
        // 19 events per second, half a period in; the window begins at 1 s.
        let due_ns = |event: f64| ((event + 0.5) * 1e9 / 19.0) as u64;
        for (pattern, last, more_ns, until_ns) in [
            (Pattern::ShortPolling, 37.0, 97_000_000, 2_500_000_000),
            (Pattern::LongPolling, 38.0, 1_500_000_000, 4_500_000_000),
            (Pattern::Sse, 38.0, 0, 4_500_000_000),
            (Pattern::WebSocket, 38.0, 0, 4_500_000_000),
        ] {
            let window = TraceWindow::of(&calibration_spec(pattern.into(), &[], 1).unwrap());
            assert_eq!((window.from_ns, window.last_due_ns), (due_ns(19.0), Some(due_ns(last))), "{pattern}");
            assert_eq!((window.more_ns, window.until_ns), (more_ns, until_ns), "{pattern}");
        }
    }

    #[test]
    fn it_begins_with_the_last_thing_before_and_ends_after_the_last_event() {
        let trace = Trace::new(window());
        trace.note(1, None, TraceEvent::Connected { at_ns: 1 });
        trace.note(2, None, asked(2));
        trace.note(5_900, Some(START_NS), asked(5_900));
        trace.note(6_000, Some(START_NS), delivered(6_000, 6_010));
        trace.note(7_400, Some(START_NS), delivered(7_000, 7_400));
        trace.note(7_700, Some(START_NS), asked(7_700));
        trace.note(7_701, Some(START_NS), asked(7_701));
        let expected = [asked(900), delivered(1_000, 1_010), delivered(2_000, 2_400), asked(2_700)].to_vec();
        assert_eq!(trace.finish(START_NS), expected);
    }

    #[test]
    fn what_happened_before_the_schedule_is_negative_and_the_memory_bounded() {
        let trace = Trace::new(window());
        trace.note(4_000, None, asked(4_000));
        for at_ns in 6_000..8_000 {
            trace.note(at_ns, Some(START_NS), asked(at_ns));
        }
        let entries = trace.finish(START_NS);
        assert_eq!((entries.len(), entries[0]), (MOST_ENTRIES, TraceEvent::Asked { at_ns: -1_000 }));
    }
}
