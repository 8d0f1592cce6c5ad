//! The instrument against known answers: a deliberate change of a run must appear in its numbers, with the
//! right direction and size, and no other change may appear.
//!
//! No test here asserts that something was fast. Bounds are one-sided: a freeze cannot make an age smaller,
//! and a delay cannot be measured as less than it is.

use std::{path::Path, thread::sleep, time::Duration};

use contract::{Ablation, Load, Measurements, TimeHistogram, TrialRecord};
use serde_json::Value;

use crate::lab::{
    Lab,
    process::{Finished, Running, signal},
    read, records, summary,
};

const FREEZE: Duration = Duration::from_millis(500);
/// Time from the start of the publisher to a point within the window of `FROZEN`.
const INTO_THE_WINDOW: Duration = Duration::from_millis(1_500);
const FROZEN: [(&str, &str); 2] = [("measure", "\"3s\""), ("subscribers", "5")];

/// The measurements of the judged trials of the only run.
fn judged(lab: &Lab) -> Vec<(TrialRecord, Measurements)> {
    let judged = records(&lab.only_run()).into_iter().filter(|record| record.scenario != "calibration");
    judged
        .map(|record| {
            let measured = record.measurements().cloned();
            (record.clone(), measured.unwrap_or_else(|| panic!("{:?}", record.outcome)))
        })
        .collect()
}

fn ages(measured: &Measurements) -> TimeHistogram {
    measured.age.arrived.histogram().unwrap()
}

/// Freezes a process while a trial is in its window.
fn run_with_a_freeze(lab: &Lab, frozen: impl Fn(&Running, u32) -> u32) -> Finished {
    let bench = Running::start(lab.command(&["bench", "frozen"]));
    let calibrating = bench.publishing_server(&[]);
    let server = bench.publishing_server(&[calibrating]);
    let pid = frozen(&bench, server);
    sleep(INTO_THE_WINDOW);
    signal(pid, "STOP");
    sleep(FREEZE);
    signal(pid, "CONT");
    bench.finish()
}

#[test]
fn a_freeze_of_the_server_appears_in_p99_and_max() {
    let lab = Lab::new();
    lab.scenario("frozen", &FROZEN);
    run_with_a_freeze(&lab, |_, server| server).exits(0);
    let (_, measured) = judged(&lab).remove(0);
    let ages = ages(&measured);
    assert_eq!(measured.age.arrived.count, 120 * 5, "nothing was left out");
    // The first event due in the freeze waits for nearly all of it; one event in six waits for some of it.
    assert!(measured.age.arrived.max_us >= 450_000, "{}", measured.age.arrived.max_us);
    assert!(ages.quantile_us(0.99) >= 400_000, "{}", ages.quantile_us(0.99));
    assert!(ages.quantile_us(0.95) >= 250_000, "{}", ages.quantile_us(0.95));
    let worst = measured.age_seconds.iter().max_by_key(|second| second.max_us).unwrap();
    assert!(worst.max_us == measured.age.arrived.max_us, "the second in which it happened shows it");
}

#[test]
fn a_freeze_of_the_server_makes_its_publisher_late_and_the_run_invalid() {
    let lab = Lab::new();
    let limits = "repeats = 0\nharness_cpu = 1.0\ntail_samples = 0\nswapped_pages = 1000000";
    lab.scenario("frozen", &[&FROZEN[..], &[("[limits]", limits)]].concat());
    let said = run_with_a_freeze(&lab, |_, server| server).exits(4);
    assert!(said.stdout.contains("invalid") && said.stdout.contains("late"), "{}", said.stdout);
}

#[test]
fn a_freeze_of_the_harness_makes_the_run_invalid() {
    let lab = Lab::new();
    // The publisher is in the server, which is not frozen: stalls of the harness caused the added time.
    let limits = "added_age = \"100ms\"\nrepeats = 0\nharness_cpu = 1.0\ntail_samples = 0\n\
                  swapped_pages = 1000000";
    lab.scenario("frozen", &[&FROZEN[..], &[("[limits]", limits)]].concat());
    let said = run_with_a_freeze(&lab, |bench, _| bench.pid()).exits(4);
    assert!(said.stdout.contains("invalid"), "{}", said.stdout);
    let (_, measured) = judged(&lab).remove(0);
    assert!(measured.stalls.max_us >= 450_000, "{}", measured.stalls.max_us);
    let run = lab.only_run();
    assert_eq!(summary(&run)["run"]["verdict"], "invalid");
    let point = &summary(&run)["points"][0];
    assert_eq!(point["valid"], false);
    assert!(point["quantities"]["age_p99_ms"]["measured"].is_number(), "shown in grey, not hidden");
    assert!(read(&run.join("report.md")).contains("invalid"));
}

