//! The answer of a scenario that varies one setting.

use std::collections::BTreeMap;

use contract::Pattern;

mod flip;

use flip::flip_of;

use super::{headline::headed, order::order, words::along};
use crate::{
    findings::Point,
    judgement::difference_test::{DifferenceTest, TestResult},
    quantities::{Bound, QuantityName},
    text::{
        number::{list, three_digits},
        sentence::capitalised,
        swept::SweepParameter,
    },
};

/// What the question about a swept setting asks first.
#[derive(Clone, Copy)]
enum Asks {
    /// What a value of the setting costs.
    Cost,
    /// From which value on a pattern behaves differently.
    Flip,
    /// Which pattern to use.
    Pattern,
}

/// What the question about a swept setting asks first, the quantity that it is about, and the cost to read
/// beside it.
const fn question(swept: SweepParameter) -> (Asks, [QuantityName; 2]) {
    match swept {
        SweepParameter::Subscribers => (Asks::Cost, [QuantityName::AgeP99, QuantityName::CpuPerEvent]),
        SweepParameter::Rate => (Asks::Flip, [QuantityName::RequestsPerEvent, QuantityName::AgeP99]),
        SweepParameter::Payload => (Asks::Pattern, [QuantityName::BytesPerEvent, QuantityName::CpuPerEvent]),
        SweepParameter::PollInterval => (Asks::Flip, [QuantityName::AgeP99, QuantityName::RequestsPerEvent]),
        SweepParameter::Hold => (Asks::Flip, [QuantityName::RequestsPerEvent, QuantityName::EmptyRatio]),
        SweepParameter::Client => (Asks::Cost, [QuantityName::SubscriberCpuPerEvent, QuantityName::AgeP99]),
        SweepParameter::KeepAlive => (Asks::Cost, [QuantityName::PacketsPerEvent, QuantityName::CpuPerEvent]),
        SweepParameter::Side => (Asks::Pattern, [QuantityName::AgeP99, QuantityName::BytesPerEvent]),
        SweepParameter::Ablation => (Asks::Pattern, [QuantityName::CpuPerEvent, QuantityName::AgeP99]),
        SweepParameter::Rtt => (Asks::Pattern, [QuantityName::AgeMean, QuantityName::AgeP99]),
        SweepParameter::Network => (Asks::Pattern, [QuantityName::AgeMean, QuantityName::BytesPerEvent]),
        SweepParameter::Transport => {
            (Asks::Pattern, [QuantityName::BytesPerEvent, QuantityName::CpuPerEvent])
        }
        SweepParameter::Heartbeat => (Asks::Pattern, [QuantityName::BytesPerEvent, QuantityName::AgeMean]),
        SweepParameter::StreamsPerConnection => {
            (Asks::Pattern, [QuantityName::SocketsHeld, QuantityName::CpuPerEvent])
        }
        SweepParameter::MaxStreams => (Asks::Pattern, [QuantityName::AgeP50, QuantityName::SocketsHeld]),
    }
}

/// The quantity that a swept setting is about, and the cost to read beside it.
pub(crate) const fn main_quantities(swept: SweepParameter) -> [QuantityName; 2] {
    question(swept).1
}

