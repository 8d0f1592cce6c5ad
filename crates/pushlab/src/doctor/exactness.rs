//! Short trials of how exact timers, loopback and the middlebox are on this machine.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use ::middlebox::{Relay, RelaySettings};
use contract::{Network, Period};
use load_harness::TCP_MAXSEG;
use schedule::monotonic_ns;

/// One-way delay with which the middlebox is tried.
pub(super) const ONE_WAY: Duration = Duration::from_millis(50);
const EXCHANGES: usize = 200;
const BETWEEN_EXCHANGES: Duration = Duration::from_millis(10);
const SLEEP: Duration = Duration::from_millis(2);
/// Longest wait for a connection or for bytes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The median and the 99th percentile.
fn middle_and_tail(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() as f64 * share).ceil() as usize).max(1) - 1;
        times.get(index).copied().unwrap_or_default()
    };
    (at(0.5), at(0.99))
}

/// How late short sleeps end: the median and the 99th percentile.
pub(super) fn sleeps() -> (Duration, Duration) {
    let late = (0..EXCHANGES).map(|_| {
        let before = Instant::now();
        thread::sleep(SLEEP);
        before.elapsed().saturating_sub(SLEEP)
    });
    middle_and_tail(late.collect())
}

/// Both ends of a connection over loopback, through `relay` if there is one.
fn connection(door: &TcpListener, relay: Option<&Relay>) -> io::Result<(TcpStream, TcpStream)> {
    let entrance = relay.map_or_else(|| door.local_addr(), |relay| Ok(relay.address()))?;
    let near = TcpStream::connect_timeout(&entrance, PATIENCE)?;
    let far = door.accept()?.0;
    for stream in [&near, &far] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
    }
    Ok((near, far))
}

/// The round trip of a byte over loopback: the median and the 99th percentile.
pub(super) fn loopback() -> io::Result<(Duration, Duration)> {
    let door = TcpListener::bind("127.0.0.1:0")?;
    let (mut near, mut far) = connection(&door, None)?;
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while far.read_exact(&mut byte).and_then(|()| far.write_all(&byte)).is_ok() {}
    });
    let mut times = Vec::new();
    for _ in 0..EXCHANGES {
        let before = Instant::now();
        near.write_all(&[7])?;
        near.read_exact(&mut [0])?;
        times.push(before.elapsed());
    }
    drop(near);
    let _ = echo.join();
    Ok(middle_and_tail(times))
}

/// The excess over the middlebox's delay, in both directions: the median and the 99th percentile.
pub(super) fn middlebox() -> io::Result<(Duration, Duration)> {
    let door = TcpListener::bind("127.0.0.1:0")?;
    let relay = Relay::start(RelaySettings {
        listen: ([127, 0, 0, 1], 0).into(),
        to: door.local_addr()?,
        network: Network { rtt: Period(2 * ONE_WAY), ..Network::default() },
        max_segment: TCP_MAXSEG,
        seed: 1,
    })
    .map_err(io::Error::other)?;
    let (mut near, mut far) = connection(&door, Some(&relay))?;
    // The middlebox holds the first bytes longer, to model connection set-up.
    near.write_all(&[0; 8])?;
    far.read_exact(&mut [0; 8])?;
    let times = |mut from: TcpStream, mut to: TcpStream| {
        let writes = thread::spawn(move || -> io::Result<TcpStream> {
            for _ in 0..EXCHANGES {
                from.write_all(&monotonic_ns().to_be_bytes())?;
                thread::sleep(BETWEEN_EXCHANGES);
            }
            Ok(from)
        });
        thread::spawn(move || -> io::Result<Vec<Duration>> {
            let mut excess = Vec::new();
            for _ in 0..EXCHANGES {
                let mut stamp = [0; 8];
                to.read_exact(&mut stamp)?;
                let took = Duration::from_nanos(monotonic_ns().saturating_sub(u64::from_be_bytes(stamp)));
                excess.push(took.saturating_sub(ONE_WAY));
            }
            let _ = writes.join();
            Ok(excess)
        })
    };
    let up = times(near.try_clone()?, far.try_clone()?);
    let down = times(far, near);
    let mut all = Vec::new();
    for way in [up, down] {
        all.extend(way.join().map_err(|_| io::Error::other("a thread of the trial failed"))??);
    }
    Ok(middle_and_tail(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_two_hundred_is_the_third_from_the_end() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_micros).collect();
        assert_eq!(middle_and_tail(times), (Duration::from_micros(100), Duration::from_micros(198)));
        assert_eq!(middle_and_tail(vec![SLEEP]), (SLEEP, SLEEP));
        assert_eq!(middle_and_tail(vec![]), (Duration::ZERO, Duration::ZERO));
    }
}
