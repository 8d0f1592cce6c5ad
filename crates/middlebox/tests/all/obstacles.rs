//! The obstacles of the relay.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use contract::{Buffering, Network, Period};

use crate::wire::{Ending, Wire, carry, expect, is_silent, millis, to_end};

const MILLISECOND: Duration = Duration::from_millis(1);

#[test]
fn a_connection_on_which_nothing_passes_is_closed_on_both_sides() {
    // Long enough for a busy machine to set the connection up.
    let wire = Wire::new(Network { idle_timeout: Some(millis(1_000)), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    // All bytes pass after this instant.
    let start = Instant::now();
    carry(&mut subscriber, &mut server, b"hello");
    assert_eq!(to_end(&mut subscriber), (vec![], Ending::Fin));
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(to_end(&mut server), (vec![], Ending::Fin));
    assert_eq!(wire.relay.stop().idled_out, 1);
}

#[test]
fn traffic_in_one_direction_keeps_a_connection_open() {
    const TIMEOUT: Duration = Duration::from_secs(2);
    // The pauses are a fortieth of the timeout, so that a busy machine does not decide.
    let wire = Wire::new(Network { idle_timeout: Some(Period(TIMEOUT)), ..Network::default() });
    let (mut upwards, mut downwards) = (wire.connect(), wire.connect());
    let start = Instant::now();
    while start.elapsed() < TIMEOUT + TIMEOUT / 4 {
        std::thread::sleep(TIMEOUT / 40);
        carry(&mut upwards.0, &mut upwards.1, b".");
        carry(&mut downwards.1, &mut downwards.0, b".");
    }
    assert_eq!(wire.relay.stop().idled_out, 0);
}

#[test]
fn a_buffer_waits_for_enough_bytes() {
    let buffer = Buffering { bytes: 10, pause: millis(60_000) };
    let wire = Wire::new(Network { buffer: Some(buffer), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    carry(&mut subscriber, &mut server, b"what the subscriber sends is not held");
    server.write_all(b"12345").unwrap();
    assert!(is_silent(&mut subscriber, 50 * MILLISECOND));
    server.write_all(b"678").unwrap();
    assert!(is_silent(&mut subscriber, 50 * MILLISECOND));
    server.write_all(b"9abc").unwrap();
    expect(&mut subscriber, b"123456789abc");
    // The end of the connection forwards the rest of the buffer.
    server.write_all(b"rest").unwrap();
    drop(server);
    assert_eq!(to_end(&mut subscriber), (b"rest".to_vec(), Ending::Fin));
}

/// The buffer is larger than the queue of this line, which holds 64 KiB.
#[test]
fn a_buffer_holds_its_bytes_whatever_the_bandwidth() {
    let buffer = Buffering { bytes: 200_000, pause: millis(600_000) };
    let network = Network { bytes_per_second: Some(50_000_000), buffer: Some(buffer), ..Network::default() };
    let wire = Wire::new(network);
    let (mut subscriber, mut server) = wire.connect();
    let text = vec![b'x'; 200_000];
    server.write_all(&text[..150_000]).unwrap();
    assert!(is_silent(&mut subscriber, 50 * MILLISECOND));
    server.write_all(&text[150_000..]).unwrap();
    expect(&mut subscriber, &text);
}

#[test]
fn a_buffer_waits_no_longer_than_a_pause() {
    let buffer = Buffering { bytes: 1 << 40, pause: millis(80) };
    let wire = Wire::new(Network { buffer: Some(buffer), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    for _ in 0..3 {
        assert!(carry(&mut server, &mut subscriber, b"a line") >= 80 * MILLISECOND);
    }
    // Bytes without a pause stay in the buffer, but only up to its limit.
    let text = vec![b'x'; 3 << 20];
    let sent = text.clone();
    let writes = std::thread::spawn(move || server.write_all(&sent).map(|()| server));
    expect(&mut subscriber, &text);
    drop(writes.join().unwrap().unwrap());
    assert_eq!(to_end(&mut subscriber).1, Ending::Fin);
}

#[test]
fn a_connection_is_cut_after_its_time_however_busy_it_is() {
    // Long enough for two writes on a busy machine.
    const CUT_AFTER: Duration = Duration::from_secs(2);
    let wire = Wire::new(Network { cut_after: Some(Period(CUT_AFTER)), ..Network::default() });
    let start = Instant::now();
    let (mut subscriber, mut server) = wire.connect();
    let writes = std::thread::spawn(move || {
        while server.write_all(b"tick").is_ok() {
            std::thread::sleep(MILLISECOND);
        }
        server
    });
    let (came, ending) = to_end(&mut subscriber);
    assert!(start.elapsed() >= CUT_AFTER);
    assert_eq!(ending, Ending::Reset);
    assert!(came.starts_with(b"ticktick"));
    drop(writes.join().unwrap());
    assert_eq!(wire.relay.stop().cut, 1);
}

#[test]
fn a_connection_is_cut_after_exactly_so_many_bytes() {
    for bytes in [1, 1_000, 300_001] {
        let wire = Wire::new(Network { cut_after_bytes: Some(bytes), rtt: millis(4), ..Network::default() });
        let (mut subscriber, mut server) = wire.connect();
        carry(&mut subscriber, &mut server, b"only what comes from the server counts");
        let writes = std::thread::spawn(move || {
            // Much more than the relay forwards; the reset ends it.
            while server.write_all(&[b'x'; 5_000]).is_ok() {}
        });
        let (came, ending) = to_end(&mut subscriber);
        assert_eq!((came.len() as u64, ending), (bytes, Ending::Reset));
        writes.join().unwrap();
        let counts = wire.relay.stop();
        assert_eq!((counts.cut, counts.down.taken), (1, bytes));
    }
}

#[test]
fn a_connection_beyond_the_limit_is_turned_away() {
    let wire = Wire::new(Network { connections: Some(2), ..Network::default() });
    let (mut first, mut first_server) = wire.connect();
    let second = wire.connect();
    let mut third = wire.connect_subscriber();
    assert_eq!(to_end(&mut third), (vec![], Ending::Fin));
    carry(&mut first, &mut first_server, b"the others are served");
    drop(second);
    drop((first, first_server));
    // The relay frees a connection once it has seen both ends close.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut knocks = 3;
    while wire.relay.counts().relayed < 3 {
        let _again = wire.connect_subscriber();
        knocks += 1;
        loop {
            let counts = wire.relay.counts();
            if counts.relayed + counts.over_cap == knocks {
                break;
            }
            assert!(Instant::now() < deadline, "no place ever became free: {counts:?}");
            std::thread::sleep(MILLISECOND);
        }
    }
    let counts = wire.relay.stop();
    assert!(counts.over_cap >= 1);
    assert_eq!(counts.relayed, 3);
}

#[test]
fn a_black_hole_is_silent() {
    let wire = Wire::new(Network {
        // Long enough for an exchange on a busy machine.
        black_hole_after: Some(millis(2_000)),
        // The black hole also disables the cut.
        cut_after: Some(millis(2_050)),
        ..Network::default()
    });
    let (mut subscriber, mut server) = wire.connect();
    carry(&mut subscriber, &mut server, b"hello");
    while wire.relay.counts().swallowed == 0 {
        std::thread::sleep(MILLISECOND);
    }
    subscriber.write_all(b"anyone?").unwrap();
    server.write_all(b"anyone?").unwrap();
    assert!(is_silent(&mut subscriber, 150 * MILLISECOND));
    assert!(is_silent(&mut server, 50 * MILLISECOND));
    assert_eq!(wire.relay.counts().cut, 0);
    // When one side closes, the other side is reset.
    drop(subscriber);
    assert_eq!(to_end(&mut server), (vec![], Ending::Reset));
}

const HANDSHAKE: &[u8] = b"GET /websocket HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\n\
upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

#[test]
fn a_request_for_an_upgrade_is_answered_and_never_reaches_the_server() {
    let wire = Wire::new(Network { refuse_upgrade: true, rtt: millis(20), ..Network::default() });
    wire.door.set_nonblocking(true).unwrap();
    let start = Instant::now();
    let mut subscriber = wire.connect_subscriber();
    let (head, tail) = HANDSHAKE.split_at(30);
    subscriber.write_all(head).unwrap();
    std::thread::sleep(5 * MILLISECOND);
    subscriber.write_all(tail).unwrap();
    let (answer, ending) = to_end(&mut subscriber);
    assert!(start.elapsed() >= 40 * MILLISECOND, "two round trips");
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(ending, Ending::Fin);
    assert!(wire.door.accept().is_err(), "the server saw nothing");
    let counts = wire.relay.stop();
    assert_eq!((counts.upgrades_refused, counts.relayed), (1, 0));
}

#[test]
fn other_requests_and_what_is_encrypted_pass() {
    let wire = Wire::new(Network { refuse_upgrade: true, ..Network::default() });
    for opening in [
        &b"GET /sse HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        // The start of a TLS handshake record, with words in it that look like the header.
        b"\x16\x03\x01\x02\x00 upgrade: websocket\r\n\r\n",
        b"\xff\x00 no protocol at all",
    ] {
        let mut subscriber = wire.connect_subscriber();
        subscriber.write_all(opening).unwrap();
        let mut server = wire.accept();
        expect(&mut server, opening);
        carry(&mut server, &mut subscriber, b"answer");
        carry(&mut subscriber, &mut server, b"more");
    }
    // An incomplete request is forwarded when its sender closes.
    let mut subscriber = wire.connect_subscriber();
    subscriber.write_all(b"GET /websocket HTTP/1.1\r\nupgr").unwrap();
    subscriber.shutdown(std::net::Shutdown::Write).unwrap();
    let mut server = wire.accept();
    assert_eq!(to_end(&mut server).0, b"GET /websocket HTTP/1.1\r\nupgr");
    let counts = wire.relay.stop();
    assert_eq!((counts.upgrades_refused, counts.relayed), (0, 4));
}