pub(super) fn answer(
    swept: SweepParameter,
    difference_test: DifferenceTest<'_>,
    points: &[&Point],
) -> (String, Vec<String>) {
    let (asks, [main, price]) = question(swept);
    let mut series: BTreeMap<Pattern, Vec<&Point>> = BTreeMap::new();
    for point in points {
        series.entry(point.pattern).or_default().push(point);
    }
    let order = order(main, &series, difference_test);
    let growth = growth(swept, main, difference_test, &series);
    let flip = flip_of(swept);
    let flips: Vec<String> =
        series.values().filter_map(|points| (flip?.reached)(swept, difference_test, points)).collect();
    let mut parts: Vec<String> = Vec::new();
    let mut details: Vec<String> = Vec::new();
    if let [only] = series.values().collect::<Vec<_>>().as_slice() {
        // The flip answers the question; without one the growth does, which the details repeat with its numbers.
        if flips.is_empty() {
            let growth = growth.or_else(|| at_the_end(swept, main, difference_test, only));
            parts.extend(growth.into_iter().chain(flip.and_then(|flip| (flip.not_reached)(only))));
        }
        parts.extend(flips);
        details
            .extend([main, price].into_iter().filter_map(|name| course(swept, difference_test, name, only)));
    } else {
        match asks {
            Asks::Cost => {
                parts.extend(growth.into_iter().chain(order));
                details.extend(flips);
            }
            Asks::Flip => parts.extend(flips.into_iter().chain(order).chain(growth)),
            Asks::Pattern => {
                parts.extend(order.into_iter().chain(growth));
                details.extend(flips);
            }
        }
        details.splice(0..0, courses(swept, difference_test, main, &series));
    }
    if parts.is_empty() {
        parts.push(format!("no change of {} was measured", main.label()));
    }
    headed(parts, details.iter().map(|detail| format!("{}.", capitalised(detail))).collect())
}

/// `at 1,000 subscribers the age at p99 of SSE is 5.66 ms, not told apart from 10 subscribers by one run`.
fn at_the_end(
    swept: SweepParameter,
    main: QuantityName,
    difference_test: DifferenceTest<'_>,
    points: &[&Point],
) -> Option<String> {
    let (first, last) = (points.first()?, points.last()?);
    last.measured(main)?;
    let why = match difference_test.result(main, first, last) {
        TestResult::Alike(why) if points.len() > 1 => {
            format!(", {}", why.words_from(&swept.text(&first.params)))
        }
        TestResult::Alike(_) | TestResult::Apart => String::new(),
    };
    Some(format!(
        "at {} the {} of {} is {}{why}",
        swept.text(&last.params),
        main.label(),
        last.pattern.label(),
        last.quantity_of(main).measured_text()
    ))
}

/// Whose main quantity changes most from one end to the other, by the digits that are printed; none if no change is
/// shown.
fn growth(
    swept: SweepParameter,
    main: QuantityName,
    difference_test: DifferenceTest<'_>,
    series: &BTreeMap<Pattern, Vec<&Point>>,
) -> Option<String> {
    let size = |ratio: f64| ratio.max(1.0 / ratio);
    let changes: Vec<(&Point, &Point, f64)> = series
        .values()
        .filter_map(|points| ends(main, difference_test, points))
        .filter(|(_, _, ratio)| ratio.is_finite() && size(*ratio) < 1e4)
        .collect();
    let (first, last, ratio) =
        *changes.iter().max_by(|(_, _, left), (_, _, right)| size(*left).total_cmp(&size(*right)))?;
    let times = three_digits(size(ratio));
    let is_alike = |other: f64| (other > 1.0) == (ratio > 1.0) && three_digits(size(other)) == times;
    let alike: Vec<String> = changes
        .iter()
        .filter(|(_, _, other)| is_alike(*other))
        .map(|(first, _, _)| first.pattern.label().to_owned())
        .collect();
    let (pattern, label) = (list(&alike), main.label());
    let (several, grows) = (series.len() > 1, if ratio > 1.0 { "grow" } else { "fall" });
    let (dearer, cheaper) = if ratio > 1.0 { (last, first) } else { (first, last) };
    let pays = match (alike.len(), several) {
        (1, true) => "pays most",
        (1, false) => "pays more",
        _ => "pay alike",
    };
    let [dearer_text, cheaper_text] = [dearer, cheaper].map(|point| swept.text(&point.params));
    Some(if swept == SweepParameter::KeepAlive {
        format!("{dearer_text} {pattern} {pays}: {times} times the {label}")
    } else if swept == SweepParameter::Client {
        format!("with the {dearer_text} {pattern} {pays}: {times} times the {label}")
    } else if alike.len() > 1 {
        format!("{pattern} {grows} alike in {label}, by a factor of {times}")
    } else if several {
        format!("{pattern} {grows}s most in {label}, by a factor of {times}")
    } else {
        format!("at {dearer_text} {pattern} has {times} times the {label} of {cheaper_text}")
    })
}

