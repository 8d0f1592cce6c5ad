//! The answer of a scenario that compares patterns at one setting: how fresh, and at what cost.

use contract::{Arrivals, Pattern};

use super::{
    flips,
    headline::{fitting, headed},
    words::{labels, names, patterns, range, values, verb},
};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::difference_test::{Alike, DifferenceTest, beyond_scatter},
    quantities::{Bound, QuantityName},
    tables::ranking::{is_tie, widest},
    text::{
        number::{self, count, period_ms, three_digits, times},
        sentence::capitalised,
    },
};

pub(super) fn answer(finding: &ScenarioFinding, points: &[&Point]) -> (String, Vec<String>) {
    let difference_test = DifferenceTest::of(finding);
    // An age always comes first: the one that the scenario asks for, else p99.
    let (name, at) = match finding.primary() {
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
    let burst = burst(finding, points);
    let mut parts = vec![freshness(difference_test, name, freshest, &near, &behind, burst.is_some())];
    let bounded: Vec<&Point> = points
        .iter()
        .copied()
        .filter(|point| point.quantity_of(name).bound == Bound::AtLeast && point.measured(name).is_some())
        .collect();
    if !bounded.is_empty() {
        parts.push(format!("{} {} events", patterns(&bounded), verb(bounded.len(), "loses", "lose")));
    }
    let price = price(difference_test, points);
    let cpu = cheapest(difference_test, QuantityName::CpuPerEvent, points);
    let asks_price = finding.primary() == Some(QuantityName::BytesPerEvent);
    if let Some(price) = &price {
        if asks_price {
            parts.splice(0..0, price.with_highest.clone().or_else(|| price.lowest.clone()));
        } else {
            parts.extend(price_beside(
                &parts,
                price,
                cpu.as_deref().map(|cpu| (cpu.len(), names(cpu, points))),
            ));
        }
    }
    let came = everything_came(points);
    if asks_price || finding.primary().is_some_and(QuantityName::is_age) {
        parts.extend(came.clone());
    } else {
        // Every other question asks first whether everything came.
        parts.splice(0..0, came.clone());
    }
    let mut details = vec![format!(
        "{} delivered an event in {} {at}{}{}",
        labels(&near),
        values(name, &near),
        alike(difference_test, name, freshest, &near),
        not_excluded(difference_test, name, &near)
    )];
    let least = [
        (QuantityName::CpuPerEvent, "the least server CPU per event", cpu),
        (
            QuantityName::RequestsPerEvent,
            "the fewest requests per event",
            cheapest(difference_test, QuantityName::RequestsPerEvent, points),
        ),
    ];
    let least = least.into_iter().filter_map(|(name, cost, cheapest)| {
        let Some(cheapest) = cheapest else {
            return lowest_alone(difference_test, name, points);
        };
        let needs = verb(cheapest.len(), "needs", "need");
        Some(format!("{} {needs} {cost}, {}", names(&cheapest, points), range(name, &cheapest)))
    });
    // Why short polling may cost the server less than a push.
    let least: Vec<String> = least.chain(events_of_a_poll(points)).collect();
    details.extend((!least.is_empty()).then(|| least.join("; ")));
    let mut flips = flips::conditions(points).into_iter();
    // The first flip stands beneath the headline everywhere.
    details.extend(flips.next());
    details.extend(slower(difference_test, name, freshest, &behind));
    details.extend(bounded.iter().map(|point| {
        format!(
            "{} lost so many events that its age {at} is only known to be over {}",
            point.label(),
            name.lower_bound_text(age(point))
        )
    }));
    details.extend(burst.flatten());
    details.extend(price.map(|price| price.detail));
    details.extend(flips);
    let sentence = |text: &String| format!("{}.", capitalised(text));
    let (headline, mut conditions) = headed(parts, details.iter().map(sentence).collect());
    // It says the least: without room in the headline it comes last.
    if let Some(place) = came.and_then(|came| conditions.iter().position(|text| *text == sentence(&came))) {
        let came = conditions.remove(place);
        conditions.push(came);
    }
    (headline, conditions)
}

/// `long polling, SSE and WebSocket deliver within 2.66 ms, not told apart by one run; short polling takes
/// 990 ms`.
fn freshness(
    difference_test: DifferenceTest<'_>,
    name: QuantityName,
    freshest: &Point,
    near: &[&Point],
    behind: &[&Point],
    in_bursts: bool,
) -> String {
    let value = |point: &Point| point.quantity_of(name).measured_text();
    let by_age = |left: &&&Point, right: &&&Point| {
        let age = |point: &Point| point.measured(name).unwrap_or(f64::MAX);
        age(left).total_cmp(&age(right))
    };
    let highest = near.iter().max_by(by_age).map_or_else(String::new, |point| value(point));
    let fresh = match (near, difference_test.alike(name, freshest, near)) {
        ([only], _) => format!("{} delivers an event in {highest}", only.pattern.label()),
        (_, Alike::NoDifference) if near.iter().all(|point| value(point) == highest) => {
            format!("{} tie at {highest}", patterns(near))
        }
        (_, Alike::NoDifference) if is_tie(difference_test, name, near) => {
            format!("{} tie at up to {highest}", patterns(near))
        }
        (_, Alike::NoDifference) => {
            let all = if near.len() == 2 { "both" } else { "all" };
            format!("no difference between {} is shown, {all} within {highest}", patterns(near))
        }
        (_, why @ Alike::NotJudged(_)) => {
            format!("{} deliver within {highest}, {}", patterns(near), why.words())
        }
    };
    let label = |point: &Point| point.pattern.label();
    let slow = match behind {
        [] => String::new(),
        [only] => format!("; {} takes {}", label(only), value(only)),
        [first, .., last] if behind.iter().all(|point| point.pattern == first.pattern) => {
            format!("; {} takes {} to {}", label(first), value(first), value(last))
        }
        [first, second] => {
            format!("; {} takes {} and {} {}", label(first), value(first), label(second), value(second))
        }
        [between @ .., last] => {
            format!("; {} follow, and {} takes {}", patterns(between), label(last), value(last))
        }
    };
    let start = if in_bursts { "in a burst " } else { "" };
    format!("{start}{fresh}{slow}")
}

/// How many answers a burst takes by long polling; the outer option says whether events come in bursts.
fn burst(finding: &ScenarioFinding, points: &[&Point]) -> Option<Option<String>> {
    let Arrivals::Bursts { burst_events, event_spacing, .. } = &finding.scenario.events else {
        return None;
    };
    let answers = points.iter().find(|point| point.pattern == Pattern::LongPolling).and_then(|point| {
        let requests = point.measured(QuantityName::RequestsPerEvent)?;
        let empty = point.measured(QuantityName::EmptyRatio)?;
        Some(requests * (1.0 - empty) * f64::from(*burst_events))
    });
    Some(answers.map(|answers| {
        format!(
            "long polling brings the {} events of a burst, {} apart, in {} answers",
            count(u64::from(*burst_events)),
            period_ms(event_spacing.milliseconds()),
            three_digits(answers)
        )
    }))
}

/// That nothing was lost, duplicated or reordered; none if something was.
fn everything_came(points: &[&Point]) -> Option<String> {
    let whole = |point: &&Point| {
        let delivery = &point.delivery;
        delivery.expected > 0
            && (delivery.lost, delivery.duplicated, delivery.reordered) == (0, 0, 0)
            && point.completed().count() == point.trials.len()
    };
    points.iter().all(whole).then(|| "every event came once and in order".to_owned())
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

/// `; long polling may still take up to 2.75 times as long as SSE`, after `no difference shown`.
fn not_excluded(difference_test: DifferenceTest<'_>, name: QuantityName, near: &[&Point]) -> String {
    widest(difference_test, name, near).map_or_else(String::new, |widest| {
        let (high, low) = (widest.high.pattern.label(), widest.low.pattern.label());
        format!("; {high} may still take up to {} as long as {low}", times(widest.ratio))
    })
}

/// `long polling took 12.9 ms (11.0–15.1), 2.90 times as long as SSE (2.50–3.36), and …`; none where all are alike.
fn slower(
    difference_test: DifferenceTest<'_>,
    name: QuantityName,
    freshest: &Point,
    behind: &[&Point],
) -> Option<String> {
    let parts: Vec<String> = behind
        .iter()
        .map(|point| {
            // The first one says as what, for all.
            let (took, than) = if std::ptr::eq(*point, behind[0]) {
                ("took ", format!("as long as {}", freshest.pattern.label()))
            } else {
                ("", "as long".to_owned())
            };
            let times = difference_test.times(name, point, freshest);
            let times = times.map_or_else(String::new, |times| format!(", {}", times.followed_by(&than)));
            format!("{} {took}{}{times}", point.label(), point.quantity_of(name).measured_with_interval())
        })
        .collect();
    match parts.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        [start @ .., last] => Some(format!("{}, and {last}", start.join(", "))),
    }
}

/// The points that share the lowest value of a cost. None if their values are not close, or if every point is among
/// them.
fn cheapest<'a>(
    difference_test: DifferenceTest<'_>,
    name: QuantityName,
    points: &[&'a Point],
) -> Option<Vec<&'a Point>> {
    let (_, near) = difference_test.lowest(name, points)?;
    let others = near.len() < known(name, points).len();
    (others && are_alike(difference_test, name, &near)).then_some(near)
}

