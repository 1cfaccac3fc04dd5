//! `keyfence rules list` and `keyfence rules test`.

use std::collections::BTreeMap;

use keyfence::credential::{Class, Environment};
use keyfence::detect::Scanner;
use keyfence::rule::{AREAS, Pack, Rule, RuleSet, Tell};
use keyfence::rule_check::{Effort, check};

use super::args::{Global, Rules};
use super::page::Page;
use super::{Exit, config, output, usage};

/// How wide the column of titles may be.
const TITLE: usize = 48;

pub(super) fn run(global: &Global, command: &Rules) -> anyhow::Result<Exit> {
    match command {
        Rules::List { word, rules } => {
            let set = config::rules(rules)?;
            let word = word.as_deref().unwrap_or_default().to_lowercase();
            if !set.rules().iter().any(|rule| holds(rule, &word)) {
                return Err(usage(format!("no rule has {word:?} in its id, title, provider or class")));
            }
            output::print(global.color, &list(&set, &word))?;
            Ok(Exit::Clean)
        }
        Rules::Test { files } => {
            let files = config::read(files)?;
            let errors = check(&files, Effort::FULL);
            let scanner = Scanner::new(RuleSet::builtin().into());
            for error in &errors {
                output::complain(&output::masked(&scanner, &error.to_string()));
            }
            if !errors.is_empty() {
                return Ok(Exit::Usage);
            }
            let count: usize =
                files.iter().filter_map(|file| Some(RuleSet::load(std::slice::from_ref(file)).ok()?.rules().len())).sum();
            output::print(global.color, &format!("{count} rules keep their promises\n"))?;
            Ok(Exit::Clean)
        }
    }
}

/// Whether a rule is about a word; the empty one stands in all.
fn holds(rule: &Rule, word: &str) -> bool {
    [rule.id.as_str(), &rule.title, &rule.provider.name, rule.class.name()].iter().any(|text| text.to_lowercase().contains(word))
}

/// The rules about a word below their region and class: the id, what it finds, environments, whether money moves.
fn list(set: &RuleSet, word: &str) -> String {
    let mut regions: BTreeMap<(Pack, bool, &str), BTreeMap<Class, Vec<&Rule>>> = BTreeMap::new();
    let shown: Vec<&Rule> = set.rules().iter().map(AsRef::as_ref).filter(|rule| holds(rule, word)).collect();
    for rule in &shown {
        let facts = &rule.provider;
        let region = if facts.pack == Pack::General { AREAS[0] } else { facts.area() };
        let classes = regions.entry((facts.pack, region != AREAS[0], region)).or_default();
        classes.entry(rule.class).or_default().push(rule);
    }
    let widest = |text: fn(&Rule) -> &str| shown.iter().map(|rule| text(rule).chars().count()).max().unwrap_or(0);
    let (ids, titles) = (widest(|rule| rule.id.as_str()), widest(|rule| &rule.title).min(TITLE));
    let mut page = Page::new();
    for ((pack, _, region), classes) in regions {
        page.heading(&match pack {
            Pack::Payments => format!("Payments, {region}"),
            Pack::General => "What stands beside payment keys".to_owned(),
        });
        for (class, mut rules) in classes {
            page.subheading(class.name());
            rules.sort_by_key(|rule| rule.id.as_str());
            for rule in rules {
                let money = if rule.moves_funds { "money" } else { "" };
                let row = format!("    {:ids$}  {:titles$}  {:13}  {money}", rule.id.as_str(), rule.title, environments(rule));
                page.line(row.trim_end());
            }
        }
        page.line("");
    }
    if !word.is_empty() {
        page.line(&format!("{} of {} rules", shown.len(), set.rules().len()));
        return page.finish();
    }
    let providers = |pack: Pack| set.providers().iter().filter(|facts| facts.pack == pack && !facts.is_general()).count();
    let (paying, beside) = (providers(Pack::Payments), providers(Pack::General));
    page.line(&format!("{} rules of {paying} payment providers and {beside} other services", set.rules().len()));
    page.finish()
}

/// `live, sandbox` where the value says, else where it comes from.
fn environments(rule: &Rule) -> &'static str {
    match &rule.tell {
        Tell::ByGroup { live, sandbox } if !live.is_empty() && !sandbox.is_empty() => "live, sandbox",
        Tell::ByGroup { live, .. } if !live.is_empty() => "live",
        Tell::ByGroup { .. } => "sandbox",
        Tell::Fixed(Environment::Unknown) => "by context",
        Tell::Fixed(environment) => environment.name(),
    }
}
