//! The first screen: the question, the verdict, the driver, the answers, and the picture that shows why.

use maud::{Markup, html};

use super::{
    marks::{figure_markup, is_of},
    method, panel,
    validity::grouped_warnings,
};
use crate::{
    charts::Figure,
    findings::{Findings, Judged, ScenarioFinding},
    outputs::words::{AGE_EXPLAINED, ANSWERS_AT_THE_TOP, driver_words, threshold_words},
    tables::{obstacles, panel::Panel},
    text::number::{counted, instant},
};

/// What the top of the page shows, and what its scenario therefore does not show again.
pub(super) struct FirstScreen<'a> {
    findings: &'a Findings,
    /// The page's title: the first question.
    question: Option<&'a str>,
    /// Obstacles and patterns, if the first question is about them.
    matrix: Option<Panel>,
    /// Why the answer is as it is: the waterfall of the first question, or else its first figure. None next to
    /// a matrix.
    figure: Option<&'a Figure>,
}

impl<'a> FirstScreen<'a> {
    pub(super) fn of(findings: &'a Findings, figures: &[&'a Figure]) -> Self {
        let first = findings.scenarios.first();
        let matrix = first.and_then(obstacles::matrix);
        let own =
            || figures.iter().copied().filter(move |figure| first.is_some_and(|first| is_of(figure, first)));
        let waterfall = own().find(|figure| figure.slug.ends_with("-waterfall"));
        let figure = waterfall.or_else(|| own().next()).filter(|_| matrix.is_none());
        Self { findings, question: first.map(|first| first.scenario.question.as_str()), matrix, figure }
    }

    /// The title of the page.
    pub(super) fn title(&self) -> String {
        self.question.map_or_else(|| format!("pushlab: {}", self.findings.name), str::to_owned)
    }

    /// The heading of a scenario: its question, unless that is the page's title.
    pub(super) fn heading(&self, finding: &ScenarioFinding) -> String {
        let scenario = &finding.scenario;
        if self.question == Some(scenario.question.as_str()) {
            format!("{}, in detail", scenario.name)
        } else {
            scenario.question.clone()
        }
    }

    /// Whether the top has the answer of a scenario.
    pub(super) fn has_answer(&self, scenario: &str) -> bool {
        self.findings.answers.iter().take(ANSWERS_AT_THE_TOP).any(|answer| answer.scenario == scenario)
    }

    pub(super) fn has_figure(&self, figure: &Figure) -> bool {
        self.figure.is_some_and(|own| own.slug == figure.slug)
    }

    pub(super) fn has_table(&self, table: &Panel) -> bool {
        self.matrix.as_ref() == Some(table)
    }

    /// The question, whether the run is valid and why, when and where it ran, and the driver.
    pub(super) fn header(&self) -> Markup {
        let findings = self.findings;
        let environment = &findings.environment;
        let thresholds = threshold_words(findings);
        let warnings: u64 =
            findings.scenarios.iter().map(|finding| grouped_warnings(finding).len() as u64).sum();
        html! {
            h1 { (self.title()) }
            p.wide {
                span class=(format!("verdict {}", findings.verdict.key())) { (findings.verdict_words()) }
                " " (findings.verdict_reason) "."
                @if let Some(words) = thresholds { " " (words) }
                @if warnings > 0 {
                    " " (counted(warnings, "warning stands", "warnings stand")) " with the numbers, further down."
                }
            }
            p.wide.quiet {
                "pushlab run “" (findings.name) "”, "
                (instant(&findings.started_at)) ", on " (environment.system) ", " (environment.cpu) ", "
                (counted(u64::from(environment.cores), "core", "cores")) ", over loopback, commit "
                code { (environment.commit) } ". " (driver_words(findings))
            }
        }
    }

    /// The answers, and next to them what shows why.
    pub(super) fn answers(&self, figures: &[&Figure]) -> Markup {
        let findings = self.findings;
        let list = html! {
            ul.answer {
                @for answer in findings.answers.iter().take(ANSWERS_AT_THE_TOP) {
                    li {
                        strong { (answer.headline) } br;
                        span.quiet { (answer.beneath()) } " "
                        a href=(format!("#{}", answer.scenario)) { (answer.scenario) }
                    }
                }
            }
        };
        html! {
            section #answer class=(if self.figure.is_some() { "first beside" } else { "first" }) aria-label="answers" {
                div {
                    @if findings.answers.is_empty() { p { "No trial was recorded, so there is no answer." } }
                    (list)
                    @if findings.answers.len() > ANSWERS_AT_THE_TOP {
                        p { "The other answers are with their questions, further down." }
                    }
                    @if self.matrix.is_none() { (terms(findings)) }
                }
                @if let Some((figure, scenario)) = self.figure.zip(findings.scenarios.first()) {
                    (figure_markup(figure, &format!("#{}-numbers", scenario.scenario.name), figures, &list.0))
                }
            }
            @if let Some(matrix) = &self.matrix {
                h3 { (matrix.heading) }
                (panel::rows(matrix))
                div.pair.first { (panel::explanation(matrix)) (terms(findings)) }
            }
            @for warning in &findings.warnings { p.wide.quiet { strong { "Note: " } (warning) "." } }
            (method::failures("Failed trials", &findings.failures_of(Judged::Yes)))
        }
    }
}

/// Words and units of the answers; nothing if no trial measured an age.
fn terms(findings: &Findings) -> Markup {
    let mut points = findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    let is_measured = points.any(|point| point.completed().next().is_some());
    html! { @if is_measured { p.quiet { "The " a href="#g-age" { "age" } " " (AGE_EXPLAINED) } } }
}
