//! The requests and answers of a server. Everything that differs between servers of one pattern is here, so
//! the patterns' files do not depend on the server.

use std::{
    borrow::Cow,
    fmt::{Display, Write as _},
    time::Duration,
};

use contract::{Cursor, CursorError, EventType, PageApi, Pattern, PollBody, Resume, Subscription};
use http::{StatusCode, request};
use serde::Deserialize;

use crate::data::{
    answer::AnswerHead,
    error::SubscriberError,
    foreign_format::{ForeignFormat, nowhere},
    sse_parser::SseEvent,
};

/// The requests of a trial's server, and the format of its answers.
#[derive(Debug, Clone)]
pub(crate) struct ServerProtocol {
    /// The request of a subscriber that has no cursor yet.
    first: RequestTemplate,
    /// The request for what comes after a cursor.
    next: RequestTemplate,
    format: ResponseFormat,
    /// Statuses of a poll's answer that brings nothing new.
    empty: &'static [StatusCode],
}

/// The format of events in answers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ResponseFormat {
    /// The format of `contract`: JSON with a cursor for every event; in a stream the cursor is the event's id.
    Ours,
    /// The format of a target file. Events have no number, streams have no position.
    Foreign(ForeignFormat),
}

/// A GET request with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestTemplate {
    target: Template,
    /// Header lines after `host`, each with its line end.
    headers: Template,
}

/// The parts of a text around the placeholders for the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Template(Vec<String>);

/// The content of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// The subscriber's position.
    Place(Cursor),
    /// An event.
    Event(Cursor, Cow<'a, str>),
}

impl ServerProtocol {
    /// The protocol of the lab's own server.
    pub(crate) fn ours(pattern: Pattern, hold: Duration) -> Self {
        let path = format!("/{}", pattern.slug());
        let (target, headers, empty): (_, _, &[StatusCode]) = match pattern {
            Pattern::ShortPolling => {
                ("?after={cursor}", "if-none-match: \"{cursor}\"\r\n", &[StatusCode::NOT_MODIFIED])
            }
            Pattern::LongPolling => ("?after={cursor}&hold={hold}", "", &[StatusCode::NO_CONTENT]),
            // An EventSource repeats its URL.
            Pattern::Sse => ("", always(pattern), &[]),
            Pattern::WebSocket => ("?after={cursor}", "", &[]),
        };
        Self {
            first: RequestTemplate::new(&path, always(pattern), hold),
            next: RequestTemplate::new(&format!("{path}{target}"), headers, hold),
            format: ResponseFormat::Ours,
            empty,
        }
    }

    /// The protocol of a server that a target file describes.
    pub(crate) fn foreign(pattern: Pattern, subscription: &Subscription) -> Self {
        let format = ForeignFormat::new(pattern, subscription);
        let first = RequestTemplate::new(&subscription.first, always(pattern), Duration::ZERO);
        let next = if pattern.page_api() == PageApi::EventSource {
            // An EventSource repeats its URL.
            first.clone()
        } else {
            let next = subscription.next.as_ref().unwrap_or(&subscription.first);
            let headers = if format.names_its_place_in_headers() { "{cursor}" } else { "" };
            RequestTemplate::new(&next.replace("{after}", "{cursor}"), headers, Duration::ZERO)
        };
        Self {
            first,
            next,
            format: ResponseFormat::Foreign(format),
            // nchan ends a hold with 408.
            empty: &[StatusCode::NOT_MODIFIED, StatusCode::NO_CONTENT, StatusCode::REQUEST_TIMEOUT],
        }
    }

    /// Whether events have numbers; otherwise they are identified by their due.
    pub(crate) const fn numbers_events(&self) -> bool {
        match self.format {
            ResponseFormat::Ours => true,
            ResponseFormat::Foreign(_) => false,
        }
    }

    /// Whether this status of a poll's answer means that there is nothing new.
    pub(crate) fn is_empty(&self, status: StatusCode) -> bool {
        self.empty.contains(&status)
    }

