//! The figures of synthetic runs: their texts, their drawings, and what they leave out.

use contract::{Load, Manifest, Pattern, Period, Sweep, TraceEvent, TrialRecord};
use report::{Findings, OutputFile};

use crate::{
    synthetic::{
        change, connection_trials, heartbeat_trials, in_scattered_blocks, manifest, params, record, scenario,
        sixty_trials, stream_limit_trials, ten_trials, trace, with_intervals, write,
    },
    written::{assert_finite, content, findings},
};

/// A run of one scenario of all patterns without sweep.
fn run_of(records: &[TrialRecord], thresholds: &[&str]) -> Vec<OutputFile> {
    let mut ticker = scenario("stock-ticker", "Who hears of a price first?", &Pattern::ALL);
    ticker.thresholds = thresholds.iter().map(|condition| (*condition).to_owned()).collect();
    report::render(&findings(&manifest(vec![ticker], &["a1b2c3d4e5f60718"], records.len() as u32), records))
}

fn one(pattern: Pattern, order: u32) -> TrialRecord {
    record("stock-ticker", pattern, params(pattern, 1_000.0, 50), order)
}

fn four() -> Vec<TrialRecord> {
    Pattern::ALL.into_iter().zip(0..).map(|(pattern, order)| one(pattern, order)).collect()
}

/// The text between `<title>` and `</title>`, or of another element.
fn words<'a>(svg: &'a str, element: &str) -> &'a str {
    let start = svg.find(&format!("<{element} id=")).expect("the element is there");
    let text = &svg[start + svg[start..].find('>').expect("it opens") + 1..];
    &text[..text.find("</").expect("it ends")]
}

fn figure<'a>(files: &'a [OutputFile], name: &str) -> Option<&'a str> {
    let path = format!("figures/{name}.svg");
    files.iter().find(|file| file.path == path).map(|file| file.content.as_str())
}

#[test]
fn five_blocks_of_sixty_trials_fit_into_one_page() {
    let (mut manifest, records) = sixty_trials();
    manifest.scenarios[0].thresholds =
        ["age_p99_ms < 250", "age_p50_ms < 5", "sse.age_p99_ms <= 200"].map(str::to_owned).to_vec();
    let records = in_scattered_blocks(&mut manifest, &records, 5);
    let mut findings = findings(&manifest, &records);
    with_intervals(&mut findings, 18.0);
    let files = report::render(&findings);
    let page = content(&files, "report.html");
    eprintln!("{} trials, {} bytes", records.len(), page.len());
    assert!(page.len() <= 1_500_000, "{} bytes", page.len());
    write("blocks", &files);
    let (manifest, records) = connection_trials(5);
    let files = report::render(&self::findings(&manifest, &records));
    write("connections", &files);
}

/// A run of all patterns without sweep whose traces follow these events, given in ms after the
/// window's start.
fn traced(name: &str, due_ms: &[f64], poll_interval_ms: f64) -> (Manifest, Vec<TrialRecord>) {
    let due_ns: Vec<i64> = due_ms.iter().map(|due_ms| 2_000_000_000 + (due_ms * 1e6) as i64).collect();
    let records: Vec<TrialRecord> = Pattern::ALL
        .into_iter()
        .zip(0..)
        .map(|(pattern, order)| {
            let params = params(pattern, poll_interval_ms, 50);
            let mut record = record(name, pattern, params, order);
            change(&mut record, |measured| measured.trace = trace(pattern, &params, &due_ns));
            record
        })
        .collect();
    let question = "Who hears of it first?";
    (manifest(vec![scenario(name, question, &Pattern::ALL)], &["a1b2c3d4e5f60718"], 4), records)
}

