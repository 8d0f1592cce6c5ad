//! Runs that invalidate themselves: every limit, the three ledgers, and what the box shows.

mod synthetic;

use contract::{KernelCounts, Measurements, Pattern, TimeHistogram, TrialRecord};
use report::{Findings, Run, Verdict};
use synthetic::{change, in_blocks, manifest, params, record, scenario};

fn one() -> TrialRecord {
    record("ticker", Pattern::Sse, params(Pattern::Sse, 0.0, 50), 0)
}

fn run_of(records: Vec<TrialRecord>) -> Findings {
    let planned = records.len() as u32;
    let question = scenario("ticker", "Who is first?", &[Pattern::Sse]);
    report::findings(&Run { manifest: manifest(vec![question], &[], planned), records, warnings: vec![] })
}

fn changed(by: impl FnOnce(&mut Measurements)) -> Findings {
    let mut record = one();
    change(&mut record, by);
    run_of(vec![record])
}

fn times_ms(times: &[u64]) -> contract::Distribution {
    let mut histogram = TimeHistogram::default();
    times.iter().for_each(|time| histogram.record_ns(time * 1_000_000));
    histogram.distribution()
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
    let faults: [(Fault, &str); 13] = [
        (|of| of.window_deliveries = 1_501, "there are 1,500 ages of 1,501 deliveries due in the window"),
        (
            |of| of.lateness = times_ms(&[6; 30]),
            "the publisher was late, at p99 by 6.00 ms (limit: at most 5.00 ms)",
        ),
        (|of| of.hiccups = times_ms(&[1, 1, 500]), "did not come back for 500 ms (limit: at most 200 ms)"),
        (
            |of| of.cpu.harness_us = of.cpu.wall_us * 0.99,
            "the harness used of its cores 99.0 % (limit: at most 95.0 %)",
        ),
        (|of| of.clock_step_us = -61_000.0, "the wall clock was stepped by 61.0 ms"),
        (|of| of.swapped_pages = Some(257), "the machine swapped pages: 257 (limit: at most 256)"),
        (|of| of.publisher.published -= 1, "the schedule was not sent whole; events left out or refused: 1"),
        (|of| of.publisher.refused = 2, "events left out or refused: 2"),
        (
            |of| of.window_deliveries = 299,
            "too few deliveries to know a p99: beyond it lie 2.99 (limit: at least 3.00)",
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
        let why = point.invalid_because.join("; ").replace('\u{202f}', " ");
        assert!(why.contains(words), "{words} is missing in: {why}");
        // The numbers stay, with the reason.
        let bytes = point.quantity_of(report::QuantityName::BytesPerEvent);
        assert!(
            bytes.measured.is_some()
                && bytes.doubt.as_ref().is_some_and(|doubt| doubt.starts_with("not valid: "))
        );
    }
}

#[test]
fn at_the_limit_a_trial_is_valid() {
    let findings = changed(|of| {
        of.lateness = times_ms(&[5; 30]);
        of.hiccups = times_ms(&[200]);
        of.cpu.harness_us = of.cpu.wall_us * 0.95;
        of.clock_step_us = 50_000.0;
        of.swapped_pages = Some(256);
        of.kernel_life = Some(KernelCounts { bytes_acked: kernel(of).bytes_acked + 2_000, ..kernel(of) });
    });
    assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
}

/// The kernel also counts what it has and nobody read, and what is taken and on its way.
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
fn segments_sent_again_are_a_warning() {
    let findings = changed(|of| of.kernel_life = Some(KernelCounts { retransmitted: 4, ..kernel(of) }));
    assert_eq!(findings.verdict, Verdict::Passed);
    let warnings = &findings.scenarios[0].points[0].warnings;
    assert!(warnings.iter().any(|warning| warning.contains("sent 4 segments again")), "{warnings:?}");
}

#[test]
fn the_box_names_the_worst_block_and_what_was_not_told() {
    let records = in_blocks(&[one()], 5, |block, _, of| {
        of.hiccups = times_ms(&[if block == 3 { 450 } else { 20 }]);
        if block == 2 {
            of.kernel_life = Some(kernel(of));
        }
    });
    let findings = run_of(records);
    assert!(findings.verdict_reason.contains("block 4: an event loop"), "{}", findings.verdict_reason);
    let files = report::render(&findings);
    let content = |path: &str| &files.iter().find(|file| file.path == path).expect("written").content;
    assert!(content("report.md").contains("450\u{202f}ms (block 4), beyond"));
    let page = content("report.html");
    assert!(page.contains("<td class=\"failed\">450\u{202f}ms (block 4)</td>"));
    assert!(page.contains("longest hiccup, at most 200\u{202f}ms") && page.contains("not told"));
    assert!(page.contains("<summary>Every trial, in the order in which they ran</summary>"));
}
