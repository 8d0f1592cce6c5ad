//! The counters. Bytes and connections are counted at the socket, requests in one layer, nothing elsewhere.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    task::{Context, Poll, ready},
};

use contract::{Pattern, RequestCounts};
use http::{StatusCode, Uri};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counters of the data plane. A reader must never see an effect without its cause, such as a request without
/// a connection, or all connections closed while bytes are missing. So earlier steps of a connection are
/// counted first ([`Release`]) and read last ([`Acquire`]).
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    opened: AtomicU64,
    closed: AtomicU64,
    refused: AtomicU64,
    handshakes_failed: AtomicU64,
    patterns: [RouteMeter; Pattern::ALL.len()],
    other: RouteMeter,
}

/// Requests of one route.
#[derive(Debug, Default)]
pub(crate) struct RouteMeter {
    arrived: AtomicU64,
    answered: AtomicU64,
    empty: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

/// The values of all counters at one moment.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) opened: u64,
    pub(crate) open: u64,
    pub(crate) refused: u64,
    pub(crate) handshakes_failed: u64,
    pub(crate) requests: [(Pattern, RequestCounts); Pattern::ALL.len()],
    pub(crate) other_requests: RequestCounts,
}

/// The floor's counts of one turn of its loop.
#[derive(Debug, Default)]
pub(crate) struct TurnCounters {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) arrived: u64,
    pub(crate) answered: u64,
    pub(crate) empty: u64,
    pub(crate) refused: u64,
}

impl Meter {
    /// Adds the counts of one turn, in the order of a connection's steps.
    pub(crate) fn add(&self, pattern: Pattern, counted: &TurnCounters) {
        let route = self.pattern(pattern);
        for (counter, sum) in [
            (&self.opened, counted.opened),
            (&self.bytes_in, counted.bytes_in),
            (&route.arrived, counted.arrived),
            (&route.answered, counted.answered),
            (&route.empty, counted.empty),
            (&route.refused, counted.refused),
            (&self.bytes_out, counted.bytes_out),
            (&self.closed, counted.closed),
        ] {
            if sum > 0 {
                counter.fetch_add(sum, Release);
            }
        }
    }

    /// Reads all counters, in the reverse order of counting.
    pub(crate) fn read(&self) -> Reading {
        let closed = self.closed.load(Acquire);
        let bytes_out = self.bytes_out.load(Acquire);
        let requests = Pattern::ALL.map(|pattern| (pattern, self.pattern(pattern).counts()));
        let other_requests = self.other.counts();
        let bytes_in = self.bytes_in.load(Acquire);
        let opened = self.opened.load(Acquire);
        Reading {
            bytes_in,
            bytes_out,
            opened,
            open: opened - closed,
            refused: self.refused.load(Relaxed),
            handshakes_failed: self.handshakes_failed.load(Relaxed),
            requests,
            other_requests,
        }
    }

    pub(crate) fn connections_open(&self) -> u64 {
        // Never below zero: a closed connection was opened before.
        let closed = self.closed.load(Acquire);
        self.opened.load(Acquire) - closed
    }

    /// Counts a connection that was refused because of the limit.
    pub(crate) fn refuse_connection(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// Counts a connection that ended in the TLS handshake; returns their number so far.
    pub(crate) fn fail_handshake(&self) -> u64 {
        self.handshakes_failed.fetch_add(1, Relaxed) + 1
    }

    /// The counters of the route that a request goes to.
    pub(crate) fn route(&self, uri: &Uri) -> &RouteMeter {
        let slug = uri.path().strip_prefix('/').unwrap_or_default();
        match slug.parse::<Pattern>() {
            Ok(pattern) => self.pattern(pattern),
            Err(_) => &self.other,
        }
    }

    pub(crate) fn pattern(&self, pattern: Pattern) -> &RouteMeter {
        &self.patterns[pattern.index()]
    }
}

impl RouteMeter {
    /// Counts a request when it is routed.
    pub(crate) fn arrive(&self) {
        self.arrived.fetch_add(1, Release);
    }

