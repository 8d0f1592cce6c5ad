//! The names of the quantities, their units and words.

use crate::text::number::{self, three_digits};

/// Every quantity of a point, in the order in which tables list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuantityName {
    /// Mean age of a delivery.
    AgeMean,
    /// Median age.
    AgeP50,
    /// 99th percentile of the age.
    AgeP99,
    /// Requests of the window ÷ deliveries that arrived in it; all values per delivery use that divisor.
    RequestsPerEvent,
    /// Requests of a subscription's whole life.
    RequestsPerSubscriber,
    /// Fraction of the requests that were answered with nothing new.
    EmptyRatio,
    /// Bytes of the TCP streams per delivery, both directions.
    BytesPerEvent,
    /// Of these, the text of the event.
    PayloadBytesPerEvent,
    /// Of these, envelopes, chunk and frame headers, heartbeats.
    FramingBytesPerEvent,
    /// Of these, request and response heads of exchanges that brought events.
    HeaderBytesPerEvent,
    /// Of these, exchanges that brought no event.
    EmptyPollBytesPerEvent,
    /// TCP segments of the window per delivery, both directions, those without data included.
    PacketsPerEvent,
    /// CPU time of the server per delivery; left out if few arrived per second.
    CpuPerEvent,
    /// The same minus what the server needs for as many open subscribers without events.
    CpuAboveIdlePerEvent,
    /// CPU time of the server per request, including that of the events it brings.
    CpuPerRequest,
    /// Deliveries per second of a growing rate up to which ages stayed within their bound.
    SaturationDeliveries,
    /// CPU time of the server per delivery in the last seconds before that bound was exceeded.
    SaturationCpuPerEvent,
    /// CPU time of the harness (all subscribers together) per delivery; left out likewise.
    SubscriberCpuPerEvent,
    /// Times that a subscriber woke up, per delivery.
    WakeupsPerEvent,
    /// Median time to set up a subscription.
    ConnectP50,
    /// 99th percentile of the time to set up a subscription.
    ConnectP99,
    /// Bytes of the TCP stream to set up a subscription, both directions.
    ConnectBytes,
    /// Segments to set up a subscription, both directions, the handshake's included.
    ConnectPackets,
    /// Memory of the server process that each open subscriber adds before any event.
    MemoryUser,
    /// The same after events.
    MemoryUserActive,
    /// Memory of the kernel, both ends together, that each open subscriber adds before any event.
    MemoryKernel,
    /// The same after events.
    MemoryKernelActive,
    /// Memory of the harness that each open subscriber adds before any event.
    MemorySubscriber,
    /// File descriptors of the server that each open subscriber adds.
    Descriptors,
    /// CPU time of the server per subscriber and hour in which nothing is published.
    CpuIdlePerSubscriberHour,
    /// Connections that the server held.
    SocketsHeld,
    /// 99th percentile of the publisher's lateness.
    LatenessP99,
}

impl QuantityName {
    /// All quantities in the order of the tables.
    pub const ALL: [Self; 32] = [
        Self::AgeMean,
        Self::AgeP50,
        Self::AgeP99,
        Self::RequestsPerEvent,
        Self::RequestsPerSubscriber,
        Self::EmptyRatio,
        Self::BytesPerEvent,
        Self::PayloadBytesPerEvent,
        Self::FramingBytesPerEvent,
        Self::HeaderBytesPerEvent,
        Self::EmptyPollBytesPerEvent,
        Self::PacketsPerEvent,
        Self::CpuPerEvent,
        Self::CpuAboveIdlePerEvent,
        Self::CpuPerRequest,
        Self::SaturationDeliveries,
        Self::SaturationCpuPerEvent,
        Self::SubscriberCpuPerEvent,
        Self::WakeupsPerEvent,
        Self::ConnectP50,
        Self::ConnectP99,
        Self::ConnectBytes,
        Self::ConnectPackets,
        Self::MemoryUser,
        Self::MemoryUserActive,
        Self::MemoryKernel,
        Self::MemoryKernelActive,
        Self::MemorySubscriber,
        Self::Descriptors,
        Self::CpuIdlePerSubscriberHour,
        Self::SocketsHeld,
        Self::LatenessP99,
    ];

