//! The body of an answer in pieces, as it comes: with a known length, in chunks (RFC 9112 §7.1), or until the
//! server closes.

use super::{LONGEST_BYTES, Unreadable};
use crate::data::framing_sizes::chunk;

/// Longest line with a chunk's size, and longest trailer section.
const LONGEST_LINE_BYTES: usize = 16 << 10;
/// Most fields after the last chunk.
const MOST_TRAILERS: usize = 32;

/// The next piece of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The content received so far.
    Content(&'a [u8]),
    /// A chunk is complete.
    ChunkEnd {
        /// Bytes of content in it.
        content: u64,
    },
    /// The body is complete.
    End,
}

/// The state of a body between two reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyReader(State);

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Exactly {
        left: u64,
    },
    UntilClose,
    /// Before the line with a chunk's size.
    Size,
    /// In a chunk.
    Chunk {
        left: u64,
        size: u64,
    },
    /// After the content of a chunk, before its line end.
    ChunkEnd {
        size: u64,
    },
    /// After the last chunk's size.
    Trailers,
    ChunksEnded,
}

impl BodyReader {
    /// A body of `bytes` bytes.
    #[must_use]
    pub const fn exactly(bytes: u64) -> Self {
        Self(State::Exactly { left: bytes })
    }

    /// A body in chunks.
    #[must_use]
    pub const fn chunked() -> Self {
        Self(State::Size)
    }

    /// A body that ends with the connection.
    #[must_use]
    pub const fn until_close() -> Self {
        Self(State::UntilClose)
    }

    /// Whether the body ends only when the connection does.
    #[must_use]
    pub fn ends_with_the_connection(&self) -> bool {
        self.0 == State::UntilClose
    }

    /// Whether the body comes in chunks.
    #[must_use]
    pub fn is_chunked(&self) -> bool {
        !matches!(self.0, State::Exactly { .. } | State::UntilClose)
    }

    /// Bytes read of an incomplete chunk, including the computed size of its first line.
    #[must_use]
    pub const fn begun(&self) -> u64 {
        let (size, content) = match self.0 {
            State::Chunk { left, size } => (size, size - left),
            State::ChunkEnd { size } => (size, size),
            State::Exactly { .. }
            | State::UntilClose
            | State::Size
            | State::Trailers
            | State::ChunksEnded => return 0,
        };
        chunk(size) - size - "\r\n".len() as u64 + content
    }

    /// Takes the next piece from the front of `bytes`. `None` if more bytes are needed; those left in `bytes`
    /// must then be passed again before the new ones.
    ///
    /// # Errors
    /// [`Unreadable`] if the bytes are not a chunk, or if the body is too long.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Unreadable> {
        match &mut self.0 {
            State::Exactly { left: 0 } | State::ChunksEnded => Ok(Some(Piece::End)),
            State::Exactly { left } if *left > LONGEST_BYTES as u64 => {
                Err(Unreadable::new(format!("an answer of more than {LONGEST_BYTES} bytes")))
            }
            State::Exactly { left } => Ok(content(bytes, left)),
            State::UntilClose => {
                let mut left = u64::MAX;
                Ok(content(bytes, &mut left))
            }
            State::Size => self.size(bytes),
            State::Chunk { left, size } => {
                let piece = content(bytes, left);
                if *left == 0 {
                    self.0 = State::ChunkEnd { size: *size };
                }
                Ok(piece)
            }
            State::ChunkEnd { size } => {
                let content = *size;
                if bytes.len() < 2 && b"\r\n".starts_with(bytes) {
                    return Ok(None);
                }
                *bytes = bytes
                    .strip_prefix(b"\r\n")
                    .ok_or_else(|| Unreadable::new("a chunk is longer than its size"))?;
                self.0 = State::Size;
                Ok(Some(Piece::ChunkEnd { content }))
            }
            State::Trailers => self.trailers(bytes),
        }
    }

    fn size<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Unreadable> {
        let no_size = || Unreadable::new("a chunk has no size");
        match bytes.first() {
            None => return Ok(None),
            Some(first) if !first.is_ascii_hexdigit() => return Err(no_size()),
            Some(_) => {}
        }
        let httparse::Status::Complete((line, size)) =
            httparse::parse_chunk_size(bytes).map_err(|_| no_size())?
        else {
            return partial(bytes, "the size of a chunk");
        };
        *bytes = &bytes[line..];
        if size > 0 {
            self.0 = State::Chunk { left: size, size };
        } else {
            self.0 = State::Trailers;
        }
        self.next(bytes)
    }

    fn trailers<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Unreadable> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_TRAILERS];
        let parsed = httparse::parse_headers(bytes, &mut fields)
            .map_err(|error| Unreadable::new(format!("the trailers cannot be read: {error}")))?;
        let httparse::Status::Complete((length, _)) = parsed else {
            return partial(bytes, "the trailer section");
        };
        *bytes = &bytes[length..];
        self.0 = State::ChunksEnded;
        Ok(Some(Piece::ChunkEnd { content: 0 }))
    }
}