    /// Counts the answer by its status.
    pub(crate) fn answer(&self, status: StatusCode) {
        let counter = match status {
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => &self.empty,
            status if status.is_client_error() => &self.refused,
            status if status.is_server_error() => &self.failed,
            _ => &self.answered,
        };
        counter.fetch_add(1, Release);
    }

    pub(crate) fn counts(&self) -> RequestCounts {
        let [failed, refused, empty, answered] =
            [&self.failed, &self.refused, &self.empty, &self.answered].map(|counter| counter.load(Acquire));
        RequestCounts { arrived: self.arrived.load(Acquire), answered, empty, refused, failed }
    }
}

/// A stream that counts its bytes, and itself as a connection.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
}

impl<S> Metered<S> {
    pub(crate) fn new(stream: S, meter: Arc<Meter>) -> Self {
        meter.opened.fetch_add(1, Release);
        Self { stream, meter }
    }
}

impl<S> Drop for Metered<S> {
    fn drop(&mut self) {
        self.meter.closed.fetch_add(1, Release);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.meter.bytes_in.fetch_add((buffer.filled().len() - before) as u64, Release);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.meter.bytes_out.fetch_add(written as u64, Release);
        Poll::Ready(Ok(written))
    }

    // The default implementation writes only the first slice, which doubles the system calls.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices))?;
        self.meter.bytes_out.fetch_add(written as u64, Release);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn every_byte_is_counted_in_both_directions_vectored_ones_too() {
        let meter = Arc::new(Meter::default());
        let (near, mut far) = duplex(64);
        let mut near = Metered::new(near, Arc::clone(&meter));
        assert_eq!((meter.read().opened, meter.connections_open()), (1, 1));
        near.write_all(b"12345").await.unwrap();
        let slices = [IoSlice::new(b"abc"), IoSlice::new(b"defg")];
        assert_eq!(near.write_vectored(&slices).await.unwrap(), 7, "both slices in one call");
        far.write_all(b"xyz").await.unwrap();
        let mut three = [0; 3];
        near.read_exact(&mut three).await.unwrap();
        assert_eq!((meter.read().bytes_in, meter.read().bytes_out), (3, 12));
        drop(near);
        assert_eq!((meter.read().opened, meter.connections_open()), (1, 0));
    }

    #[test]
    fn a_request_counts_for_its_pattern_and_by_its_answer() {
        let meter = Meter::default();
        for (uri, status) in [("/sse?after=0", 200), ("/sse", 400), ("/sse/x", 404), ("/long-polling", 204)] {
            let route = meter.route(&uri.parse().unwrap());
            route.arrive();
            route.answer(StatusCode::from_u16(status).unwrap());
        }
        let sse = meter.pattern(Pattern::Sse).counts();
        assert_eq!((sse.arrived, sse.answered, sse.refused), (2, 1, 1));
        assert_eq!(meter.pattern(Pattern::LongPolling).counts().empty, 1);
        assert_eq!(meter.read().other_requests.refused, 1);
    }

    #[test]
    fn a_reading_never_shows_an_effect_without_its_cause() {
        const LIVES: u64 = 100_000;
        let meter = Meter::default();
        let life = TurnCounters {
            opened: 1,
            bytes_in: 10,
            arrived: 1,
            answered: 1,
            bytes_out: 20,
            closed: 1,
            ..TurnCounters::default()
        };
        std::thread::scope(|scope| {
            scope.spawn(|| (0..LIVES).for_each(|_| meter.add(Pattern::Sse, &life)));
            loop {
                let seen = meter.read();
                let requests = seen.requests[Pattern::Sse.index()].1;
                let closed = seen.opened - seen.open;
                let lives = [seen.opened, seen.bytes_in / 10, requests.arrived, requests.answered, closed];
                assert!(lives.is_sorted_by(|cause, effect| cause >= effect), "{seen:?}");
                assert!(
                    seen.bytes_out / 20 >= closed && requests.answered >= seen.bytes_out / 20,
                    "{seen:?}"
                );
                if closed == LIVES {
                    break;
                }
            }
        });
    }
}
