//! Connections: sockets whose bytes are counted, in clear or in TLS, and what HTTP/1.1 and HTTP/2 do on them.
//! They know no subscriber and no pattern.

pub(crate) mod context;
pub(crate) mod counted_stream;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod kernel_ledger;
pub(crate) mod ledger;
pub(crate) mod tls;
