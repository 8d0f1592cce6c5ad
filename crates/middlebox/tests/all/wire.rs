//! Both ends of a relay, as plain blocking sockets.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

use contract::{Network, Period};
use middlebox::{Relay, RelaySettings};

pub(crate) fn millis(milliseconds: u64) -> Period {
    Period::from_millis(milliseconds)
}

/// A relay to a listener of the test.
pub(crate) struct Wire {
    pub(crate) relay: Relay,
    pub(crate) door: TcpListener,
}

impl Wire {
    pub(crate) fn new(network: Network) -> Self {
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay::start(settings(door.local_addr().unwrap(), network)).unwrap();
        Self { relay, door }
    }

    /// A connection's two ends: the subscriber's and the server's.
    pub(crate) fn connect(&self) -> (TcpStream, TcpStream) {
        let subscriber = self.connect_subscriber();
        (subscriber, self.accept())
    }

    /// The server's end of a connection that a subscriber has opened.
    pub(crate) fn accept(&self) -> TcpStream {
        self.door.set_nonblocking(true).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.door.accept() {
                Ok((server, _)) => {
                    server.set_nonblocking(false).unwrap();
                    patient(&server);
                    return server;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
            assert!(Instant::now() < deadline, "the relay does not connect to the server");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The subscriber's end only.
    pub(crate) fn connect_subscriber(&self) -> TcpStream {
        let subscriber = TcpStream::connect(self.relay.address()).unwrap();
        patient(&subscriber);
        subscriber
    }
}

pub(crate) fn settings(to: SocketAddr, network: Network) -> RelaySettings {
    RelaySettings { listen: "127.0.0.1:0".parse().unwrap(), to, network, max_segment: 1_460, seed: 7 }
}

/// Sets a read timeout, so that a test fails instead of waiting for ever.
fn patient(stream: &TcpStream) {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
}

/// Sends a text in one direction; returns how long it took.
pub(crate) fn carry(from: &mut TcpStream, to: &mut TcpStream, text: &[u8]) -> Duration {
    let start = Instant::now();
    from.write_all(text).unwrap();
    expect(to, text);
    start.elapsed()
}

/// Reads exactly this text.
pub(crate) fn expect(from: &mut TcpStream, text: &[u8]) {
    let mut read = vec![0; text.len()];
    from.read_exact(&mut read).unwrap();
    assert_eq!(read, text);
}

/// Reads once. A read may fail with `EINTR` when a stopped process continues (signal(7)).
pub(crate) fn read(from: &mut TcpStream, into: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// The rest of a stream, and how it ends.
pub(crate) fn to_end(stream: &mut TcpStream) -> (Vec<u8>, Ending) {
    let (mut all, mut some) = (Vec::new(), [0; 8_192]);
    loop {
        match read(stream, &mut some) {
            Ok(0) => return (all, Ending::Fin),
            Ok(read) => all.extend_from_slice(&some[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (all, Ending::Reset),
            Err(error) => panic!("after {} bytes: {error}", all.len()),
        }
    }
}

/// Whether nothing arrives, not even an end, for this time.
pub(crate) fn is_silent(stream: &mut TcpStream, time: Duration) -> bool {
    stream.set_read_timeout(Some(time)).unwrap();
    let silent = matches!(
        read(stream, &mut [0; 64]),
        Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind())
    );
    patient(stream);
    silent
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Fin,
    Reset,
}
