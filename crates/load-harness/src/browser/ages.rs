//! Ages as a page sees them: it subscribes as any page would, and notes by its own clock when each event
//! arrives.

use std::time::Duration;

use contract::{
    BrowserClock, ByteCounts, CpuUse, Distribution, Measurements, PublisherCounts, PublisherReport,
    ServerStats, TimeHistogram, Warning,
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use super::{
    Brought, Stage, TaskError,
    clock::{PageClock, Trip},
    driver::{Browser, BrowserError},
    page_ledger::{Counted, Notes},
};
use crate::{
    data::{
        interval_log::{interval_log, wall_time},
        progress::{Phase, Progress, TELL_EVERY},
        started::Started,
    },
    processes::{server_access::Reading, trial_error::TrialError},
    system::machine::{self, Clocks},
};

/// Round trips to the server's clock, before the schedule and again after it.
const ROUND_TRIPS: u32 = 100;
/// Longest wait for these, and for any other call of the page.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trips {
    trips: Vec<Trip>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribed {
    connected_ms: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    received: u64,
}

/// What was read outside the page.
struct Outside {
    started: Started,
    connected_ms: f64,
    /// At both edges of the window.
    edges: [Reading; 2],
    cpu: CpuUse,
    /// The server's counters before the page subscribed, and after it had finished.
    life: [ServerStats; 2],
    publisher: PublisherReport,
}

pub(super) async fn perform(
    stage: &Stage<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Brought, TaskError> {
    let (clocks, swapped) = (Clocks::read(), machine::swapped_pages());
    let browser = stage.browser(&[]).await?;
    browser.open(&stage.page("ages")).await?;
    let before = estimate(&browser).await?;
    let (notes, outside) = subscribe(stage, &browser, progress).await?;
    let after = estimate(&browser).await?;
    let clock = before.better(after);
    let counted = notes.count(clock, outside.started, &stage.order.schedule);
    let mut measurements = measurements(stage, &counted, &outside);
    measurements.clock_step_us = Clocks::read().step_us_since(clocks);
    measurements.swapped_pages =
        machine::swapped_pages().zip(swapped).map(|(now, then)| now.saturating_sub(then));
    measurements.browser_clock = Some(BrowserClock {
        browser: browser.name().to_owned(),
        bound_us: clock.bound_us,
        round_trips: 2 * ROUND_TRIPS,
    });
    browser.close().await;
    measurements.warnings = warnings(&counted, before.contradicts(&after));
    let start = wall_time(stage.server.clock(), outside.started.start_ns);
    let interval_log = interval_log(stage.order.plan.pattern, start, counted.recorder.arrived_by_second());
    Ok(Brought::Measured { measurements: Box::new(measurements), interval_log })
}

/// Estimates the offset between the page's clock and the server's.
async fn estimate(browser: &Browser) -> Result<PageClock, TaskError> {
    let reported: Trips = browser.call("clock", json!({ "round_trips": ROUND_TRIPS }), LONGEST).await?;
    PageClock::of(&reported.trips).ok_or(TaskError::NoClock)
}

/// Has the page subscribe, publishes the schedule, and collects the page's notes.
async fn subscribe(
    stage: &Stage<'_>,
    browser: &Browser,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Notes, Outside), TaskError> {
    let plan = &stage.order.plan;
    let options = json!({
        "pattern": plan.pattern.slug(),
        "poll_interval_ms": plan.settings.poll_interval.milliseconds(),
        "hold_s": plan.settings.hold.milliseconds() / 1e3,
        "turnaround_ms": plan.settings.turnaround.milliseconds(),
    });
    // Loading the page is not a cost of the pattern.
    let begun = stage.control.stats().await?;
    let Subscribed { connected_ms } = browser.call("subscribe", options, LONGEST).await?;
    let started = stage.publish().await?;
    let window = started.window;
    until(stage, started, window.start_ns, Phase::WarmUp, progress).await;
    let first = stage.server.read().await?;
    until(stage, started, window.end_ns, Phase::Measuring, progress).await;
    let last = stage.server.read().await?;
    let cpu = last.cpu_since(&first).map_err(TrialError::from)?;
    drain(stage, browser, started, progress).await?;
    let notes = browser.call("collect", json!({}), LONGEST).await?;
    let ended = stage.control.stats().await?;
    let publisher = stage.server.publisher_report().await?;
    let outside =
        Outside { started, connected_ms, edges: [first, last], cpu, life: [begun, ended], publisher };
    Ok((notes, outside))
}

/// Waits until the page has received everything, or the drain is over.
async fn drain(
    stage: &Stage<'_>,
    browser: &Browser,
    started: Started,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), BrowserError> {
    let settings = &stage.order.plan.settings;
    let patience = *settings.drain + *settings.delivery_delay + *settings.delivery_jitter;
    let expected = started.numbers.1 - started.numbers.0;
    let mut at_ns = started.window.end_ns;
    let end_ns = at_ns + patience.as_nanos() as u64;
    while at_ns < end_ns {
        let Count { received } = browser.call("count", json!({}), LONGEST).await?;
        if received >= expected {
            break;
        }
        at_ns += TELL_EVERY.as_nanos() as u64;
        until(stage, started, at_ns, Phase::Draining, progress).await;
    }
    Ok(())
}

/// Waits for an instant of the schedule.
async fn until(
    stage: &Stage<'_>,
    started: Started,
    at_ns: u64,
    phase: Phase,
    progress: &mut dyn FnMut(Progress),
) {
    let clock = stage.server.clock();
    while clock.now_ns() < started.start_ns + at_ns {
        let elapsed_ns = clock.now_ns().saturating_sub(started.start_ns);
        progress(Progress { phase, schedule_elapsed: Duration::from_nanos(elapsed_ns) });
        let left_ns = (started.start_ns + at_ns).saturating_sub(clock.now_ns());
        sleep(Duration::from_nanos(left_ns).min(TELL_EVERY)).await;
    }
}

/// Puts the counts of page, server and publisher together.
fn measurements(stage: &Stage<'_>, counted: &Counted, outside: &Outside) -> Measurements {
    let Outside { started, edges: [first, last], life: [begun, ended], publisher, .. } = outside;
    let (order, pattern) = (stage.order, stage.order.plan.pattern);
    let both = first.counted.zip(last.counted);
    let mut connect = TimeHistogram::default();
    connect.record_ns((outside.connected_ms.max(0.0) * 1e6) as u64);
    Measurements {
        window: started.window,
        window_deliveries: order.window_events(),
        window_received: counted.window_received,
        delivery: counted.delivery,
        age: counted.recorder.ages(),
        age_seconds: counted.recorder.seconds(),
        lateness: publisher.lateness.clone(),
        lateness_seconds: publisher.lateness_seconds.clone(),
        connect: connect.distribution(),
        requests: counted.requests,
        bytes: ByteCounts {
            received: both.map_or(0, |(first, last)| last.bytes_out - first.bytes_out),
            sent: both.map_or(0, |(first, last)| last.bytes_in - first.bytes_in),
            payload: counted.window_payload,
            ..ByteCounts::default()
        },
        bytes_life: ByteCounts {
            received: ended.bytes_out - begun.bytes_out,
            sent: ended.bytes_in - begun.bytes_in,
            payload: counted.payload,
            ..ByteCounts::default()
        },
        computed_life: None,
        broken_off_life: 0,
        kernel_life: None,
        left_behind: None,
        bytes_under_way: 0,
        kernel_window: None,
        set_up: None,
        wakeups: 0,
        // A browser keeps the connections that loaded the page for a while, used or not.
        sockets_held: 0.0,
        cpu: outside.cpu,
        server_requests_life: Some(ended.requests_of(pattern).arrived - begun.requests_of(pattern).arrived),
        // The bytes above are the server's own, so there is nothing to compare them with.
        server_bytes_life: None,
        publisher: PublisherCounts {
            planned: order.schedule.events().len() as u64,
            published: publisher.published,
            refused: publisher.refused,
        },
        workers: 0,
        stalls: TimeHistogram::default().distribution(),
        clock_step_us: 0.0,
        swapped_pages: None,
        trace: Vec::new(),
        traced_subscriber: 0,
        connections: None,
        cpu_seconds: Vec::new(),
        relay: None,
        never_connected: 0,
        error_counts: Vec::new(),
        recovery: Distribution::default(),
        browser_clock: None,
        warnings: Vec::new(),
    }
}

/// The warnings about these ages.
fn warnings(counted: &Counted, clocks_moved: bool) -> Vec<Warning> {
    let (too_early, failed) = (counted.too_early, counted.requests.failed);
    let mut warnings = vec![Warning::PageSubscriber, Warning::PageConnections];
    warnings.extend(clocks_moved.then_some(Warning::ClocksDrifted));
    warnings.extend((too_early > 0).then_some(Warning::EventsTooEarly { events: too_early }));
    warnings.extend((failed > 0).then_some(Warning::PageRequestsFailed { requests: failed }));
    warnings
}
