//! Bars for a cost: requests per event, or the cost of a client.

use super::{
    axis::quantity_title,
    bars::{self, Bar, model_key},
    canvas::draw,
    figure::Figure,
    intervals,
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::QuantityName,
    tables::left_out,
    text::sentence::capitalised,
};

/// Requests per event of every point; none if no trial completed, or no subscriber sent a further request.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    bars(finding, points, QuantityName::RequestsPerEvent, "requests")
}

/// One bar per point.
pub(super) fn bars(
    finding: &ScenarioFinding,
    points: &[&Point],
    name: QuantityName,
    slug: &str,
) -> Option<Figure> {
    let unreported = left_out::caption(points, name);
    let points: Vec<&Point> = points.iter().copied().filter(|point| point.measured(name).is_some()).collect();
    // If all bars have length zero, there is nothing to show.
    if points.iter().all(|point| point.measured(name) == Some(0.0)) {
        return None;
    }
    let bars: Vec<Bar<'_>> = points
        .iter()
        .filter_map(|point| Some(Bar::of_quantity(point, name)?.upon_floor(finding, name)))
        .collect();
    let model = bars.iter().any(Bar::has_model);
    let key = if model || bars::have_floor(&bars) { 22.0 } else { 0.0 };
    let height = 8.0 + bars::height(&bars) + key;
    let drawing = draw(height, |canvas| {
        bars::draw(canvas, &bars, 4.0, &quantity_title(name))?;
        bars::floor_key(canvas, &bars, (if model { 86.0 } else { 11.0 }, height - 12.0))?;
        if model { model_key(canvas, height - 12.0) } else { Ok(()) }
    });
    Some(Figure {
        slug: format!("{}-{slug}", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&points, name),
        caption: format!(
            "{}{}{}{}{unreported}",
            bars::scale_words(&bars).trim_start(),
            if model {
                format!(" The vertical tick is the model's prediction of {}.", name.label())
            } else {
                String::new()
            },
            floor_words(&bars),
            bars::whisker_words(&bars)
        ),
        description: description(&points, name),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// Explains the floor's line, if there is one.
fn floor_words(bars: &[Bar<'_>]) -> &'static str {
    if bars::have_floor(bars) {
        " The grey line across a bar is the floor (lower bound) of its pattern. At the right: the value as a multiple of it."
    } else {
        ""
    }
}

/// The lowest and the highest, unless they are printed alike.
pub(super) fn title(points: &[&Point], name: QuantityName) -> String {
    let mut sorted: Vec<&Point> = points.to_vec();
    sorted.retain(|point| point.measured(name).is_some());
    sorted.sort_by(|left, right| {
        let value = |point: &Point| point.measured(name).unwrap_or(0.0);
        value(left).total_cmp(&value(right))
    });
    let text = |point: &Point| format!("{} ({})", point.quantity_of(name).measured_text(), point.label());
    let label = capitalised(name.label());
    match sorted.as_slice() {
        [] => label,
        [only] => format!("{label}: {}", text(only)),
        [first, .., last]
            if first.quantity_of(name).measured_text() == last.quantity_of(name).measured_text() =>
        {
            format!("{label}: {} for all", first.quantity_of(name).measured_text())
        }
        [first, .., last] => format!("{label}: from {} to {}", text(first), text(last)),
    }
}

/// Every bar in words.
pub(super) fn description(points: &[&Point], name: QuantityName) -> String {
    let parts: Vec<String> = points
        .iter()
        .map(|point| {
            let quantity = point.quantity_of(name);
            format!(
                "{} {}, predicted {}",
                point.label(),
                intervals::text(quantity),
                quantity.predicted_text()
            )
        })
        .collect();
    format!("Bar chart of {}, in {}: {}.", name.label(), name.unit(), parts.join("; "))
}
