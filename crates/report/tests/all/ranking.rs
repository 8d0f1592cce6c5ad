//! The ranking of the patterns by the quantity that a question is about.

use contract::{Manifest, Measurements, Pattern, Sweep, TrialRecord};
use report::Findings;

use crate::{
    synthetic::{
        age_trials, change, heartbeat_trials, in_blocks, ladder_trials, obstacle_trials, params, record,
        scenario, server_trials, ten_trials,
    },
    written::{content, findings, findings_of, plain},
};

/// The four patterns of one scenario, in blocks whose ages are those of `scatter`.
fn ticker(blocks: u32, scatter: impl Fn(u32, Pattern, &mut Measurements)) -> Findings {
    let (mut manifest, mut records) = ten_trials();
    manifest.scenarios.truncate(1);
    records.truncate(4);
    let records = in_blocks(&records, blocks, scatter);
    manifest.trials_planned = records.len() as u32;
    findings(&manifest, &records)
}

/// The rankings in a page: what is above each, and its rows.
fn rankings(found: &Findings) -> Vec<(String, Vec<Vec<String>>)> {
    let page = plain(content(&report::render(found), "report.md"));
    let tables = page.split("### Ranking by ").skip(1).map(|text| {
        let rows =
            text.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
        // A head may be a link: `[age at p99](#g-percentile)`.
        let words = |cell: &str| {
            let cell = cell.trim();
            let link = cell.strip_prefix('[').and_then(|link| link.split_once("]("));
            link.map_or(cell, |(words, _)| words).to_owned()
        };
        let cells = |row: &str| -> Vec<String> { row.trim_matches('|').split('|').map(words).collect() };
        let rows = rows.enumerate().filter(|(place, _)| *place != 1).map(|(_, row)| cells(row)).collect();
        (text.lines().take_while(|line| !line.starts_with('|')).collect::<Vec<_>>().join(" "), rows)
    });
    tables.collect()
}

#[test]
fn one_run_ranks_only_what_it_tells_apart() {
    let found = ticker(1, |_, _, _| ());
    let [(above, rows)] = &rankings(&found)[..] else { panic!("one table") };
    assert_eq!(rows[0][..3], ["pattern", "rank", "age at p99"]);
    let ranks: Vec<[&str; 3]> =
        rows[1..].iter().map(|row| [row[0].as_str(), row[1].as_str(), row[2].as_str()]).collect();
    assert_eq!(
        ranks,
        [
            ["◆ WebSocket", "1–3", "1.80 ms"],
            ["● SSE", "1–3", "1.82 ms"],
            ["■ long polling", "1–3", "2.66 ms"],
            ["▲ short polling", "4", "990 ms"]
        ]
    );
    for words in ["A range of ranks: not told apart by one run.", "Short polling polls every 1 s."] {
        assert!(above.contains(words), "{above}");
    }
    // Its price, and no column that nobody has.
    assert!(above.contains("Per event: requests, bytes and server CPU."), "{above}");
    assert_eq!(rows[0][rows[0].len() - 3..], ["req.", "bytes", "CPU"]);
    for column in 1..rows[0].len() {
        assert!(rows[1..].iter().any(|row| row[column] != "—"), "{rows:?}");
    }
    // The terminal's table of points has the same numbers.
    assert!(!report::terminal_table(&found, 80).contains("Ranking by"));
}

#[test]
fn four_blocks_rank_every_pattern_or_say_that_some_tie() {
    let found = ticker(4, |_, _, _| ());
    let ranks = |found: &Findings| -> Vec<String> {
        rankings(found)[0].1[1..].iter().map(|row| row[1].clone()).collect()
    };
    assert_eq!(ranks(&found), ["1", "2", "3", "4"]);
    // The same ages in all blocks but for some percent, once for one of the two and once for the other.
    let (_, records) = ten_trials();
    let ages = records[2].measurements().expect("SSE").age.clone();
    let found = ticker(4, |_, pattern, measured| {
        if pattern == Pattern::WebSocket {
            measured.age = ages.clone();
        }
    });
    let [(above, rows)] = &rankings(&found)[..] else { panic!("one table") };
    assert_eq!([&rows[1][1], &rows[2][1], &rows[3][1]], ["1 tied", "1 tied", "3"]);
    assert!(above.contains("Tied: no difference shown, and none above 1.25 times is possible."), "{above}");
}

