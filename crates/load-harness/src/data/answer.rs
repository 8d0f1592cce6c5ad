//! Answers to requests, for any client.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::data::reading::Head;

/// The head of an answer in the form of its client.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnswerHead<'a> {
    /// An HTTP/1.1 head, parsed in place.
    Text(&'a Head<'a>),
    /// Status and fields, from the other clients.
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
    /// Bytes of the exchange in the stream, both directions; only those of the body if no more is known.
    pub(crate) exchange_bytes: u64,
    /// Time from sending the request until the answer was complete, if the client reports it.
    pub(crate) exchange_ns: Option<u64>,
}