    /// The position in a poll's answer in the form for the next request, if the server does not use our
    /// cursors.
    pub(crate) fn foreign_place(
        &self,
        head: &AnswerHead<'_>,
        body: &[u8],
    ) -> Result<Option<Box<str>>, SubscriberError> {
        match &self.format {
            ResponseFormat::Ours => Ok(None),
            ResponseFormat::Foreign(format) => format.place(head, body),
        }
    }

    /// The position that a stream's head implies, if any.
    pub(crate) fn place_of_head(&self) -> Option<Cursor> {
        match self.format {
            ResponseFormat::Ours => None,
            ResponseFormat::Foreign(_) => Some(nowhere()),
        }
    }

    /// The request of a subscriber with this cursor, or with none.
    pub(crate) const fn template(&self, cursor: Option<Cursor>) -> &RequestTemplate {
        match cursor {
            None => &self.first,
            Some(_) => &self.next,
        }
    }

    /// Parses the body of a poll's answer.
    pub(crate) fn poll<'a>(&self, body: &'a [u8]) -> Result<PollBody<'a>, SubscriberError> {
        match &self.format {
            ResponseFormat::Ours => Ok(serde_json::from_slice(body)?),
            ResponseFormat::Foreign(format) => format.poll(body),
        }
    }

    /// Interprets an event of a stream.
    pub(crate) fn stream_event<'a>(&self, event: SseEvent<'a>) -> Result<Message<'a>, SubscriberError> {
        match self.format {
            ResponseFormat::Ours => {
                let cursor = stream_cursor(event.last_event_id)?;
                // After a reset, the gap shows in the numbers of the events that follow.
                let is_place = event.event_type == "reset";
                Ok(if is_place { Message::Place(cursor) } else { Message::Event(cursor, event.data.into()) })
            }
            ResponseFormat::Foreign(_) => Ok(Message::Event(nowhere(), event.data.into())),
        }
    }

    /// The position of a stream's last id, for a subscriber that has no cursor yet.
    pub(crate) fn stream_place(&self, last_event_id: &str) -> Result<Option<Cursor>, SubscriberError> {
        match self.format {
            ResponseFormat::Ours if last_event_id.is_empty() => Ok(None),
            ResponseFormat::Ours => stream_cursor(last_event_id).map(Some),
            ResponseFormat::Foreign(_) => Ok(None),
        }
    }

    /// Parses a text message.
    pub(crate) fn message<'a>(&self, text: &'a str) -> Result<Message<'a>, SubscriberError> {
        match self.format {
            ResponseFormat::Ours => {
                let frame: OurFrame<'a> = serde_json::from_str(text)?;
                match (frame.id, frame.data, frame.cursor) {
                    (Some(id), Some(Text(data)), None) => Ok(Message::Event(id, data)),
                    (None, None, Some(cursor)) => Ok(Message::Place(cursor)),
                    (Some(_) | None, Some(_) | None, Some(_) | None) => {
                        Err(SubscriberError::Protocol("a message is neither cursor nor event".to_owned()))
                    }
                }
            }
            ResponseFormat::Foreign(_) => Ok(Message::Event(nowhere(), text.into())),
        }
    }
}

/// Header lines of every request of a pattern.
const fn always(pattern: Pattern) -> &'static str {
    match pattern.page_api() {
        PageApi::EventSource => "accept: text/event-stream\r\n",
        PageApi::Fetch | PageApi::WebSocket => "",
    }
}

fn stream_cursor(id: &str) -> Result<Cursor, SubscriberError> {
    id.parse().map_err(|error: CursorError| SubscriberError::Protocol(error.to_string()))
}

/// A frame of our WebSocket: a cursor or an event. It is a single struct, because an enum would be parsed
/// twice.
#[derive(Deserialize)]
struct OurFrame<'a> {
    id: Option<Cursor>,
    #[serde(rename = "type")]
    _event_type: Option<EventType>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    cursor: Option<Cursor>,
    #[serde(rename = "resume")]
    _resume: Option<Resume>,
}

