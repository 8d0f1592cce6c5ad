//! The settings that a scenario can vary, one row each, and their values.

use contract::{Change, Params, Pattern, Scenario};

use super::{
    network_words::{heartbeat_mark, heartbeat_text, obstacle_text, transport_text},
    number::{count, counted, period_ms, setting, six_digits, with_setting},
    setting::{ablation_mark, ablation_words, rate, streams},
};

/// One value of a swept setting, comparable among the patterns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SweptValue {
    Number(f64),
    /// One of a few named values, by its place among them.
    Choice(u32),
    /// A value whose only order is that of the scenario's list.
    Listed(Change),
}

impl SweptValue {
    /// Place on an axis; a value that is not a number has its place among the others.
    pub(crate) fn place(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Choice(place) => f64::from(place),
            // Only the scenario knows their order: see `place_in`.
            Self::Listed(_) => 0.0,
        }
    }

    /// The same for values whose only order is that of the scenario's list.
    pub(crate) fn place_in(self, scenario: &Scenario) -> f64 {
        let Self::Listed(value) = self else { return self.place() };
        let default_run = scenario.default_run.as_ref().and_then(|chosen| chosen.sweep.as_ref());
        let mut lists = [scenario.sweep.as_ref(), default_run].into_iter().flatten();
        let place = lists.find_map(|sweep| sweep.changes().iter().position(|listed| *listed == value));
        place.unwrap_or(usize::MAX) as f64
    }
}

/// The axis of a setting, with its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SweptAxis {
    Log(&'static str),
    Linear(&'static str),
}

/// How a chart shows the main quantity of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SweepChart {
    /// A curve over the setting.
    Curve(SweptAxis),
    /// A bar per point.
    Bars,
    /// Other figures and tables show it.
    Elsewhere,
}

/// What a question about a setting has in its report besides answer and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The setting trades cost for freshness: a figure shows both.
    TradeOff,
    /// Within each pattern every value is compared with every other.
    ValuesCompared,
    /// The setting is one of the network between subscriber and server: the glossary has its terms.
    Network,
    /// The setting changes what a connection costs before its first event: a table shows it.
    SetUp,
    /// The name of a pattern has the value already: `short polling every 1 s`.
    InName,
}

/// What the report knows about a setting that can be swept.
struct Row {
    /// Name of the setting.
    label: &'static str,
    /// Whether the setting concerns a pattern.
    concerns: fn(Pattern) -> bool,
    /// The value at a point; none where the pattern does not have the setting.
    value: fn(&Params) -> Option<SweptValue>,
    /// The value in words.
    text: fn(&Params) -> Option<String>,
    /// The value in a chart, if `text` is too long for a label.
    mark: Option<fn(&Params) -> Option<String>>,
    /// Explains the labels in a chart.
    marks: &'static str,
    chart: SweepChart,
    topics: &'static [Topic],
}

/// Makes [`SweepParameter`] from one row per setting. The names are those of [`Change`], so the compiler finds
/// a setting without a row.
macro_rules! rows {
    ($($name:ident $row:tt)+) => {
        /// The one setting that a scenario varies.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum SweepParameter {
            $($name,)+
        }

        impl SweepParameter {
            /// What the scenario sweeps, if it does.
            pub(crate) fn of(scenario: &Scenario) -> Option<Self> {
                scenario.sweep.as_ref()?.changes().first().map(|change| match change {
                    $(Change::$name(_) => Self::$name,)+
                })
            }

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$name => {
                        const ROW: Row = Row $row;
                        &ROW
                    })+
                }
            }
        }
    };
}

