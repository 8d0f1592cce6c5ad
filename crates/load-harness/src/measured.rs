//! From what the workers, the server and the publisher counted to the measurements of a record.

use contract::{
    Client, CpuSecond, CpuUse, Measurements, Pattern, PublisherCounts, PublisherReport, ServerStats,
};
use schedule::process_cpu_us;

use crate::{
    TrialOrder,
    doubts::doubts,
    server_process::{ControlPlane, ServerError},
    worker::WorkerFinding,
};

/// A reading at an edge of the window.
pub(crate) struct Edge {
    server: ServerStats,
    harness_cpu_us: u64,
}

impl Edge {
    pub(crate) async fn read(control: &ControlPlane) -> Result<Self, ServerError> {
        Ok(Self { server: control.stats().await?, harness_cpu_us: process_cpu_us() })
    }
}

/// What was read outside the workers.
pub(crate) struct Outside {
    /// At both edges of the window.
    pub(crate) edges: [Edge; 2],
    /// Between the edges and before, where the rate is ramped.
    pub(crate) cpu_seconds: Vec<CpuSecond>,
    pub(crate) publisher: PublisherReport,
    /// The server's counters when everybody had left.
    pub(crate) last: ServerStats,
    pub(crate) workers: usize,
    /// By how much the wall clock moved otherwise than the monotonic clock.
    pub(crate) clock_step_us: f64,
    /// Pages swapped during the trial.
    pub(crate) swapped_pages: Option<u64>,
}

/// Puts a trial's findings together.
pub(crate) fn assemble(order: &TrialOrder, finding: &WorkerFinding, outside: &Outside) -> Measurements {
    let Outside { edges: [before, after], publisher, last, .. } = outside;
    let (readings, pattern) = (&finding.readings, order.plan.pattern);
    let mut bytes = readings.window_end.bytes_since(&readings.window_start);
    let mut bytes_life = readings.end.bytes();
    let is_lean = order.plan.settings.client == Client::Lean || pattern == Pattern::WebSocket;
    if !is_lean {
        // No hook at this client's socket: the server's own counters stand in.
        let of_server = |now: &ServerStats, then: Option<&ServerStats>| {
            (
                now.bytes_out - then.map_or(0, |then| then.bytes_out),
                now.bytes_in - then.map_or(0, |then| then.bytes_in),
            )
        };
        (bytes.received, bytes.sent) = of_server(&after.server, Some(&before.server));
        (bytes_life.received, bytes_life.sent) = of_server(last, None);
    }
    let cpu = |edge: &Edge| edge.server.cpu_us - edge.server.publisher_cpu_us;
    let mut measurements = Measurements {
        window: order.window(),
        window_deliveries: order.window_events() * u64::from(order.plan.settings.subscribers),
        delivery: finding.delivery,
        age: finding.recorder.ages(),
        age_seconds: finding.recorder.seconds(),
        lateness: publisher.lateness.clone(),
        lateness_seconds: publisher.lateness_seconds.clone(),
        connect: finding.connect.distribution(),
        requests: readings.requests(),
        bytes,
        bytes_life,
        computed_life: is_lean.then(|| readings.end.computed()),
        kernel_life: readings.end.kernel().filter(|_| is_lean),
        kernel_window: readings.window_end.kernel_since(&readings.window_start).filter(|_| is_lean),
        set_up: finding.set_up.filter(|_| is_lean),
        wakeups: readings.window_end.wakeups_since(&readings.window_start),
        sockets_held: (before.server.connections_open + after.server.connections_open) as f64 / 2.0,
        cpu: CpuUse {
            wall_us: (after.server.monotonic_ns - before.server.monotonic_ns) as f64 * 1e-3,
            server_us: (cpu(after) - cpu(before)) as f64,
            publisher_us: (after.server.publisher_cpu_us - before.server.publisher_cpu_us) as f64,
            harness_us: (after.harness_cpu_us - before.harness_cpu_us) as f64,
        },
        server_requests_life: last.requests_of(pattern).arrived,
        server_bytes_life: last.bytes_in + last.bytes_out,
        publisher: PublisherCounts {
            planned: order.schedule.events().len() as u64,
            published: publisher.published,
            refused: publisher.refused,
        },
        workers: outside.workers as u32,
        hiccups: finding.hiccups.distribution(),
        clock_step_us: outside.clock_step_us,
        swapped_pages: outside.swapped_pages,
        trace: finding.trace.clone(),
        connections: None,
        cpu_seconds: outside.cpu_seconds.clone(),
        warnings: Vec::new(),
    };
    measurements.warnings = doubts(order, &measurements);
    measurements
}
