//! Synthetic runs through a middlebox: delays, obstacles, heartbeats, transports.

use contract::{
    BothWays, Buffering, ByteCounts, DirectionCounts, ErrorCount, Heartbeat, Manifest, Measurements, Network,
    Params, Pattern, Period, RelayCounts, RelayUse, SetUp, Sweep, TimeHistogram, Transport, TrialRecord,
};

use super::{SUBSCRIBERS, change, golden, manifest, params, record, scenario};

const HASH: &str = "a1b2c3d4e5f60718";

fn seconds(count: u32) -> Period {
    Period::from_millis(u64::from(count) * 1_000)
}

/// A trial through this network.
fn through(name: &str, pattern: Pattern, network: Network, order: u32) -> TrialRecord {
    let rtt_ms = Some(network.rtt.milliseconds());
    let params = Params { network: Some(network), rtt_ms, ..params(pattern, 1_000.0, SUBSCRIBERS) };
    let mut record = record(name, pattern, params, order);
    change(&mut record, |measured| relayed(measured, RelayCounts { relayed: 50, ..RelayCounts::default() }));
    record
}

pub(crate) fn relayed(measured: &mut Measurements, counts: RelayCounts) {
    measured.relay = Some(RelayUse { counts, cpu_us: 450_000.0 });
    balance(measured);
}

/// The middlebox passed on the bytes that both sides counted and discarded what the server sent beyond that.
fn balance(measured: &mut Measurements) {
    let (Some(relay), Some(server)) = (&mut measured.relay, measured.server_bytes_life) else { return };
    let life = measured.bytes_life;
    let way = |taken: u64, delivered: u64| DirectionCounts {
        taken,
        delivered,
        discarded: taken - delivered,
        broken: u64::from(taken > delivered),
        ..DirectionCounts::default()
    };
    relay.counts.up = way(life.sent, server.sent);
    relay.counts.down = way(server.received, life.received);
}

/// The set-ups of these subscribers, with their round trips and bytes.
fn set_up(measured: &mut Measurements, round_trips: f64, rtt_ms: f64, bytes: u64) {
    let mut connect = TimeHistogram::default();
    for index in 0..u64::from(SUBSCRIBERS) {
        connect.record_ns(((round_trips * rtt_ms + 0.6 + 0.4 * golden(index)) * 1e6) as u64);
    }
    measured.connect = connect.distribution();
    let subscribers = u64::from(SUBSCRIBERS);
    measured.set_up =
        Some(SetUp { subscribers, bytes: bytes * subscribers, segments: Some(9 * subscribers) });
}

/// All patterns at four round-trip times.
pub(crate) fn rtt_trials() -> (Manifest, Vec<TrialRecord>) {
    let mut scenario = scenario("rtt", "What does distance do to each pattern?", &Pattern::ALL);
    let rtts = [0, 20, 100, 300];
    scenario.sweep = Some(Sweep { rtt: rtts.map(Period::from_millis).to_vec(), ..Sweep::default() });
    scenario.primary = "age_mean_ms".to_owned();
    let mut records = Vec::new();
    for pattern in Pattern::ALL {
        for rtt in rtts {
            let network = Network { rtt: Period::from_millis(rtt), ..Network::default() };
            let mut record = through("rtt", pattern, network, records.len() as u32);
            change(&mut record, |measured| set_up(measured, 2.0, rtt as f64, 320));
            records.push(record);
        }
    }
    (manifest(vec![scenario], &[HASH], records.len() as u32), records)
}

/// The obstacles, the baseline first.
pub(crate) fn obstacles() -> Vec<Network> {
    let clear = Network::default();
    vec![
        clear,
        Network { idle_timeout: Some(seconds(2)), ..clear },
        Network { buffer: Some(Buffering { bytes: 4_096, pause: Period::from_millis(500) }), ..clear },
        Network { cut_after: Some(seconds(3)), ..clear },
        Network { refuse_upgrade: true, ..clear },
        Network { connections: Some(20), ..clear },
        Network { bytes_per_second: Some(1_000), ..clear },
        Network { black_hole_after: Some(seconds(5)), ..clear },
    ]
}

fn error_count(what: &str, times: u64, is_final: bool) -> Vec<ErrorCount> {
    vec![ErrorCount { what: what.to_owned(), times, subscribers: times.min(50), is_final }]
}

