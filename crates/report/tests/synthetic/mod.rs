//! Synthetic runs: records as the harness would write them, from distributions with known values.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of this")]

mod blocks;
mod browser;
mod connections;
pub(crate) mod network;
mod outline;
mod servers;
mod svg;
mod trace;

use std::{fs, path::Path};

use contract::{
    Ages, Arrivals, BothWays, ByteCounts, Calibration, Client, CpuUse, Delivery, Distribution, Environment,
    LeftBehind, Limits, Manifest, Measurements, Outcome, Params, Pattern, Period, PublishedSchedule,
    PublisherCounts, RECORD_SCHEMA, RequestLedger, Scenario, Second, Sweep, TimeHistogram, TrialRecord,
    Window,
};
use report::OutputFile;

pub(crate) use blocks::{connection_trials, in_scattered_blocks, with_intervals};
pub(crate) use browser::{age_trials, check, check_trials, not_run, six_connections};
pub(crate) use network::{
    heartbeat_trials, obstacle_trials, obstacles, rtt_trials, stream_limit_trials, transport_trials,
};
pub(crate) use outline::assert_alike;
pub(crate) use servers::{
    PUSHED, ablation_us, climb, cost_us, ladder_trials, ramp, ramp_scenario, ramp_trials, server,
    server_trials,
};
pub(crate) use trace::trace;

pub(crate) const SUBSCRIBERS: u32 = 50;
pub(crate) const RATE_HZ: f64 = 2.0;
const SECOND_NS: u64 = 1_000_000_000;
const WARM_UP_S: u64 = 2;
const MEASURE_S: u64 = 15;

/// Fractions in `[0, 1)` that fill it evenly in any order of reading.
pub(crate) fn golden(index: u64) -> f64 {
    (index as f64 * 0.618_033_988_749_894_9).fract()
}

pub(crate) fn scenario(name: &str, question: &str, patterns: &[Pattern]) -> Scenario {
    Scenario {
        name: name.to_owned(),
        question: question.to_owned(),
        setting: "A price page that fifty people leave open.".to_owned(),
        look_at: "Where the curves bend, and what the bars are made of.".to_owned(),
        patterns: patterns.to_vec(),
        subscribers: SUBSCRIBERS,
        payload_bytes: 100,
        poll_interval: Period::from_millis(1_000),
        hold: Period::from_millis(1_500),
        turnaround: Period::from_millis(0),
        request_timeout: contract::Settings::USUAL_REQUEST_TIMEOUT,
        keep_alive: true,
        servers: vec![contract::ServerName::default()],
        publisher: contract::PublisherHost::Server,
        client: Client::Lean,
        delivery_delay: Period::default(),
        delivery_jitter: Period::default(),
        network: None,
        transport: contract::Transport::Http1,
        certificate: contract::Certificate::Valid,
        streams_per_connection: 1,
        max_streams: 200,
        heartbeat: contract::Heartbeat::default(),
        browser: None,
        blocks: 1,
        primary: "age_p99_ms".to_owned(),
        thresholds: Vec::new(),
        memory_steps: Vec::new(),
        idle: Period::default(),
        // Ten subscribers have three hundred deliveries.
        limits: Limits { tail_samples: 3, ..Limits::default() },
        warm_up: Period::from_millis(WARM_UP_S * 1_000),
        measure: Period::from_millis(MEASURE_S * 1_000),
        drain: Period::from_millis(2_000),
        events: Arrivals::Steady { rate_hz: RATE_HZ },
        sweep: None,
        default_run: None,
    }
}

pub(crate) fn schedule(hash: &str) -> PublishedSchedule {
    let length_s = WARM_UP_S + MEASURE_S;
    let events = (length_s as f64 * RATE_HZ) as usize;
    let gap_ns = (1e9 / RATE_HZ) as u64;
    PublishedSchedule {
        hash: hash.to_owned(),
        length_ns: length_s * SECOND_NS,
        due_ns: (0..events as u64).map(|index| index * gap_ns + gap_ns / 2).collect(),
        data_bytes: vec![100; events],
        type_bytes: vec![0; events],
        escape_bytes: vec![0; events],
        lines: vec![1; events],
    }
}

