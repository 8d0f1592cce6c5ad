//! The answers follow the numbers, and every kind of sweep has one.

use contract::{
    Ages, Arrivals, Client, Manifest, Measurements, Params, Pattern, Period, Sweep, TimeHistogram,
    TrialRecord,
};

use crate::{
    synthetic::{
        age_trials, change, check_trials, connection_trials, heartbeat_trials, in_blocks, ladder_trials,
        manifest, obstacle_trials, params, ramp_trials, record, rtt_trials, scenario, server, server_trials,
        six_connections, sixty_trials, stream_limit_trials, ten_trials, transport_trials,
    },
    written::{answer_text, findings, plain},
};

/// Fifteen hundred deliveries of the same age.
fn ages_of_ms(age_ms: u64) -> Ages {
    let mut histogram = TimeHistogram::default();
    (0..1_500).for_each(|_| histogram.record_ns(age_ms * 1_000_000));
    Ages { arrived: histogram.distribution(), ..Ages::default() }
}

/// A scenario with this sweep: all patterns, at the settings as they are and as `second` makes them.
fn swept(sweep: Sweep, second: impl Fn(&mut Params)) -> (Manifest, Vec<TrialRecord>) {
    let mut swept = scenario("swept", "What does it change?", &Pattern::ALL);
    swept.sweep = Some(sweep);
    let mut records = Vec::new();
    for pattern in Pattern::ALL {
        let first = params(pattern, 1_000.0, 50);
        let mut last = first;
        second(&mut last);
        let points = if first == last { vec![first] } else { vec![first, last] };
        for point in points {
            records.push(record("swept", pattern, point, records.len() as u32));
        }
    }
    let planned = records.len() as u32;
    (manifest(vec![swept], &["a1b2c3d4e5f60718"], planned), records)
}

#[test]
fn answers_follow_the_numbers() {
    let (manifest, records) = ten_trials();
    let before = findings(&manifest, &records).answers;
    for (index, words) in [
        (
            0,
            "Long polling, SSE and WebSocket delivered an event in 2.66\u{202f}ms, 1.82\u{202f}ms and 1.80\u{202f}ms",
        ),
        (0, "at p99: not told apart by one run."),
        (0, "Short polling every 1\u{202f}s took 990\u{202f}ms"),
        (0, "longer than 490"),
        (1, "below 500"),
    ] {
        assert!(answer_text(&before[index]).contains(words), "{:?}", before[index]);
    }
    assert_eq!(
        plain(&before[0].headline),
        "Long polling, SSE and WebSocket deliver within 2.66 ms, not told apart by one run; short polling takes \
         990 ms. SSE and WebSocket cost the fewest bytes."
    );

    let mut slower = records.clone();
    // Long polling now needs a quarter of the requests and is far behind.
    change(&mut slower[1], |measured| {
        measured.requests.window /= 4;
        measured.age = ages_of_ms(300);
    });
    let after = findings(&manifest, &slower).answers;
    for words in ["SSE and WebSocket delivered", "Long polling took 300", "more requests than long polling"] {
        assert!(answer_text(&after[0]).contains(words), "{:?}", after[0]);
    }
}

#[test]
fn the_order_of_the_patterns_changes_where_it_does() {
    let sweep = Sweep { subscribers: vec![50, 500], ..Sweep::default() };
    let (manifest, mut records) = swept(sweep, |params| params.subscribers = 500);
    let age_of = |records: &mut Vec<TrialRecord>, pattern: Pattern, subscribers: u32, age_ms: u64| {
        let found = records
            .iter_mut()
            .find(|record| record.pattern == pattern && record.params.subscribers == subscribers)
            .expect("one of the eight");
        change(found, |measured| measured.age = ages_of_ms(age_ms));
    };
    for (pattern, few, many) in [
        (Pattern::ShortPolling, 900, 950),
        (Pattern::LongPolling, 100, 300),
        (Pattern::Sse, 10, 400),
        (Pattern::WebSocket, 60, 90),
    ] {
        age_of(&mut records, pattern, 50, few);
        age_of(&mut records, pattern, 500, many);
    }
    let answers = findings(&manifest, &records).answers;
    let words = "changes from SSE to WebSocket between 50 and 500 subscribers";
    assert!(answer_text(&answers[0]).contains(words), "{:?}", answers[0]);
}