/// Of three ages the middle one is told apart from neither of the others.
#[test]
fn a_rank_is_open_only_among_those_that_are_not_told_apart() {
    let found = ticker(1, |_, pattern, measured| {
        let age_ms = match pattern {
            Pattern::WebSocket => 2,
            Pattern::Sse => 14,
            Pattern::LongPolling => 40,
            Pattern::ShortPolling => 990,
        };
        let mut ages = contract::TimeHistogram::default();
        (0..measured.window_deliveries).for_each(|_| ages.record_ns(age_ms * 1_000_000));
        measured.age.arrived = ages.distribution();
    });
    let ranks: Vec<String> = rankings(&found)[0].1[1..].iter().map(|row| row[1].clone()).collect();
    assert_eq!(ranks, ["1–2", "1–3", "2–3", "4"]);
}

/// A point that is not valid has no rank, and no other point's rank counts it.
#[test]
fn what_is_not_valid_has_no_rank() {
    let found = ticker(4, |_, pattern, measured| {
        if pattern == Pattern::WebSocket {
            measured.delivery.duplicated = 1;
        }
    });
    let ranks: Vec<[String; 2]> =
        rankings(&found)[0].1[1..].iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    assert_eq!(
        ranks.last().map(|[name, rank]| (name.as_str(), rank.as_str())),
        Some(("◆ WebSocket", "not valid"))
    );
    assert_eq!(ranks[0], ["● SSE", "1"]);
}

/// All patterns, with fifty and with five hundred subscribers.
fn subscribers() -> (Manifest, Vec<TrialRecord>) {
    let mut swept = scenario("swept", "What do more subscribers change?", &Pattern::ALL);
    swept.sweep = Some(Sweep { subscribers: vec![50, 200, 500, 800], ..Sweep::default() });
    let mut records = Vec::new();
    for pattern in Pattern::ALL {
        for subscribers in [50, 200, 500, 800] {
            let params = params(pattern, 1_000.0, subscribers);
            records.push(record("swept", pattern, params, records.len() as u32));
        }
    }
    (crate::synthetic::manifest(vec![swept], &["a1b2c3d4e5f60718"], 16), records)
}

#[test]
fn a_sweep_ranks_at_its_ends_and_where_the_first_changes() {
    let headings = |(manifest, records): &(Manifest, Vec<TrialRecord>)| -> Vec<String> {
        let found = rankings(&findings(manifest, records));
        found.into_iter().map(|(above, _)| above.split("  ").next().unwrap_or_default().to_owned()).collect()
    };
    let (manifest, mut records) = subscribers();
    assert_eq!(
        headings(&(manifest.clone(), records.clone())),
        ["age at p99, 50 subscribers", "age at p99, 800 subscribers"]
    );
    // From 500 subscribers on long polling alone is the freshest.
    for record in &mut records {
        let is_slow = record.params.subscribers >= 500 && record.pattern != Pattern::LongPolling;
        change(record, |measured| {
            if is_slow {
                let mut ages = contract::TimeHistogram::default();
                (0..1_500).for_each(|_| ages.record_ns(400_000_000));
                measured.age.arrived = ages.distribution();
            }
        });
    }
    assert_eq!(
        headings(&(manifest, records)),
        ["age at p99, 50 subscribers", "age at p99, 500 subscribers", "age at p99, 800 subscribers"]
    );
}

#[test]
fn where_another_table_ranks_there_is_no_ranking() {
    let servers = ["pushlab", "floor", "nchan"];
    for run in [
        obstacle_trials(),
        heartbeat_trials(),
        ladder_trials(1),
        server_trials(&servers, &[], 1),
        age_trials(1, 300.0),
    ] {
        assert!(rankings(&findings_of(&run)).is_empty());
    }
}
