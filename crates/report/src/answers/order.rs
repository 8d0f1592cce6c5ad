//! Which pattern has the lowest value along a sweep, and between which settings that changes.

use std::collections::BTreeMap;

use contract::Pattern;

use super::words::{along, fewest_blocks, patterns, span};
use crate::{
    findings::Point,
    judgement::{
        difference_test::DifferenceTest,
        same_value::{SameValue, by_value},
    },
    quantities::{Bound, QuantityName},
    text::number::list,
};

/// The order of the patterns: whether it changes, or which pattern is the lowest. Where the blocks are too few to
/// say that, the values at the last setting come first. Empty if the patterns were compared at fewer than two values.
pub(super) fn order(
    main: QuantityName,
    series: &BTreeMap<Pattern, Vec<&Point>>,
    difference_test: DifferenceTest<'_>,
) -> Vec<String> {
    // A lower bound cannot be ranked.
    let is_known =
        |point: &&Point| point.measured(main).is_some() && point.quantity_of(main).bound == Bound::Exact;
    let points: Vec<&Point> = series.values().flatten().copied().filter(is_known).collect();
    let groups: Vec<SameValue<'_>> =
        by_value(&points).into_iter().filter(|group| group.points.len() > 1).collect();
    let [first, .., last] = groups.as_slice() else {
        return Vec::new();
    };
    let change = (1..groups.len())
        .flat_map(|right| (0..right).rev().map(move |left| (left, right)))
        .find_map(|(left, right)| change(main, difference_test, &groups[left], &groups[right]));
    let along = along(&first.text, &last.text);
    if let Some(known) = change.or_else(|| no_change(main, difference_test, &groups, &along)) {
        return vec![known];
    }
    let mut parts = values_at(main, difference_test, last);
    let few = fewest_blocks(&last.points).unwrap_or("these blocks");
    parts.push(format!("{few} cannot show whether the order changes in {} {along}", main.label()));
    parts
}

/// `at 500 subscribers SSE and WebSocket are not told apart by one run in age at p99, up to 4.30 ms`, and which
/// pattern has the highest value.
fn values_at(main: QuantityName, difference_test: DifferenceTest<'_>, group: &SameValue<'_>) -> Vec<String> {
    let Some((lowest, near)) = difference_test.lowest(main, &group.points) else {
        return Vec::new();
    };
    let highest = group.points.iter().max_by(|left, right| value(main, left).total_cmp(&value(main, right)));
    let up_to = near.iter().map(|point| value(main, point)).fold(0.0, f64::max);
    let mut parts = Vec::new();
    if near.len() > 1 {
        parts.push(format!(
            "at {} {} are {} in {}, up to {}",
            group.text,
            patterns(&near),
            difference_test.alike(main, lowest, &near).words(),
            main.label(),
            main.text(up_to)
        ));
    } else {
        let (label, text) = (lowest.pattern.label(), lowest.quantity_of(main).measured_text());
        parts.push(format!("at {} {label} has the lowest {}, {text}", group.text, main.label()));
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
    groups: &[SameValue<'_>],
    along: &str,
) -> Option<String> {
    let all: Vec<&Point> = groups.iter().flat_map(|group| group.points.iter().copied()).collect();
    let leads: Vec<Vec<Pattern>> = groups.iter().map(|group| leaders(main, difference_test, group)).collect();
    let names = |patterns: &[Pattern]| {
        list(&patterns.iter().map(|pattern| pattern.label().to_owned()).collect::<Vec<_>>())
    };
    let shared = leads.first().filter(|first| leads.iter().all(|other| other == *first));
    match (shared, fewest_blocks(&all)) {
        (Some(lead), _) if lead.len() == 1 => {
            Some(format!("{} has the lowest {} {along}", names(lead), main.label()))
        }
        (_, Some(_)) => None,
        (Some(lead), None) if lead.len() < groups[0].points.len() => {
            Some(format!("{} tie for the lowest {} {along}", names(lead), main.label()))
        }
        (Some(_) | None, None) => Some(format!("no change of order shown in {} {along}", main.label())),
    }
}

fn value(main: QuantityName, point: &Point) -> f64 {
    point.measured(main).unwrap_or(f64::MAX)
}

/// The lowest and all that are not told apart from it.
fn leaders(main: QuantityName, difference_test: DifferenceTest<'_>, group: &SameValue<'_>) -> Vec<Pattern> {
    let near = difference_test.lowest(main, &group.points).map_or_else(Vec::new, |(_, near)| near);
    near.into_iter().map(|point| point.pattern).collect()
}

/// Says that another pattern becomes the lowest, if the two are told apart at both values.
fn change(
    main: QuantityName,
    difference_test: DifferenceTest<'_>,
    left: &SameValue<'_>,
    right: &SameValue<'_>,
) -> Option<String> {
    let lowest =
        |group: &SameValue<'_>| difference_test.lowest(main, &group.points).map(|(lowest, _)| lowest.pattern);
    let (before, after) = (lowest(left)?, lowest(right)?);
    let parted = |group: &SameValue<'_>, low: Pattern, high: Pattern| {
        let of = |pattern: Pattern| group.points.iter().find(|point| point.pattern == pattern);
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
