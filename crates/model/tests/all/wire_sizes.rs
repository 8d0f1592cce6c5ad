//! The sizes in `bytes` against whole transcripts, and what follows for the patterns.

use contract::{Arrivals, Client};
use model::{
    bytes::{self, EventText, PollSizes},
    long_polling, short_polling, sse, websocket,
};

use crate::trial::{Trial, assert_within};

/// Bytes of the cursor that all examples use, `k3v9qa.17`.
const CURSOR: usize = 9;

#[test]
fn short_poll_sizes_are_those_of_the_transcripts() {
    let request = "GET /short-polling?after=k3v9qa.17 HTTP/1.1\r\nhost: 127.0.0.1:40000\r\nif-none-match: \"k3v9qa.17\"\r\n\r\n";
    let with_reqwest = request.replace("\r\n\r\n", "\r\naccept: */*\r\n\r\n");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-cache\r\netag: \"k3v9qa.17\"\r\ncontent-length: 1234\r\ndate: Sat, 21 Nov 2026 05:21:16 GMT\r\n\r\n";
    let empty = "HTTP/1.1 304 Not Modified\r\ncache-control: no-cache\r\netag: \"k3v9qa.17\"\r\ndate: Sat, 21 Nov 2026 05:21:16 GMT\r\n\r\n";
    let sizes = PollSizes::short_polling(Client::Lean);
    assert_eq!(sizes.request(CURSOR), request.len());
    assert_eq!(sizes.answer_head(CURSOR, 1_234), head.len());
    assert_eq!(sizes.empty_answer(CURSOR), empty.len());
    let sizes = PollSizes::short_polling(Client::Reqwest);
    assert_eq!(sizes.request(CURSOR), with_reqwest.len());
}

#[test]
fn long_poll_sizes_are_those_of_the_transcripts() {
    let request = "GET /long-polling?after=k3v9qa.17&hold=1.5 HTTP/1.1\r\nhost: 127.0.0.1:40000\r\n\r\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\ncontent-length: 99\r\ndate: Sat, 21 Nov 2026 05:21:16 GMT\r\n\r\n";
    let empty =
        "HTTP/1.1 204 No Content\r\ncache-control: no-store\r\ndate: Sat, 21 Nov 2026 05:21:16 GMT\r\n\r\n";
    let sizes = PollSizes::long_polling(Client::Lean, 1.5);
    assert_eq!(sizes.request(CURSOR), request.len());
    assert_eq!(sizes.answer_head(CURSOR, 99), head.len());
    assert_eq!(sizes.empty_answer(CURSOR), empty.len());
    let sizes = PollSizes::long_polling(Client::Lean, 25.0);
    assert_eq!(sizes.request(CURSOR), request.len() - 1);
    let through_milliseconds_s = 1.005 * 1e3 / 1e3;
    let sizes = PollSizes::long_polling(Client::Lean, through_milliseconds_s);
    assert_eq!(sizes.request(CURSOR), request.len() + 2);
}

#[test]
fn a_fresh_connection_costs_a_line_in_request_and_answer() {
    let close = "connection: close\r\n".len();
    for kept in [PollSizes::short_polling(Client::Lean), PollSizes::long_polling(Client::Lean, 1.5)] {
        let fresh = kept.with_fresh_connections();
        assert_eq!(fresh.request(CURSOR), kept.request(CURSOR) + close);
        assert_eq!(fresh.answer_head(CURSOR, 99), kept.answer_head(CURSOR, 99) + close);
        assert_eq!(fresh.empty_answer(CURSOR), kept.empty_answer(CURSOR) + close);
        assert_eq!(fresh.empty_body(CURSOR), kept.empty_body(CURSOR));
    }
}

/// All subscribers poll once a second, or are held except for a turnaround of 100 ms.
#[test]
fn fresh_connections_are_open_while_an_exchange_is_under_way() {
    let due_ms: Vec<f64> = (0..400).map(|event| f64::from(event) * 1e3).collect();
    let mut trial = Trial::new(&due_ms, 32, 0.0, 400e3);
    trial.arrivals = Arrivals::Poisson { rate_hz: 1.0 };
    trial.params.hold_ms = Some(25_000.0);
    trial.params.turnaround_ms = Some(100.0);
    trial.calibration.transit_us = 2_000.0;
    let everybody = f64::from(trial.params.subscribers);
    let kept = short_polling::closed_form(&trial.inputs()).unwrap();
    trial.params.keep_alive = Some(false);
    let inputs = trial.inputs();
    let interval_s = trial.params.poll_interval_ms.unwrap() / 1e3;
    for short in [short_polling::closed_form(&inputs), short_polling::replayed(&inputs)] {
        let short = short.unwrap();
        assert_within(1e-9, "short polling", short.sockets_held, everybody * 0.002 / interval_s);
        assert!(short.bytes.as_ref().unwrap().total() > kept.bytes.as_ref().unwrap().total());
    }
    for long in [long_polling::closed_form(&inputs), long_polling::replayed(&inputs)] {
        let long = long.unwrap();
        let per_second = long.requests_per_event;
        assert_within(0.01, "long polling", long.sockets_held, everybody * (1.0 - 0.1 * per_second));
    }
}

