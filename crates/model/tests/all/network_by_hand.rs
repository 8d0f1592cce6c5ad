//! Small networks that can be computed by hand, and those without a prediction.

use contract::{
    Arrivals, BrowserAudience, BrowserTask, Buffering, Calibration, Heartbeat, Network, Pattern, Period,
    Transport,
};
use model::{
    Gaps, Prediction,
    bytes::{EventText, HEARTBEAT_EVERY_S},
    heartbeats, long_polling, predict, set_up, short_polling, sse, transports,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp};

use crate::trial::{Trial, assert_within};

const EXACT: f64 = 1e-9;

fn ms(milliseconds: u64) -> Period {
    Period::from_millis(milliseconds)
}

fn with_rtt(rtt_ms: u64) -> Network {
    Network { rtt: ms(rtt_ms), ..Network::default() }
}

/// Enough events for `predict`: two per second for 40 s.
fn steady() -> Trial {
    let due_ms: Vec<f64> = (0..80).map(|event| 250.0 + 500.0 * f64::from(event)).collect();
    let mut trial = Trial::new(&due_ms, 32, 0.0, 40_000.0);
    trial.arrivals = Arrivals::Steady { rate_hz: 2.0 };
    trial
}

fn both(pattern: Pattern, trial: &Trial) -> [Prediction; 2] {
    let predicted = predict(pattern, &trial.inputs());
    [predicted.closed_form, predicted.replayed].map(|form| form.expect("it has a prediction"))
}

fn refusal(pattern: Pattern, trial: &Trial) -> Option<String> {
    predict(pattern, &trial.inputs()).replayed.err().map(|reason| reason.0)
}

/// 50 ms each way. The answer of 0.5 s is received at 0.56 s, the next request sent at 0.58 s and there at
/// 0.635 s; its hold ends at 1.635 s. Received 1.695 s, sent 1.715 s, there 1.77 s: it is parked at 1.8 s.
/// Received 1.86 s, sent 1.88 s, there 1.935 s: the event of 1.81 s is received at 1.995 s. Sent 2.015 s.
#[test]
fn long_polling_is_deaf_for_a_round_trip_more() {
    let mut trial = Trial::new(&[500.0, 1_800.0, 1_810.0], 20, 1_000.0, 3_000.0);
    trial.params.subscribers = 1;
    trial.params.network = Some(with_rtt(100));
    trial.calibration = Calibration { transit_us: 10_000.0, ..Calibration::default() };
    let prediction = long_polling::replayed(&trial.inputs()).unwrap();
    assert_within(EXACT, "youngest", prediction.age.quantile_ms(0.0), 60.0);
    assert_within(EXACT, "oldest", prediction.age.quantile_ms(1.0), 185.0);
    assert_within(EXACT, "requests", prediction.requests_per_event, 3.0 / 2.0);
    assert_within(EXACT, "empty", prediction.empty_ratio, 1.0 / 3.0);
    assert_eq!(prediction.requests_per_subscriber, Some(6.0));

    // With a new connection for each request it arrives at 0.735 s, and after the hold not before 1.97 s.
    trial.params.keep_alive = Some(false);
    let prediction = long_polling::replayed(&trial.inputs()).unwrap();
    assert_within(EXACT, "youngest", prediction.age.quantile_ms(0.0), 220.0);
    assert_within(EXACT, "oldest", prediction.age.quantile_ms(1.0), 230.0);
}

/// Polls at 0.25 s, 1.25 s and so on. That of 1.25 s arrives at 1.305 s, so it brings the event of 1.3 s.
#[test]
fn short_polls_bring_what_is_published_before_they_arrive() {
    let mut trial = Trial::new(&[1_300.0, 1_310.0], 20, 1_000.0, 4_000.0);
    trial.params.subscribers = 1;
    trial.params.network = Some(with_rtt(100));
    trial.calibration = Calibration { transit_us: 10_000.0, ..Calibration::default() };
    let prediction = short_polling::replayed(&trial.inputs()).unwrap();
    assert_within(EXACT, "youngest", prediction.age.quantile_ms(0.0), 60.0);
    assert_within(EXACT, "oldest", prediction.age.quantile_ms(1.0), 1_050.0);

    // A new connection delays its first bytes by a round trip: that poll arrives at 1.405 s.
    trial.params.keep_alive = Some(false);
    let prediction = short_polling::replayed(&trial.inputs()).unwrap();
    assert_within(EXACT, "youngest", prediction.age.quantile_ms(0.0), 150.0);
    assert_within(EXACT, "oldest", prediction.age.quantile_ms(1.0), 160.0);
    // With a TLS handshake it arrives at 1.505 s, and its bytes are not predicted.
    trial.params.transport = Transport::Http1Tls;
    let prediction = short_polling::replayed(&trial.inputs()).unwrap();
    assert_within(EXACT, "youngest", prediction.age.quantile_ms(0.0), 250.0);
    assert!(prediction.bytes.unwrap_err().0.contains("TLS handshake"));
}

