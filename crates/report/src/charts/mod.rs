//! The figures: each a function from findings to one drawing with its words.

mod age_curve;
mod age_ecdf;
mod age_panels;
mod axis;
mod bars;
mod break_even;
mod break_even_words;
mod browser_timeline;
mod bytes;
mod canvas;
mod choice;
pub(crate) mod claims;
mod coincide;
mod connection_cost;
mod figure;
mod free_labels;
mod freshness;
mod freshness_words;
mod intervals;
mod ladder;
mod legend;
mod marks;
mod memory;
mod nines;
mod requests;
mod saturation;
mod servers;
mod shown;
mod svg;
mod sweep;
mod time_series;
mod waterfall;
mod waterfall_trace;
mod waterfall_words;

pub(crate) use break_even::{MOST_NAMED, figures as break_even_figures, sheet as break_even_sheet};
pub(crate) use figure::Figure;

use crate::{
    findings::{Findings, Point, ScenarioFinding},
    judgement::floor::has_floor,
    text::{
        number::{THIN_SPACE, with_unit},
        swept::{SweepParameter, Topic},
    },
};

/// Every figure of the report: those next to the answers first, then scenario by scenario.
pub(crate) fn figures(findings: &Findings) -> Vec<Figure> {
    let mut figures = freshness::across_scenarios(findings);
    for finding in &findings.scenarios {
        figures.extend(of_scenario(finding));
    }
    for figure in &mut figures {
        figure.slug = file_name(&figure.slug);
    }
    figures
}

/// A scenario's name is checked where its file is read; a manifest edited by hand must not turn it into a
/// path.
fn file_name(slug: &str) -> String {
    slug.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

fn of_scenario(finding: &ScenarioFinding) -> Vec<Figure> {
    // In the figures the floor is only a bound, not a competitor.
    let has_ages = |point: &&Point| point.ages().total() > 0 && !point.server.is_floor();
    let points: Vec<&Point> = finding.points.iter().filter(has_ages).collect();
    let own: Vec<&Point> = points.iter().copied().filter(|point| point.server.is_pushlab()).collect();
    let mut figures = of_connections(finding);
    figures.extend(browser_timeline::figure(finding));
    if points.is_empty() {
        return figures;
    }
    let mut of_ages = of_ages(finding, &points, &own);
    for figure in &mut of_ages {
        figure.caption.push_str(&clock_words(&points));
    }
    figures.append(&mut of_ages);
    figures
}

/// Added to captions of ages from a browser.
fn clock_words(points: &[&Point]) -> String {
    let bounds = points.iter().filter_map(|point| point.clock_bound_ms());
    bounds.reduce(f64::max).map_or_else(String::new, |bound_ms| {
        format!(
            " Ages from a browser have an error of ±{THIN_SPACE}{}, by its clock.",
            with_unit(bound_ms, "ms")
        )
    })
}

/// The figures of what was measured, `own` on the lab's own server.
fn of_ages(finding: &ScenarioFinding, points: &[&Point], own: &[&Point]) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    figures.extend(servers::figures(finding, points));
    if finding.is_ramp() {
        figures.extend(saturation::figures(finding, points));
        return figures;
    }
    match SweepParameter::of(&finding.scenario) {
        Some(SweepParameter::Ablation) => figures.extend(ladder::figures(finding, own)),
        Some(swept) => figures.extend(sweep::figures(finding, swept, own)),
        None => {}
    }
    if !finding.has_foreign() && has_floor(finding) {
        figures.extend(requests::bars(finding, points, finding.main_cost(), "cost"));
    }
    figures.extend(age_ecdf::figure(finding, points));
    figures.extend(nines::figure(finding, points));
    if SweepParameter::of(&finding.scenario).is_none() {
        figures.extend(requests::figure(finding, points));
    }
    figures.extend(bytes::figure(finding, points));
    // Obstacles and heartbeats are not settings that trade cost for freshness.
    if SweepParameter::of(&finding.scenario).is_none_or(|swept| swept.has(Topic::TradeOff)) {
        figures.extend(freshness::figure(finding, own));
    }
    figures.extend(waterfall::figure(finding, own));
    figures.extend(time_series::figure(finding, points));
    figures
}

/// What open connections cost, for trials with memory steps; they may have no event.
fn of_connections(finding: &ScenarioFinding) -> Vec<Figure> {
    let has_memory_steps = |point: &&Point| {
        !point.server.is_floor() && point.completed().any(|trial| trial.connections.is_some())
    };
    let points: Vec<&Point> = finding.points.iter().filter(has_memory_steps).collect();
    let mut figures: Vec<Figure> = connection_cost::memory(finding, &points).into_iter().collect();
    figures.extend(memory::figures(finding, &points));
    figures.extend(connection_cost::set_up(finding, &points));
    figures
}
