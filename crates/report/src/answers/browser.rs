//! The answers of scenarios whose subscriber is a browser, and of those that were not run.

use contract::Pattern;

use super::{headline::headed, words::verb};
use crate::{
    findings::ScenarioFinding,
    tables::watched::{Watch, checks_words, first_watches, found_words},
    text::{
        number::{count, list},
        sentence::sentences,
    },
};

/// What the browser's tasks found; none where there was no such task.
pub(super) fn answer(finding: &ScenarioFinding) -> Option<(String, Vec<String>)> {
    let watches = first_watches(finding);
    let browser = &watches.first()?.findings.browser;
    let found = found_words(&watches, |watch| {
        let mut parts: Vec<String> = watch.opened_words().into_iter().collect();
        parts.extend(checks_words(watch));
        (!parts.is_empty()).then(|| parts.join(", "))
    });
    let mut parts = streams(&watches);
    parts.extend(origins(&watches));
    parts.extend(checks(&watches));
    if parts.is_empty() {
        parts.push("The browser did its task but reported nothing".to_owned());
    }
    let mut conditions: Vec<String> = watches.iter().flat_map(broken).collect();
    conditions.extend(found.into_iter().map(|text| sentences(&[text])));
    conditions.push(format!("Browser: {browser}."));
    Some(headed(parts, conditions))
}

/// Where a page may not open all of its streams, and where it may.
fn streams(watches: &[Watch<'_>]) -> Vec<String> {
    let opened = |is_all: bool| -> Vec<(&Watch<'_>, u64, u64)> {
        let known = watches.iter().filter_map(|watch| {
            let (open, all) = watch.open_streams()?;
            Some((watch, open, all))
        });
        known.filter(|(_, open, all)| (open == all) == is_all).collect()
    };
    let labels = |of: &[(&Watch<'_>, u64, u64)]| {
        let mut before: Option<&Watch<'_>> = None;
        let names = of.iter().map(|(watch, _, _)| {
            let name = watch.label_after(before);
            before = Some(*watch);
            name
        });
        list(&names.collect::<Vec<_>>())
    };
    let (stopped, served) = (opened(false), opened(true));
    let mut parts = Vec::new();
    if let Some((_, open, all)) = stopped.iter().min_by_key(|(_, open, _)| *open) {
        parts.push(format!(
            "{} {} at {} of {} streams until one closes",
            labels(&stopped),
            verb(stopped.len(), "stops", "stop"),
            count(*open),
            count(*all)
        ));
    }
    if let Some((_, _, all)) = served.first() {
        let them = if stopped.is_empty() { format!("all {} streams", count(*all)) } else { "all".to_owned() };
        parts.push(format!("{} {} {them}", labels(&served), verb(served.len(), "opens", "open")));
    }
    parts
}

/// What a server must allow, and what CORS does not protect: from the checks of that name, if they hold.
fn origins(watches: &[Watch<'_>]) -> Vec<String> {
    let holds = |is_of: &dyn Fn(Pattern) -> bool, name: &str| {
        let checks = watches
            .iter()
            .filter(|watch| is_of(watch.point.pattern))
            .flat_map(|watch| &watch.findings.checks)
            .filter(|check| check.name == name);
        let found: Vec<bool> = checks.map(|check| check.holds).collect();
        !found.is_empty() && found.iter().all(|holds| *holds)
    };
    let any = |_: Pattern| true;
    let mut parts = Vec::new();
    if holds(&any, "not allowed") && holds(&any, "allowed") {
        parts.push("a page reads another site only if that server allows its origin".to_owned());
    }
    if holds(&any, "request sent anyway") {
        parts.push("CORS does not stop the request".to_owned());
    }
    if holds(&|pattern| pattern == Pattern::WebSocket, "CORS alone") {
        parts.push("CORS does not guard WebSocket".to_owned());
    }
    parts
}

/// Whether the checks of all tasks hold.
fn checks(watches: &[Watch<'_>]) -> Option<String> {
    let checks = || watches.iter().flat_map(|watch| &watch.findings.checks);
    let (all, broken) = (checks().count() as u64, checks().filter(|check| !check.holds).count() as u64);
    match (all, broken) {
        (0, _) => None,
        (1, 0) => Some("the browser passes the one check".to_owned()),
        (all, 0) => Some(format!("the browser passes all {} checks", count(all))),
        (all, broken) => Some(format!("the browser fails {} of {} checks", count(broken), count(all))),
    }
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
