//! Chooses the points of a figure that cannot show all: some of every pattern by what the figure shows, not by their
//! place in a list, and always the lowest and the highest, which its title names.

use contract::Pattern;

use crate::findings::Point;

/// Most curves in one readable chart.
pub(super) const MOST_SERIES: usize = 6;

/// A value that a title may name the ends of.
type Value<'a> = &'a dyn Fn(&Point) -> Option<f64>;

/// At most `most` of the points, shared evenly among the patterns and over the first of the values, with the lowest
/// and the highest of every value among them; in their order.
pub(super) fn chosen<'a>(points: &[&'a Point], most: usize, values: &[Value<'_>]) -> Vec<&'a Point> {
    let place = |point: &Point| points.iter().position(|other| std::ptr::eq(*other, point));
    let mut chosen: Vec<usize> =
        spread_over_patterns(points, most, values).iter().filter_map(|point| place(point)).collect();
    let ends: Vec<usize> = values.iter().flat_map(|value| ends(points, value)).collect();
    for end in &ends {
        if chosen.contains(end) {
            continue;
        }
        // It replaces the nearest point of its own pattern, unless that is an end itself.
        let distance = |other: usize| {
            let is_other_pattern = points[other].pattern != points[*end].pattern;
            (is_other_pattern, other.abs_diff(*end))
        };
        let free = (0..chosen.len()).filter(|index| !ends.contains(&chosen[*index]));
        if let Some(index) = free.min_by_key(|index| distance(chosen[*index])) {
            chosen[index] = *end;
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|index| points[index]).collect()
}

/// Places of the lowest and the highest value.
fn ends(points: &[&Point], value: Value<'_>) -> Vec<usize> {
    let known: Vec<(usize, f64)> =
        points.iter().enumerate().filter_map(|(index, point)| Some((index, value(point)?))).collect();
    let lowest = known.iter().min_by(|left, right| left.1.total_cmp(&right.1));
    let highest = known.iter().max_by(|left, right| left.1.total_cmp(&right.1));
    [lowest, highest].into_iter().flatten().map(|(index, _)| *index).collect()
}

/// At most `most` of the points: both ends and evenly between.
fn spread_out<'a>(points: &[&'a Point], most: usize) -> Vec<&'a Point> {
    if points.len() <= most {
        return points.to_vec();
    }
    (0..most).map(|index| points[index * (points.len() - 1) / (most - 1)]).collect()
}

/// At most `most` of the points, shared evenly among the patterns, from the lowest to the highest of the first value;
/// where a pattern gets one only, it is the highest.
fn spread_over_patterns<'a>(points: &[&'a Point], most: usize, values: &[Value<'_>]) -> Vec<&'a Point> {
    if points.len() <= most {
        return points.to_vec();
    }
    let value = |point: &Point| values.first().and_then(|value| value(point)).unwrap_or(f64::NEG_INFINITY);
    let of = |pattern: Pattern| -> Vec<&'a Point> {
        let mut group: Vec<&Point> =
            points.iter().copied().filter(|point| point.pattern == pattern).collect();
        // Points of equal value keep their order.
        group.sort_by(|left, right| value(left).total_cmp(&value(right)));
        group
    };
    let groups: Vec<Vec<&Point>> =
        Pattern::ALL.into_iter().map(of).filter(|group| !group.is_empty()).collect();
    let share = most / groups.len().max(1);
    groups
        .iter()
        .flat_map(|group| match share {
            0 | 1 => group.last().copied().into_iter().collect(),
            _more => spread_out(group, share),
        })
        .collect()
}

/// Says so where a chart does not show all points.
pub(super) fn left_out(shown: usize, all: usize) -> String {
    if shown >= all {
        return String::new();
    }
    format!(" Shown are {shown} of {all} points; the table has all.")
}

/// The points in words for a figure's alternative text: each one if they are few, else only how many.
pub(super) fn described(points: &[&Point], words: impl Fn(&Point) -> String) -> String {
    /// More would be a table, and the report has one.
    const MOST_DESCRIBED: usize = 8;
    if points.len() > MOST_DESCRIBED {
        return format!("{} points, whose numbers are in the table", points.len());
    }
    points.iter().map(|point| words(point)).collect::<Vec<_>>().join("; ")
}
