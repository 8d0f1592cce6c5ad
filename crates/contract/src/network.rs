//! What lies between subscriber and server: the middlebox of a trial, and what rides on the sockets.

use std::{fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Period;

/// What a middlebox between subscriber and server does to every connection. Without any of these it is a
/// relay that only passes bytes on.
///
/// A scenario without the table `[network]` has no middlebox: subscribers connect to the server itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Round-trip time: half of it in each direction, and a whole one for setting the connection up.
    #[serde(default, skip_serializing_if = "Period::is_nothing")]
    pub rtt: Period,
    /// Most that is added to a direction's delay by chance, evenly spread. The order is kept.
    #[serde(default, skip_serializing_if = "Period::is_nothing")]
    pub jitter: Period,
    /// Bytes a second that each direction of each connection carries; unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// A connection on which no byte passes in either direction for so long is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Period>,
    /// Holds back what the server sends, as a proxy that buffers responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer: Option<Buffering>,
    /// A connection is closed after so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_after: Option<Period>,
    /// A connection is closed after so many bytes from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_after_bytes: Option<u64>,
    /// A request with an `Upgrade` header is answered 403, as by a proxy that does not know it. What is
    /// encrypted it cannot read, and passes on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refuse_upgrade: bool,
    /// Connections open at a time; further ones are closed as soon as they are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// After so long nothing passes any more, and neither side is told: no FIN, no RST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub black_hole_after: Option<Period>,
}

/// How a proxy holds back a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Buffering {
    /// Passed on once so many bytes have gathered…
    pub bytes: u64,
    /// …or once nothing has come from the server for so long.
    pub pause: Period,
}

impl Network {
    /// Whether bytes are only passed on.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there is more in the way than time and bandwidth: something that ends, refuses or holds
    /// back connections. Losses are then a finding and no fault of the measurement.
    #[must_use]
    pub fn is_obstacle(&self) -> bool {
        let passable = Self {
            rtt: self.rtt,
            jitter: self.jitter,
            bytes_per_second: self.bytes_per_second,
            ..Self::default()
        };
        *self != passable
    }

    /// The longest that an answer of so many bytes takes behind it when nobody has to wait: two round
    /// trips, for a new connection's first bytes are held back for one, and what holds back the answer.
    #[must_use]
    pub fn longest_answer(&self, bytes: f64) -> Duration {
        let buffered = self.buffer.map_or(Duration::ZERO, |buffer| *buffer.pause);
        let passing = self.bytes_per_second.map_or(0.0, |each_second| bytes / each_second as f64);
        2 * (*self.rtt + *self.jitter) + buffered + Duration::from_secs_f64(passing)
    }
}

const fn is_false(value: &bool) -> bool {
    !*value
}

/// What the server speaks on its measured port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// HTTP/1.1 in clear.
    #[default]
    Http1,
    /// HTTP/1.1 in TLS.
    Http1Tls,
    /// HTTP/2 in TLS, chosen by ALPN (RFC 7301); WebSocket by extended CONNECT (RFC 8441).
    Http2,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Http1, Self::Http1Tls, Self::Http2];

    /// Name in scenario files and options.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http1Tls => "http1-tls",
            Self::Http2 => "http2",
        }
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn is_encrypted(self) -> bool {
        match self {
            Self::Http1 => false,
            Self::Http1Tls | Self::Http2 => true,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.slug())
    }
}

/// A transport that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no transport: expected http1, http1-tls or http2")]
pub struct UnknownTransport(String);

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, UnknownTransport> {
        Self::ALL
            .into_iter()
            .find(|transport| transport.slug() == text)
            .ok_or_else(|| UnknownTransport(text.to_owned()))
    }
}

/// The certificate that the server makes for itself at its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// For `localhost`, `127.0.0.1` and `::1`, valid now.
    #[default]
    Valid,
    /// The same, but its time is over.
    Expired,
    /// Valid now, but for another host.
    OtherHost,
}

impl Certificate {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Valid, Self::Expired, Self::OtherHost];

    /// Name in scenario files and options.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::OtherHost => "other-host",
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.slug())
    }
}

/// A certificate that the server cannot make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no certificate to make: expected valid, expired or other-host")]
pub struct UnknownCertificate(String);

impl FromStr for Certificate {
    type Err = UnknownCertificate;

    fn from_str(text: &str) -> Result<Self, UnknownCertificate> {
        Self::ALL
            .into_iter()
            .find(|certificate| certificate.slug() == text)
            .ok_or_else(|| UnknownCertificate(text.to_owned()))
    }
}

/// Signs of life that the server sends on SSE streams and WebSockets: `"off"`, `"15s"` (whatever else is
/// sent) or `"idle 15s"` (only after so long without an event).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heartbeat {
    /// None.
    Off,
    /// One every so often.
    Every(Period),
    /// One when nothing has been sent for so long.
    WhenIdle(Period),
}

