//! What a real browser is asked to do, and what it says that it did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SetUp;

/// What the page in the browser does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BrowserTask {
    /// Opens several streams to one origin, then fetches something from it.
    SixConnections,
    /// Reads from a page of another origin: with and without what the server must allow.
    CrossOrigin,
    /// Decodes a stream of the curious cases of Server-Sent Events, and reads `POST /sse` by fetch.
    CuriousStream,
    /// Reads events with a subscriber of the pattern and tells how old they were.
    Ages,
}

impl BrowserTask {
    /// Name in scenario files.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::SixConnections => "six-connections",
            Self::CrossOrigin => "cross-origin",
            Self::CuriousStream => "curious-stream",
            Self::Ages => "ages",
        }
    }
}

/// A browser as the audience of a trial. Other subscribers of the scenario are beside it, on the same
/// server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrowserAudience {
    /// What its page does.
    pub task: BrowserTask,
    /// Streams that the page opens.
    #[serde(default = "default_streams")]
    pub streams: u32,
}

const fn default_streams() -> u32 {
    8
}

/// What one thing that a page opened is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// `new EventSource(…)`.
    EventSource,
    /// `new WebSocket(…)`.
    WebSocket,
    /// `fetch(…)`.
    Fetch,
}

/// The story of one thing that a page opened. Instants in milliseconds of the page's clock since its
/// first act; the browser rounds them to 0.1 ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserLane {
    /// What it is called in figures, such as `EventSource 7`.
    pub label: String,
    /// What it is.
    pub kind: LaneKind,
    /// When the page asked for it.
    pub asked_ms: f64,
    /// When it was open, or its answer's head was there; none if it never was.
    pub opened_ms: Option<f64>,
    /// When its first event, or the end of its answer, was there.
    pub first_ms: Option<f64>,
    /// When it failed or the page closed it.
    pub ended_ms: Option<f64>,
    /// The protocol that the browser says it used, such as `h2` (`nextHopProtocol` of Resource Timing);
    /// none where it does not tell.
    pub protocol: Option<String>,
    /// What went wrong, as far as the page may know.
    pub problem: Option<String>,
}

/// One question with a known answer that a page has put to its browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserCheck {
    /// What it is called: the line of the standard's list, such as `P18`, or a word.
    pub name: String,
    /// What is tried.
    pub question: String,
    /// What the standard says.
    pub expected: String,
    /// What the browser did.
    pub found: String,
    /// What the lab's own subscriber does; none where it has no such question.
    pub ours: Option<String>,
    /// Whether browser and lab did as expected.
    pub holds: bool,
}

/// Subscribers that are no browser, beside it on the same server.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Crowd {
    /// That were to connect.
    pub asked: u32,
    /// That were connected while the browser did its task.
    pub connected: u32,
    /// What it took to set them up.
    pub set_up: Option<SetUp>,
    /// Deliveries to them in that time.
    pub deliveries: u64,
}

/// What a browser's task brought to light.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserFindings {
    /// What it calls itself, with its version.
    pub browser: String,
    /// What its page opened, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<BrowserLane>,
    /// Questions with known answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<BrowserCheck>,
    /// TCP connections that the server accepted from it.
    pub connections: u64,
    /// Streams that the server allows on one connection of HTTP/2; none where it speaks HTTP/1.1.
    pub stream_limit: Option<u32>,
    /// Subscribers beside it.
    pub crowd: Option<Crowd>,
    /// Doubts about this, in words; empty if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What ages that a browser told rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserClock {
    /// What it calls itself, with its version.
    pub browser: String,
    /// Most by which the page's clock, set by four stamps, may be off the server's: half the shortest
    /// round trip, and the step of the page's clock. Every age carries this error.
    pub bound_us: f64,
    /// Round trips that were tried.
    pub round_trips: u32,
}
