//! Growing rates: where the knee is, where there is none, and whether it is the server's or the harness's.

use contract::Pattern;
use report::{Bound, Point, QuantityName, ThresholdOutcome};

use crate::{
    synthetic::{
        ablation_us, change, climb, ladder_trials, manifest, params, ramp, ramp_scenario, ramp_trials,
        record, server, write,
    },
    written::{answer_text, content, findings_of},
};

/// One trial of SSE: forty seconds, the knee at second 20, changed as wanted.
fn one(changed: impl FnOnce(&mut contract::Measurements)) -> (Point, String) {
    let mut trial = record("saturation", Pattern::Sse, params(Pattern::Sse, 1_000.0, 50), 0);
    climb(&mut trial, 40, 20, 960_000.0 / ramp(20) as f64);
    change(&mut trial, changed);
    let manifest = manifest(vec![ramp_scenario(&["pushlab"])], &["a1b2c3d4e5f60718"], 1);
    let findings = findings_of(&(manifest, vec![trial]));
    (findings.scenarios[0].points[0].clone(), answer_text(&findings.answers[0]))
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
        answer.starts_with("With SSE our server falls behind at 67,300 deliveries a second."),
        "{answer}"
    );
    assert!(answer.contains("the age at p99 stayed within 100\u{202f}ms. SSE 67,300."), "{answer}");
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
        assert!(answer.contains("SSE more than 67,200 (there the rate grew no further)"), "{answer}");
        let text = point.quantity_of(QuantityName::SaturationDeliveries).measured_text();
        assert!(text.starts_with('>'), "{text}");
    }
}

#[test]
fn nothing_is_kept_from_the_first_loss_on() {
    let lossy = |measured: &mut contract::Measurements| measured.age_seconds[12].censored = 5;
    let (point, _) = one(|measured| {
        lossy(measured);
        measured.cpu_seconds[12].server_us = 980_000.0;
    });
    assert_eq!(saturation(&point), (Some(ramp(11) as f64), Bound::Exact));
    // Losses of a server with idle CPU are not its knee.
    let (point, _) = one(lossy);
    assert_eq!(saturation(&point), (Some(ramp(11) as f64), Bound::AtLeast));
}

#[test]
fn a_knee_is_the_servers_only_where_its_core_was_full() {
    // Half of the core at the knee, and as much in every second but one.
    let full_in = |full: Option<usize>| {
        one(|measured| {
            for (second, cpu) in measured.cpu_seconds.iter_mut().enumerate() {
                cpu.server_us = if full == Some(second) { 0.91 * cpu.wall_us } else { 0.5 * cpu.wall_us };
                cpu.harness_us = 0.4 * cpu.wall_us;
            }
        })
    };
    let knee = Some(ramp(20) as f64);
    for second in [20, 21, 22] {
        assert_eq!(saturation(&full_in(Some(second)).0), (knee, Bound::Exact), "{second}");
    }
    for second in [None, Some(23)] {
        let (point, answer) = full_in(second);
        assert_eq!(saturation(&point), (knee, Bound::AtLeast), "{second:?}");
        assert!(
            answer.contains("SSE more than 67,200 (there neither server nor harness was seen full)."),
            "{answer}"
        );
        let warning = point.quantity_of(QuantityName::SaturationDeliveries).warning.as_deref();
        let words = "a lower bound: ages grew, and neither the server's core nor the harness's was seen full";
        assert_eq!(warning, Some(words));
        assert!(
            point.warnings.iter().any(|text| text.contains("was seen full: the saturation is a lower bound"))
        );
    }
}

