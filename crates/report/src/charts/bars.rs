//! Horizontal bars from zero, one per point: its name above, its number at the end.

use super::{
    canvas::{Anchor, Canvas, Drawing, Drawn, TEXT, TICK_TEXT, WIDTH, draw as drawn, text_width},
    intervals,
};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::floor::{self, FLOOR_KEY},
    quantities::{Bound, QuantityName},
    style::ColourRole,
    text::number::three_digits,
};

/// Height of a bar with the label above it.
pub(super) const ROW: f64 = 46.0;
/// Height of the row that explains the parts.
pub(super) const PARTS_KEY: f64 = 28.0;
/// Height of the bar alone.
const BAR: f64 = 16.0;
/// By how much the floor's line is longer than a bar is high, at each end.
const FLOOR_BEYOND: f64 = 5.0;
/// How strong the colour of a third-party server's bar is.
const FOREIGN: f64 = 0.45;
/// Where bars begin.
const LEFT: f64 = 4.0;
/// Room for the number at the bar's end.
const NUMBER_WIDTH: f64 = 84.0;

/// A part of a stacked bar: what it is called, and how strong its colour is.
pub(super) type Part = (&'static str, f64);

/// One bar.
pub(super) struct Bar<'a> {
    point: &'a Point,
    /// Its name.
    label: String,
    /// From left to right: length, and how strong the colour is.
    parts: Vec<(f64, f64)>,
    value: f64,
    number: String,
    interval: Option<(f64, f64)>,
    /// The interval in words, or what else follows the number; empty without.
    brackets: String,
    predicted: Option<f64>,
    floor: Option<f64>,
    /// `1.08 × floor`; empty without one.
    multiple: String,
}

impl<'a> Bar<'a> {
    /// A bar without parts and model.
    pub(super) fn of(
        point: &'a Point,
        value: f64,
        interval: Option<(f64, f64)>,
        text: impl Fn(f64) -> String,
    ) -> Self {
        Self {
            point,
            label: point.label(),
            parts: vec![(value, 1.0)],
            value,
            number: text(value),
            interval,
            brackets: interval
                .map_or_else(String::new, |interval| intervals::brackets(value, interval, text)),
            predicted: None,
            floor: None,
            multiple: String::new(),
        }
    }

    /// A quantity with its prediction; none if it was not measured.
    pub(super) fn of_quantity(point: &'a Point, name: QuantityName) -> Option<Self> {
        let quantity = point.quantity_of(name);
        let bar = Self::of(point, quantity.measured?, intervals::of(quantity), |value| name.text(value));
        Some(Self { number: quantity.measured_text(), predicted: quantity.predicted, ..bar })
    }

    /// The same bar with its point's floor.
    pub(super) fn upon_floor(mut self, finding: &ScenarioFinding, name: QuantityName) -> Self {
        let floor = floor::floor_of(&finding.points, self.point).map(|floor| floor.quantity_of(name));
        self.floor = floor.filter(|floor| floor.bound == Bound::Exact).and_then(|floor| floor.measured);
        if let Some(ratio) = floor::ratio(finding, self.point, name).and_then(|found| found.ratio) {
            self.multiple = format!("{} × floor", three_digits(ratio));
        }
        self
    }

    /// The same bar with a floor that is not a quantity.
    pub(super) fn upon_total(mut self, floor: Option<f64>) -> Self {
        self.floor = floor;
        if let Some(floor) = floor.filter(|floor| *floor > 0.0) {
            self.multiple = format!("{} × floor", three_digits(self.value / floor));
        }
        self
    }

