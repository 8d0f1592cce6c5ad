//! From a run's manifest and records to findings, and from findings to figures, pages and tables.
//!
//! Pure: text in, text out. Nothing here reads a clock, a file or the network, so a report can be
//! made again from the records at any time and comes out the same. Every output is written from
//! one [`Findings`], so all of them print the same numbers.

mod added_age;
mod ages;
mod answers;
mod best;
mod books;
mod charts;
mod compare;
mod compare_text;
mod comparison_rows;
mod comparisons;
mod crossing;
mod csv;
mod estimate;
mod findings;
mod floor;
mod glossary;
mod heartbeats;
mod html;
mod html_method;
mod html_panel;
mod html_scenario;
mod html_servers;
mod html_validity;
mod ladder;
mod ledgers;
mod left_out;
mod limits;
mod markdown;
mod markdown_panel;
mod markdown_servers;
mod markdown_text;
mod measured;
mod memory;
mod network_words;
mod number;
mod obstacles;
mod other_work;
mod paired;
mod panel;
mod panels;
mod parting;
mod point;
mod predictions;
mod quantity;
mod quantity_name;
mod read;
mod recovery;
mod relay;
mod saturation;
mod servers;
mod set_up_table;
mod setting;
mod style;
mod summary;
mod summary_network;
mod swept;
mod terminal;
mod terminal_panel;
mod threshold;
mod threshold_verdict;
mod transits;
mod trial;
mod validity;
mod validity_rows;
mod verdict;
mod watched;
mod words;

pub use added_age::AddedAge;
pub use answers::Answer;
pub use compare::{Change, Compared, Detail, QuantityChange, compare};
pub use compare_text::compare_text;
pub use comparisons::{ComparedPoint, PointComparison};
pub use findings::{CalibrationFinding, Failure, Findings, ScenarioFinding, findings};
pub use limits::{calibration_disturbances, disturbances};
pub use point::Point;
pub use quantity::{Bound, Comparison, Quantity, QuantityName};
pub use read::{ReadError, Run};
pub use summary::summary_schema;
pub use terminal::{prediction_table, terminal_table};
pub use threshold::{ThresholdError, check_thresholds};
pub use threshold_verdict::{ThresholdFinding, ThresholdOutcome};
pub use trial::{SetAside, Trial};
pub use verdict::Verdict;

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
