//! The shape of the code itself: the README's promises about the size of files, their names and the
//! dependencies between crates.

mod module_graph;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use contract::Pattern;
use module_graph::{Module, ModuleGraph};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

fn pattern_file(pattern: Pattern) -> String {
    format!("{}.rs", pattern.slug().replace('-', "_"))
}

#[test]
fn every_pattern_is_one_short_file_in_each_of_three_crates() {
    for pattern in Pattern::ALL {
        for (folder, most) in [("server/src", 150), ("load-harness/src/subscribers", 120), ("model/src", 120)]
        {
            let file = root().join("crates").join(folder).join(pattern_file(pattern));
            let lines = read(&file).lines().count();
            assert!(lines <= most, "{} has {lines} lines, more than {most}", file.display());
        }
    }
}

/// The files of the crates that are no tests.
fn source_files() -> Vec<PathBuf> {
    let is_source = |file: &PathBuf| file.components().all(|part| part.as_os_str() != "tests");
    files_below(&root().join("crates"), "rs").into_iter().filter(is_source).collect()
}

/// The text of a file without its tests.
fn code_of(file: &Path) -> String {
    // A list of test modules may come earlier; code after it counts.
    read(file).split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

#[test]
fn source_files_can_be_read_in_one_sitting() {
    for file in source_files() {
        assert!(code_of(&file).lines().count() <= 400, "{} is long: split it", file.display());
    }
}

/// A file that names all patterns has an arm for each, so a further pattern must be named there too.
#[test]
fn the_readme_names_the_files_that_a_fifth_pattern_changes() {
    let definition = "crates/contract/src/pattern.rs";
    let names_all = |file: &PathBuf| {
        let code = code_of(file);
        Pattern::ALL.iter().all(|pattern| code.contains(&format!("Pattern::{pattern:?}")))
    };
    let of_tests = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().ends_with("_tests");
    let files = source_files().into_iter().filter(|file| !of_tests(file) && names_all(file));
    let paths = files.map(|file| file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
    let found: BTreeSet<String> = paths.chain([definition.to_owned()]).collect();

    let readme = read(root().join("README.md"));
    let section = readme.split("\n## Adding a fifth pattern\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let links = section.split("](").skip(1).map(|link| link.split(')').next().unwrap().to_owned());
    let linked: BTreeSet<String> = links.filter(|link| link.contains("/src/")).collect();
    assert_eq!(linked, found);
    let number = format!("named in {} existing source files", found.len());
    assert!(section.contains(&number), "README, Adding a fifth pattern: say `{number}`");
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    for file in files_below(&root().join("crates"), "rs") {
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let empty = ["utils", "util", "helpers", "helper", "common", "misc", "types"];
        assert!(!empty.contains(&stem.as_str()), "{} says nothing", file.display());
    }
}

/// Words that a reader would not search for, each with the standard one (README, Contributing).
const ABANDONED: [(&str, &str); 22] = [
    ("whoever", "the subject of the sentence"),
    ("sign of life", "heartbeat"),
    ("signs of life", "heartbeats"),
    ("on a leash", "supervised"),
    ("its own affair", "what it depends on"),
    ("from where on", "from which value on"),
    ("in life", "in practice"),
    ("hear out", "read until it closes"),
    ("clear road", "baseline"),
    ("other make", "third-party server"),
    ("segments sent again", "retransmitted segments"),
    ("ledgers apart", "byte counts differ by"),
    ("books apart", "unexplained bytes"),
    ("goodbye", "close"),
    ("farewell", "close"),
    ("stair", "memory step"),
    ("stairs", "memory steps"),
    ("rung", "ablation"),
    ("rungs", "ablations"),
    ("seat", "subscriber"),
    ("doubts", "warnings"),
    ("transits", "one-way delays"),
];

#[test]
fn abandoned_words_stay_away() {
    let root = root();
    let mut files: Vec<PathBuf> =
        ["rs", "md", "html"].iter().flat_map(|ending| files_below(&root.join("crates"), ending)).collect();
    files.extend(files_below(&root.join("scenarios"), "toml"));
    files.push(root.join("README.md"));
    // This one has to name them.
    files.retain(|file| !file.ends_with("pushlab/tests/all/shape.rs"));
    for file in files {
        for (number, line) in (1..).zip(read(&file).to_lowercase().lines()) {
            let words: Vec<&str> = line.split(|letter: char| !letter.is_alphanumeric()).collect();
            let line = format!(" {} ", words.join(" "));
            for (abandoned, standard) in ABANDONED {
                let is_there = line.contains(&format!(" {abandoned} "));
                assert!(!is_there, "{}, line {number}: `{abandoned}`: say `{standard}`", file.display());
            }
        }
    }
}

/// The table of mistakes names a test for each.
#[test]
fn every_test_that_is_promised_exists() {
    let table = read(root().join("crates/load-harness/MISTAKES.md"));
    let code: String = files_below(&root().join("crates"), "rs").iter().map(read).collect();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| **")).collect();
    assert!(rows.len() > 20, "{} rows", rows.len());
    for row in rows {
        let promised = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<&str> = promised.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test in: {row}");
        for name in names {
            assert!(code.contains(&format!("fn {name}(")), "there is no test `{name}`");
        }
    }
}

/// Crates of this workspace that a crate depends on, without development dependencies.
fn dependencies(name: &str, all: &[String]) -> Vec<String> {
    let manifest = read(root().join("crates").join(name).join("Cargo.toml"));
    let section = manifest.split("\n[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap();
    let named = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    named.filter(|dependency| all.iter().any(|known| known == dependency)).map(str::to_owned).collect()
}

#[test]
fn the_crates_depend_on_each_other_as_the_readme_draws_it() {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let all: Vec<String> = crates.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let drawn: BTreeMap<&str, &[&str]> = [
        ("contract", &[][..]),
        ("schedule", &["contract"]),
        ("event-log", &["contract"]),
        ("server", &["contract", "schedule", "event-log"]),
        ("middlebox", &["contract"]),
        ("load-harness", &["contract", "schedule"]),
        ("model", &["contract"]),
        ("report", &["contract", "model"]),
    ]
    .into();
    for name in &all {
        let Some(allowed) = drawn.get(name.as_str()) else {
            assert_eq!(name, "pushlab", "a crate that is not in the README's drawing");
            continue;
        };
        for dependency in dependencies(name, &all) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

/// The text of every module of a crate.
fn sources(name: &str) -> BTreeMap<Module, String> {
    let folder = root().join("crates").join(name).join("src");
    let module = |file: &Path| -> Module {
        let path = file.strip_prefix(&folder).unwrap().with_extension("");
        let mut names: Module = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
        // The folder of `mod.rs` is the module; the folder of the root is the crate.
        if names.last().is_some_and(|last| last == "mod") {
            names.pop();
        }
        if names == ["lib"] || names == ["main"] {
            names.clear();
        }
        names
    };
    files_below(&folder, "rs").iter().map(|file| (module(file), read(file))).collect()
}

/// Without circles a reader can begin with the modules that depend on no others, and go up from there.
#[test]
fn no_modules_depend_on_each_other_in_a_circle() {
    for folder in fs::read_dir(root().join("crates")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        let graph = ModuleGraph::of(&sources(&name));
        let circles: Vec<String> = graph.circles().iter().map(|circle| graph.in_words(circle)).collect();
        assert!(circles.is_empty(), "{name} has modules in circles: {circles:#?}");
    }
}

#[test]
fn what_is_deliberately_absent_is_absent() {
    let crates = root().join("crates");
    let absent = |folder: &str, words: &[&str], why: &str| {
        for file in files_below(&crates.join(folder), "rs") {
            let text = read(&file);
            for word in words {
                assert!(!text.contains(word), "{} has `{word}`: {why}", file.display());
            }
        }
    };
    absent("event-log/src", &["Pattern", "http::", "hyper", "axum"], "the log knows no pattern and no HTTP");
    let clocks = ["Instant::now", "SystemTime", "clock_gettime", "Timestamp::now"];
    absent("model/src", &clocks, "the model reads no clock");
    absent("report/src", &clocks, "the report reads no clock");
    absent("report/src", &["std::fs", "std::net", "tokio"], "the report is text in, text out");
    for pattern in Pattern::ALL {
        let file = crates.join("server/src").join(pattern_file(pattern));
        let text = read(&file);
        assert!(!text.contains("crate::meter") && !text.contains("Atomic"), "{} measures", file.display());
    }
}
