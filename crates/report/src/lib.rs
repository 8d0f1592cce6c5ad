//! Turns a run's manifest and records into findings, and findings into figures, pages and tables.
//!
//! Pure: text in, text out. The crate reads no clock, file or network, so the same records always give the
//! same report. All outputs are written from one [`Findings`], so they print the same numbers.
//!
//! Each layer uses only the layers before it: `text` (numbers and settings in words), `statistics`,
//! `quantities` (one row each), `trials` (single records), `findings` (data), `judgement` (gathers, compares
//! and judges points), `claims` (judges a file of claims), `document` (blocks of texts, tables and figures),
//! `tables`, `answers`, `assembly` (a run becomes findings), `estimates` (numbers for settings that nobody
//! measured), `charts`, `sections` (findings become a document), `outputs` (a document becomes a file or a text).

mod answers;
mod assembly;
mod charts;
mod claims;
mod document;
mod estimates;
mod findings;
mod judgement;
mod outputs;
mod quantities;
mod read;
mod sections;
mod statistics;
mod style;
mod tables;
mod text;
mod trials;

pub use assembly::findings;
pub use claims::{Claim, ClaimError, Heard, check_claims, read_claims, scenarios_of};
pub use estimates::{
    break_even::BreakEven,
    choice::{Choice, Resource},
    costs::{Costs, CostsError, Origin},
    which_one::which_one_table,
    wish::{Circumstance, Wish, WishError},
};
pub use findings::{
    Answer, CalibrationFinding, ClaimFinding, ClaimVerdict, ComparedPoint, Failure, Findings, PartFinding,
    Point, PointComparison, ScenarioFinding, SetAside, ThresholdFinding, ThresholdOutcome, Trial, Verdict,
};
pub use judgement::{
    compare::{Change, Compared, Detail, QuantityChange, compare},
    expression_error::ExpressionError,
    threshold::{ThresholdError, check_thresholds},
};
pub use outputs::summary::summary_schema;
pub use quantities::{Bound, Comparison, Quantity, QuantityName, Unit};
pub use read::{CLAIMS, ReadError, Run};
pub use sections::ModelPrediction;
pub use tables::glossary::glossary_table;
pub use text::{environment::EnvironmentDifference, trial_words::trial_words};
pub use trials::{
    added_age::AddedAge,
    limits::{calibration_disturbances, disturbances},
};

use contract::Scenario;
use outputs::{choice_json, csv, html, markdown, summary, summary_claims, terminal::Terminal};

/// A file of the report, to be written into the run's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Path relative to the run's directory, with `/`.
    pub path: String,
    /// Its text.
    pub content: String,
}

/// Writes every file of the report: `report.html`, `report.md`, `summary.json`, `summary.csv`,
/// `trials.csv` and `figures/*.svg`; and `claims.html` if the run has evidence for most of its claims.
#[must_use]
pub fn render(findings: &Findings) -> Vec<OutputFile> {
    let figures = charts::figures(findings);
    let document = sections::document(findings, &figures);
    let file = |path: &str, content: String| OutputFile { path: path.to_owned(), content };
    let mut files = vec![
        file("report.html", html::page(&document)),
        file("report.md", markdown::page(&document)),
        file("summary.json", summary::json(findings)),
        file("summary.csv", csv::summary(findings)),
        file("trials.csv", csv::trials(findings)),
    ];
    let of_claims = charts::claims::figures(findings);
    let claims = sections::claims_page(findings, &of_claims);
    files.extend(claims.map(|page| file(sections::claims::PAGE, html::page(&page))));
    files.extend(figures.iter().map(|figure| file(&figure.path(), figure.standalone_svg())));
    files
}

/// What a terminal shows of a run, in lines of this length: each question with its answer and its numbers in a
/// table, then the verdict.
#[must_use]
pub fn terminal_table(findings: &Findings, width: usize) -> String {
    Terminal { width, has_colours: false }.document(&sections::document(findings, &[]))
}

/// The same with colours.
#[must_use]
pub fn coloured_terminal_table(findings: &Findings, width: usize) -> String {
    Terminal { width, has_colours: true }.document(&sections::document(findings, &[]))
}

/// Claims for the terminal, in lines of this length: each with its verdict, its sentence and the command that
/// measures it.
#[must_use]
pub fn claims_text(claims: &[&ClaimFinding], width: usize) -> String {
    Terminal { width, has_colours: false }.document(&sections::claims::ledger(claims))
}

/// The same with the evidence: each condition at each point, and where the claim is heard.
#[must_use]
pub fn claims_with_evidence_text(claims: &[&ClaimFinding], width: usize) -> String {
    Terminal { width, has_colours: false }.document(&sections::claims::ledger_with_evidence(claims))
}

/// Claims as JSON: those of `summary.json`, with their words and where they are heard.
#[must_use]
pub fn claims_json(claims: &[&ClaimFinding]) -> String {
    summary_claims::ledger_json(claims)
}

/// The model's predictions for a scenario, without any measurement, in lines of this length: a table, and a sentence
/// on its largest differences.
#[must_use]
pub fn prediction_table(scenario: &Scenario, predictions: &[ModelPrediction], width: usize) -> String {
    Terminal { width, has_colours: false }.document(&sections::predictions(scenario, predictions))
}

/// What changed between two runs, in lines of this length: the conclusion first.
#[must_use]
pub fn compare_text(compared: &Compared, width: usize) -> String {
    Terminal { width, has_colours: false }.document(&sections::changes(compared))
}

/// The answer to somebody who has to choose a pattern, for the terminal.
#[must_use]
pub fn choice_text(choice: &Choice, width: usize) -> String {
    Terminal { width, has_colours: false }.document(&sections::choice(choice))
}

/// The same for programs, as JSON.
#[must_use]
pub fn choice_json(choice: &Choice) -> String {
    choice_json::json(choice)
}

/// The break-even map as a page.
#[must_use]
pub fn break_even_page(of: &BreakEven) -> String {
    let figures = charts::break_even_figures(of);
    html::page(&sections::break_even(of, &figures))
}

/// The break-even map as one drawing.
#[must_use]
pub fn break_even_svg(of: &BreakEven) -> String {
    charts::break_even_sheet(of).standalone_svg()
}
