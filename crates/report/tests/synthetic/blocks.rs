//! Runs of several blocks: every trial again, with values that scatter from block to block.

use contract::{BothWays, Manifest, Params, Pattern, TimeHistogram, TrialRecord};
use report::{Findings, QuantityName};

use super::{
    MEASURE_S, RATE_HZ, SUBSCRIBERS, age_ns, change,
    connections::{connections, set_up},
    golden, manifest, params, record, scenario,
};

/// Every trial of a run once a block, with ages that scatter by some percent from block to block.
pub(crate) fn in_scattered_blocks(
    manifest: &mut Manifest,
    records: &[TrialRecord],
    blocks: u32,
) -> Vec<TrialRecord> {
    let mut all = Vec::new();
    for block in 0..blocks {
        for record in records {
            let mut record = record.clone();
            record.block = block + 1;
            record.order = all.len() as u32;
            let (pattern, params) = (record.pattern, record.params);
            change(&mut record, |measured| {
                let factor = 0.85 + 0.3 * golden(u64::from(block) + 7 * pattern.index() as u64);
                measured.age.arrived = scaled_ages(pattern, &params, factor).distribution();
                let more = |bytes: u64| (bytes as f64 * (2.0 - factor)) as u64;
                measured.bytes.received = more(measured.bytes.received);
                measured.bytes.headers = more(measured.bytes.headers);
                measured.server_bytes_life =
                    Some(BothWays { received: measured.bytes_life.received, sent: measured.bytes_life.sent });
                measured.requests.window = more(measured.requests.window);
            });
            all.push(record);
        }
    }
    manifest.trials_planned = all.len() as u32;
    manifest.blocks = vec![blocks; manifest.scenarios.len()];
    all
}

fn scaled_ages(pattern: Pattern, params: &Params, factor: f64) -> TimeHistogram {
    let mut ages = TimeHistogram::default();
    let deliveries = (f64::from(params.subscribers) * RATE_HZ) as u64 * MEASURE_S;
    for index in 0..deliveries {
        ages.record_ns((age_ns(pattern, params, index) as f64 * factor) as u64);
    }
    ages
}

/// Gives every measured quantity without an interval one of some percent to each side.
pub(crate) fn with_intervals(findings: &mut Findings, percent: f64) {
    for quantity in findings
        .scenarios
        .iter_mut()
        .flat_map(|scenario| &mut scenario.points)
        .flat_map(|point| &mut point.quantities)
    {
        if quantity.low.is_none() && quantity.name != QuantityName::LatenessP99 {
            quantity.low = quantity.measured.map(|value| value * (1.0 - percent / 100.0));
            quantity.high = quantity.measured.map(|value| value * (1.0 + percent / 100.0));
        }
    }
}

/// Five blocks of four patterns that open ten thousand connections.
pub(crate) fn connection_trials(blocks: u32) -> (Manifest, Vec<TrialRecord>) {
    let mut scenario = scenario("connections", "What does an open connection cost?", &Pattern::ALL);
    scenario.memory_steps = vec![0, 1_000, 2_500, 5_000, 10_000];
    scenario.subscribers = 10_000;
    let mut records = Vec::new();
    for block in 0..blocks {
        for pattern in Pattern::ALL {
            let params = params(pattern, 1_000.0, SUBSCRIBERS);
            let mut record = record("connections", pattern, params, records.len() as u32);
            record.block = block + 1;
            change(&mut record, |measured| {
                measured.connections = Some(connections(pattern, block));
                measured.set_up = Some(set_up(pattern, 10_000));
            });
            records.push(record);
        }
    }
    (manifest(vec![scenario], &["a1b2c3d4e5f60718"], records.len() as u32), records)
}
