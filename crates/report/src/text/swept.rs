//! The one setting that a scenario varies, and its values.

use contract::{Ablation, Client, Heartbeat, Network, Params, Pattern, Scenario, Sweep, Transport};

use super::{
    network_words::{heartbeat_mark, heartbeat_text, obstacle_text, transport_text},
    number::{self, count, counted, period_ms, setting, with_setting},
    setting::{ablation_mark, ablation_words, rate},
};

/// The one setting that a scenario varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SweepParameter {
    Subscribers,
    Rate,
    Payload,
    PollInterval,
    Hold,
    Client,
    KeepAlive,
    Side,
    Ablation,
    Rtt,
    Network,
    Transport,
    Heartbeat,
    StreamsPerConnection,
    MaxStreams,
}

/// One value of a swept setting, comparable among the patterns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SweptValue {
    /// A number with six digits, because the actual rates of schedules differ in further ones.
    Number(f64),
    Client(Client),
    KeepAlive(bool),
    Side(char),
    Ablation(Ablation),
    Network(Network),
    Transport(Transport),
    Heartbeat(Heartbeat),
}

impl SweptValue {
    /// Place on an axis; a value that is not a number has its place in the list.
    pub(crate) fn place(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Client(client) => f64::from(client as u8),
            Self::KeepAlive(keep_alive) => f64::from(u8::from(keep_alive)),
            Self::Side(side) => f64::from(u32::from(side)),
            Self::Ablation(ablation) => f64::from(ablation as u8),
            Self::Transport(transport) => f64::from(transport as u8),
            // Only the scenario knows their order: see `place_in`.
            Self::Network(_) | Self::Heartbeat(_) => 0.0,
        }
    }

    /// The same for values whose only order is that of the scenario's list.
    pub(crate) fn place_in(self, scenario: &Scenario) -> f64 {
        let default_run = scenario.default_run.as_ref().and_then(|chosen| chosen.sweep.as_ref());
        let mut lists = [scenario.sweep.as_ref(), default_run].into_iter().flatten();
        let mut listed =
            |place: &dyn Fn(&Sweep) -> Option<usize>| lists.find_map(place).unwrap_or(usize::MAX) as f64;
        match self {
            Self::Network(network) => {
                listed(&|sweep| sweep.network.iter().position(|other| *other == network))
            }
            Self::Heartbeat(heartbeat) => {
                listed(&|sweep| sweep.heartbeat.iter().position(|other| *other == heartbeat))
            }
            Self::Number(_)
            | Self::Client(_)
            | Self::KeepAlive(_)
            | Self::Side(_)
            | Self::Ablation(_)
            | Self::Transport(_) => self.place(),
        }
    }
}

impl SweepParameter {
    /// Whether the setting concerns a pattern. Other patterns are measured once: that point applies to every
    /// swept value.
    pub(crate) const fn concerns(self, pattern: Pattern) -> bool {
        match self {
            Self::Subscribers
            | Self::Rate
            | Self::Payload
            | Self::Side
            | Self::Ablation
            | Self::Rtt
            | Self::Network
            | Self::Transport
            | Self::StreamsPerConnection
            | Self::MaxStreams => true,
            Self::PollInterval => pattern.is_timed(),
            Self::Hold => pattern.is_held(),
            Self::KeepAlive => pattern.polls(),
            Self::Client => !pattern.upgrades(),
            Self::Heartbeat => pattern.has_heartbeats(),
        }
    }

    /// The value at a point, to be compared with that of others.
    pub(crate) fn key(self, params: &Params) -> Option<SweptValue> {
        match self {
            Self::Client => Some(SweptValue::Client(params.client)),
            Self::KeepAlive => params.keep_alive.map(SweptValue::KeepAlive),
            Self::Side => params.side.map(SweptValue::Side),
            Self::Ablation => params.ablation.map(SweptValue::Ablation),
            Self::Network => params.network.map(SweptValue::Network),
            Self::Transport => Some(SweptValue::Transport(params.transport)),
            // Parameters contain it only if it is not the usual one.
            Self::Heartbeat => Some(SweptValue::Heartbeat(params.heartbeat.unwrap_or_default())),
            Self::Subscribers
            | Self::Rate
            | Self::Payload
            | Self::PollInterval
            | Self::Hold
            | Self::Rtt
            | Self::StreamsPerConnection
            | Self::MaxStreams => self.value(params).and_then(number::six_digits).map(SweptValue::Number),
        }
    }

