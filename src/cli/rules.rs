//! `keyfence rules list` and `keyfence rules test`.

use std::fmt::Write as _;

use keyfence::detect::Scanner;
use keyfence::rule::{Rule, RuleSet, Tell};
use keyfence::rule_check::{Effort, check};

use super::args::Rules;
use super::{Exit, config, output};

pub(super) fn run(command: &Rules) -> anyhow::Result<Exit> {
    match command {
        Rules::List { rules } => {
            output::print(&list(&config::rules(rules)?))?;
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
            output::print(&format!("{count} rules keep their promises\n"))?;
            Ok(Exit::Clean)
        }
    }
}

/// Every rule below its provider: id, class, environments.
fn list(set: &RuleSet) -> String {
    let mut text = String::new();
    let widest = set.rules().iter().map(|rule| rule.id.as_str().len()).max().unwrap_or(0);
    for provider in set.providers() {
        let _ = writeln!(text, "{}", provider.name);
        for rule in set.rules().iter().filter(|rule| rule.provider.id == provider.id) {
            let _ = writeln!(text, "  {:widest$}  {:22}  {}", rule.id.as_str(), rule.class, environments(rule));
        }
    }
    let _ = writeln!(
        text,
        "{} rules of {} providers",
        set.rules().len(),
        set.providers().iter().filter(|provider| !provider.is_general()).count()
    );
    text
}

/// `live, sandbox` where the value says, else where it comes from.
pub(super) fn environments(rule: &Rule) -> &'static str {
    match &rule.tell {
        Tell::ByGroup { live, sandbox } if !live.is_empty() && !sandbox.is_empty() => "live, sandbox",
        Tell::ByGroup { live, .. } if !live.is_empty() => "live",
        Tell::ByGroup { .. } => "sandbox",
        Tell::Fixed(keyfence::credential::Environment::Unknown) => "by context",
        Tell::Fixed(environment) => environment.name(),
    }
}
