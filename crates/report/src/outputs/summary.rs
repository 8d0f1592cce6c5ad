//! `summary.json`: the findings for other programs, and the schema of its shape.

use std::borrow::Cow;

use contract::{Delivery, Environment, Params, Pattern};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    summary_claims::{ClaimSummary, claims},
    summary_network::{BrowserSummary, ConnectionsSummary, browsers, connections},
};
use crate::{
    findings::{ComparedPoint, Findings, Point, PointComparison, ScenarioFinding, ThresholdFinding},
    quantities::{Quantity, QuantityName},
    text::number::six_digits,
};

/// Version of the shape of `summary.json`.
const SUMMARY_SCHEMA: u32 = 3;

/// The findings of a run, for other programs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Summary")]
struct Summary<'a> {
    /// Version of this shape.
    schema: u32,
    /// The run as a whole.
    run: RunSummary<'a>,
    /// Every point: one pattern with one set of settings in one scenario.
    points: Vec<PointSummary<'a>>,
    /// Pairs of points, compared block by block.
    comparisons: Vec<ComparisonSummary<'a>>,
    /// The scenarios' thresholds at every point that they speak of.
    thresholds: Vec<ThresholdSummary<'a>>,
    /// The claims that the run was asked about, in their order.
    claims: Vec<ClaimSummary<'a>>,
    /// What browsers brought to light, a task each.
    browser: Vec<BrowserSummary<'a>>,
}

/// The run as a whole.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RunSummary")]
struct RunSummary<'a> {
    /// The scenario's name, or `default` or `all`.
    name: &'a str,
    /// The command that reproduces it.
    command: &'a str,
    /// When it began, RFC 3339 in UTC.
    started_at: &'a str,
    /// Seed of schedules, payloads and poll phases, in decimal digits. It is a string because many readers of
    /// JSON round a number beyond 2^53.
    seed: String,
    /// Commit of the working tree.
    commit: &'a str,
    /// `passed`, `failed`, `invalid`, `interrupted`, `threshold-failed` or `inconclusive`.
    verdict: &'static str,
    /// Why.
    reason: &'a str,
    /// Trials planned, calibration left out.
    trials_planned: u32,
    /// Trials that completed, a browser's tasks among them.
    trials_completed: u32,
    /// TrialWarnings about the run as a whole.
    warnings: &'a [String],
    /// Where it was measured.
    environment: &'a Environment,
}

/// One pattern with one set of settings in one scenario.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PointSummary")]
struct PointSummary<'a> {
    /// Name of the scenario.
    scenario: &'a str,
    /// Which pattern.
    pattern: Pattern,
    /// Its settings.
    params: &'a Params,
    /// Which server.
    server: &'a str,
    /// Trials, failed ones too.
    trials: usize,
    /// Attempts that the machine disturbed and that were run again; in none of the numbers.
    set_aside: usize,
    /// Different blocks with a completed trial.
    blocks: usize,
    /// Whether its numbers can be trusted.
    valid: bool,
    /// TrialWarnings, in words.
    warnings: &'a [String],
    /// Sum over the completed trials.
    delivery: &'a Delivery,
    /// Why none of its trials was run; null if one was.
    not_run: Option<&'a str>,
    /// What happened to its connections.
    connections: ConnectionsSummary,
    /// Largest clock error of the browser that measured the ages; null where no browser did.
    clock_bound_ms: Option<f64>,
    /// Every quantity by its key.
    quantities: Quantities<'a>,
}

/// Two points compared block by block in one quantity. With the server `floor` at the right it tells a
/// value as a multiple of the floor: an estimate in no family, so that `p_adjusted` is null and `shown`
/// false.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ComparisonSummary")]
struct ComparisonSummary<'a> {
    /// Name of the scenario.
    scenario: &'a str,
    /// The point whose value is divided.
    left: SideSummary<'a>,
    /// The point by whose value it is divided.
    right: SideSummary<'a>,
    /// Key of the quantity.
    quantity: &'static str,
    /// Left ÷ right, geometric mean over the common blocks; null where a value is zero.
    ratio: Option<f64>,
    /// Low end of the 95 % interval; null with fewer than four common blocks.
    low: Option<f64>,
    /// High end of it.
    high: Option<f64>,
    /// Blocks that both points have.
    blocks: usize,
    /// Whether it is of the scenario's primary quantity.
    primary: bool,
    /// Probability of such a difference by chance, adjusted by Holm's method within its family.
    p_adjusted: Option<f64>,
    /// Whether a difference is shown: the interval leaves out 1 and `p_adjusted` is at most 0.05.
    shown: bool,
}

/// One side of a comparison.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SideSummary")]
struct SideSummary<'a> {
    /// Which pattern.
    pattern: Pattern,
    /// Its settings.
    params: &'a Params,
    /// Which server.
    server: &'a str,
}

/// A threshold at a point.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ThresholdSummary")]
struct ThresholdSummary<'a> {
    /// Name of the scenario.
    scenario: &'a str,
    /// The threshold as written.
    threshold: &'a str,
    /// The point in words; empty if none was measured.
    of: &'a str,
    /// The value; null if there is none.
    value: Option<f64>,
    /// Low end of its 95 % interval.
    low: Option<f64>,
    /// High end of it.
    high: Option<f64>,
    /// `lower` if `value` is only a lower bound, null if it is the value.
    bound: Option<&'static str>,
    /// `pass`, `fail`, `inconclusive` or `not-judged`.
    verdict: &'static str,
    /// Why, in words.
    reason: &'a str,
}

