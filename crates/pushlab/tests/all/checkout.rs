//! Which changes to a checkout mark a run's commit as `-dirty`: those without which it cannot be reproduced.

use std::process::Command;

use crate::lab::{Lab, manifest, process::Running, until};

fn git(lab: &Lab, words: &[&str]) {
    let who = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").args(who).args(words).current_dir(lab.path(".")).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

/// The commit in the manifest of a run of these scenarios.
fn commit_of(lab: &Lab, scenarios: &[&str]) -> String {
    let before = lab.runs();
    let arguments: Vec<&str> = ["bench"].iter().chain(scenarios).copied().collect();
    let bench = Running::start(lab.command(&arguments));
    let run = until("a manifest", || {
        lab.runs().into_iter().find(|run| !before.contains(run) && run.join("manifest.json").is_file())
    });
    bench.kill();
    manifest(&run).environment.commit
}

#[test]
fn only_changes_to_what_was_run_make_a_commit_dirty() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    lab.scenario("other", &[]);
    lab.scenario("replay", &[("[events]", "arrivals = \"replay\"\nfile = \"ticks.csv\"")]);
    let ticks: String = (0..50).map(|index| format!("{},,a\n", index * 20)).collect();
    lab.write("scenarios/ticks.csv", &format!("offset_ms,type,data\n{ticks}"));
    std::fs::create_dir_all(lab.path("crates/x/src")).unwrap();
    for file in ["crates/x/src/lib.rs", "Cargo.toml", "Cargo.lock", "README.md", ".gitignore"] {
        lab.write(file, "results\n");
    }
    git(&lab, &["init", "--quiet"]);
    git(&lab, &["add", "--all"]);
    git(&lab, &["commit", "--quiet", "--message", "all"]);
    let clean = commit_of(&lab, &["one"]);
    assert_eq!(clean.len(), 12, "{clean}");

    // Untracked files, and files that no run reads.
    lab.write("notes.txt", "mine");
    lab.write("crates/x/src/draft.rs", "mine");
    lab.scenario("own", &[]);
    lab.write("README.md", "changed");
    assert_eq!(commit_of(&lab, &["one"]), clean);
    assert_eq!(commit_of(&lab, &["own"]), clean, "its text is in the manifest");
    assert_eq!(commit_of(&lab, &["scenarios/own.toml"]), clean);

    // A scenario and a replayed file, if they are part of the run.
    lab.scenario("other", &[("subscribers", "3")]);
    lab.write("scenarios/ticks.csv", &format!("offset_ms,type,data\n{ticks}999,,b\n"));
    assert_eq!(commit_of(&lab, &["one"]), clean);
    let dirty = format!("{clean}-dirty");
    assert_eq!(commit_of(&lab, &["one", "other"]), dirty);
    assert_eq!(commit_of(&lab, &["./scenarios/other.toml"]), dirty);
    assert_eq!(commit_of(&lab, &["replay"]), dirty);
    git(&lab, &["checkout", "--quiet", "--", "."]);
    assert_eq!(commit_of(&lab, &["replay", "other"]), clean);

    // Sources of the program, also when the change is staged.
    for file in ["crates/x/src/lib.rs", "Cargo.toml", "Cargo.lock"] {
        lab.write(file, "changed");
        assert_eq!(commit_of(&lab, &["one"]), dirty, "{file}");
        git(&lab, &["add", file]);
        assert_eq!(commit_of(&lab, &["one"]), dirty, "{file}");
        git(&lab, &["reset", "--quiet", "--hard"]);
    }
    assert_eq!(commit_of(&lab, &["one"]), clean);
}
