//! The rule files: their promises, and the table that embeds them.

use std::fs;
use std::path::Path;

use keyfence::rule::BUILTIN_FILES;
use keyfence::rule_check::{Effort, check};

#[test]
fn every_rule_file_keeps_its_promises() {
    let errors: Vec<_> = check(BUILTIN_FILES, Effort::FULL).iter().map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{} errors:\n{}", errors.len(), errors.join("\n"));
}

/// Adding a provider is adding a file: this test writes the table and then fails once.
#[test]
fn every_rule_file_is_part_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = fs::read_dir(root.join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "toml"))
        .collect();
    names.sort();
    let row = |name: &String| format!("    (\"rules/{name}\", include_str!(\"../../rules/{name}\")),\n");
    let rows = names.iter().map(row).collect::<Vec<_>>().concat();
    let table = root.join("src/rule/builtin.rs");
    let text = fs::read_to_string(&table).unwrap();
    let (head, _) = text.split_once("&[\n").unwrap();
    let expected = format!("{head}&[\n{rows}];\n");
    if text != expected {
        fs::write(&table, expected).unwrap();
        panic!("src/rule/builtin.rs was out of date and has been rewritten: run the tests again");
    }
}
