//! Parses an ordinary poll without hyper. Any other request is left to hyper.

use std::time::Duration;

use contract::{After, Cursor, Pattern};
use http::HeaderMap;

use crate::request::{DEFAULT_HOLD, hold};

/// Header lines that do not change the answer to a poll, and `if-none-match`, which is parsed here. hyper
/// gets a request with any other, such as `Origin` or `Last-Event-ID`.
const PLAIN: [&str; 9] = [
    "host",
    "accept",
    "accept-encoding",
    "accept-language",
    "user-agent",
    "cache-control",
    "pragma",
    "connection",
    "if-none-match",
];
const MOST_LINES: usize = 16;

/// What an ordinary poll asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PollRequest<'a> {
    /// The cursor of the subscriber.
    pub(super) after: Cursor,
    /// Long polling: longest hold.
    pub(super) hold: Duration,
    /// Short polling: `If-None-Match`.
    pub(super) known: Option<&'a str>,
}

impl<'a> PollRequest<'a> {
    /// Parses exactly one whole request, with nothing after it. `None` sends it to hyper, which handles
    /// everything unusual, so this parser may be strict.
    pub(super) fn read(pattern: Pattern, bytes: &'a [u8]) -> Option<Self> {
        let mut lines = [httparse::EMPTY_HEADER; MOST_LINES];
        let mut request = httparse::Request::new(&mut lines);
        let length = request.parse(bytes).ok()?;
        if length != httparse::Status::Complete(bytes.len()) || request.version != Some(1) {
            return None;
        }
        let (path, query) = request.path?.split_once('?')?;
        if request.method != Some("GET") || path.strip_prefix('/') != Some(pattern.slug()) {
            return None;
        }
        let (mut hosts, mut known) = (0, None);
        for line in request.headers.iter() {
            let value = std::str::from_utf8(line.value).ok()?;
            match PLAIN.into_iter().find(|name| line.name.eq_ignore_ascii_case(name))? {
                "host" => hosts += 1,
                "connection" if !value.eq_ignore_ascii_case("keep-alive") => return None,
                "if-none-match" if known.replace(value).is_some() => return None,
                _ => {}
            }
        }
        let (after, held) = match query.split_once('&') {
            None => (query, None),
            Some((after, held)) => (after, Some(held.strip_prefix("hold=")?)),
        };
        let After::Cursor(after) = after.strip_prefix("after=")?.parse().ok()? else {
            return None;
        };
        let hold = held.map_or(Ok(DEFAULT_HOLD), hold).ok()?;
        (hosts == 1).then_some(Self { after, hold, known })
    }
}

/// Whether the next request of a client that sent these headers is likely to be parsed here.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    headers.iter().all(|(name, value)| {
        let keeps = name != http::header::CONNECTION || value.as_bytes().eq_ignore_ascii_case(b"keep-alive");
        keeps && PLAIN.contains(&name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, u64, Option<String>)> {
        let request = PollRequest::read(Pattern::LongPolling, text.as_bytes())?;
        Some((request.after.to_string(), request.hold.as_millis() as u64, request.known.map(str::to_owned)))
    }

    #[test]
    fn a_usual_poll_is_read_and_everything_else_is_hypers() {
        let usual = "GET /long-polling?after=k3v9qa.7&hold=1.5 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
        assert_eq!(read(usual), Some(("k3v9qa.7".to_owned(), 1_500, None)));
        assert_eq!(read(&usual.replace("&hold=1.5", "")).unwrap().1, 25_000);
        let tagged = usual.replace("Accept: */*", "If-None-Match: \"k3v9qa.7\"");
        assert_eq!(read(&tagged).unwrap().2.as_deref(), Some("\"k3v9qa.7\""));
        for (from, to) in [
            ("GET", "HEAD"),
            ("GET", "GET "),
            ("long-polling", "short-polling"),
            ("long-polling", "LONG-POLLING"),
            ("after=k3v9qa.7", "after=0"),
            ("after=k3v9qa.7", "after=%6b3v9qa.7"),
            ("after=k3v9qa.7", "after=nonsense"),
            ("&hold=1.5", "&hold=56"),
            ("&hold=1.5", "&hold=1&hold=2"),
            ("&hold=1.5", "&other=1"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("Host: a", "Host: a\r\nHost: a"),
            ("Host: a\r\n", ""),
            ("Accept: */*", "Origin: http://a"),
            ("Accept: */*", "Last-Event-ID: k3v9qa.1"),
            ("Accept: */*", "Content-Length: 0"),
            ("Accept: */*", "Connection: close"),
            ("Accept: */*", "Accept: \u{e4}\r\nX: \r\nContent-Length: 1"),
            ("\r\n\r\n", "\r\n"),
            ("\r\n\r\n", "\r\n\r\nGET"),
        ] {
            assert_eq!(read(&usual.replacen(from, to, 1)), None, "{from} -> {to}");
        }
    }
}
