//! Finds which modules of a crate name each other, from the source text. It knows only as much of Rust's
//! grammar as paths and `use` declarations need.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

/// The path of a module; the crate's root is empty.
pub(super) type Module = Vec<String>;

/// The modules of a crate and, for each, the modules that it names. If a module only re-exports a name with
/// `use`, the name counts for the module that defines it.
pub(super) struct ModuleGraph {
    named: BTreeMap<Module, BTreeSet<Module>>,
}

/// The paths and imports in the text of one module.
#[derive(Default)]
struct Said {
    /// Paths within the crate, from its root.
    paths: Vec<Vec<String>>,
    /// The names that `use` brings, and their paths from the root.
    imports: BTreeMap<String, Vec<String>>,
}

impl ModuleGraph {
    /// Builds the graph from the text of each module's file, without tests.
    pub(super) fn of(sources: &BTreeMap<Module, String>) -> Self {
        let codes: BTreeMap<&Module, String> =
            sources.iter().map(|(module, text)| (module, code_alone(text))).collect();
        let stripped: Vec<_> =
            codes.iter().map(|(module, code)| (*module, without_tests(&tokens(code)))).collect();
        let of_tests: Vec<Module> = stripped
            .iter()
            .flat_map(|(module, (_, tests))| tests.iter().map(move |name| child(module, name)))
            .collect();
        let is_of_tests = |module: &Module| of_tests.iter().any(|tests| module.starts_with(tests));
        let modules: BTreeSet<&Module> = sources.keys().filter(|module| !is_of_tests(module)).collect();
        let said: BTreeMap<&Module, Said> = stripped
            .iter()
            .filter(|(module, _)| modules.contains(*module))
            .map(|(module, (tokens, _))| (*module, Said::by(module, tokens, &modules)))
            .collect();
        let named = said.iter().map(|(module, its)| {
            let defining = its.paths.iter().map(|path| defining_module(path, &said));
            ((*module).clone(), defining.filter(|other| other != *module).collect::<BTreeSet<_>>())
        });
        Self { named: named.collect() }
    }

    /// Groups of modules that all depend on each other. A module and its descendants may do so: they count as
    /// one, and only the descendants must have no circle among themselves.
    pub(super) fn circles(&self) -> Vec<BTreeSet<&Module>> {
        self.circles_among(&self.named.keys().collect())
    }

    /// The modules of a circle in words, each with the modules of the circle that it names.
    pub(super) fn in_words(&self, circle: &BTreeSet<&Module>) -> String {
        let name = |module: &Module| match &module[..] {
            [] => "the root".to_owned(),
            names => names.join("::"),
        };
        let line = |module: &&Module| {
            let named = self.named[*module].iter().filter(|other| circle.contains(*other));
            format!("{} names {}", name(module), named.map(name).collect::<Vec<_>>().join(", "))
        };
        circle.iter().map(line).collect::<Vec<_>>().join("; ")
    }

    fn circles_among<'a>(&'a self, modules: &BTreeSet<&'a Module>) -> Vec<BTreeSet<&'a Module>> {
        let reached: BTreeMap<&Module, BTreeSet<&Module>> =
            modules.iter().map(|module| (*module, self.reached_from(module, modules))).collect();
        let mut circles = Vec::new();
        let mut left = modules.clone();
        while let Some(first) = left.pop_first() {
            let and_back =
                |other: &&Module| reached[first].contains(*other) && reached[*other].contains(first);
            let others = left.iter().copied().filter(and_back);
            let circle: BTreeSet<&Module> = iter::once(first).chain(others).collect();
            left.retain(|module| !circle.contains(*module));
            if circle.len() == 1 {
                continue;
            }
            // A module comes before its descendants.
            if circle.iter().all(|module| module.starts_with(first)) {
                let below = circle.iter().copied().filter(|module| *module != first).collect();
                circles.extend(self.circles_among(&below));
            } else {
                circles.push(circle);
            }
        }
        circles
    }

    /// The modules of a set that a module depends on, directly or through others.
    fn reached_from<'a>(&'a self, module: &[String], within: &BTreeSet<&'a Module>) -> BTreeSet<&'a Module> {
        let mut reached = BTreeSet::new();
        let mut to_visit = vec![module];
        while let Some(next) = to_visit.pop() {
            for named in within.iter().copied().filter(|other| self.named[next].contains(*other)) {
                if reached.insert(named) {
                    to_visit.push(named);
                }
            }
        }
        reached
    }
}

