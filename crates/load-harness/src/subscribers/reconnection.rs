//! How a subscriber reconnects: as browsers do, and pages with the usual code.
//!
//! * **SSE** is an EventSource (WHATWG HTML §9.2.2 to §9.2.4). After a stream ends or breaks it waits for the
//!   reconnection time, 3 s as in Chromium unless a `retry:` field sets another, without any jitter. Then it
//!   repeats the URL and sends the last event ID in `Last-Event-ID`. A status other than 200 (204 included) or
//!   a content type other than `text/event-stream` ends the subscription for good. Redirects are followed, and
//!   a reconnection goes directly to their target.
//! * **WebSocket** has no reconnection of its own; a page follows the advice of RFC 6455 §7.2.3: the first
//!   attempt after a random time of up to 5 s, the next ones after random times of 5 to 10 s, 10 to
//!   20 s, and then always 20 to 40 s, until a handshake succeeds. Any answer but 101 is a failure like
//!   any other, because a page cannot see the status. The random times follow from the seed.
//! * **Long polling** is a loop in a page: after a failure it waits 250 ms, then twice as long each time
//!   up to 4 s, until an answer comes.
//! * **Short polling** has its timer: it polls at its next tick.
//! * **Both polls** have a request timeout ([`super::request_timeout`]), which is a failure like any other.
//!   They respect `Retry-After` in seconds with 429 and 503 (RFC 9110 §10.2.3). If the other side has closed a
//!   kept connection while it was idle, that is not a failure: the browser opens another and repeats the
//!   request there ([`super::http1_client`], RFC 9112 §9.3.1).
//!
//! Two rules differ from browsers, to keep the set-up short. Until the schedule begins, a subscriber that was
//! never set up retries after 250 ms, doubled up to 4 s, with every pattern. And it does not retry at all
//! where every attempt would fail in the same way: an invalid certificate, a protocol that the server does not
//! support.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use contract::{PageApi, Pattern};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{error_counts::Met, location::Location};
use crate::data::sse_parser::SseParser;

/// EventSource's reconnection time if the stream sets none, as in Chromium. The standard says "a few
/// seconds".
const RETRY: Duration = Duration::from_secs(3);

/// The longest first wait of a WebSocket; the unit of the waits that follow.
const WEBSOCKET_FIRST: Duration = Duration::from_secs(5);
/// After this many failures in a row the waits stop growing: they stay between 20 and 40 s.
const WEBSOCKET_DOUBLINGS: u32 = 3;

/// The first wait of a polling loop, and how often it is doubled: up to 4 s.
const BACKOFF_FIRST: Duration = Duration::from_millis(250);
const BACKOFF_DOUBLINGS: u32 = 4;

/// What a subscriber keeps from one connection to the next.
pub(crate) struct Reconnection {
    /// EventSource's reconnection time.
    retry: Cell<Duration>,
    /// EventSource's last event ID string; empty if there is none.
    last_event_id: RefCell<Box<str>>,
    /// The target of redirects, if there were any.
    moved: RefCell<Option<Rc<Location>>>,
    /// Failures of the quick attempts before it was set up.
    first_failures: Cell<u32>,
    /// Failures since the last answer.
    failures: Cell<u32>,
    /// All failures of the subscriber.
    losses: Cell<u64>,
    /// When it lost its connection; none while it has one.
    lost_ns: Cell<Option<u64>>,
    pub(super) met: Met,
}

impl Default for Reconnection {
    fn default() -> Self {
        Self {
            retry: Cell::new(RETRY),
            last_event_id: RefCell::default(),
            moved: RefCell::default(),
            first_failures: Cell::default(),
            failures: Cell::default(),
            losses: Cell::default(),
            lost_ns: Cell::default(),
            met: Met::default(),
        }
    }
}

impl Reconnection {
    /// A parser for the next stream.
    pub(super) fn parser(&self) -> SseParser {
        SseParser::resuming(&self.last_event_id.borrow())
    }

    /// Keeps the last event ID and the reconnection time of a stream that has ended.
    pub(super) fn remember(&self, parser: &SseParser) {
        *self.last_event_id.borrow_mut() = parser.last_event_id().into();
        if let Some(retry_ms) = parser.retry_ms() {
            self.retry.set(Duration::from_millis(retry_ms));
        }
    }

    /// The last event ID; empty if there is none.
    pub(super) fn last_event_id(&self) -> Box<str> {
        self.last_event_id.borrow().clone()
    }

