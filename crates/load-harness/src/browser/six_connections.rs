//! Streams of one page to one origin, then a plain fetch: how many are open at a time, and which ones wait.

use std::time::Duration;

use contract::{BrowserFindings, BrowserLane, Crowd, Warning};
use serde::Deserialize;
use serde_json::json;

use super::{Stage, TaskError};
use crate::{data::progress::Progress, worker::pool::WorkerPool};

/// The page starts its fetch when no stream has opened for this long.
const SETTLE: Duration = Duration::from_millis(1_000);
/// Longest time for which the page watches waiting streams.
const WATCH: Duration = Duration::from_secs(6);
/// Time between two streams that the page closes.
const CLOSE_EVERY: Duration = Duration::from_millis(250);

/// The page's result.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageReport {
    lanes: Vec<BrowserLane>,
}

pub(super) async fn perform(
    stage: &Stage<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<BrowserFindings, TaskError> {
    let settings = &stage.order.plan.settings;
    let kind = if stage.order.plan.pattern.upgrades() { "web-socket" } else { "event-source" };
    let browser = stage.browser(&[]).await?;
    let mut findings = stage.findings(&browser);
    let mut workers = WorkerPool::spawn(stage.harness, stage.server, stage.order)?;
    workers.connect(settings.subscribers, progress).await?;
    let started = stage.publish().await?;
    workers.start(started);

    let before = stage.control.stats().await?;
    browser.open(&stage.page("six-connections")).await?;
    let streams = stage.audience.streams;
    let options = json!({
        "kind": kind,
        "streams": streams,
        "settle_ms": SETTLE.as_millis() as u64,
        "watch_ms": WATCH.as_millis() as u64,
        "close_every_ms": CLOSE_EVERY.as_millis() as u64,
    });
    // At worst every stream waits as long as the page watches.
    let longest = (SETTLE + WATCH + CLOSE_EVERY) * (streams + 3);
    let reported: PageReport = browser.call("sixConnections", options, longest).await?;
    let after = stage.control.stats().await?;
    browser.close().await;

    let asked = streams as usize + 1;
    if reported.lanes.len() != asked {
        return Err(TaskError::Incomplete { reported: reported.lanes.len(), asked });
    }
    findings.lanes = reported.lanes;
    findings.connections = after.connections_opened - before.connections_opened;
    // The subscribers continue reading until the schedule is over.
    workers.window_was_read();
    let finding = workers.join().await?;
    let reconnects = finding.readings.requests().reconnects;
    if reconnects > 0 {
        findings.connections = findings.connections.saturating_sub(reconnects);
        findings.warnings.push(Warning::ReconnectsBesideBrowser { reconnects });
    }
    findings.crowd = Some(Crowd {
        asked: settings.subscribers,
        connected: settings.subscribers - finding.never_connected as u32,
        set_up: finding.set_up,
        deliveries: finding.delivery.received,
    });
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_tells_is_read_strictly() {
        let lane = json!({
            "label": "EventSource 1", "kind": "event-source", "asked_ms": 0.1, "opened_ms": 4.2,
            "first_ms": null, "ended_ms": null, "protocol": "h2", "problem": null,
        });
        let reported: PageReport = serde_json::from_value(json!({ "lanes": [lane] })).unwrap();
        assert_eq!((reported.lanes[0].opened_ms, reported.lanes[0].first_ms), (Some(4.2), None));
        for odd in [
            json!({}),
            json!({ "lanes": [{}] }),
            json!({ "lanes": [], "more": 1 }),
            json!({ "lanes": [{ "label": "x", "kind": "carrier-pigeon", "asked_ms": 0.0 }] }),
        ] {
            assert!(serde_json::from_value::<PageReport>(odd.clone()).is_err(), "{odd}");
        }
    }
}
