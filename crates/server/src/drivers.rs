//! What delivers the bytes of the patterns. A driver knows sockets, tasks and turns, and no framing: the
//! pattern files give it the bytes.
//!
//! - [`shared_writer`]: one task owns all waiting sockets and writes the same bytes to each. Plain HTTP/1.1.
//! - [`connection_task`]: a task for each connection, with hyper. TLS, HTTP/2, and the rungs of
//!   `cost-ladder`.
//! - [`floor`]: one thread and nothing but system calls, to compare with.

pub(crate) mod connection_task;
#[cfg(target_os = "linux")]
pub(crate) mod floor;
pub(crate) mod http1_stream;
pub(crate) mod shared_writer;
