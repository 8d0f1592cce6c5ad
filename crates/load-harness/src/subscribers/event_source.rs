//! How an EventSource asks for its stream, and what it makes of the head of the answer and of redirects
//! (WHATWG HTML §9.2.2, §9.2.3 and Fetch, HTTP-redirect fetch).

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use http::{StatusCode, header};
use reqwest::Url;

use super::{Seat, SubscriberError};
use crate::{
    connections::http1::{Step, Wire},
    data::{
        reading::{BodyReader, Head, read_head},
        server_protocol::Question,
    },
};

/// Redirects that are followed before a stream is given up (Fetch, HTTP-redirect fetch).
const MOST_REDIRECTS: u32 = 20;
/// Most that is told of a content type or an address.
const TOLD_CHARACTERS: usize = 80;

/// Where an event stream has moved.
#[derive(Debug)]
pub(crate) struct Location {
    url: Url,
    pub(super) target: SocketAddr,
    /// As `host` names it.
    pub(super) host: String,
    pub(super) question: Question,
}

/// A stream that is open: its connection, and what reads the body.
pub(super) struct Stream {
    pub(super) wire: Wire,
    pub(super) body: BodyReader,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.wire.break_off(self.body.begun());
    }
}

/// Asks for the stream, and follows redirects. Where they lead counts for the next time only if a stream
/// is there.
pub(super) async fn open(seat: &Seat) -> Result<Stream, SubscriberError> {
    let known = seat.reconnection.moved();
    for _ in 0..=MOST_REDIRECTS {
        match ask(seat).await {
            Ok(None) => {}
            Ok(Some(stream)) => return Ok(stream),
            Err(error) => {
                seat.reconnection.move_to(known);
                return Err(error);
            }
        }
    }
    Err(SubscriberError::Redirected(format!("more than {MOST_REDIRECTS} times")))
}

/// One request, as a browser repeats it: the same URL, and the last event ID beside it. No stream if the
/// server redirects.
async fn ask(seat: &Seat) -> Result<Option<Stream>, SubscriberError> {
    let mut wire = Wire::open(seat).await?;
    let before_bytes = seat.counters.stream.sent();
    let moved = seat.reconnection.moved();
    let question = match &moved {
        Some(moved) => &moved.question,
        None => seat.desk.dialect.question(None),
    };
    // Whatever ID the stream had, whether it is a cursor of ours or not.
    let resuming = match &*seat.reconnection.last_event_id() {
        "" => String::new(),
        id => format!("last-event-id: {id}\r\n"),
    };
    wire.ask(seat, question, &resuming).await?;
    let body = wire.read(seat, |bytes, _| {
        let Some(head) = read_head(bytes)? else { return Ok(Step { used: 0, found: None }) };
        seat.count_heads(before_bytes, &head);
        Ok(Step { used: head.used, found: Some(body(seat, &head)?) })
    });
    let Some(body) = body.await? else { return Ok(None) };
    seat.note_answer(0);
    seat.place_by_head();
    Ok(Some(Stream { wire, body }))
}

/// The body of a stream that may be read; none if the server redirects, which is then noted.
///
/// # Errors
/// Whatever ends the subscription for good.
fn body(seat: &Seat, head: &Head<'_>) -> Result<Option<BodyReader>, SubscriberError> {
    match head.status.as_u16() {
        200 => {
            check_content_type(head.field(&header::CONTENT_TYPE))?;
            Ok(Some(head.body()?))
        }
        301 | 302 | 303 | 307 | 308 => {
            let Some(location) = head.field(&header::LOCATION) else {
                return Err(SubscriberError::Status(head.status));
            };
            let moved = location_after(seat, &String::from_utf8_lossy(location));
            seat.reconnection.move_to(Some(Rc::new(moved.map_err(SubscriberError::Redirected)?)));
            Ok(None)
        }
        _ => Err(SubscriberError::Status(head.status)),
    }
}

/// The media type must be that of event streams, whatever its parameters (MIME Sniffing §4.2).
pub(super) fn check_content_type(content_type: Option<&[u8]>) -> Result<(), SubscriberError> {
    let Some(content_type) = content_type else {
        return Err(SubscriberError::NoEventStream("an answer without content type".to_owned()));
    };
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"text/event-stream") {
        return Ok(());
    }
    Err(SubscriberError::NoEventStream(short(&String::from_utf8_lossy(essence))))
}

