//! The files of a run: the manifest, and one record per trial.
//!
//! The report is made from these alone. The last word of a field's name is its unit.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    BothWays, BrowserClock, BrowserFindings, ByteCounts, Calibration, ConnectionCost, CpuUse, Delivery,
    Distribution, ErrorCount, KernelCounts, LeftBehind, Params, Pattern, PublisherCounts, RelayCounts,
    RequestLedger, Scenario, Second, Selection, ServerName, SetUp, TraceEvent, Warning,
};

/// Version of the manifest's and the records' shape.
pub const RECORD_SCHEMA: u32 = 5;

/// Ages of the deliveries of a window, including those that never arrived.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ages {
    /// Ages of the deliveries that arrived: received − due.
    pub arrived: Distribution,
    /// Deliveries that had not arrived when the trial ended. Every percentile counts them as "older than":
    /// without them a server would look faster the more it loses.
    pub censored: u64,
    /// The smallest age that a censored delivery had reached when the trial ended.
    pub censored_min_us: u64,
}

/// The measured part of a schedule, in nanoseconds since the schedule's instant 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// First instant that counts.
    pub start_ns: u64,
    /// First instant after the window.
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

/// All measurements of a completed trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measurements {
    /// The measured part of the schedule.
    pub window: Window,
    /// Deliveries (event × subscriber) whose due lies in the window.
    pub window_deliveries: u64,
    /// Deliveries that arrived within the window, whatever their due. It is the denominator of every cost per
    /// event, because the window's bytes, requests and CPU time were spent on these deliveries. It counts each
    /// text in `bytes.payload`, so also duplicated and foreign events; a trial with either is invalid.
    pub window_received: u64,
    /// Whether every event was delivered once and in order.
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
    /// Bytes within the window.
    pub bytes: ByteCounts,
    /// Bytes of all connections from their start to their end: the ledger of the sockets' streams.
    pub bytes_life: ByteCounts,
    /// The same bytes, computed by the subscribers from their requests and decoded messages: payload plus heads
    /// and framing by the rules of the protocol, without the sockets. Null if the client does not report them.
    pub computed_life: Option<BothWays>,
    /// Bytes of these streams that were read and never decoded: messages cut off with their connection, and
    /// answers that were refused. Their sum with `computed_life` equals `bytes_life`.
    pub broken_off_life: u64,
    /// The same bytes, counted by the kernel and read before each connection was closed. Null if the kernel or
    /// the client does not report them.
    pub kernel_life: Option<KernelCounts>,
    /// What the kernel counted within the window.
    pub kernel_window: Option<KernelCounts>,
    /// What was lost when the subscribers' connections ended. Null if the client does not report it, and behind
    /// a middlebox also if the kernel does not.
    pub left_behind: Option<LeftBehind>,
    /// Bytes, sent or received before the window, of exchanges that were not complete when it began. The
    /// window does not count them, but may count other parts of these exchanges.
    pub bytes_under_way: u64,
    /// The cost of setting up all subscribers. Null if the client does not report it.
    pub set_up: Option<SetUp>,
    /// Times in the window that a subscriber woke up: bytes arrived, or its timer fired.
    pub wakeups: u64,
    /// Open connections of the server: mean of its gauge at both edges of the window.
    pub sockets_held: f64,
    /// CPU time within the window.
    pub cpu: CpuUse,
    /// Requests that the server counted for this pattern from its start to its end; must equal
    /// `requests.life`. Null if the server does not report them.
    pub server_requests_life: Option<u64>,
    /// Bytes written and read by the server's sockets from its start to its end. They must equal those of
    /// `bytes_life`, except for a difference that the middlebox's counts explain. Null if the server does not
    /// report them.
    pub server_bytes_life: Option<BothWays>,
    /// How many events the publisher published.
    pub publisher: PublisherCounts,
    /// Worker threads of the harness.
    pub workers: u32,
    /// Stalls of the workers' event loops in the window: how much later than requested they returned from
    /// short sleeps, minus their own work and the usual lateness of a timer. An event that arrives during a
    /// stall looks older than it was.
    pub stalls: Distribution,
    /// Difference between the wall clock's and the monotonic clock's progress over the trial.
    pub clock_step_us: f64,
    /// Pages that the machine swapped in and out during the trial. Null if the kernel does not report them.
    pub swapped_pages: Option<u64>,
    /// What happened to one subscriber around the first events of the window.
    pub trace: Vec<TraceEvent>,
    /// Number of that subscriber among all subscribers of the trial, from 0, in the order in which they connect.
    #[serde(default)]
    pub traced_subscriber: u32,
    /// The cost of open connections; only in trials with memory steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<ConnectionCost>,
    /// CPU time per second of the schedule, warm-up included; only with a ramp of the rate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu_seconds: Vec<CpuSecond>,
    /// The middlebox between subscribers and server; absent without a middlebox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<RelayUse>,
    /// Subscribers that never had a connection; above 0 only behind an obstacle.
    #[serde(default, skip_serializing_if = "is_none_at_all")]
    pub never_connected: u64,
    /// Errors that subscribers met, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_counts: Vec<ErrorCount>,
    /// Times from the loss of a connection to the first answer on the next one, in the whole trial. A
    /// connection counts as lost when a poll on it times out.
    #[serde(default, skip_serializing_if = "Distribution::is_empty")]
    pub recovery: Distribution,
    /// The clock of the ages, if a browser reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_clock: Option<BrowserClock>,
    /// Warnings about this measurement.
    pub warnings: Vec<Warning>,
}

