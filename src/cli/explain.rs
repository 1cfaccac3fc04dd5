//! `keyfence explain`: what a rule finds, what that opens, and what to do; what a kind of finding means; what is
//! known of a provider.

use std::sync::Arc;

use keyfence::credential::{Class, Environment, Provider};
use keyfence::finding::Kind;
use keyfence::rule::{Detector, Fact, NamePattern, ProviderFacts, Rule, RuleSet, Tell};

use super::args::{Explain, Global};
use super::page::Page;
use super::{Exit, config, output, usage};

pub(super) fn run(global: &Global, args: &Explain) -> anyhow::Result<Exit> {
    let set = config::rules(&args.rules)?;
    let text = if let Some(rule) = set.get(&args.id) {
        rule_text(rule)
    } else if let Some(kind) = Kind::from_id(&args.id) {
        kind_text(kind)
    } else if let Some(facts) = provider(&set, &args.id) {
        provider_text(&set, facts)
    } else {
        let kinds = Kind::ALL.iter().map(|kind| kind.id());
        let providers = set.providers().iter().map(|facts| facts.id.as_str());
        let near = config::nearest(&args.id, config::rule_ids(&set).chain(kinds).chain(providers));
        return Err(usage(format!("no rule, kind or provider is named {:?}; {near}", args.id)));
    };
    output::print(global.color, &text)?;
    Ok(Exit::Clean)
}

fn kind_text(kind: Kind) -> String {
    let mut page = Page::new();
    page.title(kind.id(), kind.title());
    page.row("what follows", kind.consequence());
    page.row("what to do", kind.remedy());
    page.row("checklist", &kind.checklist().join(", "));
    page.finish()
}

/// By its id or its name, in any case.
fn provider<'a>(set: &'a RuleSet, name: &str) -> Option<&'a ProviderFacts> {
    let is_named =
        |facts: &&Arc<ProviderFacts>| facts.id.as_str().eq_ignore_ascii_case(name) || facts.name.eq_ignore_ascii_case(name);
    set.providers().iter().find(is_named).map(AsRef::as_ref)
}

/// What is known of a provider, and its rules.
fn provider_text(set: &RuleSet, facts: &ProviderFacts) -> String {
    let mut page = Page::new();
    page.title(facts.id.as_str(), &facts.name);
    page.row("region", &facts.region);
    page.row("live hosts", &facts.live_hosts.join(", "));
    page.row("sandbox hosts", &facts.sandbox_hosts.join(", "));
    page.row("either", &facts.neutral_hosts.join(", "));
    page.row("sandbox only", &facts.sandbox_paths.join(", "));
    let networks = facts.networks.iter().map(|(name, environment)| format!("{name} ({environment})"));
    page.row("networks", &networks.collect::<Vec<_>>().join(", "));
    page.row("named by", &facts.markers.join(", "));
    page.row("its slots", &patterns(&facts.slots));
    page.row("its headers", &patterns(&facts.headers));
    let own = set.rules().iter().filter(|rule| rule.provider.id == facts.id);
    for (at, rule) in own.enumerate() {
        let money = if rule.moves_funds { ", can move funds" } else { "" };
        page.row(if at == 0 { "rules" } else { "" }, &format!("{}: {}{money}", rule.id, rule.title));
    }
    for (at, reference) in facts.references.iter().enumerate() {
        page.row(if at == 0 { "read more" } else { "" }, reference);
    }
    page.finish()
}

fn rule_text(rule: &Rule) -> String {
    let mut page = Page::new();
    let facts = &rule.provider;
    page.title(rule.id.as_str(), &rule.title);
    page.row("what it is", &format!("{}.", what(rule)));
    page.row("what it opens", opens(rule));
    page.row("environment", &environment(rule));
    page.row("how it looks", &looks(rule));
    page.row("pattern", rule.format.source());
    page.row("found by", &found_by(rule));
    page.row("where to keep", kept(rule.class));
    page.row("how to rotate", &rule.remediation);
    page.row("live hosts", &facts.live_hosts.join(", "));
    page.row("sandbox hosts", &facts.sandbox_hosts.join(", "));
    page.row("shared with", &rule.shared_with.iter().map(Provider::as_str).collect::<Vec<_>>().join(", "));
    page.row("rests on", rests_on(rule.fact));
    for (at, reference) in facts.references.iter().chain(&rule.references).enumerate() {
        page.row(if at == 0 { "read more" } else { "" }, reference);
    }
    page.finish()
}

/// `standard API key of Stripe (global), also …`.
fn what(rule: &Rule) -> String {
    let class = rule.class.name().replace('-', " ").replace("api", "API").replace("oauth", "OAuth");
    let facts = &rule.provider;
    let owner = match facts.region.as_str() {
        _ if facts.is_general() => String::new(),
        "" => format!(" of {}", facts.name),
        region => format!(" of {} ({region})", facts.name),
    };
    let also = rule.also.iter().map(|class| format!("; the same value is the {}", class.name().replace('-', " ")));
    [class, owner].into_iter().chain(also).collect()
}