#[test]
fn every_kind_of_sweep_has_an_answer_and_its_figures() {
    let empty = Sweep::default;
    let runs = [
        swept(Sweep { subscribers: vec![50, 500], ..empty() }, |params| params.subscribers = 500),
        swept(Sweep { rate_hz: vec![2.0, 20.0], ..empty() }, |params| params.rate_hz = 19.7),
        swept(Sweep { payload_bytes: vec![100, 4_000], ..empty() }, |params| params.payload_bytes = 4_000),
        swept(Sweep { poll_interval: vec![Period::from_millis(1_000)], ..empty() }, |params| {
            params.poll_interval_ms = params.poll_interval_ms.map(|interval| interval * 4.0);
        }),
        swept(Sweep { hold: vec![Period::from_millis(1_500)], ..empty() }, |params| {
            params.hold_ms = params.hold_ms.map(|hold| hold / 2.0);
        }),
        swept(Sweep { client: vec![Client::Lean, Client::Reqwest], ..empty() }, |params| {
            params.client = Client::Reqwest;
        }),
    ];
    for (manifest, records) in runs {
        let findings = findings(&manifest, &records);
        let sentence = answer_text(&findings.answers[0]);
        assert!(sentence.len() > 40 && sentence.ends_with('.'), "{sentence}");
        let files = report::render(&findings);
        let figures = files.iter().filter(|file| file.path.contains("-over-")).count();
        assert!(figures > 0, "{sentence}");
    }
}

/// Without a rate at which batching begins, the answer says on which side of it all rates are.
#[test]
fn rates_on_one_side_of_batching_are_named_as_such() {
    let answer = |each_delivery: f64| {
        let rates = Sweep { rate_hz: vec![2.0, 20.0], ..Sweep::default() };
        let (mut manifest, mut records) = swept(rates, |params| params.rate_hz = 19.7);
        manifest.scenarios[0].patterns = vec![Pattern::LongPolling];
        records.retain(|record| record.pattern == Pattern::LongPolling);
        manifest.trials_planned = records.len() as u32;
        set(
            &mut records,
            Pattern::LongPolling,
            |_| true,
            |measured| {
                measured.requests.window = (measured.window_deliveries as f64 * each_delivery) as u64;
            },
        );
        first_answer(&manifest, &records)
    };
    let (single, batched) = (answer(0.9), answer(0.2));
    assert!(single.contains("does not turn into batching"), "{single}");
    assert!(batched.contains("a request of long polling brings more than two events"), "{batched}");
}

/// The batches of the fastest rate, and the pause between two requests beside the ages that it explains.
#[test]
fn batching_is_counted_and_a_turnaround_is_named() {
    let rates = Sweep { rate_hz: vec![2.0, 20.0], ..Sweep::default() };
    let (mut manifest, mut records) = swept(rates, |params| params.rate_hz = 19.7);
    manifest.scenarios[0].patterns = vec![Pattern::LongPolling];
    records.retain(|record| record.pattern == Pattern::LongPolling);
    manifest.trials_planned = records.len() as u32;
    for record in &mut records {
        record.params.turnaround_ms = Some(50.0);
        let share = if record.params.rate_hz > 10.0 { 0.2 } else { 1.0 };
        change(record, |measured| {
            measured.requests.window = (measured.window_deliveries as f64 * share) as u64;
            measured.requests.window_empty = 0;
        });
    }
    let answer = findings(&manifest, &records).answers.remove(0);
    assert_eq!(
        plain(&answer.headline),
        "Long polling turns into batching between 2 and 19.7 events/s: an answer then brings up to 5.00 events."
    );
    let pause = "Long polling pauses 50 ms between an answer and its next request; an event that comes in the pause \
                 is up to 50 ms older.";
    assert!(plain(&answer.beneath()).ends_with(pause), "{answer:?}");
}

