//! Drives the four patterns over real sockets and measures what they deliver and cost.
//!
//! One subscriber is one task with one socket, or where HTTP/2 is asked for one task with one stream of a
//! socket that several may share; subscribers live on worker threads that share
//! nothing, and the server is a process of its own. A trial connects everybody, lets the server
//! publish a schedule, and counts between the edges of a window; what it found is one
//! [`contract::TrialRecord`]. Where a scenario asks for it, a real browser is the audience, beside them.
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
    calibration_order::{CalibrationKey, calibration_order},
    progress::{Phase, Progress},
    reading,
    recorder::Recorder,
    sse_parser::{SseEvent, SseParser, TooLong},
    trial_order::TrialOrder,
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
