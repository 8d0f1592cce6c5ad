//! The errors that subscribers meet, worded for a table, and how often they occur.

use std::{cell::Cell, error::Error, io};

use contract::ErrorCount;

use crate::data::error::SubscriberError;

/// Different errors that a worker distinguishes; all others are counted together.
const MOST_KINDS: usize = 20;
/// Longest text of an error.
const MOST_CHARACTERS: usize = 120;
/// The text of all others.
const ANYTHING_ELSE: &str = "another error";

/// The errors of a socket, and their texts.
const OF_SOCKETS: [(io::ErrorKind, &str); 6] = [
    (io::ErrorKind::ConnectionRefused, "the connection was refused"),
    (io::ErrorKind::ConnectionReset, "the connection was reset"),
    (io::ErrorKind::ConnectionAborted, "the connection was aborted"),
    (io::ErrorKind::BrokenPipe, "the connection was closed before the request was sent"),
    (io::ErrorKind::UnexpectedEof, "the connection was closed unexpectedly"),
    (io::ErrorKind::TimedOut, "the connection timed out"),
];

/// Errors of a worker's subscribers, or of all.
#[derive(Debug, Default)]
pub(crate) struct ErrorCounts(Vec<ErrorCount>);

/// Which errors of its worker a subscriber has met: a bit for each.
#[derive(Debug, Default)]
pub(crate) struct Met(Cell<u32>);

impl ErrorCounts {
    /// Counts an error of a subscriber.
    pub(crate) fn note(&mut self, error: &SubscriberError, is_final: bool, met: &Met) {
        let what: String = words(error).chars().take(MOST_CHARACTERS).collect();
        let place = self.place_of(&what, is_final).unwrap_or_else(|| {
            let what = if self.0.len() < MOST_KINDS { &*what } else { ANYTHING_ELSE };
            self.place_of(what, is_final).unwrap_or_else(|| self.push(what, is_final))
        });
        let error_count = &mut self.0[place];
        error_count.times += 1;
        let bit = 1 << place;
        if met.0.get() & bit == 0 {
            met.0.set(met.0.get() | bit);
            error_count.subscribers += 1;
        }
    }

    /// Adds the errors of other subscribers.
    pub(crate) fn merge(&mut self, other: &Self) {
        for theirs in &other.0 {
            let place = self.place_of(&theirs.what, theirs.is_final);
            let mine = place.unwrap_or_else(|| self.push(&theirs.what, theirs.is_final));
            self.0[mine].times += theirs.times;
            self.0[mine].subscribers += theirs.subscribers;
        }
    }

    /// As they are written to a record: the most frequent first, about twenty of each worker at most.
    pub(crate) fn ranked(&self) -> Vec<ErrorCount> {
        let mut ranked = self.0.clone();
        ranked.sort_by(|left, right| right.times.cmp(&left.times).then_with(|| left.what.cmp(&right.what)));
        ranked
    }

    fn place_of(&self, what: &str, is_final: bool) -> Option<usize> {
        self.0.iter().position(|known| known.what == what && known.is_final == is_final)
    }

    fn push(&mut self, what: &str, is_final: bool) -> usize {
        self.0.push(ErrorCount { what: what.to_owned(), times: 0, subscribers: 0, is_final });
        self.0.len() - 1
    }
}

/// The text of an error, without details that differ from one occurrence to the next.
fn words(error: &SubscriberError) -> String {
    if let SubscriberError::Socket(error) = error {
        of_socket(error)
    } else if let SubscriberError::Reqwest(error) = error {
        of_reqwest(error)
    } else if let SubscriberError::Http2(error) = error {
        of_http2(error)
    } else {
        error.to_string()
    }
}

fn of_socket(error: &io::Error) -> String {
    let known = OF_SOCKETS.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or_else(|| format!("the socket failed: {}", error.kind()), |(_, words)| (*words).to_owned())
}

/// When an HTTP/2 connection fails, each of its streams gets the same error of the socket.
fn of_http2(error: &h2::Error) -> String {
    match (error.get_io(), error.reason()) {
        (Some(error), _) => of_socket(error),
        (None, Some(reason)) => format!("HTTP/2 ended a stream: {reason:?}"),
        (None, None) => "HTTP/2 ended a stream".to_owned(),
    }
}

/// reqwest nests its errors: the URL is in the outermost, the socket's own error is the innermost.
fn of_reqwest(error: &reqwest::Error) -> String {
    let mut layer = error.source();
    while let Some(error) = layer {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_socket(error);
        }
        layer = error.source();
    }
    if error.is_connect() { "no connection could be opened" } else { "the connection failed" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(error_counts: &ErrorCounts) -> Vec<(String, u64, u64, bool)> {
        let ranked = error_counts.ranked().into_iter();
        ranked.map(|known| (known.what, known.times, known.subscribers, known.is_final)).collect()
    }

    #[test]
    fn troubles_are_counted_by_their_words_and_by_who_met_them() {
        let (mut left, mut right) = (ErrorCounts::default(), ErrorCounts::default());
        let (first, second, third) = (Met::default(), Met::default(), Met::default());
        let reset = SubscriberError::Socket(io::ErrorKind::ConnectionReset.into());
        let refused = SubscriberError::Status(http::StatusCode::FORBIDDEN);
        for met in [&first, &first, &second] {
            left.note(&reset, false, met);
        }
        left.note(&refused, true, &second);
        right.note(&reset, false, &third);
        right.note(&refused, false, &third);
        left.merge(&right);
        let forbidden = "the answer was 403 Forbidden".to_owned();
        assert_eq!(
            reported(&left),
            [
                ("the connection was reset".to_owned(), 4, 3, false),
                (forbidden.clone(), 1, 1, true),
                (forbidden, 1, 1, false),
            ]
        );
    }

    #[test]
    fn texts_are_short_and_there_are_not_many() {
        let (mut error_counts, met) = (ErrorCounts::default(), Met::default());
        for number in 0..1_000 {
            let said = SubscriberError::Protocol(format!("{number:03} {}", "x".repeat(1_000)));
            error_counts.note(&said, number % 2 == 0, &met);
        }
        let reported = reported(&error_counts);
        assert_eq!(reported.len(), MOST_KINDS + 2);
        assert_eq!(reported.iter().map(|known| known.1).sum::<u64>(), 1_000);
        assert_eq!(reported[0], (ANYTHING_ELSE.to_owned(), 490, 1, true));
        assert!(reported.iter().all(|known| known.0.chars().count() <= MOST_CHARACTERS));
    }

    #[test]
    fn a_sockets_error_is_told_without_its_number() {
        assert_eq!(of_socket(&io::Error::from_raw_os_error(111)), "the connection was refused");
        assert_eq!(of_socket(&io::ErrorKind::AddrInUse.into()), "the socket failed: address in use");
    }
}
