//! What open connections cost while nothing or little happens on them: memory steps with rising numbers of
//! subscribers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Warning;

/// Whether the subscribers of a reading had received events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// They have connected and received nothing yet.
    Idle,
    /// They have connected and received events; nothing is in flight any more.
    Active,
}

/// A memory step: a reading of memory at one number of open subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryStep {
    /// Before or after traffic.
    pub load: Load,
    /// Subscribers open at the reading.
    pub subscribers: u32,
    /// Memory of the server process: its proportional set size (`Pss` of proc(5) smaps_rollup).
    pub server_user_bytes: u64,
    /// The same of the harness process, which runs all subscribers.
    pub harness_user_bytes: u64,
    /// Kernel memory in slabs, of the whole machine, so of both ends of every connection.
    pub kernel_slab_bytes: u64,
    /// Memory of TCP buffers, of the whole machine (`mem` of /proc/net/sockstat).
    pub kernel_tcp_bytes: u64,
    /// File descriptors that the server had open.
    pub server_descriptors: u64,
}

/// A phase in which all subscribers are open and nothing is published.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdleStretch {
    /// Subscribers open.
    pub subscribers: u32,
    /// Length of the phase.
    pub wall_us: f64,
    /// CPU time of the server.
    pub server_us: f64,
    /// CPU time of the harness.
    pub harness_us: f64,
    /// Requests that arrived.
    pub requests: u64,
    /// Bytes of the TCP streams, both directions.
    pub bytes: u64,
    /// Times that a subscriber woke up: bytes arrived, or its timer fired.
    pub wakeups: u64,
    /// Warnings about this phase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// What a trial with memory steps found out about open connections.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionCost {
    /// Readings, in the order in which they were taken.
    pub memory_steps: Vec<MemoryStep>,
    /// The phase without events, at the last memory step.
    pub idle: IdleStretch,
}
