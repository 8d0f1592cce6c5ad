//! Claims with known answers: their verdicts, sentences and flips.

use contract::{Arrivals, Manifest, Measurements, Network, Pattern, Period, Scenario, Sweep, TrialRecord};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Normal};
use report::{Claim, ClaimFinding, ClaimVerdict, QuantityName, Run, ThresholdOutcome, read_claims};

use crate::{
    synthetic::{
        bare, change, check_trials, failed, heartbeat_trials, in_blocks, manifest, obstacle_trials, params,
        record, scenario, six_connections, ten_trials, transport_trials,
    },
    written::{content, plain},
};

const SENTENCES: &str = "holds = \"Yes.\"\ndepends = \"Now and then.\"\nwrong = \"No.\"";

/// A claim with these conditions and sentences.
fn claim(conditions: &[&str], sentences: &str) -> Claim {
    let conditions: Vec<String> = conditions.iter().map(|text| format!("'{text}'")).collect();
    let text = format!(
        "[[claim]]\nid = \"K01\"\nclaim = \"It is so.\"\nconditions = [{}]\n{sentences}\n",
        conditions.join(", ")
    );
    read_claims("claims.toml", text.as_bytes()).expect("a claim").remove(0)
}

fn judged(run: &(Manifest, Vec<TrialRecord>), claim: Claim) -> ClaimFinding {
    let (manifest, records) = run.clone();
    report::check_claims(std::slice::from_ref(&claim), &manifest.scenarios).expect("it fits the scenarios");
    let run = Run { manifest, records, claims: vec![claim], warnings: Vec::new() };
    report::findings(&run).claims.remove(0)
}

/// The finding of a claim with one condition.
fn of(run: &(Manifest, Vec<TrialRecord>), condition: &str) -> ClaimFinding {
    judged(run, claim(&[condition], SENTENCES))
}

/// The same run in several equal blocks.
fn repeated((manifest, records): &(Manifest, Vec<TrialRecord>), blocks: u32) -> (Manifest, Vec<TrialRecord>) {
    (manifest.clone(), in_blocks(records, blocks, |_, _, _| ()))
}

/// The cells' points and outcomes.
fn cells(found: &ClaimFinding) -> Vec<(String, ThresholdOutcome)> {
    found.cells.iter().map(|cell| (plain(&cell.of), cell.outcome)).collect()
}

#[test]
fn a_true_claim_holds_a_false_one_is_wrong_and_one_that_changes_depends() {
    // A poll every 250 ms to 2 s at two events a second: 2, 1, 0.5 and 0.25 requests an event.
    for blocks in [1, 4] {
        let run = repeated(&ten_trials(), blocks);
        for (condition, verdict, sentence) in [
            ("poll-interval: short-polling.requests_per_event > 0.2", ClaimVerdict::Holds, "Yes."),
            ("poll-interval: short-polling.requests_per_event >= 2.5", ClaimVerdict::Wrong, "No."),
            ("poll-interval: short-polling[1s].requests_per_event <= 0.6", ClaimVerdict::Holds, "Yes."),
            ("poll-interval: short-polling[1000ms].requests_per_event > 0.6", ClaimVerdict::Wrong, "No."),
        ] {
            let found = of(&run, condition);
            assert_eq!(
                (found.verdict, found.sentence.as_str()),
                (verdict, sentence),
                "{condition}: {found:?}"
            );
            assert_eq!((found.flip.as_deref(), found.is_by_one_block), (None, blocks == 1));
            assert_eq!(found.scenarios, ["poll-interval"]);
        }
        let sentences = SENTENCES.replace("then", "then, {flip}");
        let found =
            judged(&run, claim(&["poll-interval: short-polling.requests_per_event > 0.75"], &sentences));
        assert_eq!(found.verdict, ClaimVerdict::Depends);
        // 1 ÷ (2 × T) = 0.75 at T = 667 ms.
        let flip = "between 500 ms and 1 s (by the model at 667 ms)";
        assert_eq!(plain(found.flip.as_deref().expect("a flip")), flip);
        assert_eq!(plain(&found.sentence), format!("Now and then, {flip}."));
        let reason = if blocks == 1 { "by one block" } else { "by its 95 % interval" };
        assert!(found.cells.iter().all(|cell| cell.reason == reason), "{:?}", found.cells);
        assert_eq!(found.cells.len(), 4);
        assert!(found.cells.iter().all(|cell| cell.limit == Some(0.75)));
    }
}

