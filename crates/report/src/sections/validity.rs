//! The validity box: each check with its value and limit, and all warnings.

use crate::{
    document::{Block, Cell, Column, Content, Fold, FoldState, ListKind, Place, Role, Table, Text, Tone},
    findings::{Point, ScenarioFinding, ThresholdFinding, ThresholdOutcome, Trial},
    tables::{
        panel::point_name,
        relay,
        validity_rows::{
            ADDED_COLUMN, in_order, ledger_heads, ledger_rows, limit_heads, limit_rows, short_hash,
            trial_cells, trial_words,
        },
    },
    text::number::{self, counted},
};

/// Thresholds, limits, ledgers, trials, warnings: one line to open if every limit is kept, else all of it.
pub(super) fn fold<'a>(finding: &ScenarioFinding) -> Block<'a> {
    let is_kept = every_limit_is_kept(finding);
    let warnings = grouped_warnings(finding);
    let kept = (is_kept && !limit_rows(finding).is_empty()).then(|| "every limit is kept".to_owned());
    let number = (!warnings.is_empty()).then(|| counted(warnings.len() as u64, "warning", "warnings"));
    let mut blocks = thresholds(finding);
    blocks.extend(limits(finding));
    blocks.extend(ledgers(finding));
    if let Some(panel) = relay::table(finding) {
        blocks.push(Block::with_role(Role::Quiet, panel.explanation()));
        blocks.push(Block::table(panel.table()));
    }
    blocks.extend(trials(finding));
    if !warnings.is_empty() {
        blocks.push(Block::paragraph("Warnings (nothing was excluded):"));
        let items = warnings.iter().map(|(points, warning)| Text::from(format!("{points}: {warning}")));
        blocks.push(Block::list(ListKind::Items, items.collect()));
    }
    let fold = Fold {
        anchor: None,
        heading: Some(format!("Validity: {}", finding.validity_words())),
        summary: [kept, number].into_iter().flatten().collect::<Vec<_>>().join(", "),
        state: if is_kept { FoldState::InOrder } else { FoldState::Broken },
        blocks,
    };
    Block { place: Place::Page, content: Content::Fold(fold) }
}

/// A link to the explanation of a kind of table that several scenarios have.
pub(super) fn how_to_read<'a>(anchor: &str) -> Block<'a> {
    Block::with_role(Role::HowToRead, Text::default().link(anchor, "How to read this table"))
}

/// Whether all points are valid, and no limit and no threshold is broken or undecided.
fn every_limit_is_kept(finding: &ScenarioFinding) -> bool {
    let is_beyond = |(_, cells): (&Point, Vec<Cell>)| cells.iter().any(|cell| cell.tone == Tone::Bad);
    let is_open = |threshold: &ThresholdFinding| match threshold.outcome {
        ThresholdOutcome::Failed | ThresholdOutcome::Inconclusive => true,
        ThresholdOutcome::Passed | ThresholdOutcome::NotJudged => false,
    };
    finding.points.iter().all(|point| point.valid)
        && !limit_rows(finding).into_iter().any(is_beyond)
        && !finding.thresholds.iter().any(is_open)
}

fn thresholds<'a>(finding: &ScenarioFinding) -> Vec<Block<'a>> {
    if finding.thresholds.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::words("threshold"),
        Column::words("point"),
        Column::values("measured"),
        Column::words("outcome"),
        Column::words("why"),
    ];
    let rows = finding.thresholds.iter().map(|threshold| {
        let tone = match threshold.outcome {
            ThresholdOutcome::Passed => Tone::Good,
            ThresholdOutcome::Failed => Tone::Bad,
            ThresholdOutcome::Inconclusive => Tone::Doubt,
            ThresholdOutcome::NotJudged => Tone::Absent,
        };
        vec![
            Cell::name(Text::default().code(&threshold.text)),
            Cell::value(threshold.of.as_str()),
            Cell::value(threshold.value_text()),
            Cell::value(threshold.outcome.word()).toned(tone),
            Cell::value(threshold.reason.as_str()),
        ]
    });
    vec![Block::table(Table::new("thresholds", columns, rows.collect()))]
}

/// A table with a row for each point.
fn of_points<'a>(
    name: &str,
    heads: impl IntoIterator<Item = String>,
    rows: Vec<(&Point, Vec<Cell>)>,
) -> Block<'a> {
    let columns = std::iter::once("point".to_owned()).chain(heads).map(Column::values).collect();
    let row = |(point, cells): (&Point, Vec<Cell>)| {
        std::iter::once(Cell::name(point_name(point))).chain(cells).collect()
    };
    Block::table(Table::new(name, columns, rows.into_iter().map(row).collect()))
}

fn limits<'a>(finding: &ScenarioFinding) -> Vec<Block<'a>> {
    let rows = limit_rows(finding);
    if rows.is_empty() {
        return Vec::new();
    }
    let of = if finding.blocks() > 1 { ", in the worst block" } else { "" };
    vec![
        Block::heading(4, format!("Limits{of}")),
        how_to_read("t-limits"),
        of_points("values and their limits", limit_heads(finding), rows),
    ]
}

fn ledgers<'a>(finding: &ScenarioFinding) -> Vec<Block<'a>> {
    let rows = ledger_rows(finding);
    if rows.is_empty() {
        return Vec::new();
    }
    vec![
        Block::heading(4, "Byte ledgers"),
        how_to_read("t-ledgers"),
        of_points("byte ledgers", ledger_heads().map(str::to_owned), rows),
    ]
}

/// Folded if several blocks make it long.
fn trials<'a>(finding: &ScenarioFinding) -> Vec<Block<'a>> {
    let heads = [
        "trial",
        "point",
        "block",
        "expected",
        "received",
        "lost / duplicated / reordered",
        "publisher late",
        ADDED_COLUMN,
        "server CPU",
        "harness CPU",
        "schedule",
    ];
    let columns =
        heads.map(|head| if head == "point" { Column::words(head) } else { Column::values(head) }).to_vec();
    let rows = in_order(finding).into_iter().map(|(point, trial)| trial_row(point, trial)).collect();
    let table = vec![how_to_read("t-trials"), Block::table(Table::new("every trial", columns, rows))];
    if finding.blocks() > 1 {
        vec![Block::fold("Every trial, in the order in which they ran", table)]
    } else {
        table
    }
}

fn trial_row(point: &Point, trial: &Trial) -> Vec<Cell> {
    let mut cells = vec![
        Cell::name(trial.order.to_string()),
        Cell::name(point_name(point)),
        Cell::value(trial.block.to_string()),
    ];
    match trial_cells(trial) {
        Some(values) => cells.extend(values.map(Cell::value)),
        None => {
            let tone = if trial.not_run.is_some() { Tone::Absent } else { Tone::Plain };
            cells.push(Cell::across(7, trial_words(trial)).toned(tone));
        }
    }
    cells.push(Cell::value(Text::default().code(short_hash(&trial.schedule_hash))));
    cells
}

/// The warnings of all points, each once with the points it belongs to.
pub(super) fn grouped_warnings(finding: &ScenarioFinding) -> Vec<(String, String)> {
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