/// The points that have a quantity.
fn known<'a>(name: QuantityName, points: &[&'a Point]) -> Vec<&'a Point> {
    points.iter().copied().filter(|point| point.measured(name).is_some()).collect()
}

/// Whether points that are not told apart from the lowest one have nearly its value: that two values are not told
/// apart does not make them alike.
fn are_alike(difference_test: DifferenceTest<'_>, name: QuantityName, near: &[&Point]) -> bool {
    let values = || near.iter().filter_map(|point| point.measured(name));
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    let is_close = name.is_counted() && !beyond_scatter(name, low, high);
    is_close || name.text(low) == name.text(high) || is_tie(difference_test, name, near)
}

/// `a short poll brings 10.0 events`; none if it brings fewer than two, and with several intervals.
fn events_of_a_poll(points: &[&Point]) -> Option<String> {
    let mut timed = points.iter().filter(|point| point.pattern.is_timed());
    let (Some(only), None) = (timed.next(), timed.next()) else {
        return None;
    };
    let requests = only.measured(QuantityName::RequestsPerEvent)?;
    (requests > 0.0 && requests <= 0.5)
        .then(|| format!("a short poll brings {} events", three_digits(1.0 / requests)))
}

/// `short polling has the lowest server CPU per event, 2.67 µs (no difference from WebSocket shown)`, where others
/// are not told apart from it.
fn lowest_alone(
    difference_test: DifferenceTest<'_>,
    name: QuantityName,
    points: &[&Point],
) -> Option<String> {
    let (first, near) = difference_test.lowest(name, points)?;
    let others: Vec<&Point> = near.iter().copied().filter(|point| !std::ptr::eq(*point, first)).collect();
    let why = difference_test.alike(name, first, &near);
    let why = if near.len() == known(name, points).len() {
        why.words()
    } else {
        why.words_from(&names(&others, points))
    };
    (!others.is_empty()).then(|| {
        format!(
            "{} has the lowest {}, {} ({why})",
            names(&[first], points),
            name.label(),
            first.quantity_of(name).measured_text()
        )
    })
}

