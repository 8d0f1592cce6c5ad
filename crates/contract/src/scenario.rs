//! A scenario: one question, in one strict TOML file.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

use crate::{Pattern, Period, ScenarioError, Settings, TrialPlan};

/// When events are due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// No events at all.
    Silence,
    /// Events of a CSV file with the columns `offset_ms,type,data`.
    Replay {
        /// The file, beside the scenario's.
        file: String,
    },
}

/// Which HTTP client the polling and SSE subscribers use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// The lab's own lean subscriber: `hyper::client::conn` over a socket of its own.
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

/// The values of the one setting that a scenario sweeps. Exactly one list may be given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Numbers of subscribers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribers: Vec<u32>,
    /// Event rates of a steady or Poisson schedule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_hz: Vec<f64>,
    /// Text sizes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payload_bytes: Vec<u32>,
    /// Poll intervals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub poll_interval: Vec<Period>,
    /// Hold times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold: Vec<Period>,
    /// HTTP clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client: Vec<Client>,
}

/// One value of a sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Number of subscribers.
    Subscribers(u32),
    /// Event rate.
    RateHz(f64),
    /// Text size.
    PayloadBytes(u32),
    /// Poll interval.
    PollInterval(Period),
    /// Hold time.
    Hold(Period),
    /// HTTP client.
    Client(Client),
}

impl Sweep {
    /// The swept values. The scenario's check lets only one list hold any.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        changes.extend(self.subscribers.iter().copied().map(Change::Subscribers));
        changes.extend(self.rate_hz.iter().copied().map(Change::RateHz));
        changes.extend(self.payload_bytes.iter().copied().map(Change::PayloadBytes));
        changes.extend(self.poll_interval.iter().copied().map(Change::PollInterval));
        changes.extend(self.hold.iter().copied().map(Change::Hold));
        changes.extend(self.client.iter().copied().map(Change::Client));
        changes
    }

    /// Name of the swept setting as in [`crate::Params`], such as `poll_interval_ms`.
    #[must_use]
    pub fn parameter(&self) -> Option<&'static str> {
        self.changes().first().map(|change| match change {
            Change::Subscribers(_) => "subscribers",
            Change::RateHz(_) => "rate_hz",
            Change::PayloadBytes(_) => "payload_bytes",
            Change::PollInterval(_) => "poll_interval_ms",
            Change::Hold(_) => "hold_ms",
            Change::Client(_) => "client",
        })
    }

    pub(crate) fn lists_given(&self) -> usize {
        [
            !self.subscribers.is_empty(),
            !self.rate_hz.is_empty(),
            !self.payload_bytes.is_empty(),
            !self.poll_interval.is_empty(),
            !self.hold.is_empty(),
            !self.client.is_empty(),
        ]
        .into_iter()
        .filter(|given| *given)
        .count()
    }
}

/// What the default run takes of a scenario. Without this table it takes nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefaultRun {
    /// Patterns; all of the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patterns: Option<Vec<Pattern>>,
    /// Swept values; all of the scenario's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
}

/// One question, and the trials that answer it. The file format of `scenarios/*.toml`: an unknown
/// key is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Logical readers, one socket each.
    pub subscribers: u32,
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
    /// HTTP client of the polling and SSE subscribers.
    #[serde(default)]
    pub client: Client,
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
}

fn all_patterns() -> Vec<Pattern> {
    Pattern::ALL.to_vec()
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
        let mut points = vec![self.settings()];
        let changes = sweep.map(Sweep::changes).unwrap_or_default();
        if !changes.is_empty() {
            points = changes
                .into_iter()
                .map(|change| {
                    let mut settings = self.settings();
                    settings.apply(change);
                    settings
                })
                .collect();
        }
        let mut plans: Vec<TrialPlan> = Vec::new();
        for settings in &points {
            for &pattern in patterns {
                let plan = TrialPlan { pattern, settings: settings.clone() };
                // A pattern that the swept setting does not concern is measured once.
                if !plans.iter().any(|other| plan.measures_the_same(other)) {
                    plans.push(plan);
                }
            }
        }
        plans
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            subscribers: self.subscribers,
            payload_bytes: self.payload_bytes,
            poll_interval: self.poll_interval,
            hold: self.hold,
            turnaround: self.turnaround,
            client: self.client,
            warm_up: self.warm_up,
            measure: self.measure,
            drain: self.drain,
            events: self.events.clone(),
        }
    }
}
