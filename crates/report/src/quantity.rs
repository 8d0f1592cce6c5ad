//! The quantities that are measured, predicted and printed: their names, units and words.

use crate::number::{self, three_digits};

/// Below this both times are shorter than what a timer or a scheduler adds by chance: a ratio would
/// mislead, so the difference is printed.
const DIFFERENCE_BELOW_MS: f64 = 5.0;

/// Every quantity of a point, in the order in which tables list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuantityName {
    /// Mean age of a delivery.
    AgeMean,
    /// Median age.
    AgeP50,
    /// 99th percentile of the age.
    AgeP99,
    /// Requests of the window ÷ deliveries of the window.
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
    /// CPU time of the server per delivery.
    CpuPerEvent,
    /// CPU time of the harness, that is of all subscribers together, per delivery.
    SubscriberCpuPerEvent,
    /// Median time to set up a subscription.
    ConnectP50,
    /// Connections that the server held.
    SocketsHeld,
    /// 99th percentile of the publisher's lateness.
    LatenessP99,
}

impl QuantityName {
    /// All quantities in the order of the tables.
    pub const ALL: [Self; 16] = [
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
        Self::CpuPerEvent,
        Self::SubscriberCpuPerEvent,
        Self::ConnectP50,
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
            Self::CpuPerEvent => "cpu_us_per_event",
            Self::SubscriberCpuPerEvent => "subscriber_cpu_us_per_event",
            Self::ConnectP50 => "connect_p50_ms",
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
            Self::CpuPerEvent => "server CPU per event",
            Self::SubscriberCpuPerEvent => "subscriber CPU per event",
            Self::ConnectP50 => "set-up at p50",
            Self::SocketsHeld => "sockets held",
            Self::LatenessP99 => "publisher late at p99",
        }
    }

    /// Unit as a word for programs.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::AgeMean | Self::AgeP50 | Self::AgeP99 | Self::ConnectP50 | Self::LatenessP99 => "ms",
            Self::RequestsPerEvent | Self::RequestsPerSubscriber => "requests",
            Self::EmptyRatio => "fraction",
            Self::BytesPerEvent
            | Self::PayloadBytesPerEvent
            | Self::FramingBytesPerEvent
            | Self::HeaderBytesPerEvent
            | Self::EmptyPollBytesPerEvent => "bytes",
            Self::CpuPerEvent | Self::SubscriberCpuPerEvent => "us",
            Self::SocketsHeld => "sockets",
        }
    }

    /// A value with its unit, as text and tables print it.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self.unit() {
            "ms" => number::with_unit(value, "ms"),
            "us" => number::with_unit(value, "µs"),
            "bytes" => number::bytes(value),
            _ => three_digits(value),
        }
    }
}

/// Whether a measured value is the value or only a bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bound {
    /// The value itself.
    #[default]
    Exact,
    /// The true value is larger: deliveries that never came would have to be counted in.
    AtLeast,
}

/// One quantity of one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Which one.
    pub name: QuantityName,
    /// With one completed trial its value, with several their median, none if no trial gave it. Ages
    /// are read from the deliveries of all of them together.
    pub measured: Option<f64>,
    /// Low end of the 95 % interval; none with fewer than four blocks.
    pub low: Option<f64>,
    /// High end of the 95 % interval; none with fewer than four blocks.
    pub high: Option<f64>,
    /// The model replayed over the schedule that was published; none where it does not apply.
    pub predicted: Option<f64>,
    /// The model's closed form with the mean rate; none where it does not apply.
    pub closed_form: Option<f64>,
    /// Whether `measured` is the value or a lower bound of it.
    pub bound: Bound,
    /// Why a reader should not lean on `measured`: it is printed in grey with this reason.
    pub doubt: Option<String>,
}

/// Measured against predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Comparison {
    /// Measured ÷ predicted.
    Ratio(f64),
    /// Measured − predicted, where a ratio would mislead.
    Difference(f64),
    /// One of the two is missing, or the measured value is only a bound.
    None,
}

impl Quantity {
    /// A quantity with nothing in it.
    #[must_use]
    pub(crate) const fn empty(name: QuantityName) -> Self {
        Self {
            name,
            measured: None,
            low: None,
            high: None,
            predicted: None,
            closed_form: None,
            bound: Bound::Exact,
            doubt: None,
        }
    }

    /// The measured value as text: `4.30 ms`, `> 2,000 ms`, or a dash.
    #[must_use]
    pub fn measured_text(&self) -> String {
        let Some(value) = self.measured else {
            return "—".to_owned();
        };
        let text = self.name.text(value);
        match self.bound {
            Bound::Exact => text,
            Bound::AtLeast => format!(">{}{text}", number::THIN_SPACE),
        }
    }

    /// The replayed prediction as text, or a dash.
    #[must_use]
    pub fn predicted_text(&self) -> String {
        self.predicted.map_or_else(|| "—".to_owned(), |value| self.name.text(value))
    }

    /// The closed form as text, or a dash.
    #[must_use]
    pub fn closed_form_text(&self) -> String {
        self.closed_form.map_or_else(|| "—".to_owned(), |value| self.name.text(value))
    }

    /// Measured against predicted.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        let (Some(measured), Some(predicted), Bound::Exact) = (self.measured, self.predicted, self.bound)
        else {
            return Comparison::None;
        };
        let short =
            self.name.unit() == "ms" && measured < DIFFERENCE_BELOW_MS && predicted < DIFFERENCE_BELOW_MS;
        if short || predicted.abs() < 1e-9 {
            Comparison::Difference(measured - predicted)
        } else {
            Comparison::Ratio(measured / predicted)
        }
    }

    /// The comparison as text: a bare ratio, a difference with sign and unit, or a dash.
    #[must_use]
    pub fn comparison_text(&self) -> String {
        match self.comparison() {
            Comparison::Ratio(ratio) => three_digits(ratio),
            Comparison::Difference(difference) => {
                let size = self.name.text(difference.abs());
                if size.starts_with("0\u{202f}") || size == "0" {
                    size
                } else if difference < 0.0 {
                    format!("−{size}")
                } else {
                    format!("+{size}")
                }
            }
            Comparison::None => "—".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(name: QuantityName, measured: f64, predicted: f64) -> Quantity {
        Quantity { measured: Some(measured), predicted: Some(predicted), ..Quantity::empty(name) }
    }

    #[test]
    fn a_quantity_is_found_at_the_place_of_its_name() {
        for (place, name) in QuantityName::ALL.into_iter().enumerate() {
            assert_eq!(name as usize, place);
            assert!(QuantityName::ALL[..place].iter().all(|other| other.key() != name.key()));
        }
    }

    #[test]
    fn short_times_are_compared_by_their_difference() {
        for (name, measured, predicted, text) in [
            (QuantityName::AgeP50, 510.0, 500.0, "1.02"),
            (QuantityName::AgeP50, 0.61, 0.40, "+0.210\u{202f}ms"),
            (QuantityName::AgeP50, 0.40, 0.61, "−0.210\u{202f}ms"),
            (QuantityName::EmptyRatio, 0.0, 0.0, "0"),
            (QuantityName::BytesPerEvent, 12.0, 0.0, "+12.0\u{202f}B"),
        ] {
            assert_eq!(quantity(name, measured, predicted).comparison_text(), text);
        }
        assert_eq!(Quantity::empty(QuantityName::AgeP50).comparison_text(), "—");
    }
}