#[test]
fn a_waterfall_is_bounded_however_long_or_short_its_events_are() {
    let even = |gap_ms: f64| (0..20).map(|index| 3.0 + f64::from(index) * gap_ms).collect::<Vec<f64>>();
    for (name, due_ms, poll_interval_ms) in [
        ("two-seconds", even(100.0), 1_000.0),
        ("fifty-seconds", even(2_500.0), 1_000.0),
        ("fifty-seconds-quick-polls", even(2_500.0), 50.0),
        ("a-fifth-of-a-second", even(10.0), 1_000.0),
        ("a-burst", vec![3.0; 20], 5_000.0),
        (
            "bursts",
            (0..20).map(|index| f64::from(index % 10) * 0.5 + f64::from(index / 10) * 4_000.0).collect(),
            1_000.0,
        ),
    ] {
        let (manifest, mut records) = traced(name, &due_ms, poll_interval_ms);
        change(&mut records[2], |measured| {
            let at_ns = 2_000_000_000 + (due_ms[due_ms.len() / 2] * 1e6) as i64 + 1_000_000;
            measured.trace.push(TraceEvent::Connected { at_ns });
        });
        let files = report::render(&findings(&manifest, &records));
        let svg = figure(&files, &format!("{name}-waterfall")).expect("drawn");
        let elements =
            svg.matches("<polyline").count() + svg.matches("<rect").count() + svg.matches("<poly").count();
        eprintln!("{name}: {elements} {}", svg.len());
        assert!(elements < 1_200 && svg.len() < 100_000, "{name}: {elements} elements, {} bytes", svg.len());
        write(name, &files);
        if name == "bursts" {
            assert!(words(svg, "title").starts_with("Of these 10 events "), "one burst: {svg}");
        }
    }
}

#[test]
fn the_waterfall_says_who_brought_the_oldest_and_how_often_each_asked() {
    // Five events 400 ms apart. Polls every second, the first 499 ms after the first event: they
    // wait 499, 99, 699, 299 and 899 ms and a quarter for the answer.
    let due_ms: Vec<f64> = (0..5).map(|index| 3.0 + 400.0 * f64::from(index)).collect();
    let (manifest, records) = traced("stock-ticker", &due_ms, 1_000.0);
    let files = report::render(&findings(&manifest, &records));
    let svg = figure(&files, "stock-ticker-waterfall").expect("drawn");
    assert_eq!(
        words(svg, "title"),
        "Of these 5 events short polling delivered the oldest, at an age of 899\u{202f}ms. To get them all, short polling asked 3 times, long polling 5 times, SSE and WebSocket once"
    );
    let described = words(svg, "desc");
    for part in [
        "short polling every 1\u{202f}s: asked 3 times, received 5 of 5 events, the oldest 899\u{202f}ms old",
        "WebSocket: asked once, received 5 of 5 events, the oldest 0.250\u{202f}ms old",
    ] {
        assert!(described.contains(part), "{described}");
    }
    // Four lanes of five upright hairs.
    assert_eq!(svg.matches("stroke=\"#767676\" stroke-width=\"2\"").count(), 20);
    let said = content(&files, "report.md");
    // The traces are of the subscriber in the middle of the row.
    assert!(said.contains("Each lane is subscriber 26 of 50: a pushed event reaches them in the order"));
    assert_finite(&files);
}

#[test]
fn reconnects_are_seen_and_counted() {
    let (manifest, mut records) = traced("stock-ticker", &[3.0, 400.0, 800.0], 1_000.0);
    change(&mut records[3], |measured| {
        for event in [
            TraceEvent::Connected { at_ns: 2_600_000_000 },
            TraceEvent::Asked { at_ns: 2_601_000_000 },
            TraceEvent::Answered { at_ns: 2_602_000_000, events: 0 },
        ] {
            measured.trace.push(event);
        }
    });
    let files = report::render(&findings(&manifest, &records));
    let svg = figure(&files, "stock-ticker-waterfall").expect("drawn");
    assert!(
        words(svg, "title")
            .ends_with("short polling and WebSocket asked twice, long polling 3 times, SSE once"),
        "{svg}"
    );
    assert!(svg.contains("connected"));
}

#[test]
fn without_a_trace_a_second_delivery_or_one_schedule_there_is_no_waterfall() {
    let has_waterfall =
        |records: &[TrialRecord]| figure(&run_of(records, &[]), "stock-ticker-waterfall").is_some();
    let mut records = four();
    assert!(has_waterfall(&records));
    records[1].schedule_hash = "ffee".to_owned();
    assert!(!has_waterfall(&records), "another schedule");
    let mut records = four();
    for record in &mut records {
        change(record, |measured| {
            let delivered = |event: &TraceEvent| matches!(event, TraceEvent::Delivered { .. });
            let second = measured.trace.iter().enumerate().filter(|(_, event)| delivered(event)).nth(1);
            let second = second.map_or(0, |(place, _)| place);
            measured.trace.truncate(second);
        });
    }
    assert!(!has_waterfall(&records), "one delivery each");
    for record in &mut records {
        change(record, |measured| measured.trace.clear());
    }
    assert!(!has_waterfall(&records), "no trace");
    let (manifest, records) = ten_trials();
    let files = report::render(&findings(&manifest, &records));
    assert!(figure(&files, "poll-interval-waterfall").is_none(), "a sweep");
}

