//! Arguments and scenarios are checked before anything starts: exit 2, and a message with the file, the key
//! and the allowed values. Unreadable files of a run are exit 1.

use contract::{
    Arrivals, Calibration, Environment, Manifest, Outcome, Params, Pattern, RECORD_SCHEMA, Scenario,
    TrialRecord,
};

use crate::lab::{
    Lab,
    process::{Finished, Running},
    read, scenario, summary,
};

/// Runs `bench` on a scenario, which must be refused before anything starts.
fn refused(lab: &Lab, arguments: &[&str]) -> Finished {
    let finished = lab.run(arguments).exits(2);
    assert_eq!(finished.stdout, "", "nothing is announced");
    assert!(!lab.path("results").exists(), "no results folder is made");
    finished
}

#[test]
fn an_absurd_scenario_is_refused_with_file_key_and_what_is_allowed() {
    let lab = Lab::new();
    /// Changed lines, and texts of the message.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 8] = [
        (&[("subscriber", "3")], &["unknown field `subscriber`", "`subscribers`", "line 13"]),
        (&[("subscribers", "0")], &["`subscribers` is 0", "1 to 18000"]),
        (&[("subscribers", "-1")], &["-1", "line 6"]),
        (&[("measure", "2")], &["line 10", "with its unit in quotes", "\"15s\""]),
        (&[("hold", "\"56s\"")], &["`hold` is 56s", "100ms to 55s"]),
        (&[("name", "\"other\"")], &["`name` is other", "the file's name"]),
        (&[("patterns", r#"["polling"]"#)], &["polling", "`short-polling`", "`sse`"]),
        (&[("[events]", "arrivals = \"never\"")], &["never", "`steady`", "`silence`"]),
    ];
    for (changes, words) in cases {
        lab.scenario("absurd", changes);
        for subcommand in ["bench", "predict"] {
            refused(&lab, &[subcommand, "absurd"]).complains(words).complains(&["scenarios/absurd.toml: "]);
        }
        lab.write("absurd.toml", &scenario("absurd", changes));
        refused(&lab, &["bench", "absurd.toml"]).complains(words);
    }
    lab.write("scenarios/absurd.toml", "name = ");
    refused(&lab, &["bench", "absurd"]).complains(&["scenarios/absurd.toml: ", "line 1"]);
    refused(&lab, &["bench"]).complains(&["scenarios/absurd.toml: "]);
    refused(&lab, &["bench", "--all"]).complains(&["scenarios/absurd.toml: "]);
}

#[test]
fn a_misspelt_scenario_gets_the_nearest_name() {
    let lab = Lab::new();
    lab.scenario("stock-ticker", &[]);
    lab.scenario("rtt", &[]);
    let hint = "did you mean `stock-ticker`?";
    refused(&lab, &["bench", "stok-ticker"]).complains(&["`stok-ticker`", hint, "--list", "all 2"]);
    refused(&lab, &["bench", "STOCK-TICKER"]).complains(&["`STOCK-TICKER`", hint]);
    refused(&lab, &["predict", "qqq"]).complains(&["there is no scenario `qqq`: `just bench --list`"]);
    // One that is known does not start because the other is not.
    refused(&lab, &["bench", "rtt", "three"]).complains(&["`three`"]);
    refused(&lab, &["bench", "elsewhere.toml"]).complains(&["elsewhere.toml cannot be read"]);
}

#[test]
fn the_list_has_every_scenario_with_its_length_and_question() {
    let lab = Lab::new();
    lab.scenario("quick", &[]);
    lab.scenario("slow", &[("measure", "\"61s\""), ("blocks", "2")]);
    let listed = lab.run(&["bench", "--list"]).exits(0);
    let line = |name: &str| {
        let line = listed.stdout.lines().find(|line| line.trim_start().starts_with(name));
        line.unwrap_or_else(|| panic!("{name}: {}", listed.stdout)).to_owned()
    };
    // A calibration and a trial: 0.2 + 1 + 0.5 s each, and the time to connect.
    assert!(line("quick").contains(" 0:04 ") && line("quick").contains("Does it work?"), "{}", line("quick"));
    assert!(line("slow").contains(" 2:0"), "{}", line("slow"));
    assert!(listed.stdout.lines().all(|line| line.chars().count() <= 80), "{}", listed.stdout);
    assert!(lab.runs().is_empty());
}

#[test]
fn a_scenario_cannot_take_a_reserved_name() {
    let lab = Lab::new();
    lab.scenario("calibration", &[]);
    refused(&lab, &["predict", "calibration"]).complains(&["scenarios/calibration.toml: ", "`name`"]);
    let lab = Lab::new();
    lab.scenario("claims", &[]);
    let words = ["`claims` is the file of claims, not a scenario"];
    refused(&lab, &["predict", "claims"]).complains(&words);
    let words = ["`scenarios/claims.toml` is the file of claims, not a scenario"];
    refused(&lab, &["predict", "scenarios/claims.toml"]).complains(&words);
}

#[test]
fn claims_that_fit_no_scenario_are_refused_before_anything_is_measured() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    let claim = |lines: &str| format!("[[claim]]\nid = \"K01\"\nclaim = \"It is so.\"\n{lines}\n");
    let sentences = "holds = \"Yes.\"\nwrong = \"No.\"";
    for (text, words) in [
        (claim("open = 1"), ["scenarios/claims.toml: ", "line 4"]),
        (claim(""), ["scenarios/claims.toml, line 1: claim K01: ", "`open` is absent"]),
        (
            claim(&format!("conditions = [\"two: lost == 0\"]\n{sentences}")),
            ["scenarios/claims.toml: claim K01: ", "there is no scenario `two`; these are: one"],
        ),
        (
            claim(&format!("conditions = [\"one: sse.speed > 0\"]\n{sentences}")),
            ["scenarios/claims.toml: claim K01: ", "`speed` is not a quantity"],
        ),
    ] {
        lab.write("scenarios/claims.toml", &text);
        refused(&lab, &["bench", "one"]).complains(&words);
    }
    std::fs::write(lab.path("scenarios/claims.toml"), b"\xff").unwrap();
    refused(&lab, &["bench", "one"]).complains(&["scenarios/claims.toml: not UTF-8 after 0 bytes"]);
}

#[test]
fn a_replay_needs_its_file_and_the_file_its_form() {
    let lab = Lab::new();
    lab.scenario("replay", &[("[events]", "arrivals = \"replay\"\nfile = \"ticks.csv\"")]);
    let no_file = ["scenarios/replay.toml: ", "`events.file`", "scenarios/ticks.csv cannot be read"];
    refused(&lab, &["bench", "replay"]).complains(&no_file);
    for (csv, words) in [
        ("offset_ms,type,data\n1,,a\n0,,b\n", ["line 3", "offset_ms falls"]),
        ("offset_ms,type,data\n1,,a\nsoon,,b\n", ["line 3", "`soon`"]),
        ("offset_ms,type,data\n1,message,a\n", ["line 2", "`message`"]),
        ("offset_ms,type,data\n1,,a\n2,,b,c\n", ["line: 3", "4 fields"]),
        ("offset_ms,data\n1,a\n", ["line 1", "offset_ms,type,data"]),
        ("", ["line 1", "offset_ms,type,data"]),
        ("offset_ms,type,data\n99999,,a\n", ["no event", "schedule"]),
    ] {
        lab.write("scenarios/ticks.csv", csv);
        refused(&lab, &["bench", "replay"]).complains(&["ticks.csv: "]).complains(&words);
        refused(&lab, &["predict", "replay"]).complains(&words);
    }
}

#[test]
fn an_unreadable_folder_of_scenarios_is_named_with_the_way_out() {
    let lab = Lab::new();
    let nowhere: [&[&str]; 4] = [&["bench"], &["bench", "--all"], &["bench", "x"], &["predict", "x"]];
    for arguments in nowhere {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--scenarios", "nowhere"]).collect();
        refused(&lab, &arguments).complains(&["nowhere", "--scenarios"]);
    }
    // A folder in which no scenario has a default part.
    lab.scenario("one", &[]);
    refused(&lab, &["bench"]).complains(&["[default_run]", "--all"]);
}

#[test]
fn what_the_command_line_does_not_know_is_told() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    refused(&lab, &["measure"]).complains(&["'measure'", "--help"]);
    refused(&lab, &[]).complains(&["Usage: pushlab <COMMAND>"]);
    refused(&lab, &["bench", "one", "--fast"]).complains(&["'--fast'"]);
    refused(&lab, &["bench", "one", "--all"]).complains(&["'--all'"]);
    refused(&lab, &["bench", "one", "--seed", "lucky"]).complains(&["'lucky'", "--seed"]);
    refused(&lab, &["predict"]).complains(&["<SCENARIO>"]);
    let served: [(&[&str], &[&str]); 15] = [
        (&["--pattern", "polling"], &["`polling`", "short-polling, long-polling, sse or websocket"]),
        (&["--heartbeat", "5"], &["'5'", "a time such as 15s"]),
        (&["--heartbeat", "50ms"], &["at least 100ms"]),
        (&["--heartbeat", "idle"], &["`idle 15s`"]),
        (&["--transport", "h2c"], &["`h2c`", "http1, http1-tls or http2"]),
        (&["--max-streams", "0"], &["'0'", "--max-streams"]),
        (&["--make-certificate", "revoked"], &["`revoked`", "expired or other-host"]),
        (&["--make-certificate", "expired"], &["over TLS only", "--transport http1-tls"]),
        (&["--certificate", "a.pem", "--key", "a.key"], &["over TLS only", "--transport http1-tls"]),
        (&["--transport", "http2", "--certificate", "a.pem"], &["--key"]),
        (&["--transport", "http2", "--key", "a.key"], &["--certificate"]),
        (
            &["--transport", "http2", "--certificate", "a", "--key", "b", "--make-certificate", "expired"],
            &["cannot be used with"],
        ),
        (&["--data", "8080"], &["'8080'", "--data"]),
        (&["--keep-events", "0"], &["'0'", "--keep-events"]),
        (&["--tcp-maxseg", "1"], &["536..=65483"]),
    ];
    for (options, words) in served {
        let arguments: Vec<&str> = ["serve"].into_iter().chain(options.iter().copied()).collect();
        refused(&lab, &arguments).complains(words);
    }
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let lab = Lab::new();
    lab.write("broken.pem", "nothing of the kind");
    let tls = ["--transport", "http2", "--certificate"];
    for (options, words) in [
        (&["--floor", "--pattern", "sse", "--transport", "http2"][..], ["floor", "http1 only"]),
        (&[&tls[..], &["missing.pem", "--key", "missing.key"]].concat(), ["missing.pem", "cannot be read"]),
        (
            &[&tls[..], &["broken.pem", "--key", "broken.pem"]].concat(),
            ["broken.pem", "no certificate in it"],
        ),
    ] {
        let arguments: Vec<&str> =
            ["serve", "--data", "127.0.0.1:0"].into_iter().chain(options.iter().copied()).collect();
        let finished = lab.run(&arguments).exits(1).complains(&words);
        assert_eq!(finished.stdout, "", "nothing is announced");
    }
}

