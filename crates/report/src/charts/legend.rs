//! Keys above a chart, and labels at the ends of its lines.

use contract::Pattern;

use super::canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, spread, text_width};
use crate::{findings::Point, judgement::floor::FLOOR_KEY, style::ColourRole};

/// Height of one row of keys.
pub(crate) const ROW: f64 = 20.0;

/// A key: a pattern's mark and its name, what dashes mean, or what the labels are.
pub(crate) enum Key {
    Pattern(Pattern, String),
    Model,
    Floor,
    Words(&'static str),
}

impl Key {
    fn width(&self) -> f64 {
        match self {
            Self::Pattern(_, label) => 18.0 + text_width(label, TEXT) + 12.0,
            Self::Model => 34.0 + text_width("model", TEXT) + 12.0,
            Self::Floor => 34.0 + text_width(FLOOR_KEY, TEXT) + 12.0,
            Self::Words(words) => text_width(words, TEXT) + 12.0,
        }
    }
}

/// One key per pattern, and one for the model if there is any.
pub(crate) fn keys(points: &[&Point], model: bool) -> Vec<Key> {
    let mut keys: Vec<Key> = Pattern::ALL
        .into_iter()
        .filter(|pattern| points.iter().any(|point| point.pattern == *pattern))
        .map(|pattern| Key::Pattern(pattern, pattern.label().to_owned()))
        .collect();
    if model {
        keys.push(Key::Model);
    }
    if let Some(swept) = points.iter().find_map(|point| point.swept) {
        keys.push(Key::Words(swept.marks()));
    }
    keys
}

/// A key for the floors' curves, where there are any.
pub(crate) fn floor_key(drawn: bool) -> Option<Key> {
    drawn.then_some(Key::Floor)
}

/// Rows that the keys need.
pub(crate) fn height(keys: &[Key]) -> f64 {
    place(keys).last().map_or(0.0, |(_, row)| (row + 1.0) * ROW)
}

/// Where each key begins, and its row.
fn place(keys: &[Key]) -> Vec<(f64, f64)> {
    let (mut x, mut row) = (4.0, 0.0);
    keys.iter()
        .map(|key| {
            if x > 4.0 && x + key.width() > WIDTH {
                (x, row) = (4.0, row + 1.0);
            }
            let found = (x, row);
            x += key.width();
            found
        })
        .collect()
}

pub(crate) fn draw(canvas: &Canvas<'_>, keys: &[Key], top: f64) -> Drawn {
    for (key, (x, row)) in keys.iter().zip(place(keys)) {
        let y = top + row * ROW + ROW / 2.0;
        match key {
            Key::Pattern(pattern, label) => {
                canvas.marker(*pattern, (x + 7.0, y), 5.5)?;
                canvas.text((x + 18.0, y), label, Anchor::Left, TEXT, ColourRole::Text)?;
            }
            Key::Words(words) => {
                canvas.text((x, y), words, Anchor::Left, TEXT, ColourRole::Quiet)?;
            }
            Key::Floor => {
                // Not a pattern's colour: the key applies to all.
                canvas.line(&[(x, y), (x + 28.0, y)], ColourRole::FloorKey, 2.4)?;
                canvas.text((x + 34.0, y), FLOOR_KEY, Anchor::Left, TEXT, ColourRole::Text)?;
            }
            Key::Model => {
                canvas.line(&[(x, y), (x + 28.0, y)], ColourRole::Front, 2.0)?;
                canvas.text((x + 34.0, y), "model", Anchor::Left, TEXT, ColourRole::Text)?;
            }
        }
    }
    Ok(())
}

/// Words at the ends of lines, moved apart where they would overlap.
pub(crate) fn end_labels(
    canvas: &Canvas<'_>,
    labels: &[((f64, f64), String)],
    x: f64,
    (top, bottom): (f64, f64),
) -> Drawn {
    let mut places: Vec<f64> = labels.iter().map(|((_, y), _)| *y).collect();
    spread(&mut places, TICK_TEXT + 2.0, top, bottom);
    for (((end_x, end_y), label), y) in labels.iter().zip(places) {
        if (y - end_y).abs() > 4.0 || x - end_x > 16.0 {
            canvas.line(&[(end_x + 4.0, *end_y), (x - 3.0, y)], ColourRole::Limit, 0.8)?;
        }
        canvas.text((x, y), label, Anchor::Left, TICK_TEXT, ColourRole::Text)?;
    }
    Ok(())
}
