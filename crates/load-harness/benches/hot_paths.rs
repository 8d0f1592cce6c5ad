//! The work of a subscriber per delivery, without sockets: parsing chunks, frames and poll bodies of one, ten
//! and a hundred events, and recording an age.
#![allow(missing_docs, reason = "the macros of criterion make public items")]

use std::hint::black_box;

use contract::{Cursor, Epoch, PollBody, Resume, Window, WireEvent, stamp};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use load_harness::{
    Recorder, SseParser,
    reading::{BodyReader, Message, MessageReader, Piece, read_answer},
};

const EVENTS: [u64; 3] = [1, 10, 100];

fn cursor(seq: u64) -> Cursor {
    Cursor { epoch: Epoch::from_random_bits(1), seq }
}

fn text(seq: u64) -> String {
    stamp(seq * 1_000_000, &"x".repeat(100))
}

fn event<'a>(seq: u64) -> WireEvent<'a> {
    WireEvent { id: cursor(seq), event_type: None, data: text(seq).into() }
}

/// A read of a stream: one chunk with all events.
fn chunk(events: u64) -> Vec<u8> {
    let blocks: String =
        (1..=events).map(|seq| format!("id: {}\ndata: {}\n\n", cursor(seq), text(seq))).collect();
    format!("{:x}\r\n{blocks}\r\n", blocks.len()).into_bytes()
}

/// A read of a WebSocket: a frame for each event.
fn frames(events: u64) -> Vec<u8> {
    let frame = |seq| {
        let text = serde_json::to_string(&event(seq)).expect("an event is JSON");
        let mut frame = vec![0x81, 126];
        frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
        frame.extend_from_slice(text.as_bytes());
        frame
    };
    (1..=events).flat_map(frame).collect()
}

/// The answer to a poll.
fn answer(events: u64) -> Vec<u8> {
    let body = PollBody {
        cursor: cursor(events),
        resume: Resume::Live,
        lost: None,
        events: (1..=events).map(event).collect(),
        more: false,
    };
    let body = serde_json::to_string(&body).expect("a body is JSON");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-cache\r\n\
         etag: \"{}\"\r\ncontent-length: {}\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
        cursor(events),
        body.len()
    );
    (head + body.as_str()).into_bytes()
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reading");
    for events in EVENTS {
        group.throughput(Throughput::Elements(events));
        let bytes = chunk(events);
        group.bench_with_input(BenchmarkId::new("sse-chunk", events), &bytes, |bencher, bytes| {
            let (mut body, mut parser) = (BodyReader::chunked(), SseParser::default());
            bencher.iter(|| {
                let (mut rest, mut seen) = (black_box(&bytes[..]), 0);
                while let Some(piece) = body.next(&mut rest).expect("chunks") {
                    if let Piece::Content(content) = piece {
                        let see = |event: load_harness::SseEvent<'_>| {
                            let id: Cursor = event.last_event_id.parse().expect("a cursor");
                            seen += id.seq + event.data.len() as u64;
                        };
                        parser.push(content, see).expect("short lines");
                    }
                }
                seen
            });
        });
        let bytes = frames(events);
        group.bench_with_input(BenchmarkId::new("websocket-frames", events), &bytes, |bencher, bytes| {
            let mut messages = MessageReader::default();
            bencher.iter(|| {
                let (mut rest, mut seen) = (black_box(&bytes[..]), 0);
                while let Some(frame) = messages.next(&mut rest).expect("frames") {
                    if let Some(Message::Text(text)) = frame.message {
                        let event: WireEvent<'_> = serde_json::from_str(text).expect("an event");
                        seen += event.id.seq + event.data.len() as u64;
                    }
                }
                seen
            });
        });
        let bytes = answer(events);
        group.bench_with_input(BenchmarkId::new("poll-answer", events), &bytes, |bencher, bytes| {
            bencher.iter(|| {
                let answer = read_answer(black_box(bytes), false).expect("an answer").expect("a whole one");
                let body: PollBody<'_> = serde_json::from_slice(&answer.body).expect("a body");
                body.events.iter().map(|event| event.id.seq + event.data.len() as u64).sum::<u64>()
            });
        });
    }
    group.finish();
}

fn recording(criterion: &mut Criterion) {
    let window = Window { start_ns: 0, end_ns: u64::MAX };
    let (mut recorder, mut due_ns) = (Recorder::default(), 0);
    criterion.bench_function("recorder.record", |bencher| {
        bencher.iter(|| {
            // The dues of one second, again and again, with ages up to a few milliseconds.
            due_ns = (due_ns + 1_234_567) % 1_000_000_000;
            recorder.record(window, black_box(due_ns), black_box(due_ns / 256));
        });
    });
}

criterion_group!(benches, reading, recording);
criterion_main!(benches);
