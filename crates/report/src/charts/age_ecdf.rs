//! The distribution of the ages: which fraction of the deliveries was at most how old.

use super::{
    age_curve::{self, AgeLine, model_words},
    age_panels::{AgePanels, Frame},
    axis::{Axis, Plane},
    canvas::{Canvas, Drawn, WIDTH},
    figure::Figure,
    intervals,
    shown::described,
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::{
        Bound, QuantityName,
        ages::{self, AgeCurve},
    },
};

/// Steps of a curve. More would not be visible at this size.
const STEPS: u32 = 100;

/// None without a delivery.
fn line(point: &Point) -> Option<AgeLine<'_>> {
    let trials: Vec<_> = point.trials.iter().map(|trial| &trial.ages).collect();
    let measured = ages::curve(&trials, quantiles().into_iter());
    (!measured.is_empty()).then(|| AgeLine { point, measured, model: age_curve::model(point, even()) })
}

fn even() -> impl Iterator<Item = f64> {
    (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS))
}

/// Even steps, and two more where the curve is steep.
fn quantiles() -> Vec<f64> {
    let mut quantiles: Vec<f64> = even().chain([0.995, 0.999]).collect();
    quantiles.sort_by(f64::total_cmp);
    quantiles
}

/// Age to the right, percent upwards.
fn at(quantile: f64, age_ms: f64) -> (f64, f64) {
    (age_ms, quantile * 100.0)
}

/// None if no point has deliveries.
pub(super) fn figure(finding: &ScenarioFinding, points: &[&Point]) -> Option<Figure> {
    let panels = AgePanels::of(points, line)?.with_floors(finding, &quantiles());
    let percents: &[u32] = if panels.are_several() { &[0, 50, 100] } else { &[0, 25, 50, 75, 100] };
    let frame = Frame {
        x: Axis::log(panels.ages(), "age of an event, ms (log scale)"),
        y: Axis::linear(
            0.0,
            100.0,
            percents.iter().map(|percent| (f64::from(*percent), percent.to_string())).collect(),
            "percent of the deliveries",
        ),
        left: 38.0,
        right: WIDTH - 26.0,
        place: at,
        named_at_ends: false,
    };
    let drawing = panels.draw(
        &frame,
        |_, _| Ok(()),
        |canvas, plane, lines| {
            lines.iter().try_for_each(|line| marks(canvas, plane, line.point, &line.measured))
        },
    );
    Some(Figure {
        slug: format!("{}-age-ecdf", finding.scenario.name),
        scenario: Some(finding.scenario.name.clone()),
        title: title(points),
        caption: format!(
            "A slope means that waiting times vary: short polling spreads them over its interval. A step means that deliveries do not wait. A mark shows only whose line it is.{}",
            panels.words()
        ) + model_words(points),
        description: description(points),
        elements: drawing.elements,
        width: drawing.width,
        height: drawing.height,
    })
}

/// Three marks a line, for each pattern at other heights: lines that coincide show the marks of all.
fn marks(canvas: &Canvas<'_>, plane: &Plane, point: &Point, curve: &AgeCurve) -> Drawn {
    for quantile in [0.1, 0.45, 0.8].map(|quantile| quantile + 0.05 * point.pattern.index() as f64) {
        if let Some(step) = curve.iter().find(|step| step.quantile >= quantile) {
            canvas.point_marker(point, plane.place(at(step.quantile, step.age_ms)), 5.0)?;
        }
    }
    Ok(())
}

/// The least and the greatest median, of all points that have one.
fn title(points: &[&Point]) -> String {
    let name = QuantityName::AgeP50;
    let timed = |bound: Bound| -> Vec<&Point> {
        let mut timed: Vec<&Point> = points
            .iter()
            .copied()
            .filter(|point| point.measured(name).is_some() && point.quantity_of(name).bound == bound)
            .collect();
        let age = |point: &Point| point.measured(name).unwrap_or(0.0);
        timed.sort_by(|left, right| age(left).total_cmp(&age(right)));
        timed
    };
    let text = |point: &Point| point.quantity_of(name).measured_text();
    // A median that reaches into what never came has no upper end.
    let without = match timed(Bound::AtLeast).len() {
        0 => String::new(),
        number => {
            format!("; {number} of {} points have no median, because too many never came", points.len())
        }
    };
    match timed(Bound::Exact).as_slice() {
        [] if without.is_empty() => "Ages of all deliveries".to_owned(),
        [] => "More than half of the deliveries never came".to_owned(),
        [only] => {
            format!("Half of the deliveries by {} were at most {} old{without}", only.label(), text(only))
        }
        [first, .., last] => format!(
            "Half of the deliveries were at most {} ({}) to {} ({}) old{without}",
            text(first),
            first.label(),
            text(last),
            last.label()
        ),
    }
}

fn description(points: &[&Point]) -> String {
    let part = |point: &Point| {
        format!(
            "{}: half within {}, 99 percent within {}",
            point.label(),
            intervals::text(point.quantity_of(QuantityName::AgeP50)),
            intervals::text(point.quantity_of(QuantityName::AgeP99))
        )
    };
    format!(
        "Line chart: percent of the deliveries over their age in ms, logarithmic. {}.",
        described(points, part)
    )
}
