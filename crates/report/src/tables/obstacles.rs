//! What obstacles do to each pattern: works, degraded or fails, which errors subscribers see, and how they recover.

mod legend;
mod matrix;

use contract::{ErrorCount, Network, Pattern, TimeHistogram};

use super::{panel::Tone, recovery};
use crate::{
    findings::{Point, ScenarioFinding},
    judgement::difference_test::DifferenceTest,
    quantities::{Bound, QuantityName},
    statistics::finite::quantile_ms,
    text::number::{counted, list, time_ms},
};

pub(crate) use matrix::{details, matrix};

/// From this share of lost deliveries a pattern fails behind an obstacle.
const FAILS_FROM: f64 = 0.1;
/// From this age at p50 above the baseline a pattern fails: no user would call the event delivered.
const FAILS_ABOVE_MS: f64 = 5_000.0;
/// A pattern is degraded if its age at p99 is more than this many times the baseline's…
const DEGRADED_TIMES: f64 = 2.0;
/// …and exceeds it by more than this.
const DEGRADED_ABOVE_MS: f64 = 100.0;

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
        self.error_counts.first().map_or_else(|| "sees no error".to_owned(), |error| error.what.clone())
    }

    /// `184 requests failed: the connection was reset (170 times) and no answer within 5 s (14 times)`. Errors that
    /// are no failed requests are listed apart.
    fn failed(&self) -> String {
        let seen: Vec<String> = self
            .error_counts
            .iter()
            .map(|error| {
                let times = counted(error.times, "time", "times");
                let end = if error.is_final { ", then gave up" } else { "" };
                format!("{} ({times}{end})", error.what)
            })
            .collect();
        let failed = format!("{} failed", counted(self.failed_requests, "request", "requests"));
        let errors: u64 = self.error_counts.iter().map(|error| error.times).sum();
        match (self.failed_requests, errors) {
            (0, 0) => "none".to_owned(),
            (_, 0) => failed,
            (0, _) => list(&seen),
            (requests, errors) if requests == errors => format!("{failed}: {}", list(&seen)),
            (_, _) => format!("{failed}; errors: {}", list(&seen)),
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

/// Whether no stream of the scenario has heartbeats, which would prevent idle timeouts.
pub(crate) fn has_no_heartbeat(finding: &ScenarioFinding) -> bool {
    !finding.points.iter().any(|point| point.pattern.has_heartbeats() && legend::has_heartbeat(point))
}

/// How many deliveries of the window never came, and all of the window. Those of the warm-up count only if all of
/// the window came.
pub(crate) fn lost(point: &Point) -> (u64, u64) {
    let (ages, delivery) = (point.ages(), &point.delivery);
    if ages.censored == 0 { (delivery.lost, delivery.expected) } else { (ages.censored, ages.total()) }
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
    let trouble = ConnectionTrouble::of(point);
    let delivery = &point.delivery;
    let lost = delivery.lost as f64 >= FAILS_FROM * delivery.expected as f64 && delivery.lost > 0;
    if lost || trouble.never_connected > 0 {
        return Some(ObstacleOutcome::Fails);
    }
    if later_by(finding, point, QuantityName::AgeP50).is_some_and(|(_, more)| more > FAILS_ABOVE_MS) {
        return Some(ObstacleOutcome::Fails);
    }
    Some(if trouble.reconnects > 0 || delivery.lost > 0 || late_ms(finding, point).is_some() {
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

/// Of the points behind one obstacle those that work best: the youngest at p99 of those that do not fail, and all
/// that are not told apart from it. Empty where every pattern fails.
pub(crate) fn best<'a>(finding: &ScenarioFinding, points: &[&'a Point]) -> Vec<&'a Point> {
    let name = QuantityName::AgeP99;
    let passes = |point: &&&Point| {
        let is_exact = point.quantity_of(name).bound == Bound::Exact && point.measured(name).is_some();
        is_exact && passage(finding, point).is_some_and(|outcome| outcome != ObstacleOutcome::Fails)
    };
    let passing: Vec<&Point> = points.iter().filter(passes).copied().collect();
    DifferenceTest::of(finding).lowest(name, &passing).map_or_else(Vec::new, |(_, near)| near)
}

/// For each obstacle the points behind it that work best, in the order of the matrix.
pub(crate) fn best_behind(finding: &ScenarioFinding) -> Vec<(Network, Vec<&Point>)> {
    let all = networks(finding);
    let behind = |network: &Network| -> Vec<&Point> {
        let is_here = |point: &&Point| point.server.is_pushlab() && point.params.network == Some(*network);
        finding.points.iter().filter(is_here).collect()
    };
    all.iter()
        .filter(|network| is_in_the_way(network, &all))
        .map(|network| (*network, best(finding, &behind(network))))
        .collect()
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
