//! `report.md`: the same report for a code host, with the figures linked.

mod panel;
mod servers;
mod text;

use crate::{
    charts::Figure,
    findings::{Answer, Failure, Findings, Judged, Point, ScenarioFinding, unmeasured},
    judgement::{
        best::{Best, is_best},
        floor::{has_floor, multiple_text, ratio_text},
    },
    outputs::{
        html::{
            method::{
                CALIBRATION_EXPLAINED, CALIBRATION_HEADS, calibration_cells, environment_rows, harness_cost,
                method_words, schedule_text,
            },
            scenario::point_warnings,
            table_columns,
            validity::grouped_warnings,
        },
        words::{
            AGE_EXPLAINED, ANSWERS_AT_THE_TOP, RATIO_EXPLAINED, driver_words, interval_note, lengths_text,
            threshold_words,
        },
    },
    quantities::QuantityName,
    style,
    tables::{
        comparison_rows::{COMPARISONS_EXPLAINED, comparison_table},
        glossary::words,
        panels::panels,
        parting, relay,
        validity_rows::{
            ADDED_COLUMN, ADDED_EXPLAINED, LEDGERS_EXPLAINED, THRESHOLD_HEADS, in_order, ledger_heads,
            ledger_rows, limit_heads, limit_rows, short_hash, threshold_cells, trial_cells, trial_words,
        },
        watched,
    },
    text::{
        number::{counted, instant},
        setting,
        swept::varied_text,
    },
};
use text::{Page, code_block, escaped};

/// The whole page.
pub(crate) fn page(findings: &Findings, figures: &[Figure]) -> String {
    let mut page = Page::default();
    title(&mut page, findings);
    answers(&mut page, findings);
    let failed = findings.failures_of(Judged::Yes);
    failures(&mut page, "Failed trials", &failed);
    one_table(&mut page, findings);
    for figure in figures.iter().filter(|figure| figure.scenario.is_none()) {
        page.figure(figure);
    }
    for (finding, answer) in findings.scenarios.iter().zip(&findings.answers) {
        scenario(&mut page, finding, answer, figures);
    }
    method(&mut page, findings);
    page.text
}

fn title(page: &mut Page, findings: &Findings) {
    let environment = &findings.environment;
    page.paragraph(&format!("# pushlab: {}", escaped(&findings.name)));
    page.paragraph(&format!("**{}**: {}.", findings.verdict_words(), escaped(&findings.verdict_reason)));
    if let Some(words) = threshold_words(findings) {
        page.paragraph(&words);
    }
    page.paragraph(&format!(
        "{}, on {}, {}, {}, commit {}.",
        escaped(&instant(&findings.started_at)),
        escaped(&environment.system),
        escaped(&environment.cpu),
        counted(u64::from(environment.cores), "core", "cores"),
        escaped(&environment.commit)
    ));
    let drivers = driver_words(findings);
    if !drivers.is_empty() {
        page.paragraph(&escaped(&drivers));
    }
    for warning in &findings.warnings {
        page.paragraph(&format!("**Note:** {}.", escaped(warning)));
    }
}

fn answers(page: &mut Page, findings: &Findings) {
    page.paragraph("## The answer");
    page.list(findings.answers.iter().take(ANSWERS_AT_THE_TOP).map(|answer| {
        let (headline, beneath) = (escaped(&answer.headline), escaped(&answer.beneath()));
        format!("**{headline}** {beneath} ({})", escaped(&answer.scenario))
    }));
    page.paragraph(&format!("The age {AGE_EXPLAINED} {}", interval_note(findings)));
}

fn failures(page: &mut Page, heading: &str, failures: &[&Failure]) {
    if failures.is_empty() {
        return;
    }
    page.paragraph(&format!("### {heading}"));
    for failure in failures {
        page.paragraph(&format!(
            "Trial {}, {}, {} ({}): {}",
            failure.order,
            escaped(&failure.scenario),
            failure.label(),
            escaped(&setting::params_text(&failure.params)),
            escaped(&failure.reason)
        ));
        if failure.server_stderr_tail.is_empty() {
            page.paragraph("The server wrote nothing to stderr.");
        } else {
            page.paragraph("The last lines that the server wrote to stderr:");
            page.paragraph(&code_block(&failure.server_stderr_tail));
        }
    }
}

