//! Types that cross a process or file boundary: what the server and the load harness say to each
//! other on the wire, what a scenario file holds, and what a run leaves behind.
//!
//! Nothing here opens a socket, reads a clock or knows HTTP. Everything else depends on this crate.

mod control;
mod cursor;
mod distribution;
mod event;
mod pattern;
mod period;
mod record;
mod scenario;
mod scenario_check;
mod settings;

pub use control::{
    Announcement, ClockReading, PublisherReport, RequestCounts, ServerStats, StartSchedule, StartedSchedule,
};
pub use cursor::{After, Cursor, CursorError, Epoch, Resume};
pub use distribution::{Distribution, DistributionError, Second, TimeHistogram};
pub use event::{DUE_DIGITS, EventType, EventTypeError, PollBody, Stamped, WireEvent, stamp};
pub use pattern::{Pattern, UnknownPattern};
pub use period::Period;
pub use record::{
    Ages, ByteCounts, Calibration, CpuUse, Delivery, Environment, Manifest, Measurements, Outcome, Params,
    PublishedSchedule, RECORD_SCHEMA, RequestLedger, TrialRecord, Window,
};
pub use scenario::{Arrivals, Change, Client, DefaultRun, Scenario, Selection, Sweep};
pub use scenario_check::ScenarioError;
pub use settings::{Settings, TrialPlan};
