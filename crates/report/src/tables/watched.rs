//! The results of a browser's tasks, in words and tables.

use contract::{BrowserFindings, BrowserLane, PageApi, Params, SetUp, Transport};

use super::panel::{Cell, Kind, Panel, Place, Row, Tone, heads};
use crate::{
    findings::{Point, ScenarioFinding, Trial},
    text::{
        network_words::transport_text,
        number::{bytes, count, counted, list, three_digits, time_ms},
    },
    trials::browser_lanes::most_at_once,
};

/// A browser's task, done once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) point: &'a Point,
    pub(crate) trial: &'a Trial,
    pub(crate) findings: &'a BrowserFindings,
    /// Whether another task of the scenario differs only in the number of other subscribers.
    names_crowd: bool,
}

impl Watch<'_> {
    /// `SSE over HTTP/2`, with the number of other subscribers if only that distinguishes it.
    pub(crate) fn label(&self) -> String {
        let Params { transport, subscribers, .. } = self.point.params;
        let crowd = if self.names_crowd {
            format!(", beside {}", counted(u64::from(subscribers), "other", "others"))
        } else {
            String::new()
        };
        format!("{} over {}{crowd}", self.point.pattern.label(), transport_text(transport))
    }

    /// The label after that of another task, without repeating its pattern: `over HTTP/2`.
    pub(crate) fn label_after(&self, before: Option<&Self>) -> String {
        let label = self.label();
        let known = before.is_some_and(|before| before.point.pattern == self.point.pattern);
        match label.strip_prefix(self.point.pattern.label()) {
            Some(rest) if known => rest.trim_start().to_owned(),
            Some(_) | None => label,
        }
    }

    /// ` (block 2)`; empty for the first.
    fn block_words(&self) -> String {
        if self.trial.block > 1 { format!(" (block {})", self.trial.block) } else { String::new() }
    }

    /// The instant of the last action, in the page's milliseconds.
    pub(crate) fn last_ms(&self) -> f64 {
        let instants = self.findings.lanes.iter().flat_map(|lane| {
            [Some(lane.asked_ms), lane.opened_ms, lane.first_ms, lane.ended_ms].into_iter().flatten()
        });
        instants.filter(|at| at.is_finite()).fold(0.0, f64::max)
    }

    /// The streams that the page opened before it closed one, and all that it asked for; none if it asked for
    /// none. A closed stream lets another one open, so later ones do not count.
    pub(crate) fn open_streams(&self) -> Option<(u64, u64)> {
        let streams = || self.findings.lanes.iter().filter(|lane| lane.kind != PageApi::Fetch);
        let first_end_ms = streams()
            .filter(|lane| lane.problem.is_none())
            .filter_map(|lane| lane.ended_ms)
            .fold(f64::INFINITY, f64::min);
        let open = streams().filter(|lane| lane.opened_ms.is_some_and(|opened_ms| opened_ms < first_end_ms));
        let all = streams().count() as u64;
        (all > 0).then(|| (open.count() as u64, all))
    }

    /// `6 of 8 EventSources open, the fetch waited 5.00 s`; none where the page opened nothing.
    pub(crate) fn opened_words(&self) -> Option<String> {
        let fetches = self.findings.lanes.iter().filter(|lane| lane.kind == PageApi::Fetch);
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.open_streams().map(|(open, all)| {
            if open == all {
                format!("all {} open", counted(open, "stream", "streams"))
            } else {
                format!("{} of {} open", count(open), counted(all, "stream", "streams"))
            }
        }));
        parts.extend(fetches.map(|lane| match waited_ms(lane) {
            Some(waited) => format!("the fetch waited {}", time_ms(waited)),
            None => format!("the fetch was not answered in {}", time_ms(self.last_ms() - lane.asked_ms)),
        }));
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Most connections that the page used at a time, from its lanes; none if they share one.
    ///
    /// The server's count is the total of all accepted connections: closing a stream closes its connection,
    /// and the next stream opens another one.
    fn most_at_once(&self) -> Option<u64> {
        if self.point.params.transport == Transport::Http2 {
            return None;
        }
        Some(most_at_once(self.findings.lanes.iter())).filter(|most| *most > 0)
    }

    /// `1 connection, at most 100 streams on each`, `at most 6 connections at once, 9 in all`.
    pub(crate) fn connections_words(&self) -> String {
        let findings = self.findings;
        let limit = findings
            .stream_limit
            .map(|limit| format!(", at most {} on each", counted(u64::from(limit), "stream", "streams")));
        let all = counted(findings.connections, "connection", "connections");
        let words = match self.most_at_once() {
            Some(most) if most < findings.connections => format!(
                "at most {} at once, {} in all",
                counted(most, "connection", "connections"),
                count(findings.connections)
            ),
            Some(_) | None => all,
        };
        format!("{words}{}", limit.unwrap_or_default())
    }

    /// `2,000 other subscribers were connected to the same server meanwhile`; none if none were planned.
    pub(crate) fn crowd_words(&self) -> Option<String> {
        let crowd = self.findings.crowd.filter(|crowd| crowd.asked > 0)?;
        let asked = if crowd.connected == crowd.asked {
            String::new()
        } else {
            format!(" of {} that asked", count(u64::from(crowd.asked)))
        };
        let deliveries = if crowd.deliveries > 0 {
            format!(", with {}", counted(crowd.deliveries, "delivery", "deliveries"))
        } else {
            String::new()
        };
        let were = if crowd.connected == 1 { "other subscriber was" } else { "other subscribers were" };
        Some(format!(
            "{}{asked} {were} connected to the same server meanwhile{deliveries}{}",
            count(u64::from(crowd.connected)),
            crowd.set_up.map_or_else(String::new, set_up_words)
        ))
    }

    /// Connections, stream limit, and other subscribers.
    pub(crate) fn beside_words(&self) -> String {
        let mut text = self.connections_words();
        if let Some(crowd) = self.crowd_words() {
            text.push_str("; ");
            text.push_str(&crowd);
        }
        text
    }

    /// The checks that do not hold.
    pub(crate) fn broken(&self) -> Vec<&str> {
        let broken = self.findings.checks.iter().filter(|check| !check.holds);
        broken.map(|check| check.name.as_str()).collect()
    }
}

