//! The network between subscriber and server: delays, obstacles, heartbeats, transports.

use contract::{
    ErrorCount, LeftBehind, Manifest, Measurements, Network, Pattern, Period, TimeHistogram, Transport,
    TrialRecord,
};
use report::{Bound, Findings, Point, Quantity, QuantityName, Verdict};

use crate::{
    synthetic::{
        change, heartbeat_trials, obstacle_trials, obstacles, rtt_trials, stream_limit_trials, ten_trials,
        transport_trials, write,
    },
    written::{answer_text, content, findings, findings_of, plain},
};

fn behind(findings: &Findings, pattern: Pattern, is: fn(&Network) -> bool) -> &Point {
    let points = &findings.scenarios[0].points;
    let found = points
        .iter()
        .find(|point| point.pattern == pattern && point.params.network.is_some_and(|network| is(&network)));
    found.expect("the point was measured")
}

/// The obstacles, with the trial of SSE behind a black hole changed.
fn with_changed_black_hole(change_it: impl FnOnce(&mut Measurements)) -> Findings {
    let (manifest, mut records) = obstacle_trials();
    let is_hindered = |record: &&mut TrialRecord| {
        record.pattern == Pattern::Sse
            && record.params.network.is_some_and(|network| network.black_hole_after.is_some())
    };
    change(records.iter_mut().find(is_hindered).expect("one trial is behind it"), change_it);
    findings(&manifest, &records)
}

#[test]
fn delays_are_given_in_one_way_delays_and_drawn_from_zero() {
    let findings = findings_of(&rtt_trials());
    assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
    let sentence = plain(&answer_text(&findings.answers[0]));
    assert!(sentence.starts_with("Events wait one one-way delay with "), "{sentence}");
    assert!(sentence.contains("; long polling waits the longest, 1.2"), "{sentence}");
    assert!(sentence.contains("From 0 to 300 ms round trip mean age grows"), "{sentence}");
    assert!(sentence.contains("SSE 1.00") && sentence.contains("long polling 1.2"), "{sentence}");
    assert!(sentence.contains("Mean age at the longest round trip: short polling"), "{sentence}");
    let files = report::render(&findings);
    for name in ["mean", "p99"] {
        let svg = content(&files, &format!("figures/rtt-over-age-{name}-ms.svg"));
        assert!(svg.contains("grows by this many one-way delays: "), "{svg}");
        // The ticks are the measured round trips and no others.
        let texts: Vec<&str> =
            svg.split("</text>").filter_map(|text| text.rsplit('>').next()).map(str::trim).collect();
        assert!(["0", "20", "100", "300"].iter().all(|tick| texts.contains(tick)), "{texts:?}");
    }
    let page = content(&files, "report.html");
    assert!(page.contains("Cost of a connection set-up") && page.contains("id=\"g-one-way-delay\""));
    assert!(page.contains("cannot delay the SYN") && page.contains("of one core, counted separately"));
    assert!(plain(page).contains("SSE, 300 ms round trip"));
    write("rtt", &files);
}

#[test]
fn losses_behind_an_obstacle_are_findings() {
    let run = obstacle_trials();
    let findings = findings_of(&run);
    assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
    assert!(findings.verdict_reason.contains("Without an obstacle, every event was delivered once"));
    let hole = behind(&findings, Pattern::Sse, |network| network.black_hole_after.is_some());
    assert!(hole.valid && hole.delivery.lost > 0);
    assert!(hole.warnings.iter().any(|text| text.contains("were lost: a finding")), "{:?}", hole.warnings);
    let age = hole.quantity_of(QuantityName::AgeP99);
    assert_eq!(age.bound, Bound::AtLeast);
    assert!(age.measured_text().starts_with('>'), "{}", age.measured_text());
}

