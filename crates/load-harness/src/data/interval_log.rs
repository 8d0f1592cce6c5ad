//! The ages of a trial as an HdrHistogram interval log, for the tools around HdrHistogram: one histogram per
//! second of the schedule.

use std::time::{Duration, SystemTime};

use contract::{Pattern, TimeHistogram};
use hdrhistogram::{
    Histogram,
    serialization::{
        V2DeflateSerializer,
        interval_log::{IntervalLogWriterBuilder, Tag},
    },
};
use schedule::EpochClock;

/// The precision of the histograms of a record.
const DIGITS: u8 = 3;

/// Writes the log: ages in microseconds, by the second in which the events were due; `start` is the wall time
/// of the schedule's instant 0. Deliveries that never came are left out.
pub(crate) fn interval_log(pattern: Pattern, start: SystemTime, seconds: &[TimeHistogram]) -> String {
    const IN_MEMORY: &str = "writing a histogram to memory cannot fail";
    let mut text = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("ages of deliveries (received - due), microseconds; one interval per second of dues")
        .with_start_time(start)
        .with_base_time(start)
        .begin_log_with(&mut text, &mut serializer)
        .expect(IN_MEMORY);
    for (second, ages) in (0..).zip(seconds) {
        let tag = Tag::new(pattern.slug());
        log.write_histogram(&whole(ages), Duration::from_secs(second), Duration::from_secs(1), tag)
            .expect(IN_MEMORY);
    }
    String::from_utf8(text).expect("a log is ASCII")
}

/// The same buckets in the library's own type.
fn whole(ages: &TimeHistogram) -> Histogram<u64> {
    let mut histogram =
        Histogram::new(DIGITS).expect("the precision is a constant that HdrHistogram accepts");
    for (age_us, count) in ages.buckets() {
        histogram.record_n(age_us, count).expect("a histogram that grows takes every time");
    }
    histogram
}

/// The wall time of a past instant of the epoch's clock.
pub(crate) fn wall_time(clock: EpochClock, at_ns: u64) -> SystemTime {
    let passed = Duration::from_nanos(clock.now_ns().saturating_sub(at_ns));
    SystemTime::now().checked_sub(passed).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hdrhistogram::serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    };

    use super::*;

    #[test]
    fn the_log_reads_back_as_what_was_recorded() {
        let mut seconds = vec![TimeHistogram::default(); 3];
        for age_us in 1..=1_000_u64 {
            seconds[0].record_ns(age_us * 1_000);
            seconds[2].record_ns(age_us * 250_000);
        }
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500_000_000_250);
        let text = interval_log(Pattern::LongPolling, start, &seconds);
        assert!(text.starts_with("#ages of deliveries"), "{text}");
        assert!(text.is_ascii());
        let entries: Vec<LogEntry<'_>> =
            IntervalLogIterator::new(text.as_bytes()).map(|entry| entry.unwrap()).collect();
        let since_epoch = Duration::from_millis(1_500_000_000_250);
        assert!(matches!(entries[0], LogEntry::StartTime(time) if time == since_epoch));
        assert!(matches!(entries[1], LogEntry::BaseTime(time) if time == since_epoch));
        assert_eq!(entries.len(), 2 + seconds.len());
        for ((entry, recorded), second) in entries[2..].iter().zip(&seconds).zip(0..) {
            let LogEntry::Interval(interval) = entry else { panic!("{entry:?}") };
            assert_eq!(interval.tag().unwrap().as_str(), "long-polling");
            assert_eq!(interval.start_timestamp(), Duration::from_secs(second));
            assert_eq!(interval.duration(), Duration::from_secs(1));
            let encoded = STANDARD.decode(interval.encoded_histogram()).unwrap();
            let found: Histogram<u64> = Deserializer::new().deserialize(&mut encoded.as_slice()).unwrap();
            let found: Vec<(u64, u64)> =
                found.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
            assert_eq!(found, recorded.buckets().collect::<Vec<_>>(), "second {second}");
        }
    }
}
