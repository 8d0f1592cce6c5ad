//! The texts of the waterfall.

use super::waterfall_trace::{Lane, Request, Traced};
use crate::text::number::{count, counted, list, with_unit};

/// Connections opened after the lane's first.
fn reconnects<'a>(lane: &'a Lane<'_>) -> &'a [i64] {
    lane.connected_ns.get(1..).unwrap_or_default()
}

/// Age of the lane's oldest event.
pub(super) fn oldest_ms(lane: &Lane<'_>) -> Option<f64> {
    lane.arrivals.iter().map(|arrival| arrival.age_ms()).max_by(f64::total_cmp)
}

/// Requests under way when the first of the events was due, and those begun until this subscriber had the last
/// one: later requests were for other events. A stream is one request, and one more each time it is opened
/// again.
fn asked(lane: &Lane<'_>, traced: &Traced<'_>) -> usize {
    let first_ns = traced.due_ns.first().copied().unwrap_or(0);
    let last_due_ns = traced.due_ns.last().copied();
    let until_ns =
        lane.arrivals.iter().map(|arrival| arrival.at_ns).chain(last_due_ns).max().unwrap_or(first_ns);
    if lane.point.pattern.polls() {
        let counts = |request: &&Request| request.to_ns >= first_ns && request.from_ns < until_ns;
        lane.requests.iter().filter(counts).count()
    } else {
        1 + reconnects(lane).iter().filter(|at_ns| (first_ns..=until_ns).contains(*at_ns)).count()
    }
}

/// Which subscriber is shown, and of how many: that of the first lane, because a scenario without a sweep has the
/// same number of subscribers for every pattern.
pub(super) fn place_words(traced: &Traced<'_>) -> String {
    let first = traced.lanes.first().and_then(|lane| Some((lane.point, lane.point.completed().next()?)));
    match first.map(|(point, measured)| (measured.traced_subscriber, point.params.subscribers)) {
        None | Some((_, 0 | 1)) => "Each lane is the only subscriber of its pattern.".to_owned(),
        Some((before, all)) => format!(
            "Each lane is subscriber {} of {}: a pushed event reaches them in the order in which they connected.",
            count(u64::from(before) + 1),
            count(u64::from(all))
        ),
    }
}

/// `20 events`.
pub(super) fn event_words(traced: &Traced<'_>) -> String {
    counted(traced.due_ns.len() as u64, "event", "events")
}

/// Says that later requests are not counted, if the lanes show any.
pub(super) fn later_words(traced: &Traced<'_>) -> &'static str {
    let has_later = |lane: &Lane<'_>| lane.point.pattern.polls() && lane.requests.len() > asked(lane, traced);
    if traced.lanes.iter().any(has_later) {
        " Requests after the last of these events are for later ones, and not counted."
    } else {
        ""
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
fn asked_words(traced: &Traced<'_>) -> String {
    let mut groups: Vec<(usize, Vec<String>)> = Vec::new();
    for lane in &traced.lanes {
        let (asked, label) = (asked(lane, traced), lane.point.pattern.label().to_owned());
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

/// Which pattern delivered the oldest event, and how often each asked.
pub(super) fn title(traced: &Traced<'_>) -> String {
    let aged = traced.lanes.iter().filter_map(|lane| Some((lane, oldest_ms(lane)?)));
    let oldest = aged.max_by(|(_, left), (_, right)| left.total_cmp(right));
    let events = event_words(traced);
    let brought = oldest.map_or_else(
        || events.clone(),
        |(lane, age_ms)| {
            format!(
                "Of these {events} {} delivered the oldest, at an age of {}",
                lane.point.pattern.label(),
                with_unit(age_ms, "ms")
            )
        },
    );
    format!("{brought}. To get them all, {}", asked_words(traced))
}

/// Every lane in words.
pub(super) fn description(traced: &Traced<'_>) -> String {
    let lanes: Vec<String> = traced
        .lanes
        .iter()
        .map(|lane| {
            let oldest = oldest_ms(lane)
                .map_or_else(String::new, |age_ms| format!(", the oldest {} old", with_unit(age_ms, "ms")));
            format!(
                "{}: asked {}, received {} of {}{oldest}",
                lane.point.label(),
                times(asked(lane, traced)),
                lane.arrivals.len(),
                event_words(traced)
            )
        })
        .collect();
    format!(
        "Lanes over time, one per pattern. Vertical lines are the same events, bars are requests, marks are arrivals. {}.",
        lanes.join("; ")
    )
}
