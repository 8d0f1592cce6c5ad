//! Subscribers of a real server that lose their connections: no event is lost, and the record shows what
//! happened.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    thread,
};

use contract::{ErrorCount, Measurements, Network, Outcome, Pattern, Scenario, Selection, Warning};
use load_harness::{Cores, Harness, TrialSpec, environment};
use schedule::Schedule;
use tempfile::TempDir;

use crate::lab::permit::Permit;

const SUBSCRIBERS: u64 = 4;
/// Bytes from the server on each of the first connections before the cut: some events.
const CUT_AFTER_BYTES: u64 = 1_500;

/// A relay with threads, in front of a server that writes its address to a file.
struct Relay {
    folder: TempDir,
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

/// What the relay does to connections.
#[derive(Clone, Copy)]
enum Mishap {
    /// Cuts each of the first connections after [`CUT_AFTER_BYTES`] from the server.
    Cut { first: u32 },
    /// Closes all connections beyond this number as soon as they are accepted.
    Refuse { beyond: u32 },
    /// The relay itself answers each connection with 403.
    Forbid,
}

impl Relay {
    fn start(mishap: Mishap) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (folder, is_over) = (tempfile::tempdir().unwrap(), Arc::new(AtomicBool::new(false)));
        let (announced, end) = (folder.path().join("server"), Arc::clone(&is_over));
        thread::spawn(move || {
            let accepted = AtomicU32::new(0);
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if end.load(SeqCst) {
                    return;
                }
                let number = accepted.fetch_add(1, SeqCst);
                let limit = match mishap {
                    Mishap::Cut { first } if number < first => CUT_AFTER_BYTES,
                    Mishap::Refuse { beyond } if number >= beyond => continue,
                    Mishap::Cut { .. } | Mishap::Refuse { .. } => u64::MAX,
                    Mishap::Forbid => {
                        forbid(client);
                        continue;
                    }
                };
                relay(client, &announced, limit);
            }
        });
        Self { folder, address, is_over }
    }

    /// A program that serves as pushlab does, but announces the relay instead of itself.
    fn program(&self) -> PathBuf {
        let path = self.folder.path().join("serve");
        let script = format!(
            "#!/bin/sh\n\
             cd '{folder}'\n\
             '{pushlab}' \"$@\" | {{\n\
             IFS= read -r line\n\
             printf '%s' \"$line\" | sed -n 's/.*\"data\":\"\\([^\"]*\\)\".*/\\1/p' > draft\n\
             [ -s draft ] && mv draft server\n\
             printf '%s\\n' \"$line\" | sed 's/\"data\":\"[^\"]*\"/\"data\":\"{relay}\"/'\n\
             cat\n\
             }}\n",
            folder = self.folder.path().display(),
            pushlab = env!("CARGO_BIN_EXE_pushlab"),
            relay = self.address,
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.is_over.store(true, SeqCst);
        // A connection wakes the relay, which then sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers one request.
fn forbid(mut client: TcpStream) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read == 1) {
        head.extend(byte);
    }
    let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
}

