//! What the waterfall says in words.

use contract::Pattern;

use super::{
    waterfall::View,
    waterfall_trace::{Lane, Traced},
};
use crate::number::{count, list, with_unit};

/// Connections opened after the lane's first.
fn reconnects<'a>(lane: &'a Lane<'_>) -> &'a [i64] {
    lane.connected_ns.get(1..).unwrap_or_default()
}

/// Age of the lane's oldest event.
pub(super) fn oldest_ms(lane: &Lane<'_>) -> Option<f64> {
    lane.arrivals.iter().map(|arrival| arrival.age_ms()).max_by(f64::total_cmp)
}

/// Requests under way or begun in the stretch shown; a stream is one, and one more each time it is
/// opened again.
fn asked(lane: &Lane<'_>, view: &View) -> usize {
    match lane.point.pattern {
        Pattern::ShortPolling | Pattern::LongPolling => {
            lane.requests.iter().filter(|request| view.overlaps(request)).count()
        }
        Pattern::Sse | Pattern::WebSocket => {
            1 + reconnects(lane).iter().filter(|at_ns| view.shows(**at_ns)).count()
        }
    }
}

/// `20 events`.
pub(super) fn event_words(traced: &Traced<'_>) -> String {
    match traced.due_ns.len() {
        1 => "1 event".to_owned(),
        more => format!("{more} events"),
    }
}

fn times(number: usize) -> String {
    match number {
        0 => "not at all".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{} times", count(more as u64)),
    }
}

/// `long polling asked 21 times, SSE and WebSocket once`.
fn asked_words(traced: &Traced<'_>, view: &View) -> String {
    let mut groups: Vec<(usize, Vec<String>)> = Vec::new();
    for lane in &traced.lanes {
        let (asked, label) = (asked(lane, view), lane.point.pattern.label().to_owned());
        match groups.iter_mut().find(|(known, _)| *known == asked) {
            Some((_, labels)) => labels.push(label),
            None => groups.push((asked, vec![label])),
        }
    }
    let parts: Vec<String> = groups
        .iter()
        .enumerate()
        .map(|(index, (asked, labels))| {
            let verb = if index == 0 { " asked" } else { "" };
            format!("{}{verb} {}", list(labels), times(*asked))
        })
        .collect();
    parts.join(", ")
}

/// Who brought the oldest, and how often each asked.
pub(super) fn title(traced: &Traced<'_>, view: &View) -> String {
    let aged = traced.lanes.iter().filter_map(|lane| Some((lane, oldest_ms(lane)?)));
    let oldest = aged.max_by(|(_, left), (_, right)| left.total_cmp(right));
    let events = event_words(traced);
    let brought = oldest.map_or_else(
        || events.clone(),
        |(lane, age_ms)| {
            format!(
                "Of {events} {} brought the oldest, after {}",
                lane.point.pattern.label(),
                with_unit(age_ms, "ms")
            )
        },
    );
    format!("{brought}; meanwhile {}", asked_words(traced, view))
}

/// Every lane in words.
pub(super) fn description(traced: &Traced<'_>, view: &View) -> String {
    let lanes: Vec<String> = traced
        .lanes
        .iter()
        .map(|lane| {
            let oldest = oldest_ms(lane)
                .map_or_else(String::new, |age_ms| format!(", the oldest {} old", with_unit(age_ms, "ms")));
            format!(
                "{}: asked {}, brought {} of {}{oldest}",
                lane.point.label(),
                times(asked(lane, view)),
                lane.arrivals.len(),
                event_words(traced)
            )
        })
        .collect();
    format!(
        "Lanes over time, one a pattern, with the same events as upright lines; bars for requests, marks where events arrived. {}.",
        lanes.join("; ")
    )
}
