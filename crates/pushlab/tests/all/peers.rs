//! Other servers, driven by the same harness: one that this test brings itself, with known faults, and the
//! servers of the shipped targets.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use contract::{Measurements, Outcome, Pattern, TrialRecord};

use crate::lab::{
    Lab, did_not_run, manifest,
    process::{Running, is_running},
    read, records, summary, until,
};

/// Makes this test's own program a server; its value is the port.
const PORT: &str = "PUSHLAB_TEST_TARGET_PORT";
/// Loses one of this many events; 0 loses none.
const LOSES: &str = "PUSHLAB_TEST_TARGET_LOSES";
/// The event at which its child ends; 0 if it has none.
const CHILD_UNTIL: &str = "PUSHLAB_TEST_TARGET_CHILD_UNTIL";
/// A variable of the caller's environment that no server may get.
const OF_THE_CALLER: &str = "PUSHLAB_TEST_OF_THE_CALLER";
/// The file for its process id.
const PID_FILE: &str = "PUSHLAB_TEST_TARGET_PID";

/// Its target.
const TARGET: &str = "scenarios/targets/tiny/target.toml";

/// The events of the server below.
#[derive(Default)]
struct Events {
    texts: Mutex<Vec<String>>,
    more: Condvar,
}

/// Not a test but the server: a thread per connection, with the standard library alone.
#[test]
#[ignore = "it is the server of the other tests, which start it"]
fn serve_as_a_target() {
    let Ok(port) = env::var(PORT) else { return };
    fs::write(env::var(PID_FILE).unwrap(), std::process::id().to_string()).unwrap();
    assert_eq!(env::var_os(OF_THE_CALLER), None);
    let number = |name: &str| env::var(name).unwrap().parse::<usize>().unwrap();
    let (loses, child_until) = (number(LOSES), number(CHILD_UNTIL));
    let child = (child_until > 0).then(|| Command::new("sleep").arg("1000").spawn().unwrap());
    let child = Arc::new(Mutex::new((child, child_until)));
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let events = Arc::new(Events::default());
    for stream in listener.incoming() {
        let (events, child) = (Arc::clone(&events), Arc::clone(&child));
        // A client that disconnects ends its thread with an error that does not matter.
        thread::spawn(move || drop(answer(&mut stream.unwrap(), &events, loses, &child)));
    }
}

fn answer(
    stream: &mut TcpStream,
    events: &Events,
    loses: usize,
    child: &Mutex<(Option<Child>, usize)>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            lines.push(line.to_lowercase());
        }
        let target = lines[0].split(' ').nth(1).unwrap_or_default().to_owned();
        if target == "/publish" {
            let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.trim().parse().unwrap()];
            reader.read_exact(&mut body)?;
            events.texts.lock().unwrap().push(String::from_utf8(body).unwrap());
            events.more.notify_all();
            if let (Some(child), until) = &mut *child.lock().unwrap()
                && events.texts.lock().unwrap().len() == *until
            {
                child.kill()?;
                child.wait()?;
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        } else if target == "/stream" {
            let mut next = events.texts.lock().unwrap().len();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")?;
            loop {
                let known = events.texts.lock().unwrap();
                let text = events.more.wait_while(known, |known| known.len() <= next).unwrap()[next].clone();
                next += 1;
                if loses == 0 || !next.is_multiple_of(loses) {
                    stream.write_all(format!("data: {text}\n\n").as_bytes())?;
                }
            }
        } else {
            let known = events.texts.lock().unwrap().clone();
            let after = target.split_once("after=").map_or(known.len(), |(_, after)| after.parse().unwrap());
            let answer = serde_json::json!({ "texts": known[after..], "place": known.len() }).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
            stream.write_all(format!("{head}{answer}").as_bytes())?;
        }
    }
}

