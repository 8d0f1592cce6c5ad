//! Detects a connection that begins with a request for an upgrade.

use std::{cell::RefCell, io};

use tokio::net::TcpStream;

use crate::{count::DirectionTally, direction::LARGEST_READ};

/// Longest request head that is parsed.
const LONGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 100;

/// The answer of a middlebox that does not support WebSocket.
pub(crate) const REFUSAL: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain; charset=utf-8\r\n\
content-length: 48\r\nconnection: close\r\n\r\nthis middlebox does not let connections upgrade\n";

/// What the first bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// A request for an upgrade (RFC 9110 §7.8).
    Upgrade,
    /// Another request, or bytes that cannot be parsed.
    Passes,
    /// More bytes are needed.
    Unclear,
}

/// The first bytes of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A request for an upgrade.
    Upgrade,
    /// Other bytes, to be forwarded.
    Passes(Vec<u8>),
}

/// Reads until it is clear whether a connection begins with a request for an upgrade.
///
/// # Errors
/// Those of the socket.
pub(crate) async fn read(
    subscriber: &TcpStream,
    scratch: &RefCell<Vec<u8>>,
    tally: &DirectionTally<'_>,
) -> io::Result<Opening> {
    let mut bytes = Vec::new();
    loop {
        subscriber.readable().await?;
        let read = subscriber.try_read(&mut scratch.borrow_mut()[..LARGEST_READ]);
        match read {
            Ok(0) => return Ok(Opening::Passes(bytes)),
            Ok(read) => {
                tally.take(read);
                bytes.extend_from_slice(&scratch.borrow()[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        match judge(&bytes) {
            Verdict::Upgrade => return Ok(Opening::Upgrade),
            Verdict::Passes => return Ok(Opening::Passes(bytes)),
            Verdict::Unclear => {}
        }
    }
}

fn judge(bytes: &[u8]) -> Verdict {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {
            let asks = request.headers.iter().any(|header| header.name.eq_ignore_ascii_case("upgrade"));
            if asks { Verdict::Upgrade } else { Verdict::Passes }
        }
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => Verdict::Unclear,
        // Too long to parse, encrypted (RFC 8446 §5.1: the first byte is 0x16), or HTTP/2.
        Ok(httparse::Status::Partial) | Err(_) => Verdict::Passes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_request_with_an_upgrade_header_is_refused() {
        let handshake = b"GET /websocket HTTP/1.1\r\nhost: x\r\nuPgRaDe: websocket\r\n\r\n";
        assert_eq!(judge(handshake), Verdict::Upgrade);
        for length in 0..handshake.len() {
            assert_eq!(judge(&handshake[..length]), Verdict::Unclear, "{length}");
        }
        assert_eq!(judge(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"), Verdict::Passes);
        assert_eq!(judge(b"GET / HTTP/1.1\r\nhost: upgrade\r\n\r\n"), Verdict::Passes);
        assert_eq!(judge(&[0x16, 3, 1, 2, 0]), Verdict::Passes);
        assert_eq!(judge(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Verdict::Passes);
        assert_eq!(judge(&[b'A'; LONGEST_HEAD]), Verdict::Passes);
    }

    #[test]
    fn the_refusal_is_as_long_as_it_says() {
        let text = std::str::from_utf8(REFUSAL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
