//! Runs with few blocks: with fewer than four nothing is judged, and no output says that a difference was, or
//! was not, shown.

use contract::{Manifest, Pattern, Period, Sweep, TrialRecord};
use report::{Detail, Findings, QuantityName, Verdict, compare, compare_text};

use crate::{
    synthetic::{
        connection_trials, heartbeat_trials, in_blocks, in_scattered_blocks, ladder_trials, manifest, params,
        record, scenario, server_trials, ten_trials,
    },
    written::{answer_text, content, judged},
};

/// All texts of a run for people.
fn all_text(findings: &Findings) -> String {
    let files = report::render(findings);
    files.iter().map(|file| file.content.as_str()).collect::<String>() + &crate::written::terminal(findings)
}

/// Four patterns on one schedule, in several blocks that scatter by up to 15 %.
fn ticker(blocks: u32) -> Findings {
    let (mut all, mut records) = ten_trials();
    all.scenarios.truncate(1);
    records.truncate(4);
    let records = in_scattered_blocks(&mut all, &records, blocks);
    judged(all, records)
}

#[test]
fn so_few_blocks_tell_nothing_apart_that_single_runs_do_not() {
    for (blocks, few) in [(1, "one run"), (2, "two blocks"), (3, "three blocks")] {
        let found = ticker(blocks);
        let headline = &found.answers[0].headline;
        assert!(headline.starts_with("Long polling, SSE and WebSocket deliver within "), "{headline}");
        assert!(headline.contains(&format!(", not told apart by {few}; short polling takes ")), "{headline}");
        let sentence = answer_text(&found.answers[0]);
        assert!(sentence.contains(&format!(" at p99: not told apart by {few}. ")), "{sentence}");
        assert!(sentence.contains(&format!("for SSE and WebSocket (not told apart by {few})")), "{sentence}");
        let text = all_text(&found);
        for word in ["no difference shown", "No difference shown", "was shown to be"] {
            assert!(!text.contains(word), "{word}, by {few}");
        }
        assert!(text.contains("told apart only where one is more than 3 times the other"));
        let mut with_ratio = found.comparisons().filter(|comparison| comparison.ratio.is_some());
        assert!(with_ratio.all(|comparison| comparison.words().ends_with(&format!(" times by {few}"))));
    }
}

#[test]
fn four_blocks_answer_with_intervals() {
    let found = ticker(4);
    let sentence = answer_text(&found.answers[0]);
    let mut conditions = found.answers[0].conditions.iter();
    let first = conditions.find(|text| text.contains(" delivered an event in ")).expect("the ages");
    // The largest possible difference is named, so that another run may differ without a contradiction.
    let (_, most) = sentence.split_once(": no difference shown").expect("a tie");
    let (who, most) = most.split_once(" may still take up to ").expect("a bound");
    assert!(
        ["Long polling", "long polling", "SSE", "WebSocket"].iter().any(|name| who.ends_with(name)),
        "{sentence}"
    );
    assert!(most.contains(" times as long as "), "{sentence}");
    // Each value has its own interval in brackets: `1.82 ms (1.45–2.29)`.
    let near = first
        .split(" delivered")
        .next()
        .expect("who")
        .split([',', ' '])
        .filter(|word| ["Long", "SSE", "WebSocket"].contains(word));
    let intervals = first.matches('–').count();
    assert!(intervals >= 2 && intervals == near.count(), "{first}");
    assert!(!all_text(&found).contains("not told apart by"), "{sentence}");
}

#[test]
fn a_run_of_one_block_is_valid_by_one_run_wherever_its_verdict_stands() {
    for (blocks, words) in
        [(1, "valid, one run"), (2, "valid, two blocks"), (3, "valid, three blocks"), (4, "valid")]
    {
        let found = ticker(blocks);
        assert_eq!((found.verdict, found.verdict_words()), (Verdict::Passed, words.to_owned()));
        let files = report::render(&found);
        let page = content(&files, "report.html");
        assert!(page.contains(&format!("<span class=\"verdict passed\">{words}</span>")));
        assert!(page.contains(&format!(" – {words}</title>")));
        assert!(page.contains(&format!("<h3>Validity: {words}</h3>")));
        let md = content(&files, "report.md");
        assert!(md.contains(&format!("**{words}** ")) && md.contains(&format!("### Validity: {words}\n")));
        assert!(crate::written::terminal(&found).contains(&format!("\n{words}: ")));
        let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
        assert_eq!(json["run"]["verdict"], "passed", "programs read one word");
        assert_eq!(json["points"][0]["blocks"], blocks);
    }
}

