//! Types that cross a process or file boundary: what the server and the load harness exchange, what a
//! scenario file holds, and what a run writes.
//!
//! This crate opens no socket, reads no clock and knows no HTTP. All other crates depend on it.

mod arrivals;
mod browser;
mod calibration;
mod client;
mod connections;
mod control;
mod counts;
mod cursor;
mod distribution;
mod event;
mod limits;
mod network;
mod params;
mod pattern;
mod period;
mod poll_phase;
mod record;
mod scenario;
mod server_choice;
mod settings;
mod sse_conformance;
mod sweep;
mod target;
mod warning;

pub use arrivals::Arrivals;
pub use browser::{
    BrowserAudience, BrowserCheck, BrowserClock, BrowserFindings, BrowserLane, BrowserTask, Crowd, PageApi,
};
pub use calibration::{CalibratedAges, Calibration, Scatter};
pub use client::Client;
pub use connections::{ConnectionCost, IdleStretch, Load, MemoryStep};
pub use control::{
    Announcement, ClockReading, PublisherReport, RequestCounts, ServerStats, StartSchedule, StartedSchedule,
};
pub use counts::{
    AllCores, BothWays, ByteCounts, CpuUse, Delivery, ErrorCount, KernelCounts, LeftBehind, PublisherCounts,
    RequestLedger, SetUp, TraceEvent,
};
pub use cursor::{After, Cursor, CursorError, Epoch, Resume};
pub use distribution::{Distribution, DistributionError, Second, TimeHistogram};
pub use event::{DUE_DIGITS, EventType, EventTypeError, PollBody, Stamped, WireEvent, stamp};
pub use limits::Limits;
pub use network::{
    Buffering, Certificate, DirectionCounts, Heartbeat, Network, RelayAnnouncement, RelayCounts, Transport,
    UnknownCertificate, UnknownHeartbeat, UnknownTransport,
};
pub use params::Params;
pub use pattern::{Exchange, Pattern, UnknownPattern};
pub use period::Period;
pub use poll_phase::{PHASE_STEP, poll_phase};
pub use record::{
    Ages, CpuSecond, Environment, Manifest, Measurements, Outcome, PublishedSchedule, RECORD_SCHEMA,
    RelayUse, ResumedPart, TargetNote, TrialRecord, Window,
};
pub use scenario::{DefaultRun, Scenario, ScenarioError, Selection};
pub use server_choice::{Ablation, PublisherHost, ServerName, ServerNameError, UnknownAblation};
pub use settings::{Settings, TrialPlan};
pub use sse_conformance::{CuriousAnswer, CuriousCase, DecodedEvent};
pub use sweep::{Change, Side, Sweep};
pub use target::{
    CursorPlace, EventPlace, Install, PublishRequest, Ready, Start, Subscription, Target, TargetError, Words,
};
pub use warning::Warning;
