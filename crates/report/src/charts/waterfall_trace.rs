//! The first events in one subscriber's trace: requests, holds, arrivals, reconnects.

use std::collections::BTreeMap;

use contract::{Exchange, TraceEvent};

use crate::findings::{Point, Trial};

/// Events that one figure follows.
const MOST_EVENTS: usize = 20;

/// A request from asking to its answer, nanoseconds of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) from_ns: i64,
    /// Until here the server held it.
    pub(super) held_to_ns: i64,
    pub(super) to_ns: i64,
}

/// One of the shown events, as this subscriber got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) due_ns: i64,
    pub(super) at_ns: i64,
}

impl Arrival {
    pub(super) fn age_ms(self) -> f64 {
        (self.at_ns - self.due_ns) as f64 * 1e-6
    }
}

/// The trace of one subscriber of one pattern.
pub(super) struct Lane<'a> {
    pub(super) point: &'a Point,
    pub(super) requests: Vec<Request>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) connected_ns: Vec<i64>,
    /// Last instant of the trace.
    pub(super) end_ns: i64,
}

/// The same events through all lanes.
pub(super) struct Traced<'a> {
    /// Ascending.
    pub(super) due_ns: Vec<i64>,
    pub(super) lanes: Vec<Lane<'a>>,
}

impl Traced<'_> {
    /// The last arrival of any of the events.
    pub(super) fn last_ns(&self) -> i64 {
        let arrivals = self.lanes.iter().flat_map(|lane| &lane.arrivals);
        arrivals.map(|arrival| arrival.at_ns).chain(self.due_ns.last().copied()).max().unwrap_or(0)
    }
}

/// The first completed trial of each pattern; none if no trace has two deliveries, or if the trials did not
/// publish the same schedule.
pub(super) fn of<'a>(points: &[&'a Point]) -> Option<Traced<'a>> {
    let mut traces: Vec<(&Point, &Trial, Vec<TraceEvent>)> = Vec::new();
    for point in points {
        if traces.iter().any(|(other, _, _)| other.pattern == point.pattern) {
            continue;
        }
        let completed =
            point.trials.iter().find_map(|trial| Some((trial, trial.measurements.as_ref()?.trace.clone())));
        if let Some((trial, mut trace)) = completed.filter(|(_, trace)| !trace.is_empty()) {
            trace.sort_by_key(at_ns);
            traces.push((*point, trial, trace));
        }
    }
    let first = traces.first()?.1;
    if traces.iter().any(|(_, trial, _)| trial.schedule_hash != first.schedule_hash) {
        return None;
    }
    let start_ns = first.measurements.as_ref().map_or(0, |trial| trial.window.start_ns as i64);
    let due_ns = shown_due_ns(traces.iter().map(|(_, _, trace)| trace.as_slice()), start_ns);
    let lanes: Vec<Lane<'_>> = traces.iter().map(|(point, _, trace)| lane(point, trace, &due_ns)).collect();
    lanes.iter().any(|lane| lane.arrivals.len() > 1).then_some(Traced { due_ns, lanes })
}

/// The first events of the window that any trace has. Several may be due at one instant: as many as in the
/// trace with the most.
fn shown_due_ns<'a>(traces: impl Iterator<Item = &'a [TraceEvent]>, start_ns: i64) -> Vec<i64> {
    let mut shown: BTreeMap<i64, usize> = BTreeMap::new();
    for trace in traces {
        let mut own: BTreeMap<i64, usize> = BTreeMap::new();
        for arrival in trace.iter().filter_map(delivered).filter(|arrival| arrival.due_ns >= start_ns) {
            *own.entry(arrival.due_ns).or_default() += 1;
        }
        for (due_ns, count) in own {
            let most = shown.entry(due_ns).or_default();
            *most = count.max(*most);
        }
    }
    let all = shown.into_iter().flat_map(|(due_ns, count)| std::iter::repeat_n(due_ns, count));
    let mut due_ns: Vec<i64> = all.take(MOST_EVENTS).collect();
    due_ns.truncate(first_burst(&due_ns));
    due_ns
}