/// Each kind of unexplained bytes in a trial behind an obstacle, and its message.
#[test]
fn books_that_do_not_balance_are_no_finding_whatever_is_in_the_way() {
    type Fault = fn(&mut Measurements);
    let faults: [(Fault, &str); 8] = [
        (
            |of| of.relay.as_mut().unwrap().counts.down.delivered += 9_000,
            "the middlebox delivered down 139,500 bytes, the subscribers read or left unread 130,500: \
             6.45 % is unexplained",
        ),
        (
            |of| of.relay.as_mut().unwrap().counts.down.taken -= 9_000,
            "the server sent 220,500 bytes, the middlebox took or left unread 211,500: 4.08 % is unexplained",
        ),
        (
            |of| of.relay.as_mut().unwrap().counts.up.delivered -= 2_000,
            "the middlebox delivered up 85,000 bytes",
        ),
        (|of| of.left_behind.as_mut().unwrap().unread = 9_000, "the subscribers read or left unread 139,500"),
        (|of| of.bytes_life.sent += 2_000, "the subscribers sent 89,000 bytes"),
        (|of| of.computed_life.as_mut().unwrap().received -= 9_000, "and the sockets' streams"),
        (|of| of.bytes.headers = of.bytes.total(), "payload, headers and empty polls of the window are"),
        (
            |of| of.server_requests_life = of.server_requests_life.map(|requests| requests - 2),
            "the server counted 48 requests, the subscribers 50: at most 0 of the missing 2 were lost",
        ),
    ];
    for (fault, words) in faults {
        let found = with_changed_black_hole(fault);
        assert_eq!(found.verdict, Verdict::Invalid, "{words}");
        let hole = behind(&found, Pattern::Sse, |network| network.black_hole_after.is_some());
        let why = plain(&hole.invalid_because.join("; "));
        assert!(why.contains(words), "{words} is missing in: {why}");
    }
}

/// The same differences if the counts of the middlebox or of a socket explain the bytes.
#[test]
fn what_is_counted_on_the_way_explains_a_difference() {
    type Change = fn(&mut Measurements);
    let changes: [(Change, &str); 5] = [
        (
            |of| {
                let down = &mut of.relay.as_mut().unwrap().counts.down;
                (down.delivered, down.unacknowledged) = (down.delivered + 9_000, 9_000);
            },
            "",
        ),
        (
            |of| {
                let down = &mut of.relay.as_mut().unwrap().counts.down;
                (down.taken, down.unread) = (down.taken - 9_000, 9_000);
            },
            "",
        ),
        (
            |of| {
                of.left_behind =
                    Some(LeftBehind { unacknowledged: 2_000, unheard: 1, ..LeftBehind::default() });
                of.bytes_life.sent += 2_000;
                of.computed_life.as_mut().unwrap().sent += 2_000;
            },
            "",
        ),
        (
            |of| {
                of.computed_life.as_mut().unwrap().received -= 9_000;
                of.broken_off_life = 9_000;
            },
            "",
        ),
        (
            |of| {
                of.server_requests_life = of.server_requests_life.map(|requests| requests - 3);
                of.relay.as_mut().unwrap().counts.up.broken = 2;
                of.left_behind = Some(LeftBehind { unsent_requests: 1, ..LeftBehind::default() });
            },
            "3 of 50 requests never reached the server; connections that lost bytes on their way to it: 2; \
             requests not sent at all: 1",
        ),
    ];
    for (number, (change_it, words)) in changes.into_iter().enumerate() {
        let found = with_changed_black_hole(change_it);
        assert_eq!(found.verdict, Verdict::Passed, "{number}: {}", found.verdict_reason);
        let hole = behind(&found, Pattern::Sse, |network| network.black_hole_after.is_some());
        assert!(hole.warnings.iter().any(|text| text.contains(words)), "{:?}", hole.warnings);
    }
}

/// An HTTP/2 connection carries many requests: how many of them were lost with it is unknown.
#[test]
fn requests_over_http_2_are_compared_only_while_every_connection_lives() {
    for (cut, verdict) in [(0, Verdict::Invalid), (1, Verdict::Passed)] {
        let (manifest, mut records) = transport_trials();
        let shared = records.iter_mut().find(|record| record.params.transport == Transport::Http2).unwrap();
        change(shared, |of| {
            of.server_requests_life = of.server_requests_life.map(|requests| requests - 2);
            of.relay.as_mut().unwrap().counts.cut = cut;
        });
        let found = findings_of(&(manifest, records));
        assert_eq!(found.verdict, verdict, "{}", found.verdict_reason);
        let said = found.scenarios[0].points.iter().flat_map(|point| &point.warnings);
        let reported = said
            .filter(|text| text.contains("not compared, because the middlebox ended an HTTP/2 connection"))
            .count();
        assert_eq!(reported as u64, cut);
    }
}

