//! The curious cases of Server-Sent Events: what a server writes on a labelled test endpoint, and what
//! every decoder must make of it.

use serde::{Deserialize, Serialize};

/// An event as a decoder hands it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecodedEvent {
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its data. A text of more than [`DecodedEvent::LONGEST`] characters is told by its first ten and its
    /// length.
    pub data: String,
    /// The last event ID at that moment.
    pub id: String,
}

impl DecodedEvent {
    /// Characters of data that are told as they are.
    pub const LONGEST: usize = 200;

    /// An event, its data shortened if it is long. Characters are counted as JavaScript does, in units of
    /// UTF-16, so that a page and this function shorten alike.
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

/// One case: what is asked, and the answer that the standard gives (WHATWG HTML §9.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CuriousCase {
    /// Its name on the stream's endpoint, such as `P18`.
    pub name: String,
    /// What is tried.
    pub question: String,
    /// What is handed over, in order.
    pub expected: Vec<DecodedEvent>,
    /// Whether the reader gives up for good at the end, instead of asking again.
    pub gives_up: bool,
    /// Streams to read, one after the other, each asked for after the end of the one before.
    pub streams: u32,
    /// Least time between the first and the last event, milliseconds; none where that is not the question.
    pub least_gap_ms: Option<f64>,
    /// Whether it is about decoding alone, so that every parser of event streams can be asked. The others
    /// are about how a browser connects.
    pub is_decoding: bool,
}

/// What a reader made of a case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CuriousAnswer {
    /// What was handed over, in order.
    pub events: Vec<DecodedEvent>,
    /// Whether the reader gave up for good by itself.
    pub gave_up: bool,
    /// Time between the first and the last event, milliseconds; none without two events.
    pub gap_ms: Option<f64>,
}

impl CuriousCase {
    /// Whether an answer is the one that the standard gives.
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