rows! {
    Subscribers {
        label: "number of subscribers",
        concerns: |_| true,
        value: |params| Some(SweptValue::Number(f64::from(params.subscribers))),
        text: |params| Some(counted(u64::from(params.subscribers), "subscriber", "subscribers")),
        mark: Some(|params| Some(count(u64::from(params.subscribers)))),
        marks: "label: subscribers",
        chart: SweepChart::Curve(SweptAxis::Log("subscribers (log scale)")),
        topics: &[Topic::TradeOff],
    }
    Rate {
        label: "rate of events",
        concerns: |_| true,
        value: |params| Some(SweptValue::Number(params.rate_hz)),
        text: |params| Some(rate(params.rate_hz)),
        mark: Some(|params| Some(setting(params.rate_hz))),
        marks: "label: events/s",
        chart: SweepChart::Curve(SweptAxis::Log("events per second (log scale)")),
        topics: &[Topic::TradeOff],
    }
    Payload {
        label: "length of the text",
        concerns: |_| true,
        value: |params| Some(SweptValue::Number(f64::from(params.payload_bytes))),
        text: |params| Some(with_setting(f64::from(params.payload_bytes), "B")),
        mark: None,
        marks: "label: text",
        chart: SweepChart::Curve(SweptAxis::Log("bytes of an event's text (log scale)")),
        topics: &[Topic::TradeOff],
    }
    PollInterval {
        label: "poll interval",
        concerns: Pattern::is_timed,
        value: |params| params.poll_interval_ms.map(SweptValue::Number),
        text: |params| params.poll_interval_ms.map(period_ms),
        mark: None,
        marks: "label: interval",
        chart: SweepChart::Curve(SweptAxis::Log("poll interval, ms (log scale)")),
        topics: &[Topic::TradeOff, Topic::InName],
    }
    Hold {
        label: "hold",
        concerns: Pattern::is_held,
        value: |params| params.hold_ms.map(SweptValue::Number),
        text: |params| params.hold_ms.map(period_ms),
        mark: None,
        marks: "label: hold",
        chart: SweepChart::Curve(SweptAxis::Log("hold, ms (log scale)")),
        topics: &[Topic::TradeOff],
    }
    Client {
        label: "HTTP client",
        concerns: |pattern| !pattern.upgrades(),
        value: |params| Some(SweptValue::Choice(params.client as u32)),
        text: |params| Some(format!("{} client", params.client)),
        mark: Some(|params| Some(params.client.to_string())),
        marks: "label: client",
        chart: SweepChart::Bars,
        topics: &[Topic::TradeOff, Topic::ValuesCompared],
    }
    KeepAlive {
        label: "keep-alive of polling",
        concerns: Pattern::polls,
        value: |params| params.keep_alive.map(u32::from).map(SweptValue::Choice),
        text: |params| {
            params.keep_alive.map(|kept| format!("{} keep-alive", if kept { "with" } else { "without" }))
        },
        mark: None,
        marks: "label: keep-alive",
        chart: SweepChart::Elsewhere,
        topics: &[Topic::TradeOff, Topic::ValuesCompared],
    }
    Side {
        label: "side",
        concerns: |_| true,
        value: |params| params.side.map(u32::from).map(SweptValue::Choice),
        text: |params| params.side.map(|side| format!("side {side}")),
        mark: None,
        marks: "label: side",
        chart: SweepChart::Elsewhere,
        topics: &[Topic::TradeOff, Topic::ValuesCompared],
    }
    Ablation {
        label: "variant of the server",
        concerns: |_| true,
        value: |params| params.ablation.map(|ablation| SweptValue::Choice(ablation as u32)),
        text: |params| params.ablation.map(|ablation| ablation_words(ablation).to_owned()),
        mark: Some(|params| params.ablation.map(|ablation| ablation_mark(ablation).to_owned())),
        marks: "label: ablation",
        chart: SweepChart::Elsewhere,
        topics: &[Topic::ValuesCompared],
    }
    Rtt {
        label: "round-trip time",
        concerns: |_| true,
        value: |params| params.rtt_ms.map(SweptValue::Number),
        text: |params| params.rtt_ms.map(|rtt_ms| with_setting(rtt_ms, "ms round trip")),
        mark: Some(|params| params.rtt_ms.map(|rtt_ms| with_setting(rtt_ms, "ms"))),
        marks: "label: round trip",
        // Ages grow linearly with the round trip.
        chart: SweepChart::Curve(SweptAxis::Linear("round-trip time, ms")),
        topics: &[Topic::TradeOff, Topic::Network, Topic::SetUp],
    }
    Network {
        label: "obstacle",
        concerns: |_| true,
        value: |params| params.network.map(|network| SweptValue::Listed(Change::Network(network))),
        text: |params| params.network.map(|network| obstacle_text(&network)),
        mark: None,
        marks: "label: obstacle",
        chart: SweepChart::Bars,
        topics: &[Topic::Network],
    }
    Transport {
        label: "transport",
        concerns: |_| true,
        value: |params| Some(SweptValue::Choice(params.transport as u32)),
        text: |params| Some(transport_text(params.transport).to_owned()),
        mark: None,
        marks: "label: transport",
        chart: SweepChart::Bars,
        topics: &[Topic::TradeOff, Topic::ValuesCompared, Topic::Network, Topic::SetUp],
    }
    Heartbeat {
        label: "heartbeat",
        concerns: Pattern::has_heartbeats,
        // Parameters contain it only if it is not the default.
        value: |params| Some(SweptValue::Listed(Change::Heartbeat(params.heartbeat.unwrap_or_default()))),
        text: |params| Some(heartbeat_text(params.heartbeat.unwrap_or_default())),
        mark: Some(|params| Some(heartbeat_mark(params.heartbeat.unwrap_or_default()))),
        marks: "label: heartbeat",
        chart: SweepChart::Bars,
        topics: &[Topic::ValuesCompared, Topic::Network],
    }
    StreamsPerConnection {
        label: "number of subscribers that share a connection",
        concerns: |_| true,
        value: |params| params.streams_per_connection.map(f64::from).map(SweptValue::Number),
        text: |params| params.streams_per_connection.map(streams),
        mark: Some(|params| params.streams_per_connection.map(f64::from).map(setting)),
        marks: "label: streams a connection",
        chart: SweepChart::Curve(SweptAxis::Log("subscribers on a connection (log scale)")),
        topics: &[Topic::TradeOff, Topic::Network, Topic::SetUp],
    }
    MaxStreams {
        label: "number of streams allowed on a connection",
        concerns: |_| true,
        value: |params| params.max_streams.map(f64::from).map(SweptValue::Number),
        text: |params| params.max_streams.map(|most| format!("at most {}", streams(most))),
        mark: Some(|params| params.max_streams.map(f64::from).map(setting)),
        marks: "label: stream limit",
        // The answer and the table say which subscribers wait.
        chart: SweepChart::Elsewhere,
        topics: &[Topic::TradeOff, Topic::Network, Topic::SetUp],
    }
}