    /// The target of redirects, if there were any.
    pub(super) fn location(&self) -> Option<Rc<Location>> {
        self.moved.borrow().clone()
    }

    pub(super) fn move_to(&self, location: Option<Rc<Location>>) {
        self.moved.replace(location);
    }

    /// Notes when the connection was lost, unless it is already lost.
    pub(super) fn lose(&self, now_ns: u64) {
        if self.lost_ns.get().is_none() {
            self.lost_ns.set(Some(now_ns));
        }
    }

    /// Notes that an answer has come, so the subscriber has recovered. Returns when it had lost its
    /// connection, if it had.
    pub(super) fn find_again(&self) -> Option<u64> {
        self.failures.set(0);
        self.lost_ns.take()
    }

    /// Counts a failure. Returns how long a subscriber of this pattern waits before its next attempt; `tick`
    /// is the wait of short polling, which has a timer. The first attempts, before it was set up and the
    /// schedule began, have short waits. `poll_phase` stands for the seed, `index` for the subscriber.
    pub(super) fn wait(
        &self,
        pattern: Pattern,
        is_first: bool,
        tick: Duration,
        (poll_phase, index): (f64, u32),
    ) -> Duration {
        let losses = self.losses.replace(self.losses.get() + 1);
        let counted = if is_first { &self.first_failures } else { &self.failures };
        let failures = counted.replace(counted.get().saturating_add(1));
        if is_first {
            return backoff(failures);
        }
        match pattern.page_api() {
            PageApi::Fetch if pattern.is_timed() => tick,
            PageApi::Fetch => backoff(failures),
            PageApi::EventSource => self.retry.get(),
            PageApi::WebSocket => websocket_wait(failures, draw(poll_phase, index, losses)),
        }
    }
}

/// A number in `[0, 1)` for the n-th loss of a subscriber: different for each, the same in every run with
/// this seed.
fn draw(poll_phase: f64, index: u32, losses: u64) -> f64 {
    let place = (u64::from(index) << 32).wrapping_add(losses);
    StdRng::seed_from_u64(poll_phase.to_bits() ^ place).random()
}

/// The wait of a polling loop after `failures` failures in a row before this one.
fn backoff(failures: u32) -> Duration {
    BACKOFF_FIRST * (1 << failures.min(BACKOFF_DOUBLINGS))
}

/// The wait of a WebSocket after `failures` failures in a row before this one.
fn websocket_wait(failures: u32, draw: f64) -> Duration {
    let doublings = failures.min(WEBSOCKET_DOUBLINGS);
    let longest = WEBSOCKET_FIRST * (1 << doublings);
    let shortest = if doublings == 0 { Duration::ZERO } else { longest / 2 };
    shortest + (longest - shortest).mul_f64(draw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websockets_waits_are_random_grow_and_are_truncated() {
        let bounds = [(0, 5), (5, 10), (10, 20), (20, 40), (20, 40), (20, 40)];
        for (failures, (shortest, longest)) in (0..).zip(bounds) {
            let [least, most] = [0.0, 0.999_999].map(|draw| websocket_wait(failures, draw));
            assert_eq!(least, Duration::from_secs(shortest), "{failures}");
            assert!(most < Duration::from_secs(longest), "{failures}: {most:?}");
            assert!(most > Duration::from_secs(longest).mul_f64(0.99), "{failures}: {most:?}");
        }
        assert_eq!(websocket_wait(u32::MAX, 0.0), Duration::from_secs(20));
    }

    #[test]
    fn the_draws_follow_from_the_seed_and_are_spread_evenly() {
        assert_eq!(draw(0.3, 7, 2), draw(0.3, 7, 2));
        let others = [draw(0.3, 7, 3), draw(0.3, 8, 2), draw(0.31, 7, 2)];
        assert!(others.iter().all(|other| *other != draw(0.3, 7, 2)), "{others:?}");
        let mut draws: Vec<f64> = (0..1_000).map(|index| draw(0.3, index, 0)).collect();
        draws.sort_by(f64::total_cmp);
        let uneven = draws.iter().zip(1_u32..).map(|(draw, rank)| (f64::from(rank) / 1e3 - draw).abs());
        assert!(uneven.fold(0.0, f64::max) < 0.06, "a thousand subscribers that lose connections at once");
    }

    #[test]
    fn a_loop_waits_twice_as_long_each_time_up_to_four_seconds() {
        let waits = [0, 1, 2, 3, 4, 5, u32::MAX].map(|failures| backoff(failures).as_millis());
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
    }
}
