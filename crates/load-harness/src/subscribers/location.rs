//! The target of a redirect (WHATWG Fetch, HTTP-redirect fetch). Only targets on this machine are followed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::Url;

use crate::data::server_protocol::RequestTemplate;

/// Longest quotation of a content type or an address in an error.
const TOLD_CHARACTERS: usize = 80;

/// Where an event stream has moved.
#[derive(Debug)]
pub(crate) struct Location {
    url: Url,
    pub(super) target: SocketAddr,
    /// The value of the `host` header.
    pub(super) host: String,
    pub(super) template: RequestTemplate,
}

impl Location {
    /// The original address of the stream.
    pub(super) fn new(scheme: &str, target: SocketAddr, template: &RequestTemplate) -> Result<Self, String> {
        let asked = format!("{scheme}://{target}{}", template.target());
        let url = Url::parse(&asked)
            .map_err(|error| format!("from `{}`, which is not a URL: {error}", short(&asked)))?;
        Ok(Self { url, target, host: target.to_string(), template: template.clone() })
    }

    /// The target of a redirect from here.
    pub(super) fn follow(&self, location: &str) -> Result<Self, String> {
        let (url, target) = target_of(&self.url, location)?;
        let path = match url.query() {
            None => url.path().to_owned(),
            Some(query) => format!("{}?{query}", url.path()),
        };
        let host = match url.port() {
            None => url.host_str().unwrap_or_default().to_owned(),
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        };
        Ok(Self { target, host, template: self.template.moved_to(&path), url })
    }
}

/// The URL of a redirect's target, and its address.
fn target_of(asked: &Url, location: &str) -> Result<(Url, SocketAddr), String> {
    let url = asked
        .join(location)
        .map_err(|error| format!("to `{}`, which is not a URL: {error}", short(location)))?;
    if url.scheme() != asked.scheme() {
        return Err(format!("to `{}`, but only {} is allowed here", short(location), asked.scheme()));
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

/// The start of a text that a server has chosen.
pub(super) fn short(text: &str) -> String {
    text.chars().take(TOLD_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (location, reported) in [
            ("http://192.0.2.1/", "not on this machine"),
            ("//example.org/sse", "not on this machine"),
            ("http://localhost.example.org/", "not on this machine"),
            ("http://[2001:db8::1]/", "not on this machine"),
            ("https://127.0.0.1:4000/", "only http"),
            ("file:///etc/passwd", "only http"),
            ("http://127.0.0.1:99999/", "not a URL"),
        ] {
            let error = target_of(&asked, location).unwrap_err();
            assert!(error.contains(reported), "{location}: {error}");
        }
    }
}
