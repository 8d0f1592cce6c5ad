//! Drives the four patterns over real sockets and measures what they deliver and cost.
//!
//! One subscriber is one task with one socket; with HTTP/2 it is one task with one stream of a connection that
//! several may share. Subscribers run on worker threads that share nothing, and the server is a separate
//! process. A trial connects all subscribers, has the server publish a schedule, and counts between the edges
//! of a window; the result is one [`contract::TrialRecord`]. Where a scenario asks for it, a real browser
//! subscribes, too.
//!
//! The folders are layers, each built on those before it: `data` and `system`, `connections`, `subscribers`,
//! `publishing` and `processes`, `worker`, `browser`, `runner`.

mod browser;
mod connections;
mod data;
mod processes;
mod publishing;
mod runner;
mod subscribers;
mod system;
mod worker;

pub use browser::{BrowserPrograms, NoBrowser};
pub use data::{
    calibration_spec::{CalibrationKey, calibration_spec},
    progress::{Phase, Progress},
    reading,
    recorder::Recorder,
    sse_parser::{SseEvent, SseParser, TooLong},
    trial_spec::TrialSpec,
};
pub use processes::{
    harness::Harness,
    target_folder::{TargetFolder, TargetFolderError},
};
pub use runner::{calibration::calibrate, trial::TrialResult};
pub use system::{
    descriptors::{TooFewDescriptors, ensure_descriptors, fitting_subscribers, raise_descriptor_limit},
    environment::{Cores, TCP_MAXSEG, environment},
};
