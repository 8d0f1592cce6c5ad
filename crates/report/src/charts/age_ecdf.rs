//! The distribution of the ages: which fraction of the deliveries was at most how old.

use super::{
    age_curve::{self, AgeCurve},
    axis::{Axis, Plane},
    canvas::{Anchor, Canvas, Drawn, TICK_TEXT, WIDTH, draw, text_width},
    figure::Figure,
    intervals, legend,
    shown::{left_out, same_panel},
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{Bound, QuantityName},
    style::ColourRole,
};

/// Steps of a curve. More would not be visible at this size.
const STEPS: u32 = 100;

/// A point with its ages, measured and predicted.
pub(super) struct Aged<'a> {
    pub(super) point: &'a Point,
    measured: AgeCurve,
    model: AgeCurve,
}

impl<'a> Aged<'a> {
    pub(super) fn of(point: &'a Point) -> Self {
        let even = || (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS));
        Self {
            point,
            measured: age_curve::measured(point, quantiles().into_iter()),
            model: age_curve::model(point, even()),
        }
    }
}

/// Even steps, and two more where the curve is steep.
fn quantiles() -> Vec<f64> {
    let even = (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS));
    let mut quantiles: Vec<f64> = even.chain([0.995, 0.999]).collect();
    quantiles.sort_by(f64::total_cmp);
    quantiles
}

/// Age to the right, percent upwards.
fn at(quantile: f64, age_ms: f64) -> (f64, f64) {
    (age_ms, quantile * 100.0)
}

