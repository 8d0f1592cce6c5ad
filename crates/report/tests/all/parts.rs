//! A run that stopped and was resumed: its parts, and what differs between them.

use contract::{Environment, ResumedPart};
use report::{Findings, Run};

use crate::synthetic::{environment, files, ten_trials};

/// Ten trials, of which the first four were measured before the run stopped.
fn resumed_in(environments: &[Environment]) -> Findings {
    let (mut manifest, records) = ten_trials();
    manifest.resumed = (4..)
        .step_by(3)
        .zip(environments)
        .map(|(kept, environment)| ResumedPart {
            started_at: "2026-11-21T07:00:00Z".to_owned(),
            environment: environment.clone(),
            kept,
        })
        .collect();
    let (manifest, records) = files(&manifest, &records);
    report::findings(&Run::parse(&manifest, records).expect("a run"))
}

fn page(findings: &Findings, name: &str) -> String {
    let files = report::render(findings);
    files.into_iter().find(|file| file.path == name).expect("a page").content
}

#[test]
fn parts_in_one_environment_are_listed_without_a_warning() {
    let findings = resumed_in(&[environment(), environment()]);
    assert_eq!(findings.parts.iter().map(|part| part.trials).collect::<Vec<_>>(), [4, 3, 3]);
    assert!(findings.parts.iter().all(|part| part.differences.is_empty()));
    assert_eq!(findings.warnings, resumed_in(&[]).warnings);
    for name in ["report.md", "report.html"] {
        let text = page(&findings, name);
        assert!(text.contains("measured in 3 parts"), "{name}");
        assert!(text.contains("2026-11-21 07:00"), "{name} says when each began");
    }
}

#[test]
fn a_run_in_one_go_has_no_parts() {
    let findings = resumed_in(&[]);
    assert!(findings.parts.is_empty());
    assert!(!page(&findings, "report.md").contains("parts"));
}

#[test]
fn a_part_without_a_record_is_none() {
    let nowhere = Environment { cores: 64, ..environment() };
    let findings = resumed_in(&[environment(), environment(), nowhere]);
    assert_eq!(findings.parts.iter().map(|part| part.trials).collect::<Vec<_>>(), [4, 3, 3]);
    assert_eq!(findings.warnings, resumed_in(&[]).warnings);
}

#[test]
fn each_difference_from_the_first_part_is_in_a_warning() {
    let other = Environment {
        commit: "fedcba987654".to_owned(),
        system: "Linux 7.0".to_owned(),
        cpu: "Another CPU".to_owned(),
        cores: 64,
        memory_mib: 1_024,
        ..environment()
    };
    let findings = resumed_in(&[environment(), other]);
    let [first, second, third] = &findings.parts[..] else { panic!("three parts") };
    assert!(first.differences.is_empty() && second.differences.is_empty());
    let facts: Vec<&str> = third.differences.iter().map(|difference| difference.fact).collect();
    assert_eq!(facts, ["commit", "system", "CPU", "cores", "memory in MiB"]);
    let warning = findings.warnings.iter().find(|warning| warning.starts_with("part 3 ")).expect("a warning");
    for words in
        ["with 3 trials,", "in part 1, fedcba987654 in part 3", "Another CPU in part 3", "64 in part 3"]
    {
        assert!(warning.contains(words), "`{words}` is missing in: {warning}");
    }
    assert!(page(&findings, "summary.json").contains("part 3 of the run"));
    assert!(page(&findings, "report.md").contains("fedcba987654"), "the table of the parts");
}
