//! The matrix of obstacles and patterns, and the details behind its cells.

use contract::Network;

use super::{
    ConnectionTrouble, ObstacleOutcome, are_compared, baseline, best_behind, is_in_the_way, late_ms,
    later_by, legend, lost, networks, passage,
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::QuantityName,
    tables::{
        panel::{Cell, Kind, Panel, Place, Row, heads},
        recovery,
    },
    text::{
        network_words::obstacle_text,
        number::{THIN_SPACE, count, counted, time_ms},
        setting::served,
    },
};

const DETAILS: &str = "Ages are followed by those of the baseline. Lost deliveries are those of the window; requests, errors and connections are those of the whole trial. Recovery is the time from losing a connection to the first answer on the next one.";

/// The matrix; none where no obstacles are compared.
pub(crate) fn matrix(finding: &ScenarioFinding) -> Option<Panel> {
    if !are_compared(finding) {
        return None;
    }
    let mut columns: Vec<&Point> = Vec::new();
    for point in &finding.points {
        let same = |other: &&Point| other.pattern == point.pattern && other.server == point.server;
        if !columns.iter().any(same) {
            columns.push(point);
        }
    }
    let at = |column: &Point, network: Network| {
        finding.points.iter().find(|point| {
            point.pattern == column.pattern
                && point.server == column.server
                && point.params.network == Some(network)
        })
    };
    let best: Vec<&Point> = best_behind(finding).into_iter().flat_map(|(_, points)| points).collect();
    let all = networks(finding);
    let rows = all.iter().map(|network| Row {
        pattern: None,
        head: head(network, &all),
        cells: columns
            .iter()
            .map(|column| match at(column, *network) {
                Some(point) => cell(finding, point, best.iter().any(|best| std::ptr::eq(*best, point))),
                None => Cell::absent("not planned"),
            })
            .collect(),
    });
    let mut heads = vec!["obstacle".to_owned()];
    heads.extend(columns.iter().map(|point| served(point.pattern.label(), &point.server)));
    Some(Panel {
        heading: "What each obstacle does to each pattern".to_owned(),
        explained: legend::text(finding, &all),
        heads,
        rows: rows.collect(),
        kind: Kind::Words,
        place: Place::Everywhere,
    })
}

/// What the cells of the matrix leave out, one row per point behind an obstacle; none without any.
pub(crate) fn details(finding: &ScenarioFinding) -> Option<Panel> {
    if !are_compared(finding) {
        return None;
    }
    let all = networks(finding);
    let behind = |network: &Network| {
        let network = *network;
        finding.points.iter().filter(move |point| point.params.network == Some(network))
    };
    let rows: Vec<Row> = all
        .iter()
        .filter(|network| is_in_the_way(network, &all))
        .flat_map(behind)
        .filter_map(|point| detail(finding, point, passage(finding, point)?))
        .collect();
    (!rows.is_empty()).then(|| Panel {
        heading: "Behind each obstacle, in detail".to_owned(),
        explained: format!("{DETAILS} {}", recovery::PAUSES),
        heads: heads([
            "point",
            "outcome",
            "age at p50",
            "age at p99",
            "failed requests",
            "connections opened again",
        ]),
        rows,
        kind: Kind::Words,
        place: Place::Folded,
    })
}

fn detail(finding: &ScenarioFinding, point: &Point, outcome: ObstacleOutcome) -> Option<Row> {
    let trouble = ConnectionTrouble::of(point);
    let clear = baseline(finding, point)?;
    let age = |name: QuantityName| {
        let text = |point: &Point| point.quantity_of(name).measured_text();
        Cell::plain(format!("{} (baseline {})", text(point), text(clear)))
    };
    let mut again = trouble.recovers(point).unwrap_or_else(|| "none".to_owned());
    if trouble.never_connected > 0 {
        let never = counted(trouble.never_connected, "subscriber", "subscribers");
        again.push_str(&format!("; {never} never connected"));
    }
    let verdict = CellVerdict::of(finding, point, outcome);
    Some(Row::of(
        point,
        vec![
            Cell { tone: outcome.tone(), ..Cell::plain(format!("{} {}", outcome.shape(), verdict.full)) },
            age(QuantityName::AgeP50),
            age(QuantityName::AgeP99),
            Cell::plain(trouble.failed()),
            Cell::plain(again),
        ],
    ))
}

