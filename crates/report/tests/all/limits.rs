//! Invalid runs: every limit, the three ledgers, and the validity box.

use contract::{AllCores, CpuUse, KernelCounts, Measurements, Pattern, RelayCounts, TrialRecord};
use report::{Findings, Verdict};

use crate::{
    synthetic::{change, in_blocks, manifest, params, record, scenario},
    written::{content, judged, plain, times_ms},
};

fn one() -> TrialRecord {
    record("ticker", Pattern::Sse, params(Pattern::Sse, 0.0, 50), 0)
}

fn run_of(records: Vec<TrialRecord>) -> Findings {
    let planned = records.len() as u32;
    let question = scenario("ticker", "Who is first?", &[Pattern::Sse]);
    judged(manifest(vec![question], &[], planned), records)
}

fn changed(by: impl FnOnce(&mut Measurements)) -> Findings {
    let mut record = one();
    change(&mut record, by);
    run_of(vec![record])
}

fn kernel(of: &Measurements) -> KernelCounts {
    KernelCounts {
        bytes_acked: of.bytes_life.sent,
        bytes_received: of.bytes_life.received,
        ..KernelCounts::default()
    }
}

#[test]
fn beyond_any_limit_a_trial_is_invalid_and_says_why() {
    type Fault = fn(&mut Measurements);
    let faults: [(Fault, &str); 14] = [
        (|of| of.window_deliveries = 1_501, "there are 1,500 ages of 1,501 deliveries due in the window"),
        (
            |of| of.lateness = times_ms(&[6; 30]),
            "the instrument may have added 6.03 ms to the age at p99 of 1.82 ms (limit: 0.500 ms). Its parts: \
             publisher late 6.00 ms, waiting for a core 0.0300 ms, stalls of the harness 0 ms",
        ),
        // Ten stalls of 500 ms in fifteen seconds: Σ(h − x)⁺ is a hundredth of the time at x = 485.
        (|of| of.stalls = times_ms(&[500; 10]), "stalls of the harness 485 ms"),
        // 680 ms for 34 events.
        (|of| of.cpu.server_wait_us = Some(679_700.0), "waiting for a core 20.0 ms"),
        (
            |of| of.cpu.harness_us = of.cpu.wall_us * 0.99,
            "the harness's CPU use of its cores was 99.0 % (limit: at most 95.0 %)",
        ),
        (|of| of.clock_step_us = -61_000.0, "the wall clock was stepped by 61.0 ms"),
        (|of| of.swapped_pages = Some(257), "the machine swapped pages: 257 (limit: at most 256)"),
        (
            |of| of.publisher.published -= 1,
            "the schedule was not sent completely; events left out or refused: 1",
        ),
        (|of| of.publisher.refused = 2, "events left out or refused: 2"),
        (
            |of| of.window_deliveries = 299,
            "too few deliveries for a p99; deliveries beyond it: 2.99 (limit: at least 3.00)",
        ),
        (
            |of| {
                of.computed_life = of
                    .computed_life
                    .map(|ways| contract::BothWays { received: ways.received * 9 / 10, ..ways });
            },
            "payload plus computed heads and framing (204,450 bytes) and the sockets' streams (217,500 bytes) differ by 6.00 %",
        ),
        (
            |of| of.kernel_life = Some(KernelCounts { bytes_received: 1, ..kernel(of) }),
            "and the kernel's count (87,001 bytes) differ by 60.0 %",
        ),
        (
            |of| of.kernel_life = Some(KernelCounts { bytes_received: 1, ..kernel(of) }),
            "the sockets' streams (217,500 bytes) and the kernel's",
        ),
        (
            |of| *of.server_requests_life.as_mut().unwrap() += 1,
            "the server counted 51 requests, the subscribers 50",
        ),
    ];
    for (fault, words) in faults {
        let findings = changed(fault);
        let point = &findings.scenarios[0].points[0];
        assert_eq!(findings.verdict, Verdict::Invalid, "{words}");
        let why = plain(&point.invalid_because.join("; "));
        assert!(why.contains(words), "{words} is missing in: {why}");
        // The numbers stay, with the reason.
        let bytes = point.quantity_of(report::QuantityName::BytesPerEvent);
        assert!(
            bytes.measured.is_some()
                && bytes.warning.as_ref().is_some_and(|warning| warning.starts_with("not valid: "))
        );
    }
}

#[test]
fn at_the_limit_a_trial_is_valid() {
    let findings = changed(|of| {
        of.age.arrived = times_ms(&[50; 1_500]);
        of.lateness = times_ms(&[3; 30]);
        // 60 ms for 30 events, and a stall that ends before a hundredth of the time is over.
        of.cpu.server_wait_us = Some(60_000.0);
        of.cpu.harness_wait_us = Some(0.0);
        of.stalls = times_ms(&[140]);
        of.cpu.harness_us = of.cpu.wall_us * 0.95;
        of.clock_step_us = 50_000.0;
        of.swapped_pages = Some(256);
        of.kernel_life = Some(KernelCounts { bytes_acked: kernel(of).bytes_acked + 2_000, ..kernel(of) });
    });
    assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
}

