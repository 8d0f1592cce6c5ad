//! The glossary of the report: each term explained once.

use std::sync::LazyLock;

use contract::Transport;
use serde::Deserialize;

use crate::{
    findings::{Findings, Point, ScenarioFinding},
    judgement::floor::has_floor,
    text::swept::{SweepParameter, Topic},
};

/// Anchor, word, meaning.
type Word = (&'static str, &'static str, &'static str);

/// The glossary entry for a table's head, if there is one.
pub(crate) fn anchor(head: &str) -> Option<&'static str> {
    let known = [
        ("obstacle", "middlebox"),
        ("round trips", "round-trip"),
        ("set-up at p50", "percentile"),
        ("age at p99", "percentile"),
        ("heartbeat", "heartbeat"),
        ("bytes per event", "delivery"),
        ("connections", "socket"),
        ("protocol", "alpn"),
    ];
    known.into_iter().find_map(|(word, anchor)| (word == head).then_some(anchor))
}

/// Terms within a sentence that the glossary explains, with their anchors.
const LINKED: [(&str, &str); 8] = [
    ("baseline", "baseline"),
    ("round-trip time", "round-trip"),
    ("heartbeats", "heartbeat"),
    ("HTTP/2 stream", "stream"),
    ("head-of-line blocking", "head-of-line"),
    ("middlebox", "middlebox"),
    ("one-way delay", "one-way-delay"),
    ("black hole", "black-hole"),
];

/// Cuts a sentence at the first use of each such term and returns the term's part with its anchor.
pub(crate) fn cut(text: &str) -> Vec<(&str, Option<&'static str>)> {
    let mut places: Vec<(usize, usize, &'static str)> = LINKED
        .iter()
        .filter_map(|(word, anchor)| text.find(word).map(|start| (start, start + word.len(), *anchor)))
        .collect();
    places.sort_unstable();
    let mut parts = Vec::new();
    let mut from = 0;
    for (start, end, anchor) in places {
        if start >= from {
            parts.push((&text[from..start], None));
            parts.push((&text[start..end], Some(anchor)));
            from = end;
        }
    }
    parts.push((&text[from..], None));
    parts
}

/// The file of the terms, which the README's glossary repeats.
const FILE: &str = include_str!("../../glossary.toml");

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Glossary {
    term: Vec<Term>,
}

/// A term.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    anchor: String,
    word: String,
    meaning: String,
    #[serde(default)]
    reports: Reports,
}

/// Which reports have a term.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reports {
    #[default]
    All,
    WithIntervals,
    WithFewBlocks,
    WithFloor,
    WithRamp,
    WithAblations,
    AboutNetworks,
    /// Only the README has it.
    None,
}

impl Reports {
    fn include(self, findings: &Findings) -> bool {
        let any = |is: fn(&ScenarioFinding) -> bool| findings.scenarios.iter().any(is);
        match self {
            Self::All => true,
            Self::WithIntervals => any(|finding| finding.blocks() > 0 && finding.few_blocks().is_none()),
            Self::WithFewBlocks => any(|finding| finding.few_blocks().is_some()),
            Self::WithFloor => any(has_floor),
            Self::WithRamp => any(ScenarioFinding::is_ramp),
            Self::WithAblations => {
                any(|finding| SweepParameter::of(&finding.scenario) == Some(SweepParameter::Ablation))
            }
            Self::AboutNetworks => any(is_of_network),
            Self::None => false,
        }
    }
}

/// Parsed once. A test guarantees that the file can be read.
fn terms() -> &'static [Term] {
    static TERMS: LazyLock<Vec<Term>> =
        LazyLock::new(|| toml::from_str::<Glossary>(FILE).unwrap_or_default().term);
    &TERMS
}

/// The terms of this report: those of every report, and those that its scenarios need.
pub(crate) fn words(findings: &Findings) -> Vec<Word> {
    let of_this = terms().iter().filter(|term| term.reports.include(findings));
    of_this.map(|term| (term.anchor.as_str(), term.word.as_str(), term.meaning.as_str())).collect()
}

/// All terms as a Markdown table, as the README has it.
#[must_use]
pub fn glossary_table() -> String {
    let rows = terms().iter().map(|term| format!("| {} | {} |\n", term.word, term.meaning));
    std::iter::once("| word | meaning |\n|---|---|\n".to_owned()).chain(rows).collect()
}

/// Whether a question is about the network between subscriber and server, or about a browser.
fn is_of_network(finding: &ScenarioFinding) -> bool {
    let other = |point: &Point| {
        point.params.network.is_some()
            || point.params.browser.is_some()
            || point.params.heartbeat.is_some()
            || point.params.transport != Transport::Http1
    };
    let about = SweepParameter::of(&finding.scenario).is_some_and(|swept| swept.has(Topic::Network));
    about || finding.points.iter().any(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_at_its_first_words_and_loses_nothing() {
        let text = "Next to the baseline, and the baseline again, a middlebox.";
        let parts = cut(text);
        assert_eq!(parts.iter().map(|(part, _)| *part).collect::<String>(), text);
        let linked: Vec<&str> = parts.iter().filter_map(|(_, anchor)| *anchor).collect();
        assert_eq!(linked, ["baseline", "middlebox"]);
        assert_eq!(cut("nothing of it"), [("nothing of it", None)]);
    }

    #[test]
    fn every_link_leads_to_a_word() {
        let known = |anchor: &str| terms().iter().any(|term| term.anchor == anchor);
        assert!(LINKED.iter().all(|(_, anchor)| known(anchor)));
        for head in ["obstacle", "round trips", "heartbeat", "protocol", "connections"] {
            assert!(anchor(head).is_some_and(known), "{head}");
        }
        assert_eq!(anchor("cut"), None);
    }

    #[test]
    fn the_file_can_be_read_and_has_each_term_once_and_in_order() {
        let terms = toml::from_str::<Glossary>(FILE).expect("it can be read").term;
        assert!(terms.len() > 40, "{} terms", terms.len());
        for pair in terms.windows(2) {
            assert!(pair[0].anchor < pair[1].anchor, "{} after {}", pair[1].anchor, pair[0].anchor);
        }
        for term in &terms {
            assert!(term.meaning.ends_with('.') && !term.meaning.contains('|'), "{}", term.anchor);
            for sentence in term.meaning.split(". ") {
                let words = sentence.split(' ').count();
                assert!(words <= 35, "{}: {words} words: {sentence}", term.anchor);
            }
        }
        let unknown = FILE.replacen("meaning", "sense", 1);
        assert!(toml::from_str::<Glossary>(&unknown).is_err());
    }
}
