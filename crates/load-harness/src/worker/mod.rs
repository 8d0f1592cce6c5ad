//! Workers: the threads that the subscribers live on.

pub(crate) mod pool;
mod stalls;
pub(crate) mod thread;
