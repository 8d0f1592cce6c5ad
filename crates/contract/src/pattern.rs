//! The patterns, one entry each. Adding a fifth starts with an entry here; the compiler then finds the other places.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::browser::PageApi;

/// How a subscriber gets its next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// It asks on a timer; every request is answered at once.
    TimedPoll,
    /// It asks again after every answer; the server holds a request until there is an event or the hold ends.
    HeldPoll,
    /// It asks once; the answer never ends.
    Stream,
}

/// Makes the variants, their names and [`Pattern::ALL`] from one list, so that none of them can lack a pattern.
macro_rules! patterns {
    ($(
        $(#[$doc:meta])+
        $name:ident($slug:tt, $label:literal) { exchange: $exchange:expr, page_api: $page_api:expr }
    )+) => {
        /// A way for a subscriber to get the events after its cursor.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Pattern {
            $(
                $(#[$doc])+
                #[serde(rename = $slug)]
                $name,
            )+
        }

        impl Pattern {
            /// All patterns, in the order in which every table and chart lists them.
            pub const ALL: [Self; [$($slug),+].len()] = [$(Self::$name),+];

            /// The name of the pattern in URL paths, file names and data files.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)+ }
            }

            /// The name in running text.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// How a subscriber gets its next event.
            #[must_use]
            pub const fn exchange(self) -> Exchange {
                match self { $(Self::$name => $exchange,)+ }
            }

            /// What a page uses to subscribe. It decides how a subscriber reconnects.
            #[must_use]
            pub const fn page_api(self) -> PageApi {
                match self { $(Self::$name => $page_api,)+ }
            }
        }
    };
}

patterns! {
    /// The subscriber asks on a timer; the server answers at once, with or without events.
    ShortPolling("short-polling", "short polling") {
        exchange: Exchange::TimedPoll,
        page_api: PageApi::Fetch
    }
    /// The subscriber asks; the server holds the request until there is an event or the hold ends (RFC 6202
    /// §2).
    LongPolling("long-polling", "long polling") {
        exchange: Exchange::HeldPoll,
        page_api: PageApi::Fetch
    }
    /// The subscriber asks once; the answer never ends (WHATWG HTML §9.2, server-sent events).
    Sse("sse", "SSE") {
        exchange: Exchange::Stream,
        page_api: PageApi::EventSource
    }
    /// The subscriber asks once; then both sides send frames (RFC 6455).
    WebSocket("websocket", "WebSocket") {
        exchange: Exchange::Stream,
        page_api: PageApi::WebSocket
    }
}

impl Pattern {
    /// Whether the subscriber asks again after every answer. Otherwise it asks once, and the answer never ends.
    #[must_use]
    pub const fn polls(self) -> bool {
        !matches!(self.exchange(), Exchange::Stream)
    }

    /// Whether the subscriber asks on a timer.
    #[must_use]
    pub const fn is_timed(self) -> bool {
        matches!(self.exchange(), Exchange::TimedPoll)
    }

    /// Whether the server holds a request until there is an event or the hold ends.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self.exchange(), Exchange::HeldPoll)
    }

    /// Whether the server sends heartbeats while there is no event.
    #[must_use]
    pub const fn has_heartbeats(self) -> bool {
        matches!(self.exchange(), Exchange::Stream)
    }

    /// Whether a subscription leaves HTTP, by Upgrade or over HTTP/2 by extended CONNECT (RFC 8441). Then there
    /// is no choice of an HTTP client.
    #[must_use]
    pub const fn upgrades(self) -> bool {
        matches!(self.page_api(), PageApi::WebSocket)
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
#[error("unknown pattern `{0}`: expected {expected}", expected = slugs())]
pub struct UnknownPattern(String);

/// `short-polling, long-polling, sse or websocket`.
fn slugs() -> String {
    let [others @ .., last] = Pattern::ALL.map(Pattern::slug);
    format!("{} or {last}", others.join(", "))
}

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
