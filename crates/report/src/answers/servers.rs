//! The answers of scenarios with several servers, with a growing rate, and with a floor.

use contract::Pattern;

use super::headline::{headed, listed};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::{
        difference_test::{DifferenceTest, TestResult},
        floor::{floor_of, ratio, ratio_text},
    },
    quantities::{
        Bound, QuantityName,
        saturation::{AGE_BOUND_MS, End, worst_end},
    },
    tables::servers::why_not,
    text::{
        number::{bytes, three_digits},
        sentence::capitalised,
    },
};

/// What a delivery costs on each server, pattern by pattern.
pub(super) fn servers(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    let name = finding.main_cost();
    let groups = by_pattern(finding);
    let mut details: Vec<String> =
        groups.iter().flat_map(|points| of_pattern(finding, name, points)).collect();
    if details.is_empty() {
        return None;
    }
    details.extend(failed(finding));
    Some(headed(ours_and_others(finding, name, &groups), details))
}

/// `our server costs at most 1.08 times the floor; the others cost 1.29 to 4.18 times`, over all patterns: as
/// values where no floor was measured.
fn ours_and_others(finding: &ScenarioFinding, name: QuantityName, groups: &[Vec<&Point>]) -> Vec<String> {
    let points = || groups.iter().flatten().copied();
    let has_floor = points().any(|point| ratio(finding, point, name).is_some());
    let value = |point: &Point| {
        if has_floor { ratio(finding, point, name)?.ratio } else { point.measured(name) }
    };
    let text = |value: f64| if has_floor { three_digits(value) } else { name.text(value) };
    let of = |is_own: bool| -> Vec<f64> {
        points().filter(|point| point.server.is_pushlab() == is_own).filter_map(value).collect()
    };
    let (own, others) = (of(true), of(false));
    let most = |values: &[f64]| values.iter().copied().reduce(f64::max);
    let least = |values: &[f64]| values.iter().copied().reduce(f64::min);
    let times = if has_floor { " times the floor" } else { "" };
    let mut parts = Vec::new();
    parts.extend(most(&own).map(|most| {
        let at_most = if own.len() > 1 { "at most " } else { "" };
        format!("our server costs {at_most}{}{times} in {}", text(most), name.label())
    }));
    parts.extend(least(&others).zip(most(&others)).map(|(least, most)| {
        if text(least) == text(most) {
            format!("the others cost {}{times}", text(most))
        } else {
            format!("the others cost {} to {}{times}", text(least), text(most))
        }
    }));
    if parts.is_empty() {
        parts.push(format!("no server's {} was measured", name.label()));
    }
    parts
}

/// The points of each pattern, the floor left out.
fn by_pattern(finding: &ScenarioFinding) -> Vec<Vec<&Point>> {
    let of = |pattern: Pattern| -> Vec<&Point> {
        let points = finding.points.iter().filter(|point| point.pattern == pattern);
        points.filter(|point| !point.server.is_floor()).collect()
    };
    Pattern::ALL.into_iter().map(of).filter(|points| !points.is_empty()).collect()
}

/// `WebSocket: ours needs 3.40 µs (3.30–3.50) of server CPU per delivery, 1.08 times the floor (1.05–1.11).`, and
/// `WebSocket on the other servers: nchan 1.20 (1.18–1.22), …`.
fn of_pattern(finding: &ScenarioFinding, name: QuantityName, points: &[&Point]) -> Vec<String> {
    let mut known: Vec<&Point> =
        points.iter().copied().filter(|point| point.measured(name).is_some()).collect();
    let cost = |point: &Point| (!point.server.is_pushlab(), point.measured(name).unwrap_or(f64::MAX));
    known.sort_by(|left, right| {
        let ((left_foreign, left), (right_foreign, right)) = (cost(left), cost(right));
        left_foreign.cmp(&right_foreign).then(left.total_cmp(&right))
    });
    let Some((own, others)) = known.split_first() else {
        return Vec::new();
    };
    let value = own.quantity_of(name).measured_with_interval();
    let floor = ratio_text(finding, own, name)
        .map_or_else(String::new, |ratio| format!(", {}", times_the_floor(&ratio)));
    let first = if name == QuantityName::CpuPerEvent {
        format!("{} needs {value} of server CPU per delivery{floor}", server(own))
    } else {
        format!("{} of {} is {value}{floor}", name.label(), server(own))
    };
    let unit = if others.iter().any(|point| ratio_text(finding, point, name).is_some()) {
        ", times the floor"
    } else {
        ""
    };
    let others: Vec<String> = others
        .iter()
        .map(|point| {
            // With a floor the multiples suffice; the table has the values.
            let cost = ratio_text(finding, point, name)
                .unwrap_or_else(|| point.quantity_of(name).measured_with_interval());
            let same = match DifferenceTest::of(finding).result(name, own, point) {
                TestResult::Apart => String::new(),
                TestResult::Alike(why) => format!(" ({})", why.words_from(&server(own))),
            };
            format!("{} {cost}{same}", server(point))
        })
        .collect();
    let pattern = capitalised(own.pattern.label());
    let mut found = vec![format!("{pattern}: {first}.")];
    found.extend(listed(&format!("{pattern} on the other servers{unit}"), &others));
    found
}