    /// What the scenario sweeps, if it does.
    pub(crate) fn of(scenario: &Scenario) -> Option<Self> {
        let sweep = scenario.sweep.as_ref()?;
        [
            (!sweep.subscribers.is_empty(), Self::Subscribers),
            (!sweep.rate_hz.is_empty(), Self::Rate),
            (!sweep.payload_bytes.is_empty(), Self::Payload),
            (!sweep.poll_interval.is_empty(), Self::PollInterval),
            (!sweep.hold.is_empty(), Self::Hold),
            (!sweep.client.is_empty(), Self::Client),
            (!sweep.keep_alive.is_empty(), Self::KeepAlive),
            (!sweep.side.is_empty(), Self::Side),
            (!sweep.ablation.is_empty(), Self::Ablation),
            (!sweep.rtt.is_empty(), Self::Rtt),
            (!sweep.network.is_empty(), Self::Network),
            (!sweep.transport.is_empty(), Self::Transport),
            (!sweep.heartbeat.is_empty(), Self::Heartbeat),
            (!sweep.streams_per_connection.is_empty(), Self::StreamsPerConnection),
            (!sweep.max_streams.is_empty(), Self::MaxStreams),
        ]
        .into_iter()
        .find_map(|(given, swept)| given.then_some(swept))
    }

    /// The value at a point, as a number; absent where the pattern does not have the setting.
    pub(crate) fn value(self, params: &Params) -> Option<f64> {
        match self {
            Self::Subscribers => Some(f64::from(params.subscribers)),
            Self::Rate => Some(params.rate_hz),
            Self::Payload => Some(f64::from(params.payload_bytes)),
            Self::PollInterval => params.poll_interval_ms,
            Self::Hold => params.hold_ms,
            Self::Rtt => params.rtt_ms,
            Self::StreamsPerConnection => params.streams_per_connection.map(f64::from),
            Self::MaxStreams => params.max_streams.map(f64::from),
            Self::Client
            | Self::KeepAlive
            | Self::Side
            | Self::Ablation
            | Self::Network
            | Self::Transport
            | Self::Heartbeat => None,
        }
    }

    /// The value at a point in words: `250 ms`, `1,000 subscribers`, `20 events/s`.
    pub(crate) fn text(self, params: &Params) -> String {
        let streams = |number: Option<u32>, before: &str| {
            number.map_or_else(String::new, |number| {
                format!("{before}{} a connection", counted(u64::from(number), "stream", "streams"))
            })
        };
        match self {
            Self::Subscribers => counted(u64::from(params.subscribers), "subscriber", "subscribers"),
            Self::Rate => rate(params.rate_hz),
            Self::Payload => with_setting(f64::from(params.payload_bytes), "B"),
            Self::PollInterval => params.poll_interval_ms.map_or_else(String::new, period_ms),
            Self::Hold => params.hold_ms.map_or_else(String::new, period_ms),
            Self::Client => format!("{} client", params.client),
            Self::KeepAlive => match params.keep_alive {
                Some(true) => "with keep-alive".to_owned(),
                Some(false) => "without keep-alive".to_owned(),
                None => String::new(),
            },
            Self::Side => params.side.map_or_else(String::new, |side| format!("side {side}")),
            Self::Ablation => {
                params.ablation.map_or_else(String::new, |ablation| ablation_words(ablation).to_owned())
            }
            Self::Rtt => {
                params.rtt_ms.map_or_else(String::new, |rtt_ms| with_setting(rtt_ms, "ms round trip"))
            }
            Self::Network => params.network.map_or_else(String::new, |network| obstacle_text(&network)),
            Self::Transport => transport_text(params.transport).to_owned(),
            Self::Heartbeat => heartbeat_text(params.heartbeat.unwrap_or_default()),
            Self::StreamsPerConnection => streams(params.streams_per_connection, ""),
            Self::MaxStreams => streams(params.max_streams, "at most "),
        }
    }

