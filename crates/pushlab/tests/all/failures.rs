//! Failures around a run: it reports them, keeps its results, and leaves no processes behind.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use contract::{Outcome, TrialRecord};

use crate::lab::{
    Lab, PUSHLAB, files, manifest,
    process::{Running, Serving, is_running, signal},
    read, records, summary, until, until_records,
};

/// A calibration and two trials of SSE: the same scenario with 2 and 3 subscribers.
fn two_trials(lab: &Lab) {
    lab.scenario(
        "two",
        &[("[events]", "arrivals = \"steady\"\nrate_hz = 40.0\n[sweep]\nsubscribers = [2, 3]")],
    );
}

fn completed(record: &TrialRecord) -> bool {
    matches!(record.outcome, Outcome::Completed { .. })
}

fn until_gone(pid: u32) {
    until("the end of the server", || (!is_running(pid)).then_some(()));
}

fn has_report(run: &Path) -> bool {
    ["report.html", "report.md", "summary.json", "summary.csv"].iter().all(|file| run.join(file).is_file())
}

#[test]
fn a_killed_server_fails_its_trial_and_the_next_one_still_runs() {
    let lab = Lab::new();
    two_trials(&lab);
    let bench = Running::start(lab.command(&["bench", "two"]));
    let run = lab.run_with_manifest();
    // Each number of subscribers has a calibration of its own.
    let first = bench.publishing_server(&[]);
    let second = bench.publishing_server(&[first]);
    let server = bench.publishing_server(&[first, second]);
    fs::write(format!("/proc/{server}/fd/2"), "first words\nlast words\n").unwrap();
    signal(server, "KILL");
    let said = bench.finish().exits(1);
    assert!(said.stdout.contains("failed: the server"), "{}", said.stdout);

    let records = records(&run);
    assert_eq!(records.len(), 4, "the trial after the failed one was run");
    assert_eq!(records.iter().map(completed).collect::<Vec<_>>(), [true, true, false, true]);
    let Outcome::Failed { reason, server_stderr_tail } = &records[2].outcome else {
        unreachable!("not completed")
    };
    assert_eq!(server_stderr_tail, &["first words", "last words"]);
    // The process and its control plane end together; the harness may see either first.
    assert!(reason.starts_with("the server"), "{reason}");
    let subscribers = [records[2].params.subscribers, records[3].params.subscribers];
    assert!(subscribers == [2, 3] || subscribers == [3, 2], "both, in the order of the seed");

    assert!(has_report(&run));
    let summary = summary(&run);
    assert_eq!(summary["run"]["verdict"], "failed");
    assert_eq!(
        (&summary["run"]["trials_planned"], &summary["run"]["trials_completed"]),
        (&2.into(), &1.into())
    );
    for page in ["report.html", "report.md"] {
        let text = read(&run.join(page));
        assert!(text.contains(reason.as_str()) && text.contains("last words"), "{page} says why");
    }
}

#[test]
fn ctrl_c_keeps_what_was_measured_and_leaves_no_server_behind() {
    let lab = Lab::new();
    two_trials(&lab);
    let bench = Running::start(lab.command(&["bench", "two"]));
    let run = lab.run_with_manifest();
    let first = bench.publishing_server(&[]);
    let second = bench.publishing_server(&[first]);
    let third = bench.publishing_server(&[first, second]);
    let fourth = bench.publishing_server(&[first, second, third]);
    signal(bench.pid(), "INT");
    let said = bench.finish().exits(130);
    assert!(said.stdout.contains("interrupted"), "{}", said.stdout);
    until_gone(fourth);

    let records = records(&run);
    let whole = records.iter().map(completed).collect::<Vec<_>>();
    assert_eq!(whole, [true, true, true], "two calibrations and a trial; the interrupted one is not");
    assert!(has_report(&run));
    let summary = summary(&run);
    assert_eq!(summary["run"]["verdict"], "interrupted");
    assert_eq!(summary["points"].as_array().unwrap().len(), 1);
    assert!(lab.path("results/latest/report.html").is_file());
}

