//! A scenario: one question, in one strict TOML file.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

use crate::{Params, Pattern, Period};

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
    /// The swept values; the first list that is not empty.
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

    /// Name of the swept setting as in [`Params`], such as `poll_interval_ms`.
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

    fn lists_given(&self) -> usize {
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

/// A scenario that cannot be run, with the place and what is allowed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML, an unknown or missing key, or a value of the wrong kind.
    #[error("{file}: {problem}")]
    Form {
        /// The scenario's file.
        file: String,
        /// What the TOML reader said, with line and column.
        problem: String,
    },
    /// A value that makes no sense.
    #[error("{file}: `{key}` is {value}: allowed is {allowed}")]
    Value {
        /// The scenario's file.
        file: String,
        /// The key.
        key: String,
        /// The value found.
        value: String,
        /// What would be accepted.
        allowed: String,
    },
}

/// Which part of a scenario to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// What the scenario offers for the default run.
    Default,
    /// Every pattern at every point.
    Everything,
}

/// The settings of one trial, the sweep applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Logical readers.
    pub subscribers: u32,
    /// Bytes of an event's text.
    pub payload_bytes: u32,
    /// Short polling: time between two polls.
    pub poll_interval: Period,
    /// Long polling: longest hold.
    pub hold: Period,
    /// Long polling: pause before the next request.
    pub turnaround: Period,
    /// HTTP client.
    pub client: Client,
    /// Start of the schedule that does not count.
    pub warm_up: Period,
    /// Measured stretch.
    pub measure: Period,
    /// Longest wait for what is under way.
    pub drain: Period,
    /// When events are due.
    pub events: Arrivals,
}

impl Settings {
    /// The settings as numbers, without those that have no meaning for the pattern. `rate_hz` is
    /// that of the actual schedule's window.
    #[must_use]
    pub fn params(&self, pattern: Pattern, rate_hz: f64) -> Params {
        let mut params = Params {
            subscribers: self.subscribers,
            payload_bytes: self.payload_bytes,
            rate_hz,
            poll_interval_ms: None,
            hold_ms: None,
            turnaround_ms: None,
            client: self.client,
        };
        match pattern {
            Pattern::ShortPolling => {
                params.poll_interval_ms = Some(self.poll_interval.milliseconds());
            }
            Pattern::LongPolling => {
                params.hold_ms = Some(self.hold.milliseconds());
                params.turnaround_ms = Some(self.turnaround.milliseconds());
            }
            Pattern::Sse => {}
            // A WebSocket has no HTTP client to choose.
            Pattern::WebSocket => params.client = Client::Lean,
        }
        params
    }

    /// Length of the published schedule: warm-up and measured stretch.
    #[must_use]
    pub fn schedule_length(&self) -> Period {
        Period(*self.warm_up + *self.measure)
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Subscribers(subscribers) => self.subscribers = subscribers,
            Change::RateHz(rate) => match &mut self.events {
                Arrivals::Steady { rate_hz } | Arrivals::Poisson { rate_hz } => *rate_hz = rate,
                // `Scenario::check` refuses a rate sweep over these.
                Arrivals::Bursts { .. } | Arrivals::Silence | Arrivals::Replay { .. } => {}
            },
            Change::PayloadBytes(bytes) => self.payload_bytes = bytes,
            Change::PollInterval(interval) => self.poll_interval = interval,
            Change::Hold(hold) => self.hold = hold,
            Change::Client(client) => self.client = client,
        }
    }
}

/// One trial to come: a pattern at a point of the sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialPlan {
    /// Which pattern.
    pub pattern: Pattern,
    /// Its settings.
    pub settings: Settings,
}

/// Longest schedule, so that a typing error does not run for a day.
const LONGEST_PHASE: Period = Period::from_millis(3_600_000);
/// The contract's longest hold (seconds 0–55).
const LONGEST_HOLD: Period = Period::from_millis(55_000);
/// Most subscribers: two descriptors of one machine's 20,000 each, less what the processes need.
const MOST_SUBSCRIBERS: u32 = 18_000;

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
        points
            .iter()
            .flat_map(|settings| {
                patterns.iter().map(|&pattern| TrialPlan { pattern, settings: settings.clone() })
            })
            .collect()
    }

    fn settings(&self) -> Settings {
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

    fn check(&self, file: &str, stem: &str) -> Result<(), ScenarioError> {
        let check = Check { file };
        check.that("name", &self.name, self.name == stem, "the file's name without `.toml`")?;
        check.that(
            "name",
            &self.name,
            !self.name.is_empty()
                && self
                    .name
                    .bytes()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-'),
            "letters a-z, digits and `-`",
        )?;
        for (key, text) in
            [("question", &self.question), ("setting", &self.setting), ("look_at", &self.look_at)]
        {
            check.that(key, "empty", !text.trim().is_empty(), "a sentence")?;
        }
        check.patterns("patterns", &self.patterns, &Pattern::ALL)?;
        if let Some(sweep) = &self.sweep {
            check.sweep("sweep", sweep, &self.events)?;
        }
        if let Some(chosen) = &self.default_run {
            if let Some(patterns) = &chosen.patterns {
                check.patterns("default_run.patterns", patterns, &self.patterns)?;
            }
            if let Some(sweep) = &chosen.sweep {
                check.sweep("default_run.sweep", sweep, &self.events)?;
                let swept = self.sweep.as_ref().and_then(Sweep::parameter);
                check.that(
                    "default_run.sweep",
                    sweep.parameter().unwrap_or("empty"),
                    sweep.parameter() == swept,
                    "the setting that [sweep] varies",
                )?;
            }
        }
        check.settings(&self.settings())?;
        for selection in [Selection::Everything, Selection::Default] {
            for plan in self.trials(selection) {
                check.settings(&plan.settings)?;
            }
        }
        Ok(())
    }
}

