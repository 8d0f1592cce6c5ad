//! The answers of scenarios whose subscriber is a browser, and of those that were not run.

use crate::{
    findings::ScenarioFinding,
    tables::watched::{Watch, checks_words, first_watches, found_words},
    text::sentence::sentences,
};

/// What the browser's tasks found; none where there was no such task.
pub(super) fn answer(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    let watches = first_watches(finding);
    let mut found = found_words(&watches, |watch| {
        let mut parts: Vec<String> = watch.opened_words().into_iter().collect();
        parts.extend(checks_words(watch));
        (!parts.is_empty()).then(|| parts.join(", "))
    });
    if watches.is_empty() {
        return None;
    }
    if found.is_empty() {
        found.push("The browser did its task but reported nothing".to_owned());
    }
    let browser = &watches[0].findings.browser;
    let mut conditions: Vec<String> = watches.iter().flat_map(broken).collect();
    conditions.push(format!("Browser: {browser}."));
    Some((sentences(&found), conditions))
}

/// What was expected and what was found, for each check that does not hold.
fn broken(watch: &Watch<'_>) -> Vec<String> {
    let broken = watch.findings.checks.iter().filter(|check| !check.holds);
    broken
        .map(|check| {
            let ours = check.ours.as_ref().map_or_else(String::new, |ours| format!(", ours: {ours}"));
            format!(
                "{}, {} ({}): expected {}, found {}{ours}.",
                watch.label(),
                check.name,
                check.question,
                check.expected,
                check.found
            )
        })
        .collect()
}

/// That nothing of a scenario was run, and why.
pub(super) fn not_run(finding: &ScenarioFinding) -> Option<String> {
    let reason = finding.points.iter().find_map(|point| point.not_run())?;
    finding.points.iter().all(|point| point.not_run().is_some()).then(|| format!("Not run: {reason}."))
}
