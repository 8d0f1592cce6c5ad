//! The page of all claims: an index by verdict and by scenario, and each claim with its evidence.

use super::claims::{evidence, has_page, sentence, title, verdicts};
use crate::{
    charts::{Figure, claims::slug},
    document::{Block, Content, Definition, Document, Group, ListKind, Place, Role, Text},
    findings::{ClaimFinding, ClaimVerdict, Findings},
    tables::claims::{evidence_table, sign, verdict_text},
    text::number::{counted, instant},
};

/// The report beside the page.
const REPORT: &str = "report.html";

/// What the marks of the page mean.
const EXPLAINED: &str = "A claim says that all of its conditions are true. It holds if they are true at every point, is wrong if they are true at none, and depends if they are true at some. It is open if it was not measured, or if the numbers do not decide it. A condition is decided if the whole 95\u{202f}% interval lies on one side of the limit. With fewer than four blocks there is no interval: the range shown is then that in which a single block may lie, and the verdict says “by one block”.";

/// The page; none if the run has evidence for few claims.
pub(crate) fn page<'a>(findings: &'a Findings, figures: &'a [Figure]) -> Option<Document<'a>> {
    if !has_page(findings) {
        return None;
    }
    let claims: Vec<&ClaimFinding> = findings.claims.iter().collect();
    let environment = &findings.environment;
    let facts = Text::from(format!(
        "pushlab run “{}”, {}, on {}, {}, {}. ",
        findings.name,
        instant(&findings.started_at),
        environment.system,
        environment.cpu,
        counted(u64::from(environment.cores), "core", "cores"),
    ));
    let question = "What is said about the four patterns, and what was measured";
    let header = vec![
        Block::heading(1, question),
        Block::with_role(
            Role::Facts,
            Text::default()
                .strong(format!(
                    "Of {}, {}.",
                    counted(claims.len() as u64, "claim", "claims"),
                    verdicts(&claims)
                ))
                .plain(" ")
                .address(REPORT, "The report")
                .plain(" has the measurements."),
        ),
        Block::with_role(Role::QuietFacts, facts.code(&findings.command)),
    ];
    let mut main = vec![Block::paragraph(EXPLAINED), index(&claims)];
    main.extend(claims.iter().map(|claim| entry(findings, claim, figures)));
    Some(Document { title: format!("{question}: {}", findings.name), header, main })
}

fn index<'a>(claims: &[&ClaimFinding]) -> Block<'a> {
    let mut blocks = Vec::new();
    for verdict in ClaimVerdict::ALL {
        let those: Vec<&ClaimFinding> =
            claims.iter().copied().filter(|claim| claim.verdict == verdict).collect();
        if those.is_empty() {
            continue;
        }
        let claims = counted(those.len() as u64, "claim", "claims");
        blocks.push(Block::heading(3, format!("{} {}: {claims}", sign(verdict), verdict.word())));
        let item = |claim: &&ClaimFinding| Text::default().link(&claim.id, title(claim));
        blocks.push(Block::list(ListKind::Items, those.iter().map(item).collect()));
    }
    let mut scenarios: Vec<&str> =
        claims.iter().flat_map(|claim| &claim.scenarios).map(String::as_str).collect();
    scenarios.sort_unstable();
    scenarios.dedup();
    blocks.push(Block::heading(3, "By scenario"));
    blocks.push(Block::definitions(scenarios.into_iter().map(|name| by_scenario(name, claims)).collect()));
    Block::group(Group::Contents, blocks)
}

fn by_scenario(name: &str, claims: &[&ClaimFinding]) -> Definition {
    let mut meaning = Text::default();
    for claim in claims.iter().filter(|claim| claim.scenarios.iter().any(|known| known == name)) {
        if !meaning.is_empty() {
            meaning = meaning.plain(", ");
        }
        meaning = meaning.link(&claim.id, format!("{} {}", claim.id, claim.verdict.word()));
    }
    Definition { anchor: None, term: name.to_owned(), meaning }
}

/// A claim: its verdict and sentence, its evidence, where it is heard, and beside these the picture.
fn entry<'a>(findings: &Findings, claim: &ClaimFinding, figures: &'a [Figure]) -> Block<'a> {
    let mut verdict = verdict_text(claim.verdict);
    verdict.0.extend(Text::from(": ").0);
    verdict.0.extend(sentence(claim).0);
    let mut words = vec![Block::with_role(Role::Answer, verdict)];
    words.extend(sources(findings, claim));
    let slug = slug(claim);
    let mut columns = vec![Block::group(Group::Part, words)];
    columns.extend(figures.iter().find(|figure| figure.slug == slug).map(|figure| {
        let content = Content::Figure { figure, title: None, caption: Text::from(figure.caption.as_str()) };
        Block { place: Place::Page, content }
    }));
    let heading = Block::part(&claim.id, title(claim));
    let mut blocks = vec![heading, Block::group(Group::Pair, columns)];
    blocks.extend(evidence_table(claim).map(|table| {
        let points = counted(claim.cells.len() as u64, "point", "points");
        Block::fold(format!("The conditions at {points}, as a table"), vec![Block::table(table)])
    }));
    Block::group(Group::Section, blocks)
}

/// Where a claim is heard, the scenarios that decide it, and the command that measures them.
fn sources<'a>(findings: &Findings, claim: &ClaimFinding) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    if !claim.scenarios.is_empty() {
        let link = |text: Text, name: &str| text.address(format!("{REPORT}#{name}"), name);
        blocks.push(Block::with_role(Role::Quiet, evidence(findings, claim, link)));
    }
    if !claim.heard.is_empty() {
        let mut text = Text::from("Heard in: ");
        for (index, heard) in claim.heard.iter().enumerate() {
            text = text.plain(if index == 0 { "" } else { "; " }).address(&heard.link, &heard.title);
        }
        blocks.push(Block::with_role(Role::Quiet, text));
    }
    blocks
}