/// Passes bytes on until one side ends, or until `limit` bytes have come from the server.
fn relay(client: TcpStream, announced: &Path, limit: u64) {
    let server: SocketAddr = fs::read_to_string(announced).unwrap().trim().parse().unwrap();
    let server = TcpStream::connect(server).unwrap();
    let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
    thread::spawn(move || pass(up.0, up.1, u64::MAX));
    thread::spawn(move || pass(down.0, down.1, limit));
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut left: u64) {
    let mut buffer = [0; 4_096];
    while left > 0 {
        let Ok(read @ 1..) = from.read(&mut buffer) else { break };
        let passed = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        if to.write_all(&buffer[..passed]).is_err() {
            break;
        }
        left -= passed as u64;
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// Runs one trial through a relay; `times` are the lengths of the window and of the drain.
fn run(pattern: Pattern, mishap: Mishap, network: Option<Network>, times: [&str; 2]) -> Outcome {
    let _permit = Permit::one();
    let (relay, [measure, drain]) = (Relay::start(mishap), times);
    let scenario = format!(
        "name = \"s\"\nquestion = \"q\"\nsetting = \"s\"\nlook_at = \"l\"\npatterns = [\"{pattern}\"]\n\
         subscribers = {SUBSCRIBERS}\npoll_interval = \"50ms\"\nhold = \"400ms\"\npayload_bytes = 100\n\
         warm_up = \"200ms\"\nmeasure = \"{measure}\"\ndrain = \"{drain}\"\n\
         [events]\narrivals = \"steady\"\nrate_hz = 20.0\n"
    );
    let mut plan = Scenario::from_toml("s.toml", &scenario).unwrap().trials(Selection::Everything).remove(0);
    plan.settings.network = network;
    let settings = &plan.settings;
    let length = settings.schedule_length();
    let schedule = Schedule::build(&settings.events, None, 7, length, settings.payload_bytes).unwrap();
    let cores = Cores { server: None, harness: Vec::new(), relay: None, allowed: 1 };
    let harness = Harness {
        server_program: relay.program(),
        environment: environment(&cores, String::new()),
        cores,
        seed: 7,
        targets: std::collections::BTreeMap::new(),
        has_climbed: AtomicBool::new(false),
    };
    let order = TrialSpec { poll_phase: 0.3, ..TrialSpec::new("s", plan, schedule) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(harness.run(&order, &mut |_| {})).record.outcome
}

fn measured(pattern: Pattern, mishap: Mishap, network: Option<Network>, times: [&str; 2]) -> Measurements {
    match run(pattern, mishap, network, times) {
        Outcome::Completed { measurements } => *measurements,
        other @ (Outcome::Failed { .. } | Outcome::BrowserRun { .. } | Outcome::NotRun { .. }) => {
            panic!("{pattern}: {other:?}")
        }
    }
}

fn total(error_counts: &[ErrorCount]) -> u64 {
    error_counts.iter().map(|error_count| error_count.times).sum()
}

/// The first connection of every subscriber is cut within its data.
fn survives_a_cut(pattern: Pattern, words: &[&str]) {
    let measured = measured(pattern, Mishap::Cut { first: SUBSCRIBERS as u32 }, None, ["5s", "10s"]);
    let delivery = measured.delivery;
    assert_eq!(delivery.expected, SUBSCRIBERS * 104, "{pattern}");
    assert_eq!((delivery.received, delivery.lost), (delivery.expected, 0), "{pattern}: {delivery:?}");
    assert_eq!((delivery.duplicated, delivery.reordered), (0, 0), "{pattern}: {delivery:?}");
    assert_eq!(measured.never_connected, 0, "{pattern}");

    let (error_counts, requests) = (&measured.error_counts, measured.requests);
    assert_eq!(total(error_counts), requests.failed, "{pattern}: {error_counts:?}");
    assert!(
        error_counts.iter().all(|error_count| words.contains(&&*error_count.what)),
        "{pattern}: {error_counts:?}"
    );
    assert!(
        error_counts
            .iter()
            .all(|error_count| !error_count.is_final && error_count.subscribers <= SUBSCRIBERS)
    );
    assert_eq!(requests.reconnects, SUBSCRIBERS, "{pattern}: {requests:?}");
    assert_eq!(measured.recovery.count, requests.failed, "{pattern}: {:?}", measured.recovery);
    let warned = Warning::RequestsFailed {
        requests: requests.failed,
        most_frequent_error: Some(error_counts[0].what.clone()),
        other_errors: error_counts.len() as u64 - 1,
    };
    assert!(measured.warnings.contains(&warned), "{pattern}: {:?}", measured.warnings);
    match pattern {
        // The lab's server asks for three seconds, and no subscriber reconnects earlier.
        Pattern::Sse => assert!(measured.recovery.min_us >= 3_000_000, "{:?}", measured.recovery),
        Pattern::LongPolling => assert!(measured.recovery.min_us >= 250_000, "{:?}", measured.recovery),
        Pattern::WebSocket | Pattern::ShortPolling => {}
    }
    let sent = measured.computed_life.unwrap().sent;
    assert_eq!(sent, measured.bytes_life.sent, "{pattern}: the ledger of what was asked");
}

const RESET: &str = "the connection was reset";
const BROKE_OFF: &str = "an answer broke off";
const ENDED: &str = "the stream ended";

#[test]
fn a_stream_that_is_cut_goes_on_after_its_last_event() {
    survives_a_cut(Pattern::Sse, &[ENDED, RESET]);
}

#[test]
fn a_websocket_that_is_cut_goes_on_after_its_last_event() {
    survives_a_cut(Pattern::WebSocket, &[ENDED, RESET]);
}

#[test]
fn a_long_poll_that_is_cut_is_asked_again() {
    survives_a_cut(Pattern::LongPolling, &[BROKE_OFF, RESET]);
}

#[test]
fn a_short_poll_that_is_cut_is_asked_again() {
    survives_a_cut(Pattern::ShortPolling, &[BROKE_OFF, RESET]);
}

/// Behind an obstacle a trial goes on without subscribers that cannot connect; their deliveries are lost.
#[test]
fn subscribers_that_an_obstacle_keeps_away_are_counted_and_their_deliveries_are_lost() {
    let network = Network { connections: Some(2), ..Network::default() };
    for pattern in [Pattern::Sse, Pattern::WebSocket] {
        let measured = measured(pattern, Mishap::Refuse { beyond: 2 }, Some(network), ["1s", "1s"]);
        assert_eq!(measured.never_connected, 2, "{pattern}");
        let delivery = measured.delivery;
        assert_eq!((delivery.expected, delivery.received, delivery.lost), (96, 48, 48), "{pattern}");
        let window = measured.window_deliveries;
        assert_eq!(
            (measured.age.arrived.count, measured.age.censored),
            (window / 2, window / 2),
            "{pattern}"
        );
        assert_eq!(measured.connect.count, 2, "{pattern}");
        let kept_away = ["the connection was closed before an answer", RESET];
        assert!(
            measured.error_counts.iter().all(|error_count| kept_away.contains(&&*error_count.what)),
            "{pattern}"
        );
        // Each tried at least four times while the others waited for it.
        assert!(total(&measured.error_counts) >= 8, "{pattern}: {:?}", measured.error_counts);
        assert!(measured.recovery.is_empty(), "{pattern}");
        assert_eq!(measured.warnings, [] as [Warning; 0], "{pattern}: the obstacle is intended");
    }
}

/// An EventSource gives up after a 403, so the trial need not wait for it.
#[test]
fn streams_that_are_turned_away_for_good_fail_the_trial_unless_an_obstacle_was_asked_for() {
    let words = "the answer was 403 Forbidden";
    let Outcome::Failed { reason, .. } = run(Pattern::Sse, Mishap::Forbid, None, ["1s", "1s"]) else {
        panic!("it was not finished without subscribers")
    };
    assert_eq!(reason, format!("only 0 of {SUBSCRIBERS} subscribers could connect: {words}"));

    let network = Network { refuse_upgrade: true, ..Network::default() };
    let measured = measured(Pattern::Sse, Mishap::Forbid, Some(network), ["1s", "1s"]);
    assert_eq!((measured.never_connected, measured.delivery.received), (SUBSCRIBERS, 0));
    assert_eq!(measured.delivery.lost, measured.delivery.expected);
    let turned_away =
        ErrorCount { what: words.to_owned(), times: SUBSCRIBERS, subscribers: SUBSCRIBERS, is_final: true };
    assert_eq!(measured.error_counts, [turned_away], "each asked once");
}
