//! Trials with a real browser: what its pages find out, and what happens when something goes wrong. Without
//! a Chromium these tests do not run, and the last line of `just test` says so; with `PUSHLAB_TEST_BROWSER=1`
//! they fail without it.

use std::{
    env, fs,
    io::{Read, Write},
    path::Path,
};

use contract::{BrowserFindings, BrowserLane, Outcome, PageApi, Pattern, Transport, TrialRecord, Warning};
use load_harness::BrowserPrograms;

use crate::lab::{
    Lab, did_not_run,
    process::{Running, Serving, is_running, signal},
    records, until,
};

/// Whether the tests have a browser.
fn has_browser() -> bool {
    match BrowserPrograms::find() {
        Ok(_) => true,
        Err(missing) => {
            assert!(env::var_os("PUSHLAB_TEST_BROWSER").is_none(), "{missing}");
            did_not_run("of the browser", &format!("{missing}; `just setup-browser` gets one"));
            false
        }
    }
}

/// Runs a scenario with a browser and returns its records without the calibrations.
fn judged(lab: &Lab, changes: &[(&str, &str)]) -> Vec<TrialRecord> {
    lab.scenario("watched", changes);
    lab.run(&["bench", "watched"]);
    of_run(&lab.only_run())
}

fn of_run(run: &Path) -> Vec<TrialRecord> {
    records(run).into_iter().filter(|record| record.scenario != "calibration").collect()
}

fn findings(record: &TrialRecord) -> &BrowserFindings {
    record.browser_findings().unwrap_or_else(|| panic!("{}: {:?}", record.pattern, record.outcome))
}

/// What the page saw before it closed its first stream.
struct FirstAct<'a> {
    open: usize,
    fetch: &'a BrowserLane,
    fetch_was_served: bool,
}

fn first_act(findings: &BrowserFindings) -> FirstAct<'_> {
    let streams = || findings.lanes.iter().filter(|lane| lane.kind != PageApi::Fetch);
    let fetch = findings.lanes.iter().find(|lane| lane.kind == PageApi::Fetch).unwrap();
    let first_end = streams().map(|lane| lane.ended_ms.unwrap()).fold(f64::INFINITY, f64::min);
    let before = |at_ms: Option<f64>| at_ms.is_some_and(|at_ms| at_ms < first_end);
    // In the end every stream and the fetch were served.
    assert!(streams().all(|lane| lane.opened_ms.is_some() && lane.problem.is_none()), "{:?}", findings.lanes);
    assert!(fetch.ended_ms.is_some() && fetch.problem.is_none(), "{fetch:?}");
    FirstAct {
        open: streams().filter(|lane| before(lane.opened_ms)).count(),
        fetch,
        fetch_was_served: before(fetch.ended_ms),
    }
}