/// The last of the deliveries never come.
fn lose(measured: &mut Measurements, share: f64) {
    let lost = (measured.delivery.expected as f64 * share) as u64;
    measured.delivery.lost = lost;
    measured.delivery.received = measured.delivery.expected - lost;
    let censored = (measured.window_deliveries as f64 * share) as u64;
    let mut arrived = TimeHistogram::default();
    for _ in 0..measured.window_deliveries - censored {
        arrived.record_ns(400_000);
    }
    measured.age.arrived = arrived.distribution();
    measured.age.censored = censored;
    measured.window_received = measured.window_deliveries - censored;
    measured.age.censored_min_us = 2_000_000;
    // The server wrote it, and nobody read it.
    measured.server_bytes_life.as_mut().expect("told").received += 90_000;
    measured.requests.failed = 12;
    balance(measured);
}

fn hinder(measured: &mut Measurements, pattern: Pattern, network: &Network) {
    let mut recovery = TimeHistogram::default();
    let mut back = |times: u64, millis: u64| {
        for _ in 0..times {
            recovery.record_ns(millis * 1_000_000);
        }
    };
    let pushed = matches!(pattern, Pattern::Sse | Pattern::WebSocket);
    if network.idle_timeout.is_some() && pushed || network.cut_after.is_some() {
        measured.requests.reconnects = 240;
        measured.error_counts = error_count("the connection was closed", 240, false);
        back(240, if pattern == Pattern::Sse { 3_000 } else { 40 });
        let idled_out = if network.idle_timeout.is_some() { 240 } else { 0 };
        relayed(
            measured,
            RelayCounts { relayed: 290, idled_out, cut: 240 - idled_out, ..RelayCounts::default() },
        );
    }
    if network.buffer.is_some() && pushed {
        let mut held = TimeHistogram::default();
        for index in 0..measured.window_deliveries {
            held.record_ns(300_000_000 + (golden(index) * 250e6) as u64);
        }
        measured.age.arrived = held.distribution();
    }
    if network.refuse_upgrade && pattern == Pattern::WebSocket {
        measured.never_connected = 50;
        measured.requests.reconnects = 48;
        measured.error_counts = error_count("403 instead of 101", 50, true);
        lose(measured, 1.0);
        relayed(measured, RelayCounts { relayed: 50, upgrades_refused: 50, ..RelayCounts::default() });
    }
    if network.bytes_per_second.is_some() && pushed {
        let mut slow = TimeHistogram::default();
        for _ in 0..measured.window_deliveries {
            slow.record_ns(132_000_000);
        }
        measured.age.arrived = slow.distribution();
    }
    if network.connections.is_some() && pattern != Pattern::ShortPolling {
        measured.never_connected = 30;
        measured.error_counts = error_count("the connection was closed before any answer", 900, false);
        lose(measured, 0.6);
    }
    if network.black_hole_after.is_some() {
        measured.error_counts = error_count("nothing came any more", 50, true);
        lose(measured, 0.7);
        relayed(measured, RelayCounts { relayed: 50, swallowed: 50, ..RelayCounts::default() });
    }
    measured.recovery = recovery.distribution();
}

/// All patterns behind all obstacles.
pub(crate) fn obstacle_trials() -> (Manifest, Vec<TrialRecord>) {
    let question = "Which pattern survives which obstacle?";
    let mut scenario = scenario("obstacles", question, &Pattern::ALL);
    scenario.sweep = Some(Sweep { network: obstacles(), ..Sweep::default() });
    let mut records = Vec::new();
    for pattern in Pattern::ALL {
        for network in obstacles() {
            let mut record = through("obstacles", pattern, network, records.len() as u32);
            change(&mut record, |measured| hinder(measured, pattern, &network));
            records.push(record);
        }
    }
    (manifest(vec![scenario], &[HASH], records.len() as u32), records)
}

