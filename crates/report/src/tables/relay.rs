//! What the middlebox did and what it cost: it is part of the instrument.

use contract::{DirectionCounts, RelayCounts, RelayUse};

use super::panel::{Cell, Kind, Panel, Place, Row, heads};
use crate::{
    findings::{Findings, Point, ScenarioFinding},
    text::number::{bytes, count, with_unit},
};

/// How the middlebox differs from a real network.
pub(crate) const LIMITS: &str = "A relay in its own process connects subscribers and server. It holds every byte for half a round trip in each direction. It cannot delay the SYN that opens a connection; instead it holds the first byte one round trip longer. In a black hole neither side sees an error, but the kernels of this host still acknowledge the bytes that the relay has taken. Behind an obstacle, losses, failed requests and subscribers that never connect are findings: the trial stays valid. All other checks apply. For each direction the relay counts the bytes that it took, delivered, discarded and held, and those that it left unread when it closed a connection. These counts explain why one side received fewer bytes than the other sent. If the unexplained share exceeds the limit, the trial is invalid.";

const EXPLAINED: &str = "The middlebox's counts over the whole trials, all blocks together: up to the server and down to the subscribers. The bytes taken are those delivered, discarded and still held at the end. Its own refusals count as delivered down, but were not taken from the server. Unread bytes were sent, but not yet taken when the connection was closed. Its CPU, in percent of one core, is part of neither the server's nor the harness's.";

/// Whether any trial of the run had one.
pub(crate) fn is_used(findings: &Findings) -> bool {
    findings.scenarios.iter().any(|scenario| scenario.points.iter().any(|point| uses(point).next().is_some()))
}

fn uses(point: &Point) -> impl Iterator<Item = (RelayUse, f64)> {
    point.completed().filter_map(|trial| Some((trial.relay?, trial.cpu.wall_us)))
}

/// Its CPU share; none where no trial had a middlebox.
pub(crate) fn cost(findings: &Findings) -> Option<String> {
    let points = findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    let shares: Vec<f64> = points
        .flat_map(uses)
        .filter(|(_, wall_us)| *wall_us > 0.0)
        .map(|(of, wall_us)| of.cpu_us / wall_us * 100.0)
        .collect();
    let (least, most) = shares
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(least, most), share| (least.min(*share), most.max(*share)));
    if shares.is_empty() {
        return None;
    }
    let (low, high) = (with_unit(least, "%"), with_unit(most, "%"));
    let range = if low == high { high } else { format!("{low} to {high}") };
    Some(format!("The middlebox used {range} of one core, counted separately from server and harness."))
}

/// One row per point with a middlebox; none without any.
pub(crate) fn table(finding: &ScenarioFinding) -> Option<Panel> {
    let rows: Vec<Row> = finding.points.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| Panel {
        heading: "The middlebox".to_owned(),
        explained: EXPLAINED.to_owned(),
        heads: heads([
            "point",
            "relayed",
            "over the cap",
            "idle timeouts",
            "cut",
            "upgrades refused",
            "black-holed",
            "server unreachable",
            "up: taken",
            "up: delivered / discarded / held / unread",
            "down: taken",
            "down: delivered / discarded / held / unread",
            "CPU",
        ]),
        rows,
        kind: Kind::Numbers,
        place: Place::Page,
    })
}

fn row(point: &Point) -> Option<Row> {
    let uses: Vec<(RelayUse, f64)> = uses(point).collect();
    if uses.is_empty() {
        return None;
    }
    let sum = |pick: fn(&RelayCounts) -> u64| uses.iter().map(|(of, _)| pick(&of.counts)).sum::<u64>();
    let number = |pick: fn(&RelayCounts) -> u64| Cell::plain(count(sum(pick)));
    let wall_us: f64 = uses.iter().map(|(_, wall_us)| wall_us).sum();
    let cpu_us: f64 = uses.iter().map(|(of, _)| of.cpu_us).sum();
    Some(Row::of(
        point,
        vec![
            number(|of| of.relayed),
            number(|of| of.over_cap),
            number(|of| of.idled_out),
            number(|of| of.cut),
            number(|of| of.upgrades_refused),
            number(|of| of.swallowed),
            number(|of| of.unreachable),
            Cell::plain(bytes(sum(|of| of.up.taken) as f64)),
            became(&uses, |of| &of.up),
            Cell::plain(bytes(sum(|of| of.down.taken) as f64)),
            became(&uses, |of| &of.down),
            Cell::plain(if wall_us > 0.0 {
                with_unit(cpu_us / wall_us * 100.0, "%")
            } else {
                "—".to_owned()
            }),
        ],
    ))
}

/// Where the bytes of one direction ended.
fn became(uses: &[(RelayUse, f64)], way: fn(&RelayCounts) -> &DirectionCounts) -> Cell {
    let parts: [fn(&DirectionCounts) -> u64; 4] =
        [|of| of.delivered, |of| of.discarded, |of| of.held, |of| of.unread];
    let sums = parts.map(|part| bytes(uses.iter().map(|(of, _)| part(way(&of.counts))).sum::<u64>() as f64));
    Cell::plain(sums.join(" / "))
}
