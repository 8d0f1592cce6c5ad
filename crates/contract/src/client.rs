//! The HTTP clients that subscribers may use.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which HTTP client the polling and SSE subscribers use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// The lab's own HTTP/1.1 client, which reads answers in place from its own socket.
    #[default]
    Lean,
    /// An ordinary client: one `reqwest::Client` per subscriber. It shows what convenience costs.
    Reqwest,
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lean => "lean",
            Self::Reqwest => "reqwest",
        })
    }
}