#[test]
fn ctrl_c_before_the_first_record_leaves_a_report_that_says_so() {
    let lab = Lab::new();
    two_trials(&lab);
    let bench = Running::start(lab.command(&["bench", "two"]));
    let run = lab.run_with_manifest();
    let server = bench.server();
    signal(bench.pid(), "INT");
    bench.finish().exits(130);
    until_gone(server);
    assert_eq!(records(&run).len(), 0);
    assert!(has_report(&run));
    assert_eq!(summary(&run)["run"]["verdict"], "interrupted");
}

#[test]
fn a_server_does_not_outlive_a_killed_bench() {
    let lab = Lab::new();
    two_trials(&lab);
    let bench = Running::start(lab.command(&["bench", "two"]));
    let run = lab.run_with_manifest();
    let server = bench.publishing_server(&[]);
    bench.kill();
    until_gone(server);
    assert_eq!(manifest(&run).name, "two");
    let report = lab.run(&["report", run.to_str().unwrap()]).exits(0);
    assert!(report.stdout.contains("interrupted"), "{}", report.stdout);
}

/// As `cargo build` does during a run: the program's path leads to another file, which could serve no trial.
#[test]
fn a_run_goes_on_with_the_program_it_began_with() {
    let lab = Lab::new();
    two_trials(&lab);
    let program = lab.path("pushlab");
    // A child writes the file: no file can be run while a child of another test holds it open for writing.
    let copied = Command::new("cp").arg(PUSHLAB).arg(&program).status().unwrap();
    assert!(copied.success());
    let mut command = Command::new(&program);
    command.args(["bench", "two"]).current_dir(lab.path(".")).stdin(Stdio::null());
    let bench = Running::start(command);
    let run = lab.run_with_manifest();
    bench.publishing_server(&[]);
    lab.write("rebuilt", "no program at all");
    fs::rename(lab.path("rebuilt"), &program).unwrap();
    bench.finish().exits(0);
    assert_eq!(records(&run).iter().map(completed).collect::<Vec<_>>(), [true; 4]);
}

#[test]
fn too_few_descriptors_are_told_before_anything_starts() {
    let lab = Lab::new();
    lab.scenario("many", &[("subscribers", "1000")]);
    let bench = Running::start(lab.command_after("ulimit -n 300", &["bench", "many"]));
    let words =
        ["1000 subscribers", "1100 file descriptors", "may open 300", "ulimit -n 1100", "at most 200"];
    let finished = bench.finish().exits(1).complains(&words);
    assert_eq!(finished.stdout, "");
    assert!(!lab.path("results").exists());
}

/// A relay holds both ends of each connection.
#[test]
fn too_few_descriptors_for_a_middlebox_are_told_before_anything_starts() {
    let lab = Lab::new();
    let events = ("[events]", "arrivals = \"steady\"\nrate_hz = 40.0\n[network]\nrtt = \"2ms\"");
    lab.scenario("relayed", &[("subscribers", "400"), events]);
    let bench = Running::start(lab.command_after("ulimit -n 700", &["bench", "relayed"]));
    let words = [
        "400 subscribers behind a middlebox",
        "900 file descriptors",
        "may open 700",
        "ulimit -n 900",
        "at most 300",
    ];
    bench.finish().exits(1).complains(&words);
    assert!(!lab.path("results").exists());
    let doctor = Running::start(lab.command_after("ulimit -n 700", &["doctor"])).finish().exits(0).stdout;
    assert!(doctor.contains("the scenario relayed") && doctor.contains("takes 800"), "{doctor}");
}