fn set_up_words(set_up: SetUp) -> String {
    if set_up.subscribers == 0 {
        return String::new();
    }
    let each = |sum: u64| sum as f64 / set_up.subscribers as f64;
    let packets = set_up.segments.map(|segments| format!(" in {} packets", three_digits(each(segments))));
    format!(", each set up with {}{}", bytes(each(set_up.bytes)), packets.unwrap_or_default())
}

/// The time from the request until it was open; none if it never was.
pub(crate) fn waited_ms(lane: &BrowserLane) -> Option<f64> {
    lane.opened_ms.map(|opened| opened - lane.asked_ms)
}

/// Every task of a scenario, in the order of its points.
pub(crate) fn watches(finding: &ScenarioFinding) -> Vec<Watch<'_>> {
    let twin = |point: &Point| {
        finding.points.iter().any(|other| {
            !std::ptr::eq(other, point)
                && other.pattern == point.pattern
                && other.params.transport == point.params.transport
                && other.params.subscribers != point.params.subscribers
        })
    };
    finding
        .points
        .iter()
        .flat_map(|point| point.trials.iter().map(move |trial| (point, trial)))
        .filter_map(|(point, trial)| {
            let findings = trial.watched.as_ref()?;
            Some(Watch { point, trial, findings, names_crowd: twin(point) })
        })
        .collect()
}

/// The first task of each point: figures show only that.
pub(crate) fn first_watches(finding: &ScenarioFinding) -> Vec<Watch<'_>> {
    let mut watches = watches(finding);
    watches.dedup_by(|later, earlier| std::ptr::eq(later.point, earlier.point));
    watches
}

/// The results of these tasks, each after its label; tasks without a result are left out.
pub(crate) fn found_words(
    watches: &[Watch<'_>],
    found: impl Fn(&Watch<'_>) -> Option<String>,
) -> Vec<String> {
    let words = |watch: &Watch<'_>| Some(format!("{}: {}", watch.label(), found(watch)?));
    watches.iter().filter_map(words).collect()
}

/// Tables of lanes and of checks.
pub(crate) fn panels(finding: &ScenarioFinding) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    let mut shown: Vec<Watch<'_>> = Vec::new();
    for watch in watches(finding) {
        // A block with the same results adds nothing.
        let same = |other: &Watch<'_>| {
            std::ptr::eq(other.point, watch.point) && other.findings.checks == watch.findings.checks
        };
        if !shown.iter().any(same) {
            panels.extend(checks(&watch));
            shown.push(watch);
        }
    }
    panels.splice(0..0, lanes(finding));
    panels
}