/// The price in the words that still fit after the other parts. The two costs may have different winners, which
/// matters more than by how much they differ.
fn price_beside(parts: &[String], price: &Price, least_cpu: Option<(usize, String)>) -> Option<String> {
    let with_cpu = price.lowest.as_ref().zip(least_cpu).and_then(|(lowest, (number, who))| {
        if lowest.starts_with(&format!("{who} cost")) {
            return Some(format!("{lowest} and the least CPU"));
        }
        (number == 1).then(|| format!("{lowest}, {who} the least CPU"))
    });
    fitting(parts, [with_cpu, price.with_highest.clone(), price.lowest.clone()])
        .or_else(|| price.lowest.clone())
}

/// Which pattern moves the fewest bytes.
struct Price {
    /// `SSE costs the fewest bytes`; none if no pattern is told apart from it.
    lowest: Option<String>,
    /// The same, with the pattern that moves the most.
    with_highest: Option<String>,
    /// With all numbers.
    detail: String,
}

fn price(difference_test: DifferenceTest<'_>, points: &[&Point]) -> Option<Price> {
    let name = QuantityName::BytesPerEvent;
    let bytes = |point: &Point| point.measured(name);
    let (cheapest, near) = difference_test.lowest(name, points)?;
    let priced = known(name, points);
    let value = |point: &Point| bytes(point).unwrap_or(0.0);
    let dearest = priced.iter().copied().max_by(|left, right| value(left).total_cmp(&value(right)))?;
    let is_near = near.iter().any(|point| std::ptr::eq(*point, dearest));
    let times = difference_test
        .times(name, dearest, cheapest)
        .filter(|_| !is_near)
        .map_or_else(String::new, |times| {
            format!(", the highest {} for {}", times.followed_by("that"), dearest.label())
        });
    let alike = alike(difference_test, name, cheapest, &near);
    let alike = alike.strip_prefix(": ").map_or_else(String::new, |words| format!(" ({words})"));
    let lowest = (near.len() < priced.len() && are_alike(difference_test, name, &near))
        .then(|| format!("{} {} the fewest bytes", names(&near, points), verb(near.len(), "costs", "cost")));
    let ratio = bytes(dearest).zip(bytes(cheapest)).map(|(most, least)| most / least);
    let with_highest = lowest
        .as_ref()
        .zip(ratio.filter(|ratio| !is_near && ratio.is_finite()))
        .map(|(lowest, ratio)| format!("{lowest}, {} {} as many", dearest.label(), number::times(ratio)));
    let detail =
        format!("the lowest cost was {} per event for {}{alike}{times}", values(name, &near), labels(&near));
    Some(Price { lowest, with_highest, detail })
}