/// Each pattern is named by the headline or by what all outputs show beneath it, and so are the winners in the
/// other costs.
#[test]
fn no_pattern_and_no_cost_is_left_out() {
    let mut runs =
        vec![ten_trials(), sixty_trials(), burst_trials(), heartbeat_trials(), connection_trials(1)];
    runs.push(swept(Sweep { subscribers: vec![50, 500], ..Sweep::default() }, |params| {
        params.subscribers = 500;
    }));
    for (manifest, records) in runs {
        let findings = findings(&manifest, &records);
        for (answer, finding) in findings.answers.iter().zip(&findings.scenarios) {
            let shown = format!("{} {}", answer.headline, answer.beneath()).to_lowercase();
            let is_for_all = shown.contains("every pattern") || shown.contains("the patterns");
            for point in &finding.points {
                let label = point.pattern.label().to_lowercase();
                assert!(is_for_all || shown.contains(&label), "{label}: {shown}");
            }
        }
    }
    let (manifest, mut records) = ten_trials();
    change(&mut records[0], |measured| measured.cpu.server_us = 1.5 * measured.window_deliveries as f64);
    let answer = findings(&manifest, &records).answers.remove(0);
    let words = "Short polling needs the least server CPU per event, 1.50 µs; SSE and WebSocket need the fewest \
                 requests per event, 0; a short poll brings 2.00 events.";
    assert!(plain(&answer.beneath()).contains(words), "{answer:?}");
}

/// Two values that are not told apart from the lowest need not be alike.
#[test]
fn what_is_not_told_apart_does_not_share_the_lowest_value() {
    let (manifest, mut records) = ten_trials();
    for (place, cpu_us) in [(0, 2.0), (1, 20.0), (2, 6.5), (3, 5.5)] {
        change(&mut records[place], |measured| {
            measured.cpu.server_us = cpu_us * measured.window_deliveries as f64;
        });
    }
    let beneath = plain(&findings(&manifest, &records).answers.remove(0).beneath());
    let words = "Short polling has the lowest server CPU per event, 2.00 µs (not told apart from WebSocket by one run)";
    assert!(beneath.contains(words), "{beneath}");
    assert!(!beneath.contains("Short polling and WebSocket need"), "{beneath}");
}

/// Sets the measurements of those points of a pattern that `of` selects.
fn set(
    records: &mut [TrialRecord],
    pattern: Pattern,
    of: impl Fn(&Params) -> bool,
    value: impl Fn(&mut Measurements),
) {
    let mut found = records.iter_mut().filter(|record| record.pattern == pattern && of(&record.params));
    found.by_ref().for_each(|record| change(record, &value));
}

fn first_answer(manifest: &Manifest, records: &[TrialRecord]) -> String {
    answer_text(&findings(manifest, records).answers[0])
}

/// The same in several blocks that are equal to the last digit.
fn first_of_blocks(manifest: &Manifest, records: &[TrialRecord], blocks: u32) -> String {
    let mut manifest = manifest.clone();
    let records = in_blocks(records, blocks, |_, _, _| ());
    manifest.trials_planned = records.len() as u32;
    first_answer(&manifest, &records)
}

/// Lean and reqwest for all but the WebSocket, which has no HTTP client.
fn client_sweep() -> (Manifest, Vec<TrialRecord>) {
    let sweep = Sweep { client: vec![Client::Lean, Client::Reqwest], ..Sweep::default() };
    let (mut manifest, mut records) = swept(sweep, |params| params.client = Client::Reqwest);
    records.retain(|record| record.pattern != Pattern::WebSocket || record.params.client == Client::Lean);
    manifest.trials_planned = 7;
    for (pattern, lean_us, reqwest_us) in [
        (Pattern::ShortPolling, 50.0, 150.0),
        (Pattern::LongPolling, 60.0, 160.0),
        (Pattern::Sse, 10.0, 130.0),
        (Pattern::WebSocket, 40.0, 40.0),
    ] {
        for (client, cpu_us) in [(Client::Lean, lean_us), (Client::Reqwest, reqwest_us)] {
            set(
                &mut records,
                pattern,
                |params| params.client == client,
                |measured| {
                    measured.cpu.harness_us = cpu_us * measured.window_deliveries as f64;
                },
            );
        }
    }
    (manifest, records)
}

