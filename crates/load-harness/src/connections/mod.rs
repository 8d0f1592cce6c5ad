//! Connections: sockets whose bytes are counted, plain or over TLS, with HTTP/1.1 and HTTP/2 on top of them.
//! They depend on no subscriber and no pattern.

pub(crate) mod context;
pub(crate) mod counted_stream;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod kernel_ledger;
pub(crate) mod ledger;
pub(crate) mod tls;
