//! The settings that can be swept, one row each, and the values of a scenario's sweep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Ablation, Arrivals, Client, Heartbeat, Network, Period, Settings, Transport};

/// One side of an A/B test. The sides are equal or differ by a known delay, so the result tests the
/// instrument.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// A letter.
    pub name: char,
    /// Time by which the server delays each event on this side.
    #[serde(default)]
    pub delivery_delay: Period,
}

/// Makes [`Sweep`] and [`Change`] from one row per setting: its key in TOML, its name and the type of its
/// values, its name in [`crate::Params`], and how a value is put into the settings of a trial. The report has
/// its words for every variant of [`Change`], so the compiler finds a setting without words.
macro_rules! rows {
    ($($(#[$doc:meta])* $key:ident: $name:ident($value:ty) = $parameter:literal, $apply:expr;)+) => {
        /// The values of the swept parameter. Exactly one list may be given.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Sweep {
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Vec::is_empty")]
                pub $key: Vec<$value>,
            )+
        }

        /// One value of a sweep.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Change {
            $(
                #[doc = concat!("A value of [`Sweep::", stringify!($key), "`].")]
                $name($value),
            )+
        }

        impl Sweep {
            /// The keys of all lists.
            pub(crate) const KEYS: &[&str] = &[$(stringify!($key)),+];

            /// The swept values. The scenario's check ensures that only one list has any.
            #[must_use]
            pub fn changes(&self) -> Vec<Change> {
                let mut changes: Vec<Change> = Vec::new();
                $(changes.extend(self.$key.iter().copied().map(Change::$name));)+
                changes
            }

            pub(crate) fn lists_given(&self) -> usize {
                [$(!self.$key.is_empty()),+].into_iter().filter(|given| *given).count()
            }
        }

        impl Change {
            /// Name of the setting as in [`crate::Params`], such as `poll_interval_ms`.
            #[must_use]
            pub const fn parameter(self) -> &'static str {
                match self {
                    $(Self::$name(_) => $parameter,)+
                }
            }

            pub(crate) fn apply(self, settings: &mut Settings) {
                match self {
                    $(Self::$name(value) => {
                        let apply: fn(&mut Settings, $value) = $apply;
                        apply(settings, value);
                    })+
                }
            }
        }
    };
}

rows! {
    /// Numbers of subscribers.
    subscribers: Subscribers(u32) = "subscribers", |settings, number| settings.subscribers = number;
    /// Event rates of a steady or Poisson schedule.
    rate_hz: Rate(f64) = "rate_hz", set_rate;
    /// Text sizes.
    payload_bytes: Payload(u32) = "payload_bytes", |settings, bytes| settings.payload_bytes = bytes;
    /// Poll intervals.
    poll_interval: PollInterval(Period) = "poll_interval_ms",
        |settings, interval| settings.poll_interval = interval;
    /// Hold times.
    hold: Hold(Period) = "hold_ms", |settings, hold| settings.hold = hold;
    /// HTTP clients.
    client: Client(Client) = "client", |settings, client| settings.client = client;
    /// Polling with and without keep-alive.
    keep_alive: KeepAlive(bool) = "keep_alive", |settings, keep_alive| settings.keep_alive = keep_alive;
    /// Sides of an A/B test.
    side: Side(Side) = "side", set_side;
    /// Ablations of the server.
    ablation: Ablation(Ablation) = "ablation", |settings, ablation| settings.ablation = Some(ablation);
    /// Round-trip times of the network.
    rtt: Rtt(Period) = "rtt_ms", |settings, rtt| settings.network.get_or_insert_default().rtt = rtt;
    /// Networks: each replaces the table `[network]`.
    network: Network(Network) = "network", |settings, network| settings.network = Some(network);
    /// Transports of the server.
    transport: Transport(Transport) = "transport", |settings, transport| settings.transport = transport;
    /// Heartbeats on streams.
    heartbeat: Heartbeat(Heartbeat) = "heartbeat", |settings, heartbeat| settings.heartbeat = heartbeat;
    /// HTTP/2: numbers of subscribers that share a connection.
    streams_per_connection: StreamsPerConnection(u32) = "streams_per_connection",
        |settings, number| settings.streams_per_connection = number;
    /// HTTP/2: most streams that the server allows on one connection.
    max_streams: MaxStreams(u32) = "max_streams", |settings, number| settings.max_streams = number;
}

