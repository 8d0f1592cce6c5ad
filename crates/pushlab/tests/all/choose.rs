//! `choose` and `map`: the answers for ten settings, and small runs of these settings that test them.
//!
//! The runs take minutes. Without `PUSHLAB_TEST_CHOICES=1` they do not run, and the last line of `just test` says
//! so.

use std::{env, fs, path::Path};

use serde_json::Value;

use crate::lab::{Lab, did_not_run, summary};

/// The committed reference.
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../results/reference");

/// Values that differ by less count as equal in bytes.
const EQUAL: f64 = 1.1;

/// A setting as options of `choose` and as lines of a scenario, and the patterns with the fewest bytes.
///
/// By hand, with P bytes of payload: an event takes P + 29 bytes with SSE, P + 33 with WebSocket, and P + 31 within
/// an answer to a poll; a poll with its answer takes about 300 bytes more. So with n events per poll short polling
/// is within a tenth of SSE if 300/n + 2 < (P + 29)/10, and long polling, with one event per poll, if P is above
/// about 3,000. TLS adds 22 bytes to every write.
struct Setting {
    rate: &'static str,
    subscribers: &'static str,
    payload: &'static str,
    freshness: &'static str,
    rtt: &'static str,
    is_encrypted: bool,
    fewest_bytes: &'static [&'static str],
}

const STREAMS: &[&str] = &["sse", "websocket"];
const STREAMS_AND_SHORT: &[&str] = &["short-polling", "sse", "websocket"];
const ALL: &[&str] = &["long-polling", "short-polling", "sse", "websocket"];

const fn setting(
    [rate, subscribers, payload, freshness]: [&'static str; 4],
    fewest_bytes: &'static [&'static str],
) -> Setting {
    Setting { rate, subscribers, payload, freshness, rtt: "0ms", is_encrypted: false, fewest_bytes }
}

const SETTINGS: [Setting; 10] = [
    // Two events per poll.
    setting(["10", "100", "100", "200ms"], STREAMS),
    // Ten.
    setting(["10", "50", "100", "1s"], STREAMS),
    // One.
    setting(["2", "200", "200", "500ms"], STREAMS),
    // Fifty: 300/50 + 2 is less than 12.9.
    setting(["50", "20", "100", "1s"], STREAMS_AND_SHORT),
    // Ten of 2,000 bytes: 32 is less than 203.
    setting(["20", "50", "2000", "500ms"], STREAMS_AND_SHORT),
    // Fifty of 500 bytes: 8 is less than 53.
    setting(["100", "10", "500", "500ms"], STREAMS_AND_SHORT),
    // Three of 10,000 bytes.
    setting(["10", "20", "10000", "300ms"], ALL),
    Setting { rtt: "50ms", ..setting(["5", "100", "100", "1s"], STREAMS) },
    // Long polling brings about three events at a time.
    Setting { rtt: "100ms", ..setting(["20", "50", "100", "200ms"], STREAMS) },
    // Five per poll, with two records of TLS each: 344/5 + 2 is more than 15.
    Setting { is_encrypted: true, ..setting(["10", "50", "100", "500ms"], STREAMS) },
];

impl Setting {
    fn answer(&self, lab: &Lab) -> Value {
        let mut arguments = vec!["choose", "--json", "--costs", REFERENCE];
        for (option, value) in [
            ("--rate", self.rate),
            ("--subscribers", self.subscribers),
            ("--payload", self.payload),
            ("--freshness", self.freshness),
            ("--rtt", self.rtt),
        ] {
            arguments.extend([option, value]);
        }
        arguments.extend(self.is_encrypted.then_some("--tls"));
        serde_json::from_str(&lab.run(&arguments).exits(0).stdout).unwrap()
    }

