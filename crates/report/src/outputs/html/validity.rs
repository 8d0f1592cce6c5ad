//! The validity box: each check with its value and limit, and all warnings.

use maud::{Markup, html};

use super::{
    marks::{how_to_read, point_name},
    panel,
};
use crate::{
    findings::{Point, ScenarioFinding, ThresholdFinding, ThresholdOutcome, Trial},
    tables::{
        relay,
        validity_rows::{
            ADDED_COLUMN, LimitCell, THRESHOLD_HEADS, in_order, ledger_heads, ledger_rows, limit_heads,
            limit_rows, short_hash, threshold_cells, trial_cells, trial_words,
        },
    },
    text::number::{self, counted},
};

/// Thresholds, limits, ledgers, trials, warnings: one line to open if every limit is kept, else all of it.
pub(crate) fn validity(finding: &ScenarioFinding) -> Markup {
    let is_kept = every_limit_is_kept(finding);
    let has_limits = !limit_rows(finding).is_empty();
    let warnings = grouped_warnings(finding);
    html! {
        details class=(if is_kept { "box" } else { "box bad" }) open[!is_kept] {
            summary {
                h3 { "Validity: " (finding.validity_words()) }
                @if is_kept && has_limits { ", every limit is kept" }
                @if !warnings.is_empty() { ", " (counted(warnings.len() as u64, "warning", "warnings")) }
            }
            (thresholds(finding))
            (limits(finding))
            (ledgers(finding))
            @if let Some(table) = relay::table(finding) { (panel::table(&table)) }
            (trials(finding))
            (warning_list(&warnings))
        }
    }
}

/// Whether all points are valid, and no limit and no threshold is broken or undecided.
fn every_limit_is_kept(finding: &ScenarioFinding) -> bool {
    let is_beyond = |(_, cells): (&Point, Vec<LimitCell>)| cells.iter().any(|cell| cell.beyond);
    let is_open = |threshold: &ThresholdFinding| match threshold.outcome {
        ThresholdOutcome::Failed | ThresholdOutcome::Inconclusive => true,
        ThresholdOutcome::Passed | ThresholdOutcome::NotJudged => false,
    };
    finding.points.iter().all(|point| point.valid)
        && !limit_rows(finding).into_iter().any(is_beyond)
        && !finding.thresholds.iter().any(is_open)
}

fn thresholds(finding: &ScenarioFinding) -> Markup {
    html! {
        @if !finding.thresholds.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="thresholds" { table {
                thead { tr {
                    @for head in THRESHOLD_HEADS {
                        th scope="col" class=[(head != "measured").then_some("words")] { (head) }
                    }
                } }
                tbody { @for threshold in &finding.thresholds { (threshold_row(threshold)) } }
            } }
        }
    }
}

fn threshold_row(finding: &ThresholdFinding) -> Markup {
    let [text, of, value, outcome, why] = threshold_cells(finding);
    let class = match finding.outcome {
        ThresholdOutcome::Passed => "words passed",
        ThresholdOutcome::Failed => "words failed",
        ThresholdOutcome::Inconclusive => "words inconclusive",
        ThresholdOutcome::NotJudged => "words warning",
    };
    html! { tr {
        th scope="row" { code { (text) } }
        td class="words" { (of) }
        td { (value) }
        td class=(class) { (outcome) }
        td class="words" { (why) }
    } }
}

fn limits(finding: &ScenarioFinding) -> Markup {
    let blocks = finding.blocks() > 1;
    let rows = limit_rows(finding);
    html! { @if !rows.is_empty() {
        h4 { "Limits" @if blocks { ", in the worst block" } }
        (how_to_read("t-limits"))
        div.scroll tabindex="0" role="region" aria-label="values and their limits" { table {
            thead { tr {
                th scope="col" { "point" }
                @for head in limit_heads(finding) { th scope="col" { (head) } }
            } }
            tbody {
                @for (point, cells) in rows { tr {
                    th scope="row" { (point_name(point)) }
                    @for cell in cells { td class=[cell.beyond.then_some("failed")] { (cell.text) } }
                } }
            }
        } }
    } }
}

fn ledgers(finding: &ScenarioFinding) -> Markup {
    let rows = ledger_rows(finding);
    html! {
        @if !rows.is_empty() {
            h4 { "Byte ledgers" }
            (how_to_read("t-ledgers"))
            div.scroll tabindex="0" role="region" aria-label="byte ledgers" { table {
                thead { tr {
                    th scope="col" { "point" }
                    @for head in ledger_heads() { th scope="col" { (head) } }
                } }
                tbody { @for (point, cells) in rows { tr {
                    th scope="row" { (point_name(point)) }
                    @for cell in cells { td { (cell) } }
                } } }
            } }
        }
    }
}

/// Folded if several blocks make it long.
fn trials(finding: &ScenarioFinding) -> Markup {
    html! {
        @if finding.blocks() > 1 {
            details {
                summary { "Every trial, in the order in which they ran" }
                (trial_table(finding))
            }
        } @else {
            (trial_table(finding))
        }
    }
}

fn trial_table(finding: &ScenarioFinding) -> Markup {
    html! {
        (how_to_read("t-trials"))
        div.scroll tabindex="0" role="region" aria-label="every trial" { table {
            thead { tr {
                @for head in ["trial", "point", "block", "expected", "received", "lost / duplicated / reordered", "publisher late", ADDED_COLUMN, "server CPU", "harness CPU", "schedule"] {
                    th scope="col" class=[(head == "point").then_some("words")] { (head) }
                }
            } }
            tbody { @for (point, trial) in in_order(finding) { (trial_row(point, trial)) } }
        } }
    }
}

fn trial_row(point: &Point, trial: &Trial) -> Markup {
    html! {
        tr {
            th scope="row" { (trial.order) }
            th scope="row" class="words" { (point_name(point)) }
            td { (trial.block) }
            @match trial_cells(trial) {
                Some(cells) => { @for cell in &cells { td { (cell) } } },
                None => { td colspan="7" class=(if trial.not_run.is_some() { "words warning" } else { "words" }) { (trial_words(trial)) } },
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

fn warning_list(warnings: &[(String, String)]) -> Markup {
    html! {
        @if !warnings.is_empty() {
            p { "Warnings (nothing was excluded):" }
            ul { @for (points, warning) in warnings { li { (points) ": " (warning) } } }
        }
    }
}
