//! Builds a schedule, a list of due times and texts, from a scenario's settings and a seed.

mod replay;

use contract::{Arrivals, DUE_DIGITS, EventType, Period, PublishedSchedule, stamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp};
use sha2::{Digest, Sha256};

/// Separate random streams of one seed, so that a longer payload does not change the arrivals.
const ARRIVAL_STREAM: u64 = 0;
const PAYLOAD_STREAM: u64 = 1;
pub(crate) const HANDOVER_STREAM: u64 = 2;

/// Bytes of `<due>;` before the payload.
const STAMP_BYTES: usize = DUE_DIGITS + 1;

/// Most events of one schedule: a typing error must not fill the memory.
const MOST_EVENTS: usize = 5_000_000;

/// A planned event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledEvent {
    /// When it is due, nanoseconds since the schedule's instant 0.
    pub due_ns: u64,
    /// Its type; none means `message`.
    pub event_type: Option<EventType>,
    /// Its text without the due stamp.
    pub payload: String,
}

impl ScheduledEvent {
    /// The text to publish if the schedule's instant 0 is `start_ns` of the epoch.
    #[must_use]
    pub fn text(&self, start_ns: u64) -> String {
        stamp(start_ns + self.due_ns, &self.payload)
    }
}

/// A schedule that cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The CSV of a replay is missing or damaged.
    #[error("{file}: {problem}")]
    Replay {
        /// The file's name as the scenario gives it.
        file: String,
        /// What is wrong, with the line.
        problem: String,
    },
    /// More events than the lab keeps in memory.
    #[error("the schedule has more than {MOST_EVENTS} events: lower the rate or shorten `measure`")]
    TooManyEvents,
    /// Invalid arrivals. A scenario's own check is stricter and names the key.
    #[error("the arrivals are invalid: {0}")]
    Arrivals(&'static str),
}

/// Events in the order in which they are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    events: Vec<ScheduledEvent>,
    length_ns: u64,
    hash: String,
}

impl Schedule {
    /// Builds the schedule of these settings. The same arguments always give the same schedule.
    ///
    /// `replay_csv` is the text of the replayed file. `payload_bytes` is the length of an event's text, stamp
    /// included; it does not apply to a replay.
    ///
    /// # Errors
    /// If a replay has no file or a damaged one, or if there are too many events.
    pub fn build(
        arrivals: &Arrivals,
        replay_csv: Option<&str>,
        seed: u64,
        length: Period,
        payload_bytes: u32,
    ) -> Result<Self, ScheduleError> {
        let length_ns = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        let events = if let Arrivals::Replay { file } = arrivals {
            replay::events(file, replay_csv, length_ns)?
        } else {
            let due = due_times(arrivals, &mut stream(seed, ARRIVAL_STREAM), length_ns)?;
            let mut payload = stream(seed, PAYLOAD_STREAM);
            let payload_length = (payload_bytes as usize).saturating_sub(STAMP_BYTES);
            due.into_iter()
                .map(|due_ns| ScheduledEvent {
                    due_ns,
                    event_type: None,
                    payload: plain_text(&mut payload, payload_length),
                })
                .collect()
        };
        let hash = hash(length_ns, &events);
        Ok(Self { events, length_ns, hash })
    }

    /// The events, ordered by due time.
    #[must_use]
    pub fn events(&self) -> &[ScheduledEvent] {
        &self.events
    }

    /// Length of the schedule in nanoseconds; every due time is below it.
    #[must_use]
    pub const fn length_ns(&self) -> u64 {
        self.length_ns
    }

    /// SHA-256 of length, due times, types and texts, hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The columns that the manifest keeps and the model replays.
    #[must_use]
    pub fn published(&self) -> PublishedSchedule {
        let mut columns = PublishedSchedule {
            hash: self.hash.clone(),
            length_ns: self.length_ns,
            ..PublishedSchedule::default()
        };
        for event in &self.events {
            columns.due_ns.push(event.due_ns);
            columns.data_bytes.push((STAMP_BYTES + event.payload.len()) as u32);
            columns.type_bytes.push(event.event_type.as_ref().map_or(0, |name| name.as_str().len() as u32));
            columns.escape_bytes.push(json_escape_bytes(&event.payload));
            columns.lines.push(1 + event.payload.matches('\n').count() as u32);
        }
        columns
    }
}

