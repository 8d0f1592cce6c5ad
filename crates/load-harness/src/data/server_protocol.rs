//! How a server speaks: everything that differs between servers of one pattern stands here, and the
//! patterns' files know none of it.

use std::{
    borrow::Cow,
    fmt::{Display, Write as _},
    time::Duration,
};

use contract::{Cursor, CursorError, EventType, Pattern, PollBody, Resume, Subscription};
use http::{StatusCode, request};
use serde::Deserialize;

use crate::{
    data::{
        error::SubscriberError,
        foreign_format::{ForeignWords, nowhere},
        reading::Head,
        sse_parser::SseEvent,
    },
    subscribers::Seat,
};

/// How the server of a trial is asked, and how its answers are understood.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    /// What a subscriber asks that has no cursor yet.
    first: Question,
    /// What it asks from its cursor on.
    next: Question,
    words: Words,
    /// Statuses of a poll's answer that holds nothing new.
    empty: &'static [StatusCode],
}

/// How the events stand in answers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Words {
    /// As `contract` has it: JSON with a cursor for every event, the cursor as the id of a stream's
    /// events.
    Ours,
    /// As a target file has it. Events have no number, a stream no place.
    Foreign(ForeignWords),
}

/// A GET with places to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    target: Template,
    /// Header lines after `host`, each with its line end.
    headers: Template,
}

/// A text around the places where the cursor goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Template(Vec<String>);

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// Where the subscriber stands.
    Place(Cursor),
    /// An event.
    Event(Cursor, Cow<'a, str>),
}

impl Dialect {
    /// That of the lab's own server.
    pub(crate) fn ours(pattern: Pattern, hold: Duration) -> Self {
        let path = format!("/{}", pattern.slug());
        let (target, headers) = match pattern {
            Pattern::ShortPolling => ("?after={cursor}", "if-none-match: \"{cursor}\"\r\n"),
            Pattern::LongPolling => ("?after={cursor}&hold={hold}", ""),
            // As an EventSource: it repeats its URL.
            Pattern::Sse => ("", "last-event-id: {cursor}\r\n"),
            Pattern::WebSocket => ("?after={cursor}", ""),
        };
        let always = match pattern {
            Pattern::Sse => "accept: text/event-stream\r\n",
            Pattern::ShortPolling | Pattern::LongPolling | Pattern::WebSocket => "",
        };
        Self {
            first: Question::new(&path, always, hold),
            next: Question::new(&format!("{path}{target}"), &format!("{headers}{always}"), hold),
            words: Words::Ours,
            empty: match pattern {
                Pattern::ShortPolling => &[StatusCode::NOT_MODIFIED],
                Pattern::LongPolling => &[StatusCode::NO_CONTENT],
                Pattern::Sse | Pattern::WebSocket => &[],
            },
        }
    }

    /// That of a server that a target file describes.
    pub(crate) fn foreign(pattern: Pattern, subscription: &Subscription) -> Self {
        let words = ForeignWords::new(pattern, subscription);
        let always = match pattern {
            Pattern::Sse => "accept: text/event-stream\r\n",
            Pattern::ShortPolling | Pattern::LongPolling | Pattern::WebSocket => "",
        };
        let next = subscription.next.as_ref().unwrap_or(&subscription.first).replace("{after}", "{cursor}");
        let headers = if words.names_its_place_in_headers() { "{cursor}" } else { "" };
        Self {
            first: Question::new(&subscription.first, always, Duration::ZERO),
            next: Question::new(&next, &format!("{headers}{always}"), Duration::ZERO),
            words: Words::Foreign(words),
            // 408 is how nchan ends a hold.
            empty: &[StatusCode::NOT_MODIFIED, StatusCode::NO_CONTENT, StatusCode::REQUEST_TIMEOUT],
        }
    }

    /// Whether events have numbers; those that have none are told apart by their due.
    pub(crate) const fn numbers_events(&self) -> bool {
        match self.words {
            Words::Ours => true,
            Words::Foreign(_) => false,
        }
    }

    /// Whether a poll's answer of this status says that there is nothing new.
    pub(crate) fn is_empty(&self, status: StatusCode) -> bool {
        self.empty.contains(&status)
    }

    /// How the next request names the place that a poll's answer gave, if not by a cursor of ours.
    pub(crate) fn foreign_place(
        &self,
        head: &Head<'_>,
        body: &[u8],
    ) -> Result<Option<Box<str>>, SubscriberError> {
        match &self.words {
            Words::Ours => Ok(None),
            Words::Foreign(words) => words.place(head, body),
        }
    }

