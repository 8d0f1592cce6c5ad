//! The warnings of a record, in words.

use contract::{Measurements, Warning};

use super::number::{count, counted};

/// The warnings of the harness about a measurement: those about its window, then those about the phase without
/// events.
pub(crate) fn measurement_warnings(measurements: &Measurements) -> Vec<String> {
    let idle = measurements.connections.iter().flat_map(|cost| &cost.idle.warnings);
    let idle = idle.map(|warning| format!("while idle: {}", warning_text(warning)));
    measurements.warnings.iter().map(warning_text).chain(idle).collect()
}

/// One warning.
pub(crate) fn warning_text(warning: &Warning) -> String {
    match warning {
        Warning::ForeignDeliveries { deliveries } => format!(
            "{} from another publisher",
            counted(*deliveries, "delivery was of an event", "deliveries were of events")
        ),
        Warning::PollsSkipped { polls } => format!(
            "{} skipped because the last one was still in flight",
            counted(*polls, "poll was", "polls were")
        ),
        Warning::RequestsFailed { requests, most_frequent_error, other_errors } => {
            let first = most_frequent_error.as_deref().unwrap_or("none recorded");
            let others = match other_errors {
                0 => String::new(),
                1 => ", and one other error".to_owned(),
                more => format!(", and {} other errors", count(*more)),
            };
            format!(
                "{} failed; the errors of the subscribers: {first}{others}",
                counted(*requests, "request or connection", "requests or connections")
            )
        }
        Warning::EventsRefused { events, last_reason } => format!(
            "the server refused {}; the last reason: {last_reason}",
            counted(*events, "event", "events")
        ),
        Warning::ReqwestClients => {
            "the subscribers are reqwest clients: their bytes are those that the server \
                                    counted, and heads cannot be separated from framing"
                .to_owned()
        }
        Warning::SharedConnections { most_subscribers } => format!(
            "up to {} share a connection: heads and empty polls cannot be separated from framing",
            counted(u64::from(*most_subscribers), "subscriber", "subscribers")
        ),
        Warning::StreamsLacking { never_connected, subscribers, max_streams } => format!(
            "{} of {} subscribers never got an answer: the server allows {} per connection",
            count(*never_connected),
            count(u64::from(*subscribers)),
            counted(u64::from(*max_streams), "stream", "streams")
        ),
        Warning::MemoryStepsCut { subscribers, planned } => format!(
            "the memory steps end at {} of {} subscribers: there are no file descriptors for more",
            count(u64::from(*subscribers)),
            count(u64::from(*planned))
        ),
        Warning::RequestCountsDiffer { server, subscribers } => format!(
            "the server counted {}, the subscribers {}",
            counted(*server, "request", "requests"),
            count(*subscribers)
        ),
        Warning::MiddleboxStderr { line } => format!("the middlebox wrote: {line}"),
        Warning::PageSubscriber => {
            "the subscriber is a page: its bytes are those that the server counted, heads \
                                    cannot be separated from framing, and its wake-ups are not known"
                .to_owned()
        }
        Warning::PageConnections => {
            "the page's polls and event streams use the connection that loaded it, a \
                                     WebSocket opens a new one: so the time to connect does not compare \
                                     patterns, and held connections are not counted"
                .to_owned()
        }
        Warning::ClocksDrifted => {
            "the clocks of page and server drifted apart during the trial: the ages are \
                                   off by more than their bound"
                .to_owned()
        }
        Warning::EventsTooEarly { events } => format!(
            "{} due, by more than the clocks' bound",
            counted(
                *events,
                "event seemed to arrive before it was",
                "events seemed to arrive before they were"
            )
        ),
        Warning::PageRequestsFailed { requests } => {
            format!("{} of the page failed", counted(*requests, "request", "requests"))
        }
        Warning::ReconnectsBesideBrowser { reconnects } => format!(
            "subscribers beside the browser lost their connection {}: if that was while the page was active, it \
             opened more connections than reported",
            counted(*reconnects, "time", "times")
        ),
        Warning::ParserNotChecked => "the lab's own parser was not checked: its client for these cases uses \
                                      plain HTTP/1.1"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_words_with_their_numbers() {
        let failed = |requests, what: Option<&str>, other_errors| Warning::RequestsFailed {
            requests,
            most_frequent_error: what.map(str::to_owned),
            other_errors,
        };
        for (warning, text) in [
            (
                Warning::ForeignDeliveries { deliveries: 1 },
                "1 delivery was of an event from another publisher",
            ),
            (
                Warning::ForeignDeliveries { deliveries: 1_200 },
                "1,200 deliveries were of events from another publisher",
            ),
            (
                Warning::PollsSkipped { polls: 1 },
                "1 poll was skipped because the last one was still in flight",
            ),
            (
                failed(1, Some("403 Forbidden"), 0),
                "1 request or connection failed; the errors of the subscribers: 403 Forbidden",
            ),
            (
                failed(7, Some("503"), 1),
                "7 requests or connections failed; the errors of the subscribers: 503, and one other error",
            ),
            (
                failed(7, None, 0),
                "7 requests or connections failed; the errors of the subscribers: none recorded",
            ),
            (
                Warning::EventsRefused { events: 2, last_reason: "413 Payload Too Large".to_owned() },
                "the server refused 2 events; the last reason: 413 Payload Too Large",
            ),
            (
                Warning::SharedConnections { most_subscribers: 100 },
                "up to 100 subscribers share a connection: heads and empty polls cannot be separated from framing",
            ),
            (
                Warning::StreamsLacking { never_connected: 50, subscribers: 1_000, max_streams: 1 },
                "50 of 1,000 subscribers never got an answer: the server allows 1 stream per connection",
            ),
            (
                Warning::MemoryStepsCut { subscribers: 300, planned: 1_000 },
                "the memory steps end at 300 of 1,000 subscribers: there are no file descriptors for more",
            ),
            (
                Warning::RequestCountsDiffer { server: 1, subscribers: 2 },
                "the server counted 1 request, the subscribers 2",
            ),
            (Warning::MiddleboxStderr { line: "it rained".to_owned() }, "the middlebox wrote: it rained"),
            (
                Warning::EventsTooEarly { events: 2 },
                "2 events seemed to arrive before they were due, by more than the clocks' bound",
            ),
            (Warning::PageRequestsFailed { requests: 1 }, "1 request of the page failed"),
            (
                Warning::ReconnectsBesideBrowser { reconnects: 1 },
                "subscribers beside the browser lost their connection 1 time: if that was while the page was \
                 active, it opened more connections than reported",
            ),
        ] {
            assert_eq!(warning_text(&warning), text);
        }
        for warning in [
            Warning::ReqwestClients,
            Warning::PageSubscriber,
            Warning::PageConnections,
            Warning::ClocksDrifted,
            Warning::ParserNotChecked,
        ] {
            let text = warning_text(&warning);
            assert!(text.starts_with("the ") && !text.contains("  ") && !text.ends_with('.'), "{text}");
        }
    }
}