/// A lab with a target `tiny`, which is the server above, and a scenario that drives it beside ours.
fn lab(check: &str, loses: u32, changes: &[(&str, &str)]) -> Lab {
    let lab = Lab::new();
    fs::create_dir_all(lab.path("scenarios/targets/tiny")).unwrap();
    let program = env::current_exe().unwrap();
    let pid_file = lab.path("pid");
    lab.write(
        TARGET,
        &format!(
            "name = \"tiny\"\ntitle = \"a tiny server\"\n[install]\ncheck = [{check:?}]\nversion = [\"echo\", \"tiny 1\"]\n\
             commands = []\notherwise = \"bring it along\"\n[start]\n\
             command = [{program:?}, \"--exact\", \"peers::serve_as_a_target\", \"--ignored\", \"--nocapture\"]\n\
             environment = {{ {PORT} = \"{{data_port}}\", {LOSES} = \"{loses}\", {CHILD_UNTIL} = \"0\", {PID_FILE} = {pid_file:?} }}\n\
             ready = \"port\"\n[publish]\npath = \"/publish\"\n[patterns.sse]\nfirst = \"/stream\"\n\
             [patterns.short-polling]\nfirst = \"/now\"\nnext = \"/now?after={{after}}\"\n\
             cursor = {{ json = \"place\" }}\nevents = {{ json = \"texts\" }}\n"
        ),
    );
    let mut all = vec![("servers", "[\"pushlab\", \"tiny\"]"), ("publisher", "\"harness\"")];
    all.extend(changes);
    lab.scenario("beside", &all);
    lab
}

/// The judged records by server and pattern.
fn judged(run: &Path) -> BTreeMap<(String, Pattern), TrialRecord> {
    let judged = records(run).into_iter().filter(|record| record.scenario != "calibration");
    judged.map(|record| ((record.server.to_string(), record.pattern), record)).collect()
}

fn measured(record: &TrialRecord) -> &Measurements {
    record.measurements().unwrap_or_else(|| panic!("{} failed: {:?}", record.server, record.outcome))
}

#[test]
fn a_foreign_server_is_measured_beside_ours() {
    let patterns = ("patterns", "[\"short-polling\", \"sse\"]");
    let lab = lab("true", 0, &[patterns, ("subscribers", "5")]);
    // The check of the installation runs in the same environment as the server.
    let check = format!("check = [\"sh\", \"-c\", \"test -z ${OF_THE_CALLER}\"]");
    lab.write(TARGET, &read(&lab.path(TARGET)).replace("check = [\"true\"]", &check));
    let mut bench = lab.command(&["bench", "beside"]);
    bench.env(OF_THE_CALLER, "1");
    Running::start(bench).finish().exits(0);
    let run = lab.only_run();
    let records = judged(&run);
    assert_eq!(records.len(), 4);
    for ((server, pattern), record) in &records {
        let (of, what) = (measured(record), format!("{server} {pattern}"));
        assert_eq!((of.delivery.received, of.delivery.lost), (of.delivery.expected, 0), "{what}");
        assert_eq!((of.delivery.duplicated, of.delivery.foreign), (0, 0), "{what}");
        assert_eq!(of.window_deliveries, 40 * 5, "{what}");
        assert_eq!((of.publisher.published, of.publisher.refused), (of.publisher.planned, 0), "{what}");
        assert!(of.cpu.server_us > 0.0 && of.cpu.publisher_us > 0.0, "{what}: {:?}", of.cpu);
        assert_eq!(of.sockets_held, 5.0, "{what}");
        assert_eq!((of.requests.failed, of.requests.reconnects), (0, 0), "{what}");
        if let Some(kernel) = of.kernel_life {
            assert_eq!(kernel.bytes(), of.bytes_life.total(), "{what}");
        }
        if server == "pushlab" {
            // The publisher's connection to the same port is in neither ledger.
            assert_eq!(of.server_requests_life, Some(of.requests.life), "{what}");
            assert_eq!(
                of.server_bytes_life.map(contract::BothWays::total),
                Some(of.bytes_life.total()),
                "{what}"
            );
        } else {
            assert_eq!((of.server_requests_life, of.server_bytes_life), (None, None), "{what}");
            assert_eq!(record.calibration, None, "it was ours that was calibrated");
        }
    }
    let targets = manifest(&run).targets;
    assert_eq!((targets.len(), targets[0].version.as_deref()), (1, Some("tiny 1")));
}

