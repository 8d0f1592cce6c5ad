//! The sentences: they follow the numbers, and every kind of sweep has one.

mod synthetic;

use contract::{Ages, Client, Manifest, Params, Pattern, Period, Sweep, TimeHistogram, TrialRecord};
use report::{Findings, Run};
use synthetic::{change, files, manifest, params, record, scenario, ten_trials};

fn findings(manifest: &Manifest, records: &[TrialRecord]) -> Findings {
    let (manifest, records) = files(manifest, records);
    report::findings(&Run::parse(&manifest, &records).expect("a made-up run can be read"))
}

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
    for (index, words) in [(0, "no difference shown between them"), (0, "longer than 490"), (1, "below 500")]
    {
        assert!(before[index].sentence.contains(words), "{}", before[index].sentence);
    }

    let mut slower = records.clone();
    // Long polling now needs a quarter of the requests and is far behind.
    change(&mut slower[1], |measured| {
        measured.requests.window /= 4;
        measured.age = ages_of_ms(300);
    });
    let after = findings(&manifest, &slower).answers;
    for words in ["SSE and WebSocket delivered", "long polling in 300", "more requests than long polling"] {
        assert!(after[0].sentence.contains(words), "{}", after[0].sentence);
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
        (Pattern::Sse, 10, 200),
        (Pattern::WebSocket, 40, 90),
    ] {
        age_of(&mut records, pattern, 50, few);
        age_of(&mut records, pattern, 500, many);
    }
    let answers = findings(&manifest, &records).answers;
    let words = "changes from SSE to WebSocket between 50 and 500 subscribers";
    assert!(answers[0].sentence.contains(words), "{}", answers[0].sentence);
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
        let sentence = &findings.answers[0].sentence;
        assert!(sentence.len() > 40 && sentence.ends_with('.'), "{sentence}");
        let files = report::render(&findings);
        let figures = files.iter().filter(|file| file.path.contains("-over-")).count();
        assert!(figures > 0, "{sentence}");
    }
}
