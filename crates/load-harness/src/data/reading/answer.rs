//! HTTP/1.1 answers (RFC 9112): the head is parsed by `httparse`, the body as its head announces it.

use std::borrow::Cow;

use http::{StatusCode, header};

use super::{BodyReader, LONGEST_BYTES, Piece, Unreadable};
use crate::data::framing_sizes;

/// Most fields of a head.
const MOST_FIELDS: usize = 64;
/// Longest head.
const LONGEST_HEAD_BYTES: usize = 64 << 10;

/// The head of an answer.
#[derive(Debug)]
pub struct Head<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Bytes before the body, including heads of interim answers.
    pub used: usize,
    /// Size of the head computed from its grammar, including interim answers.
    pub rule_bytes: u64,
    fields: [httparse::Header<'a>; MOST_FIELDS],
    count: usize,
}

impl<'a> Head<'a> {
    /// The value of a field, the first if it comes more than once.
    #[must_use]
    pub fn field(&self, name: &header::HeaderName) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// All values of a field, in their order.
    fn values(&self, name: &header::HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let named = |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case(name.as_str());
        self.fields[..self.count].iter().filter(named).map(|field| field.value)
    }

    /// The members of a list: a field that comes more than once is one list (RFC 9110 §5.3).
    fn list(&self, name: &header::HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.values(name).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
    }

    /// Whether the server closes the connection after this answer (RFC 9112 §9.6).
    #[must_use]
    pub fn closes(&self) -> bool {
        self.list(&header::CONNECTION).any(|word| word.eq_ignore_ascii_case(b"close"))
    }

    /// The reader of the body (RFC 9112 §6.3).
    ///
    /// # Errors
    /// [`Unreadable`] if the length is not a number, if there are several different lengths, or if the coding
    /// is not `chunked`.
    pub fn body(&self) -> Result<BodyReader, Unreadable> {
        if self.status.is_informational()
            || matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        {
            return Ok(BodyReader::exactly(0));
        }
        if let Some(coding) = self.field(&header::TRANSFER_ENCODING) {
            if coding.eq_ignore_ascii_case(b"chunked") {
                return Ok(BodyReader::chunked());
            }
            let coding = String::from_utf8_lossy(coding).into_owned();
            return Err(Unreadable::new(format!("the transfer coding `{coding}` was not requested")));
        }
        let mut lengths = self.list(&header::CONTENT_LENGTH);
        let Some(length) = lengths.next() else {
            return Ok(BodyReader::until_close());
        };
        if lengths.any(|other| other != length) {
            return Err(Unreadable::new("the answer has several content-length values that differ"));
        }
        let digits =
            std::str::from_utf8(length).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let length = digits.and_then(|digits| digits.parse().ok());
        length
            .map(BodyReader::exactly)
            .ok_or_else(|| Unreadable::new("the answer's content-length is not a number"))
    }
}

/// Reads a head, if it is complete. Interim answers before it are skipped, except for 101, which is final for
/// the client that requested the upgrade (RFC 9110 §15.2).
///
/// # Errors
/// [`Unreadable`] if the bytes are not a head.
pub fn read_head(bytes: &[u8]) -> Result<Option<Head<'_>>, Unreadable> {
    let (mut skipped, mut skipped_by_rule) = (0, 0);
    loop {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response
            .parse(&bytes[skipped..])
            .map_err(|error| Unreadable::new(format!("the answer's head is not HTTP: {error}")))?;
        let httparse::Status::Complete(length) = parsed else {
            if bytes.len() - skipped > LONGEST_HEAD_BYTES {
                return Err(Unreadable::new(format!("a head of more than {LONGEST_HEAD_BYTES} bytes")));
            }
            return Ok(None);
        };
        let rule_bytes = framing_sizes::response_head(&response);
        let (code, count) = (response.code.unwrap_or_default(), response.headers.len());
        let status = StatusCode::from_u16(code)
            .map_err(|_| Unreadable::new(format!("{code} is not a status code")))?;
        if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
            (skipped, skipped_by_rule) = (skipped + length, skipped_by_rule + rule_bytes);
            continue;
        }
        let (used, rule_bytes) = (skipped + length, skipped_by_rule + rule_bytes);
        return Ok(Some(Head { status, used, rule_bytes, fields, count }));
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Its head.
    pub head: Head<'a>,
    /// Its content; borrowed if it came in one piece.
    pub body: Cow<'a, [u8]>,
    /// Size of head and body computed from their grammar.
    pub rule_bytes: u64,
    /// Size in the input.
    pub used: usize,
}

