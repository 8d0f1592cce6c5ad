//! Answers to somebody who has to choose a pattern, worked out by hand from the reference's costs.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

use std::{fs, path::Path};

use contract::{Environment, Pattern, Period};
use report::{
    BreakEven, Choice, Circumstance, Costs, Resource, Wish, break_even_page, break_even_svg, choice_json,
    choice_text, which_one_table,
};
use serde_json::Value;

fn reference_text() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/reference/summary.json");
    fs::read_to_string(file).unwrap()
}

fn reference() -> Costs {
    Costs::parse(&reference_text(), &Environment::default()).unwrap()
}

/// Two events a second for five thousand, at most a second old, 50 ms away.
fn wish() -> Wish {
    Wish { rate_hz: 2.0, subscribers: 5_000, ..Wish::default() }
}

fn numbers(choice: &Choice, pattern: &str) -> Value {
    let answer: Value = serde_json::from_str(&choice_json(choice)).unwrap();
    let patterns = answer["patterns"].as_array().unwrap();
    patterns.iter().find(|of| of["pattern"] == pattern).unwrap()["numbers"].clone()
}

fn near(value: &Value, expected: f64) {
    let value = value["value"].as_f64().unwrap();
    assert!((value / expected - 1.0).abs() < 2e-3, "{value}, expected {expected}");
}

#[test]
fn the_numbers_are_those_that_a_reader_works_out_by_hand() {
    let choice = Choice::make(wish(), Some(reference()));
    let short = numbers(&choice, "short-polling");
    // Uniform over an interval, after a one-way delay of 25 ms: 0.99 T + 25 ms = 1 s.
    near(&short["age_p99_ms"], 1_000.0);
    near(&short["requests_per_s"], 5_000.0 / 0.984);
    near(&short["connections"], 5_000.0);
    let each = short["cpu_cores"]["each"].as_f64().unwrap();
    near(&short["cpu_cores"], each * 1e-6 * 5_000.0 / 0.984);

    let sse = numbers(&choice, "sse");
    let each = sse["cpu_cores"]["each"].as_f64().unwrap();
    near(&sse["cpu_cores"], each * 1e-6 * 10_000.0);
    // The median subscriber waits for half of the 5,000 deliveries.
    near(&sse["age_p50_ms"], 25.0 + each * 1e-3 * 4_999.0 / 2.0);
    // `id: k3v9qa.501`, `data: ` with 100 bytes, and an empty line: 123 bytes in a chunk of 129. Every 15 s a
    // heartbeat of 8 bytes.
    near(&sse["bytes_per_s"], 10_000.0 * 129.0 + 5_000.0 * 8.0 / 15.0);
    assert_eq!(sse["cpu_cores"]["basis"], "measured elsewhere");
    assert_eq!(sse["age_p50_ms"]["basis"], "model only");
}

#[test]
fn a_cost_is_taken_from_the_nearest_point_and_says_where_it_was_measured() {
    let near_ticker = Wish { rate_hz: 9.0, subscribers: 900, ..Wish::default() };
    let choice = Choice::make(near_ticker, Some(reference()));
    let cpu = &numbers(&choice, "sse")["cpu_cores"];
    let reference: Value = serde_json::from_str(&reference_text()).unwrap();
    let points = reference["points"].as_array().unwrap();
    let is_ticker = |point: &&Value| point["scenario"] == "stock-ticker" && point["pattern"] == "sse";
    let ticker = points.iter().find(is_ticker).unwrap();
    assert_eq!(cpu["each"], ticker["quantities"]["cpu_us_per_event"]["measured"]);
    assert!(cpu["nearest"].as_str().unwrap().starts_with("stock-ticker ("), "{cpu}");
    let here: Environment = serde_json::from_value(reference["run"]["environment"].clone()).unwrap();
    let here = Costs::parse(&reference_text(), &here).unwrap();
    let cpu = numbers(&Choice::make(wish(), Some(here)), "sse")["cpu_cores"].clone();
    assert_eq!(cpu["basis"], "measured here");
}

#[test]
fn without_a_run_the_model_alone_answers_and_says_so() {
    let choice = Choice::make(wish(), None);
    assert_eq!(numbers(&choice, "sse")["cpu_cores"], Value::Null);
    let text = choice_text(&choice, 80);
    assert!(text.contains("No run with measured costs was found"), "{text}");
    assert!(choice.cheapest(Resource::Cpu).is_empty());
    assert_eq!(choice.best(), Some(Pattern::Sse));
}

#[test]
fn what_is_too_slow_is_ruled_out_with_its_reason() {
    // Polls cannot begin before the previous answer: 75 ms. A long poll's p99 is 70 ms.
    let choice = Choice::make(Wish { subscribers: 10, freshness: Period::from_millis(60), ..wish() }, None);
    let answer: Value = serde_json::from_str(&choice_json(&choice)).unwrap();
    let reasons = |index: usize| answer["patterns"][index]["ruled_out"].to_string();
    assert_eq!((reasons(0).as_str(), reasons(1).as_str()), ("[]", "[]"));
    assert!(reasons(2).contains("before the previous answer"), "{}", reasons(2));
    assert!(reasons(3).contains("its age at p99 is 70"), "{}", reasons(3));
    // One core cannot write to a million subscribers within a second: nobody is recommended.
    let crowd = Choice::make(Wish { subscribers: 1_000_000, ..wish() }, Some(reference()));
    assert_eq!(crowd.best(), None);
    assert!(crowd.advice().contains("divide the subscribers among several servers"), "{}", crowd.advice());
}

