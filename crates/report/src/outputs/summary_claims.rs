//! What `summary.json` says of claims, and the ledger as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    claims::Heard,
    findings::{ClaimFinding, Findings, ThresholdFinding},
    text::number::six_digits,
};

/// A claim with its verdict.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ClaimSummary")]
pub(crate) struct ClaimSummary<'a> {
    /// Its id, such as `K29`.
    id: &'a str,
    /// `holds`, `depends`, `wrong` or `open`.
    verdict: &'static str,
    /// The sentence for this verdict, with its numbers.
    sentence: &'a str,
    /// Whether a condition was decided by fewer than four blocks.
    by_one_block: bool,
    /// The scenarios that its conditions name.
    scenarios: &'a [String],
    /// Each condition at each point to which it applies.
    cells: Vec<CellSummary<'a>>,
}

/// A condition of a claim at a point.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CellSummary")]
struct CellSummary<'a> {
    /// The condition as written.
    condition: &'a str,
    /// The point in words; empty if its scenario was not measured.
    of: &'a str,
    /// The value; null if there is none.
    value: Option<f64>,
    /// Low end of its 95 % interval; by fewer than four blocks that of the range in which one block may lie.
    low: Option<f64>,
    /// High end of it.
    high: Option<f64>,
    /// `lower` if `value` is only a lower bound, null if it is the value.
    bound: Option<&'static str>,
    /// Whether fewer than four blocks were measured.
    by_one_block: bool,
    /// `pass` if the condition is true, `fail` if it is false, `inconclusive` or `not-judged`.
    verdict: &'static str,
    /// Why, in words.
    reason: &'a str,
}

/// A claim with its verdict, its words and its sources.
#[derive(Serialize)]
struct LedgerEntry<'a> {
    #[serde(flatten)]
    summary: ClaimSummary<'a>,
    claim: &'a str,
    heard: &'a [Heard],
}

/// Claims for other programs.
pub(crate) fn ledger_json(claims: &[&ClaimFinding]) -> String {
    let entries: Vec<LedgerEntry<'_>> = claims
        .iter()
        .map(|found| LedgerEntry { summary: claim(found), claim: &found.claim, heard: &found.heard })
        .collect();
    serde_json::to_string_pretty(&entries).expect("the ledger has only string keys and no failing serializer")
}

/// The claims of a run.
pub(crate) fn claims(findings: &Findings) -> Vec<ClaimSummary<'_>> {
    findings.claims.iter().map(claim).collect()
}

fn claim(found: &ClaimFinding) -> ClaimSummary<'_> {
    ClaimSummary {
        id: &found.id,
        verdict: found.verdict.key(),
        sentence: &found.sentence,
        by_one_block: found.is_by_one_block,
        scenarios: &found.scenarios,
        cells: found.cells.iter().map(cell).collect(),
    }
}

fn cell(found: &ThresholdFinding) -> CellSummary<'_> {
    CellSummary {
        condition: &found.text,
        of: &found.of,
        value: found.value.and_then(six_digits),
        low: found.low.and_then(six_digits),
        high: found.high.and_then(six_digits),
        bound: found.bound.key(),
        by_one_block: found.is_by_one_block,
        verdict: found.outcome.key(),
        reason: &found.reason,
    }
}
