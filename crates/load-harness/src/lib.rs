//! Drives the four patterns over real sockets and measures what they deliver and cost.
//!
//! One subscriber is one task with one socket, or where HTTP/2 is asked for one task with one stream of a
//! socket that several may share; subscribers live on worker threads that share
//! nothing, and the server is a process of its own. A trial connects everybody, lets the server
//! publish a schedule, and counts between the edges of a window; what it found is one
//! [`contract::TrialRecord`]. Where a scenario asks for it, a real browser is the audience, beside them.

mod browser;
mod calibration;
mod child_lines;
mod counted_stream;
mod cpu_seconds;
mod crew;
mod descriptors;
mod desk;
mod dialect;
mod doubts;
mod environment;
mod foreign_server;
mod foreign_words;
mod framing_sizes;
mod interval_log;
mod kernel_ledger;
mod ledger;
mod libc_calls;
mod machine;
mod measured;
mod memory;
mod poller;
mod poster;
mod posting_publisher;
mod process_group;
mod publication;
pub mod reading;
mod recorder;
mod relay_process;
mod runner;
mod sequence;
mod server_access;
mod server_process;
mod sse_parser;
mod stairs;
mod stalls;
mod subscribers;
mod target_folder;
mod tls;
mod trace;
mod trial_error;
mod trial_order;
mod troubles;
mod trunk;
mod waits;
mod wire;
mod worker;

pub use browser::{BrowserPrograms, NoBrowser};
pub use calibration::{CalibrationKey, calibrate, calibration_order};
pub use descriptors::{TooFewDescriptors, ensure_descriptors, fitting_subscribers, raise_descriptor_limit};
pub use environment::{Cores, environment};
pub use recorder::Recorder;
pub use runner::{Harness, Phase, Progress, TrialResult};
pub use sse_parser::{SseEvent, SseParser, TooLong};
pub use target_folder::{TargetFolder, TargetFolderError};
pub use trial_order::TrialOrder;

/// Maximum segment size set on both ends of every measured socket, bytes: that of an Ethernet path. TCP's
/// options count in it (RFC 9293 §3.7.1), so with timestamps, as Linux has them unless told otherwise, a
/// segment carries 1,448 bytes. Loopback's own 65,483 would make packet counts mean nothing.
pub const TCP_MAXSEG: u32 = 1_460;
