//! Those who come, ask and leave.

use std::{
    io::{self, ErrorKind, Write},
    net::TcpStream,
    time::Instant,
};

use bytes::Bytes;
use contract::Pattern;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::{
    Floor,
    connection::{Connection, Heard},
    listen_for, rote, streams,
};
use crate::{complain::complain, plane::TURNED_AWAY};

impl Floor {
    pub(super) fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if self.connections.len() as u64 >= self.most_connections {
                        self.meter.refuse_connection();
                        // Whether it still listens is its own affair.
                        let _ = (&stream).write_all(TURNED_AWAY);
                    } else if let Err(error) = self.welcome(stream) {
                        complain(format!("a connection could not be set up: {error}"));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_starved = false;
                    return;
                }
                // It left before it was accepted, or a signal came between: the others are still there.
                Err(error)
                    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => {
                    // Out of descriptors: who is connected stays, and the next one who leaves makes room.
                    complain(format!("a connection could not be accepted: {error}"));
                    self.is_starved = true;
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        // As on the real server: no small write waits for an acknowledgement.
        stream.set_nodelay(true)?;
        let entry = self.connections.vacant_entry();
        epoll::add(&self.epoll, &stream, EventData::new_u64(entry.key() as u64), EventFlags::IN)?;
        entry.insert(Connection::new(stream));
        self.sums.opened += 1;
        Ok(())
    }

    /// Does what a connection is ready for.
    pub(super) fn serve(&mut self, key: usize, flags: EventFlags) {
        // Its place may have been given up earlier in the same turn.
        let Some(connection) = self.connections.get_mut(key) else { return };
        if flags.contains(EventFlags::OUT) {
            match connection.send_rest(&mut self.sums) {
                Ok(true) => self.go_on(key),
                Ok(false) => {}
                Err(_) => return self.forget(key),
            }
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.hear(key);
        }
    }

    /// The kernel takes bytes of this connection again.
    fn go_on(&mut self, key: usize) {
        if let Some(connection) = self.connections.get(key) {
            listen_for(&self.epoll, key, connection, EventFlags::IN);
        }
        match self.pattern {
            Pattern::ShortPolling | Pattern::LongPolling => self.answer(key),
            Pattern::Sse | Pattern::WebSocket => self.catch_up(key),
        }
    }

    /// Sends a stream what it missed while the kernel took nothing.
    pub(super) fn catch_up(&mut self, key: usize) {
        while let Some(connection) = self.connections.get(key)
            && let Some(sent) = connection.sent
            && !connection.is_stuck()
            && let Some((bytes, seq)) = self.rote.next_after(sent)
        {
            self.send(key, &bytes, seq);
        }
    }

    /// Reads what a client says: whole requests are answered, everything else waits.
    fn hear(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let is_streaming = connection.sent.is_some() && streams(self.pattern);
        let mut websocket_key = None;
        let heard =
            connection.read(&mut self.buffer[..], is_streaming, &mut self.sums, |head| match self.pattern {
                Pattern::WebSocket => websocket_key = rote::key_of(head),
                Pattern::LongPolling if self.hold.is_none() => {
                    self.hold = rote::hold_of(head);
                    self.next_look = Instant::now();
                }
                Pattern::LongPolling | Pattern::ShortPolling | Pattern::Sse => {}
            });
        match heard {
            Heard::Nothing => {}
            Heard::End => self.forget(key),
            // What a subscriber says on a stream is dropped, except that it wants to leave (RFC 6455
            // §5.5.1: a close is answered by a close).
            Heard::OnStream(first) => {
                if self.pattern == Pattern::WebSocket && first & 0x0f == 0x8 {
                    self.part(key, &rote::CLOSE_ANSWER);
                }
            }
            Heard::Requests(requests) if streams(self.pattern) => {
                // A stream is the answer to the first request; nothing can be answered behind it.
                self.sums.arrived += u64::from(requests);
                if self.pattern == Pattern::WebSocket && websocket_key.is_none() {
                    self.sums.refused += 1;
                    return self.part(key, &rote::NO_KEY);
                }
                let (bytes, seq) = self.rote.subscription(websocket_key.as_deref());
                self.sums.answered += 1;
                self.send(key, &bytes, seq);
            }
            Heard::Requests(requests) => {
                self.sums.arrived += u64::from(requests);
                connection.ask(requests, self.now_ms);
                self.answer(key);
            }
        }
    }

    /// Says a last word and closes.
    fn part(&mut self, key: usize, word: &Bytes) {
        if let Some(connection) = self.connections.get_mut(key)
            // In the middle of a frame no other can begin.
            && !connection.is_stuck()
        {
            // Whether it still listens is its own affair.
            let _ = connection.send(word, &mut self.sums);
        }
        self.forget(key);
    }

    pub(super) fn forget(&mut self, key: usize) {
        if self.connections.try_remove(key).is_some() {
            self.sums.closed += 1;
            if self.is_starved {
                self.accept();
            }
        }
    }
}
