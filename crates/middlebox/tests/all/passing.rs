//! Bytes through the relay arrive complete, in order, and never early.

use std::{
    io::{ErrorKind, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use contract::Network;
use sha2::{Digest, Sha256};
use socket2::{Domain, SockRef, Socket, Type};

use crate::wire::{Ending, Wire, carry, expect, is_silent, millis, read, settings, to_end};

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn without_settings_everything_is_passed_on_and_counted() {
    let wire = Wire::new(Network::default());
    let (mut subscriber, mut server) = wire.connect();
    carry(&mut subscriber, &mut server, b"ping");
    carry(&mut server, &mut subscriber, b"pong!");
    drop(subscriber);
    assert_eq!(to_end(&mut server).1, Ending::Fin);
    let counts = wire.relay.stop();
    assert_eq!((counts.relayed, counts.up.taken, counts.down.delivered), (1, 4, 5));
}

#[test]
fn a_delay_is_never_less_than_asked_in_either_direction() {
    let wire = Wire::new(Network { rtt: millis(40), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    // Connection set-up costs one more round trip, once.
    assert!(carry(&mut subscriber, &mut server, b"first") >= 60 * MILLISECOND);
    for _ in 0..10 {
        assert!(carry(&mut subscriber, &mut server, b"up") >= 20 * MILLISECOND);
        assert!(carry(&mut server, &mut subscriber, b"down") >= 20 * MILLISECOND);
    }
}

#[test]
fn what_follows_the_first_bytes_waits_behind_them() {
    let wire = Wire::new(Network { rtt: millis(40), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    let start = Instant::now();
    for letter in b"abc" {
        subscriber.write_all(&[*letter]).unwrap();
        std::thread::sleep(MILLISECOND);
    }
    expect(&mut server, b"abc");
    assert!(start.elapsed() >= 60 * MILLISECOND);
}

/// Writes megabytes in uneven pieces; returns the hash of all of them.
fn pour(stream: &mut TcpStream, bytes: usize, seed: u8) -> Vec<u8> {
    let (mut hash, mut left, mut piece) = (Sha256::new(), bytes, 1);
    let mut value = seed;
    while left > 0 {
        piece = (piece * 7 + 13) % 20_011 + 1;
        let text: Vec<u8> = (0..piece.min(left))
            .map(|_| {
                value = value.wrapping_mul(5).wrapping_add(17);
                value
            })
            .collect();
        stream.write_all(&text).unwrap();
        hash.update(&text);
        left -= text.len();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    hash.finalize().to_vec()
}

fn drink(stream: &mut TcpStream) -> Vec<u8> {
    let (mut hash, mut some) = (Sha256::new(), [0; 10_007]);
    loop {
        match read(stream, &mut some).unwrap() {
            0 => return hash.finalize().to_vec(),
            read => hash.update(&some[..read]),
        }
    }
}

#[test]
fn megabytes_arrive_whole_and_in_order_both_ways_at_once_under_jitter() {
    const BYTES: usize = 4 << 20;
    for network in [
        Network { rtt: millis(4), jitter: millis(5), ..Network::default() },
        Network { jitter: millis(1), bytes_per_second: Some(40 << 20), ..Network::default() },
    ] {
        let wire = Wire::new(network);
        let (subscriber, server) = wire.connect();
        let start = |stream: &TcpStream, seed| {
            let (mut writes, mut reads) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
            let poured = std::thread::spawn(move || pour(&mut writes, BYTES, seed));
            (poured, std::thread::spawn(move || drink(&mut reads)))
        };
        let (up, from_server) = start(&subscriber, 3);
        let (down, from_subscriber) = start(&server, 200);
        assert_eq!(up.join().unwrap(), from_subscriber.join().unwrap());
        assert_eq!(down.join().unwrap(), from_server.join().unwrap());
        let counts = wire.relay.stop();
        assert_eq!((counts.up.taken, counts.down.delivered), (BYTES as u64, BYTES as u64));
    }
}

#[test]
fn a_line_carries_no_more_than_it_may() {
    const BYTES: usize = 60_000;
    let wire = Wire::new(Network { bytes_per_second: Some(300_000), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    let text = vec![b'x'; BYTES];
    assert!(carry(&mut server, &mut subscriber, &text) >= Duration::from_millis(200));
    assert!(carry(&mut subscriber, &mut server, &text) >= Duration::from_millis(200));
}

#[test]
fn a_line_carries_whole_segments() {
    const SEGMENTS: usize = 6;
    let wire = Wire::new(Network { bytes_per_second: Some(30_000), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    let segment = SockRef::from(&subscriber).tcp_mss().unwrap() as usize;
    // The segment sizes on Ethernet with TCP timestamps and without.
    assert!([1_448, 1_460].contains(&segment), "{segment}");
    let text = vec![b'x'; SEGMENTS * segment];
    for one_way in [true, false] {
        let (from, to) =
            if one_way { (&mut subscriber, &mut server) } else { (&mut server, &mut subscriber) };
        from.write_all(&text).unwrap();
        let mut came = 0;
        while came < text.len() {
            let bytes = read(to, &mut vec![0; text.len()]).unwrap();
            assert!(
                bytes > 0 && bytes.is_multiple_of(segment),
                "{bytes} bytes after {came} are no whole segments"
            );
            came += bytes;
        }
    }
}

#[test]
fn who_does_not_read_stops_who_sends() {
    const MOST: usize = 64 << 20;
    let wire = Wire::new(Network { rtt: millis(2), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    server.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let text = vec![b'x'; 64 << 10];
    let mut sent = 0;
    let stopped = loop {
        match server.write(&text) {
            Ok(written) => sent += written,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break error.kind(),
        }
        assert!(sent < MOST, "the relay swallows without end");
    };
    assert!([ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&stopped), "{stopped}");
    // No byte is lost.
    drop(server);
    let (came, _) = to_end(&mut subscriber);
    assert_eq!(came.len(), sent);
}

#[test]
fn half_a_connection_can_be_closed() {
    let wire = Wire::new(Network { rtt: millis(20), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    subscriber.write_all(b"question").unwrap();
    subscriber.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_end(&mut server), (b"question".to_vec(), Ending::Fin));
    carry(&mut server, &mut subscriber, b"a late answer");
    drop(server);
    assert_eq!(to_end(&mut subscriber), (vec![], Ending::Fin));
}

#[test]
fn an_end_takes_as_long_as_bytes() {
    let wire = Wire::new(Network { rtt: millis(60), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    carry(&mut subscriber, &mut server, b"set up");
    let start = Instant::now();
    drop(server);
    assert_eq!(to_end(&mut subscriber).1, Ending::Fin);
    assert!(start.elapsed() >= 30 * MILLISECOND);
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

#[test]
fn a_reset_arrives_as_a_reset_behind_the_bytes_before_it() {
    let wire = Wire::new(Network { rtt: millis(20), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    subscriber.write_all(b"last bytes").unwrap();
    // A reset discards bytes that the receiver has not read, so wait until the relay has read them.
    while wire.relay.counts().up.taken < 8 {
        std::thread::yield_now();
    }
    let start = Instant::now();
    reset(subscriber);
    expect(&mut server, b"last bytes");
    assert_eq!(to_end(&mut server), (vec![], Ending::Reset));
    assert!(start.elapsed() >= 10 * MILLISECOND);

    let (mut subscriber, server) = wire.connect();
    reset(server);
    assert_eq!(to_end(&mut subscriber), (vec![], Ending::Reset));
}

#[test]
fn a_subscriber_that_goes_while_being_sent_to_is_heard_of() {
    let wire = Wire::new(Network { rtt: millis(4), ..Network::default() });
    let (subscriber, mut server) = wire.connect();
    drop(subscriber);
    assert_eq!(to_end(&mut server).1, Ending::Fin);
    // The receiver is gone: its kernel answers with a reset.
    let ended = loop {
        if let Err(error) = server.write_all(b"anyone?") {
            break error.kind();
        }
        std::thread::sleep(MILLISECOND);
    };
    assert!([ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&ended), "{ended}");
}

#[test]
fn a_server_that_is_not_there_resets_the_subscriber() {
    // The port is bound, so that no other process gets it, but nothing listens on it.
    let taken = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    taken.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let nobody = taken.local_addr().unwrap().as_socket().unwrap();
    let relay = middlebox::Relay::start(settings(nobody, Network::default())).unwrap();
    let mut subscriber = TcpStream::connect(relay.address()).unwrap();
    assert_eq!(to_end(&mut subscriber), (vec![], Ending::Reset));
    let counts = relay.stop();
    assert_eq!((counts.unreachable, counts.relayed), (1, 0));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let here = "127.0.0.1:9".parse().unwrap();
    let start = |settings| middlebox::Relay::start(settings).unwrap_err().to_string();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (address, taken)).unwrap();
    let plain = settings(here, Network::default());
    let reported = start(middlebox::RelaySettings { listen: taken.0, ..plain });
    assert!(reported.contains("is taken by another process") && reported.contains("port 0"), "{reported}");
    let reported = start(middlebox::RelaySettings { to: "192.0.2.1:80".parse().unwrap(), ..plain });
    assert!(reported.contains("192.0.2.1:80 is not on loopback"), "{reported}");
    let reported = start(settings(here, Network { bytes_per_second: Some(0), ..Network::default() }));
    assert!(reported.contains("bytes per second is 0"), "{reported}");
}

#[test]
fn a_relay_that_ends_takes_its_connections_along() {
    let wire = Wire::new(Network { rtt: millis(2), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    carry(&mut subscriber, &mut server, b"hello");
    assert!(is_silent(&mut subscriber, 20 * MILLISECOND));
    assert_eq!(wire.relay.stop().relayed, 1);
    to_end(&mut subscriber);
    to_end(&mut server);
}
