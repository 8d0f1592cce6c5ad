//! Which scenarios a run measures, which part of them, and the command that repeats the run.

use std::path::Path;

use contract::{Scenario, Selection, ServerName};
use report::Claim;

use super::BenchArguments;
use crate::{
    claims::of_id,
    exit::Failure,
    scenarios::{self, Loaded},
};

/// Longest name of a run. The name of its folder adds a time before it and perhaps a number after it, and a
/// file name has at most 255 bytes.
const LONGEST_RUN_NAME: usize = 100;

/// Stands for every claim.
const ALL_CLAIMS: &str = "all";

/// What the run measures.
pub(crate) struct Choice {
    pub(crate) chosen: Vec<Loaded>,
    /// Which part of each.
    pub(crate) selection: Selection,
    /// The run's name.
    pub(crate) name: String,
}

impl Choice {
    /// The scenarios named; for the default run, those with a `[default_run]`.
    pub(crate) fn make(arguments: &BenchArguments) -> Result<Self, Failure> {
        if !arguments.scenarios.is_empty() {
            return Self::named(arguments);
        }
        if !arguments.claims.is_empty() {
            return Self::of_claims(arguments);
        }
        let mut chosen = scenarios::all(&arguments.folder)?;
        if arguments.all {
            chosen.retain(|loaded| !loaded.scenario.servers.iter().any(ServerName::is_foreign));
            return Ok(Self { chosen, selection: Selection::Everything, name: "all".to_owned() });
        }
        chosen.retain(|loaded| has_default_part(&loaded.scenario));
        if chosen.is_empty() {
            let error = anyhow::anyhow!(
                "no scenario in {} has a [default_run]: name a scenario, or use --all",
                arguments.folder.display()
            );
            return Err(Failure::Usage(error));
        }
        Ok(Self { chosen, selection: Selection::Default, name: "default".to_owned() })
    }

    /// The scenarios that the conditions of the claims name.
    fn of_claims(arguments: &BenchArguments) -> Result<Self, Failure> {
        let Some((_, claims)) = scenarios::claims(&arguments.folder)? else {
            return Err(Failure::Usage(anyhow::anyhow!(
                "there is no {} in {}: name scenarios instead of --claims",
                report::CLAIMS,
                arguments.folder.display()
            )));
        };
        let (asked, name) = if arguments.claims == [ALL_CLAIMS] {
            (claims.iter().collect(), "claims".to_owned())
        } else {
            let asked = arguments
                .claims
                .iter()
                .map(|id| of_id(id, &claims, |claim| &claim.id))
                .collect::<Result<Vec<&Claim>, _>>()?;
            let ids: Vec<&str> = asked.iter().map(|claim| claim.id.as_str()).collect();
            (asked, run_name(&[&["claims"], ids.as_slice()].concat()))
        };
        let needed: Vec<String> = asked.iter().flat_map(|claim| report::scenarios_of(claim)).collect();
        if needed.is_empty() {
            let ids: Vec<&str> = asked.iter().map(|claim| claim.id.as_str()).collect();
            return Err(Failure::Usage(anyhow::anyhow!(
                "nothing can be measured for {}: without conditions a claim is open",
                ids.join(", ")
            )));
        }
        let mut chosen = scenarios::all(&arguments.folder)?;
        chosen.retain(|loaded| needed.contains(&loaded.scenario.name));
        Ok(Self { chosen, selection: Selection::Everything, name })
    }