#[test]
fn several_conditions_are_one_claim() {
    let run = ten_trials();
    let true_one = "poll-interval: short-polling[1s].requests_per_event < 0.6";
    let false_one = "stock-ticker: sse.lost > 0";
    for (conditions, verdict) in [
        (vec![true_one, "stock-ticker: sse.lost == 0"], ClaimVerdict::Holds),
        (vec![true_one, false_one], ClaimVerdict::Depends),
        (vec!["poll-interval: short-polling[1s].requests_per_event > 0.6", false_one], ClaimVerdict::Wrong),
    ] {
        let found = judged(&run, claim(&conditions, SENTENCES));
        assert_eq!(found.verdict, verdict, "{conditions:?}");
        assert_eq!(found.scenarios, ["poll-interval", "stock-ticker"]);
        assert_eq!(found.cells.len(), 2);
    }
}

#[test]
fn one_block_decides_only_beyond_the_scatter_of_its_quantity() {
    let one = ten_trials();
    let four = repeated(&one, 4);
    // 0.5 requests an event; one block may differ by 3 %.
    for (limit, by_one) in [
        (0.52, ClaimVerdict::Holds),
        (0.51, ClaimVerdict::Open),
        (0.49, ClaimVerdict::Open),
        (0.48, ClaimVerdict::Wrong),
    ] {
        let condition = format!("poll-interval: short-polling[1s].requests_per_event < {limit}");
        let found = of(&one, &condition);
        assert_eq!(found.verdict, by_one, "{limit}");
        let by_four = if limit > 0.5 { ClaimVerdict::Holds } else { ClaimVerdict::Wrong };
        assert_eq!(of(&four, &condition).verdict, by_four, "{limit}");
    }
    let open = of(&one, "poll-interval: short-polling[1s].requests_per_event < 0.51");
    assert_eq!(
        plain(&open.sentence),
        "One block cannot tell: requests per event of short polling every 1 s is 0.500 (0.485–0.515), the limit \
         0.510. To measure four: just bench poll-interval --blocks 4"
    );
    assert!(!open.is_by_one_block, "nothing was decided");
    // A ratio may differ by the factors of both sides.
    let ratio = "stock-ticker: long-polling.bytes_per_event / sse.bytes_per_event";
    let found = of(&one, &format!("{ratio} > 1"));
    let (value, low) = (found.cells[0].value.expect("a ratio"), found.cells[0].low.expect("a range"));
    assert!((value / low - 1.03 * 1.03).abs() < 1e-9, "{value} {low}");
    for (limit, verdict) in [(value / 1.07, ClaimVerdict::Holds), (value / 1.05, ClaimVerdict::Open)] {
        assert_eq!(of(&one, &format!("{ratio} > {limit}")).verdict, verdict);
    }
}

fn set_cpu(measured: &mut Measurements, per_event_us: f64) {
    measured.cpu.server_us = per_event_us * measured.window_deliveries as f64;
}

/// Verdicts on `cpu_us_per_event < 20` in runs whose true cost is a multiple of 20 µs and whose blocks scatter
/// normally in the logarithm.
fn drawn(runs: usize, blocks: u32, truth: f64, scatter: f64) -> Vec<ClaimVerdict> {
    let mut random = ChaCha8Rng::seed_from_u64(20_261_201);
    let normal = Normal::new(0.0, scatter).expect("a width");
    let claim = claim(&["ticker: sse.cpu_us_per_event < 20"], SENTENCES);
    let question = scenario("ticker", "What does it cost?", &[Pattern::Sse]);
    let trials = in_blocks(&[bare(Pattern::Sse)], blocks, |_, _, _| ());
    (0..runs)
        .map(|_| {
            let mut records = trials.clone();
            for record in &mut records {
                let cost = 20.0 * truth * normal.sample(&mut random).exp();
                change(record, |measured| set_cpu(measured, cost));
            }
            let manifest = manifest(vec![question.clone()], &[], blocks);
            let run = Run { manifest, records, claims: vec![claim.clone()], warnings: Vec::new() };
            report::findings(&run).claims[0].verdict
        })
        .collect()
}

