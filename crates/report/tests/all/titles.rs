//! The titles of figures are true for all points, also for those that the figure does not show.

use contract::{Manifest, Measurements, Pattern, TimeHistogram, TrialRecord};
use report::OutputFile;

use crate::{
    synthetic::{change, in_scattered_blocks, manifest, obstacle_trials, params, record, scenario},
    written::{content, findings, plain},
};

fn rendered(manifest: &Manifest, records: &[TrialRecord]) -> Vec<OutputFile> {
    report::render(&findings(manifest, records))
}

/// The title of a figure; none if it is not drawn.
fn title(files: &[OutputFile], name: &str) -> Option<String> {
    let svg = &files.iter().find(|file| file.path == format!("figures/{name}.svg"))?.content;
    let start = svg.find("<title id=")? + svg[svg.find("<title id=")?..].find('>')? + 1;
    let text = &svg[start..];
    Some(plain(&text[..text.find("</title>")?]))
}

/// The labels drawn in a figure.
fn has_text(files: &[OutputFile], name: &str, text: &str) -> bool {
    let path = format!("figures/{name}.svg");
    let svg = content(files, &path);
    plain(svg).split("</text>").any(|part| part.contains(text))
}

/// Gives every delivery of a trial this age.
fn all_aged(measured: &mut Measurements, age_ms: u64) {
    let mut ages = TimeHistogram::default();
    for _ in 0..measured.window_deliveries {
        ages.record_ns(age_ms * 1_000_000);
    }
    measured.age.arrived = ages.distribution();
}

/// Obstacles of which the one behind a buffer is oldest, in the middle of its pattern's points.
fn obstructed(change_it: impl Fn(&mut Measurements)) -> Vec<OutputFile> {
    let (manifest, mut records) = obstacle_trials();
    let is_buffered =
        |record: &&mut TrialRecord| record.params.network.is_some_and(|network| network.buffer.is_some());
    let buffered = records.iter_mut().filter(is_buffered).find(|record| record.pattern == Pattern::Sse);
    change(buffered.expect("a trial"), change_it);
    rendered(&manifest, &records)
}

#[test]
fn the_oldest_point_is_named_and_shown_where_not_all_are() {
    let files = obstructed(|measured| all_aged(measured, 7_620));
    let name = "obstacles-age-ecdf";
    let said = title(&files, name).expect("drawn");
    assert!(said.contains("7,620 ms (SSE, buffering 4 KiB or 500 ms)"), "{said}");
    for shown in ["buffering 4 KiB or 500 ms", "no obstacle", "upgrades refused"] {
        assert!(has_text(&files, name, shown), "no panel is left out: {shown}");
    }
    let said = title(&files, "obstacles-nines").expect("drawn");
    assert!(said.contains("7,620 ms (SSE, buffering 4 KiB or 500 ms)"), "{said}");
}

#[test]
fn the_bars_of_the_cheapest_and_the_dearest_are_among_those_shown() {
    let files = obstructed(|measured| {
        measured.bytes.received += measured.window_deliveries * 1_000_000;
        measured.bytes_life = measured.bytes;
        measured.server_bytes_life =
            Some(contract::BothWays { received: measured.bytes.received, sent: measured.bytes.sent });
        measured.computed_life = None;
    });
    let said = title(&files, "obstacles-bytes").expect("drawn");
    assert!(said.ends_with("MB (SSE, buffering 4 KiB or 500 ms)"), "{said}");
    assert!(has_text(&files, "obstacles-bytes", "SSE, buffering 4 KiB or 500 ms"));
    // A bar of 100 B beside one of 1 MB would not be seen.
    assert!(has_text(&files, "obstacles-bytes", "bytes per event (log scale)"));
    assert!(!has_text(&files, "obstacles-bytes", "payload"), "dots have no parts");
    let files = obstructed(|_| {});
    assert!(
        !has_text(&files, "obstacles-bytes", "log scale") && has_text(&files, "obstacles-bytes", "payload")
    );
}

