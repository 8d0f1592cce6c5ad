//! The publisher in the harness, for servers that have none of their own.

pub(crate) mod http_publisher;
pub(crate) mod posting_publisher;
