//! Tests of the relay between two real sockets.
//!
//! They are one program, because every program links all dependencies again.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod books;
mod obstacles;
mod passing;
mod wire;