pub(crate) fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// Random text that no framing escapes, so that it costs the same bytes in all framings.
fn plain_text(random: &mut ChaCha8Rng, length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
    (0..length).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

fn due_times(
    arrivals: &Arrivals,
    random: &mut ChaCha8Rng,
    length_ns: u64,
) -> Result<Vec<u64>, ScheduleError> {
    let mut due = Vec::new();
    let mut push = |due_ns: f64| -> Result<bool, ScheduleError> {
        if due_ns >= length_ns as f64 {
            return Ok(false);
        }
        if due.len() == MOST_EVENTS {
            return Err(ScheduleError::TooManyEvents);
        }
        due.push(due_ns as u64);
        Ok(true)
    };
    check(arrivals)?;
    match arrivals {
        Arrivals::Steady { rate_hz } => {
            // The first event is due after half a period: an event exactly at the edge of the window could
            // be counted on one side and delivered on the other.
            let period_ns = 1e9 / rate_hz;
            let mut index = 0.5;
            while push(index * period_ns)? {
                index += 1.0;
            }
        }
        Arrivals::Poisson { rate_hz } => {
            let gaps = Exp::new(*rate_hz).expect("the rate was checked");
            let mut now_ns = gaps.sample(random) * 1e9;
            while push(now_ns)? {
                now_ns += gaps.sample(random) * 1e9;
            }
        }
        Arrivals::Bursts { burst_events, event_spacing, burst_every } => {
            let mean_ns = burst_every.as_nanos() as f64;
            let mut burst_ns = mean_ns * random.random_range(0.25..0.75);
            while burst_ns < length_ns as f64 {
                for event in 0..*burst_events {
                    push(burst_ns + f64::from(event) * event_spacing.as_nanos() as f64)?;
                }
                burst_ns += mean_ns * random.random_range(0.75..1.25);
            }
        }
        Arrivals::Ramp { from_hz, to_hz } => {
            // The rate at t is from × (to ÷ from)^(t ÷ length). Its integral is the number of events until t.
            // Event n (from 0) is due where the integral is n + ½.
            let (seconds, growth) = (length_ns as f64 * 1e-9, (to_hz / from_hz).ln());
            let due_s = |number: f64| match growth.abs() < 1e-9 {
                true => number / from_hz,
                false => seconds / growth * (1.0 + number * growth / (from_hz * seconds)).ln(),
            };
            let mut number = 0.5;
            while push(due_s(number) * 1e9)? {
                number += 1.0;
            }
        }
        Arrivals::Silence | Arrivals::Replay { .. } => {}
    }
    Ok(due)
}

/// Refuses arrivals that could not be built in finite time.
fn check(arrivals: &Arrivals) -> Result<(), ScheduleError> {
    match arrivals {
        Arrivals::Steady { rate_hz } | Arrivals::Poisson { rate_hz } => {
            let fits = (1e-6..=1e6).contains(rate_hz);
            if fits {
                Ok(())
            } else {
                Err(ScheduleError::Arrivals("the rate must be 0.000001 to 1000000 events per second"))
            }
        }
        Arrivals::Bursts { burst_every, .. } if burst_every.as_micros() == 0 => {
            Err(ScheduleError::Arrivals("bursts must be at least a microsecond apart"))
        }
        Arrivals::Ramp { from_hz, to_hz } => {
            check(&Arrivals::Steady { rate_hz: *from_hz })?;
            check(&Arrivals::Steady { rate_hz: *to_hz })
        }
        Arrivals::Bursts { .. } | Arrivals::Silence | Arrivals::Replay { .. } => Ok(()),
    }
}

/// Bytes that JSON escaping adds with `serde_json` (RFC 8259 §7).
fn json_escape_bytes(text: &str) -> u32 {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
            0x00..=0x1f => 5,
            _ => 0,
        })
        .sum()
}