#[test]
fn a_scenario_of_one_block_says_so_beside_one_of_four() {
    let (mut all, records) = ten_trials();
    let (ticker, others) = records.split_at(4);
    let mut records = in_blocks(ticker, 4, |_, _, _| ());
    records.extend(in_blocks(others, 1, |_, _, _| ()));
    all.trials_planned = records.len() as u32;
    let found = judged(all, records);
    assert_eq!(found.verdict_words(), "valid, 2 of 3 questions by one run");
    let files = report::render(&found);
    let md = content(&files, "report.md");
    assert_eq!(md.matches("### Validity: valid\n").count(), 1, "stock-ticker");
    assert_eq!(md.matches("### Validity: valid, one run\n").count(), 2, "poll-interval and subscribers");
    let terminal = crate::written::terminal(&found);
    assert!(terminal.contains("stock-ticker: Who") && terminal.contains("\npoll-interval (one run): How"));
    assert!(terminal.contains("\nvalid, 2 of 3 questions by one run: "), "{terminal}");
    // Both words are explained where both occur.
    assert!(md.contains("**no difference shown**: ") && md.contains("**not told apart by one run**: "));
}

#[test]
fn no_cell_is_the_lowest_by_what_one_run_does_not_tell() {
    let trials = Pattern::ALL.map(|pattern| {
        let mut record = record("ticker", pattern, params(pattern, 1_000.0, 50), 0);
        crate::synthetic::change(&mut record, |measured| {
            // WebSocket is cheapest by a half in CPU, and by a tenth and more in bytes.
            let (cpu_us, bytes) = if pattern == Pattern::WebSocket { (2.0, 800) } else { (4.0, 960) };
            measured.cpu.server_us = cpu_us * measured.window_deliveries as f64;
            measured.bytes.received = bytes * measured.window_deliveries - measured.bytes.sent;
        });
        record
    });
    let page = |blocks: u32| {
        let records = in_blocks(&trials, blocks, |_, _, _| ());
        let question = scenario("ticker", "Who is cheapest?", &Pattern::ALL);
        let files = report::render(&judged(manifest(vec![question], &[], 4 * blocks), records));
        content(&files, "report.html").to_owned()
    };
    let (one, four) = (page(1), page(4));
    assert!(one.contains("<strong>800\u{202f}B</strong>"), "bytes are counted");
    assert!(!one.contains("<strong>2.00\u{202f}µs</strong>"), "CPU is metered");
    assert!(four.contains("<strong>2.00\u{202f}µs</strong>"), "four blocks show it");
}

#[test]
fn no_answer_of_one_block_claims_that_there_is_no_difference() {
    let one_block = |(mut manifest, records): (Manifest, Vec<TrialRecord>)| {
        let records: Vec<TrialRecord> = records.into_iter().filter(|record| record.block <= 1).collect();
        manifest.trials_planned = records.len() as u32;
        judged(manifest, records)
    };
    for found in [
        one_block(ten_trials()),
        one_block(connection_trials(1)),
        one_block(heartbeat_trials()),
        one_block(server_trials(&["pushlab", "nchan", "node"], &[], 1)),
        one_block(ladder_trials(1)),
        sides(),
    ] {
        let text = all_text(&found);
        for words in [
            "no difference",
            "no change of order shown",
            "no doubling",
            "is shown to add",
            "shows no added cost",
        ] {
            assert!(!text.contains(words), "{words}: {:?}", found.answers);
        }
        assert!(found.verdict_words().ends_with(", one run") || found.verdict != Verdict::Passed);
    }
}

#[test]
fn one_run_names_no_order_of_what_it_does_not_tell_apart() {
    let whole = |(manifest, records): (Manifest, Vec<TrialRecord>)| judged(manifest, records);
    let connections = whole(connection_trials(1)).answers.remove(0).conditions;
    // In the order of the patterns, though WebSocket took the least.
    let is_user = |text: &&String| text.starts_with("Server memory per idle subscriber: ");
    let user = connections.iter().find(is_user).expect("the server's memory");
    let places = ["short polling", "long polling", "SSE", "WebSocket"].map(|name| user.find(name));
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{user}");
    let apart = connections.iter().any(|text| text == "These are not told apart by one run.");
    assert!(apart, "{connections:?}");
    let four = answer_text(&whole(connection_trials(4)).answers[0]);
    assert!(four.contains("Server memory per idle subscriber: 5.2"), "{four}");

    let servers = answer_text(&whole(server_trials(&["pushlab", "nchan", "node"], &[], 1)).answers[0]);
    assert!(servers.contains("(not told apart from ours by one run) and node 12.8"), "{servers}");
    let ladder = answer_text(&whole(ladder_trials(1)).answers[0]);
    let words = "SSE: writing each event by itself changes the cost by +0.78 µs, not told apart by one run";
    assert!(ladder.contains(words), "{ladder}");
    let answer = &sides().answers[0];
    assert_eq!(answer.headline, "Side a and side b of SSE are not told apart by one run in age at p99.");
    assert!(answer_text(answer).contains("ms, not told apart by one run."), "{answer:?}");
}