fn is_none_at_all(number: &u64) -> bool {
    *number == 0
}

/// What the middlebox of a trial counted, and its CPU time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelayUse {
    /// Its counts from its start to its end.
    pub counts: RelayCounts,
    /// CPU time within the window; neither the server's nor the harness's CPU time includes it.
    pub cpu_us: f64,
}

/// CPU time of one second of the schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuSecond {
    /// Which second, from 0.
    pub second: u32,
    /// Wall time between the two readings: nearly a second.
    pub wall_us: f64,
    /// Of the server, without its publisher.
    pub server_us: f64,
    /// Of the harness, without its publisher.
    pub harness_us: f64,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Outcome {
    /// It ran to its end.
    Completed {
        /// Its measurements.
        measurements: Box<Measurements>,
    },
    /// It could not be finished.
    Failed {
        /// The reason, in a sentence.
        reason: String,
        /// The last lines that the server wrote to stderr.
        server_stderr_tail: Vec<String>,
    },
    /// A browser did its task.
    BrowserRun {
        /// The results.
        findings: Box<BrowserFindings>,
    },
    /// It was not run, because something that it needs is missing on this machine.
    #[serde(rename = "not-run")]
    NotRun {
        /// What is missing, and how to get it.
        reason: String,
    },
}

/// The machine and the build that a record was measured with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Maximum segment size set on both ends, bytes, TCP options included. It makes packet counts on loopback
    /// meaningful.
    pub tcp_maxseg: u32,
}

/// One trial, appended to `records.jsonl` as soon as it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialRecord {
    /// [`RECORD_SCHEMA`].
    pub schema: u32,
    /// Name of the scenario; `calibration` for a calibration trial.
    pub scenario: String,
    /// Which pattern.
    pub pattern: Pattern,
    /// Its settings.
    pub params: Params,
    /// Which server; `pushlab` is the lab's own, `floor` the lower bound.
    pub server: ServerName,
    /// Position in the order of the run, from 0.
    pub order: u32,
    /// Which block of its scenario, from 1; 0 for a calibration. A block runs every trial once, in a
    /// seeded random order.
    pub block: u32,
    /// Number of the attempt at this trial in its block, from 1. The last attempt counts; the machine
    /// disturbed the earlier ones.
    pub attempt: u32,
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
    /// The result of this pattern's calibration trial; absent in the record of the calibration itself and if
    /// the calibration failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// How it ended, with its measurements.
    pub outcome: Outcome,
}

impl TrialRecord {
    /// The measurements, if the trial completed.
    #[must_use]
    pub fn measurements(&self) -> Option<&Measurements> {
        match &self.outcome {
            Outcome::Completed { measurements } => Some(measurements),
            Outcome::Failed { .. } | Outcome::BrowserRun { .. } | Outcome::NotRun { .. } => None,
        }
    }

    /// The results of a browser's task, if the trial has one.
    #[must_use]
    pub fn browser_findings(&self) -> Option<&BrowserFindings> {
        match &self.outcome {
            Outcome::BrowserRun { findings } => Some(findings),
            Outcome::Completed { .. } | Outcome::Failed { .. } | Outcome::NotRun { .. } => None,
        }
    }
}

/// A schedule as columns, one entry per event, with everything that the byte and age models need.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Bytes that JSON escaping adds to the text.
    pub escape_bytes: Vec<u32>,
    /// Lines of the text; SSE writes a `data:` field for each.
    pub lines: Vec<u32>,
}

/// `manifest.json`: what was run, with which seed, where. Written before the first trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Planned trials, without calibration.
    pub trials_planned: u32,
    /// The planned blocks of each scenario.
    pub blocks: Vec<u32>,
    /// The scenarios, in the order of the report.
    pub scenarios: Vec<Scenario>,
    /// The command that runs each scenario alone.
    pub commands: Vec<String>,
    /// The schedules that the records name by hash.
    pub schedules: Vec<PublishedSchedule>,
    /// The targets in the scenarios: servers that the lab did not build.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetNote>,
    /// Which part of the scenarios was planned. A run without it cannot be resumed: it was measured by a version
    /// that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The files of the scenarios, as seen from the folder in which the run was started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenario_files: Vec<PathBuf>,
    /// The later parts of a run that was interrupted and resumed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<ResumedPart>,
}

/// A later part of a run that was interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResumedPart {
    /// When this part began, RFC 3339 in UTC.
    pub started_at: String,
    /// Where it was measured.
    pub environment: Environment,
    /// Records of the earlier parts that were kept, calibrations and repetitions included.
    pub kept: u32,
}

/// A target, as it was found on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetNote {
    /// Its name, as in the records.
    pub name: ServerName,
    /// What it is.
    pub title: String,
    /// Name and version that it reports; absent if it is not installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it cannot be measured; absent if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Manifest {
    /// The schedule with this hash.
    #[must_use]
    pub fn schedule(&self, hash: &str) -> Option<&PublishedSchedule> {
        self.schedules.iter().find(|schedule| schedule.hash == hash)
    }
}