/// Where a redirect leads, seen from where the stream was asked for.
fn location_after(seat: &Seat, location: &str) -> Result<Location, String> {
    let question = seat.desk.dialect.question(None);
    let asked = match seat.reconnection.moved() {
        Some(moved) => moved.url.clone(),
        None => {
            let scheme = if seat.desk.settings.transport.is_encrypted() { "https" } else { "http" };
            let asked = format!("{scheme}://{}{}", seat.desk.target, question.target());
            Url::parse(&asked)
                .map_err(|error| format!("from `{}`, which is no URL: {error}", short(&asked)))?
        }
    };
    let (url, target) = target_of(&asked, location)?;
    let path = match url.query() {
        None => url.path().to_owned(),
        Some(query) => format!("{}?{query}", url.path()),
    };
    let host = match url.port() {
        None => url.host_str().unwrap_or_default().to_owned(),
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
    };
    Ok(Location { target, host, question: question.moved_to(&path), url })
}

/// The URL that a redirect names, and its address. The lab stays on its machine.
fn target_of(asked: &Url, location: &str) -> Result<(Url, SocketAddr), String> {
    let url = asked
        .join(location)
        .map_err(|error| format!("to `{}`, which is no URL: {error}", short(location)))?;
    if url.scheme() != asked.scheme() {
        return Err(format!("to `{}`, but only {} is spoken here", short(location), asked.scheme()));
    }
    let host = url.host_str().unwrap_or_default();
    let address = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => Some(address),
        Err(_) if host == "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        Err(_) => None,
    };
    match (address.filter(IpAddr::is_loopback), url.port_or_known_default()) {
        (Some(address), Some(port)) => Ok((url, SocketAddr::new(address, port))),
        (Some(_) | None, Some(_) | None) => {
            Err(format!("to `{}`, which is not on this machine", short(location)))
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(TOLD_CHARACTERS).collect()
}

/// Whether it asks for patience, and for how long (RFC 9110 §10.2.3; the form of a date is not taken).
pub(super) fn refusal(status: StatusCode, retry_after: Option<&[u8]>) -> SubscriberError {
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
    fn a_content_type_may_have_parameters_and_any_case_and_nothing_else() {
        for taken in ["text/event-stream", "Text/Event-Stream ;charset=utf-8", " text/event-stream;bogus"] {
            assert!(check_content_type(Some(taken.as_bytes())).is_ok(), "{taken}");
        }
        for refused in ["text/plain", "", "text/event-streams", "application/json; text/event-stream"] {
            let error = check_content_type(Some(refused.as_bytes())).unwrap_err();
            assert!(error.is_final(contract::Pattern::Sse), "{refused}");
        }
        assert!(check_content_type(None).unwrap_err().to_string().contains("without content type"));
    }

    #[test]
    fn a_redirect_is_resolved_and_leads_to_this_machine_only() {
        let asked = Url::parse("http://127.0.0.1:4000/a/sse?x=1").unwrap();
        for (location, url) in [
            ("b", "http://127.0.0.1:4000/a/b"),
            ("/b?y=2#part", "http://127.0.0.1:4000/b?y=2#part"),
            ("?y", "http://127.0.0.1:4000/a/sse?y"),
            ("//127.0.0.2:5/c", "http://127.0.0.2:5/c"),
            ("http://localhost:6/", "http://localhost:6/"),
            ("http://[::1]:7/", "http://[::1]:7/"),
        ] {
            let (found, target) = target_of(&asked, location).unwrap();
            assert_eq!(found.as_str(), url);
            assert!(target.ip().is_loopback());
            assert_eq!(Some(target.port()), found.port());
        }
        for (location, told) in [
            ("http://192.0.2.1/", "not on this machine"),
            ("//example.org/sse", "not on this machine"),
            ("http://localhost.example.org/", "not on this machine"),
            ("http://[2001:db8::1]/", "not on this machine"),
            ("https://127.0.0.1:4000/", "only http"),
            ("file:///etc/passwd", "only http"),
            ("http://127.0.0.1:99999/", "no URL"),
        ] {
            let error = target_of(&asked, location).unwrap_err();
            assert!(error.contains(told), "{location}: {error}");
        }
    }

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
