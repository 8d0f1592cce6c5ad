//! Claims: those that the run decides, after its answers, and the ledger of all of them in a terminal.

use super::terminal::{in_terminal, line};
use crate::{
    document::{Block, Cell, Column, Document, Group, Place, Role, Style, Table, Text},
    findings::{ClaimFinding, ClaimVerdict, Findings},
    tables::claims::{by_condition, condition_table, verdict_text, verdict_tone},
    text::number::{counted, list},
};

/// The page with all claims, beside the report.
pub(crate) const PAGE: &str = "claims.html";
/// Where the section stands.
const ANCHOR: &str = "claims";
const HEADING: &str = "Claims that this run decides";

/// Whether a claim is decided, or every scenario that its conditions name was measured.
fn has_evidence(findings: &Findings, claim: &ClaimFinding) -> bool {
    let is_whole = || claim.scenarios.iter().all(|name| is_measured(findings, name));
    !claim.scenarios.is_empty() && (claim.verdict != ClaimVerdict::Open || is_whole())
}

fn is_measured(findings: &Findings, scenario: &str) -> bool {
    findings.scenarios.iter().any(|finding| finding.scenario.name == scenario)
}

/// The scenarios of a claim, those that were measured as links, and the command that measures them.
pub(super) fn evidence(findings: &Findings, claim: &ClaimFinding, link: impl Fn(Text, &str) -> Text) -> Text {
    let mut text = Text::default().quiet("Evidence: ");
    for (index, name) in claim.scenarios.iter().enumerate() {
        text = text.quiet(if index == 0 { "" } else { ", " });
        text = if is_measured(findings, name) { link(text, name) } else { text.plain(name) };
    }
    text.plain(". ").code(command(claim))
}

/// Whether the run has evidence for most of the claims that something decides, so that they have a page.
pub(super) fn has_page(findings: &Findings) -> bool {
    let decidable = findings.claims.iter().filter(|claim| !claim.scenarios.is_empty());
    let with_evidence = decidable.clone().filter(|claim| has_evidence(findings, claim)).count();
    with_evidence > 0 && 2 * with_evidence > decidable.count()
}

/// The section of the report; nothing without claims.
pub(super) fn section<'a>(findings: &Findings) -> Vec<Block<'a>> {
    if findings.claims.is_empty() {
        return Vec::new();
    }
    let (decided, others): (Vec<&ClaimFinding>, Vec<&ClaimFinding>) =
        findings.claims.iter().partition(|claim| has_evidence(findings, claim));
    let mut blocks = vec![Block::part(ANCHOR, HEADING)];
    let has_page = has_page(findings);
    if !decided.is_empty() {
        let mut counts = Text::from(format!("{}.", verdicts(&decided)));
        if has_page {
            counts = counts
                .plain(" ")
                .address(PAGE, "The page of all claims")
                .plain(" shows where each is heard, its evidence and a picture.");
        }
        blocks.push(Block::paragraph(counts));
        let rows = decided.iter().map(|claim| row(findings, claim, has_page)).collect();
        let table = Block::table(Table::new("claims", columns(), rows));
        if has_page {
            let summary = format!("The {}", counted(decided.len() as u64, "claim", "claims"));
            blocks.push(Block::fold(summary, vec![table]));
        } else {
            blocks.push(table);
        }
    }
    blocks.extend(further(&others).map(|text| Block::with_role(Role::Quiet, text)));
    vec![Block::group(Group::Section, blocks)]
}

fn columns() -> Vec<Column> {
    ["verdict", "claim", "result"].map(Column::words).to_vec()
}

fn row(findings: &Findings, claim: &ClaimFinding, has_page: bool) -> Vec<Cell> {
    let id = if has_page {
        Text::default().address(format!("{PAGE}#{}", claim.id), &claim.id)
    } else {
        Text::default().strong(&claim.id)
    };
    let mut result = sentence(claim).new_line();
    result.0.extend(evidence(findings, claim, |text, name| text.link(name, name)).0);
    vec![
        Cell::name(verdict_text(claim.verdict)).toned(verdict_tone(claim.verdict)),
        Cell::value(with_code(id.plain(" "), &claim.claim)),
        Cell::value(result),
    ]
}

/// The sentence, and whether it rests on too few blocks for an interval.
pub(super) fn sentence(claim: &ClaimFinding) -> Text {
    let by_one_block = if claim.is_by_one_block { " By one block." } else { "" };
    with_code(Text::default(), &claim.sentence).plain(by_one_block)
}

/// Adds words from the file of claims, in which backticks enclose what is written in code.
fn with_code(before: Text, words: &str) -> Text {
    let parts = words.split('`').enumerate();
    parts.fold(before, |text, (index, part)| if index % 2 == 0 { text.plain(part) } else { text.code(part) })
}