#[test]
fn the_instrument_is_judged_behind_an_obstacle_too() {
    let (manifest, mut records) = obstacle_trials();
    let last = records.len() - 1;
    assert!(records[last].params.network.is_some_and(|network| network.is_obstacle()));
    change(&mut records[last], |measured| measured.clock_step_us = 9e6);
    let first = findings_of(&(manifest.clone(), records.clone()));
    assert_eq!(first.verdict, Verdict::Invalid);
    assert!(first.verdict_reason.contains("clock"), "{}", first.verdict_reason);
    change(&mut records[last], |measured| {
        measured.clock_step_us = 0.0;
        measured.delivery.duplicated = 3;
    });
    assert_eq!(findings_of(&(manifest, records)).verdict, Verdict::Invalid);
}

#[test]
fn losses_without_an_obstacle_are_faults() {
    let (manifest, mut records) = obstacle_trials();
    change(&mut records[0], |measured| measured.delivery.lost = 1);
    assert_eq!(findings_of(&(manifest, records)).verdict, Verdict::Invalid);
    let (manifest, mut records) = rtt_trials();
    change(&mut records[0], |measured| measured.never_connected = 1);
    let found = findings_of(&(manifest, records));
    assert_eq!(found.verdict, Verdict::Invalid);
    assert!(found.verdict_reason.contains("never had a connection"), "{}", found.verdict_reason);
}

/// Events that all came, but too late to count as delivered.
#[test]
fn what_comes_seconds_late_has_failed_and_what_comes_a_little_late_is_degraded() {
    for (age_ms, word) in
        [(6_000, "✗ silent; half come over 6.0 s late"), (400, "! late 0.4 s; 400 ms at p99; sees no error")]
    {
        let (manifest, mut records) = obstacle_trials();
        let held_back = records
            .iter_mut()
            .find(|record| {
                record.pattern == Pattern::Sse
                    && record.params.network.is_some_and(|network| network.buffer.is_some())
            })
            .unwrap();
        change(held_back, |measured| {
            let mut ages = TimeHistogram::default();
            for _ in 0..measured.window_deliveries {
                ages.record_ns(age_ms * 1_000_000);
            }
            (measured.age.arrived, measured.delivery.lost) = (ages.distribution(), 0);
            (measured.requests.reconnects, measured.never_connected) = (0, 0);
        });
        let found = findings_of(&(manifest, records));
        let page = plain(content(&report::render(&found), "report.md"));
        let row = page.lines().find(|line| line.starts_with("| buffer |")).unwrap();
        let sse = row.split('|').nth(4).unwrap().replace("**", "");
        assert!(sse.contains(word), "{age_ms} ms: {sse}");
    }
}

/// Subscribers that get no stream because of the server's limit are the purpose of such a trial.
#[test]
fn losses_beyond_a_limit_of_streams_are_findings() {
    let trial = |max_streams: u32| {
        let (manifest, mut records) = transport_trials();
        let shared = records.iter_mut().find(|record| record.params.transport == Transport::Http2).unwrap();
        let params = &mut shared.params;
        (params.streams_per_connection, params.max_streams) = (Some(params.subscribers), Some(max_streams));
        change(shared, |measured| measured.never_connected = 3);
        findings_of(&(manifest, records)).verdict
    };
    assert_eq!(trial(10_000), Verdict::Invalid, "nobody had to stay away");
    assert_ne!(trial(1), Verdict::Invalid);
}