/// A map in the order of the tables.
struct Quantities<'a>(&'a [Quantity]);

/// One quantity of a point.
#[derive(Serialize, JsonSchema)]
struct Fields {
    /// The typical block: geometric mean over blocks.
    measured: Option<f64>,
    /// Low end of the 95 % interval over blocks; null with fewer than four.
    low: Option<f64>,
    /// High end of it.
    high: Option<f64>,
    /// The model replayed over the schedule that was published; null where it does not apply.
    predicted: Option<f64>,
    /// Low end of the range in which an age is predicted; null for other quantities.
    predicted_low: Option<f64>,
    /// High end of it.
    predicted_high: Option<f64>,
    /// What the instrument may have added to an age that has a range, milliseconds.
    added: Option<f64>,
    /// The model's closed form; null where it does not apply.
    closed_form: Option<f64>,
    /// `lower` if `measured` is only a lower bound, null if it is the value.
    bound: Option<&'static str>,
}

impl JsonSchema for Quantities<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Quantities".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<Fields>();
        let properties: serde_json::Map<String, serde_json::Value> = QuantityName::ALL
            .into_iter()
            .map(|name| (name.key().to_owned(), fields.clone().to_value()))
            .collect();
        json_schema!({
            "type": "object",
            "properties": properties,
            "required": QuantityName::ALL.map(QuantityName::key).as_slice(),
        })
    }
}

/// JSON Schema of `summary.json`.
#[must_use]
pub fn summary_schema() -> serde_json::Value {
    schemars::schema_for!(Summary<'static>).to_value()
}

impl Serialize for Quantities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for quantity in self.0 {
            let fields = Fields {
                measured: quantity.measured.and_then(six_digits),
                low: quantity.low.and_then(six_digits),
                high: quantity.high.and_then(six_digits),
                predicted: quantity.predicted.and_then(six_digits),
                predicted_low: quantity.predicted_low.and_then(six_digits),
                predicted_high: quantity.predicted_high.and_then(six_digits),
                added: quantity.added_ms.and_then(six_digits),
                closed_form: quantity.closed_form.and_then(six_digits),
                bound: quantity.bound.key(),
            };
            map.serialize_entry(quantity.name.key(), &fields)?;
        }
        map.end()
    }
}

/// `summary.json`.
pub(crate) fn json(findings: &Findings) -> String {
    let summary = Summary {
        schema: SUMMARY_SCHEMA,
        run: RunSummary {
            name: &findings.name,
            command: &findings.command,
            started_at: &findings.started_at,
            seed: findings.seed.to_string(),
            commit: &findings.environment.commit,
            verdict: findings.verdict.key(),
            reason: &findings.verdict_reason,
            trials_planned: findings.trials_planned,
            trials_completed: findings.trials_completed,
            warnings: &findings.warnings,
            environment: &findings.environment,
        },
        points: findings
            .scenarios
            .iter()
            .flat_map(|finding| finding.points.iter().map(move |point| point_summary(finding, point)))
            .collect(),
        comparisons: findings.comparisons().map(comparison_summary).collect(),
        thresholds: findings.thresholds().map(threshold_summary).collect(),
        claims: claims(findings),
        browser: browsers(findings),
    };
    let mut text = serde_json::to_string_pretty(&summary)
        .expect("the summary has only string keys and no failing serializer");
    text.push('\n');
    text
}

pub(crate) fn points(findings: &Findings) -> impl Iterator<Item = &Point> {
    findings.scenarios.iter().flat_map(|scenario| &scenario.points)
}

fn point_summary<'a>(finding: &ScenarioFinding, point: &'a Point) -> PointSummary<'a> {
    PointSummary {
        scenario: &point.scenario,
        pattern: point.pattern,
        params: &point.params,
        server: point.server.as_str(),
        trials: point.trials.len(),
        set_aside: point.set_aside.len(),
        blocks: point.blocks(),
        valid: point.valid,
        warnings: &point.warnings,
        delivery: &point.delivery,
        not_run: point.not_run(),
        connections: connections(finding, point),
        clock_bound_ms: point.clock_bound_ms().and_then(six_digits),
        quantities: Quantities(&point.quantities),
    }
}

fn comparison_summary(found: &PointComparison) -> ComparisonSummary<'_> {
    fn side(side: &ComparedPoint) -> SideSummary<'_> {
        SideSummary { pattern: side.pattern, params: &side.params, server: side.server.as_str() }
    }
    ComparisonSummary {
        scenario: &found.scenario,
        left: side(&found.left),
        right: side(&found.right),
        quantity: found.quantity.key(),
        ratio: found.ratio.and_then(six_digits),
        low: found.low.and_then(six_digits),
        high: found.high.and_then(six_digits),
        blocks: found.blocks,
        primary: found.primary,
        p_adjusted: found.p_adjusted.and_then(six_digits),
        shown: found.shown,
    }
}

fn threshold_summary(found: &ThresholdFinding) -> ThresholdSummary<'_> {
    ThresholdSummary {
        scenario: &found.scenario,
        threshold: &found.text,
        of: &found.of,
        value: found.value.and_then(six_digits),
        low: found.low.and_then(six_digits),
        high: found.high.and_then(six_digits),
        bound: found.bound.key(),
        verdict: found.outcome.key(),
        reason: &found.reason,
    }
}