/// None if no point has deliveries.
pub(super) fn figure(
    finding: &ScenarioFinding,
    part: &str,
    shown: &[&Aged<'_>],
    all: &[Aged<'_>],
) -> Option<Figure> {
    if shown.iter().all(|aged| aged.measured.is_empty()) {
        return None;
    }
    let points: Vec<&Point> = shown.iter().map(|aged| aged.point).collect();
    let of_panel: Vec<&Point> =
        all.iter().map(|aged| aged.point).filter(|point| same_panel(&points, point)).collect();
    let floors = age_curve::floors(finding, &points, || quantiles().into_iter());
    let mut keys = legend::keys(&points, shown.iter().any(|aged| !aged.model.is_empty()));
    keys.extend(legend::floor_key(!floors.is_empty()));
    let top = legend::height(&keys) + 38.0;
    // All charts of a scenario share one scale, so that they can be compared.
    let ages =
        all.iter().flat_map(|aged| age_curve::ages(&aged.measured).chain(age_curve::ages(&aged.model)));
    let ages = ages.chain(floors.iter().flat_map(|(_, curve)| age_curve::ages(curve)));
    let plane = Plane {
        x: Axis::log(ages, "age of an event, ms (log scale)"),
        y: Axis::linear(
            0.0,
            100.0,
            [0, 25, 50, 75, 100].map(|percent| (f64::from(percent), percent.to_string())).to_vec(),
            "percent of the deliveries",
        ),
        left: 38.0,
        right: WIDTH - 26.0,
        top,
        bottom: top + 230.0,
    };
    let drawing = draw(plane.bottom + 44.0, |canvas| {
        legend::draw(canvas, &keys, 0.0)?;
        plane.frame(canvas)?;
        for aged in shown {
            let ink = ColourRole::Measured(aged.point.pattern);
            age_curve::ribbon(canvas, &plane, &aged.measured, at, ink)?;
        }
        for (pattern, curve) in &floors {
            canvas.line(&age_curve::path(&plane, curve, at), ColourRole::Floor(*pattern), 2.0)?;
        }
        for aged in shown {
            let path = age_curve::path(&plane, &aged.model, at);
            canvas.line(&path, ColourRole::Model(aged.point.pattern), 2.0)?;
        }
        for aged in shown {
            let path = age_curve::path(&plane, &aged.measured, at);
            canvas.line(&path, ColourRole::Measured(aged.point.pattern), 2.2)?;
            marks(canvas, &plane, aged.point, &aged.measured)?;
        }
        if points.iter().any(|point| point.swept.is_some() || point.server.is_foreign()) {
            swept_labels(canvas, &plane, shown)?;
        }
        Ok(())
    });
    Some(Figure {
        slug: format!("{part}-age-ecdf"),
        scenario: Some(finding.scenario.name.clone()),
        title: title(&of_panel),
        caption: format!(
            "A slope means that waiting times vary: short polling spreads them over its interval. A step means that deliveries do not wait. Marks are at 10, 50 and 90 percent.{}{}",
            age_curve::ribbon_words(shown.iter().map(|aged| &aged.measured)),
            left_out(points.len(), of_panel.len())
        ),
        description: description(&points),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

fn marks(canvas: &Canvas<'_>, plane: &Plane, point: &Point, curve: &AgeCurve) -> Drawn {
    for quantile in [0.1, 0.5, 0.9] {
        if let Some(step) = curve.iter().find(|step| step.quantile >= quantile) {
            canvas.point_marker(point, plane.place(at(step.quantile, step.age_ms)), 5.0)?;
        }
    }
    Ok(())
}

/// In a sweep all curves have one colour, so each has its swept value next to it. The heights are staggered,
/// because neighbours are often closer than a label is wide.
fn swept_labels(canvas: &Canvas<'_>, plane: &Plane, shown: &[&Aged<'_>]) -> Drawn {
    let steps = shown.len().saturating_sub(1).max(1) as f64;
    for (index, aged) in shown.iter().enumerate() {
        // Colour and mark tell the pattern.
        let text = if aged.point.server.is_foreign() && aged.point.swept.is_none() {
            aged.point.server.to_string()
        } else {
            aged.point.mark()
        };
        let height = 0.8 - 0.55 * index as f64 / steps;
        let age_ms = |aged: &&Aged<'_>| {
            aged.measured.iter().find(|step| step.quantile >= height).map(|step| step.age_ms)
        };
        let Some(own_ms) = age_ms(aged) else {
            continue;
        };
        let (x, y) = plane.place(at(height, own_ms));
        let width = text_width(&text, TICK_TEXT);
        let fits_left = x - width - 14.0 > plane.left;
        let fits_right = x + width + 14.0 < plane.right;
        // On the right side of the leftmost curve its label would be next to another curve.
        let is_leftmost = shown.iter().filter_map(age_ms).all(|other_ms| own_ms <= other_ms);
        let left = if (is_leftmost && fits_left) || !fits_right { x - width - 10.0 } else { x + 10.0 };
        canvas.rectangle((left - 2.0, y - 8.0), (left + width + 2.0, y + 8.0), ColourRole::Ground, 0.85)?;
        canvas.text((left, y), &text, Anchor::Left, TICK_TEXT, ColourRole::Text)?;
    }
    Ok(())
}

fn title(points: &[&Point]) -> String {
    let name = QuantityName::AgeP50;
    let mut timed: Vec<&Point> =
        points.iter().copied().filter(|point| point.measured(name).is_some()).collect();
    timed.sort_by(|left, right| {
        let age = |point: &Point| point.measured(name).unwrap_or(0.0);
        age(left).total_cmp(&age(right))
    });
    // A median that reaches into what never came has no upper end.
    let at_most = |point: &Point| {
        let age = point.quantity_of(name);
        let value_ms = age.measured.unwrap_or(0.0);
        match age.bound {
            Bound::Exact => format!("at most {} old", age.measured_text()),
            Bound::AtLeast => format!("older than {} or never came", name.lower_bound_text(value_ms)),
        }
    };
    match timed.as_slice() {
        [] => "Ages of all deliveries".to_owned(),
        [only] => format!("Half of the deliveries by {} were {}", only.label(), at_most(only)),
        [first, .., last] => {
            let same_words = last.quantity_of(name).bound == first.quantity_of(name).bound;
            let last_age = if same_words { last.quantity_of(name).measured_text() } else { at_most(last) };
            format!(
                "Half of the deliveries were {} ({}), and {last_age} ({})",
                at_most(first),
                first.label(),
                last.label()
            )
        }
    }
}

fn description(points: &[&Point]) -> String {
    let parts: Vec<String> = points
        .iter()
        .map(|point| {
            format!(
                "{}: half within {}, 99 percent within {}",
                point.label(),
                intervals::text(point.quantity_of(QuantityName::AgeP50)),
                intervals::text(point.quantity_of(QuantityName::AgeP99))
            )
        })
        .collect();
    format!("Line chart: percent of the deliveries over their age in ms, logarithmic. {}.", parts.join("; "))
}
