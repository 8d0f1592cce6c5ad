//! Data for the other layers: texts and their parsers, counts, times. No sockets and no tasks.

pub(crate) mod answer;
pub(crate) mod calibration_spec;
pub(crate) mod cause;
pub(crate) mod error;
pub(crate) mod foreign_format;
pub(crate) mod framing_sizes;
pub(crate) mod interval_log;
pub(crate) mod parsed;
pub(crate) mod progress;
pub mod reading;
pub(crate) mod recorder;
pub(crate) mod sequence;
pub(crate) mod server_protocol;
pub(crate) mod sse_parser;
pub(crate) mod started;
pub(crate) mod trace;
pub(crate) mod trial_spec;