impl Heartbeat {
    /// The shortest time between two.
    pub const SHORTEST: Period = Period::from_millis(100);
}

impl Default for Heartbeat {
    /// Every 15 s, as WHATWG HTML §9.2.7 advises.
    fn default() -> Self {
        Self::Every(Period::from_millis(15_000))
    }
}

impl fmt::Display for Heartbeat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("off"),
            Self::Every(period) => write!(formatter, "{period}"),
            Self::WhenIdle(period) => write!(formatter, "idle {period}"),
        }
    }
}

/// A heartbeat that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no heartbeat: expected off, a time such as 15s, or `idle 15s`, 100ms at least")]
pub struct UnknownHeartbeat(String);

impl FromStr for Heartbeat {
    type Err = UnknownHeartbeat;

    fn from_str(text: &str) -> Result<Self, UnknownHeartbeat> {
        let unknown = || UnknownHeartbeat(text.to_owned());
        let period = |text: &str| -> Result<Period, UnknownHeartbeat> {
            let period = text.trim().parse().map_err(|_| unknown())?;
            if period < Self::SHORTEST { Err(unknown()) } else { Ok(period) }
        };
        match (text, text.strip_prefix("idle ")) {
            ("off", _) => Ok(Self::Off),
            (_, Some(rest)) => period(rest).map(Self::WhenIdle),
            (_, None) => period(text).map(Self::Every),
        }
    }
}

impl Serialize for Heartbeat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Heartbeat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Heartbeat {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Heartbeat".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "\"off\", a time such as \"15s\", or \"idle 15s\": only after so long without an event.",
        })
    }
}

/// The one line of JSON that a middlebox prints on stdout once it accepts connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayAnnouncement {
    /// Where subscribers connect.
    pub listen: std::net::SocketAddr,
    /// The middlebox's process id.
    pub pid: u32,
}

/// What a middlebox counted from its start to its end: its last line of JSON on stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RelayCounts {
    /// Connections accepted and passed on.
    pub relayed: u64,
    /// Connections closed at once because as many as allowed were open.
    pub over_cap: u64,
    /// Connections closed because nothing had passed for the idle timeout.
    pub idled_out: u64,
    /// Connections closed after their time or their bytes.
    pub cut: u64,
    /// Requests answered 403 because they asked for an upgrade.
    pub upgrades_refused: u64,
    /// Connections on which nothing passed any more from an instant on, and nobody was told.
    pub swallowed: u64,
    /// Connections that the server did not accept.
    pub unreachable: u64,
    /// Bytes from subscribers to the server.
    pub up: WayCounts,
    /// Bytes from the server to subscribers.
    pub down: WayCounts,
}

/// What became of the bytes of one direction in a middlebox.
///
/// `taken + made = delivered + discarded + held`. What the sender's socket wrote is
/// `taken + unread`, and what went into a connection that was closed already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WayCounts {
    /// Read from the sender's socket.
    pub taken: u64,
    /// Made by the middlebox itself: its refusals.
    pub made: u64,
    /// Written to the receiver's socket.
    pub delivered: u64,
    /// Taken or made, and never delivered: lost with a connection that ended, or swallowed.
    pub discarded: u64,
    /// Still on their way when this was counted.
    pub held: u64,
    /// Left in the kernel's receive buffer when the middlebox closed the sender's connection: sent, and
    /// never taken.
    pub unread: u64,
    /// Of those delivered: not acknowledged by a receiver that had closed or reset the connection. Whether
    /// they arrived is unknown.
    pub unacknowledged: u64,
    /// Connections in which bytes were discarded, held, unread or unacknowledged.
    pub broken: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_read_as_it_is_written() {
        for text in ["off", "15s", "idle 2s", "250ms"] {
            assert_eq!(text.parse::<Heartbeat>().unwrap().to_string(), text);
        }
        for text in ["", "on", "15", "idle", "idle off", "99ms", "idle 1ms"] {
            assert!(text.parse::<Heartbeat>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_answer_takes_two_round_trips_on_a_new_connection_and_what_else_holds_it_back() {
        let ms = Period::from_millis;
        let way = Network { rtt: ms(100), jitter: ms(10), ..Network::default() };
        assert_eq!(way.longest_answer(4_000.0), Duration::from_millis(220));
        let buffer = Some(Buffering { bytes: 1, pause: ms(500) });
        let narrow = Network { bytes_per_second: Some(20_000), buffer, ..way };
        assert_eq!(narrow.longest_answer(4_000.0), Duration::from_millis(920));
    }

    #[test]
    fn time_and_bandwidth_are_no_obstacle() {
        let slow = Network { rtt: Period::from_millis(100), bytes_per_second: Some(1), ..Network::default() };
        assert!(!slow.is_obstacle() && !slow.is_clear());
        assert!(Network { refuse_upgrade: true, ..slow }.is_obstacle());
        assert_eq!(serde_json::to_string(&Network::default()).unwrap(), "{}");
    }
}
