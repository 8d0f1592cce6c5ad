//! Warnings that the harness gives about a measurement, as data. The report words them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One reason for care with a measurement that only the harness knows. The report adds those that follow from
/// the record's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Warning {
    /// Events without a due stamp were delivered: the lab did not publish them.
    ForeignDeliveries {
        /// Deliveries of such events.
        deliveries: u64,
    },
    /// Polls were skipped because the subscriber's previous poll was still in flight.
    PollsSkipped {
        /// Skipped polls of the window.
        polls: u64,
    },
    /// Requests or connections failed although there is no obstacle.
    RequestsFailed {
        /// Failed requests and connections of the whole trial.
        requests: u64,
        /// The most frequent error, as in [`crate::ErrorCount`]; null if none was recorded.
        most_frequent_error: Option<String>,
        /// Number of other, different errors.
        other_errors: u64,
    },
    /// The server refused events that the harness published.
    EventsRefused {
        /// Refused events.
        events: u64,
        /// The reason for the last refusal: the server's words, or the HTTP client's.
        last_reason: String,
    },
    /// The subscribers were reqwest clients: their bytes are the server's counts.
    ReqwestClients,
    /// Subscribers shared connections: a connection's heads and empty polls are counted as framing.
    SharedConnections {
        /// Most subscribers of one connection.
        most_subscribers: u32,
    },
    /// The server's stream limit left subscribers without a stream.
    StreamsLacking {
        /// Subscribers that never got an answer.
        never_connected: u64,
        /// All subscribers.
        subscribers: u32,
        /// Streams that the server allows on one connection.
        max_streams: u32,
    },
    /// The memory steps end early, because there are too few file descriptors.
    MemoryStepsCut {
        /// Subscribers of the last step.
        subscribers: u32,
        /// Subscribers of the last step in the scenario.
        planned: u32,
    },
    /// Server and subscribers counted different numbers of requests.
    RequestCountsDiffer {
        /// Counted by the server.
        server: u64,
        /// Counted by the subscribers.
        subscribers: u64,
    },
    /// The middlebox wrote to stderr.
    MiddleboxStderr {
        /// One line of it.
        line: String,
    },
    /// The subscriber was a page in a browser: its bytes are the server's counts, and its wake-ups are unknown.
    PageSubscriber,
    /// A page's connections are not those of its pattern alone: the connection that loaded the page may carry
    /// the pattern, too.
    PageConnections,
    /// The estimates of the page's clock before and after the trial contradict each other.
    ClocksDrifted,
    /// Events seemed to reach the page before they were due, by more than the clocks' bound.
    EventsTooEarly {
        /// Such events.
        events: u64,
    },
    /// Requests of the page failed.
    PageRequestsFailed {
        /// Failed requests.
        requests: u64,
    },
    /// Subscribers beside the browser reconnected. That hides connections of the page, because the server
    /// counts both.
    ReconnectsBesideBrowser {
        /// Their reconnects.
        reconnects: u64,
    },
    /// The lab's own SSE parser was not checked, because its client for the cases cannot use this transport.
    ParserNotChecked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_a_kind_with_its_numbers() {
        for (warning, json) in [
            (Warning::PollsSkipped { polls: 3 }, r#"{"kind":"polls-skipped","polls":3}"#),
            (Warning::ClocksDrifted, r#"{"kind":"clocks-drifted"}"#),
        ] {
            assert_eq!(serde_json::to_string(&warning).unwrap(), json);
            assert_eq!(serde_json::from_str::<Warning>(json).unwrap(), warning);
        }
        assert!(serde_json::from_str::<Warning>("\"3 polls were skipped\"").is_err(), "no words");
    }
}