#[test]
fn what_is_per_event_is_left_out_where_the_rate_grew() {
    let run = ramp_trials(&["pushlab", "floor", "bun"], 5);
    let findings = findings_of(&run);
    let point = &findings.scenarios[0].points[0];
    for name in [
        QuantityName::CpuPerEvent,
        QuantityName::CpuAboveIdlePerEvent,
        QuantityName::SubscriberCpuPerEvent,
        QuantityName::RequestsPerEvent,
        QuantityName::BytesPerEvent,
        QuantityName::PayloadBytesPerEvent,
        QuantityName::FramingBytesPerEvent,
        QuantityName::HeaderBytesPerEvent,
        QuantityName::EmptyPollBytesPerEvent,
        QuantityName::PacketsPerEvent,
        QuantityName::WakeupsPerEvent,
    ] {
        let quantity = point.quantity_of(name);
        assert_eq!((quantity.measured, quantity.low), (None, None), "{name:?}");
        let warning = quantity.warning.as_deref().expect("a reason");
        assert!(warning.starts_with("left out: the rate grew"), "{warning}");
        assert!(findings.comparisons().all(|found| found.quantity != name), "{name:?}");
    }
    let files = report::render(&findings);
    let content = |path: &str| content(&files, path);
    for path in ["report.html", "report.md"] {
        assert!(content(path).contains("left out: the rate grew"), "{path}");
    }
    assert!(!content("trials.csv").contains(",cpu_us_per_event,"));
    assert!(content("summary.csv").contains(",cpu_us_per_event,us,,,"));
    assert!(crate::written::terminal(&findings).contains("per event: left out: the rate grew"));
    // Servers are compared by their cost up to the knee, whatever the question is about.
    assert!(
        content("figures/saturation-servers-sse.svg").contains(QuantityName::SaturationCpuPerEvent.label())
    );
    // At a steady rate nothing is left out.
    let (mut manifest, mut records) = run;
    manifest.scenarios[0].events = contract::Arrivals::Steady { rate_hz: 2.0 };
    records.iter_mut().for_each(|record| change(record, |measured| measured.cpu_seconds.clear()));
    let steady = findings_of(&(manifest, records));
    let cpu = steady.scenarios[0].points[0].quantity_of(QuantityName::CpuPerEvent);
    assert!(cpu.measured.is_some() && cpu.warning.is_none(), "{cpu:?}");
}

#[test]
fn a_block_without_a_knee_leaves_the_point_without_a_value() {
    let (manifest, mut records) = ramp_trials(&["pushlab", "floor"], 5);
    let unlucky = records.iter_mut().find(|record| record.server.is_pushlab()).expect("ours");
    assert_eq!(unlucky.pattern, Pattern::Sse);
    change(unlucky, |measured| measured.age_seconds.iter_mut().for_each(|second| second.p99_us = 200_000));
    let findings = findings_of(&(manifest, records));
    let [sse, websocket] = [Pattern::Sse, Pattern::WebSocket].map(|pattern| {
        let mut points = findings.scenarios[0].points.iter();
        points.find(|point| point.pattern == pattern && point.server.is_pushlab()).expect("measured")
    });
    for name in [QuantityName::SaturationDeliveries, QuantityName::SaturationCpuPerEvent] {
        let quantity = sse.quantity_of(name);
        assert_eq!((quantity.measured, quantity.low), (None, None));
        let warning = quantity.warning.as_deref().expect("a reason");
        assert!(warning.starts_with("no value: in 1 of 5 blocks no second had an age"), "{warning}");
        assert!(warning.ends_with("a mean of the other blocks would be too high"), "{warning}");
        assert!(websocket.quantity_of(name).low.is_some());
        let of_sse = |found: &&report::PointComparison| {
            found.quantity == name && [found.left.pattern, found.right.pattern].contains(&Pattern::Sse)
        };
        assert_eq!(findings.comparisons().find(of_sse), None);
    }
    let answer = &findings.answers[0];
    assert!(answer.conditions.iter().any(|text| text.starts_with("SSE: no value: in 1 of 5")), "{answer:?}");
}