#[test]
fn clients_are_compared_with_a_pattern_that_has_none() {
    let (manifest, mut records) = client_sweep();
    let sentence = first_answer(&manifest, &records);
    let words = "changes from SSE to WebSocket between lean and reqwest client";
    assert!(sentence.contains(words), "{sentence}");
    assert!(sentence.contains("WebSocket 40.0\u{202f}µs at every HTTP client"), "{sentence}");
    assert!(findings(&manifest, &records).verdict_reason.ends_with("are the server's own count"));

    set(
        &mut records,
        Pattern::Sse,
        |params| params.client == Client::Reqwest,
        |measured| {
            measured.cpu.harness_us = 12.0 * measured.window_deliveries as f64;
        },
    );
    let sentence = first_answer(&manifest, &records);
    let words = "SSE has the lowest subscriber CPU per event from lean to reqwest client";
    assert!(sentence.contains(words), "{sentence}");
    let sentence = first_of_blocks(&manifest, &records, 4);
    let words = "SSE has the lowest subscriber CPU per event from lean to reqwest client";
    assert!(sentence.contains(words), "{sentence}");
}

#[test]
fn a_tie_is_no_change_of_order() {
    let (manifest, mut records) = client_sweep();
    set(
        &mut records,
        Pattern::WebSocket,
        |_| true,
        |measured| {
            measured.cpu.harness_us = 10.5 * measured.window_deliveries as f64;
        },
    );
    for (blocks, few) in [(1, "One run"), (2, "Two blocks"), (3, "Three blocks")] {
        let sentence = first_of_blocks(&manifest, &records, blocks);
        let words = "whether the order changes in subscriber CPU per event from lean to reqwest client";
        let words = format!("{few} cannot show {words}");
        assert!(sentence.contains(&words), "{sentence}");
        assert!(!sentence.contains("shown"), "{sentence}");
    }
    let sentence = first_of_blocks(&manifest, &records, 4);
    assert!(!sentence.contains("whether"), "{sentence}");
}

#[test]
fn a_hold_sweep_is_compared_with_patterns_that_hold_nothing() {
    let sweep =
        Sweep { hold: vec![Period::from_millis(500), Period::from_millis(1_500)], ..Sweep::default() };
    let (manifest, mut records) = swept(sweep, |params| params.hold_ms = params.hold_ms.map(|_| 500.0));
    records.retain(|record| [Pattern::ShortPolling, Pattern::LongPolling].contains(&record.pattern));
    let requests = |records: &mut Vec<TrialRecord>, hold_ms: f64, number: u64| {
        set(
            records,
            Pattern::LongPolling,
            |params| params.hold_ms == Some(hold_ms),
            |measured| {
                measured.requests.window = number;
            },
        );
    };
    set(&mut records, Pattern::ShortPolling, |_| true, |measured| measured.requests.window = 1_500);
    requests(&mut records, 500.0, 3_000);
    requests(&mut records, 1_500.0, 750);
    let sentence = first_answer(&manifest, &records);
    let words = "changes from short polling to long polling between 500\u{202f}ms and 1.5\u{202f}s";
    assert!(sentence.contains(words), "{sentence}");
    requests(&mut records, 1_500.0, 2_000);
    let sentence = first_answer(&manifest, &records);
    let words = "Short polling has the lowest requests per event from 500\u{202f}ms to 1.5\u{202f}s";
    assert!(sentence.contains(words), "{sentence}");
}

/// Short polling at two intervals; the others were measured once.
fn interval_sweep() -> (Manifest, Vec<TrialRecord>) {
    let intervals = vec![Period::from_millis(1_000), Period::from_millis(20)];
    let sweep = Sweep { poll_interval: intervals, ..Sweep::default() };
    swept(sweep, |params| params.poll_interval_ms = params.poll_interval_ms.map(|_| 20.0))
}

