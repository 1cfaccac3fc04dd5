//! The rows of the decision table, in its order: for each credential the first that applies.

use crate::credential::{Class, Confidence, Credential, Environment};
use crate::finding::{Kind, PlaceKind, Severity, Tracked};
use crate::rule::Rule;

/// What a finding is and how bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it is.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
}

/// The verdict on a credential in a place; nothing for what is no leak there.
pub fn judge(credential: &Credential, rule: &Rule, place: PlaceKind, tracked: Tracked) -> Option<Verdict> {
    let verdict = match place {
        _ if credential.class.is_public() => None,
        PlaceKind::Rules | PlaceKind::Ciphertext => None,
        PlaceKind::Log => Some(in_log(credential)),
        _ if tracked == Tracked::Ignored => None,
        _ => in_file(credential, rule, place),
    }?;
    let ceiling = rule.ceiling.unwrap_or(Severity::Critical);
    Some(Verdict { severity: verdict.severity.min(ceiling), ..verdict })
}

fn in_log(credential: &Credential) -> Verdict {
    let verdict = |kind, severity| Verdict { kind, severity };
    if credential.class == Class::CardNumber {
        return verdict(Kind::CardNumberInLog, Severity::High);
    }
    let sandbox = credential.environment == Environment::Sandbox;
    match credential.environment {
        _ if credential.class.pays_out() => {
            verdict(Kind::PayoutKeyInLog, if sandbox { Severity::High } else { Severity::Critical })
        }
        Environment::Live => verdict(Kind::LiveKeyInLog, Severity::Critical),
        Environment::Sandbox => verdict(Kind::SandboxKeyInLog, Severity::Low),
        Environment::Unknown if credential.moves_funds => verdict(Kind::SecretInLog, Severity::Critical),
        Environment::Unknown => verdict(Kind::SecretInLog, Severity::High),
    }
}

/// The base kinds: for what no row about environments names.
fn in_file(credential: &Credential, rule: &Rule, place: PlaceKind) -> Option<Verdict> {
    let copied = matches!(place, PlaceKind::Test | PlaceKind::Doc | PlaceKind::Template);
    if credential.class == Class::CardNumber {
        let severity = if copied { Severity::Low } else { Severity::Medium };
        return Some(Verdict { kind: Kind::CardNumberInSource, severity });
    }
    if credential.environment == Environment::Sandbox {
        return (!copied).then_some(Verdict { kind: Kind::SandboxKeyInSource, severity: Severity::Low });
    }
    let severity = hardcoded(credential, rule);
    let unknown = credential.environment == Environment::Unknown;
    let severity = if copied && unknown { severity.min(Severity::Low) } else { severity };
    Some(Verdict { kind: Kind::HardcodedSecret, severity })
}