/// The events of [`schedule`] that are due in the window.
fn window_due_ns() -> Vec<i64> {
    let due_ns = schedule("").due_ns.into_iter().filter(|due_ns| *due_ns >= WARM_UP_S * SECOND_NS);
    due_ns.map(|due_ns| due_ns as i64).collect()
}

pub(crate) fn environment() -> Environment {
    Environment {
        pushlab: "0.1.0".to_owned(),
        commit: "0123456789ab".to_owned(),
        build: "release".to_owned(),
        system: "Linux 6.18".to_owned(),
        cpu: "Example CPU at 3 GHz".to_owned(),
        cores: 2,
        memory_mib: 7_950,
        server_core: Some(0),
        harness_cores: vec![1],
        tcp_maxseg: 1_448,
    }
}

pub(crate) fn manifest(scenarios: Vec<Scenario>, schedules: &[&str], trials_planned: u32) -> Manifest {
    Manifest {
        schema: RECORD_SCHEMA,
        name: "default".to_owned(),
        command: "just bench --seed 7".to_owned(),
        seed: 7,
        started_at: "2026-11-21T05:48:02Z".to_owned(),
        environment: environment(),
        trials_planned,
        blocks: vec![1; scenarios.len()],
        commands: scenarios.iter().map(|scenario| format!("just bench {} --seed 7", scenario.name)).collect(),
        scenarios,
        schedules: schedules.iter().map(|hash| schedule(hash)).collect(),
        targets: Vec::new(),
        selection: None,
        scenario_files: Vec::new(),
        resumed: Vec::new(),
    }
}

pub(crate) fn params(pattern: Pattern, poll_interval_ms: f64, subscribers: u32) -> Params {
    let (poll, hold) = match pattern {
        Pattern::ShortPolling => (Some(poll_interval_ms), None),
        Pattern::LongPolling => (None, Some(1_500.0)),
        Pattern::Sse => (None, None),
        Pattern::WebSocket => (None, None),
    };
    Params {
        poll_interval_ms: poll,
        hold_ms: hold,
        turnaround_ms: hold.map(|_| 0.0),
        keep_alive: hold.or(poll).map(|_| true),
        ..Params::of(subscribers, 100, RATE_HZ)
    }
}

/// Age of a delivery: uniform over the interval for short polling, a one-way delay and a short tail for the
/// others.
fn age_ns(pattern: Pattern, params: &Params, index: u64) -> u64 {
    let place = golden(index);
    let transit_ms = 0.2 + 0.004 * f64::from(params.subscribers) * place;
    let tail_ms = if place > 0.98 { (place - 0.98) * 150.0 } else { 0.0 };
    // The delay of a middlebox; a long poll whose answer was on its way has to be sent again.
    let road_ms = params.rtt_ms.unwrap_or(0.0) / 2.0;
    let again_ms = if place < 0.2 { 2.0 * road_ms * place / 0.2 } else { 0.0 };
    let road_ms = if pattern == Pattern::LongPolling { road_ms + again_ms } else { road_ms };
    let age_ms = road_ms
        + match pattern {
            Pattern::ShortPolling => transit_ms + place * params.poll_interval_ms.unwrap_or(0.0),
            Pattern::LongPolling => 1.3 * transit_ms + 1.5 * tail_ms,
            Pattern::Sse => transit_ms + tail_ms,
            Pattern::WebSocket => 0.95 * transit_ms + tail_ms,
        };
    (age_ms * 1e6) as u64
}

fn seconds(pattern: Pattern, params: &Params) -> (TimeHistogram, Vec<Second>) {
    let per_second = (f64::from(params.subscribers) * RATE_HZ) as u64;
    let mut all = TimeHistogram::default();
    let mut by_second = Vec::new();
    for second in 0..WARM_UP_S + MEASURE_S {
        let mut ages = TimeHistogram::default();
        for delivery in 0..per_second {
            ages.record_ns(age_ns(pattern, params, second * per_second + delivery));
        }
        by_second.push(ages.second(second as u32));
        if second >= WARM_UP_S {
            all.merge(&ages);
        }
    }
    (all, by_second)
}