#[test]
fn a_claim_at_its_limit_is_decided_no_more_often_than_said() {
    const RUNS: usize = 2_000;
    // 5 %, and two standard deviations of what 2,000 runs show of it.
    let allowed = 0.05 + 2.0 * (0.05_f64 * 0.95 / RUNS as f64).sqrt();
    let share = |verdicts: &[ClaimVerdict], of: ClaimVerdict| {
        verdicts.iter().filter(|verdict| **verdict == of).count() as f64 / RUNS as f64
    };
    // One block of CPU may differ by a factor of 1.5: so much that 5 % of the blocks differ by more.
    let of_one = 1.5_f64.ln() / 1.96;
    for (blocks, scatter) in [(1, of_one), (4, 0.1), (5, 0.1)] {
        let at_limit = drawn(RUNS, blocks, 1.0, scatter);
        let decided = 1.0 - share(&at_limit, ClaimVerdict::Open);
        assert!((0.03..=allowed).contains(&decided), "{blocks} blocks: {decided}");
        assert_eq!(share(&at_limit, ClaimVerdict::Depends), 0.0);
        for (truth, error) in
            [((scatter / 2.0).exp(), ClaimVerdict::Holds), ((-scatter / 2.0).exp(), ClaimVerdict::Wrong)]
        {
            let near = drawn(RUNS, blocks, truth, scatter);
            assert!(
                share(&near, error) <= allowed / 2.0,
                "{blocks} blocks, {truth}: {}",
                share(&near, error)
            );
            assert!(
                share(&near, ClaimVerdict::Open) > 0.5,
                "{blocks} blocks, {truth}: still close to the limit"
            );
        }
        let far = drawn(RUNS / 10, blocks, (5.0 * scatter).exp(), scatter);
        let right = far.iter().filter(|verdict| **verdict == ClaimVerdict::Wrong).count();
        assert!(right > RUNS / 10 * 9 / 10, "{blocks} blocks: {right} far ones are decided");
    }
}

#[test]
fn brackets_select_a_period_a_network_a_bool_and_a_transport() {
    let interval = of(&ten_trials(), "poll-interval: short-polling[500ms].lost == 0");
    assert_eq!(cells(&interval), [("short polling every 500 ms".to_owned(), ThresholdOutcome::Passed)]);
    let obstacles = obstacle_trials();
    for (condition, point) in [
        ("obstacles: websocket[refuse_upgrade].never_connected == 50", "WebSocket, upgrades refused"),
        ("obstacles: sse[refuse_upgrade].never_connected == 0", "SSE, upgrades refused"),
        ("obstacles: sse[connections].never_connected == 30", "SSE, at most 20 connections"),
        ("obstacles: sse[cut_after].reconnects == 240", "SSE, cut after 3 s"),
        ("obstacles: sse[clear].reconnects == 0", "SSE, no obstacle"),
        ("obstacles: sse[black_hole_after].lost > 0", "SSE, black hole after 5 s"),
        ("obstacles: sse[buffer].age_p50_ms > 150", "SSE, buffering 4 KiB or 500 ms"),
    ] {
        let found = of(&obstacles, condition);
        assert_eq!(cells(&found), [(point.to_owned(), ThresholdOutcome::Passed)], "{condition}: {found:?}");
    }
    let transports = transport_trials();
    let found = of(&transports, "transports: sse[http2].sockets_held < 3");
    assert_eq!(cells(&found), [("SSE, HTTP/2".to_owned(), ThresholdOutcome::Passed)]);
    let found = of(&transports, "transports: sse.sockets_held < 3");
    assert_eq!((found.verdict, found.flip), (ClaimVerdict::Depends, None), "a transport is no number");

    let mut kept = scenario("keep-alive", "What does a new connection cost?", &[Pattern::LongPolling]);
    kept.sweep = Some(Sweep { keep_alive: vec![true, false], ..Sweep::default() });
    let trials = [true, false].map(|keep_alive| {
        let params =
            contract::Params { keep_alive: Some(keep_alive), ..params(Pattern::LongPolling, 0.0, 50) };
        let mut record = record("keep-alive", Pattern::LongPolling, params, 0);
        change(&mut record, |measured| measured.requests.reconnects = if keep_alive { 0 } else { 3_000 });
        record
    });
    let run = (manifest(vec![kept], &[], 2), trials.to_vec());
    for (condition, verdict) in [
        ("keep-alive: long-polling[false].reconnects == 3000", ClaimVerdict::Holds),
        ("keep-alive: long-polling[true].reconnects == 3000", ClaimVerdict::Wrong),
        ("keep-alive: long-polling[false].reconnects / long-polling[true].lost > 1", ClaimVerdict::Open),
    ] {
        assert_eq!(of(&run, condition).verdict, verdict, "{condition}");
    }
}