#[test]
fn what_a_foreign_server_loses_is_counted_by_the_dues_that_never_came() {
    let lab = lab("true", 10, &[("patterns", "[\"sse\"]")]);
    lab.run(&["bench", "beside"]).exits(4);
    let records = judged(&lab.only_run());
    let of = measured(&records[&("tiny".to_owned(), Pattern::Sse)]);
    // 48 events, the first of them the second event of the server; one of ten reaches no subscriber.
    assert_eq!((of.publisher.planned, of.delivery.expected), (48, 96));
    assert_eq!((of.delivery.lost, of.delivery.received), (2 * 4, 96 - 2 * 4));
    let ours = measured(&records[&("pushlab".to_owned(), Pattern::Sse)]);
    assert_eq!(ours.delivery.lost, 0);
}

#[test]
fn a_server_that_is_not_installed_fails_its_trials_and_no_others() {
    let lab = lab("false", 0, &[]);
    let said = lab.run(&["bench", "beside"]).exits(1);
    let run = lab.only_run();
    let words = "tiny is not installed (`false` ended with exit status: 1: ); bring it along";
    assert!(said.stdout.contains(&format!("not measured: {words}")), "{}", said.stdout);
    let records = judged(&run);
    assert_eq!(measured(&records[&("pushlab".to_owned(), Pattern::Sse)]).delivery.lost, 0);
    let Outcome::Failed { reason, .. } = &records[&("tiny".to_owned(), Pattern::Sse)].outcome else {
        panic!("it cannot have run");
    };
    assert_eq!(reason, words);
    assert_eq!(manifest(&run).targets[0].problem.as_deref(), Some(words));
    assert_eq!(summary(&run)["run"]["verdict"], "failed");
    for page in ["report.html", "report.md"] {
        assert!(read(&run.join(page)).contains("bring it along"), "{page}");
    }
}

/// The reason and the stderr output of the trial that failed.
fn failed(lab: &Lab) -> (String, Vec<String>) {
    lab.run(&["bench", "beside"]).exits(1);
    let records = judged(&lab.only_run());
    match &records[&("tiny".to_owned(), Pattern::Sse)].outcome {
        Outcome::Failed { reason, server_stderr_tail } => (reason.clone(), server_stderr_tail.clone()),
        Outcome::Completed { .. } | Outcome::BrowserRun { .. } | Outcome::NotRun { .. } => {
            panic!("it cannot have ended well")
        }
    }
}

#[test]
fn a_server_that_takes_no_event_is_told_with_what_to_check_and_its_last_words() {
    let lab = lab("true", 0, &[("servers", "[\"tiny\"]")]);
    let deaf = "command = [\"sh\", \"-c\", \"echo nobody listens >&2; echo ready; exec sleep 1000\"]";
    let target = read(&lab.path(TARGET)).replace("ready = \"port\"", "ready = \"line\"");
    let lines = target.lines().map(|line| if line.starts_with("command = ") { deaf } else { line });
    lab.write(TARGET, &lines.collect::<Vec<_>>().join("\n"));
    let (reason, stderr_tail) = failed(&lab);
    assert_eq!(stderr_tail, ["nobody listens"]);
    for word in
        ["`sh -c echo", "first event", "POST /publish", "listens on port ", "its stderr: nobody listens"]
    {
        assert!(reason.contains(word), "{word}: {reason}");
    }
}

#[test]
fn a_trial_whose_server_loses_a_process_fails() {
    let lab = lab("true", 0, &[("servers", "[\"tiny\"]")]);
    // Of 48 events the last 40 are due in the window.
    let none = format!("{CHILD_UNTIL} = \"0\"");
    let target = read(&lab.path(TARGET)).replace(&none, &format!("{CHILD_UNTIL} = \"30\""));
    lab.write(TARGET, &target);
    let (reason, _) = failed(&lab);
    assert!(reason.starts_with("a process of the server ended during the window (process "), "{reason}");
}

