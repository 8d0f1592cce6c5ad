//! The sizes of an answer's head, a chunk and a frame on the wire, computed from their content.
//!
//! The subscribers keep a byte ledger by these rules, beside the counters of the sockets: two independent ways
//! to the same number.

/// The sender of a WebSocket frame; frames of a client are masked (RFC 6455 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Server,
}

/// An answer's head: status line, `name: value` lines, blank line (RFC 9112 §2.1).
pub(crate) fn response_head(response: &httparse::Response<'_, '_>) -> u64 {
    let line = "HTTP/1.1 200 ".len() + response.reason.unwrap_or_default().len() + "\r\n".len();
    let field = |field: &httparse::Header<'_>| field.name.len() + ": \r\n".len() + field.value.len();
    (line + response.headers.iter().map(field).sum::<usize>() + "\r\n".len()) as u64
}

/// A chunk around `content` bytes: their number in hexadecimal and two CRLF (RFC 9112 §7.1).
pub(crate) const fn chunk(content: u64) -> u64 {
    let digits = match content.checked_ilog2() {
        Some(log) => log as u64 / 4 + 1,
        None => 1,
    };
    digits + "\r\n\r\n".len() as u64 + content
}

/// A frame around `payload` bytes (RFC 6455 §5.2).
pub(crate) const fn frame(payload: usize, sender: Sender) -> u64 {
    let length = match payload {
        ..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    };
    let mask = match sender {
        Sender::Client => 4,
        Sender::Server => 0,
    };
    (length + mask + payload) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_as_long_as_its_text() {
        let text = "HTTP/1.1 304 Not Modified\r\netag: \"k3v9qa.17\"\r\n\r\n";
        let mut fields = [httparse::EMPTY_HEADER; 4];
        let mut response = httparse::Response::new(&mut fields);
        assert!(response.parse(text.as_bytes()).unwrap().is_complete());
        assert_eq!(response_head(&response), text.len() as u64);
    }

    #[test]
    fn chunks_and_frames_grow_at_their_limits() {
        assert_eq!(chunk(0), "0\r\n\r\n".len() as u64);
        for (content, around) in [(15, 5), (16, 6), (255, 6), (256, 7), (4_095, 7), (4_096, 8)] {
            assert_eq!(chunk(content), content + around, "{content}");
        }
        for (payload, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(frame(payload, Sender::Server), (payload + header) as u64, "{payload}");
            assert_eq!(frame(payload, Sender::Client), (payload + header + 4) as u64, "{payload}");
        }
    }
}
