//! The server of a trial, its publisher, and the ablation of the server.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of a server: the lab's own, its floor, or one that a target file describes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName(String);

/// An invalid server name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a server name: expected letters a-z, digits and `-`, starting with a letter")]
pub struct ServerNameError(String);

impl ServerName {
    /// The lab's own server.
    pub const PUSHLAB: &'static str = "pushlab";
    /// The lower bound of the cost, which is what the kernel alone costs: one thread that writes an encoded
    /// event to each socket and does not parse requests.
    pub const FLOOR: &'static str = "floor";

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the lab's own server.
    #[must_use]
    pub fn is_pushlab(&self) -> bool {
        self.0 == Self::PUSHLAB
    }

    /// Whether this is the floor.
    #[must_use]
    pub fn is_floor(&self) -> bool {
        self.0 == Self::FLOOR
    }

    /// Whether it is a server that the lab did not build. A target file describes how to start and use it.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        !self.is_pushlab() && !self.is_floor()
    }
}

impl Default for ServerName {
    fn default() -> Self {
        Self(Self::PUSHLAB.to_owned())
    }
}

impl FromStr for ServerName {
    type Err = ServerNameError;

    fn from_str(text: &str) -> Result<Self, ServerNameError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ServerName {
    type Error = ServerNameError;

    fn try_from(text: String) -> Result<Self, ServerNameError> {
        let fits = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        if text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(fits) {
            Ok(Self(text))
        } else {
            Err(ServerNameError(text))
        }
    }
}

impl From<ServerName> for String {
    fn from(name: ServerName) -> Self {
        name.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Who publishes the schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PublisherHost {
    /// A thread of the server process publishes each event. Only the lab's own servers have one.
    #[default]
    Server,
    /// The harness posts each event over HTTP, to every server in the same way.
    Harness,
}

/// An ablation: a variant of the server with one optimisation removed, to show what the optimisation saves.
/// Only the scenario `cost-ladder` uses ablations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ablation {
    /// Nothing is removed.
    Best,
    /// hyper and a task per connection deliver instead of the shared writer.
    OwnTasks,
    /// The same as `own-tasks`, and each event is encoded again for every subscriber.
    EncodeEach,
    /// The same as `own-tasks`, and each event is written separately instead of in batches.
    WriteEach,
    /// The same as `own-tasks`, and WebSocket buffers have the default size of the library.
    LargeBuffers,
}

impl Ablation {
    /// All ablations, the complete server first.
    pub const ALL: [Self; 5] =
        [Self::Best, Self::OwnTasks, Self::EncodeEach, Self::WriteEach, Self::LargeBuffers];

    /// Name in scenario files, options and charts.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::OwnTasks => "own-tasks",
            Self::EncodeEach => "encode-each",
            Self::WriteEach => "write-each",
            Self::LargeBuffers => "large-buffers",
        }
    }
}

impl fmt::Display for Ablation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.slug())
    }
}

/// The name of an ablation that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown ablation `{0}`: expected best, own-tasks, encode-each, write-each or large-buffers")]
pub struct UnknownAblation(String);

impl FromStr for Ablation {
    type Err = UnknownAblation;

    fn from_str(text: &str) -> Result<Self, UnknownAblation> {
        Self::ALL
            .into_iter()
            .find(|ablation| ablation.slug() == text)
            .ok_or_else(|| UnknownAblation(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_name_is_a_word() {
        for good in ["pushlab", "floor", "nchan", "node-20"] {
            assert_eq!(good.parse::<ServerName>().unwrap().as_str(), good);
        }
        for bad in ["", "Nchan", "a b", "../x", "-a", "2fast"] {
            let error = bad.parse::<ServerName>().unwrap_err().to_string();
            assert!(error.contains(bad) && error.contains("a-z"), "{error}");
        }
        assert!("bun".parse::<ServerName>().unwrap().is_foreign());
        assert!(!ServerName::default().is_foreign());
    }

    #[test]
    fn an_ablation_is_written_as_it_is_read() {
        for ablation in Ablation::ALL {
            assert_eq!(ablation.slug().parse(), Ok(ablation));
            assert_eq!(serde_json::to_value(ablation).unwrap(), ablation.slug());
        }
        assert!("worst".parse::<Ablation>().unwrap_err().to_string().contains("own-tasks"));
    }
}