/// A scenario about the stream limit: how many subscribers wait, whether they see an error, and the cost for
/// the others.
#[test]
fn who_waits_for_a_stream_is_told_and_costs_are_those_of_what_came() {
    let (manifest, mut records) = stream_limit_trials();
    let found = findings_of(&(manifest.clone(), records.clone()));
    assert_ne!(found.verdict, Verdict::Invalid);
    let answer = &found.answers[0];
    assert_eq!(
        plain(&answer.headline),
        "With at most 25 streams a connection, 25 of 50 SSE subscribers never get a stream and see no error."
    );
    assert_eq!(
        answer.conditions[..2],
        [
            "With at most 25 streams a connection, 750 of 1,500 deliveries never came.",
            "With at most 50 streams a connection and with at most 100 streams a connection every subscriber is served."
        ]
    );
    let bytes: Vec<&Quantity> = found.scenarios[0]
        .points
        .iter()
        .map(|point| point.quantity_of(QuantityName::BytesPerEvent))
        .collect();
    let [waiting, served, _] = bytes[..] else { panic!("three points") };
    // Half of the bytes, for half of the deliveries.
    assert!((waiting.measured.unwrap() / served.measured.unwrap() - 1.0).abs() < 0.02, "{waiting:?}");
    assert!(
        waiting.warning.as_ref().unwrap().contains("750 of those due in it never came")
            && served.warning.is_none(),
        "{waiting:?}"
    );
    assert!(report::render(&found).iter().all(|file| !file.path.contains("stream-limit-over-")));

    let refused = "the server refused the stream";
    change(&mut records[0], |measured| {
        measured.error_counts =
            vec![ErrorCount { what: refused.to_owned(), times: 25, subscribers: 25, is_final: false }];
    });
    let reported = plain(&findings_of(&(manifest, records)).answers[0].headline);
    assert!(reported.contains("never get a stream and see the server refused the stream"), "{reported}");
}

/// A bandwidth that all trials share gives bars of ages and no matrix.
#[test]
fn bandwidths_are_compared_by_ages() {
    let (mut manifest, records) = obstacle_trials();
    let widths =
        [1_000_000, 64_000].map(|bytes| Network { bytes_per_second: Some(bytes), ..Network::default() });
    manifest.scenarios[0].sweep.as_mut().unwrap().network = vec![Network::default(), widths[0], widths[1]];
    let mut left = Vec::new();
    for of_pattern in records.chunks(obstacles().len()) {
        for (index, network) in [Network::default(), widths[0], widths[1]].into_iter().enumerate() {
            // The baseline three times: its ages do not matter here.
            let mut record = of_pattern[0].clone();
            record.params.network = Some(network);
            record.order = (left.len() + index) as u32;
            left.push(record);
        }
    }
    let found = findings_of(&(manifest, left));
    let files = report::render(&found);
    assert!(files.iter().any(|file| file.path.ends_with("obstacles-over-age-mean-ms.svg")));
    let summary = content(&files, "summary.json").to_owned();
    assert!(!summary.contains("\"passage\": \"works\""), "no verdict where no obstacle is");
}

#[test]
fn the_matrix_says_what_is_seen_and_how_it_goes_on() {
    let findings = findings_of(&obstacle_trials());
    let files = report::render(&findings);
    write("obstacles", &files);
    let sentence = plain(&answer_text(&findings.answers[0]));
    for words in [
        "WebSocket fails where upgrades are refused. ",
        "Every pattern fails in a black hole.",
        "SSE and WebSocket come late behind a buffer and on a narrow link.",
        "Long polling, SSE and WebSocket work best behind an idle timeout and when connections are cut.",
        "Long polling works best behind a buffer and on a narrow link.",
        "Long polling and SSE work best where upgrades are refused.",
        "Short polling works best at a connection limit.",
        "Of 7 obstacles short polling works behind 5, and behind 1 late, with losses or with new connections.",
        "Short polling fails behind: black hole after 5 s.",
    ] {
        assert!(sentence.contains(words), "{words}: {sentence}");
    }
    // Without the obstacles at which every pattern fails, three of them never fail.
    let (manifest, mut records) = obstacle_trials();
    records.retain(|record| {
        let network = record.params.network.expect("all have one");
        network.connections.is_none() && network.black_hole_after.is_none()
    });
    let headline = findings_of(&(manifest, records)).answers.remove(0).headline;
    let words =
        "WebSocket fails where upgrades are refused. Short polling, long polling and SSE never fail. ";
    assert!(headline.starts_with(words), "{headline}");
    let page = plain(content(&files, "report.html"));
    for words in [
        "<strong><span aria-hidden=\"true\">✓</span> works</strong>",
        "<strong><span aria-hidden=\"true\">!</span> late 0.5 s</strong>",
        "<strong><span aria-hidden=\"true\">!</span> opens 240</strong>",
        "<strong><span aria-hidden=\"true\">✗</span> fails</strong>",
        "12 requests failed; errors: 403 instead of 101 (50 times, then gave up)",
        "works, but late by 546 ms",
        "fails: loses 1,500 of 1,500",
        "240 reconnects, back after 3.00 s",
        "50 subscribers never connected",
        "best here",
        "50 subscribers, 2 events/s, poll every 1 s, hold ",
        "heartbeat every 15 s. Age at p99 without an obstacle: short polling 990 ms, long polling 2.66 ms",
        "passes on what it holds at 4 KiB, or once the server has sent nothing for 500 ms",
        "(baseline ",
        "A tenth or more",
    ] {
        let found = page.contains(words) || page.to_lowercase().contains(&words.to_lowercase());
        assert!(found, "{words}");
    }
    let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    let passages: Vec<&str> = json["points"]
        .as_array()
        .expect("points")
        .iter()
        .filter_map(|point| point["connections"]["passage"].as_str())
        .collect();
    assert_eq!(passages.len(), 32);
    assert!(["works", "degraded", "fails"].iter().all(|word| passages.contains(word)));
    let csv = content(&files, "summary.csv");
    assert!(csv.contains(",\"upgrades refused\",") || csv.contains(",upgrades refused,"), "{csv}");
    assert!(page.contains("up: delivered / discarded / held / unread"));
    assert!(page.contains("unexplained bytes, at most 1.00 %"));
    insta::assert_snapshot!(report::terminal_table(&findings, 80));
}

