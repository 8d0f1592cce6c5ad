//! The matrix of obstacles and patterns: works, degraded or fails, what subscribers see, and how they
//! recover.

use std::fmt;

use contract::{ErrorCount, Network, Pattern, TimeHistogram};

use super::{
    panel::{Cell, Kind, Panel, Place, Row, Tone},
    recovery,
};
use crate::{
    findings::{Point, ScenarioFinding},
    quantities::QuantityName,
    statistics::finite::quantile_ms,
    text::{
        network_words::obstacle_text,
        number::{count, counted, time_ms},
        setting::served,
    },
};

/// From this share of lost deliveries a pattern fails behind an obstacle.
const FAILS_FROM: f64 = 0.1;
/// From this age at p50 above the baseline a pattern fails: no user would call the event delivered.
const FAILS_ABOVE_MS: f64 = 5_000.0;
/// A pattern is degraded if its age at p99 is more than this many times the baseline's…
const DEGRADED_TIMES: f64 = 2.0;
/// …and exceeds it by more than this.
const DEGRADED_ABOVE_MS: f64 = 100.0;

/// The rule, as the report states it.
const RULE: &str = "Fails: a tenth or more of the deliveries never came, half of them came more than 5\u{202f}s later than in the baseline, or a subscriber never connected. Degraded: deliveries were lost, connections had to be opened again, or they came late: the age at p99 is more than twice the baseline's and more than 100\u{202f}ms above it. Works: none of these. A cell names the most frequent error that subscribers see. Recovery is the time from losing a connection to the first answer on the next one.";

/// How well a pattern works behind an obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObstacleOutcome {
    Works,
    Degraded,
    Fails,
}

impl ObstacleOutcome {
    /// The word in every output.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Degraded => "degraded",
            Self::Fails => "fails",
        }
    }

    /// A shape, so that colour is never the only sign.
    const fn shape(self) -> char {
        match self {
            Self::Works => '✓',
            Self::Degraded => '!',
            Self::Fails => '✗',
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Works => Tone::Good,
            Self::Degraded => Tone::Doubt,
            Self::Fails => Tone::Bad,
        }
    }
}

impl fmt::Display for ObstacleOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.shape(), self.word())
    }
}

/// What happened to the connections of a point, over its completed trials.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectionTrouble {
    pub(crate) reconnects: u64,
    pub(crate) failed_requests: u64,
    pub(crate) never_connected: u64,
    /// The most frequent first.
    pub(crate) error_counts: Vec<ErrorCount>,
    pub(crate) recovery_p50_ms: Option<f64>,
}

impl ConnectionTrouble {
    pub(crate) fn of(point: &Point) -> Self {
        let mut sum = Self::default();
        let mut recovery = TimeHistogram::default();
        for trial in point.completed() {
            sum.reconnects += trial.requests.reconnects;
            sum.failed_requests += trial.requests.failed;
            sum.never_connected += trial.never_connected;
            // `Run::parse` has refused damaged histograms.
            if let Ok(histogram) = trial.recovery.histogram() {
                recovery.merge(&histogram);
            }
            for error_count in &trial.error_counts {
                match sum.error_counts.iter_mut().find(|known| known.what == error_count.what) {
                    Some(known) => {
                        known.times += error_count.times;
                        known.subscribers += error_count.subscribers;
                        known.is_final |= error_count.is_final;
                    }
                    None => sum.error_counts.push(error_count.clone()),
                }
            }
        }
        sum.error_counts.sort_by_key(|error_count| std::cmp::Reverse(error_count.times));
        sum.recovery_p50_ms = quantile_ms(&recovery.distribution(), 0.5);
        sum
    }

    /// The most frequent error, in words.
    fn sees(&self) -> String {
        match self.error_counts.first() {
            None => "sees no error".to_owned(),
            Some(error_count) => {
                let times = if error_count.times == 1 {
                    "once".to_owned()
                } else {
                    format!("{} times", count(error_count.times))
                };
                let gave_up = if error_count.is_final { " and gives up" } else { "" };
                format!("sees {} ({times}){gave_up}", error_count.what)
            }
        }
    }

