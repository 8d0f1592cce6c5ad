//! Checks of a scenario's values. An error names the key, the value and what is expected.

use std::{fmt, path::Path};

use super::{DefaultRun, Scenario, Selection};
use crate::{Arrivals, Client, Limits, Pattern, Period, PublisherHost, ServerName, Settings, Sweep};

/// Longest name: file names contain it with more words, and a file name has at most 255 bytes.
const LONGEST_NAME: usize = 60;
/// That of the calibration trials in the records, and that of the file of claims beside the scenarios.
const RESERVED_NAMES: [&str; 2] = ["calibration", "claims"];
/// Longest schedule, so that a typing error does not run for a day.
const LONGEST_PHASE: Period = Period::from_millis(3_600_000);
/// Shortest window with enough to count.
const SHORTEST_WINDOW: Period = Period::from_millis(500);
/// Shortest hold: a shorter one would be short polling.
const SHORTEST_HOLD: Period = Period::from_millis(100);
/// The contract's longest hold (seconds 0–55).
const LONGEST_HOLD: Period = Period::from_millis(55_000);
/// Longest wait for a poll's answer.
const LONGEST_REQUEST_TIMEOUT: Period = Period::from_millis(600_000);
/// Most blocks, so that a typing error does not run for a week.
const MOST_BLOCKS: u32 = 100;
/// Most repetitions of a disturbed trial: a machine that disturbs more is not quiet enough.
const MOST_REPEATS: u32 = 10;
/// Most subscribers: each needs one of 20,000 descriptors in either process, and the processes need some.
const MOST_SUBSCRIBERS: u32 = 18_000;
/// Most subscribers behind a middlebox, which needs two descriptors per connection.
pub(crate) const MOST_SUBSCRIBERS_BEHIND_RELAY: u32 = 9_500;

/// A scenario that cannot be run, with file, key and expected values.
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
    /// An invalid value.
    #[error("{file}: `{key}` is {value}: expected {allowed}")]
    Value {
        /// The scenario's file.
        file: String,
        /// The key.
        key: String,
        /// The value found.
        value: String,
        /// What is accepted.
        allowed: String,
    },
}

impl Scenario {
    /// Refuses invalid values before anything starts.
    pub(crate) fn check(&self, file: &str, stem: &str) -> Result<(), ScenarioError> {
        let check = Check { file };
        check.that("name", &self.name, self.name == stem, "the file's name without `.toml`")?;
        check.that(
            "name",
            &self.name,
            !RESERVED_NAMES.contains(&self.name.as_str()),
            "another name: `calibration` and `claims` are reserved",
        )?;
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
        check.that(
            "name",
            &self.name,
            !self.name.starts_with('-'),
            "a name that starts with a letter or a digit: on a command line `-` starts an option",
        )?;
        check.that(
            "name",
            format_args!("{} letters long", self.name.len()),
            self.name.len() <= LONGEST_NAME,
            "at most 60: the names of a run's files contain it",
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
            check.default_run(self, chosen)?;
        }
        check.runs(self)?;
        check.servers(self)?;
        check.ways(self)?;
        check.limits(&self.limits)?;
        check.settings(&self.settings())?;
        for selection in [Selection::Everything, Selection::Default] {
            for plan in self.trials(selection) {
                check.settings(&plan.settings)?;
                check.request_timeout(&plan)?;
            }
        }
        Ok(())
    }
}

/// Checks values; its errors contain the file's name.
pub(crate) struct Check<'a> {
    file: &'a str,
}