#[test]
fn help_explains_each_subcommand() {
    let lab = Lab::new();
    for (arguments, words) in [
        (&["--help"][..], ["bench", "predict", "report", "serve"]),
        // Scripts rely on the exit codes, so the help must list them.
        (&["bench", "--help"], ["four minutes", "Exit codes", "130", "--seed"]),
        (&["predict", "--help"], ["<SCENARIO>", "taken as zero", "calibrates", "--scenarios"]),
        (&["report", "--help"], ["[DIR]", "results/latest", "manifest", "records"]),
        (&["bench", "--help"], ["--claims <IDS>", "K03,K09", "`all` for every claim", "claims.toml"]),
        (
            &["claims", "--help"],
            ["[RUN]", "results/reference", "--verdict <VERDICTS>", "with their evidence"],
        ),
        (&["middlebox", "--help"], ["pushlab serve", "one line of JSON", "--rtt", "4096,500ms"]),
        (&["doctor", "--help"], ["this machine", "few seconds", "Exits with 1 only", "--scenarios"]),
        (&["serve", "--help"], ["one line of JSON", "curl", "--until-stdin-closes", "127.0.0.1:8080"]),
        (&["serve", "--help"], ["--transport http2", "curl -k --http2", "idle 15s", "--max-streams"]),
    ] {
        let help = lab.run(arguments).exits(0).stdout;
        let flowing = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(flowing.contains(word), "`{word}` is missing in the help of {arguments:?}: {help}");
        }
    }
}

