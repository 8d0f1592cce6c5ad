//! The exercises at the heads of the pattern files: a patch of that one file solves each, and the count that
//! the exercise names changes with the default driver and in TLS.
//!
//! The patches are in `tests/exercises`, in a folder for each side. The tests build the lab twice, each time
//! with the patches of one side, which takes minutes. Without `PUSHLAB_TEST_EXERCISES=1` they do not run, and
//! the last line of `just test` says so.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use contract::{Client, Measurements, Pattern, Transport};
use model::bytes::{self, EventText, PollSizes};

use crate::lab::{Lab, PUSHLAB, did_not_run, permit::Permit, process::Running, records};

/// The transports of the two drivers: the shared writer, and the task per connection.
const WAYS: [Transport; 2] = [Transport::Http1, Transport::Http1Tls];
const TEXT_BYTES: usize = 100;
/// Longer than the default, so that all events of the window have numbers of two digits.
const WARM_UP: (&str, &str) = ("warm_up", "\"400ms\"");
/// Tolerance for the sizes of events: on a busy machine several may share a write.
const SHARED_WRITES: f64 = 2.0;

/// The side whose pattern files are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Server,
    Subscribers,
}

impl Side {
    /// The folder of its patches.
    const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Subscribers => "subscribers",
        }
    }

    /// The folder of its pattern files, relative to the root.
    const fn sources(self) -> &'static str {
        match self {
            Self::Server => "crates/server/src",
            Self::Subscribers => "crates/load-harness/src/subscribers",
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The paths of all files below a folder, relative to `base`.
fn files_below(base: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(base, &path));
        } else {
            found.push(path.strip_prefix(base).unwrap().to_owned());
        }
    }
    found
}

/// All files that cargo needs to build the lab, by their paths relative to the root.
fn lab_files() -> BTreeMap<PathBuf, Vec<u8>> {
    let root = root();
    let mut paths = files_below(&root, &root.join("crates"));
    paths.extend(["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"].map(PathBuf::from));
    paths.into_iter().map(|path| (path.clone(), fs::read(root.join(path)).unwrap())).collect()
}