impl Check<'_> {
    pub(crate) fn that(
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

    pub(crate) fn period(
        &self,
        key: &str,
        value: Period,
        low: Period,
        high: Period,
    ) -> Result<(), ScenarioError> {
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
            &format!("one list with at least one value, of {}", Sweep::KEYS.join(", ")),
        )?;
        let has_rate = matches!(events, Arrivals::Steady { .. } | Arrivals::Poisson { .. });
        self.that(
            &format!("{key}.rate_hz"),
            "swept",
            sweep.rate_hz.is_empty() || has_rate,
            "steady or poisson arrivals for such a sweep",
        )?;
        let names: Vec<char> = sweep.side.iter().map(|side| side.name).collect();
        let apart = names.iter().enumerate().all(|(index, name)| !names[..index].contains(name));
        self.that(
            &format!("{key}.side"),
            names.iter().collect::<String>(),
            apart && names.iter().all(char::is_ascii_lowercase),
            "a different letter a-z for each side",
        )
    }

    /// Checks the default run: its patterns and values must be the scenario's, and its trials not longer than
    /// the scenario's.
    fn default_run(&self, scenario: &Scenario, chosen: &DefaultRun) -> Result<(), ScenarioError> {
        if let Some(patterns) = &chosen.patterns {
            self.patterns("default_run.patterns", patterns, &scenario.patterns)?;
        }
        if let Some(sweep) = &chosen.sweep {
            self.sweep("default_run.sweep", sweep, &scenario.events)?;
            let swept = scenario.sweep.as_ref().and_then(Sweep::parameter);
            self.that(
                "default_run.sweep",
                sweep.parameter().unwrap_or("empty"),
                sweep.parameter() == swept,
                "the setting that [sweep] varies",
            )?;
        }
        for (key, own, shortest, longest) in [
            ("default_run.warm_up", chosen.warm_up, Period::default(), scenario.warm_up),
            ("default_run.measure", chosen.measure, SHORTEST_WINDOW, scenario.measure),
            ("default_run.hold", chosen.hold, SHORTEST_HOLD, scenario.hold),
        ] {
            if let Some(own) = own {
                let allowed = format!("{shortest} to {longest}, the scenario's own value");
                self.that(key, own, shortest <= own && own <= longest, &allowed)?;
            }
        }
        let sweeps_holds = scenario.sweep.as_ref().is_some_and(|sweep| !sweep.hold.is_empty());
        self.that(
            "default_run.hold",
            "set",
            chosen.hold.is_none() || !sweeps_holds,
            "no hold here where [sweep] varies it: use [default_run.sweep]",
        )
    }

    /// Checks the number of blocks and the memory steps.
    fn runs(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        let default_blocks = scenario.default_run.as_ref().map_or(1, |chosen| chosen.blocks);
        for (key, blocks) in [("blocks", scenario.blocks), ("default_run.blocks", default_blocks)] {
            self.that(key, blocks, (1..=MOST_BLOCKS).contains(&blocks), &format!("1 to {MOST_BLOCKS}"))?;
        }
        let memory_steps = &scenario.memory_steps;
        let climbs = memory_steps.windows(2).all(|pair| pair[0] < pair[1]);
        let ends = memory_steps.last().is_none_or(|last| *last == scenario.subscribers);
        self.that(
            "memory_steps",
            format!("{memory_steps:?}"),
            climbs && ends && (memory_steps.is_empty() || memory_steps.len() > 2),
            &format!("three or more rising numbers, the last of them {} (subscribers)", scenario.subscribers),
        )?;
        let sweeps_subscribers = scenario.sweep.as_ref().is_some_and(|sweep| !sweep.subscribers.is_empty());
        self.that(
            "sweep.subscribers",
            "swept",
            memory_steps.is_empty() || !sweeps_subscribers,
            "another setting: memory_steps already vary the subscribers",
        )
    }

    /// Checks the servers and settings that some of them do not support.
    fn servers(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        let servers = &scenario.servers;
        let listed = servers.iter().map(ServerName::as_str).collect::<Vec<_>>().join(", ");
        let once = servers.iter().enumerate().all(|(index, server)| !servers[..index].contains(server));
        self.that(
            "servers",
            format!("[{listed}]"),
            !servers.is_empty() && once,
            "at least one of pushlab, floor and the targets, each once",
        )?;
        self.that(
            "publisher",
            "server",
            scenario.publisher == PublisherHost::Harness || !servers.iter().any(ServerName::is_foreign),
            "harness: only the lab's own servers have a publisher",
        )?;
        let clients = scenario.sweep.as_ref().map_or(&[][..], |sweep| &sweep.client);
        let is_lean = clients.iter().chain([&scenario.client]).all(|client| *client == Client::Lean);
        self.that(
            "client",
            "reqwest",
            is_lean || !servers.iter().any(ServerName::is_foreign),
            "lean: with reqwest only the server counts bytes, and a target counts none",
        )?;
        let floor = servers.iter().any(ServerName::is_floor);
        let sweeps_fresh = scenario.sweep.as_ref().is_some_and(|sweep| sweep.keep_alive.contains(&false));
        self.that(
            "keep_alive",
            "false",
            !floor || (scenario.keep_alive && !sweeps_fresh),
            "true with the server floor: it keeps a subscriber's place by its connection",
        )?;
        let sweeps_ablations = scenario.sweep.as_ref().is_some_and(|sweep| !sweep.ablation.is_empty());
        self.that(
            "sweep.ablation",
            "swept",
            !sweeps_ablations || servers.iter().all(ServerName::is_pushlab),
            "pushlab as the only server for such a sweep",
        )
    }

    fn limits(&self, limits: &Limits) -> Result<(), ScenarioError> {
        let millis = Period::from_millis;
        self.period("limits.added_age", limits.added_age, millis(0), LONGEST_PHASE)?;
        self.that("limits.repeats", limits.repeats, limits.repeats <= MOST_REPEATS, "0 to 10")?;
        self.period("limits.clock_step", limits.clock_step, millis(1), LONGEST_PHASE)?;
        for (key, value, most) in [
            ("limits.added_age_share", limits.added_age_share, 1.0),
            ("limits.harness_cpu", limits.harness_cpu, 1.0),
            ("limits.ledger_difference", limits.ledger_difference, 1.0),
        ] {
            self.that(key, value, (0.0..=most).contains(&value), "a fraction from 0 to 1")?;
        }
        Ok(())
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
        self.period("hold", settings.hold, SHORTEST_HOLD, LONGEST_HOLD)?;
        self.period("turnaround", settings.turnaround, millis(0), millis(60_000))?;
        self.period("request_timeout", settings.request_timeout, millis(100), LONGEST_REQUEST_TIMEOUT)?;
        self.period("warm_up", settings.warm_up, millis(0), LONGEST_PHASE)?;
        self.period("measure", settings.measure, SHORTEST_WINDOW, LONGEST_PHASE)?;
        self.period("drain", settings.drain, millis(100), millis(120_000))?;
        self.period("idle", settings.idle, millis(100), LONGEST_PHASE)?;
        self.period("delivery_delay", settings.delivery_delay, millis(0), millis(60_000))?;
        self.period("delivery_jitter", settings.delivery_jitter, millis(0), millis(60_000))?;
        self.way(settings)?;
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
            Arrivals::Ramp { from_hz, to_hz } => {
                self.rate("events.from_hz", *from_hz)?;
                self.rate("events.to_hz", *to_hz)?;
            }
            Arrivals::Silence => {}
            Arrivals::Replay { file } => {
                let beside = Path::new(file).components().count() == 1;
                self.that("events.file", file, beside, "the name of a file in the scenario's folder")?;
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
            ("subscribers = 10", "subscribers = 0", "`subscribers` is 0: expected 1 to"),
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
            (
                "subscribers = 10",
                "subscribers = 10\nrequest_timeout = \"99ms\"",
                "`request_timeout` is 99ms: expected 100ms to 10m",
            ),
        ] {
            let error = error_of(&GOOD.replace(from, to));
            assert!(error.contains(key), "{key} is missing in: {error}");
        }
    }

    #[test]
    fn blocks_memory_steps_limits_and_sides_are_checked() {
        let with = |line: &str| GOOD.replace("subscribers = 10", &format!("subscribers = 10\n{line}"));
        for (line, problem) in [
            ("blocks = 0", "`blocks` is 0: expected 1 to 100"),
            ("blocks = 101", "`blocks` is 101"),
            ("memory_steps = [0, 10]", "`memory_steps` is [0, 10]: expected three or more"),
            ("memory_steps = [0, 5, 5, 10]", "three or more rising numbers"),
            ("memory_steps = [0, 5, 9]", "the last of them 10 (subscribers)"),
            ("idle = \"1ms\"", "`idle` is 1ms"),
            ("delivery_delay = \"2m\"", "`delivery_delay` is 2m"),
            ("servers = [\"floor\"]\nkeep_alive = false", "`keep_alive` is false"),
        ] {
            let error = error_of(&with(line));
            assert!(error.contains(problem), "{problem} is missing in: {error}");
        }
        for (table, problem) in [
            ("[limits]\nharness_cpu = 1.5", "`limits.harness_cpu` is 1.5: expected a fraction"),
            ("[limits]\nledger_difference = nan", "`limits.ledger_difference` is NaN"),
            ("[limits]\nclock_step = \"0s\"", "`limits.clock_step`"),
            ("[limits]\nadded_age_share = 2.0", "`limits.added_age_share` is 2: expected a fraction"),
            ("[limits]\nrepeats = 11", "`limits.repeats` is 11: expected 0 to 10"),
            ("[limits]\nadded_ag = \"1s\"", "added_age"),
            ("[sweep]\nside = [{ name = \"a\" }, { name = \"a\" }]", "`sweep.side` is aa"),
            ("[default_run]\nblocks = 0", "`default_run.blocks` is 0"),
        ] {
            let error = error_of(&format!("{GOOD}\n{table}\n"));
            assert!(error.contains(problem), "{problem} is missing in: {error}");
        }
        let memory_steps = format!("{}\n[sweep]\nsubscribers = [1, 10]\n", with("memory_steps = [0, 5, 10]"));
        assert!(error_of(&memory_steps).contains("memory_steps already vary"));
    }

    #[test]
    fn a_side_is_a_setting_and_equals_are_run_twice() {
        let sides = "side = [{ name = \"a\" }, { name = \"b\", delivery_delay = \"2ms\" }]";
        let scenario = Scenario::from_toml("demo.toml", &format!("{GOOD}\n[sweep]\n{sides}\n")).unwrap();
        assert_eq!((scenario.blocks(Selection::Everything), scenario.blocks(Selection::Default)), (5, 0));
        let plans = scenario.trials(Selection::Everything);
        assert_eq!(plans.len(), 8, "two sides of four patterns");
        let params = |plan: &crate::TrialPlan| plan.settings.params(plan.pattern, 2.0, 100);
        assert_eq!((params(&plans[0]).side, params(&plans[0]).delivery_delay_ms), (Some('a'), None));
        assert_eq!((params(&plans[4]).side, params(&plans[4]).delivery_delay_ms), (Some('b'), Some(2.0)));
        let json = serde_json::to_string(&params(&plans[4])).unwrap();
        assert!(json.contains("\"side\":\"b\""), "{json}");
    }

    #[test]
    fn a_foreign_server_is_published_to_from_outside_and_read_by_the_lean_client() {
        let with = |lines: &str| GOOD.replace("subscribers = 10", &format!("subscribers = 10\n{lines}"));
        let servers = "servers = [\"pushlab\", \"demo\"]";
        assert!(error_of(&with(servers)).contains("`publisher` is server: expected harness"));
        let posted = format!("{servers}\npublisher = \"harness\"");
        let scenario = Scenario::from_toml("scenarios/demo.toml", &with(&posted)).unwrap();
        assert_eq!(scenario.trials(Selection::Everything).len(), 8, "four patterns of two servers");
        let ordinary = error_of(&with(&format!("{posted}\nclient = \"reqwest\"")));
        assert!(ordinary.contains("`client` is reqwest: expected lean"), "{ordinary}");
    }

    #[test]
    fn a_sweep_varies_one_setting() {
        let text = format!(
            "{GOOD}\n[sweep]\npoll_interval = [\"1s\", \"2s\"]\n[default_run]\npatterns = [\"short-polling\"]\n"
        );
        let scenario = Scenario::from_toml("demo.toml", &text).unwrap();
        assert_eq!(scenario.trials(Selection::Everything).len(), 5, "two intervals, and the others once");
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
    fn the_default_run_has_blocks_and_shorter_trials_of_its_own() {
        let own = "[default_run]\nblocks = 4\nwarm_up = \"1s\"\nmeasure = \"6s\"\nhold = \"750ms\"\n";
        let scenario = Scenario::from_toml("demo.toml", &format!("{GOOD}\n{own}")).unwrap();
        let of = |selection: Selection| {
            let settings = scenario.trials(selection)[2].settings.clone();
            let periods = [settings.warm_up, settings.measure, settings.hold];
            (scenario.blocks(selection), periods.map(|period| period.milliseconds()))
        };
        assert_eq!(of(Selection::Default), (4, [1_000.0, 6_000.0, 750.0]));
        assert_eq!(of(Selection::Everything), (5, [2_000.0, 15_000.0, 1_500.0]));
        // Missing values are the scenario's, and the sweep is applied to them.
        let swept = "[sweep]\nsubscribers = [1, 5]\n[default_run]\nmeasure = \"6s\"\n";
        let scenario = Scenario::from_toml("demo.toml", &format!("{GOOD}\n{swept}")).unwrap();
        let plans = scenario.trials(Selection::Default);
        let settings = &plans[4].settings;
        assert_eq!((plans.len(), settings.subscribers, scenario.blocks(Selection::Default)), (8, 5, 1));
        assert_eq!((settings.warm_up.milliseconds(), settings.measure.milliseconds()), (2_000.0, 6_000.0));
        let json = serde_json::to_string(&scenario).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
    }

    #[test]
    fn the_default_run_has_no_longer_trials_than_its_scenario() {
        for (line, problem) in [
            ("warm_up = \"3s\"", "`default_run.warm_up` is 3s: expected 0s to 2s"),
            ("measure = \"16s\"", "`default_run.measure` is 16s: expected 500ms to 15s"),
            ("measure = \"100ms\"", "`default_run.measure` is 100ms"),
            ("hold = \"2s\"", "`default_run.hold` is 2s: expected 100ms to 1s 500ms"),
            ("hold = \"50ms\"", "`default_run.hold` is 50ms"),
            ("measure = 6", "with its unit in quotes"),
            ("drain = \"1s\"", "drain"),
        ] {
            let error = error_of(&format!("{GOOD}\n[default_run]\n{line}\n"));
            assert!(error.contains(problem), "{problem} is missing in: {error}");
        }
        let swept = format!("{GOOD}\n[sweep]\nhold = [\"1s\"]\n[default_run]\nhold = \"1s\"\n");
        assert!(error_of(&swept).contains("`default_run.hold` is set"), "{}", error_of(&swept));
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
        let sse = serde_json::to_string(&settings.params(Pattern::Sse, 2.0, 100)).unwrap();
        for polling in ["poll_interval_ms", "hold_ms", "request_timeout_ms"] {
            assert!(!sse.contains(polling), "{sse}");
        }
        assert!(settings.params(Pattern::ShortPolling, 2.0, 100).poll_interval_ms.is_some());
        for pattern in [Pattern::ShortPolling, Pattern::LongPolling] {
            assert_eq!(settings.params(pattern, 2.0, 100).request_timeout_ms, Some(5_000.0), "{pattern}");
        }
    }
}
