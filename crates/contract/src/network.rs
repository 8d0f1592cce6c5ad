//! The network between subscriber and server: the middlebox of a trial, the transport and the heartbeats.

use std::{fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Period;

/// What a middlebox between subscriber and server does to every connection. With an empty table it is a relay
/// that only forwards bytes.
///
/// A scenario without the table `[network]` has no middlebox: subscribers connect directly to the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Round-trip time: half of it in each direction, and a whole one for connection set-up.
    #[serde(default, skip_serializing_if = "Period::is_nothing")]
    pub rtt: Period,
    /// Largest random addition to the delay of a direction, uniformly distributed. The order is kept.
    #[serde(default, skip_serializing_if = "Period::is_nothing")]
    pub jitter: Period,
    /// Bytes per second in each direction of each connection; unlimited if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// Closes a connection without a byte in either direction for this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Period>,
    /// Buffers what the server sends, as a proxy that buffers responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer: Option<Buffering>,
    /// Closes a connection after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_after: Option<Period>,
    /// Closes a connection after this number of bytes from the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_after_bytes: Option<u64>,
    /// Answers a request with an `Upgrade` header with 403, as a proxy that does not support it. Encrypted
    /// bytes pass, because the middlebox cannot read them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refuse_upgrade: bool,
    /// Most connections open at a time; further ones are closed as soon as they are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// After this time the connection forwards nothing more and sends no FIN or RST to either side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub black_hole_after: Option<Period>,
}

/// How a proxy buffers a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Buffering {
    /// The buffer is forwarded when it holds this number of bytes, at most 1 MiB…
    pub bytes: u64,
    /// …or when the server has sent nothing for this time.
    pub pause: Period,
}

impl Network {
    /// Whether the middlebox only forwards bytes.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the middlebox ends, refuses or buffers connections, and does not only add delay or limit
    /// bandwidth. Losses are then a result and no fault of the measurement.
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

    /// Longest time of an answer of this many bytes without congestion: two round trips, because the first
    /// bytes of a new connection are delayed by one, plus buffering and transmission.
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

/// The transport of the measured port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// HTTP/1.1 without encryption.
    #[default]
    Http1,
    /// HTTP/1.1 in TLS.
    Http1Tls,
    /// HTTP/2 in TLS, negotiated by ALPN (RFC 7301); WebSocket by extended CONNECT (RFC 8441).
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
#[error("unknown transport `{0}`: expected http1, http1-tls or http2")]
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

/// The certificate that the server generates at its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// For `localhost`, `127.0.0.1` and `::1`, valid now.
    #[default]
    Valid,
    /// The same, but expired.
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

/// A certificate that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown certificate `{0}`: expected valid, expired or other-host")]
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

/// Heartbeats that the server sends on SSE streams and WebSockets: `"off"`, `"15s"` (always) or `"idle 15s"`
/// (only after 15 s without other bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heartbeat {
    /// None.
    Off,
    /// One per period.
    Every(Period),
    /// One when nothing has been sent for a period.
    WhenIdle(Period),
}

impl Heartbeat {
    /// Shortest allowed period.
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

/// An invalid heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a heartbeat: expected off, a time such as 15s, or `idle 15s`, at least 100ms")]
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
            "description": "\"off\", a time such as \"15s\", or \"idle 15s\": only after 15 s without other bytes.",
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
    /// Connections accepted and relayed.
    pub relayed: u64,
    /// Connections closed at once because the limit was reached.
    pub over_cap: u64,
    /// Connections closed by the idle timeout.
    pub idled_out: u64,
    /// Connections closed after the configured time or number of bytes.
    pub cut: u64,
    /// Requests answered with 403 because they asked for an upgrade.
    pub upgrades_refused: u64,
    /// Connections that became a black hole.
    pub swallowed: u64,
    /// Connections that the server did not accept.
    pub unreachable: u64,
    /// Bytes from subscribers to the server.
    pub up: DirectionCounts,
    /// Bytes from the server to subscribers.
    pub down: DirectionCounts,
}

/// What became of the bytes of one direction in a middlebox.
///
/// `taken + made = delivered + discarded + held`. The bytes that the sender's socket wrote are `taken +
/// unread`, plus bytes sent into a connection that was closed already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DirectionCounts {
    /// Read from the sender's socket.
    pub taken: u64,
    /// Made by the middlebox itself: its refusals.
    pub made: u64,
    /// Written to the receiver's socket.
    pub delivered: u64,
    /// Taken or made, but never delivered: lost in a black hole or with a connection that ended.
    pub discarded: u64,
    /// Still queued when this was counted.
    pub held: u64,
    /// Left in the kernel's receive buffer when the middlebox closed the sender's connection: sent, but
    /// never taken.
    pub unread: u64,
    /// Delivered, but not acknowledged when the receiver closed or reset the connection. Whether they arrived
    /// is unknown.
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
