//! The answers of scenarios that vary the network between subscriber and server.

use std::collections::BTreeMap;

use contract::{Heartbeat, Pattern, Transport};

use super::{
    headline::{headed, listed},
    order::order,
    words::{patterns, span, verb},
};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::{
        difference_test::{DifferenceTest, TestResult},
        one_way_delays::{Growth, ONE_WAY_DELAY_EXPLAINED, growths},
    },
    quantities::{Bound, QuantityName},
    tables::{
        heartbeats::{cheapest, of_pattern, survives},
        obstacles::{ConnectionTrouble, lost},
    },
    text::{
        network_words::heartbeat_mark,
        number::{count, list, period_ms, setting, three_digits, times, with_unit},
        sentence::capitalised,
        swept::SweepParameter,
    },
};

/// With which heartbeats a stream is never cut, and which of these costs the fewest bytes.
pub(super) fn heartbeats(
    finding: &ScenarioFinding,
    difference_test: DifferenceTest<'_>,
) -> Option<(String, Vec<String>)> {
    let with_heartbeats = |pattern: &Pattern| SweepParameter::Heartbeat.concerns(*pattern);
    let pushed: Vec<(Pattern, Vec<&Point>)> = Pattern::ALL
        .into_iter()
        .filter(with_heartbeats)
        .map(|pattern| (pattern, of_pattern(finding, pattern)))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    if pushed.is_empty() {
        return None;
    }
    let mut details: Vec<String> =
        pushed.iter().flat_map(|(pattern, points)| heartbeat(*pattern, points, difference_test)).collect();
    details.extend(Pattern::ALL.into_iter().filter(|pattern| !with_heartbeats(pattern)).filter_map(
        |pattern| {
            let points = of_pattern(finding, pattern);
            let point = points.first()?;
            Some(format!("{} has no heartbeat: {}.", capitalised(pattern.label()), cut_words(point)))
        },
    ));
    Some(headed(advice(finding, &pushed), details))
}

/// `behind a 2 s idle timeout, send a heartbeat when idle for 1 s: no stream is cut`, and how many times the bytes it
/// costs to be cut instead.
fn advice(finding: &ScenarioFinding, pushed: &[(Pattern, Vec<&Point>)]) -> Vec<String> {
    let best: Vec<(Pattern, Option<&Point>)> =
        pushed.iter().map(|(pattern, points)| (*pattern, cheapest(points))).collect();
    let known: Vec<&Point> = best.iter().filter_map(|(_, point)| *point).collect();
    let timeout = finding.scenario.network.and_then(|network| network.idle_timeout);
    let behind = timeout.map_or_else(String::new, |timeout| {
        format!("behind a {} idle timeout, ", period_ms(timeout.milliseconds()))
    });
    let mut parts = Vec::new();
    let heartbeat = |point: &Point| point.params.heartbeat.unwrap_or_default();
    let mut marks: Vec<Heartbeat> = known.iter().map(|point| heartbeat(point)).collect();
    marks.dedup();
    for mark in marks {
        let of: Vec<&Point> = known.iter().copied().filter(|point| heartbeat(point) == mark).collect();
        let whose = if of.len() == pushed.len() { String::new() } else { format!(" for {}", patterns(&of)) };
        match mark {
            Heartbeat::Off => parts.push(format!("without a heartbeat no stream is cut{whose}")),
            Heartbeat::Every(_) | Heartbeat::WhenIdle(_) => {
                let mark = heartbeat_mark(mark);
                parts.push(format!("{behind}send a heartbeat {mark}{whose}: no stream is cut"));
                parts.extend(price_of_being_cut(&of, pushed).map(|price| format!("{price}{whose}")));
            }
        }
    }
    for (pattern, _) in best.iter().filter(|(_, point)| point.is_none()) {
        parts.push(format!("none of these heartbeats keeps every {} stream open", pattern.label()));
    }
    parts
}