/// Gathers the file's name for the errors.
struct Check<'a> {
    file: &'a str,
}

impl Check<'_> {
    fn that(
        &self,
        key: &str,
        value: impl fmt::Display,
        fits: bool,
        allowed: &str,
    ) -> Result<(), ScenarioError> {
        if fits {
            return Ok(());
        }
        Err(ScenarioError::Value {
            file: self.file.to_owned(),
            key: key.to_owned(),
            value: value.to_string(),
            allowed: allowed.to_owned(),
        })
    }

    fn period(&self, key: &str, value: Period, low: Period, high: Period) -> Result<(), ScenarioError> {
        self.that(key, value, low <= value && value <= high, &format!("{low} to {high}"))
    }

    fn rate(&self, key: &str, rate: f64) -> Result<(), ScenarioError> {
        self.that(key, rate, (0.001..=10_000.0).contains(&rate), "0.001 to 10000 events per second")
    }

    fn patterns(&self, key: &str, patterns: &[Pattern], offered: &[Pattern]) -> Result<(), ScenarioError> {
        let listed = patterns.iter().map(|pattern| pattern.slug()).collect::<Vec<_>>().join(", ");
        let once = patterns.iter().enumerate().all(|(index, pattern)| !patterns[..index].contains(pattern));
        let fits = !patterns.is_empty() && once && patterns.iter().all(|pattern| offered.contains(pattern));
        let allowed = offered.iter().map(|pattern| pattern.slug()).collect::<Vec<_>>().join(", ");
        self.that(key, format!("[{listed}]"), fits, &format!("at least one of {allowed}, each once"))
    }

    fn sweep(&self, key: &str, sweep: &Sweep, events: &Arrivals) -> Result<(), ScenarioError> {
        self.that(
            key,
            format!("{} lists of values", sweep.lists_given()),
            sweep.lists_given() == 1,
            "one list with at least one value: subscribers, rate_hz, payload_bytes, poll_interval, hold or client",
        )?;
        let has_rate = matches!(events, Arrivals::Steady { .. } | Arrivals::Poisson { .. });
        self.that(
            &format!("{key}.rate_hz"),
            "swept",
            sweep.rate_hz.is_empty() || has_rate,
            "only with steady or poisson arrivals",
        )
    }

    fn settings(&self, settings: &Settings) -> Result<(), ScenarioError> {
        let millis = Period::from_millis;
        self.that(
            "subscribers",
            settings.subscribers,
            (1..=MOST_SUBSCRIBERS).contains(&settings.subscribers),
            &format!("1 to {MOST_SUBSCRIBERS}"),
        )?;
        self.that(
            "payload_bytes",
            settings.payload_bytes,
            (16..=60_000).contains(&settings.payload_bytes),
            "16 to 60000 (14 of them are the due stamp)",
        )?;
        self.period("poll_interval", settings.poll_interval, millis(10), millis(60_000))?;
        self.period("hold", settings.hold, millis(100), LONGEST_HOLD)?;
        self.period("turnaround", settings.turnaround, millis(0), millis(60_000))?;
        self.period("warm_up", settings.warm_up, millis(0), LONGEST_PHASE)?;
        self.period("measure", settings.measure, millis(500), LONGEST_PHASE)?;
        self.period("drain", settings.drain, millis(100), millis(120_000))?;
        match &settings.events {
            Arrivals::Steady { rate_hz } | Arrivals::Poisson { rate_hz } => {
                self.rate("events.rate_hz", *rate_hz)?;
            }
            Arrivals::Bursts { burst_events, event_spacing, burst_every } => {
                self.that(
                    "events.burst_events",
                    burst_events,
                    (1..=100_000).contains(burst_events),
                    "1 to 100000",
                )?;
                self.period("events.event_spacing", *event_spacing, millis(0), millis(60_000))?;
                self.period("events.burst_every", *burst_every, millis(1), LONGEST_PHASE)?;
                let burst_length = event_spacing.saturating_mul(*burst_events);
                self.that(
                    "events.burst_every",
                    burst_every,
                    burst_length.mul_f64(2.0) <= **burst_every,
                    "at least twice burst_events × event_spacing, so that there is an idle gap",
                )?;
            }
            Arrivals::Silence => {}
            Arrivals::Replay { file } => {
                let beside = Path::new(file).components().count() == 1;
                self.that("events.file", file, beside, "the name of a file beside the scenario's")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "demo"
        question = "What?"
        setting = "Somewhere."
        look_at = "The figure."
        subscribers = 10
        measure = "15s"
        [events]
        arrivals = "steady"
        rate_hz = 2.0
    "#;

    fn error_of(text: &str) -> String {
        Scenario::from_toml("scenarios/demo.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_filled_in() {
        let scenario = Scenario::from_toml("scenarios/demo.toml", GOOD).unwrap();
        assert_eq!(scenario.patterns, Pattern::ALL);
        assert_eq!(scenario.trials(Selection::Everything).len(), 4);
        assert!(scenario.trials(Selection::Default).is_empty());
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_line_and_the_allowed_ones() {
        let error = error_of(&GOOD.replace("subscribers", "subscriber"));
        for word in ["scenarios/demo.toml", "line 6", "subscriber", "poll_interval"] {
            assert!(error.contains(word), "{word} is missing in: {error}");
        }
    }

    #[test]
    fn absurd_values_are_refused_with_what_is_allowed() {
        for (from, to, key) in [
            ("subscribers = 10", "subscribers = 0", "`subscribers` is 0: allowed is 1 to"),
            ("subscribers = 10", "subscribers = 10\npayload_bytes = 3", "`payload_bytes` is 3"),
            ("\"15s\"", "\"0s\"", "`measure` is 0s"),
            ("\"15s\"", "15", "with its unit in quotes"),
            ("rate_hz = 2.0", "rate_hz = nan", "`events.rate_hz` is NaN"),
            ("rate_hz = 2.0", "rate_hz = -1.0", "`events.rate_hz` is -1"),
            ("\"demo\"", "\"other\"", "`name` is other"),
            ("\"What?\"", "\" \"", "`question` is empty"),
            ("\"steady\"", "\"sometimes\"", "sometimes"),
            ("subscribers = 10", "subscribers = 10\npatterns = []", "`patterns` is []"),
            ("subscribers = 10", "subscribers = 10\npatterns = [\"sse\", \"sse\"]", "each once"),
            ("subscribers = 10", "subscribers = 10\npatterns = [\"sse2\"]", "sse2"),
            ("subscribers = 10", "subscribers = 10\nhold = \"56s\"", "`hold` is 56s"),
        ] {
            let error = error_of(&GOOD.replace(from, to));
            assert!(error.contains(key), "{key} is missing in: {error}");
        }
    }

    #[test]
    fn a_sweep_varies_one_setting() {
        let text = format!(
            "{GOOD}\n[sweep]\npoll_interval = [\"1s\", \"2s\"]\n[default_run]\npatterns = [\"short-polling\"]\n"
        );
        let scenario = Scenario::from_toml("demo.toml", &text).unwrap();
        assert_eq!(scenario.trials(Selection::Everything).len(), 8);
        let chosen = scenario.trials(Selection::Default);
        assert_eq!(chosen.len(), 2);
        assert_eq!(chosen[1].settings.poll_interval, Period::from_millis(2_000));
        assert_eq!(scenario.sweep.unwrap().parameter(), Some("poll_interval_ms"));

        let two = format!("{GOOD}\n[sweep]\nsubscribers = [1]\nhold = [\"1s\"]\n");
        assert!(error_of(&two).contains("one list"));
        let absurd = format!("{GOOD}\n[sweep]\nsubscribers = [1, 0]\n");
        assert!(error_of(&absurd).contains("`subscribers` is 0"));
        let other = format!(
            "{GOOD}\n[sweep]\nsubscribers = [1]\n[default_run]\n[default_run.sweep]\nhold = [\"1s\"]\n"
        );
        assert!(error_of(&other).contains("[sweep] varies"));
    }

    #[test]
    fn a_scenario_survives_the_manifest() {
        let scenario = Scenario::from_toml("demo.toml", GOOD).unwrap();
        let json = serde_json::to_string(&scenario).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
    }

    #[test]
    fn settings_without_meaning_for_the_pattern_are_absent() {
        let scenario = Scenario::from_toml("demo.toml", GOOD).unwrap();
        let settings = scenario.trials(Selection::Everything)[0].settings.clone();
        let sse = serde_json::to_string(&settings.params(Pattern::Sse, 2.0)).unwrap();
        assert!(!sse.contains("poll_interval_ms") && !sse.contains("hold_ms"), "{sse}");
        assert!(settings.params(Pattern::ShortPolling, 2.0).poll_interval_ms.is_some());
    }
}