impl Said {
    /// From the tokens of a module. Modules in braces within it count as part of it.
    fn by(module: &[String], tokens: &[&str], modules: &BTreeSet<&Module>) -> Self {
        let mut said = Self::default();
        // The open modules in braces, each with the depth of braces outside it.
        let mut inline: Vec<(&str, usize)> = Vec::new();
        let (mut depth, mut at) = (0, 0);
        while let Some(&token) = tokens.get(at) {
            let follows = |token: &str| tokens.get(at + 1) == Some(&token);
            let before = at.checked_sub(1).map(|before| tokens[before]);
            match token {
                "mod" if tokens.get(at + 2) == Some(&"{") => {
                    inline.push((tokens[at + 1], depth));
                    at += 2;
                    continue;
                }
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if inline.last().is_some_and(|(_, outside)| *outside == depth) {
                        inline.pop();
                    }
                }
                // `impl Trait + use<'a>` is no declaration.
                "use" if !follows("<") => {
                    at += 1;
                    let mut imports = Vec::new();
                    use_tree(tokens, &mut at, &[], &mut imports);
                    let here = within(module, &inline);
                    for Import { path, name } in imports {
                        let Some(path) = from_root(&path, &here, modules) else { continue };
                        said.paths.push(path.clone());
                        if inline.is_empty() && name != "*" {
                            said.imports.insert(name.to_owned(), path);
                        }
                    }
                    continue;
                }
                // `pub(in crate::x)` names a module without depending on it.
                word if is_word(word) && follows("::") && before != Some("::") && before != Some("in") => {
                    let mut path = vec![word];
                    at += 1;
                    while let Some(["::", next]) = tokens.get(at..at + 2)
                        && is_word(next)
                    {
                        path.push(next);
                        at += 2;
                    }
                    said.paths.extend(from_root(&path, &within(module, &inline), modules));
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        said
    }
}

/// The module of the innermost open braces.
fn within(module: &[String], inline: &[(&str, usize)]) -> Module {
    module.iter().cloned().chain(inline.iter().map(|(name, _)| (*name).to_owned())).collect()
}

fn child(module: &[String], name: &str) -> Module {
    module.iter().map(String::as_str).chain([name]).map(str::to_owned).collect()
}

/// A path in a module as a path from the crate's root; none for a path into another crate.
fn from_root(path: &[&str], here: &[String], modules: &BTreeSet<&Module>) -> Option<Vec<String>> {
    let up = path.iter().take_while(|name| **name == "super").count();
    let (base, rest) = match path.first()? {
        &"crate" => (&[][..], &path[1..]),
        &"self" => (here, &path[1..]),
        &"super" => (&here[..here.len().checked_sub(up)?], &path[up..]),
        // A module's own children are in its scope.
        first if modules.contains(&child(here, first)) => (here, path),
        _ => return None,
    };
    Some(base.iter().cloned().chain(rest.iter().map(|name| (*name).to_owned())).collect())
}

/// The module that defines the target of a path from the root: follows the path through modules, and then
/// through names that `use` imported there.
fn defining_module(path: &[String], said: &BTreeMap<&Module, Said>) -> Module {
    let length = (0..=path.len()).rev().find(|&length| said.contains_key(&path[..length].to_vec()));
    let (module, rest) = path.split_at(length.unwrap_or(0));
    let imported = rest.first().and_then(|name| said.get(&module.to_vec())?.imports.get(name));
    match imported {
        // A `use` of a module's own name, such as `use self::x`, leads to no other module.
        Some(source) if !source.starts_with(&path[..=module.len()]) => {
            let further: Vec<String> = source.iter().chain(&rest[1..]).cloned().collect();
            defining_module(&further, said)
        }
        Some(_) | None => module.to_vec(),
    }
}

/// One path of a `use` declaration, and the name that it imports.
struct Import<'a> {
    path: Vec<&'a str>,
    name: &'a str,
}

/// Reads a tree of a `use` declaration, starting at `at` (The Rust Reference, Use declarations).
fn use_tree<'a>(tokens: &[&'a str], at: &mut usize, outer: &[&'a str], found: &mut Vec<Import<'a>>) {
    let mut path = outer.to_vec();
    let mut name = None;
    let start = *at;
    while let Some(&token) = tokens.get(*at) {
        match token {
            ";" | "," | "}" => break,
            "{" => {
                while tokens.get(*at).is_some_and(|token| *token != "}") {
                    // The opening brace, or a comma.
                    *at += 1;
                    use_tree(tokens, at, &path, found);
                }
                *at += 1;
                return;
            }
            // A leading `::` leads into another crate.
            "::" if path.is_empty() => path.push(token),
            "::" => {}
            "as" => {
                *at += 1;
                name = tokens.get(*at).copied();
            }
            "self" if !path.is_empty() => {}
            _ => path.push(token),
        }
        *at += 1;
    }
    // There is no path after a trailing comma.
    if *at > start
        && let Some(&last) = path.last()
    {
        found.push(Import { name: name.unwrap_or(last), path });
    }
}

/// The tokens without `#[cfg(test)]` items, and the names of the modules among these items.
fn without_tests<'a>(tokens: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    const FOR_TESTS: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut left, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].starts_with(&FOR_TESTS) {
            left.push(tokens[at]);
            at += 1;
            continue;
        }
        let end = end_of_item(tokens, at + FOR_TESTS.len());
        let item = &tokens[at..end];
        modules.extend(item.windows(3).filter(|of| of[0] == "mod" && of[2] == ";").map(|of| of[1]));
        at = end;
    }
    (left, modules)
}

