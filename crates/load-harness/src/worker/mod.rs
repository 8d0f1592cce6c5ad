//! Workers: the threads on which the subscribers run.

pub(crate) mod pool;
mod stalls;
pub(crate) mod thread;
