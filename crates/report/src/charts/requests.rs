//! Bars for a quantity that is a price: requests per event, or what a client costs.

use super::{
    Figure,
    axis::Axis,
    canvas::{Anchor, Canvas, Drawn, TEXT, TICK_TEXT, WIDTH, draw, text_width},
};
use crate::{findings::ScenarioFinding, point::Point, quantity::QuantityName, style::Ink};

/// Height of a bar with the label above it.
pub(super) const ROW: f64 = 46.0;
/// Height of the bar alone.
pub(super) const BAR: f64 = 16.0;
/// Room for the number at the bar's end.
const NUMBER_WIDTH: f64 = 84.0;

/// Requests per event of every point; none if no trial completed.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    bars(finding, points, QuantityName::RequestsPerEvent, "requests")
}

/// A bar per point.
pub(super) fn bars(
    finding: &ScenarioFinding,
    points: &[&Point],
    name: QuantityName,
    slug: &str,
) -> Option<Figure> {
    let points: Vec<&Point> = points.iter().copied().filter(|point| point.measured(name).is_some()).collect();
    if points.is_empty() {
        return None;
    }
    let scale = BarScale::over(&points, name);
    let height = 8.0 + ROW * points.len() as f64 + 22.0;
    let drawing = draw(height, |canvas| {
        for (index, point) in points.iter().enumerate() {
            let top = 4.0 + ROW * index as f64;
            let value = point.measured(name).unwrap_or(0.0);
            label(canvas, point, top)?;
            let (from, to) = (scale.left, scale.place(value));
            canvas.rectangle(
                (from, top + 22.0),
                (to.max(from + 1.0), top + 22.0 + BAR),
                Ink::Measured(point.pattern),
                1.0,
            )?;
            ending(canvas, &scale, point, name, top)?;
        }
        model_key(canvas, height - 12.0)
    });
    Some(Figure {
        slug: format!("{}-{slug}", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&points, name),
        caption: format!(
            "Bars start at zero. The upright tick is what the model predicted for {}.",
            name.label()
        ),
        description: description(&points, name),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// From zero to the largest of measured and predicted.
pub(super) struct BarScale {
    left: f64,
    right: f64,
    axis: Axis,
}

impl BarScale {
    pub(super) fn over(points: &[&Point], name: QuantityName) -> Self {
        let largest = points
            .iter()
            .flat_map(|point| {
                let quantity = point.quantity_of(name);
                [quantity.measured, quantity.predicted]
            })
            .flatten()
            .fold(0.0, f64::max);
        Self { left: 4.0, right: WIDTH - NUMBER_WIDTH, axis: Axis::linear(0.0, largest, Vec::new(), "") }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let share = (value / self.axis.high()).clamp(0.0, 1.0);
        self.left + (self.right - self.left) * share
    }
}

/// The pattern's mark and the point's name above its bar.
pub(super) fn label(canvas: &Canvas<'_>, point: &Point, top: f64) -> Drawn {
    canvas.marker(point.pattern, (11.0, top + 10.0), 5.5)?;
    canvas.text((24.0, top + 10.0), &point.label(), Anchor::Left, TEXT, Ink::Text)
}

/// The number at the bar's end and the model's tick.
pub(super) fn ending(
    canvas: &Canvas<'_>,
    scale: &BarScale,
    point: &Point,
    name: QuantityName,
    top: f64,
) -> Drawn {
    let quantity = point.quantity_of(name);
    let end = scale.place(quantity.measured.unwrap_or(0.0));
    let mut number_from = end + 8.0;
    if let Some(predicted) = quantity.predicted {
        let x = scale.place(predicted);
        let (high, low) = (top + 19.0, top + 25.0 + BAR);
        canvas.line(&[(x, high), (x, low)], Ink::Ground, 4.5)?;
        canvas.line(&[(x, high), (x, low)], Ink::Text, 2.0)?;
        // The number must not lie under the tick.
        let text_end = number_from + text_width(&quantity.measured_text(), TEXT);
        if x > end - 4.0 && x < text_end {
            number_from = number_from.max(x + 8.0);
        }
    }
    canvas.text(
        (number_from, top + 22.0 + BAR / 2.0),
        &quantity.measured_text(),
        Anchor::Left,
        TEXT,
        Ink::Text,
    )
}

/// Explains the tick.
pub(super) fn model_key(canvas: &Canvas<'_>, y: f64) -> Drawn {
    canvas.line(&[(11.0, y - 7.0), (11.0, y + 7.0)], Ink::Text, 2.0)?;
    canvas.text((24.0, y), "model", Anchor::Left, TICK_TEXT, Ink::Quiet)
}

/// The lowest and the highest.
pub(super) fn title(points: &[&Point], name: QuantityName) -> String {
    let mut sorted: Vec<&Point> = points.to_vec();
    sorted.retain(|point| point.measured(name).is_some());
    sorted.sort_by(|left, right| {
        let value = |point: &Point| point.measured(name).unwrap_or(0.0);
        value(left).total_cmp(&value(right))
    });
    let text = |point: &Point| format!("{} ({})", point.quantity_of(name).measured_text(), point.label());
    let label = crate::answers::capitalised(name.label());
    match sorted.as_slice() {
        [] => label,
        [only] => format!("{label}: {}", text(only)),
        [first, .., last] => format!("{label}: from {} to {}", text(first), text(last)),
    }
}

/// Every bar in words.
pub(super) fn description(points: &[&Point], name: QuantityName) -> String {
    let parts: Vec<String> = points
        .iter()
        .map(|point| {
            let quantity = point.quantity_of(name);
            format!("{} {}, predicted {}", point.label(), quantity.measured_text(), quantity.predicted_text())
        })
        .collect();
    format!("Bar chart of {}, in {}: {}.", name.label(), name.unit(), parts.join("; "))
}
