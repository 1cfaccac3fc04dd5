//! What two things in one file say together, and what a fact in its place is: the rows D03, D15 to D18,
//! D40 to D44, D50 to D52 and D60; and what may be shared with other files.

use std::collections::BTreeSet;

use super::judge::{Bench, Judgement, Known, Outcome, Subject, Trace, is_muted, side_of, side_of_place, weaker};
use super::shared::Exposed;
use super::table::{Role, Row};
use crate::credential::{Confidence, Environment, Evidence, Provider};
use crate::environment::path::is_test_dotenv;
use crate::environment::{Form, Source, is_payment_word};
use crate::finding::{Fact, FactKind, Kind, Place, PlaceKind, Severity, Stage, Trust};
use crate::span::Span;

/// Everything that follows from more than one thing, or from a fact.
pub(super) fn within(bench: Bench<'_, '_>, known: &[Known<'_>], judgement: &mut Judgement) {
    let log = bench.survey.kind() == PlaceKind::Log;
    for one in known.iter().filter(|one| !is_muted(one.situation.place.kind)) {
        // In a log: of one record.
        contradictions(bench, one, judgement);
    }
    if !log {
        mixed(bench, known, judgement);
        public_names(bench, judgement);
    }
    for one in known {
        traces_of(bench, one, judgement);
    }
    for (number, fact) in bench.seen.facts.iter().enumerate().filter(|(_, fact)| may_be_found(fact)) {
        if is_muted(bench.survey.kind_at(fact.span.start)) {
            continue;
        }
        let outcome = if log { logged(bench, number, fact) } else { placed(bench, (number, fact), known) };
        judgement.outcomes.extend(outcome);
        if fact.kind == FactKind::WebhookUrl && !bench.survey.is_commented(fact.span) && is_payment_hook(bench, fact) {
            judgement.traces.push(Trace {
                as_what: Exposed::Url(fact.text.clone()),
                side: side_of_place(bench.survey.situation(fact.span).place.environment),
                subject: Subject::Fact(number),
                kind: Kind::SharedWebhookEndpoint,
            });
        }
    }
}

/// Whether a fact alone may be a finding, wherever it is. Most only say something of others.
fn may_be_found(fact: &Fact) -> bool {
    match fact.kind {
        FactKind::WebhookUrl | FactKind::TestCard | FactKind::Reference | FactKind::Event => true,
        FactKind::Host | FactKind::SandboxPath => fact.environment == Environment::Sandbox,
        _ => false,
    }
}

fn opposite(one: Environment, other: Environment) -> bool {
    matches!((one, other), (Environment::Live, Environment::Sandbox) | (Environment::Sandbox, Environment::Live))
}

/// D40 to D43: a credential and what stands beside it.
fn contradictions(bench: Bench<'_, '_>, known: &Known<'_>, judgement: &mut Judgement) {
    let reading = &known.reading;
    if matches!(known.role, Role::Identifier | Role::Card) && reading.source != Source::Value {
        return;
    }
    let place = &known.situation.place;
    let mut push = |kind: Kind, severity: Severity, evidence: &Evidence, why: &str| {
        let mut outcome = bench.outcome(known, (kind, severity), place.clone());
        if !outcome.because.contains(evidence) {
            outcome.because.push(evidence.clone());
        }
        outcome.related.extend(evidence.span.map(|span| (span, why.to_owned())));
        judgement.outcomes.push(outcome);
    };
    let own = (reading.source >= Source::Flag).then_some(reading.environment);
    if let (Some(own), Some(host)) = (own, reading.witness(Source::Host))
        && opposite(own, host.environment)
    {
        let production = place.environment == Stage::Production;
        let (kind, severity, why) = match own {
            Environment::Live => (Kind::LiveKeyWithSandboxHost, Severity::High, "the sandbox host"),
            _ if production => (Kind::SandboxKeyWithLiveHost, Severity::High, "the live host"),
            _ => (Kind::SandboxKeyWithLiveHost, Severity::Medium, "the live host"),
        };
        push(kind, severity, &host.evidence, why);
    }
    if let Some(value) = reading.witness(Source::Value) {
        let says = reading.witness(Source::Slot).or_else(|| reading.witness(Source::Flag));
        if let Some(says) = says.filter(|says| opposite(says.environment, value.environment)) {
            push(Kind::CredentialModeMismatch, Severity::High, &says.evidence, "says the other mode");
        }
    }
    if let Some(network) = reading.witness(Source::Network).filter(|_| reading.source > Source::Network)
        && opposite(reading.environment, network.environment)
    {
        push(Kind::NetworkEnvironmentMismatch, Severity::Medium, &network.evidence, "the chain");
    }
}

/// D44: live and sandbox of one provider in one file, and some value that nothing parts from the others.
fn mixed(bench: Bench<'_, '_>, known: &[Known<'_>], judgement: &mut Judgement) {
    let told = |one: &&Known<'_>| one.reading.source == Source::Value && one.reading.environment != Environment::Unknown;
    let told: Vec<&Known<'_>> = known.iter().filter(told).filter(|one| !is_muted(one.situation.place.kind)).collect();
    let is_on = |side: Environment| told.iter().any(|one| one.reading.environment == side);
    if !is_on(Environment::Live) || !is_on(Environment::Sandbox) {
        return;
    }
    let mut families: Vec<Vec<&Known<'_>>> = Vec::new();
    for &one in &told {
        match families.iter_mut().find(|ours| family(ours[0]) == family(one)) {
            Some(ours) => ours.push(one),
            None => families.push(vec![one]),
        }
    }
    families.sort_by_key(|ours| family(ours[0]));
    for ours in families {
        let of = |environment| ours.iter().copied().filter(move |one| one.reading.environment == environment);
        let document = |one: &Known<'_>| bench.survey.document(one.credential.span.start);
        let sides: BTreeSet<(usize, Environment)> = ours.iter().map(|one| (document(one), one.reading.environment)).collect();
        // What stands in another document, or waits in the unmarked slot of a pair, is apart.
        let faces = |one: &&Known<'_>| sides.contains(&(document(one), other_side(one.reading.environment)));
        let parted = |one: &Known<'_>| bench.survey.parts(&one.reading, one.credential.span);
        let loose = ours.iter().copied().filter(|one| !one.reading.parked).filter(faces).filter(|one| !parted(one));
        let loose: Vec<_> = loose.collect();
        // What has no label beside what has one is what is taken otherwise; two that have none are mixed up.
        let other_is_loose = |one: &Known<'_>| of(other_side(one.reading.environment)).any(|other| !parted(other));
        let loose: Vec<_> = loose.into_iter().filter(|one| other_is_loose(one)).collect();
        let Some(first) = loose.iter().find(|one| one.reading.form != Form::Commented).or(loose.first()) else { continue };
        let distance = |other: &&Known<'_>| other.credential.span.start.abs_diff(first.credential.span.start);
        let Some(other) = of(other_side(first.reading.environment)).min_by_key(distance) else { continue };
        let side_is_commented = |environment| of(environment).all(|one| one.reading.form == Form::Commented);
        let commented = side_is_commented(Environment::Live) || side_is_commented(Environment::Sandbox);
        let severity = if commented { Severity::Low } else { Severity::Medium };
        let place = first.situation.place.clone();
        let mut outcome = bench.outcome(first, (Kind::MixedEnvironmentsInFile, severity), place);
        for one in ours.iter().filter(|one| one.number != first.number).take(8) {
            outcome.related.push((one.credential.span, one.rule.title_for(one.reading.environment)));
        }
        let fact = format!("beside a {}", other.rule.title_for(other.reading.environment));
        outcome.because.push(Evidence { fact, weight: None, span: Some(other.credential.span) });
        judgement.outcomes.push(outcome);
    }
}

/// Whose credentials may be mixed: of a provider, or of a shape whose owner nobody knows.
fn family<'k>(known: &Known<'k>) -> (Option<&'k Provider>, &'k str) {
    let owner = known.credential.provider.as_ref();
    let shape = if owner.is_some() { "" } else { known.credential.rule.as_str() };
    (owner, shape)
}

const fn other_side(environment: Environment) -> Environment {
    match environment {
        Environment::Live => Environment::Sandbox,
        Environment::Sandbox => Environment::Live,
        Environment::Unknown => Environment::Unknown,
    }
}

/// D03: names of secrets that are published, without a value. Each once.
fn public_names(bench: Bench<'_, '_>, judgement: &mut Judgement) {
    let lint = bench.survey.path().contains("lint");
    let mut named: Vec<(String, Span)> = Vec::new();
    for fact in bench.seen.facts.iter().filter(|fact| fact.kind == FactKind::PublicName) {
        if !bench.survey.is_commented(fact.span) {
            named.push((fact.name.clone(), fact.span));
        }
    }
    named.extend(bench.survey.inlined());
    let mut told: BTreeSet<String> = judgement.exposed.iter().cloned().collect();
    for (name, span) in named {
        let place = bench.survey.situation(span).place.clone();
        if lint || is_muted(place.kind) || !told.insert(name.clone()) {
            continue;
        }
        let payout = crate::detect::is_payout_name(name.as_bytes());
        let severity = if payout { Severity::High } else { Severity::Medium };
        let kind = Kind::SecretVariableMadePublic;
        judgement.outcomes.push(Outcome {
            subject: Subject::Name(name.clone(), span),
            kind,
            severity,
            confidence: Confidence::Strong,
            title: format!("{name} is named like a secret and published").into(),
            provider: None,
            class: None,
            environment: Environment::Unknown,
            place,
            because: vec![Evidence { fact: format!("name {name}"), weight: None, span: Some(span) }],
            related: Vec::new(),
            remediation: bench.remedy_of(kind),
        });
    }
}

/// D45, D47, D48: what may be shared with other places. `.env.test` is where tests run, and configures something; all
/// other tests may repeat anything.
fn traces_of(bench: Bench<'_, '_>, known: &Known<'_>, judgement: &mut Judgement) {
    let reading = &known.reading;
    let owned = known.credential.provider.is_some();
    let kind = known.situation.place.kind;
    let configures = || kind == PlaceKind::Test && is_test_dotenv(bench.survey.path());
    if reading.form == Form::Commented
        || matches!(known.role, Role::Identifier | Role::Card | Role::Publishable)
        || is_muted(kind) && !configures()
    {
        return;
    }
    let mut push = |as_what: Exposed, kind: Kind, side| {
        judgement.traces.push(Trace { as_what, side, subject: Subject::Credential(known.number), kind });
    };
    if known.role == Role::Webhook {
        push(Exposed::Webhook, Kind::SharedWebhookSecret, side_of(known));
    } else if reading.source != Source::Value && owned {
        push(Exposed::Credential, Kind::SharedCredential, side_of(known));
    }
    if owned && matches!(known.role, Role::Payout | Role::Secret) {
        let as_what = if known.role == Role::Payout { Exposed::Payout } else { Exposed::Standard };
        push(as_what, Kind::PayoutKeyReused, None);
    }
}

/// D15 to D18: a fact in a record.
fn logged(bench: Bench<'_, '_>, number: usize, fact: &Fact) -> Option<Outcome> {
    let (kind, severity, of_production) = match (fact.kind, fact.environment) {
        (FactKind::Event, Environment::Sandbox) => (Kind::SandboxEventInProductionLog, Severity::Medium, true),
        (FactKind::Event, Environment::Live) => (Kind::LiveEventInNonproductionLog, Severity::High, false),
        (FactKind::Host | FactKind::SandboxPath, Environment::Sandbox) => {
            (Kind::SandboxEndpointInProductionLog, Severity::High, true)
        }
        (FactKind::TestCard, _) => (Kind::TestCardInProductionLog, Severity::Medium, true),
        _ => return None,
    };
    // Where it is, only what may say something is asked.
    let situation = bench.survey.situation(fact.span);
    let stage = situation.place.environment;
    let fits = if of_production { stage == Stage::Production } else { stage.is_lower() };
    fits.then(|| in_place(bench, number, (kind, severity), &situation.place))
}

/// A finding that needs its place: a weak place makes it weaker.
fn in_place(bench: Bench<'_, '_>, number: usize, (kind, severity): (Kind, Severity), place: &Place) -> Outcome {
    let severity = if place.confidence == Trust::Weak { severity.lowered() } else { severity };
    let mut outcome = bench.about(number, (kind, severity), place);
    outcome.confidence = weaker(outcome.confidence, place.confidence);
    outcome
}

/// D50 to D52 and D60: a fact in a file. Where it is, only what may say something is asked.
fn placed(bench: Bench<'_, '_>, (number, fact): (usize, &Fact), known: &[Known<'_>]) -> Option<Outcome> {
    let survey = bench.survey;
    let in_production = || {
        let situation = survey.situation(fact.span);
        (situation.place.environment == Stage::Production).then_some(situation)
    };
    match fact.kind {
        FactKind::WebhookUrl if fact.text.starts_with("http://") && !is_private(&fact.text) => {
            if survey.is_commented(fact.span) || !is_payment_hook(bench, fact) {
                return None;
            }
            let place = &survey.situation(fact.span).place;
            let severity = if place.environment == Stage::Production { Severity::High } else { Severity::Medium };
            Some(bench.about(number, (Kind::InsecureWebhookEndpoint, severity), place))
        }
        FactKind::Host | FactKind::SandboxPath if fact.environment == Environment::Sandbox => {
            // The host of a sandbox-only path is part of the path's finding.
            if fact.kind == FactKind::Host && bench.has_path(fact) || survey.is_commented(fact.span) {
                return None;
            }
            let situation = in_production()?;
            if is_explained(bench, fact, known) || is_parked(bench, fact) || is_catalogued(bench, (number, fact)) {
                return None;
            }
            let severity = if fact.kind == FactKind::SandboxPath { Severity::High } else { Severity::Medium };
            Some(in_place(bench, number, (Kind::SandboxEndpointInProduction, severity), &situation.place))
        }
        FactKind::TestCard if !survey.is_commented(fact.span) => {
            Some(in_place(bench, number, (Kind::TestCardInProduction, Severity::Medium), &in_production()?.place))
        }
        FactKind::Reference => {
            let name = fact.text.rsplit(": ").next().unwrap_or_default();
            let side = survey.side_of_name(name.as_bytes()).filter(|_| !survey.is_commented(fact.span))?;
            let situation = survey.situation(fact.span);
            let wrong = matches!(
                (side, side_of_place(situation.place.environment)?),
                (Environment::Live, super::Side::Sandbox) | (Environment::Sandbox, super::Side::Live)
            );
            wrong.then(|| bench.about(number, (Kind::ReferenceEnvironmentMismatch, Severity::Low), &situation.place))
        }
        _ => None,
    }
}

impl Bench<'_, '_> {
    /// Whether a sandbox-only path belongs to a host.
    fn has_path(self, host: &Fact) -> bool {
        let facts = self.seen.facts;
        let behind = facts.partition_point(|other| other.span.start < host.span.end);
        let mut next = facts[behind..].iter().take_while(|other| other.span.start == host.span.end);
        next.any(|other| other.kind == FactKind::SandboxPath)
    }
}

/// Whether a sandbox credential of the same provider in the same scope says the same already.
fn is_explained(bench: Bench<'_, '_>, fact: &Fact, known: &[Known<'_>]) -> bool {
    // The nearest are enough: nobody writes a hundred keys between a host and its own.
    let here = known.partition_point(|one| one.credential.span.start < fact.span.start);
    known[here.saturating_sub(64)..(here + 64).min(known.len())].iter().any(|one| {
        one.row == Some(Row::D30)
            && one.credential.provider == fact.provider
            && bench.survey.share_block(one.credential.span, fact.span)
    })
}

/// As many facts on either side of one are asked what they say of it.
const NEAR: usize = 64;

/// A sandbox host in a list of named things, some of which are live: a catalogue of what there is, which
/// says both sides and so none, not what a place uses.
fn is_catalogued(bench: Bench<'_, '_>, (number, fact): (usize, &Fact)) -> bool {
    let facts = bench.seen.facts;
    let near = &facts[number.saturating_sub(NEAR)..(number + NEAR).min(facts.len())];
    let mut live = near.iter().filter(|other| {
        other.kind == FactKind::Host && other.environment == Environment::Live && other.provider == fact.provider
    });
    if fact.kind != FactKind::Host || live.clone().next().is_none() {
        return false;
    }
    let items = bench.survey.named_items(fact.span.start);
    let holds = |span: &Span, other: &Fact| span.start <= other.span.start && other.span.start < span.end;
    live.any(|other| {
        let beside = items.iter().any(|(list, item)| holds(list, other) && !holds(item, other));
        beside && !bench.survey.is_commented(other.span)
    })
}

/// A sandbox host that waits in its own slot beside the live one.
fn is_parked(bench: Bench<'_, '_>, fact: &Fact) -> bool {
    let name = fact.name.as_bytes();
    bench.survey.side_of_name(name) == Some(Environment::Sandbox) && bench.survey.has_live_sibling(fact.span, name)
}

/// Whether a webhook is about payments: by its slot, its URL, its provider or its block.
fn is_payment_hook(bench: Bench<'_, '_>, fact: &Fact) -> bool {
    let path = fact.text.split_once("://").map_or("", |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let at = fact.beside.unwrap_or(fact.span).start;
    fact.provider.is_some()
        || is_payment_word(fact.name.as_bytes())
        || is_payment_word(path.as_bytes())
        || bench.survey.is_payment_block(at)
}

/// Loopback, private networks, names that no public resolver knows.
fn is_private(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let four: Vec<Option<u8>> = host.split('.').map(|part| part.parse().ok()).collect();
    if let [Some(one), Some(two), Some(_), Some(_)] = four[..] {
        return matches!((one, two), (0 | 10 | 127, _) | (192, 168) | (169, 254) | (172, 16..=31));
    }
    if authority.starts_with('[') {
        let first = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        return host == "::1" || first.starts_with("fc") || first.starts_with("fd") || first.starts_with("fe80");
    }
    let ends = [".local", ".internal", ".localhost", ".test", ".svc", ".svc.cluster.local"];
    !host.contains('.') || ends.iter().any(|end| host.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn private_hosts() {
        for url in [
            "http://localhost:3000/x",
            "http://127.0.0.1/x",
            "http://10.1.2.3/x",
            "http://192.168.0.9:80/x",
            "http://172.16.1.1/x",
            "http://[::1]:8080/x",
            "http://[fd00::1]/x",
            "http://payments/x",
            "http://api.local/x",
            "http://api.internal/x",
            "http://app.localhost/x",
            "http://shop.test/x",
            "http://pay.shop.svc/x",
            "http://pay.shop.svc.cluster.local/x",
            "http://host.docker.internal:3000/x",
        ] {
            assert!(is_private(url), "{url}");
        }
        for url in [
            "http://shop.example/x",
            "http://abc.ngrok.io/x",
            "http://8.8.8.8/x",
            "http://172.32.0.1/x",
            "http://x.trycloudflare.com/x",
        ] {
            assert!(!is_private(url), "{url}");
        }
    }
}
