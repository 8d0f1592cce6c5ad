//! The first screen: the question, the verdict, the driver, the answers, and the picture that shows why.

use super::{
    Answered,
    figures::{self, is_of, numbers_anchor},
    method,
    terminal::tone,
    validity::grouped_warnings,
    words::{AGE_EXPLAINED, ANSWERS_AT_THE_TOP, difference_line, driver_line, setting_line, threshold_words},
};
use crate::{
    charts::Figure,
    document::{Block, Group, ListKind, Role, Style, Text},
    findings::{Findings, Judged, ScenarioFinding},
    tables::{obstacles, panel::Panel},
    text::{
        number::{counted, instant},
        sentence::capitalised,
    },
};

/// What the top of the page shows, and what its scenario therefore does not show again.
pub(super) struct FirstScreen<'a> {
    findings: &'a Findings,
    /// The first questions, whose answers it shows.
    questions: Vec<Answered<'a>>,
    /// Whether there are more.
    has_more: bool,
    /// Obstacles and patterns, if the first question is about them.
    matrix: Option<Panel>,
    /// Why the answer is as it is: the waterfall of the first question, or else its first figure. None next to
    /// a matrix.
    figure: Option<&'a Figure>,
}

impl<'a> FirstScreen<'a> {
    pub(super) fn of(findings: &'a Findings, questions: &[Answered<'a>], figures: &[&'a Figure]) -> Self {
        let first = questions.first().map(|(finding, _)| *finding);
        let matrix = first.and_then(obstacles::matrix);
        let own =
            || figures.iter().copied().filter(move |figure| first.is_some_and(|first| is_of(figure, first)));
        let waterfall = own().find(|figure| figure.slug.ends_with("-waterfall"));
        Self {
            findings,
            questions: questions.iter().copied().take(ANSWERS_AT_THE_TOP).collect(),
            has_more: questions.len() > ANSWERS_AT_THE_TOP,
            figure: waterfall.or_else(|| own().next()).filter(|_| matrix.is_none()),
            matrix,
        }
    }

    /// The title of the page: the first question.
    pub(super) fn title(&self) -> String {
        let question = self.questions.first().map(|(finding, _)| finding.scenario.question.clone());
        question.unwrap_or_else(|| format!("pushlab: {}", self.findings.name))
    }

    /// The heading of a scenario: its question, unless that is the page's title.
    pub(super) fn heading(&self, finding: &ScenarioFinding) -> String {
        let scenario = &finding.scenario;
        if self.title() == scenario.question {
            format!("{}, in detail", scenario.name)
        } else {
            scenario.question.clone()
        }
    }

    /// Whether the top has the answer of a scenario.
    pub(super) fn has_answer(&self, scenario: &str) -> bool {
        self.questions.iter().any(|(finding, _)| finding.scenario.name == scenario)
    }

    pub(super) fn has_figure(&self, figure: &Figure) -> bool {
        self.figure.is_some_and(|own| own.slug == figure.slug)
    }

    pub(super) fn has_table(&self, table: &Panel) -> bool {
        self.matrix.as_ref() == Some(table)
    }

    /// The question, whether the run is valid and why, when and where it ran, and the driver.
    pub(super) fn header(&self) -> Vec<Block<'a>> {
        let findings = self.findings;
        let environment = &findings.environment;
        let warnings: usize = findings.scenarios.iter().map(|finding| grouped_warnings(finding).len()).sum();
        let mut verdict = Text::default()
            .and(Style::Verdict(tone(findings.verdict)), findings.verdict_words())
            .plain(format!(" {}.", findings.verdict_reason));
        if let Some(words) = threshold_words(findings) {
            verdict = verdict.plain(format!(" {}.", capitalised(&words)));
        }
        if warnings > 0 {
            let words = counted(warnings as u64, "warning stands", "warnings stand");
            verdict = verdict.plain(format!(" {words} with the numbers, further down."));
        }
        let mut facts = Text::from(format!(
            "pushlab run “{}”, {}{}, on {}, {}, {}, over loopback, commit ",
            findings.name,
            instant(&findings.started_at),
            match findings.parts.len() {
                0 => String::new(),
                parts => format!(", measured in {parts} parts"),
            },
            environment.system,
            environment.cpu,
            counted(u64::from(environment.cores), "core", "cores"),
        ))
        .code(&environment.commit)
        .plain(". ");
        facts.0.extend(driver_line(findings).unwrap_or_default().0);
        vec![
            Block::heading(1, self.title()),
            Block::with_role(Role::Facts, verdict),
            Block::with_role(Role::QuietFacts, facts),
        ]
    }

    /// The answers, and next to them what shows why.
    pub(super) fn answers(&self, figures: &[&'a Figure]) -> Vec<Block<'a>> {
        let findings = self.findings;
        let mut answers = Vec::new();
        if self.questions.is_empty() {
            answers.push(Block::paragraph("No trial was recorded, so there is no answer."));
        }
        answers.push(Block::list(ListKind::Answers, self.questions.iter().map(item).collect()));
        if self.has_more {
            answers.push(Block::paragraph("The other answers are with their questions, further down."));
        }
        let terms = terms(findings);
        let mut below = Vec::new();
        match &self.matrix {
            None => answers.extend(terms),
            Some(matrix) => {
                below.push(Block::heading(3, &matrix.heading));
                below.push(Block::with_role(Role::Quiet, matrix.explanation()));
                below.push(Block::table(matrix.table()));
                below.extend(matrix.further());
                below.extend(terms);
            }
        }
        let mut top = vec![Block::group(Group::Part, answers)];
        if let Some((figure, (finding, _))) = self.figure.zip(self.questions.first()) {
            let beside: Vec<String> = self
                .questions
                .iter()
                .flat_map(|(_, answer)| [answer.headline.clone(), answer.beneath()])
                .collect();
            top.push(figures::block(figure, &numbers_anchor(finding), figures, &beside));
        }
        let mut blocks = vec![Block::group(Group::Answers { beside: self.figure.is_some() }, top)];
        blocks.append(&mut below);
        blocks.extend(findings.warnings.iter().map(|warning| {
            let note = Text::default().strong("Note: ").plain(format!("{warning}."));
            Block::with_role(Role::QuietFacts, note)
        }));
        blocks.extend(method::failures("Failed trials", &findings.failures_of(Judged::Yes)));
        blocks
    }
}

/// An answer with what is beneath it, and a link to its scenario with the setting in one line.
fn item((finding, answer): &Answered<'_>) -> Text {
    let name = &finding.scenario.name;
    Text::default()
        .strong(&answer.headline)
        .new_line()
        .quiet(answer.beneath())
        .new_line()
        .link(name, name)
        .quiet(format!(": {}", setting_line(finding)))
}

/// Words and units of the answers; nothing if no trial measured an age.
fn terms<'a>(findings: &Findings) -> Option<Block<'a>> {
    let mut points = findings.scenarios.iter().flat_map(|scenario| &scenario.points);
    points.any(|point| point.completed().next().is_some()).then(|| {
        let mut text = Text::from("The ").link("g-age", "age").plain(format!(" {AGE_EXPLAINED}"));
        text.0.extend(difference_line(findings).0);
        Block::with_role(Role::Quiet, text)
    })
}
