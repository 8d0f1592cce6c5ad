//! The answers of scenarios with several servers, with a growing rate, and with ablations.

use contract::{Ablation, Pattern};

use super::words::fewest_blocks;
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::{
        difference_test::{DifferenceTest, TestResult, beyond_scatter},
        floor::{floor_of, ratio_text},
        ladder::{above, costs_words, step, with_ablation},
    },
    quantities::{Bound, QuantityName},
    tables::servers::why_not,
    text::{
        number::list,
        sentence::{capitalised, further},
    },
    trials::saturation::{AGE_BOUND_MS, End, worst_end},
};

/// What a delivery costs on each server, pattern by pattern.
pub(super) fn servers(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    let name = finding.main_cost();
    let parts: Vec<String> =
        by_pattern(finding).into_iter().filter_map(|points| of_pattern(finding, name, &points)).collect();
    (!parts.is_empty()).then(|| (parts.join(" "), failed(finding).into_iter().collect()))
}

/// The points of each pattern, the floor left out.
fn by_pattern(finding: &ScenarioFinding) -> Vec<Vec<&Point>> {
    let of = |pattern: Pattern| -> Vec<&Point> {
        let points = finding.points.iter().filter(|point| point.pattern == pattern);
        points.filter(|point| !point.server.is_floor()).collect()
    };
    Pattern::ALL.into_iter().map(of).filter(|points| !points.is_empty()).collect()
}

