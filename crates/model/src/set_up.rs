//! The set-up of a subscription: the round trips from `connect()` to the first answer that gives a cursor.
//!
//! | step | round trips |
//! |---|---|
//! | TCP: SYN and its acknowledgement (RFC 9293 §3.5) | 1 |
//! | TLS 1.3: both hellos; the client sends its request with its `Finished` (RFC 8446 §2) | 1 |
//! | HTTP/2: a client may send requests before it has the server's SETTINGS (RFC 9113 §3.4) | 0 |
//! | HTTP/2, extended CONNECT: only after SETTINGS has allowed it (RFC 8441 §3) | 1 |
//! | request and answer | 1 |
//!
//! The round trip for SETTINGS is counted from the client's `Finished`. A server may send SETTINGS with its own
//! `Finished`, half a round trip after the hello; but a server that completes the TLS handshake before it
//! starts HTTP, as this lab's does, sends them a round trip later. In all patterns the first bytes of the first
//! answer contain the cursor.

use contract::{Params, Pattern, Transport};

/// Round trips until a subscriber knows its cursor, on a connection that it opens itself.
#[must_use]
pub fn round_trips(pattern: Pattern, transport: Transport) -> f64 {
    let awaits_settings = if transport == Transport::Http2 && pattern.upgrades() { 1.0 } else { 0.0 };
    connection_round_trips(transport) + awaits_settings + 1.0
}

/// Round trips of a connection before a request can be sent on it.
pub(crate) const fn connection_round_trips(transport: Transport) -> f64 {
    if transport.is_encrypted() { 2.0 } else { 1.0 }
}

/// The time of these round trips: a lower bound, because the machine's own time comes on top. None without a
/// round-trip time, if subscribers join connections that others have opened, and for a browser, whose page may
/// reuse an open connection.
#[must_use]
pub fn connect_ms(pattern: Pattern, params: &Params) -> Option<f64> {
    let rtt_ms = params.network.map_or(0.0, |network| network.rtt.milliseconds());
    let is_shared = params.streams_per_connection.is_some_and(|streams| streams > 1);
    let applies = rtt_ms > 0.0 && !is_shared && params.browser.is_none();
    applies.then(|| round_trips(pattern, params.transport) * rtt_ms)
}