#[test]
fn two_points_of_one_pattern_are_divided_block_by_block() {
    let (manifest, records) = heartbeat_trials();
    // In step: the blocks' scatter cancels.
    let records = in_blocks(&records, 5, |block, _, measured| {
        measured.window_received = measured.window_deliveries * u64::from(10 + block) / 10;
    });
    let run = (manifest, records);
    let bytes = |of: u64| (145 + of) as f64;
    for (condition, value) in [
        ("idle-timeout: sse[idle 1s].bytes_per_event / sse[off].bytes_per_event < 1", bytes(20) / bytes(60)),
        ("idle-timeout: sse[1s].bytes_per_event / sse[off].bytes_per_event > 1", bytes(90) / bytes(60)),
        ("idle-timeout: sse[1s].bytes_per_event / sse[idle 1s].bytes_per_event > 1", bytes(90) / bytes(20)),
    ] {
        let found = of(&run, condition);
        assert_eq!((found.verdict, found.cells.len()), (ClaimVerdict::Holds, 1), "{found:?}");
        let cell = &found.cells[0];
        assert!((cell.value.expect("a ratio") / value - 1.0).abs() < 1e-9, "{condition}: {cell:?}");
        let (low, high) = cell.low.zip(cell.high).expect("an interval");
        assert!((high / low - 1.0).abs() < 1e-9, "the blocks agree: {low} {high}");
    }
    // Each other heartbeat against the first one.
    let found = of(&run, "idle-timeout: sse.bytes_per_event / sse[off].bytes_per_event < 1");
    let labels: Vec<String> = cells(&found).into_iter().map(|(of, _)| of).collect();
    let off = "SSE, heartbeat off";
    let expected = ["every 1 s", "when idle for 1 s"].map(|other| format!("SSE, heartbeat {other} ÷ {off}"));
    assert_eq!(labels, expected);
    assert_eq!(found.verdict, ClaimVerdict::Depends);
    // The divisor is at the value of the first term.
    let found = of(&run, "idle-timeout: sse[off].bytes_per_event / websocket.bytes_per_event > 0.5");
    assert_eq!(cells(&found)[0].0, format!("{off} ÷ WebSocket, heartbeat off"));
}

#[test]
fn points_of_two_scenarios_are_divided_by_both_intervals() {
    let run = ten_trials();
    let (manifest, records) = run;
    let records = in_blocks(&records, 4, |block, _, measured| {
        measured.requests.window = measured.requests.window * (100 + u64::from(block)) / 100;
    });
    let run = (manifest, records);
    let ratio = "poll-interval: short-polling[500ms].requests_per_event / stock-ticker: short-polling.requests_per_event";
    let found = of(&run, &format!("{ratio} > 1.5"));
    assert_eq!(found.verdict, ClaimVerdict::Holds, "{found:?}");
    assert_eq!(found.scenarios, ["poll-interval", "stock-ticker"]);
    let cell = &found.cells[0];
    let ends = |finding: &ClaimFinding| finding.cells[0].low.zip(finding.cells[0].high).expect("an interval");
    let (above, below) = (
        ends(&of(&run, "poll-interval: short-polling[500ms].requests_per_event > 0")),
        ends(&of(&run, "stock-ticker: short-polling.requests_per_event > 0")),
    );
    let (low, high) = cell.low.zip(cell.high).expect("an interval");
    assert!((low - above.0 / below.1).abs() < 1e-9 && (high - above.1 / below.0).abs() < 1e-9, "{cell:?}");
}