#[test]
fn results_that_cannot_be_written_are_told() {
    let lab = Lab::new();
    two_trials(&lab);
    lab.write("results", "a file where the folder should be");
    let finished = lab.run(&["bench", "two"]).exits(1).complains(&["results", "cannot be written"]);
    assert_eq!(finished.stdout, "");
    assert_eq!(read(&lab.path("results")), "a file where the folder should be");
}

/// A limit on the size of files simulates a full disk: both make `write` fail half-way. A process that ignores
/// SIGXFSZ gets the error instead of being killed (setrlimit(2)).
const LIMITS_DO_NOT_KILL: &str = "trap '' XFSZ";

#[test]
fn a_disk_that_fills_up_during_a_run_leaves_the_earlier_records_whole() {
    let lab = Lab::new();
    two_trials(&lab);
    let bench = Running::start(lab.command_after(LIMITS_DO_NOT_KILL, &["bench", "two"]));
    let run = lab.run_with_manifest();
    until_records(&run, 1);
    let first = read(&run.join("records.jsonl"));
    let room = format!("--fsize={}", first.len() + 100);
    let limited = Command::new("prlimit").args(["--pid", &bench.pid().to_string(), &room]).status();
    assert!(limited.unwrap().success());
    bench.finish().exits(1).complains(&["a record cannot be written", "is the disk full?", "intact"]);

    assert_eq!(manifest(&run).name, "two");
    let text = read(&run.join("records.jsonl"));
    assert!(text.starts_with(&first) && text.len() == first.len() + 100, "the second record is cut");
    // With free space again, the report can be made from the intact records.
    let report = lab.run(&["report", run.to_str().unwrap()]).exits(0);
    assert!(report.stdout.contains("interrupted"), "{}", report.stdout);
    assert!(read(&run.join("report.md")).contains("line 2 of records.jsonl is cut short"));
}

#[test]
fn a_disk_that_is_full_from_the_start_starts_nothing() {
    let lab = Lab::new();
    two_trials(&lab);
    let bench =
        Running::start(lab.command_after(&format!("{LIMITS_DO_NOT_KILL}; ulimit -f 1"), &["bench", "two"]));
    let finished =
        bench.finish().exits(1).complains(&["manifest.json cannot be written", "is the disk full?"]);
    assert_eq!(finished.stdout, "");
    assert!(lab.runs().is_empty(), "no folder without a manifest: {:?}", lab.runs());
}

#[test]
fn runs_that_begin_in_the_same_second_have_folders_of_their_own() {
    let lab = Lab::new();
    two_trials(&lab);
    let benches: Vec<Running> = (0..4).map(|_| Running::start(lab.command(&["bench", "two"]))).collect();
    // Its server runs, so its folder is there.
    for bench in &benches {
        bench.server();
    }
    let runs = lab.runs();
    assert_eq!(runs.len(), benches.len(), "{runs:?}");
    for run in runs {
        assert_eq!(manifest(&run).name, "two");
        assert_eq!(files(&run), ["manifest.json", "records.jsonl"]);
    }
}

/// As with `pushlab bench | head -1`, or a terminal that is closed.
#[test]
fn a_run_outlives_the_reader_of_its_output() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    let mut bench = Running::start(lab.command(&["bench", "one"]));
    let mut line = String::new();
    // This statement drops the reader, so all further writes fail.
    BufReader::new(bench.take_stdout()).read_line(&mut line).unwrap();
    assert!(line.contains("calibration"), "{line}");
    let finished = bench.finish().complains(&[]);
    assert_ne!(finished.code, Some(101), "it panicked");
    let run = lab.only_run();
    assert_eq!(records(&run).len(), 2);
    assert!(has_report(&run));
}