/// The sentences count the rows of the matrix, including those of a low bandwidth.
#[test]
fn sentences_and_matrix_count_the_same_obstacles() {
    let findings = findings_of(&obstacle_trials());
    let page = plain(content(&report::render(&findings), "report.md"));
    let rows: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|line| !line.starts_with("| [obstacle]"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("| no obstacle"))
        .map(|line| line.split('|').skip(2).collect())
        .collect();
    assert_eq!(rows.len(), 7);
    let answer = &findings.answers[0];
    for (column, pattern) in Pattern::ALL.into_iter().enumerate() {
        let cells = |word: &str| rows.iter().filter(|row| row[column].contains(word)).count();
        let (works, degraded, label) = (cells("✓"), cells("!"), pattern.label());
        let said = format!(
            "Of 7 obstacles {label} works behind {works}, and behind {degraded} late, with losses or with new connections."
        );
        assert!(answer.conditions.contains(&said), "{said}: {:?}", answer.conditions);
        assert!(cells("✗") > 0 && works + degraded + cells("✗") == 7);
    }
}

/// A subscriber that never had a connection makes further attempts, not reconnects.
#[test]
fn attempts_of_those_that_never_connected_are_no_reconnects() {
    let cell = |change_it: &dyn Fn(&mut Measurements)| {
        let (manifest, mut records) = obstacle_trials();
        let refused = records.iter_mut().find(|record| {
            record.pattern == Pattern::WebSocket
                && record.params.network.is_some_and(|network| network.refuse_upgrade)
        });
        change(refused.unwrap(), |measured| change_it(measured));
        let files = report::render(&findings_of(&(manifest, records)));
        detail(content(&files, "report.md"), "◆ WebSocket, upgrades refused").remove(5)
    };
    let none = cell(&|_| {});
    assert_eq!(none, "48 further attempts; 50 subscribers never connected");
    let once = cell(&|measured| measured.requests.reconnects = 1);
    assert!(once.starts_with("1 further attempt;"), "{once}");
    let some = cell(&|measured| {
        let mut recovery = TimeHistogram::default();
        recovery.record_ns(2_000_000_000);
        (measured.never_connected, measured.recovery) = (8, recovery.distribution());
    });
    assert!(some.starts_with("48 further attempts or reconnects, back after 2.00 s at p50"), "{some}");
    let all = cell(&|measured| measured.never_connected = 0);
    assert_eq!(all, "48 reconnects");
}