#[test]
fn a_heartbeat_has_the_fewest_bytes_only_where_that_is_told() {
    let (manifest, mut records) = heartbeat_trials();
    let fewest = |records: &[TrialRecord]| {
        let found = judged(manifest.clone(), records.to_vec());
        crate::written::terminal(&found).matches("never cut, fewest bytes").count()
    };
    assert_eq!(fewest(&records), 2, "SSE and WebSocket");
    for record in records.iter_mut().filter(|record| record.params.heartbeat.is_some()) {
        // Within a tenth of each other.
        let is_idle = record.params.heartbeat == "idle 1s".parse().ok();
        let bytes = if is_idle { 200 } else { 210 };
        crate::synthetic::change(record, |measured| {
            measured.bytes.received = bytes * measured.window_deliveries - measured.bytes.sent;
        });
    }
    assert_eq!(fewest(&records), 0);
}

/// Two equal sides, in one block.
fn sides() -> Findings {
    let mut question = scenario("equals", "Does it see a difference?", &[Pattern::Sse]);
    let side = |name| contract::Side { name, delivery_delay: Period::default() };
    question.sweep = Some(Sweep { side: vec![side('a'), side('b')], ..Sweep::default() });
    let trials = ['a', 'b'].map(|side| {
        let params = contract::Params { side: Some(side), ..params(Pattern::Sse, 0.0, 50) };
        record("equals", Pattern::Sse, params, 0)
    });
    judged(manifest(vec![question], &[], 2), trials.to_vec())
}

#[test]
fn what_was_run_is_printed_and_not_what_the_file_says() {
    let (mut all, records) = ten_trials();
    // The default run took shorter trials than the file has; the records know.
    all.scenarios[0].measure = Period::from_millis(30_000);
    all.scenarios[0].warm_up = Period::from_millis(5_000);
    let records = in_blocks(&records, 4, |_, _, _| ());
    all.trials_planned = records.len() as u32;
    let files = report::render(&judged(all, records));
    let ran = "Warm-up 2\u{202f}s, measured 15\u{202f}s, in 4 blocks.";
    let by_name = " If run by name, the scenario warms up for 5\u{202f}s and measures 30\u{202f}s.";
    for path in ["report.md", "report.html"] {
        let page = content(&files, path);
        assert_eq!(page.matches(ran).count(), 3, "{path}");
        assert_eq!(page.matches(&format!("{ran}{by_name}")).count(), 1, "{path}");
    }
}

#[test]
fn two_runs_of_one_block_are_not_judged_and_that_comes_first() {
    let run = ticker(1);
    let compared = compare(&run, &run, Detail::From(0.05));
    assert_eq!(compared.judged, 0);
    let text = compare_text(&compared, 200);
    assert!(text.starts_with("The two runs are equal"), "{text}");
    let compared = compare(&run, &ticker(2), Detail::From(0.05));
    assert_eq!(compared.changes.len(), 3, "the largest: {:?}", compared.changes);
    assert!(compared.hidden_unjudged > 10, "{}", compared.hidden_unjudged);
    let text = compare_text(&compared, 200);
    assert!(text.starts_with("Nothing was judged: that takes four blocks on both sides."), "{text}");
    assert!(!text.contains("No change") && !text.contains("about five look changed"), "{text}");
    let judged = compare(&ticker(4), &ticker(4), Detail::From(0.05));
    assert!(judged.judged > 30 && !compare_text(&judged, 200).contains("Nothing was judged"));
    let p99 = run.scenarios[0].points[2].quantity_of(QuantityName::AgeP99);
    assert!(p99.low.is_none() && p99.measured.is_some());
}

#[test]
fn polls_of_the_memory_steps_are_not_predicted() {
    let (manifest, records) = connection_trials(1);
    let found = judged(manifest, records);
    for point in &found.scenarios[0].points {
        let predicted = point.quantity_of(QuantityName::RequestsPerSubscriber).predicted;
        assert_eq!(predicted.is_none(), point.pattern.polls(), "{}", point.pattern);
    }
}