/// A pattern's file of a side after its patch, and its path relative to the root. The patch is applied in a
/// folder with only this file, so it can change no other.
fn patched(side: Side, pattern: Pattern) -> (PathBuf, Vec<u8>) {
    let name = pattern.slug().replace('-', "_");
    let path = Path::new(side.sources()).join(format!("{name}.rs"));
    let patch = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/exercises")
        .join(side.name())
        .join(format!("{name}.patch"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(&path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::copy(root().join(&path), &file).unwrap();
    let applied = Command::new("git")
        .arg("apply")
        .arg(&patch)
        .current_dir(folder.path())
        // Ignore any repository around the folder: within one, git skips files that it does not track.
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
        .output()
        .expect("git applies the patches");
    assert!(applied.status.success(), "{}: {}", patch.display(), String::from_utf8_lossy(&applied.stderr));
    let after = fs::read(&file).unwrap();
    assert_ne!(after, fs::read(root().join(&path)).unwrap(), "{} changes nothing", patch.display());
    (path, after)
}

/// The same tree with another name for the folder of its crates: cargo distinguishes crates by their paths from
/// the root, and the crates of the tests must keep their own.
fn renamed(files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    let rename = |(path, content): (PathBuf, Vec<u8>)| match path.strip_prefix("crates") {
        Ok(rest) => (Path::new("changed").join(rest), content),
        Err(_) if path == Path::new("Cargo.toml") => {
            let manifest = String::from_utf8(content).unwrap().replace("\"crates/", "\"changed/");
            (path, manifest.into())
        }
        Err(_) => (path, content),
    };
    files.into_iter().map(rename).collect()
}

/// Makes a folder hold exactly these files. A file that is already right is not written, or cargo would compile
/// it again.
fn make(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    fs::create_dir_all(folder).unwrap();
    for path in files_below(folder, folder) {
        if !files.contains_key(&path) {
            fs::remove_file(folder.join(path)).unwrap();
        }
    }
    for (path, content) in files {
        let file = folder.join(path);
        if fs::read(&file).ok().as_ref() != Some(content) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
    }
}

/// The program with all patches of a side, built by the first test that needs it.
fn program(side: Side) -> PathBuf {
    static BUILT: Mutex<BTreeMap<Side, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry(side).or_insert_with(|| build(side)).clone()
}

fn build(side: Side) -> PathBuf {
    let mut files = lab_files();
    files.extend(Pattern::ALL.map(|pattern| patched(side, pattern)));
    let target = Path::new(PUSHLAB).parent().and_then(Path::parent).unwrap();
    let folder = target.join("exercises");
    let tree = folder.join("tree");
    make(&tree, &renamed(files));

    // No measurements while the compiler runs: it would disturb them.
    let _permit = Permit::alone();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--package", "pushlab"]).current_dir(&tree).stdin(Stdio::null());
    // The program goes into a folder of its own, the intermediate files to where the tests were built, because
    // most dependencies are there. A cargo before 1.91 ignores the second and compiles everything again.
    cargo.env("CARGO_TARGET_DIR", folder.join("target")).env("CARGO_BUILD_BUILD_DIR", target);
    // Build scripts of dependencies would mistake cargo's variables about the tests' package for a change.
    for (name, _) in env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = folder.join(format!("pushlab-{}", side.name()));
    fs::copy(folder.join("target/debug/pushlab"), &program).unwrap();
    program
}

/// Starts a trial of a pattern in clear and one in TLS, with this program.
fn start(program: &Path, pattern: Pattern, changes: &[(&str, &str)]) -> (Lab, Running) {
    let lab = Lab::new();
    let (patterns, payload) = (format!("[\"{pattern}\"]"), TEXT_BYTES.to_string());
    for way in WAYS {
        let transport = format!("\"{way}\"");
        let these = [
            ("patterns", patterns.as_str()),
            ("transport", &transport),
            ("payload_bytes", &payload),
            WARM_UP,
        ];
        lab.scenario(way.slug(), &[&these[..], changes].concat());
    }
    let mut command = Command::new(program);
    command.arg("bench").args(WAYS.map(Transport::slug)).current_dir(lab.path(".")).stdin(Stdio::null());
    (lab, Running::start(command))
}

/// What the trials measured. The verdict does not matter here: some exercises show in lost events.
fn finish((lab, running): (Lab, Running)) -> Vec<Measurements> {
    let finished = running.finish();
    let measured: Vec<Measurements> = records(&lab.only_run())
        .iter()
        .filter(|record| record.scenario != "calibration")
        .map(|record| record.measurements().unwrap_or_else(|| panic!("{:?}", record.outcome)).clone())
        .collect();
    assert_eq!(measured.len(), WAYS.len(), "{}", finished.stderr);
    measured
}

/// The trials of the unchanged lab, each with the trial after the exercise, in clear and in TLS. None without
/// `PUSHLAB_TEST_EXERCISES=1`.
fn before_and_after(
    side: Side,
    pattern: Pattern,
    changes: &[(&str, &str)],
) -> Vec<(Transport, Measurements, Measurements)> {
    if env::var_os("PUSHLAB_TEST_EXERCISES").is_none() {
        did_not_run("of the exercises", "they build the lab twice; PUSHLAB_TEST_EXERCISES=1 has them run");
        return Vec::new();
    }
    let program = program(side);
    // Few enough subscribers not to disturb each other.
    let started = [Path::new(PUSHLAB), &program].map(|program| start(program, pattern, changes));
    let [before, after] = started.map(finish);
    WAYS.into_iter().zip(before).zip(after).map(|((way, before), after)| (way, before, after)).collect()
}

fn assert_near(found: f64, expected: usize, tolerance: f64, what: &str) {
    let expected = expected as f64;
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, and not {expected}");
}

/// Without building anything: the patches fit their files.
#[test]
fn every_pattern_file_has_an_exercise_and_a_patch_that_does_it() {
    for side in [Side::Server, Side::Subscribers] {
        for pattern in Pattern::ALL {
            let (path, after) = patched(side, pattern);
            let head = String::from_utf8(after).unwrap();
            assert!(head.contains("\n//! Exercise: "), "{} sets no exercise", path.display());
        }
    }
}

#[test]
fn without_304_an_empty_poll_of_short_polling_costs_a_head_and_a_list() {
    let quiet = [("poll_interval", "\"10ms\""), ("[events]", "arrivals = \"steady\"\nrate_hz = 5.0")];
    for (way, before, after) in before_and_after(Side::Server, Pattern::ShortPolling, &quiet) {
        let sizes = PollSizes::short_polling(Client::Lean);
        let (place, list) = (bytes::cursor(1), sizes.empty_body(bytes::cursor(1)));
        let more = sizes.answer_head(place, list) + list - sizes.empty_answer(place);
        let each = |measured: &Measurements| {
            assert_eq!(measured.delivery.lost, 0, "{way}");
            measured.bytes.empty_polls as f64 / measured.requests.window_empty as f64
        };
        assert_near(each(&after) - each(&before), more, 0.01, way.slug());
    }
}

#[test]
fn a_long_poll_that_waits_for_more_events_needs_fewer_requests_for_older_events() {
    for (way, before, after) in before_and_after(Side::Server, Pattern::LongPolling, &[]) {
        let requests = |measured: &Measurements| {
            assert_eq!(measured.delivery.lost, 0, "{way}");
            measured.requests.window as f64 / measured.window_received as f64
        };
        // Two or three events are due in the 50 ms.
        assert!(requests(&after) < 0.7 * requests(&before), "{way}: {before:?}, {after:?}");
        let age_us = |measured: &Measurements| measured.age.arrived.histogram().unwrap().quantile_us(0.5);
        assert!(age_us(&after) >= age_us(&before) + 10_000, "{way}: {before:?}, {after:?}");
    }
}

#[test]
fn event_stream_without_ids_is_shorter_by_them_and_nobody_knows_its_place() {
    for (way, before, after) in before_and_after(Side::Server, Pattern::Sse, &[]) {
        let framing =
            |measured: &Measurements| measured.bytes.framing() as f64 / measured.window_received as f64;
        let id_line = "id: \n".len() + bytes::cursor(10);
        assert_near(framing(&before) - framing(&after), id_line, SHARED_WRITES, way.slug());
        assert_eq!((before.delivery.lost, before.delivery.duplicated), (0, 0), "{way}");
        assert_eq!(after.delivery.lost, after.delivery.expected, "{way}: {:?}", after.delivery);
        assert!(after.delivery.duplicated > 0, "{way}: all events have the number of the first place");
    }
}

#[test]
fn bare_texts_on_a_websocket_save_the_json_and_are_no_deliveries() {
    for (way, before, after) in before_and_after(Side::Server, Pattern::WebSocket, &[]) {
        let each =
            |measured: &Measurements| measured.bytes.received as f64 / measured.window_deliveries as f64;
        let bare = TEXT_BYTES + 2;
        let saved = EventText::plain(TEXT_BYTES).websocket(bytes::cursor(10)) - bare;
        assert_near(each(&before) - each(&after), saved, SHARED_WRITES, way.slug());
        assert_eq!(before.delivery.lost, 0, "{way}");
        assert_eq!(after.delivery.lost, after.delivery.expected, "{way}: {:?}", after.delivery);
    }
}

#[test]
fn a_poller_without_a_timetable_asks_less_often() {
    let far = [
        ("poll_interval", "\"50ms\""),
        ("[events]", "arrivals = \"steady\"\nrate_hz = 40.0\n[network]\nrtt = \"20ms\""),
    ];
    for (way, before, after) in before_and_after(Side::Subscribers, Pattern::ShortPolling, &far) {
        // The interval no longer contains the round trip: 70 ms from poll to poll.
        let [before, after] = [before, after].map(|measured| measured.requests.window as f64);
        assert!(after < before * 0.8, "{way}: {after} polls, and {before} by the timetable");
    }
}

#[test]
fn two_parked_requests_bring_every_event_twice() {
    for (way, before, after) in before_and_after(Side::Subscribers, Pattern::LongPolling, &[]) {
        assert_eq!((before.delivery.lost, before.delivery.duplicated), (0, 0), "{way}");
        let delivery = after.delivery;
        assert_eq!((delivery.lost, delivery.reordered), (0, 0), "{way}: {delivery:?}");
        assert!(2 * delivery.duplicated > delivery.received, "{way}: {delivery:?}");
    }
}

#[test]
fn an_event_source_that_comes_back_without_its_last_event_id_has_lost_what_came_meanwhile() {
    let cut = [
        ("measure", "\"4500ms\""),
        ("drain", "\"2s\""),
        ("[events]", "arrivals = \"steady\"\nrate_hz = 20.0\n[network]\ncut_after = \"2s\""),
    ];
    for (way, before, after) in before_and_after(Side::Subscribers, Pattern::Sse, &cut) {
        assert!(before.requests.reconnects >= 2, "{way}: {:?}", before.requests);
        assert_eq!(before.delivery.lost, 0, "{way}: {:?}", before.delivery);
        // Twenty events a second, and two subscribers that are disconnected for three seconds.
        assert!(after.delivery.lost >= 100, "{way}: {:?}", after.delivery);
    }
}

#[test]
fn a_pong_for_every_event_is_sent_and_costs_a_frame_each() {
    for (way, before, after) in before_and_after(Side::Subscribers, Pattern::WebSocket, &[]) {
        let each = |measured: &Measurements| {
            assert_eq!(measured.delivery.lost, 0, "{way}");
            measured.bytes.sent as f64 / measured.window_received as f64
        };
        // A TLS record has a header of five bytes, a byte for its type and a tag of sixteen (RFC 8446 §5.2).
        let record = if way.is_encrypted() { 5 + 1 + 16 } else { 0 };
        assert_near(each(&after) - each(&before), bytes::WEBSOCKET_PONG + record, 0.5, way.slug());
    }
}
