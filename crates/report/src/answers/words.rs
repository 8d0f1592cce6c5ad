//! Parts of sentences that several answers share.

use contract::Pattern;

pub(super) use crate::text::number::span;
use crate::{
    findings::{CONDITIONS_BENEATH, Point},
    quantities::QuantityName,
    statistics::blocks::few_blocks,
    text::number::{list, period_ms, three_digits},
};

/// The points' labels, as a list.
pub(super) fn labels(points: &[&Point]) -> String {
    list(&points.iter().map(|point| point.label()).collect::<Vec<_>>())
}

/// The patterns of the points, each once, as a list.
pub(super) fn patterns(points: &[&Point]) -> String {
    let mut names: Vec<String> = points.iter().map(|point| point.pattern.label().to_owned()).collect();
    names.dedup();
    list(&names)
}

/// The same, but a pattern of which only some of all points are meant is named with its setting.
pub(super) fn names(points: &[&Point], all: &[&Point]) -> String {
    let number = |of: &[&Point], pattern| of.iter().filter(|point| point.pattern == pattern).count();
    let is_whole = |point: &Point| number(points, point.pattern) == number(all, point.pattern);
    let name = |point: &&Point| {
        if is_whole(point) { point.pattern.label().to_owned() } else { point.label() }
    };
    let mut names: Vec<String> = points.iter().map(name).collect();
    names.dedup();
    list(&names)
}

/// How many patterns have points, and how many of them have several.
pub(super) fn present_and_varying(points: &[&Point]) -> (usize, usize) {
    let number = |pattern: Pattern| points.iter().filter(|point| point.pattern == pattern).count();
    let patterns =
        |fewest: usize| Pattern::ALL.into_iter().filter(|pattern| number(*pattern) >= fewest).count();
    (patterns(1), patterns(2))
}

/// The verb after one subject or after several.
pub(super) const fn verb(subjects: usize, one: &'static str, more: &'static str) -> &'static str {
    if subjects == 1 { one } else { more }
}

/// `0.61 ms (0.60–0.62) and 0.65 ms (0.63–0.67)`, in the order of the points.
pub(super) fn values(name: QuantityName, points: &[&Point]) -> String {
    let values = points.iter().map(|point| point.quantity_of(name).measured_with_interval());
    list(&values.collect::<Vec<_>>())
}

/// `0.61 to 0.65 ms`; one value if both print the same, with its interval if it is one point's.
pub(crate) fn range(name: QuantityName, points: &[&Point]) -> String {
    if let [only] = points {
        return only.quantity_of(name).measured_with_interval();
    }
    let values = points.iter().filter_map(|point| point.measured(name));
    let (low, high) =
        values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let (low_text, high_text) = (name.text(low), name.text(high));
    let text = if low_text == high_text { high_text } else { format!("{low_text} to {high_text}") };
    let clock = points.first().map(|point| point.quantity_of(name).clock_bound_text());
    format!("{text}{}", clock.unwrap_or_default())
}

/// `from 10 to 1,000 subscribers`, or `without and with keep-alive`.
pub(super) fn along(first: &str, last: &str) -> String {
    if first.starts_with("without") {
        span(first, last, "and")
    } else {
        format!("from {}", span(first, last, "to"))
    }
}

/// How few blocks there are, in words, if one of the points has too few for a judgement.
pub(super) fn fewest_blocks(points: &[&Point]) -> Option<&'static str> {
    few_blocks(points.iter().map(|point| point.blocks()).min()?)
}

/// `long polling turns into batching between 18.8 and 101 events/s: an answer then brings up to 5.23 events`.
pub(super) fn batching(points: &[&Point], between: &str) -> Option<String> {
    let last = points.last()?;
    let answers = last.measured(QuantityName::RequestsPerEvent)?
        * (1.0 - last.measured(QuantityName::EmptyRatio).unwrap_or(0.0));
    Some(format!(
        "{} turns into batching {between}: an answer then brings up to {} events",
        last.pattern.label(),
        three_digits(1.0 / answers)
    ))
}

/// The pause of long polling between an answer and its next request, which its ages contain; none without one.
pub(super) fn turnaround(points: &[&Point]) -> Option<String> {
    let pause_ms = |point: &&Point| point.params.turnaround_ms.filter(|pause_ms| *pause_ms > 0.0);
    let pause = period_ms(points.iter().find_map(pause_ms)?);
    Some(format!(
        "Long polling pauses {pause} between an answer and its next request; an event that comes in the pause is up to {pause} older."
    ))
}

/// Moves the first condition about each pattern that the headline leaves out to where all outputs show it.
pub(super) fn with_every_pattern(headline: &str, conditions: Vec<String>, points: &[Point]) -> Vec<String> {
    let mut conditions = conditions;
    let names =
        |text: &str, point: &Point| text.to_lowercase().contains(&point.pattern.label().to_lowercase());
    let mut place = 1;
    for point in points {
        let is_shown = names(headline, point)
            || conditions.iter().take(CONDITIONS_BENEATH).any(|condition| names(condition, point));
        let of = conditions.iter().position(|condition| names(condition, point));
        if let Some(of) = of.filter(|_| !is_shown && !headline.to_lowercase().contains("every pattern")) {
            let condition = conditions.remove(of);
            conditions.insert(place.min(conditions.len()), condition);
            place += 1;
        }
    }
    conditions
}