#[test]
fn an_interval_sweep_is_compared_with_patterns_measured_once() {
    let (manifest, mut records) = interval_sweep();
    for pattern in [Pattern::LongPolling, Pattern::Sse, Pattern::WebSocket] {
        set(&mut records, pattern, |_| true, |measured| measured.age = ages_of_ms(100));
    }
    let findings = findings(&manifest, &records);
    let sentence = answer_text(&findings.answers[0]);
    let words =
        "changes from short polling to long polling, SSE and WebSocket between 20\u{202f}ms and 1\u{202f}s";
    assert!(sentence.contains(words), "{sentence}");
    let files = report::render(&findings);
    let chart = files.iter().find(|file| file.path == "figures/swept-over-age-p99-ms.svg").expect("drawn");
    assert!(chart.content.contains("SSE: 100"), "{}", chart.content);
    let page = &files[0].content;
    assert!(page.contains("long polling, SSE and WebSocket, which the poll interval does not concern"));
    crate::synthetic::write("level", &files);
}

#[test]
fn nothing_is_said_of_an_order_that_was_not_compared() {
    let (manifest, mut records) = interval_sweep();
    for pattern in [Pattern::LongPolling, Pattern::Sse, Pattern::WebSocket] {
        set(&mut records, pattern, |_| true, |measured| measured.age = Ages::default());
    }
    let sentence = first_answer(&manifest, &records);
    assert!(!sentence.contains("the order") && !sentence.contains("lowest"), "{sentence}");
    // A single value shows no change either.
    let sweep = Sweep { subscribers: vec![50], ..Sweep::default() };
    let (manifest, records) = swept(sweep, |_| {});
    let sentence = first_answer(&manifest, &records);
    assert!(!sentence.contains("the order"), "{sentence}");
}

/// The four patterns, with ten events in a tenth of a second.
fn burst_trials() -> (Manifest, Vec<TrialRecord>) {
    let (mut manifest, mut records) = ten_trials();
    manifest.scenarios.truncate(1);
    records.truncate(4);
    manifest.trials_planned = 4;
    manifest.scenarios[0].events = Arrivals::Bursts {
        burst_events: 10,
        event_spacing: Period::from_millis(10),
        burst_every: Period::from_millis(2_000),
    };
    set(&mut records, Pattern::LongPolling, |_| true, |measured| measured.age = ages_of_ms(48));
    (manifest, records)
}

/// Short polling, of which most polls bring nothing, and its floor.
fn empty_poll_trials() -> (Manifest, Vec<TrialRecord>) {
    let mut question = scenario("nothing-new", "What does an empty poll cost?", &[Pattern::ShortPolling]);
    question.servers = vec![server("pushlab"), server("floor")];
    question.primary = "cpu_us_per_request".to_owned();
    let records = ["pushlab", "floor"].map(|name| {
        let mut record =
            record("nothing-new", Pattern::ShortPolling, params(Pattern::ShortPolling, 1_000.0, 50), 0);
        record.server = server(name);
        change(&mut record, |measured| {
            let polls = 48 * measured.window_deliveries;
            (measured.requests.window, measured.requests.window_empty) = (polls, polls - polls / 48);
            measured.bytes.empty_polls = 207 * measured.requests.window_empty;
            measured.bytes.received += measured.bytes.empty_polls;
            measured.cpu.server_us = polls as f64 * if name == "floor" { 9.7 } else { 17.0 };
        });
        record
    });
    (manifest(vec![question], &["a1b2c3d4e5f60718"], 2), records.to_vec())
}

#[test]
fn a_burst_and_an_empty_poll_are_named() {
    let (manifest, records) = burst_trials();
    let bursts = findings(&manifest, &records).answers.remove(0);
    assert!(bursts.headline.starts_with("In a burst "), "{bursts:?}");
    let burst =
        bursts.conditions.iter().any(|text| text.starts_with("Long polling brings the 10 events of a"));
    assert!(burst, "{bursts:?}");
    let (manifest, records) = empty_poll_trials();
    let polls = findings(&manifest, &records).answers.remove(0);
    assert_eq!(
        plain(&polls.headline),
        "An empty poll costs the server 17.0 µs and 207 B; its CPU is 1.75 times the floor."
    );
}

#[test]
fn a_question_about_no_age_is_told_first_whether_everything_came() {
    let (mut manifest, records) = ten_trials();
    manifest.scenarios[0].primary = "requests_per_event".to_owned();
    let headline = findings(&manifest, &records).answers.remove(0).headline;
    assert!(headline.starts_with("Every event came once and in order. "), "{headline}");
}