    /// How it recovers, in words; none where nothing was interrupted.
    fn recovers(&self, point: &Point) -> Option<String> {
        if self.reconnects == 0 {
            return None;
        }
        let pause = recovery::pause(point.pattern);
        let back = self.recovery_p50_ms.map(|p50| format!(", back after {} at p50 ({pause})", time_ms(p50)));
        Some(format!("{}{}", self.connects_again(point), back.unwrap_or_default()))
    }

    /// `1,240 reconnects`; a subscriber that never had a connection makes further attempts instead.
    fn connects_again(&self, point: &Point) -> String {
        let all = u64::from(point.params.subscribers) * point.completed().count() as u64;
        // A stream that reconnects has a recovery time. A poll's idle connection may be opened again
        // without one.
        let none_came_back =
            if point.pattern.polls() { self.never_connected >= all } else { self.recovery_p50_ms.is_none() };
        match (self.never_connected > 0, none_came_back) {
            (false, _) => counted(self.reconnects, "reconnect", "reconnects"),
            (true, true) => counted(self.reconnects, "further attempt", "further attempts"),
            (true, false) => {
                counted(self.reconnects, "further attempt or reconnect", "further attempts or reconnects")
            }
        }
    }
}

/// The networks of a scenario's points, in its order: the rows of the matrix.
fn networks(finding: &ScenarioFinding) -> Vec<Network> {
    let mut networks: Vec<(f64, Network)> = Vec::new();
    for point in &finding.points {
        if let (Some(network), Some(key)) = (point.params.network, point.swept_key())
            && !networks.iter().any(|(_, known)| *known == network)
        {
            networks.push((key.place_in(&finding.scenario), network));
        }
    }
    networks.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    networks.into_iter().map(|(_, network)| network).collect()
}

/// Whether a network hinders more than another of the scenario: an obstacle, or a lower bandwidth. A delay or
/// bandwidth that all trials share is no obstacle.
fn is_in_the_way(network: &Network, all: &[Network]) -> bool {
    let width = |network: &Network| network.bytes_per_second.unwrap_or(u64::MAX);
    network.is_obstacle() || all.iter().any(|other| width(other) > width(network))
}

/// The baseline: the point of the same pattern and server without an obstacle.
pub(crate) fn baseline<'a>(finding: &'a ScenarioFinding, point: &Point) -> Option<&'a Point> {
    let of = |is_clear: &dyn Fn(&Network) -> bool| {
        finding.points.iter().find(|other| {
            other.pattern == point.pattern
                && other.server == point.server
                && other.completed().next().is_some()
                && other.params.network.is_some_and(|network| is_clear(&network))
        })
    };
    let all = networks(finding);
    of(&Network::is_clear).or_else(|| of(&|network| !is_in_the_way(network, &all)))
}

/// By the rule; none where no trial was completed.
pub(crate) fn passage(finding: &ScenarioFinding, point: &Point) -> Option<ObstacleOutcome> {
    point.completed().next()?;
    let hardship = ConnectionTrouble::of(point);
    let delivery = &point.delivery;
    let lost = delivery.lost as f64 >= FAILS_FROM * delivery.expected as f64 && delivery.lost > 0;
    if lost || hardship.never_connected > 0 {
        return Some(ObstacleOutcome::Fails);
    }
    if later_by(finding, point, QuantityName::AgeP50).is_some_and(|(_, more)| more > FAILS_ABOVE_MS) {
        return Some(ObstacleOutcome::Fails);
    }
    Some(if hardship.reconnects > 0 || delivery.lost > 0 || late_ms(finding, point).is_some() {
        ObstacleOutcome::Degraded
    } else {
        ObstacleOutcome::Works
    })
}

/// An age of the baseline, and by how much that of a point exceeds it. If even a lower bound breaks the rule, the
/// value does too.
fn later_by(finding: &ScenarioFinding, point: &Point, quantity: QuantityName) -> Option<(f64, f64)> {
    let clear = baseline(finding, point)?.measured(quantity)?;
    Some((clear, point.measured(quantity)? - clear))
}

