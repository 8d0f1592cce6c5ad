//! Checks of a scenario's network, transport and browser.

use super::{
    Scenario, ScenarioError,
    check::{Check, MOST_SUBSCRIBERS_BEHIND_RELAY},
};
use crate::{
    BrowserTask, Client, Heartbeat, Network, Pattern, Period, ServerName, Settings, Transport, TrialPlan,
};

/// Longest round trip: with a longer one a trial would only wait.
const LONGEST_RTT: Period = Period::from_millis(10_000);
const LONGEST_WAIT: Period = Period::from_millis(3_600_000);

impl Check<'_> {
    /// Checks the network of a trial.
    pub(crate) fn network(&self, network: &Network) -> Result<(), ScenarioError> {
        let millis = Period::from_millis;
        self.period("network.rtt", network.rtt, millis(0), LONGEST_RTT)?;
        self.period("network.jitter", network.jitter, millis(0), LONGEST_RTT)?;
        for (key, wait) in [
            ("network.idle_timeout", network.idle_timeout),
            ("network.cut_after", network.cut_after),
            ("network.black_hole_after", network.black_hole_after),
            ("network.buffer.pause", network.buffer.map(|buffer| buffer.pause)),
        ] {
            self.period(key, wait.unwrap_or(LONGEST_WAIT), millis(1), LONGEST_WAIT)?;
        }
        for (key, number) in [
            ("network.bytes_per_second", network.bytes_per_second),
            ("network.cut_after_bytes", network.cut_after_bytes),
            ("network.buffer.bytes", network.buffer.map(|buffer| buffer.bytes)),
            ("network.connections", network.connections.map(u64::from)),
        ] {
            self.that(key, number.unwrap_or(1), number.is_none_or(|number| number > 0), "1 or more")?;
        }
        Ok(())
    }

    /// Checks the combinations of settings in one trial.
    pub(crate) fn way(&self, settings: &Settings) -> Result<(), ScenarioError> {
        if let Some(network) = &settings.network {
            self.network(network)?;
            self.that(
                "subscribers",
                settings.subscribers,
                settings.subscribers <= MOST_SUBSCRIBERS_BEHIND_RELAY,
                &format!(
                    "at most {MOST_SUBSCRIBERS_BEHIND_RELAY} behind [network]: it needs two descriptors each"
                ),
            )?;
        }
        let streams = settings.streams_per_connection;
        self.that("streams_per_connection", streams, (1..=1_000).contains(&streams), "1 to 1000")?;
        self.that(
            "max_streams",
            settings.max_streams,
            (1..=100_000).contains(&settings.max_streams),
            "1 to 100000",
        )?;
        self.that(
            "streams_per_connection",
            streams,
            streams == 1 || settings.transport == Transport::Http2,
            "1, or transport http2: only its connections carry several streams",
        )?;
        self.that(
            "keep_alive",
            settings.keep_alive,
            settings.keep_alive || settings.transport != Transport::Http2,
            "true with transport http2: its connections stay open",
        )?;
        let period = match settings.heartbeat {
            Heartbeat::Off => Heartbeat::SHORTEST,
            Heartbeat::Every(period) | Heartbeat::WhenIdle(period) => period,
        };
        self.period("heartbeat", period, Heartbeat::SHORTEST, LONGEST_WAIT)?;
        if let Some(browser) = settings.browser {
            self.that("browser.streams", browser.streams, (1..=250).contains(&browser.streams), "1 to 250")?;
        }
        Ok(())
    }

    /// Checks that a poll's answer can arrive before the request timeout.
    pub(crate) fn request_timeout(&self, plan: &TrialPlan) -> Result<(), ScenarioError> {
        let settings = &plan.settings;
        let (Some(network), true) = (settings.network, plan.pattern.polls()) else { return Ok(()) };
        let longest = network.longest_answer(f64::from(settings.payload_bytes));
        let longest = Period::from_millis((longest.as_secs_f64() * 1e3).ceil() as u64);
        self.that(
            "request_timeout",
            settings.request_timeout,
            settings.request_timeout > longest,
            &format!("more than {longest}, which the answer to a poll takes behind [network]"),
        )
    }

    /// Checks the combinations of settings in a whole scenario.
    pub(crate) fn ways(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        let sweep = scenario.sweep.as_ref();
        let swept = sweep.map_or(&[][..], |sweep| &sweep.transport);
        let in_clear =
            swept.iter().chain([&scenario.transport]).all(|transport| *transport == Transport::Http1);
        let ours = scenario.servers.iter().all(ServerName::is_pushlab);
        self.that(
            "transport",
            "not only http1",
            in_clear || ours,
            "http1: only the server pushlab supports TLS and HTTP/2",
        )?;
        self.that(
            "transport",
            "not only http1",
            in_clear || scenario.client == Client::Lean,
            "http1 with the client reqwest: only the lean subscribers support TLS and HTTP/2",
        )?;
        let heartbeats = sweep.is_some_and(|sweep| !sweep.heartbeat.is_empty());
        self.that(
            "heartbeat",
            scenario.heartbeat,
            ours || (scenario.heartbeat == Heartbeat::default() && !heartbeats),
            "the default with servers other than pushlab",
        )?;
        let has_relay = scenario.network.is_some()
            || sweep.is_some_and(|sweep| !sweep.rtt.is_empty() || !sweep.network.is_empty());
        self.that(
            "memory_steps",
            format!("{:?}", scenario.memory_steps),
            scenario.memory_steps.is_empty() || (!has_relay && scenario.browser.is_none()),
            "none behind [network] or beside [browser]",
        )?;
        let Some(browser) = scenario.browser else { return Ok(()) };
        // The browser connects to the server without a relay and uses its own client.
        self.that("network", "a middlebox", !has_relay, "none with [browser]")?;
        let sweeps_client =
            sweep.is_some_and(|sweep| !sweep.client.is_empty() || !sweep.keep_alive.is_empty());
        self.that(
            "client",
            "changed",
            scenario.client == Client::Lean && scenario.keep_alive && !sweeps_client,
            "lean, with keep_alive, beside [browser]: the browser has its own client",
        )?;
        self.that("servers", "not only pushlab", ours, "only pushlab with [browser]")?;
        let sweeps_subscribers = sweep.is_some_and(|sweep| !sweep.subscribers.is_empty());
        self.that(
            "subscribers",
            scenario.subscribers,
            browser.task != BrowserTask::Ages || (scenario.subscribers == 1 && !sweeps_subscribers),
            "1 with the task ages: the page is the only subscriber",
        )?;
        let needs_sse = browser.task == BrowserTask::SseConformance;
        self.that(
            "patterns",
            "not only sse",
            !needs_sse || scenario.patterns == [Pattern::Sse],
            "only sse with the task sse-conformance",
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::{Heartbeat, Period, Scenario, Selection, Transport};

    const GOOD: &str = "name = \"demo\"\nquestion = \"What?\"\nsetting = \"Somewhere.\"\nlook_at = \"The figure.\"\n\
                        subscribers = 10\nmeasure = \"15s\"\n";
    const EVENTS: &str = "[events]\narrivals = \"steady\"\nrate_hz = 2.0\n";

    fn read(lines: &str, tables: &str) -> Result<Scenario, String> {
        let text = format!("{GOOD}{lines}\n{EVENTS}{tables}\n");
        Scenario::from_toml("scenarios/demo.toml", &text).map_err(|error| error.to_string())
    }

    #[test]
    fn absurd_networks_are_refused_with_what_is_allowed() {
        for (lines, tables, problem) in [
            ("", "[network]\nrtt = \"1h\"", "`network.rtt` is 1h: expected 0s to 10s"),
            ("", "[network]\nconnections = 0", "`network.connections` is 0: expected 1 or more"),
            ("", "[network]\nrt = \"1s\"", "unknown field `rt`"),
            ("", "[network]\nbuffer = { bytes = 0, pause = \"1s\" }", "`network.buffer.bytes` is 0"),
            ("transport = \"http3\"", "", "http3"),
            ("streams_per_connection = 100", "", "only its connections carry several"),
            ("keep_alive = false\ntransport = \"http2\"", "", "its connections stay open"),
            ("heartbeat = \"idle\"", "", "`idle` is not a heartbeat"),
            (
                "servers = [\"pushlab\", \"floor\"]\ntransport = \"http2\"",
                "",
                "only the server pushlab supports",
            ),
            ("client = \"reqwest\"\ntransport = \"http1-tls\"", "", "only the lean subscribers"),
            ("memory_steps = [0, 5, 10]", "[network]\nrtt = \"1ms\"", "none behind [network]"),
            ("", "[browser]\ntask = \"sse-conformance\"", "only sse"),
            (
                "",
                "[browser]\ntask = \"cross-origin\"\n[sweep]\nrtt = [\"0ms\", \"9ms\"]",
                "none with [browser]",
            ),
            ("keep_alive = false", "[browser]\ntask = \"cross-origin\"", "the browser has its own client"),
            ("client = \"reqwest\"", "[browser]\ntask = \"cross-origin\"", "the browser has its own client"),
            ("", "[browser]\ntask = \"six-connections\"\nstreams = 0", "`browser.streams` is 0"),
            ("", "[sweep]\nrtt = [\"0ms\", \"11s\"]", "`network.rtt` is 11s"),
            (
                "",
                "[sweep]\nrtt = [\"20ms\", \"2500ms\"]",
                "`request_timeout` is 5s: expected more than 5s, which the answer to a poll takes",
            ),
            (
                "request_timeout = \"700ms\"",
                "[network]\nbytes_per_second = 100\njitter = \"10ms\"",
                "`request_timeout` is 700ms: expected more than 1s 20ms",
            ),
        ] {
            let error = read(lines, tables).unwrap_err();
            assert!(error.contains(problem), "{problem} is missing in: {error}");
        }
        assert!(read("", "[network]").is_ok(), "a middlebox that only passes bytes on");
        let far = "[network]\nrtt = \"9s\"";
        assert!(read("patterns = [\"sse\"]", far).is_ok(), "a stream is not given up");
        assert!(read("request_timeout = \"19s\"", far).is_ok());
    }

    #[test]
    fn round_trips_networks_transports_and_heartbeats_are_swept() {
        let rtt = read("", "[network]\njitter = \"1ms\"\n[sweep]\nrtt = [\"0ms\", \"20ms\"]").unwrap();
        let plans = rtt.trials(Selection::Everything);
        assert_eq!(plans.len(), 8);
        let network = plans[4].settings.network.unwrap();
        assert_eq!((network.rtt, network.jitter), (Period::from_millis(20), Period::from_millis(1)));
        assert_eq!(plans[0].settings.params(plans[0].pattern, 2.0, 100).rtt_ms, Some(0.0));

        let obstacles = read("", "[sweep]\nnetwork = [{}, { refuse_upgrade = true }]").unwrap();
        assert_eq!(obstacles.trials(Selection::Everything).len(), 8);

        let transports = read("", "[sweep]\ntransport = [\"http1\", \"http2\"]").unwrap();
        let plans = transports.trials(Selection::Everything);
        assert_eq!(plans[4].settings.transport, Transport::Http2);
        assert_eq!(plans[4].settings.params(plans[4].pattern, 2.0, 100).max_streams, Some(200));

        let beats = read("", "[sweep]\nheartbeat = [\"off\", \"1s\", \"idle 1s\"]").unwrap();
        let plans = beats.trials(Selection::Everything);
        assert_eq!(plans.len(), 8, "polling, which has no heartbeat, is measured once");
        assert_eq!(plans[2].settings.heartbeat, Heartbeat::Off);
    }
}