/// Strokes of a whisker: as thin as nothing else in these figures.
fn whiskers(svg: &str) -> usize {
    svg.matches("stroke-width=\"5\"").count()
}

#[test]
fn whiskers_are_drawn_where_there_is_an_interval_and_nowhere_else() {
    let (manifest, records) = ten_trials();
    let bare = findings(&manifest, &records);
    let mut with = bare.clone();
    with_intervals(&mut with, 10.0);
    let (bare, with) = (report::render(&bare), report::render(&with));
    for (name, count) in [
        // A level stroke and two caps a bar.
        ("stock-ticker-requests", 2 * 3),
        ("stock-ticker-bytes", 4 * 3),
        // A cross a point.
        ("stock-ticker-freshness", 4 * 6),
        ("poll-interval-over-age-p99-ms", 4 * 3),
    ] {
        let (bare, with) = (figure(&bare, name).expect(name), figure(&with, name).expect(name));
        assert_eq!(whiskers(with) - whiskers(bare), count, "{name}");
        assert!(!bare.contains("95 %") && !bare.contains("–"), "{name}");
    }
    let bytes = figure(&with, "stock-ticker-bytes").expect("drawn");
    assert!(bytes.contains("300\u{202f}B") && bytes.contains("(270–330)"), "{bytes}");
    assert_finite(&with);
}

#[test]
fn a_lower_bound_has_no_whisker() {
    let mut lossy = four();
    for record in &mut lossy {
        change(record, |measured| {
            measured.age.censored = 100;
            measured.age.censored_min_us = 2_000_000;
        });
    }
    let mut ticker = scenario("stock-ticker", "Who is first?", &Pattern::ALL);
    ticker.sweep = Some(Sweep { subscribers: vec![50, 60], ..Sweep::default() });
    let mut more = four();
    for record in &mut more {
        record.params.subscribers = 60;
    }
    let records = [lossy, more].concat();
    let mut findings = findings(&manifest(vec![ticker], &["a1b2c3d4e5f60718"], 8), &records);
    with_intervals(&mut findings, 10.0);
    let files = report::render(&findings);
    // A curve needs two points that are not bounds.
    assert!(figure(&files, "stock-ticker-over-age-p99-ms").is_none());
    let freshness = figure(&files, "stock-ticker-freshness").expect("drawn");
    assert_eq!(freshness.matches("stroke-width=\"5\"").count(), 4 * 6, "only those of 60 subscribers");
}

#[test]
fn a_pattern_that_is_not_swept_has_its_whisker_at_its_one_mark() {
    let mut sweep = scenario("poll-interval", "How fresh?", &[Pattern::ShortPolling, Pattern::Sse]);
    let intervals = [250, 1_000].map(Period::from_millis).to_vec();
    sweep.sweep = Some(Sweep { poll_interval: intervals, ..Sweep::default() });
    let records: Vec<TrialRecord> =
        [(Pattern::ShortPolling, 250.0), (Pattern::ShortPolling, 1_000.0), (Pattern::Sse, 0.0)]
            .into_iter()
            .zip(0..)
            .map(|((pattern, interval_ms), order)| {
                record("poll-interval", pattern, params(pattern, interval_ms, 50), order)
            })
            .collect();
    let bare = findings(&manifest(vec![sweep], &["a1b2c3d4e5f60718"], 3), &records);
    let mut with = bare.clone();
    with_intervals(&mut with, 30.0);
    let drawn = |findings: &Findings| {
        let files = report::render(findings);
        whiskers(figure(&files, "poll-interval-over-age-p99-ms").expect("drawn"))
    };
    assert_eq!(drawn(&with) - drawn(&bare), 3 * 3);
}

