//! README.md: its table of providers is written from the rules, and its examples are what the program does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use keyfence::credential::Environment;
use keyfence::rule::{Pack, ProviderFacts, Rule, RuleSet, Tell};
use keyfence::rule_check::{Effort, check};

use crate::plant::Tree;

/// What stands in the README for a key, and what is planted for it.
const KEY: [&str; 2] = ["sk_live_…(107)", "sk_live_{stripe99}"];

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// The first fenced block behind `before`.
fn block<'a>(text: &'a str, before: &str) -> &'a str {
    let (_, behind) = text.split_once(before).unwrap_or_else(|| panic!("README.md has no {before:?}"));
    let (_, fenced) = behind.split_once("```").unwrap();
    let (_, block) = fenced.split_once('\n').unwrap();
    block.split_once("```").unwrap().0
}

/// The environments that the value alone may say.
fn told(rule: &Rule) -> Vec<Environment> {
    match &rule.tell {
        Tell::Fixed(Environment::Unknown) => vec![],
        Tell::Fixed(environment) => vec![*environment],
        Tell::ByGroup { live, sandbox } => {
            let both = [(live, Environment::Live), (sandbox, Environment::Sandbox)];
            both.into_iter().filter(|(texts, _)| !texts.is_empty()).map(|(_, environment)| environment).collect()
        }
    }
}

/// The title without what the row says already.
fn short(rule: &Rule) -> &str {
    let own = rule.title.strip_prefix(&rule.provider.name).and_then(|rest| rest.strip_prefix(' '));
    let title = own.unwrap_or(&rule.title);
    title.strip_suffix(" of an unknown provider").unwrap_or(title)
}

/// Titles in the order of the file, each once; in bold if it moves money.
fn cell<'a>(rules: impl Iterator<Item = &'a Rule>) -> String {
    let mut titles: Vec<(&str, bool, Vec<Environment>)> = Vec::new();
    for rule in rules {
        let title = short(rule);
        match titles.iter_mut().find(|(other, ..)| *other == title) {
            Some((_, money, environments)) => {
                *money |= rule.moves_funds;
                environments.extend(told(rule));
            }
            None => titles.push((title, rule.moves_funds, told(rule))),
        }
    }
    let written = titles.into_iter().map(|(title, money, mut environments)| {
        environments.dedup();
        let only = if let [only] = environments[..] { format!(" ({only})") } else { String::new() };
        let bold = if money { "**" } else { "" };
        format!("{bold}{title}{bold}{only}")
    });
    let cell = written.collect::<Vec<_>>().join(", ");
    if cell.is_empty() { "–".to_owned() } else { cell }
}

/// A row for each payment provider that has secrets; what belongs to no provider goes last. The services
/// whose keys stand beside those are named only.
fn table(set: &RuleSet) -> String {
    let mut rows = BTreeMap::new();
    let row = |provider: &ProviderFacts| {
        let own = |rule: &&Rule| rule.provider.id == provider.id && !rule.class.is_public();
        let of = |by_value: bool| {
            cell(set.rules().iter().map(AsRef::as_ref).filter(own).filter(|rule| told(rule).is_empty() != by_value))
        };
        let name = if provider.is_general() { "Any other" } else { &provider.name };
        format!("| {name} | {} | {} |\n", of(true), of(false))
    };
    let is_beside = |provider: &ProviderFacts| provider.pack == Pack::General && !provider.is_general();
    for provider in set.providers().iter().filter(|provider| !is_beside(provider)) {
        rows.insert((provider.is_general(), provider.name.to_lowercase()), row(provider));
    }
    let named = rows.keys().filter(|(general, _)| !general).count();
    let secrets = |beside: bool| {
        let wanted = |rule: &&Rule| !rule.class.is_public() && is_beside(&rule.provider) == beside;
        set.rules().iter().map(AsRef::as_ref).filter(wanted).count()
    };
    let mut text =
        format!("{} rules for secrets of {named} providers, and for a few shapes that many share:\n\n", secrets(false));
    text += "| provider | the value says live or sandbox | what stands around it says so |\n|---|---|---|\n";
    text += &rows.into_values().collect::<String>();
    let mut beside: Vec<_> = set.providers().iter().filter(|other| is_beside(other)).map(|other| other.name.as_str()).collect();
    beside.sort_by_key(|name| name.to_lowercase());
    let (rules, services) = (secrets(true), beside.len());
    let list = wrapped(&beside);
    text + &format!("\nAnd {rules} rules for the keys of {services} services that stand beside those:\n{list}.\n")
}

/// Names in lines of at most a hundred characters.
fn wrapped(names: &[&str]) -> String {
    let mut text = String::new();
    let mut width = 0;
    for (at, name) in names.iter().enumerate() {
        let word = if at + 1 < names.len() { format!("{name},") } else { (*name).to_owned() };
        let glue = if width + 1 + word.len() > 100 { "\n" } else { " " };
        width = if glue == "\n" { word.len() } else { width + 1 + word.len() };
        text += if text.is_empty() { "" } else { glue };
        text += &word;
    }
    text
}

/// A finding as the program prints it where nobody watches: at 80 columns, without colours.
fn finding() -> String {
    let tree = Tree::new();
    tree.file("src/pay.ts", &format!("export const options = {{{{\n  stripeKey: \"{}\",\n}}}};\n", KEY[1]));
    let output = tree.keyfence(&["scan", "src/pay.ts"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let (finding, _) = stdout.split_once("\n\n").unwrap();
    format!("```text\n{finding}\n```\n")
}

/// The text with `part` between the two comments of that name.
fn with_part(text: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: written by tests/it/readme.rs -->\n"), format!("<!-- /{name} -->"));
    let (head, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("README.md has no {begin}"));
    let (_, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("README.md has no {end}"));
    format!("{head}{begin}{part}{end}{tail}")
}

/// Adding a provider is adding a file: this test writes its row and then fails once.
#[test]
fn what_it_shows_is_what_there_is() {
    let text = fs::read_to_string(path()).unwrap();
    let expected = with_part(&text, "providers", &table(&RuleSet::builtin()));
    let expected = with_part(&expected, "finding", &finding());
    if text != expected {
        fs::write(path(), expected).unwrap();
        panic!("README.md was out of date and has been rewritten: run the tests again");
    }
}

#[test]
fn the_allowed_line_is_allowed() {
    let text = fs::read_to_string(path()).unwrap();
    let line = block(&text, "<!-- allowed -->").replace(KEY[0], KEY[1]);
    let tree = Tree::new();
    tree.file("src/pay.ts", &line);
    let output = tree.keyfence(&["scan", "--quiet", "src/pay.ts"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "clean: no findings\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let shown = tree.keyfence(&["scan", "--quiet", "--no-inline-allow", "src/pay.ts"]);
    assert_eq!(shown.status.code(), Some(1), "without its allow, the line is a finding");
}

#[test]
fn the_rule_file_keeps_its_promises() {
    let text = fs::read_to_string(path()).unwrap();
    let errors = check(&[("acme.toml", block(&text, "<!-- rules -->"))], Effort { values: 2, bodies: 10_000 });
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn links_lead_somewhere() {
    let text = fs::read_to_string(path()).unwrap();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    for target in targets.filter(|target| !target.starts_with("https://")) {
        let file = target.split('#').next().unwrap();
        assert!(path().with_file_name(file).exists(), "README.md links to {file}, which does not exist");
    }
}
