//! A drawing surface in readable units over plotters' SVG backend.

use contract::Pattern;
use plotters::{
    coord::Shift,
    drawing::DrawingAreaErrorKind,
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    prelude::{DrawingArea, IntoDrawingArea, SVGBackend},
    style::{
        Color, IntoFont, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::svg;
use crate::{
    findings::Point,
    style::{self, ColourRole, Marker},
};

/// Width of every figure. Narrow enough for readable text on a phone of 360 pixels.
pub(crate) const WIDTH: f64 = 390.0;
/// Text of labels.
pub(crate) const TEXT: f64 = 15.0;
/// Text of ticks.
pub(crate) const TICK_TEXT: f64 = 14.0;

/// plotters rounds to whole units: with four to one of ours, curves stay smooth.
const UNITS: f64 = 4.0;
/// Largest error of a corner in plotters' units: a quarter of our unit.
const UNSEEN: f64 = 1.0;
/// plotters' SVG backend divides a font's size by this.
const FONT_FACTOR: f64 = 1.24;

/// Drawing into a string never fails, but plotters' type allows for it.
pub(crate) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Where a text stands relative to its place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Left,
    Centre,
    Right,
}

/// A finished drawing.
pub(crate) struct Drawing {
    pub(crate) elements: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A surface to draw on.
pub(crate) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws with `paint` on a surface of [`WIDTH`] × `height`.
pub(crate) fn draw(height: f64, paint: impl FnOnce(&Canvas<'_>) -> Drawn) -> Drawing {
    let size = ((WIDTH * UNITS) as u32, (height * UNITS).round() as u32);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        paint(&Canvas { area }).expect("drawing into a string cannot fail");
    }
    Drawing { elements: svg::content(&text), width: size.0, height: size.1 }
}

/// The same path without invisible corners: none is farther from it than [`UNSEEN`].
///
/// The Ramer–Douglas–Peucker algorithm: keep the corner that is farthest from the line between the ends, and
/// continue with both halves.
fn thinned(path: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let [first, between @ .., last] = path else {
        return path.to_vec();
    };
    let (run, rise) = (f64::from(last.0 - first.0), f64::from(last.1 - first.1));
    let length = run.hypot(rise);
    let distance = |corner: &(i32, i32)| {
        let (x, y) = (f64::from(corner.0 - first.0), f64::from(corner.1 - first.1));
        // A closed path has no line between its ends.
        let along = if length > 0.0 { (x * run + y * rise) / length } else { 0.0 };
        let beside = if length > 0.0 { ((x * rise - y * run) / length).abs() } else { x.hypot(y) };
        // A corner beyond an end would shorten the path.
        beside.max(-along).max(along - length)
    };
    let farthest = between
        .iter()
        .enumerate()
        .map(|(index, corner)| (index + 1, distance(corner)))
        .max_by(|(_, left), (_, right)| left.total_cmp(right));
    match farthest {
        Some((place, off)) if off > UNSEEN => {
            let mut kept = thinned(&path[..=place]);
            kept.pop();
            kept.extend(thinned(&path[place..]));
            kept
        }
        Some(_) | None => vec![*first, *last],
    }
}

fn scaled((x, y): (f64, f64)) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

impl Canvas<'_> {
    pub(crate) fn line(&self, points: &[(f64, f64)], ink: ColourRole, width: f64) -> Drawn {
        self.faint_line(points, ink, width, 1.0)
    }

    /// A line in a tint of its colour.
    pub(crate) fn faint_line(
        &self,
        points: &[(f64, f64)],
        ink: ColourRole,
        width: f64,
        opacity: f64,
    ) -> Drawn {
        let mut path: Vec<(i32, i32)> = points.iter().copied().map(scaled).collect();
        path.dedup();
        if path.len() < 2 {
            return Ok(());
        }
        let style = ink.placeholder().mix(opacity).stroke_width((width * UNITS).round() as u32);
        self.area.draw(&PathElement::new(thinned(&path), style))
    }

    pub(crate) fn rectangle(&self, from: (f64, f64), to: (f64, f64), ink: ColourRole, opacity: f64) -> Drawn {
        let style = ink.placeholder().mix(opacity).filled();
        self.area.draw(&Rectangle::new([scaled(from), scaled(to)], style))
    }

    /// An area between corners, such as the ribbon around a curve.
    pub(crate) fn area(&self, corners: &[(f64, f64)], ink: ColourRole, opacity: f64) -> Drawn {
        let mut corners: Vec<(i32, i32)> = corners.iter().copied().map(scaled).collect();
        corners.dedup();
        if corners.len() < 3 {
            return Ok(());
        }
        self.area.draw(&Polygon::new(thinned(&corners), ink.placeholder().mix(opacity).filled()))
    }

    pub(crate) fn text(
        &self,
        (x, y): (f64, f64),
        text: &str,
        anchor: Anchor,
        size: f64,
        ink: ColourRole,
    ) -> Drawn {
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let colour = ink.placeholder();
        let style = TextStyle::from(("sans-serif", size * UNITS * FONT_FACTOR).into_font())
            .color(&colour)
            .pos(Pos::new(horizontal, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), scaled((x, y)), style))
    }

    /// The pattern's mark with a thin outline in the background colour, so that overlapping marks stay
    /// distinct.
    pub(crate) fn marker(&self, pattern: Pattern, (x, y): (f64, f64), radius: f64) -> Drawn {
        self.shape(pattern, (x, y), radius + 1.2, ColourRole::Ground)?;
        self.shape(pattern, (x, y), radius, ColourRole::Measured(pattern))
    }

    /// A point's mark: that of its pattern, open for a third-party server.
    pub(crate) fn point_marker(&self, point: &Point, place: (f64, f64), radius: f64) -> Drawn {
        self.marker(point.pattern, place, radius)?;
        if point.server.is_foreign() {
            self.shape(point.pattern, place, radius - 2.0, ColourRole::Ground)?;
        }
        Ok(())
    }

    fn shape(&self, pattern: Pattern, (x, y): (f64, f64), r: f64, ink: ColourRole) -> Drawn {
        let corners: Vec<(f64, f64)> = match style::marker(pattern) {
            Marker::Triangle => vec![(0.0, -1.15), (1.05, 0.75), (-1.05, 0.75)],
            Marker::Square => vec![(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
            Marker::Diamond => vec![(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)],
            Marker::Circle => {
                let radius = (r * UNITS).round() as i32;
                return self.area.draw(&Circle::new(scaled((x, y)), radius, ink.placeholder().filled()));
            }
        };
        let corners: Vec<(i32, i32)> =
            corners.into_iter().map(|(dx, dy)| scaled((x + dx * r, y + dy * r))).collect();
        self.area.draw(&Polygon::new(corners, ink.placeholder().filled()))
    }
}

/// The approximate width of a text, in a wide system font.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(|letter| if letter.is_uppercase() { 0.72 } else { 0.55 }).sum::<f64>() * size
}

/// Moves labels apart to at least `gap`, keeping their order and staying near their places.
pub(crate) fn spread(places: &mut [f64], gap: f64, low: f64, high: f64) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|left, right| places[*left].total_cmp(&places[*right]));
    let mut least = low;
    for &index in &order {
        places[index] = places[index].max(least);
        least = places[index] + gap;
    }
    let mut most = high;
    for &index in order.iter().rev() {
        places[index] = places[index].min(most);
        most = places[index] - gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_move_apart_and_stay_within() {
        let mut places = [10.0, 11.0, 12.0, 99.0, 98.0];
        spread(&mut places, 15.0, 0.0, 100.0);
        let mut sorted = places;
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= 14.999));
        assert!(places[4] < places[3]);
        assert!(sorted[0] >= 0.0 && sorted[4] <= 100.0);
    }

    #[test]
    fn corners_that_nobody_would_see_are_left_out() {
        let curve: Vec<(i32, i32)> = (0..=400).map(|x| (x, x * x / 400)).collect();
        let kept = thinned(&curve);
        assert!(kept.len() < 40 && kept.first() == curve.first() && kept.last() == curve.last());
        for (x, y) in &curve {
            let pair = kept.windows(2).find(|pair| pair[0].0 <= *x && *x <= pair[1].0).unwrap();
            let share = f64::from(x - pair[0].0) / f64::from(pair[1].0 - pair[0].0);
            let on_path = f64::from(pair[0].1) + share * f64::from(pair[1].1 - pair[0].1);
            // One unit beside a line that rises by two is √5 units above it.
            assert!((on_path - f64::from(*y)).abs() < 2.3, "{x}");
        }
        assert_eq!(thinned(&[(0, 0), (9, 0), (4, 0)]), [(0, 0), (9, 0), (4, 0)]);
        assert_eq!(thinned(&[(0, 0), (5, 0), (9, 0)]), [(0, 0), (9, 0)]);
        let closed = [(0, 0), (9, 0), (9, 9), (0, 9), (0, 0)];
        assert_eq!(thinned(&closed), closed);
        assert_eq!(thinned(&[]), []);
    }

    #[test]
    fn a_drawing_is_what_stands_within_the_root() {
        let drawing = draw(100.0, |canvas| {
            canvas.line(&[(0.0, 0.0), (10.0, 10.0)], ColourRole::Text, 1.0)?;
            canvas.text((5.0, 5.0), "a < b", Anchor::Left, 15.0, ColourRole::Text)
        });
        assert!(drawing.elements.starts_with("<polyline"), "{}", drawing.elements);
        assert!(drawing.elements.contains("font-size=\"60\""), "{}", drawing.elements);
        assert!(drawing.elements.contains("a &lt; b"));
        assert!(!drawing.elements.contains("<svg"));
        assert_eq!((drawing.width, drawing.height), (1_560, 400));
    }
}
