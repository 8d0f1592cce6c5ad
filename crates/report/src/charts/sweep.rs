//! What a scenario's one varied setting does: the main quantity and its price over the setting.

use contract::Pattern;

use super::{
    Figure,
    axis::{Axis, Plane},
    canvas::{Canvas, Drawn, WIDTH, draw},
    legend, requests,
};
use crate::{
    answers::{self, main_quantities},
    findings::ScenarioFinding,
    point::Point,
    quantity::{Bound, QuantityName},
    setting::Swept,
    style::Ink,
};

/// Values that spread further than this need a logarithmic axis to be read.
const WIDE: f64 = 20.0;

/// Points (swept value, quantity).
type Curve = Vec<(f64, f64)>;

/// The main quantity, then its price.
pub(super) fn figures(finding: &ScenarioFinding, swept: Swept, points: &[&Point]) -> Vec<Figure> {
    main_quantities(swept)
        .into_iter()
        .filter_map(|name| {
            let slug = format!("over-{}", name.key().replace('_', "-"));
            if swept == Swept::Client {
                requests::bars(finding, points, name, &slug)
            } else {
                figure(finding, swept, points, name, &slug)
            }
        })
        .collect()
}

fn figure(
    finding: &ScenarioFinding,
    swept: Swept,
    points: &[&Point],
    name: QuantityName,
    slug: &str,
) -> Option<Figure> {
    let curves: Vec<(Pattern, Curve, Curve)> = Pattern::ALL
        .into_iter()
        .map(|pattern| {
            let of: Vec<&Point> = points.iter().copied().filter(|point| point.pattern == pattern).collect();
            (pattern, measured(&of, name), predicted(&of, name))
        })
        .filter(|(_, measured, _)| !measured.is_empty())
        .collect();
    if curves.iter().all(|(_, measured, _)| measured.len() < 2) {
        return None;
    }
    let mut keys = legend::keys(points, curves.iter().any(|(_, _, model)| !model.is_empty()));
    // The swept value is the axis here; no label repeats it.
    keys.retain(|key| !matches!(key, legend::Key::Words(_)));
    let top = legend::height(&keys) + 38.0;
    let plane = Plane {
        x: x_axis(swept, &curves),
        y: y_axis(name, &curves),
        left: 56.0,
        right: WIDTH - 28.0,
        top,
        bottom: top + 230.0,
    };
    let drawing = draw(plane.bottom + 44.0, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        plane.frame(canvas)?;
        for (pattern, _, model) in &curves {
            line(canvas, &plane, model, Ink::Model(*pattern), 2.0)?;
        }
        for (pattern, measured, _) in &curves {
            line(canvas, &plane, measured, Ink::Measured(*pattern), 2.2)?;
            for point in measured {
                canvas.marker(*pattern, plane.place(*point), 5.5)?;
            }
        }
        Ok(())
    });
    Some(Figure {
        slug: format!("{}-{slug}", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(swept, name, points),
        caption: format!(
            "Solid: measured, one mark a point. Dashed: predicted. Where the two part, the model leaves something out.{}",
            if points.iter().any(|point| point.quantity_of(name).bound == Bound::AtLeast) {
                " Points with lost events that reach into the percentile are left out here and stand in the table."
            } else {
                ""
            }
        ),
        description: description(swept, name, points),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn measured(points: &[&Point], name: QuantityName) -> Curve {
    points
        .iter()
        .filter(|point| point.quantity_of(name).bound == Bound::Exact)
        .filter_map(|point| Some((point.swept_value()?, point.measured(name)?)))
        .filter(|(value, _)| *value > 0.0)
        .collect()
}

fn predicted(points: &[&Point], name: QuantityName) -> Curve {
    points
        .iter()
        .filter_map(|point| Some((point.swept_value()?, point.quantity_of(name).predicted?)))
        .filter(|(value, _)| *value > 0.0)
        .collect()
}

fn x_axis(swept: Swept, curves: &[(Pattern, Curve, Curve)]) -> Axis {
    let mut values: Vec<f64> =
        curves.iter().flat_map(|(_, measured, _)| measured.iter().map(|(value, _)| *value)).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let ticks = values.iter().map(|value| (*value, crate::number::setting(*value))).collect();
    Axis::log(values.into_iter(), swept.axis()).with_ticks(ticks)
}

fn y_axis(name: QuantityName, curves: &[(Pattern, Curve, Curve)]) -> Axis {
    let values: Vec<f64> = curves
        .iter()
        .flat_map(|(_, measured, model)| measured.iter().chain(model))
        .map(|(_, value)| *value)
        .collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    let unit = match name.unit() {
        "ms" => ", ms",
        "us" => ", µs",
        _ => "",
    };
    let title = format!("{}{unit}", name.label());
    if least > 0.0 && most / least > WIDE {
        Axis::log(values.into_iter(), &format!("{title} (log scale)"))
    } else {
        Axis::from_zero(values.into_iter(), &title)
    }
}

fn line(canvas: &Canvas<'_>, plane: &Plane, curve: &Curve, ink: Ink, width: f64) -> Drawn {
    let path: Vec<(f64, f64)> = curve.iter().map(|point| plane.place(*point)).collect();
    canvas.line(&path, ink, width)
}

fn title(swept: Swept, name: QuantityName, points: &[&Point]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let label = answers::capitalised(name.label());
    if first.pattern == last.pattern {
        return format!(
            "{label} of {}: {} at {}, {} at {}",
            first.pattern.label(),
            first.quantity_of(name).measured_text(),
            swept.text(&first.params),
            last.quantity_of(name).measured_text(),
            swept.text(&last.params)
        );
    }
    requests::title(points, name)
}

fn description(swept: Swept, name: QuantityName, points: &[&Point]) -> String {
    let parts: Vec<String> = points
        .iter()
        .map(|point| {
            let quantity = point.quantity_of(name);
            format!(
                "{} at {}: {}, predicted {}",
                point.pattern.label(),
                swept.text(&point.params),
                quantity.measured_text(),
                quantity.predicted_text()
            )
        })
        .collect();
    format!("Line chart of {} in {} over {}. {}.", name.label(), name.unit(), swept.label(), parts.join("; "))
}