fn hash(length_ns: u64, events: &[ScheduledEvent]) -> String {
    let mut digest = Sha256::new();
    digest.update(length_ns.to_le_bytes());
    for event in events {
        let event_type = event.event_type.as_ref().map_or("", |name| name.as_str());
        digest.update(event.due_ns.to_le_bytes());
        for text in [event_type, &event.payload] {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: Period = Period::from_millis(20_000);

    fn build(arrivals: &Arrivals, seed: u64) -> Schedule {
        Schedule::build(arrivals, None, seed, LENGTH, 100).unwrap()
    }

    fn bursts() -> Arrivals {
        Arrivals::Bursts {
            burst_events: 10,
            event_spacing: Period::from_millis(10),
            burst_every: Period::from_millis(2_000),
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
        for arrivals in [Arrivals::Poisson { rate_hz: 5.0 }, bursts()] {
            assert_eq!(build(&arrivals, 7), build(&arrivals, 7));
            assert_ne!(build(&arrivals, 7).hash(), build(&arrivals, 8).hash());
        }
    }

    #[test]
    fn the_hash_of_a_known_schedule_never_changes() {
        let steady = build(&Arrivals::Steady { rate_hz: 1.0 }, 1);
        assert_eq!(steady.hash(), "8edfd94a62118dc13bb9a1856c4548747176e6a4587d16ead842d3c627e071eb");
    }

    #[test]
    fn a_payload_size_does_not_move_the_arrivals() {
        let arrivals = Arrivals::Poisson { rate_hz: 5.0 };
        let small = Schedule::build(&arrivals, None, 7, LENGTH, 20).unwrap();
        let large = Schedule::build(&arrivals, None, 7, LENGTH, 2_000).unwrap();
        let due = |schedule: &Schedule| schedule.published().due_ns;
        assert_eq!(due(&small), due(&large));
        assert_ne!(small.hash(), large.hash());
        assert_eq!(large.events()[0].text(5).len(), 2_000);
    }

    #[test]
    fn steady_events_are_evenly_spaced_and_off_the_edges() {
        let due = build(&Arrivals::Steady { rate_hz: 2.0 }, 1).published().due_ns;
        assert_eq!(due.len(), 40);
        assert_eq!(due[0], 250_000_000);
        assert!(due.windows(2).all(|pair| pair[1] - pair[0] == 500_000_000));
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_the_scatter_of_an_exponential() {
        let schedule =
            Schedule::build(&Arrivals::Poisson { rate_hz: 100.0 }, None, 3, Period::from_millis(300_000), 20)
                .unwrap();
        let due = schedule.published().due_ns;
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64 * 1e-9).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean / 0.01 - 1.0).abs() < 0.03, "{mean}");
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn bursts_are_close_inside_and_idle_between() {
        let due = build(&bursts(), 5).published().due_ns;
        let idle = due.windows(2).filter(|pair| pair[1] - pair[0] > 1_000_000_000).count();
        let close = due.windows(2).filter(|pair| pair[1] - pair[0] == 10_000_000).count();
        assert!(idle >= 7, "{idle}");
        assert_eq!(idle + close, due.len() - 1);
    }

    #[test]
    fn arrivals_without_sense_are_refused_instead_of_drawn_for_ever() {
        let every =
            |burst_every| Arrivals::Bursts { burst_events: 0, event_spacing: Period::default(), burst_every };
        for arrivals in [
            Arrivals::Poisson { rate_hz: -1.0 },
            Arrivals::Steady { rate_hz: 0.0 },
            Arrivals::Steady { rate_hz: f64::NAN },
            Arrivals::Steady { rate_hz: 1e9 },
            every(Period::default()),
        ] {
            assert!(Schedule::build(&arrivals, None, 1, LENGTH, 20).is_err(), "{arrivals:?}");
        }
        assert!(build(&every(Period::from_millis(1)), 1).events().is_empty());
    }

    #[test]
    fn a_ramp_grows_by_the_same_factor_every_second() {
        let count = |from_hz, to_hz| {
            let due = build(&Arrivals::Ramp { from_hz, to_hz }, 1).published().due_ns;
            (0..20).map(|second| due.iter().filter(|due| **due / 1_000_000_000 == second).count()).collect()
        };
        let up: Vec<usize> = count(50.0, 800.0);
        // Sixteenfold in twenty seconds is a factor of 1.1487 per second.
        for pair in up.windows(2) {
            let factor = pair[1] as f64 / pair[0] as f64;
            assert!((1.10..1.20).contains(&factor), "{up:?}");
        }
        assert!((50..58).contains(&up[0]) && (690..800).contains(&up[19]), "{up:?}");
        let mut down: Vec<usize> = count(800.0, 50.0);
        down.reverse();
        assert!(up.iter().zip(&down).all(|(left, right)| left.abs_diff(*right) <= 1), "{up:?} {down:?}");
        assert_eq!(count(10.0, 10.0), vec![10; 20]);
    }

    #[test]
    fn silence_has_no_event() {
        assert!(build(&Arrivals::Silence, 1).events().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_schedule_is_ordered_and_inside_its_length(seed: u64, rate_hz in 0.1_f64..500.0) {
            for arrivals in [Arrivals::Steady { rate_hz }, Arrivals::Poisson { rate_hz }, bursts()] {
                let schedule = build(&arrivals, seed);
                let due = schedule.published().due_ns;
                prop_assert!(due.windows(2).all(|pair| pair[0] <= pair[1]));
                prop_assert!(due.iter().all(|due| *due < schedule.length_ns()));
            }
        }
    }
}