/// `cut streams cost at least 1.90 times the bytes`; none if no stream is cut, or if being cut is cheaper.
fn price_of_being_cut(best: &[&Point], pushed: &[(Pattern, Vec<&Point>)]) -> Option<String> {
    let bytes = |point: &Point| point.measured(QuantityName::BytesPerEvent).filter(|bytes| *bytes > 0.0);
    let ratios = best.iter().filter_map(|point| {
        let (_, points) = pushed.iter().find(|(pattern, _)| *pattern == point.pattern)?;
        let cut = points.iter().find(|point| !survives(point) && bytes(point).is_some())?;
        Some(bytes(cut)? / bytes(point)?)
    });
    let least = ratios.reduce(f64::min).filter(|least| *least > 1.0)?;
    let at_least = if best.len() > 1 { "at least " } else { "" };
    Some(format!("cut streams cost {at_least}{} the bytes", times(least)))
}

/// `SSE, heartbeat off: cut 120 times, nothing lost, 140 B per event.`, the cheapest, and the others that are never
/// cut.
fn heartbeat(pattern: Pattern, points: &[&Point], difference_test: DifferenceTest<'_>) -> Vec<String> {
    debug_assert!(points.iter().all(|point| point.pattern == pattern), "points of one pattern");
    let label = pattern.label();
    let mut found = vec![match points.iter().find(|point| !survives(point)) {
        Some(cut) => format!("{}: {}.", cut.label(), cut_words(cut)),
        None => format!("{} is never cut with any of these heartbeats.", capitalised(label)),
    }];
    let Some(cheapest) = cheapest(points) else {
        return found;
    };
    let name = QuantityName::BytesPerEvent;
    let bytes = |point: &Point| point.quantity_of(name).measured_with_interval();
    found.push(format!(
        "The cheapest of {label} that is never cut is {}, with {} per event.",
        SweepParameter::Heartbeat.text(&cheapest.params),
        bytes(cheapest)
    ));
    let survivors = points.iter().filter(|point| survives(point) && !std::ptr::eq(**point, cheapest));
    let others: Vec<String> = survivors
        .map(|point| {
            let same = match (point.valid, difference_test.result(name, cheapest, point)) {
                (false, _) => " (not valid)".to_owned(),
                (true, TestResult::Alike(why)) => format!(" ({})", why.words()),
                (true, TestResult::Apart) => String::new(),
            };
            format!("{} {}{same}", SweepParameter::Heartbeat.text(&point.params), bytes(point))
        })
        .collect();
    found.extend(listed(&format!("{label} is also never cut with"), &others));
    found
}

fn cut_words(point: &Point) -> String {
    let trouble = ConnectionTrouble::of(point);
    let cut = match trouble.reconnects {
        0 => "never cut".to_owned(),
        1 => "cut once".to_owned(),
        times => format!("cut {} times", count(times)),
    };
    let lost = match (trouble.reconnects, lost(point)) {
        (0, (0, _)) => "nothing lost".to_owned(),
        (_, (0, _)) => "and resumed with nothing lost".to_owned(),
        (_, (lost, all)) => format!("with {} of {} deliveries lost", count(lost), count(all)),
    };
    let bytes = point.quantity_of(QuantityName::BytesPerEvent);
    let price = bytes.measured.map(|_| format!(", {} per event", bytes.measured_with_interval()));
    let joint = if lost.starts_with("and") || lost.starts_with("with") { " " } else { ", " };
    format!("{cut}{joint}{lost}{}", price.unwrap_or_default())
}

/// How many subscribers the server's limit leaves without a stream, and whether they see an error.
pub(super) fn stream_limits(points: &[&Point]) -> Option<(String, Vec<String>)> {
    let mut parts = Vec::new();
    let mut details = Vec::new();
    let mut served = Vec::new();
    for point in points {
        let limit = SweepParameter::MaxStreams.text(&point.params);
        let away = point.completed().map(|trial| trial.never_connected).max().unwrap_or_default();
        if away == 0 {
            served.push(format!("with {limit}"));
            continue;
        }
        let result = match ConnectionTrouble::of(point).error_counts.first() {
            None => "see no error".to_owned(),
            Some(error_count) => format!("see {}", error_count.what),
        };
        parts.push(format!(
            "with {limit}, {} of {} {} subscribers never get a stream and {result}",
            count(away),
            count(u64::from(point.params.subscribers)),
            point.pattern.label(),
        ));
        let (lost, all) = lost(point);
        details.push(format!("With {limit}, {} of {} deliveries never came.", count(lost), count(all)));
    }
    if !served.is_empty() {
        let all = format!("{} every subscriber is served", list(&served));
        if parts.is_empty() {
            parts.push(all);
        } else {
            details.push(format!("{}.", capitalised(&all)));
        }
    }
    (!parts.is_empty()).then(|| headed(parts, details))
}

