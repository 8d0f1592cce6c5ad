//! The answer of a scenario that varies one setting.

use std::collections::BTreeMap;

use contract::Pattern;

use super::{
    headline::headed,
    order::order,
    words::{batching, fewest_blocks, span},
};
use crate::{
    findings::Point,
    judgement::difference_test::{DifferenceTest, TestResult},
    quantities::{Bound, QuantityName},
    text::{
        number::{period_ms, six_digits, three_digits},
        sentence::capitalised,
        swept::SweepParameter,
    },
};

/// The quantity that a swept setting is about, and the cost to read beside it.
pub(crate) const fn main_quantities(swept: SweepParameter) -> [QuantityName; 2] {
    match swept {
        SweepParameter::Subscribers => [QuantityName::AgeP99, QuantityName::CpuPerEvent],
        SweepParameter::Rate => [QuantityName::RequestsPerEvent, QuantityName::AgeP99],
        SweepParameter::Payload => [QuantityName::BytesPerEvent, QuantityName::CpuPerEvent],
        SweepParameter::PollInterval => [QuantityName::AgeP99, QuantityName::RequestsPerEvent],
        SweepParameter::Hold => [QuantityName::RequestsPerEvent, QuantityName::EmptyRatio],
        SweepParameter::Client => [QuantityName::SubscriberCpuPerEvent, QuantityName::AgeP99],
        SweepParameter::KeepAlive => [QuantityName::PacketsPerEvent, QuantityName::CpuPerEvent],
        SweepParameter::Side => [QuantityName::AgeP99, QuantityName::BytesPerEvent],
        SweepParameter::Ablation => [QuantityName::CpuPerEvent, QuantityName::AgeP99],
        SweepParameter::Rtt => [QuantityName::AgeMean, QuantityName::AgeP99],
        SweepParameter::Network => [QuantityName::AgeMean, QuantityName::BytesPerEvent],
        SweepParameter::Transport => [QuantityName::BytesPerEvent, QuantityName::CpuPerEvent],
        SweepParameter::Heartbeat => [QuantityName::BytesPerEvent, QuantityName::AgeMean],
        SweepParameter::StreamsPerConnection => [QuantityName::SocketsHeld, QuantityName::CpuPerEvent],
        SweepParameter::MaxStreams => [QuantityName::AgeP50, QuantityName::SocketsHeld],
    }
}

