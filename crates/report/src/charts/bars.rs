//! Horizontal bars from zero, one per point: its name above, its number at the end. Values that spread too far for
//! bars are dots on a logarithmic axis.

use super::{
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawing, Drawn, TEXT, TICK_TEXT, WIDTH, draw as drawn, text_width},
    intervals,
};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::floor::{self, FLOOR_KEY},
    quantities::{Bound, QuantityName, Unit},
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
/// Where bars begin, and the axis of dots.
const LEFT: f64 = 4.0;
const DOTS_LEFT: f64 = 22.0;
/// Values that span more are dots on a logarithmic axis: as bars, the short ones would not be seen.
const WIDEST: f64 = 1_000.0;
/// Height of the axis below dots, and their radius.
const AXIS: f64 = 48.0;
const DOT: f64 = 6.0;
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
    pub(super) fn of(point: &'a Point, value: f64, interval: Option<(f64, f64)>, unit: Unit) -> Self {
        Self {
            point,
            label: point.label(),
            parts: vec![(value, 1.0)],
            value,
            number: unit.text(value),
            interval,
            brackets: interval
                .map_or_else(String::new, |interval| intervals::brackets(unit, value, interval)),
            predicted: None,
            floor: None,
            multiple: String::new(),
        }
    }

    /// A quantity with its prediction; none if it was not measured.
    pub(super) fn of_quantity(point: &'a Point, name: QuantityName) -> Option<Self> {
        let quantity = point.quantity_of(name);
        let bar = Self::of(point, quantity.measured?, intervals::of(quantity), name.unit());
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

/// Whether the values span more than bars can show; zeros do not count.
pub(super) fn are_dots(bars: &[Bar<'_>]) -> bool {
    let values = || bars.iter().map(|bar| bar.value).filter(|value| *value > 0.0);
    values().fold(0.0, f64::max) > WIDEST * values().fold(f64::INFINITY, f64::min)
}

/// Height of all bars, or of all dots with their axis.
pub(super) fn height(bars: &[Bar<'_>]) -> f64 {
    ROW * bars.len() as f64 + if are_dots(bars) { AXIS } else { 0.0 }
}

/// How the values are drawn.
pub(super) fn scale_words(bars: &[Bar<'_>]) -> &'static str {
    if are_dots(bars) {
        " The values span more than 1:1,000, so they are dots on a logarithmic scale."
    } else {
        " Bars start at zero."
    }
}

/// Where values lie.
struct BarScale {
    plane: Plane,
    are_dots: bool,
}

impl BarScale {
    /// From zero, or from the smallest, to the largest of measured, predicted and the ends of intervals.
    fn over(bars: &[Bar<'_>], top: f64, title: &str) -> Self {
        let are_dots = are_dots(bars);
        let ends =
            |bar: &Bar<'_>| [Some(bar.value), bar.predicted, bar.floor, bar.interval.map(|(_, high)| high)];
        let ends = || bars.iter().flat_map(ends).flatten();
        let followed = bars.iter().filter(|bar| bar.interval.is_some() || !bar.brackets.is_empty());
        let number = followed.map(|bar| bar.number_width() + 14.0).fold(NUMBER_WIDTH, f64::max);
        let (x, left) = if are_dots {
            (Axis::log_with_room(ends(), &format!("{title} (log scale)")), DOTS_LEFT)
        } else {
            (Axis::linear(0.0, ends().fold(0.0, f64::max), Vec::new(), ""), LEFT)
        };
        let plane = Plane {
            x,
            y: Axis::linear(0.0, 1.0, Vec::new(), ""),
            left,
            right: WIDTH - number,
            top,
            bottom: top + ROW * bars.len() as f64,
        };
        Self { plane, are_dots }
    }

    /// The left edge for what a logarithmic axis does not have.
    fn place(&self, value: f64) -> f64 {
        if value > 0.0 { self.plane.place_x(value) } else { self.plane.left }
    }
}

/// All bars, one below the other, as high as [`height`] says; the title is that of an axis, with its unit.
pub(super) fn draw(canvas: &Canvas<'_>, bars: &[Bar<'_>], top: f64, title: &str) -> Drawn {
    let scale = BarScale::over(bars, top, title);
    if scale.are_dots {
        scale.plane.grid_x(canvas)?;
        scale.plane.frame_x(canvas)?;
    }
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
        if scale.are_dots {
            // Upon the model's tick: a tick is as wide as a dot.
            ending(canvas, &scale, bar, top + 22.0)?;
            dot(canvas, &scale, bar, top + 22.0)?;
        } else {
            stack(canvas, &scale, bar, top + 22.0)?;
            ending(canvas, &scale, bar, top + 22.0)?;
        }
    }
    Ok(())
}

/// A dot at the value, with a thin line that leads the eye to it; none for zero.
fn dot(canvas: &Canvas<'_>, scale: &BarScale, bar: &Bar<'_>, high: f64) -> Drawn {
    let (x, y) = (scale.place(bar.value), high + BAR / 2.0);
    canvas.line(&[(scale.plane.left, y), (x, y)], ColourRole::Grid, 1.0)?;
    if bar.value > 0.0 { canvas.point_marker(bar.point, (x, y), DOT) } else { Ok(()) }
}

/// The parts one after the other, with a thin gap in the background colour between.
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
    let mut number_from = end + if scale.are_dots { DOT + 6.0 } else { 8.0 };
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
pub(super) fn upon_floor(bars: &[Bar<'_>], title: &str) -> Drawing {
    let key = if have_floor(bars) { 22.0 } else { 0.0 };
    let height = 8.0 + height(bars) + key;
    drawn(height, |canvas| {
        draw(canvas, bars, 4.0, title)?;
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
        " Whiskers: the 95 % interval over the blocks."
    } else {
        ""
    }
}
