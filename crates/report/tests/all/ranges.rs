//! Predicted ranges: their width, whether ages lie within, and what the report says if not.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

use contract::{CalibratedAges, Pattern, Scatter, TimeHistogram, TrialRecord};
use report::{Findings, QuantityName};

use crate::{
    synthetic::{change, manifest, params, record, scenario},
    written::{judged, page, plain},
};

const HASH: &str = "a1b2c3d4e5f60718";

/// A trial of SSE with a calibration whose ages were 2 ± 0.1 ms at p50, and ages of its own.
fn trial(age_us: u64) -> TrialRecord {
    let mut trial = record("ticker", Pattern::Sse, params(Pattern::Sse, 0.0, 50), 0);
    let scatter = |mean_us: f64| Scatter { mean_us, deviation_us: 100.0 };
    let calibration = trial.calibration.as_mut().unwrap();
    calibration.subscribers = 50;
    calibration.ages =
        CalibratedAges { seconds: 3, mean: scatter(2_000.0), p50: scatter(2_000.0), p99: scatter(2_200.0) };
    change(&mut trial, |of| {
        let mut ages = TimeHistogram::default();
        (0..of.window_deliveries).for_each(|_| ages.record_ns(age_us * 1_000));
        of.age.arrived = ages.distribution();
        of.lateness = TimeHistogram::default().distribution();
    });
    trial
}

fn findings(age_us: u64) -> Findings {
    let question = scenario("ticker", "Who is first?", &[Pattern::Sse]);
    let manifest = manifest(vec![question], &[HASH], 1);
    judged(manifest, vec![trial(age_us)])
}

fn text(findings: &Findings) -> String {
    plain(&page(findings, "report.md"))
}

#[test]
fn a_range_is_what_the_calibration_had_and_scattered() {
    let findings = findings(2_000);
    let p50 = findings.scenarios[0].points[0].quantity_of(QuantityName::AgeP50);
    // The same number of subscribers, so formula and formula cancel: 4.303 · 0.1 ms · √(4/3) = 0.497 ms from
    // second to second, and 0.4 ms from trial to trial.
    let (low, high) = (p50.predicted_low.unwrap(), p50.predicted_high.unwrap());
    assert!((low - 1.362).abs() < 0.01 && (high - 2.638).abs() < 0.01, "{low} to {high}");
    assert_eq!(p50.is_as_predicted(), Some(true));
    let bytes = findings.scenarios[0].points[0].quantity_of(QuantityName::BytesPerEvent);
    assert_eq!((bytes.predicted_low, bytes.is_as_predicted()), (None, None));
    let page = text(&findings);
    assert!(page.contains("Where model and measurement differ"), "{page}");
    assert!(
        page.contains("Nowhere: each of the 3 ages that have a predicted range lies within it."),
        "{page}"
    );
    assert!(page.contains("(1.36–2.64)"), "the range stands behind the prediction");
}

#[test]
fn ages_beyond_their_range_are_told_with_what_that_means() {
    let older = text(&findings(9_000));
    assert!(
        older.contains("SSE: mean age measured 9.00 ms, 6.36 ms above the predicted 1.36 ms to 2.64 ms;"),
        "{older}"
    );
    assert!(older.contains("Older than the calibration explains: something delayed events"), "{older}");
    let younger = text(&findings(500));
    assert!(younger.contains("Younger than the calibration explains: the machine was faster"), "{younger}");
    assert!(!younger.contains("Older than"));
}

/// The publisher was late by 0.3 ms with every event: an age may lie so far above its range.
#[test]
fn what_the_instrument_may_have_added_counts_for_a_range() {
    let late = |age_us: u64| {
        let mut trial = trial(age_us);
        change(&mut trial, |of| {
            let mut lateness = TimeHistogram::default();
            (0..100).for_each(|_| lateness.record_ns(300_000));
            of.lateness = lateness.distribution();
            (of.cpu.server_wait_us, of.cpu.harness_wait_us) = (Some(0.0), Some(0.0));
            of.stalls = TimeHistogram::default().distribution();
        });
        let question = scenario("ticker", "Who is first?", &[Pattern::Sse]);
        let manifest = manifest(vec![question], &[HASH], 1);
        judged(manifest, vec![trial])
    };
    let p50 = |age_us| late(age_us).scenarios[0].points[0].quantity_of(QuantityName::AgeP50).clone();
    assert_eq!(p50(2_850).added_ms.map(|added_ms| (added_ms * 10.0).round()), Some(3.0));
    assert_eq!([2_850, 3_050].map(|age_us| p50(age_us).is_as_predicted()), [Some(true), Some(false)]);
    let page = text(&late(9_000));
    let words = "above the predicted 1.36 ms to 2.64 ms (and 0.300 ms that the instrument may have added)";
    assert!(page.contains(words), "{page}");
}
