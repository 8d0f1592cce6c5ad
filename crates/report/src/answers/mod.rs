//! The answer to a scenario's question: which pattern, by how much, at what cost, and when that changes.
//!
//! Every sentence is built from the findings, so another run gives another sentence. Where four blocks or
//! more do not tell two values apart, the sentence says "no difference shown". With fewer blocks it says
//! "not told apart by one run" (or two, or three blocks).

use contract::Arrivals;

mod browser;
mod connections;
mod flips;
mod network;
mod order;
mod servers;
mod sides;
pub(crate) mod sweep;
pub(crate) mod words;

use flips::conditions;
use words::{labels, values};

use crate::{
    findings::{Answer, Point, ScenarioFinding},
    judgement::difference_test::DifferenceTest,
    quantities::{Bound, QuantityName},
    text::{
        number::{list, three_digits, times},
        sentence::{capitalised, sentences},
        swept::SweepParameter,
    },
};

/// Answers a scenario's question from its points.
pub(crate) fn answer(finding: &ScenarioFinding) -> Answer {
    let measured = |point: &&Point| point.completed().next().is_some() && point.server.is_pushlab();
    let points: Vec<&Point> = finding.points.iter().filter(measured).collect();
    let difference_test = DifferenceTest::of(finding);
    let connections = if finding.scenario.memory_steps.is_empty() {
        None
    } else {
        connections::answer(difference_test, &points)
    };
    let by_server = if finding.is_ramp() {
        servers::saturation(finding)
    } else if finding.has_foreign() {
        servers::servers(finding)
    } else if SweepParameter::of(&finding.scenario) == Some(SweepParameter::Ablation) {
        servers::ladder(finding)
    } else {
        None
    };
    let special =
        browser::answer(finding).or_else(|| Some((browser::not_run(finding)?, vec![]))).or_else(|| {
            match SweepParameter::of(&finding.scenario)? {
                SweepParameter::Network => network::obstacles(finding),
                SweepParameter::Heartbeat => network::heartbeats(finding, difference_test),
                SweepParameter::Rtt => network::delays(difference_test, &points),
                SweepParameter::Transport => network::transports(&points),
                SweepParameter::MaxStreams => network::stream_limits(&points),
                SweepParameter::Subscribers
                | SweepParameter::Rate
                | SweepParameter::Payload
                | SweepParameter::PollInterval
                | SweepParameter::Hold
                | SweepParameter::Client
                | SweepParameter::KeepAlive
                | SweepParameter::Side
                | SweepParameter::Ablation
                | SweepParameter::StreamsPerConnection => None,
            }
        });
    let (sentence, mut conditions) = match SweepParameter::of(&finding.scenario) {
        _ if by_server.is_some() => by_server.unwrap_or_default(),
        _ if special.is_some() => special.unwrap_or_default(),
        _ if points.is_empty() => ("No trial of this question was completed.".to_owned(), vec![]),
        _ if connections.is_some() => connections.unwrap_or_default(),
        _ if finding.scenario.events == Arrivals::Silence => (silence(&points), vec![]),
        Some(SweepParameter::Side) if points.len() > 1 => sides::answer(finding),
        Some(swept) if points.len() > 1 => sweep::answer(swept, difference_test, &points),
        Some(_) | None => comparison(difference_test, finding.primary(), &points),
    };
    let mut sentence = sentence;
    if !finding.has_foreign()
        && !finding.is_ramp()
        && let Some(floors) = servers::floors(finding, finding.main_cost())
    {
        if finding.primary() == Some(finding.main_cost()) {
            // The question asks for the multiple of the floor, so that comes first.
            conditions.insert(0, std::mem::replace(&mut sentence, floors));
        } else {
            conditions.push(floors);
        }
    }
    Answer { scenario: finding.scenario.name.clone(), sentence, conditions }
}

fn silence(points: &[&Point]) -> String {
    let parts: Vec<String> = points
        .iter()
        .filter_map(|point| {
            let requests = point.measured(QuantityName::RequestsPerSubscriber)?;
            Some(format!("{} {}", point.label(), three_digits(requests)))
        })
        .collect();
    format!("Without any event, a subscriber sent this many requests in all: {}.", list(&parts))
}