/// Three heartbeats of two pushed patterns behind an idle timeout, and long polling, which has none.
pub(crate) fn heartbeat_trials() -> (Manifest, Vec<TrialRecord>) {
    let patterns = [Pattern::LongPolling, Pattern::Sse, Pattern::WebSocket];
    let mut scenario = scenario("idle-timeout", "How little keeps a stream alive?", &patterns);
    let network = Network { idle_timeout: Some(seconds(2)), ..Network::default() };
    let heartbeats = ["off", "1s", "idle 1s"].map(|text| text.parse::<Heartbeat>().expect("a heartbeat"));
    scenario.network = Some(network);
    scenario.primary = "bytes_per_event".to_owned();
    scenario.sweep = Some(Sweep { heartbeat: heartbeats.to_vec(), ..Sweep::default() });
    let mut records = vec![through("idle-timeout", Pattern::LongPolling, network, 0)];
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        for (index, heartbeat) in heartbeats.into_iter().enumerate() {
            let mut record = through("idle-timeout", pattern, network, records.len() as u32);
            record.params.heartbeat = Some(heartbeat);
            change(&mut record, |measured| {
                if heartbeat == Heartbeat::Off {
                    hinder(measured, pattern, &network);
                }
                let more = measured.window_deliveries * [60, 90, 20][index];
                measured.bytes.received += more;
                measured.bytes_life = measured.bytes;
                measured.server_bytes_life =
                    Some(BothWays { received: measured.bytes.received, sent: measured.bytes.sent });
                balance(measured);
                measured.computed_life = None;
            });
            records.push(record);
        }
    }
    (manifest(vec![scenario], &[HASH], records.len() as u32), records)
}

/// SSE and WebSocket over three transports at 100 ms.
pub(crate) fn transport_trials() -> (Manifest, Vec<TrialRecord>) {
    let patterns = [Pattern::Sse, Pattern::WebSocket];
    let mut scenario = scenario("transports", "What does encryption cost before the first event?", &patterns);
    let network = Network { rtt: Period::from_millis(100), ..Network::default() };
    scenario.network = Some(network);
    scenario.primary = "bytes_per_event".to_owned();
    scenario.sweep = Some(Sweep { transport: Transport::ALL.to_vec(), ..Sweep::default() });
    let mut records = Vec::new();
    for pattern in patterns {
        for (transport, (trips, bytes)) in
            Transport::ALL.into_iter().zip([(2.0, 320), (3.0, 1_900), (3.0, 2_050)])
        {
            let mut record = through("transports", pattern, network, records.len() as u32);
            record.params.transport = transport;
            if transport == Transport::Http2 {
                record.params.streams_per_connection = Some(25);
                record.params.max_streams = Some(100);
            }
            change(&mut record, |measured| {
                set_up(measured, trips, 100.0, bytes);
                if transport == Transport::Http2 {
                    measured.sockets_held = 2.0;
                }
            });
            records.push(record);
        }
    }
    (manifest(vec![scenario], &[HASH], records.len() as u32), records)
}

/// A connection that fifty subscribers share, to servers that allow half of them, all, and more.
pub(crate) fn stream_limit_trials() -> (Manifest, Vec<TrialRecord>) {
    let question = "What do subscribers without a stream see?";
    let mut scenario = scenario("stream-limit", question, &[Pattern::Sse]);
    scenario.transport = Transport::Http2;
    scenario.streams_per_connection = 50;
    scenario.sweep = Some(Sweep { max_streams: vec![25, 50, 100], ..Sweep::default() });
    let mut records = Vec::new();
    for limit in [25, 50, 100] {
        let mut record = through("stream-limit", Pattern::Sse, Network::default(), records.len() as u32);
        (record.params.network, record.params.rtt_ms) = (None, None);
        record.params.transport = Transport::Http2;
        (record.params.streams_per_connection, record.params.max_streams) = (Some(50), Some(limit));
        change(&mut record, |measured| {
            measured.relay = None;
            if limit < 50 {
                measured.never_connected = 25;
                lose(measured, 0.5);
                measured.requests.failed = 0;
                // Subscribers without a stream received nothing.
                let life = measured.bytes_life;
                measured.server_bytes_life = Some(BothWays { received: life.received, sent: life.sent });
                measured.bytes = halved(measured.bytes);
            }
        });
        records.push(record);
    }
    (manifest(vec![scenario], &[HASH], records.len() as u32), records)
}

fn halved(bytes: ByteCounts) -> ByteCounts {
    ByteCounts {
        received: bytes.received / 2,
        sent: bytes.sent / 2,
        payload: bytes.payload / 2,
        headers: bytes.headers / 2,
        empty_polls: bytes.empty_polls / 2,
    }
}
