//! A scenario: one question, in one strict TOML file.

use std::{fmt, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    BrowserAudience, Certificate, Heartbeat, Limits, Network, Pattern, Period, PublisherSeat, ScenarioError,
    ServerName, Settings, Sweep, Transport, TrialPlan,
};

/// When events are due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "arrivals", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Arrivals {
    /// Evenly spaced, the first half a period after the start.
    Steady {
        /// Events per second.
        rate_hz: f64,
    },
    /// Independent of each other: exponential gaps.
    Poisson {
        /// Mean events per second.
        rate_hz: f64,
    },
    /// Groups of events close together, with idle gaps between the groups.
    Bursts {
        /// Events in a burst.
        burst_events: u32,
        /// Time between two events of a burst.
        event_spacing: Period,
        /// Mean time between the starts of two bursts; the gaps are drawn uniformly within ±25 %.
        burst_every: Period,
    },
    /// The rate grows by the same factor every second, from the schedule's start to its end.
    Ramp {
        /// Events per second at the start.
        from_hz: f64,
        /// Events per second at the end.
        to_hz: f64,
    },
    /// No events at all.
    Silence,
    /// Events of a CSV file with the columns `offset_ms,type,data`.
    Replay {
        /// The file, beside the scenario's.
        file: String,
    },
}

/// Which HTTP client the polling and SSE subscribers use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// The lab's own HTTP/1.1 client, which reads answers in place from a socket of its own.
    #[default]
    Lean,
    /// An ordinary client: one `reqwest::Client` a subscriber. Shows what convenience costs.
    Reqwest,
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lean => "lean",
            Self::Reqwest => "reqwest",
        })
    }
}

/// What the default run takes of a scenario. Without this table it takes nothing.
///
/// It has a few minutes for all questions, so its trials may be shorter than those of a run of the scenario
/// by name: rather four short blocks, which give intervals, than one long one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultRun {
    /// Patterns; all of the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patterns: Option<Vec<Pattern>>,
    /// Swept values; all of the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// Blocks: how often every trial is run.
    #[serde(default = "one_block")]
    pub blocks: u32,
    /// Start of the schedule that does not count; the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Period>,
    /// Measured stretch of the schedule; the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Period>,
    /// Long polling: how long the server holds a request; the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Period>,
}