#[test]
fn six_streams_of_a_page_are_open_over_http1_and_all_over_http2() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let changes = [
        ("patterns", r#"["sse", "websocket"]"#),
        ("subscribers", "20"),
        ("measure", "\"3s\""),
        ("browser", r#"{ task = "six-connections", streams = 8 }"#),
        ("sweep", r#"{ transport = ["http1", "http2"] }"#),
    ];
    let records = judged(&lab, &changes);
    assert_eq!(records.len(), 4);
    for record in &records {
        let (findings, transport) = (findings(record), record.params.transport);
        let what = format!("{} over {transport}", record.pattern);
        let FirstAct { open, fetch, fetch_was_served } = first_act(findings);
        let is_short = record.pattern == Pattern::Sse && transport == Transport::Http1;
        assert_eq!((open, fetch_was_served), if is_short { (6, false) } else { (8, true) }, "{what}");
        assert_eq!(findings.lanes.len(), 9, "{what}");
        assert!(findings.browser.starts_with("Chrom"), "{}", findings.browser);
        let (protocol, limit) = match transport {
            Transport::Http1 | Transport::Http1Tls => ("http/1.1", None),
            Transport::Http2 => ("h2", Some(200)),
        };
        assert_eq!((fetch.protocol.as_deref(), findings.stream_limit), (Some(protocol), limit), "{what}");
        match transport {
            // One connection carries all streams; sometimes Chromium opens a spare one that it does not use.
            Transport::Http2 => assert!((1..=2).contains(&findings.connections), "{what}"),
            Transport::Http1 | Transport::Http1Tls => {
                assert!(findings.connections >= 6, "{what}: {}", findings.connections);
                let crowd = findings.crowd.unwrap();
                assert_eq!((crowd.asked, crowd.connected), (20, 20), "{what}");
                assert_eq!(crowd.deliveries, 20 * 128, "{what}: 40 events a second for 3.2 s");
            }
        }
    }
}

#[test]
fn the_limit_over_http2_is_the_servers_setting() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let changes = [
        ("transport", "\"http2\""),
        ("max_streams", "4"),
        ("browser", r#"{ task = "six-connections", streams = 6 }"#),
    ];
    let records = judged(&lab, &changes);
    let findings = findings(&records[0]);
    let FirstAct { open, fetch_was_served, .. } = first_act(findings);
    assert_eq!((open, fetch_was_served, findings.stream_limit), (4, false, Some(4)));
}

#[test]
fn another_origin_is_refused_by_the_browser_and_a_websocket_by_the_server_alone() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let changes = [
        ("patterns", r#"["short-polling", "long-polling", "sse", "websocket"]"#),
        ("subscribers", "1"),
        ("browser", r#"{ task = "cross-origin" }"#),
    ];
    let records = judged(&lab, &changes);
    assert_eq!(records.len(), 4);
    for record in &records {
        let checks = &findings(record).checks;
        assert!(checks.len() >= 3, "{}", record.pattern);
        for check in checks {
            assert!(check.holds, "{}: {check:#?}", record.pattern);
        }
        let named = |name: &str| checks.iter().any(|check| check.name == name);
        assert!(named("not allowed") && named("allowed"), "{}", record.pattern);
        assert_eq!(named("CORS alone"), record.pattern == Pattern::WebSocket);
    }
}

#[test]
fn browser_and_parser_decode_the_conformance_cases_as_the_standard_says() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let records = judged(&lab, &[("subscribers", "1"), ("browser", r#"{ task = "sse-conformance" }"#)]);
    let checks = &findings(&records[0]).checks;
    for check in checks {
        assert!(check.holds, "{check:#?}");
        let is_ours = check.name.starts_with('P');
        assert_eq!(check.ours.is_some(), is_ours, "{}", check.name);
    }
    let named = |name: &str| checks.iter().any(|check| check.name == name);
    for line in 1..=24 {
        assert!(named(&format!("P{line:02}")), "P{line:02}");
    }
    assert!(named("C03") && named("C06") && named("K24") && named("POST"));
}

#[test]
fn a_page_tells_ages_of_every_event_with_the_bound_of_its_clock() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let changes = [
        ("patterns", r#"["short-polling", "long-polling", "sse", "websocket"]"#),
        ("subscribers", "1"),
        ("hold", "\"500ms\""),
        ("drain", "\"5s\""),
        ("browser", r#"{ task = "ages" }"#),
    ];
    for record in judged(&lab, &changes) {
        let what = record.pattern;
        let measured = record.measurements().unwrap_or_else(|| panic!("{what}: {:?}", record.outcome));
        let delivery = measured.delivery;
        assert_eq!((delivery.expected, delivery.received, delivery.lost), (48, 48, 0), "{what}");
        assert_eq!((delivery.duplicated, delivery.reordered, delivery.foreign), (0, 0, 0), "{what}");
        assert_eq!((measured.window_deliveries, measured.age.arrived.count), (40, 40), "{what}");
        assert_eq!(measured.server_requests_life, Some(measured.requests.life), "{what}");
        assert!(measured.bytes_life.total() > measured.bytes_life.payload, "{what}");
        let clock = measured.browser_clock.as_ref().unwrap();
        assert!(clock.bound_us >= 100.0 && clock.round_trips >= 8, "{what}: {clock:?}");
        let is_early = |warning: &Warning| matches!(warning, Warning::EventsTooEarly { .. });
        assert!(!measured.warnings.iter().any(is_early), "{what}: {:?}", measured.warnings);
        match what {
            Pattern::ShortPolling | Pattern::LongPolling => assert!(measured.requests.life > 5, "{what}"),
            Pattern::Sse | Pattern::WebSocket => assert_eq!(measured.requests.life, 1, "{what}"),
        }
    }
}

/// A running bench whose browser is at work.
struct AtWork {
    bench: Running,
    browser: u32,
    folder: String,
}

impl AtWork {
    fn start(lab: &Lab) -> Self {
        lab.scenario("watched", &[("browser", r#"{ task = "six-connections" }"#), ("measure", "\"20s\"")]);
        let bench = Running::start(lab.command(&["bench", "watched"]));
        let pid = bench.pid();
        let (browser, folder) = until("a browser", || {
            let processes = processes();
            let driver =
                processes.iter().find(|process| process.parent == pid && process.says("--port=0"))?;
            let its = |process: &&Process| process.parent == driver.pid && process.says("--user-data-dir=");
            let browser = processes.iter().find(its)?;
            let folder = browser.words.iter().find_map(|word| word.strip_prefix("--user-data-dir="))?;
            Some((browser.pid, folder.trim_end_matches("/profile").to_owned()))
        });
        // The schedule begins when the browser is ready for its page.
        bench.publishing_server(&[]);
        Self { bench, browser, folder }
    }

    /// Waits until every process that names the browser's folder has ended and the folder is deleted.
    fn until_nothing_is_left(folder: &str) {
        let left = || processes().into_iter().any(|process| process.says(folder));
        until("the end of the browser", || (!left()).then_some(()));
    }
}

struct Process {
    pid: u32,
    parent: u32,
    words: Vec<String>,
}

impl Process {
    fn says(&self, part: &str) -> bool {
        self.words.iter().any(|word| word.contains(part))
    }
}

/// All running processes.
fn processes() -> Vec<Process> {
    let process = |entry: fs::DirEntry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        let words = fs::read(entry.path().join("cmdline")).ok()?;
        let words = words.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        is_running(pid).then(|| Process { pid, parent, words: words.collect() })
    };
    fs::read_dir("/proc").unwrap().filter_map(|entry| process(entry.ok()?)).collect()
}

#[test]
fn a_browser_that_crashes_fails_its_trial_and_leaves_nothing() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let AtWork { bench, browser, folder } = AtWork::start(&lab);
    signal(browser, "KILL");
    bench.finish().exits(1);
    let records = of_run(&lab.only_run());
    let Outcome::Failed { reason, .. } = &records[0].outcome else { panic!("{:?}", records[0].outcome) };
    assert!(reason.starts_with("the browser failed"), "{reason}");
    AtWork::until_nothing_is_left(&folder);
    assert!(!Path::new(&folder).exists());
}

#[test]
fn an_interrupted_bench_takes_its_browser_along() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let AtWork { bench, folder, .. } = AtWork::start(&lab);
    signal(bench.pid(), "INT");
    bench.finish().exits(130);
    AtWork::until_nothing_is_left(&folder);
    assert!(!Path::new(&folder).exists());
}

#[test]
fn a_bench_that_is_killed_takes_its_browser_along() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let AtWork { bench, folder, .. } = AtWork::start(&lab);
    bench.kill();
    AtWork::until_nothing_is_left(&folder);
    // No process was left to clean up.
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn a_certificate_that_is_over_is_refused() {
    if !has_browser() {
        return;
    }
    let lab = Lab::new();
    let changes = [
        ("transport", "\"http1-tls\""),
        ("certificate", "\"expired\""),
        ("browser", r#"{ task = "six-connections" }"#),
    ];
    let records = judged(&lab, &changes);
    let Outcome::Failed { reason, .. } = &records[0].outcome else { panic!("{:?}", records[0].outcome) };
    assert!(reason.to_lowercase().contains("cert"), "{reason}");
}

#[test]
fn without_a_browser_the_trial_is_not_run_and_says_why() {
    let lab = Lab::new();
    lab.scenario("watched", &[("browser", r#"{ task = "six-connections" }"#)]);
    let mut bench = lab.command(&["bench", "watched"]);
    bench.env("PATH", lab.path("nothing")).env_remove("PUSHLAB_CHROMIUM").env_remove("PUSHLAB_CHROMEDRIVER");
    let said = Running::start(bench).finish();
    // A trial that is not run is no failure; but here no trial was run at all.
    assert_eq!(said.code, Some(1), "{}\n{}", said.stdout, said.stderr);
    let records = of_run(&lab.only_run());
    let Outcome::NotRun { reason } = &records[0].outcome else { panic!("{:?}", records[0].outcome) };
    assert!(reason.starts_with("no Chromium: ") && reason.contains("run `just setup-browser`"), "{reason}");
    assert!(said.stdout.contains("not run: no Chromium"), "{}", said.stdout);
}

#[test]
fn test_pages_are_served_on_demand_only_and_say_what_they_are() {
    let ask = |serving: &Serving, path: &str| {
        let mut stream = serving.connect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        // A case may cut a character between two chunks.
        String::from_utf8_lossy(&answer).into_owned()
    };
    let (with, without) = (Serving::start(&["--pages"]), Serving::start(&[]));
    for name in ["six-connections", "cross-origin", "browser-sse", "ages"] {
        let answer = ask(&with, &format!("/pages/{name}"));
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{name}: {answer}");
        assert!(answer.contains("\r\nx-pushlab-test: "), "{name}");
        assert!(answer.contains("<!-- A test page of pushlab"), "{name}");
        assert!(ask(&without, &format!("/pages/{name}")).starts_with("HTTP/1.1 404 "), "{name}");
    }
    for path in ["/pages/sse-conformance-cases", "/pages/sse-conformance-stream?case=P01"] {
        assert!(ask(&with, path).contains("\r\nx-pushlab-test: "), "{path}");
        assert!(ask(&without, path).starts_with("HTTP/1.1 404 "), "{path}");
    }
    for path in ["/pages/none", "/pages/sse-conformance-stream?case=P99", "/pages/sse-conformance-stream"] {
        assert!(ask(&with, path).starts_with("HTTP/1.1 4"), "{path}");
    }
}

#[test]
fn what_is_missing_is_named_and_only_looked_for_if_asked() {
    let lab = Lab::new();
    let mut look = lab.command(&["setup-browser", "--look-only"]);
    look.env("PATH", lab.path("nothing")).env("PUSHLAB_CHROMIUM", "/nowhere");
    let said = Running::start(look).finish().exits(1);
    assert!(said.stderr.contains("no Chromium: PUSHLAB_CHROMIUM is /nowhere"), "{}", said.stderr);
}