fn one_table(page: &mut Page, findings: &Findings) {
    page.paragraph("## All points in one table");
    page.paragraph(
        "The measured value, with its interval in brackets where there is one, and the prediction of the model. “Lowest”: the lowest at its setting, and told apart from all others.",
    );
    let columns = table_columns(findings);
    let mut heads = vec!["scenario", "point"];
    heads.extend(columns.iter().map(|name| name.label()));
    let rows = findings.scenarios.iter().flat_map(|finding| {
        finding.points.iter().map(|point| {
            let mut row = vec![
                point.scenario.clone(),
                format!("{} {}", style::symbol(point.pattern, &point.server), point.label()),
            ];
            match unmeasured(point) {
                Some(words) => {
                    row.push(words);
                    row.extend(std::iter::repeat_n("—".to_owned(), columns.len() - 1));
                }
                None => row.extend(columns.iter().map(|name| table_cell(finding, point, *name))),
            }
            row
        })
    });
    page.table(&heads, rows);
    let mut point_warnings: Vec<String> = Vec::new();
    for point in findings.scenarios.iter().flat_map(|finding| &finding.points) {
        for name in &columns {
            if let Some(warning) = &point.quantity_of(*name).warning {
                let text = format!("{}, {}: {warning}", point.scenario, point.label());
                if !point_warnings.contains(&text) {
                    point_warnings.push(text);
                }
            }
        }
    }
    page.list(point_warnings.iter().map(|warning| escaped(warning)));
}

/// Cells are escaped, so a word marks the best value, not stars.
fn table_cell(finding: &ScenarioFinding, point: &Point, name: QuantityName) -> String {
    let quantity = point.quantity_of(name);
    let best = match is_best(finding, point, name) {
        Best::Yes => "lowest: ",
        Best::No => "",
    };
    let model = if point.server.is_pushlab() {
        format!("; model {}", quantity.predicted_text())
    } else {
        String::new()
    };
    let floor =
        multiple_text(finding, point, name).map_or_else(String::new, |multiple| format!("; {multiple}"));
    format!("{best}{}{model}{floor}", quantity.measured_with_interval())
}

fn scenario(page: &mut Page, finding: &ScenarioFinding, answer: &Answer, figures: &[Figure]) {
    let scenario = &finding.scenario;
    page.paragraph(&format!("## {}", escaped(&scenario.question)));
    page.paragraph(&escaped(&scenario.setting));
    page.paragraph(&format!(
        "Events: {}. {}{}",
        escaped(&setting::arrivals_text(&scenario.events)),
        lengths_text(finding),
        varied_text(scenario)
    ));
    page.paragraph(&format!("**{}**", escaped(&answer.headline)));
    for condition in &answer.conditions {
        page.paragraph(&escaped(condition));
    }
    servers::table(page, finding);
    page.list(watched::beside(finding).iter().map(|line| format!("{}.", escaped(line))));
    for table in panels(finding) {
        panel::panel(page, &table);
    }
    for figure in figures {
        if figure.scenario.as_deref() == Some(scenario.name.as_str()) {
            page.figure(figure);
        }
    }
    numbers(page, finding);
    servers::floor_note(page, finding);
    comparisons(page, finding);
    validity(page, finding);
    page.paragraph("### What to look at");
    page.paragraph(&escaped(&scenario.look_at));
    page.paragraph("### To reproduce");
    page.paragraph(&code_block(std::slice::from_ref(&finding.command)));
}

fn numbers(page: &mut Page, finding: &ScenarioFinding) {
    page.paragraph("<details><summary>Every number: predicted, measured, ratio</summary>");
    page.paragraph(RATIO_EXPLAINED);
    for point in &finding.points {
        page.paragraph(&format!(
            "{} {} ({})",
            style::symbol(point.pattern, &point.server),
            escaped(&point.label()),
            escaped(&setting::params_text(&point.params))
        ));
        if let Some(words) = unmeasured(point) {
            page.paragraph(&escaped(&words));
            continue;
        }
        let mut heads = vec!["quantity", "predicted", "measured", "ratio", "closed form"];
        if has_floor(finding) {
            heads.push("× floor");
        }
        page.table(
            &heads,
            finding.known_quantities().into_iter().map(|name| {
                let quantity = point.quantity_of(name);
                let mut row = vec![
                    quantity.name.label().to_owned(),
                    quantity.predicted_with_range(),
                    quantity.measured_with_interval(),
                    quantity.comparison_text(),
                    quantity.closed_form_text(),
                ];
                if has_floor(finding) {
                    row.push(ratio_text(finding, point, name).unwrap_or_else(|| "—".to_owned()));
                }
                row
            }),
        );
        page.list(point_warnings(point).iter().map(|warning| escaped(warning)));
    }
    page.paragraph("</details>");
    let sentences = parting::sentences(finding);
    if !sentences.is_empty() {
        page.paragraph(&format!("**{}**", parting::HEADING));
        page.list(sentences.iter().map(|sentence| escaped(sentence)));
    }
}