impl SweepParameter {
    /// Whether the setting concerns a pattern. Other patterns are measured once: that point applies to every
    /// swept value.
    pub(crate) fn concerns(self, pattern: Pattern) -> bool {
        (self.row().concerns)(pattern)
    }

    /// The value at a point, as a number; absent where the pattern does not have the setting.
    pub(crate) fn value(self, params: &Params) -> Option<f64> {
        match (self.row().value)(params)? {
            SweptValue::Number(number) => Some(number),
            SweptValue::Choice(_) | SweptValue::Listed(_) => None,
        }
    }

    /// The value at a point, to be compared with that of others. A number has six digits, because the actual
    /// rates of schedules differ in further ones.
    pub(crate) fn key(self, params: &Params) -> Option<SweptValue> {
        match (self.row().value)(params)? {
            SweptValue::Number(number) => six_digits(number).map(SweptValue::Number),
            other @ (SweptValue::Choice(_) | SweptValue::Listed(_)) => Some(other),
        }
    }

    /// The value at a point in words: `250 ms`, `1,000 subscribers`, `20 events/s`.
    pub(crate) fn text(self, params: &Params) -> String {
        (self.row().text)(params).unwrap_or_default()
    }

    /// The value at a point, short enough for a label in a chart; [`Self::marks`] explains it.
    pub(crate) fn mark(self, params: &Params) -> String {
        let row = self.row();
        (row.mark.unwrap_or(row.text))(params).unwrap_or_default()
    }

    /// Explains the labels in a chart.
    pub(crate) const fn marks(self) -> &'static str {
        self.row().marks
    }

    /// Name of the setting.
    pub(crate) const fn label(self) -> &'static str {
        self.row().label
    }

    /// How a chart shows the main quantity over the setting.
    pub(crate) const fn chart(self) -> SweepChart {
        self.row().chart
    }

    /// Whether the report of a question about the setting has this.
    pub(crate) fn has(self, topic: Topic) -> bool {
        self.row().topics.contains(&topic)
    }
}

/// What a scenario varies, as a sentence; empty if nothing.
pub(crate) fn varied_text(scenario: &Scenario) -> String {
    SweepParameter::of(scenario).map_or_else(String::new, |swept| format!(" Varied: the {}.", swept.label()))
}
