//! One run over all four patterns, and checks of all its files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use contract::{
    Calibration, Manifest, Measurements, Pattern, RECORD_SCHEMA, TraceEvent, TrialRecord, poll_phase,
};
use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    },
};
use serde_json::Value;

use crate::lab::{
    Lab, files, manifest,
    process::{Finished, Running},
    read, records, scenario, summary,
};

const SEED: &str = "7";
const SUBSCRIBERS: u64 = 5;
/// At least thirty events in the window, as the model requires; a hold of at most an eighth of the window; and
/// a gap between events that is long enough for a shared machine, so that the number of requests is
/// predictable.
const CHANGES: [(&str, &str); 7] = [
    ("patterns", r#"["short-polling", "long-polling", "sse", "websocket"]"#),
    ("subscribers", "5"),
    ("poll_interval", "\"40ms\""),
    ("hold", "\"250ms\""),
    ("turnaround", "\"5ms\""),
    ("measure", "\"2s\""),
    ("[events]", "arrivals = \"steady\"\nrate_hz = 16.0"),
];

/// The same with ordinary clients, which add a header line to each request.
fn ordinary() -> Vec<(&'static str, &'static str)> {
    let polling = ("patterns", r#"["short-polling", "long-polling"]"#);
    CHANGES.into_iter().chain([polling, ("client", "\"reqwest\"")]).collect()
}

/// The one run, and the output of the program.
struct Run {
    folder: PathBuf,
    said: Finished,
    manifest: Manifest,
    records: Vec<TrialRecord>,
    summary: Value,
}

/// Runs it once for all tests. Its files stay in cargo's folder for tests, for the analysis of a failure.
fn the_run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pushlab-run");
        let _ = fs::remove_dir_all(&place);
        let lab = Lab::new();
        lab.scenario("four", &CHANGES);
        lab.scenario("ordinary", &ordinary());
        let results = place.to_str().unwrap();
        let said = lab.run(&["bench", "four", "ordinary", "--seed", SEED, "--results", results]).exits(0);
        let folder = fs::canonicalize(place.join("latest")).unwrap();
        Run {
            said,
            manifest: manifest(&folder),
            records: records(&folder),
            summary: summary(&folder),
            folder,
        }
    })
}

impl Run {
    /// The judged trials, with their measurements and their points of the summary.
    fn judged(&self) -> Vec<(&TrialRecord, &Measurements, &Value)> {
        let judged = self.records.iter().filter(|record| record.scenario != "calibration");
        judged.map(|record| (record, measurements(record), self.point(record))).collect()
    }

    fn point(&self, record: &TrialRecord) -> &Value {
        let points = self.summary["points"].as_array().unwrap();
        let is_its = |point: &&Value| {
            point["scenario"] == record.scenario.as_str() && point["pattern"] == record.pattern.slug()
        };
        points.iter().find(is_its).unwrap()
    }
}

fn measurements(record: &TrialRecord) -> &Measurements {
    record.measurements().unwrap_or_else(|| panic!("{} failed: {:?}", label(record), record.outcome))
}

fn label(record: &TrialRecord) -> String {
    format!("{} {}", record.scenario, record.pattern)
}

#[test]
fn it_passes_and_says_where_the_report_is() {
    let run = the_run();
    assert_eq!(run.said.stderr, "");
    let report = format!("{}/report.html", run.folder.file_name().unwrap().to_str().unwrap());
    for words in ["10/10 ", "valid, one run: 6 of 6", &report] {
        assert!(run.said.stdout.contains(words), "`{words}` is missing in: {}", run.said.stdout);
    }
    assert_eq!(run.summary["run"]["verdict"], "passed");
}

#[test]
fn the_folder_holds_all_files_of_a_run_and_nothing_else() {
    let run = the_run();
    let found = files(&run.folder);
    for file in ["manifest.json", "records.jsonl", "summary.json", "summary.csv", "report.html", "report.md"]
    {
        assert!(found.iter().any(|name| name == file), "{file} is missing in {found:?}");
    }
    let figures: Vec<&String> = found.iter().filter(|name| name.starts_with("figures/")).collect();
    assert!(!figures.is_empty() && figures.iter().all(|name| name.ends_with(".svg")), "{figures:?}");
    assert!(found.iter().all(|name| !name.ends_with(".draft")), "{found:?}");
    for page in ["report.html", "report.md"] {
        let text = read(&run.folder.join(page));
        assert!(text.contains("Does it work?"), "{page} has the question");
        assert!(!text.contains("NaN"), "{page}");
    }
    for figure in figures {
        assert!(read(&run.folder.join(figure)).contains("<svg"), "{figure}");
    }
    let name = run.folder.file_name().unwrap().to_str().unwrap();
    let (stamp, scenario) = name.split_once('-').unwrap();
    assert!(
        scenario == "four-ordinary" && stamp.len() == "20261121T060000Z".len() && stamp.ends_with('Z'),
        "{name}"
    );
    let latest = fs::read_link(run.folder.with_file_name("latest")).unwrap();
    assert_eq!(latest, Path::new(name), "relative, so that the results can be moved");
}