/// One question, and the trials that answer it. The file format of `scenarios/*.toml`: an unknown
/// key is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name; the same as the file's.
    pub name: String,
    /// The question, as the heading of its part of the report.
    pub question: String,
    /// The situation in life that it stands for.
    pub setting: String,
    /// What to look at in the figures.
    pub look_at: String,
    /// Patterns compared.
    #[serde(default = "all_patterns")]
    pub patterns: Vec<Pattern>,
    /// Servers that every trial is run against: `pushlab`, `floor` (what the kernel alone costs), or the
    /// name of a target.
    #[serde(default = "pushlab_alone")]
    pub servers: Vec<ServerName>,
    /// Who publishes. A server that is not the lab's own can only be published to by the harness, and
    /// then so are all.
    #[serde(default)]
    pub publisher: PublisherSeat,
    /// How often every trial is run; a block holds each once. An interval needs four.
    #[serde(default = "default_blocks")]
    pub blocks: u32,
    /// The quantity that the question is about, by its name in `summary.json`. Its comparisons are
    /// judged by themselves; those of all others share one error rate.
    #[serde(default = "default_primary")]
    pub primary: String,
    /// Conditions on quantities by their names in `summary.json`, such as `age_p99_ms < 250`,
    /// `sse.requests_per_event <= 1.1`, `lost == 0` or
    /// `sse.bytes_per_event / websocket.bytes_per_event < 1.6`. They speak of the lab's own server;
    /// `sse.cpu_us_per_event / floor <= 1.25` holds a quantity against that of another one, and is kept
    /// when the low end of the ratio's 95 % interval is within it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<String>,
    /// Logical readers, one socket each.
    pub subscribers: u32,
    /// Numbers of subscribers at which memory is read on the way to all of them; `subscribers` is the
    /// last of them. Empty for a trial without stairs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stairs: Vec<u32>,
    /// With stairs: how long all subscribers stay open without an event.
    #[serde(default = "default_idle")]
    pub idle: Period,
    /// Bytes of an event's text, due stamp included. Ignored by `replay`, whose file holds texts.
    #[serde(default = "default_payload_bytes")]
    pub payload_bytes: u32,
    /// Short polling: time between two polls (fixed rate).
    #[serde(default = "default_poll_interval")]
    pub poll_interval: Period,
    /// Long polling: how long the server holds a request.
    #[serde(default = "default_hold")]
    pub hold: Period,
    /// Long polling: pause of the subscriber between an answer and its next request. On loopback
    /// it stands for the network's round trip and the page's own work.
    #[serde(default)]
    pub turnaround: Period,
    /// Polling: a poll whose answer is not complete so long after its request was sent is given up, as by
    /// `fetch` with `AbortSignal.timeout()` in a page (WHATWG DOM §3.2; RFC 9110 knows no such limit of a
    /// client). The connection is closed, and the subscriber goes on as after any failure, on a fresh
    /// one. A long poll is waited for so long beyond its hold; opening a connection may take as long.
    /// Streams have no such limit, for EventSource and WebSocket have none in a page either.
    #[serde(default = "default_request_timeout")]
    pub request_timeout: Period,
    /// Polling: whether a subscriber asks again on the same connection.
    #[serde(default = "kept_alive")]
    pub keep_alive: bool,
    /// HTTP client of the polling and SSE subscribers.
    #[serde(default)]
    pub client: Client,
    /// Time by which the server holds each event back on purpose: a known answer, to test the
    /// instrument with.
    #[serde(default)]
    pub delivery_delay: Period,
    /// Most that is added to this by chance, evenly spread.
    #[serde(default)]
    pub delivery_jitter: Period,
    /// What lies between subscribers and server: a middlebox that every connection goes through. Absent:
    /// nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// What the server speaks.
    #[serde(default)]
    pub transport: Transport,
    /// The certificate that the server makes, where it encrypts.
    #[serde(default)]
    pub certificate: Certificate,
    /// HTTP/2: how many subscribers share a connection.
    #[serde(default = "one_stream")]
    pub streams_per_connection: u32,
    /// HTTP/2: how many streams the server allows on one connection.
    #[serde(default = "default_max_streams")]
    pub max_streams: u32,
    /// Signs of life that the server sends on SSE streams and WebSockets.
    #[serde(default)]
    pub heartbeat: Heartbeat,
    /// A real browser, and what its page does; the subscribers are then beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<BrowserAudience>,
    /// Start of the schedule that does not count.
    #[serde(default = "default_warm_up")]
    pub warm_up: Period,
    /// Measured stretch of the schedule.
    pub measure: Period,
    /// Longest wait after the schedule for what is still under way.
    #[serde(default = "default_drain")]
    pub drain: Period,
    /// When events are due.
    pub events: Arrivals,
    /// The one setting that is varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// What the default run takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_run: Option<DefaultRun>,
    /// Beyond what the numbers are not to be believed.
    #[serde(default)]
    pub limits: Limits,
}

fn all_patterns() -> Vec<Pattern> {
    Pattern::ALL.to_vec()
}
fn pushlab_alone() -> Vec<ServerName> {
    vec![ServerName::default()]
}
const fn default_blocks() -> u32 {
    5
}
const fn one_block() -> u32 {
    1
}
fn default_primary() -> String {
    "age_p99_ms".to_owned()
}
const fn one_stream() -> u32 {
    1
}
const fn default_max_streams() -> u32 {
    200
}
const fn kept_alive() -> bool {
    true
}
const fn default_idle() -> Period {
    Period::from_millis(15_000)
}
const fn default_payload_bytes() -> u32 {
    100
}
const fn default_poll_interval() -> Period {
    Period::from_millis(1_000)
}
const fn default_hold() -> Period {
    Period::from_millis(1_500)
}
const fn default_request_timeout() -> Period {
    Settings::USUAL_REQUEST_TIMEOUT
}
const fn default_warm_up() -> Period {
    Period::from_millis(2_000)
}
const fn default_drain() -> Period {
    Period::from_millis(2_000)
}

