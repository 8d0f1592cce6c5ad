//! The event stream parser against WHATWG HTML §9.2.5–9.2.6, one test per rule. Each stream is parsed whole,
//! byte by byte and cut at every position: it must not matter where the network cuts it.
//!
//! The names in parentheses are those of the Web Platform Tests for the same rule.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

use load_harness::SseParser;
use proptest::prelude::*;

/// Type, data and last event ID of an event.
type Seen = (String, String, String);

fn feed<'a>(parser: &mut SseParser, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut seen = Vec::new();
    for piece in pieces {
        parser
            .push(piece, |event| {
                seen.push((event.event_type.into(), event.data.into(), event.last_event_id.into()));
            })
            .unwrap();
    }
    seen
}

/// Parses a stream cut in two at every position, and byte by byte; all results must agree.
fn events(stream: impl AsRef<[u8]>) -> Vec<Seen> {
    let stream = stream.as_ref();
    let whole = feed(&mut SseParser::default(), [stream]);
    assert_eq!(feed(&mut SseParser::default(), stream.chunks(1)), whole, "byte by byte");
    for cut in 0..stream.len() {
        let (left, right) = stream.split_at(cut);
        assert_eq!(feed(&mut SseParser::default(), [left, &[], right]), whole, "cut at {cut}");
    }
    whole
}

/// The data of the events of a stream.
fn data(stream: impl AsRef<[u8]>) -> Vec<String> {
    events(stream).into_iter().map(|(_, data, _)| data).collect()
}

fn after(stream: &[u8]) -> SseParser {
    let mut parser = SseParser::default();
    feed(&mut parser, [stream]);
    parser
}

#[test]
fn p01_one_leading_byte_order_mark_is_stripped() {
    // (format-bom, format-bom-2)
    assert_eq!(data("\u{feff}data:1\n\ndata:2\n\n"), ["1", "2"]);
    assert_eq!(data("\u{feff}\u{feff}data:1\n\ndata:2\n\n"), ["2"]);
    assert_eq!(data("data:1\n\n\u{feff}data:2\n\ndata:3\n\n"), ["1", "3"]);
    assert_eq!(data("data:\u{feff}1\n\n"), ["\u{feff}1"]);
}

#[test]
fn p02_all_three_line_ends_mix() {
    // (format-newlines)
    assert_eq!(data("data:a\r\n\r\ndata:b\n\ndata:c\r\rdata:d\r\n\ndata:e\n\r\n"), ["a", "b", "c", "d", "e"]);
}

#[test]
fn p03_a_crlf_split_between_reads_is_one_line_end() {
    let mut parser = SseParser::default();
    assert_eq!(feed(&mut parser, [b"data:a\r".as_slice(), b"\ndata:b\r\n\r\n"])[0].1, "a\nb");
}

#[test]
fn p04_a_lone_carriage_return_dispatches_at_once() {
    let mut parser = SseParser::default();
    assert_eq!(feed(&mut parser, [b"data:a\r\r".as_slice()]).len(), 1);
    assert!(feed(&mut parser, [b"\n".as_slice()]).is_empty(), "the line feed belongs to it");
}

#[test]
fn p05_a_character_split_over_reads_survives() {
    // (format-utf-8)
    assert_eq!(data("data:ok…🦀\n\n"), ["ok…🦀"]);
}

#[test]
fn p06_invalid_utf8_becomes_the_replacement_character() {
    assert_eq!(data(b"data:a\xff\xfeb\n\n"), ["a\u{fffd}\u{fffd}b"]);
    assert_eq!(data(b"data:a\xe2\x82\n\n"), ["a\u{fffd}"]);
}

#[test]
fn p07_comments_are_ignored_also_inside_a_block() {
    // (format-comments)
    assert_eq!(data("data:1\r:\0\n:\r\ndata:2\n:data:3\r\ndata:4\n\n"), ["1\n2\n4"]);
}

#[test]
fn p08_exactly_one_space_after_the_colon_is_removed() {
    // (format-leading-space, format-field-parsing)
    assert_eq!(data("data:\ttest\rdata: \ndata:test\n\n"), ["\ttest\n\ntest"]);
    assert_eq!(data("data:  two\n\n"), [" two"]);
}

#[test]
fn p09_a_line_without_colon_is_a_field_with_empty_value() {
    // (format-field-data)
    assert_eq!(data("data:\n\ndata\ndata\n\ndata:test\n\n"), ["", "\n", "test"]);
}

#[test]
fn p10_data_lines_are_joined_by_a_line_feed() {
    assert_eq!(data("data:a\ndata:b\ndata:\n\n"), ["a\nb\n"]);
}

#[test]
fn p11_unknown_fields_are_ignored_and_names_are_case_sensitive() {
    // (format-field-unknown)
    assert_eq!(data("data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\n\n"), ["test\n"]);
    assert!(data("Data:x\n\n").is_empty());
    assert!(data("data :x\n\n").is_empty());
}

#[test]
fn p12_the_type_is_set_and_does_not_leak() {
    // (format-field-event, format-field-event-empty)
    let seen = events("event:test\ndata:x\n\ndata:x\n\nevent:\ndata:y\n\n");
    let types: Vec<&str> = seen.iter().map(|event| event.0.as_str()).collect();
    assert_eq!(types, ["test", "message", "message"]);
}

#[test]
fn p13_without_data_nothing_is_dispatched_and_the_type_is_reset() {
    assert_eq!(events("event:test\n\ndata:x\n\n"), [("message".into(), "x".into(), String::new())]);
}

