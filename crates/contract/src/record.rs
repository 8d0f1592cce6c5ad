//! What a run leaves behind: the manifest, and one record a trial.
//!
//! The report is made from these alone. Times are in the unit of the field's last word.

use serde::{Deserialize, Serialize};

use crate::{Client, Distribution, Pattern, Scenario, Second};

/// Version of the manifest's and the records' shape.
pub const RECORD_SCHEMA: u32 = 1;

/// Ages of the deliveries of a window, those that never came included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ages {
    /// Ages of what arrived: received − due.
    pub arrived: Distribution,
    /// Deliveries that had not arrived when the trial ended. They stay in every percentile as
    /// "older than": leaving them out would make a server look faster the more it loses.
    pub censored: u64,
    /// The smallest age that a censored delivery had reached when the trial ended.
    pub censored_min_us: u64,
}

/// The measured stretch of a schedule, in nanoseconds since the schedule's instant 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First instant that counts.
    pub start_ns: u64,
    /// First instant that counts no more.
    pub end_ns: u64,
}

impl Window {
    /// Whether an event due at `due_ns` counts.
    #[must_use]
    pub const fn contains(self, due_ns: u64) -> bool {
        self.start_ns <= due_ns && due_ns < self.end_ns
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        (self.end_ns - self.start_ns) as f64 / 1e9
    }
}

/// What was delivered: an event times a subscriber is one delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Scheduled events × subscribers, warm-up included.
    pub expected: u64,
    /// Different deliveries that arrived.
    pub received: u64,
    /// Expected but never arrived.
    pub lost: u64,
    /// Arrived more than once.
    pub duplicated: u64,
    /// Arrived after a later event of the same subscriber.
    pub reordered: u64,
    /// Events without a due stamp: published by somebody else, in neither count.
    pub foreign: u64,
}

/// Requests that the subscribers sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestLedger {
    /// In the whole life of all subscribers.
    pub life: u64,
    /// Within the window.
    pub window: u64,
    /// Of the window's, answered with nothing new (204, 304 or no event).
    pub window_empty: u64,
    /// Poll ticks of the window that were skipped because the poll before was still in flight.
    pub window_skipped: u64,
    /// Requests or connections that failed, whole life.
    pub failed: u64,
    /// Connections that a subscriber opened again after the first, whole life.
    pub reconnects: u64,
    /// Exchanges (request sent → answer complete) of the window that were timed: short polls.
    pub exchanges: u64,
    /// Sum of their times.
    pub exchange_sum_us: f64,
}

/// Bytes of the TCP streams as the subscribers' sockets saw them, both directions.
///
/// `received + sent = payload + framing + headers + empty polls`, where framing is what remains:
/// JSON and SSE envelopes, chunk and frame headers, heartbeats, pings and pongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteCounts {
    /// Read from the sockets.
    pub received: u64,
    /// Written to the sockets.
    pub sent: u64,
    /// Text of delivered events.
    pub payload: u64,
    /// Request and response heads of exchanges that brought events, and of set-up.
    pub headers: u64,
    /// Requests and whole answers of exchanges that brought none.
    pub empty_polls: u64,
}

impl ByteCounts {
    /// All bytes, both directions.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.received + self.sent
    }

    /// What is neither payload nor headers nor an empty poll.
    #[must_use]
    pub const fn framing(&self) -> u64 {
        self.total()
            .saturating_sub(self.payload)
            .saturating_sub(self.headers)
            .saturating_sub(self.empty_polls)
    }
}

/// CPU time between the edges of the window, microseconds, user and system.
///
/// On loopback the kernel delivers a segment within the sender's system call, so part of receiving
/// is charged to the sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuUse {
    /// Wall time between the two readings.
    pub wall_us: f64,
    /// The server process less its publisher.
    pub server_us: f64,
    /// The publisher's pacing thread.
    pub publisher_us: f64,
    /// The harness, all its threads.
    pub harness_us: f64,
}

/// Everything a completed trial measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// The stretch of the schedule that counts.
    pub window: Window,
    /// Deliveries (event × subscriber) whose due lies in the window.
    pub window_deliveries: u64,
    /// Was everything delivered once and in order?
    pub delivery: Delivery,
    /// Ages of the window's deliveries.
    pub age: Ages,
    /// Ages per second of the schedule, warm-up included.
    pub age_seconds: Vec<Second>,
    /// Publisher's lateness, for the events due in the window.
    pub lateness: Distribution,
    /// Lateness per second of the schedule, warm-up included.
    pub lateness_seconds: Vec<Second>,
    /// Set-up time per subscriber: from `connect()` to the first answer that gives a cursor.
    pub connect: Distribution,
    /// Requests.
    pub requests: RequestLedger,
    /// Bytes between the edges of the window.
    pub bytes: ByteCounts,
    /// Bytes of the whole life of all connections.
    pub bytes_life: ByteCounts,
    /// Connections the server held: mean of its gauge at both edges of the window.
    pub sockets_held: f64,
    /// CPU between the edges of the window.
    pub cpu: CpuUse,
    /// Requests that the server counted for this pattern in its whole life; must equal
    /// `requests.life`.
    pub server_requests_life: u64,
    /// Bytes read and written by the server's sockets in its whole life; must equal
    /// `bytes_life.total()`.
    pub server_bytes_life: u64,
    /// Doubts about this measurement, in words; empty if there is none.
    pub warnings: Vec<String>,
}

