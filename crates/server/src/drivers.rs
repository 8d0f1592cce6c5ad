//! The drivers deliver the bytes of the patterns. A driver handles sockets and tasks, and contains no framing:
//! the pattern files give it the bytes.
//!
//! - [`shared_writer`]: one task owns all waiting sockets and writes the same bytes to each. Plain HTTP/1.1.
//! - [`connection_task`]: one task per connection, with hyper. TLS, HTTP/2, and the ablations of
//!   `cost-ladder`.
//! - [`floor`]: the lower bound of the cost: one thread that does nothing but system calls.

pub(crate) mod connection_task;
#[cfg(target_os = "linux")]
pub(crate) mod floor;
pub(crate) mod http1_stream;
pub(crate) mod shared_writer;
