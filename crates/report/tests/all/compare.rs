//! Two runs compared: what is shown, what is hidden, what is not judged.

use contract::{Measurements, Pattern, TrialRecord};
use report::{Change, Compared, Detail, Findings, QuantityName, compare, compare_text};

use crate::{
    synthetic::{in_blocks, manifest, params, record, scenario},
    written::judged,
};

const PATTERNS: [Pattern; 2] = [Pattern::ShortPolling, Pattern::Sse];

/// Five blocks of two patterns whose server CPU scatters by a few percent.
fn run_of(blocks: u32, by: impl Fn(Pattern, &mut Measurements)) -> (Vec<TrialRecord>, Findings) {
    let trials = PATTERNS.map(|pattern| record("ticker", pattern, params(pattern, 1_000.0, 50), 0));
    let records = in_blocks(&trials, blocks, |block, pattern, measured| {
        measured.cpu.server_us *= 1.0 + 0.01 * f64::from(block);
        by(pattern, measured);
    });
    let found = of(&records);
    (records, found)
}

fn of(records: &[TrialRecord]) -> Findings {
    let planned = records.len() as u32;
    let manifest = manifest(vec![scenario("ticker", "Who is first?", &PATTERNS)], &[], planned);
    judged(manifest, records.to_vec())
}

fn change_of(compared: &Compared, quantity: QuantityName) -> Vec<(String, Change)> {
    let of = compared.changes.iter().filter(|change| change.quantity == quantity);
    of.map(|change| (change.point.clone(), change.change)).collect()
}

#[test]
fn a_run_compared_with_itself_shows_nothing() {
    let (_, run) = run_of(5, |_, _| ());
    let compared = compare(&run, &run, Detail::From(0.0));
    assert!(compared.changes.is_empty(), "{:?}", compared.changes);
    assert!(compared.hidden_unchanged > 30 && compared.differences.is_empty());
    let text = compare_text(&compared, 200);
    assert_eq!(text.lines().next(), Some("The two runs are equal: every quantity has the same value."));
    assert!(!text.contains("hidden") && !text.contains("about five look changed"), "{text}");
    let all = compare(&run, &run, Detail::All);
    assert_eq!(all.changes.len(), compared.hidden_unchanged);
    assert!(all.changes.iter().all(|change| change.change == Change::NotShown));
}

#[test]
fn changes_have_a_direction_and_small_ones_hide() {
    let (_, before) = run_of(5, |_, _| ());
    let (_, after) = run_of(5, |pattern, measured| match pattern {
        Pattern::Sse => {
            measured.cpu.server_us *= 1.5;
            measured.bytes.received = measured.bytes.received * 98 / 100;
        }
        Pattern::ShortPolling | Pattern::LongPolling | Pattern::WebSocket => measured.cpu.server_us *= 0.5,
    });
    let compared = compare(&before, &after, Detail::From(0.05));
    let cpu = change_of(&compared, QuantityName::CpuPerEvent);
    assert_eq!(
        cpu,
        [("short polling every 1\u{202f}s".to_owned(), Change::Lower), ("SSE".to_owned(), Change::Higher)]
    );
    assert!(change_of(&compared, QuantityName::BytesPerEvent).is_empty());
    assert!(compared.hidden_small > 0);
    let finer = compare(&before, &after, Detail::From(0.01));
    assert_eq!(change_of(&finer, QuantityName::BytesPerEvent), [("SSE".to_owned(), Change::Lower)]);
    let text = compare_text(&compared, 200);
    assert!(text.contains("server CPU per event") && text.contains("1.50 (1.4"), "{text}");
    // Half is a larger change than half as much again.
    let largest = compared.largest().unwrap();
    assert_eq!((largest.change, largest.point.starts_with("short polling")), (Change::Lower, true));
    let conclusion: Vec<&str> = text.lines().take(3).collect();
    let shown = format!("{} of {} judged quantities changed by at least 5 %.", 4, compared.judged);
    assert_eq!((conclusion[0], conclusion[2]), (shown.as_str(), ""), "{text}");
    assert!(conclusion[1].starts_with("The largest change: server CPU per "), "{text}");
    assert!(
        conclusion[1].contains(" with short polling every 1 s in ticker is 0.500 times what it was (95 % "),
        "{text}"
    );
}

#[test]
fn fewer_than_four_blocks_are_not_judged() {
    let (_, before) = run_of(5, |_, _| ());
    let (_, after) = run_of(3, |_, measured| measured.cpu.server_us *= 2.0);
    let compared = compare(&before, &after, Detail::From(0.05));
    let found = change_of(&compared, QuantityName::CpuPerEvent);
    assert!(found.len() == 2 && found.iter().all(|(_, change)| *change == Change::NotJudged), "{found:?}");
    let text = compare_text(&compared, 200);
    assert_eq!(compared.changes.len(), 3, "the largest: {:?}", compared.changes);
    assert!(
        text.contains("not judged: fewer than four blocks on a side") && text.contains("18.2 µs"),
        "{text}"
    );
}

#[test]
fn what_does_not_match_is_named() {
    let (mut records, before) = run_of(5, |_, _| ());
    records.retain(|record| record.pattern == Pattern::Sse);
    for record in &mut records {
        record.params.rate_hz = 2.1;
        record.schedule_hash = "0badc0de".to_owned();
        record.environment.cpu = "another".to_owned();
    }
    let mut after = of(&records);
    after.environment.cpu = "Another CPU".to_owned();
    after.environment.build = "debug".to_owned();
    let compared = compare(&before, &after, Detail::From(0.05));
    assert_eq!(compared.only_before, ["ticker: short polling every 1\u{202f}s"]);
    assert!(compared.only_after.is_empty(), "a drawn rate may differ: {:?}", compared.only_after);
    let text = compare_text(&compared, 200);
    for words in [
        "differs: build: release before, debug after",
        "differs: CPU: Example CPU at 3 GHz before, Another CPU after",
        "differs: schedule of ticker: another draw",
        "only before: ticker: short polling every 1 s",
    ] {
        assert!(text.contains(words), "{words} is missing in: {text}");
    }
    records.iter_mut().for_each(|record| record.params.subscribers = 51);
    let compared = compare(&before, &of(&records), Detail::All);
    assert_eq!((compared.only_before.len(), compared.only_after.len()), (2, 1));
    let text = compare_text(&compared, 200);
    assert!(text.contains("The two runs have no point in common.") && !text.contains("hidden"), "{text}");
}
