//! The evidence for a claim as a picture: each value with its interval, beside the limit.

use std::borrow::Cow;

use super::{
    axis::{Axis, Plane},
    canvas::{self, Anchor, Canvas, Drawn, TICK_TEXT, WIDTH},
    figure::Figure,
    file_name, intervals,
};
use crate::{
    findings::{ClaimFinding, Findings, ThresholdFinding},
    quantities::Bound,
    style::ColourRole,
    tables::claims::{AtItsPoints, by_condition, point_words, truth},
    text::number::setting,
};

/// Most values that a picture shows; the table beside it has all.
const MOST_VALUES: usize = 10;
/// Height of a value with its label.
const ROW: f64 = 38.0;
/// Height of the space above the values of a condition, for the limit's number.
const HEAD: f64 = 24.0;
/// Height of the space below them, for the axis.
const FOOT: f64 = 34.0;
/// Height of a line of a condition, above its values.
const LINE: f64 = 18.0;
/// Letters of such a line.
const LINE_LETTERS: usize = 50;
/// Space between a label and its number.
const GAP: f64 = 12.0;
/// Half the width of a mark.
const MARK: f64 = 5.0;

/// A value that can be drawn, with its limit.
struct Value<'a> {
    cell: &'a ThresholdFinding,
    value: f64,
    limit: f64,
}

/// The pictures of all claims that have values.
pub(crate) fn figures(findings: &Findings) -> Vec<Figure> {
    findings.claims.iter().filter_map(figure).collect()
}

/// The name of a claim's picture.
pub(crate) fn slug(claim: &ClaimFinding) -> String {
    file_name(&format!("claim-{}", claim.id))
}

/// The values of one condition.
struct Panel<'a> {
    /// The condition in lines; empty in a picture of one condition.
    head: Vec<String>,
    values: Vec<Value<'a>>,
}

impl Panel<'_> {
    fn head_height(&self) -> f64 {
        LINE * self.head.len() as f64
    }

    fn height(&self) -> f64 {
        self.head_height() + HEAD + ROW * self.values.len() as f64 + FOOT
    }
}

fn figure(claim: &ClaimFinding) -> Option<Figure> {
    // A name such as `long-polling` stays whole.
    let lines = textwrap::Options::new(LINE_LETTERS).word_splitter(textwrap::WordSplitter::NoHyphenation);
    let mut room = MOST_VALUES;
    let mut panels: Vec<Panel<'_>> = Vec::new();
    let mut all = 0;
    for condition in by_condition(claim) {
        let mut values = values(&condition);
        all += values.len();
        values.truncate(room);
        room -= values.len();
        if !values.is_empty() {
            let head = textwrap::wrap(condition.0, lines.clone());
            panels.push(Panel { head: head.into_iter().map(Cow::into_owned).collect(), values });
        }
    }
    if let [only] = panels.as_mut_slice() {
        only.head.clear();
    }
    let shown = MOST_VALUES - room;
    if shown == 0 {
        return None;
    }
    let drawing = canvas::draw(panels.iter().map(Panel::height).sum(), |canvas| {
        let mut top = 0.0;
        for panel in &panels {
            draw_panel(canvas, panel, top)?;
            top += panel.height();
        }
        Ok(())
    });
    let more = if all > shown {
        format!(" The first {shown} of {all} values; the table has all.")
    } else {
        String::new()
    };
    let words: Vec<String> = panels.iter().flat_map(|panel| &panel.values).map(value_words).collect();
    Some(Figure {
        slug: slug(claim),
        scenario: None,
        title: format!("{}: {}", claim.id, claim.verdict.word()),
        caption: format!("Each value with its interval; the upright line is the limit.{more}"),
        description: words.join("; "),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn values<'a>((_, cells): &AtItsPoints<'a>) -> Vec<Value<'a>> {
    let drawn = |cell: &&'a ThresholdFinding| {
        let value = cell.value.filter(|value| value.is_finite())?;
        Some(Value { cell, value, limit: cell.limit? })
    };
    cells.iter().filter_map(drawn).collect()
}

fn value_words(value: &Value<'_>) -> String {
    let (_, word) = truth(value.cell.outcome);
    let Value { cell, .. } = value;
    format!("{}: {}, {word} that {}", point_words(cell), cell.value_text(), cell.text)
}

