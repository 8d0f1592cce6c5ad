//! What `summary.json` says of browsers, and of what lay between subscriber and server.

use contract::{BrowserFindings, ErrorCount, Params, Pattern};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    findings::{Findings, Point, ScenarioFinding},
    tables::{
        obstacles::{ConnectionTrouble, are_compared, passage},
        watched::watches,
    },
    text::{network_words::driver, number::six_digits},
};

/// What happened to a point's connections, its completed trials together.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConnectionsSummary")]
pub(crate) struct ConnectionsSummary {
    /// Behind an obstacle: `works`, `degraded` or `fails`; null where obstacles are not what is compared.
    passage: Option<&'static str>,
    /// Connections that subscribers opened again after the first.
    reconnects: u64,
    /// Requests and connections that failed.
    failed: u64,
    /// Subscribers that never had a connection.
    never_connected: u64,
    /// Median time from losing a connection to the first answer on the next; null without any.
    recovery_p50_ms: Option<f64>,
    /// What subscribers saw go wrong, the most frequent first.
    error_counts: Vec<ErrorCount>,
    /// The code that an event goes through from the log to the socket, in words.
    delivery_path: String,
}

/// A browser's task, done once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BrowserSummary")]
pub(crate) struct BrowserSummary<'a> {
    /// Name of the scenario.
    scenario: &'a str,
    /// Which pattern.
    pattern: Pattern,
    /// Its settings.
    params: &'a Params,
    /// Which server.
    server: &'a str,
    /// Which block of its scenario, from 1.
    block: u32,
    /// Position in the order of the run.
    order: u32,
    /// What it brought to light.
    findings: &'a BrowserFindings,
}

pub(crate) fn connections(finding: &ScenarioFinding, point: &Point) -> ConnectionsSummary {
    let ConnectionTrouble { reconnects, failed_requests, never_connected, error_counts, recovery_p50_ms } =
        ConnectionTrouble::of(point);
    let is_matrix = are_compared(finding);
    ConnectionsSummary {
        passage: passage(finding, point).filter(|_| is_matrix).map(|passage| passage.word()),
        reconnects,
        failed: failed_requests,
        never_connected,
        recovery_p50_ms: recovery_p50_ms.and_then(six_digits),
        error_counts,
        delivery_path: driver(&point.params, &point.server),
    }
}

pub(crate) fn browsers(findings: &Findings) -> Vec<BrowserSummary<'_>> {
    findings
        .scenarios
        .iter()
        .flat_map(watches)
        .map(|watch| BrowserSummary {
            scenario: &watch.point.scenario,
            pattern: watch.point.pattern,
            params: &watch.point.params,
            server: watch.point.server.as_str(),
            block: watch.trial.block,
            order: watch.trial.order,
            findings: watch.findings,
        })
        .collect()
}
