//! Synthetic traces: how one subscriber of each pattern receives given events.

use contract::{Params, Pattern, TraceEvent};

/// One-way delay of an answer or an event, nanoseconds.
const TRANSIT_NS: i64 = 250_000;
/// Events that a trace follows.
const MOST_EVENTS: usize = 20;

/// The trace around the first twenty of these events, of a subscriber that was there before them.
pub(crate) fn trace(pattern: Pattern, params: &Params, due_ns: &[i64]) -> Vec<TraceEvent> {
    let due_ns = &due_ns[..due_ns.len().min(MOST_EVENTS)];
    let Some(first) = due_ns.first() else {
        return Vec::new();
    };
    match pattern {
        Pattern::ShortPolling => {
            short_polling(params.poll_interval_ms.unwrap_or(1_000.0), due_ns, first - 1_000_000)
        }
        Pattern::LongPolling => long_polling(params.hold_ms.unwrap_or(1_000.0), due_ns, first - 1_000_000),
        Pattern::Sse | Pattern::WebSocket => {
            let opened = first - 700_000_000;
            let mut trace = vec![
                TraceEvent::Connected { at_ns: opened },
                TraceEvent::Asked { at_ns: opened + 50_000 },
                TraceEvent::Answered { at_ns: opened + 300_000, events: 0 },
            ];
            trace.extend(due_ns.iter().map(|&due_ns| delivered(due_ns, due_ns + TRANSIT_NS)));
            trace
        }
    }
}

fn delivered(due_ns: i64, at_ns: i64) -> TraceEvent {
    TraceEvent::Delivered { due_ns, at_ns }
}

/// Polls at the interval, the first of them `from_ns` less half an interval.
fn short_polling(interval_ms: f64, due_ns: &[i64], from_ns: i64) -> Vec<TraceEvent> {
    let interval_ns = (interval_ms * 1e6) as i64;
    let mut at_ns = from_ns - interval_ns / 2;
    let mut waiting = due_ns;
    let mut trace = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.partition_point(|due_ns| *due_ns <= at_ns);
        let answered_ns = at_ns + TRANSIT_NS;
        trace.push(TraceEvent::Asked { at_ns });
        trace.push(TraceEvent::Answered { at_ns: answered_ns, events: ready as u32 });
        trace.extend(waiting[..ready].iter().map(|&due_ns| delivered(due_ns, answered_ns)));
        waiting = &waiting[ready..];
        at_ns += interval_ns;
    }
    trace
}

/// Asks again as soon as it is answered.
fn long_polling(hold_ms: f64, due_ns: &[i64], from_ns: i64) -> Vec<TraceEvent> {
    let hold_ns = (hold_ms * 1e6) as i64;
    let mut at_ns = from_ns - hold_ns / 2;
    let mut waiting = due_ns;
    let mut trace = Vec::new();
    while let Some(first) = waiting.first() {
        trace.push(TraceEvent::Asked { at_ns });
        let answer_ns = (*first).max(at_ns).min(at_ns + hold_ns);
        let ready = waiting.partition_point(|due_ns| *due_ns <= answer_ns);
        let answered_ns = answer_ns + TRANSIT_NS;
        trace.push(TraceEvent::Answered { at_ns: answered_ns, events: ready as u32 });
        trace.extend(waiting[..ready].iter().map(|&due_ns| delivered(due_ns, answered_ns)));
        waiting = &waiting[ready..];
        at_ns = answered_ns + 100_000;
    }
    trace.push(TraceEvent::Asked { at_ns });
    trace
}