/// How many events come before the first long pause; all if there is none. Several bursts in one figure would be
/// strokes far apart.
fn first_burst(due_ns: &[i64]) -> usize {
    /// Events that a burst has at least, and how much longer the pause after it is than its usual gap.
    const LEAST: usize = 5;
    const LONGER: i64 = 10;
    let gaps: Vec<i64> = due_ns.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut sorted = gaps.clone();
    sorted.sort_unstable();
    let usual_ns = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    let pause = gaps.iter().skip(LEAST - 1).position(|gap| *gap > LONGER * usual_ns.max(1));
    pause.map_or(due_ns.len(), |place| place + LEAST)
}

fn lane<'a>(point: &'a Point, trace: &[TraceEvent], due_ns: &[i64]) -> Lane<'a> {
    let end_ns = trace.last().map_or(0, at_ns);
    let connected_ns = trace
        .iter()
        .filter_map(|event| match event {
            TraceEvent::Connected { at_ns } => Some(*at_ns),
            TraceEvent::Asked { .. } | TraceEvent::Answered { .. } | TraceEvent::Delivered { .. } => None,
        })
        .collect();
    let arrivals =
        trace.iter().filter_map(delivered).filter(|arrival| due_ns.contains(&arrival.due_ns)).collect();
    let requests = match point.pattern.exchange() {
        Exchange::TimedPoll => polls(trace, end_ns)
            .into_iter()
            .map(|request| Request { held_to_ns: request.from_ns, ..request })
            .collect(),
        Exchange::HeldPoll => polls(trace, end_ns),
        Exchange::Stream => stream(trace, end_ns),
    };
    Lane { point, requests, arrivals, connected_ns, end_ns }
}

/// Polls with their hold: until the first event that they deliver was due, or until their end without an event.
fn polls(trace: &[TraceEvent], end_ns: i64) -> Vec<Request> {
    /// A request whose end has not been read yet.
    struct Open {
        from_ns: i64,
        /// When its answer, or the last event so far, was there.
        to_ns: Option<i64>,
        first_due_ns: Option<i64>,
    }
    // A request without an end was under way when the trace ended.
    let close = |open: Open| {
        let to_ns = open.to_ns.unwrap_or(end_ns).max(open.from_ns);
        let held_to_ns = open.first_due_ns.map_or(to_ns, |due_ns| due_ns.clamp(open.from_ns, to_ns));
        Request { from_ns: open.from_ns, held_to_ns, to_ns }
    };
    let begun = |from_ns: i64| Open { from_ns, to_ns: None, first_due_ns: None };
    let mut requests = Vec::new();
    let mut open: Option<Open> = None;
    // A trace may begin while a request is under way.
    let start_ns = trace.first().map_or(0, at_ns);
    for event in trace {
        match *event {
            TraceEvent::Connected { .. } => {}
            TraceEvent::Asked { at_ns } => {
                requests.extend(open.replace(begun(at_ns)).map(close));
            }
            TraceEvent::Answered { at_ns, .. } => {
                open.get_or_insert_with(|| begun(start_ns)).to_ns = Some(at_ns);
            }
            TraceEvent::Delivered { due_ns, at_ns } => {
                let open = open.get_or_insert_with(|| begun(start_ns));
                open.to_ns = open.to_ns.max(Some(at_ns));
                open.first_due_ns = Some(open.first_due_ns.map_or(due_ns, |first| first.min(due_ns)));
            }
        }
    }
    requests.extend(open.map(close));
    requests
}

/// A stream is one request; if the trace does not have its beginning, it began before.
fn stream(trace: &[TraceEvent], end_ns: i64) -> Vec<Request> {
    let from_ns = trace.first().map_or(end_ns, at_ns);
    vec![Request { from_ns, held_to_ns: from_ns, to_ns: end_ns }]
}

fn delivered(event: &TraceEvent) -> Option<Arrival> {
    match *event {
        TraceEvent::Delivered { due_ns, at_ns } => Some(Arrival { due_ns, at_ns }),
        TraceEvent::Connected { .. } | TraceEvent::Asked { .. } | TraceEvent::Answered { .. } => None,
    }
}

