//! The four patterns as servers over one event log.
//!
//! Each pattern is one file: [`short_polling`], [`long_polling`], [`sse`], [`websocket`]. The file holds the
//! route, decides which requests are answered at once and which are held, and makes all bytes that the pattern
//! sends, as functions from log to bytes. The layer below holds what the patterns share: the state (`app`),
//! the encodings ([`Encodings`], [`json`]), request parsing (`request`, `handshake`) and the handoff to a
//! driver (`handoff`). The layer above holds the `drivers` that deliver the bytes, the `listener` that picks a
//! driver for each answer, and `serve`, the whole server with its two ports. Bytes and connections are counted
//! at the socket, requests in one layer (`meter`). The control plane is never on the measured port.
//!
//! A module imports only from the layers below it and from its own submodules.

mod app;
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
mod print_warning;
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