/// The values of one condition on one axis, which is logarithmic unless they are counts.
fn draw_panel(canvas: &Canvas<'_>, panel: &Panel<'_>, top: f64) -> Drawn {
    for (index, line) in panel.head.iter().enumerate() {
        let place = (0.0, top + 10.0 + LINE * index as f64);
        canvas.text(place, line, Anchor::Left, TICK_TEXT, ColourRole::Quiet)?;
    }
    let values = &panel.values;
    let top = top + panel.head_height();
    let ends = |value: &Value<'_>| [value.cell.low, value.cell.high].into_iter().flatten();
    let numbers =
        || values.iter().flat_map(|value| [value.value, value.limit].into_iter().chain(ends(value)));
    let is_counted = values.iter().all(|value| ends(value).next().is_none() && value.value.fract() == 0.0);
    let x = if is_counted || numbers().any(|number| number <= 0.0) {
        Axis::from_zero(numbers(), "")
    } else {
        Axis::log_with_room(numbers(), "")
    };
    let bottom = top + HEAD + ROW * values.len() as f64;
    let y = Axis::linear(0.0, 1.0, Vec::new(), "");
    let plane = Plane { x, y, left: 12.0, right: WIDTH - 24.0, top: top + HEAD, bottom };
    plane.grid_x(canvas)?;
    plane.frame_x(canvas)?;
    if let Some(first) = values.first() {
        let place = plane.place_x(first.limit);
        canvas.line(&[(place, plane.top - 4.0), (place, bottom)], ColourRole::Limit, 2.0)?;
        let words = format!("limit {}", setting(first.limit));
        let half = canvas::text_width(&words, TICK_TEXT) / 2.0;
        let middle = place.clamp(half, (WIDTH - half).max(half));
        canvas.text((middle, plane.top - 13.0), &words, Anchor::Centre, TICK_TEXT, ColourRole::Quiet)?;
    }
    for (index, value) in values.iter().enumerate() {
        row(canvas, &plane, value, plane.top + ROW * index as f64)?;
    }
    Ok(())
}

/// The sign of its outcome, its point and its value, and below them the mark with its interval.
fn row(canvas: &Canvas<'_>, plane: &Plane, Value { cell, value, .. }: &Value<'_>, top: f64) -> Drawn {
    let (sign, _) = truth(cell.outcome);
    let number = cell.value_text();
    let of_number = canvas::text_width(&number, TICK_TEXT);
    let label = fitting(&format!("{sign} {}", point_words(cell)), WIDTH - of_number - GAP);
    let of_label = canvas::text_width(&label, TICK_TEXT);
    // The line of the limit would cross the letters.
    for (from, to) in [(0.0, of_label), (WIDTH - of_number, WIDTH)] {
        canvas.rectangle((from, top + 2.0), (to, top + 19.0), ColourRole::Ground, 1.0)?;
    }
    canvas.text((0.0, top + 11.0), &label, Anchor::Left, TICK_TEXT, ColourRole::Text)?;
    canvas.text((WIDTH, top + 11.0), &number, Anchor::Right, TICK_TEXT, ColourRole::Text)?;
    let (x, y) = (plane.place_x(*value), top + 27.0);
    if let Some((low, high)) = cell.low.zip(cell.high) {
        intervals::level(canvas, (plane.place_x(low), plane.place_x(high)), y, ColourRole::Text)?;
    }
    let end = match cell.bound {
        Bound::Exact => vec![(x - MARK, y), (x, y - MARK), (x + MARK, y), (x, y + MARK)],
        // The true value is to the right.
        Bound::AtLeast => vec![(x - MARK, y - MARK), (x + MARK, y), (x - MARK, y + MARK)],
    };
    canvas.area(&end, ColourRole::Text, 1.0)
}

/// The text, shortened to a width.
fn fitting(text: &str, width: f64) -> String {
    if canvas::text_width(text, TICK_TEXT) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        if canvas::text_width(&format!("{short}{letter}…"), TICK_TEXT) > width {
            break;
        }
        short.push(letter);
    }
    short + "…"
}
