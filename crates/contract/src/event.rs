//! An event on the wire, and the stamp with its due time.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Cursor, Resume};

/// The optional name of a kind of event: `[a-z][a-z0-9-]{0,31}`.
///
/// `open`, `error` and `reset` are refused because they would clash with the own events of an `EventSource`
/// and of this protocol. `message` is never written because it is the default.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventType(Arc<str>);

/// A text that is not an event type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an event type: expected 1 to 32 characters a-z, 0-9 or `-`, starting with a letter, and not message, open, error or reset"
)]
pub struct EventTypeError(String);

impl EventType {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventType {
    type Err = EventTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first_fits = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        let rest_fits = text
            .bytes()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-');
        let reserved = matches!(text, "message" | "open" | "error" | "reset");
        if first_fits && rest_fits && text.len() <= 32 && !reserved {
            Ok(Self(text.into()))
        } else {
            Err(EventTypeError(text.chars().take(40).collect()))
        }
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One event in a polling body or a WebSocket frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireEvent<'a> {
    /// The cursor *after* this event.
    pub id: Cursor,
    /// The type; absent means `message`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// The published text, unchanged.
    #[serde(borrow)]
    pub data: Cow<'a, str>,
}

/// The body of a `200` answer to a short or long poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollBody<'a> {
    /// The cursor after the batch: the next request's `after`.
    pub cursor: Cursor,
    /// What became of the requested cursor.
    pub resume: Resume,
    /// Number of lost events; present if `resume` is not live and the number is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// The events, oldest first.
    #[serde(borrow)]
    pub events: Vec<WireEvent<'a>>,
    /// Whether the batch was cut and the subscriber should ask again at once.
    pub more: bool,
}

/// Digits of a due stamp. It is padded so that a payload costs the same bytes from the first event to the last;
/// 13 digits of nanoseconds are 2 h 46 min.
pub const DUE_DIGITS: usize = 13;

/// Writes the text of a scheduled event: `<due>;<payload>`, due in nanoseconds of the epoch.
///
/// No framing escapes the characters of the stamp, so the text costs the same bytes in all four.
#[must_use]
pub fn stamp(due_ns: u64, payload: &str) -> String {
    format!("{due_ns:0DUE_DIGITS$};{payload}")
}

/// The parts of a scheduled event's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped<'a> {
    /// The planned instant of the event, nanoseconds since the log's epoch began.
    pub due_ns: u64,
    /// The text after the stamp.
    pub payload: &'a str,
}

impl<'a> Stamped<'a> {
    /// Parses a text that [`stamp`] wrote. `None` means a *foreign* event: the schedule did not publish it, so it
    /// has no age and cannot count as lost.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.get(DUE_DIGITS) != Some(&b';') {
            return None;
        }
        let mut due_ns = 0_u64;
        for digit in &bytes[..DUE_DIGITS] {
            if !digit.is_ascii_digit() {
                return None;
            }
            due_ns = due_ns * 10 + u64::from(digit - b'0');
        }
        Some(Self { due_ns, payload: &text[DUE_DIGITS + 1..] })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stamp_comes_back_and_keeps_its_length() {
        let early = stamp(1, "abc");
        let late = stamp(9_999_999_999_999, "abc");
        assert_eq!(early.len(), late.len());
        assert_eq!(Stamped::parse(&early), Some(Stamped { due_ns: 1, payload: "abc" }));
        assert_eq!(Stamped::parse(&late).unwrap().due_ns, 9_999_999_999_999);
    }

    #[test]
    fn what_has_no_stamp_is_foreign() {
        for text in ["", "hello", "123;x", "00000000000001", "000000000000x;", "+000000000001;x"] {
            assert_eq!(Stamped::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn types_follow_the_contract() {
        for good in ["trade", "a", "a1-b", &"a".repeat(32)] {
            assert!(good.parse::<EventType>().is_ok(), "{good}");
        }
        for bad in ["", "message", "open", "error", "reset", "1a", "-a", "A", "a b", "a\n", &"a".repeat(33)] {
            assert!(bad.parse::<EventType>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_poll_body_is_the_documented_json() {
        let cursor: Cursor = "k3v9qa.2".parse().unwrap();
        let body = PollBody {
            cursor,
            resume: Resume::Live,
            lost: None,
            events: vec![WireEvent { id: cursor, event_type: None, data: "x".into() }],
            more: false,
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"cursor":"k3v9qa.2","resume":"live","events":[{"id":"k3v9qa.2","data":"x"}],"more":false}"#
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_stamp_parser_panic(text in ".*") {
            let _ = Stamped::parse(&text);
        }
    }
}