/// What a short trial before the judged ones found out about this machine: inputs of the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Subscribers of the calibration trial.
    pub subscribers: u32,
    /// Server CPU per delivery (push) or per exchange (polling), publisher left out.
    pub server_us: f64,
    /// Harness CPU per delivery (push) or per exchange (polling).
    pub harness_us: f64,
    /// Time between two deliveries of a fan-out: the server's or the harness's share, whichever is
    /// larger, where each has a core; their sum where they share one.
    pub pace_us: f64,
    /// From publishing to receiving when nothing queues: the fastest percent of deliveries, mean
    /// lateness taken off. For short polling the mean time of an exchange.
    pub transit_us: f64,
    /// Mean by which the harness's timers fire late.
    pub timer_late_us: f64,
    /// Mean lateness of the publisher.
    pub lateness_mean_us: f64,
    /// 99th percentile of the publisher's lateness.
    pub lateness_p99_us: f64,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Outcome {
    /// It ran to its end.
    Completed {
        /// What it measured.
        measurements: Box<Measurements>,
    },
    /// It could not be finished.
    Failed {
        /// Why, in a sentence.
        reason: String,
        /// The last lines that the server wrote to stderr.
        server_last_words: Vec<String>,
    },
}

/// The settings of a trial as numbers, under the names of `summary.json`. A setting that has no
/// meaning for the pattern is absent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// Logical readers, one socket each.
    pub subscribers: u32,
    /// Bytes of an event's text, stamp included.
    pub payload_bytes: u32,
    /// Mean events per second of the window, from the actual schedule.
    pub rate_hz: f64,
    /// Short polling: time between two polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_interval_ms: Option<f64>,
    /// Long polling: how long the server holds a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<f64>,
    /// Long polling: pause of the subscriber between an answer and its next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turnaround_ms: Option<f64>,
    /// Which HTTP client the subscribers use.
    pub client: Client,
}

/// The machine and the build that a record was measured with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Version of pushlab.
    pub pushlab: String,
    /// Commit of the working tree, with `-dirty` if it was changed; empty outside a checkout.
    pub commit: String,
    /// `release` or `debug`.
    pub build: String,
    /// Operating system and kernel release.
    pub system: String,
    /// Model name of the CPU.
    pub cpu: String,
    /// CPUs this process may use.
    pub cores: u32,
    /// Main memory.
    pub memory_mib: u64,
    /// Core that the server is bound to, if it is.
    pub server_core: Option<u32>,
    /// Cores that the harness's workers are bound to, one each; empty if they are not bound.
    pub harness_cores: Vec<u32>,
    /// Maximum segment size set on both ends, bytes; so that packets mean something on loopback.
    pub tcp_maxseg: u32,
}

/// One trial, as appended to `records.jsonl` the moment it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// [`RECORD_SCHEMA`].
    pub schema: u32,
    /// Name of the scenario; `calibration` for a calibration trial.
    pub scenario: String,
    /// Which pattern.
    pub pattern: Pattern,
    /// Its settings.
    pub params: Params,
    /// Which server; `pushlab` is ours.
    pub server: String,
    /// Position in the order of the run, from 0.
    pub order: u32,
    /// Seed of the run.
    pub seed: u64,
    /// Hash of the published schedule; its due list is in the manifest.
    pub schedule_hash: String,
    /// Seeded start of the golden-ratio poll phases, a fraction of the poll interval in `[0, 1)`.
    pub poll_phase: f64,
    /// When the trial began, RFC 3339 in UTC.
    pub started_at: String,
    /// Where it was measured.
    pub environment: Environment,
    /// What the calibration trial of this pattern found; absent in the calibration's own record and
    /// where calibration failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// How it ended and what it measured.
    pub outcome: Outcome,
}

impl TrialRecord {
    /// The measurements, if the trial completed.
    #[must_use]
    pub fn measurements(&self) -> Option<&Measurements> {
        match &self.outcome {
            Outcome::Completed { measurements } => Some(measurements),
            Outcome::Failed { .. } => None,
        }
    }
}

/// A schedule as columns, one entry per event: all that the byte and age models need of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishedSchedule {
    /// SHA-256 of due times, types and texts, hexadecimal.
    pub hash: String,
    /// Length of the schedule.
    pub length_ns: u64,
    /// Due, nanoseconds since the schedule's instant 0, ascending.
    pub due_ns: Vec<u64>,
    /// Bytes of the text, stamp included.
    pub data_bytes: Vec<u32>,
    /// Bytes of the type's name; 0 for an event without type.
    pub type_bytes: Vec<u32>,
    /// Bytes that escaping adds to the text in JSON.
    pub escape_bytes: Vec<u32>,
    /// Lines of the text; SSE writes a `data:` field for each.
    pub lines: Vec<u32>,
}

/// `manifest.json`: what was run, with which seed, where. Written before the first trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`RECORD_SCHEMA`].
    pub schema: u32,
    /// Name of the run: the scenario's, or `default` or `all`.
    pub name: String,
    /// The command that reproduces it.
    pub command: String,
    /// Seed of schedules, payloads and poll phases.
    pub seed: u64,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// Where.
    pub environment: Environment,
    /// Trials planned, calibration left out.
    pub trials_planned: u32,
    /// The scenarios, in the order of the report.
    pub scenarios: Vec<Scenario>,
    /// For each of them, the command that runs it alone.
    pub commands: Vec<String>,
    /// The schedules that the records name by hash.
    pub schedules: Vec<PublishedSchedule>,
}

impl Manifest {
    /// The schedule with this hash.
    #[must_use]
    pub fn schedule(&self, hash: &str) -> Option<&PublishedSchedule> {
        self.schedules.iter().find(|schedule| schedule.hash == hash)
    }
}