fn lateness() -> (Distribution, Vec<Second>) {
    let mut all = TimeHistogram::default();
    let mut by_second = Vec::new();
    for second in 0..WARM_UP_S + MEASURE_S {
        let mut late = TimeHistogram::default();
        for event in 0..RATE_HZ as u64 {
            late.record_ns(5_000 + (golden(second * 2 + event) * 80_000.0) as u64);
        }
        by_second.push(late.second(second as u32));
        all.merge(&late);
    }
    (all.distribution(), by_second)
}

/// Bytes per event (framing, headers, empty polls) and requests per event of a pattern.
fn price(pattern: Pattern, params: &Params) -> (u64, u64, u64, f64) {
    let per_poll = RATE_HZ * params.poll_interval_ms.unwrap_or(0.0) * 1e-3;
    match pattern {
        Pattern::ShortPolling => {
            let empty = (-per_poll).exp();
            let headers = (330.0 * (1.0 - empty) / per_poll) as u64;
            let empties = (270.0 * empty / per_poll) as u64;
            (40, headers, empties, 1.0 / per_poll)
        }
        Pattern::LongPolling => (75, 320, 2, 1.02),
        Pattern::Sse => (36, 9, 0, 0.0),
        Pattern::WebSocket => (33, 8, 0, 0.0),
    }
}

