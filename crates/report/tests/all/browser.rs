//! The results of browsers, ages that they measured, and trials that were not run because there was none.

use contract::Outcome;
use report::{QuantityName, ThresholdOutcome, Verdict};

use crate::{
    synthetic::{age_trials, check, check_trials, not_run, six_connections, ten_trials, write},
    written::{answer_text, content, findings_of, plain},
};

#[test]
fn six_connections_are_a_picture() {
    let findings = findings_of(&six_connections());
    assert_eq!(
        (findings.verdict, findings.trials_completed),
        (Verdict::Passed, 4),
        "{}",
        findings.verdict_reason
    );
    assert!(!findings.verdict_reason.contains("delivered"), "{}", findings.verdict_reason);
    let sentence = plain(&answer_text(&findings.answers[0]));
    assert!(
        sentence.starts_with(
            "SSE over HTTP/1.1 stops at 6 of 8 streams until one closes. SSE over HTTP/2, WebSocket over HTTP/1.1"
        ),
        "{sentence}"
    );
    assert!(
        sentence.contains("SSE over HTTP/1.1: 6 of 8 streams open, the fetch waited 5.00 s"),
        "{sentence}"
    );
    assert!(
        sentence.contains(
            ". SSE over HTTP/2: all 8 streams open, the fetch waited 12.0 ms. WebSocket over HTTP/1.1: "
        ),
        "{sentence}"
    );
    assert!(sentence.contains("the fetch was not answered in 5.00 s"), "{sentence}");
    let files = report::render(&findings);
    write("six-connections", &files);
    let svg = content(&files, "figures/six-connections-browser.svg");
    assert!(
        svg.contains("EventSource 7") && svg.contains("never</text>") && svg.contains("seconds since"),
        "{svg}"
    );
    assert!(svg.contains("1 connection, at most 100 streams on each"), "{svg}");
    assert!(svg.contains("beside 2,000 others"), "{svg}");
    assert!(svg.contains("at most 6 connections at once, 9 in all"), "{svg}");
    assert!(svg.contains("9 connections</text>"), "eight WebSockets and a fetch, all at once: {svg}");
    let page = content(&files, "report.html");
    assert!(page.contains("2,000 other subscribers were connected to the same server meanwhile"));
    assert!(page.contains("What the page opened") && !page.contains("NaN"));
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    assert_eq!(json["browser"].as_array().map(Vec::len), Some(4));
    assert_eq!(json["browser"][0]["findings"]["lanes"][8]["label"], "fetch");
    let validator = jsonschema::validator_for(&report::summary_schema()).expect("a schema");
    assert!(validator.is_valid(&json));
    insta::assert_snapshot!(report::terminal_table(&findings, 80));
}

#[test]
fn checks_are_a_table_and_a_broken_one_is_named() {
    let good = findings_of(&check_trials(3));
    assert_eq!(good.verdict, Verdict::Passed);
    assert!(good.verdict_reason.contains("All 3 checks in the browser hold"), "{}", good.verdict_reason);
    let bad = findings_of(&check_trials(2));
    assert_eq!(bad.verdict, Verdict::Passed, "a finding, no fault");
    let reason = &bad.verdict_reason;
    assert!(
        reason.contains("1 of 3 checks in the browser do not hold, the first P19 in browser-sse"),
        "{reason}"
    );
    let answer = &bad.answers[0];
    assert_eq!(answer.headline, "The browser fails 1 of 3 checks.");
    assert!(answer_text(answer).contains("2 of 3 checks hold, P19 does not"), "{answer:?}");
    assert!(
        answer.conditions[0].contains("expected one event")
            && answer.conditions[0].contains("found no event")
    );
    let files = report::render(&bad);
    write("checks", &files);
    let page = content(&files, "report.html");
    assert!(page.contains("✗</span> does not hold") && page.contains("a line ended by CR alone"));
    insta::assert_snapshot!(content(&files, "report.md"));
}

#[test]
fn the_origins_that_a_server_must_allow_are_the_headline() {
    let (manifest, mut records) = check_trials(3);
    let Outcome::BrowserRun { findings, .. } = &mut records[0].outcome else {
        panic!("a browser's task");
    };
    let names = ["not allowed", "request sent anyway", "allowed"];
    findings.checks = names.map(|name| check(name, "a page of another origin", true)).to_vec();
    let answer = findings_of(&(manifest, records)).answers.remove(0);
    assert_eq!(
        answer.headline,
        "A page reads another site only if that server allows its origin. CORS does not stop the request. The \
         browser passes all 3 checks."
    );
}