#[test]
fn ribbons_need_four_blocks() {
    let run = |blocks: u32| {
        let (mut manifest, records) = ten_trials();
        let records = in_scattered_blocks(&mut manifest, &records, blocks);
        report::render(&findings(&manifest, &records))
    };
    let ribbons = |files: &[OutputFile], name: &str| {
        let svg = figure(files, name).expect(name);
        svg.matches("<polygon opacity=\"0.2\"").count()
    };
    let (one, three, five) = (run(1), run(3), run(5));
    for name in ["stock-ticker-age-ecdf", "stock-ticker-nines"] {
        assert_eq!(ribbons(&one, name), 0, "{name}");
        assert_eq!(ribbons(&three, name), 0, "{name}");
        assert_eq!(ribbons(&five, name), 4, "{name}");
    }
    let (mut manifest, records) = ten_trials();
    let mut records = in_scattered_blocks(&mut manifest, &records, 5);
    // Of one block of SSE nothing came: its percentiles are bounds, so the point has no curve.
    let lost = records.iter_mut().find(|record| record.pattern == Pattern::Sse).expect("a trial");
    change(lost, |measured| {
        measured.age.censored = measured.age.arrived.count;
        measured.age.arrived = contract::Distribution::default();
    });
    let lossy = report::render(&findings(&manifest, &records));
    assert_eq!(ribbons(&lossy, "stock-ticker-age-ecdf"), 3);
    assert_finite(&five);
    let page = |files: &[OutputFile]| {
        files.iter().find(|file| file.path == "report.html").expect("written").content.clone()
    };
    assert!(page(&five).contains("the ribbon around it is its 95 % interval"));
    assert!(!page(&three).contains("ribbon"));
}

#[test]
fn lines_that_coincide_are_both_seen() {
    let mut records = four();
    let (mut ages, mut seconds) = (None, None);
    change(&mut records[2], |sse| (ages, seconds) = (Some(sse.age.clone()), Some(sse.age_seconds.clone())));
    change(&mut records[3], |websocket| {
        websocket.age = ages.expect("measured");
        websocket.age_seconds = seconds.expect("measured");
    });
    let files = run_of(&records, &[]);
    // No fault there means that no line and no mark is hidden.
    write("coincide", &files);
    let ecdf = figure(&files, "stock-ticker-age-ecdf").expect("drawn");
    for line in ["stroke=\"#0072B2\" stroke-width=\"18\"", "stroke=\"#CC79A7\" stroke-width=\"9\""] {
        assert!(ecdf.contains(line), "{line}: {ecdf}");
    }
}

#[test]
fn several_points_of_a_pattern_have_a_panel_each() {
    let (manifest, records) = sixty_trials();
    let files = report::render(&findings(&manifest, &records));
    for name in ["audience-0-age-ecdf", "audience-0-nines"] {
        let svg = figure(&files, name).expect(name);
        for subscribers in ["10", "200", "2,000"] {
            let heading = format!("\n{subscribers} subscribers</text>");
            assert_eq!(svg.matches(&heading).count(), 1, "{name}, {subscribers}");
        }
    }
    assert!(content(&files, "report.md").contains("All panels have the same scales."));
    // Without a second point of a pattern there is one panel.
    let one = figure(&files, "stock-ticker-age-ecdf").expect("drawn");
    assert_eq!(one.matches("age of an event, ms").count(), 1);
    for (name, run) in [("stream-limit", stream_limit_trials()), ("keepers", heartbeat_trials())] {
        write(name, &report::render(&findings(&run.0, &run.1)));
    }
}

#[test]
fn a_tail_far_above_the_others_has_a_panel_of_its_own() {
    let apart = "\nlong polling, SSE and WebSocket</text>";
    let files = run_of(&four(), &[]);
    assert!(figure(&files, "stock-ticker-nines").expect("drawn").contains(apart));
    assert!(content(&files, "report.md").contains("Each panel has its own scale of ages."));
    // A threshold is a line for all.
    let files = run_of(&four(), &["age_p99_ms < 250"]);
    assert!(!figure(&files, "stock-ticker-nines").expect("drawn").contains(apart));
    // One line alone is not squeezed.
    let two: Vec<TrialRecord> = four().into_iter().take(2).collect();
    assert!(!content(&run_of(&two, &[]), "report.md").contains("its own scale of ages"));
}

#[test]
fn a_second_without_an_event_is_a_gap() {
    let mut records = four();
    for record in &mut records {
        change(record, |measured| measured.age_seconds.retain(|second| second.second != 6));
    }
    let lines = |records: &[TrialRecord]| {
        let files = run_of(records, &[]);
        let explained = content(&files, "report.md").contains("A gap is a second in which nothing was due.");
        let time = figure(&files, "stock-ticker-time").expect("drawn");
        (time.matches("stroke=\"#0072B2\" stroke-width").count(), explained)
    };
    assert_eq!(lines(&four()), (2, false));
    assert_eq!(lines(&records), (4, true));
}