    /// Where a stream's head places its subscriber, if it does.
    pub(crate) fn place_of_head(&self) -> Option<Cursor> {
        match self.words {
            Words::Ours => None,
            Words::Foreign(_) => Some(nowhere()),
        }
    }

    /// What to ask from this cursor on.
    pub(crate) const fn question(&self, cursor: Option<Cursor>) -> &Question {
        match cursor {
            None => &self.first,
            Some(_) => &self.next,
        }
    }

    /// What the body of a poll's answer says.
    pub(crate) fn poll<'a>(&self, body: &'a [u8]) -> Result<PollBody<'a>, SubscriberError> {
        match &self.words {
            Words::Ours => Ok(serde_json::from_slice(body)?),
            Words::Foreign(words) => words.poll(body),
        }
    }

    /// What an event of a stream says.
    pub(crate) fn stream_event<'a>(&self, event: SseEvent<'a>) -> Result<Said<'a>, SubscriberError> {
        match self.words {
            Words::Ours => {
                let cursor = stream_cursor(event.last_event_id)?;
                // After a reset, the gap shows in the numbers of the events that follow.
                let is_place = event.event_type == "reset";
                Ok(if is_place { Said::Place(cursor) } else { Said::Event(cursor, event.data.into()) })
            }
            Words::Foreign(_) => Ok(Said::Event(nowhere(), event.data.into())),
        }
    }

    /// Where a stream's last id places a subscriber that has no cursor yet.
    pub(crate) fn stream_place(&self, last_event_id: &str) -> Result<Option<Cursor>, SubscriberError> {
        match self.words {
            Words::Ours if last_event_id.is_empty() => Ok(None),
            Words::Ours => stream_cursor(last_event_id).map(Some),
            Words::Foreign(_) => Ok(None),
        }
    }

    /// What a text message says.
    pub(crate) fn message<'a>(&self, text: &'a str) -> Result<Said<'a>, SubscriberError> {
        match self.words {
            Words::Ours => {
                let frame: OurFrame<'a> = serde_json::from_str(text)?;
                match (frame.id, frame.data, frame.cursor) {
                    (Some(id), Some(Text(data)), None) => Ok(Said::Event(id, data)),
                    (None, None, Some(cursor)) => Ok(Said::Place(cursor)),
                    (Some(_) | None, Some(_) | None, Some(_) | None) => {
                        Err(SubscriberError::Protocol("a message is neither a place nor an event".to_owned()))
                    }
                }
            }
            Words::Foreign(_) => Ok(Said::Event(nowhere(), text.into())),
        }
    }
}

impl Said<'_> {
    /// Takes it to the subscriber's seat.
    pub(crate) fn to(&self, seat: &Seat) {
        match self {
            Self::Place(cursor) => seat.place(*cursor),
            Self::Event(cursor, text) => seat.deliver(*cursor, text),
        }
    }
}

fn stream_cursor(id: &str) -> Result<Cursor, SubscriberError> {
    id.parse().map_err(|error: CursorError| SubscriberError::Protocol(error.to_string()))
}

/// A frame of our WebSocket: a place, or an event. One struct, for choosing between two would read the
/// text twice.
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