/// `WebSocket: ours needs 3.40 µs (3.30–3.50) of server CPU per delivery, 1.08 times the floor
/// (1.05–1.11); nchan 1.20 (1.18–1.22), …`.
fn of_pattern(finding: &ScenarioFinding, name: QuantityName, points: &[&Point]) -> Option<String> {
    let mut known: Vec<&Point> =
        points.iter().copied().filter(|point| point.measured(name).is_some()).collect();
    let cost = |point: &Point| (!point.server.is_pushlab(), point.measured(name).unwrap_or(f64::MAX));
    known.sort_by(|left, right| {
        let ((left_foreign, left), (right_foreign, right)) = (cost(left), cost(right));
        left_foreign.cmp(&right_foreign).then(left.total_cmp(&right))
    });
    let (own, others) = known.split_first()?;
    let value = own.quantity_of(name).measured_with_interval();
    let floor = ratio_text(finding, own, name)
        .map_or_else(String::new, |ratio| format!(", {}", times_the_floor(&ratio)));
    let first = if name == QuantityName::CpuPerEvent {
        format!("{} needs {value} of server CPU per delivery{floor}", server(own))
    } else {
        format!("{} of {} is {value}{floor}", name.label(), server(own))
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
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    Some(format!("{}: {first}{others}.", capitalised(own.pattern.label())))
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

/// Costs as multiples of the floor; none without one.
pub(super) fn floors(finding: &ScenarioFinding, name: QuantityName) -> Option<String> {
    let parts: Vec<String> = finding
        .points
        .iter()
        .filter(|point| point.server.is_pushlab() && floor_of(&finding.points, point).is_some())
        .filter_map(|point| {
            let ratio = ratio_text(finding, point, name)?;
            Some(format!("{} {}", point.label(), times_the_floor(&ratio)))
        })
        .collect();
    (!parts.is_empty()).then(|| {
        format!("{}, compared with the floor (lower bound): {}.", capitalised(name.label()), list(&parts))
    })
}

/// Up to which rate ages stayed within their bound.
pub(super) fn saturation(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    let name = QuantityName::SaturationDeliveries;
    let known = |point: &&Point| point.measured(name).is_some();
    let rate = |point: &Point| point.measured(name).unwrap_or(0.0);
    let mut parts = Vec::new();
    let mut all: Vec<&Point> = Vec::new();
    for mut points in by_pattern(finding) {
        points.retain(known);
        points.sort_by(|left, right| {
            let foreign = |point: &Point| !point.server.is_pushlab();
            foreign(left).cmp(&foreign(right)).then(rate(right).total_cmp(&rate(left)))
        });
        parts.extend(climbs(finding, &points));
        all.extend(points);
    }
    if parts.is_empty() {
        return None;
    }
    let sentence = format!(
        "Age at p99 stayed within {} up to these deliveries per second: {}{}.",
        QuantityName::AgeP99.text(AGE_BOUND_MS),
        parts[0],
        further(&parts[1..])
    );
    let mut conditions = Vec::new();
    for (end, words) in [
        (
            End::HarnessFull,
            "the harness's CPU was full before the server's: this is the harness's saturation, and the server can do more",
        ),
        (
            End::NeitherFull,
            "ages grew although neither the server's core nor the harness's was seen full: something else was the limit, and the server may do more",
        ),
    ] {
        let ended = all.iter().filter(|point| worst_end(point.completed()) == Some(end));
        let labels: Vec<String> = ended.map(|point| point.label()).collect();
        if !labels.is_empty() {
            conditions.push(format!("For {} {words}.", list(&labels)));
        }
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
    if !costs.is_empty() {
        conditions
            .push(format!("CPU per delivery of our server just before saturation: {}.", costs.join("; ")));
    }
    conditions.extend(failed(finding));
    Some((sentence, conditions))
}

/// The servers of one pattern: ours with its multiple of the floor, the others with their rates.
fn climbs(finding: &ScenarioFinding, points: &[&Point]) -> Option<String> {
    let (first, others) = points.split_first()?;
    let floor = ratio_text(finding, first, QuantityName::SaturationDeliveries)
        .map_or_else(String::new, |ratio| format!(", {}", times(&ratio, "what the floor reached")));
    let others: Vec<String> =
        others.iter().map(|point| format!(", {} {}", server(point), climb(point))).collect();
    Some(format!("{} {}{floor}{}", first.label(), climb(first), others.concat()))
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

/// What each ablation of the server adds to the cost of a delivery; one sentence per pattern.
pub(super) fn ladder(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    let points: Vec<&Point> = finding.points.iter().filter(|point| point.server.is_pushlab()).collect();
    let mut parts: Vec<String> =
        Pattern::ALL.into_iter().filter_map(|pattern| ablations(&points, pattern)).collect();
    (!parts.is_empty()).then(|| (parts.remove(0), parts))
}

fn ablations(points: &[&Point], pattern: Pattern) -> Option<String> {
    let name = QuantityName::CpuPerEvent;
    let best = with_ablation(points, pattern, Ablation::Best)?;
    let parts: Vec<String> = Ablation::ALL
        .into_iter()
        .filter_map(|ablation| {
            let point = with_ablation(points, pattern, ablation)?;
            let than = with_ablation(points, pattern, above(ablation)?);
            let than = than.unwrap_or(best);
            let step = step(name, point, than)?;
            let size = step.size_text("µs");
            Some(match (step.interval, step.is_shown()) {
                (None, _) => {
                    let few = fewest_blocks(&[point, than]).unwrap_or("these blocks");
                    let apart = beyond_scatter(name, point.measured(name)?, than.measured(name)?);
                    let not = if apart { "" } else { "not told apart " };
                    format!("{}: {} µs, {not}by {few}", costs_words(ablation), step.signed_text())
                }
                (Some(_), false) => {
                    format!("{} shows no added cost, {}", costs_words(ablation), step.signed_text())
                }
                (Some(_), true) if step.more < 0.0 => format!("{} saves {size}", costs_words(ablation)),
                (Some(_), true) => format!("{} costs {size} more", costs_words(ablation)),
            })
        })
        .collect();
    let first = format!(
        "{} takes {} of server CPU per delivery with the shared writer",
        pattern.label(),
        best.quantity_of(name).measured_with_interval()
    );
    (!parts.is_empty()).then(|| format!("{}{}.", capitalised(&first), further(&parts)))
}
