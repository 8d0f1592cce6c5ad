//! The places of the marks of measured points in a chart of curves.

use contract::Pattern;

use super::axis::Plane;

/// Points (swept value, quantity).
pub(super) type Curve = Vec<(f64, f64)>;

/// Radius of a mark, pixels.
pub(super) const MARK: f64 = 5.5;
/// How far a mark is moved for each other mark at its place: half of each stays visible.
const STEP: f64 = 0.6 * MARK;

/// One measured point as it is drawn.
pub(super) struct Mark {
    pub(super) pattern: Pattern,
    /// The swept value; none for a level line's.
    pub(super) value: Option<f64>,
    pub(super) place: (f64, f64),
}

/// Marks at the same place are drawn side by side.
pub(super) fn of(plane: &Plane, curves: &[(Pattern, Curve, Curve)], level_patterns: &[Pattern]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (pattern, measured, _) in curves {
        let pattern = *pattern;
        match level_patterns.iter().position(|level| *level == pattern) {
            Some(index) => {
                marks.push(Mark { pattern, value: None, place: level_mark(plane, measured, index) });
            }
            None => marks.extend(measured.iter().map(|point| Mark {
                pattern,
                value: Some(point.0),
                place: plane.place(*point),
            })),
        }
    }
    let places: Vec<(Pattern, (f64, f64))> = marks.iter().map(|mark| (mark.pattern, mark.place)).collect();
    for (mark, place) in marks.iter_mut().zip(side_by_side(&places, plane.left)) {
        mark.place = place;
    }
    marks
}

/// The places of marks. Those that would hide one of another pattern are moved apart horizontally, but none to the
/// left of the axis.
pub(super) fn side_by_side(marks: &[(Pattern, (f64, f64))], left: f64) -> Vec<(f64, f64)> {
    let hide = |(one_pattern, one): (Pattern, (f64, f64)), (other_pattern, other): (Pattern, (f64, f64))| {
        one_pattern != other_pattern && (one.0 - other.0).abs() < MARK && (one.1 - other.1).abs() < MARK
    };
    let moved = |(index, mark): (usize, &(Pattern, (f64, f64)))| {
        let place = mark.1;
        let hiding = marks.iter().enumerate().filter(|(_, other)| hide(*mark, **other));
        // None passes another one on its way.
        let (before, after): (Vec<_>, Vec<_>) = hiding.partition(|(other_index, (_, other))| {
            other.0.total_cmp(&place.0).then(other_index.cmp(&index)).is_lt()
        });
        let (before, after) = (before.len() as f64, after.len() as f64);
        let outermost = place.0 - (before + after) * STEP;
        let back = if before + after > 0.0 { (left - outermost).max(0.0) } else { 0.0 };
        (place.0 + (before - after) * STEP + back, place.1)
    };
    marks.iter().enumerate().map(moved).collect()
}

/// The mark of a pattern measured once: near the end of its line, next to those of other level lines.
pub(super) fn level_mark(plane: &Plane, level: &Curve, index: usize) -> (f64, f64) {
    let (x, y) = plane.place(level[1]);
    (x - 16.0 * (index + 1) as f64, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_in_one_place_stand_side_by_side_and_others_stay() {
        let places = [(100.0, 50.0), (100.0, 52.0), (100.0, 90.0), (160.0, 50.0), (20.0, 9.0)];
        let marks: Vec<(Pattern, (f64, f64))> = Pattern::ALL.into_iter().cycle().zip(places).collect();
        let apart = [(100.0 - STEP, 50.0), (100.0 + STEP, 52.0), (100.0, 90.0), (160.0, 50.0), (20.0, 9.0)];
        assert_eq!(side_by_side(&marks, 20.0), apart, "one alone may stand on the axis");
        let same = |number: usize| -> Vec<(Pattern, (f64, f64))> {
            Pattern::ALL.into_iter().map(|pattern| (pattern, (20.0, 9.0))).take(number).collect()
        };
        let three = [0.0, 2.0, 4.0].map(|marks| (20.0 + marks * STEP, 9.0));
        assert_eq!(side_by_side(&same(3), 20.0), three, "to the right of the axis");
        let crossed = [(Pattern::Sse, (104.0, 9.0)), (Pattern::WebSocket, (100.0, 9.0))];
        assert_eq!(
            side_by_side(&crossed, 20.0),
            [(104.0 + STEP, 9.0), (100.0 - STEP, 9.0)],
            "in their order"
        );
        let one_pattern = [same(1), same(1)].concat();
        assert_eq!(side_by_side(&one_pattern, 0.0), [(20.0, 9.0); 2], "one pattern's colour is not hidden");
    }
}
