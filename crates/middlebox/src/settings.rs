//! The settings of a relay.

use std::net::SocketAddr;

use contract::Network;

/// The settings of a relay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RelaySettings {
    /// The address that it listens on; port 0 picks a free port. Loopback only.
    pub listen: SocketAddr,
    /// The server that it relays to. Loopback only.
    pub to: SocketAddr,
    /// What it does to every connection.
    pub network: Network,
    /// Maximum TCP segment size on both sides, bytes, TCP options included.
    pub max_segment: u32,
    /// Seed of the jitter.
    pub seed: u64,
}