/// `1.08 times the floor (1.05–1.11)`.
fn times_the_floor(ratio: &str) -> String {
    times(ratio, "the floor")
}

/// `1.08 times OF (1.05–1.11)`: the interval of the ratio comes last.
fn times(ratio: &str, of: &str) -> String {
    match ratio.split_once(' ') {
        Some((value, interval)) => format!("{value} times {of} {interval}"),
        None => format!("{ratio} times {of}"),
    }
}

/// The lab's own server is "ours"; the others have their names.
fn server(point: &Point) -> String {
    let swept = point.swept.map(|swept| format!(" at {}", swept.text(&point.params)));
    let name = if point.server.is_pushlab() { "ours" } else { point.server.as_str() };
    format!("{name}{}", swept.unwrap_or_default())
}

/// What could not be measured, and why.
fn failed(finding: &ScenarioFinding) -> Option<String> {
    let parts: Vec<String> = finding
        .points
        .iter()
        .filter(|point| point.completed().next().is_none())
        .map(|point| format!("{} {}", point.label(), why_not(point)))
        .collect();
    (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
}

/// The lab's own points with their costs as multiples of the floor.
fn multiples(finding: &ScenarioFinding, name: QuantityName) -> Vec<(&Point, f64)> {
    let own = finding.points.iter().filter(|point| point.server.is_pushlab());
    let with_floor = own.filter(|point| floor_of(&finding.points, point).is_some());
    with_floor.filter_map(|point| Some((point, ratio(finding, point, name)?.ratio?))).collect()
}

/// Costs as multiples of the floor; empty without one.
pub(super) fn floors(finding: &ScenarioFinding, name: QuantityName) -> Vec<String> {
    let items: Vec<String> = multiples(finding, name)
        .into_iter()
        .filter_map(|(point, _)| {
            Some(format!("{} {}", point.label(), times_the_floor(&ratio_text(finding, point, name)?)))
        })
        .collect();
    listed(&format!("{}, compared with the floor (lower bound)", name.label()), &items)
}

/// How close the patterns come to the floor; none without one.
pub(super) fn floor_headline(finding: &ScenarioFinding) -> Option<String> {
    let name = finding.main_cost();
    let mut known = multiples(finding, name);
    known.sort_by(|(_, left), (_, right)| left.total_cmp(right));
    let (closest, least) = known.first()?;
    let (farthest, most) = known.last()?;
    let (closest, farthest) = (closest.pattern.label(), farthest.pattern.label());
    let (least, most) = (three_digits(*least), three_digits(*most));
    Some(if known.len() == 1 {
        format!("{} costs {least} times the floor in {}.", capitalised(closest), name.label())
    } else if least == most {
        format!("Every pattern costs {least} times the floor in {}.", name.label())
    } else {
        format!(
            "{} comes closest to the floor, with {least} times its {}; {farthest} costs the most, {most} times.",
            capitalised(closest),
            name.label()
        )
    })
}

/// `An empty poll costs the server 17.0 µs and 207 B; its CPU is 1.75 times the floor.`; none unless the question is
/// about the server's CPU per request, and most requests bring nothing.
pub(super) fn empty_polls(finding: &ScenarioFinding, points: &[&Point]) -> Option<String> {
    let name = QuantityName::CpuPerRequest;
    let [point] = points else { return None };
    let empty = point.measured(QuantityName::EmptyRatio)?;
    if finding.primary() != Some(name) || empty < 0.5 {
        return None;
    }
    let polls = point.measured(QuantityName::RequestsPerEvent)? * empty;
    let per_poll = point.measured(QuantityName::EmptyPollBytesPerEvent).filter(|_| polls > 0.0);
    let moved = per_poll.map_or_else(String::new, |all| format!(" and {}", bytes(all / polls)));
    let floor = ratio(finding, point, name)
        .and_then(|found| found.ratio)
        .map_or_else(String::new, |ratio| format!("; its CPU is {} times the floor", three_digits(ratio)));
    let cpu = point.quantity_of(name).measured_text();
    Some(format!("An empty poll costs the server {cpu}{moved}{floor}."))
}

/// Up to which rate ages stayed within their bound.
pub(super) fn saturation(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    let name = QuantityName::SaturationDeliveries;
    let known = |point: &&Point| point.measured(name).is_some();
    let rate = |point: &Point| point.measured(name).unwrap_or(0.0);
    let mut details = Vec::new();
    let mut all: Vec<&Point> = Vec::new();
    for mut points in by_pattern(finding) {
        points.retain(known);
        points.sort_by(|left, right| {
            let foreign = |point: &Point| !point.server.is_pushlab();
            foreign(left).cmp(&foreign(right)).then(rate(right).total_cmp(&rate(left)))
        });
        details.extend(climbs(finding, &points));
        all.extend(points);
    }
    if all.is_empty() {
        return None;
    }
    let bound = QuantityName::AgeP99.text(AGE_BOUND_MS);
    let mut conditions =
        vec![format!("Up to these deliveries per second the age at p99 stayed within {bound}.")];
    conditions.extend(details);
    for (end, words) in [
        (End::HarnessFull, "the harness's CPU was full before the server's, so the server can do more"),
        (
            End::NeitherFull,
            "ages grew although neither server nor harness was seen full, so something else was the limit",
        ),
    ] {
        let ended = all.iter().filter(|point| worst_end(point.completed()) == Some(end));
        let labels: Vec<String> = ended.map(|point| point.label()).collect();
        conditions.extend(listed(words, &labels));
    }
    for point in finding.points.iter().filter(|point| !point.server.is_floor()) {
        conditions.extend(point.missing(name).map(|reason| format!("{}: {reason}.", point.label())));
    }
    let costs: Vec<String> = all
        .iter()
        .filter(|point| point.server.is_pushlab())
        .filter_map(|point| {
            let name = QuantityName::SaturationCpuPerEvent;
            point.measured(name)?;
            let floor = ratio_text(finding, point, name)
                .map_or_else(String::new, |ratio| format!(", {}", times_the_floor(&ratio)));
            let value = point.quantity_of(name).measured_with_interval();
            Some(format!("{} {value}{floor}", point.label()))
        })
        .collect();
    conditions.extend(listed("CPU per delivery of our server just before saturation", &costs));
    conditions.extend(failed(finding));
    Some(headed(limits(&all), conditions))
}

/// `our server falls behind at 67,300 deliveries/s with SSE and at 80,000 with WebSocket`.
fn limits(points: &[&Point]) -> Vec<String> {
    let name = QuantityName::SaturationDeliveries;
    let mut own: Vec<&Point> = points.iter().copied().filter(|point| point.server.is_pushlab()).collect();
    let rate = |point: &Point| point.measured(name).unwrap_or(0.0);
    own.sort_by(|left, right| rate(left).total_cmp(&rate(right)));
    let at = |point: &Point| match point.quantity_of(name).bound {
        Bound::Exact => format!("at {}", name.text(rate(point))),
        Bound::AtLeast => format!("above {}", name.lower_bound_text(rate(point))),
    };
    let mut parts = Vec::new();
    match own.as_slice() {
        [] => {}
        [only] => parts.push(format!(
            "with {} our server falls behind {} deliveries a second",
            only.pattern.label(),
            at(only)
        )),
        [first, .., last] => parts.push(format!(
            "our server falls behind {} deliveries a second with {}, and {} with {}",
            at(first),
            first.pattern.label(),
            at(last),
            last.pattern.label()
        )),
    }
    let others = points.iter().copied().filter(|point| !point.server.is_pushlab());
    let best = others.max_by(|left, right| rate(left).total_cmp(&rate(right)));
    parts.extend(best.map(|best| {
        format!(
            "the best other server, {} with {}, falls behind {}",
            best.server,
            best.pattern.label(),
            at(best)
        )
    }));
    parts
}

/// The servers of one pattern: ours with its multiple of the floor, the others with their rates.
fn climbs(finding: &ScenarioFinding, points: &[&Point]) -> Vec<String> {
    let Some((first, others)) = points.split_first() else {
        return Vec::new();
    };
    let floor = ratio_text(finding, first, QuantityName::SaturationDeliveries)
        .map_or_else(String::new, |ratio| format!(", {}", times(&ratio, "what the floor reached")));
    let mut found = vec![format!("{} {}{floor}.", capitalised(&first.label()), climb(first))];
    let others: Vec<String> =
        others.iter().map(|point| format!("{} {}", server(point), climb(point))).collect();
    found.extend(listed(&format!("{} on the other servers", first.pattern.label()), &others));
    found
}

/// `153,000 (143,000–163,000)`, or `more than 153,000` and why.
fn climb(point: &Point) -> String {
    let quantity = point.quantity_of(QuantityName::SaturationDeliveries);
    let interval = quantity.interval_text().map_or_else(String::new, |text| format!(" ({text})"));
    match quantity.bound {
        Bound::Exact => {
            let value = quantity.measured.map_or_else(String::new, |value| quantity.name.text(value));
            format!("{value}{interval}")
        }
        Bound::AtLeast => {
            let value =
                quantity.measured.map_or_else(String::new, |value| quantity.name.lower_bound_text(value));
            let there = match worst_end(point.completed()) {
                Some(End::HarnessFull) => "the harness was full",
                Some(End::NeitherFull) => "neither server nor harness was seen full",
                Some(End::RampEnded | End::Knee) | None => "the rate grew no further",
            };
            format!("more than {value} (there {there})")
        }
    }
}