fn comparisons(page: &mut Page, finding: &ScenarioFinding) {
    if let Some(table) = comparison_table(finding) {
        page.paragraph("<details><summary>All pairs compared</summary>");
        page.paragraph(COMPARISONS_EXPLAINED);
        page.table(&table.heads, table.rows.into_iter());
        page.paragraph("</details>");
    }
}

fn validity(page: &mut Page, finding: &ScenarioFinding) {
    page.paragraph(&format!("### Validity: {}", finding.validity_words()));
    thresholds(page, finding);
    limits_and_ledgers(page, finding);
    page.table(
        &[
            "trial and point",
            "block",
            "expected",
            "received",
            "lost / duplicated / reordered",
            "publisher late, p99",
            ADDED_COLUMN,
            "server CPU",
            "harness CPU",
            "schedule",
        ],
        in_order(finding).into_iter().map(|(point, trial)| {
            let mut row = vec![format!("{}: {}", trial.order, point.label()), trial.block.to_string()];
            match trial_cells(trial) {
                Some(cells) => row.extend(cells),
                None => {
                    row.push(trial_words(trial).to_owned());
                    row.extend(std::iter::repeat_n("—".to_owned(), 6));
                }
            }
            row.push(short_hash(&trial.schedule_hash));
            row
        }),
    );
    if let Some(table) = relay::table(finding) {
        panel::table(page, &table);
    }
    let warnings = grouped_warnings(finding);
    if warnings.is_empty() {
        page.paragraph("No warnings. Nothing was excluded.");
    }
    page.list(warnings.iter().map(|(points, warning)| format!("{}: {}", escaped(points), escaped(warning))));
}

fn thresholds(page: &mut Page, finding: &ScenarioFinding) {
    if !finding.thresholds.is_empty() {
        page.table(
            &THRESHOLD_HEADS,
            finding.thresholds.iter().map(|threshold| threshold_cells(threshold).to_vec()),
        );
    }
}

fn limits_and_ledgers(page: &mut Page, finding: &ScenarioFinding) {
    let of = if finding.blocks() > 1 { ", in the worst block" } else { "" };
    let limit_rows = limit_rows(finding);
    if limit_rows.is_empty() {
        return;
    }
    page.paragraph(&format!("Each value with its limit{of}. {ADDED_EXPLAINED}"));
    let limits = limit_heads(finding);
    let mut heads = vec!["point"];
    heads.extend(limits.iter().map(String::as_str));
    page.table(
        &heads,
        limit_rows.into_iter().map(|(point, cells)| {
            let texts = cells
                .into_iter()
                .map(|cell| if cell.beyond { format!("{}, beyond", cell.text) } else { cell.text });
            std::iter::once(point.label()).chain(texts).collect()
        }),
    );
    let rows = ledger_rows(finding);
    if rows.is_empty() {
        return;
    }
    page.paragraph(LEDGERS_EXPLAINED);
    let mut heads = vec!["point"];
    heads.extend(ledger_heads());
    page.table(
        &heads,
        rows.into_iter().map(|(point, cells)| std::iter::once(point.label()).chain(cells).collect()),
    );
}

fn method(page: &mut Page, findings: &Findings) {
    page.paragraph("## How this was measured");
    page.list(method_words(findings).iter().map(|(word, text)| format!("**{word}.** {text}")));
    page.paragraph(&harness_cost(findings));
    page.paragraph("### Calibration");
    page.paragraph(CALIBRATION_EXPLAINED);
    let failed = findings.failures_of(Judged::No);
    failures(page, "Failed calibrations", &failed);
    if !findings.calibrations.is_empty() {
        page.table(
            &CALIBRATION_HEADS,
            findings.calibrations.iter().map(|finding| calibration_cells(finding).to_vec()),
        );
    }
    page.paragraph("### Environment");
    page.list(
        environment_rows(findings).into_iter().map(|(name, value)| format!("{name}: {}", escaped(&value))),
    );
    page.paragraph("### Seed and schedules");
    page.paragraph(&format!(
        "Seed {}. Trials with the same hash saw the same events at the same instants.",
        findings.seed
    ));
    page.list(findings.schedules.iter().map(|schedule| {
        format!("`{}`: {}", schedule.hash.replace('`', ""), schedule_text(schedule.events, schedule.length_s))
    }));
    page.paragraph("### Glossary");
    page.list(words(findings).iter().map(|(_, word, text)| format!("**{word}**: {text}")));
}
