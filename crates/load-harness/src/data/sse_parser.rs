//! A parser for event streams, after WHATWG HTML §9.2.5 and §9.2.6.
//!
//! It takes bytes in pieces of any size, and dispatches an event as soon as its blank line has come. A lone
//! carriage return ends its line at once, without waiting for a line feed that may follow.

/// Longest event or line; beyond it the parser returns an error instead of filling the memory.
const LONGEST_BYTES: usize = 16 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// An event of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// Its type; `message` if the stream sets none.
    pub event_type: &'a str,
    /// Its data, the lines joined by line feeds.
    pub data: &'a str,
    /// The last event ID at that moment.
    pub last_event_id: &'a str,
}

/// A line or event that is longer than the parser accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event stream has a line or an event of more than {LONGEST_BYTES} bytes")]
pub struct TooLong;

/// The state between two reads of a stream.
#[derive(Debug, Default)]
pub struct SseParser {
    /// The start of a line whose end has not been read.
    partial_line: Vec<u8>,
    past_first_line: bool,
    /// The last line was a blank one: no field of a block has been read.
    is_at_block_start: bool,
    /// The last byte was a CR: a LF that follows belongs to the same line end.
    after_cr: bool,
    data: String,
    event_type: String,
    /// The id of the current block; it takes effect at the block's blank line.
    pending_id: String,
    last_event_id: String,
    retry_ms: Option<u64>,
}

impl SseParser {
    /// A parser for a new connection that continues after `last_event_id`.
    #[must_use]
    pub fn resuming(last_event_id: &str) -> Self {
        Self {
            pending_id: last_event_id.to_owned(),
            last_event_id: last_event_id.to_owned(),
            ..Self::default()
        }
    }

    /// The id to send as `Last-Event-ID` when reconnecting; empty if there is none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The reconnection time that the stream has set, milliseconds.
    #[must_use]
    pub const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Parses the next bytes, and calls `dispatch` with every event that they complete.
    ///
    /// # Errors
    /// [`TooLong`]; the stream must then be closed.
    pub fn push(&mut self, mut bytes: &[u8], mut dispatch: impl FnMut(SseEvent<'_>)) -> Result<(), TooLong> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        loop {
            if let Some((block, rest)) = self.whole_block(bytes) {
                self.pending_id.clear();
                self.pending_id.push_str(block.last_event_id);
                self.last_event_id.clone_from(&self.pending_id);
                dispatch(block);
                bytes = rest;
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else { break };
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.partial_line.is_empty() {
                self.line(line, &mut dispatch)?;
            } else {
                // This also frees its memory: lines are rarely cut, and there are many streams.
                let mut whole = std::mem::take(&mut self.partial_line);
                whole.extend_from_slice(line);
                self.line(&whole, &mut dispatch)?;
            }
            self.after_cr = bytes[end] == b'\r' && rest.is_empty();
            bytes = if bytes[end] == b'\r' { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
        }
        if self.partial_line.len() + bytes.len() > LONGEST_BYTES {
            return Err(TooLong);
        }
        self.partial_line.extend_from_slice(bytes);
        Ok(())
    }

    /// The block at the start of `bytes`, if it is complete and of the most common form: an id, one line of
    /// data, nothing else. Such a block is parsed in place.
    fn whole_block<'a>(&self, bytes: &'a [u8]) -> Option<(SseEvent<'a>, &'a [u8])> {
        let is_between_blocks =
            self.past_first_line && self.is_at_block_start && self.partial_line.is_empty();
        if !is_between_blocks {
            return None;
        }
        let (last_event_id, rest) = line_of_text(bytes.strip_prefix(b"id: ")?)?;
        let (data, rest) = line_of_text(rest.strip_prefix(b"data: ")?)?;
        let rest = rest.strip_prefix(b"\n")?;
        // An id with a NUL is ignored; the general parser handles that.
        let is_taken = !last_event_id.as_bytes().contains(&0);
        is_taken.then_some((SseEvent { event_type: "message", data, last_event_id }, rest))
    }

    fn line(&mut self, mut line: &[u8], dispatch: &mut impl FnMut(SseEvent<'_>)) -> Result<(), TooLong> {
        if !self.past_first_line {
            self.past_first_line = true;
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        self.is_at_block_start = line.is_empty();
        if line.is_empty() {
            self.blank_line(dispatch);
            return Ok(());
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(0) => return Ok(()),
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        match name {
            b"data" => {
                if self.data.len() + value.len() > LONGEST_BYTES {
                    return Err(TooLong);
                }
                self.data.push_str(&String::from_utf8_lossy(value));
                self.data.push('\n');
            }
            b"event" => {
                self.event_type.clear();
                self.event_type.push_str(&String::from_utf8_lossy(value));
            }
            b"id" if !value.contains(&0) => {
                self.pending_id.clear();
                self.pending_id.push_str(&String::from_utf8_lossy(value));
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                // A number that does not fit is ignored: nobody could wait that long.
                self.retry_ms = String::from_utf8_lossy(value).parse().ok().or(self.retry_ms);
            }
            _ => {}
        }
        Ok(())
    }

    fn blank_line(&mut self, dispatch: &mut impl FnMut(SseEvent<'_>)) {
        self.last_event_id.clone_from(&self.pending_id);
        if !self.data.is_empty() {
            // Every data line has added a line feed; the last one is not part of the data.
            self.data.pop();
            dispatch(SseEvent {
                event_type: if self.event_type.is_empty() { "message" } else { &self.event_type },
                data: &self.data,
                last_event_id: &self.last_event_id,
            });
        }
        self.data.clear();
        self.event_type.clear();
    }
}

/// The text up to a line feed, and the bytes after it; none if there is no line feed, if a carriage return
/// comes before it, or if the text is not UTF-8.
fn line_of_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = memchr::memchr2(b'\n', b'\r', bytes).filter(|end| bytes[*end] == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}