#[test]
fn every_record_can_be_repeated_and_predicted_by_itself() {
    let run = the_run();
    assert_eq!((run.manifest.seed, run.manifest.trials_planned), (7, 6));
    assert_eq!(run.records.len(), 10, "a calibration of each pattern, and the trials");
    let calibrated: Vec<(Pattern, Calibration)> = run
        .records
        .iter()
        .filter(|record| record.scenario == "calibration")
        .map(|record| (record.pattern, record.calibration.expect("it found something out")))
        .collect();
    assert_eq!(calibrated.iter().map(|(pattern, _)| *pattern).collect::<Vec<_>>(), Pattern::ALL);
    for record in &run.records {
        assert_eq!((record.schema, record.seed), (RECORD_SCHEMA, 7));
        assert_eq!(record.environment, run.manifest.environment);
        assert!(record.environment.cores > 0 && record.environment.memory_mib > 0, "{record:?}");
        assert_eq!(record.environment.pushlab, env!("CARGO_PKG_VERSION"));
        assert!((0.0..1.0).contains(&record.poll_phase));
        assert_eq!(record.schedule_hash.len(), 64, "a SHA-256");
        assert!(run.manifest.started_at <= record.started_at);
    }
    for (record, measured, _) in run.judged() {
        let schedule = run.manifest.schedule(&record.schedule_hash).expect("its due list");
        assert_eq!(schedule.due_ns.len() as u64 * SUBSCRIBERS, measured.delivery.expected);
        let found = calibrated.iter().find(|(pattern, _)| *pattern == record.pattern).unwrap().1;
        assert_eq!(record.calibration, Some(found), "the calibration that its prediction used");
    }
}

#[test]
fn everything_is_delivered_once_and_in_order() {
    let run = the_run();
    for record in &run.records {
        let delivery = measurements(record).delivery;
        assert!(delivery.expected > 0);
        assert_eq!(delivery.received, delivery.expected, "{}", label(record));
        let (lost, twice, disorder) = (delivery.lost, delivery.duplicated, delivery.reordered);
        assert_eq!((lost, twice, disorder, delivery.foreign), (0, 0, 0, 0));
    }
    for (_, measured, point) in run.judged() {
        assert_eq!(point["valid"], true);
        assert_eq!(point["delivery"]["received"], measured.delivery.received);
        assert_eq!(measured.window_deliveries, 32 * SUBSCRIBERS, "2 s at 16 events per second");
        assert_eq!(measured.age.arrived.count, measured.window_deliveries);
        assert_eq!(measured.age.censored, 0);
    }
}

#[test]
fn subscribers_and_server_count_the_same_requests_and_bytes() {
    for record in &the_run().records {
        let measured = measurements(record);
        let (requests, bytes) = (&measured.requests, &measured.bytes_life);
        let what = label(record);
        assert_eq!(Some(requests.life), measured.server_requests_life, "{what}");
        assert_eq!(Some(bytes.total()), measured.server_bytes_life.map(contract::BothWays::total), "{what}");
        assert_eq!((requests.failed, requests.reconnects), (0, 0), "{what}");
        // The parts are counted apart from the total; the rest is framing.
        assert!(bytes.payload + bytes.headers + bytes.empty_polls < bytes.total(), "{what}: {bytes:?}");
        assert_eq!(bytes.payload, 100 * measured.delivery.received, "{what}");
        assert!(measured.bytes.total() < bytes.total(), "{what}");
        assert_eq!(measured.sockets_held, f64::from(record.params.subscribers), "{what}");
        match record.pattern {
            Pattern::Sse | Pattern::WebSocket => {
                assert_eq!(requests.life, u64::from(record.params.subscribers), "{what}: one each");
                assert_eq!((requests.window, bytes.empty_polls), (0, 0), "{what}");
            }
            Pattern::ShortPolling | Pattern::LongPolling => {
                assert!(requests.life > requests.window && requests.window > 0, "{what}: {requests:?}");
            }
        }
    }
}