fn checks(watch: &Watch<'_>) -> Option<Panel> {
    let checks = &watch.findings.checks;
    let holding = checks.iter().filter(|check| check.holds).count();
    let rows = checks.iter().map(|check| Row {
        pattern: None,
        head: check.name.clone(),
        cells: vec![
            Cell::plain(&check.question),
            Cell::plain(&check.expected),
            Cell::plain(&check.found),
            Cell::plain(check.ours.as_deref().unwrap_or("not asked")),
            holds(check.holds),
        ],
    });
    (!checks.is_empty()).then(|| Panel {
        heading: format!("Browser checks: {}{}", watch.label(), watch.block_words()),
        explained: format!(
            "{}: {} of {} hold. “Ours” is the behaviour of the lab's own subscriber.",
            watch.findings.browser,
            count(holding as u64),
            count(checks.len() as u64)
        ),
        heads: heads(["check", "question", "expected", "found", "ours", "holds"]),
        rows: rows.collect(),
        kind: Kind::Words,
        place: Place::Page,
    })
}

fn holds(holds: bool) -> Cell {
    let (text, tone) = if holds { ("✓ holds", Tone::Good) } else { ("✗ does not hold", Tone::Bad) };
    Cell { text: text.to_owned(), small: Vec::new(), tone }
}

/// The numbers behind the timelines.
fn lanes(finding: &ScenarioFinding) -> Option<Panel> {
    let watches = watches(finding);
    let instant =
        |at: Option<f64>, none: &str| at.map_or_else(|| Cell::absent(none), |at| Cell::plain(time_ms(at)));
    let rows: Vec<Row> = watches
        .iter()
        .flat_map(|watch| watch.findings.lanes.iter().map(move |lane| (watch, lane)))
        .map(|(watch, lane)| Row {
            pattern: Some(watch.point.pattern),
            head: watch.label(),
            cells: vec![
                Cell::plain(&lane.label),
                Cell::plain(time_ms(lane.asked_ms)),
                instant(lane.opened_ms, "never"),
                instant(lane.first_ms, "none"),
                instant(lane.ended_ms, "not ended"),
                Cell::plain(lane.protocol.as_deref().unwrap_or("unknown")),
                Cell::plain(lane.problem.as_deref().unwrap_or("none")),
            ],
        })
        .collect();
    (!rows.is_empty()).then(|| Panel {
        heading: "What the page opened".to_owned(),
        explained: "Times since the page's first action, by its own clock.".to_owned(),
        heads: heads(["of", "what", "asked", "opened", "first event", "ended", "protocol", "problem"]),
        rows,
        kind: Kind::Numbers,
        place: Place::Folded,
    })
}

/// One line per task, next to the answer: connections, streams, and other subscribers.
pub(crate) fn beside(finding: &ScenarioFinding) -> Vec<String> {
    watches(finding)
        .iter()
        .map(|watch| format!("{}{}: {}", watch.label(), watch.block_words(), watch.beside_words()))
        .collect()
}

/// One line per task: what opened, and which checks do not hold.
pub(crate) fn lines(finding: &ScenarioFinding) -> Vec<String> {
    watches(finding)
        .iter()
        .map(|watch| {
            let mut parts: Vec<String> = watch.opened_words().into_iter().collect();
            parts.extend(checks_words(watch));
            parts.push(watch.beside_words());
            format!("{}{}: {}", watch.label(), watch.block_words(), parts.join("; "))
        })
        .collect()
}

/// `12 of 14 checks hold, P18 and P24 do not`; none without any.
pub(crate) fn checks_words(watch: &Watch<'_>) -> Option<String> {
    let (all, broken) = (watch.findings.checks.len(), watch.broken());
    if all == 0 {
        return None;
    }
    let names: Vec<String> = broken.iter().map(|name| (*name).to_owned()).collect();
    Some(match names.as_slice() {
        [] if all == 1 => "the one check holds".to_owned(),
        [] => format!("all {} checks hold", count(all as u64)),
        [only] => {
            format!("{} of {} checks hold, {only} does not", count((all - 1) as u64), count(all as u64))
        }
        names => format!(
            "{} of {} checks hold, {} do not",
            count((all - names.len()) as u64),
            count(all as u64),
            list(names)
        ),
    })
}