    /// The value at a point, short enough for a label in a chart; [`Self::marks`] explains it.
    pub(crate) fn mark(self, params: &Params) -> String {
        match self {
            Self::Subscribers => count(u64::from(params.subscribers)),
            Self::Rate => setting(params.rate_hz),
            Self::Payload
            | Self::PollInterval
            | Self::Hold
            | Self::KeepAlive
            | Self::Side
            | Self::Network
            | Self::Transport => self.text(params),
            Self::Client => params.client.to_string(),
            Self::Ablation => {
                params.ablation.map_or_else(String::new, |ablation| ablation_mark(ablation).to_owned())
            }
            Self::Rtt => params.rtt_ms.map_or_else(String::new, |rtt_ms| with_setting(rtt_ms, "ms")),
            Self::Heartbeat => heartbeat_mark(params.heartbeat.unwrap_or_default()),
            Self::StreamsPerConnection | Self::MaxStreams => {
                self.value(params).map_or_else(String::new, setting)
            }
        }
    }

    /// Explains the labels in a chart.
    pub(crate) const fn marks(self) -> &'static str {
        match self {
            Self::Subscribers => "label: subscribers",
            Self::Rate => "label: events/s",
            Self::Payload => "label: text",
            Self::PollInterval => "label: interval",
            Self::Hold => "label: hold",
            Self::Client => "label: client",
            Self::KeepAlive => "label: keep-alive",
            Self::Side => "label: side",
            Self::Ablation => "label: ablation",
            Self::Rtt => "label: round trip",
            Self::Network => "label: obstacle",
            Self::Transport => "label: transport",
            Self::Heartbeat => "label: heartbeat",
            Self::StreamsPerConnection => "label: streams a connection",
            Self::MaxStreams => "label: stream limit",
        }
    }

    /// Name of the setting.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Subscribers => "number of subscribers",
            Self::Rate => "rate of events",
            Self::Payload => "length of the text",
            Self::PollInterval => "poll interval",
            Self::Hold => "hold",
            Self::Client => "HTTP client",
            Self::KeepAlive => "keep-alive of polling",
            Self::Side => "side",
            Self::Ablation => "ablation of the server",
            Self::Rtt => "round-trip time",
            Self::Network => "obstacle",
            Self::Transport => "transport",
            Self::Heartbeat => "heartbeat",
            Self::StreamsPerConnection => "number of subscribers that share a connection",
            Self::MaxStreams => "number of streams allowed on a connection",
        }
    }

    /// Title of an axis that shows the setting.
    pub(crate) const fn axis(self) -> &'static str {
        match self {
            Self::Subscribers => "subscribers (log scale)",
            Self::Rate => "events per second (log scale)",
            Self::Payload => "bytes of an event's text (log scale)",
            Self::PollInterval => "poll interval, ms (log scale)",
            Self::Hold => "hold, ms (log scale)",
            Self::Client => "HTTP client",
            Self::KeepAlive => "keep-alive of polling",
            Self::Side => "side",
            Self::Ablation => "ablation",
            Self::Rtt => "round-trip time, ms",
            Self::Network => "obstacle",
            Self::Transport => "transport",
            Self::Heartbeat => "heartbeat",
            Self::StreamsPerConnection => "subscribers on a connection (log scale)",
            Self::MaxStreams => "streams allowed on a connection (log scale)",
        }
    }
}

/// What a scenario varies, as a sentence; empty if nothing.
pub(crate) fn varied_text(scenario: &Scenario) -> String {
    SweepParameter::of(scenario).map_or_else(String::new, |swept| format!(" Varied: the {}.", swept.label()))
}
