//! Several servers in one scenario: the floor as a lower bound, third-party servers next to ours, thresholds
//! against another server.

use contract::{Pattern, TrialRecord};
use report::{Findings, Point, PointComparison, QuantityName, ThresholdOutcome, Verdict, check_thresholds};

use crate::{
    synthetic::{change, connection_trials, cost_us, scenario, server, server_trials, sixty_trials, write},
    written::{answer_text, content, findings_of},
};

fn point<'a>(findings: &'a Findings, pattern: Pattern, name: &str) -> &'a Point {
    let points = &findings.scenarios[0].points;
    let found = points.iter().find(|point| point.pattern == pattern && point.server == server(name));
    found.expect("the point was measured")
}

fn ratio<'a>(findings: &'a Findings, pattern: Pattern, left: &str, right: &str) -> &'a PointComparison {
    let is = |comparison: &&PointComparison| {
        comparison.quantity == QuantityName::CpuPerEvent
            && (comparison.left.pattern, comparison.right.pattern) == (pattern, pattern)
            && (comparison.left.server.as_str(), comparison.right.server.as_str()) == (left, right)
    };
    findings.comparisons().find(is).expect("it is among the comparisons")
}

#[test]
fn the_floor_is_a_divisor_and_no_competitor() {
    let findings = findings_of(&server_trials(&["pushlab", "floor"], &[], 5));
    for pattern in crate::synthetic::PUSHED {
        let found = ratio(&findings, pattern, "pushlab", "floor");
        let expected = cost_us(pattern, "pushlab") / cost_us(pattern, "floor");
        let (low, high) = found.low.zip(found.high).expect("five blocks");
        assert!(low < expected && expected < high, "{found:?}");
        assert!((found.ratio.expect("a ratio") / expected - 1.0).abs() < 0.02 && found.blocks == 5);
        assert_eq!((found.p_adjusted, found.shown, found.is_floor_ratio()), (None, false, true));
    }
    // In no family, and on neither side of any other comparison.
    let others: Vec<_> = findings.comparisons().filter(|found| !found.is_floor_ratio()).collect();
    assert!(!others.is_empty());
    for other in others {
        assert!(other.p_adjusted.is_some() && !other.left.server.is_floor(), "{other:?}");
    }
    let alone = findings_of(&server_trials(&["pushlab"], &[], 5));
    assert_eq!(
        findings.comparisons().filter(|found| !found.is_floor_ratio()).count(),
        alone.comparisons().count(),
        "the floor hides no difference of others"
    );
    let answer = &findings.answers[0];
    // It is what the question is about, so it comes first.
    assert!(answer.headline.contains(" comes closest to the floor, with 1.0"), "{answer:?}");
    assert!(answer.conditions[0].starts_with("Server CPU per event, compared with the floor"), "{answer:?}");
    assert!(answer.conditions.iter().any(|text| text.contains("delivered an event in")), "{answer:?}");
    let files = report::render(&findings);
    let cpu = content(&files, "figures/peers-cost.svg");
    assert!(cpu.contains("× floor") && cpu.contains("floor: what the kernel alone costs"), "{cpu}");
    assert!(!cpu.contains("SSE · floor"), "the floor has no bar");
    write("floor", &files);
}

#[test]
fn the_model_speaks_of_our_server_alone() {
    let findings = findings_of(&server_trials(&["pushlab", "floor", "bun"], &[], 1));
    assert!(point(&findings, Pattern::Sse, "pushlab").predicted.is_some());
    for name in ["floor", "bun"] {
        let other = point(&findings, Pattern::Sse, name);
        assert!(other.predicted.is_none() && other.quantities.iter().all(|of| of.predicted.is_none()));
        let reason = format!("no prediction: the model describes the lab's own server, not {name}");
        assert!(other.warnings.contains(&reason), "{:?}", other.warnings);
        assert!(!other.warnings.iter().any(|text| text.contains("calibration")), "{:?}", other.warnings);
    }
}

