//! The numbers of `summary.json` for every synthetic run. A change that is only about words leaves them as they are.

use contract::{Manifest, TrialRecord};
use serde_json::Value;

use crate::{
    synthetic::{
        age_trials, check_trials, connection_trials, heartbeat_trials, ladder_trials, obstacle_trials,
        ramp_trials, rtt_trials, server_trials, six_connections, sixty_trials, stream_limit_trials,
        transport_trials,
    },
    written::{content, findings_of},
};

/// One line per point: `key measured low high|predicted low high|closed form` of each quantity that it has or is
/// predicted to have; then one line per comparison.
fn lines(run: &(Manifest, Vec<TrialRecord>)) -> String {
    let files = report::render(&findings_of(run));
    let summary: Value = serde_json::from_str(content(&files, "summary.json")).expect("JSON");
    let points = summary["points"].as_array().expect("points");
    let comparisons = summary["comparisons"].as_array().expect("comparisons");
    points.iter().map(line).chain(comparisons.iter().map(compared)).map(|line| line + "\n").collect()
}

fn line(point: &Value) -> String {
    let text = |key: &str| point[key].as_str().expect("a text");
    let quantities = point["quantities"].as_object().expect("quantities");
    // The order of a map's keys depends on the features of serde_json that a build has.
    let mut sorted: Vec<(&String, &Value)> = quantities.iter().collect();
    sorted.sort_by_key(|(key, _)| key.as_str());
    let values: Vec<String> = sorted
        .into_iter()
        .filter(|(_, fields)| !fields["measured"].is_null() || !fields["predicted"].is_null())
        .map(|(key, fields)| {
            let of = |names: &[&str]| -> String {
                names.iter().map(|name| number(&fields[*name])).collect::<Vec<_>>().join(" ")
            };
            format!(
                "{key} {}|{}|{}",
                of(&["measured", "low", "high"]),
                of(&["predicted", "predicted_low", "predicted_high"]),
                of(&["closed_form"])
            )
        })
        .collect();
    format!("{} {} {}: {}", text("scenario"), text("pattern"), text("server"), values.join(", "))
}

fn compared(comparison: &Value) -> String {
    let side = |name: &str| format!("{} {}", comparison[name]["pattern"], comparison[name]["server"]);
    let of = ["quantity", "ratio", "low", "high", "p_adjusted", "primary", "shown"]
        .map(|key| number(&comparison[key]));
    format!("{} / {}: {}", side("left"), side("right"), of.join(" ")).replace('"', "")
}

fn number(value: &Value) -> String {
    if value.is_null() { "-".to_owned() } else { value.to_string() }
}

#[test]
fn the_numbers_of_every_synthetic_run_stay_the_same() {
    const SERVERS: [&str; 3] = ["pushlab", "floor", "nchan"];
    let runs = [
        ("sixty trials", sixty_trials()),
        ("connections", connection_trials(5)),
        ("servers", server_trials(&SERVERS, &[], 5)),
        ("ramps", ramp_trials(&SERVERS, 5)),
        ("ablations", ladder_trials(5)),
        ("round-trip times", rtt_trials()),
        ("obstacles", obstacle_trials()),
        ("heartbeats", heartbeat_trials()),
        ("transports", transport_trials()),
        ("streams per connection", stream_limit_trials()),
        ("ages of a browser", age_trials(5, 300.0)),
        ("checks of a browser", check_trials(5)),
        ("six connections", six_connections()),
    ];
    let sections: Vec<String> = runs.iter().map(|(name, run)| format!("# {name}\n{}", lines(run))).collect();
    insta::assert_snapshot!(sections.join("\n"));
}
