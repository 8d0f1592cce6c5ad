//! Whose pause the time of a recovery is: a client waits before it comes back, and most of the time
//! between a lost connection and the next answer is that wait.

use contract::Pattern;

/// Said once, wherever recovery times stand.
pub(crate) const PAUSES: &str = "Most of a recovery is a pause of the client's own. An EventSource comes back after the server's `retry:` (3\u{202f}s here), a WebSocket's page after its back-off (random up to 5\u{202f}s, then longer: RFC 6455 §7.2.3). A long poll comes back after its page's back-off (from 250\u{202f}ms on) and, since its answer is counted, the wait for the next event. A short poll comes back at its next tick.";

/// In brackets behind a recovery time.
pub(crate) const fn pause(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::ShortPolling => "its interval",
        Pattern::LongPolling => "its back-off and the wait for the next event",
        Pattern::Sse => "its `retry:`",
        Pattern::WebSocket => "its page’s back-off",
    }
}
