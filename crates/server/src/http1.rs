//! Heads of HTTP/1.1 responses (RFC 9112 §4 and §5) for the drivers that write to a socket themselves. The
//! bytes equal those that hyper writes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

/// The current second since 1970, for the `date` header.
pub(crate) fn this_second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

/// The head of a response, with the date of `second` (RFC 9110 §6.6.1). `length` is the length of the body;
/// `None` for a chunked body.
pub(crate) fn head<B>(response: &Response<B>, length: Option<usize>, second: u64) -> Vec<u8> {
    let mut head = status_line(response.status());
    put_headers(&mut head, response.headers());
    // A 101, 204 or 304 has neither header (RFC 9110 §8.6, RFC 9112 §6.1).
    let is_bare = matches!(
        response.status(),
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    match length {
        _ if is_bare => {}
        Some(length) => head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes()),
        None => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    let date = httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(second));
    head.extend_from_slice(format!("date: {date}\r\n\r\n").as_bytes());
    head
}

/// A whole response, head and body, with the date of `second`.
pub(crate) fn whole(response: &Response<Bytes>, second: u64) -> Bytes {
    let mut bytes = head(response, Some(response.body().len()), second);
    bytes.extend_from_slice(response.body());
    bytes.into()
}

/// A refusal without a body; the connection is closed after it.
pub(crate) fn refusal(status: StatusCode, line: Option<(HeaderName, HeaderValue)>) -> Bytes {
    let mut refusal = status_line(status);
    put_headers(&mut refusal, &line.into_iter().collect());
    refusal.extend_from_slice(b"connection: close\r\ncontent-length: 0\r\n\r\n");
    refusal.into()
}

fn status_line(status: StatusCode) -> Vec<u8> {
    let mut line = Vec::with_capacity(256);
    let reason = status.canonical_reason().unwrap_or_default();
    line.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
    line
}

fn put_headers(head: &mut Vec<u8>, headers: &HeaderMap) {
    // axum sets the length of its body. hyper would remove it where it is not allowed, so it is skipped here.
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_the_length_or_the_chunks_of_its_body_and_the_date_last() {
        let mut response = Response::new(Bytes::from_static(b"abc"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let second = 784_111_777;
        let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        let before = "HTTP/1.1 200 OK\r\ncache-control: no-store\r\n";
        assert_eq!(whole(&response, second), format!("{before}content-length: 3\r\n{date}abc"));
        let chunked = format!("{before}transfer-encoding: chunked\r\n{date}");
        assert_eq!(head(&response, None, second), chunked.as_bytes());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let bare = format!("HTTP/1.1 204 No Content\r\ncache-control: no-store\r\n{date}");
        assert_eq!(head(&response, None, second), bare.as_bytes());
    }

    #[test]
    fn a_refusal_closes_the_connection() {
        let line = (header::RETRY_AFTER, HeaderValue::from_static("1"));
        assert_eq!(
            refusal(StatusCode::SERVICE_UNAVAILABLE, Some(line)),
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
    }
}
