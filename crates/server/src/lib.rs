//! The four patterns as servers over one event log.
//!
//! One pattern is one file: [`short_polling`], [`long_polling`], [`sse`], [`websocket`]. Around
//! them stand the parts that are the same for all: the ports and their socket options (`serve`), who is
//! let in and the layer that every request passes (`plane`), a connection by its transport (`connection`,
//! `tls`), the counters at the socket and in the request layer (`meter`), the encodings that all readers
//! of an event share (`framing`), and the control plane, which is never on the measured port. Beside them
//! lies the `floor`: no pattern, but what the kernel alone costs each of them.

mod app;
mod complain;
mod connection;
mod control;
mod cors;
#[cfg(target_os = "linux")]
mod floor;
mod floor_plane;
mod framing;
mod handshake;
mod heartbeat;
mod lane;
mod limits;
pub mod long_polling;
mod meter;
mod metrics;
mod pages;
mod plane;
mod problem;
mod publish;
mod request;
mod serve;
pub mod short_polling;
mod slices;
pub mod sse;
mod streams;
mod takeover;
mod tls;
pub mod websocket;

pub use app::{App, AppSettings};
pub use framing::Framings;
pub use limits::Limits;
pub use serve::{Server, ServerSettings, StartError};
pub use tls::{CertificateError, CertificateSource};