/// The figures depend on the machine, but every check must be there with its meaning.
#[test]
fn the_doctor_tells_what_it_found_and_what_it_means() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    let said = lab.run(&["doctor"]).exits(0).stdout;
    let flowing = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["cores", "file descriptors", "timers", "clock", "loopback", "middlebox", "swap", "Chromium"]
    {
        assert!(flowing.contains(word), "`{word}` is missing in: {said}");
    }
    assert!(flowing.contains("the lab can run here"), "{said}");
    // Too few descriptors even for a calibration.
    let said = Running::start(lab.command_after("ulimit -n 200", &["doctor"])).finish().exits(1).stdout;
    let flowing = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("the lab cannot run here") && flowing.contains("`ulimit -n 4096`"), "{said}");
}

#[test]
fn the_doctor_tells_a_scenario_that_cannot_be_read_and_a_variable_that_names_no_program() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    lab.scenario("two", &[("subscribers", "\"many\"")]);
    let mut command = lab.command(&["doctor"]);
    command.env("PUSHLAB_CHROMIUM", "/no/such/browser");
    let said = Running::start(command).finish().exits(0).stdout;
    let flowing = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["two.toml", "/no/such/browser", "correct the variable"] {
        assert!(flowing.contains(words), "`{words}` is missing in: {said}");
    }
    assert!(!flowing.contains("there are none"), "{said}");
}