#[test]
fn an_event_costs_what_its_framing_says() {
    let object = r#"{"id":"k3v9qa.17","type":"trade","data":"one\ntwo"}"#;
    let block = "id: k3v9qa.17\nevent: trade\ndata: one\ndata: two\n\n";
    let text = EventText { data: "one\ntwo".len(), type_name: "trade".len(), escape: 1, lines: 2 };
    assert_eq!(text.json(CURSOR), object.len());
    assert_eq!(text.websocket(CURSOR), 2 + object.len());
    assert_eq!(text.sse(CURSOR), bytes::chunk(block.len()));

    let body = r#"{"cursor":"k3v9qa.17","resume":"live","events":[],"more":false}"#;
    assert_eq!(PollSizes::short_polling(Client::Lean).empty_body(CURSOR), body.len());
    assert_eq!(bytes::cursor(0), "k3v9qa.0".len());
    assert_eq!(bytes::cursor(9_999), "k3v9qa.9999".len());
    assert_eq!(bytes::SSE_HEARTBEAT, "3\r\n:\n\n\r\n".len());
}

#[test]
fn lengths_of_chunks_and_frames_grow_at_their_limits() {
    for (content, size) in [(15, 20), (16, 22), (255, 261), (256, 263), (4_095, 4_102), (4_096, 4_104)] {
        assert_eq!(bytes::chunk(content), size);
    }
    // 19 bytes of JSON and 9 of cursor around the text.
    for (data, header) in [(97, 2), (98, 4), (65_507, 4), (65_508, 10)] {
        assert_eq!(EventText::plain(data).websocket(CURSOR), header + 28 + data);
    }
}

/// With small payloads the envelope decides, not the pattern.
#[test]
fn with_32_bytes_of_text_sse_costs_61_and_websocket_63() {
    let text = EventText::plain(32);
    assert_eq!(text.sse("k3v9qa.123".len()), 61);
    assert_eq!(text.websocket("k3v9qa.123".len()), 63);
}

/// Events per poll from which short polling costs fewer bytes per event than a stream that costs
/// `stream` bytes per event; none if no batch is large enough.
fn crossover(text: EventText, stream: usize) -> Option<f64> {
    let sizes = PollSizes::short_polling(Client::Lean);
    let in_batch = text.json(CURSOR) + 1;
    // The content length of such batches has about six digits; one more or less does not matter.
    let exchange = sizes.request(CURSOR) + sizes.answer_head(CURSOR, 100_000) + sizes.empty_body(CURSOR) - 1;
    let saved = stream.checked_sub(in_batch).filter(|&saved| saved > 0)?;
    Some(exchange as f64 / saved as f64)
}

/// With 7 bytes per event in the JSON array, the crossover would lie near 40 events per poll. Our
/// objects carry an id: 20 bytes and the cursor, comma included, against 19 and the
/// cursor in SSE, its chunk included. So for short texts there is none at all.
#[test]
fn short_polling_beats_sse_never_with_short_texts_and_from_8_events_per_poll_with_ten_lines() {
    for data in [16, 32, 100, 200, 1_000, 4_000] {
        let text = EventText::plain(data);
        assert_eq!(crossover(text, text.sse(CURSOR)), None, "{data} bytes");
    }
    // From 4 KiB on the chunk's length has four digits, one more than what the array costs.
    let page = EventText::plain(5_000);
    assert_within(0.001, "5,000 bytes", crossover(page, page.sse(CURSOR)).unwrap(), 316.0);
    // A line of text costs SSE `data: ` and JSON a backslash.
    let ten_lines = EventText { lines: 10, escape: 9, ..EventText::plain(200) };
    assert_within(0.02, "ten lines", crossover(ten_lines, ten_lines.sse(CURSOR)).unwrap(), 7.02);
}

/// A frame's header costs 2 or 4 bytes, the comma in the array 1.
#[test]
fn short_polling_beats_websocket_from_106_events_per_poll_with_100_bytes() {
    let text = EventText::plain(100);
    assert_within(0.01, "100 bytes", crossover(text, text.websocket(CURSOR)).unwrap(), 105.3);
    let short = EventText::plain(32);
    assert_within(0.01, "32 bytes", crossover(short, short.websocket(CURSOR)).unwrap(), 316.0);
}

/// The table in the documentation of `bytes`.
#[test]
fn bytes_per_event_at_three_rates() {
    for (rate_hz, table) in [
        (0.1, [2273.0, 567.0, 352.0, 66.0, 68.0]),
        (1.0, [340.0, 125.0, 336.0, 62.0, 64.0]),
        (10.0, [94.0, 68.0, 263.0, 61.0, 63.0]),
    ] {
        // The middle of 400 events has a cursor of ten bytes.
        let due_ms: Vec<f64> = (0..400).map(|event| f64::from(event) * 1e3 / rate_hz).collect();
        let mut trial = Trial::new(&due_ms, 32, 0.0, 400e3 / rate_hz);
        trial.arrivals = Arrivals::Poisson { rate_hz };
        trial.params.hold_ms = Some(25_000.0);
        trial.params.turnaround_ms = Some(100.0);
        let every_second = short_polling::closed_form(&trial.inputs());
        trial.params.poll_interval_ms = Some(5_000.0);
        let predictions = [
            every_second,
            short_polling::closed_form(&trial.inputs()),
            long_polling::closed_form(&trial.inputs()),
            sse::closed_form(&trial.inputs()),
            websocket::closed_form(&trial.inputs()),
        ];
        let found = predictions.map(|prediction| prediction.unwrap().bytes.unwrap().total().round());
        assert_eq!(found, table, "{rate_hz}/s");
    }
}
