//! The conformance cases of Server-Sent Events: what a server sends on a test endpoint, and what every decoder
//! must return.

use serde::{Deserialize, Serialize};

/// An event as a decoder returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecodedEvent {
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its data. A text of more than [`DecodedEvent::LONGEST`] characters is shortened to its first ten and
    /// its length.
    pub data: String,
    /// The last event ID at that moment.
    pub id: String,
}

impl DecodedEvent {
    /// Longest data that is not shortened, in characters.
    pub const LONGEST: usize = 200;

    /// An event, with its data shortened if it is long. Characters are counted in UTF-16 units, as in
    /// JavaScript, so that a page and this function shorten in the same way.
    #[must_use]
    pub fn of(event_type: &str, data: &str, id: &str) -> Self {
        let length = data.encode_utf16().count();
        let data = if length > Self::LONGEST {
            format!("{}… ({length} characters)", data.chars().take(10).collect::<String>())
        } else {
            data.to_owned()
        };
        Self { event_type: event_type.to_owned(), data, id: id.to_owned() }
    }
}

/// One case: a question, and the result that the standard requires (WHATWG HTML §9.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CuriousCase {
    /// Its name on the stream's endpoint, such as `P18`.
    pub name: String,
    /// What is tested.
    pub question: String,
    /// The events that a decoder must return, in order.
    pub expected: Vec<DecodedEvent>,
    /// Whether the reader must stop for good at the end, instead of reconnecting.
    pub gives_up: bool,
    /// Number of streams to read, each requested after the end of the previous one.
    pub streams: u32,
    /// Least time between the first and the last event, milliseconds; null if the case does not test it.
    pub least_gap_ms: Option<f64>,
    /// Whether the case tests decoding only, so that every parser of event streams can run it. The other cases
    /// test how a browser connects.
    pub is_decoding: bool,
}

/// The result of a reader for a case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CuriousAnswer {
    /// The events that the reader returned, in order.
    pub events: Vec<DecodedEvent>,
    /// Whether the reader stopped for good.
    pub gave_up: bool,
    /// Time between the first and the last event, milliseconds; null without two events.
    pub gap_ms: Option<f64>,
}

impl CuriousCase {
    /// Whether a result is the one that the standard requires.
    #[must_use]
    pub fn holds(&self, answer: &CuriousAnswer) -> bool {
        let has_gap = self.least_gap_ms.is_none_or(|least| answer.gap_ms.is_some_and(|gap| gap >= least));
        self.expected == answer.events && self.gives_up == answer.gave_up && has_gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_data_is_told_by_its_start_and_length() {
        let long = "é".repeat(300);
        assert_eq!(DecodedEvent::of("message", &long, "").data, "éééééééééé… (300 characters)");
        assert_eq!(DecodedEvent::of("message", "short", "1").data, "short");
    }

    #[test]
    fn an_answer_holds_with_its_events_its_end_and_its_gap() {
        let case = CuriousCase {
            name: "X".to_owned(),
            question: "Is it so?".to_owned(),
            expected: vec![DecodedEvent::of("message", "a", "")],
            gives_up: false,
            streams: 1,
            least_gap_ms: Some(500.0),
            is_decoding: true,
        };
        let good = CuriousAnswer { events: case.expected.clone(), gave_up: false, gap_ms: Some(500.0) };
        assert!(case.holds(&good));
        assert!(!case.holds(&CuriousAnswer { gap_ms: Some(499.0), ..good.clone() }));
        assert!(!case.holds(&CuriousAnswer { gap_ms: None, ..good.clone() }));
        assert!(!case.holds(&CuriousAnswer { gave_up: true, ..good.clone() }));
        assert!(!case.holds(&CuriousAnswer { events: vec![], ..good }));
    }
}
