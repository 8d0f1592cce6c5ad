//! Parses what a subscriber asks for: `Last-Event-ID`, `after`, `hold`, and the body of `POST /sse`.

use std::time::Duration;

use axum::extract::{FromRequestParts, Query, Request};
use contract::{After, EventType};
use event_log::Event;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use hyper::ext::Protocol;
use serde::Deserialize;

use crate::{app::App, problem::Problem};

/// The contract's longest hold, seconds: below the smallest common proxy timeout of 60 s.
const LONGEST_HOLD_S: f64 = 55.0;
/// Most types in one subscription: all are compared with every event.
const MOST_TYPES: usize = 64;
/// The contract's hold if the subscriber gives none.
pub(crate) const DEFAULT_HOLD: Duration = Duration::from_secs(25);

/// The query parameters of a subscription. Unknown ones are ignored, as HTTP servers do.
#[derive(Debug, Default, Deserialize)]
struct Parameters {
    after: Option<String>,
    hold: Option<String>,
}

/// What a subscriber asks for in its query and headers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subscription {
    /// The requested cursor.
    pub(crate) after: After,
    /// The unparsed `hold`; only long polling uses it.
    hold: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Subscription {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(parameters) = Query::<Parameters>::try_from_uri(&parts.uri)
            .map_err(|error| Problem::bad_request(format!("the query cannot be read: {error}")))?;
        Ok(Self { after: place(&parts.headers, parameters.after.as_deref())?, hold: parameters.hold })
    }
}

impl Subscription {
    /// Longest hold of a long poll.
    pub(crate) fn hold(&self) -> Result<Duration, Problem> {
        self.hold.as_deref().map_or(Ok(DEFAULT_HOLD), hold)
    }
}

/// The body of `POST /sse`. A page that reads the stream with `fetch` can send it; an `EventSource` has only a
/// URL and cannot.
#[derive(Debug)]
pub(crate) struct SubscribeBody {
    /// The requested cursor.
    pub(crate) after: After,
    /// Only events of these types; `message` stands for events without a type. All if `None`.
    pub(crate) types: Option<Vec<String>>,
}

/// The unchecked JSON of a [`SubscribeBody`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    after: Option<String>,
    types: Option<Vec<String>>,
}

impl SubscribeBody {
    pub(crate) async fn read(app: &App, request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        app.check_origin(&parts.headers)?;
        if media_type(&parts.headers).as_deref() != Some("application/json") {
            let detail = "the subscription is a JSON object: send it as application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let body = app.read_body(body).await?;
        let Written { after, types } = serde_json::from_slice(&body)
            .map_err(|error| Problem::bad_request(format!("the subscription cannot be read: {error}")))?;
        if let Some(types) = &types
            && (types.len() > MOST_TYPES || types.iter().any(|name| !is_type(name)))
        {
            let detail = format!("types: expected at most {MOST_TYPES} event types; `message` means no type");
            return Err(Problem::bad_request(detail));
        }
        Ok(Self { after: place(&parts.headers, after.as_deref())?, types })
    }
}

fn is_type(name: &str) -> bool {
    name == "message" || name.parse::<EventType>().is_ok()
}

/// Whether a subscription to these types includes the event.
pub(crate) fn is_wanted(types: &[String], event: &Event) -> bool {
    let name = event.event_type.as_ref().map_or("message", |name| name.as_str());
    types.iter().any(|wanted| wanted == name)
}

/// The requested cursor. A non-empty `Last-Event-ID` wins over `after`, because an `EventSource` repeats its
/// first URL, with the old cursor, when it reconnects (WHATWG HTML §9.2.3).
pub(crate) fn place(headers: &HeaderMap, after: Option<&str>) -> Result<After, Problem> {
    if let Some(last) = headers.get("last-event-id").filter(|last| !last.is_empty()) {
        let known = last.to_str().ok().and_then(|last| last.parse().ok());
        return Ok(known.map_or(After::Unreadable, After::Cursor));
    }
    match after {
        None => Ok(After::Now),
        Some(text) => text.parse().map_err(|error| Problem::bad_request(format!("after: {error}"))),
    }
}

/// Parses the `hold` of a query.
pub(crate) fn hold(text: &str) -> Result<Duration, Problem> {
    let plain = text.bytes().all(|letter| letter.is_ascii_digit() || letter == b'.');
    text.parse::<f64>()
        .ok()
        .filter(|seconds| plain && *seconds <= LONGEST_HOLD_S)
        .map(Duration::from_secs_f64)
        .ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            Problem::bad_request(format!("hold is `{shown}`: expected decimal seconds from 0 to 55"))
        })
}

