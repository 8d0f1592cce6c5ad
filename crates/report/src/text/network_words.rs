//! The network between subscriber and server, in words.

use contract::{Ablation, Heartbeat, Network, Params, ServerName, Transport};

use super::number::{bytes, counted, list, period_ms, with_setting};

/// What the server speaks.
pub(crate) const fn transport_text(transport: Transport) -> &'static str {
    match transport {
        Transport::Http1 => "HTTP/1.1",
        Transport::Http1Tls => "HTTP/1.1 in TLS",
        Transport::Http2 => "HTTP/2",
    }
}

/// `off`, `every 1 s`, `when idle for 1 s`.
pub(crate) fn heartbeat_mark(heartbeat: Heartbeat) -> String {
    match heartbeat {
        Heartbeat::Off => "off".to_owned(),
        Heartbeat::Every(period) => format!("every {}", period_ms(period.milliseconds())),
        Heartbeat::WhenIdle(period) => format!("when idle for {}", period_ms(period.milliseconds())),
    }
}

/// `heartbeat off`, `heartbeat every 1 s`.
pub(crate) fn heartbeat_text(heartbeat: Heartbeat) -> String {
    format!("heartbeat {}", heartbeat_mark(heartbeat))
}

/// Everything that a middlebox does: `round trip 100 ms, idle timeout 2 s`.
pub(crate) fn network_text(network: &Network) -> String {
    let mut parts = road(network);
    parts.extend(obstacles(network));
    if parts.is_empty() { "no obstacle".to_owned() } else { parts.join(", ") }
}

/// The obstacles alone if there are any, because all trials share delay and bandwidth; else the whole network.
pub(crate) fn obstacle_text(network: &Network) -> String {
    let obstacles = obstacles(network);
    if obstacles.is_empty() { network_text(network) } else { list(&obstacles) }
}

/// Time and bandwidth.
fn road(network: &Network) -> Vec<String> {
    let mut parts = Vec::new();
    if !network.rtt.is_zero() {
        parts.push(format!("round trip {}", period_ms(network.rtt.milliseconds())));
    }
    if !network.jitter.is_zero() {
        parts.push(format!("jitter up to {}", period_ms(network.jitter.milliseconds())));
    }
    parts.extend(network.bytes_per_second.map(|rate| format!("{}/s", size(rate))));
    parts
}

/// What ends, refuses or holds back connections.
fn obstacles(network: &Network) -> Vec<String> {
    let time = |period: contract::Period| period_ms(period.milliseconds());
    let mut parts = Vec::new();
    parts.extend(network.idle_timeout.map(|period| format!("idle timeout {}", time(period))));
    parts.extend(
        network.buffer.map(|buffer| format!("buffering {} or {}", size(buffer.bytes), time(buffer.pause))),
    );
    parts.extend(network.cut_after.map(|period| format!("cut after {}", time(period))));
    parts.extend(network.cut_after_bytes.map(|bytes| format!("cut after {}", size(bytes))));
    if network.refuse_upgrade {
        parts.push("upgrades refused".to_owned());
    }
    parts.extend(
        network
            .connections
            .map(|most| format!("at most {}", counted(u64::from(most), "connection", "connections"))),
    );
    parts.extend(network.black_hole_after.map(|period| format!("black hole after {}", time(period))));
    parts
}

/// A size as it was set: `4 KB`, also where it is 4,096 bytes.
pub(crate) fn size(value: u64) -> String {
    match value {
        exact if exact >= 1_024 && exact.is_multiple_of(1_024) => with_setting(exact as f64 / 1_024.0, "KiB"),
        exact if exact >= 1_000 && exact.is_multiple_of(1_000) => with_setting(exact as f64 / 1_000.0, "KB"),
        other => bytes(other as f64),
    }
}

/// The driver: the code that brings an event from the log to the socket. It depends on transport, ablation
/// and server, so comparisons of these compare drivers too.
pub(crate) fn driver(params: &Params, server: &ServerName) -> String {
    if server.is_floor() {
        return "the floor (one thread that writes ready frames)".to_owned();
    }
    if server.is_foreign() {
        return format!("{server} (third-party server)");
    }
    let in_own_tasks = params.ablation.is_some_and(|ablation| ablation != Ablation::Best);
    match params.transport {
        Transport::Http1 if in_own_tasks => "a task per connection (hyper, plain HTTP/1.1)",
        Transport::Http1 => "the shared writer (one task for all waiting sockets, plain HTTP/1.1)",
        Transport::Http1Tls => "a task per connection (hyper, HTTP/1.1 in TLS)",
        Transport::Http2 => "a task per connection and stream (hyper, HTTP/2 in TLS)",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use contract::{Buffering, Period};

    use super::*;

    #[test]
    fn networks_are_told_in_words() {
        let plain = |network: Network| network_text(&network).replace('\u{202f}', " ");
        let clear = Network::default();
        assert_eq!(plain(clear), "no obstacle");
        let far = Network { rtt: Period::from_millis(100), ..clear };
        assert_eq!(plain(far), "round trip 100 ms");
        let buffer = Buffering { bytes: 4_096, pause: Period::from_millis(500) };
        let buffering = Network { buffer: Some(buffer), ..far };
        assert_eq!(plain(buffering), "round trip 100 ms, buffering 4 KiB or 500 ms");
        assert_eq!(obstacle_text(&buffering).replace('\u{202f}', " "), "buffering 4 KiB or 500 ms");
        let one = Network { connections: Some(1), refuse_upgrade: true, ..clear };
        assert_eq!(obstacle_text(&one), "upgrades refused and at most 1 connection");
        let slow = Network { bytes_per_second: Some(64_000), ..clear };
        assert_eq!(plain(slow), "64 KB/s");
    }

    #[test]
    fn heartbeats_are_told_in_words() {
        let said = |text: &str| heartbeat_text(text.parse().unwrap()).replace('\u{202f}', " ");
        assert_eq!(said("off"), "heartbeat off");
        assert_eq!(said("1s"), "heartbeat every 1 s");
        assert_eq!(said("idle 500ms"), "heartbeat when idle for 500 ms");
    }

    #[test]
    fn each_driver_has_its_words() {
        let of = |params: Params| driver(&params, &ServerName::default());
        let plain = Params::of(1, 100, 1.0);
        assert!(of(plain).starts_with("the shared writer"));
        let h2 = Params { transport: Transport::Http2, ..plain };
        assert!(of(h2).contains("HTTP/2"));
        let own = Params { ablation: Some(Ablation::OwnTasks), ..plain };
        assert!(of(own).starts_with("a task per connection"));
    }
}
