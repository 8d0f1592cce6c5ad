//! Points that are compared with each other: those at the same swept value.

use crate::{
    findings::{Point, at_same_value},
    text::swept::SweptValue,
};

/// The points at one swept value, or all of them without a sweep.
pub(crate) struct SameValue<'a> {
    /// The value in words; empty without a sweep.
    pub(crate) text: String,
    /// A pattern that the setting does not concern has its point at every value.
    pub(crate) points: Vec<&'a Point>,
}

/// The points grouped by swept value, ascending; values without an order stay in that of the points.
pub(crate) fn by_value<'a>(points: &[&'a Point]) -> Vec<SameValue<'a>> {
    let mut values: Vec<(SweptValue, &Point)> = Vec::new();
    for point in points.iter().copied() {
        if let Some(value) = point.swept_key()
            && !values.iter().any(|(known, _)| *known == value)
        {
            values.push((value, point));
        }
    }
    if values.is_empty() {
        return vec![SameValue { text: String::new(), points: points.to_vec() }];
    }
    values.sort_by(|(left, _), (right, _)| left.place().total_cmp(&right.place()));
    let group = |(_, of): &(SweptValue, &Point)| SameValue {
        text: of.swept.map_or_else(String::new, |swept| swept.text(&of.params)),
        points: points.iter().copied().filter(|point| at_same_value(point, of)).collect(),
    };
    values.iter().map(group).collect()
}
