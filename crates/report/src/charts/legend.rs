//! Keys above a chart, and labels at the ends of its lines.

use contract::Pattern;

use super::canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, spread, text_width};
use crate::{findings::Point, judgement::floor::FLOOR_KEY, style::ColourRole};

/// Height of one row of keys.
pub(crate) const ROW: f64 = 20.0;

/// A key: a pattern's mark and its name, the tint of one of its lines, what dashes mean, or what the labels are.
pub(crate) enum Key {
    Pattern(Pattern, String),
    Tint(Pattern, f64, String),
    Model,
    Floor,
    Front,
    Words(&'static str),
}

/// Explains the dashed steps of the freshness figure.
const FRONT_KEY: &str = "best choices";

impl Key {
    fn width(&self) -> f64 {
        match self {
            Self::Pattern(_, label) => 18.0 + text_width(label, TEXT) + 12.0,
            Self::Tint(_, _, label) => 34.0 + text_width(label, TEXT) + 12.0,
            Self::Model => 34.0 + text_width("model", TEXT) + 12.0,
            Self::Front => 34.0 + text_width(FRONT_KEY, TEXT) + 12.0,
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
            Key::Tint(pattern, opacity, label) => {
                let ends = [(x, y), (x + 28.0, y)];
                canvas.faint_line(&ends, ColourRole::Measured(*pattern), 2.4, *opacity)?;
                canvas.text((x + 34.0, y), label, Anchor::Left, TEXT, ColourRole::Text)?;
            }
            Key::Model => dashed(canvas, (x, y), "model")?,
            Key::Front => dashed(canvas, (x, y), FRONT_KEY)?,
        }
    }
    Ok(())
}

/// A dashed line and what it means.
fn dashed(canvas: &Canvas<'_>, (x, y): (f64, f64), words: &str) -> Drawn {
    canvas.line(&[(x, y), (x + 28.0, y)], ColourRole::Front, 2.0)?;
    canvas.text((x + 34.0, y), words, Anchor::Left, TEXT, ColourRole::Text)
}

/// A label at a line's end.
pub(crate) struct EndLabel<'a> {
    pub(crate) point: &'a Point,
    /// Where the line ends.
    pub(crate) end: (f64, f64),
    /// One row for each line of text; those after the first in a quiet colour.
    pub(crate) words: String,
}

/// Marks and words in a column to the right of the lines' ends, moved apart where they would overlap: lines are
/// often closer than labels are high.
pub(crate) fn end_labels(
    canvas: &Canvas<'_>,
    labels: &[EndLabel<'_>],
    x: f64,
    (top, bottom): (f64, f64),
) -> Drawn {
    let row = TICK_TEXT + 2.0;
    let rows = labels.iter().map(|label| label.words.lines().count()).max().unwrap_or(1) as f64;
    let mut places: Vec<f64> = labels.iter().map(|label| label.end.1).collect();
    spread(&mut places, rows * row + 2.0, top, bottom - (rows - 1.0) * row);
    for (label, y) in labels.iter().zip(places) {
        canvas.line(&[(label.end.0 + 2.0, label.end.1), (x - 8.0, y)], ColourRole::Limit, 0.8)?;
        canvas.point_marker(label.point, (x, y), 5.0)?;
        for (index, words) in label.words.lines().enumerate() {
            let ink = if index == 0 { ColourRole::Text } else { ColourRole::Quiet };
            canvas.text((x + 10.0, y + row * index as f64), words, Anchor::Left, TICK_TEXT, ink)?;
        }
    }
    Ok(())
}
