//! The publisher in the harness, for servers without their own publisher.

pub(crate) mod http_publisher;
pub(crate) mod posting_publisher;
