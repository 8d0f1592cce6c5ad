//! Rates that grow: where the knee is, where there is none, and whose it is.

mod synthetic;

use contract::{Manifest, Pattern, TrialRecord};
use report::{Bound, Findings, Point, QuantityName, Run};
use synthetic::{
    change, climb, files, ladder_trials, manifest, params, ramp, ramp_scenario, ramp_trials, record, rung_us,
    server, write,
};

fn findings((manifest, records): &(Manifest, Vec<TrialRecord>)) -> Findings {
    let (manifest, records) = files(manifest, records);
    report::findings(&Run::parse(&manifest, &records).expect("a made-up run can be read"))
}

/// One trial of SSE: forty seconds, the knee at second 20, changed as wanted.
fn one(changed: impl FnOnce(&mut contract::Measurements)) -> (Point, String) {
    let mut trial = record("saturation", Pattern::Sse, params(Pattern::Sse, 1_000.0, 50), 0);
    climb(&mut trial, 40, 20, 960_000.0 / ramp(20) as f64);
    change(&mut trial, changed);
    let manifest = manifest(vec![ramp_scenario(&["pushlab"])], &["a1b2c3d4e5f60718"], 1);
    let findings = findings(&(manifest, vec![trial]));
    (findings.scenarios[0].points[0].clone(), findings.answers[0].sentence.clone())
}

fn saturation(point: &Point) -> (Option<f64>, Bound) {
    let quantity = point.quantity_of(QuantityName::SaturationDeliveries);
    (quantity.measured, quantity.bound)
}

#[test]
fn the_knee_is_the_last_second_that_kept_its_age() {
    let (point, answer) = one(|_| {});
    assert_eq!(saturation(&point), (Some(ramp(20) as f64), Bound::Exact));
    assert!(
        answer.ends_with("within 100\u{202f}ms up to these deliveries per second: SSE 67,300."),
        "{answer}"
    );
    // 960 ms of CPU for the deliveries of the knee's second, and as much each in the two before;
    // the readings lie 990 ms apart.
    let cpu = point.quantity_of(QuantityName::SaturationCpuPerEvent).measured.expect("told");
    assert!((cpu / (960_000.0 / ramp(20) as f64 / 0.99) - 1.0).abs() < 1e-9, "{cpu}");
}

#[test]
fn a_single_bad_second_is_no_knee() {
    let (point, _) = one(|measured| measured.age_seconds[9].p99_us = 900_000);
    assert_eq!(saturation(&point), (Some(ramp(20) as f64), Bound::Exact));
}

#[test]
fn a_ramp_that_ends_before_the_knee_gives_a_bound() {
    for beyond in [0, 1] {
        let (point, answer) = one(|measured| {
            measured.age_seconds.truncate(21 + beyond);
            measured.cpu_seconds.truncate(21 + beyond);
        });
        assert_eq!(saturation(&point), (Some(ramp(20) as f64), Bound::AtLeast), "{beyond}");
        assert!(answer.contains("SSE more than 67,300 (there the rate grew no further)"), "{answer}");
        let text = point.quantity_of(QuantityName::SaturationDeliveries).measured_text();
        assert!(text.starts_with('>'), "{text}");
    }
}

#[test]
fn nothing_is_kept_from_the_first_loss_on() {
    let (point, _) = one(|measured| {
        measured.age_seconds[12].censored = 5;
    });
    assert_eq!(saturation(&point), (Some(ramp(11) as f64), Bound::Exact));
}

#[test]
fn a_full_harness_makes_the_saturation_its_own() {
    let (point, answer) = one(|measured| {
        for cpu in &mut measured.cpu_seconds {
            (cpu.server_us, cpu.harness_us) = (cpu.harness_us * 0.9, cpu.server_us);
        }
    });
    assert_eq!(saturation(&point), (Some(ramp(20) as f64), Bound::AtLeast));
    assert!(answer.contains("there the harness was full"), "{answer}");
    assert!(
        point.warnings.iter().any(|text| text.contains("the saturation is the harness's")),
        "{:?}",
        point.warnings
    );
    // Two worker threads have two cores to fill.
    let (point, _) = one(|measured| {
        measured.workers = 2;
        for cpu in &mut measured.cpu_seconds {
            (cpu.server_us, cpu.harness_us) = (cpu.harness_us * 0.9, cpu.server_us);
        }
    });
    assert_eq!(saturation(&point).1, Bound::Exact);
}