#[test]
fn the_oldest_second_is_that_of_all_points_and_all_blocks() {
    let oldest = |measured: &mut Measurements, p99_us: u64| {
        let second = measured.age_seconds.iter_mut().find(|second| second.second == 9).expect("a second");
        second.p99_us = p99_us;
    };
    let files = obstructed(|measured| oldest(measured, 13_500_000));
    let said = title(&files, "obstacles-time").expect("drawn");
    assert!(said.contains("second 9 of SSE, buffering 4 KiB or 500 ms, with 13,500 ms at p99"), "{said}");
    assert!(has_text(&files, "obstacles-time", "SSE, buffering 4 KiB or 500 ms"), "its lane is drawn");
    // Each pattern's worst is drawn, wherever it is in the list.
    assert!(!has_text(&files, "obstacles-time", "SSE, black hole after 5 s"));

    // The worst second in the third of four blocks.
    let mut ticker = scenario("stock-ticker", "Who hears of a price first?", &[Pattern::Sse]);
    ticker.blocks = 4;
    let mut manifest = manifest(vec![ticker], &["a1b2c3d4e5f60718"], 1);
    let once = [record("stock-ticker", Pattern::Sse, params(Pattern::Sse, 1_000.0, 50), 0)];
    let records = in_scattered_blocks(&mut manifest, &once, 4);
    let in_block = |block: u32, change_it: &dyn Fn(&mut Measurements)| {
        let mut records = records.clone();
        let record = records.iter_mut().find(|record| record.block == block).expect("a block");
        change(record, |measured| change_it(measured));
        rendered(&manifest, &records)
    };
    let after = in_block(3, &|measured| oldest(measured, 44_400));
    assert!(title(&after, "stock-ticker-time").expect("drawn").contains("second 9 of SSE, with 44.4 ms"));
    assert!(has_text(&after, "stock-ticker-time", "late at p99, ms, worst trial"));
    // The latest publisher is drawn in whatever block it was.
    let svg = |block: u32, late_us: u64| {
        let late = |measured: &mut Measurements| measured.lateness_seconds[9].p99_us = late_us;
        let files = in_block(block, &late);
        files.into_iter().find(|file| file.path.ends_with("stock-ticker-time.svg")).expect("drawn").content
    };
    assert_eq!(svg(3, 59_900), svg(2, 59_900));
    assert_ne!(svg(3, 59_900), svg(3, 5_990));
}

#[test]
fn no_title_names_a_p99_that_no_line_reaches() {
    let one = |pattern: Pattern, order: u32, deliveries: u64| {
        let mut record = record("stock-ticker", pattern, params(pattern, 1_000.0, 50), order);
        change(&mut record, |measured| {
            let mut ages = TimeHistogram::default();
            for index in 0..deliveries {
                ages.record_ns(1_000_000 + index * 1_000);
            }
            measured.age.arrived = ages.distribution();
            measured.window_deliveries = deliveries;
        });
        record
    };
    let ticker =
        || scenario("stock-ticker", "Who hears of a price first?", &[Pattern::Sse, Pattern::WebSocket]);
    let said = |records: &[TrialRecord]| {
        let manifest = manifest(vec![ticker()], &["a1b2c3d4e5f60718"], records.len() as u32);
        title(&rendered(&manifest, records), "stock-ticker-nines").expect("drawn")
    };
    let none = said(&[one(Pattern::Sse, 0, 400), one(Pattern::WebSocket, 1, 400)]);
    assert_eq!(none, "No p99: fewer than ten deliveries lie beyond the end of each line");
    let some = said(&[one(Pattern::Sse, 0, 400), one(Pattern::WebSocket, 1, 1_700)]);
    assert!(some.starts_with("One delivery in a hundred by WebSocket was older than"), "{some}");
    assert!(some.ends_with("; 1 of 2 points have no p99"), "{some}");

    // Deliveries that never came: a median beyond them has no upper end, and no line reaches their p99.
    let (manifest, records) = obstacle_trials();
    let files = rendered(&manifest, &records);
    let median = title(&files, "obstacles-age-ecdf").expect("drawn");
    assert!(median.contains(" points have no median, because too many never came"), "{median}");
    let nines = title(&files, "obstacles-nines").expect("drawn");
    assert!(!nines.contains('>') && nines.contains(" of 32 points have no p99"), "{nines}");
}