impl Sweep {
    /// Name of the swept setting as in [`crate::Params`], such as `poll_interval_ms`.
    #[must_use]
    pub fn parameter(&self) -> Option<&'static str> {
        self.changes().first().map(|change| change.parameter())
    }
}

fn set_rate(settings: &mut Settings, rate: f64) {
    match &mut settings.events {
        Arrivals::Steady { rate_hz } | Arrivals::Poisson { rate_hz } => *rate_hz = rate,
        // `Scenario::check` refuses to sweep the rate of these.
        Arrivals::Bursts { .. } | Arrivals::Ramp { .. } | Arrivals::Silence | Arrivals::Replay { .. } => {}
    }
}

fn set_side(settings: &mut Settings, side: Side) {
    settings.side = Some(side.name);
    settings.delivery_delay = side.delivery_delay;
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::Sweep;
    use crate::{Arrivals, Scenario, Selection, TrialPlan};

    /// Two values for every key.
    const VALUES: [(&str, &str); 15] = [
        ("subscribers", "[1, 2]"),
        ("rate_hz", "[2.0, 20.0]"),
        ("payload_bytes", "[100, 1000]"),
        ("poll_interval", "[\"1s\", \"2s\"]"),
        ("hold", "[\"1s\", \"2s\"]"),
        ("client", "[\"lean\", \"reqwest\"]"),
        ("keep_alive", "[true, false]"),
        ("side", "[{ name = \"a\" }, { name = \"b\" }]"),
        ("ablation", "[\"best\", \"own-tasks\"]"),
        ("rtt", "[\"0ms\", \"20ms\"]"),
        ("network", "[{}, { refuse_upgrade = true }]"),
        ("transport", "[\"http1\", \"http2\"]"),
        ("heartbeat", "[\"off\", \"1s\"]"),
        ("streams_per_connection", "[1, 100]"),
        ("max_streams", "[50, 100]"),
    ];

    #[test]
    fn a_swept_value_is_in_the_parameters_under_the_name_of_its_row() {
        assert_eq!(VALUES.map(|(key, _)| key), Sweep::KEYS, "two values for each setting");
        for (key, values) in VALUES {
            let transport = if key.contains("streams") { "transport = \"http2\"" } else { "" };
            let text = format!(
                "name = \"demo\"\nquestion = \"What?\"\nsetting = \"Somewhere.\"\nlook_at = \"The figure.\"\n\
                 subscribers = 10\nmeasure = \"15s\"\n{transport}\n\
                 [events]\narrivals = \"steady\"\nrate_hz = 2.0\n[sweep]\n{key} = {values}\n"
            );
            let scenario = Scenario::from_toml("demo.toml", &text).unwrap();
            let name = scenario.sweep.as_ref().unwrap().parameter().unwrap();
            let value = |plan: &TrialPlan| -> Value {
                let settings = &plan.settings;
                let Arrivals::Steady { rate_hz } = settings.events else { panic!("{:?}", settings.events) };
                let params = settings.params(plan.pattern, rate_hz, settings.payload_bytes);
                serde_json::to_value(params).unwrap()[name].clone()
            };
            let mut found: Vec<Value> = Vec::new();
            for value in scenario.trials(Selection::Everything).iter().map(value) {
                if !found.contains(&value) {
                    found.push(value);
                }
            }
            assert!(found.len() >= 2, "{key}: `{name}` is {found:?} at both values");
        }
    }
}