/// These are counts, not times: they hold on any machine that is fast enough to poll. A machine that stands
/// still for longer than the gap between two events skips polls and answers several events at once; then the
/// bounds are wide.
#[test]
fn requests_and_bytes_per_event_are_as_predicted() {
    const STANDSTILL_US: u64 = 40_000;
    for (record, measured, point) in the_run().judged() {
        let what = label(record);
        let standstill = match record.pattern {
            Pattern::ShortPolling => measured.requests.window_skipped > 0,
            Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => {
                measured.age.arrived.max_us > STANDSTILL_US
            }
        };
        let requests_within = match record.pattern {
            Pattern::ShortPolling => 0.03,
            Pattern::LongPolling => 0.05,
            Pattern::Sse | Pattern::WebSocket => 0.0,
        };
        for (name, within) in [("requests_per_event", requests_within), ("bytes_per_event", 0.02)] {
            let within = if standstill { 0.25 } else { within };
            let quantity = &point["quantities"][name];
            let number = |field: &str| {
                quantity[field].as_f64().unwrap_or_else(|| panic!("{what}: no {field} {name}: {quantity}"))
            };
            let (found, predicted) = (number("measured"), number("predicted"));
            assert!(
                (found - predicted).abs() <= within * predicted,
                "{what}: {name} is {found}, predicted {predicted} (standstill: {standstill})"
            );
        }
    }
}

#[test]
fn the_table_of_numbers_has_a_row_for_each_quantity_of_each_point() {
    let run = the_run();
    let csv = read(&run.folder.join("summary.csv"));
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|head| *head == name).unwrap();
    for point in run.summary["points"].as_array().unwrap() {
        for (name, quantity) in point["quantities"].as_object().unwrap() {
            let mut matching = rows.iter().filter(|row| {
                row[column("scenario")] == point["scenario"]
                    && row[column("pattern")] == point["pattern"]
                    && row[column("quantity")] == name.as_str()
            });
            let row = matching.next().unwrap_or_else(|| panic!("no row for {name}"));
            for field in ["measured", "predicted", "closed_form", "low", "high"] {
                let cell = row[column(field)].parse::<f64>().ok();
                assert_eq!(cell, quantity[field].as_f64(), "{name}, {field}");
            }
            assert!(matching.next().is_none(), "{name} once");
        }
    }
}

#[test]
fn the_report_comes_out_the_same_from_manifest_and_records_alone() {
    let run = the_run();
    let lab = Lab::new();
    fs::create_dir(lab.path("copy")).unwrap();
    for file in ["manifest.json", "records.jsonl"] {
        fs::copy(run.folder.join(file), lab.path("copy").join(file)).unwrap();
    }
    let said = lab.run(&["report", "copy"]).exits(0).stdout;
    assert!(said.contains("copy/report.html"), "{said}");
    // The interval logs are written when the trials end; they are no part of the report.
    let of_report: Vec<String> =
        files(&run.folder).into_iter().filter(|name| !name.starts_with("hdr/")).collect();
    assert_eq!(files(&lab.path("copy")), of_report);
    for file in of_report {
        let again = read(&lab.path("copy").join(&file));
        assert!(again == read(&run.folder.join(&file)), "{file} came out different");
    }
    // A new report replaces an old one.
    lab.write("copy/report.md", "something else");
    lab.run(&["report", "copy"]).exits(0);
    assert!(read(&lab.path("copy/report.md")) == read(&run.folder.join("report.md")));
}

#[test]
fn every_trial_has_an_interval_log_of_all_its_ages() {
    let run = the_run();
    let logs: Vec<String> = files(&run.folder).into_iter().filter(|name| name.starts_with("hdr/")).collect();
    let mut expected = Vec::new();
    for record in &run.records {
        let TrialRecord { order, scenario, pattern, block, .. } = record;
        expected.push(format!("hdr/{order:03}-{scenario}-{pattern}-block{block}.hlog"));
        let text = read(&run.folder.join(expected.last().unwrap()));
        assert!(text.contains("microseconds"), "the unit is named: {text}");
        let seconds: Vec<Histogram<u64>> = IntervalLogIterator::new(text.as_bytes())
            .filter_map(|entry| match entry.unwrap() {
                LogEntry::Interval(interval) => Some(interval),
                LogEntry::StartTime(_) | LogEntry::BaseTime(_) => None,
            })
            .map(|interval| {
                assert_eq!(interval.tag().unwrap().as_str(), pattern.slug());
                let encoded = STANDARD.decode(interval.encoded_histogram()).unwrap();
                Deserializer::new().deserialize(&mut encoded.as_slice()).unwrap()
            })
            .collect();
        let counts: Vec<u64> = seconds.iter().map(Histogram::len).collect();
        let recorded: Vec<u64> = measurements(record).age_seconds.iter().map(|second| second.count).collect();
        assert_eq!(counts, recorded, "{}", label(record));
    }
    assert_eq!(logs, expected);
}

