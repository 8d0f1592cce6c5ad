//! The part of the page that belongs to one scenario.

use maud::{Markup, html};

use super::{
    first_screen::FirstScreen,
    marks::{figure_markup, how_to_read, is_of, point_name},
    panel, servers, validity,
};
use crate::{
    charts::Figure,
    findings::{Answer, Point, ScenarioFinding, unmeasured},
    judgement::floor::{has_floor, ratio_text},
    outputs::words::lengths_text,
    quantities::QuantityName,
    tables::{comparison_rows::comparison_table, panels::panels, parting, watched},
    text::{number, setting, swept::varied_text},
};

/// Question, setting, what to look at, finding, tables, figures, numbers, validity, command. What the first
/// screen has is left out.
pub(super) fn section(
    finding: &ScenarioFinding,
    answer: &Answer,
    first: &FirstScreen<'_>,
    figures: &[&Figure],
) -> Markup {
    let scenario = &finding.scenario;
    let numbers = format!("#{}-numbers", scenario.name);
    let own: Vec<&Figure> = figures
        .iter()
        .copied()
        .filter(|figure| is_of(figure, finding) && !first.has_figure(figure))
        .collect();
    html! {
        section {
            h2.scenario id=(scenario.name) {
                a href=(format!("#{}", scenario.name)) { (first.heading(finding)) }
            }
            div.pair {
                div {
                    h3 { "Setting" }
                    p { (scenario.setting) }
                    p.quiet {
                        "Events: " (setting::arrivals_text(&scenario.events)) ". "
                        (lengths_text(finding)) (varied_text(scenario))
                    }
                }
                div {
                    h3 { "What to look at" }
                    p { (scenario.look_at) }
                }
            }
            @if !first.has_answer(&scenario.name) {
                p.finding { (answer.headline) }
            }
            @for condition in &answer.conditions { p { (condition) } }
            (servers::table(finding))
            @for line in watched::beside(finding) { p { (line) "." } }
            @for table in panels(finding).iter().filter(|table| !first.has_table(table)) { (panel::panel(table)) }
            div.figures { @for figure in own { (figure_markup(figure, &numbers, figures, "")) } }
            details id=(format!("{}-numbers", scenario.name)) {
                summary { "Every number: predicted, measured, ratio" }
                (numbers_table(finding))
            }
            (partings(finding))
            (servers::floor_note(finding))
            (comparisons(finding))
            (validity::validity(finding))
            h3 { "To reproduce" }
            pre { code { (finding.command) } }
            p.back { a href="#contents" { "Contents" } }
        }
    }
}

fn partings(finding: &ScenarioFinding) -> Markup {
    let sentences = parting::sentences(finding);
    html! { @if !sentences.is_empty() {
        h3 { (parting::HEADING) }
        ul { @for sentence in &sentences { li { (sentence) } } }
    } }
}

fn comparisons(finding: &ScenarioFinding) -> Markup {
    let table = comparison_table(finding);
    html! {
        @if let Some(table) = table {
            details {
                summary { "All pairs compared" }
                (how_to_read("t-pairs"))
                div.scroll tabindex="0" role="region" aria-label="comparisons" { table {
                    thead { tr { @for head in &table.heads { th scope="col" { (head) } } } }
                    tbody { @for row in &table.rows { tr {
                        @for (place, cell) in row.iter().enumerate() {
                            @if place == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                        }
                    } } }
                } }
            }
        }
    }
}

fn numbers_table(finding: &ScenarioFinding) -> Markup {
    html! {
        (how_to_read("t-numbers"))
        div.scroll tabindex="0" role="region" aria-label="every number" {
            table {
                thead { tr {
                    th scope="col" { "quantity" }
                    th scope="col" { "predicted" }
                    th scope="col" { "measured" }
                    th scope="col" { "ratio" }
                    th scope="col" { "closed form" }
                    @if has_floor(finding) { th scope="col" { "× floor" } }
                } }
                @for point in &finding.points { (numbers_of(finding, point, &finding.known_quantities())) }
            }
        }
    }
}

fn numbers_of(finding: &ScenarioFinding, point: &Point, known: &[QuantityName]) -> Markup {
    let floor = has_floor(finding);
    let columns = if floor { 6 } else { 5 };
    html! {
        tbody {
            tr.group { th colspan=(columns) scope="rowgroup" { span.stay {
                (point_name(point)) " "
                small { "(" (setting::params_text(&point.params)) ")" }
            } } }
            @if let Some(words) = unmeasured(point) {
                tr { td.words.warning colspan=(columns) { (words) } }
            }
            @for quantity in known.iter().filter(|_| unmeasured(point).is_none()).map(|name| point.quantity_of(*name)) {
                tr {
                    th scope="row" { (quantity.name.label()) }
                    td { (quantity.predicted_with_range()) }
                    td class=[quantity.warning.as_ref().map(|_| "warning")] title=[quantity.warning.as_deref()] {
                        (quantity.measured_with_interval())
                    }
                    td { (quantity.comparison_text()) }
                    td { (quantity.closed_form_text()) }
                    @if floor { td { (ratio_text(finding, point, quantity.name).unwrap_or_else(|| "—".to_owned())) } }
                }
            }
            @for warning in point_warnings(point) {
                tr { td.words.warning colspan=(columns) { (warning) } }
            }
        }
    }
}

/// Why numbers of a point are grey, each reason once with its quantities.
pub(crate) fn point_warnings(point: &Point) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for quantity in &point.quantities {
        let Some(warning) = quantity.warning.as_deref() else {
            continue;
        };
        let name = quantity.name.label().to_owned();
        match reasons.iter_mut().find(|(known, _)| *known == warning) {
            Some((_, names)) => names.push(name),
            None => reasons.push((warning, vec![name])),
        }
    }
    reasons
        .into_iter()
        .map(|(warning, names)| {
            if names.len() > 3 {
                format!("{} of the quantities: {warning}", names.len())
            } else {
                format!("{}: {warning}", number::list(&names))
            }
        })
        .collect()
}
