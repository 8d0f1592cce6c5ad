//! The child processes of a trial: the server, the lab's own or a foreign one, and the middlebox.

pub(crate) mod child_lines;
pub(crate) mod foreign_server;
pub(crate) mod harness;
mod publication;
pub(crate) mod relay_process;
pub(crate) mod server_access;
pub(crate) mod server_process;
pub(crate) mod target_folder;
pub(crate) mod trial_error;
