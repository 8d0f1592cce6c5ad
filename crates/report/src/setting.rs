//! Settings of a point in words, and the swept one as a number.

use contract::{Arrivals, Client, Params, Pattern, PublisherSeat, Rung, Scenario, ServerName, Sweep};

use crate::number::{self, count, period_ms, setting, with_setting};

/// The one setting that a scenario varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swept {
    Subscribers,
    Rate,
    Payload,
    PollInterval,
    Hold,
    Client,
    KeepAlive,
    Side,
    Rung,
}

/// One value of a swept setting, comparable among the patterns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SweptValue {
    /// A number; six digits of it, for rates of a schedule that came out differ in the last ones.
    Number(f64),
    Client(Client),
    KeepAlive(bool),
    Side(char),
    Rung(Rung),
}

impl SweptValue {
    /// Place on an axis; what is no number stands in the order of its list.
    pub(crate) fn place(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Client(client) => f64::from(client as u8),
            Self::KeepAlive(keep_alive) => f64::from(u8::from(keep_alive)),
            Self::Side(side) => f64::from(u32::from(side)),
            Self::Rung(rung) => f64::from(rung as u8),
        }
    }
}

impl Swept {
    /// Whether the setting changes anything for a pattern. One that it does not concern is measured
    /// once, and that one point stands for every swept value.
    pub(crate) const fn concerns(self, pattern: Pattern) -> bool {
        match self {
            Self::Subscribers | Self::Rate | Self::Payload | Self::Side | Self::Rung => true,
            Self::PollInterval => match pattern {
                Pattern::ShortPolling => true,
                Pattern::LongPolling | Pattern::Sse | Pattern::WebSocket => false,
            },
            Self::Hold => match pattern {
                Pattern::LongPolling => true,
                Pattern::ShortPolling | Pattern::Sse | Pattern::WebSocket => false,
            },
            Self::KeepAlive => match pattern {
                Pattern::ShortPolling | Pattern::LongPolling => true,
                Pattern::Sse | Pattern::WebSocket => false,
            },
            Self::Client => match pattern {
                Pattern::ShortPolling | Pattern::LongPolling | Pattern::Sse => true,
                Pattern::WebSocket => false,
            },
        }
    }

    /// The value at a point, to be compared with that of others.
    pub(crate) fn key(self, params: &Params) -> Option<SweptValue> {
        match self {
            Self::Client => Some(SweptValue::Client(params.client)),
            Self::KeepAlive => params.keep_alive.map(SweptValue::KeepAlive),
            Self::Side => params.side.map(SweptValue::Side),
            Self::Rung => params.rung.map(SweptValue::Rung),
            Self::Subscribers | Self::Rate | Self::Payload | Self::PollInterval | Self::Hold => {
                self.value(params).and_then(number::six_digits).map(SweptValue::Number)
            }
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
            (!sweep.rung.is_empty(), Self::Rung),
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
            Self::Client | Self::KeepAlive | Self::Side | Self::Rung => None,
        }
    }

    /// The value at a point in words: `250 ms`, `1,000 subscribers`, `20 events/s`.
    pub(crate) fn text(self, params: &Params) -> String {
        match self {
            Self::Subscribers => format!("{} subscribers", count(u64::from(params.subscribers))),
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
            Self::Rung => params.rung.map_or_else(String::new, |rung| rung_words(rung).to_owned()),
        }
    }

    /// The value at a point as short as a label in a chart must be; [`Self::marks`] says what it is.
    pub(crate) fn mark(self, params: &Params) -> String {
        match self {
            Self::Subscribers => count(u64::from(params.subscribers)),
            Self::Rate => setting(params.rate_hz),
            Self::Payload | Self::PollInterval | Self::Hold => self.text(params),
            Self::Client => params.client.to_string(),
            Self::KeepAlive | Self::Side => self.text(params),
            Self::Rung => params.rung.map_or_else(String::new, |rung| rung_mark(rung).to_owned()),
        }
    }

    /// What the labels in a chart are.
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
            Self::Rung => "label: what is taken away",
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
            Self::Rung => "server, by what is taken away from it",
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
            Self::Rung => "rung of the ladder",
        }
    }
}

/// `20 events/s`.
pub(crate) fn rate(rate_hz: f64) -> String {
    with_setting(rate_hz, "events/s")
}

/// The pattern with the setting that makes it what it is: `short polling every 1 s`.
pub(crate) fn pattern_text(pattern: Pattern, params: &Params) -> String {
    let label = pattern.label();
    let own = match pattern {
        Pattern::ShortPolling => {
            params.poll_interval_ms.map(|interval| format!("{label} every {}", period_ms(interval)))
        }
        Pattern::LongPolling => None,
        Pattern::Sse => None,
        Pattern::WebSocket => None,
    };
    own.unwrap_or_else(|| label.to_owned())
}