/// Several patterns at one setting.
fn comparison(
    difference_test: DifferenceTest<'_>,
    primary: Option<QuantityName>,
    points: &[&Point],
) -> (String, Vec<String>) {
    // An age always comes first: the one that the scenario asks for, else p99.
    let (name, at) = match primary {
        Some(QuantityName::AgeMean) => (QuantityName::AgeMean, "on average"),
        Some(QuantityName::AgeP50) => (QuantityName::AgeP50, "at p50"),
        Some(_) | None => (QuantityName::AgeP99, "at p99"),
    };
    let mut timed: Vec<&Point> = points
        .iter()
        .copied()
        .filter(|point| {
            let age = point.quantity_of(name);
            age.measured.is_some() && age.bound == Bound::Exact
        })
        .collect();
    let age = |point: &Point| point.measured(name).unwrap_or(f64::MAX);
    timed.sort_by(|left, right| age(left).total_cmp(&age(right)));
    let Some(freshest) = timed.first().copied() else {
        return (format!("No pattern has an age {at}: too many events were lost, or none arrived."), vec![]);
    };
    let (mut near, behind): (Vec<&Point>, Vec<&Point>) =
        timed.iter().copied().partition(|point| difference_test.same(name, freshest, point));
    near.sort_by_key(|point| point.pattern);
    let mut parts = vec![format!(
        "{} delivered an event in {} {at}{}{}",
        labels(&near),
        values(name, &near),
        alike(difference_test, name, freshest, &near),
        not_excluded(difference_test, name, &near)
    )];
    parts.extend(slower(difference_test, name, freshest, &behind));
    for point in points {
        if point.quantity_of(name).bound == Bound::AtLeast {
            parts.push(format!(
                "{} lost so many events that its age {at} is only known to be over {}",
                point.label(),
                name.lower_bound_text(age(point))
            ));
        }
    }
    parts.extend(price(difference_test, points));
    let mut conditions = conditions(points);
    if !conditions.is_empty() {
        parts.push(conditions.remove(0));
    }
    let conditions = conditions.iter().map(|condition| format!("{}.", capitalised(condition))).collect();
    (sentences(&parts), conditions)
}

/// `: no difference shown`, after the values of points that are not told apart from the first; empty for a
/// single point.
fn alike(difference_test: DifferenceTest<'_>, name: QuantityName, first: &Point, near: &[&Point]) -> String {
    if near.len() < 2 {
        return String::new();
    }
    let same = |left: &&Point| near.iter().all(|right| difference_test.same(name, left, right));
    if near.iter().all(same) {
        format!(": {}", difference_test.alike(name, first, near).words())
    } else {
        format!(": {}", difference_test.alike(name, first, near).words_from(&first.label()))
    }
}

/// ` (up to 2.75 times as long is still possible)`, after `no difference shown`: the largest ratio that the
/// intervals of any two of them allow.
fn not_excluded(difference_test: DifferenceTest<'_>, name: QuantityName, near: &[&Point]) -> String {
    let pairs = near.iter().flat_map(|high| near.iter().map(move |low| (*high, *low)));
    let different = pairs.filter(|(high, low)| !std::ptr::eq(*high, *low));
    let most =
        different.filter_map(|(high, low)| difference_test.most(name, high, low)).max_by(f64::total_cmp);
    most.map_or_else(String::new, |most| format!(" (up to {} as long is still possible)", times(most)))
}

/// `long polling took 12.9 ms (11.0–15.1), 2.90 times as long (2.50–3.36), and …`; none where all are alike.
fn slower(
    difference_test: DifferenceTest<'_>,
    name: QuantityName,
    freshest: &Point,
    behind: &[&Point],
) -> Option<String> {
    let parts: Vec<String> = behind
        .iter()
        .map(|point| {
            let took = if std::ptr::eq(*point, behind[0]) { "took " } else { "" };
            let times = difference_test.times(name, point, freshest);
            let times = times.map_or_else(String::new, |times| format!(", {}", times.followed_by("as long")));
            format!("{} {took}{}{times}", point.label(), point.quantity_of(name).measured_with_interval())
        })
        .collect();
    match parts.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        [start @ .., last] => Some(format!("{}, and {last}", start.join(", "))),
    }
}

/// Which pattern moved the fewest bytes, and by what factor the most expensive one moved more.
fn price(difference_test: DifferenceTest<'_>, points: &[&Point]) -> Option<String> {
    let name = QuantityName::BytesPerEvent;
    let bytes = |point: &Point| point.measured(name);
    let mut priced: Vec<&Point> = points.iter().copied().filter(|point| bytes(point).is_some()).collect();
    priced.sort_by(|left, right| bytes(left).unwrap_or(0.0).total_cmp(&bytes(right).unwrap_or(0.0)));
    let (cheapest, dearest) = (*priced.first()?, *priced.last()?);
    let mut near: Vec<&Point> =
        priced.iter().copied().filter(|point| difference_test.same(name, cheapest, point)).collect();
    near.sort_by_key(|point| point.pattern);
    let times = difference_test
        .times(name, dearest, cheapest)
        .filter(|_| !near.iter().any(|point| std::ptr::eq(*point, dearest)))
        .map_or_else(String::new, |times| {
            format!(", the highest {} for {}", times.followed_by("that"), dearest.label())
        });
    let alike = alike(difference_test, name, cheapest, &near);
    let alike = alike.strip_prefix(": ").map_or_else(String::new, |words| format!(" ({words})"));
    Some(format!("the lowest cost was {} per event for {}{alike}{times}", values(name, &near), labels(&near)))
}
