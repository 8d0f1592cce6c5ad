//! The four patterns. Adding a fifth starts with one word here; the compiler then finds the other places.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way for a subscriber to get the events after its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Pattern {
    /// The subscriber asks on a timer; the server answers at once, with or without events.
    #[serde(rename = "short-polling")]
    ShortPolling,
    /// The subscriber asks; the server holds the request until there is an event or the hold ends (RFC 6202
    /// §2).
    #[serde(rename = "long-polling")]
    LongPolling,
    /// The subscriber asks once; the answer never ends (WHATWG HTML §9.2, server-sent events).
    #[serde(rename = "sse")]
    Sse,
    /// The subscriber asks once; then both sides send frames (RFC 6455).
    #[serde(rename = "websocket")]
    WebSocket,
}

impl Pattern {
    /// All patterns, in the order in which every table and chart lists them.
    pub const ALL: [Self; 4] = [Self::ShortPolling, Self::LongPolling, Self::Sse, Self::WebSocket];

    /// The name of the pattern in URL paths, file names and data files.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::ShortPolling => "short-polling",
            Self::LongPolling => "long-polling",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }

    /// The name in running text.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ShortPolling => "short polling",
            Self::LongPolling => "long polling",
            Self::Sse => "SSE",
            Self::WebSocket => "WebSocket",
        }
    }

    /// Whether the subscriber asks again after every answer. Otherwise it asks once, and the answer never ends.
    #[must_use]
    pub const fn polls(self) -> bool {
        match self {
            Self::ShortPolling | Self::LongPolling => true,
            Self::Sse | Self::WebSocket => false,
        }
    }

    /// Whether the subscriber asks on a timer.
    #[must_use]
    pub const fn is_timed(self) -> bool {
        match self {
            Self::ShortPolling => true,
            Self::LongPolling | Self::Sse | Self::WebSocket => false,
        }
    }

    /// Whether the server holds a request until there is an event or the hold ends.
    #[must_use]
    pub const fn is_held(self) -> bool {
        match self {
            Self::LongPolling => true,
            Self::ShortPolling | Self::Sse | Self::WebSocket => false,
        }
    }

    /// Whether the server sends heartbeats while there is no event.
    #[must_use]
    pub const fn has_heartbeats(self) -> bool {
        match self {
            Self::Sse | Self::WebSocket => true,
            Self::ShortPolling | Self::LongPolling => false,
        }
    }

    /// Whether a subscription leaves HTTP, by Upgrade or over HTTP/2 by extended CONNECT (RFC 8441). Then there
    /// is no choice of an HTTP client.
    #[must_use]
    pub const fn upgrades(self) -> bool {
        match self {
            Self::WebSocket => true,
            Self::ShortPolling | Self::LongPolling | Self::Sse => false,
        }
    }

    /// Position in [`Pattern::ALL`], for arrays that hold one value per pattern.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.slug())
    }
}

/// The name of a pattern that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown pattern `{0}`: expected short-polling, long-polling, sse or websocket")]
pub struct UnknownPattern(String);

impl FromStr for Pattern {
    type Err = UnknownPattern;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|pattern| pattern.slug() == word)
            .ok_or_else(|| UnknownPattern(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slug_serde_name_and_index_agree() {
        for (index, pattern) in Pattern::ALL.into_iter().enumerate() {
            assert_eq!(pattern.index(), index);
            assert_eq!(pattern.slug().parse::<Pattern>().unwrap(), pattern);
            assert_eq!(serde_json::to_string(&pattern).unwrap(), format!("\"{}\"", pattern.slug()));
        }
        assert!("polling".parse::<Pattern>().is_err());
    }
}