#[test]
fn a_report_that_cannot_be_written_leaves_the_old_one_whole() {
    let lab = Lab::new();
    two_trials(&lab);
    let bench = Running::start(lab.command(&["bench", "two"]));
    let run = lab.run_with_manifest();
    bench.server();
    signal(bench.pid(), "INT");
    bench.finish().exits(130);
    let before = read(&run.join("report.html"));
    assert!(before.len() > 2_048, "longer than the limit");
    let report =
        lab.command_after(&format!("{LIMITS_DO_NOT_KILL}; ulimit -f 4"), &["report", run.to_str().unwrap()]);
    Running::start(report).finish().exits(1).complains(&["report.html cannot be written", "disk full?"]);
    assert!(read(&run.join("report.html")) == before);
    assert!(!files(&run).iter().any(|file| file.ends_with(".draft")));
}

#[test]
fn a_taken_port_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let lab = Lab::new();
    for (plane, other) in [("data", "control"), ("control", "data")] {
        let (ours, free) = (format!("--{plane}={address}"), format!("--{other}=127.0.0.1:0"));
        let words = [address.as_str(), &format!("the {plane} plane"), "port taken", "port 0"];
        let finished = lab.run(&["serve", &ours, &free]).exits(1).complains(&words);
        assert_eq!(finished.stdout, "", "no announcement without a server");
    }
    let open = ["serve", "--data=127.0.0.1:0", "--control=0.0.0.0:0"];
    lab.run(&open).exits(1).complains(&["0.0.0.0:0", "loopback"]);
}

/// The answer shows that the server runs, and so that it handles signals.
fn serving(options: &[&str]) -> Serving {
    let serving = Serving::start(options);
    serving.publish("hello");
    assert_eq!(serving.announcement.pid, serving.pid());
    assert!(serving.announcement.control.ip().is_loopback());
    serving.announcement.epoch().unwrap();
    serving
}

#[test]
fn a_server_ends_cleanly_when_it_is_told_to() {
    for name in ["TERM", "INT"] {
        let serving = serving(&[]);
        signal(serving.pid(), name);
        assert_eq!(serving.end(), (Some(0), String::new()), "{name}; one line was all it wrote");
    }
}

/// A reader of the announcement may end the server at once, so the server must handle signals before it
/// announces itself. Several servers, because one may win the race by luck.
#[test]
fn a_server_ends_cleanly_as_soon_as_it_has_announced_itself() {
    let lab = Lab::new();
    for _ in 0..10 {
        let mut server = Running::start(lab.command(&["serve", "--data", "127.0.0.1:0"]));
        let announced = server.take_stdout();
        // `read` and `kill` are built into the shell, so no process has to start in between.
        let mut shell = Command::new("sh");
        shell.args(["-c", "read -r line && kill -s TERM \"$0\"", &server.pid().to_string()]);
        assert!(shell.stdin(announced).status().unwrap().success());
        server.finish().exits(0);
    }
}

#[test]
fn a_server_ends_cleanly_when_its_stdin_closes_and_only_if_asked_to() {
    let mut asked = serving(&["--until-stdin-closes"]);
    let mut not_asked = serving(&[]);
    // Writing to its stdin does not end it.
    asked.stdin.as_mut().unwrap().write_all(b"still here\n").unwrap();
    asked.publish("still there");
    asked.stdin = None;
    not_asked.stdin = None;
    assert_eq!(asked.end(), (Some(0), String::new()));
    not_asked.publish("still there");
    assert!(is_running(not_asked.pid()));
}

#[test]
fn a_server_that_ends_tells_its_subscribers() {
    let mut serving = serving(&["--until-stdin-closes"]);
    let ask = |target: &str| {
        let mut stream = serving.connect();
        write!(stream, "GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        stream
    };
    let mut held = ask(&format!("/long-polling?after={}.1&hold=55", serving.announcement.epoch));
    let mut stream = ask("/sse");
    until("both subscribers", || (serving.stats().waiting == 2).then_some(()));
    serving.stdin = None;
    let mut text = String::new();
    held.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 204 "), "{text}");
    stream.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("\r\n0\r\n\r\n"), "the stream has an end: {text}");
    assert_eq!(serving.end(), (Some(0), String::new()));
}
