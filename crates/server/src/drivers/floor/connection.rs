//! One connection of the floor: the last event that it was sent, and incomplete reads and writes.

use std::{
    io::{self, Read, Write},
    mem,
    net::TcpStream,
    os::fd::{AsFd, BorrowedFd},
};

use bytes::Bytes;
use memchr::memmem;

use crate::meter::TurnCounters;

/// A longer request without a blank line is refused, as on the real server.
const LONGEST_HEAD_BYTES: usize = 16 << 10;

/// A connection. It is small because there are thousands: rare parts are boxed.
pub(super) struct Connection {
    stream: TcpStream,
    /// Number of the last event that it was sent; `None` before its first request.
    pub(super) sent: Option<u64>,
    /// Polls that wait for an answer.
    pub(super) asked: u32,
    /// When the first of them arrived.
    pub(super) asked_at_ms: u32,
    unfinished: Option<Box<Unfinished>>,
}

#[derive(Default)]
struct Unfinished {
    /// The start of a request.
    unread: Vec<u8>,
    /// The rest of a write that the kernel did not take.
    unsent: Bytes,
}

/// The result of a read.
pub(super) enum Received {
    /// Nothing yet.
    Nothing,
    /// The number of whole requests.
    Requests(u32),
    /// Bytes on a stream; the first of them is kept.
    OnStream(u8),
    /// The client has left, or does not send HTTP.
    End,
}

impl Connection {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream, sent: None, asked: 0, asked_at_ms: 0, unfinished: None }
    }

    /// Whether the kernel took less than it was given.
    pub(super) fn is_stuck(&self) -> bool {
        self.unfinished.as_ref().is_some_and(|unfinished| !unfinished.unsent.is_empty())
    }

    /// Notes polls that wait for an answer.
    pub(super) const fn ask(&mut self, polls: u32, now_ms: u32) {
        if self.asked == 0 {
            self.asked_at_ms = now_ms;
        }
        self.asked += polls;
    }

    /// One write. `false` if the kernel took only a part: the rest is kept and must be sent before anything
    /// else.
    pub(super) fn send(&mut self, bytes: &Bytes, counters: &mut TurnCounters) -> io::Result<bool> {
        let written = write(&self.stream, bytes)?;
        counters.bytes_out += written as u64;
        if written == bytes.len() {
            return Ok(true);
        }
        self.unfinished.get_or_insert_default().unsent = bytes.slice(written..);
        Ok(false)
    }

    /// Writes the rest of a partial write; `true` when all of it is sent.
    pub(super) fn send_rest(&mut self, counters: &mut TurnCounters) -> io::Result<bool> {
        let Some(unfinished) = &mut self.unfinished else { return Ok(true) };
        let written = write(&self.stream, &unfinished.unsent)?;
        counters.bytes_out += written as u64;
        let rest = unfinished.unsent.split_off(written);
        unfinished.unsent = rest;
        if !unfinished.unsent.is_empty() {
            return Ok(false);
        }
        if unfinished.unread.is_empty() {
            self.unfinished = None;
        }
        Ok(true)
    }

    /// One read. Calls `each` with the head of every whole request.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        is_streaming: bool,
        counters: &mut TurnCounters,
        each: impl FnMut(&[u8]),
    ) -> Received {
        let read = match (&self.stream).read(buffer) {
            Ok(0) => return Received::End,
            Ok(read) => read,
            Err(error) if is_later(&error) => return Received::Nothing,
            Err(_) => return Received::End,
        };
        counters.bytes_in += read as u64;
        if is_streaming {
            return Received::OnStream(buffer[0]);
        }
        let before = self.unfinished.as_mut().map(|unfinished| mem::take(&mut unfinished.unread));
        match before.filter(|before| !before.is_empty()) {
            None => self.take_requests(&buffer[..read], each),
            Some(mut joined) => {
                joined.extend_from_slice(&buffer[..read]);
                self.take_requests(&joined, each)
            }
        }
    }

    /// Counts the whole requests and keeps the start of another.
    fn take_requests(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) -> Received {
        let mut requests = 0;
        while let Some(end) = memmem::find(bytes, b"\r\n\r\n") {
            each(&bytes[..end]);
            bytes = &bytes[end + 4..];
            requests += 1;
        }
        if bytes.len() > LONGEST_HEAD_BYTES {
            return Received::End;
        }
        if !bytes.is_empty() {
            self.unfinished.get_or_insert_default().unread = bytes.to_vec();
        }
        if requests == 0 { Received::Nothing } else { Received::Requests(requests) }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Writes without waiting; returns how much the kernel took.
fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if is_later(&error) => Ok(0),
        other => other,
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