#[test]
fn what_a_foreign_server_does_not_count_is_said_and_breaks_nothing() {
    let mut run = server_trials(&["pushlab", "bun"], &[], 1);
    let found = findings_of(&run);
    let bun = point(&found, Pattern::Sse, "bun");
    assert!(bun.valid, "{:?}", bun.invalid_because);
    let words =
        "only the subscribers and the kernel counted requests and bytes: this server does not report them";
    assert!(bun.warnings.iter().any(|text| text == words), "{:?}", bun.warnings);
    assert_eq!(bun.quantity_of(QuantityName::SocketsHeld).measured, None);
    assert_eq!(found.verdict, Verdict::Passed);
    assert!(found.verdict_reason.contains("where the server reports its counts"), "{}", found.verdict_reason);
    // Reported counts have to agree, and our server has to report them.
    change(&mut run.1[1], |measured| measured.server_requests_life = Some(3));
    assert!(!point(&findings_of(&run), Pattern::Sse, "bun").valid);
    change(&mut run.1[0], |measured| measured.server_requests_life = Some(0));
    assert!(!point(&findings_of(&run), Pattern::Sse, "pushlab").valid);
}

#[test]
fn foreign_servers_stand_beside_ours() {
    let run = server_trials(&["pushlab", "floor", "nchan", "node", "bun"], &[], 5);
    let findings = findings_of(&run);
    let answer = &findings.answers[0];
    assert!(answer.headline.starts_with("Our server costs at most 1.0"), "{answer:?}");
    for words in [
        "SSE: ours needs 3.2",
        "1.08 times the floor (",
        "SSE on the other servers, times the floor: nchan 1.29 (",
        ", bun 1.99 (",
        " and node 4.18 (",
        "WebSocket: ours needs",
    ] {
        assert!(answer_text(answer).contains(words), "{words}: {answer:?}");
    }
    let failed = "WebSocket · nchan not measured: it answers 403 to an upgrade.";
    assert_eq!(answer.conditions.last().map(String::as_str), Some(failed));
    // Servers are compared within a pattern, patterns on ours alone.
    assert!(ratio(&findings, Pattern::Sse, "pushlab", "nchan").shown);
    for found in findings.comparisons() {
        let same_server = found.left.server == found.right.server;
        assert!(same_server == (found.left.pattern != found.right.pattern), "{found:?}");
        assert!(!same_server || found.left.server.is_pushlab(), "{found:?}");
    }
    let files = report::render(&findings);
    for path in ["report.html", "report.md"] {
        let page = content(&files, path);
        for words in [
            "Server by server",
            "answers one POST an event",
            "SSE · nchan",
            "○",
            "× floor",
            "not measured: it answers 403",
        ] {
            assert!(page.contains(words), "{path}: {words}");
        }
    }
    let bars = content(&files, "figures/peers-servers-sse.svg");
    assert!(bars.contains("SSE · node") && bars.contains("× floor"));
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    let floors = json["comparisons"].as_array().expect("a list").iter();
    let floors =
        floors.filter(|found| found["right"]["server"] == "floor" && found["quantity"] == "cpu_us_per_event");
    assert_eq!(floors.count(), 2 + 3 + 2, "ours, three servers of SSE and two of WebSocket");
    let csv = content(&files, "summary.csv");
    assert!(csv.contains("peers,websocket,bun,"));
    assert!(
        csv.lines().next().is_some_and(|head| head.ends_with("times_floor,times_floor_low,times_floor_high,clock_bound_ms"))
    );
    write("peers", &files);
}

