//! Bytes per event by what they carry.

use super::{
    Figure,
    canvas::{Anchor, Canvas, Drawn, TICK_TEXT, WIDTH, draw, text_width},
    requests::{BAR, BarScale, ROW, description, ending, label, model_key, title},
};
use crate::{findings::ScenarioFinding, point::Point, quantity::QuantityName, style::Ink};

/// Bars that one figure can hold.
const MOST_BARS: usize = 12;

/// The parts from left to right, and how strong their colour is.
const PARTS: [(QuantityName, &str, f64); 4] = [
    (QuantityName::PayloadBytesPerEvent, "payload", 1.0),
    (QuantityName::FramingBytesPerEvent, "framing", 0.68),
    (QuantityName::HeaderBytesPerEvent, "headers", 0.42),
    (QuantityName::EmptyPollBytesPerEvent, "empty polls", 0.2),
];

/// None if no trial completed.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    let name = QuantityName::BytesPerEvent;
    let priced: Vec<&Point> = points.iter().copied().filter(|point| point.measured(name).is_some()).collect();
    if priced.is_empty() {
        return None;
    }
    let shown = super::spread_over_patterns(&priced, MOST_BARS);
    let scale = BarScale::over(&shown, name);
    let height = 34.0 + ROW * shown.len() as f64 + 22.0;
    let drawing = draw(height, |canvas| {
        parts_key(canvas)?;
        for (index, point) in shown.iter().enumerate() {
            let top = 28.0 + ROW * index as f64;
            label(canvas, point, top)?;
            stack(canvas, &scale, point, top)?;
            ending(canvas, &scale, point, name, top)?;
        }
        model_key(canvas, height - 12.0)
    });
    Some(Figure {
        slug: format!("{}-bytes", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&shown, name),
        caption: format!(
            "From strong to faint: the event's own text, the envelope around it, heads of requests and answers, and polls that brought nothing. Bars start at zero; the upright tick is the model's total.{}",
            super::left_out(shown.len(), priced.len())
        ),
        description: description(&shown, name),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// The parts one after the other, with a hair of ground between.
fn stack(canvas: &Canvas<'_>, scale: &BarScale, point: &Point, top: f64) -> Drawn {
    let mut sum = 0.0;
    let (high, low) = (top + 22.0, top + 22.0 + BAR);
    for (name, _, opacity) in PARTS {
        let part = point.measured(name).unwrap_or(0.0);
        let (from, to) = (scale.place(sum), scale.place(sum + part));
        sum += part;
        if to - from > 0.3 {
            canvas.rectangle((from, high), (to, low), Ink::Measured(point.pattern), opacity)?;
            canvas.line(&[(to, high), (to, low)], Ink::Ground, 0.8)?;
        }
    }
    Ok(())
}

fn parts_key(canvas: &Canvas<'_>) -> Drawn {
    let words: f64 = PARTS.iter().map(|(_, word, _)| text_width(word, TICK_TEXT) + 24.0).sum();
    // A system font wider than expected must not push the last word out.
    let squeeze = ((WIDTH - 8.0) / words).min(1.0);
    let mut x = 4.0;
    for (_, word, opacity) in PARTS {
        canvas.rectangle((x, 5.0), (x + 12.0, 17.0), Ink::Text, opacity)?;
        canvas.text((x + 17.0, 11.0), word, Anchor::Left, TICK_TEXT, Ink::Text)?;
        x += (text_width(word, TICK_TEXT) + 32.0) * squeeze;
    }
    Ok(())
}