/// A pattern in words, and which server where it is not the lab's own: `SSE · nchan`.
pub(crate) fn served(text: &str, server: &ServerName) -> String {
    if server.is_pushlab() { text.to_owned() } else { format!("{text} · {server}") }
}

/// A rung as a student would say it.
pub(crate) const fn rung_words(rung: Rung) -> &'static str {
    match rung {
        Rung::Best => "as it is",
        Rung::OwnTasks => "a task for each subscriber",
        Rung::EncodeEach => "encoded again for each subscriber",
        Rung::WriteEach => "each event written by itself",
        Rung::LargeBuffers => "the library's large buffers",
    }
}

/// The same as short as a label in a chart must be.
const fn rung_mark(rung: Rung) -> &'static str {
    match rung {
        Rung::Best => "as it is",
        Rung::OwnTasks => "own tasks",
        Rung::EncodeEach => "encode each",
        Rung::WriteEach => "write each",
        Rung::LargeBuffers => "large buffers",
    }
}

/// All settings of a point in a line.
pub(crate) fn params_text(params: &Params) -> String {
    let mut parts = vec![
        format!(
            "{} subscriber{}",
            count(u64::from(params.subscribers)),
            if params.subscribers == 1 { "" } else { "s" }
        ),
        rate(params.rate_hz),
        number::bytes(f64::from(params.payload_bytes)),
    ];
    if let Some(interval) = params.poll_interval_ms {
        parts.push(format!("poll every {}", period_ms(interval)));
    }
    if let Some(hold) = params.hold_ms {
        parts.push(format!("hold {}", period_ms(hold)));
    }
    if let Some(turnaround) = params.turnaround_ms.filter(|pause| *pause > 0.0) {
        parts.push(format!("turnaround {}", period_ms(turnaround)));
    }
    if params.client != Client::Lean {
        parts.push(format!("{} client", params.client));
    }
    if params.keep_alive == Some(false) {
        parts.push("a connection for every request".to_owned());
    }
    if let Some(delay) = params.delivery_delay_ms.filter(|delay| *delay > 0.0) {
        parts.push(format!("every event held back by {}", period_ms(delay)));
    }
    if let Some(jitter) = params.delivery_jitter_ms.filter(|jitter| *jitter > 0.0) {
        parts.push(format!("and by up to {} by chance", period_ms(jitter)));
    }
    if let Some(side) = params.side {
        parts.push(format!("side {side}"));
    }
    if let Some(rung) = params.rung {
        parts.push(rung_words(rung).to_owned());
    }
    if params.publisher == PublisherSeat::Harness {
        parts.push("published over HTTP".to_owned());
    }
    parts.join(", ")
}

/// How events arrive, in words.
pub(crate) fn arrivals_text(arrivals: &Arrivals) -> String {
    match arrivals {
        Arrivals::Steady { rate_hz } => format!("evenly spaced, {}", rate(*rate_hz)),
        Arrivals::Poisson { rate_hz } => {
            format!("independent of each other (Poisson), {}", rate(*rate_hz))
        }
        Arrivals::Bursts { burst_events, event_spacing, burst_every } => format!(
            "bursts of {} events {} apart, about every {}",
            setting(f64::from(*burst_events)),
            period_ms(event_spacing.milliseconds()),
            period_ms(burst_every.milliseconds())
        ),
        Arrivals::Ramp { from_hz, to_hz } => {
            format!("growing by the same factor every second, from {} to {}", rate(*from_hz), rate(*to_hz))
        }
        Arrivals::Silence => "no events".to_owned(),
        Arrivals::Replay { file } => format!("replayed from {file}"),
    }
}

/// What a scenario varies, as a sentence; empty if nothing.
pub(crate) fn varied_text(scenario: &Scenario) -> String {
    Swept::of(scenario).map_or_else(String::new, |swept| format!(" Varied: the {}.", swept.label()))
}

/// The scenario's arrivals with the swept rate put in.
///
/// A record holds the rate of the schedule that came out; the closed form needs the one that was
/// set, which is the nearest of the swept ones.
pub(crate) fn arrivals_at(scenario: &Scenario, params: &Params) -> Arrivals {
    let swept =
        [scenario.sweep.as_ref(), scenario.default_run.as_ref().and_then(|chosen| chosen.sweep.as_ref())];
    let nearest = swept.into_iter().flatten().flat_map(|sweep: &Sweep| sweep.rate_hz.iter().copied()).min_by(
        |left, right| {
            let distance = |rate: f64| (rate / params.rate_hz.max(1e-9)).ln().abs();
            distance(*left).total_cmp(&distance(*right))
        },
    );
    match (&scenario.events, nearest) {
        (Arrivals::Steady { .. }, Some(rate_hz)) => Arrivals::Steady { rate_hz },
        (Arrivals::Poisson { .. }, Some(rate_hz)) => Arrivals::Poisson { rate_hz },
        (other, _) => other.clone(),
    }
}
