//! Several blocks: values with intervals, comparisons in the answers and in the table, a full run.

use contract::{
    ConnectionCost, IdleStretch, KernelCounts, Load, Manifest, MemoryStep, Params, Pattern, SetUp, Sweep,
    TrialRecord,
};
use report::QuantityName;

use crate::{
    synthetic::{change, in_blocks, manifest, params, record, scenario, sixty_trials, ten_trials, write},
    written::{answer_text, content, judged},
};

/// The ten trials in five blocks, each block a little slower than the one before.
fn fifty_trials() -> (Manifest, Vec<TrialRecord>) {
    let (mut manifest, records) = ten_trials();
    let records = in_blocks(&records, 5, |block, pattern, measured| {
        let slower = 1.0 + 0.02 * f64::from((block + pattern.index() as u32) % 5);
        measured.cpu.server_us *= slower;
        measured.cpu.harness_us *= slower;
        measured.requests.window += u64::from(block);
    });
    manifest.trials_planned = records.len() as u32;
    (manifest, records)
}

#[test]
fn values_stand_with_their_intervals() {
    let (manifest, records) = fifty_trials();
    let findings = judged(manifest, records);
    let sse =
        findings.scenarios[0].points.iter().find(|point| point.pattern == Pattern::Sse).expect("measured");
    let cpu = sse.quantity_of(QuantityName::CpuPerEvent);
    // The geometric mean of 9 µs × (1.00, 1.02, 1.04, 1.06, 1.08).
    let product: f64 = [1.0, 1.02, 1.04, 1.06, 1.08].iter().product();
    let mean = 9.0 * product.powf(0.2);
    assert!((cpu.measured.expect("measured") / mean - 1.0).abs() < 1e-9, "{cpu:?}");
    let (low, high) = cpu.low.zip(cpu.high).expect("five blocks");
    assert!(low < mean && mean < high && (low * high / mean / mean - 1.0).abs() < 1e-9, "{low} {high}");
    assert_eq!(cpu.measured_with_interval(), "9.36\u{202f}µs (9.01–9.72)");

    let files = report::render(&findings);
    assert!(content(&files, "report.html").contains("<small> (9.01–9.72)</small>"));
    assert!(content(&files, "report.md").contains("| 9.36\u{202f}µs (9.01–9.72) |"));
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    assert_eq!(json["points"][0]["blocks"], 5);
    assert!(json["points"][0]["quantities"]["cpu_us_per_event"]["low"].is_f64());
    // Every completed trial has a row for each quantity that it knows.
    let trials = content(&files, "trials.csv");
    let sse_cpu = |line: &&str| line.starts_with("stock-ticker,sse,") && line.contains(",cpu_us_per_event,");
    let rows: Vec<&str> = trials.lines().filter(sse_cpu).collect();
    assert_eq!(rows.len(), 5, "{trials}");
    assert!(rows[1].ends_with(",2,12,true,cpu_us_per_event,us,9.54,"), "{}", rows[1]);
    write("blocks", &files);
}

#[test]
fn answers_and_bold_values_follow_the_comparisons() {
    let (manifest, records) = fifty_trials();
    let findings = judged(manifest, records);
    let sentence = &findings.answers[0].headline;
    // Three patterns' ages are equal in every block. They differ by less than 5 ms, but a difference is shown,
    // because it is the same in every block.
    assert!(sentence.starts_with("WebSocket delivers an event in"), "{sentence}");
    assert!(!sentence.contains("no difference shown"), "{sentence}");
    let found = findings
        .comparisons()
        .find(|found| {
            found.quantity == QuantityName::CpuPerEvent
                && (found.left.pattern, found.right.pattern) == (Pattern::Sse, Pattern::WebSocket)
        })
        .expect("compared");
    // Both take their turns at being slow.
    assert!(!found.shown, "{found:?}");
    assert!(found.words().starts_with("no difference shown (0.9"), "{}", found.words());
    let files = report::render(&findings);
    let row = content(&files, "report.md").lines().find(|line| line.starts_with("| SSE ÷ WebSocket |"));
    let row = row.expect("a row of comparisons");
    assert!(row.contains("| no difference shown (0.9") && row.contains("| 1.03 times |"), "{row}");
    let page = content(&files, "report.html");
    assert!(page.contains("<summary>All pairs compared</summary>"));
    assert!(page.contains("<strong>141\u{202f}B</strong>"), "bytes of WebSocket are lowest");
    assert!(!page.contains("<strong>9.36\u{202f}µs</strong>"), "CPU of SSE is not told from WebSocket's");
}