#[test]
fn events_on_a_narrow_link_wait_for_each_other() {
    let mut trial = Trial::new(&[500.0, 1_000.0, 1_001.0], 20, 0.0, 2_000.0);
    trial.params.network = Some(Network { bytes_per_second: Some(10_000), ..with_rtt(20) });
    let pass_ms = EventText::plain(20).sse("k3v9qa.1".len()) as f64 / 10.0;
    let prediction = sse::replayed(&trial.inputs()).unwrap();
    assert_within(EXACT, "youngest", prediction.age.quantile_ms(0.0), 10.0 + pass_ms);
    assert_within(EXACT, "oldest", prediction.age.quantile_ms(1.0), 10.0 + 2.0 * pass_ms - 1.0);

    // Closed form and replay at low load; and a load that is too high.
    let mut trial = steady();
    trial.params.hold_ms = Some(2_000.0);
    // No divisor of the events' period.
    trial.params.poll_interval_ms = Some(618.034);
    trial.params.subscribers = 50;
    // Equal gaps: each message passes before the next one comes, so none waits, even at a high load.
    for (bytes_per_second, patterns) in
        [(2_000, &Pattern::ALL[..]), (1_200, &Pattern::ALL[..]), (620, &[Pattern::Sse, Pattern::WebSocket])]
    {
        trial.params.network = Some(Network { bytes_per_second: Some(bytes_per_second), ..with_rtt(20) });
        for &pattern in patterns {
            let [closed, replayed] = both(pattern, &trial);
            let what = format!("mean of {pattern} at {bytes_per_second} B/s");
            assert_within(0.03, &what, replayed.age.mean_ms(), closed.age.mean_ms());
        }
    }
    // The largest answer of a short poll, two events, takes longer than the interval.
    trial.params.network = Some(Network { bytes_per_second: Some(560), ..with_rtt(20) });
    let too_full = short_polling::closed_form(&trial.inputs()).unwrap_err().to_string();
    assert!(too_full.contains("% of a connection's bandwidth"), "{too_full}");
    trial.params.network = Some(Network { bytes_per_second: Some(120), ..Network::default() });
    assert!(refusal(Pattern::Sse, &trial).unwrap().contains("% of a connection's bandwidth"));
    trial.params.transport = Transport::Http2;
    assert!(refusal(Pattern::ShortPolling, &trial).unwrap().contains("header compression"));
}

#[test]
fn poisson_events_on_a_narrow_link_wait_as_in_m_d_1() {
    let mut random = ChaCha8Rng::seed_from_u64(31);
    let gaps = Exp::new(10.0).unwrap();
    let mut now_ms = 0.0;
    let due_ms: Vec<f64> = (0..40_000)
        .map(|_| {
            now_ms += 1e3 * gaps.sample(&mut random);
            now_ms
        })
        .collect();
    let mut trial = Trial::new(&due_ms, 100, 0.0, now_ms + 1.0);
    trial.arrivals = Arrivals::Poisson { rate_hz: 10.0 };
    trial.params.subscribers = 1;
    // About 130 bytes, and so a load of some 0.4.
    trial.params.network = Some(Network { bytes_per_second: Some(3_200), ..Network::default() });
    let [closed, replayed] = both(Pattern::WebSocket, &trial);
    assert_within(0.02, "mean", replayed.age.mean_ms(), closed.age.mean_ms());
}