#[test]
fn a_figure_of_nothing_is_left_out() {
    let of = |patterns: &[Pattern]| {
        let records: Vec<TrialRecord> = patterns
            .iter()
            .zip(0..)
            .map(|(pattern, order)| record("stock-ticker", *pattern, params(*pattern, 1_000.0, 50), order))
            .collect();
        let ticker = scenario("stock-ticker", "Who hears of a price first?", patterns);
        rendered(&manifest(vec![ticker], &["a1b2c3d4e5f60718"], records.len() as u32), &records)
    };
    assert_eq!(title(&of(&[Pattern::Sse, Pattern::WebSocket]), "stock-ticker-requests"), None);
    let some = title(&of(&[Pattern::LongPolling, Pattern::Sse]), "stock-ticker-requests").expect("drawn");
    assert!(some.starts_with("Requests per event: from 0 (SSE) to "), "{some}");
}

#[test]
fn who_is_drawn_freshest_is_named_as_such() {
    let of = |sse: (u64, u64), websocket: (u64, u64)| {
        let mut records: Vec<TrialRecord> = Vec::new();
        for (pattern, (age_ms, bytes)) in [(Pattern::Sse, sse), (Pattern::WebSocket, websocket)] {
            let mut record =
                record("stock-ticker", pattern, params(pattern, 1_000.0, 50), records.len() as u32);
            change(&mut record, |measured| {
                all_aged(measured, age_ms);
                measured.bytes.received = measured.window_deliveries * bytes - measured.bytes.sent;
                measured.bytes_life = measured.bytes;
                measured.server_bytes_life =
                    Some(contract::BothWays { received: measured.bytes.received, sent: measured.bytes.sent });
                measured.computed_life = None;
            });
            records.push(record);
        }
        let patterns = [Pattern::Sse, Pattern::WebSocket];
        let ticker = scenario("stock-ticker", "Who hears of a price first?", &patterns);
        let files = rendered(&manifest(vec![ticker], &["a1b2c3d4e5f60718"], 2), &records);
        title(&files, "stock-ticker-freshness").expect("drawn")
    };
    // Cheaper by more than a tenth, and not told apart in age.
    let said = of((42, 200), (40, 240));
    assert!(
        said.starts_with("The cheapest is SSE: ")
            && said.contains(". The freshest, not told apart by one run, are "),
        "{said}"
    );
    assert!(said.contains("SSE and WebSocket: 40.0 ms"), "{said}");
    // Drawn freshest as well, and still not told apart in age.
    let said = of((40, 200), (42, 240));
    assert!(
        said.starts_with("The cheapest is SSE: ")
            && said.contains(". The freshest, not told apart by one run, are SSE and WebSocket: "),
        "{said}"
    );
    let said = of((42, 230), (40, 232));
    assert!(
        said.starts_with("The freshest and the cheapest (not told apart by one run) are SSE and WebSocket: "),
        "{said}"
    );
    let said = of((20, 200), (100, 240));
    assert!(said.starts_with("The freshest and the cheapest is SSE: 20.0 ms"), "{said}");
}

/// A point whose p99 reaches into lost deliveries is not drawn: the title is about the others.
#[test]
fn a_title_of_some_points_says_so() {
    let of = |lost: u64| {
        let mut records: Vec<TrialRecord> = Pattern::ALL
            .into_iter()
            .zip(0..)
            .map(|(pattern, order)| record("stock-ticker", pattern, params(pattern, 1_000.0, 50), order))
            .collect();
        change(&mut records[3], |measured| {
            let mut arrived = TimeHistogram::default();
            for _ in lost..measured.window_deliveries {
                arrived.record_ns(1_000_000);
            }
            measured.age.arrived = arrived.distribution();
            (measured.age.censored, measured.age.censored_min_us) = (lost, 2_000_000);
            measured.delivery.lost = lost;
        });
        let ticker = scenario("stock-ticker", "Who hears of a price first?", &Pattern::ALL);
        let files = rendered(&manifest(vec![ticker], &["a1b2c3d4e5f60718"], 4), &records);
        title(&files, "stock-ticker-freshness").expect("drawn")
    };
    assert!(of(0).starts_with("The "), "{}", of(0));
    assert!(of(900).starts_with("Of those shown, the "), "{}", of(900));
}
