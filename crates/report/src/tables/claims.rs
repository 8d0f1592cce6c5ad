//! The evidence for a claim: each of its conditions at each point.

use crate::{
    document::{Cell, Column, RowGroup, Style, Table, Text, Tone},
    findings::{ClaimFinding, ClaimVerdict, ThresholdFinding, ThresholdOutcome},
};

/// Whether a condition is true at a point: a sign and a word.
pub(crate) const fn truth(outcome: ThresholdOutcome) -> (char, &'static str) {
    match outcome {
        ThresholdOutcome::Passed => ('✓', "true"),
        ThresholdOutcome::Failed => ('✗', "false"),
        ThresholdOutcome::Inconclusive | ThresholdOutcome::NotJudged => ('?', "unknown"),
    }
}

/// The sign beside the word of a verdict.
pub(crate) const fn sign(verdict: ClaimVerdict) -> char {
    match verdict {
        ClaimVerdict::Holds => '✓',
        ClaimVerdict::Depends => '±',
        ClaimVerdict::Wrong => '✗',
        ClaimVerdict::Open => '?',
    }
}

/// The sign and the word of a verdict.
pub(crate) fn verdict_text(verdict: ClaimVerdict) -> Text {
    Text::default().and(Style::Judged(sign(verdict)), verdict.word())
}

/// The colour of a verdict.
pub(crate) const fn verdict_tone(verdict: ClaimVerdict) -> Tone {
    match verdict {
        ClaimVerdict::Holds => Tone::Good,
        ClaimVerdict::Depends => Tone::Doubt,
        ClaimVerdict::Wrong => Tone::Bad,
        ClaimVerdict::Open => Tone::Absent,
    }
}

/// A condition as written, and its outcome at each point to which it applies.
pub(crate) type AtItsPoints<'a> = (&'a str, Vec<&'a ThresholdFinding>);

/// The conditions of a claim in their order.
pub(crate) fn by_condition(claim: &ClaimFinding) -> Vec<AtItsPoints<'_>> {
    let mut conditions: Vec<AtItsPoints<'_>> = Vec::new();
    for cell in &claim.cells {
        match conditions.iter_mut().find(|(text, _)| *text == cell.text) {
            Some((_, cells)) => cells.push(cell),
            None => conditions.push((&cell.text, vec![cell])),
        }
    }
    conditions
}

/// The point of a cell in words.
pub(crate) fn point_words(cell: &ThresholdFinding) -> &str {
    if cell.of.is_empty() { "no point" } else { &cell.of }
}

/// The columns of the evidence. The reasons are left out in a narrow terminal.
fn columns() -> Vec<Column> {
    vec![
        Column::words("point"),
        Column::values("value"),
        Column::words("is it true?"),
        Column::words("because").ranked(1),
    ]
}

fn row(cell: &ThresholdFinding) -> Vec<Cell> {
    let (sign, word) = truth(cell.outcome);
    vec![
        Cell::name(point_words(cell)),
        Cell::value(cell.value_text()),
        Cell::value(Text::default().and(Style::Judged(sign), word)),
        Cell::value(cell.reason.as_str()),
    ]
}

/// The evidence for a claim; none without conditions.
pub(crate) fn evidence_table(claim: &ClaimFinding) -> Option<Table> {
    let groups: Vec<RowGroup> = by_condition(claim)
        .into_iter()
        .map(|(condition, cells)| RowGroup {
            title: Some(Text::default().code(condition)),
            rows: cells.into_iter().map(row).collect(),
        })
        .collect();
    let name = format!("evidence for {}", claim.id);
    (!groups.is_empty()).then(|| Table { name, columns: columns(), groups })
}

/// The evidence of one condition, for a terminal, which shows no titles of groups.
pub(crate) fn condition_table((condition, cells): &AtItsPoints<'_>) -> Table {
    Table::new(*condition, columns(), cells.iter().map(|cell| row(cell)).collect())
}