/// What each transport costs to connect, and then per event, against the first.
pub(super) fn transports(points: &[&Point]) -> Option<(String, Vec<String>)> {
    let mut details = Vec::new();
    for point in points {
        let result = |name: QuantityName, before: &str, after: &str| {
            let quantity = point.quantity_of(name);
            quantity.measured.map(|_| format!("{before}{}{after}", quantity.measured_with_interval()))
        };
        let held = point.measured(QuantityName::SocketsHeld);
        let costs: Vec<String> = [
            result(QuantityName::ConnectP50, "set up in ", " at p50"),
            result(QuantityName::ConnectBytes, "", " to connect"),
            result(QuantityName::BytesPerEvent, "", " per event"),
            held.map(|held| {
                format!("on {} {}", setting(held), if held == 1.0 { "connection" } else { "connections" })
            }),
        ]
        .into_iter()
        .flatten()
        .collect();
        let transport = SweepParameter::Transport.text(&point.params);
        details.push(format!(
            "{} over {transport}: {}.",
            capitalised(point.pattern.label()),
            costs.join(", ")
        ));
    }
    if details.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    let costs: Vec<String> = [Transport::Http1Tls, Transport::Http2]
        .into_iter()
        .filter_map(|transport| {
            let most =
                ratios(points, transport, QuantityName::ConnectBytes).into_iter().map(|(_, ratio)| ratio);
            let most = three_digits(most.reduce(f64::max)?);
            Some(match transport {
                Transport::Http1 => return None,
                Transport::Http1Tls => format!("{most} times the bytes with TLS"),
                Transport::Http2 => format!("{most} times with HTTP/2"),
            })
        })
        .collect();
    if !costs.is_empty() {
        parts.push(format!("connecting costs up to {}", list(&costs)));
    }
    let saved: Vec<&Point> = ratios(points, Transport::Http2, QuantityName::BytesPerEvent)
        .into_iter()
        .filter(|(_, ratio)| *ratio < 0.9)
        .map(|(point, _)| point)
        .collect();
    if points.iter().any(|point| point.params.transport == Transport::Http2) {
        let sockets = ratios(points, Transport::Http2, QuantityName::SocketsHeld);
        let shares = sockets.iter().any(|(_, ratio)| *ratio < 0.9);
        let bytes = format!("bytes per event for {}", patterns(&saved));
        parts.push(match (shares, saved.is_empty()) {
            (true, true) => "HTTP/2 saves connections, but no bytes per event".to_owned(),
            (true, false) => format!("HTTP/2 saves connections, and {bytes}"),
            (false, true) => "HTTP/2 saves neither connections nor bytes per event".to_owned(),
            (false, false) => format!("HTTP/2 saves {bytes}"),
        });
    }
    if parts.is_empty() {
        parts.push("one transport was measured".to_owned());
    }
    Some(headed(parts, details))
}

/// The points over a transport with their value ÷ that of the same pattern over plain HTTP/1.1.
fn ratios<'a>(points: &[&'a Point], transport: Transport, name: QuantityName) -> Vec<(&'a Point, f64)> {
    let plain = |of: &Point| {
        let is_plain =
            |point: &&&Point| point.pattern == of.pattern && point.params.transport == Transport::Http1;
        points.iter().find(is_plain).and_then(|point| point.measured(name)).filter(|value| *value > 0.0)
    };
    let over = points.iter().filter(|point| point.params.transport == transport);
    over.filter_map(|point| Some((*point, point.measured(name)? / plain(point)?))).collect()
}