    /// Name in `summary.json` and `summary.csv`, unit last.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::AgeMean => "age_mean_ms",
            Self::AgeP50 => "age_p50_ms",
            Self::AgeP99 => "age_p99_ms",
            Self::RequestsPerEvent => "requests_per_event",
            Self::RequestsPerSubscriber => "requests_per_subscriber",
            Self::EmptyRatio => "empty_ratio",
            Self::BytesPerEvent => "bytes_per_event",
            Self::PayloadBytesPerEvent => "payload_bytes_per_event",
            Self::FramingBytesPerEvent => "framing_bytes_per_event",
            Self::HeaderBytesPerEvent => "header_bytes_per_event",
            Self::EmptyPollBytesPerEvent => "empty_poll_bytes_per_event",
            Self::PacketsPerEvent => "packets_per_event",
            Self::CpuPerEvent => "cpu_us_per_event",
            Self::CpuAboveIdlePerEvent => "cpu_us_per_event_above_idle",
            Self::CpuPerRequest => "cpu_us_per_request",
            Self::SaturationDeliveries => "saturation_deliveries_per_s",
            Self::SaturationCpuPerEvent => "saturation_cpu_us_per_event",
            Self::SubscriberCpuPerEvent => "subscriber_cpu_us_per_event",
            Self::WakeupsPerEvent => "wakeups_per_event",
            Self::ConnectP50 => "connect_p50_ms",
            Self::ConnectP99 => "connect_p99_ms",
            Self::ConnectBytes => "connect_bytes",
            Self::ConnectPackets => "connect_packets",
            Self::MemoryUser => "memory_user_bytes_per_subscriber",
            Self::MemoryUserActive => "memory_user_active_bytes_per_subscriber",
            Self::MemoryKernel => "memory_kernel_bytes_per_subscriber",
            Self::MemoryKernelActive => "memory_kernel_active_bytes_per_subscriber",
            Self::MemorySubscriber => "memory_subscriber_bytes_per_subscriber",
            Self::Descriptors => "descriptors_per_subscriber",
            Self::CpuIdlePerSubscriberHour => "cpu_idle_s_per_subscriber_hour",
            Self::SocketsHeld => "sockets_held",
            Self::LatenessP99 => "lateness_p99_ms",
        }
    }

    /// Name in tables and running text.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AgeMean => "mean age",
            Self::AgeP50 => "age at p50",
            Self::AgeP99 => "age at p99",
            Self::RequestsPerEvent => "requests per event",
            Self::RequestsPerSubscriber => "requests per subscriber",
            Self::EmptyRatio => "empty ratio",
            Self::BytesPerEvent => "bytes per event",
            Self::PayloadBytesPerEvent => "– payload",
            Self::FramingBytesPerEvent => "– framing",
            Self::HeaderBytesPerEvent => "– headers",
            Self::EmptyPollBytesPerEvent => "– empty polls",
            Self::PacketsPerEvent => "packets per event",
            Self::CpuPerEvent => "server CPU per event",
            Self::CpuAboveIdlePerEvent => "server CPU per event above idle",
            Self::CpuPerRequest => "server CPU per request",
            Self::SaturationDeliveries => "deliveries/s at saturation",
            Self::SaturationCpuPerEvent => "server CPU per event at saturation",
            Self::SubscriberCpuPerEvent => "subscriber CPU per event",
            Self::WakeupsPerEvent => "wake-ups per event",
            Self::ConnectP50 => "set-up at p50",
            Self::ConnectP99 => "set-up at p99",
            Self::ConnectBytes => "connection set-up bytes",
            Self::ConnectPackets => "connection set-up packets",
            Self::MemoryUser => "server memory per subscriber, idle",
            Self::MemoryUserActive => "server memory per subscriber, after events",
            Self::MemoryKernel => "kernel memory per subscriber, both ends, idle",
            Self::MemoryKernelActive => "kernel memory per subscriber, both ends, after events",
            Self::MemorySubscriber => "harness memory per subscriber, idle",
            Self::Descriptors => "descriptors per subscriber",
            Self::CpuIdlePerSubscriberHour => "server CPU per idle subscriber and hour",
            Self::SocketsHeld => "sockets held",
            Self::LatenessP99 => "publisher late at p99",
        }
    }

    /// Unit as a word for programs.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::AgeMean
            | Self::AgeP50
            | Self::AgeP99
            | Self::ConnectP50
            | Self::ConnectP99
            | Self::LatenessP99 => "ms",
            Self::RequestsPerEvent | Self::RequestsPerSubscriber => "requests",
            Self::EmptyRatio => "fraction",
            Self::BytesPerEvent
            | Self::PayloadBytesPerEvent
            | Self::FramingBytesPerEvent
            | Self::HeaderBytesPerEvent
            | Self::EmptyPollBytesPerEvent
            | Self::ConnectBytes
            | Self::MemoryUser
            | Self::MemoryUserActive
            | Self::MemoryKernel
            | Self::MemoryKernelActive
            | Self::MemorySubscriber => "bytes",
            Self::CpuPerEvent
            | Self::CpuAboveIdlePerEvent
            | Self::CpuPerRequest
            | Self::SaturationCpuPerEvent
            | Self::SubscriberCpuPerEvent => "us",
            Self::SaturationDeliveries => "deliveries/s",
            Self::CpuIdlePerSubscriberHour => "s",
            Self::PacketsPerEvent | Self::ConnectPackets => "packets",
            Self::WakeupsPerEvent => "wakeups",
            Self::Descriptors => "descriptors",
            Self::SocketsHeld => "sockets",
        }
    }

    /// Whether more is better; for all others less is better.
    #[must_use]
    pub const fn more_is_better(self) -> bool {
        matches!(self, Self::SaturationDeliveries)
    }

    /// Whether it is an exact count, which scatters only by the exchanges at the window's edges; all others
    /// are timed or metered.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        match self {
            Self::RequestsPerEvent
            | Self::RequestsPerSubscriber
            | Self::EmptyRatio
            | Self::BytesPerEvent
            | Self::PayloadBytesPerEvent
            | Self::FramingBytesPerEvent
            | Self::HeaderBytesPerEvent
            | Self::EmptyPollBytesPerEvent
            | Self::PacketsPerEvent
            | Self::WakeupsPerEvent
            | Self::ConnectBytes
            | Self::ConnectPackets
            | Self::Descriptors
            | Self::SocketsHeld => true,
            Self::AgeMean
            | Self::AgeP50
            | Self::AgeP99
            | Self::CpuPerEvent
            | Self::CpuAboveIdlePerEvent
            | Self::CpuPerRequest
            | Self::SaturationDeliveries
            | Self::SaturationCpuPerEvent
            | Self::SubscriberCpuPerEvent
            | Self::ConnectP50
            | Self::ConnectP99
            | Self::MemoryUser
            | Self::MemoryUserActive
            | Self::MemoryKernel
            | Self::MemoryKernelActive
            | Self::MemorySubscriber
            | Self::CpuIdlePerSubscriberHour
            | Self::LatenessP99 => false,
        }
    }

    /// Whether it is an age of events, and so depends on the clocks of both ends.
    #[must_use]
    pub const fn is_age(self) -> bool {
        matches!(self, Self::AgeMean | Self::AgeP50 | Self::AgeP99)
    }

    /// A lower bound with its unit: rounded down, so that what is printed is one, too.
    #[must_use]
    pub fn lower_bound_text(self, value: f64) -> String {
        self.text(number::rounded_down(value))
    }

    /// A value with its unit, as text and tables print it.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self.unit() {
            "ms" => number::with_unit(value, "ms"),
            "us" => number::with_unit(value, "µs"),
            "s" if value.abs() < 1.0 => number::with_unit(value * 1e3, "ms"),
            "s" => number::with_unit(value, "s"),
            "bytes" => number::bytes(value),
            _ => three_digits(value),
        }
    }
}
