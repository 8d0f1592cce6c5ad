//! Trials that the machine disturbed: which are run again, which attempt counts, and the warnings.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

use contract::{Measurements, Pattern, TrialRecord};
use report::{Findings, QuantityName, Verdict, disturbances};

use crate::{
    synthetic::{change, manifest, params, record, scenario},
    written::{judged, times_ms},
};

const QUESTION: &str = "Who is first?";

/// A trial of SSE with one age for all deliveries, in a block and an attempt.
fn trial(block: u32, attempt: u32, age_ms: u64, by: impl FnOnce(&mut Measurements)) -> TrialRecord {
    let mut trial = record("ticker", Pattern::Sse, params(Pattern::Sse, 0.0, 50), 10 * block + attempt);
    (trial.block, trial.attempt) = (block, attempt);
    change(&mut trial, |of| {
        of.age.arrived = times_ms(&vec![age_ms; of.window_deliveries as usize]);
        by(of);
    });
    trial
}

fn late(of: &mut Measurements) {
    of.lateness = times_ms(&[9; 30]);
}

fn findings(primary: &str, planned: u32, records: Vec<TrialRecord>) -> Findings {
    let mut question = scenario("ticker", QUESTION, &[Pattern::Sse]);
    question.primary = primary.to_owned();
    judged(manifest(vec![question], &[], planned), records)
}

#[test]
fn the_last_attempt_counts_and_the_others_are_told() {
    let records =
        vec![trial(1, 1, 20, |_| {}), trial(2, 1, 40, late), trial(2, 2, 30, late), trial(2, 3, 20, |_| {})];
    let findings = findings("age_p99_ms", 2, records);
    assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
    let reason = &findings.verdict_reason;
    assert!(reason.ends_with(". 2 attempts were disturbed by the machine and repeated"), "{reason}");
    let point = &findings.scenarios[0].points[0];
    assert_eq!((point.trials.len(), point.set_aside.len()), (2, 2));
    let age = point.quantity_of(QuantityName::AgeP99).measured.unwrap();
    assert!((age - 20.0).abs() < 0.1, "the disturbed ages are in no number: {age}");
    let reported: Vec<&String> = point.warnings.iter().filter(|text| text.contains("run again")).collect();
    assert_eq!(reported.len(), 2, "{:?}", point.warnings);
    let words = "block 2 was run again after attempt 2, which the machine disturbed. The instrument may";
    assert!(reported[1].starts_with(words), "{reported:?}");
}

#[test]
fn disturbed_to_the_last_a_point_is_invalid_and_says_after_how_many_attempts() {
    let records = (1..=3).map(|attempt| trial(1, attempt, 50, late)).collect();
    let findings = findings("age_p99_ms", 1, records);
    assert_eq!(findings.verdict, Verdict::Invalid);
    let why = &findings.scenarios[0].points[0].invalid_because;
    assert!(why.len() == 1 && why[0].ends_with("(attempt 3 of at most 3)"), "{why:?}");
}

#[test]
fn the_same_lateness_is_nothing_beside_an_old_age_and_all_of_a_young_one() {
    let disturbed = |age_ms| {
        let question = scenario("ticker", QUESTION, &[Pattern::Sse]);
        let trial = trial(1, 1, age_ms, late);
        !disturbances(trial.measurements().unwrap(), &question).is_empty()
    };
    assert_eq!([1, 42, 80, 100, 1_000].map(disturbed), [true, true, true, false, false]);
}

#[test]
fn where_the_question_is_about_bytes_only_the_ages_are_in_doubt() {
    let findings = findings("bytes_per_event", 1, vec![trial(1, 1, 20, late)]);
    assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
    let point = &findings.scenarios[0].points[0];
    let warning = |name| point.quantity_of(name).warning.clone().unwrap_or_default();
    assert!(warning(QuantityName::AgeP50).contains("not about it): the instrument may have added 9.0"));
    assert_eq!(warning(QuantityName::BytesPerEvent), "");
}

#[test]
fn predictions_from_a_disturbed_calibration_are_in_doubt_and_from_a_quiet_one_are_not() {
    let judged = trial(1, 1, 20, |_| {});
    let reported = |by: fn(&mut Measurements)| {
        let mut calibration = trial(0, 3, 20, by);
        calibration.scenario = "calibration".to_owned();
        findings("age_p99_ms", 1, vec![calibration, judged.clone()]).warnings
    };
    let words = "predictions for SSE with 50 subscribers use a calibration that the machine disturbed. The";
    assert!(reported(late).iter().any(|warning| warning.starts_with(words)), "{:?}", reported(late));
    assert!(reported(|_| {}).is_empty(), "{:?}", reported(|_| {}));
}
