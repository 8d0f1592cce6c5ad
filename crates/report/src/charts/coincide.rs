//! Lines of different patterns that lie on each other: a line beneath another is wider, so both are seen.

use super::canvas::{Canvas, Drawn};
use crate::style::ColourRole;

/// A line is hidden where another one is closer to it than this.
const NEAR: f64 = 1.5;
/// A line of which this share is hidden is drawn wider.
const HIDDEN: f64 = 0.2;
/// Distance of the places along a line that are checked.
const STEP: f64 = 3.0;

/// Draws lines in their order, the last one with this width.
pub(super) fn lines(canvas: &Canvas<'_>, lines: &[(ColourRole, Vec<(f64, f64)>)], width: f64) -> Drawn {
    let paths: Vec<&[(f64, f64)]> = lines.iter().map(|(_, path)| path.as_slice()).collect();
    for ((ink, path), width) in lines.iter().zip(widths(&paths, width)) {
        canvas.line(path, *ink, width)?;
    }
    Ok(())
}

/// The widths of lines that are drawn in this order: this one, twice as much for a line that such a one hides, and so
/// on.
pub(super) fn widths(paths: &[&[(f64, f64)]], width: f64) -> Vec<f64> {
    let mut widths = vec![width; paths.len()];
    for lower in (0..paths.len()).rev() {
        let hiding = (lower + 1..paths.len()).filter(|upper| is_hidden(paths[lower], paths[*upper]));
        widths[lower] = hiding.map(|upper| widths[upper] + width).fold(width, f64::max);
    }
    widths
}

fn is_hidden(lower: &[(f64, f64)], upper: &[(f64, f64)]) -> bool {
    let places: Vec<(f64, f64)> = lower.windows(2).flat_map(|ends| along(ends[0], ends[1])).collect();
    let hidden = places.iter().filter(|place| is_near(**place, upper)).count();
    hidden > 0 && hidden as f64 >= HIDDEN * places.len() as f64
}

/// Places on a line from its first end on.
fn along(from: (f64, f64), to: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let steps = (length / STEP).ceil().max(1.0) as u32;
    (0..steps).map(move |step| {
        let share = f64::from(step) / f64::from(steps);
        (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
    })
}

fn is_near(place: (f64, f64), path: &[(f64, f64)]) -> bool {
    path.windows(2).any(|ends| distance(place, ends[0], ends[1]) < NEAR)
}

/// From a place to the nearest one of a straight line.
fn distance(place: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (run, rise) = (to.0 - from.0, to.1 - from.1);
    let square = run * run + rise * rise;
    let share = if square > 0.0 {
        (((place.0 - from.0) * run + (place.1 - from.1) * rise) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (place.0 - from.0 - share * run).hypot(place.1 - from.1 - share * rise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_beneath_others_is_wider_than_each_of_them() {
        let level = |y: f64| vec![(0.0, y), (100.0, y)];
        let rising = vec![(0.0, 0.0), (100.0, 100.0)];
        let paths = [level(50.0), rising, level(50.5), level(50.0), level(90.0)];
        let paths: Vec<&[(f64, f64)]> = paths.iter().map(Vec::as_slice).collect();
        let steps: Vec<f64> = widths(&paths, 2.0).iter().map(|width| width / 2.0).collect();
        assert_eq!(steps, [3.0, 1.0, 2.0, 1.0, 1.0]);
        assert_eq!(widths(&[&[], &[(0.0, 1.0)]], 2.0), [2.0, 2.0], "nothing to see");
    }

    #[test]
    fn a_line_that_shares_a_part_is_wider_too() {
        let whole = [(0.0, 0.0), (100.0, 0.0)];
        let part = [(0.0, 40.0), (70.0, 0.0), (100.0, 0.0)];
        assert_eq!(widths(&[&whole, &part], 2.0), [4.0, 2.0]);
        assert_eq!(widths(&[&whole, &[(0.0, 40.0), (95.0, 0.5), (100.0, 0.0)]], 2.0), [2.0, 2.0]);
    }
}
