//! Conformance cases for Server-Sent Events: decoded by the browser's `EventSource`, and by the lab's own
//! parser from the same bytes.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use contract::{BrowserCheck, BrowserFindings, CuriousAnswer, CuriousCase, DecodedEvent, Transport, Warning};
use reqwest::{RequestBuilder, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{Stage, TaskError};
use crate::data::sse_parser::SseParser;

/// Longest time for all cases together.
const LONGEST: Duration = Duration::from_secs(120);
/// Longest time for one answer to the lab's own client.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);
/// The reconnection time if the stream sets none.
const USUAL_RETRY_MS: u64 = 3_000;
/// Events of a case that the text lists; of more events only the first and the last.
const MOST_WORDS: usize = 8;
/// Streams longer than this are not parsed a second time byte by byte.
const MOST_BYTES_ONE_BY_ONE: usize = 1 << 20;

/// The page's result.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageReport {
    answers: Vec<Named>,
    by_post: CuriousAnswer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    answer: CuriousAnswer,
}

pub(super) async fn perform(stage: &Stage<'_>) -> Result<BrowserFindings, TaskError> {
    let browser = stage.browser(&[]).await?;
    let mut findings = stage.findings(&browser);
    browser.open(&stage.page("browser-sse")).await?;
    let (cases, reported): (Vec<CuriousCase>, PageReport) = (
        browser.call("cases", json!({}), LONGEST).await?,
        browser.call("sseConformance", json!({}), LONGEST).await?,
    );
    findings.connections = stage.control.stats().await?.connections_opened;
    browser.close().await;
    if reported.answers.len() != cases.len() {
        return Err(TaskError::Incomplete { reported: reported.answers.len(), asked: cases.len() });
    }
    let reader = match stage.order.plan.settings.transport {
        Transport::Http1 => {
            // No timeout for a whole answer: a stream that stays open has sent everything.
            let client = reqwest::Client::builder().no_proxy().build()?;
            Some(Reader { client, origin: stage.origin(stage.control.announcement()) })
        }
        Transport::Http1Tls | Transport::Http2 => {
            findings.warnings.push(Warning::ParserNotChecked);
            None
        }
    };
    for (case, reported) in cases.iter().zip(&reported.answers) {
        let ours = match &reader {
            Some(reader) if case.is_decoding => Some(reader.read(case).await?),
            Some(_) | None => None,
        };
        findings.checks.push(check(case, &reported.answer, &reported.name, ours.as_ref()));
    }
    let case = by_post();
    let ours = match &reader {
        Some(reader) => Some(reader.read_post().await?),
        None => None,
    };
    findings.checks.push(check(&case, &reported.by_post, &case.name, ours.as_ref()));
    Ok(findings)
}

/// What `EventSource` cannot send: a method, headers and a body.
fn by_post() -> CuriousCase {
    CuriousCase {
        name: "POST".to_owned(),
        question:
            "`POST /sse` with a subscription to one type in its body, read by fetch and a few lines of \
                   the page's own"
                .to_owned(),
        expected: vec![DecodedEvent::of("alpha", "asked for", "")],
        gives_up: false,
        streams: 1,
        least_gap_ms: None,
        is_decoding: true,
    }
}

fn check(
    case: &CuriousCase,
    browser: &CuriousAnswer,
    name: &str,
    ours: Option<&CuriousAnswer>,
) -> BrowserCheck {
    let is_its = name == case.name;
    let least = case.least_gap_ms.map_or(String::new(), |least| format!(", at least {least} ms apart"));
    BrowserCheck {
        name: case.name.clone(),
        question: case.question.clone(),
        expected: words(&case.expected, case.gives_up) + least.as_str(),
        found: answer_in_words(case, browser),
        ours: ours.map(|ours| answer_in_words(case, ours)),
        holds: is_its && case.holds(browser) && ours.is_none_or(|ours| case.holds(ours)),
    }
}

fn answer_in_words(case: &CuriousCase, answer: &CuriousAnswer) -> String {
    let gap = match (case.least_gap_ms, answer.gap_ms) {
        (Some(_), Some(gap)) => format!(", {gap:.0} ms apart"),
        (Some(_), None) | (None, _) => String::new(),
    };
    words(&answer.events, answer.gave_up) + gap.as_str()
}

fn words(events: &[DecodedEvent], gives_up: bool) -> String {
    let mut words = String::new();
    for (index, event) in events.iter().enumerate() {
        if events.len() > MOST_WORDS && (2..events.len() - 1).contains(&index) {
            if index == 2 {
                let _ = write!(words, ", … ({} in all)", events.len());
            }
            continue;
        }
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(words, "{comma}{:?}", event.data);
        if event.event_type != "message" {
            let _ = write!(words, " of type {}", event.event_type);
        }
        if !event.id.is_empty() {
            let _ = write!(words, " after id {}", event.id);
        }
    }
    if events.is_empty() {
        words.push_str("no event");
    }
    if gives_up {
        words.push_str(", then it gives up for good");
    }
    words
}

/// The lab's own client for the cases.
struct Reader {
    client: reqwest::Client,
    origin: String,
}

/// The events decoded so far.
#[derive(Default)]
struct Decoded {
    events: Vec<DecodedEvent>,
    times: Vec<Instant>,
    /// The same stream parsed a second time, byte by byte.
    one_by_one: Vec<DecodedEvent>,
    last_event_id: String,
    retry_ms: Option<u64>,
}

