//! The instrument's statistics against known truths: their error rate, their power, and the results of broken
//! ones.

use contract::{
    Ages, Measurements, Params, Pattern, Period, Scenario, Side, Sweep, TimeHistogram, TrialRecord,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Normal};
use report::{Bound, Findings, Point, PointComparison, QuantityName};

use crate::{
    synthetic::{bare, in_blocks, manifest, params, record, scenario},
    written::{answer_text, judged},
};

fn findings(scenario: Scenario, records: Vec<TrialRecord>) -> Findings {
    let planned = records.len() as u32;
    judged(manifest(vec![scenario], &[], planned), records)
}

fn set_cpu(measured: &mut Measurements, per_event_us: f64) {
    measured.cpu.server_us = per_event_us * measured.window_deliveries as f64;
}

/// Comparisons of the primary quantity, server CPU, of scenarios in which every block has its own
/// speed, every trial scatters by 5 %, and a pattern costs `truth` times 20 µs.
fn drawn(scenarios: usize, truth: impl Fn(Pattern) -> f64) -> Vec<Vec<PointComparison>> {
    let mut random = ChaCha8Rng::seed_from_u64(20_261_121);
    let normal = |width: f64| Normal::new(0.0, width).expect("a width");
    let (speed, scatter) = (normal(0.2), normal(0.05));
    let mut question = scenario("ticker", "Who costs more?", &Pattern::ALL);
    question.primary = "cpu_us_per_event".to_owned();
    let trials = Pattern::ALL.map(bare);
    (0..scenarios)
        .map(|_| {
            let mut records = in_blocks(&trials, 5, |_, _, _| ());
            for block in records.chunks_mut(4) {
                let speed: f64 = speed.sample(&mut random);
                for record in block {
                    let factor = truth(record.pattern) * (speed + scatter.sample(&mut random)).exp();
                    crate::synthetic::change(record, |measured| set_cpu(measured, 20.0 * factor));
                }
            }
            let found = findings(question.clone(), records);
            found.comparisons().filter(|comparison| comparison.primary).cloned().collect()
        })
        .collect()
}

#[test]
fn equals_are_told_apart_no_more_often_than_said() {
    let scenarios = drawn(2_000, |_| 1.0);
    assert!(scenarios.iter().all(|comparisons| comparisons.len() == 6));
    let wrong = scenarios.iter().filter(|comparisons| comparisons.iter().any(|found| found.shown)).count();
    let rate = wrong as f64 / scenarios.len() as f64;
    // 5 %, and three standard deviations of the number of scenarios drawn. Far less would mean that
    // nothing is ever shown.
    let room = 3.0 * (0.05_f64 * 0.95 / scenarios.len() as f64).sqrt();
    assert!(rate <= 0.05 + room && rate > 0.005, "{rate}");
}

#[test]
fn an_interval_holds_the_truth_as_often_as_said() {
    let truth = |pattern: Pattern| 1.0 + 0.1 * pattern.index() as f64;
    let comparisons: Vec<PointComparison> = drawn(2_000, truth).into_iter().flatten().collect();
    let covers = |found: &&PointComparison| {
        let ratio = truth(found.left.pattern) / truth(found.right.pattern);
        found.low.zip(found.high).is_some_and(|(low, high)| low <= ratio && ratio <= high)
    };
    let rate = comparisons.iter().filter(covers).count() as f64 / comparisons.len() as f64;
    assert!((rate - 0.95).abs() <= 0.015, "{rate}");
}

fn ages(of_ms: impl IntoIterator<Item = f64>) -> Ages {
    let mut histogram = TimeHistogram::default();
    of_ms.into_iter().for_each(|age_ms| histogram.record_ns((age_ms * 1e6) as u64));
    Ages { arrived: histogram.distribution(), ..Ages::default() }
}

/// SSE on two sides, ages of 10 ms give or take a few percent, side b `shift_ms` older.
fn two_sides(blocks: u32, shift_ms: f64) -> Findings {
    let mut question = scenario("equals", "Does it see a difference?", &[Pattern::Sse]);
    let side = |name| Side { name, delivery_delay: Period::default() };
    question.sweep = Some(Sweep { side: vec![side('a'), side('b')], ..Sweep::default() });
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let scatter = Normal::new(0.0, 0.03_f64).expect("a width");
    let trials = ['a', 'b'].map(|side| {
        let params = Params { side: Some(side), ..params(Pattern::Sse, 0.0, 50) };
        record("equals", Pattern::Sse, params, 0)
    });
    let mut records = in_blocks(&trials, blocks, |_, _, _| ());
    for record in &mut records {
        let of_trial: f64 = scatter.sample(&mut random);
        let late = if record.params.side == Some('b') { shift_ms } else { 0.0 };
        let drawn = (0..1_500).map(|_| 10.0 * (of_trial + scatter.sample(&mut random)).exp() + late);
        let drawn = ages(drawn.collect::<Vec<f64>>());
        crate::synthetic::change(record, |measured| measured.age = drawn.clone());
    }
    findings(question, records)
}