#[test]
fn a_transport_adds_what_it_puts_around_each_write() {
    let mut trial = steady();
    let framing = |trial: &Trial, pattern| both(pattern, trial).map(|of| of.bytes.unwrap().framing);
    let text = EventText::plain(32);
    let beats = 0.5 / 15.0;
    for (pattern, chunk, beat_records) in [
        // A chunk of 55 or 56 bytes: two digits and two CRLF.
        (Pattern::Sse, 6.0, 1.0),
        (Pattern::WebSocket, 0.0, 2.0),
    ] {
        trial.params.transport = Transport::Http1;
        let clear = framing(&trial, pattern);
        trial.params.transport = Transport::Http1Tls;
        let sealed = framing(&trial, pattern);
        trial.params.transport = Transport::Http2;
        let framed = framing(&trial, pattern);
        for form in 0..2 {
            let more = 22.0 * (1.0 + beats * beat_records);
            assert_within(1e-6, "TLS", sealed[form] - clear[form], more);
            // The heartbeat's chunk has one digit.
            let chunks = if chunk > 0.0 { chunk + 5.0 * beats } else { 0.0 };
            let frames = 9.0 * (1.0 + beats * beat_records);
            assert_within(1e-6, "HTTP/2", framed[form] - clear[form], more + frames - chunks);
        }
    }
    assert_eq!(
        transports::written(Transport::Http1Tls, text.websocket(9), text.websocket(9)),
        text.websocket(9) + 22
    );

    for pattern in [Pattern::ShortPolling, Pattern::LongPolling] {
        trial.params.transport = Transport::Http1;
        let clear = both(pattern, &trial);
        trial.params.transport = Transport::Http1Tls;
        let sealed = both(pattern, &trial);
        trial.params.transport = Transport::Http2;
        let compressed = both(pattern, &trial);
        for form in 0..2 {
            let [before, after] = [&clear, &sealed].map(|of| of[form].bytes.as_ref().unwrap().total());
            assert_within(0.02, "TLS", after - before, 44.0 * clear[form].requests_per_event);
            assert!(compressed[form].bytes.as_ref().unwrap_err().0.contains("header compression"));
            assert_eq!(compressed[form].age, clear[form].age);
            assert_eq!(compressed[form].requests_per_event, clear[form].requests_per_event);
        }
    }
    // 32 subscribers share a connection.
    trial.params.subscribers = 100;
    trial.params.streams_per_connection = Some(32);
    let [_, shared] = both(Pattern::Sse, &trial);
    assert_eq!(shared.sockets_held, 4.0);
    assert!(shared.bytes.unwrap_err().0.contains("share a TLS record"));
}

#[test]
fn set_up_costs_round_trips() {
    let round_trips = |transport| Pattern::ALL.map(|pattern| set_up::round_trips(pattern, transport));
    assert_eq!(round_trips(Transport::Http1), [2.0; 4]);
    assert_eq!(round_trips(Transport::Http1Tls), [3.0; 4]);
    assert_eq!(round_trips(Transport::Http2), [3.0, 3.0, 3.0, 4.0]);

    let mut trial = steady();
    let connect_ms = |trial: &Trial| both(Pattern::WebSocket, trial).map(|of| of.connect_ms);
    assert_eq!(connect_ms(&trial), [None; 2]);
    trial.params.network = Some(with_rtt(100));
    assert_eq!(connect_ms(&trial), [Some(200.0); 2]);
    trial.params.transport = Transport::Http2;
    assert_eq!(connect_ms(&trial), [Some(400.0); 2]);
    trial.params.streams_per_connection = Some(10);
    assert_eq!(connect_ms(&trial), [None; 2]);
}

