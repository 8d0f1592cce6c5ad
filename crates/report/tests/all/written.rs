//! From a synthetic run to its findings, and to the files of its report.

use contract::{Distribution, Manifest, TimeHistogram, TrialRecord};
use report::{Answer, Findings, OutputFile, Run};

use crate::synthetic::files;

/// Goes through the two files that a run leaves behind.
pub(crate) fn findings(manifest: &Manifest, records: &[TrialRecord]) -> Findings {
    let (manifest, records) = files(manifest, records);
    report::findings(&Run::parse(&manifest, &records).expect("a made-up run can be read"))
}

/// The same of a run as the synthetic ones come.
pub(crate) fn findings_of((manifest, records): &(Manifest, Vec<TrialRecord>)) -> Findings {
    findings(manifest, records)
}

/// Without the files, for tests with hundreds of runs or with records that no file would contain.
pub(crate) fn judged(manifest: Manifest, records: Vec<TrialRecord>) -> Findings {
    report::findings(&Run { manifest, records, claims: vec![], warnings: vec![] })
}

/// The text of a file of the report.
pub(crate) fn content<'a>(files: &'a [OutputFile], path: &str) -> &'a str {
    &files.iter().find(|file| file.path == path).expect("the file is part of every report").content
}

/// The same, of a run.
pub(crate) fn page(findings: &Findings, path: &str) -> String {
    content(&report::render(findings), path).to_owned()
}

/// What a wide terminal shows of a run.
pub(crate) fn terminal(findings: &Findings) -> String {
    report::terminal_table(findings, 1_000)
}

/// A whole answer: the headline and the conditions.
pub(crate) fn answer_text(answer: &Answer) -> String {
    format!("{} {}", answer.headline, answer.conditions.join(" "))
}

/// Replaces the report's thin spaces by ordinary ones.
pub(crate) fn plain(text: &str) -> String {
    text.replace('\u{202f}', " ")
}

/// Asserts that no NaN or infinity was printed.
pub(crate) fn assert_finite(files: &[OutputFile]) {
    for file in files {
        for word in file.content.split(|letter: char| !letter.is_alphanumeric()) {
            assert!(!["NaN", "nan", "inf", "infinity"].contains(&word), "{} holds {word}", file.path);
        }
    }
}

/// A distribution of times in milliseconds.
pub(crate) fn times_ms(times: &[u64]) -> Distribution {
    let mut histogram = TimeHistogram::default();
    times.iter().for_each(|time| histogram.record_ns(time * 1_000_000));
    histogram.distribution()
}