#[test]
fn the_doctor_gives_a_missing_server_one_line() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    std::fs::create_dir_all(lab.path("scenarios/targets/demo")).unwrap();
    let check = "[\"sh\", \"-c\", \"seq 9 >&2; exit 1\"]";
    lab.write(
        "scenarios/targets/demo/target.toml",
        &format!(
            "name = \"demo\"\ntitle = \"a demo\"\n[install]\ncheck = {check}\nversion = {check}\ncommands = []\n\
             otherwise = \"get it by hand\"\n[start]\ncommand = [\"true\"]\nready = \"port\"\n[publish]\npath = \"/\"\n\
             [patterns.sse]\nfirst = \"/\"\n"
        ),
    );
    let mut command = lab.command(&["doctor"]);
    command.env("XDG_CACHE_HOME", lab.path("cache"));
    let said = Running::start(command).finish().exits(0).stdout;
    let rest = said.split("demo: not installed").nth(1).and_then(|rest| rest.split("\n\n").next());
    let words: Vec<&str> = rest.unwrap_or_default().split_whitespace().collect();
    assert_eq!(words.join(" "), "`just peers` installs it", "{said}");
}

#[test]
fn nothing_is_installed_while_a_variable_names_no_program() {
    let lab = Lab::new();
    let mut command = lab.command(&["setup-browser"]);
    // This path has no program that could install anything.
    command.env("PUSHLAB_CHROMIUM", "/no/such/browser").env("PATH", lab.path("."));
    let finished = Running::start(command).finish().exits(1);
    assert_eq!(finished.stdout, "");
    finished.complains(&["PUSHLAB_CHROMIUM is /no/such/browser, which is not a program"]);
}

/// A seed that a floating-point number would round.
const SEED: u64 = (1 << 53) + 1;

/// A run without any measurement: two trials that failed.
fn failed_run() -> (String, String) {
    let environment = Environment { pushlab: "0.1.0".to_owned(), ..Environment::default() };
    let command = format!("just bench one --seed {SEED}");
    let manifest = Manifest {
        schema: RECORD_SCHEMA,
        name: "one".to_owned(),
        command: command.clone(),
        seed: SEED,
        started_at: "2026-11-21T06:00:00Z".to_owned(),
        environment: environment.clone(),
        trials_planned: 2,
        blocks: vec![1],
        scenarios: vec![Scenario::from_toml("one.toml", &scenario("one", &[])).unwrap()],
        commands: vec![command],
        schedules: Vec::new(),
        targets: Vec::new(),
        selection: None,
        scenario_files: Vec::new(),
        resumed: Vec::new(),
    };
    assert!(matches!(manifest.scenarios[0].events, Arrivals::Steady { .. }));
    let record = |order| TrialRecord {
        schema: RECORD_SCHEMA,
        scenario: "one".to_owned(),
        pattern: Pattern::Sse,
        params: Params::of(2, 100, 40.0),
        server: contract::ServerName::default(),
        order,
        block: 0,
        attempt: 1,
        seed: SEED,
        schedule_hash: "none".to_owned(),
        poll_phase: 0.5,
        started_at: "2026-11-21T06:00:01Z".to_owned(),
        environment: environment.clone(),
        calibration: Some(Calibration::default()),
        outcome: Outcome::Failed { reason: "it rained".to_owned(), server_stderr_tail: Vec::new() },
    };
    let line = |order| format!("{}\n", serde_json::to_string(&record(order)).unwrap());
    (serde_json::to_string(&manifest).unwrap(), [line(0), line(1)].concat())
}

#[test]
fn a_report_needs_the_folder_of_a_run() {
    let lab = Lab::new();
    lab.run(&["report"]).exits(1).complains(&["results/latest", "folder of a run?"]);
    lab.run(&["report", "nowhere"]).exits(1).complains(&["nowhere/manifest.json", "folder of a run?"]);
    let (manifest, records) = failed_run();
    lab.write("manifest.json", &manifest);
    lab.run(&["report", "."]).exits(1).complains(&["records.jsonl cannot be read", "folder of a run?"]);
    lab.write("records.jsonl", &records);
    lab.run(&["report", "."]).exits(0);
    let run = &summary(&lab.path("."))["run"];
    assert_eq!((&run["verdict"], &run["seed"]), (&"failed".into(), &SEED.to_string().into()));
    assert!(read(&lab.path("report.md")).contains("it rained"));
}