#[test]
fn the_tasks_of_a_browser_are_counted() {
    let streams = six_connections();
    for (condition, verdict) in [
        ("six-connections: sse[http1].streams_open == 6", ClaimVerdict::Holds),
        ("six-connections: sse[http1].streams_open >= 8", ClaimVerdict::Wrong),
        ("six-connections: sse[http1].streams_asked == 8", ClaimVerdict::Holds),
        ("six-connections: sse[http1].streams_opened == 8", ClaimVerdict::Holds),
        ("six-connections: sse[http2].streams_open == 8", ClaimVerdict::Holds),
        ("six-connections: websocket[http1].streams_open == 8", ClaimVerdict::Holds),
        ("six-connections: streams_open <= 6", ClaimVerdict::Depends),
        ("six-connections: sse[http1].browser_connections == 9", ClaimVerdict::Holds),
        ("six-connections: sse.crowd_connected == 2000", ClaimVerdict::Holds),
        ("six-connections: sse.crowd_deliveries > 10000", ClaimVerdict::Holds),
        ("six-connections: sse.lost == 0", ClaimVerdict::Open),
        ("six-connections: sse[http1].check[P18] == 1", ClaimVerdict::Open),
    ] {
        let found = judged(&streams, claim(&[condition], SENTENCES));
        assert_eq!(found.verdict, verdict, "{condition}: {found:?}");
        assert!(!found.is_by_one_block, "a count is certain");
    }
    let checks = check_trials(2);
    let sentences =
        "holds = \"{checks} checks, {checks_failed} failed, P19: {check[P19]}.\"\nwrong = \"No.\"";
    for (condition, verdict) in [
        ("browser-sse: sse.checks == 3", ClaimVerdict::Holds),
        ("browser-sse: sse.checks_failed == 0", ClaimVerdict::Wrong),
        ("browser-sse: check[P17] == 1", ClaimVerdict::Holds),
        ("browser-sse: sse.check[P19] == 1", ClaimVerdict::Wrong),
        ("browser-sse: sse.check[P99] == 1", ClaimVerdict::Open),
    ] {
        let found = judged(&checks, claim(&[condition], sentences));
        assert_eq!(found.verdict, verdict, "{condition}: {found:?}");
        if verdict == ClaimVerdict::Holds {
            assert_eq!(found.sentence, "3 checks, 1 failed, P19: 0.");
        }
    }
}

#[test]
fn a_check_must_hold_in_every_trial_and_a_count_must_agree() {
    let (manifest, records) = check_trials(3);
    let mut records = in_blocks(&records, 2, |_, _, _| ());
    let (_, mut other) = check_trials(2);
    std::mem::swap(&mut records[1].outcome, &mut other[0].outcome);
    let run = (manifest, records);
    let sentences = "holds = \"{sse.checks_failed} of {sse.checks}.\"\nwrong = \"No.\"";
    for (condition, verdict) in [
        ("browser-sse: check[P19] == 1", ClaimVerdict::Wrong),
        ("browser-sse: check[P18] == 1", ClaimVerdict::Holds),
        ("browser-sse: checks_failed == 0", ClaimVerdict::Open),
        ("browser-sse: checks_failed < 2", ClaimVerdict::Holds),
    ] {
        let found = judged(&run, claim(&[condition], sentences));
        assert_eq!(found.verdict, verdict, "{condition}: {found:?}");
        if verdict == ClaimVerdict::Holds {
            assert_eq!(found.sentence, "0 to 1 of 3.");
        }
    }
}

