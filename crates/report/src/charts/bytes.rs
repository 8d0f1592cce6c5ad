//! Bytes per event by their purpose.

use super::{
    axis::quantity_title,
    bars::{self, Bar, PARTS_KEY, model_key},
    canvas::draw,
    figure::Figure,
    requests::{description, title},
    shown,
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::QuantityName,
    tables::left_out,
};

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
    let shown = shown::chosen(&priced, MOST_BARS, &[&|point| point.measured(name)]);
    let bars: Vec<Bar<'_>> =
        shown.iter().filter_map(|point| Some(bar(point)?.upon_floor(finding, name))).collect();
    // Dots have no parts.
    let top = if bars::are_dots(&bars) { 4.0 } else { PARTS_KEY };
    let height = top + 6.0 + bars::height(&bars) + 22.0;
    let drawing = draw(height, |canvas| {
        if !bars::are_dots(&bars) {
            bars::parts_key(canvas, &PARTS.map(|(_, word, opacity)| (word, opacity)))?;
        }
        bars::draw(canvas, &bars, top, &quantity_title(name))?;
        bars::floor_key(canvas, &bars, (86.0, height - 12.0))?;
        model_key(canvas, height - 12.0)
    });
    let parts_words = if bars::are_dots(&bars) {
        ""
    } else {
        " Payload is the event's text, and framing its envelope. Headers are those of requests and answers. Empty polls bring no event."
    };
    let scale_words = bars::scale_words(&bars).trim_start();
    Some(Figure {
        slug: format!("{}-bytes", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&priced, name),
        caption: format!(
            "{scale_words}{parts_words} The vertical tick is the model's total.{}{}{}",
            bars::whisker_words(&bars),
            shown::left_out(shown.len(), priced.len()),
            left_out::caption(points, name)
        ),
        description: description(&shown, name),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn bar(point: &Point) -> Option<Bar<'_>> {
    let length = |name: QuantityName| point.measured(name).unwrap_or(0.0);
    let parts = PARTS.map(|(name, _, opacity)| (length(name), opacity));
    Some(Bar::of_quantity(point, QuantityName::BytesPerEvent)?.stacked(parts.to_vec()))
}