#[test]
fn no_second_within_the_bound_is_no_saturation() {
    let (point, _) =
        one(|measured| measured.age_seconds.iter_mut().for_each(|second| second.p99_us = 200_000));
    assert_eq!(saturation(&point), (None, Bound::Exact));
    assert!(point.warnings.iter().any(|text| text.starts_with("no saturation")), "{:?}", point.warnings);
}

#[test]
fn knees_over_blocks_have_an_interval_and_a_ratio_to_the_floor() {
    let findings = findings(&ramp_trials(&["pushlab", "floor"], 5));
    let point = &findings.scenarios[0].points[0];
    let quantity = point.quantity_of(QuantityName::SaturationDeliveries);
    let (low, high) = quantity.low.zip(quantity.high).expect("five blocks");
    assert!(low < ramp(29) as f64 && ramp(28) as f64 <= high, "{quantity:?}");
    let ratio = findings
        .comparisons()
        .find(|found| found.is_floor_ratio() && found.quantity == QuantityName::SaturationDeliveries)
        .expect("a ratio");
    // Two steps of a tenth below the floor, in every block.
    assert!((ratio.ratio.unwrap() - 1.0 / 1.21).abs() < 1e-3, "{ratio:?}");
    let files = report::render(&findings);
    let svg =
        &files.iter().find(|file| file.path == "figures/saturation-saturation.svg").expect("drawn").content;
    for words in ["bound: 100", "harness's CPU", "floor: what the kernel"] {
        assert!(svg.contains(words) || svg.contains(&words.replace('\'', "&#39;")), "{words}");
    }
    assert!(
        findings.answers[0].sentence.contains("0.826 times what the floor reached"),
        "{:?}",
        findings.answers
    );
    write("saturation", &files);
    let peers = self::findings(&ramp_trials(&["pushlab", "floor", "nchan", "bun"], 5));
    write("saturation-peers", &report::render(&peers));
    let foreign = &peers.scenarios[0].points.iter().find(|point| point.server == server("bun"));
    assert_eq!(foreign.map(|point| point.valid), Some(true));
}

#[test]
fn each_rung_costs_what_it_adds() {
    let findings = findings(&ladder_trials(5));
    let answer = &findings.answers[0];
    for words in [
        "SSE takes 3.",
        "a task for each subscriber instead of one shared lane costs 1.0",
        "encoding again for each subscriber costs 1.",
        "writing each event by itself costs 0.",
    ] {
        assert!(answer.sentence.contains(words), "{words}: {}", answer.sentence);
    }
    let expected =
        rung_us(Pattern::Sse, contract::Rung::EncodeEach) - rung_us(Pattern::Sse, contract::Rung::OwnTasks);
    assert!((expected - 1.3).abs() < 1e-9);
    let websocket = &answer.conditions[0];
    assert!(
        websocket.contains("leaving the library's buffers as large as they come adds nothing that is shown"),
        "{websocket}"
    );
    let files = report::render(&findings);
    let svg = |name: &str| {
        let path = format!("figures/cost-ladder-{name}.svg");
        files.iter().find(|file| file.path == path).map(|file| file.content.as_str())
    };
    let cpu = svg("ladder-cpu-websocket").expect("drawn");
    for words in
        ["as it is", "encoded again for each subscriber", "the library&apos;s large buffers", "+1.0", " ("]
    {
        let plain = words.replace("&apos;", "'");
        assert!(cpu.contains(words) || cpu.contains(&plain), "{words}: {cpu}");
    }
    assert!(svg("ladder-age-sse").is_some());
    write("ladder", &files);
}