#[test]
fn what_was_not_measured_or_is_invalid_is_open_and_says_so() {
    let (mut manifest, records) = ten_trials();
    let all = manifest.scenarios.clone();
    // The scenario is planned elsewhere, and one interval was left out.
    manifest.scenarios.retain(|scenario| scenario.name != "subscribers");
    let mut kept: Vec<TrialRecord> =
        records.into_iter().filter(|record| record.scenario != "subscribers").collect();
    kept.retain(|record| record.params.poll_interval_ms != Some(500.0));
    let judged = |conditions: &[&str], records: &[TrialRecord]| {
        let claim = claim(conditions, SENTENCES);
        report::check_claims(std::slice::from_ref(&claim), &all).expect("it fits");
        let (manifest, records) = (manifest.clone(), records.to_vec());
        report::findings(&Run { manifest, records, claims: vec![claim], warnings: vec![] }).claims.remove(0)
    };
    let absent = judged(&["subscribers: sse.lost == 0", "stock-ticker: sse.lost == 0"], &kept);
    assert_eq!(absent.verdict, ClaimVerdict::Open);
    assert_eq!(absent.sentence, "Not measured in this run. To measure it: just bench subscribers");
    assert_eq!(absent.scenarios, ["subscribers", "stock-ticker"]);
    assert_eq!(absent.cells[0].reason, "subscribers was not measured in this run");

    let gap = judged(&["poll-interval: short-polling.requests_per_event > 0.2"], &kept);
    assert_eq!(gap.verdict, ClaimVerdict::Open, "one interval may differ");
    assert_eq!(
        plain(&gap.sentence),
        "Not decided: requests per event of short polling every 500 ms: not measured in this run."
    );
    // Whatever the other interval would show.
    let depends = judged(&["poll-interval: short-polling.requests_per_event > 0.75"], &kept);
    assert_eq!(depends.verdict, ClaimVerdict::Depends);
    let flip = plain(depends.flip.as_deref().expect("a flip"));
    assert_eq!(flip, "between 250 ms and 1 s (by the model at 667 ms)");

    let one = "poll-interval: short-polling[1s].requests_per_event < 0.6";
    let mut broken = kept.clone();
    let place = broken.iter().position(|record| {
        record.scenario == "poll-interval" && record.params.poll_interval_ms == Some(1_000.0)
    });
    let place = place.expect("measured");
    broken[place] = failed(broken[place].clone(), "the port was taken", &[]);
    let invalid = judged(&[one], &broken);
    assert_eq!(invalid.verdict, ClaimVerdict::Open);
    assert!(
        invalid.sentence.contains("not judged: invalid, trial 6 failed: the port was taken"),
        "{}",
        invalid.sentence
    );
    let sole: Vec<TrialRecord> =
        kept.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, record)| record.clone()).collect();
    let missing = judged(&[one], &sole);
    assert_eq!(missing.verdict, ClaimVerdict::Open);
    assert!(
        missing.sentence.contains("short polling every 1\u{202f}s: not measured in this run"),
        "{}",
        missing.sentence
    );
}

#[test]
fn a_value_with_a_warning_decides_nothing() {
    // Ten subscribers have 300 deliveries: three lie beyond the 99th percentile.
    let found = of(&ten_trials(), "subscribers: sse[10].age_p99_ms < 1000");
    assert_eq!(found.verdict, ClaimVerdict::Open);
    assert!(found.cells[0].reason.contains("has a warning: only 300 deliveries"), "{:?}", found.cells);
    let mean = of(&ten_trials(), "subscribers: sse[10].age_mean_ms < 1000");
    assert_eq!(mean.verdict, ClaimVerdict::Holds);
}

#[test]
fn a_measured_zero_of_one_block_decides_nothing_and_a_counted_one_does() {
    let (manifest, mut records) = ten_trials();
    change(&mut records[2], |measured| measured.cpu.server_us = 0.0);
    let run = (manifest, records);
    let found = of(&run, "stock-ticker: sse.cpu_us_per_event < 5");
    assert_eq!((found.verdict, found.cells[0].low), (ClaimVerdict::Open, None), "{found:?}");
    assert_eq!(of(&run, "stock-ticker: sse.requests_per_event == 0").verdict, ClaimVerdict::Holds);
}