    /// The same bar under another name.
    pub(super) fn called(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// The same bar with these words after its number, instead of its interval.
    pub(super) fn followed_by(mut self, words: String) -> Self {
        self.brackets = words;
        self
    }

    /// The same bar without the model's tick.
    pub(super) const fn without_model(mut self) -> Self {
        self.predicted = None;
        self
    }

    /// The same bar made of parts.
    pub(super) fn stacked(mut self, parts: Vec<(f64, f64)>) -> Self {
        self.parts = parts;
        self
    }

    /// Whether it has a prediction.
    pub(super) const fn has_model(&self) -> bool {
        self.predicted.is_some()
    }

    pub(super) const fn value(&self) -> f64 {
        self.value
    }

    /// `4.30 KB (SSE)`.
    pub(super) fn named_number(&self) -> String {
        format!("{} ({})", self.number, self.label)
    }

    /// The number and its interval, for the figure's description.
    pub(super) fn words(&self) -> String {
        let space = if self.brackets.is_empty() { "" } else { " " };
        let beside = if self.multiple.is_empty() { String::new() } else { format!(", {}", self.multiple) };
        format!("{} {}{space}{}{beside}", self.label, self.number, self.brackets)
    }

    /// Width of the number with its interval.
    fn number_width(&self) -> f64 {
        let brackets = match text_width(&self.brackets, TICK_TEXT) {
            0.0 => 0.0,
            width => width + 5.0,
        };
        text_width(&self.number, TEXT) + brackets
    }
}

/// From zero to the largest of measured, predicted and the ends of intervals.
struct BarScale {
    right: f64,
    largest: f64,
}

impl BarScale {
    fn over(bars: &[Bar<'_>]) -> Self {
        let ends =
            |bar: &Bar<'_>| [Some(bar.value), bar.predicted, bar.floor, bar.interval.map(|(_, high)| high)];
        let largest = bars.iter().flat_map(ends).flatten().fold(0.0, f64::max);
        let followed = bars.iter().filter(|bar| bar.interval.is_some() || !bar.brackets.is_empty());
        let number = followed.map(|bar| bar.number_width() + 14.0).fold(NUMBER_WIDTH, f64::max);
        Self { right: WIDTH - number, largest: if largest > 0.0 { largest } else { 1.0 } }
    }

    fn place(&self, value: f64) -> f64 {
        LEFT + (self.right - LEFT) * (value / self.largest).clamp(0.0, 1.0)
    }
}

/// All bars, one below the other; each is [`ROW`] high.
pub(super) fn draw(canvas: &Canvas<'_>, bars: &[Bar<'_>], top: f64) -> Drawn {
    let scale = BarScale::over(bars);
    for (index, bar) in bars.iter().enumerate() {
        let top = top + ROW * index as f64;
        canvas.point_marker(bar.point, (11.0, top + 10.0), 5.5)?;
        canvas.text((24.0, top + 10.0), &bar.label, Anchor::Left, TEXT, ColourRole::Text)?;
        let room = WIDTH - 40.0 - text_width(&bar.label, TEXT);
        if !bar.multiple.is_empty() && text_width(&bar.multiple, TICK_TEXT) < room {
            canvas.text(
                (WIDTH - 4.0, top + 10.0),
                &bar.multiple,
                Anchor::Right,
                TICK_TEXT,
                ColourRole::Quiet,
            )?;
        }
        stack(canvas, &scale, bar, top + 22.0)?;
        ending(canvas, &scale, bar, top + 22.0)?;
    }
    Ok(())
}

/// The parts one after the other, with a hair of ground between.
fn stack(canvas: &Canvas<'_>, scale: &BarScale, bar: &Bar<'_>, high: f64) -> Drawn {
    let (low, ink) = (high + BAR, ColourRole::Measured(bar.point.pattern));
    let faded = if bar.point.server.is_foreign() { FOREIGN } else { 1.0 };
    if let [(length, opacity)] = bar.parts.as_slice() {
        let to = scale.place(*length).max(LEFT + 1.0);
        return canvas.rectangle((LEFT, high), (to, low), ink, opacity * faded);
    }
    let mut sum = 0.0;
    for (length, opacity) in &bar.parts {
        let (from, to) = (scale.place(sum), scale.place(sum + length));
        sum += length;
        if to - from > 0.3 {
            canvas.rectangle((from, high), (to, low), ink, opacity * faded)?;
            canvas.line(&[(to, high), (to, low)], ColourRole::Ground, 0.8)?;
        }
    }
    Ok(())
}

/// The interval's whisker, the model's tick and the number.
fn ending(canvas: &Canvas<'_>, scale: &BarScale, bar: &Bar<'_>, high: f64) -> Drawn {
    let end = scale.place(bar.value);
    let middle = high + BAR / 2.0;
    let mut number_from = end + 8.0;
    if let Some((from, to)) = bar.interval {
        let ends = (scale.place(from), scale.place(to));
        intervals::upon_bar(canvas, ends, middle)?;
        number_from = number_from.max(ends.1 + 8.0);
    }
    if let Some(predicted) = bar.predicted {
        let x = scale.place(predicted);
        let tick = [(x, high - 3.0), (x, high + BAR + 3.0)];
        canvas.line(&tick, ColourRole::Ground, 4.5)?;
        canvas.line(&tick, ColourRole::Text, 2.0)?;
        // The number must not lie under the tick.
        if x > end - 4.0 && x < number_from + bar.number_width() {
            number_from = number_from.max(x + 8.0);
        }
    }
    if let Some(floor) = bar.floor {
        let x = scale.place(floor);
        floor_tick(canvas, x, (high - FLOOR_BEYOND, high + BAR + FLOOR_BEYOND))?;
        if x > end - 4.0 && x < number_from + bar.number_width() {
            number_from = number_from.max(x + 8.0);
        }
    }
    canvas.text((number_from, middle), &bar.number, Anchor::Left, TEXT, ColourRole::Text)?;
    if bar.brackets.is_empty() {
        return Ok(());
    }
    let from = number_from + text_width(&bar.number, TEXT) + 5.0;
    canvas.text((from, middle), &bar.brackets, Anchor::Left, TICK_TEXT, ColourRole::Quiet)
}

/// A grey line across the bar and beyond it.
fn floor_tick(canvas: &Canvas<'_>, x: f64, (from, to): (f64, f64)) -> Drawn {
    canvas.line(&[(x, from), (x, to)], ColourRole::Ground, 5.0)?;
    canvas.line(&[(x, from), (x, to)], ColourRole::Limit, 2.6)
}

/// Whether a bar has a floor.
pub(super) fn have_floor(bars: &[Bar<'_>]) -> bool {
    bars.iter().any(|bar| bar.floor.is_some())
}

/// Bars without predictions, with a key of the floor below if one has it.
pub(super) fn upon_floor(bars: &[Bar<'_>]) -> Drawing {
    let key = if have_floor(bars) { 22.0 } else { 0.0 };
    let height = 8.0 + ROW * bars.len() as f64 + key;
    drawn(height, |canvas| {
        draw(canvas, bars, 4.0)?;
        floor_key(canvas, bars, (11.0, height - 12.0))
    })
}

/// Explains the line, to the right of the model's tick; nothing where no bar has one.
pub(super) fn floor_key(canvas: &Canvas<'_>, bars: &[Bar<'_>], (x, y): (f64, f64)) -> Drawn {
    if !have_floor(bars) {
        return Ok(());
    }
    floor_tick(canvas, x, (y - 8.0, y + 8.0))?;
    canvas.text((x + 13.0, y), FLOOR_KEY, Anchor::Left, TICK_TEXT, ColourRole::Quiet)
}

/// Explains the tick.
pub(super) fn model_key(canvas: &Canvas<'_>, y: f64) -> Drawn {
    canvas.line(&[(11.0, y - 7.0), (11.0, y + 7.0)], ColourRole::Text, 2.0)?;
    canvas.text((24.0, y), "model", Anchor::Left, TICK_TEXT, ColourRole::Quiet)
}

/// Explains the parts, in a row at the upper edge.
pub(super) fn parts_key(canvas: &Canvas<'_>, parts: &[Part]) -> Drawn {
    let words: f64 = parts.iter().map(|(word, _)| text_width(word, TICK_TEXT) + 24.0).sum();
    // A wide system font must not push the last word out of the drawing.
    let squeeze = ((WIDTH - 8.0) / words).min(1.0);
    let mut x = 4.0;
    for (word, opacity) in parts {
        canvas.rectangle((x, 5.0), (x + 12.0, 17.0), ColourRole::Text, *opacity)?;
        canvas.text((x + 17.0, 11.0), word, Anchor::Left, TICK_TEXT, ColourRole::Text)?;
        x += (text_width(word, TICK_TEXT) + 32.0) * squeeze;
    }
    Ok(())
}

/// Explains the whiskers, if one is drawn.
pub(super) fn whisker_words(bars: &[Bar<'_>]) -> &'static str {
    if bars.iter().any(|bar| !bar.brackets.is_empty()) {
        " The whisker at a bar's end is the 95 % interval over the blocks."
    } else {
        ""
    }
}
