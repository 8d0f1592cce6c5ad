//! The links of README: each leads to a file of the project or to one of its headings.

use std::{collections::BTreeSet, fs, path::Path};

/// The targets of the links and pictures of a Markdown text.
fn targets(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The anchors of its headings, as code hosts make them: in lower case, a hyphen for each space, without other
/// punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_of_the_readme_leads_somewhere() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(top.join("README.md")).unwrap();
    let (found, anchors) = (targets(&text), anchors(&text));
    assert!(found.len() > 30, "{} links", found.len());
    let dead: Vec<&str> = found
        .into_iter()
        .filter(|target| match target.strip_prefix('#') {
            Some(anchor) => !anchors.contains(anchor),
            None if target.starts_with("https://") => false,
            None => !top.join(target.split('#').next().unwrap_or_default()).exists(),
        })
        .collect();
    assert!(dead.is_empty(), "these links of README.md lead nowhere: {dead:?}");
}

#[test]
fn a_dead_link_is_found() {
    let text = "# A head, line!\n[one](#a-head-line) ![two](a.png) [three](https://x.org)";
    assert_eq!(targets(text), ["#a-head-line", "a.png", "https://x.org"]);
    assert!(anchors(text).contains("a-head-line") && !anchors(text).contains("a-head,-line!"));
}