/// serde borrows no `Option<Cow<str>>`, but this.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Question {
    fn new(target: &str, headers: &str, hold: Duration) -> Self {
        let hold = hold.as_secs_f64().to_string();
        let template = |text: &str| {
            Template(text.replace("{hold}", &hold).split("{cursor}").map(str::to_owned).collect())
        };
        Self { target: template(target), headers: template(headers) }
    }

    /// What it asks for: a path with its query, the place left open.
    pub(crate) fn target(&self) -> String {
        self.target.0.concat()
    }

    /// The same question to another path, where there is no place to fill in.
    pub(crate) fn moved_to(&self, target: &str) -> Self {
        Self { target: Template(vec![target.to_owned()]), headers: self.headers.clone() }
    }

    /// Writes the request: the least that HTTP/1.1 asks for, what the pattern needs, and `more`. What a
    /// browser adds is said in the report.
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

    /// The same for HTTP/2, where a head is fields and no text.
    pub(crate) fn request(&self, host: &str, cursor: Option<&impl Display>) -> request::Builder {
        let (mut target, mut headers) = (String::new(), String::new());
        self.target.write(cursor, &mut target);
        self.headers.write(cursor, &mut headers);
        let fields = headers.split("\r\n").filter_map(|line| line.split_once(": "));
        let request = http::Request::builder().uri(format!("https://{host}{target}"));
        fields.fold(request, |request, (name, value)| request.header(name, value))
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
        let dialect = Dialect::ours(pattern, Duration::from_millis(1_800));
        let mut text = String::new();
        dialect.question(cursor).write("127.0.0.1:40000", cursor.as_ref(), more, &mut text);
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
                format!(
                    "GET /sse HTTP/1.1\r\n{host}last-event-id: k3v9qa.17\r\naccept: text/event-stream\r\n\r\n"
                ),
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
        let dialect = Dialect::ours(Pattern::ShortPolling, Duration::ZERO);
        let question = dialect.question(Some(cursor()));
        let request = question.request("127.0.0.1:40000", Some(&cursor())).body(()).unwrap();
        assert_eq!(request.uri(), "https://127.0.0.1:40000/short-polling?after=k3v9qa.17");
        let fields: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value)).collect();
        assert_eq!(fields, [("if-none-match", &"\"k3v9qa.17\"".parse().unwrap())]);
        let first = dialect.question(None).request("127.0.0.1:40000", None::<&Cursor>).body(()).unwrap();
        assert_eq!((first.uri().path(), first.headers().len()), ("/short-polling", 0));
    }

    #[test]
    fn a_foreign_place_goes_where_the_target_file_says() {
        let foreign = |next: &str, cursor| {
            let (first, next) = ("/now".to_owned(), Some(next.to_owned()));
            let subscription = Subscription { first, next, cursor, events: EventPlace::Text };
            Dialect::foreign(Pattern::LongPolling, &subscription)
        };
        let asked = |dialect: &Dialect, place: &str| {
            let mut text = String::new();
            dialect.question(Some(cursor())).write("h", Some(&place), "", &mut text);
            text
        };
        let by_url = foreign("/next?after={after}", CursorPlace::Json("at".to_owned()));
        assert_eq!(asked(&by_url, "17"), "GET /next?after=17 HTTP/1.1\r\nhost: h\r\n\r\n");
        let by_headers = foreign("/next", CursorPlace::Validators);
        let place = "if-none-match: 2\r\n";
        assert_eq!(asked(&by_headers, place), format!("GET /next HTTP/1.1\r\nhost: h\r\n{place}\r\n"));
        let mut first = String::new();
        by_url.question(None).write("h", None::<&Cursor>, "", &mut first);
        assert_eq!(first, "GET /now HTTP/1.1\r\nhost: h\r\n\r\n");
        assert!(by_headers.is_empty(StatusCode::REQUEST_TIMEOUT) && !by_headers.is_empty(StatusCode::OK));
    }

    #[test]
    fn our_messages_are_places_and_events() {
        let ours = Dialect::ours(Pattern::WebSocket, Duration::ZERO);
        let place = r#"{"cursor":"k3v9qa.17","resume":"live"}"#;
        assert_eq!(ours.message(place).unwrap(), Said::Place(cursor()));
        for (data, text, is_borrowed) in [("hello", "hello", true), (r"\u0068\n", "h\n", false)] {
            let message = format!(r#"{{"id":"k3v9qa.17","type":"trade","data":"{data}"}}"#);
            let Said::Event(id, read) = ours.message(&message).unwrap() else { panic!("no event") };
            assert_eq!((id, &*read), (cursor(), text));
            assert_eq!(matches!(read, Cow::Borrowed(_)), is_borrowed, "{data}");
        }
        for broken in ["{}", r#"{"id":"k3v9qa.17"}"#, r#"{"data":"x"}"#, r#"{"cursor":"x"}"#, "hello"] {
            assert!(ours.message(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn our_stream_places_with_an_id_and_with_a_reset() {
        let ours = Dialect::ours(Pattern::Sse, Duration::ZERO);
        let event = |event_type| SseEvent { event_type, data: "x", last_event_id: "k3v9qa.17" };
        assert_eq!(ours.stream_event(event("message")).unwrap(), Said::Event(cursor(), "x".into()));
        assert_eq!(ours.stream_event(event("reset")).unwrap(), Said::Place(cursor()));
        assert_eq!(ours.stream_place("").unwrap(), None);
        assert_eq!(ours.stream_place("k3v9qa.17").unwrap(), Some(cursor()));
        assert!(ours.stream_place("seventeen").is_err());
    }
}
