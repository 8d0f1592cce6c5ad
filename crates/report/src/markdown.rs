//! `report.md`: the same report for a code host, with the figures linked.

use std::fmt::Write as _;

use crate::{
    answers::Answer,
    charts::Figure,
    findings::{Findings, ScenarioFinding},
    glossary::GLOSSARY,
    html::{AGE_EXPLAINED, ANSWERS_AT_THE_TOP, TABLE, interval_note},
    html_method::{
        CALIBRATION_EXPLAINED, CALIBRATION_HEADS, METHOD, calibration_cells, environment_rows,
        schedule_text,
    },
    html_scenario::{grouped_warnings, in_order, short_hash, trial_cells},
    number::{THIN_SPACE, period_ms},
    setting, style,
};

/// The whole page.
pub(crate) fn page(findings: &Findings, figures: &[Figure]) -> String {
    let mut page = Page::default();
    title(&mut page, findings);
    answers(&mut page, findings);
    failures(&mut page, findings);
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

/// Paragraphs with one blank line between.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn paragraph(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn list(&mut self, items: impl Iterator<Item = String>) {
        let text = items.fold(String::new(), |mut text, item| {
            let _ = writeln!(text, "- {item}");
            text
        });
        if !text.is_empty() {
            self.paragraph(&text);
        }
    }

    /// The first column is words, the others are numbers.
    fn table<'a>(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<String>> + 'a) {
        let mut text = format!("| {} |\n| :-- |", heads.join(" | "));
        text.push_str(&" --: |".repeat(heads.len() - 1));
        text.push('\n');
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        self.paragraph(&text);
    }

    fn figure(&mut self, figure: &Figure) {
        self.paragraph(&format!("**{}**", escaped(&figure.title)));
        let alternative: String = escaped(&figure.description);
        self.paragraph(&format!("![{alternative}]({})", figure.path()));
        self.paragraph(&escaped(&figure.caption));
    }
}

/// Text from outside: nothing in it is markup, and it stays in its line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A code block that its text cannot leave.
fn code_block(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
        let _ = writeln!(text, "    {line}");
        text
    })
}

fn title(page: &mut Page, findings: &Findings) {
    let environment = &findings.environment;
    page.paragraph(&format!("# pushlab: {}", escaped(&findings.name)));
    page.paragraph(&format!(
        "**{}**: {}.",
        findings.verdict.word(),
        escaped(&findings.verdict_reason)
    ));
    page.paragraph(&format!(
        "{}, on {}, {}, {} cores, commit {}.",
        escaped(&findings.started_at),
        escaped(&environment.system),
        escaped(&environment.cpu),
        environment.cores,
        escaped(&environment.commit)
    ));
    for warning in &findings.warnings {
        page.paragraph(&format!("**Note:** {}.", escaped(warning)));
    }
}

fn answers(page: &mut Page, findings: &Findings) {
    page.paragraph("## The answer");
    page.list(
        findings
            .answers
            .iter()
            .take(ANSWERS_AT_THE_TOP)
            .map(|answer| {
                format!(
                    "{} ({})",
                    escaped(&answer.sentence),
                    escaped(&answer.scenario)
                )
            }),
    );
    page.paragraph(&format!("{AGE_EXPLAINED} {}", interval_note(findings)));
}

fn failures(page: &mut Page, findings: &Findings) {
    if findings.failures.is_empty() {
        return;
    }
    page.paragraph("### Failed trials");
    for failure in &findings.failures {
        page.paragraph(&format!(
            "Trial {}, {}, {} ({}): {}",
            failure.order,
            escaped(&failure.scenario),
            failure.pattern.label(),
            escaped(&setting::params_text(&failure.params)),
            escaped(&failure.reason)
        ));
        if !failure.server_last_words.is_empty() {
            page.paragraph("The server's last words:");
            page.paragraph(&code_block(&failure.server_last_words));
        }
    }
}

fn one_table(page: &mut Page, findings: &Findings) {
    page.paragraph("## All points in one table");
    page.paragraph("Measured, and in brackets what the model predicted.");
    let mut heads = vec!["scenario", "point"];
    heads.extend(TABLE.map(|name| name.label()));
    let rows = findings.scenarios.iter().flat_map(|finding| {
        finding.points.iter().map(|point| {
            let mut row = vec![
                point.scenario.clone(),
                format!("{} {}", style::symbol(point.pattern), point.label()),
            ];
            row.extend(TABLE.map(|name| {
                let quantity = point.quantity_of(name);
                format!(
                    "{} ({})",
                    quantity.measured_text(),
                    quantity.predicted_text()
                )
            }));
            row
        })
    });
    page.table(&heads, rows);
    let mut doubts: Vec<String> = Vec::new();
    for point in findings
        .scenarios
        .iter()
        .flat_map(|finding| &finding.points)
    {
        for name in TABLE {
            if let Some(doubt) = &point.quantity_of(name).doubt {
                let text = format!("{}, {}: {doubt}", point.scenario, point.label());
                if !doubts.contains(&text) {
                    doubts.push(text);
                }
            }
        }
    }
    page.list(doubts.iter().map(|doubt| escaped(doubt)));
}