#[test]
fn a_known_delay_is_never_measured_below_it() {
    const DELAY_US: u64 = 20_000;
    const JITTER_US: u64 = 30_000;
    let lab = Lab::new();
    let changes = [
        ("patterns", r#"["long-polling", "sse", "websocket"]"#),
        ("delivery_delay", "\"20ms\""),
        ("delivery_jitter", "\"30ms\""),
        ("measure", "\"3s\""),
        ("[events]", "arrivals = \"steady\"\nrate_hz = 100.0"),
    ];
    lab.scenario("delayed", &changes);
    lab.run(&["bench", "delayed"]).exits(0);
    let judged = judged(&lab);
    assert_eq!(judged.len(), 3);
    for (record, measured) in judged {
        let ages = ages(&measured);
        assert!(
            measured.age.arrived.min_us >= DELAY_US,
            "{}: {}",
            record.pattern,
            measured.age.arrived.min_us
        );
        // Three hundred draws: the quantiles of the delay are this close to those of its distribution, and an
        // event that waits for the one before it can only be later.
        const BY_CHANCE_US: u64 = 5_000;
        for quantile in [0.1, 0.25, 0.5, 0.75, 0.9] {
            let known = DELAY_US + (quantile * JITTER_US as f64) as u64 - BY_CHANCE_US;
            let found = ages.quantile_us(quantile);
            assert!(found >= known, "{} at {quantile}: {found} < {known}", record.pattern);
        }
        assert!(measured.lateness.mean_us().unwrap() < DELAY_US as f64, "the delay is no lateness");
        assert_eq!(record.params.delivery_delay_ms, Some(20.0));
    }
}

#[test]
fn keep_alive_changes_packets_and_connections_and_not_what_is_delivered() {
    let lab = Lab::new();
    let sweep = "arrivals = \"steady\"\nrate_hz = 20.0\n[sweep]\nkeep_alive = [true, false]";
    let changes = [("patterns", r#"["short-polling", "long-polling"]"#), ("[events]", sweep)];
    lab.scenario("keep", &changes);
    lab.run(&["bench", "keep"]).exits(0);
    let judged = judged(&lab);
    let of = |pattern, keep_alive| {
        let found = judged
            .iter()
            .find(|(record, _)| record.pattern == pattern && record.params.keep_alive == Some(keep_alive));
        &found.unwrap().1
    };
    for pattern in [contract::Pattern::ShortPolling, contract::Pattern::LongPolling] {
        let (kept, fresh) = (of(pattern, true), of(pattern, false));
        assert_eq!(kept.delivery, fresh.delivery, "{pattern}");
        assert_eq!(kept.requests.reconnects, 0, "{pattern}");
        assert!(fresh.requests.reconnects + 2 >= fresh.requests.life, "{pattern}: one each");
        let per_request =
            |of: &Measurements| of.kernel_window.unwrap().segments() as f64 / of.requests.window as f64;
        // Three packets to open and at least two to close, besides those of the exchange.
        assert!(
            per_request(fresh) >= per_request(kept) + 4.0,
            "{pattern}: {} {}",
            per_request(fresh),
            per_request(kept)
        );
    }
}

/// The effect of the ablations, counted by the kernel: ten events that are due at once cost one packet if they
/// are written together and ten if each is written by itself.
#[test]
fn a_burst_is_one_packet_unless_each_event_is_written_by_itself() {
    const APART: f64 = 1.2;
    let lab = Lab::new();
    let events = "arrivals = \"bursts\"\nburst_events = 10\nevent_spacing = \"0ms\"\nburst_every = \"100ms\"\n\
                  [sweep]\nablation = [\"best\", \"own-tasks\", \"encode-each\", \"write-each\", \"large-buffers\"]";
    lab.scenario(
        "ladder",
        &[("patterns", r#"["sse", "websocket"]"#), ("warm_up", "\"0ms\""), ("[events]", events)],
    );
    lab.run(&["bench", "ladder"]).exits(0);
    let judged = judged(&lab);
    assert_eq!(judged.len(), 2 * Ablation::ALL.len());
    for (record, measured) in judged {
        let what = format!("{}, {}", record.pattern, record.params.ablation.unwrap());
        assert_eq!(measured.delivery.received, measured.delivery.expected, "{what}");
        let Some(kernel) = measured.kernel_window else { continue };
        let per_packet = measured.delivery.received as f64 / kernel.data_segments_received as f64;
        // A busy machine delivers a burst in several parts; it never joins events that were written
        // separately.
        match record.params.ablation.unwrap() {
            Ablation::WriteEach => assert!(per_packet < APART, "{what}: {per_packet} events in a packet"),
            Ablation::Best | Ablation::OwnTasks | Ablation::EncodeEach | Ablation::LargeBuffers => {
                assert!(per_packet > APART, "{what}: {per_packet} events in a packet");
            }
        }
    }
}

/// Requests in the window per subscriber, with these changes to a scenario of long or short polling.
fn requests_each(changes: &[(&str, &str)]) -> f64 {
    const SUBSCRIBERS: f64 = 2.0;
    let lab = Lab::new();
    lab.scenario("asked", changes);
    lab.run(&["bench", "asked"]).exits(0);
    let (_, measured) = judged(&lab).remove(0);
    measured.requests.window as f64 / SUBSCRIBERS
}

#[test]
fn hold_turnaround_and_interval_bound_the_requests() {
    let long = ("patterns", r#"["long-polling"]"#);
    let silence = ("[events]", "arrivals = \"silence\"");
    let often = ("[events]", "arrivals = \"steady\"\nrate_hz = 100.0");
    // A window of a second. No subscriber can ask more often than this; a fifth of it would mean that the
    // machine stood still for most of the window.
    for (changes, most) in [
        (vec![long, silence, ("hold", "\"100ms\"")], 10.0),
        (vec![long, silence, ("hold", "\"400ms\"")], 2.5),
        (vec![long, often, ("turnaround", "\"50ms\"")], 20.0),
        (vec![long, often, ("turnaround", "\"0s\"")], 100.0),
        (vec![("patterns", r#"["short-polling"]"#), ("poll_interval", "\"100ms\"")], 10.0),
    ] {
        let asked = requests_each(&changes);
        assert!(asked <= most + 1.0 && asked >= most / 5.0, "{asked} of {most} with {changes:?}");
    }
}

#[test]
fn the_length_of_a_text_is_that_of_its_payload() {
    for bytes in ["40", "400"] {
        let lab = Lab::new();
        lab.scenario("text", &[("payload_bytes", bytes)]);
        lab.run(&["bench", "text"]).exits(0);
        let (_, measured) = judged(&lab).remove(0);
        let expected = bytes.parse::<u64>().unwrap() * measured.delivery.received;
        assert_eq!(measured.bytes_life.payload, expected);
    }
}

#[test]
fn blocks_hold_every_trial_once_in_orders_of_their_own() {
    let lab = Lab::new();
    let sweep = "arrivals = \"steady\"\nrate_hz = 40.0\n[sweep]\nsubscribers = [1, 2, 3]";
    let changes = [("patterns", r#"["sse", "websocket"]"#), ("measure", "\"500ms\""), ("warm_up", "\"0s\"")];
    lab.scenario("blocks", &[&changes[..], &[("[events]", sweep)]].concat());
    lab.run(&["bench", "blocks", "--blocks", "4"]).exits(0);
    let judged = judged(&lab);
    assert_eq!(judged.len(), 4 * 6);
    let block = |number: u32| -> Vec<String> {
        let of_it = judged.iter().filter(|(record, _)| record.block == number);
        of_it.map(|(record, _)| format!("{} {}", record.pattern, record.params.subscribers)).collect()
    };
    let orders: Vec<Vec<String>> = (1..=4).map(block).collect();
    let sorted = |order: &[String]| {
        let mut order = order.to_vec();
        order.sort();
        order
    };
    assert!(orders.iter().all(|order| order.len() == 6 && sorted(order) == sorted(&orders[0])), "{orders:?}");
    assert!(orders.iter().any(|order| *order != orders[0]), "the order is drawn anew: {orders:?}");
    let blocks: Vec<u32> = judged.iter().map(|(record, _)| record.block).collect();
    assert!(blocks.is_sorted(), "one block after the other: {blocks:?}");
    let mut phases: Vec<f64> = judged.iter().map(|(record, _)| record.poll_phase).collect();
    phases.dedup();
    assert_eq!(phases.len(), 4, "poll phases are drawn anew in each block");
    let point = &summary(&lab.only_run())["points"][0];
    assert_eq!(point["trials"], 4);
    let age = &point["quantities"]["age_p50_ms"];
    let field = |name: &str| age[name].as_f64().unwrap_or_else(|| panic!("no {name} in {age}"));
    assert!(field("low") <= field("measured") && field("measured") <= field("high"), "{age}");
}

#[test]
fn memory_and_descriptors_are_read_on_every_memory_step() {
    let lab = Lab::new();
    let changes = [
        ("patterns", r#"["short-polling", "websocket"]"#),
        ("subscribers", "60"),
        ("memory_steps", "[0, 30, 60]"),
        ("idle", "\"1s\""),
    ];
    lab.scenario("memory", &changes);
    lab.run(&["bench", "memory"]).exits(0);
    for (record, measured) in judged(&lab) {
        let what = record.pattern;
        let cost = measured.connections.unwrap();
        for load in [Load::Idle, Load::Active] {
            let memory_steps: Vec<_> = cost.memory_steps.iter().filter(|step| step.load == load).collect();
            let subscribers: Vec<u32> = memory_steps.iter().map(|step| step.subscribers).collect();
            assert_eq!(subscribers, [0, 30, 60], "{what}");
            let added =
                |step: &&contract::MemoryStep| step.server_descriptors - memory_steps[0].server_descriptors;
            assert_eq!(
                memory_steps.iter().map(added).collect::<Vec<_>>(),
                [0, 30, 60],
                "{what}: a socket each"
            );
            assert!(memory_steps.iter().all(|step| step.server_user_bytes > 0 && step.kernel_slab_bytes > 0));
        }
        assert_eq!(cost.idle.subscribers, 60);
        assert!(cost.idle.wall_us >= 0.9e6, "{what}: {}", cost.idle.wall_us);
        assert_eq!(
            measured.delivery.received, measured.delivery.expected,
            "{what}: traffic before the schedule is not counted"
        );
        assert_eq!(measured.window_deliveries, 40 * 60, "{what}");
    }
    let summary = summary(&lab.only_run());
    for point in summary["points"].as_array().unwrap() {
        let descriptors = &point["quantities"]["descriptors_per_subscriber"]["measured"];
        assert_eq!(descriptors.as_f64(), Some(1.0), "{point}");
    }
}

/// Whether the comparison of both sides by the primary quantity reports a difference.
fn sides_differ(run: &Path) -> bool {
    let summary = summary(run);
    let comparisons = summary["comparisons"].as_array().unwrap();
    let primary: Vec<&Value> =
        comparisons.iter().filter(|comparison| comparison["quantity"] == "age_p50_ms").collect();
    assert_eq!(primary.len(), 1, "{comparisons:?}");
    assert!(primary[0]["ratio"].is_number(), "{}", primary[0]);
    primary[0]["shown"] == true
}

fn sides(lab: &Lab, b: &str, seed: &str) -> bool {
    let events = format!(
        "arrivals = \"steady\"\nrate_hz = 40.0\n[sweep]\nside = [{{ name = \"a\" }}, {{ name = \"b\"{b} }}]"
    );
    let changes = [("primary", "\"age_p50_ms\""), ("blocks", "5"), ("[events]", &events)];
    lab.scenario("sides", &changes);
    lab.run(&["bench", "sides", "--seed", seed]).exits(0);
    sides_differ(lab.runs().last().unwrap())
}

/// An interval of 95 % misses once in twenty; two runs that both miss are not chance.
#[test]
fn equals_show_no_difference() {
    let lab = Lab::new();
    assert!(
        !(sides(&lab, "", "1") && sides(&lab, "", "2")),
        "a difference was shown twice where there is none"
    );
}

/// On a busy machine one run may miss the difference.
#[test]
fn what_is_added_to_one_side_is_found() {
    let lab = Lab::new();
    let delayed = ", delivery_delay = \"10ms\"";
    assert!(sides(&lab, delayed, "1") || sides(&lab, delayed, "2"), "ten milliseconds were not found");
}