#[test]
fn heartbeats_by_the_clock_and_when_idle() {
    let poisson = Gaps::Poisson { rate_hz: 0.05 };
    let per_second = |heartbeat| heartbeats::per_event(poisson, heartbeat) * 0.05;
    assert_eq!(per_second(Heartbeat::Off), 0.0);
    assert_within(EXACT, "usual", per_second(Heartbeat::default()), 1.0 / HEARTBEAT_EVERY_S);
    assert_within(1e-3, "every 15 s", per_second(Heartbeat::Every(ms(15_000))), 0.0667);
    assert_within(1e-2, "when idle", per_second(Heartbeat::WhenIdle(ms(15_000))), 0.045);
    let steady =
        |idle_ms| heartbeats::per_event(Gaps::Steady { period_s: 1.0 }, Heartbeat::WhenIdle(ms(idle_ms)));
    assert_eq!([steady(300), steady(600), steady(1_000), steady(1_500)], [3.0, 1.0, 0.0, 0.0]);

    let mut random = ChaCha8Rng::seed_from_u64(37);
    let gaps = Exp::new(0.5).unwrap();
    let mut now_ms = 0.0;
    let due_ms: Vec<f64> = (0..20_000)
        .map(|_| {
            now_ms += 1e3 * gaps.sample(&mut random);
            now_ms
        })
        .collect();
    let mut trial = Trial::new(&due_ms, 32, 1_000.0, now_ms + 1.0);
    trial.arrivals = Arrivals::Poisson { rate_hz: 0.5 };
    for (heartbeat, beats) in [
        (Heartbeat::Off, 0.0),
        (Heartbeat::Every(ms(500)), 4.0),
        (Heartbeat::WhenIdle(ms(500)), 1.0 / 0.25_f64.exp_m1()),
        (Heartbeat::WhenIdle(ms(4_000)), 1.0 / 2.0_f64.exp_m1()),
    ] {
        trial.params.heartbeat = Some(heartbeat);
        for (pattern, bytes) in [(Pattern::Sse, 8.0), (Pattern::WebSocket, 2.0 + 6.0)] {
            trial.params.heartbeat = Some(Heartbeat::Off);
            let without = both(pattern, &trial);
            trial.params.heartbeat = Some(heartbeat);
            let with = both(pattern, &trial);
            for form in 0..2 {
                let [without, with] = [&without, &with].map(|of| of[form].bytes.as_ref().unwrap().total());
                assert_within(
                    0.02,
                    &format!("{pattern}, {heartbeat}"),
                    1.0 + with - without,
                    1.0 + beats * bytes,
                );
            }
        }
    }
}

/// Events at 1 s and 1.9 s, a heartbeat 400 ms after either, in a window from 0 to 3 s.
#[test]
fn idle_heartbeats_follow_the_due_list() {
    let mut trial = Trial::new(&[1_000.0, 1_900.0], 20, 0.0, 3_000.0);
    let total = |trial: &Trial| sse::replayed(&trial.inputs()).unwrap().bytes.unwrap().total() * 2.0;
    trial.params.heartbeat = Some(Heartbeat::Off);
    let without = total(&trial);
    trial.params.heartbeat = Some(Heartbeat::WhenIdle(ms(400)));
    // At 0.4 s and 0.8 s; 1.4 s and 1.8 s; 2.3 s and 2.7 s.
    assert_within(EXACT, "heartbeats", total(&trial) - without, 6.0 * 8.0);
}

#[test]
fn obstacles_have_no_prediction_but_a_timeout_that_nothing_reaches() {
    let mut trial = steady();
    let clear = Network::default();
    for network in [
        Network { cut_after: Some(ms(10_000)), ..clear },
        Network { cut_after_bytes: Some(10_000), ..clear },
        Network { connections: Some(6), ..clear },
        Network { black_hole_after: Some(ms(10_000)), ..clear },
        Network { buffer: Some(Buffering { bytes: 4_096, pause: ms(500) }), ..clear },
        Network { idle_timeout: Some(ms(60_000)), connections: Some(6), ..clear },
    ] {
        trial.params.network = Some(network);
        for pattern in Pattern::ALL {
            assert!(refusal(pattern, &trial).unwrap().contains("on purpose"), "{pattern}, {network:?}");
        }
    }

    // Only WebSocket sends an Upgrade, and with TLS no middlebox sees it.
    trial.params.network = Some(Network { refuse_upgrade: true, ..clear });
    assert!(refusal(Pattern::WebSocket, &trial).unwrap().contains("on purpose"));
    assert_eq!(refusal(Pattern::Sse, &trial), None);
    trial.params.transport = Transport::Http1Tls;
    assert_eq!(refusal(Pattern::WebSocket, &trial), None);
    trial.params.transport = Transport::Http1;

    // Events are 500 ms apart; polls a second, holds a second.
    let idle = |timeout_ms| Some(Network { idle_timeout: Some(ms(timeout_ms)), ..clear });
    trial.params.network = idle(600);
    trial.params.heartbeat = Some(Heartbeat::Off);
    assert_eq!(refusal(Pattern::Sse, &trial), None);
    assert_eq!(refusal(Pattern::LongPolling, &trial), None);
    assert!(refusal(Pattern::ShortPolling, &trial).unwrap().contains("idle for up to 1.000 s"));
    trial.params.network = idle(400);
    assert!(refusal(Pattern::Sse, &trial).unwrap().contains("idle for up to 0.500 s"));
    for heartbeat in [Heartbeat::Every(ms(300)), Heartbeat::WhenIdle(ms(300))] {
        trial.params.heartbeat = Some(heartbeat);
        assert_eq!(refusal(Pattern::WebSocket, &trial), None);
    }
    let [as_if_clear, _] = both(Pattern::Sse, &trial);
    trial.params.network = None;
    assert_eq!(both(Pattern::Sse, &trial)[0], as_if_clear);
}

