//! The committed reference report, made again from its records, has the same numbers.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::lab::Lab;

/// The numbers of a JSON document as text, and its nulls, each with its path.
fn numbers(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| numbers(&format!("{path}.{key}"), value, found));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, value)| numbers(&format!("{path}[{index}]"), value, found));
        }
        Value::Number(_) | Value::Null => {
            found.insert(path.to_owned(), value.to_string());
        }
        Value::Bool(_) | Value::String(_) => {}
    }
}

fn numbers_of(summary: &Path) -> BTreeMap<String, String> {
    let summary: Value = serde_json::from_str(&fs::read_to_string(summary).unwrap()).unwrap();
    let mut found = BTreeMap::new();
    numbers("", &summary, &mut found);
    found
}

/// Keys may come and go; a number that stays must be the same, digit by digit.
#[test]
fn the_reference_made_again_has_the_same_numbers() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/reference");
    let lab = Lab::new();
    fs::create_dir(lab.path("reference")).unwrap();
    for file in ["manifest.json", "records.jsonl"] {
        fs::copy(reference.join(file), lab.path("reference").join(file)).unwrap();
    }
    lab.run(&["report", "reference"]).exits(0);

    let committed = numbers_of(&reference.join("summary.json"));
    let made_again = numbers_of(&lab.path("reference/summary.json"));
    let both = committed.iter().filter_map(|(path, old)| Some((path, old, made_again.get(path)?)));
    let mut compared = 0;
    for (path, old, new) in both {
        assert_eq!(new, old, "summary.json, {path}");
        compared += 1;
    }
    assert!(
        compared > 1_000 && compared * 10 > committed.len() * 9,
        "only {compared} numbers have the same key"
    );
}
