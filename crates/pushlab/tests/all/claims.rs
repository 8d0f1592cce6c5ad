//! `pushlab claims` on folders of made-up runs, and the scenarios that `bench --claims` chooses.

use std::path::Path;

use contract::Scenario;
use serde_json::Value;

use crate::{
    commands::planned,
    compare::synthetic::{files, ten_trials},
    lab::{Lab, read, summary},
};

/// Claims about scenarios of [`ten_trials`] and of the labs below.
const CLAIMS: &str = r#"
[[claim]]
id = "K01"
claim = "A stream loses nothing."
heard = [{ title = "A talk", link = "https://example.org" }]
conditions = ["stock-ticker: sse.lost == 0"]
holds = "It loses {stock-ticker: sse.lost} events."
wrong = "It loses some."

[[claim]]
id = "K03"
claim = "A stream asks five times for each event."
conditions = ["stock-ticker: sse.requests_per_event >= 5"]
holds = "It does."
wrong = "It asks once."

[[claim]]
id = "K04"
claim = "Nobody knows."
open = "A scenario with two readers will decide it."

[[claim]]
id = "K10"
claim = "A stream loses nothing in either scenario."
conditions = ["rtt: sse.lost == 0", "stock-ticker: sse.lost == 0"]
holds = "It does not."
depends = "In one of them."
wrong = "In both of them."
"#;

/// A run with its report, in the folder `run`.
fn with_run() -> Lab {
    let lab = Lab::new();
    let (manifest, records) = ten_trials();
    let (manifest, records) = files(&manifest, &records);
    std::fs::create_dir(lab.path("run")).unwrap();
    for (name, text) in
        [("manifest.json", manifest.as_str()), ("records.jsonl", &records), ("claims.toml", CLAIMS)]
    {
        lab.write(&format!("run/{name}"), text);
    }
    lab.run(&["report", "run"]).exits(0);
    lab
}

/// The ids that a filter lets through, in their order.
fn chosen(lab: &Lab, filter: &[&str]) -> Vec<String> {
    let arguments = [&["claims", "run", "--json"], filter].concat();
    let ledger: Value = serde_json::from_str(&lab.run(&arguments).exits(0).stdout).unwrap();
    let ids = ledger.as_array().unwrap().iter().map(|claim| claim["id"].as_str().unwrap().to_owned());
    ids.collect()
}

#[test]
fn filters_combine_and_each_may_be_given_several_times() {
    let lab = with_run();
    let cases: [(&[&str], &[&str]); 12] = [
        (&[], &["K01", "K03", "K04", "K10"]),
        (&["--id", "K03"], &["K03"]),
        (&["--id", "K10,k01"], &["K01", "K10"]),
        (&["--id", "K10", "--id", "K03"], &["K03", "K10"]),
        (&["--verdict", "open"], &["K04", "K10"]),
        (&["--verdict", "wrong,holds"], &["K01", "K03"]),
        (&["--verdict", "wrong", "--verdict", "open"], &["K03", "K04", "K10"]),
        (&["--word", "LOSES nothing"], &["K01", "K10"]),
        (&["--word", "loses", "--word", "either"], &["K10"]),
        (&["--word", "two readers"], &["K04"]),
        (&["--word", "stream", "--verdict", "holds", "--id", "K01,K04"], &["K01"]),
        (&["--word", "webhook"], &[]),
    ];
    for (filter, ids) in cases {
        assert_eq!(chosen(&lab, filter), ids, "{filter:?}");
    }
}