#[test]
fn what_cannot_be_asked_of_a_foreign_server_is_refused_before_anything_starts() {
    let unknown = lab("true", 0, &[("servers", "[\"pushlab\", \"tinny\"]")]);
    let refused = unknown.run(&["bench", "beside"]).exits(2);
    refused.complains(&["tinny", "known servers: pushlab, floor, tiny"]);
    let twins = "arrivals = \"bursts\"\nburst_events = 2\nevent_spacing = \"0ms\"\nburst_every = \"200ms\"";
    let bursts = lab("true", 0, &[("[events]", twins)]);
    bursts.run(&["bench", "beside"]).exits(2).complains(&["two events are due", "identified by their due"]);
    let broken = lab("true", 0, &[]);
    broken.write(TARGET, "name = \"tiny\"\nport = 1\n");
    broken.run(&["bench", "beside"]).exits(2).complains(&["tiny/target.toml", "port"]);
    for lab in [unknown, bursts, broken] {
        assert!(lab.runs().is_empty());
    }
}

#[test]
fn a_foreign_server_does_not_outlive_a_harness_that_is_killed() {
    let lab = lab("true", 0, &[("servers", "[\"tiny\"]"), ("measure", "\"60s\"")]);
    let bench = Running::start(lab.command(&["bench", "beside"]));
    let pid = until("the server", || fs::read_to_string(lab.path("pid")).ok()?.parse().ok());
    assert!(is_running(pid));
    bench.kill();
    until("the end of the server", || (!is_running(pid)).then_some(()));
}

/// Drives every shipped target with every pattern. With `PUSHLAB_TEST_TARGETS=all` missing targets are
/// installed, and each must then be there; otherwise missing ones do not run, and the last line of `just test`
/// says so.
#[test]
fn the_shipped_targets_deliver_everything_once_and_in_order() {
    let lab = Lab::new();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/targets");
    let mut names = Vec::new();
    for folder in fs::read_dir(shipped).unwrap().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let copy = lab.path("scenarios/targets").join(&name);
        fs::create_dir_all(&copy).unwrap();
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
        }
        names.push(name);
    }
    let servers = format!("{names:?}");
    let changes = [
        ("servers", servers.as_str()),
        ("publisher", "\"harness\""),
        ("patterns", "[\"short-polling\", \"long-polling\", \"sse\", \"websocket\"]"),
        ("subscribers", "5"),
        ("hold", "\"1s\""),
        // Some of the polls between two events find nothing, and one hold ends before an event.
        ("drain", "\"2s\""),
        ("[events]", "arrivals = \"poisson\"\nrate_hz = 20.0"),
    ];
    lab.scenario("shipped", &changes);
    let all = env::var("PUSHLAB_TEST_TARGETS").is_ok_and(|which| which == "all");
    let mut arguments = vec!["bench", "shipped"];
    arguments.extend(all.then_some("--install-targets"));
    let said = Running::start(lab.command(&arguments)).finish();
    let run = lab.only_run();
    let absent: Vec<String> = manifest(&run)
        .targets
        .into_iter()
        .filter(|target| target.problem.is_some())
        .map(|target| target.name.to_string())
        .collect();
    assert!(!all || absent.is_empty(), "{}\n{}", said.stdout, said.stderr);
    for name in &absent {
        did_not_run(&format!("of the server {name}"), "not installed; PUSHLAB_TEST_TARGETS=all installs it");
    }
    let records = judged(&run);
    assert_eq!(records.len(), names.len() * Pattern::ALL.len());
    for ((server, pattern), record) in records.iter().filter(|((server, _), _)| !absent.contains(server)) {
        let (of, what) = (measured(record), format!("{server} {pattern}"));
        let delivery = of.delivery;
        assert!(delivery.expected > 0);
        assert_eq!((delivery.received, delivery.lost), (delivery.expected, 0), "{what}");
        assert_eq!((delivery.duplicated, delivery.reordered, delivery.foreign), (0, 0, 0), "{what}");
        assert_eq!((of.requests.failed, of.publisher.refused), (0, 0), "{what}: {:?}", of.warnings);
        assert_eq!(of.sockets_held, 5.0, "{what}");
    }
}