#[test]
fn damaged_files_of_a_run_are_named_with_the_line() {
    let lab = Lab::new();
    let (manifest, records) = failed_run();
    let first = records.find('\n').unwrap() + 1;
    let newer = |text: &str| text.replacen("\"schema\":5", "\"schema\":6", 1);
    let no_measure = manifest.replacen("\"measure\":\"1s\"", "\"measure\":1", 1);
    assert_ne!(no_measure, manifest);
    let cases: [(&str, &str, &[&str]); 5] = [
        ("", &records, &["manifest.json, line 1"]),
        (&manifest[..manifest.len() / 2], &records, &["manifest.json, line 1", "EOF"]),
        (&no_measure, &records, &["manifest.json, line 1", "with its unit in quotes"]),
        (&newer(&manifest), &records, &["manifest.json", "schema 6", "only schema 5"]),
        (
            &manifest,
            &[&records[..first], &newer(&records[first..])].concat(),
            &["records.jsonl, line 2", "schema 6", "use the pushlab that measured this run"],
        ),
    ];
    for (manifest, records, words) in cases {
        lab.write("manifest.json", manifest);
        lab.write("records.jsonl", records);
        lab.run(&["report", "."]).exits(1).complains(words);
        assert!(!lab.path("report.html").exists(), "no report is made from damaged files");
    }
}

/// A full disk or a damaged byte costs a trial, not the run.
#[test]
fn a_record_that_is_cut_within_a_character_or_damaged_is_left_out_with_a_warning() {
    let lab = Lab::new();
    let (manifest, records) = failed_run();
    lab.write("manifest.json", &manifest);
    let euro = "€".as_bytes();
    let (first, second) = records.split_once('\n').unwrap();
    let elsewhere = first.replacen("\"scenario\":\"one\"", "\"scenario\":\"two\"", 1);
    let half = &first.as_bytes()[..first.len() / 2];
    for (broken, words) in [
        ([half, &euro[..2], b"\n", second.as_bytes()].concat(), "line 1 of records.jsonl cannot be read"),
        ([half, b"\n", second.as_bytes()].concat(), "line 1 of records.jsonl cannot be read"),
        ([elsewhere.as_bytes(), b"\n", second.as_bytes()].concat(), "`two` is not in manifest.json"),
        ([first.as_bytes(), b"\n", half, &euro[..2]].concat(), "line 2 of records.jsonl is cut short"),
    ] {
        std::fs::write(lab.path("records.jsonl"), broken).unwrap();
        lab.run(&["report", "."]).exits(0);
        let summary = summary(&lab.path("."));
        assert_eq!(summary["points"][0]["trials"], 1, "{words}");
        assert!(summary["run"]["warnings"].to_string().contains(words), "{words}: {summary}");
        assert!(read(&lab.path("report.html")).contains(words), "{words}");
    }
}

#[test]
fn a_last_record_that_was_cut_short_is_left_out_with_a_warning() {
    let lab = Lab::new();
    let (manifest, records) = failed_run();
    lab.write("manifest.json", &manifest);
    lab.write("records.jsonl", &records[..records.len() - 20]);
    lab.run(&["report", "."]).exits(0);
    let summary = summary(&lab.path("."));
    assert_eq!(summary["points"][0]["trials"], 1);
    let warning = "line 2 of records.jsonl is cut short";
    assert!(summary["run"]["warnings"].to_string().contains(warning), "{summary}");
    for page in ["report.html", "report.md"] {
        assert!(read(&lab.path(page)).contains(warning), "{page}");
    }
}

#[test]
fn claims_that_cannot_be_read_cost_a_report_only_its_claims() {
    let lab = Lab::new();
    let (manifest, records) = failed_run();
    lab.write("manifest.json", &manifest);
    lab.write("records.jsonl", &records);
    let claim = "[[claim]]\nid = \"K01\"\nclaim = \"It is so.\"\nopen = \"Nothing measures it.\"\n";
    lab.write("claims.toml", claim);
    lab.run(&["report", "."]).exits(0);
    assert_eq!(summary(&lab.path("."))["claims"][0]["sentence"], "Nothing measures it.");
    lab.write("claims.toml", &claim[..claim.len() - 4]);
    lab.run(&["report", "."]).exits(0);
    let summary = summary(&lab.path("."));
    assert_eq!(summary["claims"], serde_json::json!([]));
    assert!(summary["run"]["warnings"].to_string().contains("no claims: claims.toml: "), "{summary}");
}
