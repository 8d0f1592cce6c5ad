//! The middlebox: a TCP relay between subscriber and server that delays, limits, buffers, cuts and refuses. It
//! needs neither root nor kernel modules.
//!
//! One thread relays all connections. It has its own runtime and its own timer (a *pacer*), so that a delay of
//! 50 ms is never shorter and hardly longer. Each connection has two directions: up to the server and down to
//! the subscriber. In each direction the relay reads bytes, stamps them with their release time, queues them,
//! and writes them at that time. The queue is bounded: when it is full, the relay does not read, and the
//! sender meets backpressure.
//!
//! # What a relay cannot do
//!
//! The kernel answers a SYN before the relay sees the connection, so `connect()` returns at once. The relay
//! models the cost of set-up by delaying the first bytes from the subscriber by one more round trip. No packets
//! are lost, and the buffers of the relay's sockets add to its queue. In a black hole TCP still acknowledges
//! what is sent: only an application's heartbeat detects it.
//!
//! # What it counts
//!
//! In each direction the relay counts the bytes that it took, made itself, delivered, discarded and still
//! holds, so every byte is accounted for. It also counts what the kernel held when a connection was closed:
//! received bytes that were never read, and delivered bytes that were never acknowledged.

mod clock;
mod connection;
mod count;
mod direction;
mod end;
mod first_request;
mod kernel;
mod pacer;
mod queue;
mod relay;
mod settings;
mod sockets;
mod timer;

pub use relay::{Relay, RelayError};
pub use settings::RelaySettings;
