//! What a relay is to do.

use std::net::SocketAddr;

use contract::Network;

/// What a relay is to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RelaySettings {
    /// Where it listens; port 0 picks a free one. Loopback only.
    pub listen: SocketAddr,
    /// The server that it passes everything on to. Loopback only.
    pub to: SocketAddr,
    /// What it does to every connection.
    pub network: Network,
    /// Maximum TCP segment on both sides, bytes, with TCP's own options.
    pub max_segment: u32,
    /// Seed of the jitter.
    pub seed: u64,
}
