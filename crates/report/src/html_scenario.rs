//! The part of the page that belongs to one scenario.

use maud::{Markup, html};

use crate::{
    age_bound::{AGE_BOUND_HEAD, age_bound_cell, age_bound_words},
    answers::Answer,
    charts::Figure,
    findings::ScenarioFinding,
    html::{figure_markup, point_name},
    measured::quantile_ms,
    number::{self, count, period_ms, with_unit},
    point::{Point, Trial},
    setting,
};

/// Question, setting, finding, figures, numbers, validity, what to look at, command.
pub(crate) fn section(finding: &ScenarioFinding, answer: &Answer, figures: &[Figure]) -> Markup {
    let scenario = &finding.scenario;
    let numbers = format!("#{}-numbers", scenario.name);
    html! {
        section {
            h2.scenario id=(scenario.name) {
                a href=(format!("#{}", scenario.name)) { (scenario.question) }
            }
            p { (scenario.setting) }
            p.quiet {
                "Events: " (setting::arrivals_text(&scenario.events)) ". "
                "Warm-up " (period_ms(scenario.warm_up.milliseconds())) ", measured " (period_ms(scenario.measure.milliseconds())) "." (setting::varied_text(scenario))
            }
            p.finding { (answer.sentence) }
            @for condition in &answer.conditions { p { (condition) } }
            div.figures {
                @for figure in figures.iter().filter(|figure| figure.scenario.as_deref() == Some(scenario.name.as_str())) {
                    (figure_markup(figure, &numbers))
                }
            }
            details id=(format!("{}-numbers", scenario.name)) {
                summary { "Every number: predicted, measured, ratio" }
                (numbers_table(finding))
            }
            (validity(finding))
            h3 { "What to look at" }
            p { (scenario.look_at) }
            h3 { "To measure it again" }
            pre { code { (finding.command) } }
        }
    }
}

fn numbers_table(finding: &ScenarioFinding) -> Markup {
    html! {
        p.quiet {
            "Predicted: the " a href="#g-model" { "model" } " replayed over the published schedule. "
            "Ratio: measured ÷ predicted; below 5" "\u{202f}" "ms the difference. "
            "A dash: the model does not speak of it, or the reason stands among the warnings."
        }
        div.scroll tabindex="0" role="region" aria-label="every number" {
            table {
                thead { tr {
                    th scope="col" { "quantity" }
                    th scope="col" { "predicted" }
                    th scope="col" { "measured" }
                    th scope="col" { "ratio" }
                    th scope="col" { "closed form" }
                } }
                @for point in &finding.points { (numbers_of(point)) }
            }
        }
    }
}

fn numbers_of(point: &Point) -> Markup {
    html! {
        tbody {
            tr.group { th colspan="5" scope="rowgroup" { span.stay {
                (point_name(point)) " "
                small { "(" (setting::params_text(&point.params)) ")" }
            } } }
            @for quantity in &point.quantities {
                tr {
                    th scope="row" { (quantity.name.label()) }
                    td { (quantity.predicted_text()) }
                    td class=[quantity.doubt.as_ref().map(|_| "doubt")] title=[quantity.doubt.as_deref()] {
                        (quantity.measured_text())
                    }
                    td { (quantity.comparison_text()) }
                    td { (quantity.closed_form_text()) }
                }
            }
            @for doubt in doubts(point) {
                tr { td.words.doubt colspan="5" { (doubt) } }
            }
        }
    }
}

/// Why numbers of a point are grey, each reason once with its quantities.
pub(crate) fn doubts(point: &Point) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for quantity in &point.quantities {
        let Some(doubt) = quantity.doubt.as_deref() else {
            continue;
        };
        let name = quantity.name.label().to_owned();
        match reasons.iter_mut().find(|(known, _)| *known == doubt) {
            Some((_, names)) => names.push(name),
            None => reasons.push((doubt, vec![name])),
        }
    }
    reasons
        .into_iter()
        .map(|(doubt, names)| {
            if names.len() > 3 {
                format!("{} of the numbers: {doubt}", names.len())
            } else {
                format!("{}: {doubt}", number::list(&names))
            }
        })
        .collect()
}

