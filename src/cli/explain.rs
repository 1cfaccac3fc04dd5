//! `keyfence explain`.

use std::fmt::Write as _;

use keyfence::finding::Kind;
use keyfence::rule::{NamePattern, Rule};

use super::args::Explain;
use super::rules::environments;
use super::{Exit, config, output, usage};

pub(super) fn run(args: &Explain) -> anyhow::Result<Exit> {
    let set = config::rules(&args.rules)?;
    let text = match (set.get(&args.id), Kind::from_id(&args.id)) {
        (Some(rule), _) => rule_text(rule),
        (None, Some(kind)) => kind_text(kind),
        (None, None) => {
            let names = config::rule_ids(&set).chain(Kind::ALL.iter().map(|kind| kind.id()));
            return Err(usage(format!("no rule or kind is named {:?}; {}", args.id, config::nearest(&args.id, names))));
        }
    };
    output::print(&text)?;
    Ok(Exit::Clean)
}

fn kind_text(kind: Kind) -> String {
    format!("{}: {}\n\n  checklist  {}\n", kind.id(), kind.title(), kind.checklist().join(", "))
}

fn rule_text(rule: &Rule) -> String {
    let mut text = format!("{}: {}\n\n", rule.id, rule.title);
    let mut row = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {label:12} {value}");
        }
    };
    row("provider", if rule.provider.is_general() { "" } else { &rule.provider.name });
    row("class", rule.class.name());
    row("also", &rule.also.iter().map(|class| class.name()).collect::<Vec<_>>().join(", "));
    row("money", if rule.moves_funds { "can move funds" } else { "cannot move funds by itself" });
    row("environment", environments(rule));
    row("looks like", rule.format.source());
    row("named", &patterns(&rule.names));
    row("named near", &patterns(&rule.near));
    row("needs", if rule.needs_marker { "the provider to be named within 8 lines" } else { "" });
    row("shared with", &rule.shared_with.iter().map(keyfence::credential::Provider::as_str).collect::<Vec<_>>().join(", "));
    row("live", &rule.provider.live_hosts.join(", "));
    row("sandbox", &rule.provider.sandbox_hosts.join(", "));
    row("rotate", &rule.remediation);
    for reference in rule.provider.references.iter().chain(&rule.references) {
        row("source", reference);
    }
    text
}

fn patterns(patterns: &[NamePattern]) -> String {
    patterns.iter().map(NamePattern::source).collect::<Vec<_>>().join(", ")
}
