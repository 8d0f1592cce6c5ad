//! Runs with several servers, with a growing rate, and with ablations: costs and knees are known.

use contract::{
    Ablation, Arrivals, CpuSecond, Manifest, Pattern, PublisherHost, Scenario, Second, ServerName, Sweep,
    TimeHistogram, TrialRecord,
};

use super::{change, failed, golden, in_blocks, manifest, params, record, scenario};

pub(crate) const PUSHED: [Pattern; 2] = [Pattern::Sse, Pattern::WebSocket];

pub(crate) fn server(name: &str) -> ServerName {
    name.parse().expect("a server's name")
}

/// Fractions in `[0, 1)` without any pattern that a block could share with another.
fn noise(index: u64) -> f64 {
    ((index as f64 * 12.989_8).sin() * 43_758.545_3).rem_euclid(1.0)
}

/// The effect of a block on all its measurements, the same for every server.
fn weather(block: u32) -> f64 {
    0.9 + 0.2 * golden(u64::from(block))
}

/// Server CPU per delivery of a server, without a block's effect.
pub(crate) fn cost_us(pattern: Pattern, server: &str) -> f64 {
    let floor = if pattern == Pattern::Sse { 3.0 } else { 2.5 };
    let times = match server {
        "floor" => 1.0,
        "pushlab" => 1.08,
        "nchan" => 1.3,
        "node" => 4.2,
        _other => 2.0,
    };
    floor * times
}

/// SSE and WebSocket on these servers, in so many blocks; `nchan` cannot do WebSocket.
pub(crate) fn server_trials(
    servers: &[&str],
    thresholds: &[&str],
    blocks: u32,
) -> (Manifest, Vec<TrialRecord>) {
    let mut question = scenario("peers", "How does ours do beside others?", &PUSHED);
    question.servers = servers.iter().map(|name| server(name)).collect();
    question.publisher = PublisherHost::Harness;
    question.primary = "cpu_us_per_event".to_owned();
    question.thresholds = thresholds.iter().map(|text| (*text).to_owned()).collect();
    let mut records = Vec::new();
    for pattern in PUSHED {
        for name in servers {
            let mut params = params(pattern, 1_000.0, 50);
            params.publisher = PublisherHost::Harness;
            let mut record = record("peers", pattern, params, records.len() as u32);
            record.server = server(name);
            if record.server.is_foreign() {
                change(&mut record, |measured| {
                    (measured.server_requests_life, measured.server_bytes_life) = (None, None);
                    measured.sockets_held = 0.0;
                });
            }
            let lacks = *name == "nchan" && pattern == Pattern::WebSocket;
            records.push(if lacks { failed(record, "it answers 403 to an upgrade", &[]) } else { record });
        }
    }
    let records = in_server_blocks(&records, blocks, |_, _| {});
    (manifest(vec![question], &["a1b2c3d4e5f60718"], records.len() as u32), records)
}

/// Costs from [`cost_us`], times the block's effect and a small one of each trial.
fn in_server_blocks(
    records: &[TrialRecord],
    blocks: u32,
    also: impl Fn(&TrialRecord, &mut contract::Measurements),
) -> Vec<TrialRecord> {
    let mut all = in_blocks(records, blocks, |_, _, _| {});
    for (index, record) in all.iter_mut().enumerate() {
        if record.measurements().is_none() {
            continue;
        }
        let own = 0.99 + 0.02 * noise(index as u64);
        let cost = cost_us(record.pattern, record.server.as_str()) * weather(record.block) * own;
        let before = record.clone();
        change(record, |measured| {
            measured.cpu.server_us = cost * measured.window_deliveries as f64;
            let mut ages = TimeHistogram::default();
            for delivery in 0..measured.age.arrived.count {
                let age_us =
                    60.0 * cost * (1.0 + 2.0 * golden(delivery)) * (1.0 + 0.3 * noise(index as u64 + 500));
                ages.record_ns((age_us * 1e3) as u64);
            }
            measured.age.arrived = ages.distribution();
            also(&before, measured);
        });
    }
    all
}

/// Deliveries due in second `second` of a ramp: ten thousand, and a tenth more each second.
pub(crate) fn ramp(second: u32) -> u64 {
    (10_000.0 * 1.1_f64.powi(second as i32)).round() as u64
}