#[test]
fn a_threshold_on_a_bound_says_why_it_is_one() {
    let mut trial = record("saturation", Pattern::Sse, params(Pattern::Sse, 1_000.0, 50), 0);
    climb(&mut trial, 40, 20, 960_000.0 / ramp(20) as f64);
    change(&mut trial, |measured| {
        for cpu in &mut measured.cpu_seconds {
            (cpu.server_us, cpu.harness_us) = (cpu.harness_us * 0.9, cpu.server_us);
        }
    });
    let mut question = ramp_scenario(&["pushlab"]);
    question.thresholds = [
        "saturation_deliveries_per_s >= 80000",
        "saturation_deliveries_per_s > 60000",
        "cpu_us_per_event < 9",
    ]
    .map(str::to_owned)
    .to_vec();
    let findings = findings_of(&(manifest(vec![question], &["a1b2c3d4e5f60718"], 1), vec![trial]));
    let found: Vec<_> = findings.thresholds().map(|found| (found.outcome, found.reason.as_str())).collect();
    let why = "only known to be over 67,200: the harness's CPU was full before the server's";
    assert_eq!(found[..2], [(ThresholdOutcome::Inconclusive, why), (ThresholdOutcome::Passed, why)]);
    assert!(found[2].1.starts_with("cpu_us_per_event: left out: the rate grew"), "{found:?}");
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
    // Two worker threads have two cores: neither side was seen full then.
    let (point, answer) = one(|measured| {
        measured.workers = 2;
        for cpu in &mut measured.cpu_seconds {
            (cpu.server_us, cpu.harness_us) = (cpu.harness_us * 0.9, cpu.server_us);
        }
    });
    assert_eq!(saturation(&point).1, Bound::AtLeast);
    assert!(answer.contains("neither server nor harness was seen full"), "{answer}");
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
    let findings = findings_of(&ramp_trials(&["pushlab", "floor"], 5));
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
    let svg = content(&files, "figures/saturation-saturation.svg");
    for words in ["bound: 100", "harness's CPU", "floor: what the kernel"] {
        assert!(svg.contains(words) || svg.contains(&words.replace('\'', "&apos;")), "{words}");
    }
    assert!(
        answer_text(&findings.answers[0]).contains("0.826 times what the floor reached"),
        "{:?}",
        findings.answers
    );
    write("saturation", &files);
    let peers = findings_of(&ramp_trials(&["pushlab", "floor", "nchan", "bun"], 5));
    write("saturation-peers", &report::render(&peers));
    let foreign = &peers.scenarios[0].points.iter().find(|point| point.server == server("bun"));
    assert_eq!(foreign.map(|point| point.valid), Some(true));
    assert!(!files.iter().any(|file| file.content.contains("answers one POST an event")));
}

#[test]
fn each_ablation_costs_what_it_adds() {
    let findings = findings_of(&ladder_trials(5));
    let answer = &findings.answers[0];
    for words in [
        "Encoding again for each subscriber costs the most: 1.",
        "SSE takes 3.",
        "SSE: the ordinary task per connection costs 1.0",
        "SSE: encoding again for each subscriber costs 1.",
        "SSE: writing each event by itself costs 0.",
        "WebSocket: keeping the library's default buffers shows no added cost",
    ] {
        assert!(answer_text(answer).contains(words), "{words}: {answer:?}");
    }
    let expected = ablation_us(Pattern::Sse, contract::Ablation::EncodeEach)
        - ablation_us(Pattern::Sse, contract::Ablation::OwnTasks);
    assert!((expected - 1.3).abs() < 1e-9);
    let files = report::render(&findings);
    let svg = |name: &str| {
        let path = format!("figures/cost-ladder-{name}.svg");
        files.iter().find(|file| file.path == path).map(|file| file.content.as_str())
    };
    let cpu = svg("ladder-cpu-websocket").expect("drawn");
    for words in [
        "the shared writer",
        "the ordinary task per connection",
        "encoded again for each subscriber",
        "the library&apos;s large buffers",
        "+1.0",
        " (",
    ] {
        let plain = words.replace("&apos;", "'");
        assert!(cpu.contains(words) || cpu.contains(&plain), "{words}: {cpu}");
    }
    assert!(svg("ladder-age-sse").is_some());
    // Each is compared with the variant it is based on, not with the first: 1.3 and not 2.3.
    let sse = svg("ladder-cpu-sse").expect("drawn");
    assert!(sse.contains("encoding again for each subscriber adds up to 1."), "{sse}");
    assert!(cpu.contains("encoding again for each subscriber adds up to 1."), "{cpu}");
    let ordinary = "| ● SSE, the ordinary task per connection |";
    assert!(content(&files, "report.md").contains(ordinary));
    write("ladder", &files);
}
