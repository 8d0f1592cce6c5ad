//! Each file of a run has a JSON Schema in `results/schemas`, for other programs that read it. These tests
//! keep the schemas equal to the code, and check real files against the schemas.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use contract::{Manifest, TrialRecord};
use jsonschema::Validator;
use schemars::schema_for;
use serde_json::Value;

use crate::lab::{Lab, read};

/// If this is set, the first test writes the schemas instead of comparing them.
const UPDATE: &str = "UPDATE_SCHEMAS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/schemas")
}

/// Name of the file, and the schema from the code.
fn schemas() -> [(&'static str, Value); 3] {
    [
        ("manifest", schema_for!(Manifest).into()),
        ("record", schema_for!(TrialRecord).into()),
        ("summary", report::summary_schema()),
    ]
}

fn validator(name: &str) -> Validator {
    let file = folder().join(format!("{name}.schema.json"));
    jsonschema::validator_for(&serde_json::from_str(&read(&file)).unwrap()).unwrap()
}

/// Asserts that a document is valid; the failure names the place.
fn check(name: &str, document: &Value) {
    let problems: Vec<String> = validator(name)
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{name}: {problems:#?}");
}

#[test]
fn the_schemas_are_those_of_the_code() {
    for (name, schema) in schemas() {
        let file = folder().join(format!("{name}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if env::var_os(UPDATE).is_some() {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&file, text).unwrap();
        } else {
            assert!(
                read(&file) == text,
                "{} differs from the code: write it anew with \
                 `{UPDATE}=1 cargo test --package pushlab --test all schemas`, and raise the schema's version \
                 if a reader of the old one would be misled",
                file.display()
            );
        }
    }
}

#[test]
fn the_files_of_a_run_are_valid() {
    let lab = Lab::new();
    let sweep = "arrivals = \"steady\"\nrate_hz = 40.0\n[sweep]\nsubscribers = [2, 3]";
    let patterns = r#"["short-polling", "long-polling", "sse", "websocket"]"#;
    let thresholds = r#"["lost == 0", "sse.bytes_per_event / websocket.bytes_per_event < 100"]"#;
    lab.scenario("two", &[("patterns", patterns), ("thresholds", thresholds), ("[events]", sweep)]);
    lab.scenario("steps", &[("subscribers", "6"), ("memory_steps", "[0, 3, 6]"), ("idle", "\"500ms\"")]);
    let claims = "[[claim]]\nid = \"K01\"\nclaim = \"Nothing is lost.\"\nconditions = [\"two: lost == 0\"]\n\
                  holds = \"None of {two: sse[2].expected}.\"\ndepends = \"Some are.\"\nwrong = \"All are.\"\n";
    lab.write("scenarios/claims.toml", claims);
    lab.run(&["bench", "two", "steps", "--blocks", "1"]).exits(0);
    let run = lab.only_run();
    assert_eq!(read(&run.join("claims.toml")), claims, "a report written again has the same claims");
    let parsed = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    check("manifest", &parsed(&read(&run.join("manifest.json"))));
    let summary = parsed(&read(&run.join("summary.json")));
    check("summary", &summary);
    let claim = &summary["claims"][0];
    assert_eq!((&claim["id"], &claim["verdict"]), (&"K01".into(), &"holds".into()), "{claim}");
    assert_eq!(claim["cells"].as_array().unwrap().len(), 8, "four patterns at two numbers of subscribers");
    let records = read(&run.join("records.jsonl"));
    // Nine calibrations, one for each pattern and number of subscribers, and nine trials.
    assert_eq!(records.lines().count(), 9 + 8 + 1);
    records.lines().for_each(|line| check("record", &parsed(line)));
}

#[test]
fn what_is_not_a_record_is_not_valid() {
    for (name, schema) in schemas() {
        let required = schema["required"].as_array().unwrap().len();
        assert!(required > 3, "{name} asks for {required} fields only");
        assert!(!validator(name).is_valid(&serde_json::json!({ "schema": 2 })), "{name} takes anything");
    }
}
