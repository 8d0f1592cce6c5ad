//! Puts the counts of workers, server and publisher together into the measurements of a record.

use contract::{
    BothWays, Client, CpuSecond, CpuUse, Measurements, PublisherCounts, PublisherReport, RelayCounts,
    RelayUse, Transport,
};

use crate::{
    data::{trace::traced_subscriber, trial_spec::TrialSpec},
    processes::server_access::{Counted, Reading},
    runner::warnings::warnings,
    worker::thread::WorkerFinding,
};

/// What was read outside the workers.
pub(crate) struct Outside {
    /// Readings at both edges of the window.
    pub(crate) edges: [Reading; 2],
    /// CPU time between the edges.
    pub(crate) cpu: CpuUse,
    /// CPU time of the middlebox between the edges; none if there is no middlebox.
    pub(crate) relay_cpu_us: Option<f64>,
    /// CPU time by second, until the end of the window; only if the rate is ramped.
    pub(crate) cpu_seconds: Vec<CpuSecond>,
    pub(crate) publisher: PublisherReport,
    /// The server's counters after all subscribers had disconnected; none if it does not report them.
    pub(crate) last: Option<Counted>,
    /// Connections of the server as the system reports them, if the server does not count them itself.
    pub(crate) held: Option<u64>,
    /// Why the last refused event was refused, if the harness published.
    pub(crate) refusal: Option<String>,
    pub(crate) workers: usize,
    /// Difference between the movements of the wall clock and of the monotonic clock.
    pub(crate) clock_step_us: f64,
    /// Pages swapped during the trial.
    pub(crate) swapped_pages: Option<u64>,
}

/// Assembles the measurements of a trial.
pub(crate) fn assemble(order: &TrialSpec, finding: &WorkerFinding, outside: &Outside) -> Measurements {
    let Outside { edges: [before, after], publisher, last, .. } = outside;
    let (readings, pattern) = (&finding.readings, order.plan.pattern);
    let mut bytes = readings.window_end.bytes_since(&readings.window_start);
    let mut bytes_life = readings.end.bytes();
    // The framing of a foreign server is unknown, so no ledger is computed.
    let is_foreign = order.plan.settings.server.is_foreign();
    // The same holds for the records of TLS and the header compression of HTTP/2.
    let has_rules = !is_foreign && order.plan.settings.transport == Transport::Http1;
    let is_lean = order.plan.settings.client == Client::Lean || pattern.upgrades();
    if !is_lean {
        // This client's socket cannot be read, so the server's own counters are used.
        let of_server = |now: Option<Counted>, then: Option<Counted>| {
            let now = now.map_or((0, 0), |now| (now.bytes_out, now.bytes_in));
            let then = then.map_or((0, 0), |then| (then.bytes_out, then.bytes_in));
            (now.0 - then.0, now.1 - then.1)
        };
        (bytes.received, bytes.sent) = of_server(after.counted, before.counted);
        (bytes_life.received, bytes_life.sent) = of_server(*last, None);
    }
    // Only the kernel knows about unread bytes; without a middlebox no bytes are lost between the sockets.
    let tells_what_is_left = readings.end.kernel().is_some() || outside.relay_cpu_us.is_none();
    let open = |edge: &Reading| edge.counted.map(|counted| counted.connections_open as f64);
    let held = open(before).zip(open(after)).map(|(before, after)| (before + after) / 2.0);
    let mut measurements = Measurements {
        window: order.window(),
        window_deliveries: order.window_events() * u64::from(order.plan.settings.subscribers),
        window_received: readings.window_end.deliveries_since(&readings.window_start),
        delivery: finding.delivery,
        age: finding.recorder.ages(),
        age_seconds: finding.recorder.seconds(),
        lateness: publisher.lateness.clone(),
        lateness_seconds: publisher.lateness_seconds.clone(),
        connect: finding.connect.distribution(),
        requests: readings.requests(),
        bytes,
        bytes_life,
        computed_life: (is_lean && has_rules).then(|| readings.end.computed()),
        broken_off_life: if is_lean && has_rules { readings.end.broken_off() } else { 0 },
        kernel_life: readings.end.kernel().filter(|_| is_lean),
        kernel_window: readings.window_end.kernel_since(&readings.window_start).filter(|_| is_lean),
        left_behind: (is_lean && tells_what_is_left).then(|| readings.end.left_behind()),
        bytes_under_way: if is_lean { readings.window_start.under_way() } else { 0 },
        set_up: finding.set_up.filter(|_| is_lean),
        wakeups: readings.window_end.wakeups_since(&readings.window_start),
        sockets_held: held.or(outside.held.map(|held| held as f64)).unwrap_or(0.0),
        cpu: outside.cpu,
        server_requests_life: last.map(|last| last.requests),
        server_bytes_life: last.map(|last| BothWays { received: last.bytes_out, sent: last.bytes_in }),
        publisher: PublisherCounts {
            planned: order.schedule.events().len() as u64,
            published: publisher.published,
            refused: publisher.refused,
        },
        workers: outside.workers as u32,
        stalls: finding.stalls.distribution(),
        clock_step_us: outside.clock_step_us,
        swapped_pages: outside.swapped_pages,
        trace: finding.trace.clone(),
        traced_subscriber: traced_subscriber(order.plan.settings.subscribers),
        connections: None,
        cpu_seconds: outside.cpu_seconds.clone(),
        // The middlebox reports its counts when it ends.
        relay: outside.relay_cpu_us.map(|cpu_us| RelayUse { counts: RelayCounts::default(), cpu_us }),
        never_connected: finding.never_connected,
        error_counts: finding.error_counts.ranked(),
        recovery: finding.recovery.distribution(),
        browser_clock: None,
        warnings: Vec::new(),
    };
    measurements.warnings = warnings(order, &measurements, outside.refusal.as_deref());
    measurements
}