#[test]
fn a_bound_near_the_noise_is_kept_by_the_nearer_end_of_its_interval() {
    use ThresholdOutcome::{Failed, Inconclusive, NotJudged, Passed};
    let outcome = |text: &str, servers: &[&str], blocks: u32| {
        let findings = findings_of(&server_trials(servers, &[text], blocks));
        let found: Vec<_> = findings.thresholds().cloned().collect();
        found
    };
    let both = ["pushlab", "floor"];
    // Between the low end and the ratio itself: another threshold would be undecided here.
    let ratio = outcome("sse.cpu_us_per_event / floor <= 9", &both, 5).remove(0);
    let (low, value, high) = (ratio.low.unwrap(), ratio.value.unwrap(), ratio.high.unwrap());
    for (text, expected) in [
        (format!("sse.cpu_us_per_event / floor <= {}", f64::midpoint(low, value)), Passed),
        (format!("sse.cpu_us_per_event / floor < {}", low - 0.001), Failed),
        (format!("sse.cpu_us_per_event / floor >= {}", f64::midpoint(high, value)), Passed),
        (format!("sse.cpu_us_per_event / floor > {}", high + 0.001), Failed),
        (format!("sse.cpu_us_per_event / floor == {value}"), Passed),
        ("sse.cpu_us_per_event / floor == 2".to_owned(), Failed),
    ] {
        let found = outcome(&text, &both, 5);
        assert_eq!((found.len(), found[0].outcome), (1, expected), "{found:?}");
        assert!(found[0].reason.contains("95 % interval"), "{found:?}");
    }
    for (text, reach) in [
        (format!("sse.cpu_us_per_event / floor <= {}", f64::midpoint(low, value)), low),
        (format!("sse.cpu_us_per_event / floor >= {}", f64::midpoint(high, value)), high),
    ] {
        let reason = outcome(&text, &both, 5).remove(0).reason;
        let words = format!(": the middle, {value:.2}, lies beyond; the interval reaches {reach:.2}");
        assert!(reason.ends_with(&words), "{words}: {reason}");
    }
    assert_eq!(ratio.reason, "by the low end of its 95 % interval");
    let few = outcome("sse.cpu_us_per_event / floor <= 1.25", &both, 3);
    assert_eq!(few[0].outcome, Inconclusive);
    assert_eq!(few[0].reason, "no interval: fewer than four blocks have both servers");
    let bare = outcome("cpu_us_per_event / floor <= 1.25", &both, 5);
    assert_eq!(
        bare.iter().map(|found| found.of.as_str()).collect::<Vec<_>>(),
        ["SSE ÷ SSE · floor", "WebSocket ÷ WebSocket · floor"]
    );
    assert!(bare.iter().all(|found| found.outcome == Passed), "{bare:?}");
    let mut without = server_trials(&both, &["sse.cpu_us_per_event / floor <= 1.25"], 5);
    without.1.retain(|record| record.server.is_pushlab());
    let unmeasured = findings_of(&without);
    let found = unmeasured.thresholds().next().expect("one");
    assert_eq!(found.outcome, NotJudged);
    assert!(found.reason.contains("on both pushlab and floor"), "{}", found.reason);
    // Other thresholds apply only to our server.
    let plain = outcome("cpu_us_per_event < 3.8", &["pushlab", "node"], 5);
    assert_eq!(plain.len(), 2, "{plain:?}");
    assert!(plain.iter().all(|found| found.outcome == Passed), "{plain:?}");
}

#[test]
fn a_server_whose_core_was_full_fell_behind_of_any_make() {
    for (name, percent, is_valid) in
        [("pushlab", 94.9, true), ("pushlab", 95.1, false), ("floor", 95.1, false), ("bun", 99.0, false)]
    {
        let mut run = server_trials(&["pushlab", "floor", "bun"], &[], 1);
        let full = run.1.iter_mut().find(|record| record.server == server(name)).expect("measured");
        change(full, |measured| measured.cpu.server_us = percent / 100.0 * measured.cpu.wall_us);
        let findings = findings_of(&run);
        let found = point(&findings, Pattern::Sse, name);
        assert_eq!(found.valid, is_valid, "{name} {percent}: {:?}", found.invalid_because);
        let words = format!(
            "the server's core was full ({percent:.1}\u{202f}% of the window): the server fell behind"
        );
        assert_eq!(found.invalid_because.iter().any(|text| text.contains(&words)), !is_valid, "{words}");
    }
    // Where the rate grows, that is the question.
    let mut ramp = crate::synthetic::ramp_trials(&["pushlab"], 1);
    change(&mut ramp.1[0], |measured| measured.cpu.server_us = measured.cpu.wall_us);
    assert!(point(&findings_of(&ramp), Pattern::Sse, "pushlab").valid);
}

