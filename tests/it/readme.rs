//! README.md and docs/providers.md: what they say of providers is written from the rules, and the examples of
//! the README are what the program does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyfence::credential::Environment;
use keyfence::rule::{AREAS, Pack, ProviderFacts, Rule, RuleSet, Tell};
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
    let own = rule.title.strip_prefix(rule.provider.name.as_str()).and_then(|rest| rest.strip_prefix(' '));
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

/// Services whose keys stand beside payment keys; they are named only.
fn is_beside(provider: &ProviderFacts) -> bool {
    provider.pack == Pack::General && !provider.is_general()
}

/// Rules for secrets of the providers that fit.
fn secrets<'a>(set: &'a RuleSet, fits: impl Fn(&ProviderFacts) -> bool + 'a) -> impl Iterator<Item = &'a Rule> {
    set.rules().iter().map(AsRef::as_ref).filter(move |rule| !rule.class.is_public() && fits(&rule.provider))
}

/// By name, whatever the case.
fn sorted<'a>(providers: impl Iterator<Item = &'a Arc<ProviderFacts>>) -> Vec<&'a ProviderFacts> {
    let mut all: Vec<&ProviderFacts> = providers.map(AsRef::as_ref).collect();
    all.sort_by_key(|provider| provider.name.to_lowercase());
    all
}

/// A row for each of them.
fn rows(set: &RuleSet, providers: &[&ProviderFacts]) -> String {
    let row = |provider: &&ProviderFacts| {
        let of =
            |by_value: bool| cell(secrets(set, |other| other.id == provider.id).filter(|rule| told(rule).is_empty() != by_value));
        let name = if provider.is_general() { "Any other" } else { &provider.name };
        format!("| {name} | {} | {} |\n", of(true), of(false))
    };
    "| provider | the value says live or sandbox | what stands around it says so |\n|---|---|---|\n".to_owned()
        + &providers.iter().map(row).collect::<String>()
}

/// The payment providers of each part of the world.
fn areas(set: &RuleSet) -> impl Iterator<Item = (&'static str, Vec<&ProviderFacts>)> {
    AREAS.into_iter().map(|area| {
        let own = |facts: &&Arc<ProviderFacts>| facts.pack == Pack::Payments && facts.area() == area;
        (area, sorted(set.providers().iter().filter(own)))
    })
}

/// Every provider and what is known of it: docs/providers.md.
fn table(set: &RuleSet) -> String {
    let title = |area: &str| area.replacen("global", "Everywhere", 1);
    let mut text: String = areas(set)
        .map(|(area, providers)| format!("\n## {}\n\n{}", title(area), rows(set, &providers)))
        .collect::<Vec<_>>()
        .concat();
    let beside = sorted(set.providers().iter().filter(|facts| is_beside(facts)));
    text += "\n## What stands beside payment keys\n\n";
    text += &rows(set, &beside);
    let general = sorted(set.providers().iter().filter(|facts| facts.is_general()));
    text + &format!("\n## Of no provider\n\n{}", rows(set, &general))
}

/// How many there are, and their names: the part of it that stands in the README.
fn summary(set: &RuleSet) -> String {
    let paying = |facts: &ProviderFacts| facts.pack == Pack::Payments;
    let (rules, named) = (secrets(set, paying).count(), set.providers().iter().filter(|facts| paying(facts)).count());
    let mut text = format!("{rules} rules for secrets of {named} payment providers:\n\n");
    let paragraph = |title: &str, providers: &[&ProviderFacts], rules: usize| {
        let names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
        format!("- **{title}** ({}, {rules} rules):\n{}.\n", providers.len(), wrapped(&names))
    };
    for (area, providers) in areas(set) {
        let rules = secrets(set, |facts| paying(facts) && facts.area() == area).count();
        text += &paragraph(&area.replacen("global", "Everywhere", 1), &providers, rules);
    }
    let beside = sorted(set.providers().iter().filter(|facts| is_beside(facts)));
    text += "\nAnd for what stands beside payment keys:\n\n";
    text + &paragraph("Other services", &beside, secrets(set, is_beside).count())
}

/// Names in lines of at most a hundred characters, indented as what belongs to a list.
fn wrapped(names: &[&str]) -> String {
    let mut text = String::from("  ");
    let mut width = 1;
    for (at, name) in names.iter().enumerate() {
        let word = if at + 1 < names.len() { format!("{name},") } else { (*name).to_owned() };
        let glue = if width + 1 + word.len() > 100 { "\n  " } else { " " };
        width = if glue == " " { width + 1 + word.len() } else { 2 + word.len() };
        text += if at == 0 { "" } else { glue };
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
    let (head, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("nothing begins with {begin}"));
    let (_, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("nothing ends with {end}"));
    format!("{head}{begin}{part}{end}{tail}")
}

/// Adding a provider is adding a file: this test writes what is said of it, and then fails once.
#[test]
fn what_they_show_is_what_there_is() {
    let set = RuleSet::builtin();
    let providers = path().with_file_name("docs").join("providers.md");
    let parts: [(PathBuf, Vec<(&str, String)>); 2] =
        [(path(), vec![("providers", summary(&set)), ("finding", finding())]), (providers, vec![("providers", table(&set))])];
    let mut stale = Vec::new();
    for (file, parts) in parts {
        let text = fs::read_to_string(&file).unwrap();
        let expected = parts.iter().fold(text.clone(), |text, (name, part)| with_part(&text, name, part));
        if text != expected {
            fs::write(&file, expected).unwrap();
            stale.push(file);
        }
    }
    assert!(stale.is_empty(), "out of date and rewritten, run the tests again: {stale:?}");
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
