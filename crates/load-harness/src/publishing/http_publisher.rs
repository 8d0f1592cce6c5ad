//! Publishing by HTTP: one POST per event over one connection, in order, never two in flight. It runs on the
//! pacing thread itself. So if an answer takes longer than the gap to the next event, that event is published
//! late, and both its lateness and its age show that.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use contract::{EventType, PublishRequest};
use http::StatusCode;

use crate::data::reading::{Unreadable, read_answer};

/// Longest wait for an answer; only a server that hangs takes that long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error("the publisher's connection failed: {0}")]
    Socket(#[from] io::Error),
    #[error("the server answered the publisher with {0}")]
    Status(StatusCode),
    #[error("the server's answer to the publisher cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
}

/// Where and how to publish events.
#[derive(Debug, Clone)]
pub(crate) struct PublishAddress {
    pub(crate) server: SocketAddr,
    pub(crate) request: PublishRequest,
    /// Whether the server accepts an event's type as `?type=`.
    pub(crate) takes_types: bool,
}

/// Counters of the publisher's sockets, and a handle to close the open one from outside.
#[derive(Debug, Default)]
pub(crate) struct HttpPublisherCounts {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) connections: AtomicU64,
    open: Mutex<Option<TcpStream>>,
}

impl HttpPublisherCounts {
    /// Whether a connection is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Closes the connection, which also ends a wait for an answer.
    pub(crate) fn close(&self) {
        if let Some(stream) = self.open.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // An error means that it is closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Posts events.
#[derive(Debug)]
pub(crate) struct HttpPublisher {
    address: PublishAddress,
    stream: Option<TcpStream>,
    counts: Arc<HttpPublisherCounts>,
    /// Used for the request when it is written, then for the answer as it comes.
    buffer: Vec<u8>,
}

impl HttpPublisher {
    pub(crate) fn new(address: PublishAddress, counts: Arc<HttpPublisherCounts>) -> Self {
        Self { address, stream: None, counts, buffer: Vec::with_capacity(1 << 10) }
    }

    /// Opens the connection in advance, so that the first event is not delayed by it.
    pub(crate) fn connect(&mut self) -> Result<(), PostError> {
        let stream = TcpStream::connect_timeout(&self.address.server, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        self.counts.connections.fetch_add(1, Relaxed);
        *self.counts.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream.try_clone()?);
        self.stream = Some(stream);
        Ok(())
    }

    /// Publishes a text and waits for the answer. After a failure the next event gets a new connection; the
    /// failed event is not sent again, because it may have arrived.
    pub(crate) fn post(&mut self, event_type: Option<&EventType>, text: &str) -> Result<(), PostError> {
        if self.stream.is_none() {
            self.connect()?;
        }
        let outcome = self.exchange(event_type, text);
        match outcome {
            Ok(true) => {}
            Ok(false) | Err(_) => {
                self.stream = None;
                self.counts.close();
            }
        }
        outcome.map(drop)
    }

    /// One exchange. Returns `true` if the connection can be used again.
    fn exchange(&mut self, event_type: Option<&EventType>, text: &str) -> Result<bool, PostError> {
        let PublishAddress { server, request, takes_types } = &self.address;
        let Some(stream) = &mut self.stream else { return Ok(false) };
        let kind = match event_type {
            Some(name) if *takes_types => format!("?type={name}"),
            Some(_) | None => String::new(),
        };
        self.buffer.clear();
        write!(
            self.buffer,
            "{} {}{kind} HTTP/1.1\r\nhost: {server}\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n{text}",
            request.method,
            request.path,
            request.content_type,
            text.len()
        )?;
        stream.write_all(&self.buffer)?;
        self.counts.sent.fetch_add(self.buffer.len() as u64, Relaxed);

        self.buffer.clear();
        loop {
            let mut piece = [0; 1 << 10];
            let read = stream.read(&mut piece)?;
            self.counts.received.fetch_add(read as u64, Relaxed);
            self.buffer.extend_from_slice(&piece[..read]);
            if let Some(answer) = read_answer(&self.buffer, read == 0)? {
                let (status, stays_open) = (answer.head.status, !answer.head.closes() && read > 0);
                return if status.is_success() { Ok(stays_open) } else { Err(PostError::Status(status)) };
            }
            if read == 0 {
                return Err(PostError::Socket(ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    fn address(listener: &TcpListener) -> PublishAddress {
        PublishAddress {
            server: listener.local_addr().unwrap(),
            request: PublishRequest {
                method: "POST".to_owned(),
                path: "/events".to_owned(),
                content_type: "text/plain".to_owned(),
            },
            takes_types: true,
        }
    }

    /// A server that answers the requests of one connection with these answers, one each, and returns the
    /// requests.
    fn answering(listener: TcpListener, answers: &'static [&'static str]) -> thread::JoinHandle<Vec<String>> {
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            for answer in answers {
                let mut request = [0; 1_000];
                let length = stream.read(&mut request).unwrap();
                asked.push(String::from_utf8(request[..length].to_vec()).unwrap());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            asked
        })
    }

    #[test]
    fn events_go_over_one_connection_and_every_byte_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, counts) = (address(&listener), Arc::new(HttpPublisherCounts::default()));
        let answers =
            &["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"];
        let server = answering(listener, answers);
        let mut publisher = HttpPublisher::new(address, Arc::clone(&counts));
        publisher.post(None, "one").unwrap();
        publisher.post(Some(&"trade".parse().unwrap()), "two").unwrap();
        let asked = server.join().unwrap();
        assert!(asked[0].starts_with("POST /events HTTP/1.1\r\n") && asked[0].ends_with("\r\n\r\none"));
        assert!(asked[1].starts_with("POST /events?type=trade HTTP/1.1\r\n"), "{}", asked[1]);
        assert_eq!(counts.connections.load(Relaxed), 1);
        assert_eq!(counts.sent.load(Relaxed), asked.iter().map(String::len).sum::<usize>() as u64);
        assert_eq!(
            counts.received.load(Relaxed),
            answers.iter().map(|text| text.len()).sum::<usize>() as u64
        );
    }

    #[test]
    fn a_refusal_and_a_lost_connection_are_errors_and_not_sent_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, counts) = (address(&listener), Arc::new(HttpPublisherCounts::default()));
        let server = answering(listener, &["HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"]);
        let mut publisher = HttpPublisher::new(address, Arc::clone(&counts));
        assert!(matches!(
            publisher.post(None, "one"),
            Err(PostError::Status(StatusCode::INTERNAL_SERVER_ERROR))
        ));
        assert_eq!(server.join().unwrap().len(), 1);
        // The listener is gone with its thread.
        assert!(matches!(publisher.post(None, "two"), Err(PostError::Socket(_))));
    }
}