/// A claim without its backticks, for a heading or a link.
pub(super) fn title(claim: &ClaimFinding) -> String {
    format!("{} {}", claim.id, claim.claim.replace('`', ""))
}

/// The command that measures what a claim needs.
fn command(claim: &ClaimFinding) -> String {
    format!("just bench --claims {}", claim.id)
}

/// How many claims this run says nothing about, and what would.
fn further(others: &[&ClaimFinding]) -> Option<Text> {
    let unmeasured = others.iter().filter(|claim| !claim.scenarios.is_empty()).count();
    let without = others.len() - unmeasured;
    let mut text = Text::default();
    if unmeasured > 0 {
        let claims = counted(unmeasured as u64, "more claim needs", "more claims need");
        text = text.plain(format!("{claims} other scenarios: ")).code("just claims").plain(". ");
    }
    if without > 0 {
        let claims = counted(
            without as u64,
            "claim is open: no scenario decides it",
            "claims are open: no scenario decides them",
        );
        text = text.plain(format!("{claims} yet."));
    }
    (!text.is_empty()).then_some(text)
}

/// `12 hold, 8 depend, 6 are wrong and 40 are open`.
pub(super) fn verdicts(claims: &[&ClaimFinding]) -> String {
    list(&counts(claims, |verdict| match verdict {
        ClaimVerdict::Holds => ("holds", "hold"),
        ClaimVerdict::Depends => ("depends", "depend"),
        ClaimVerdict::Wrong => ("is wrong", "are wrong"),
        ClaimVerdict::Open => ("is open", "are open"),
    }))
}

/// The verdicts that occur, each with how many claims have it.
fn counts(
    claims: &[&ClaimFinding],
    words: impl Fn(ClaimVerdict) -> (&'static str, &'static str),
) -> Vec<String> {
    ClaimVerdict::ALL
        .into_iter()
        .map(|verdict| (verdict, claims.iter().filter(|claim| claim.verdict == verdict).count()))
        .filter(|(_, number)| *number > 0)
        .map(|(verdict, number)| {
            let (one, more) = words(verdict);
            counted(number as u64, one, more)
        })
        .collect()
}

/// `claims: 12 hold, 8 depend, 6 wrong, 40 open`, for a terminal.
fn summary(claims: &[&ClaimFinding]) -> String {
    let words = |verdict: ClaimVerdict| match verdict {
        ClaimVerdict::Holds => ("holds", "hold"),
        ClaimVerdict::Depends => ("depends", "depend"),
        ClaimVerdict::Wrong | ClaimVerdict::Open => (verdict.word(), verdict.word()),
    };
    format!("claims: {}", counts(claims, words).join(", "))
}

/// The line of a run's terminal; nothing without claims.
pub(super) fn summary_line<'a>(findings: &Findings) -> Option<Block<'a>> {
    let claims: Vec<&ClaimFinding> = findings.claims.iter().collect();
    (!claims.is_empty()).then(|| line(summary(&claims)))
}

/// Claims in a terminal, each with its verdict, its sentence and the command that measures it.
pub(crate) fn ledger<'a>(claims: &[&'a ClaimFinding]) -> Document<'a> {
    in_terminal(
        "claims".to_owned(),
        [heading(claims), claims.iter().map(|claim| entry(claim)).collect()].concat(),
    )
}

/// The same with the evidence for each.
pub(crate) fn ledger_with_evidence<'a>(claims: &[&'a ClaimFinding]) -> Document<'a> {
    let whole = |claim: &&'a ClaimFinding| {
        let mut blocks = vec![entry(claim)];
        for condition in by_condition(claim) {
            blocks.push(line(Text::default().code(condition.0)));
            blocks.push(Block::table(condition_table(&condition)).at(Place::Terminal));
        }
        for heard in &claim.heard {
            blocks.extend([line(format!("heard in: {}", heard.title)), line(heard.link.as_str())]);
        }
        Block::group(Group::Section, blocks)
    };
    in_terminal("claims".to_owned(), [heading(claims), claims.iter().map(whole).collect()].concat())
}

fn heading<'a>(claims: &[&ClaimFinding]) -> Vec<Block<'a>> {
    let text = if claims.is_empty() { "no claim matches".to_owned() } else { summary(claims) };
    vec![Block::group(Group::Section, vec![line(text)])]
}

fn entry<'a>(claim: &ClaimFinding) -> Block<'a> {
    let verdict = &verdict_text(claim.verdict).0;
    let mut title = Text::default().strong(format!("{} ", claim.id));
    title.0.extend(verdict.iter().cloned());
    let mut blocks = vec![line(with_code(title.plain(": "), &claim.claim)), line(sentence(claim))];
    if !claim.scenarios.is_empty() {
        let scenarios = list(&claim.scenarios);
        blocks.push(line(Text::from(format!("evidence: {scenarios}; ")).and(Style::Code, command(claim))));
    }
    Block::group(Group::Section, blocks)
}