/// The received part of `left` bytes of content.
fn content<'a>(bytes: &mut &'a [u8], left: &mut u64) -> Option<Piece<'a>> {
    let length = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
    let (piece, rest) = bytes.split_at(length);
    (*bytes, *left) = (rest, *left - length as u64);
    (length > 0).then_some(Piece::Content(piece))
}

fn partial(bytes: &[u8], what: &str) -> Result<Option<Piece<'static>>, Unreadable> {
    if bytes.len() > LONGEST_LINE_BYTES {
        return Err(Unreadable::new(format!("{what} takes more than {LONGEST_LINE_BYTES} bytes")));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Content and chunk sizes of a body that comes in `reads`; unused bytes of a read are put before the next
    /// one, as on a connection.
    fn read<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Result<(Vec<u8>, Vec<u64>, bool), Unreadable> {
        let (mut body, mut chunks, mut left) = (Vec::new(), Vec::new(), Vec::new());
        let mut reader = BodyReader::chunked();
        for bytes in reads {
            left.extend_from_slice(bytes);
            let mut bytes = &left[..];
            while let Some(piece) = reader.next(&mut bytes)? {
                match piece {
                    Piece::Content(content) => body.extend_from_slice(content),
                    Piece::ChunkEnd { content } => chunks.push(content),
                    Piece::End => return Ok((body, chunks, true)),
                }
            }
            left = bytes.to_vec();
        }
        Ok((body, chunks, false))
    }

    #[test]
    fn the_chunks_of_a_stream_come_out_with_their_sizes() {
        let stream = b"16\r\nid: k3v9qa.1\ndata: x\n\n\r\n3\r\n:\n\n\r\n";
        let expected = (b"id: k3v9qa.1\ndata: x\n\n:\n\n".to_vec(), vec![22, 3], false);
        assert_eq!(read([&stream[..]]), Ok(expected.clone()));
        assert_eq!(read(stream.chunks(1)), Ok(expected));
    }

    #[test]
    fn what_has_come_of_a_chunk_is_known_until_it_is_complete() {
        let stream = b"16\r\nid: k3v9qa.1\ndata: x\n\n\r\n3\r\n:\n\n\r\n";
        let mut reader = BodyReader::chunked();
        let mut complete = 0;
        for end in 1..=stream.len() {
            let mut taken = &stream[..end];
            let mut again = BodyReader::chunked();
            while again.next(&mut taken).unwrap().is_some() {}
            if let Some(whole) = [28, 36].iter().rfind(|whole| **whole <= end) {
                complete = *whole;
            }
            // The connection keeps the unused bytes.
            assert_eq!(complete as u64 + again.begun() + taken.len() as u64, end as u64, "at {end}");
            reader = again;
        }
        assert_eq!(reader.begun(), 0);
    }

    #[test]
    fn a_size_that_is_wrong_or_missing_is_an_error() {
        for wire in [&b"2\r\nabc\r\n"[..], b"\r\n", b"g\r\n", b"11111111111111111\r\n"] {
            assert!(read([wire]).is_err(), "{wire:?}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_network_cuts(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            mut cuts in proptest::collection::vec(0_usize..300, 0..8),
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:X};a=b\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\na: b\r\n\r\n");
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(wire.len()));
            cuts.extend([0, wire.len()]);
            cuts.sort_unstable();
            let reads = cuts.windows(2).map(|pair| &wire[pair[0]..pair[1]]);
            let sizes = chunks.iter().map(|chunk| chunk.len() as u64).chain([0]).collect();
            prop_assert_eq!(read(reads).unwrap(), (chunks.concat(), sizes, true));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = read([&bytes[..]]);
            let _ = read(bytes.chunks(1));
        }
    }
}
