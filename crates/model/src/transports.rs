//! The bytes that a transport adds to a write, in the TCP stream.
//!
//! | layer | bytes | source |
//! |---|---|---|
//! | TLS 1.3 record | header 5, content type 1, tag 16; 16 KiB of content at most | RFC 8446 §5.1, §5.2 |
//! | HTTP/2 DATA frame, instead of a chunk | header 9; 16 KiB of content at most | RFC 9113 §4.1, §6.5.2 |
//! | WebSocket over HTTP/2 | its frames, unchanged, within DATA frames | RFC 8441 §5 |
//!
//! One write of the server is one TLS record, or as few as can hold it. In HTTP/2 each frame is a write, so a
//! full frame with its header needs two records. Left out, because they are few: the WINDOW_UPDATE frames of an
//! HTTP/2 client, one or two for every half window of about 32 KiB.

use contract::Transport;

/// Bytes around the content of a TLS 1.3 record with a 16-byte tag.
pub const RECORD_OVERHEAD: usize = 5 + 1 + 16;
/// Header of an HTTP/2 frame.
pub const FRAME_HEADER: usize = 9;
/// Most content of a record, and of a frame unless its receiver allows larger ones.
pub const LARGEST_CONTENT: usize = 16_384;

/// The size of `content` bytes in TLS records.
#[must_use]
pub const fn sealed(content: usize) -> usize {
    content + content.div_ceil(LARGEST_CONTENT) * RECORD_OVERHEAD
}

/// The size of a write. It has `plain` bytes in HTTP/1.1, chunk framing included, and `content` bytes without
/// that framing.
#[must_use]
pub const fn written(transport: Transport, plain: usize, content: usize) -> usize {
    match transport {
        Transport::Http1 => plain,
        Transport::Http1Tls => sealed(plain),
        Transport::Http2 => {
            let (full, rest) = (content / LARGEST_CONTENT, content % LARGEST_CONTENT);
            let rest = if rest == 0 { 0 } else { sealed(FRAME_HEADER + rest) };
            full * sealed(FRAME_HEADER + LARGEST_CONTENT) + rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_of_three_bytes_on_each_transport() {
        assert_eq!(written(Transport::Http1, 8, 3), 8);
        assert_eq!(written(Transport::Http1Tls, 8, 3), 30);
        assert_eq!(written(Transport::Http2, 8, 3), 34);
    }

    #[test]
    fn more_than_a_record_holds_takes_two() {
        assert_eq!(sealed(16_384), 16_406);
        assert_eq!(sealed(16_385), 16_429);
        // Frame headers are content of the records, and each frame begins a new record.
        assert_eq!(written(Transport::Http2, 0, 16_384), 16_384 + 9 + 44);
        assert_eq!(written(Transport::Http2, 0, 20_021), 20_105);
    }
}