fn with_connections(measured: &mut contract::Measurements) {
    let step = |load: Load, subscribers: u32| {
        let each = if load == Load::Idle { 2_000 } else { 3_000 };
        MemoryStep {
            load,
            subscribers,
            server_user_bytes: 5_000_000 + each * u64::from(subscribers),
            harness_user_bytes: 9_000_000 + 1_500 * u64::from(subscribers),
            kernel_slab_bytes: 70_000_000 + (each + 500) * u64::from(subscribers),
            kernel_tcp_bytes: 0,
            server_descriptors: 12 + u64::from(subscribers),
        }
    };
    let memory_steps =
        [Load::Idle, Load::Active].into_iter().flat_map(|load| [0, 400, 1_000].map(|of| step(load, of)));
    measured.connections = Some(ConnectionCost {
        memory_steps: memory_steps.collect(),
        idle: IdleStretch { subscribers: 50, wall_us: 10e6, server_us: 5_000.0, ..IdleStretch::default() },
    });
    measured.set_up = Some(SetUp { subscribers: 50, bytes: 20_000, segments: Some(400) });
    measured.kernel_window = Some(KernelCounts {
        segments_sent: 1_500,
        segments_received: 1_800,
        data_segments_received: 1_500,
        ..KernelCounts::default()
    });
}

#[test]
fn connections_have_a_cost() {
    let mut trial = record("ticker", Pattern::Sse, params(Pattern::Sse, 0.0, 50), 0);
    change(&mut trial, with_connections);
    let mut question = scenario("ticker", "What?", &[Pattern::Sse]);
    question.memory_steps = vec![0, 20, 50];
    let found = judged(manifest(vec![question], &[], 1), vec![trial]);
    let point = &found.scenarios[0].points[0];
    for (name, expected) in [
        (QuantityName::PacketsPerEvent, 2.2),
        (QuantityName::WakeupsPerEvent, 1.0),
        (QuantityName::ConnectBytes, 400.0),
        (QuantityName::ConnectPackets, 8.0),
        (QuantityName::MemoryUser, 2_000.0),
        (QuantityName::MemoryUserActive, 3_000.0),
        (QuantityName::MemoryKernel, 2_500.0),
        (QuantityName::MemoryKernelActive, 3_500.0),
        (QuantityName::MemorySubscriber, 1_500.0),
        (QuantityName::Descriptors, 1.0),
        // 5 ms of CPU in 10 s of wall, for 50 subscribers: 0.0005 × 3,600 ÷ 50.
        (QuantityName::CpuIdlePerSubscriberHour, 0.036),
        // 9 µs less 0.0005 of the 1.5 s between the readings, over 1,500 deliveries: 0.5 µs.
        (QuantityName::CpuAboveIdlePerEvent, 8.5),
    ] {
        let value = point.quantity_of(name).measured.unwrap_or_else(|| panic!("{}", name.key()));
        assert!((value / expected - 1.0).abs() < 1e-9, "{}: {value}", name.key());
    }
    let files = report::render(&found);
    let page = content(&files, "report.html");
    let words = "An idle subscriber costs the server 2.00\u{202f}KB with SSE. The kernel adds up to 2.50\u{202f}KB per connection.";
    assert_eq!(found.answers[0].headline, words);
    assert!(page.contains("server memory per subscriber, idle</a>"), "a column where it was measured");
    let (manifest, records) = ten_trials();
    let files = report::render(&judged(manifest, records));
    assert!(!content(&files, "report.html").contains("server memory per subscriber"));
}

