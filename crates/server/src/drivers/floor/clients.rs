//! Accepts clients, reads their requests and removes them.

use std::{
    io::{self, ErrorKind, Write},
    net::TcpStream,
    time::Instant,
};

use bytes::Bytes;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::{
    Floor, canned,
    connection::{Connection, Received},
    listen_for,
};
use crate::{drivers::http1_stream::Http1Stream, limits::turned_away, print_warning::print_warning};

impl Floor {
    pub(super) fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if self.connections.len() as u64 >= self.most_connections {
                        self.meter.refuse_connection();
                        // An error means that the client is gone.
                        let _ = (&stream).write_all(&turned_away());
                    } else if let Err(error) = self.set_up(stream) {
                        print_warning(format!("a connection could not be set up: {error}"));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_starved = false;
                    return;
                }
                // The client left before it was accepted, or a signal interrupted the call: try the next one.
                Err(error)
                    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => {
                    // Out of descriptors: open connections stay, and the next one that ends frees a descriptor.
                    print_warning(format!("a connection could not be accepted: {error}"));
                    self.is_starved = true;
                    return;
                }
            }
        }
    }

    fn set_up(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        // As on the real server: no small write waits for an acknowledgement.
        stream.set_nodelay(true)?;
        let entry = self.connections.vacant_entry();
        epoll::add(&self.epoll, &stream, EventData::new_u64(entry.key() as u64), EventFlags::IN)?;
        entry.insert(Connection::new(stream));
        self.counters.opened += 1;
        Ok(())
    }

    /// Writes to and reads from a connection that is ready.
    pub(super) fn serve(&mut self, key: usize, flags: EventFlags) {
        // The connection may have been removed earlier in the same turn.
        let Some(connection) = self.connections.get_mut(key) else { return };
        if flags.contains(EventFlags::OUT) {
            match connection.send_rest(&mut self.counters) {
                Ok(true) => self.on_writable(key),
                Ok(false) => {}
                Err(_) => return self.forget(key),
            }
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.receive(key);
        }
    }

    /// The kernel takes bytes of this connection again.
    fn on_writable(&mut self, key: usize) {
        if let Some(connection) = self.connections.get(key) {
            listen_for(&self.epoll, key, connection, EventFlags::IN);
        }
        match Http1Stream::of(self.pattern) {
            Some(stream) => self.catch_up(key, stream),
            None => self.answer(key),
        }
    }

    /// Sends a stream the events that it missed while the kernel took nothing.
    pub(super) fn catch_up(&mut self, key: usize, stream: Http1Stream) {
        while let Some(connection) = self.connections.get(key)
            && let Some(sent) = connection.sent
            && !connection.is_stuck()
            && let Some((bytes, seq)) = self.canned.next_after(stream, sent)
        {
            self.send(key, &bytes, seq);
        }
    }

    /// Reads from a client and answers whole requests; the start of a request is kept.
    fn receive(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let stream = Http1Stream::of(self.pattern);
        let is_streaming = connection.sent.is_some() && stream.is_some();
        let mut websocket_key = None;
        let received = connection.read(&mut self.buffer[..], is_streaming, &mut self.counters, |head| {
            if self.pattern.upgrades() {
                websocket_key = canned::key_of(head);
            } else if self.pattern.is_held() && self.hold.is_none() {
                self.hold = canned::hold_of(head);
                self.next_look = Instant::now();
            }
        });
        match received {
            Received::Nothing => {}
            Received::End => self.forget(key),
            // Bytes from a subscriber of a stream are dropped, except a close frame, which is answered with a
            // close frame (RFC 6455 §5.5.1).
            Received::OnStream(first) => {
                if stream == Some(Http1Stream::WebSocket) && first & 0x0f == 0x8 {
                    self.part(key, &canned::close_answer());
                }
            }
            Received::Requests(requests) => {
                self.counters.arrived += u64::from(requests);
                let Some(stream) = stream else {
                    connection.ask(requests, self.now_ms);
                    return self.answer(key);
                };
                // A stream is the answer to the first request; later requests cannot be answered.
                let Some((bytes, seq)) = self.canned.subscription(stream, websocket_key.as_deref()) else {
                    self.counters.refused += 1;
                    return self.part(key, &canned::no_key());
                };
                self.counters.answered += 1;
                self.send(key, &bytes, seq);
            }
        }
    }

    /// Sends the last bytes and closes.
    fn part(&mut self, key: usize, last: &Bytes) {
        if let Some(connection) = self.connections.get_mut(key)
            // No frame may be sent inside another one.
            && !connection.is_stuck()
        {
            // An error means that the client is gone.
            let _ = connection.send(last, &mut self.counters);
        }
        self.forget(key);
    }

    pub(super) fn forget(&mut self, key: usize) {
        if self.connections.try_remove(key).is_some() {
            self.counters.closed += 1;
            if self.is_starved {
                self.accept();
            }
        }
    }
}
