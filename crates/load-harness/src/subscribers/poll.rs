//! Handles the answer to a poll, short or long, from any client.

use std::time::Duration;

use http::{StatusCode, header};

use super::subscriber::Subscriber;
use crate::{
    connections::ledger::add,
    data::{answer::PollAnswer, error::SubscriberError},
};

/// Handles an answer. Returns `true` if the batch was cut and the next poll should follow at once.
pub(super) fn take(subscriber: &Subscriber, answer: &PollAnswer<'_>) -> Result<bool, SubscriberError> {
    // The position, where the server names it in its own format.
    subscriber.place_as_named(&answer.head, answer.body)?;

    // The status: nothing new, or a refusal.
    let status = answer.head.status();
    if subscriber.protocol().is_empty(status) {
        subscriber.count_empty_poll(answer.exchange_bytes);
        return Ok(false);
    }
    if status != StatusCode::OK {
        return Err(refusal(status, answer.head.field(&header::RETRY_AFTER)));
    }

    // The bytes of the exchange. The first answer says where the subscriber starts, so its cursor is noted
    // before the events.
    let body = subscriber.protocol().poll(answer.body)?;
    if subscriber.cursor().is_none() {
        subscriber.place(body.cursor);
    }
    if body.events.is_empty() {
        subscriber.count_empty_poll(answer.exchange_bytes);
    } else {
        subscriber.note_answer(body.events.len());
        add(&subscriber.counters().headers, answer.exchange_bytes - answer.body.len() as u64);
    }

    // The events, and the cursor after them.
    for event in &body.events {
        subscriber.deliver(event.id, &event.data);
    }
    subscriber.place(body.cursor);
    Ok(body.more)
}

/// The error for a refused poll, with the delay of `Retry-After` if there is one (RFC 9110 §10.2.3; in
/// seconds only, dates are ignored).
fn refusal(status: StatusCode, retry_after: Option<&[u8]>) -> SubscriberError {
    let seconds = retry_after
        .filter(|_| matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE))
        .and_then(|value| std::str::from_utf8(value).ok())
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse::<u32>().ok());
    match seconds {
        Some(seconds) => SubscriberError::Later(status, Duration::from_secs(seconds.into())),
        None => SubscriberError::Status(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_asked_for_in_seconds_with_429_and_503() {
        let asked = |status: u16, value: &str| {
            let refused = refusal(StatusCode::from_u16(status).unwrap(), Some(value.as_bytes()));
            if let SubscriberError::Later(_, wait) = refused { Some(wait.as_secs()) } else { None }
        };
        assert_eq!([asked(503, "7"), asked(429, "0"), asked(500, "7")], [Some(7), Some(0), None]);
        for no_number in ["", "+1", "-1", "1.5", "99999999999", "Fri, 31 Dec 2027 23:59:59 GMT"] {
            assert_eq!(asked(503, no_number), None, "{no_number}");
        }
    }
}