impl Reader {
    /// Reads the streams of a case one after the other, as a browser does.
    async fn read(&self, case: &CuriousCase) -> Result<CuriousAnswer, TaskError> {
        let address = format!("{}/pages/sse-conformance-stream?case={}", self.origin, case.name);
        let mut decoded = Decoded::default();
        for stream in 0..case.streams {
            if stream > 0 {
                sleep(Duration::from_millis(decoded.retry_ms.unwrap_or(USUAL_RETRY_MS))).await;
            }
            let mut request = self.client.get(&address);
            if !decoded.last_event_id.is_empty() {
                request = request.header("last-event-id", &decoded.last_event_id);
            }
            decoded.take(answer_to(request).await?, usize::MAX).await?;
        }
        Ok(decoded.answer())
    }

    /// Subscribes by POST to one type of event, and publishes one of it and one of another.
    async fn read_post(&self) -> Result<CuriousAnswer, TaskError> {
        let address = format!("{}/sse", self.origin);
        let stream = answer_to(self.client.post(&address).json(&json!({ "types": ["alpha"] }))).await?;
        for (event_type, data) in [("beta", "not asked for"), ("alpha", "asked for")] {
            let address = format!("{}/events?type={event_type}", self.origin);
            answer_to(self.client.post(&address).body(data)).await?;
        }
        let mut decoded = Decoded::default();
        decoded.take(stream, 1).await?;
        // The ids of events differ from run to run.
        let without_ids =
            |events: &mut Vec<DecodedEvent>| events.iter_mut().for_each(|event| event.id.clear());
        without_ids(&mut decoded.events);
        without_ids(&mut decoded.one_by_one);
        Ok(decoded.answer())
    }
}

/// Waits for the head of an answer; the body may take any time.
async fn answer_to(request: RequestBuilder) -> Result<Response, TaskError> {
    let answer = timeout(LONGEST_ANSWER, request.send()).await;
    Ok(answer.map_err(|_| TaskError::Unanswered(LONGEST_ANSWER))??.error_for_status()?)
}

impl Decoded {
    /// Reads a stream until its end, or until there are `most` events.
    async fn take(&mut self, mut response: Response, most: usize) -> Result<(), TaskError> {
        let mut parser = SseParser::resuming(&self.last_event_id);
        let mut slow_parser = SseParser::resuming(&self.last_event_id);
        let mut read_bytes = 0;
        let decode = |event: crate::data::sse_parser::SseEvent<'_>| {
            DecodedEvent::of(event.event_type, event.data, event.last_event_id)
        };
        let end = Instant::now() + LONGEST_ANSWER;
        while self.events.len() < most {
            let left = end.saturating_duration_since(Instant::now());
            // A stream that stays open has sent everything.
            let Ok(chunk) = timeout(left, response.chunk()).await else { break };
            let Some(chunk) = chunk? else { break };
            read_bytes += chunk.len();
            let taken = parser.push(&chunk, |event| {
                self.events.push(decode(event));
                self.times.push(Instant::now());
            });
            if taken.is_err() {
                break;
            }
            if read_bytes > MOST_BYTES_ONE_BY_ONE {
                continue;
            }
            for byte in &chunk {
                let _ =
                    slow_parser.push(std::slice::from_ref(byte), |event| self.one_by_one.push(decode(event)));
            }
        }
        if read_bytes > MOST_BYTES_ONE_BY_ONE {
            self.one_by_one.clone_from(&self.events);
        }
        parser.last_event_id().clone_into(&mut self.last_event_id);
        self.retry_ms = parser.retry_ms().or(self.retry_ms);
        Ok(())
    }

    fn answer(mut self) -> CuriousAnswer {
        if self.events != self.one_by_one {
            // The two results differ: report both.
            let words = format!("byte by byte: {}", words(&self.one_by_one, false));
            self.events.push(DecodedEvent::of("error", &words, ""));
        }
        let gap_ms = match (&*self.times, self.times.last()) {
            ([first, _, ..], Some(last)) => Some((*last - *first).as_secs_f64() * 1e3),
            (_, _) => None,
        };
        CuriousAnswer { events: self.events, gave_up: false, gap_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_in_words() {
        let event = |event_type: &str, data: &str, id: &str| DecodedEvent::of(event_type, data, id);
        assert_eq!(words(&[], true), "no event, then it gives up for good");
        let two = [event("message", "a\nb", ""), event("alpha", "c", "7")];
        assert_eq!(words(&two, false), r#""a\nb", "c" of type alpha after id 7"#);
        let many: Vec<DecodedEvent> = (1..=100).map(|data| event("message", &data.to_string(), "")).collect();
        assert_eq!(words(&many, false), r#""1", "2", … (100 in all), "100""#);
    }

    #[test]
    fn a_row_holds_only_if_browser_and_parser_are_right() {
        let case = by_post();
        let right = CuriousAnswer { events: case.expected.clone(), gave_up: false, gap_ms: None };
        let wrong = CuriousAnswer::default();
        let holds = |browser, ours| check(&case, browser, "POST", ours).holds;
        assert!(holds(&right, Some(&right)) && holds(&right, None));
        assert!(!holds(&wrong, Some(&right)) && !holds(&right, Some(&wrong)));
        assert!(!check(&case, &right, "P01", None).holds, "an answer to another question");
    }

    #[test]
    fn what_the_page_tells_is_read_strictly() {
        let answer = json!({ "events": [{ "type": "message", "data": "a", "id": "" }], "gave_up": false, "gap_ms": null });
        let good = json!({ "answers": [{ "name": "P01", "answer": answer }], "by_post": answer });
        assert_eq!(serde_json::from_value::<PageReport>(good).unwrap().answers[0].answer.events[0].data, "a");
        for odd in
            [json!([]), json!({ "answers": [] }), json!({ "answers": [{ "name": 1 }], "by_post": answer })]
        {
            assert!(serde_json::from_value::<PageReport>(odd.clone()).is_err(), "{odd}");
        }
    }
}
