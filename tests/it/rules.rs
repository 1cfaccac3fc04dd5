//! The rule files: their promises, and the table that embeds them.

use std::fs;
use std::path::Path;

use keyfence::rule::{AREAS, BUILTIN_FILES, RuleSet};
use keyfence::rule_check::{Effort, check};

#[test]
fn every_rule_file_keeps_its_promises() {
    let errors: Vec<_> = check(BUILTIN_FILES, Effort::FULL).iter().map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{} errors:\n{}", errors.len(), errors.join("\n"));
}

/// A rule file with these two formats in it, and what the check says of it.
fn mistakes(formats: [&str; 2], extra: &str) -> Vec<String> {
    let rule = |name: &str, format: &str, extra: &str| {
        format!(
            "[[rule]]\nid = \"acme-{name}\"\ntitle = \"Acme {name}\"\nclass = \"standard-api-key\"\nenvironment = \"unknown\"\n\
             format = '{format}'\n{extra}\nremediation = \"Roll it.\"\nexamples = []\ncounter_examples = []\n"
        )
    };
    let text = format!(
        "[provider]\nid = \"acme\"\nname = \"Acme\"\nmarkers = [\"acme\"]\n{}{}",
        rule("one", formats[0], extra),
        rule("two", formats[1], "")
    );
    let errors = check(&[("rules/acme.toml", text)], Effort { values: 3, bodies: 100 });
    errors.iter().map(ToString::to_string).filter(|error| error.contains(": format: ")).collect()
}

#[test]
fn rules_that_read_the_same_values_say_who_goes_first() {
    let same = ["acme_[0-9a-f]{32}", "acme_[0-9A-Za-z]{32}"];
    let both = mistakes(same, "");
    assert!(
        both.iter().any(|error| error.starts_with("rules/acme.toml: acme-one: format: acme-two reads the same values")),
        "{both:?}"
    );
    assert!(mistakes(same, "default_for = true").iter().all(|error| !error.contains("reads the same values")));
    assert_eq!(mistakes(["acme_[0-9a-f]{32}", "acme_[0-9A-Za-z]{40}"], ""), [""; 0]);
}

#[test]
fn a_beginning_that_stands_everywhere_is_refused() {
    let common = mistakes(["test_[0-9a-f]{32}", "acme_[0-9A-Za-z]{40}"], "");
    assert!(common[0].contains("\"test_\" stands everywhere"), "{common:?}");
    assert_eq!(mistakes(["test_[0-9a-f]{32}", "acme_[0-9A-Za-z]{40}"], "needs = \"marker\""), [""; 0]);
}

#[test]
fn every_provider_is_at_home_somewhere() {
    let set = RuleSet::builtin();
    let lost = set.providers().iter().filter(|facts| !facts.is_general() && !AREAS.contains(&facts.area()));
    let lost: Vec<String> = lost.map(|facts| format!("{}: {}", facts.id, facts.region)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

/// Adding a provider is adding a file, and changing a rule is changing a file: this test writes what
/// the program holds of them, and then fails once.
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
    let read = |name: &String| (format!("rules/{name}"), fs::read_to_string(root.join("rules").join(name)).unwrap());
    let set = RuleSet::load(&names.iter().map(read).collect::<Vec<_>>());
    let set = set.unwrap_or_else(|errors| panic!("{}", errors[0]));
    let lines = root.join("src/rule/builtin.jsonl");
    let expected = set.compact().unwrap();
    if fs::read_to_string(&lines).unwrap_or_default() != expected {
        fs::write(&lines, expected).unwrap();
        panic!("src/rule/builtin.jsonl was out of date and has been rewritten: run the tests again");
    }
}
