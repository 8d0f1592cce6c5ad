//! A scenario: one question, in one TOML file in which unknown keys are errors.

mod check;
mod network_check;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Arrivals, BrowserAudience, Certificate, Client, Heartbeat, Limits, Network, Pattern, Period,
    PublisherHost, ServerName, Settings, Sweep, Transport, TrialPlan,
};

pub use check::ScenarioError;

/// The part of a scenario that the default run contains. Without this table it contains nothing of it.
///
/// The default run has a few minutes for all questions, so its trials may be shorter than those of a run of
/// the scenario by name. Four short blocks, which give intervals, are better than one long block.
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
    /// Warm-up, which is not measured; the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Period>,
    /// Measured part of the schedule; the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Period>,
    /// Long polling: how long the server holds a request; the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Period>,
}

/// One question, and the trials that answer it. This is the format of `scenarios/*.toml`; an unknown key is an
/// error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name; the same as the file's.
    pub name: String,
    /// The question, used as the heading of its part of the report.
    pub question: String,
    /// The real situation that it stands for.
    pub setting: String,
    /// What to look at in the figures.
    pub look_at: String,
    /// Patterns compared.
    #[serde(default = "all_patterns")]
    pub patterns: Vec<Pattern>,
    /// Servers that every trial is run against: `pushlab`, `floor` (the lower bound), or the name of a target.
    #[serde(default = "pushlab_alone")]
    pub servers: Vec<ServerName>,
    /// Who publishes. Only the harness can publish to a target; it then publishes to all servers of the
    /// scenario.
    #[serde(default)]
    pub publisher: PublisherHost,
    /// Number of blocks: each block runs every trial once. An interval needs four.
    #[serde(default = "default_blocks")]
    pub blocks: u32,
    /// The quantity that the question is about, by its name in `summary.json`. Its comparisons have their own
    /// error rate; the comparisons of all other quantities share one.
    #[serde(default = "default_primary")]
    pub primary: String,
    /// Conditions on quantities by their names in `summary.json`, such as `age_p99_ms < 250`,
    /// `sse.requests_per_event <= 1.1`, `lost == 0` or
    /// `sse.bytes_per_event / websocket.bytes_per_event < 1.6`. They apply to the lab's own server, and to every
    /// swept value unless one is selected, as in `short-polling[1s].age_p99_ms < 1200`.
    /// `sse.cpu_us_per_event / floor <= 1.25` compares a quantity with that of another server, and passes if
    /// the low end of the ratio's 95 % interval is within the bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<String>,
    /// Logical readers, one socket each.
    pub subscribers: u32,
    /// Memory steps: rising numbers of subscribers at which memory is read; the last is `subscribers`. Empty
    /// for a trial without memory steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory_steps: Vec<u32>,
    /// With memory steps: how long all subscribers stay open without an event.
    #[serde(default = "default_idle")]
    pub idle: Period,
    /// Bytes of an event's text, due stamp included. Ignored by `replay`, whose file has the texts.
    #[serde(default = "default_payload_bytes")]
    pub payload_bytes: u32,
    /// Short polling: time between two polls (fixed rate).
    #[serde(default = "default_poll_interval")]
    pub poll_interval: Period,
    /// Long polling: how long the server holds a request.
    #[serde(default = "default_hold")]
    pub hold: Period,
    /// Long polling: pause of the subscriber between an answer and its next request. On loopback it stands for
    /// the network's round trip and the page's own work.
    #[serde(default)]
    pub turnaround: Period,
    /// Polling: longest time from a request to its complete answer. The poll is then abandoned, as by `fetch`
    /// with `AbortSignal.timeout()` in a page (WHATWG DOM §3.2; RFC 9110 defines no such limit). The connection
    /// is closed, and the subscriber continues as after any failure, on a new connection. For a long poll the
    /// hold is added. Opening a connection has the same limit. Streams have none, because EventSource and
    /// WebSocket have none in a page either.
    #[serde(default = "default_request_timeout")]
    pub request_timeout: Period,
    /// Polling: whether a subscriber reuses its connection.
    #[serde(default = "kept_alive")]
    pub keep_alive: bool,
    /// HTTP client of the polling and SSE subscribers.
    #[serde(default)]
    pub client: Client,
    /// Time by which the server delays each event on purpose: a known answer to test the instrument with.
    #[serde(default)]
    pub delivery_delay: Period,
    /// Largest random addition to this delay, uniformly distributed.
    #[serde(default)]
    pub delivery_jitter: Period,
    /// A middlebox between subscribers and server, which every connection passes. Without this table there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Transport of the server.
    #[serde(default)]
    pub transport: Transport,
    /// The certificate that the server generates, if its transport encrypts.
    #[serde(default)]
    pub certificate: Certificate,
    /// HTTP/2: number of subscribers that share a connection.
    #[serde(default = "one_stream")]
    pub streams_per_connection: u32,
    /// HTTP/2: most streams that the server allows on one connection.
    #[serde(default = "default_max_streams")]
    pub max_streams: u32,
    /// Heartbeats that the server sends on SSE streams and WebSockets.
    #[serde(default)]
    pub heartbeat: Heartbeat,
    /// A real browser, and what its page does. The subscribers then run at the same time on the same server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<BrowserAudience>,
    /// Warm-up: the start of the schedule, which is not measured.
    #[serde(default = "default_warm_up")]
    pub warm_up: Period,
    /// Measured part of the schedule.
    pub measure: Period,
    /// Longest wait after the schedule for deliveries in flight.
    #[serde(default = "default_drain")]
    pub drain: Period,
    /// When events are due.
    pub events: Arrivals,
    /// The swept parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// What the default run contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_run: Option<DefaultRun>,
    /// The limits beyond which the numbers are not trustworthy.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// The scenario's part of the default run.
    Default,
    /// Every pattern at every point.
    Everything,
}

impl Scenario {
    /// Parses the text of a scenario file. `file` is its path, for error messages; its stem must be the
    /// scenario's name.
    ///
    /// # Errors
    /// [`ScenarioError`] with file, key and expected values, if the text is not TOML, has an unknown key or an
    /// invalid value.
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
                    change.apply(&mut settings);
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
                    // A pattern to which the swept parameter does not apply is measured once.
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

    /// The settings of a selection before the sweep. The default run may have shorter trials.
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
            ablation: None,
            server: ServerName::default(),
            publisher: self.publisher,
            network: self.network,
            transport: self.transport,
            certificate: self.certificate,
            streams_per_connection: self.streams_per_connection,
            max_streams: self.max_streams,
            heartbeat: self.heartbeat,
            browser: self.browser,
            memory_steps: self.memory_steps.clone(),
            idle: self.idle,
            warm_up: self.warm_up,
            measure: self.measure,
            drain: self.drain,
            events: self.events.clone(),
        }
    }
}