fn at_ns(event: &TraceEvent) -> i64 {
    match *event {
        TraceEvent::Connected { at_ns }
        | TraceEvent::Asked { at_ns }
        | TraceEvent::Answered { at_ns, .. }
        | TraceEvent::Delivered { at_ns, .. } => at_ns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_instant_are_counted_and_those_before_the_window_are_not() {
        let delivered = |due_ns: i64| TraceEvent::Delivered { due_ns, at_ns: due_ns + 1 };
        let one = [delivered(3), delivered(10), delivered(10), delivered(40)];
        let other = [delivered(10), delivered(20), delivered(40)];
        let shown = shown_due_ns([one.as_slice(), other.as_slice()].into_iter(), 5);
        assert_eq!(shown, [10, 10, 20, 40]);
        let many: Vec<TraceEvent> = (10..90).map(delivered).collect();
        assert_eq!(shown_due_ns(std::iter::once(many.as_slice()), 5).len(), MOST_EVENTS);
    }

    #[test]
    fn of_several_bursts_the_first_is_shown() {
        let burst = |from_ns: i64| (0..8).map(move |index| from_ns + index * 500);
        let bursts: Vec<i64> = burst(0).chain(burst(4_000_000)).collect();
        assert_eq!(first_burst(&bursts), 8);
        let at_once: Vec<i64> = [vec![7; 6], vec![9_000; 6]].concat();
        assert_eq!(first_burst(&at_once), 6);
        let even: Vec<i64> = (0..20).map(|index| index * 100).collect();
        assert_eq!(first_burst(&even), 20);
        assert_eq!(first_burst(&[]), 0);
        // Irregular events are no bursts.
        assert_eq!(first_burst(&[0, 40, 45, 90, 100, 105, 300, 310, 480]), 9);
    }

    #[test]
    fn the_end_of_a_poll_before_the_trace_is_no_poll_that_lasts() {
        let trace = [
            TraceEvent::Delivered { due_ns: 5, at_ns: 30 },
            TraceEvent::Asked { at_ns: 1_000 },
            TraceEvent::Answered { at_ns: 1_010, events: 1 },
            TraceEvent::Delivered { due_ns: 500, at_ns: 1_012 },
        ];
        let found: Vec<(i64, i64)> =
            polls(&trace, 1_012).iter().map(|request| (request.from_ns, request.to_ns)).collect();
        assert_eq!(found, [(30, 30), (1_000, 1_012)]);
    }

    #[test]
    fn a_poll_is_held_until_the_first_event_it_brings_is_due() {
        let trace = [
            // Under way when the trace begins.
            TraceEvent::Answered { at_ns: 10, events: 0 },
            TraceEvent::Asked { at_ns: 20 },
            TraceEvent::Answered { at_ns: 112, events: 2 },
            TraceEvent::Delivered { due_ns: 100, at_ns: 112 },
            TraceEvent::Delivered { due_ns: 105, at_ns: 112 },
            // Due during the deaf window: not held at all.
            TraceEvent::Asked { at_ns: 130 },
            TraceEvent::Delivered { due_ns: 120, at_ns: 135 },
            TraceEvent::Answered { at_ns: 135, events: 1 },
            // Brings nothing.
            TraceEvent::Asked { at_ns: 140 },
            TraceEvent::Answered { at_ns: 200, events: 0 },
            TraceEvent::Asked { at_ns: 201 },
        ];
        let request = |from_ns, held_to_ns, to_ns| Request { from_ns, held_to_ns, to_ns };
        assert_eq!(
            polls(&trace, 201),
            [
                request(10, 10, 10),
                request(20, 100, 112),
                request(130, 130, 135),
                request(140, 200, 200),
                request(201, 201, 201),
            ]
        );
        assert!(polls(&[], 0).is_empty());
        let opened = [
            TraceEvent::Connected { at_ns: -50 },
            TraceEvent::Asked { at_ns: -40 },
            TraceEvent::Delivered { due_ns: 5, at_ns: 6 },
        ];
        assert_eq!(stream(&opened, 6), [request(-50, -50, 6)]);
    }
}