pub(super) fn answer(
    swept: SweepParameter,
    difference_test: DifferenceTest<'_>,
    points: &[&Point],
) -> (String, Vec<String>) {
    let [main, price] = main_quantities(swept);
    let mut series: BTreeMap<Pattern, Vec<&Point>> = BTreeMap::new();
    for point in points {
        series.entry(point.pattern).or_default().push(point);
    }
    let order = order(main, &series, swept, difference_test);
    let growth = growth(swept, main, difference_test, &series);
    let flips: Vec<String> =
        series.values().filter_map(|points| flip(swept, difference_test, points)).collect();
    let mut parts: Vec<String> = Vec::new();
    let mut details: Vec<String> = Vec::new();
    if let [only] = series.values().collect::<Vec<_>>().as_slice() {
        // The flip answers the question; without one the growth does, which the details repeat with its numbers.
        if flips.is_empty() {
            let growth = growth.or_else(|| at_the_end(swept, main, difference_test, only));
            parts.extend(growth.into_iter().chain(no_flip(swept, only)));
        }
        parts.extend(flips);
        details
            .extend([main, price].into_iter().filter_map(|name| course(swept, difference_test, name, only)));
    } else {
        match swept {
            // These ask for the cost of a setting.
            SweepParameter::Client | SweepParameter::KeepAlive | SweepParameter::Subscribers => {
                parts.extend(growth.into_iter().chain(order));
                details.extend(flips);
            }
            // These ask from which setting on a pattern behaves differently.
            SweepParameter::Rate | SweepParameter::PollInterval | SweepParameter::Hold => {
                parts.extend(flips.into_iter().chain(order).chain(growth));
            }
            // The others ask which pattern to take.
            SweepParameter::Payload
            | SweepParameter::Side
            | SweepParameter::Ablation
            | SweepParameter::Rtt
            | SweepParameter::Network
            | SweepParameter::Transport
            | SweepParameter::Heartbeat
            | SweepParameter::StreamsPerConnection
            | SweepParameter::MaxStreams => {
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

/// Whose main quantity changes most from one end to the other; none if no change is told.
fn growth(
    swept: SweepParameter,
    main: QuantityName,
    difference_test: DifferenceTest<'_>,
    series: &BTreeMap<Pattern, Vec<&Point>>,
) -> Option<String> {
    let size = |ratio: f64| ratio.max(1.0 / ratio);
    let (first, last, ratio) = series
        .values()
        .filter_map(|points| ends(main, difference_test, points))
        .filter(|(_, _, ratio)| ratio.is_finite() && size(*ratio) < 1e4)
        .max_by(|(_, _, left), (_, _, right)| size(*left).total_cmp(&size(*right)))?;
    let (pattern, label) = (first.pattern.label(), main.label());
    let several = series.len() > 1;
    let times = three_digits(size(ratio));
    let dearer = if ratio > 1.0 { last } else { first };
    let pays = if several { "pays most" } else { "pays more" };
    Some(match swept {
        SweepParameter::KeepAlive => {
            format!("{} {pattern} {pays}: {times} times the {label}", swept.text(&dearer.params))
        }
        SweepParameter::Client => {
            format!("with the {} {pattern} {pays}: {times} times the {label}", swept.text(&dearer.params))
        }
        SweepParameter::Subscribers
        | SweepParameter::Rate
        | SweepParameter::Payload
        | SweepParameter::PollInterval
        | SweepParameter::Hold
        | SweepParameter::Side
        | SweepParameter::Ablation
        | SweepParameter::Rtt
        | SweepParameter::Network
        | SweepParameter::Transport
        | SweepParameter::Heartbeat
        | SweepParameter::StreamsPerConnection
        | SweepParameter::MaxStreams => {
            if several {
                let grows = if ratio > 1.0 { "grows" } else { "falls" };
                format!("{pattern} {grows} most in {label}, by a factor of {times}")
            } else {
                let cheaper = if ratio > 1.0 { first } else { last };
                let (dearer, cheaper) = (swept.text(&dearer.params), swept.text(&cheaper.params));
                format!("at {dearer} {pattern} has {times} times the {label} of {cheaper}")
            }
        }
    })
}

/// The first and the last point, and by what factor the quantity changes between them; none if that is not told.
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
        "{}, from {}: {} {}",
        first.pattern.label(),
        span(&swept.text(&first.params), &swept.text(&last.params), "to"),
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
        format!(" from {}", span(&swept.text(&first.params), &swept.text(&last.params), "to"))
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

/// At which setting the answer for one pattern's series changes.
fn flip(swept: SweepParameter, difference_test: DifferenceTest<'_>, points: &[&Point]) -> Option<String> {
    let pattern = points.first()?.pattern.label();
    match swept {
        SweepParameter::PollInterval => interval_flip(points),
        SweepParameter::Rate => {
            let between = break_even(swept, points, QuantityName::RequestsPerEvent, 0.5);
            between.and_then(|between| batching(points, &between))
        }
        SweepParameter::Subscribers => {
            let name = QuantityName::AgeP99;
            let first = points.first()?;
            let first_ms = first.measured(name)?;
            let doubled = points.iter().find(|point| {
                let doubled = point.measured(name).is_some_and(|age_ms| age_ms > 2.0 * first_ms);
                doubled && !difference_test.same(name, first, point)
            })?;
            Some(format!("the age of {pattern} has more than doubled at {}", swept.text(&doubled.params)))
        }
        SweepParameter::Payload => {
            let half = points.iter().find(|point| {
                let payload = point.measured(QuantityName::PayloadBytesPerEvent);
                let all = point.measured(QuantityName::BytesPerEvent);
                payload.zip(all).is_some_and(|(payload, all)| payload > all / 2.0)
            })?;
            Some(format!(
                "for {pattern} the payload is more than half of the bytes at {} and above",
                swept.text(&half.params)
            ))
        }
        SweepParameter::Hold => break_even(swept, points, QuantityName::EmptyRatio, 0.5)
            .map(|between| format!("the empty ratio of {pattern} falls below 0.5 {between}")),
        SweepParameter::Client
        | SweepParameter::KeepAlive
        | SweepParameter::Side
        | SweepParameter::Ablation
        | SweepParameter::Rtt
        | SweepParameter::Network
        | SweepParameter::Transport
        | SweepParameter::Heartbeat
        | SweepParameter::StreamsPerConnection
        | SweepParameter::MaxStreams => None,
    }
}

/// Requests per event are 1/(λT): T × requests is the mean gap between events at every point.
fn interval_flip(points: &[&Point]) -> Option<String> {
    let mut gaps: Vec<f64> = points
        .iter()
        .filter_map(|point| {
            Some(point.params.poll_interval_ms? * point.measured(QuantityName::RequestsPerEvent)?)
        })
        .collect();
    gaps.sort_by(f64::total_cmp);
    let gap_ms = gaps.get(gaps.len() / 2).copied().and_then(six_digits)?;
    let mut shares: Vec<f64> = points
        .iter()
        .filter_map(|point| Some(point.measured(QuantityName::AgeP99)? / point.params.poll_interval_ms?))
        .collect();
    shares.sort_by(f64::total_cmp);
    let share = shares.get(shares.len() / 2).copied()?;
    Some(format!(
        "events wait up to {} times the interval at p99; below {}, the gap between events, polling costs more than one request per event",
        three_digits(share),
        period_ms(gap_ms)
    ))
}

/// Says that the sweep did not reach such a setting, where there are enough blocks to say so.
fn no_flip(swept: SweepParameter, points: &[&Point]) -> Option<String> {
    let pattern = points.first()?.pattern.label();
    match swept {
        SweepParameter::Subscribers => Some(match fewest_blocks(points) {
            Some(few) => format!("{few} cannot show whether the age of {pattern} doubles"),
            None => format!("no doubling of the age is shown for {pattern}"),
        }),
        SweepParameter::Payload => {
            Some(format!("for {pattern} the payload is never more than half of the bytes"))
        }
        SweepParameter::Rate => {
            // Without a value nothing can be said, and from the first rate on there is no change to name.
            let first = points.first()?.measured(QuantityName::RequestsPerEvent)?;
            Some(if first < 0.5 {
                format!("at all these rates a request of {pattern} brings more than two events on average")
            } else {
                format!(
                    "at these rates {pattern} does not turn into batching: a request brings at most two events \
                     on average"
                )
            })
        }
        SweepParameter::Hold
        | SweepParameter::PollInterval
        | SweepParameter::Client
        | SweepParameter::KeepAlive
        | SweepParameter::Side
        | SweepParameter::Ablation
        | SweepParameter::Rtt
        | SweepParameter::Network
        | SweepParameter::Transport
        | SweepParameter::Heartbeat
        | SweepParameter::StreamsPerConnection
        | SweepParameter::MaxStreams => None,
    }
}

/// Between which two values a quantity falls below a limit.
fn break_even(swept: SweepParameter, points: &[&Point], name: QuantityName, limit: f64) -> Option<String> {
    points.windows(2).find_map(|pair| {
        let [left, right] = pair else { return None };
        let (before, after) = (left.measured(name)?, right.measured(name)?);
        (before >= limit && after < limit).then(|| {
            format!("between {}", span(&swept.text(&left.params), &swept.text(&right.params), "and"))
        })
    })
}