fn of_p99(findings: &Findings) -> &PointComparison {
    findings.comparisons().find(|found| found.quantity == QuantityName::AgeP99).expect("compared")
}

#[test]
fn two_milliseconds_are_found_and_none_are_not() {
    let equal = two_sides(5, 0.0);
    assert!(!of_p99(&equal).shown && of_p99(&equal).is_judged());
    let sentence = answer_text(&equal.answers[0]);
    assert!(sentence.contains("no difference shown (0."), "{sentence}");

    let shifted = two_sides(5, 2.0);
    let found = of_p99(&shifted);
    assert!(found.shown && found.primary, "{found:?}");
    // Left ÷ right: about 10.7 ms ÷ 12.7 ms.
    assert!(found.low.zip(found.high).is_some_and(|(low, high)| 0.75 < low && high < 0.95), "{found:?}");
    let sentence = answer_text(&shifted.answers[0]);
    assert!(sentence.starts_with("A difference is shown: side a of SSE has 0.8"), "{sentence}");
    assert!(sentence.contains("SSE, side a against side b: age at p99"), "{sentence}");
    assert!(sentence.contains("a difference is shown, 0.8"), "{sentence}");
}

#[test]
fn three_blocks_have_no_interval_and_four_do() {
    for (blocks, has) in [(3, false), (4, true)] {
        let found = two_sides(blocks, 2.0);
        let p99 = found.scenarios[0].points[0].quantity_of(QuantityName::AgeP99);
        assert_eq!((p99.low.is_some(), p99.high.is_some()), (has, has));
        assert_eq!((of_p99(&found).low.is_some(), of_p99(&found).is_judged()), (has, has));
        assert_eq!(p99.measured_with_interval().contains('–'), has);
        let sentence = answer_text(&found.answers[0]);
        assert_eq!(sentence.contains("not told apart by three blocks"), !has, "{sentence}");
    }
}

fn one_trial(change: impl FnOnce(&mut Measurements)) -> Findings {
    let mut record = record("ticker", Pattern::Sse, params(Pattern::Sse, 0.0, 50), 0);
    crate::synthetic::change(&mut record, change);
    findings(scenario("ticker", "Who is first?", &[Pattern::Sse]), vec![record])
}

fn point(findings: &Findings) -> &Point {
    &findings.scenarios[0].points[0]
}

#[test]
fn averaged_percentiles_are_caught() {
    // Fourteen good seconds, and one in which everything took half a second: more than one in a
    // hundred deliveries, so that is the p99.
    let of_second = |second: u32| vec![if second == 9 { 500.0 } else { 1.0 }; 100];
    let found = one_trial(|measured| {
        measured.age = ages((0..15).flat_map(of_second));
        measured.age_seconds = (0..15)
            .map(|second| ages(of_second(second)).arrived.histogram().expect("just made").second(second))
            .collect();
    });
    let seconds = &point(&found).completed().next().expect("completed").age_seconds;
    let averaged = seconds.iter().map(|second| second.p99_us as f64 * 1e-3).sum::<f64>() / 15.0;
    assert!((averaged - 34.3).abs() < 0.1, "what a broken instrument says: {averaged}");
    let p99 = point(&found).quantity_of(QuantityName::AgeP99).measured.expect("measured");
    assert!((p99 / 500.0 - 1.0).abs() < 0.001, "{p99}");
}

#[test]
fn dropped_loss_is_caught() {
    // Two in a hundred never came.
    let found = one_trial(|measured| {
        measured.age = ages(vec![1.0; 1_470]);
        measured.age.censored = 30;
        measured.age.censored_min_us = 2_000_000;
    });
    let trial = point(&found).completed().next().expect("completed");
    let arrived = trial.age.arrived.histogram().expect("readable").quantile_us(0.99);
    assert_eq!(arrived, 1_000, "what a broken instrument says");
    let p99 = point(&found).quantity_of(QuantityName::AgeP99);
    assert_eq!((p99.bound, p99.measured), (Bound::AtLeast, Some(2_000.0)));
    assert!(p99.measured_text().starts_with('>'));
    assert_eq!(point(&found).quantity_of(QuantityName::AgeP50).measured, Some(1.0));
}

#[test]
fn one_block_that_lost_events_leaves_a_bound_without_an_interval() {
    let trial = record("ticker", Pattern::Sse, params(Pattern::Sse, 0.0, 50), 0);
    let records = in_blocks(&[trial], 5, |block, _, measured| {
        measured.age = ages(vec![1.0; 1_470]);
        measured.age.censored = if block == 3 { 30 } else { 0 };
        measured.age.censored_min_us = 2_000_000;
    });
    let found = findings(scenario("ticker", "Who is first?", &[Pattern::Sse]), records);
    let p99 = point(&found).quantity_of(QuantityName::AgeP99);
    assert_eq!((p99.bound, p99.low, p99.high), (Bound::AtLeast, None, None));
    let p50 = point(&found).quantity_of(QuantityName::AgeP50);
    assert!(p50.bound == Bound::Exact && p50.low.is_some());
}