/// serde cannot borrow an `Option<Cow<str>>`, but it can borrow this wrapper.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl RequestTemplate {
    fn new(target: &str, headers: &str, hold: Duration) -> Self {
        let hold = hold.as_secs_f64().to_string();
        let template = |text: &str| {
            Template(text.replace("{hold}", &hold).split("{cursor}").map(str::to_owned).collect())
        };
        Self { target: template(target), headers: template(headers) }
    }

    /// The path with its query, without a cursor.
    pub(crate) fn target(&self) -> String {
        self.target.0.concat()
    }

    /// The same request for another path, without a placeholder.
    pub(crate) fn moved_to(&self, target: &str) -> Self {
        Self { target: Template(vec![target.to_owned()]), headers: self.headers.clone() }
    }

    /// Writes the request: the minimum of HTTP/1.1, what the pattern needs, and `more`. The report says what a
    /// browser adds.
    pub(crate) fn write(&self, host: &str, cursor: Option<&impl Display>, more: &str, request: &mut String) {
        request.push_str("GET ");
        self.target.write(cursor, request);
        request.push_str(" HTTP/1.1\r\nhost: ");
        request.push_str(host);
        request.push_str("\r\n");
        self.headers.write(cursor, request);
        request.push_str(more);
        request.push_str("\r\n");
    }

    /// The same for clients that take a request as fields and not as text; `origin` is scheme and host.
    pub(crate) fn fill(
        &self,
        request: request::Builder,
        origin: &str,
        cursor: Option<&impl Display>,
        more: &str,
    ) -> request::Builder {
        let (mut url, mut headers) = (origin.to_owned(), String::new());
        self.target.write(cursor, &mut url);
        self.headers.write(cursor, &mut headers);
        headers.push_str(more);
        let fields = headers.split("\r\n").filter_map(|line| line.split_once(": "));
        fields.fold(request.uri(url), |request, (name, value)| request.header(name, value))
    }
}

