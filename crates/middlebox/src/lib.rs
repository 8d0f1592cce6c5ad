//! The network in a box: a TCP relay between subscriber and server that delays, limits, buffers, cuts
//! and refuses, without special rights and without the kernel's help.
//!
//! One thread relays everything, on a runtime of its own and with a timer of its own (a *pacer*), so
//! that a delay of 50 ms is never less and hardly more. Of each connection each *way*, up to the server
//! and down to the subscriber, is read, stamped with the instant at which it may go on, queued, and
//! written when that instant has come. The queue is bounded: when it is full, nothing is read, and the
//! sender feels it.
//!
//! # What a relay cannot do
//!
//! The kernel answers a SYN before the relay hears of it, so `connect()` returns at once. What setting a
//! connection up costs is modelled by holding the first that comes from the subscriber one whole round
//! trip longer. There are no lost packets, and what the relay's own sockets hold in their buffers comes
//! on top of its queue. In a black hole TCP still acknowledges what is sent: only a sign of life of the
//! application finds out.
//!
//! # Its books
//!
//! Each way it counts what it took, made itself, delivered, discarded and holds, so that nothing is
//! missing of what came. Beside these stands what the kernel had of a connection when it was closed: what
//! nobody had read, and what was delivered to somebody who answered with a reset.

mod clock;
mod connection;
mod count;
mod end;
mod first_request;
mod kernel;
mod pacer;
mod queue;
mod relay;
mod settings;
mod sockets;
mod timer;
mod way;

pub use relay::{Relay, RelayError};
pub use settings::RelaySettings;
