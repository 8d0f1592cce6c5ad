//! The relay between two real sockets.
//!
//! One program for all, as each program links everything.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod books;
mod obstacles;
mod passing;
mod wire;
