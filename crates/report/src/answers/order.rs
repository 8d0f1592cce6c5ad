//! Which pattern has the lowest value along a sweep, and between which settings that changes.

use std::collections::BTreeMap;

use contract::Pattern;

use super::words::{fewest_blocks, patterns, span};
use crate::{
    findings::Point,
    judgement::difference_test::DifferenceTest,
    quantities::{Bound, QuantityName},
    text::{
        number::list,
        swept::{SweepParameter, SweptValue},
    },
};

/// The patterns at one swept value.
struct Stop<'a> {
    /// The value in words.
    text: String,
    /// One point per pattern; a pattern that the setting does not concern has its point at every stop.
    points: Vec<&'a Point>,
}

/// The order of the patterns: whether it changes, or which pattern is the lowest. Where the blocks are too few to
/// say that, the values at the last setting come first. Empty if the patterns were compared at fewer than two values.
pub(super) fn order(
    main: QuantityName,
    series: &BTreeMap<Pattern, Vec<&Point>>,
    swept: SweepParameter,
    difference_test: DifferenceTest<'_>,
) -> Vec<String> {
    let stops: Vec<Stop<'_>> =
        stops(main, series, swept).into_iter().filter(|stop| stop.points.len() > 1).collect();
    let [first, .., last] = stops.as_slice() else {
        return Vec::new();
    };
    let change = (1..stops.len())
        .flat_map(|right| (0..right).rev().map(move |left| (left, right)))
        .find_map(|(left, right)| change(main, difference_test, &stops[left], &stops[right]));
    let from = span(&first.text, &last.text, "to");
    if let Some(known) = change.or_else(|| no_change(main, difference_test, &stops, &from)) {
        return vec![known];
    }
    let mut parts = values_at(main, difference_test, last);
    let few = fewest_blocks(&last.points).unwrap_or("these blocks");
    parts.push(format!("{few} cannot show whether the order changes in {} from {from}", main.label()));
    parts
}

/// `at 500 subscribers SSE and WebSocket are not told apart by one run in age at p99, up to 4.30 ms`, and which
/// pattern has the highest value.
fn values_at(main: QuantityName, difference_test: DifferenceTest<'_>, stop: &Stop<'_>) -> Vec<String> {
    let Some((lowest, near)) = difference_test.lowest(main, &stop.points) else {
        return Vec::new();
    };
    let highest = stop.points.iter().max_by(|left, right| value(main, left).total_cmp(&value(main, right)));
    let up_to = near.iter().map(|point| value(main, point)).fold(0.0, f64::max);
    let mut parts = Vec::new();
    if near.len() > 1 {
        parts.push(format!(
            "at {} {} are {} in {}, up to {}",
            stop.text,
            patterns(&near),
            difference_test.alike(main, lowest, &near).words(),
            main.label(),
            main.text(up_to)
        ));
    } else {
        let (label, text) = (lowest.pattern.label(), lowest.quantity_of(main).measured_text());
        parts.push(format!("at {} {label} has the lowest {}, {text}", stop.text, main.label()));
    }
    if let Some(highest) = highest.filter(|highest| near.iter().all(|near| !std::ptr::eq(*near, **highest))) {
        let text = highest.quantity_of(main).measured_text();
        parts.push(format!("{} has the highest, {text}", highest.pattern.label()));
    }
    parts
}