/// Reads an answer, if it is complete. `is_end` says that the server has closed the connection, which ends a
/// body without length and chunks.
///
/// # Errors
/// [`Unreadable`] if the bytes are not an answer, or if it is too long.
pub fn read_answer(bytes: &[u8], is_end: bool) -> Result<Option<Answer<'_>>, Unreadable> {
    let Some(head) = read_head(bytes)? else { return Ok(None) };
    let mut reader = head.body()?;
    let mut rest = &bytes[head.used..];
    let mut body = Cow::Borrowed(&[][..]);
    let mut rule_bytes = head.rule_bytes;
    loop {
        match reader.next(&mut rest)? {
            Some(Piece::Content(piece)) if body.is_empty() => body = Cow::Borrowed(piece),
            Some(Piece::Content(piece)) => body.to_mut().extend_from_slice(piece),
            Some(Piece::ChunkEnd { content }) => rule_bytes += framing_sizes::chunk(content),
            Some(Piece::End) => break,
            None if is_end && reader.ends_with_the_connection() => break,
            None => return Ok(None),
        }
        if body.len() > LONGEST_BYTES {
            return Err(Unreadable::new(format!("an answer of more than {LONGEST_BYTES} bytes")));
        }
    }
    if !reader.is_chunked() {
        rule_bytes += body.len() as u64;
    }
    let used = bytes.len() - rest.len();
    Ok(Some(Answer { head, body, rule_bytes, used }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Status, body, and whether the connection closes; `None` while the answer is incomplete.
    fn read(bytes: &[u8], is_end: bool) -> Option<(u16, Vec<u8>, bool)> {
        let answer = read_answer(bytes, is_end).unwrap()?;
        assert_eq!(answer.used, bytes.len());
        Some((answer.head.status.as_u16(), answer.body.to_vec(), answer.head.closes()))
    }

    const KNOWN: [(&str, u16, &str, bool); 8] = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, "hello", false),
        ("HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncontent-length: 9\r\n\r\n", 304, "", false),
        ("HTTP/1.1 204 No Content\r\nConnection: x, Close\r\n\r\n", 204, "", true),
        ("HTTP/1.1 204 No Content\r\nConnection: x\r\nConnection: close\r\n\r\n", 204, "", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
            200,
            "hello world",
            false,
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n!",
            200,
            "!",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nserver-timing: x\r\n\r\n",
            200,
            "",
            false,
        ),
    ];

    #[test]
    fn known_answers_are_read_when_their_last_byte_is_there_and_not_before() {
        for (text, status, body, closes) in KNOWN {
            for cut in 0..text.len() {
                assert_eq!(read(&text.as_bytes()[..cut], false), None, "{text:?} at {cut}");
            }
            assert_eq!(read(text.as_bytes(), false), Some((status, body.into(), closes)), "{text:?}");
        }
    }

    #[test]
    fn a_body_that_nothing_delimits_ends_with_the_connection_and_one_that_is_cut_does_not() {
        let text = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello";
        assert_eq!(read(text, false), None);
        assert_eq!(read(text, true), Some((200, b"hello".to_vec(), true)));
        assert_eq!(read(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello", true), None);
    }

    #[test]
    fn the_rule_finds_the_bytes_of_an_answer_and_what_follows_is_left() {
        for (text, ..) in KNOWN {
            let followed = format!("{text}HTTP/1.1 200");
            let answer = read_answer(followed.as_bytes(), false).unwrap().unwrap();
            assert_eq!(answer.used, text.len());
            // The computed size ignores chunk extensions and trailers; the lab's server sends none.
            if !text.contains(";x=y") && !text.contains("timing") {
                assert_eq!(answer.rule_bytes, text.len() as u64, "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(LONGEST_HEAD_BYTES));
        for (text, reported) in [
            ("GET / HTTP/1.1\r\n\r\n", "not HTTP"),
            ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "not a number"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "differ"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nab", "differ"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", "gzip"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", "chunk"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy\r\n", "chunk"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n", "more than"),
            (&long, "more than"),
        ] {
            let error = read_answer(text.as_bytes(), false).unwrap_err().to_string();
            assert!(error.contains(reported), "{text:.60?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, is_end: bool, known in 0..KNOWN.len(), place: usize) {
            let _ = read_answer(&bytes, is_end);
            let mut damaged = KNOWN[known].0.as_bytes().to_vec();
            let place = place % damaged.len();
            damaged.splice(place..place + 1, bytes);
            let _ = read_answer(&damaged, is_end);
        }
    }
}