/// Which part of a scenario to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// What the scenario offers for the default run.
    Default,
    /// Every pattern at every point.
    Everything,
}

impl Scenario {
    /// Reads a scenario file's text. `file` is its path, for error messages, and its stem must be
    /// the scenario's name.
    ///
    /// # Errors
    /// [`ScenarioError`] with file, key and what is allowed, if the text is not TOML, has an
    /// unknown key, or a value makes no sense.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text).map_err(|error| ScenarioError::Form {
            file: file.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str());
        scenario.check(file, stem.unwrap_or_default())?;
        Ok(scenario)
    }

    /// The trials of a selection: every chosen point, and at each point every chosen pattern.
    #[must_use]
    pub fn trials(&self, selection: Selection) -> Vec<TrialPlan> {
        let (patterns, sweep) = match selection {
            Selection::Everything => (&self.patterns, self.sweep.as_ref()),
            Selection::Default => match &self.default_run {
                None => return Vec::new(),
                Some(chosen) => (
                    chosen.patterns.as_ref().unwrap_or(&self.patterns),
                    chosen.sweep.as_ref().or(self.sweep.as_ref()),
                ),
            },
        };
        let base = self.settings_of(selection);
        let mut points = vec![base.clone()];
        let changes = sweep.map(Sweep::changes).unwrap_or_default();
        if !changes.is_empty() {
            points = changes
                .into_iter()
                .map(|change| {
                    let mut settings = base.clone();
                    settings.apply(change);
                    settings
                })
                .collect();
        }
        let mut plans: Vec<TrialPlan> = Vec::new();
        for settings in &points {
            for &pattern in patterns {
                for server in &self.servers {
                    let settings = Settings { server: server.clone(), ..settings.clone() };
                    let plan = TrialPlan { pattern, settings };
                    // A pattern that the swept setting does not concern is measured once.
                    if !plans.iter().any(|other| plan.measures_the_same(other)) {
                        plans.push(plan);
                    }
                }
            }
        }
        plans
    }

    /// Blocks of a selection.
    #[must_use]
    pub fn blocks(&self, selection: Selection) -> u32 {
        match selection {
            Selection::Everything => self.blocks,
            Selection::Default => self.default_run.as_ref().map_or(0, |chosen| chosen.blocks),
        }
    }

    /// The settings of a selection, nothing swept yet: the default run may have shorter trials.
    fn settings_of(&self, selection: Selection) -> Settings {
        let mut settings = self.settings();
        let chosen = match selection {
            Selection::Everything => None,
            Selection::Default => self.default_run.as_ref(),
        };
        if let Some(chosen) = chosen {
            settings.warm_up = chosen.warm_up.unwrap_or(settings.warm_up);
            settings.measure = chosen.measure.unwrap_or(settings.measure);
            settings.hold = chosen.hold.unwrap_or(settings.hold);
        }
        settings
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            subscribers: self.subscribers,
            payload_bytes: self.payload_bytes,
            poll_interval: self.poll_interval,
            hold: self.hold,
            turnaround: self.turnaround,
            request_timeout: self.request_timeout,
            keep_alive: self.keep_alive,
            client: self.client,
            delivery_delay: self.delivery_delay,
            delivery_jitter: self.delivery_jitter,
            side: None,
            rung: None,
            server: ServerName::default(),
            publisher: self.publisher,
            network: self.network,
            transport: self.transport,
            certificate: self.certificate,
            streams_per_connection: self.streams_per_connection,
            max_streams: self.max_streams,
            heartbeat: self.heartbeat,
            browser: self.browser,
            stairs: self.stairs.clone(),
            idle: self.idle,
            warm_up: self.warm_up,
            measure: self.measure,
            drain: self.drain,
            events: self.events.clone(),
        }
    }
}