/// The first and the last point, and by what factor the quantity changes between them; none if that is not shown.
fn ends<'a>(
    name: QuantityName,
    difference_test: DifferenceTest<'_>,
    points: &[&'a Point],
) -> Option<(&'a Point, &'a Point, f64)> {
    let (first, last) = (*points.first()?, *points.last()?);
    let exact = |point: &Point| point.quantity_of(name).bound == Bound::Exact;
    let (from, to) = (first.measured(name)?, last.measured(name)?);
    let known = points.len() > 1 && exact(first) && exact(last) && from.min(to) > 0.0;
    (known && !difference_test.same(name, first, last)).then_some((first, last, to / from))
}

/// How a quantity of a single pattern changes from the first to the last value.
fn course(
    swept: SweepParameter,
    difference_test: DifferenceTest<'_>,
    name: QuantityName,
    points: &[&Point],
) -> Option<String> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 2 {
        let quantity = first.quantity_of(name);
        quantity.measured?;
        return Some(format!("{}: {} {}", first.label(), name.label(), quantity.measured_with_interval()));
    }
    Some(format!(
        "{}, {}: {} {}",
        first.pattern.label(),
        along(&swept.text(&first.params), &swept.text(&last.params)),
        name.label(),
        change(name, difference_test, first, last)?
    ))
}

/// Several patterns: the main quantity of each from the first to the last value, one sentence each.
fn courses(
    swept: SweepParameter,
    difference_test: DifferenceTest<'_>,
    main: QuantityName,
    series: &BTreeMap<Pattern, Vec<&Point>>,
) -> Vec<String> {
    let ends = series
        .values()
        .filter(|points| points.len() > 1)
        .find_map(|points| Some((points.first()?, points.last()?)));
    let setting = ends.map_or_else(String::new, |(first, last)| {
        format!(" {}", along(&swept.text(&first.params), &swept.text(&last.params)))
    });
    let mut courses: Vec<String> = series
        .values()
        .filter_map(|points| {
            let (first, last) = (points.first()?, points.last()?);
            let pattern = first.pattern.label();
            let quantity = first.quantity_of(main);
            if points.len() > 1 {
                return Some(format!("{pattern} {}", change(main, difference_test, first, last)?));
            }
            quantity.measured?;
            Some(match first.swept {
                Some(swept) => {
                    format!(
                        "{pattern} {} at {}",
                        quantity.measured_with_interval(),
                        swept.text(&first.params)
                    )
                }
                None if swept == SweepParameter::KeepAlive => {
                    format!("{pattern} {} either way", quantity.measured_with_interval())
                }
                None => format!("{pattern} {} at every {}", quantity.measured_with_interval(), swept.label()),
            })
        })
        .collect();
    if let Some(first) = courses.first_mut() {
        *first = format!("{}{setting}: {first}", main.label());
    }
    courses
}

/// `from 2.00 to 0.12`, or `the same`.
fn change(
    name: QuantityName,
    difference_test: DifferenceTest<'_>,
    first: &Point,
    last: &Point,
) -> Option<String> {
    let (from, to) = (first.quantity_of(name), last.quantity_of(name));
    let (from_value, to_value) = (from.measured?, to.measured?);
    let exact = from.bound == Bound::Exact && to.bound == Bound::Exact;
    if exact && from.measured_with_interval() == to.measured_with_interval() {
        return Some(format!("{} at both ends", from.measured_with_interval()));
    }
    let texts = format!("from {} to {}", from.measured_with_interval(), to.measured_with_interval());
    if let (true, TestResult::Alike(why)) = (exact, difference_test.result(name, first, last)) {
        return Some(format!("{texts} ({})", why.words()));
    }
    let ratio = if to_value >= from_value { to_value / from_value } else { from_value / to_value };
    // A ratio to a value near zero means nothing.
    if !exact || !ratio.is_finite() || ratio > 1e4 {
        return Some(texts);
    }
    Some(format!("{texts}, a factor of {}", three_digits(ratio)))
}