fn validity(finding: &ScenarioFinding) -> Markup {
    let valid = finding.points.iter().all(|point| point.valid);
    html! {
        div class=(if valid { "box" } else { "box bad" }) {
            h3 { "Validity: " @if valid { "valid" } @else { "not valid" } }
            p.quiet {
                "CPU in percent of one core. "
                a href="#g-late" { "Publisher late" } " at p99. Trials in the order in which they ran. "
                (age_bound_words(&in_order(finding)))
            }
            div.scroll tabindex="0" role="region" aria-label="validity of each trial" {
                table {
                    thead { tr {
                        @for head in ["trial", "point", "expected", "received", "lost / duplicated / reordered", "publisher late", AGE_BOUND_HEAD, "server CPU", "harness CPU", "schedule"] {
                            th scope="col" class=[(head == "point").then_some("words")] { (head) }
                        }
                    } }
                    tbody { @for (point, trial) in in_order(finding) { (trial_row(point, trial)) } }
                }
            }
            (warnings(finding))
        }
    }
}

/// Trials in the order of the run.
pub(crate) fn in_order(finding: &ScenarioFinding) -> Vec<(&Point, &Trial)> {
    let mut trials: Vec<(&Point, &Trial)> = finding
        .points
        .iter()
        .flat_map(|point| point.trials.iter().map(move |trial| (point, trial)))
        .collect();
    trials.sort_by_key(|(_, trial)| trial.order);
    trials
}

/// The cells of a trial in the validity table after its point; none for a failed trial.
pub(crate) fn trial_cells(point: &Point, trial: &Trial) -> Option<[String; 7]> {
    let measurements = trial.measurements.as_ref()?;
    let delivery = &measurements.delivery;
    let late = quantile_ms(&measurements.lateness, 0.99);
    let percent = |time_us: f64| {
        let wall_us = measurements.cpu.wall_us;
        if wall_us > 0.0 { with_unit(time_us / wall_us * 100.0, "%") } else { "—".to_owned() }
    };
    Some([
        count(delivery.expected),
        count(delivery.received),
        format!("{} / {} / {}", count(delivery.lost), count(delivery.duplicated), count(delivery.reordered)),
        late.map_or_else(|| "—".to_owned(), |late| with_unit(late, "ms")),
        age_bound_cell(point, trial),
        percent(measurements.cpu.server_us),
        percent(measurements.cpu.harness_us),
    ])
}

/// The first digits of a hash; the whole one stands in the last part.
pub(crate) fn short_hash(hash: &str) -> String {
    hash.chars().take(8).collect()
}

fn trial_row(point: &Point, trial: &Trial) -> Markup {
    html! {
        tr {
            th scope="row" { (trial.order) }
            th scope="row" class="words" { (point_name(point)) }
            @match trial_cells(point, trial) {
                Some(cells) => { @for cell in &cells { td.wrap[cell.contains("exceeded")] { (cell) } } },
                None => { td colspan="7" class="words" { "failed; its reason is among the warnings" } },
            }
            td { code { (short_hash(&trial.schedule_hash)) } }
        }
    }
}

/// The warnings of all points, each once with the points it belongs to.
pub(crate) fn grouped_warnings(finding: &ScenarioFinding) -> Vec<(String, String)> {
    let mut grouped: Vec<(String, Vec<String>)> = Vec::new();
    for point in &finding.points {
        for warning in &point.warnings {
            match grouped.iter_mut().find(|(known, _)| known == warning) {
                Some((_, points)) => points.push(point.label()),
                None => grouped.push((warning.clone(), vec![point.label()])),
            }
        }
    }
    grouped
        .into_iter()
        .map(|(warning, mut points)| {
            points.dedup();
            if points.len() == finding.points.len() && points.len() > 1 {
                ("all points".to_owned(), warning)
            } else {
                (number::list(&points), warning)
            }
        })
        .collect()
}

fn warnings(finding: &ScenarioFinding) -> Markup {
    let warnings = grouped_warnings(finding);
    html! {
        @if warnings.is_empty() {
            p { "No warnings, nothing excluded." }
        } @else {
            p { "Warnings; nothing excluded:" }
            ul { @for (points, warning) in &warnings { li { (points) ": " (warning) } } }
        }
    }
}