/// As short as the first column must be: the legend has the settings that are left out.
fn head(network: &Network, all: &[Network]) -> String {
    let clear = Network::default();
    let is_only = |is_so: fn(&Network) -> bool| all.iter().filter(|other| is_so(other)).count() == 1;
    let buffer = Network { buffer: network.buffer, ..clear };
    let black_hole = Network { black_hole_after: network.black_hole_after, ..clear };
    let connections = Network { connections: network.connections, ..clear };
    if *network == clear {
        obstacle_text(network)
    } else if *network == buffer && is_only(|other| other.buffer.is_some()) {
        "buffer".to_owned()
    } else if *network == black_hole && is_only(|other| other.black_hole_after.is_some()) {
        "black hole".to_owned()
    } else if let Some(most) = network.connections.filter(|_| *network == connections) {
        format!("only {}", counted(u64::from(most), "connection", "connections"))
    } else {
        obstacle_text(network)
    }
}

fn cell(finding: &ScenarioFinding, point: &Point, is_best: bool) -> Cell {
    let Some(outcome) = passage(finding, point) else {
        return Cell::absent(match point.not_run() {
            Some(reason) => format!("not run: {reason}"),
            None => "the measurement failed".to_owned(),
        });
    };
    let verdict = CellVerdict::of(finding, point, outcome);
    let mut small = vec![verdict.reason];
    small.extend(is_best.then(|| "best here".to_owned()));
    small.extend((!point.valid).then(|| "not valid: see the validity box".to_owned()));
    Cell { text: format!("{} {}", outcome.shape(), verdict.short), small, tone: outcome.tone() }
}

/// An outcome in words.
struct CellVerdict {
    /// A word and a number, as the matrix has it.
    short: String,
    /// What the subscribers see, or how much they miss.
    reason: String,
    /// The same in a sentence, as the details have it.
    full: String,
}

impl CellVerdict {
    fn of(finding: &ScenarioFinding, point: &Point, outcome: ObstacleOutcome) -> Self {
        let trouble = ConnectionTrouble::of(point);
        let sees = trouble.sees();
        let (lost, all) = lost(point);
        let losses = format!("{} of {}", count(lost), count(all));
        let late = late_ms(finding, point);
        let age = format!("{} at p99", point.quantity_of(QuantityName::AgeP99).measured_text());
        let (short, reason, full) = match (outcome, late) {
            (ObstacleOutcome::Works, _) => ("works".to_owned(), age, "works".to_owned()),
            (ObstacleOutcome::Degraded, _) if lost > 0 => (
                format!("loses {}", count(lost)),
                format!("of {}, {age}; {sees}", count(all)),
                format!("works, but loses {losses}"),
            ),
            (ObstacleOutcome::Degraded, Some(late_ms)) => (
                format!("late {}", seconds(late_ms)),
                format!("{age}; {sees}"),
                format!("works, but late by {}", time_ms(late_ms)),
            ),
            (ObstacleOutcome::Degraded, None) => {
                let opened = trouble.reconnects;
                let connections = counted(opened, "connection", "connections");
                let reason = format!("{age}; {sees}");
                (format!("opens {}", count(opened)), reason, format!("works, but opens {connections}"))
            }
            (ObstacleOutcome::Fails, _) => {
                let half = later_by(finding, point, QuantityName::AgeP50).map(|(_, more_ms)| more_ms);
                let misses = match (lost, trouble.never_connected, half) {
                    (0, 0, Some(more_ms)) => format!("half come over {} late", seconds(more_ms)),
                    (0, never, _) => format!("{} never connected", count(never)),
                    (_, _, _) => format!("loses {losses}"),
                };
                if trouble.error_counts.is_empty() {
                    ("silent".to_owned(), misses.clone(), format!("fails silently: {misses}"))
                } else {
                    ("fails".to_owned(), format!("{misses}: {sees}"), format!("fails: {misses}"))
                }
            }
        };
        Self { short, reason, full }
    }
}

/// A delay that is longer than a tenth of a second, short enough for the matrix.
fn seconds(more_ms: f64) -> String {
    format!("{:.1}{THIN_SPACE}s", more_ms * 1e-3)
}