/// The end of an item: after its block or its semicolon.
fn end_of_item(tokens: &[&str], start: usize) -> usize {
    let first = tokens[start..].iter().find(|token| ["use", "{", ";"].contains(token));
    let mut depth = 0_usize;
    for (at, &token) in tokens.iter().enumerate().skip(start) {
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && token == "}" && first != Some(&"use") {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn is_word(token: &str) -> bool {
    token.chars().all(in_word)
}

fn in_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Words, `::`, and every other character as a token of its own.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ':' if rest.starts_with("::") => 2,
            letter if in_word(letter) => rest.find(|next| !in_word(next)).unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// The text without comments and without quoted text.
fn code_alone(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let left_out = comment(rest).or_else(|| quoted(rest));
        code.push(if left_out.is_some() { ' ' } else { first });
        rest = &rest[left_out.unwrap_or(first.len_utf8())..];
    }
    code
}

/// Length of the comment at the start of the text.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let mut depth = 0;
    let mut at = 0;
    while text[at..].starts_with("/*") || depth > 0 {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
    (at > 0).then_some(at)
}

/// Length of the string or character at the start of the text; a lifetime is neither.
fn quoted(text: &str) -> Option<usize> {
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(body) = raw[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return Some(1 + hashes + 1 + body.find(&end)? + end.len());
        }
    }
    let mut letters = text.char_indices();
    let (_, quote) = letters.next()?;
    match quote {
        '"' => loop {
            match letters.next()? {
                (_, '\\') => {
                    letters.next()?;
                }
                (at, '"') => return Some(at + 1),
                _ => {}
            }
        },
        '\'' => match letters.next()? {
            (_, '\\') => {
                letters.next()?;
                Some(letters.find(|(_, letter)| *letter == '\'')?.0 + 1)
            }
            _ => letters.next().filter(|(_, letter)| *letter == '\'').map(|(at, _)| at + 1),
        },
        _ => None,
    }
}

/// A crate with these files and texts.
fn graph_of(files: &[(&str, &str)]) -> ModuleGraph {
    let module =
        |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect::<Module>();
    ModuleGraph::of(&files.iter().map(|(name, text)| (module(name), (*text).to_owned())).collect())
}

fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let graph = graph_of(files);
    graph.circles().iter().map(|circle| graph.in_words(circle)).collect()
}

#[test]
fn two_modules_that_name_each_other_are_a_circle_however_they_do() {
    for (root, a, b) in [
        ("", "use crate::b::B;", "use crate::a::A;"),
        ("", "fn f() { crate::b::f::<u8>() }", "use super::a;"),
        ("", "use crate::{c, b::{self, B}};", "mod inner { use super::super::a::A; }"),
        // Through a re-export of the root.
        ("pub use a::{A as One}; pub(crate) use self::b::B;", "use crate::B;", "type T = crate::One;"),
        // Quotes and braces in quotes are ignored.
        ("", "const A: char = '\"'; use crate::b::B;", "fn f<'a>(_: &'a str) { r#\"}\"#; crate::a::f() }"),
    ] {
        assert_eq!(
            circles_of(&[("", root), ("a", a), ("b", b), ("c", "")]),
            ["a names b; b names a"],
            "{a} {b}"
        );
    }
}

#[test]
fn what_only_looks_like_a_circle_is_none() {
    for (a, b) in [
        ("use crate::b::B;", "// use crate::a::A;"),
        ("use crate::b::B;", "/* a /* nested */ crate::a */"),
        ("use crate::b::B;", "const TEXT: &str = \"crate::a::A\";"),
        ("use crate::b::B;", "#[cfg(test)] mod tests { use crate::a::{A}; fn f() {} }"),
        ("use crate::b::B;", "#[cfg(test)] use crate::a::{A, C}; #[cfg(test)] mod only_tests;"),
        ("use crate::b::B;", "use ::a::A; use other::a::A; pub(in crate::a) fn f() {}"),
    ] {
        let files = [("", ""), ("a", a), ("b", b), ("b::only_tests", "use crate::a::A;")];
        let without: [String; 0] = [];
        let circles = circles_of(if b.contains("only_tests") { &files[..] } else { &files[..3] });
        assert_eq!(circles, without, "{a} {b}");
    }
}

#[test]
fn a_module_may_depend_on_those_below_it_and_they_on_it_but_not_on_each_other() {
    let parent = ("a", "mod x; mod y; use x::X; use y::Y; struct A;");
    let child = |sibling| ("a::x", if sibling { "use super::{A, y::Y};" } else { "use super::A;" });
    let one_way = [("", ""), parent, child(true), ("a::y", "use super::A;")];
    assert!(circles_of(&one_way).is_empty());
    let both_ways = [("", ""), parent, child(true), ("a::y", "use crate::a::x::X;")];
    assert_eq!(circles_of(&both_ways), ["a::x names a::y; a::y names a::x"]);
    let from_outside =
        [("", ""), parent, child(false), ("a::y", "use crate::b::B;"), ("b", "use crate::a::A;")];
    let all = "a names a::x, a::y; a::x names a; a::y names b; b names a";
    assert_eq!(circles_of(&from_outside), [all]);
}
