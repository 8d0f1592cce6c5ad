//! `pushlab claims`: what a run decides about the claims, from its files alone.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use report::{CLAIMS, ClaimFinding, ClaimVerdict};

use crate::{
    exit::Failure,
    results,
    say::{say, terminal_width},
};

/// Show what a run decides about each claim: it holds, it depends, it is wrong, or it is open.
///
/// The claims are those of `claims.toml` in the folder of the run, which `bench` copies from the folder of the
/// scenarios. Filters combine: only claims that all of them let through are shown. `pushlab bench --claims K03`
/// measures what a claim needs.
#[derive(Debug, Args)]
pub(crate) struct ClaimsArguments {
    /// Folder of the run
    #[arg(value_name = "RUN", default_value = "results/reference")]
    folder: PathBuf,
    /// Only these claims, such as K03,K09, with their evidence: each condition at each point
    #[arg(long = "id", value_name = "IDS", value_delimiter = ',')]
    ids: Vec<String>,
    /// Only claims with this text in their words, in upper or lower case; if given several times, with each
    #[arg(long = "word", value_name = "TEXT")]
    words: Vec<String>,
    /// Only claims with one of these verdicts: holds, depends, wrong, open
    #[arg(long = "verdict", value_name = "VERDICTS", value_delimiter = ',', value_parser = verdict)]
    verdicts: Vec<ClaimVerdict>,
    /// Print JSON, with the evidence for each claim
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &ClaimsArguments) -> Result<ExitCode, Failure> {
    let folder = arguments.folder.display();
    let run = results::read(&arguments.folder)?;
    if !results::has_report(&arguments.folder) {
        return Err(Failure::Error(anyhow::anyhow!(
            "the run in {folder} has no report yet: it is still being measured, or it was ended early. Wait for \
             its end, or write its report with `pushlab report {folder}`"
        )));
    }
    if run.claims.is_empty() {
        return Err(Failure::Error(without_claims(&run.warnings, &folder.to_string())));
    }
    let findings = report::findings(&run);
    let chosen = arguments.chosen(&findings.claims)?;
    let text = match (arguments.json, arguments.ids.is_empty()) {
        (true, _) => report::claims_json(&chosen),
        (false, true) => report::claims_text(&chosen, terminal_width()),
        (false, false) => report::claims_with_evidence_text(&chosen, terminal_width()),
    };
    say(text.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Why a run has no claims.
fn without_claims(warnings: &[String], folder: &str) -> anyhow::Error {
    match warnings.iter().find(|warning| warning.contains(CLAIMS)) {
        Some(warning) => anyhow::anyhow!("{folder}: {warning}"),
        None => anyhow::anyhow!(
            "there is no claim in {folder}: `bench` copies {CLAIMS} from the folder of the scenarios into that of \
             the run; copy it there to judge a run that was measured without it"
        ),
    }
}

impl ClaimsArguments {
    /// The claims that all filters let through, in their order.
    fn chosen<'a>(&self, claims: &'a [ClaimFinding]) -> Result<Vec<&'a ClaimFinding>, Failure> {
        let by_id: Vec<&ClaimFinding> =
            self.ids.iter().map(|id| of_id(id, claims, |claim| &claim.id)).collect::<Result<_, _>>()?;
        let has_words = |claim: &ClaimFinding| {
            let text = format!("{} {}", claim.claim, claim.sentence).to_lowercase();
            self.words.iter().all(|word| text.contains(&word.to_lowercase()))
        };
        let is_chosen = |claim: &&ClaimFinding| {
            (by_id.is_empty() || by_id.iter().any(|asked| asked.id == claim.id))
                && (self.verdicts.is_empty() || self.verdicts.contains(&claim.verdict))
                && has_words(claim)
        };
        Ok(claims.iter().filter(is_chosen).collect())
    }
}

/// The verdict with this name.
fn verdict(text: &str) -> Result<ClaimVerdict, String> {
    let named = ClaimVerdict::ALL.into_iter().find(|verdict| verdict.key() == text);
    named.ok_or_else(|| format!("write {}", ClaimVerdict::ALL.map(ClaimVerdict::key).join(", ")))
}

/// The claim with an id, in upper or lower case.
pub(crate) fn of_id<'a, T>(id: &str, claims: &'a [T], id_of: impl Fn(&T) -> &str) -> Result<&'a T, Failure> {
    let id = id.trim();
    if let Some(found) = claims.iter().find(|claim| id_of(claim).eq_ignore_ascii_case(id)) {
        return Ok(found);
    }
    let number = |id: &str| id.trim_start_matches(['K', 'k']).parse::<i64>().ok();
    let distance = |known: &&str| number(id).zip(number(known)).map(|(left, right)| left.abs_diff(right));
    let ids = || claims.iter().map(&id_of);
    let nearest = ids().filter(|known| distance(known).is_some()).min_by_key(distance);
    let hint = nearest.map_or_else(String::new, |nearest| format!("did you mean `{nearest}`? "));
    let known = match (ids().next(), ids().next_back()) {
        (Some(first), Some(last)) => format!("the claims are {first} to {last}"),
        (_, _) => format!("{CLAIMS} has no claim"),
    };
    Err(Failure::Usage(anyhow::anyhow!("there is no claim `{id}`: {hint}{known}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_gets_the_nearest_one() {
        let ids = ["K01", "K03", "K30", "K103"];
        let of = |id: &str| of_id(id, &ids, |known| known);
        for (id, known) in [("K03", "K03"), ("k103", "K103"), (" K30 ", "K30")] {
            assert_eq!(of(id).expect(id), &known);
        }
        for (id, hint) in [
            ("K3", "did you mean `K03`? the claims are K01 to K103"),
            ("3", "did you mean `K03`? "),
            ("K66", "did you mean `K30`? "),
            ("K999", "did you mean `K103`? "),
            ("polling", "there is no claim `polling`: the claims are K01 to K103"),
        ] {
            let Err(Failure::Usage(error)) = of(id) else { panic!("{id}") };
            assert!(error.to_string().contains(hint), "{error}");
        }
        let Err(Failure::Usage(error)) = of_id("K01", &[] as &[&str], |known| known) else { panic!() };
        assert_eq!(error.to_string(), "there is no claim `K01`: claims.toml has no claim");
    }

    #[test]
    fn a_verdict_is_one_of_four_words() {
        assert_eq!(verdict("wrong"), Ok(ClaimVerdict::Wrong));
        assert_eq!(verdict("false"), Err("write holds, depends, wrong, open".to_owned()));
    }
}