#[test]
fn a_server_that_a_scenario_lacks_is_named() {
    let mut question = scenario("peers", "How?", &[Pattern::Sse]);
    for (servers, text, words) in [
        (
            vec!["pushlab"],
            "sse.cpu_us_per_event / floor <= 1.2",
            "`floor` is not one of its other servers; these are: none",
        ),
        (vec!["pushlab", "floor"], "sse.cpu_us_per_event / bun <= 1.2", "these are: floor"),
        (vec!["pushlab", "floor"], "cpu_us_per_event / pushlab <= 1.2", "`pushlab` is not one of its other"),
        (vec!["pushlab", "floor"], "lost / floor <= 1.2", "`lost` is a count"),
        (vec!["pushlab", "floor"], "age_p99_ms / floor / floor <= 1.2", "divides more than once"),
    ] {
        question.servers = servers.into_iter().map(server).collect();
        question.thresholds = vec![text.to_owned()];
        let error = check_thresholds(&question).expect_err(text).to_string();
        assert!(error.contains(words) && error.contains(text), "{words}: {error}");
    }
    question.thresholds = vec!["sse.age_p99_ms / floor <= 1.5".to_owned()];
    assert_eq!(check_thresholds(&question), Ok(()));
}

#[test]
fn the_floor_is_drawn_along_a_sweep_and_under_connections() {
    let (mut manifest, records) = sixty_trials();
    manifest.scenarios.retain(|scenario| scenario.name == "audience-1");
    manifest.scenarios[0].servers = vec![server("pushlab"), server("floor")];
    let mut all: Vec<TrialRecord> =
        records.into_iter().filter(|record| record.scenario == "audience-1").collect();
    let pushed = |record: &&TrialRecord| crate::synthetic::PUSHED.contains(&record.pattern);
    let floors: Vec<TrialRecord> = all.iter().filter(pushed).map(onto_the_floor).collect();
    all.extend(floors);
    let found = findings_of(&(manifest, all));
    let files = report::render(&found);
    for name in ["over-age-p99-ms", "over-cpu-us-per-event"] {
        let svg = content(&files, &format!("figures/audience-1-{name}.svg"));
        assert!(svg.contains("floor: what the kernel alone costs"), "{name}");
        assert_eq!(svg.matches("stroke-dasharray=\"5 13\"").count(), 3, "two floors and the key: {name}");
    }
    write("floor-sweep", &files);

    let (mut manifest, records) = connection_trials(5);
    manifest.scenarios[0].servers = vec![server("pushlab"), server("floor")];
    let all: Vec<TrialRecord> =
        records.iter().flat_map(|record| [record.clone(), onto_the_floor(record)]).collect();
    let found = findings_of(&(manifest, all));
    let memory =
        found.comparisons().find(|of| of.is_floor_ratio() && of.quantity == QuantityName::MemoryUser);
    assert!(memory.is_some_and(|of| of.low.is_some()));
    let files = report::render(&found);
    let svg = content(&files, "figures/connections-connection-memory.svg");
    assert!(svg.contains("floor: what the kernel alone costs") && svg.contains("× floor"));
    assert!(!svg.contains("· floor") && content(&files, "report.md").contains("· floor"));
    write("floor-connections", &files);
}

/// The same trial on the floor: half the CPU, ages and user memory.
fn onto_the_floor(record: &TrialRecord) -> TrialRecord {
    let mut record = record.clone();
    record.server = server("floor");
    change(&mut record, |measured| {
        measured.cpu.server_us /= 2.0;
        for step in measured.connections.iter_mut().flat_map(|cost| &mut cost.memory_steps) {
            step.server_user_bytes /= 2;
        }
    });
    record
}

#[test]
fn servers_are_told_apart_by_what_the_question_is_about() {
    let (mut manifest, mut records) = connection_trials(4);
    manifest.scenarios[0].servers = vec![server("pushlab"), server("floor"), server("bun")];
    manifest.scenarios[0].primary = "memory_user_bytes_per_subscriber".to_owned();
    let others: Vec<TrialRecord> = records
        .iter()
        .flat_map(|record| [onto_the_floor(record), TrialRecord { server: server("bun"), ..record.clone() }])
        .collect();
    records.extend(others);
    let found = findings_of(&(manifest, records));
    let sentence = answer_text(&found.answers[0]);
    for words in [
        "SSE: server memory per subscriber, idle of ours is 7.",
        "2.00 times the floor",
        "no difference from ours",
    ] {
        assert!(sentence.contains(words), "{words}: {sentence}");
    }
    let files = report::render(&found);
    let svg = content(&files, "figures/connections-servers-sse.svg");
    assert!(svg.contains("SSE · bun") && svg.contains("2.00 × floor"), "{svg}");
}