/// By how many one-way delays each pattern's age grows.
pub(super) fn delays(
    difference_test: DifferenceTest<'_>,
    points: &[&Point],
) -> Option<(String, Vec<String>)> {
    let mean = QuantityName::AgeMean;
    let growths = growths(points, mean);
    if growths.is_empty() {
        return None;
    }
    let values = || points.iter().filter_map(|point| Some((point.params.rtt_ms?, point)));
    let (_, nearest) = values().min_by(|(left, _), (right, _)| left.total_cmp(right))?;
    let (farthest_ms, farthest) = values().max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    let grows: Vec<String> = growths
        .iter()
        .map(|growth| {
            let model = growth.predicted.map_or_else(String::new, |predicted| {
                format!(" (model {})", three_digits(predicted / ONE_WAY_DELAY_EXPLAINED))
            });
            format!("{}{model}", growth.one_way_delays())
        })
        .collect();
    let at_the_end = |name: QuantityName| -> Vec<String> {
        points
            .iter()
            .filter(|point| point.params.rtt_ms == Some(farthest_ms) && point.measured(name).is_some())
            .map(|point| {
                format!("{} {}", point.pattern.label(), point.quantity_of(name).measured_with_interval())
            })
            .collect()
    };
    let range =
        span(&SweepParameter::Rtt.text(&nearest.params), &SweepParameter::Rtt.text(&farthest.params), "to");
    let mut details = listed(&format!("from {range} mean age grows by this many one-way delays"), &grows);
    for name in [mean, QuantityName::AgeP99] {
        details.extend(listed(&format!("{} at the longest round trip", name.label()), &at_the_end(name)));
    }
    let mut series = BTreeMap::<Pattern, Vec<&Point>>::new();
    for point in points {
        series.entry(point.pattern).or_default().push(point);
    }
    let order = order(mean, &series, difference_test);
    details.extend(
        order.into_iter().chain(off_the_model(points)).map(|text| format!("{}.", capitalised(&text))),
    );
    Some(headed(waits(growths), details))
}

/// `short polling, SSE and WebSocket wait one one-way delay; long polling waits 1.24`: as far as two digits tell.
fn waits(mut growths: Vec<Growth>) -> Vec<String> {
    let delays = |growth: &Growth| growth.measured / ONE_WAY_DELAY_EXPLAINED;
    growths.sort_by(|left, right| delays(left).total_cmp(&delays(right)));
    let Some(least) = growths.first().map(delays) else { return Vec::new() };
    let (mut low, high): (Vec<Growth>, Vec<Growth>) =
        growths.into_iter().partition(|growth| delays(growth) < least + 0.1);
    low.sort_by_key(|growth| growth.pattern);
    let names =
        |of: &[Growth]| list(&of.iter().map(|growth| growth.pattern.label().to_owned()).collect::<Vec<_>>());
    let delay = if (0.95..1.05).contains(&least) {
        "one one-way delay".to_owned()
    } else {
        format!("about {} one-way delays", three_digits(least))
    };
    let mut text = format!("events wait {delay} with {}", names(&low));
    if let Some(most) = high.last() {
        text.push_str(&format!(
            "; {} waits the longest, {} delays",
            most.pattern.label(),
            three_digits(delays(most))
        ));
    }
    let mut parts = vec![text];
    if let [between @ .., _] = high.as_slice()
        && !between.is_empty()
    {
        parts.push(format!("{} {} in between", names(between), verb(between.len(), "is", "are")));
    }
    parts
}

/// Where measurement and model differ most.
fn off_the_model(points: &[&Point]) -> Option<String> {
    let name = QuantityName::AgeMean;
    let gap = |point: &Point| {
        let quantity = point.quantity_of(name);
        let exact = quantity.bound == Bound::Exact;
        quantity
            .measured
            .zip(quantity.predicted)
            .filter(|_| exact)
            .map(|(measured, predicted)| measured - predicted)
    };
    let known = points.iter().filter_map(|point| Some((gap(point)?, point)));
    let (gap, point) = known.max_by(|(left, _), (right, _)| left.abs().total_cmp(&right.abs()))?;
    let side = if gap >= 0.0 { "above" } else { "below" };
    Some(format!(
        "the mean age farthest from the replayed model is that of {}: {} {side} it",
        point.label(),
        with_unit(gap.abs(), "ms")
    ))
}
