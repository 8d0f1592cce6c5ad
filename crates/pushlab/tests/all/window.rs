//! The costs of a trial's window belong to the events that arrived in it, independently of their due: the
//! payload of each is exactly its text.

use std::{collections::BTreeMap, path::PathBuf, sync::atomic::AtomicBool};

use contract::{Client, Measurements, Pattern, Scenario, Selection, Transport};
use load_harness::{Cores, Harness, TrialSpec, environment};
use schedule::Schedule;

use crate::lab::permit::Permit;

const SUBSCRIBERS: u64 = 5;
const TEXT_BYTES: u64 = 100;
/// Due in the window of a second, for all subscribers.
const DUE: u64 = 40 * SUBSCRIBERS;

/// Runs one trial: forty events a second for 1.2 s, of which the last second is measured, and polls that bring
/// about five events each.
fn measured(pattern: Pattern, more: &str) -> Measurements {
    let _permit = Permit::one();
    let scenario = format!(
        "name = \"s\"\nquestion = \"q\"\nsetting = \"s\"\nlook_at = \"l\"\npatterns = [\"{pattern}\"]\n\
         subscribers = {SUBSCRIBERS}\npoll_interval = \"130ms\"\nhold = \"300ms\"\npayload_bytes = {TEXT_BYTES}\n\
         warm_up = \"200ms\"\nmeasure = \"1s\"\ndrain = \"2s\"\n{more}\n\
         [events]\narrivals = \"steady\"\nrate_hz = 40.0\n"
    );
    let plan = Scenario::from_toml("s.toml", &scenario).unwrap().trials(Selection::Everything).remove(0);
    let settings = &plan.settings;
    let schedule =
        Schedule::build(&settings.events, None, 7, settings.schedule_length(), settings.payload_bytes)
            .unwrap();
    let cores = Cores { server: None, harness: Vec::new(), relay: None, allowed: 1 };
    let harness = Harness {
        server_program: PathBuf::from(env!("CARGO_BIN_EXE_pushlab")),
        environment: environment(&cores, String::new()),
        cores,
        seed: 7,
        targets: BTreeMap::new(),
        has_climbed: AtomicBool::new(false),
    };
    let order = TrialSpec { poll_phase: 0.3, ..TrialSpec::new("s", plan, schedule) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(harness.run(&order, &mut |_| {})).record;
    let measured = outcome.measurements().cloned().unwrap_or_else(|| panic!("{:?}", outcome.outcome));
    assert_eq!((measured.window_deliveries, measured.delivery.lost), (DUE, 0), "{pattern}, {more}");
    measured
}

/// As many texts as deliveries, to the byte.
fn assert_exact(measured: &Measurements, what: &str) {
    assert_eq!(measured.bytes.payload, TEXT_BYTES * measured.window_received, "{what}");
}

#[test]
fn every_pattern_has_the_payload_of_what_arrived_in_its_window() {
    for pattern in Pattern::ALL {
        let measured = measured(pattern, "");
        assert_exact(&measured, pattern.slug());
        assert!(measured.window_received > DUE / 2, "{pattern}: {}", measured.window_received);
    }
}

#[test]
fn so_have_other_clients_and_other_transports() {
    for (pattern, more) in [
        (Pattern::LongPolling, format!("client = \"{}\"", Client::Reqwest)),
        (Pattern::Sse, format!("client = \"{}\"", Client::Reqwest)),
        (Pattern::ShortPolling, format!("transport = \"{}\"", Transport::Http2)),
        (Pattern::WebSocket, format!("transport = \"{}\"", Transport::Http2)),
        (Pattern::Sse, format!("transport = \"{}\"", Transport::Http1Tls)),
    ] {
        let measured = measured(pattern, &more);
        assert_exact(&measured, &format!("{pattern}, {more}"));
        assert!(measured.window_received > DUE / 2, "{pattern}, {more}: {}", measured.window_received);
    }
}

/// A buffer passes about a dozen events at a time: those of the warm-up within the window, the last ones after
/// it. A buffer that never fills during the schedule passes nothing before the schedule ends.
#[test]
fn behind_a_buffer_it_is_that_of_what_the_buffer_let_through() {
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        let filled = measured(pattern, "network = { buffer = { bytes = 1500, pause = \"300ms\" } }");
        assert_exact(&filled, pattern.slug());
        assert!(filled.window_received > 0, "{pattern}");

        let held = measured(pattern, "network = { buffer = { bytes = 1000000, pause = \"300ms\" } }");
        assert_eq!((held.window_received, held.bytes.payload), (0, 0), "{pattern}");
        assert_eq!(held.age.arrived.count, DUE, "{pattern}: all came after the window");
    }
}
