//! Parts of sentences that several answers share.

use crate::{
    findings::Point,
    quantities::QuantityName,
    statistics::blocks::few_blocks,
    text::number::{THIN_SPACE, list},
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

/// `10 to 1,000 subscribers`: the unit once if both have the same.
pub(super) fn span(first: &str, last: &str, word: &str) -> String {
    let unit =
        |text: &str| text.split_once([' ', THIN_SPACE]).map_or_else(String::new, |(_, unit)| unit.to_owned());
    let shared = unit(last);
    if !shared.is_empty() && unit(first) == shared {
        let number = first.trim_end_matches(&shared).trim_end();
        return format!("{number} {word} {last}");
    }
    format!("{first} {word} {last}")
}

/// How few blocks there are, in words, if one of the points has too few for a judgement.
pub(super) fn fewest_blocks(points: &[&Point]) -> Option<&'static str> {
    few_blocks(points.iter().map(|point| point.blocks()).min()?)
}