fn opens(rule: &Rule) -> &'static str {
    match rule.class {
        class if class.is_public() => "Nothing by itself: it is public, and tells which account and environment stand beside it.",
        class if class.pays_out() => "It pays money out: whoever holds it can empty the balance.",
        _ if rule.moves_funds => "It can move money, alone or with the ids that usually stand beside it.",
        Class::WebhookSecret => "It signs messages: whoever holds it can tell your server that somebody has paid.",
        Class::CardNumber => "A customer's card. Card data in the open is an incident under PCI DSS.",
        Class::PrivateKey => "It signs or decrypts in your name.",
        _ => "It opens the account or a part of it; it cannot move money by itself.",
    }
}

/// What tells live from sandbox.
fn environment(rule: &Rule) -> String {
    let says = |texts: &[String]| texts.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    match &rule.tell {
        Tell::Fixed(Environment::Unknown) => {
            "The value does not say: its slot, a mode flag, a host or a key beside it may.".to_owned()
        }
        Tell::Fixed(environment) => format!("Always {environment}."),
        Tell::ByGroup { live, sandbox } => match (says(live), says(sandbox)) {
            (live, sandbox) if live.is_empty() || sandbox.is_empty() => format!("The value says it: {live}{sandbox}."),
            (live, sandbox) => format!("The value says it: {sandbox} is the sandbox, {live} is live."),
        },
    }
}

/// The beginnings and the length of a value.
fn looks(rule: &Rule) -> String {
    let literals = rule.format.literals();
    // What begins with another beginning says no more.
    let longer = |head: &[u8]| literals.iter().any(|other| other.len() < head.len() && head.starts_with(other));
    let heads = literals.iter().filter(|head| !longer(head)).map(|head| format!("{}…", String::from_utf8_lossy(head)));
    let heads: Vec<String> = heads.collect();
    let (min, max) = (rule.format.min_length(), rule.format.max_length());
    let length = if min == max { format!("{max} bytes") } else { format!("{min} to {max} bytes") };
    match heads.len() {
        0 => format!("{length}, without a beginning of its own"),
        1..=6 => format!("{}, {length}", heads.join(" or ")),
        _ => format!("{} and its like, {length}", heads[0]),
    }
}

fn found_by(rule: &Rule) -> String {
    let mut ways = Vec::new();
    match rule.detector {
        Some(Detector::CardNumber) => ways.push("the range of its network and its check digit, with --cards".to_owned()),
        Some(Detector::CardTrack) => ways.push("the marks around it, with --cards".to_owned()),
        Some(Detector::CardCode) => ways.push("the name of its slot beside a card number, with --cards".to_owned()),
        None if rule.has_literal() && rule.needs_marker => {
            ways.push("its shape, where the provider is named within 8 lines".to_owned());
        }
        None if rule.has_literal() => ways.push("its shape".to_owned()),
        None => {}
    }
    if !rule.names.is_empty() {
        ways.push(format!("the name of its slot: {}", patterns(&rule.names)));
    }
    if !rule.near.is_empty() {
        ways.push(format!("a slot named {}, where the provider is named within 8 lines", patterns(&rule.near)));
    }
    let checks: Vec<_> = rule.checks.iter().map(|check| check.shows).collect();
    if !checks.is_empty() {
        ways.push(format!("and only if it is {}", checks.join(" and ")));
    }
    ways.join("; ")
}

fn patterns(patterns: &[NamePattern]) -> String {
    patterns.iter().map(|pattern| pattern.source().as_str()).collect::<Vec<_>>().join(", ")
}

/// Where a value of that class belongs.
const fn kept(class: Class) -> &'static str {
    match class {
        Class::PublishableKey => "In pages and apps: it is made for them. Its environment must be theirs.",
        Class::ClientId => "Anywhere: it is an identifier. Its secret is not.",
        Class::WebhookSecret => "In a secret store, read by the server that receives the webhooks. Not in code, not in logs.",
        Class::PrivateKey => {
            "In a key store or a secret store of the one service that signs. Not in code, not in images, not in chats."
        }
        Class::CardNumber => {
            "With the provider, or inside a vault that PCI DSS covers. Nowhere else; a security code and a track nowhere at all."
        }
        Class::OauthToken => "In the memory of the service that uses it, or encrypted in its database. Never in a log or a URL.",
        Class::PayoutKey | Class::ContractExecutionKey => {
            "In a secret store that few can read, for the one service that pays out. Not beside other keys, not in code, not in logs."
        }
        Class::StandardApiKey | Class::RestrictedKey | Class::ClientSecret | Class::Password | Class::General => {
            "In a secret store or the environment of the server that uses it. Not in code, browsers, images, logs or chats."
        }
    }
}

const fn rests_on(fact: Fact) -> &'static str {
    match fact {
        Fact::Doc => "the provider's documentation",
        Fact::Sdk => "the provider's own library",
        Fact::Calc => "values that the provider publishes",
        Fact::Rule => "the rules of other scanners",
        Fact::Code => "values in public code",
        Fact::Rec | Fact::Recall => "what is remembered of the documentation: not sure of itself",
        Fact::Guess => "a guess: never sure of itself",
    }
}