#[test]
fn the_ledger_as_text_and_as_json_have_the_same_claims() {
    let lab = with_run();
    let text = lab.run(&["claims", "run"]).exits(0).stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for words in
        ["claims: 1 holds, 1 wrong, 2 open\n", "K01 ✓ holds: A stream loses nothing.\nIt loses 0 events.\n"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let json: Value = serde_json::from_str(&lab.run(&["claims", "run", "--json"]).exits(0).stdout).unwrap();
    let summary = summary(&lab.path("run"));
    let claims = json.as_array().unwrap();
    assert_eq!(claims.len(), summary["claims"].as_array().unwrap().len());
    for (claim, of_summary) in claims.iter().zip(summary["claims"].as_array().unwrap()) {
        for (key, value) in of_summary.as_object().unwrap() {
            assert_eq!(&claim[key], value, "{key} of {claim}");
        }
        let title = format!("{} ", claim["id"].as_str().unwrap());
        let line = text.lines().find(|line| line.starts_with(&title)).unwrap_or_else(|| panic!("{title}"));
        assert!(line.contains(claim["verdict"].as_str().unwrap()), "{line}");
        assert!(line.ends_with(claim["claim"].as_str().unwrap()), "{line}");
    }
    assert_eq!(claims[0]["heard"][0]["link"], "https://example.org");
    assert_eq!(claims[0]["cells"][0]["condition"], "stock-ticker: sse.lost == 0");
    let evidence = lab.run(&["claims", "run", "--id", "K01"]).exits(0).stdout;
    assert!(evidence.contains("stock-ticker: sse.lost == 0\n") && evidence.contains("✓ true"), "{evidence}");
}

#[test]
fn what_cannot_be_shown_is_an_error_that_says_what_to_do() {
    let lab = with_run();
    let unknown = ["there is no claim `K2`: did you mean `K01`?", "K01 to K10"];
    lab.run(&["claims", "run", "--id", "K01,K2"]).exits(2).complains(&unknown);
    lab.run(&["claims", "run", "--verdict", "false"])
        .exits(2)
        .complains(&["'false'", "holds, depends, wrong, open"]);
    lab.run(&["claims"]).exits(1).complains(&["results/reference", "folder of a run?"]);
    lab.run(&["claims", "scenarios"]).exits(1).complains(&["is scenarios the folder of a run?"]);
    let manifest = read(&lab.path("run/manifest.json"));
    lab.write("run/manifest.json", "{\"schema\":1}");
    lab.run(&["claims", "run"])
        .exits(1)
        .complains(&["schema 1 cannot be read", "use the pushlab that measured"]);
    lab.write("run/manifest.json", &manifest);
    lab.write("run/claims.toml", "[[claim]]\nid = \"K1\"\n");
    lab.run(&["claims", "run"]).exits(1).complains(&["run: no claims: claims.toml"]);
    std::fs::remove_file(lab.path("run/claims.toml")).unwrap();
    lab.run(&["claims", "run"]).exits(1).complains(&["no claim in run", "claims.toml", "copy it there"]);
    // Without its report a run is not at its end.
    lab.write("run/claims.toml", CLAIMS);
    std::fs::remove_file(lab.path("run/summary.json")).unwrap();
    lab.run(&["claims", "run"]).exits(1).complains(&["still being measured", "`pushlab report run`"]);
}

/// Scenarios that take a second, and the claims about them.
fn with_scenarios(claims: &str) -> Lab {
    let lab = Lab::new();
    for name in ["another", "rtt", "stock-ticker"] {
        lab.scenario(name, &[]);
    }
    lab.write("scenarios/claims.toml", claims);
    lab
}

#[test]
fn bench_measures_the_scenarios_that_claims_need_and_shows_the_command() {
    let lab = with_scenarios(CLAIMS);
    let cases: [(&str, &[&str], &str); 4] = [
        ("K03", &["stock-ticker"], "claims-K03"),
        ("k10,K04", &["rtt", "stock-ticker"], "claims-K10-K04"),
        ("K03,K01", &["stock-ticker"], "claims-K03-K01"),
        ("all", &["rtt", "stock-ticker"], "claims"),
    ];
    for (claims, scenarios, name) in cases {
        let run = planned(&lab, &["bench", "--claims", claims, "--blocks", "1"]);
        let names: Vec<&str> = run.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        assert_eq!((names.as_slice(), run.name.as_str()), (scenarios, name));
        assert_eq!(run.command, format!("just bench --claims {claims} --blocks 1 --seed 1"));
        assert_eq!(run.commands[0], format!("just bench {} --blocks 1 --seed 1", names[0]));
    }
}

#[test]
fn claims_that_cannot_be_measured_are_refused_before_anything_starts() {
    let lab = with_scenarios(CLAIMS);
    let cases: [(&[&str], &[&str]); 9] = [
        (&["--claims", "K03,K9"], &["there is no claim `K9`: did you mean `K10`?"]),
        (&["--claims", "K03,all"], &["there is no claim `all`: ", "K01 to K10"]),
        (&["--claims", "K04"], &["nothing can be measured for K04", "open"]),
        (&["--claims", "K03", "rtt"], &["--claims <IDS>", "cannot be used with", "SCENARIO"]),
        (&["--claims", "K03", "--all"], &["cannot be used with"]),
        (&["--claims", "K03", "--default-part"], &["cannot be used with"]),
        (&["--claims", "K03", "--list"], &["cannot be used with"]),
        (&["--claims", "K03", "--resume", "run"], &["cannot be used with"]),
        (&["--claims"], &["--claims <IDS>"]),
    ];
    for (arguments, words) in cases {
        let arguments = [&["bench"], arguments].concat();
        let refused = lab.run(&arguments).exits(2).complains(words);
        assert_eq!(refused.stdout, "");
    }
    std::fs::remove_file(lab.path("scenarios/claims.toml")).unwrap();
    lab.run(&["bench", "--claims", "all"]).exits(2).complains(&["no claims.toml in scenarios"]);
    assert!(!lab.path("results").exists());
}

/// A reader who copies it must not get an error.
#[test]
fn the_readmes_example_of_a_claim_fits_the_scenarios() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = read(&root.join("README.md"));
    let example = readme.split("```toml\n").find(|block| block.starts_with("[[claim]]")).unwrap();
    let claims = report::read_claims("README.md", example.split("```").next().unwrap().as_bytes()).unwrap();
    let names = report::scenarios_of(&claims[0]);
    assert_eq!(names, ["stock-ticker", "poll-interval"]);
    let scenarios: Vec<Scenario> = names
        .iter()
        .map(|name| {
            let file = format!("{name}.toml");
            Scenario::from_toml(&file, &read(&root.join("scenarios").join(&file))).unwrap()
        })
        .collect();
    report::check_claims(&claims, &scenarios).unwrap();
}

#[test]
fn a_run_ends_with_its_claims_and_writes_their_page() {
    let lab = with_scenarios(CLAIMS);
    let said = lab.run(&["bench", "--claims", "K01"]).exits(0).stdout;
    assert!(said.contains("\nclaims: 1 holds, 1 wrong, 2 open\n"), "{said}");
    let run = lab.only_run();
    assert_eq!(read(&run.join("claims.toml")), CLAIMS);
    assert!(run.join("claims.html").is_file());
    let folder = run.to_str().unwrap();
    let wrong = lab.run(&["claims", folder, "--verdict", "wrong"]).exits(0).stdout;
    assert!(wrong.contains("K03 ✗ wrong"), "{wrong}");
}