/// By how much the age at p99 exceeds the baseline's; none if that alone would not make it degraded.
pub(crate) fn late_ms(finding: &ScenarioFinding, point: &Point) -> Option<f64> {
    let (clear, more) = later_by(finding, point, QuantityName::AgeP99)?;
    (clear + more > DEGRADED_TIMES * clear && more > DEGRADED_ABOVE_MS).then_some(more)
}

/// Whether the scenario varies obstacles, and not only delay or bandwidth.
pub(crate) fn are_compared(finding: &ScenarioFinding) -> bool {
    let swept = finding.scenario.sweep.iter().flat_map(|sweep| &sweep.network);
    swept.into_iter().any(Network::is_obstacle)
}

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
    let rows = networks(finding).into_iter().map(|network| Row {
        pattern: None,
        head: obstacle_text(&network),
        cells: columns
            .iter()
            .map(|column| match at(column, network) {
                Some(point) => cell(finding, point),
                None => Cell::absent("not planned"),
            })
            .collect(),
    });
    let mut heads = vec!["obstacle".to_owned()];
    heads.extend(columns.iter().map(|point| served(point.pattern.label(), &point.server)));
    Some(Panel {
        heading: "Works, degraded or fails".to_owned(),
        explained: format!("{RULE} {}", recovery::PAUSES),
        heads,
        rows: rows.collect(),
        kind: Kind::Words,
        place: Place::Everywhere,
    })
}

fn cell(finding: &ScenarioFinding, point: &Point) -> Cell {
    let Some(passage) = passage(finding, point) else {
        return Cell::absent(match point.not_run() {
            Some(reason) => format!("not run: {reason}"),
            None => "the measurement failed".to_owned(),
        });
    };
    let hardship = ConnectionTrouble::of(point);
    let mut small = vec![hardship.sees()];
    small.extend(hardship.recovers(point));
    if point.delivery.lost > 0 {
        small.push(format!("lost {} of {}", count(point.delivery.lost), count(point.delivery.expected)));
    }
    if hardship.never_connected > 0 {
        small.push(format!("{} never connected", count(hardship.never_connected)));
    }
    if hardship.failed_requests > 0 {
        small.push(format!("{} failed", counted(hardship.failed_requests, "request", "requests")));
    }
    let age = |point: &Point| point.quantity_of(QuantityName::AgeP99).measured_text();
    let clear = baseline(finding, point).filter(|clear| !std::ptr::eq(*clear, point));
    let clear = clear.map_or_else(String::new, |clear| format!(" (baseline {})", age(clear)));
    small.push(format!("age p99 {}{clear}", age(point)));
    if !point.valid {
        small.push("not valid: see the validity box".to_owned());
    }
    let late = late_ms(finding, point).filter(|_| passage == ObstacleOutcome::Degraded);
    let text = late.map_or_else(
        || passage.to_string(),
        |late_ms| format!("{} late by {}", passage.shape(), time_ms(late_ms)),
    );
    Cell { text, small, tone: passage.tone() }
}

/// The rows of the matrix with an obstacle, and how well each pattern works behind them; in the order of the
/// patterns.
pub(crate) fn by_pattern(finding: &ScenarioFinding) -> Vec<(Pattern, Vec<(ObstacleOutcome, &Point)>)> {
    let all = networks(finding);
    let of = |pattern: Pattern| -> Vec<(ObstacleOutcome, &Point)> {
        finding
            .points
            .iter()
            .filter(|point| point.pattern == pattern && point.server.is_pushlab())
            .filter(|point| point.params.network.is_some_and(|network| is_in_the_way(&network, &all)))
            .filter_map(|point| Some((passage(finding, point)?, point)))
            .collect()
    };
    Pattern::ALL
        .into_iter()
        .map(|pattern| (pattern, of(pattern)))
        .filter(|(_, met)| !met.is_empty())
        .collect()
}
