//! The cost of the relay: a small exchange and a long stream, each with and without the relay.
#![allow(missing_docs, reason = "the macros of criterion make public items")]

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
};

use contract::Network;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use middlebox::{Relay, RelaySettings};

/// Bytes of an event with its framing.
const SMALL: usize = 128;
const LARGE: usize = 1 << 20;

/// An echo server. Its threads end with their connections.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let (mut from, mut to) = (&stream, &stream);
                let _ = std::io::copy(&mut from, &mut to);
            });
        }
    });
    address
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("a server listens there");
    stream.set_nodelay(true).expect("it is a TCP socket");
    stream
}

/// Sends bytes and reads them back. Large messages have a separate writer thread, because the buffers of both
/// sides do not hold them.
fn exchange(stream: &TcpStream, bytes: &[u8], back: &mut [u8]) {
    thread::scope(|scope| {
        if bytes.len() > SMALL {
            scope.spawn(|| { stream }.write_all(bytes).expect("the other side reads"));
        } else {
            { stream }.write_all(bytes).expect("the other side reads");
        }
        { stream }.read_exact(back).expect("everything comes back");
    });
}

fn passing(criterion: &mut Criterion) {
    let server = echo();
    let settings = RelaySettings {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        to: server,
        network: Network::default(),
        max_segment: 1_460,
        seed: 1,
    };
    let relay = Relay::start(settings).expect("a port is free");
    for (size, name) in [(SMALL, "small"), (LARGE, "large")] {
        let mut group = criterion.benchmark_group(format!("{name} exchange"));
        group.throughput(Throughput::Bytes(2 * size as u64));
        let (bytes, mut back) = (vec![7; size], vec![0; size]);
        for (way, address) in [("direct", server), ("relayed", relay.address())] {
            let stream = connect(address);
            group.bench_function(way, |bencher| bencher.iter(|| exchange(&stream, &bytes, &mut back)));
        }
        group.finish();
    }
}

criterion_group!(benches, passing);
criterion_main!(benches);
