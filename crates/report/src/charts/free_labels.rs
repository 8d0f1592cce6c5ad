//! Labels next to marks, each on the first side where it covers nothing.

use super::{
    axis::Plane,
    canvas::{Anchor, Canvas, Drawn, TICK_TEXT, WIDTH, text_width},
};
use crate::style::ColourRole;

/// Half of a label's and of a mark's height.
const HALF: f64 = 8.0;
/// How far above or below its mark a label is that finds no room beside it.
const FAR: f64 = 36.0;

/// Left, top, right, bottom.
type Area = [f64; 4];

/// A mark's place and its label.
pub(super) type LabelRequest = ((f64, f64), String);

/// Draws the labels in their order. They never cover a mark or each other, and cross a line only if there is
/// no other room. A label that fits nowhere is left out: the mark's shape and the table still identify the
/// point.
pub(super) fn draw(
    canvas: &Canvas<'_>,
    plane: &Plane,
    wishes: &[LabelRequest],
    marks: &[(f64, f64)],
    paths: &[Vec<(f64, f64)>],
) -> Drawn {
    let mut taken: Vec<Area> = marks.iter().map(|place| around(*place, HALF - 1.0)).collect();
    let lines = along(paths);
    for (place, text) in wishes {
        let width = text_width(text, TICK_TEXT);
        let own = |(left, middle): (f64, f64)| [left, middle - HALF, left + width, middle + HALF];
        let is_free = |candidate: (f64, f64), lines: &[Area]| {
            let own = own(candidate);
            within(plane, &own) && taken.iter().chain(lines).all(|other| !overlap(&own, other))
        };
        let candidates = candidates(*place, width);
        let free = candidates
            .into_iter()
            .find(|candidate| is_free(*candidate, &lines))
            .or_else(|| candidates.into_iter().find(|candidate| is_free(*candidate, &[])));
        if let Some(free) = free {
            let area = own(free);
            let [left, top, right, bottom] = area;
            taken.push(area);
            leader(canvas, *place, area)?;
            // A line that the label crosses must not run through its letters.
            canvas.rectangle(
                (left - 1.0, top + 1.0),
                (right + 1.0, bottom - 1.0),
                ColourRole::Ground,
                0.85,
            )?;
            canvas.text(free, text, Anchor::Left, TICK_TEXT, ColourRole::Text)?;
        }
    }
    Ok(())
}

/// A thin line from a mark to its label, if that is farther away than a row.
fn leader(canvas: &Canvas<'_>, (x, y): (f64, f64), [left, top, right, bottom]: Area) -> Drawn {
    let middle = f64::midpoint(top, bottom);
    let end = if middle < y { bottom } else { top };
    if (middle - y).abs() < FAR - 1.0 {
        return Ok(());
    }
    let to = (x.clamp(left, right), end);
    let length = (to.0 - x).hypot(to.1 - y).max(1.0);
    let from = (x + (to.0 - x) * HALF / length, y + (to.1 - y) * HALF / length);
    canvas.line(&[from, to], ColourRole::Limit, 0.8)
}

/// Where a label may begin, the best side first.
fn candidates((x, y): (f64, f64), width: f64) -> [(f64, f64); 12] {
    let (right, left, middle) = (x + 11.0, x - 11.0 - width, x - width / 2.0);
    let (above, below) = (y - 18.0, y + 18.0);
    [
        (right, y),
        (left, y),
        (middle, above),
        (middle, below),
        (right - 2.0, above),
        (right - 2.0, below),
        (left + 2.0, above),
        (left + 2.0, below),
        (right - 2.0, y - FAR),
        (right - 2.0, y + FAR),
        (left + 2.0, y - FAR),
        (left + 2.0, y + FAR),
    ]
}

fn around((x, y): (f64, f64), half: f64) -> Area {
    [x - half, y - half, x + half, y + half]
}

/// Small boxes along the lines.
fn along(paths: &[Vec<(f64, f64)>]) -> Vec<Area> {
    paths
        .iter()
        .flat_map(|path| path.windows(2))
        .flat_map(|ends| {
            let ((from_x, from_y), (to_x, to_y)) = (ends[0], ends[1]);
            (0..=40).map(move |step| {
                let share = f64::from(step) / 40.0;
                around((from_x + (to_x - from_x) * share, from_y + (to_y - from_y) * share), 1.0)
            })
        })
        .collect()
}

fn within(plane: &Plane, own: &Area) -> bool {
    own[0] >= plane.left && own[2] <= WIDTH && own[1] >= plane.top - HALF - 1.0 && own[3] <= plane.bottom
}

fn overlap(one: &Area, other: &Area) -> bool {
    one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]
}
