//! Synthetic tasks of a browser.

use contract::{
    BrowserAudience, BrowserCheck, BrowserClock, BrowserFindings, BrowserLane, BrowserTask, Crowd, Manifest,
    Outcome, PageApi, Params, Pattern, SetUp, Sweep, Transport, TrialRecord,
};

use super::{change, manifest, params, record, scenario};

const HASH: &str = "a1b2c3d4e5f60718";
const BROWSER: &str = "Chromium 141.0";

fn watched(name: &str, pattern: Pattern, task: BrowserTask, transport: Transport, order: u32) -> TrialRecord {
    let params = Params {
        transport,
        browser: Some(BrowserAudience { task, streams: 8 }),
        ..params(pattern, 1_000.0, 50)
    };
    let mut record = record(name, pattern, params, order);
    record.calibration = None;
    record.outcome = Outcome::BrowserRun {
        findings: Box::new(BrowserFindings {
            browser: BROWSER.to_owned(),
            lanes: Vec::new(),
            checks: Vec::new(),
            connections: 1,
            stream_limit: None,
            crowd: None,
            warnings: Vec::new(),
        }),
    };
    record
}

fn findings(record: &mut TrialRecord) -> &mut BrowserFindings {
    match &mut record.outcome {
        Outcome::BrowserRun { findings } => findings,
        Outcome::Completed { .. } | Outcome::Failed { .. } | Outcome::NotRun { .. } => {
            panic!("only a browser's task has findings")
        }
    }
}

/// Eight streams of which some open, then a fetch with a given waiting time.
fn lanes(pattern: Pattern, open: usize, fetch_ms: Option<f64>) -> Vec<BrowserLane> {
    let (word, kind) = match pattern {
        Pattern::WebSocket => ("WebSocket", PageApi::WebSocket),
        Pattern::ShortPolling | Pattern::LongPolling | Pattern::Sse => ("EventSource", PageApi::EventSource),
    };
    let mut lanes: Vec<BrowserLane> = (0..8)
        .map(|index| {
            let asked_ms = index as f64 * 0.4;
            let is_open = index < open;
            BrowserLane {
                label: format!("{word} {}", index + 1),
                kind,
                asked_ms,
                // A waiting stream opens when the page closes others.
                opened_ms: Some(if is_open { asked_ms + 14.0 } else { 5_400.0 }),
                first_ms: is_open.then_some(asked_ms + 410.0),
                ended_ms: Some(5_400.0),
                protocol: is_open.then(|| "http/1.1".to_owned()),
                problem: None,
            }
        })
        .collect();
    lanes.push(BrowserLane {
        label: "fetch".to_owned(),
        kind: PageApi::Fetch,
        asked_ms: 400.0,
        opened_ms: fetch_ms.map(|fetch_ms| 400.0 + fetch_ms),
        first_ms: fetch_ms.map(|fetch_ms| 401.0 + fetch_ms),
        ended_ms: fetch_ms.map(|fetch_ms| 401.0 + fetch_ms),
        protocol: None,
        problem: None,
    });
    lanes
}

/// Eight streams and a fetch, over HTTP/1.1 and HTTP/2, of EventSource and of WebSocket.
pub(crate) fn six_connections() -> (Manifest, Vec<TrialRecord>) {
    let name = "six-connections";
    let mut scenario =
        scenario(name, "How many streams can one page have?", &[Pattern::Sse, Pattern::WebSocket]);
    scenario.sweep = Some(Sweep { transport: vec![Transport::Http1, Transport::Http2], ..Sweep::default() });
    scenario.browser = Some(BrowserAudience { task: BrowserTask::SixConnections, streams: 8 });
    let mut records = Vec::new();
    for (pattern, transport, open, fetch_ms) in [
        (Pattern::Sse, Transport::Http1, 6, Some(5_003.0)),
        (Pattern::Sse, Transport::Http2, 8, Some(12.0)),
        (Pattern::WebSocket, Transport::Http1, 8, Some(9.0)),
        (Pattern::WebSocket, Transport::Http2, 8, None),
    ] {
        let order = records.len() as u32;
        let mut record = watched(name, pattern, BrowserTask::SixConnections, transport, order);
        let found = findings(&mut record);
        found.lanes = lanes(pattern, open, fetch_ms);
        found.connections = match (transport, pattern) {
            (Transport::Http2, _) => 1,
            // A stream that the page closes takes its connection with it.
            (_, Pattern::Sse) => 9,
            (_, _) => open as u64 + 1,
        };
        found.stream_limit = (transport == Transport::Http2).then_some(100);
        let set_up = SetUp { subscribers: 2_000, bytes: 640_000, segments: Some(18_000) };
        found.crowd =
            Some(Crowd { asked: 2_000, connected: 2_000, set_up: Some(set_up), deliveries: 20_000 });
        records.push(record);
    }
    (manifest(vec![scenario], &[HASH], 4), records)
}

pub(crate) fn check(name: &str, question: &str, holds: bool) -> BrowserCheck {
    BrowserCheck {
        name: name.to_owned(),
        question: question.to_owned(),
        expected: "one event with data “a b”".to_owned(),
        found: if holds { "one event with data “a b”" } else { "no event" }.to_owned(),
        ours: Some("one event with data “a b”".to_owned()),
        holds,
    }
}

/// SSE conformance cases, of which some hold.
pub(crate) fn check_trials(holding: usize) -> (Manifest, Vec<TrialRecord>) {
    let name = "browser-sse";
    let mut scenario = scenario(name, "Does a browser read a stream as we do?", &[Pattern::Sse]);
    scenario.browser = Some(BrowserAudience { task: BrowserTask::SseConformance, streams: 1 });
    let mut record = watched(name, Pattern::Sse, BrowserTask::SseConformance, Transport::Http1, 0);
    let questions = ["a byte order mark before the first line", "a NUL in an id", "a line ended by CR alone"];
    findings(&mut record).checks = questions
        .into_iter()
        .enumerate()
        .map(|(index, question)| check(&format!("P{}", index + 17), question, index < holding))
        .collect();
    (manifest(vec![scenario], &[HASH], 1), vec![record])
}

/// Ages from a browser for two patterns, in several blocks.
pub(crate) fn age_trials(blocks: u32, bound_us: f64) -> (Manifest, Vec<TrialRecord>) {
    let name = "browser-ages";
    let patterns = [Pattern::Sse, Pattern::WebSocket];
    let scenario = scenario(name, "How old is an event in a real page?", &patterns);
    let mut records = Vec::new();
    for block in 0..blocks {
        for pattern in patterns {
            let mut params = params(pattern, 1_000.0, 50);
            params.browser = Some(BrowserAudience { task: BrowserTask::Ages, streams: 1 });
            let mut record = record(name, pattern, params, records.len() as u32);
            record.block = block + 1;
            change(&mut record, |measured| {
                measured.browser_clock =
                    Some(BrowserClock { browser: BROWSER.to_owned(), bound_us, round_trips: 20 });
            });
            records.push(record);
        }
    }
    (manifest(vec![scenario], &[HASH], records.len() as u32), records)
}

/// The same trial, not run.
pub(crate) fn not_run(mut record: TrialRecord) -> TrialRecord {
    let reason = "no Chromium: install one with `just setup-browser`".to_owned();
    record.outcome = Outcome::NotRun { reason };
    record
}