#[test]
fn a_threshold_on_an_age_is_a_line_in_the_tail() {
    let files = run_of(&four(), &["age_p99_ms < 250", "lost == 0"]);
    let nines = figure(&files, "stock-ticker-nines").expect("drawn");
    assert!(nines.contains("p99 &lt; 250\u{202f}ms"), "{nines}");
    let page = content(&files, "report.html");
    assert!(page.contains("Grey lines are the scenario's thresholds."));
    let files = run_of(&four(), &["lost == 0", "nonsense <", "age_p99_ms < x"]);
    assert!(!figure(&files, "stock-ticker-nines").expect("drawn").contains("&lt;"));
}

#[test]
fn memory_is_told_by_its_slope() {
    let (manifest, mut records) = connection_trials(1);
    // 5 MB and 2,100 B a subscriber, exactly; after traffic 3,000 B; the kernel 4,000 B.
    change(&mut records[2], |measured| {
        let cost = measured.connections.as_mut().expect("memory_steps");
        for step in &mut cost.memory_steps {
            let slope = if step.load == Load::Idle { 2_100 } else { 3_000 };
            let subscribers = u64::from(step.subscribers);
            step.server_user_bytes = 5_000_000 + slope * subscribers;
            step.kernel_slab_bytes = 300_000_000 + 4_000 * subscribers;
            step.kernel_tcp_bytes = 7;
        }
    });
    let files = report::render(&findings(&manifest, &records));
    let user = figure(&files, "connections-memory-user").expect("drawn");
    assert!(words(user, "title").starts_with("One more idle subscriber takes 2.10\u{202f}KB (SSE) to "));
    assert!(user.contains("2.10\u{202f}KB each") && user.contains("3.00\u{202f}KB each"), "{user}");
    assert!(!user.contains("–"), "one block has no interval");
    let kernel = figure(&files, "connections-memory-kernel").expect("drawn");
    assert!(
        words(kernel, "desc").contains("SSE 4.00\u{202f}KB per subscriber, read up to 10,000 subscribers")
    );
    let both = figure(&files, "connections-connection-memory").expect("drawn");
    assert!(
        words(both, "desc").contains(
            "SSE 7.00\u{202f}KB in all: user 2.10\u{202f}KB idle, 3.00\u{202f}KB after traffic, kernel 4.00\u{202f}KB for both ends"
        ),
        "{both}"
    );
    let set_up = figure(&files, "connections-set-up").expect("drawn");
    assert!(words(set_up, "title").ends_with("297\u{202f}B (SSE) to 412\u{202f}B (WebSocket)"), "{set_up}");
    assert!(words(set_up, "desc").contains("set-up packets: short polling every 1\u{202f}s 9"), "{set_up}");
    assert_finite(&files);
}

#[test]
fn slopes_of_four_blocks_have_an_interval() {
    let (manifest, records) = connection_trials(4);
    let files = report::render(&findings(&manifest, &records));
    for name in ["connections-memory-user", "connections-memory-kernel", "connections-connection-memory"] {
        let svg = figure(&files, name).expect(name);
        assert!(words(svg, "desc").contains('–') && svg.contains('('), "{name}");
    }
}

#[test]
fn too_few_memory_steps_no_event_and_no_reading_are_no_figure() {
    let (manifest, mut records) = connection_trials(1);
    for record in &mut records {
        change(record, |measured| {
            let cost = measured.connections.as_mut().expect("memory_steps");
            cost.memory_steps.retain(|step| step.load == Load::Idle && step.subscribers != 2_500);
            measured.set_up = None;
            // Nothing was delivered: the figures of connections do not need it.
            measured.age = contract::Ages::default();
            measured.trace.clear();
        });
    }
    let files = report::render(&findings(&manifest, &records));
    assert!(figure(&files, "connections-memory-user").is_some());
    assert!(figure(&files, "connections-set-up").is_none());
    for record in &mut records {
        change(record, |measured| {
            measured.connections.as_mut().expect("memory_steps").memory_steps.truncate(2);
        });
    }
    let files = report::render(&findings(&manifest, &records));
    assert!(files.iter().all(|file| !file.path.starts_with("figures/")), "two readings have no line");
    for record in &mut records {
        change(record, |measured| measured.connections = None);
    }
    let files = report::render(&findings(&manifest, &records));
    assert_finite(&files);
    assert!(files.iter().all(|file| !file.path.starts_with("figures/")));
}
