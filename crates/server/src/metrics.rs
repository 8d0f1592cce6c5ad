//! The counters as Prometheus text (exposition format 0.0.4).

use std::fmt::Write;

use contract::{RequestCounts, ServerStats};

/// Renders the counters. Times are in seconds and sizes in bytes, as Prometheus requires.
pub(crate) fn prometheus(stats: &ServerStats) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, value: f64| {
        let _ = writeln!(
            text,
            "# HELP pushlab_{name} {help}\n# TYPE pushlab_{name} {kind}\npushlab_{name} {value}"
        );
    };
    metric("events_published_total", "counter", "Events appended to the log.", stats.head.seq as f64);
    metric("log_events", "gauge", "Events kept.", stats.events_kept as f64);
    metric("log_bytes", "gauge", "Bytes of text kept.", stats.bytes_kept as f64);
    metric("waiting", "gauge", "Subscribers waiting for the next event.", stats.waiting as f64);
    metric("received_bytes_total", "counter", "Bytes read from data-plane sockets.", stats.bytes_in as f64);
    metric("sent_bytes_total", "counter", "Bytes written to data-plane sockets.", stats.bytes_out as f64);
    metric("connections_opened_total", "counter", "Connections accepted.", stats.connections_opened as f64);
    metric("connections_open", "gauge", "Connections open.", stats.connections_open as f64);
    metric(
        "connections_refused_total",
        "counter",
        "Connections refused because of the limit.",
        stats.connections_refused as f64,
    );
    metric(
        "tls_handshakes_failed_total",
        "counter",
        "Connections that ended in the TLS handshake.",
        stats.handshakes_failed as f64,
    );
    metric("cpu_seconds_total", "counter", "CPU time of the process.", stats.cpu_us as f64 * 1e-6);
    metric(
        "publisher_cpu_seconds_total",
        "counter",
        "CPU time of the publisher.",
        stats.publisher_cpu_us as f64 * 1e-6,
    );
    text.push_str("# HELP pushlab_requests_total Requests by route and answer; `any` counts them on arrival, including those still held.\n# TYPE pushlab_requests_total counter\n");
    for (pattern, counts) in &stats.requests {
        requests(&mut text, pattern.slug(), *counts);
    }
    requests(&mut text, "other", stats.other_requests);
    text
}

fn requests(text: &mut String, route: &str, counts: RequestCounts) {
    let answers = [
        ("any", counts.arrived),
        ("answered", counts.answered),
        ("empty", counts.empty),
        ("refused", counts.refused),
        ("failed", counts.failed),
    ];
    for (answer, count) in answers {
        let _ = writeln!(text, "pushlab_requests_total{{route=\"{route}\",answer=\"{answer}\"}} {count}");
    }
}
