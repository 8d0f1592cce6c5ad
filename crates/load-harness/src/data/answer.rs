//! Answers, whichever client has read them.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::data::reading::Head;

/// The head of an answer as its client has it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnswerHead<'a> {
    /// Of HTTP/1.1, taken where it lies.
    Text(&'a Head<'a>),
    /// Of a client that makes fields of it.
    Fields(StatusCode, &'a HeaderMap),
}

impl<'a> AnswerHead<'a> {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Text(head) => head.status,
            Self::Fields(status, _) => *status,
        }
    }

    /// The value of a field, the first if it comes more than once.
    pub(crate) fn field(&self, name: &HeaderName) -> Option<&'a [u8]> {
        match self {
            Self::Text(head) => head.field(name),
            Self::Fields(_, fields) => fields.get(name).map(HeaderValue::as_bytes),
        }
    }
}

/// The whole answer to a poll.
pub(crate) struct PollAnswer<'a> {
    pub(crate) head: AnswerHead<'a>,
    pub(crate) body: &'a [u8],
    /// Bytes of the stream that the exchange took, both directions; those of the body where no more is known.
    pub(crate) exchange_bytes: u64,
    /// From sending the request until the answer was complete, where the client tells.
    pub(crate) exchange_ns: Option<u64>,
}
