//! Whole reports of made-up runs: known values, equal twins, escaping, size, and files to look at.

mod synthetic;

use std::{fs, path::Path};

use contract::{Manifest, TrialRecord};
use report::{OutputFile, Run};

fn read(manifest: &Manifest, records: &[TrialRecord]) -> Run {
    let (manifest, records) = synthetic::files(manifest, records);
    Run::parse(&manifest, &records).unwrap()
}

fn rendered(manifest: &Manifest, records: &[TrialRecord]) -> Vec<OutputFile> {
    report::render(&report::findings(&read(manifest, records)))
}

/// Writes a report to the build directory, for looking at it.
fn write(name: &str, files: &[OutputFile]) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for file in files {
        let path = directory.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.content).unwrap();
    }
}

#[test]
fn ten_trials_make_a_report() {
    let (manifest, records) = synthetic::ten_trials();
    let files = rendered(&manifest, &records);
    write("ten", &files);
}

#[test]
fn sixty_trials_fit_into_one_page() {
    let (manifest, records) = synthetic::sixty_trials();
    let files = rendered(&manifest, &records);
    write("sixty", &files);
    assert!(files[0].content.len() <= 1_500_000, "{}", files[0].content.len());
}
