//! The rooms and floors of ARCHITECTURE.md §2, held against `src/**`: who may import whom, which crate
//! may be named where, and what stands in one place only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room, its floor, and the crates that it may name.
type Room = (&'static str, u8, &'static [&'static str]);

/// A room imports lower floors only. `span` is the ground: also its one neighbour stands on it.
const ROOMS: &[Room] = &[
    ("span", 0, &["memchr"]),
    ("credential", 0, &["getrandom", "hmac", "serde", "sha2", "zeroize"]),
    ("finding", 1, &["serde"]),
    ("check", 1, &["bip39", "memchr", "sha2"]),
    ("rule", 2, &["memchr", "postcard", "regex_automata", "regex_syntax", "serde", "sha2", "thiserror", "toml"]),
    ("record", 2, &["aho_corasick", "memchr"]),
    ("detect", 3, &["aho_corasick", "foldhash", "memchr", "regex_automata"]),
    ("rule_check", 4, &["rayon", "regex_syntax"]),
    ("environment", 4, &["foldhash", "globset", "memchr", "regex_automata"]),
    ("assess", 5, &[]),
    (
        "source",
        5,
        &[
            "bzip2",
            "flate2",
            "gix_hash",
            "gix_index",
            "gix_object",
            "gix_odb",
            "gix_pack",
            "ignore",
            "jiff",
            "lzma_rust2",
            "memchr",
            "memmap2",
            "rayon",
            "rustix",
            "ruzstd",
            "signal_hook",
            "tar",
            "thiserror",
            "zip",
        ],
    ),
    ("policy", 5, &["jiff", "memchr", "regex_automata", "serde", "thiserror", "toml"]),
    ("report", 5, &["anstyle", "memchr", "serde", "serde_json", "unicode_width"]),
    ("scan", 6, &["memchr", "rayon"]),
    ("stream", 6, &["jiff", "memchr", "rustix", "zeroize"]),
];

/// The program: the library is one more crate to it.
const PROGRAM: &[&str] = &[
    "anstream",
    "anstyle",
    "anyhow",
    "clap",
    "indicatif",
    "jiff",
    "keyfence",
    "rayon",
    "rustix",
    "serde_json",
    "signal_hook",
    "terminal_size",
];

/// Crates that only tests may name, anywhere.
const IN_TESTS: &[&str] = &["proptest", "regex", "serde", "serde_json", "tempfile", "toml"];

/// Tests that look up, file and room: the oracle draws its keys as the check of rule files does.
const LOOKING_UP: &[(&str, &str)] = &[("detect/oracle.rs", "rule_check")];

/// Words that may stand in these files only.
const CONFINED: &[(&str, &[&str])] = &[
    ("unsafe", &["cli/descriptors.rs", "detect/prefilter/", "source/large.rs"]),
    ("print!", &["cli/"]),
    ("println!", &["cli/"]),
    ("eprint!", &["cli/"]),
    ("eprintln!", &["cli/"]),
    // A secret's bytes go nowhere; should a report ever need them, it is redact.rs that asks.
    ("reveal", &["report/redact.rs"]),
    ("process::exit", &[]),
    ("std::net", &[]),
];

/// A file below `src`, as a path and as the words of its code.
struct Source {
    path: String,
    words: Vec<String>,
    /// Where the words of its tests begin.
    tests: usize,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let words = words(text);
        // Its parent says that a file is for tests only; these are their names.
        let whole = ["/tests.rs", "/testing.rs", "/oracle.rs"].iter().any(|name| path.ends_with(name));
        let tests = if whole { 0 } else { tests_in(&words) };
        Self { path: path.to_owned(), words, tests }
    }

    /// The first folder, or the file that is a room by itself.
    fn room(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    fn is_program(&self) -> bool {
        matches!(self.room(), "main" | "cli")
    }

    /// How many `super` lead to the crate: one for `scan.rs` and `report/mod.rs`, two for `report/jsonl.rs`.
    fn depth(&self) -> usize {
        let names = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { names - 1 } else { names }
    }

    /// Every path of two names or more, as names, with the place where it begins.
    fn paths(&self) -> Vec<(usize, Vec<&str>)> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at + 2 < self.words.len() {
            let begin = at;
            let mut names = vec![self.words[at].as_str()];
            while at + 2 < self.words.len() && self.words[at + 1] == "::" {
                at += 2;
                names.push(&self.words[at]);
            }
            if names.len() > 1 && is_name(names[0]) {
                paths.push((begin, names));
            }
            at += 1;
        }
        paths
    }

    /// What the file does that it should not, in words.
    fn violations(&self, crates: &BTreeSet<String>) -> Vec<String> {
        let mut wrong = self.imports();
        wrong.extend(self.crates(crates));
        for (word, homes) in CONFINED {
            let wanted = words(word);
            let there = self.words.windows(wanted.len()).any(|some| some == wanted);
            if there && !homes.iter().any(|home| self.path.starts_with(home)) {
                wrong.push(format!("{}: `{word}` belongs to {homes:?}", self.path));
            }
        }
        wrong
    }

    fn imports(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut complain = |what: String| wrong.push(format!("{}: {what}", self.path));
        for (at, names) in self.paths() {
            match names[..] {
                ["crate", ..] if names[1] == self.room() => {}
                ["crate", "cli", ..] if self.is_program() => {}
                ["crate", room, ..] if !is_name(room) => complain(format!("`crate::{room}`: one import for each room")),
                ["crate", room, ..] if self.is_program() => {
                    complain(format!("the program imports crate::{room}, not keyfence::{room}"));
                }
                ["crate", room, ..] if at >= self.tests && LOOKING_UP.contains(&(self.path.as_str(), room)) => {}
                ["crate", room, ..] if self.room() != "lib" => match (floor(self.room()), floor(room)) {
                    (Some(mine), Some(theirs)) if theirs < mine || room == "span" => {}
                    (Some(_), Some(_)) => complain(format!("imports {room}, which is no lower room")),
                    (_, None) => complain(format!("imports crate::{room}, which is no room")),
                    (None, _) => complain("a room without a floor".to_owned()),
                },
                ["super", ..] => {
                    let up = names.iter().take_while(|name| **name == "super").count();
                    // Code in `mod tests` stands one deeper.
                    if up >= self.depth() + usize::from(at >= self.tests) {
                        complain(format!("`{}` leaves the room", names.join("::")));
                    }
                }
                _ => {}
            }
        }
        wrong
    }

    fn crates(&self, known: &BTreeSet<String>) -> Vec<String> {
        let row = ROOMS.iter().find(|(room, ..)| *room == self.room());
        let allowed = if self.is_program() { PROGRAM } else { row.map_or(&[][..], |(_, _, crates)| crates) };
        let named = self.paths();
        let strangers = named.iter().filter(|(at, names)| {
            let tested = *at >= self.tests && IN_TESTS.contains(&names[0]);
            known.contains(names[0]) && !allowed.contains(&names[0]) && !tested
        });
        let complain = |(_, names): &(usize, Vec<&str>)| format!("{}: names the crate {}", self.path, names[0]);
        strangers.map(complain).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Where the tests at the end of a file begin: `#[cfg(test)] mod tests {`, not `mod tests;`.
fn tests_in(words: &[String]) -> usize {
    let begins = |at: &usize| {
        let rest = &words[*at..];
        let brace = rest.iter().position(|word| word == "{" || word == ";");
        let module = rest.iter().position(|word| word == "mod");
        rest.starts_with(&["cfg", "(", "test", ")", "]"].map(str::to_owned))
            && brace.zip(module).is_some_and(|(brace, module)| module + 2 == brace && rest[brace] == "{")
    };
    (0..words.len()).find(begins).unwrap_or(words.len())
}

fn floor(room: &str) -> Option<u8> {
    ROOMS.iter().find(|(name, ..)| *name == room).map(|(_, floor, _)| *floor)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The words and signs of Rust code; what stands in comments, strings and characters is left out.
fn words(code: &str) -> Vec<String> {
    // In the order in which they are tried, because a comment may hold a quote and a string a comment.
    let pattern = concat!(
        r#"//[^\n]*|/\*(?s:.*?)\*/|b?r"[^"]*"|b?r#"(?s:.*?)"#,
        r##""#|b?"(?:\\(?s:.)|[^"\\])*""##,
        r"|b?'(?:\\(?:u\{[0-9a-fA-F]*\}|x[0-9a-fA-F]{2}|.)|[^'\\\n])'|(?<word>[\p{L}_][\w]*!?|::|\d[\w.]*|\S)"
    );
    let pattern = regex::Regex::new(pattern).unwrap();
    pattern.captures_iter(code).filter_map(|found| Some(found.name("word")?.as_str().to_owned())).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut folders = vec![src.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let source = |path: &PathBuf| {
        let shown = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        Source::new(&shown, &fs::read_to_string(path).unwrap())
    };
    files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")).map(source).collect()
}

/// Our own crate and every dependency, by the names that code has for them.
fn crates() -> BTreeSet<String> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let tables = ["dependencies", "dev-dependencies"].map(|name| manifest[name].as_table().unwrap());
    let names = tables.iter().flat_map(|table| table.keys()).map(|name| name.replace('-', "_"));
    names.chain(["keyfence".to_owned()]).collect()
}

#[test]
fn rooms_import_lower_floors_only() {
    let crates = crates();
    let wrong: Vec<String> = sources().iter().flat_map(|source| source.violations(&crates)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_has_a_floor_and_a_line_on_the_map() {
    let sources = sources();
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for room in sources.iter().map(Source::room).collect::<BTreeSet<_>>() {
        if !matches!(room, "lib" | "main" | "cli") {
            assert!(floor(room).is_some(), "{room} has no floor");
            assert!(map.contains(&format!("[`{room}`]")), "{room} has no line in src/lib.rs");
        }
    }
}

/// A row that allows more than is used hides the day when it is used.
#[test]
fn the_crate_tables_allow_no_more_than_is_used() {
    let sources = sources();
    let mut idle = Vec::new();
    for &(room, _, allowed) in ROOMS.iter().chain([&("cli", 0, PROGRAM)]) {
        let files: Vec<_> = sources.iter().filter(|source| source.room() == room).collect();
        let used =
            |name: &&str| files.iter().any(|file| file.paths().iter().any(|(at, names)| names[0] == *name && *at < file.tests));
        // A room may be planned and not yet built.
        idle.extend(allowed.iter().filter(|name| !files.is_empty() && !used(name)).map(|name| format!("{room}: {name}")));
    }
    assert!(idle.is_empty(), "allowed and not used: {}", idle.join(", "));
}

#[test]
fn every_file_opens_with_its_purpose() {
    for source in sources() {
        let text = fs::read_to_string(root().join("src").join(&source.path)).unwrap();
        assert!(text.starts_with("//! "), "{} does not say what it is for", source.path);
    }
}

#[test]
fn the_checker_sees_what_it_should() {
    let crates = crates();
    for (path, code, what) in [
        ("detect/confirm.rs", "use crate::report::Format;", "imports report"),
        ("policy/mod.rs", "fn a() { crate::report::redact() }", "imports report"),
        ("policy/mod.rs", "use crate::{span, finding};", "one import"),
        ("policy/mod.rs", "use crate::attic::Box;", "no room"),
        ("policy/allow.rs", "use super::super::report::Format;", "leaves the room"),
        ("scan.rs", "use super::cli;", "leaves the room"),
        ("cellar/mod.rs", "use crate::span::Span;", "without a floor"),
        ("cli/scan.rs", "use crate::scan::paths;", "not keyfence::scan"),
        ("cli/scan.rs", "use regex_syntax::Parser;", "names the crate regex_syntax"),
        ("check/uuid4.rs", "#[derive(serde::Serialize)] struct A;", "names the crate serde"),
        ("check/uuid4.rs", "use proptest::prelude::*;\n#[cfg(test)]\nmod tests {}", "names the crate proptest"),
        ("check/uuid4.rs", "#[cfg(test)]\nmod tests;\nuse proptest::prelude::*;", "names the crate proptest"),
        ("report/text.rs", "fn a() { println!(\"x\") }", "`println!` belongs"),
        ("scan.rs", "let a = unsafe { b() };", "`unsafe` belongs"),
        ("detect/mod.rs", "credential.secret.reveal()", "`reveal` belongs"),
    ] {
        let wrong = Source::new(path, code).violations(&crates);
        assert!(wrong.iter().any(|wrong| wrong.contains(what)), "{path}: {code}: {wrong:?}");
    }
    for (path, code) in [
        ("report/jsonl.rs", "use super::redact; use crate::finding::Kind; use crate::report::Format;"),
        ("policy/mod.rs", "// use crate::report;\nconst A: &str = \"crate::report \\\" unsafe\"; /* println! */ fn f<'a>() {}"),
        ("policy/mod.rs", "#[cfg(test)]\nmod tests { use super::*; use proptest::prelude::*; }"),
        ("detect/prefilter/simd.rs", "unsafe { a() }"),
        ("cli/scan.rs", "use keyfence::scan; use super::args; use crate::cli::args;"),
        ("main.rs", "mod cli; fn main() { cli::main() }"),
    ] {
        let wrong = Source::new(path, code).violations(&crates);
        assert!(wrong.is_empty(), "{path}: {code}: {wrong:?}");
    }
}
