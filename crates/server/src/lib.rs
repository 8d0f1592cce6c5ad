//! The four patterns as servers over one event log.
//!
//! One pattern is one file: [`short_polling`], [`long_polling`], [`sse`], [`websocket`]. It holds the route,
//! what is answered at once and what is held, and everything that the pattern puts on the wire, as functions
//! from log to bytes. Below them stand what they share: the state (`app`), the kept encodings ([`Encodings`],
//! [`json`]), what a request asks for (`request`, `handshake`) and how an answer goes on (`handoff`). Above
//! them stand the `drivers` that deliver the bytes, the `listener` that picks a driver for each answer, and
//! `serve`, the whole server with its two ports. Bytes and connections are counted at the socket, requests in
//! one layer (`meter`); the control plane is never on the measured port.
//!
//! A module imports from those below it only, or is a part of its parent.

mod app;
mod complain;
mod control;
mod cors;
mod drivers;
mod encodings;
mod handoff;
mod handshake;
mod http1;
mod hyper_io;
pub mod json;
mod limits;
mod listener;
pub mod long_polling;
mod meter;
mod metrics;
mod pages;
mod problem;
mod publish;
mod request;
mod route;
mod router;
mod serve;
pub mod short_polling;
mod slices;
pub mod sse;
mod streams;
mod tls;
pub mod websocket;
mod websocket_uplink;

pub use app::{App, AppSettings};
pub use encodings::Encodings;
pub use limits::Limits;
pub use serve::{Server, ServerSettings, StartError};
pub use tls::{CertificateError, CertificateSource};