#[test]
fn p14_empty_data_is_dispatched() {
    assert_eq!(data("data:\n\n"), [""]);
}

#[test]
fn p15_the_id_persists() {
    // (format-field-id)
    let seen = events("id:1\ndata:a\n\ndata:b\n\n");
    assert_eq!((seen[0].2.as_str(), seen[1].2.as_str()), ("1", "1"));
}

#[test]
fn p16_an_id_with_null_is_ignored() {
    // (format-field-id-null)
    let seen = events("id:1\ndata:a\n\nid:2\0\ndata:b\n\n");
    assert_eq!(seen[1].2, "1");
    assert_eq!(data("data:\0\n\n"), ["\0"], "in data it is an ordinary character (format-null-character)");
}

#[test]
fn p17_an_empty_id_resets() {
    // (format-field-id-2)
    assert_eq!(events("id:1\ndata:a\n\nid\ndata:b\n\n")[1].2, "");
}

#[test]
fn p18_a_block_with_an_id_alone_updates_the_last_event_id() {
    assert_eq!(after(b"id: 7\n\n").last_event_id(), "7");
    assert_eq!(events("id: 7\n\ndata:a\n\n")[0].2, "7");
}

#[test]
fn p19_the_id_of_an_unfinished_block_is_not_taken() {
    assert_eq!(after(b"id: 7\n\nid: 8\ndata: x\n").last_event_id(), "7");
}

#[test]
fn p20_retry_takes_ascii_digits_only_and_at_once() {
    // (format-field-retry, format-field-retry-bogus)
    assert_eq!(after(b"retry: 1500\n").retry_ms(), Some(1_500));
    for bogus in ["12x", "-1", "+5", "1.5", "", " 7", "\u{0661}", "99999999999999999999999"] {
        let stream = format!("retry:3000\nretry:{bogus}\n");
        let expected = if bogus == " 7" { 7 } else { 3_000 };
        assert_eq!(after(stream.as_bytes()).retry_ms(), Some(expected), "{bogus:?}");
    }
    assert_eq!(after(b"retry:1\nretry:2\n").retry_ms(), Some(2));
}

#[test]
fn p21_the_end_without_a_blank_line_discards_the_block() {
    // (format-data-before-final-empty-line)
    assert_eq!(data("data:a\n\ndata:b\n"), ["a"]);
}

#[test]
fn p22_the_order_of_fields_does_not_matter() {
    assert_eq!(events("data:a\nid:1\nevent:t\n\n"), events("event:t\nid:1\ndata:a\n\n"));
}

#[test]
fn p23_a_long_line_works_and_a_hopeless_one_is_refused() {
    let long = format!("data:{}\n\n", "x".repeat(5 << 20));
    let seen = feed(&mut SseParser::default(), long.as_bytes().chunks(60_000));
    assert_eq!(seen[0].1.len(), 5 << 20);
    let endless = vec![b'x'; 1 << 20];
    let mut parser = SseParser::default();
    assert!((0..40).any(|_| parser.push(&endless, |_| {}).is_err()), "an endless line is an error");
    let mut parser = SseParser::default();
    let line = format!("data:{}\n", "x".repeat(1 << 20));
    assert!((0..40).any(|_| parser.push(line.as_bytes(), |_| {}).is_err()), "an endless event, too");
}

#[test]
fn p24_a_hundred_events_in_one_write_keep_their_order() {
    let stream: String = (0..100).map(|number| format!("id:{number}\ndata:{number}\n\n")).collect();
    let seen = feed(&mut SseParser::default(), [stream.as_bytes()]);
    assert_eq!(seen.len(), 100);
    assert!(
        seen.iter().enumerate().all(|(number, event)| event.1 == number.to_string() && event.2 == event.1)
    );
}

#[test]
fn a_resumed_stream_keeps_its_id_until_it_gets_another() {
    let mut parser = SseParser::resuming("41");
    assert_eq!(feed(&mut parser, [b"data:a\n\nid:42\ndata:b\n\n".as_slice()])[0].2, "41");
    assert_eq!(parser.last_event_id(), "42");
}

/// A slow and plain reading of the standard's algorithm: split into lines first, then go through them.
fn by_the_book(stream: &[u8]) -> Vec<Seen> {
    let text = String::from_utf8_lossy(stream).into_owned();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();
    let (mut data, mut event_type, mut id) = (String::new(), String::new(), String::new());
    let mut seen = Vec::new();
    for line in lines {
        if line.is_empty() {
            if !data.is_empty() {
                data.pop();
                let shown = if event_type.is_empty() { "message".to_owned() } else { event_type.clone() };
                seen.push((shown, data.clone(), id.clone()));
            }
            (data, event_type) = (String::new(), String::new());
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => data = data + value + "\n",
            "event" => event_type = value.to_owned(),
            "id" if !value.contains('\0') => id = value.to_owned(),
            _ => {}
        }
    }
    seen
}

proptest! {
    #[test]
    fn it_reads_as_the_book_says_however_the_stream_is_cut(
        lines in proptest::collection::vec("(data|event|id|retry|:|x)?:? ?[a-z\u{0}\u{feff}é🦀]{0,3}(\n|\r|\r\n)", 0..20),
        cuts in proptest::collection::vec(0_usize..200, 0..6),
    ) {
        let stream = lines.concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
        prop_assert_eq!(feed(&mut SseParser::default(), pieces), by_the_book(&stream));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = SseParser::default().push(&bytes, |_| {});
    }
}
