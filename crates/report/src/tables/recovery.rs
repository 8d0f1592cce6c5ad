//! What a recovery time consists of: a client waits before it reconnects, and most of the time between a
//! lost connection and the next answer is that wait.

use contract::{PageApi, Pattern};

/// Appears once next to recovery times.
pub(crate) const PAUSES: &str = "Most of a recovery is the client's own pause. An EventSource reconnects after the pause that the server sets in its retry field (3\u{202f}s here), a page with a WebSocket after its back-off (random up to 5\u{202f}s, then longer: RFC 6455 §7.2.3). A page with long polling polls again after its back-off (from 250\u{202f}ms on); its recovery ends with the answer, so it includes the wait for the next event. A short poll follows at its next tick.";

/// In brackets after a recovery time.
pub(crate) const fn pause(pattern: Pattern) -> &'static str {
    match pattern.page_api() {
        PageApi::Fetch if pattern.is_timed() => "its interval",
        PageApi::Fetch => "its back-off and the wait for the next event",
        PageApi::EventSource => "the server’s retry field",
        PageApi::WebSocket => "its page’s back-off",
    }
}
