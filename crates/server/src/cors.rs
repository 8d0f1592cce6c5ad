//! Which other origins may read (Fetch §3.2) and open a WebSocket.
//!
//! CORS does not protect a WebSocket: the browser sends the handshake with any origin, so the server
//! itself must check it (RFC 6455 §10.2). One list serves both.

use std::net::IpAddr;

use axum::response::Response;
use contract::Transport;
use http::{HeaderMap, HeaderValue, header, uri::Authority};

/// Origins other than the server's own that may use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origins {
    allowed: Vec<String>,
    /// Scheme of the server's own origin.
    scheme: &'static str,
}

impl Origins {
    /// Of a server with this transport that allows these origins besides its own.
    pub(crate) fn new(allowed: Vec<String>, transport: Transport) -> Self {
        Self { allowed, scheme: if transport.is_encrypted() { "https://" } else { "http://" } }
    }

    /// Whether a request may change something or open a stream that CORS does not protect. A request without
    /// `Origin` does not come from a browser's page and is allowed.
    pub(crate) fn permit(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        self.allowed.iter().any(|allowed| allowed == origin) || self.is_own(origin, headers)
    }

    /// Same origin: the `Origin` has the server's scheme and the host that the request was sent to. The host
    /// must be an address or `localhost`: an attacker could point any other name to this server (DNS
    /// rebinding), and the pages of that name are not the server's own.
    fn is_own(&self, origin: &str, headers: &HeaderMap) -> bool {
        let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        let is_own = name == "localhost" || name.parse::<IpAddr>().is_ok();
        is_own && origin.strip_prefix(self.scheme) == Some(host)
    }

    /// Adds the CORS headers to an answer, if the request came from a page of an allowed origin.
    pub(crate) fn apply(&self, origin: Option<&HeaderValue>, response: &mut Response) {
        let Some(origin) = origin else { return };
        let headers = response.headers_mut();
        // The answer depends on the origin, whether or not this origin is allowed. (A request without an
        // origin gets none of these headers and needs no `vary`.)
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if self.allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers
                .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag, retry-after"));
        }
    }

    /// Adds the headers of a preflight's answer, after [`Origins::apply`].
    pub(crate) fn apply_preflight(response: &mut Response) {
        let allow = response.headers().get(header::ALLOW).cloned();
        let headers = response.headers_mut();
        if let Some(methods) = allow {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("content-type, if-none-match, last-event-id"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:80"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        headers
    }

    #[test]
    fn only_listed_and_own_origins_are_permitted() {
        let origins = Origins::new(vec!["http://a.example".to_owned()], Transport::Http1);
        for (origin, permitted) in [
            (None, true),
            (Some("http://127.0.0.1:80"), true),
            (Some("http://a.example"), true),
            (Some("http://a.example.evil.example"), false),
            (Some("https://a.example"), false),
            (Some("null"), false),
        ] {
            assert_eq!(origins.permit(&request(origin)), permitted, "{origin:?}");
        }
        for (host, permitted) in [("[::1]:80", true), ("localhost:80", true), ("rebound.example", false)] {
            let mut headers = request(None);
            headers.insert(header::HOST, HeaderValue::from_static(host));
            headers.insert(header::ORIGIN, HeaderValue::try_from(format!("http://{host}")).unwrap());
            assert_eq!(origins.permit(&headers), permitted, "{host}");
        }
    }

    #[test]
    fn encrypted_and_not_are_different_origins() {
        for (transport, own, foreign) in [
            (Transport::Http1, "http://127.0.0.1:80", "https://127.0.0.1:80"),
            (Transport::Http1Tls, "https://127.0.0.1:80", "http://127.0.0.1:80"),
            (Transport::Http2, "https://127.0.0.1:80", "http://127.0.0.1:80"),
        ] {
            let origins = Origins::new(Vec::new(), transport);
            assert!(origins.permit(&request(Some(own))), "{transport}");
            assert!(!origins.permit(&request(Some(foreign))), "{transport}");
        }
    }
}