/// Says which pattern is the lowest everywhere, or that no change of order is shown; none where fewer than four
/// blocks can show neither a tie nor that nothing changes.
fn no_change(
    main: QuantityName,
    difference_test: DifferenceTest<'_>,
    stops: &[Stop<'_>],
    from: &str,
) -> Option<String> {
    let all: Vec<&Point> = stops.iter().flat_map(|stop| stop.points.iter().copied()).collect();
    let leads: Vec<Vec<Pattern>> = stops.iter().map(|stop| leaders(main, difference_test, stop)).collect();
    let names = |patterns: &[Pattern]| {
        list(&patterns.iter().map(|pattern| pattern.label().to_owned()).collect::<Vec<_>>())
    };
    let shared = leads.first().filter(|first| leads.iter().all(|other| other == *first));
    match (shared, fewest_blocks(&all)) {
        (Some(lead), _) if lead.len() == 1 => {
            Some(format!("{} has the lowest {} from {from}", names(lead), main.label()))
        }
        (_, Some(_)) => None,
        (Some(lead), None) if lead.len() < stops[0].points.len() => {
            Some(format!("{} tie for the lowest {} from {from}", names(lead), main.label()))
        }
        (Some(_) | None, None) => Some(format!("no change of order shown in {} from {from}", main.label())),
    }
}

fn stops<'a>(
    main: QuantityName,
    series: &BTreeMap<Pattern, Vec<&'a Point>>,
    swept: SweepParameter,
) -> Vec<Stop<'a>> {
    let mut values: Vec<(SweptValue, &Point)> =
        series.values().flatten().filter_map(|point| Some((point.swept_key()?, *point))).collect();
    values.sort_by(|(left, _), (right, _)| left.place().total_cmp(&right.place()));
    // Compare with all, not only with the neighbour: networks keep the scenario's order within each pattern.
    let mut distinct: Vec<(SweptValue, &Point)> = Vec::new();
    for value in values {
        if !distinct.iter().any(|(known, _)| *known == value.0) {
            distinct.push(value);
        }
    }
    distinct
        .into_iter()
        .map(|(value, of)| Stop {
            text: swept.text(&of.params),
            points: series.values().filter_map(|points| at(points, value)).filter(known(main)).collect(),
        })
        .collect()
}

/// A pattern's point at a value.
fn at<'a>(points: &[&'a Point], value: SweptValue) -> Option<&'a Point> {
    points.iter().copied().find(|point| point.swept_key().is_none_or(|own| own == value))
}

/// A lower bound cannot be ranked.
fn known(main: QuantityName) -> impl Fn(&&Point) -> bool {
    move |point| point.measured(main).is_some() && point.quantity_of(main).bound == Bound::Exact
}

fn value(main: QuantityName, point: &Point) -> f64 {
    point.measured(main).unwrap_or(f64::MAX)
}

/// The lowest and all that are not told apart from it.
fn leaders(main: QuantityName, difference_test: DifferenceTest<'_>, stop: &Stop<'_>) -> Vec<Pattern> {
    let near = difference_test.lowest(main, &stop.points).map_or_else(Vec::new, |(_, near)| near);
    near.into_iter().map(|point| point.pattern).collect()
}

/// Says that another pattern becomes the lowest, if the two are told apart at both values.
fn change(
    main: QuantityName,
    difference_test: DifferenceTest<'_>,
    left: &Stop<'_>,
    right: &Stop<'_>,
) -> Option<String> {
    let lowest =
        |stop: &Stop<'_>| difference_test.lowest(main, &stop.points).map(|(lowest, _)| lowest.pattern);
    let (before, after) = (lowest(left)?, lowest(right)?);
    let parted = |stop: &Stop<'_>, low: Pattern, high: Pattern| {
        let of = |pattern: Pattern| stop.points.iter().find(|point| point.pattern == pattern);
        of(low).zip(of(high)).is_some_and(|(low, high)| !difference_test.same(main, low, high))
    };
    if before == after || !parted(left, before, after) || !parted(right, after, before) {
        return None;
    }
    let (before, after) = (leaders(main, difference_test, left), leaders(main, difference_test, right));
    let only = |these: &[Pattern], others: &[Pattern]| {
        let names = these.iter().filter(|pattern| !others.contains(pattern));
        list(&names.map(|pattern| pattern.label().to_owned()).collect::<Vec<_>>())
    };
    Some(format!(
        "the pattern with the lowest {} changes from {} to {} between {}",
        main.label(),
        only(&before, &after),
        only(&after, &before),
        span(&left.text, &right.text, "and")
    ))
}