/// The kernel also counts bytes that nobody has read, and bytes that are still on their way.
#[test]
fn what_the_kernel_still_has_is_no_difference() {
    let verdict = |unread: u64, unacked: u64| {
        let findings = changed(|of| {
            of.kernel_life = Some(KernelCounts {
                bytes_received: of.bytes_life.received + 9_000,
                bytes_unread: unread,
                bytes_acked: of.bytes_life.sent - 9_000,
                bytes_unacked: unacked,
                ..KernelCounts::default()
            });
        });
        findings.verdict
    };
    assert_eq!(verdict(9_000, 9_000), Verdict::Passed);
    assert_eq!(verdict(9_000, 0), Verdict::Invalid);
    assert_eq!(verdict(0, 9_000), Verdict::Invalid);
}

#[test]
fn two_workers_have_two_cores() {
    let findings = changed(|of| {
        of.workers = 2;
        of.cpu.harness_us = of.cpu.wall_us * 1.5;
    });
    assert_eq!(findings.verdict, Verdict::Passed);
}

#[test]
fn retransmitted_segments_are_a_warning() {
    let findings = changed(|of| of.kernel_life = Some(KernelCounts { retransmitted: 4, ..kernel(of) }));
    assert_eq!(findings.verdict, Verdict::Passed);
    let warnings = &findings.scenarios[0].points[0].warnings;
    assert!(warnings.iter().any(|warning| warning.contains("retransmitted 4 segments")), "{warnings:?}");
}

/// Ten seconds of two cores; the trial's own processes took six seconds of CPU.
fn with_busy_cores(of: &mut Measurements, busy_us: f64) {
    of.cpu = CpuUse {
        wall_us: 10e6,
        server_us: 1e6,
        publisher_us: 1e6,
        harness_us: 3e6,
        all_cores: Some(AllCores { busy_us, number: 2 }),
        server_wait_us: Some(0.0),
        harness_wait_us: Some(0.0),
    };
    crate::synthetic::network::relayed(of, RelayCounts::default());
    of.relay.as_mut().expect("just set").cpu_us = 1e6;
}

#[test]
fn work_that_no_process_of_a_trial_did_is_found_and_told() {
    for (busy_us, reported, share) in [
        (5.9e6, None, "0\u{202f}%"),
        (7e6, None, "5.00\u{202f}%"),
        (8e6, None, "10.0\u{202f}%"),
        (16e6, Some("took 50.0\u{202f}% of its cores, more than 10.0\u{202f}%"), "50.0\u{202f}%"),
    ] {
        let findings = changed(|of| with_busy_cores(of, busy_us));
        assert_eq!(findings.verdict, Verdict::Passed, "it is said, and leaves a trial valid");
        let warnings = &findings.scenarios[0].points[0].warnings;
        let found = warnings.iter().find(|text| text.contains("other work on the machine"));
        match (found, reported) {
            (None, None) => {}
            (Some(found), Some(reported)) => assert!(found.contains(reported), "{found}"),
            (found, reported) => panic!("{found:?} instead of {reported:?}"),
        }
        let files = report::render(&findings);
        let sentence = format!("Other work on the machine: {share} of its cores");
        for path in ["report.html", "report.md"] {
            let content = content(&files, path);
            assert!(content.contains(&sentence), "{sentence} is missing in {path}");
        }
    }
    let unreported = changed(|of| of.cpu.all_cores = None);
    let page = &report::render(&unreported)[0].content;
    assert!(!page.contains("Other work on the machine"));
}

#[test]
fn the_box_names_the_worst_block_and_what_was_not_told() {
    let records = in_blocks(&[one()], 5, |block, _, of| {
        of.stalls = times_ms(&[if block == 3 { 450 } else { 20 }]);
        if block == 2 {
            of.kernel_life = Some(kernel(of));
        }
    });
    let findings = run_of(records);
    let reported = "block 4: the instrument may have added 300\u{202f}ms";
    assert!(findings.verdict_reason.contains(reported), "{}", findings.verdict_reason);
    let files = report::render(&findings);
    let content = |path: &str| content(&files, path);
    assert!(content("report.md").contains("**300\u{202f}ms of 1.82\u{202f}ms (block 4)**"));
    let page = content("report.html");
    assert!(page.contains("<td class=\"failed\">300\u{202f}ms of 1.82\u{202f}ms (block 4)</td>"));
    assert!(
        page.contains("added to an age, at most 10.0\u{202f}% or 0.500\u{202f}ms")
            && page.contains("not reported")
    );
    assert!(page.contains("<summary>Every trial, in the order in which they ran</summary>"));
}