/// A number and its unit are one word; the digits of p99 and HTTP/2 are no numbers.
fn words_and_numbers(text: &str) -> (usize, usize) {
    let words: Vec<&str> = text.split(' ').collect();
    let start =
        |word: &&str| word.trim_start_matches(|letter: char| !letter.is_alphanumeric()).chars().next();
    let numbers = words.iter().filter_map(start).filter(char::is_ascii_digit).count();
    (words.len(), numbers)
}

#[test]
fn headlines_and_conditions_are_short() {
    let servers = ["pushlab", "floor", "nchan", "node", "bun"];
    let runs = [
        ten_trials(),
        sixty_trials(),
        burst_trials(),
        empty_poll_trials(),
        client_sweep(),
        interval_sweep(),
        swept(Sweep { subscribers: vec![50, 500], ..Sweep::default() }, |params| params.subscribers = 500),
        swept(Sweep { payload_bytes: vec![100, 4_000], ..Sweep::default() }, |params| {
            params.payload_bytes = 4_000;
        }),
        swept(Sweep { keep_alive: vec![true, false], ..Sweep::default() }, |params| {
            params.keep_alive = params.keep_alive.map(|_| false);
        }),
        connection_trials(1),
        heartbeat_trials(),
        server_trials(&servers[..1], &[], 1),
        server_trials(&servers[..2], &[], 1),
        server_trials(&servers, &[], 1),
        ramp_trials(&servers[..2], 1),
        ramp_trials(&servers, 1),
        ladder_trials(1),
        rtt_trials(),
        obstacle_trials(),
        transport_trials(),
        stream_limit_trials(),
        six_connections(),
        check_trials(2),
        check_trials(3),
        age_trials(1, 300.0),
    ];
    for (manifest, records) in runs {
        for blocks in [1, 2, 4] {
            let mut manifest = manifest.clone();
            let scattered = |block: u32, pattern: Pattern, measured: &mut Measurements| {
                measured.cpu.server_us *= 1.0 + 0.02 * f64::from(block * (1 + pattern.index() as u32) % 3);
            };
            let records = in_blocks(&records, blocks, scattered);
            manifest.trials_planned = records.len() as u32;
            for answer in &crate::written::judged(manifest, records).answers {
                let (words, numbers) = words_and_numbers(&answer.headline);
                assert!(words <= 25 && numbers <= 3, "{words} words, {numbers} numbers: {}", answer.headline);
                assert!(answer.headline.ends_with('.'), "{}", answer.headline);
                for condition in &answer.conditions {
                    // A unit after its number is a word, too.
                    let words = condition.split_whitespace().count();
                    assert!(words <= 35 && condition.ends_with('.'), "{words} words: {condition}");
                }
            }
        }
    }
}

/// The sentences of a Markdown page outside its tables, lists, titles and figures.
fn sentences_of(page: &str) -> Vec<String> {
    let is_prose =
        |line: &&str| !["|", "![", "#", "    ", "<", "- ", "**"].iter().any(|start| line.starts_with(start));
    let lines = page.lines().filter(is_prose).map(|line| line.replace("**", "").replace('`', ""));
    let sentences = lines.flat_map(|line| line.split(". ").map(str::to_owned).collect::<Vec<_>>());
    sentences.collect()
}

#[test]
fn no_sentence_of_a_report_is_long() {
    for (manifest, records) in [
        ten_trials(),
        burst_trials(),
        obstacle_trials(),
        heartbeat_trials(),
        rtt_trials(),
        stream_limit_trials(),
        connection_trials(1),
        six_connections(),
        check_trials(2),
        server_trials(&["pushlab", "floor", "nchan"], &[], 1),
    ] {
        let files = report::render(&findings(&manifest, &records));
        let page = files.iter().find(|file| file.path == "report.md").expect("a page");
        for sentence in sentences_of(&plain(&page.content)) {
            let words = sentence.split_whitespace().count();
            assert!(words <= 35, "{words} words: {sentence}");
        }
    }
}