fn hardcoded(credential: &Credential, rule: &Rule) -> Severity {
    let by_name = rule.is_named() && !rule.has_literal();
    let unattributed = credential.provider.is_none();
    if !rule.fact.is_firm() && credential.confidence == Confidence::Weak {
        Severity::Low
    } else if credential.class == Class::PrivateKey && unattributed {
        // A PEM block that no wallet and no provider is named beside.
        Severity::High
    } else if credential.class.pays_out() || credential.class == Class::PrivateKey || credential.moves_funds {
        Severity::Critical
    } else if by_name && (unattributed || credential.environment == Environment::Unknown) {
        Severity::Medium
    } else if credential.class == Class::General {
        Severity::Low
    } else {
        Severity::High
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::credential::{Secret, View};
    use crate::rule::RuleSet;
    use crate::span::Span;

    fn credential(rule: &Rule, environment: Environment) -> Credential {
        Credential {
            rule: rule.id.clone(),
            provider: rule.attributed(),
            candidates: Vec::new(),
            alternatives: Vec::new(),
            class: rule.class,
            environment,
            moves_funds: rule.moves_funds,
            confidence: Confidence::Strong,
            secret: Secret::new(b"x", 0),
            span: Span::new(0, 1),
            view: View::Plain,
            because: Vec::new(),
        }
    }

    fn rule(id: &str) -> Arc<Rule> {
        Arc::clone(RuleSet::builtin().get(id).unwrap())
    }

    fn verdict(id: &str, environment: Environment, place: PlaceKind, tracked: Tracked) -> Option<(Kind, Severity)> {
        let rule = rule(id);
        judge(&credential(&rule, environment), &rule, place, tracked).map(|verdict| (verdict.kind, verdict.severity))
    }

    #[test]
    fn base_kinds() {
        use Environment::{Live, Sandbox, Unknown};
        use PlaceKind::{Dotenv, Log, Source, Test};
        use Severity::{Critical, High, Low, Medium};
        let stripe = |environment, place| verdict("stripe-secret-key", environment, place, Tracked::Yes);
        assert_eq!(stripe(Live, Source), Some((Kind::HardcodedSecret, Critical)));
        assert_eq!(stripe(Live, Test), Some((Kind::HardcodedSecret, Critical)));
        assert_eq!(stripe(Sandbox, Source), Some((Kind::SandboxKeyInSource, Low)));
        assert_eq!(stripe(Sandbox, Test), None);
        assert_eq!(stripe(Live, Log), Some((Kind::LiveKeyInLog, Critical)));
        assert_eq!(stripe(Sandbox, Log), Some((Kind::SandboxKeyInLog, Low)));
        assert_eq!(verdict("stripe-webhook-secret", Unknown, Source, Tracked::No), Some((Kind::HardcodedSecret, High)));
        assert_eq!(verdict("stripe-webhook-secret", Unknown, Test, Tracked::Yes), Some((Kind::HardcodedSecret, Low)));
        assert_eq!(verdict("general-client-secret", Unknown, Source, Tracked::Yes), Some((Kind::HardcodedSecret, Medium)));
        assert_eq!(verdict("payca-client-secret", Unknown, Log, Tracked::Yes), Some((Kind::SecretInLog, Critical)));
        assert_eq!(verdict("paychain-payout-key", Sandbox, Log, Tracked::Yes), Some((Kind::PayoutKeyInLog, High)));
        let card = |place| verdict("general-card-number", Unknown, place, Tracked::Yes);
        assert_eq!(card(Log), Some((Kind::CardNumberInLog, High)));
        assert_eq!(card(Source), Some((Kind::CardNumberInSource, Medium)));
        assert_eq!(card(Test), Some((Kind::CardNumberInSource, Low)));
        assert_eq!(verdict("stripe-secret-key", Live, Dotenv, Tracked::Ignored), None);
        assert_eq!(verdict("stripe-secret-key", Live, Log, Tracked::Ignored), Some((Kind::LiveKeyInLog, Critical)));
    }

    /// Every rule, environment, place and tracking state: public values are never findings, rules
    /// and ciphertext are silent, a ceiling holds.
    #[test]
    fn the_table_is_total_and_keeps_its_limits() {
        let set = RuleSet::builtin();
        for rule in set.rules() {
            for environment in [Environment::Live, Environment::Sandbox, Environment::Unknown] {
                for place in PlaceKind::ALL {
                    for tracked in [Tracked::Yes, Tracked::No, Tracked::Ignored, Tracked::Unknown] {
                        let verdict = judge(&credential(rule, environment), rule, place, tracked);
                        let silent = rule.class.is_public() || matches!(place, PlaceKind::Rules | PlaceKind::Ciphertext);
                        assert!(!silent || verdict.is_none(), "{} {place:?}", rule.id);
                        let ceiling = rule.ceiling.unwrap_or(Severity::Critical);
                        assert!(verdict.is_none_or(|verdict| verdict.severity <= ceiling), "{}", rule.id);
                    }
                }
            }
        }
    }
}
