//! Access to the operating system: cores, memory, descriptors, process groups, waits for a core.

pub(crate) mod descriptors;
pub(crate) mod environment;
pub(crate) mod libc_calls;
pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod process_group;
pub(crate) mod waits;