pub(crate) fn measurements(pattern: Pattern, params: &Params) -> Measurements {
    let deliveries = (f64::from(params.subscribers) * RATE_HZ) as u64 * MEASURE_S;
    let expected = deliveries / MEASURE_S * (MEASURE_S + WARM_UP_S);
    let (ages, age_seconds) = seconds(pattern, params);
    let (lateness, lateness_seconds) = lateness();
    let (framing, headers, empty_polls, requests) = price(pattern, params);
    let sum = 100 + framing + headers + empty_polls;
    let bytes = ByteCounts {
        received: deliveries * sum * 3 / 5,
        sent: deliveries * sum - deliveries * sum * 3 / 5,
        payload: deliveries * 100,
        headers: deliveries * headers,
        empty_polls: deliveries * empty_polls,
    };
    let window_requests = (requests * deliveries as f64).round() as u64;
    let empty = (window_requests as f64 * 0.135) as u64;
    let mut connect = TimeHistogram::default();
    for index in 0..u64::from(params.subscribers) {
        connect.record_ns(400_000 + (golden(index) * 300_000.0) as u64);
    }
    let life = window_requests + u64::from(params.subscribers);
    Measurements {
        window: Window { start_ns: WARM_UP_S * SECOND_NS, end_ns: (WARM_UP_S + MEASURE_S) * SECOND_NS },
        window_deliveries: deliveries,
        window_received: deliveries,
        delivery: Delivery { expected, received: expected, ..Delivery::default() },
        age: Ages { arrived: ages.distribution(), censored: 0, censored_min_us: 0 },
        age_seconds,
        lateness: lateness.clone(),
        lateness_seconds,
        connect: connect.distribution(),
        requests: RequestLedger {
            life,
            window: window_requests,
            window_empty: if requests > 0.0 { empty } else { 0 },
            exchanges: window_requests,
            exchange_sum_us: window_requests as f64 * 210.0,
            ..RequestLedger::default()
        },
        bytes,
        bytes_life: bytes,
        computed_life: Some(BothWays { received: bytes.received, sent: bytes.sent }),
        broken_off_life: 0,
        kernel_life: None,
        kernel_window: None,
        left_behind: Some(LeftBehind::default()),
        bytes_under_way: 0,
        set_up: None,
        wakeups: deliveries,
        sockets_held: f64::from(params.subscribers),
        cpu: CpuUse {
            // Shorter than the window, so that fifty subscribers have a thousand deliveries a second: below
            // that there is no CPU per event.
            wall_us: 1.5e6,
            server_us: deliveries as f64 * (9.0 + 22.0 * requests),
            publisher_us: 40_000.0,
            harness_us: deliveries as f64 * (14.0 + 31.0 * requests),
            server_wait_us: Some(600.0),
            harness_wait_us: Some(300.0),
            all_cores: None,
        },
        server_requests_life: Some(life),
        server_bytes_life: Some(BothWays { received: bytes.received, sent: bytes.sent }),
        publisher: PublisherCounts { planned: 34, published: 34, refused: 0 },
        workers: 1,
        stalls: Distribution::default(),
        clock_step_us: 3.0,
        swapped_pages: Some(0),
        trace: trace(pattern, params, &window_due_ns()),
        traced_subscriber: params.subscribers / 2,
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

pub(crate) fn record(scenario: &str, pattern: Pattern, params: Params, order: u32) -> TrialRecord {
    TrialRecord {
        schema: RECORD_SCHEMA,
        scenario: scenario.to_owned(),
        pattern,
        params,
        server: contract::ServerName::default(),
        order,
        block: 0,
        attempt: 1,
        seed: 7,
        schedule_hash: "a1b2c3d4e5f60718".to_owned(),
        poll_phase: 0.25,
        started_at: "2026-11-21T05:48:10Z".to_owned(),
        environment: environment(),
        calibration: Some(Calibration {
            subscribers: 10,
            server_us: 9.0,
            pace_us: 14.0,
            harness_us: 14.0,
            transit_us: 180.0,
            timer_late_us: 90.0,
            lateness_mean_us: 40.0,
            lateness_p99_us: 85.0,
            ages: contract::CalibratedAges::default(),
        }),
        outcome: Outcome::Completed { measurements: Box::new(measurements(pattern, &params)) },
    }
}

/// A trial without a single histogram: quick to judge, thousands of times.
pub(crate) fn bare(pattern: Pattern) -> TrialRecord {
    let mut record = record("ticker", pattern, params(pattern, 1_000.0, 50), 0);
    change(&mut record, |measured| {
        // Everything came; the ages do not matter.
        let count = measured.window_deliveries;
        measured.age = Ages { arrived: Distribution { count, ..Distribution::default() }, ..Ages::default() };
        measured.age_seconds.clear();
        measured.lateness = Distribution::default();
        measured.lateness_seconds.clear();
        measured.connect = Distribution::default();
        measured.stalls = Distribution::default();
    });
    record
}

pub(crate) fn failed(mut record: TrialRecord, reason: &str, stderr_tail: &[&str]) -> TrialRecord {
    record.outcome = Outcome::Failed {
        reason: reason.to_owned(),
        server_stderr_tail: stderr_tail.iter().map(|line| (*line).to_owned()).collect(),
    };
    record
}

pub(crate) fn change(record: &mut TrialRecord, change: impl FnOnce(&mut Measurements)) {
    match &mut record.outcome {
        Outcome::Completed { measurements } => change(measurements),
        Outcome::Failed { .. } | Outcome::BrowserRun { .. } | Outcome::NotRun { .. } => {
            panic!("only a completed trial has measurements")
        }
    }
}

/// Every trial in several blocks, each changed by the effect of its block.
pub(crate) fn in_blocks(
    records: &[TrialRecord],
    blocks: u32,
    by_block: impl Fn(u32, Pattern, &mut Measurements),
) -> Vec<TrialRecord> {
    let mut repeated = Vec::new();
    for block in 0..blocks {
        for record in records {
            let mut record = record.clone();
            record.block = block + 1;
            record.order = repeated.len() as u32;
            record.poll_phase = golden(u64::from(block) + 1);
            let pattern = record.pattern;
            if record.measurements().is_some() {
                change(&mut record, |measured| by_block(block, pattern, measured));
            }
            repeated.push(record);
        }
    }
    repeated
}

/// Ten trials: four patterns on one schedule, short polling at four intervals on the same one, and
/// SSE with two numbers of subscribers.
pub(crate) fn ten_trials() -> (Manifest, Vec<TrialRecord>) {
    let ticker =
        scenario("stock-ticker", "Who hears of a price first, and what does it cost?", &Pattern::ALL);
    let mut interval = scenario(
        "poll-interval",
        "How fresh can polling be, and what does freshness cost?",
        &[Pattern::ShortPolling],
    );
    let intervals = [250, 500, 1_000, 2_000];
    interval.sweep =
        Some(Sweep { poll_interval: intervals.map(Period::from_millis).to_vec(), ..Sweep::default() });
    let mut subscribers = scenario("subscribers", "How many readers can one stream have?", &[Pattern::Sse]);
    subscribers.sweep = Some(Sweep { subscribers: vec![10, 1_000], ..Sweep::default() });
    let mut records = Vec::new();
    for pattern in Pattern::ALL {
        let order = records.len() as u32;
        records.push(record("stock-ticker", pattern, params(pattern, 1_000.0, SUBSCRIBERS), order));
    }
    for interval_ms in intervals {
        let order = records.len() as u32;
        let params = params(Pattern::ShortPolling, interval_ms as f64, SUBSCRIBERS);
        records.push(record("poll-interval", Pattern::ShortPolling, params, order));
    }
    for number in [10, 1_000] {
        let order = records.len() as u32;
        let params = params(Pattern::Sse, 0.0, number);
        let mut record = record("subscribers", Pattern::Sse, params, order);
        record.schedule_hash = "ffee00112233aabb".to_owned();
        records.push(record);
    }
    let scenarios = vec![ticker, interval, subscribers];
    let hashes = ["a1b2c3d4e5f60718", "ffee00112233aabb"];
    (manifest(scenarios, &hashes, 10), records)
}

/// Sixty trials, like a run with `--all`.
pub(crate) fn sixty_trials() -> (Manifest, Vec<TrialRecord>) {
    let (mut manifest, mut records) = ten_trials();
    let mut number = records.len() as u32;
    for copy in 0..4 {
        let name = format!("audience-{copy}");
        let mut audience = scenario(&name, "What does an audience cost?", &Pattern::ALL);
        let sizes = if copy == 0 { vec![10, 50, 200, 1_000, 2_000] } else { vec![10, 50, 200] };
        audience.sweep = Some(Sweep { subscribers: sizes.clone(), ..Sweep::default() });
        for size in sizes {
            for pattern in Pattern::ALL {
                let mut record = record(&name, pattern, params(pattern, 1_000.0, size), number);
                record.schedule_hash = format!("{copy}a2b3c4d5e6f7a8b9");
                records.push(record);
                number += 1;
            }
        }
        manifest.schedules.push(schedule(&format!("{copy}a2b3c4d5e6f7a8b9")));
        manifest.scenarios.push(audience);
    }
    manifest.trials_planned = number;
    (manifest, records)
}

/// The two files of a run.
pub(crate) fn files(manifest: &Manifest, records: &[TrialRecord]) -> (String, String) {
    let lines: String = records
        .iter()
        .map(|record| serde_json::to_string(record).expect("a record is JSON") + "\n")
        .collect();
    (serde_json::to_string_pretty(manifest).expect("a manifest is JSON"), lines)
}

/// Writes a report to the build directory, for a look in a browser. In a figure every text must lie within the
/// edges and upon no other, and no line or mark may hide one of another pattern. HTML and Markdown must have the
/// same headings and cells.
pub(crate) fn write(name: &str, files: &[OutputFile]) {
    assert_alike(name, files);
    for file in files.iter().filter(|file| file.path.ends_with(".svg")) {
        let faults = svg::faults(&file.content);
        assert!(faults.is_empty(), "{name}, {}: {faults:#?}", file.path);
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(directory.join("figures")).expect("the build directory can be written");
    for file in files {
        fs::write(directory.join(&file.path), &file.content).expect("the build directory can be written");
    }
}
