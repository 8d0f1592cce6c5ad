//! All quantities of a point, one row each. A new quantity is a new row; nothing else lists them all.

use contract::{ConnectionCost, Load};

use super::{
    memory::{Part, per_subscriber, slope},
    row::{Compared, Measured, Row},
    saturation::Saturation,
    unit::Unit,
};
use crate::statistics::{
    finite::{divide, finite, quantile_ms},
    reading::Reading,
};

/// Makes the names and the rows from one list, so that neither can lack one of the other.
macro_rules! quantities {
    ($(
        $(#[$doc:meta])+
        $name:ident: $kind:ident($key:literal, $label:literal, $unit:expr) {
            measured: $measured:expr,
            $($field:ident: $value:expr,)*
        }
    )+) => {
        /// Every quantity of a point, in the order in which tables list them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum QuantityName { $($(#[$doc])+ $name,)+ }

        impl QuantityName {
            /// All quantities in the order of the tables.
            pub const ALL: [Self; [$(stringify!($name)),+].len()] = [$(Self::$name),+];
        }

        /// The row of each quantity, at the place of its name.
        pub(super) static ROWS: [Row; QuantityName::ALL.len()] =
            [$(Row { $($field: $value,)* ..Row::$kind($key, $label, $unit, $measured) }),+];
    };
}

quantities! {
    /// Mean age of a delivery.
    AgeMean: metered("age_mean_ms", "mean age", Unit::Milliseconds) {
        measured: Measured::MeanAge,
        predicted: |of| Some(of.age.mean_ms()),
        range: |ranges| Some(ranges.mean),
        compared: Compared::Always,
        term: "percentile",
        one_block: 2.0,
    }
    /// Median age.
    AgeP50: metered("age_p50_ms", "age at p50", Unit::Milliseconds) {
        measured: Measured::AgePercentile(0.5),
        predicted: |of| Some(of.age.quantile_ms(0.5)),
        range: |ranges| Some(ranges.p50),
        compared: Compared::Always,
        has_floor: true,
        term: "percentile",
        one_block: 2.0,
    }
    /// 99th percentile of the age.
    AgeP99: metered("age_p99_ms", "age at p99", Unit::Milliseconds) {
        measured: Measured::AgePercentile(0.99),
        predicted: |of| Some(of.age.quantile_ms(0.99)),
        range: |ranges| Some(ranges.p99),
        compared: Compared::Always,
        has_floor: true,
        term: "percentile",
        one_block: 2.0,
    }
    /// Requests of the window ÷ deliveries that arrived in it; all values per delivery use that divisor.
    RequestsPerEvent: counted("requests_per_event", "requests per event", Unit::Requests) {
        measured: Measured::PerDelivery(|of| Some(of.requests.window as f64)),
        predicted: |of| Some(of.requests_per_event),
        compared: Compared::Always,
        one_block: 1.03,
    }
    /// Requests of a subscription's whole life.
    RequestsPerSubscriber: counted("requests_per_subscriber", "requests per subscriber", Unit::Requests) {
        measured: Measured::Trial(|record, of| {
            divide(of.requests.life as f64, f64::from(record.params.subscribers))
        }),
        predicted: |of| of.requests_per_subscriber,
        one_block: 1.03,
    }
    /// Fraction of the requests that were answered with nothing new.
    EmptyRatio: counted("empty_ratio", "empty ratio", Unit::Fraction) {
        measured: Measured::Trial(|_, of| divide(of.requests.window_empty as f64, of.requests.window as f64)),
        predicted: |of| Some(of.empty_ratio),
        one_block: 1.03,
    }
    /// Bytes of the TCP streams per delivery, both directions.
    BytesPerEvent: counted("bytes_per_event", "bytes per event", Unit::Bytes) {
        measured: Measured::PerDelivery(|of| Some(of.bytes.total() as f64)),
        predicted: |of| of.bytes.as_ref().ok().map(|bytes| bytes.total()),
        compared: Compared::Always,
        has_floor: true,
        one_block: 1.03,
    }
    /// Of these, the text of the event.
    PayloadBytesPerEvent: counted("payload_bytes_per_event", "– payload", Unit::Bytes) {
        measured: Measured::PerDelivery(|of| Some(of.bytes.payload as f64)),
        predicted: |of| of.bytes.as_ref().ok().map(|bytes| bytes.payload),
        one_block: 1.03,
    }
    /// Of these, envelopes, chunk and frame headers, heartbeats.
    FramingBytesPerEvent: counted("framing_bytes_per_event", "– framing", Unit::Bytes) {
        measured: Measured::PerDelivery(|of| Some(of.bytes.framing() as f64)),
        predicted: |of| of.bytes.as_ref().ok().map(|bytes| bytes.framing),
        one_block: 1.03,
    }
    /// Of these, request and response heads of exchanges that brought events.
    HeaderBytesPerEvent: counted("header_bytes_per_event", "– headers", Unit::Bytes) {
        measured: Measured::PerDelivery(|of| Some(of.bytes.headers as f64)),
        predicted: |of| of.bytes.as_ref().ok().map(|bytes| bytes.headers),
        one_block: 1.03,
    }
    /// Of these, exchanges that brought no event.
    EmptyPollBytesPerEvent: counted("empty_poll_bytes_per_event", "– empty polls", Unit::Bytes) {
        measured: Measured::PerDelivery(|of| Some(of.bytes.empty_polls as f64)),
        predicted: |of| of.bytes.as_ref().ok().map(|bytes| bytes.empty_polls),
        one_block: 1.03,
    }
    /// TCP segments of the window per delivery, both directions, those without data included.
    PacketsPerEvent: counted("packets_per_event", "packets per event", Unit::Packets) {
        measured: Measured::PerDelivery(|of| Some(of.kernel_window.as_ref()?.segments() as f64)),
        compared: Compared::Always,
        one_block: 1.10,
    }
    /// CPU time of the server per delivery; left out if few arrived per second.
    CpuPerEvent: metered("cpu_us_per_event", "server CPU per event", Unit::Microseconds) {
        measured: Measured::CpuPerDelivery(|of| of.cpu.server_us),
        compared: Compared::Always,
        has_floor: true,
        one_block: 1.5,
    }
    /// The same minus what the server needs for as many open subscribers without events.
    CpuAboveIdlePerEvent: metered(
        "cpu_us_per_event_above_idle",
        "server CPU per event above idle",
        Unit::Microseconds
    ) {
        measured: Measured::PerDelivery(|of| {
            Some(of.cpu.server_us - idle_rate(of.connections.as_ref()?)? * of.cpu.wall_us)
        }),
        compared: Compared::WithMemorySteps,
        has_floor: true,
        one_block: 1.5,
    }
    /// CPU time of the server per request, including that of the events it brings.
    CpuPerRequest: metered("cpu_us_per_request", "server CPU per request", Unit::Microseconds) {
        measured: Measured::Trial(|_, of| divide(of.cpu.server_us, of.requests.window as f64)),
        has_floor: true,
        one_block: 1.5,
    }
    /// Deliveries per second of a growing rate up to which ages stayed within their bound.
    SaturationDeliveries: metered(
        "saturation_deliveries_per_s",
        "deliveries/s at saturation",
        Unit::DeliveriesPerSecond
    ) {
        measured: Measured::Saturation(|of| Some(Saturation::reading(of))),
        compared: Compared::OnRamps,
        has_floor: true,
        more_is_better: true,
        one_block: 1.5,
    }
    /// CPU time of the server per delivery in the last seconds before that bound was exceeded.
    SaturationCpuPerEvent: metered(
        "saturation_cpu_us_per_event",
        "server CPU per event at saturation",
        Unit::Microseconds
    ) {
        measured: Measured::Saturation(|of| of.cpu_us_per_event.map(Reading::exact)),
        compared: Compared::OnRamps,
        has_floor: true,
        one_block: 1.5,
    }
    /// CPU time of the harness (all subscribers together) per delivery; left out likewise.
    SubscriberCpuPerEvent: metered(
        "subscriber_cpu_us_per_event",
        "subscriber CPU per event",
        Unit::Microseconds
    ) {
        measured: Measured::CpuPerDelivery(|of| of.cpu.harness_us),
        compared: Compared::Always,
        has_floor: true,
        one_block: 1.5,
    }
    /// Times that a subscriber woke up, per delivery.
    WakeupsPerEvent: counted("wakeups_per_event", "wake-ups per event", Unit::Wakeups) {
        measured: Measured::PerDelivery(|of| Some(of.wakeups as f64)),
        compared: Compared::Always,
        one_block: 1.10,
    }
    /// Median time to set up a subscription.
    ConnectP50: metered("connect_p50_ms", "set-up at p50", Unit::Milliseconds) {
        measured: Measured::Trial(|_, of| quantile_ms(&of.connect, 0.5)),
        predicted: |of| of.connect_ms,
        compared: Compared::WithMemorySteps,
        term: "percentile",
        one_block: 2.5,
    }
    /// 99th percentile of the time to set up a subscription.
    ConnectP99: metered("connect_p99_ms", "set-up at p99", Unit::Milliseconds) {
        measured: Measured::Trial(|_, of| quantile_ms(&of.connect, 0.99)),
        compared: Compared::WithMemorySteps,
        term: "percentile",
        one_block: 2.5,
    }
    /// Bytes of the TCP stream to set up a subscription, both directions.
    ConnectBytes: counted("connect_bytes", "connection set-up bytes", Unit::Bytes) {
        measured: Measured::Trial(|_, of| {
            of.set_up.and_then(|set_up| divide(set_up.bytes as f64, set_up.subscribers as f64))
        }),
        compared: Compared::WithMemorySteps,
        one_block: 1.10,
    }
    /// Segments to set up a subscription, both directions, the handshake's included.
    ConnectPackets: counted("connect_packets", "connection set-up packets", Unit::Packets) {
        measured: Measured::Trial(|_, of| {
            of.set_up.and_then(|set_up| divide(set_up.segments? as f64, set_up.subscribers as f64))
        }),
        compared: Compared::WithMemorySteps,
        one_block: 1.10,
    }
    /// Memory of the server process that each open subscriber adds before any event.
    MemoryUser: metered(
        "memory_user_bytes_per_subscriber",
        "server memory per subscriber, idle",
        Unit::Bytes
    ) {
        measured: Measured::Trial(|_, of| per_subscriber(of, Load::Idle, Part::Server)),
        compared: Compared::WithMemorySteps,
        has_floor: true,
        term: "memory",
        one_block: 1.15,
    }
    /// The same after events.
    MemoryUserActive: metered(
        "memory_user_active_bytes_per_subscriber",
        "server memory per subscriber, after events",
        Unit::Bytes
    ) {
        measured: Measured::Trial(|_, of| per_subscriber(of, Load::Active, Part::Server)),
        compared: Compared::WithMemorySteps,
        has_floor: true,
        term: "memory",
        one_block: 1.15,
    }
    /// Memory of the kernel, both ends together, that each open subscriber adds before any event.
    MemoryKernel: metered(
        "memory_kernel_bytes_per_subscriber",
        "kernel memory per subscriber, both ends, idle",
        Unit::Bytes
    ) {
        measured: Measured::Trial(|_, of| per_subscriber(of, Load::Idle, Part::Kernel)),
        compared: Compared::WithMemorySteps,
        has_floor: true,
        term: "memory",
        one_block: 1.15,
    }
    /// The same after events.
    MemoryKernelActive: metered(
        "memory_kernel_active_bytes_per_subscriber",
        "kernel memory per subscriber, both ends, after events",
        Unit::Bytes
    ) {
        measured: Measured::Trial(|_, of| per_subscriber(of, Load::Active, Part::Kernel)),
        has_floor: true,
        term: "memory",
        one_block: 1.15,
    }
    /// Memory of the harness that each open subscriber adds before any event.
    MemorySubscriber: metered(
        "memory_subscriber_bytes_per_subscriber",
        "harness memory per subscriber, idle",
        Unit::Bytes
    ) {
        measured: Measured::Trial(|_, of| per_subscriber(of, Load::Idle, Part::Subscriber)),
        compared: Compared::WithMemorySteps,
        term: "memory",
        one_block: 1.15,
    }
    /// File descriptors of the server that each open subscriber adds.
    Descriptors: counted("descriptors_per_subscriber", "descriptors per subscriber", Unit::Descriptors) {
        measured: Measured::Trial(|_, of| {
            slope(of.connections.as_ref()?, Load::Idle, |step| step.server_descriptors as f64)
        }),
        term: "socket",
        one_block: 1.03,
    }
    /// CPU time of the server per subscriber and hour in which nothing is published.
    CpuIdlePerSubscriberHour: metered(
        "cpu_idle_s_per_subscriber_hour",
        "server CPU per idle subscriber and hour",
        Unit::Seconds
    ) {
        measured: Measured::Trial(|_, of| {
            let cost = of.connections.as_ref()?;
            // Microseconds of CPU per microsecond of wall are seconds per second.
            divide(idle_rate(cost)? * 3_600.0, f64::from(cost.idle.subscribers))
        }),
        compared: Compared::WithMemorySteps,
        has_floor: true,
        term: "socket",
        one_block: 1.5,
    }
    /// Connections that the server held.
    SocketsHeld: counted("sockets_held", "sockets held", Unit::Sockets) {
        measured: Measured::Trial(|record, of| {
            // Other servers do not report it, nor does the lab's own beside a browser.
            let is_lab_alone = record.server.is_pushlab() && of.browser_clock.is_none();
            finite(of.sockets_held).filter(|held| *held > 0.0 || is_lab_alone)
        }),
        predicted: |of| Some(of.sockets_held),
        term: "socket",
        one_block: 1.03,
    }
    /// 99th percentile of the publisher's lateness.
    LatenessP99: metered("lateness_p99_ms", "publisher late at p99", Unit::Milliseconds) {
        measured: Measured::Trial(|_, of| quantile_ms(&of.lateness, 0.99)),
        term: "percentile",
        one_block: 2.5,
    }
}

/// CPU time of the server per wall time while all subscribers are open and nothing is published.
fn idle_rate(cost: &ConnectionCost) -> Option<f64> {
    divide(cost.idle.server_us, cost.idle.wall_us)
}