#[test]
fn the_instrument_measured_itself() {
    for record in &the_run().records {
        let (measured, what) = (measurements(record), label(record));
        let publisher = measured.publisher;
        let events = measured.delivery.expected / u64::from(record.params.subscribers);
        assert_eq!(
            (publisher.planned, publisher.published, publisher.refused),
            (events, events, 0),
            "{what}"
        );
        assert_eq!(measured.workers as usize, record.environment.harness_cores.len().max(1), "{what}");
        // One sleep of 10 ms after the other, late or not.
        assert!(measured.stalls.count > 10, "{what}: {}", measured.stalls.count);
        assert!(measured.cpu.server_wait_us.is_some() && measured.cpu.harness_wait_us.is_some(), "{what}");
        assert!(measured.clock_step_us.is_finite() && measured.clock_step_us >= 0.0, "{what}");
        assert_eq!(measured.swapped_pages.is_some(), Path::new("/proc/vmstat").exists(), "{what}");
        assert!(measured.wakeups > 0, "{what}");
        let ordinary = record.scenario == "ordinary";
        assert_eq!(measured.computed_life.is_none(), ordinary, "{what}: an ordinary client reports none");
        assert_eq!(measured.kernel_life.is_none(), ordinary || !cfg!(target_os = "linux"), "{what}");
        assert_eq!(measured.set_up.is_none(), ordinary, "{what}");
    }
}

/// The events of one subscriber's trace, from its record alone.
#[test]
fn the_trace_of_a_subscriber_is_ordered_and_shows_the_first_events() {
    let run = the_run();
    for (record, measured, _) in run.judged() {
        let (trace, what) = (&measured.trace, label(record));
        let at = |entry: &TraceEvent| match *entry {
            TraceEvent::Connected { at_ns }
            | TraceEvent::Asked { at_ns }
            | TraceEvent::Answered { at_ns, .. }
            | TraceEvent::Delivered { at_ns, .. } => at_ns,
        };
        assert!(trace.len() <= 400 && trace.is_sorted_by_key(at), "{what}: {trace:?}");
        let schedule = run.manifest.schedule(&record.schedule_hash).expect("its due list");
        let window = measured.window;
        let first_ns = schedule.due_ns.iter().find(|due_ns| window.contains(**due_ns)).unwrap();
        let (mut deliveries, mut brought, mut asked) = (0, 0, 0);
        for entry in trace {
            match *entry {
                TraceEvent::Delivered { due_ns, at_ns } => {
                    assert!(at_ns >= due_ns, "{what}");
                    deliveries += usize::from(due_ns >= *first_ns as i64);
                }
                TraceEvent::Answered { events, .. } => brought += events,
                TraceEvent::Asked { .. } => asked += 1,
                TraceEvent::Connected { .. } => {}
            }
        }
        assert!(deliveries >= 20, "{what}: {trace:?}");
        let before = trace.iter().filter(|entry| at(entry) < *first_ns as i64).count();
        assert_eq!(before, 1, "{what}: the last thing before, {trace:?}");
        match record.pattern {
            Pattern::ShortPolling | Pattern::LongPolling => {
                assert!(asked > 1 && brought >= 20, "{what}: {trace:?}");
            }
            Pattern::Sse | Pattern::WebSocket => assert_eq!((asked, brought), (0, 0), "{what}: {trace:?}"),
        }
    }
}

/// The third of five. The phase of its polls shows that the trace is really of that one: no other subscriber's
/// timer fires so shortly before one of its requests.
#[test]
fn the_traced_subscriber_is_the_one_in_the_middle() {
    for (record, measured, _) in the_run().judged() {
        assert_eq!(measured.traced_subscriber, 2, "{}", label(record));
        let Some(interval_ms) = record.params.poll_interval_ms else { continue };
        let since_tick_ms = |subscriber: u64| {
            let tick_ms = poll_phase(record.poll_phase, subscriber as u32) * interval_ms;
            let asked = measured.trace.iter().filter_map(|entry| match entry {
                TraceEvent::Asked { at_ns } => Some((*at_ns as f64 * 1e-6 - tick_ms).rem_euclid(interval_ms)),
                TraceEvent::Connected { .. } | TraceEvent::Answered { .. } | TraceEvent::Delivered { .. } => {
                    None
                }
            });
            asked.fold(f64::INFINITY, f64::min)
        };
        let nearest =
            (0..SUBSCRIBERS).min_by(|one, other| since_tick_ms(*one).total_cmp(&since_tick_ms(*other)));
        assert_eq!(nearest, Some(2), "{}: {:?}", label(record), measured.trace);
    }
}

