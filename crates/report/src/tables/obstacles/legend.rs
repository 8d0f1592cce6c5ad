//! How to read the matrix: the settings, the words and the rule, from the run.

use contract::{Heartbeat, Network};

use super::{baseline, is_in_the_way};
use crate::{
    findings::{Point, SAMPLES_BEYOND, ScenarioFinding},
    quantities::QuantityName,
    text::{
        network_words::{heartbeat_text, size},
        number::{count, counted, list, period_ms},
        sentence::sentences,
        setting::rate,
    },
};

/// The words of the cells, and the rules behind them, a line each.
const WORDS: &str = "
Works: the age at p99 is at most twice that without an obstacle, or at most 100\u{202f}ms above it.
Late 3\u{202f}s: works, but the age at p99 is that much above the one without an obstacle.
Opens 9: works, but opens that many connections again.
Loses 9: works, but that many deliveries never came.
Fails: a tenth or more never came, half came more than 5\u{202f}s later than without an obstacle, or a subscriber never connected; the client sees an error. Silent: the same, and the client sees no error.
Best here: of the patterns that do not fail, the youngest at p99, and all that are not told apart from it.";

/// The legend: the settings above the matrix; the words and the limits of the obstacles below it.
pub(super) fn text(finding: &ScenarioFinding, all: &[Network]) -> String {
    let mut parts = vec![settings(finding)];
    parts.extend(ages(finding, all));
    let mut text = sentences(&parts);
    text.push_str(WORDS);
    if let Some(buffer) = all.iter().find_map(|network| network.buffer) {
        let (bytes, pause) = (size(buffer.bytes), period_ms(buffer.pause.milliseconds()));
        text.push_str(&format!(
            "\nThe buffer passes on what it holds at {bytes}, or once the server has sent nothing for {pause}. It also holds complete answers and WebSocket frames, which common proxies pass on at once."
        ));
    }
    if let Some(after) = all.iter().find_map(|network| network.black_hole_after) {
        let after = period_ms(after.milliseconds());
        text.push_str(&format!("\nThe black hole drops all bytes of a connection from {after} on."));
    }
    text
}

/// `8 subscribers, 2.9 events/s, poll every 500 ms, hold 1.5 s, no heartbeat`.
fn settings(finding: &ScenarioFinding) -> String {
    let points = || finding.points.iter().map(|point| &point.params);
    let mut parts = Vec::new();
    parts.extend(points().next().map(|params| {
        let subscribers = counted(u64::from(params.subscribers), "subscriber", "subscribers");
        format!("{subscribers}, {}", rate(params.rate_hz))
    }));
    let poll = points().find_map(|params| params.poll_interval_ms);
    parts.extend(poll.map(|interval_ms| format!("poll every {}", period_ms(interval_ms))));
    parts.extend(
        points().find_map(|params| params.hold_ms).map(|hold_ms| format!("hold {}", period_ms(hold_ms))),
    );
    let is_stream = |point: &&Point| point.pattern.has_heartbeats() && point.completed().next().is_some();
    let heartbeats = finding.points.iter().find(is_stream);
    parts.extend(heartbeats.map(heartbeat));
    parts.join(", ")
}

fn heartbeat(point: &Point) -> String {
    if has_heartbeat(point) {
        heartbeat_text(point.params.heartbeat.unwrap_or_default())
    } else {
        "no heartbeat".to_owned()
    }
}

/// Whether a stream's trials are long enough for a heartbeat.
pub(super) fn has_heartbeat(point: &Point) -> bool {
    let end_ms = point.completed().map(|trial| trial.window.end_ns as f64 * 1e-6).fold(0.0, f64::max);
    match point.params.heartbeat.unwrap_or_default() {
        Heartbeat::Off => false,
        Heartbeat::Every(period) | Heartbeat::WhenIdle(period) => period.milliseconds() <= end_ms,
    }
}

/// The baselines' ages, and from how many deliveries they are.
fn ages(finding: &ScenarioFinding, all: &[Network]) -> Vec<String> {
    let name = QuantityName::AgeP99;
    let is_baseline = |point: &&Point| {
        let is_clear = point.params.network.is_some_and(|network| !is_in_the_way(&network, all));
        is_clear
            && point.server.is_pushlab()
            && baseline(finding, point).is_some_and(|found| std::ptr::eq(found, *point))
    };
    let values: Vec<String> = finding
        .points
        .iter()
        .filter(is_baseline)
        .map(|point| format!("{} {}", point.pattern.label(), point.quantity_of(name).measured_text()))
        .collect();
    // A percentile is read from each trial separately.
    let trials = finding.points.iter().flat_map(|point| &point.trials);
    let fewest = trials.map(|trial| trial.ages.total()).filter(|total| *total > 0).min();
    let few = fewest.filter(|total| (*total as f64) * 0.01 < SAMPLES_BEYOND).map(|total| {
        format!("a p99 may rest on {} deliveries only, so it is close to the oldest", count(total))
    });
    let baselines =
        (!values.is_empty()).then(|| format!("age at p99 without an obstacle: {}", list(&values)));
    baselines.into_iter().chain(few).collect()
}