#[test]
fn who_has_no_stream_has_no_prediction() {
    let mut trial = steady();
    let subscribers = trial.params.subscribers;
    trial.params.transport = Transport::Http2;
    trial.params.streams_per_connection = Some(subscribers + 5);
    trial.params.max_streams = Some(subscribers);
    assert_eq!(refusal(Pattern::Sse, &trial), None);
    trial.params.max_streams = Some(subscribers - 1);
    assert!(refusal(Pattern::Sse, &trial).unwrap().contains("without a stream"));
}

/// Two round trips of 200 ms on a new connection; two texts of 32 bytes at 160 bytes a second take 400 ms more.
#[test]
fn polls_that_are_given_up_before_their_answer_comes_have_no_prediction() {
    let mut trial = steady();
    trial.params.rate_hz = 2.0;
    for (timeout_ms, bytes_per_second, patterns) in [
        (401.0, None, &[][..]),
        (400.0, None, &[Pattern::ShortPolling, Pattern::LongPolling]),
        (800.0, Some(160), &[Pattern::ShortPolling]),
        (600.0, Some(160), &[Pattern::ShortPolling, Pattern::LongPolling]),
    ] {
        trial.params.network = Some(Network { bytes_per_second, ..with_rtt(200) });
        trial.params.request_timeout_ms = Some(timeout_ms);
        for pattern in Pattern::ALL {
            let is_given_up =
                refusal(pattern, &trial).is_some_and(|reason| reason.contains("given up after"));
            assert_eq!(is_given_up, patterns.contains(&pattern), "{pattern}, {timeout_ms} ms");
        }
    }
}

#[test]
fn a_browser_is_one_subscriber_with_heads_of_its_own() {
    let mut trial = steady();
    trial.calibration.pace_us = 1_000.0;
    trial.params.browser = Some(BrowserAudience { task: BrowserTask::Ages, streams: 8 });
    for of in both(Pattern::Sse, &trial) {
        assert_eq!(of.age.quantile_ms(1.0), 0.0);
        assert!(of.bytes.unwrap_err().0.contains("a browser's requests"));
        assert_eq!(of.connect_ms, None);
    }
    // The poll phase of a page is not known: ages are uniform over the whole interval, independent of the phase
    // of the lab's own subscriber.
    let of_phase = |trial: &mut Trial, phase: f64| {
        trial.poll_phase = phase;
        let [_, replayed] = both(Pattern::ShortPolling, trial);
        assert_eq!(replayed.sockets_held, 1.0);
        replayed.age.quantile_ms(0.5)
    };
    let interval_ms = trial.params.poll_interval_ms.unwrap();
    let medians = [0.0, 0.4, 0.8].map(|phase| of_phase(&mut trial, phase));
    for median_ms in medians {
        assert!((median_ms / interval_ms - 0.5).abs() < 0.03, "{medians:?}");
    }
    trial.params.browser = Some(BrowserAudience { task: BrowserTask::SixConnections, streams: 8 });
    assert!(refusal(Pattern::Sse, &trial).unwrap().contains("a browser's page"));
}