/// The manifest is written before the first trial, so these runs can end then.
#[test]
fn the_seed_alone_decides_what_is_published() {
    let first = &the_run().manifest;
    let manifest_with = |seed: &str| {
        let lab = Lab::new();
        lab.scenario("four", &CHANGES);
        let running = Running::start(lab.command(&["bench", "four", "--seed", seed]));
        let manifest = manifest(&lab.run_with_manifest());
        running.kill();
        manifest
    };
    let hashes = |manifest: &Manifest| -> Vec<String> {
        manifest.schedules.iter().map(|schedule| schedule.hash.clone()).collect()
    };
    assert_eq!(hashes(first).len(), 1, "the same events for all four patterns");
    assert_eq!(manifest_with(SEED).schedules, first.schedules);
    let other = manifest_with("8");
    assert_eq!(hashes(&other).len(), 1);
    assert_ne!(hashes(&other), hashes(first));
}

#[test]
fn the_default_run_has_blocks_and_shorter_trials_of_its_own() {
    let lab = Lab::new();
    let own = "\n[default_run]\npatterns = [\"sse\"]\nblocks = 2\nwarm_up = \"100ms\"\nmeasure = \"1s\"\n";
    lab.write("scenarios/part.toml", &(scenario("part", &CHANGES) + own));
    let said = lab.run(&["bench", "--seed", SEED]);
    assert!(said.stdout.contains("2 trials in 2 blocks"), "{}", said.stdout);
    let folder = lab.path("results/latest").canonicalize().unwrap();
    assert_eq!(manifest(&folder).blocks, [2]);
    let records: Vec<TrialRecord> = records(&folder).into_iter().filter(|of| of.scenario == "part").collect();
    assert_eq!(records.iter().map(|record| record.block).collect::<Vec<_>>(), [1, 2]);
    for record in &records {
        let window = record.measurements().unwrap().window;
        assert_eq!((window.start_ns, window.end_ns), (100_000_000, 1_100_000_000));
    }
    // The report prints the settings that were run, not those of the file.
    let page = read(&folder.join("report.md"));
    let ran =
        "Warm-up 100\u{202f}ms, measured 1\u{202f}s, in 2 blocks. If run by name, the scenario warms up for";
    assert!(page.contains(ran), "{page}");
    assert!(!page.contains("no difference shown"), "{page}");
}

#[test]
fn a_prediction_needs_no_run() {
    let lab = Lab::new();
    lab.scenario("four", &CHANGES);
    let table = lab.run(&["predict", "four", "--seed", SEED]).exits(0);
    assert_eq!(table.stderr, "");
    assert_eq!(table.stdout.matches("Does it work?").count(), 1, "the question once: {}", table.stdout);
    for pattern in Pattern::ALL {
        let row = table.stdout.lines().find(|line| line.starts_with(pattern.label()));
        let row = row.unwrap_or_else(|| panic!("{pattern} is missing in {}", table.stdout));
        assert!(!row.contains('—'), "every number is there: {row}");
    }
    assert_eq!(lab.run(&["predict", "four", "--seed", SEED]).stdout, table.stdout);
    assert!(!lab.path("results").exists());

    // The part that the default run takes.
    let own = "\n[default_run]\npatterns = [\"sse\"]\n";
    lab.write("scenarios/part.toml", &(scenario("part", &CHANGES) + own));
    let part = lab.run(&["predict", "part", "--seed", SEED, "--default-run"]).exits(0).stdout;
    let sse = |text: &str| -> Vec<String> {
        let row = text.lines().find(|line| line.starts_with("SSE")).unwrap_or_default();
        row.split_whitespace().map(str::to_owned).collect()
    };
    assert!(sse(&part).len() > 5 && sse(&part) == sse(&table.stdout), "{part}");
    assert!(!part.contains("WebSocket"), "{part}");
    let nothing = lab.run(&["predict", "four", "--default-run"]).exits(2);
    assert!(nothing.stderr.contains("four has no [default_run]"), "{}", nothing.stderr);

    // Too few events for a prediction: the table says so instead of a number.
    lab.write("scenarios/short.toml", &scenario("short", &[("[events]", "arrivals = \"silence\"")]));
    let nothing = lab.run(&["predict", "short"]).exits(0).stdout;
    assert!(nothing.contains("no prediction"), "{nothing}");
}