fn scenario(page: &mut Page, finding: &ScenarioFinding, answer: &Answer, figures: &[Figure]) {
    let scenario = &finding.scenario;
    page.paragraph(&format!("## {}", escaped(&scenario.question)));
    page.paragraph(&escaped(&scenario.setting));
    page.paragraph(&format!(
        "Events: {}. Warm-up {}, measured {}.",
        escaped(&setting::arrivals_text(&scenario.events)),
        period_ms(scenario.warm_up.milliseconds()),
        period_ms(scenario.measure.milliseconds())
    ));
    page.paragraph(&format!("**{}**", escaped(&answer.sentence)));
    for condition in &answer.conditions {
        page.paragraph(&escaped(condition));
    }
    for figure in figures {
        if figure.scenario.as_deref() == Some(scenario.name.as_str()) {
            page.figure(figure);
        }
    }
    numbers(page, finding);
    validity(page, finding);
    page.paragraph("### What to look at");
    page.paragraph(&escaped(&scenario.look_at));
    page.paragraph("### To measure it again");
    page.paragraph(&code_block(std::slice::from_ref(&finding.command)));
}

fn numbers(page: &mut Page, finding: &ScenarioFinding) {
    page.paragraph("<details><summary>Every number: predicted, measured, ratio</summary>");
    page.paragraph(&format!(
        "Ratio: measured ÷ predicted; below 5{THIN_SPACE}ms the difference."
    ));
    for point in &finding.points {
        page.paragraph(&format!(
            "{} {} ({})",
            style::symbol(point.pattern),
            escaped(&point.label()),
            escaped(&setting::params_text(&point.params))
        ));
        page.table(
            &["quantity", "predicted", "measured", "ratio", "closed form"],
            point.quantities.iter().map(|quantity| {
                vec![
                    quantity.name.label().to_owned(),
                    quantity.predicted_text(),
                    quantity.measured_text(),
                    quantity.comparison_text(),
                    quantity.closed_form_text(),
                ]
            }),
        );
    }
    page.paragraph("</details>");
}

fn validity(page: &mut Page, finding: &ScenarioFinding) {
    let valid = finding.points.iter().all(|point| point.valid);
    page.paragraph(if valid {
        "### Validity: valid"
    } else {
        "### Validity: not valid"
    });
    page.table(
        &[
            "trial and point",
            "expected",
            "received",
            "lost / duplicated / reordered",
            "publisher late, p99",
            "server CPU",
            "harness CPU",
            "schedule",
        ],
        in_order(finding).into_iter().map(|(point, trial)| {
            let mut row = vec![format!("{}: {}", trial.order, point.label())];
            match trial_cells(trial) {
                Some(cells) => row.extend(cells),
                None => {
                    row.push("failed".to_owned());
                    row.extend(std::iter::repeat_n("—".to_owned(), 5));
                }
            }
            row.push(short_hash(&trial.schedule_hash));
            row
        }),
    );
    let warnings = grouped_warnings(finding);
    if warnings.is_empty() {
        page.paragraph("No warnings, nothing excluded.");
    }
    page.list(
        warnings
            .iter()
            .map(|(points, warning)| format!("{}: {}", escaped(points), escaped(warning))),
    );
}

fn method(page: &mut Page, findings: &Findings) {
    page.paragraph("## How this was measured");
    page.list(
        METHOD
            .iter()
            .map(|(word, text)| format!("**{word}.** {text}")),
    );
    page.paragraph("### Calibration");
    page.paragraph(CALIBRATION_EXPLAINED);
    if !findings.calibrations.is_empty() {
        page.table(
            &CALIBRATION_HEADS,
            findings
                .calibrations
                .iter()
                .map(|finding| calibration_cells(finding).to_vec()),
        );
    }
    page.paragraph("### Environment");
    page.list(
        environment_rows(findings)
            .into_iter()
            .map(|(name, value)| format!("{name}: {}", escaped(&value))),
    );
    page.paragraph("### Seed and schedules");
    page.paragraph(&format!(
        "Seed {}. Trials with the same hash saw the same events at the same instants.",
        findings.seed
    ));
    page.list(findings.schedules.iter().map(|schedule| {
        format!(
            "`{}`: {}",
            schedule.hash.replace('`', ""),
            schedule_text(schedule.events, schedule.length_s)
        )
    }));
    page.paragraph("### Words");
    page.list(
        GLOSSARY
            .iter()
            .map(|(_, word, text)| format!("**{word}**: {text}")),
    );
}
