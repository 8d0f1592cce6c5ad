//! Turns a run's manifest and records into findings, and findings into figures, pages and tables.
//!
//! Pure: text in, text out. The crate reads no clock, file or network, so the same records always give the
//! same report. All outputs are written from one [`Findings`], so they print the same numbers.
//!
//! Each layer uses only the layers before it: `text` (numbers and settings in words), `quantities`,
//! `statistics`, `trials` (single records), `findings` (data), `judgement` (gathers, compares and judges
//! points), `tables`, `answers`, `assembly` (a run becomes findings), `charts`, `outputs`.

mod answers;
mod assembly;
mod charts;
mod findings;
mod judgement;
mod outputs;
mod quantities;
mod read;
mod statistics;
mod style;
mod tables;
mod text;
mod trials;

pub use assembly::findings;
pub use findings::{
    Answer, CalibrationFinding, ComparedPoint, Failure, Findings, Point, PointComparison, ScenarioFinding,
    SetAside, ThresholdFinding, ThresholdOutcome, Trial, Verdict,
};
pub use judgement::{
    compare::{Change, Compared, Detail, QuantityChange, compare},
    threshold::{ThresholdError, check_thresholds},
};
pub use outputs::{
    compare_text::compare_text,
    summary::summary_schema,
    terminal::{prediction_table, terminal_table},
};
pub use quantities::{Bound, Comparison, Quantity, QuantityName};
pub use read::{ReadError, Run};
pub use text::trial_words::trial_words;
pub use trials::{
    added_age::AddedAge,
    limits::{calibration_disturbances, disturbances},
};

use outputs::{csv, html, markdown, summary};

/// A file of the report, to be written into the run's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Path relative to the run's directory, with `/`.
    pub path: String,
    /// Its text.
    pub content: String,
}

/// Writes every file of the report: `report.html`, `report.md`, `summary.json`, `summary.csv`,
/// `trials.csv` and `figures/*.svg`.
#[must_use]
pub fn render(findings: &Findings) -> Vec<OutputFile> {
    let figures = charts::figures(findings);
    let file = |path: &str, content: String| OutputFile { path: path.to_owned(), content };
    let mut files = vec![
        file("report.html", html::page(findings, &figures)),
        file("report.md", markdown::page(findings, &figures)),
        file("summary.json", summary::json(findings)),
        file("summary.csv", csv::summary(findings)),
        file("trials.csv", csv::trials(findings)),
    ];
    files.extend(figures.iter().map(|figure| file(&figure.path(), figure.standalone_svg())));
    files
}