/// Seconds of a ramp of which those up to `knee` keep their age, and their CPU by second.
pub(crate) fn climb(record: &mut TrialRecord, seconds: u32, knee: u32, cost_us: f64) {
    change(record, |measured| {
        measured.age_seconds = (0..seconds)
            .map(|second| {
                let p99_us = if second <= knee {
                    2_000 + 60 * u64::from(second) + (golden(u64::from(second)) * 900.0) as u64
                } else {
                    120_000 + 250_000 * u64::from(second - knee)
                };
                Second {
                    second,
                    count: ramp(second),
                    mean_us: p99_us as f64 / 2.5,
                    p50_us: p99_us / 3,
                    p99_us,
                    max_us: p99_us,
                    censored: 0,
                }
            })
            .collect();
        measured.cpu_seconds = (0..seconds)
            .map(|second| CpuSecond {
                second,
                wall_us: 990_000.0,
                server_us: (cost_us * ramp(second) as f64).min(985_000.0),
                harness_us: (0.8 * cost_us * ramp(second) as f64).min(930_000.0),
            })
            .collect();
    });
}

pub(crate) fn ramp_scenario(servers: &[&str]) -> Scenario {
    let mut question = scenario("saturation", "How much can one core do?", &PUSHED);
    question.servers = servers.iter().map(|name| server(name)).collect();
    question.events = Arrivals::Ramp { from_hz: 200.0, to_hz: 9_000.0 };
    question.primary = "saturation_deliveries_per_s".to_owned();
    question
}

/// A ramp of forty seconds on these servers: knees at second 28 (SSE) and 30 (WebSocket) on the lab's
/// own, two later on the floor, five and nine earlier elsewhere.
pub(crate) fn ramp_trials(servers: &[&str], blocks: u32) -> (Manifest, Vec<TrialRecord>) {
    let mut records = Vec::new();
    for pattern in PUSHED {
        for name in servers {
            let mut record =
                record("saturation", pattern, params(pattern, 1_000.0, 50), records.len() as u32);
            record.server = server(name);
            records.push(record);
        }
    }
    let mut records = in_blocks(&records, blocks, |_, _, _| {});
    for record in &mut records {
        let own = if record.pattern == Pattern::Sse { 28 } else { 30 };
        let knee = match record.server.as_str() {
            "floor" => own + 2,
            "pushlab" => own,
            "nchan" => own - 5,
            _other => own - 9,
        };
        // Every second block reaches a second further.
        let knee = knee + record.block % 2;
        climb(record, 40, knee, 960_000.0 / ramp(knee) as f64);
    }
    let planned = records.len() as u32;
    (manifest(vec![ramp_scenario(servers)], &["a1b2c3d4e5f60718"], planned), records)
}

/// Server CPU per delivery of an ablation, µs.
pub(crate) fn ablation_us(pattern: Pattern, ablation: Ablation) -> f64 {
    let best = if pattern == Pattern::Sse { 3.2 } else { 2.9 };
    best + match ablation {
        Ablation::Best => 0.0,
        Ablation::OwnTasks => 1.0,
        Ablation::EncodeEach => 2.3,
        Ablation::WriteEach => 1.8,
        Ablation::LargeBuffers => 1.0,
    }
}

/// The cost ladder: each ablation costs what [`ablation_us`] gives, times the block's effect on all trials and a
/// small one of each trial.
pub(crate) fn ladder_trials(blocks: u32) -> (Manifest, Vec<TrialRecord>) {
    let mut question = scenario("cost-ladder", "What is each optimisation worth?", &PUSHED);
    question.sweep = Some(Sweep { ablation: Ablation::ALL.to_vec(), ..Sweep::default() });
    question.primary = "cpu_us_per_event".to_owned();
    let mut records = Vec::new();
    for pattern in PUSHED {
        for ablation in Ablation::ALL {
            if ablation == Ablation::LargeBuffers && pattern == Pattern::Sse {
                continue;
            }
            let mut params = params(pattern, 1_000.0, 50);
            params.ablation = Some(ablation);
            records.push(record("cost-ladder", pattern, params, records.len() as u32));
        }
    }
    let records = in_server_blocks(&records, blocks, |record, measured| {
        let ablation = record.params.ablation.expect("an ablation");
        let own = 0.05 * (noise(u64::from(record.order)) - 0.5);
        let cost = ablation_us(record.pattern, ablation) + 0.2 * (weather(record.block) - 1.0) + own;
        measured.cpu.server_us = cost * measured.window_deliveries as f64;
    });
    (manifest(vec![question], &["a1b2c3d4e5f60718"], records.len() as u32), records)
}
