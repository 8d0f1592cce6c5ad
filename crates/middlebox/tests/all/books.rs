//! The relay's byte counts: in each direction and with every obstacle, every byte is accounted for.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use contract::{Buffering, DirectionCounts, Network, RelayCounts};

use crate::wire::{Ending, Wire, carry, expect, is_silent, millis, to_end};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Waits until the relay's counts satisfy a condition.
fn until(wire: &Wire, is_so: impl Fn(&RelayCounts) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so(&wire.relay.counts()) {
        assert!(Instant::now() < deadline, "{:?}", wire.relay.counts());
        std::thread::sleep(MILLISECOND);
    }
}

/// The counts of a relay at its end. In each direction every byte must be accounted for.
fn books(wire: Wire) -> [DirectionCounts; 2] {
    let RelayCounts { up, down, .. } = wire.relay.stop();
    for way in [up, down] {
        assert_eq!(way.taken + way.made, way.delivered + way.discarded + way.held, "{way:?}");
    }
    [up, down]
}

/// The counts of a direction in which all bytes were delivered.
fn passed(bytes: u64) -> DirectionCounts {
    DirectionCounts { taken: bytes, delivered: bytes, ..DirectionCounts::default() }
}

#[test]
fn bytes_pass_without_obstacle_and_through_a_narrow_line() {
    for network in [
        Network::default(),
        Network { rtt: millis(4), jitter: millis(2), ..Network::default() },
        Network { bytes_per_second: Some(100_000), ..Network::default() },
    ] {
        let wire = Wire::new(network);
        let (mut subscriber, mut server) = wire.connect();
        carry(&mut subscriber, &mut server, b"ping");
        carry(&mut server, &mut subscriber, b"pong!");
        drop(subscriber);
        assert_eq!(to_end(&mut server).1, Ending::Fin);
        assert_eq!(books(wire), [passed(4), passed(5)]);
    }
}