#[test]
fn what_was_not_run_is_said_and_breaks_nothing() {
    let (mut manifest, mut records) = ten_trials();
    let (browser, tasks) = check_trials(3);
    manifest.scenarios.extend(browser.scenarios);
    manifest.trials_planned += 1;
    records.push(not_run(tasks[0].clone()));
    let findings = findings_of(&(manifest, records));
    assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
    assert!(
        findings.verdict_reason.starts_with("10 of 11 planned trials completed, 1 not run (no Chromium"),
        "{}",
        findings.verdict_reason
    );
    let files = report::render(&findings);
    write("not-run", &files);
    for path in ["report.html", "report.md", "summary.json"] {
        assert!(content(&files, path).contains("no Chromium"), "{path}");
    }
    assert!(
        content(&files, "report.html")
            .contains("<td class=\"words warning\" colspan=\"6\">not run: no Chromium")
    );
    assert!(crate::written::terminal(&findings).contains("not run: no Chromium"));
    let answer = findings.answers.last().expect("an answer");
    assert!(answer.headline.starts_with("Not run: no Chromium"), "{answer:?}");
}

#[test]
fn nothing_run_at_all_is_a_failure() {
    let (manifest, records) = check_trials(3);
    let findings = findings_of(&(manifest, records.into_iter().map(not_run).collect()));
    assert_eq!(findings.verdict, Verdict::Failed);
    assert!(findings.verdict_reason.starts_with("nothing was run: 0 of 1"), "{}", findings.verdict_reason);
    assert!(!report::render(&findings).is_empty());
}

#[test]
fn ages_from_a_browser_carry_the_error_of_its_clock() {
    let found = findings_of(&age_trials(5, 300.0));
    let points = &found.scenarios[0].points;
    for point in points {
        assert_eq!(point.clock_bound_ms(), Some(0.3));
        let age = point.quantity_of(QuantityName::AgeP99);
        assert!(plain(&age.measured_text()).ends_with("± 0.300 ms"), "{}", age.measured_text());
        let bytes = point.quantity_of(QuantityName::BytesPerEvent);
        assert!(!bytes.measured_text().contains('±'));
    }
    let files = report::render(&found);
    write("browser-ages", &files);
    let page = plain(content(&files, "report.html"));
    assert!(page.contains("± 0.300 ms") && page.contains("Ages from a browser"));
    assert!(page.contains("Ages from a browser have an error of"));
    assert!(plain(&crate::written::terminal(&found)).contains("± 0.300 ms"));
    assert!(plain(&found.answers[0].headline).contains("± 0.300 ms"), "{:?}", found.answers[0]);
}

#[test]
fn a_difference_within_the_clocks_is_no_result() {
    // The blocks are equal but for a few hundredths of a millisecond between the patterns.
    let shown = |bound_us: f64| {
        let found = findings_of(&age_trials(5, bound_us));
        let mut comparisons = found.comparisons();
        comparisons.any(|found| found.quantity == QuantityName::AgeMean && found.shown)
    };
    assert!(shown(0.01), "equal blocks tell a small difference apart");
    assert!(!shown(300.0));
}

#[test]
fn thresholds_do_not_speak_of_what_was_not_run() {
    let (mut manifest, mut records) = ten_trials();
    let (browser, tasks) = check_trials(3);
    manifest.scenarios.extend(browser.scenarios);
    manifest.scenarios.last_mut().expect("a scenario").thresholds =
        vec!["lost == 0".to_owned(), "age_p99_ms < 5".to_owned()];
    manifest.trials_planned += 1;
    for last in [not_run(tasks[0].clone()), tasks[0].clone()] {
        records.truncate(10);
        records.push(last);
        let findings = findings_of(&(manifest.clone(), records.clone()));
        assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
        let outcomes: Vec<ThresholdOutcome> = findings.thresholds().map(|found| found.outcome).collect();
        assert_eq!(outcomes, [ThresholdOutcome::NotJudged, ThresholdOutcome::NotJudged]);
    }
}

#[test]
fn a_threshold_within_the_clock_is_undecided() {
    let verdict = |bound_us: f64| {
        let (mut manifest, records) = age_trials(5, bound_us);
        manifest.scenarios[0].thresholds = vec!["sse.age_p99_ms < 1.9".to_owned()];
        let found = findings_of(&(manifest, records));
        found.thresholds().next().map(|found| found.outcome)
    };
    assert_eq!(verdict(10.0), Some(ThresholdOutcome::Passed));
    assert_eq!(verdict(300.0), Some(ThresholdOutcome::Inconclusive));
}
