//! The tasks of a real browser, and the results that its page reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{SetUp, Warning};

/// What the page in the browser does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BrowserTask {
    /// Opens several streams to one origin, then fetches a resource from it.
    SixConnections,
    /// Reads from a page of another origin, with and without the server's permission.
    CrossOrigin,
    /// Decodes the streams of the conformance cases of Server-Sent Events, and reads `POST /sse` with fetch.
    SseConformance,
    /// Reads events with a subscriber of the pattern and reports their ages.
    Ages,
}

impl BrowserTask {
    /// Name in scenario files.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::SixConnections => "six-connections",
            Self::CrossOrigin => "cross-origin",
            Self::SseConformance => "sse-conformance",
            Self::Ages => "ages",
        }
    }
}

/// A browser that takes part in a trial. The scenario's other subscribers use the same server at the same
/// time.
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

/// The kind of one stream or request that a page opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
// Its name in the schemas of the files.
#[schemars(rename = "LaneKind")]
pub enum PageApi {
    /// `new EventSource(…)`.
    EventSource,
    /// `new WebSocket(…)`.
    WebSocket,
    /// `fetch(…)`.
    Fetch,
}

/// The timeline of one stream or request that a page opened. Instants are in milliseconds of the page's clock
/// since its first action; the browser rounds them to 0.1 ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserLane {
    /// Its label in figures, such as `EventSource 7`.
    pub label: String,
    /// Its kind.
    pub kind: PageApi,
    /// When the page opened it.
    pub asked_ms: f64,
    /// When it was open, or the head of its answer arrived; null if that never happened.
    pub opened_ms: Option<f64>,
    /// When its first event or the end of its answer arrived.
    pub first_ms: Option<f64>,
    /// When it failed or the page closed it.
    pub ended_ms: Option<f64>,
    /// The protocol that the browser reports, such as `h2` (`nextHopProtocol` of Resource Timing); null if it
    /// reports none.
    pub protocol: Option<String>,
    /// The error, as far as the page can see it.
    pub problem: Option<String>,
}

/// One check of the browser, with a known result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserCheck {
    /// Its name: that of a conformance case, such as `P18`, or a word.
    pub name: String,
    /// What is tested.
    pub question: String,
    /// What the standard requires.
    pub expected: String,
    /// What the browser did.
    pub found: String,
    /// What the lab's own subscriber does; null if the check does not apply to it.
    pub ours: Option<String>,
    /// Whether browser and lab did as expected.
    pub holds: bool,
}

/// The lab's own subscribers, on the same server as the browser.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Crowd {
    /// Number that should connect.
    pub asked: u32,
    /// Number that were connected while the browser did its task.
    pub connected: u32,
    /// The cost of setting them up.
    pub set_up: Option<SetUp>,
    /// Deliveries to them in that time.
    pub deliveries: u64,
}

/// The results of a browser's task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserFindings {
    /// Name and version that the browser reports.
    pub browser: String,
    /// The streams and requests that its page opened, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<BrowserLane>,
    /// Checks with known results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<BrowserCheck>,
    /// TCP connections that the server accepted from it.
    pub connections: u64,
    /// Most streams that the server allows on one HTTP/2 connection; null with HTTP/1.1.
    pub stream_limit: Option<u32>,
    /// The lab's own subscribers on the same server.
    pub crowd: Option<Crowd>,
    /// Warnings about these results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// The clock behind the ages that a browser reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserClock {
    /// Name and version that the browser reports.
    pub browser: String,
    /// Largest offset between the page's clock and the server's after the four-stamp estimate: half the
    /// shortest round trip, plus the resolution of the page's clock. Every age carries this error.
    pub bound_us: f64,
    /// Number of measured round trips.
    pub round_trips: u32,
}