#[test]
fn circumstances_decide_what_a_pattern_needs_and_which_of_two_equals_comes_first() {
    let all = vec![Circumstance::TwoWay, Circumstance::BehindProxy, Circumstance::Browser];
    let idle_timeout = Period::from_millis(20_000);
    let choice = Choice::make(Wish { circumstances: all, idle_timeout, ..wish() }, Some(reference()));
    assert_eq!(choice.best(), Some(Pattern::WebSocket), "it can send");
    assert_eq!(Choice::make(wish(), Some(reference())).best(), Some(Pattern::Sse), "it needs less");
    let answer: Value = serde_json::from_str(&choice_json(&choice)).unwrap();
    let needs = |slug: &str| {
        let patterns = answer["patterns"].as_array().unwrap();
        patterns.iter().find(|of| of["pattern"] == slug).unwrap()["needs"].to_string()
    };
    for (slug, words) in [
        ("short-polling", &["cursor", "ETag", "POST", "cookies"][..]),
        ("long-polling", &["a hold (15", "shorter than the idle timeout (20", "HTTP/2", "POST"]),
        ("sse", &["a heartbeat (10", "does not buffer", "HTTP/2: over", "six connections", "POST"]),
        ("websocket", &["a heartbeat (10", "`Upgrade`", "TLS past it", "reconnection"]),
    ] {
        for word in words {
            assert!(needs(slug).contains(word), "{slug}: {word}: {}", needs(slug));
        }
    }
    assert!(!needs("websocket").contains("HTTP/2") && !needs("sse").contains("`Upgrade`"));
}

#[test]
fn equal_in_bytes_the_one_with_less_cpu_is_taken() {
    // A hundred events a second, read once a second: 3 % more bytes than SSE, a twentieth of its CPU.
    let choice = Choice::make(Wish { rate_hz: 100.0, ..Wish::default() }, Some(reference()));
    assert_eq!(choice.cheapest(Resource::Bytes).len(), 3);
    assert_eq!(choice.cheapest(Resource::Cpu), [Pattern::ShortPolling]);
    assert_eq!(choice.best(), Some(Pattern::ShortPolling));
}

#[test]
fn the_answer_fits_its_terminal_and_ends_with_one_sentence_of_advice() {
    let wishes = [0.001, 2.0, 10_000.0].into_iter().flat_map(|rate_hz| {
        let of = move |subscribers| [1_000, 86_400_000].map(|ms| (rate_hz, subscribers, ms));
        [1, 5_000, 64_512].into_iter().flat_map(of)
    });
    for (rate_hz, subscribers, freshness_ms) in wishes {
        let freshness = Period::from_millis(freshness_ms);
        let circumstances = vec![Circumstance::BehindProxy, Circumstance::Browser, Circumstance::TwoWay];
        let wish = Wish { rate_hz, subscribers, freshness, circumstances, ..Wish::default() };
        wish.check().unwrap();
        let choice = Choice::make(wish, Some(reference()));
        let text = choice_text(&choice, 80);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 80, "{widest}: {text}");
        let last = text.trim_end().rsplit("\n\n").next().unwrap().replace('\n', " ");
        assert!(last.starts_with("Take ") || last.starts_with("No pattern "), "{text}");
        assert!(last.split_whitespace().count() <= 35 && last.matches(". ").count() == 0, "{last}");
    }
}

#[test]
fn a_file_that_is_no_summary_is_refused() {
    let here = Environment::default();
    for (text, words) in [
        ("", "no summary of this version"),
        ("{}", "missing field `run`"),
        (&reference_text().replace("\"server\": \"pushlab\"", "\"server\": \"floor\""), "no valid trial"),
    ] {
        let error = Costs::parse(text, &here).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn the_map_is_a_page_and_a_drawing_that_load_nothing() {
    let map = BreakEven::make(Some(reference()));
    let page = break_even_page(&map);
    assert!(page.len() < 600_000, "{} bytes", page.len());
    for words in
        ["By bytes, short polling is cheapest", "By server CPU", "stock-ticker", "SSE or", "no difference"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("#FACE") && !page.contains("src="), "no placeholder, nothing from outside");
    let drawing = break_even_svg(&map);
    assert!(drawing.starts_with("<svg") && drawing.contains("prefers-color-scheme:dark"));
    assert!(drawing.contains("cheapest by server CPU") && !drawing.contains("#FACE"));
}

#[test]
fn the_readme_has_the_short_table() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let table = which_one_table(&reference());
    assert!(readme.contains(&table), "the README's section `Which one?` needs this table:\n{table}");
}
