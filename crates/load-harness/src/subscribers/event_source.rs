//! How an EventSource handles the head of an answer, redirects included (WHATWG HTML §9.2.3 and Fetch,
//! HTTP-redirect fetch).

use std::{ops::ControlFlow, rc::Rc};

use http::header;

use super::{
    http_client::{HttpClient, HttpStream},
    location::{Location, short},
    subscriber::Subscriber,
};
use crate::data::{answer::AnswerHead, error::SubscriberError};

/// Most redirects that are followed for one stream (Fetch, HTTP-redirect fetch).
const MOST_REDIRECTS: u32 = 20;

/// Requests the stream and follows redirects; `more` holds additional header lines. The target of the
/// redirects is kept for the next connection only if a stream was opened there.
pub(super) async fn open(subscriber: &Subscriber, more: &str) -> Result<HttpStream, SubscriberError> {
    let mut client = HttpClient::of(subscriber);
    let known = subscriber.location();
    for _ in 0..=MOST_REDIRECTS {
        let follows = client.follows_redirects();
        match client.open(subscriber, more, |head| accept(subscriber, head, follows)).await {
            Ok(ControlFlow::Continue(stream)) => return Ok(stream),
            Ok(ControlFlow::Break(moved)) => subscriber.move_to(Some(moved)),
            Err(error) => {
                subscriber.move_to(known);
                return Err(error);
            }
        }
    }
    Err(SubscriberError::Redirected(format!("more than {MOST_REDIRECTS} times")))
}

/// Accepts a stream that may be read, or breaks with the target of a redirect.
///
/// # Errors
/// A [`SubscriberError`] that ends the subscription for good.
fn accept(
    subscriber: &Subscriber,
    head: &AnswerHead<'_>,
    follows_redirects: bool,
) -> Result<ControlFlow<Rc<Location>>, SubscriberError> {
    match head.status().as_u16() {
        200 => {
            check_content_type(head.field(&header::CONTENT_TYPE))?;
            Ok(ControlFlow::Continue(()))
        }
        301 | 302 | 303 | 307 | 308 if follows_redirects => {
            let Some(location) = head.field(&header::LOCATION) else {
                return Err(SubscriberError::Status(head.status()));
            };
            let moved = subscriber.location_after(&String::from_utf8_lossy(location));
            moved.map(|moved| ControlFlow::Break(Rc::new(moved))).map_err(SubscriberError::Redirected)
        }
        _ => Err(SubscriberError::Status(head.status())),
    }
}

/// The media type must be `text/event-stream`; its parameters are ignored (MIME Sniffing §4.2).
fn check_content_type(content_type: Option<&[u8]>) -> Result<(), SubscriberError> {
    let Some(content_type) = content_type else {
        return Err(SubscriberError::NoEventStream("missing".to_owned()));
    };
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"text/event-stream") {
        return Ok(());
    }
    Err(SubscriberError::NoEventStream(short(&String::from_utf8_lossy(essence))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_may_have_parameters_and_any_case_and_nothing_else() {
        for taken in ["text/event-stream", "Text/Event-Stream ;charset=utf-8", " text/event-stream;bogus"] {
            assert!(check_content_type(Some(taken.as_bytes())).is_ok(), "{taken}");
        }
        for refused in ["text/plain", "", "text/event-streams", "application/json; text/event-stream"] {
            let error = check_content_type(Some(refused.as_bytes())).unwrap_err();
            assert!(error.is_final(contract::Pattern::Sse), "{refused}");
        }
        assert!(check_content_type(None).unwrap_err().to_string().contains("content type is missing"));
    }
}
