//! The name of a run, the command that it shows to repeat it, and the last words of a prediction.

use contract::Manifest;

use crate::lab::{Lab, manifest, process::Running, scenario, until};

/// The manifest of a run that is ended as soon as the manifest is written.
pub(crate) fn planned(lab: &Lab, arguments: &[&str]) -> Manifest {
    let before = lab.runs();
    let bench = Running::start(lab.command(arguments));
    let run = until("a manifest", || {
        lab.runs().into_iter().find(|run| !before.contains(run) && run.join("manifest.json").is_file())
    });
    bench.kill();
    manifest(&run)
}

/// `just bench one --seed 1` as arguments of the program.
fn words(command: &str) -> Vec<&str> {
    command.strip_prefix("just ").unwrap().split(' ').collect()
}

/// Scenarios of which the default run takes only a part, in more or fewer blocks than their own.
fn two_with_default_parts() -> Lab {
    let lab = Lab::new();
    let sweep = "[sweep]\nrate_hz = [20.0, 40.0, 80.0]\n";
    for (name, default_run) in [
        (
            "one",
            "[default_run]\npatterns = [\"sse\"]\nblocks = 2\n[default_run.sweep]\nrate_hz = [20.0, 80.0]\n",
        ),
        ("two", "[default_run]\npatterns = [\"websocket\"]\n"),
    ] {
        let text = scenario(name, &[("patterns", r#"["sse", "websocket"]"#), ("blocks", "3")]);
        lab.write(&format!("scenarios/{name}.toml"), &format!("{text}{sweep}{default_run}"));
    }
    lab
}

#[test]
fn the_command_beside_a_scenario_measures_what_the_run_took_of_it() {
    let lab = two_with_default_parts();
    for flags in [&["--seed", "5"][..], &["--blocks", "4"]] {
        let arguments: Vec<&str> = ["bench"].iter().chain(flags).copied().collect();
        let run = planned(&lab, &arguments);
        let per_block = [2, 3];
        assert_eq!(run.blocks, if flags[0] == "--blocks" { [4, 4] } else { [2, 1] });
        let of_all: u32 = run.blocks.iter().zip(per_block).map(|(blocks, trials)| blocks * trials).sum();
        assert_eq!(run.trials_planned, of_all);
        assert_eq!(planned(&lab, &words(&run.command)).trials_planned, of_all);
        for (index, command) in run.commands.iter().enumerate() {
            let alone = planned(&lab, &words(command));
            assert_eq!(alone.blocks, [run.blocks[index]], "{command}");
            assert_eq!(alone.scenarios, [run.scenarios[index].clone()], "{command}");
            assert_eq!(alone.seed, run.seed);
            assert_eq!(alone.trials_planned, run.blocks[index] * per_block[index], "{command}");
            assert!(alone.schedules.iter().all(|schedule| run.schedule(&schedule.hash).is_some()));
            assert_eq!(&alone.command, command);
        }
    }
    // A named scenario is measured as a whole, and its command says so.
    let whole = planned(&lab, &["bench", "one"]);
    assert_eq!((whole.trials_planned, whole.command.as_str()), (18, "just bench one --seed 1"));
}

#[test]
fn only_what_the_default_run_takes_can_be_asked_for() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    for (arguments, words) in [
        (&["bench", "one", "--default-part"][..], &["`one`", "[default_run]", "--default-part"][..]),
        (&["bench", "--default-part"], &["<SCENARIO>"]),
        (&["bench", "--all", "--default-part"], &["--all", "cannot be used with"]),
    ] {
        lab.run(arguments).exits(2).complains(words);
    }
    assert!(!lab.path("results").exists());
}

#[test]
fn a_name_too_long_for_a_file_is_refused_before_anything_is_measured() {
    let lab = Lab::new();
    let names = [
        ("x".repeat(236), "236 letters long"),
        ("x".repeat(61), "at most 60"),
        ("-x".to_owned(), "starts an option"),
    ];
    for (name, words) in names {
        lab.scenario(&name, &[]);
        let file = format!("scenarios/{name}.toml");
        let refused = lab.run(&["bench", &file]).exits(2).complains(&["`name` is ", words]);
        assert_eq!(refused.stdout, "");
        std::fs::remove_file(lab.path(&file)).unwrap();
    }
    assert!(!lab.path("results").exists());
    for name in [".x", "a/b", "a b", "é"] {
        lab.write("odd.toml", &scenario(name, &[]));
        lab.run(&["bench", "odd.toml"]).exits(2).complains(&["`name` is "]);
    }
}

#[test]
fn many_scenarios_in_one_command_have_a_folder_all_the_same() {
    let lab = Lab::new();
    // Names of the largest allowed length: no file name becomes too long.
    let names: Vec<String> = (0..14).map(|number| format!("{number:0>60}")).collect();
    for name in &names {
        lab.scenario(name, &[]);
    }
    let arguments: Vec<&str> = std::iter::once("bench").chain(names.iter().map(String::as_str)).collect();
    let run = planned(&lab, &arguments);
    assert_eq!(run.name, format!("{}-and-13-more", names[0]));
    assert_eq!(run.scenarios.len(), 14);
    assert_eq!(run.command, format!("just {} --seed 1", arguments.join(" ")), "the command names them all");
    let one = Running::start(lab.command(&["bench", &names[0]]));
    one.finish().exits(0);
    let run = lab.runs().into_iter().find(|run| run.join("hdr").is_dir());
    let logs = std::fs::read_dir(run.unwrap().join("hdr")).unwrap().count();
    assert_eq!(logs, 2, "a calibration and a trial");
}

#[test]
fn a_prediction_ends_with_what_its_numbers_leave_out() {
    let lab = Lab::new();
    lab.scenario("one", &[]);
    let said = lab.run(&["predict", "one"]).exits(0).stdout;
    let flowing = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let last = flowing.split_once("No event is 0 ms old: without a calibration, ").unwrap().1;
    assert!(
        last.contains("the one-way delay") && last.ends_with("`just bench one` predicts with both."),
        "{said}"
    );
    // Without a prediction nothing is left out.
    lab.scenario("short", &[("[events]", "arrivals = \"silence\"")]);
    let said = lab.run(&["predict", "short"]).exits(0).stdout;
    assert!(said.contains("no prediction") && !said.contains("0 ms old"), "{said}");
}