fn packets(segments_sent: u64) -> KernelCounts {
    KernelCounts { segments_sent, ..KernelCounts::default() }
}

#[test]
fn keep_alive_is_compared_within_its_pattern() {
    let mut question = scenario("keep-alive", "What does a new connection cost?", &Pattern::ALL);
    question.sweep = Some(Sweep { keep_alive: vec![true, false], ..Sweep::default() });
    let mut trials = Vec::new();
    for pattern in Pattern::ALL {
        let kept = params(pattern, 1_000.0, 50);
        let mut open = record("keep-alive", pattern, kept, 0);
        change(&mut open, |measured| measured.kernel_window = Some(packets(2 * measured.window_deliveries)));
        trials.push(open);
        if kept.keep_alive.is_some() {
            let mut closed = record("keep-alive", pattern, Params { keep_alive: Some(false), ..kept }, 0);
            change(&mut closed, |measured| {
                measured.bytes.received += 200 * measured.window_deliveries;
                measured.kernel_window = Some(packets(9 * measured.window_deliveries));
            });
            trials.push(closed);
        }
    }
    let found = judged(manifest(vec![question], &[], 30), in_blocks(&trials, 5, |_, _, _| ()));
    let of_bytes = |found: &&report::PointComparison| {
        found.quantity == QuantityName::BytesPerEvent && found.left.pattern == found.right.pattern
    };
    let within: Vec<&report::PointComparison> = found.comparisons().filter(of_bytes).collect();
    assert_eq!(within.len(), 2, "short and long polling");
    assert!(within.iter().all(|found| found.shown), "{within:?}");
    let sentence = answer_text(&found.answers[0]);
    assert!(sentence.starts_with("Without keep-alive "), "{sentence}");
    assert!(sentence.contains("pay alike: 4.50 times the packets per event"), "{sentence}");
    assert!(sentence.contains("SSE 2.00 either way"), "{sentence}");
    // Only the points that it matters to have the warning about the model.
    for point in &found.scenarios[0].points {
        let said = point.warnings.iter().any(|warning| warning.contains("leaves out the time to open"));
        assert_eq!(said, point.params.keep_alive == Some(false), "{:?}", point.warnings);
    }
    assert!(!report::render(&found).is_empty());
}

#[test]
fn the_summary_keeps_to_its_schema() {
    let schema = report::summary_schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let (mut manifest, mut records) = fifty_trials();
    manifest.scenarios[0].thresholds =
        vec!["age_p99_ms < 250".to_owned(), "sse.packets_per_event < 9".to_owned()];
    records.truncate(47);
    for records in [records, vec![]] {
        let files = report::render(&judged(manifest.clone(), records));
        let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut broken = json;
        broken["run"]["verdict"] = serde_json::json!(7);
        assert!(!validator.is_valid(&broken));
    }
}

#[test]
fn a_full_run_in_five_blocks_fits_into_one_page() {
    let (mut manifest, records) = sixty_trials();
    let records = in_blocks(&records, 5, |block, _, measured| {
        measured.cpu.server_us *= 1.0 + 0.01 * f64::from(block);
    });
    manifest.trials_planned = records.len() as u32;
    for scenario in &mut manifest.scenarios {
        scenario.thresholds = vec!["age_p99_ms < 2500".to_owned(), "lost == 0".to_owned()];
    }
    assert!(records.len() >= 300, "{}", records.len());
    let files = report::render(&judged(manifest, records));
    let size = content(&files, "report.html").len();
    assert!(size <= 1_500_000, "{size} bytes");
    write("full", &files);
}