    fn named(arguments: &BenchArguments) -> Result<Self, Failure> {
        let chosen = arguments
            .scenarios
            .iter()
            .map(|name| scenarios::named(&arguments.folder, name))
            .collect::<Result<Vec<_>, _>>()?;
        let names: Vec<&str> = chosen.iter().map(|loaded| loaded.scenario.name.as_str()).collect();
        if let Some(twice) =
            names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name))
        {
            return Err(Failure::Usage(anyhow::anyhow!(
                "two of the scenarios are called `{twice}`: name each scenario once"
            )));
        }
        let name = run_name(&names);
        if !arguments.default_part {
            return Ok(Self { chosen, selection: Selection::Everything, name });
        }
        if let Some(without) = chosen.iter().find(|loaded| !has_default_part(&loaded.scenario)) {
            return Err(Failure::Usage(anyhow::anyhow!(
                "`{}` has no [default_run], so it has no default part: leave out --default-part",
                without.scenario.name
            )));
        }
        Ok(Self { chosen, selection: Selection::Default, name })
    }
}

fn has_default_part(scenario: &Scenario) -> bool {
    !scenario.trials(Selection::Default).is_empty()
}

/// The names of the scenarios, as many as fit into a folder's name: `rtt-bursts-and-12-more`.
fn run_name(names: &[&str]) -> String {
    let of = |shown: usize| match names.len() - shown {
        0 => names.join("-"),
        more => format!("{}-and-{more}-more", names[..shown].join("-")),
    };
    // The name of a scenario is shorter than the limit, so one name always fits.
    (1..=names.len()).rev().map(of).find(|name| name.len() <= LONGEST_RUN_NAME).unwrap_or_else(|| of(1))
}

/// The command that repeats this run, or some of its scenarios.
pub(crate) fn command(
    arguments: &BenchArguments,
    selection: Selection,
    scenarios: &[impl AsRef<str>],
) -> String {
    let mut words = vec!["just bench".to_owned()];
    words.extend(scenarios.iter().map(|scenario| quoted(scenario.as_ref())));
    // Without `--default-part` a named scenario is measured as a whole.
    match (selection, scenarios.is_empty()) {
        (Selection::Default, false) => words.push("--default-part".to_owned()),
        (Selection::Everything, true) if arguments.claims.is_empty() => words.push("--all".to_owned()),
        (Selection::Everything, true) => {
            words.push(format!("--claims {}", quoted(&arguments.claims.join(","))));
        }
        (Selection::Default, true) | (Selection::Everything, false) => {}
    }
    words.extend(arguments.blocks.map(|blocks| format!("--blocks {blocks}")));
    words.push(format!("--seed {}", arguments.seed()));
    for (is_set, flag) in
        [(arguments.fail_fast, "--fail-fast"), (arguments.install_targets, "--install-targets")]
    {
        if is_set {
            words.push(flag.to_owned());
        }
    }
    if arguments.folder != Path::new("scenarios") {
        words.push(format!("--scenarios {}", quoted(&arguments.folder.display().to_string())));
    }
    words.join(" ")
}

/// A text quoted so that a shell takes it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_shortened_so_that_a_folder_may_bear_them() {
        assert_eq!(run_name(&["rtt"]), "rtt");
        assert_eq!(run_name(&["rtt", "bursts"]), "rtt-bursts");
        let longest = "x".repeat(60);
        assert_eq!(run_name(&[&longest, "rtt"]), format!("{longest}-rtt"));
        let fourteen: Vec<String> = (1..=14).map(|number| format!("a-rather-long-name-{number}")).collect();
        let fourteen: Vec<&str> = fourteen.iter().map(String::as_str).collect();
        let name = run_name(&fourteen);
        let start = "a-rather-long-name-1-a-rather-long-name-2-a-rather-long-name-3-a-rather-long-name-4";
        assert_eq!(name, format!("{start}-and-10-more"));
        let long: Vec<String> = (0..14).map(|number| format!("{number:0>60}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        assert_eq!(run_name(&long), format!("{}-and-13-more", long[0]));
        assert!([name.len(), run_name(&long).len()].iter().all(|length| *length <= LONGEST_RUN_NAME));
    }

    #[test]
    fn a_shell_takes_a_quoted_word_for_one() {
        for word in ["bursts", "my scenarios/x.toml", "it's", "$HOME", "", "a;b"] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(word))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(quoted("scenarios/x.toml"), "scenarios/x.toml");
    }
}