#[test]
fn a_sentence_has_the_values_of_its_run() {
    let run = repeated(&ten_trials(), 4);
    let template = "holds = \"{short-polling[1s].requests_per_event} requests, {short-polling[250ms].requests_per_event \
                    / short-polling[1s].requests_per_event} times, {stock-ticker: sse.lost} of {stock-ticker: sse.expected} \
                    lost, {subscribers: sse[10].packets_per_event}, {stock-ticker: sse.bytes_per_event}.\"\n\
                    wrong = \"No.\"";
    let found = judged(&run, claim(&["poll-interval: short-polling[1s].requests_per_event < 0.6"], template));
    let expected = "0.500 requests, 4.00 times, 0 of 6,800 lost, (not measured), 145 B.";
    assert_eq!(plain(&found.sentence), expected);
}

#[test]
fn the_model_puts_a_flip_along_rates_and_between_patterns() {
    // Four polls a second: one request an event at four events a second, by either pattern's formula.
    let mut question = scenario("rates", "Who asks less?", &[Pattern::ShortPolling, Pattern::LongPolling]);
    question.events = Arrivals::Steady { rate_hz: 2.0 };
    question.sweep = Some(Sweep { rate_hz: vec![2.0, 8.0], ..Sweep::default() });
    let mut records = Vec::new();
    for pattern in [Pattern::ShortPolling, Pattern::LongPolling] {
        // The actual rate of a schedule is not exactly the swept one.
        for rate_hz in [2.01, 7.96] {
            let params = contract::Params { rate_hz, ..params(pattern, 250.0, 50) };
            let mut record = record("rates", pattern, params, records.len() as u32);
            change(&mut record, |measured| {
                let requests = if pattern == Pattern::ShortPolling { 4.0 / rate_hz } else { 1.0 };
                measured.requests.window = (requests * measured.window_deliveries as f64) as u64;
            });
            records.push(record);
        }
    }
    let run = (manifest(vec![question], &["a1b2c3d4e5f60718"], 4), records);
    let found = of(&run, "rates: short-polling.requests_per_event > 1.2");
    let flip = plain(found.flip.as_deref().expect("a flip"));
    assert_eq!(flip, "between 2.01 and 7.96 events/s (by the model at 3.33 events/s)");
    let ratio = "rates: short-polling.requests_per_event / long-polling.requests_per_event > 1";
    let found = of(&run, ratio);
    let flip = plain(found.flip.as_deref().expect("a flip"));
    assert_eq!(flip, "between 2.01 and 7.96 events/s (by the model at 4 events/s)");
    assert_eq!(of(&run, "rates: short-polling[8].requests_per_event < 0.6").verdict, ClaimVerdict::Holds);
}

#[test]
fn a_quantity_without_a_prediction_flips_between_two_points_only() {
    let mut question = scenario("rtt", "How far?", &[Pattern::Sse]);
    let rtts = [0, 100, 300].map(Period::from_millis);
    question.sweep = Some(Sweep { rtt: rtts.to_vec(), ..Sweep::default() });
    let records: Vec<TrialRecord> = rtts
        .into_iter()
        .map(|rtt| {
            let network = Some(Network { rtt, ..Network::default() });
            let rtt_ms = Some(rtt.milliseconds());
            let params = contract::Params { network, rtt_ms, ..params(Pattern::Sse, 0.0, 50) };
            let mut record = record("rtt", Pattern::Sse, params, 0);
            change(&mut record, |measured| measured.requests.reconnects = rtt.as_millis() as u64);
            record
        })
        .collect();
    let run = (manifest(vec![question], &["a1b2c3d4e5f60718"], 3), records);
    let found = of(&run, "rtt: sse.reconnects < 200");
    assert_eq!(plain(found.flip.as_deref().expect("a flip")), "between 100 and 300 ms round trip");
}

