//! The format of events and positions in the answers of a server that a target file describes.

use std::{borrow::Cow, fmt};

use contract::{Cursor, CursorPlace, Epoch, EventPlace, Pattern, PollBody, Resume, Subscription, WireEvent};
use http::{StatusCode, header};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

use crate::data::{answer::AnswerHead, error::SubscriberError};

/// The cursor of a subscriber whose server does not use ours: it only says that there is a position.
pub(crate) fn nowhere() -> Cursor {
    Cursor { epoch: Epoch::from_random_bits(0), seq: 0 }
}

/// The format that a target file describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignFormat {
    cursor: CursorPlace,
    events: EventPlace,
    /// Whether an answer has only one event, so that the next poll should follow at once.
    one_by_one: bool,
}

impl ForeignFormat {
    pub(crate) fn new(pattern: Pattern, subscription: &Subscription) -> Self {
        Self {
            cursor: subscription.cursor.clone(),
            events: subscription.events.clone(),
            // A long poll is followed by the next at once anyway.
            one_by_one: pattern.is_timed() && subscription.events == EventPlace::Text,
        }
    }

    pub(crate) fn names_its_place_in_headers(&self) -> bool {
        self.cursor == CursorPlace::Validators
    }

    /// The position after this answer in the form for the next request: header lines, or the part for the URL.
    /// None if the answer has no position.
    pub(crate) fn place(
        &self,
        head: &AnswerHead<'_>,
        body: &[u8],
    ) -> Result<Option<Box<str>>, SubscriberError> {
        let says = matches!(head.status(), StatusCode::OK | StatusCode::NOT_MODIFIED);
        match &self.cursor {
            CursorPlace::Validators if says => {
                let mut lines = String::new();
                for (from, to) in [
                    (header::ETAG, header::IF_NONE_MATCH),
                    (header::LAST_MODIFIED, header::IF_MODIFIED_SINCE),
                ] {
                    if let Some(value) = head.field(&from) {
                        let value = String::from_utf8_lossy(value);
                        lines.push_str(&format!("{to}: {value}\r\n"));
                    }
                }
                Ok((!lines.is_empty()).then(|| lines.into()))
            }
            CursorPlace::Json(field) if head.status() == StatusCode::OK => {
                let found = self.fields(body)?.cursor;
                let found = found.ok_or_else(|| missing(field))?;
                Ok(Some(found.into()))
            }
            CursorPlace::None | CursorPlace::Validators | CursorPlace::Json(_) => Ok(None),
        }
    }

    /// The events of a poll's answer.
    pub(crate) fn poll<'a>(&self, body: &'a [u8]) -> Result<PollBody<'a>, SubscriberError> {
        let events: Vec<Cow<'a, str>> = match &self.events {
            EventPlace::Text => vec![text(body)?.into()],
            EventPlace::Lines => text(body)?.lines().map(Cow::Borrowed).collect(),
            EventPlace::Json(field) => self.fields(body)?.events.ok_or_else(|| missing(field))?,
        };
        let event = |data| WireEvent { id: nowhere(), event_type: None, data };
        Ok(PollBody {
            cursor: nowhere(),
            resume: Resume::Live,
            lost: None,
            events: events.into_iter().map(event).collect(),
            more: self.one_by_one,
        })
    }

    fn fields<'a>(&self, body: &'a [u8]) -> Result<Fields<'a>, SubscriberError> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        Ok(FieldNames(self).deserialize(&mut reader)?)
    }
}

fn text(body: &[u8]) -> Result<&str, SubscriberError> {
    std::str::from_utf8(body).map_err(|_| SubscriberError::Protocol("an event is not UTF-8".to_owned()))
}

fn missing(field: &str) -> SubscriberError {
    SubscriberError::Protocol(format!("the answer's JSON has no field `{field}` as the target file says"))
}

/// The two needed fields of an answer.
#[derive(Default)]
struct Fields<'a> {
    cursor: Option<String>,
    events: Option<Vec<Cow<'a, str>>>,
}