/// The cells of a row of the details.
fn detail(page: &str, row: &str) -> Vec<String> {
    let page = plain(page);
    let mut lines = page.lines().skip_while(|line| !line.contains("Behind each obstacle, in detail"));
    let row = lines.find(|line| line.starts_with(&format!("| {row} |"))).expect("a row");
    row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// Requests and the errors that explain them add up; errors that are no failed requests are listed apart.
#[test]
fn failed_requests_and_errors_add_up() {
    let failed = |requests: u64, errors: &[(&str, u64)]| {
        let (manifest, mut records) = obstacle_trials();
        let is_cut = |record: &&mut TrialRecord| {
            record.pattern == Pattern::Sse
                && record.params.network.is_some_and(|network| network.cut_after.is_some())
        };
        change(records.iter_mut().find(is_cut).unwrap(), |measured| {
            measured.requests.failed = requests;
            let error = |(what, times): &(&str, u64)| ErrorCount {
                what: (*what).to_owned(),
                times: *times,
                subscribers: 1,
                is_final: false,
            };
            measured.error_counts = errors.iter().map(error).collect();
        });
        let files = report::render(&findings_of(&(manifest, records)));
        detail(content(&files, "report.md"), "● SSE, cut after 3 s").remove(4)
    };
    assert_eq!(
        failed(184, &[("it was reset", 170), ("it was closed", 14)]),
        "184 requests failed: it was reset (170 times) and it was closed (14 times)"
    );
    assert_eq!(failed(2, &[("it was reset", 1)]), "2 requests failed; errors: it was reset (1 time)");
    assert_eq!(failed(0, &[("it was reset", 1)]), "it was reset (1 time)");
    assert_eq!(failed(1, &[]), "1 request failed");
    assert_eq!(failed(0, &[]), "none");
}

/// The terminal of eighty columns has room for the matrix.
#[test]
fn the_matrix_fits_eighty_columns() {
    let table = report::terminal_table(&findings_of(&obstacle_trials()), 80);
    let mut lines = table.lines().skip_while(|line| !line.starts_with("obstacle  "));
    let matrix: Vec<&str> = lines.by_ref().take_while(|line| !line.trim().is_empty()).collect();
    assert!(matrix.iter().any(|line| line.starts_with("black hole")), "{matrix:#?}");
    for line in matrix {
        assert!(line.trim_end().chars().count() <= 80, "{line}");
    }
}

/// A recovery is mostly the client's own pause: each time names that pause.
#[test]
fn a_recovery_says_whose_pause_it_is() {
    let files = report::render(&findings_of(&obstacle_trials()));
    let page = content(&files, "report.md");
    for (row, pause) in [
        ("▲ short polling every 1 s", "back after 40.0 ms at p50 (its interval)"),
        ("■ long polling", "back after 40.0 ms at p50 (its back-off and the wait for the next event)"),
        ("● SSE", "back after 3.00 s at p50 (the server’s retry field)"),
        ("◆ WebSocket", "back after 40.0 ms at p50 (its page’s back-off)"),
    ] {
        let cell = detail(page, &format!("{row}, cut after 3 s")).remove(5);
        assert!(cell.contains(pause), "{pause}: {cell}");
    }
    assert!(page.contains("RFC 6455 §7.2.3"), "the explanation");
}

/// The reason mentions losses as findings only if something was lost.
#[test]
fn only_what_was_lost_is_called_a_finding() {
    let (manifest, records) = obstacle_trials();
    let reason = findings_of(&(manifest.clone(), records.clone())).verdict_reason;
    assert!(reason.contains(". Losses behind an obstacle are findings, and all bytes"), "{reason}");
    let kept: Vec<TrialRecord> = records
        .into_iter()
        .filter(|record| record.params.network.is_some_and(|network| network.cut_after.is_some()))
        .collect();
    let planned = Manifest { trials_planned: kept.len() as u32, ..manifest };
    let reason = findings_of(&(planned, kept)).verdict_reason;
    assert!(!reason.contains("finding"), "{reason}");
    assert!(reason.contains("Nothing was lost behind obstacles, nothing came twice"), "{reason}");
}

#[test]
fn points_stand_in_the_order_of_the_scenario() {
    let (mut manifest, records) = obstacle_trials();
    let sweep = manifest.scenarios[0].sweep.as_mut().expect("a sweep");
    sweep.network.reverse();
    let listed = sweep.network.clone();
    let findings = findings_of(&(manifest, records));
    let own: Vec<Network> =
        findings.scenarios[0].points.iter().take(8).filter_map(|point| point.params.network).collect();
    assert_eq!(own, listed);
}

#[test]
fn a_degraded_age_is_twice_and_a_tenth_of_a_second_more() {
    let (manifest, mut records) = obstacle_trials();
    let place = records
        .iter()
        .position(|record| {
            record.pattern == Pattern::Sse
                && record.params.network.is_some_and(|network| network.buffer.is_some())
        })
        .expect("buffering");
    let passage = |records: &[TrialRecord]| {
        let found = findings_of(&(manifest.clone(), records.to_vec()));
        let files = report::render(&found);
        let json: serde_json::Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
        let points = json["points"].as_array().expect("points").clone();
        let point = points
            .into_iter()
            .find(|point| point["pattern"] == "sse" && !point["params"]["network"]["buffer"].is_null());
        point.expect("the point")["connections"]["passage"].as_str().map(str::to_owned)
    };
    assert_eq!(passage(&records).as_deref(), Some("degraded"));
    let old = records[place - 2].measurements().expect("the baseline").age.clone();
    change(&mut records[place], |measured| measured.age = old);
    assert_eq!(passage(&records).as_deref(), Some("works"));
}

#[test]
fn the_cheapest_heartbeat_that_survives_is_named() {
    let findings = findings_of(&heartbeat_trials());
    assert_eq!(findings.verdict, Verdict::Passed, "{}", findings.verdict_reason);
    let answer = &findings.answers[0];
    let sentence = plain(&answer_text(answer));
    for words in [
        "Behind a 2 s idle timeout, send a heartbeat when idle for 1 s: no stream is cut. Cut streams cost at least 1.",
        "SSE, heartbeat off: cut 240 times and resumed with nothing lost, ",
        "The cheapest of SSE that is never cut is heartbeat when idle for 1 s, with ",
        "SSE is also never cut with: heartbeat every 1 s ",
    ] {
        assert!(sentence.contains(words), "{words}: {sentence}");
    }
    assert!(
        answer.conditions.iter().any(|text| text.starts_with("Long polling has no heartbeat: never cut"))
    );
    let files = report::render(&findings);
    write("heartbeats", &files);
    assert!(content(&files, "report.html").contains("never cut, fewest bytes"));
    insta::assert_snapshot!(report::terminal_table(&findings, 80));
}

#[test]
fn transports_are_compared_with_their_drivers_beside() {
    let findings = findings_of(&transport_trials());
    let files = report::render(&findings);
    write("transports", &files);
    let page = plain(content(&files, "report.html"));
    for words in [
        "the shared writer (one task for all waiting sockets, plain HTTP/1.1)",
        "a task per connection (hyper, HTTP/1.1 in TLS)",
        "a task per connection and stream (hyper, HTTP/2 in TLS)",
        "Cost of a connection set-up",
        "SSE, HTTP/1.1 in TLS",
        "id=\"g-tls\"",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let csv = content(&files, "summary.csv");
    assert!(csv.contains(",http1-tls,valid,") && csv.contains(",http2,valid,25,100,15s,"), "{csv}");
    assert!(content(&files, "figures/transports-bytes.svg").contains("HTTP/2"));
    insta::assert_snapshot!(content(&files, "report.md"));
}

#[test]
fn nothing_is_said_of_a_middlebox_where_there_was_none() {
    let (manifest, records) = ten_trials();
    let files = report::render(&findings_of(&(manifest, records)));
    let page = content(&files, "report.html");
    let words = ["middlebox", "HTTP/2", "Cost of a connection set-up"];
    assert!(words.iter().all(|word| !page.contains(word)));
    assert!(!crate::written::terminal(&findings_of(&ten_trials())).contains("Delivery paths"));
}

#[test]
fn a_bandwidth_is_no_obstacle_and_a_road_has_its_words() {
    let (mut manifest, mut records) = obstacle_trials();
    let slow = Network { bytes_per_second: Some(64_000), rtt: Period::from_millis(20), ..Network::default() };
    let sweep = manifest.scenarios[0].sweep.as_mut().expect("a sweep");
    sweep.network[1] = slow;
    for record in records
        .iter_mut()
        .filter(|record| record.params.network.is_some_and(|network| network.idle_timeout.is_some()))
    {
        record.params.network = Some(slow);
        record.params.rtt_ms = Some(20.0);
    }
    let page = plain(content(&report::render(&findings_of(&(manifest, records))), "report.html"));
    assert!(page.contains("round trip 20 ms, 64 KB/s"));
}
