//! The committed reference report, made again from its records, has the same numbers.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::lab::Lab;

/// The numbers, nulls and judgements (`shown`, `valid`) of a JSON document as text, each with its path.
fn numbers(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| numbers(&format!("{path}.{key}"), value, found));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, value)| numbers(&format!("{path}[{index}]"), value, found));
        }
        Value::Number(_) | Value::Null | Value::Bool(_) => {
            found.insert(path.to_owned(), value.to_string());
        }
        Value::String(_) => {}
    }
}

fn numbers_of(summary: &Path) -> BTreeMap<String, String> {
    let summary: Value = serde_json::from_str(&fs::read_to_string(summary).unwrap()).unwrap();
    let mut found = BTreeMap::new();
    numbers("", &summary, &mut found);
    found
}

/// Keys may come, but none goes unnoticed; every number must be the same, digit by digit.
#[test]
fn the_reference_made_again_has_the_same_numbers() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/reference");
    let lab = Lab::new();
    fs::create_dir(lab.path("reference")).unwrap();
    for file in ["manifest.json", "records.jsonl", "claims.toml"] {
        fs::copy(reference.join(file), lab.path("reference").join(file)).unwrap();
    }
    lab.run(&["report", "reference"]).exits(0);

    let committed = numbers_of(&reference.join("summary.json"));
    let made_again = numbers_of(&lab.path("reference/summary.json"));
    assert!(committed.len() > 1_000, "{} numbers", committed.len());
    for (path, old) in &committed {
        assert_eq!(made_again.get(path), Some(old), "summary.json, {path}");
    }
}
