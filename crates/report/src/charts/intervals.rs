//! Intervals in figures: whiskers on bars and marks, ribbons around curves, brackets after numbers. Without an
//! interval nothing is drawn.

use super::canvas::{Canvas, Drawn};
use crate::{
    quantities::{Bound, Quantity, Unit},
    style::ColourRole,
};

/// Half the length of a whisker's cap.
const CAP: f64 = 3.0;
/// Width of a whisker's line.
const WIDTH: f64 = 1.2;
/// A whisker shorter than this would show only its caps.
const SHORTEST: f64 = 0.5;
/// How strong a ribbon's colour is.
const RIBBON: f64 = 0.2;

/// Ends of a quantity's 95 % interval; none with too few blocks, and none for a lower bound.
pub(super) fn of(quantity: &Quantity) -> Option<(f64, f64)> {
    let interval = quantity.low.zip(quantity.high)?;
    (quantity.bound == Bound::Exact).then_some(interval)
}

/// `(2.05–2.20)`, with a unit only if it differs from the value's. Empty if both ends print like the value.
pub(super) fn brackets(unit: Unit, value: f64, (low, high): (f64, f64)) -> String {
    unit.interval(value, low, high).map_or_else(String::new, |interval| format!("({interval})"))
}

/// A quantity with its interval, in words.
pub(super) fn text(quantity: &Quantity) -> String {
    let measured = quantity.measured_text();
    let brackets = quantity
        .measured
        .zip(of(quantity))
        .map_or_else(String::new, |(value, interval)| brackets(quantity.name.unit(), value, interval));
    if brackets.is_empty() { measured } else { format!("{measured} {brackets}") }
}

/// A level whisker upon a bar, with a halo in the colour of the ground.
pub(super) fn upon_bar(canvas: &Canvas<'_>, (from, to): (f64, f64), y: f64) -> Drawn {
    if (to - from).abs() >= SHORTEST {
        canvas.line(&[(from - 1.0, y), (to + 1.0, y)], ColourRole::Ground, 3.0 * WIDTH)?;
    }
    level(canvas, (from, to), y, ColourRole::Text)
}

/// A level whisker from end to end at a height.
pub(super) fn level(canvas: &Canvas<'_>, (from, to): (f64, f64), y: f64, ink: ColourRole) -> Drawn {
    if (to - from).abs() < SHORTEST {
        return Ok(());
    }
    canvas.line(&[(from, y), (to, y)], ink, WIDTH)?;
    for x in [from, to] {
        canvas.line(&[(x, y - CAP), (x, y + CAP)], ink, WIDTH)?;
    }
    Ok(())
}

/// An upright whisker from end to end.
pub(super) fn upright(canvas: &Canvas<'_>, x: f64, (from, to): (f64, f64), ink: ColourRole) -> Drawn {
    if (to - from).abs() < SHORTEST {
        return Ok(());
    }
    canvas.line(&[(x, from), (x, to)], ink, WIDTH)?;
    for y in [from, to] {
        canvas.line(&[(x - CAP, y), (x + CAP, y)], ink, WIDTH)?;
    }
    Ok(())
}

/// The area between a curve of low ends and one of high ends.
pub(super) fn ribbon(canvas: &Canvas<'_>, low: &[(f64, f64)], high: &[(f64, f64)], ink: ColourRole) -> Drawn {
    let corners: Vec<(f64, f64)> = low.iter().chain(high.iter().rev()).copied().collect();
    canvas.area(&corners, ink, RIBBON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantities::QuantityName;

    #[test]
    fn a_bound_and_half_an_interval_have_none() {
        let mut quantity = Quantity::empty(QuantityName::AgeP99);
        assert_eq!(of(&quantity), None);
        quantity.low = Some(1.0);
        assert_eq!(of(&quantity), None);
        quantity.high = Some(2.0);
        assert_eq!(of(&quantity), Some((1.0, 2.0)));
        quantity.bound = Bound::AtLeast;
        assert_eq!(of(&quantity), None);
    }

    #[test]
    fn brackets_repeat_a_unit_only_where_it_changes() {
        let bytes = |value: f64, interval: (f64, f64)| brackets(Unit::Bytes, value, interval);
        assert_eq!(bytes(2_100.0, (2_050.0, 2_204.0)), "(2.05–2.20)");
        assert_eq!(bytes(1_010.0, (950.0, 1_100.0)), "(950\u{202f}B–1.10\u{202f}KB)");
        assert_eq!(bytes(412.0, (412.0, 412.1)), "");
        assert_eq!(brackets(Unit::Requests, 1.0, (0.9, 1.1)), "(0.900–1.10)");
    }
}