#[test]
fn a_run_keeps_its_claims_and_a_broken_file_is_a_warning() {
    let (manifest, records) = ten_trials();
    let (manifest, records) = crate::synthetic::files(&manifest, &records);
    let run = Run::parse(&manifest, &records).expect("it can be read");
    let text = "[[claim]]\nid = \"K07\"\nclaim = \"It is so.\"\nconditions = ['stock-ticker: sse.bytes_per_event < 200']\n\
                holds = \"{stock-ticker: sse.bytes_per_event}.\"\nwrong = \"No.\"\n\
                [[claim]]\nid = \"K08\"\nclaim = \"It may be.\"\nopen = \"Nothing measures it.\"\n";
    let findings = report::findings(&run.clone().with_claims(text.as_bytes()));
    let verdicts: Vec<(&str, ClaimVerdict)> =
        findings.claims.iter().map(|claim| (claim.id.as_str(), claim.verdict)).collect();
    assert_eq!(verdicts, [("K07", ClaimVerdict::Holds), ("K08", ClaimVerdict::Open)]);
    assert_eq!(findings.claims[1].sentence, "Nothing measures it.");
    let files = report::render(&findings);
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    let claim = &json["claims"][0];
    assert_eq!(
        (&claim["id"], &claim["verdict"], &claim["by_one_block"]),
        (&"K07".into(), &"holds".into(), &true.into())
    );
    assert_eq!(claim["scenarios"], serde_json::json!(["stock-ticker"]));
    let cell = &claim["cells"][0];
    assert_eq!(
        (&cell["of"], &cell["value"], &cell["verdict"]),
        (&"SSE".into(), &145.0.into(), &"pass".into())
    );
    assert_eq!(json["claims"][1]["cells"], serde_json::json!([]));

    for text in [
        &b"[[claim]]\nid = \"K1\""[..],
        b"\xff",
        b"[[claim]]\nid = \"K01\"\nclaim = \"x\"\nopen = \"{\"\nhold = 1",
    ] {
        let broken = run.clone().with_claims(text);
        assert!(broken.claims.is_empty());
        assert!(broken.warnings[0].starts_with("no claims: claims.toml: "), "{:?}", broken.warnings);
        assert_eq!(report::findings(&broken).verdict, report::findings(&run).verdict);
    }
    // A condition that this version cannot read leaves its claim open.
    let strange = text.replace("bytes_per_event < 200", "speed < 200");
    let found = report::findings(&run.clone().with_claims(strange.as_bytes())).claims.remove(0);
    assert_eq!(found.verdict, ClaimVerdict::Open);
    assert!(found.sentence.contains("`speed` is not a quantity"), "{}", found.sentence);
}

#[test]
fn a_lower_bound_decides_only_what_lies_below_it() {
    let (manifest, mut records) = ten_trials();
    change(&mut records[2], |measured| {
        measured.age.censored = 30;
        measured.window_deliveries += 30;
        measured.age.censored_min_us = 2_000_000;
    });
    let run = (manifest, records);
    // Of one block, ages may differ by a factor of two.
    for (limit, verdict) in
        [(900, ClaimVerdict::Wrong), (1_500, ClaimVerdict::Open), (2_500, ClaimVerdict::Open)]
    {
        let found = of(&run, &format!("stock-ticker: sse.age_p99_ms < {limit}"));
        assert_eq!(found.verdict, verdict, "{limit}: {found:?}");
    }
    let four = repeated(&run, 4);
    assert_eq!(of(&four, "stock-ticker: sse.age_p99_ms < 1500").verdict, ClaimVerdict::Wrong);
}

#[test]
fn every_value_that_a_scenario_sweeps_can_be_named() {
    let scenario = Scenario {
        sweep: Some(Sweep { streams_per_connection: vec![1, 100], ..Sweep::default() }),
        ..scenario("shared", "How many?", &[Pattern::Sse])
    };
    let of = |condition: &str| {
        report::check_claims(&[claim(&[condition], SENTENCES)], std::slice::from_ref(&scenario))
    };
    assert!(of("shared: sse[100].lost == 0").is_ok());
    let error = of("shared: sse[50].lost == 0").expect_err("not swept").to_string();
    assert!(error.ends_with("these are: 1, 100"), "{error}");
    assert!(QuantityName::ALL.iter().all(|name| of(&format!("shared: sse.{} < 1", name.key())).is_ok()));
}