/// Reads these fields by the names in the target file, and skips all others.
struct FieldNames<'n>(&'n ForeignFormat);

impl<'de> DeserializeSeed<'de> for FieldNames<'_> {
    type Value = Fields<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldNames<'_> {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(Text(name)) = map.next_key()? {
            if matches!(&self.0.cursor, CursorPlace::Json(field) if *field == name) {
                let place: serde_json::Value = map.next_value()?;
                fields.cursor = Some(place.as_str().map_or_else(|| place.to_string(), str::to_owned));
            } else if matches!(&self.0.events, EventPlace::Json(field) if *field == name) {
                let texts: Vec<Text<'de>> = map.next_value()?;
                fields.events = Some(texts.into_iter().map(|Text(text)| text).collect());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

/// serde cannot borrow a `Cow<str>` inside a list, but it can borrow this wrapper.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use crate::data::reading::read_head;

    use super::*;

    fn format(cursor: CursorPlace, events: EventPlace) -> ForeignFormat {
        let subscription = Subscription { first: "/".to_owned(), next: None, cursor, events };
        ForeignFormat::new(Pattern::ShortPolling, &subscription)
    }

    fn texts(format: &ForeignFormat, body: &str) -> (Vec<String>, bool) {
        let answer = format.poll(body.as_bytes()).unwrap();
        (answer.events.iter().map(|event| event.data.to_string()).collect(), answer.more)
    }

    #[test]
    fn events_are_where_the_target_file_says() {
        let whole = format(CursorPlace::Validators, EventPlace::Text);
        assert_eq!(texts(&whole, "one"), (vec!["one".to_owned()], true));
        let lines = format(CursorPlace::Validators, EventPlace::Lines);
        assert_eq!(texts(&lines, "one\ntwo\n"), (vec!["one".to_owned(), "two".to_owned()], false));
        let json = format(CursorPlace::Json("at".into()), EventPlace::Json("all".into()));
        let body = r#"{"other":[{"all":1}],"all":["one","t\u0077o"],"at":7}"#;
        assert_eq!(texts(&json, body), (vec!["one".to_owned(), "two".to_owned()], false));
        let error = json.poll(b"{}").unwrap_err().to_string();
        assert!(error.contains("no field `all`"), "{error}");
    }

    #[test]
    fn the_place_is_named_as_it_was_given() {
        let validators = format(CursorPlace::Validators, EventPlace::Text);
        let place = |format: &ForeignFormat, head: &str, body: &str| {
            let head = read_head(head.as_bytes()).unwrap().unwrap();
            format.place(&AnswerHead::Text(&head), body.as_bytes()).unwrap().map(String::from)
        };
        let fields = "Last-Modified: Sat, 21 Nov 2026 14:12:54 GMT\r\nEtag: 2\r\n\r\n";
        let named = "if-none-match: 2\r\nif-modified-since: Sat, 21 Nov 2026 14:12:54 GMT\r\n";
        for status in ["200 OK", "304 Not Modified"] {
            let head = format!("HTTP/1.1 {status}\r\n{fields}");
            assert_eq!(place(&validators, &head, "").as_deref(), Some(named));
        }
        // nchan sends an incomplete position when a hold has ended.
        assert_eq!(place(&validators, "HTTP/1.1 408 Request Timeout\r\nEtag: 2\r\n\r\n", ""), None);
        assert_eq!(place(&validators, "HTTP/1.1 200 OK\r\n\r\n", ""), None);

        let json = format(CursorPlace::Json("at".into()), EventPlace::Json("all".into()));
        for (body, named) in [(r#"{"at":7,"all":[]}"#, "7"), (r#"{"all":[],"at":"x-7"}"#, "x-7")] {
            assert_eq!(place(&json, "HTTP/1.1 200 OK\r\n\r\n", body).as_deref(), Some(named));
        }
        assert_eq!(place(&json, "HTTP/1.1 204 No Content\r\n\r\n", ""), None);
    }
}