impl Template {
    fn write(&self, cursor: Option<&impl Display>, text: &mut String) {
        for (place, piece) in self.0.iter().enumerate() {
            if let (1.., Some(cursor)) = (place, cursor) {
                write!(text, "{cursor}").expect("writing to memory cannot fail");
            }
            text.push_str(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{CursorPlace, EventPlace};

    use super::*;

    fn cursor() -> Cursor {
        "k3v9qa.17".parse().unwrap()
    }

    fn asked(pattern: Pattern, cursor: Option<Cursor>, more: &str) -> String {
        let protocol = ServerProtocol::ours(pattern, Duration::from_millis(1_800));
        let mut text = String::new();
        protocol.template(cursor).write("127.0.0.1:40000", cursor.as_ref(), more, &mut text);
        text
    }

    #[test]
    fn every_request_is_that_of_its_patterns_transcript() {
        let host = "host: 127.0.0.1:40000\r\n";
        for (pattern, first, next) in [
            (
                Pattern::ShortPolling,
                format!("GET /short-polling HTTP/1.1\r\n{host}\r\n"),
                format!(
                    "GET /short-polling?after=k3v9qa.17 HTTP/1.1\r\n{host}if-none-match: \"k3v9qa.17\"\r\n\r\n"
                ),
            ),
            (
                Pattern::LongPolling,
                format!("GET /long-polling HTTP/1.1\r\n{host}\r\n"),
                format!("GET /long-polling?after=k3v9qa.17&hold=1.8 HTTP/1.1\r\n{host}\r\n"),
            ),
            (
                Pattern::Sse,
                format!("GET /sse HTTP/1.1\r\n{host}accept: text/event-stream\r\n\r\n"),
                // As an EventSource: the id goes along beside it.
                format!("GET /sse HTTP/1.1\r\n{host}accept: text/event-stream\r\n\r\n"),
            ),
            (
                Pattern::WebSocket,
                format!("GET /websocket HTTP/1.1\r\n{host}\r\n"),
                format!("GET /websocket?after=k3v9qa.17 HTTP/1.1\r\n{host}\r\n"),
            ),
        ] {
            assert_eq!(asked(pattern, None, ""), first);
            assert_eq!(asked(pattern, Some(cursor()), ""), next);
            assert!(asked(pattern, None, "connection: close\r\n").ends_with("connection: close\r\n\r\n"));
        }
    }

    #[test]
    fn a_request_of_http_2_has_the_same_fields_and_no_host() {
        let protocol = ServerProtocol::ours(Pattern::ShortPolling, Duration::ZERO);
        let request = |cursor: Option<Cursor>, more: &str| {
            let (template, builder) = (protocol.template(cursor), http::Request::builder());
            template.fill(builder, "https://127.0.0.1:40000", cursor.as_ref(), more).body(()).unwrap()
        };
        let next = request(Some(cursor()), "");
        assert_eq!(next.uri(), "https://127.0.0.1:40000/short-polling?after=k3v9qa.17");
        let fields: Vec<_> = next.headers().iter().map(|(name, value)| (name.as_str(), value)).collect();
        assert_eq!(fields, [("if-none-match", &"\"k3v9qa.17\"".parse().unwrap())]);
        let first = request(None, "");
        assert_eq!((first.uri().path(), first.headers().len()), ("/short-polling", 0));
        assert_eq!(request(None, "last-event-id: 7\r\n").headers()["last-event-id"], "7");
    }

    #[test]
    fn a_foreign_place_goes_where_the_target_file_says() {
        let foreign = |next: &str, cursor| {
            let (first, next) = ("/now".to_owned(), Some(next.to_owned()));
            let subscription = Subscription { first, next, cursor, events: EventPlace::Text };
            ServerProtocol::foreign(Pattern::LongPolling, &subscription)
        };
        let asked = |protocol: &ServerProtocol, place: &str| {
            let mut text = String::new();
            protocol.template(Some(cursor())).write("h", Some(&place), "", &mut text);
            text
        };
        let by_url = foreign("/next?after={after}", CursorPlace::Json("at".to_owned()));
        assert_eq!(asked(&by_url, "17"), "GET /next?after=17 HTTP/1.1\r\nhost: h\r\n\r\n");
        let by_headers = foreign("/next", CursorPlace::Validators);
        let place = "if-none-match: 2\r\n";
        assert_eq!(asked(&by_headers, place), format!("GET /next HTTP/1.1\r\nhost: h\r\n{place}\r\n"));
        let mut first = String::new();
        by_url.template(None).write("h", None::<&Cursor>, "", &mut first);
        assert_eq!(first, "GET /now HTTP/1.1\r\nhost: h\r\n\r\n");
        assert!(by_headers.is_empty(StatusCode::REQUEST_TIMEOUT) && !by_headers.is_empty(StatusCode::OK));
    }

    #[test]
    fn our_messages_are_places_and_events() {
        let ours = ServerProtocol::ours(Pattern::WebSocket, Duration::ZERO);
        let place = r#"{"cursor":"k3v9qa.17","resume":"live"}"#;
        assert_eq!(ours.message(place).unwrap(), Message::Place(cursor()));
        for (data, text, is_borrowed) in [("hello", "hello", true), (r"\u0068\n", "h\n", false)] {
            let message = format!(r#"{{"id":"k3v9qa.17","type":"trade","data":"{data}"}}"#);
            let Message::Event(id, read) = ours.message(&message).unwrap() else { panic!("no event") };
            assert_eq!((id, &*read), (cursor(), text));
            assert_eq!(matches!(read, Cow::Borrowed(_)), is_borrowed, "{data}");
        }
        for broken in ["{}", r#"{"id":"k3v9qa.17"}"#, r#"{"data":"x"}"#, r#"{"cursor":"x"}"#, "hello"] {
            assert!(ours.message(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn our_stream_places_with_an_id_and_with_a_reset() {
        let ours = ServerProtocol::ours(Pattern::Sse, Duration::ZERO);
        let event = |event_type| SseEvent { event_type, data: "x", last_event_id: "k3v9qa.17" };
        assert_eq!(ours.stream_event(event("message")).unwrap(), Message::Event(cursor(), "x".into()));
        assert_eq!(ours.stream_event(event("reset")).unwrap(), Message::Place(cursor()));
        assert_eq!(ours.stream_place("").unwrap(), None);
        assert_eq!(ours.stream_place("k3v9qa.17").unwrap(), Some(cursor()));
        assert!(ours.stream_place("seventeen").is_err());
    }
}