/// Checks that a request has exactly one host, and puts it into `Host`. HTTP/1.1 requires one `Host` (RFC 9112
/// §3.2); a target in absolute form must name the same host, or the origin check would use the wrong one.
/// HTTP/2 has the host in `:authority`, and a `Host` beside it must be the same (RFC 9113 §8.3.1).
pub(crate) fn one_host<B>(request: &mut http::Request<B>) -> Result<(), Problem> {
    let version = request.version();
    let named = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, more) = (hosts.next(), hosts.next());
    let is_from_authority = version == Version::HTTP_2 && first.is_none();
    let agrees =
        named.is_none_or(|named| is_from_authority || first.is_some_and(|host| host.as_bytes() == named));
    let is_complete =
        first.is_some() || version == Version::HTTP_10 || (is_from_authority && named.is_some());
    if !is_complete || more.is_some() || !agrees {
        let detail = "the request needs one host header, and an absolute target must name that host";
        return Err(Problem::bad_request(detail));
    }
    if let (true, Some(Ok(host))) = (is_from_authority, named.map(HeaderValue::from_bytes)) {
        request.headers_mut().insert(header::HOST, host);
    }
    Ok(())
}

/// Refuses CONNECT, which asks for a tunnel. The exception is the extended CONNECT of HTTP/2, which starts
/// another protocol on a stream (RFC 8441 §4); the server supports WebSocket only.
pub(crate) fn no_tunnel<B>(request: &http::Request<B>) -> Result<(), Problem> {
    if request.method() != Method::CONNECT {
        return Ok(());
    }
    match request.extensions().get::<Protocol>().map(Protocol::as_str) {
        Some("websocket") => Ok(()),
        // RFC 8441 does not define this status; RFC 9220 §3 does for HTTP/3.
        Some(_) => Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "`:protocol` must be websocket")),
        None => Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this server is not a proxy")
            .with(header::ALLOW, "GET, HEAD, POST, OPTIONS")),
    }
}

/// The media type of a body, lower case and without parameters; `None` if the header is absent.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("unreadable");
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn last_event_id(value: &'static [u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("last-event-id", HeaderValue::from_bytes(value).unwrap());
        headers
    }

    #[test]
    fn last_event_id_wins_over_after_unless_empty() {
        let cursor = After::Cursor("k3v9qa.5".parse().unwrap());
        assert_eq!(place(&last_event_id(b"k3v9qa.5"), Some("k3v9qa.1")).unwrap(), cursor);
        assert_eq!(place(&last_event_id(b""), Some("k3v9qa.5")).unwrap(), cursor);
        assert_eq!(place(&HeaderMap::new(), None).unwrap(), After::Now);
        assert_eq!(place(&HeaderMap::new(), Some("0")).unwrap(), After::Oldest);
    }

    #[test]
    fn garbage_is_a_reset_in_the_header_and_an_error_in_the_query() {
        for garbage in [b"garbage".as_slice(), b"\xff\xfe", b"0", b"k3v9qa.-1"] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("last-event-id"),
                HeaderValue::from_bytes(garbage).unwrap(),
            )]);
            assert_eq!(place(&headers, None).unwrap(), After::Unreadable);
        }
        assert!(place(&HeaderMap::new(), Some("")).is_err());
        assert!(place(&HeaderMap::new(), Some("garbage")).is_err());
    }

    #[test]
    fn hold_is_decimal_seconds_up_to_55() {
        assert_eq!(hold("1.5").unwrap(), Duration::from_millis(1_500));
        assert_eq!(hold("0").unwrap(), Duration::ZERO);
        assert_eq!(hold("55").unwrap(), Duration::from_secs(55));
        for bad in ["", "-1", "55.1", "1e1", "NaN", "inf", "+5", "5s", "."] {
            assert!(hold(bad).is_err(), "{bad}");
        }
    }
}
