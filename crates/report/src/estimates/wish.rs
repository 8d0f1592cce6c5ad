//! The numbers of somebody who has to choose a pattern.

use contract::{Exchange, Heartbeat, Network, Params, Pattern, Period, Transport};

/// A circumstance that decides what a pattern needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circumstance {
    /// Subscribers also send messages.
    TwoWay,
    /// A proxy or load balancer stands before the server.
    BehindProxy,
    /// The subscribers are pages in browsers.
    Browser,
    /// The connections are encrypted.
    Tls,
}

/// What is wanted, for how many, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Events per second for each subscriber.
    pub rate_hz: f64,
    /// Number of subscribers, all with the same events.
    pub subscribers: u32,
    /// The age that 99 of 100 deliveries must not exceed.
    pub freshness: Period,
    /// Round-trip time between subscriber and server.
    pub rtt: Period,
    /// Bytes of an event's text.
    pub payload_bytes: u32,
    /// After this time without a byte, something on the way closes a connection.
    pub idle_timeout: Period,
    /// All circumstances that apply.
    pub circumstances: Vec<Circumstance>,
}

/// A number that cannot be. The message names the option of the command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`--{option}` is {found}: {expected}")]
pub struct WishError {
    /// The option without its dashes.
    pub option: &'static str,
    /// The value.
    pub found: String,
    /// What is allowed, and why.
    pub expected: String,
}

/// Linux lets a process open this many descriptors unless `fs.nr_open` is raised, and each connection takes one.
const MOST_DESCRIPTORS: u32 = 1 << 20;
/// A proxy has this many ports for its connections to one address of a server: 1,024 to 65,535.
const MOST_PORTS: u32 = 65_535 - 1_023;
/// The longest wait for an event that is still a wait for an event.
const LONGEST_FRESHNESS: Period = Period::from_millis(24 * 3_600_000);
/// The longest hold of a long poll: RFC 6202 §5.5 calls 30 s a safe value.
const LONGEST_HOLD: Period = Period::from_millis(25_000);

impl Default for Wish {
    /// One event a second for a thousand subscribers, at most a second old, 50 ms away.
    fn default() -> Self {
        Self {
            rate_hz: 1.0,
            subscribers: 1_000,
            freshness: Period::from_millis(1_000),
            rtt: Period::from_millis(50),
            payload_bytes: 100,
            idle_timeout: Period::from_millis(60_000),
            circumstances: Vec::new(),
        }
    }
}

impl Wish {
    /// Whether a circumstance applies.
    #[must_use]
    pub fn has(&self, circumstance: Circumstance) -> bool {
        self.circumstances.contains(&circumstance)
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`WishError`] for the first number that cannot be.
    pub fn check(&self) -> Result<(), WishError> {
        let that = |is_possible: bool, option, found: String, expected: &str| {
            if is_possible { Ok(()) } else { Err(WishError { option, found, expected: expected.to_owned() }) }
        };
        let within = |option, period: Period, least_ms: f64, most: Period, expected: &str| {
            let ms = period.milliseconds();
            that((least_ms..=most.milliseconds()).contains(&ms), option, period.to_string(), expected)
        };
        that(
            (0.001..=10_000.0).contains(&self.rate_hz),
            "rate",
            self.rate_hz.to_string(),
            "expected 0.001 to 10000 events per second for each subscriber",
        )?;
        let subscribers = self.subscribers;
        that(subscribers > 0, "subscribers", subscribers.to_string(), "expected at least 1")?;
        that(
            subscribers <= MOST_DESCRIPTORS,
            "subscribers",
            subscribers.to_string(),
            "a process on Linux opens at most 1048576 descriptors, one for each connection; ask for the subscribers of one server",
        )?;
        that(
            !self.has(Circumstance::BehindProxy) || subscribers <= MOST_PORTS,
            "subscribers",
            subscribers.to_string(),
            "a proxy has 64512 ports for its connections to one server; ask for the subscribers of one server, or omit `--behind-proxy`",
        )?;
        that(
            (1..=60_000).contains(&self.payload_bytes),
            "payload",
            format!("{}B", self.payload_bytes),
            "expected 1B to 60000B, the longest text of an event",
        )?;
        within("rtt", self.rtt, 0.0, Period::from_millis(10_000), "expected 0s to 10s")?;
        within("freshness", self.freshness, 1.0, LONGEST_FRESHNESS, "expected 1ms to 1day")?;
        that(
            self.freshness >= self.rtt,
            "freshness",
            self.freshness.to_string(),
            &format!(
                "no shorter than the round-trip time (`--rtt {}`): raise one or lower the other",
                self.rtt
            ),
        )?;
        let hour = Period::from_millis(3_600_000);
        within("idle-timeout", self.idle_timeout, 1_000.0, hour, "expected 1s to 1h")
    }

    /// The settings of a trial that would measure a pattern; for timed polls with this interval.
    pub(crate) fn params(&self, pattern: Pattern, poll_interval_ms: f64) -> Params {
        let idle_ms = self.idle_timeout.milliseconds();
        let mut params = Params {
            network: (!self.rtt.is_nothing()).then(|| Network { rtt: self.rtt, ..Network::default() }),
            transport: if self.has(Circumstance::Tls) { Transport::Http1Tls } else { Transport::Http1 },
            ..Params::of(self.subscribers, self.payload_bytes, self.rate_hz)
        };
        match pattern.exchange() {
            Exchange::TimedPoll => {
                params.poll_interval_ms = Some(poll_interval_ms);
                // A connection that is idle for longer is closed before it is used again.
                params.keep_alive = Some(poll_interval_ms < idle_ms);
            }
            Exchange::HeldPoll => {
                params.hold_ms = Some(LONGEST_HOLD.milliseconds().min(idle_ms * 0.75));
                params.turnaround_ms = Some(0.0);
                params.keep_alive = Some(true);
            }
            Exchange::Stream => {
                let half = Period::from_millis((idle_ms / 2.0) as u64);
                let usual = Period::from_millis(15_000);
                params.heartbeat = Some(Heartbeat::Every(half.min(usual)));
            }
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_cannot_be_is_refused_by_the_name_of_its_option() {
        let millis = Period::from_millis;
        let wish = Wish::default;
        let cases = [
            ("rate", Wish { rate_hz: f64::NAN, ..wish() }),
            ("rate", Wish { rate_hz: -1.0, ..wish() }),
            ("rate", Wish { rate_hz: 0.0, ..wish() }),
            ("rate", Wish { rate_hz: f64::INFINITY, ..wish() }),
            ("subscribers", Wish { subscribers: 0, ..wish() }),
            ("subscribers", Wish { subscribers: 1_048_577, ..wish() }),
            (
                "subscribers",
                Wish { subscribers: 64_513, circumstances: vec![Circumstance::BehindProxy], ..wish() },
            ),
            ("payload", Wish { payload_bytes: 60_001, ..wish() }),
            ("payload", Wish { payload_bytes: 0, ..wish() }),
            ("rtt", Wish { rtt: millis(10_001), ..wish() }),
            ("freshness", Wish { freshness: millis(0), ..wish() }),
            ("freshness", Wish { freshness: millis(49), ..wish() }),
            ("idle-timeout", Wish { idle_timeout: millis(999), ..wish() }),
        ];
        for (option, wish) in cases {
            let error = wish.check().unwrap_err();
            assert_eq!(error.option, option, "{error}");
            assert!(error.to_string().starts_with(&format!("`--{option}` is ")), "{error}");
        }
        assert_eq!(Wish { subscribers: 1_048_576, freshness: millis(50), ..wish() }.check(), Ok(()));
    }
}