#[test]
fn what_is_on_its_way_when_the_relay_ends_is_held() {
    let wire = Wire::new(Network { rtt: millis(600_000), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    subscriber.write_all(b"up").unwrap();
    server.write_all(b"down").unwrap();
    until(&wire, |counts| counts.up.held == 2 && counts.down.held == 4);
    let held = |bytes| DirectionCounts { taken: bytes, held: bytes, broken: 1, ..DirectionCounts::default() };
    assert_eq!(books(wire), [held(2), held(4)]);
}

#[test]
fn what_a_buffer_gathers_is_held() {
    let buffer = Buffering { bytes: 1 << 20, pause: millis(600_000) };
    let wire = Wire::new(Network { buffer: Some(buffer), ..Network::default() });
    let (_subscriber, mut server) = wire.connect();
    server.write_all(b"gathered").unwrap();
    until(&wire, |counts| counts.down.taken == 8);
    let held = DirectionCounts { taken: 8, held: 8, broken: 1, ..DirectionCounts::default() };
    assert_eq!(books(wire), [passed(0), held]);
}

#[test]
fn what_is_on_its_way_when_a_connection_ends_is_discarded() {
    let slow = Network { rtt: millis(600_000), ..Network::default() };
    for network in [
        Network { cut_after: Some(millis(300)), ..slow },
        Network { idle_timeout: Some(millis(300)), ..slow },
    ] {
        let wire = Wire::new(network);
        let (mut subscriber, mut server) = wire.connect();
        subscriber.write_all(b"up").unwrap();
        server.write_all(b"down").unwrap();
        until(&wire, |counts| counts.up.discarded == 2 && counts.down.discarded == 4);
        let lost = |bytes| DirectionCounts {
            taken: bytes,
            discarded: bytes,
            broken: 1,
            ..DirectionCounts::default()
        };
        assert_eq!(books(wire), [lost(2), lost(4)]);
    }
}

#[test]
fn what_is_answered_to_the_end_of_an_idle_connection_is_discarded() {
    let wire = Wire::new(Network { idle_timeout: Some(millis(300)), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    assert_eq!(to_end(&mut server), (vec![], Ending::Fin));
    // A TLS server also sends an alert when it closes.
    server.write_all(b"closing").unwrap();
    drop(server);
    assert_eq!(to_end(&mut subscriber), (vec![], Ending::Fin));
    drop(subscriber);
    until(&wire, |counts| counts.down.broken == 1);
    let lost = DirectionCounts { taken: 7, discarded: 7, broken: 1, ..DirectionCounts::default() };
    assert_eq!(books(wire), [passed(0), lost]);
}

#[test]
fn what_comes_beyond_the_cut_is_left_unread() {
    let wire = Wire::new(Network { cut_after_bytes: Some(1_000), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    server.write_all(&[b'x'; 1_300]).unwrap();
    assert_eq!(to_end(&mut subscriber), (vec![b'x'; 1_000], Ending::Reset));
    until(&wire, |counts| counts.down.broken == 1);
    assert_eq!(books(wire), [passed(0), DirectionCounts { unread: 300, broken: 1, ..passed(1_000) }]);
}

#[test]
fn what_a_black_hole_swallows_is_discarded() {
    let wire = Wire::new(Network { black_hole_after: Some(millis(1_000)), ..Network::default() });
    let (mut subscriber, mut server) = wire.connect();
    carry(&mut subscriber, &mut server, b"hello");
    until(&wire, |counts| counts.swallowed == 1);
    subscriber.write_all(b"anyone?").unwrap();
    server.write_all(b"no").unwrap();
    until(&wire, |counts| counts.up.discarded == 7 && counts.down.discarded == 2);
    drop(subscriber);
    assert_eq!(to_end(&mut server), (vec![], Ending::Reset));
    let lost =
        |discarded| DirectionCounts { taken: discarded, discarded, broken: 1, ..DirectionCounts::default() };
    assert_eq!(books(wire), [DirectionCounts { taken: 12, delivered: 5, ..lost(7) }, lost(2)]);
}

#[test]
fn a_refused_upgrade_is_discarded_and_its_answer_made() {
    const REQUEST: &[u8] = b"GET /websocket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\r\n";
    let wire = Wire::new(Network { refuse_upgrade: true, ..Network::default() });
    let mut subscriber = wire.connect_subscriber();
    subscriber.write_all(REQUEST).unwrap();
    let (answer, ending) = to_end(&mut subscriber);
    assert_eq!(ending, Ending::Fin);
    drop(subscriber);
    until(&wire, |counts| counts.up.broken == 1);
    let (asked, made) = (REQUEST.len() as u64, answer.len() as u64);
    let refused = DirectionCounts { taken: asked, discarded: asked, broken: 1, ..DirectionCounts::default() };
    assert_eq!(
        books(wire),
        [refused, DirectionCounts { made, delivered: made, ..DirectionCounts::default() }]
    );
}

#[test]
fn what_was_asked_beyond_the_cap_is_unread_or_was_never_taken() {
    let wire = Wire::new(Network { connections: Some(1), ..Network::default() });
    let (mut first, mut server) = wire.connect();
    let mut second = wire.connect_subscriber();
    assert_eq!(to_end(&mut second).1, Ending::Fin);
    // Its connection is closed: no kernel accepts these bytes.
    second.write_all(b"is anybody there?").unwrap();
    carry(&mut first, &mut server, b"hello");
    assert_eq!(books(wire), [passed(5), passed(0)]);
}

#[test]
fn what_was_delivered_to_somebody_who_had_left_is_told() {
    let wire = Wire::new(Network::default());
    let (subscriber, mut server) = wire.connect();
    drop(subscriber);
    assert_eq!(to_end(&mut server).1, Ending::Fin);
    server.write_all(b"anyone?").unwrap();
    until(&wire, |counts| counts.down.delivered == 7);
    // The kernel of a process that has closed its socket answers with a reset.
    while server.write_all(b"?").is_ok() {
        std::thread::sleep(MILLISECOND);
    }
    until(&wire, |counts| counts.down.broken == 1);
    let [up, down] = books(wire);
    assert_eq!(up, passed(0));
    assert_eq!(down.unacknowledged, down.delivered, "no byte was acknowledged: {down:?}");
    assert!(down.delivered >= 7, "{down:?}");
}

#[test]
fn half_a_connection_is_read_to_its_end() {
    let wire = Wire::new(Network::default());
    let (mut subscriber, mut server) = wire.connect();
    subscriber.write_all(b"all").unwrap();
    subscriber.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(to_end(&mut server), (b"all".to_vec(), Ending::Fin));
    carry(&mut server, &mut subscriber, b"answer");
    assert!(is_silent(&mut subscriber, 20 * MILLISECOND));
    server.write_all(b"more").unwrap();
    expect(&mut subscriber, b"more");
    drop((subscriber, server));
    assert_eq!(books(wire), [passed(3), passed(10)]);
}