    /// Writes the scenario that measures the answer.
    fn write(&self, lab: &Lab, name: &str, answer: &Value) {
        let patterns = answer["patterns"].as_array().unwrap();
        let interval = patterns.iter().find_map(|of| of["settings"]["poll_interval_ms"].as_f64());
        let interval = format!("\"{}ms\"", interval.unwrap().round());
        let network = format!("{{ rtt = \"{}\" }}", self.rtt);
        let events = format!("arrivals = \"steady\"\nrate_hz = {:.1}", self.rate.parse::<f64>().unwrap());
        let mut changes = vec![
            ("patterns", r#"["short-polling", "long-polling", "sse", "websocket"]"#),
            ("subscribers", self.subscribers),
            ("payload_bytes", self.payload),
            ("poll_interval", interval.as_str()),
            ("hold", "\"1500ms\""),
            ("warm_up", "\"500ms\""),
            ("measure", "\"2s\""),
            // The last poll comes up to an interval after the last event.
            ("drain", "\"3s\""),
            ("[events]", events.as_str()),
        ];
        changes.extend((self.rtt != "0ms").then_some(("network", network.as_str())));
        changes.extend(self.is_encrypted.then_some(("transport", "\"http1-tls\"")));
        lab.scenario(name, &changes);
    }
}

fn cheapest(answer: &Value) -> Vec<&str> {
    answer["cheapest"]["bytes"].as_array().unwrap().iter().map(|slug| slug.as_str().unwrap()).collect()
}

#[test]
fn ten_settings_have_the_winners_that_a_reader_works_out_by_hand() {
    let lab = Lab::new();
    for (index, setting) in SETTINGS.iter().enumerate() {
        let answer = setting.answer(&lab);
        let mut found = cheapest(&answer);
        found.sort_unstable();
        assert_eq!(found, setting.fewest_bytes, "setting {index}: {answer:#}");
        // What is recommended is one of them.
        assert!(found.contains(&answer["patterns"][0]["pattern"].as_str().unwrap()), "setting {index}");
    }
}

/// The recommended pattern has the fewest measured bytes, or is within a tenth of them.
#[test]
fn in_small_runs_of_ten_settings_the_recommended_pattern_is_the_cheapest_in_bytes() {
    if env::var_os("PUSHLAB_TEST_CHOICES").is_none() {
        did_not_run(
            "of the ten settings of `choose`",
            "they take minutes; PUSHLAB_TEST_CHOICES=1 has them run",
        );
        return;
    }
    let lab = Lab::alone();
    let names: Vec<String> = (0..SETTINGS.len()).map(|index| format!("setting-{index}")).collect();
    let answers: Vec<Value> = SETTINGS.iter().map(|setting| setting.answer(&lab)).collect();
    for ((setting, name), answer) in SETTINGS.iter().zip(&names).zip(&answers) {
        setting.write(&lab, name, answer);
    }
    let arguments: Vec<&str> = std::iter::once("bench").chain(names.iter().map(String::as_str)).collect();
    let finished = lab.run(&arguments);
    // A disturbed machine makes ages doubtful, not bytes.
    assert!(matches!(finished.code, Some(0 | 4)), "{}\n{}", finished.stdout, finished.stderr);
    let summary = summary(&lab.only_run());
    for (name, answer) in names.iter().zip(&answers) {
        let bytes = |slug: &str| {
            let points = summary["points"].as_array().unwrap();
            let is_it = |point: &&Value| point["scenario"] == name.as_str() && point["pattern"] == slug;
            let point = points.iter().find(is_it).unwrap();
            assert_eq!(point["delivery"]["lost"], 0, "{name}, {slug}");
            point["quantities"]["bytes_per_event"]["measured"].as_f64().unwrap()
        };
        let fewest = ALL.iter().map(|slug| bytes(slug)).fold(f64::INFINITY, f64::min);
        let taken = answer["patterns"][0]["pattern"].as_str().unwrap();
        assert!(
            bytes(taken) <= fewest * EQUAL,
            "{name}: {taken} has {} bytes, the fewest are {fewest}",
            bytes(taken)
        );
        for slug in ALL {
            // Those that count as equal are measured to be, or nearly.
            let is_named = cheapest(answer).contains(slug);
            assert!(
                !is_named || bytes(slug) <= fewest * EQUAL * 1.05,
                "{name}: {slug} has {} bytes",
                bytes(slug)
            );
        }
    }
}

#[test]
fn numbers_that_cannot_be_are_refused_by_the_name_of_their_option() {
    let lab = Lab::new();
    let usual = [
        ("--rate", "2"),
        ("--subscribers", "50"),
        ("--freshness", "1s"),
        ("--rtt", "50ms"),
        ("--payload", "100B"),
    ];
    for (option, value, words) in [
        ("--rate", "0", "0.001 to 10000"),
        ("--rate", "-2", "0.001 to 10000"),
        ("--rate", "NaN", "0.001 to 10000"),
        ("--rate", "many", "invalid float"),
        ("--subscribers", "0", "at least 1"),
        ("--subscribers", "-5", "not in 0.."),
        ("--subscribers", "1048577", "descriptors"),
        ("--freshness", "0s", "1ms to 1day"),
        ("--freshness", "49ms", "--rtt 50ms"),
        ("--freshness", "1", "time unit needed"),
        ("--rtt", "-1s", "expected number"),
        ("--rtt", "1m", "0s to 10s"),
        ("--payload", "60001", "1B to 60000B"),
        ("--payload", "1.5KB", "whole number of bytes"),
        ("--idle-timeout", "1ms", "1s to 1h"),
    ] {
        let mut arguments = vec!["choose"];
        let others = usual.iter().filter(|(usual, _)| *usual != option);
        arguments.extend(others.flat_map(|(option, value)| [*option, *value]));
        arguments.extend([option, value]);
        let refused = lab.run(&arguments).exits(2).complains(&[option, words]);
        assert_eq!(refused.stdout, "");
    }
    let mut arguments: Vec<&str> = vec!["choose", "--behind-proxy"];
    arguments.extend(usual.iter().flat_map(|(option, value)| [*option, *value]));
    let place = arguments.iter().position(|argument| *argument == "50").unwrap();
    arguments[place] = "64513";
    lab.run(&arguments).exits(2).complains(&["--subscribers", "64512 ports", "--behind-proxy"]);
}

#[test]
fn a_run_without_costs_is_refused_and_without_a_reference_the_model_answers_alone() {
    let lab = Lab::new();
    let asked = ["choose", "--rate", "2", "--subscribers", "50", "--freshness", "1s"];
    let with = |costs: &'static str| asked.into_iter().chain(["--costs", costs]).collect::<Vec<_>>();
    lab.run(&with("nowhere")).exits(1).complains(&[
        "--costs",
        "nowhere/summary.json",
        "the folder of a run?",
    ]);
    fs::create_dir(lab.path("odd")).unwrap();
    lab.write("odd/summary.json", "{\"schema\": 9}");
    lab.run(&with("odd")).exits(1).complains(&["--costs", "odd/summary.json", "no summary of this version"]);
    let alone = lab.run(&asked).exits(0).complains(&["no measured costs", "--costs"]);
    assert!(alone.stdout.contains("No run with measured costs was found"), "{}", alone.stdout);
    let widest = alone.stdout.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 80 && alone.stdout.trim_end().ends_with('.'), "{}", alone.stdout);
}

#[test]
fn the_map_is_written_as_a_page_or_as_a_drawing() {
    let lab = Lab::new();
    for (file, begins) in [("map.html", "<!DOCTYPE html>"), ("map.svg", "<svg")] {
        let said = lab.run(&["map", "--costs", REFERENCE, "--out", file]).exits(0).stdout;
        assert_eq!(said.trim_end(), format!("map: {file}"));
        assert!(fs::read_to_string(lab.path(file)).unwrap().starts_with(begins), "{file}");
    }
    lab.run(&["map", "--out", "map.png"]).exits(2).complains(&["--out", "map.png", ".html or .svg"]);
    lab.run(&["map", "--costs", REFERENCE, "--out", "no/map.svg"])
        .exits(1)
        .complains(&["--out", "no/map.svg"]);
    assert!(!Path::new("map.html").exists(), "nothing is written elsewhere");
}
