//! What is no secret and says something of environments: hosts, chains, webhook URLs, sandbox routes,
//! test cards, references, public names, events. Each is told by a rare literal of the same single pass.

mod event;
mod host;
mod name;
mod webhook;

use std::sync::Arc;

use self::event::{EVENTS, event};
use self::host::registrable;
pub(crate) use self::name::{PUBLIC, is_payout_block, is_payout_name, is_secret_name};
use self::webhook::WEBHOOK;
use super::near::Around;
use super::prefilter::Bytes;
use super::slot;
use crate::check;
use crate::credential::Environment;
use crate::finding::{Fact, FactKind};
use crate::rule::{ProviderFacts, RuleSet, Text};
use crate::span::Span;

/// What a literal may begin, or be part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stem {
    /// The end of a provider's host.
    Domain,
    /// A route of the sandbox, of the provider of that number.
    Path(usize),
    /// The end of a chain's id, or all of it.
    Network,
    /// The first digits of a test card.
    Card,
    /// A part of the name of a webhook's URL.
    Webhook,
    /// A prefix that bundlers publish.
    Public,
    /// What begins a reference to the secret manager of that number.
    Reference(usize),
    /// `livemode` and its likes.
    Event,
}

/// The ends of chain ids, and what they mean.
const CHAINS: &[(&str, Environment)] = &[
    ("-mainnet", Environment::Live),
    ("-sepolia", Environment::Sandbox),
    ("-amoy", Environment::Sandbox),
    ("-devnet", Environment::Sandbox),
    ("-testnet", Environment::Sandbox),
    ("-mumbai", Environment::Sandbox),
    ("-goerli", Environment::Sandbox),
];
/// What begins a reference to a secret manager, and the manager.
const MANAGERS: &[(&str, &str)] = &[
    ("secretkeyref", "Kubernetes Secret"),
    ("secrets.", "CI secret store"),
    ("op://", "1Password"),
    ("vault:", "Vault"),
    ("arn:aws:secretsmanager:", "AWS Secrets Manager"),
    ("arn:aws:ssm:", "AWS Parameter Store"),
    ("{{resolve:", "AWS Secrets Manager"),
    ("@microsoft.keyvault(", "Azure Key Vault"),
    ("akv://", "Azure Key Vault"),
    ("sm://", "Google Secret Manager"),
    ("doppler://", "Doppler"),
    ("infisical://", "Infisical"),
    ("keychain://", "a keychain"),
    ("ref+", "vals"),
    ("/run/secrets/", "a mounted secret"),
];
/// How far a name or a host may reach.
const REACH: usize = 100;
/// The longest URL.
const URL: usize = 512;
/// Blanks and signs between a name and its URL, which may be aligned.
const ALIGNED: usize = 40;

/// What is looked for, and what the providers say of it.
#[derive(Debug)]
pub(super) struct Facts {
    rules: Arc<RuleSet>,
    /// Providers by the registrable domain of their hosts.
    domains: Vec<(Bytes, usize)>,
}

impl Facts {
    /// The facts that can be told with these rules.
    pub(super) fn new(rules: &Arc<RuleSet>) -> Self {
        let mut domains: Vec<(Bytes, usize)> = Vec::with_capacity(1024);
        for (at, provider) in rules.providers().iter().enumerate() {
            let domain = |host: &Text| host.bytes_from(host.len() - registrable(host).len());
            domains.extend(provider.hosts().map(|(host, _)| (domain(host), at)));
        }
        domains.sort();
        domains.dedup();
        Self { rules: Arc::clone(rules), domains }
    }

    /// Every literal to look for, in lower case.
    pub(super) fn literals(&self) -> Vec<(Bytes, Stem)> {
        let mut all: Vec<(Bytes, Stem)> = Vec::new();
        all.extend(self.domains.chunk_by(|(one, _), (other, _)| one == other).map(|same| (same[0].0.clone(), Stem::Domain)));
        let mut add = |text: &str, stem| all.push((text.to_ascii_lowercase().into_bytes().into(), stem));
        for (at, provider) in self.rules.providers().iter().enumerate() {
            let paths = provider.sandbox_paths.iter().map(|path| (path, Stem::Path(at)));
            let networks = provider.networks.keys().map(|id| (id, Stem::Network));
            for (text, stem) in paths.chain(networks) {
                add(text, stem);
            }
        }
        let chains = CHAINS.iter().map(|(end, _)| (*end, Stem::Network));
        let managers = MANAGERS.iter().enumerate().map(|(at, (begin, _))| (*begin, Stem::Reference(at)));
        let hooks = WEBHOOK.iter().map(|part| (*part, Stem::Webhook));
        let published = PUBLIC.iter().map(|prefix| (*prefix, Stem::Public));
        let events = EVENTS.map(|part| (part, Stem::Event));
        for (text, stem) in chains.chain(hooks).chain(published).chain(managers).chain(events) {
            add(text, stem);
        }
        all.extend(check::test_card_heads().into_iter().map(|head| (head.to_vec().into(), Stem::Card)));
        all
    }

    /// The fact that a literal tells.
    pub(super) fn at(&self, around: &Around<'_>, literal: Span, stem: Stem) -> Option<Fact> {
        let bytes = around.bytes;
        match stem {
            Stem::Domain => self.host(around, literal),
            Stem::Path(provider) => Self::path(around, literal, &self.rules.providers()[provider]),
            Stem::Network => self.network(bytes, literal),
            Stem::Card => card(bytes, literal.start),
            Stem::Webhook => self.webhook(around, literal),
            Stem::Public => name::public(bytes, literal),
            Stem::Reference(manager) => self.reference(around, literal, MANAGERS[manager].1),
            Stem::Event if literal.len() == EVENTS[2].len() => self.transmission(bytes, literal),
            Stem::Event => event(around, literal),
        }
    }

    fn network(&self, bytes: &[u8], end: Span) -> Option<Fact> {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if bytes.get(end.end).is_some_and(|&next| part(next)) {
            return None;
        }
        let span = Span::new(back(bytes, end.start, part), end.end);
        let text = String::from_utf8_lossy(&bytes[span.range()]).to_ascii_lowercase();
        if !text.as_bytes().first()?.is_ascii_alphabetic() {
            return None;
        }
        let mut knowing = self.rules.providers().iter().filter_map(|provider| {
            let found = provider.networks.iter().find(|(id, _)| id.eq_ignore_ascii_case(&text));
            Some((provider.id.clone(), *found?.1))
        });
        let known = knowing.next();
        // A chain that several providers name is nobody's own.
        let is_shared = knowing.next().is_some();
        let by_end = || CHAINS.iter().find(|(end, _)| text.ends_with(end)).map(|(_, environment)| *environment);
        let (provider, environment) = match known {
            Some((provider, environment)) => ((!is_shared).then_some(provider), environment),
            None => (None, by_end()?),
        };
        let name = name_of(bytes, span.start);
        Some(Fact { kind: FactKind::Network, provider, environment, text, name, span, beside: None })
    }

    /// A reference is kept where its slot or its text is about a provider.
    fn reference(&self, around: &Around<'_>, begin: Span, manager: &str) -> Option<Fact> {
        let bytes = around.bytes;
        let end = begin.end
            + bytes[begin.end..]
                .iter()
                .take(REACH)
                .take_while(|&&byte| byte.is_ascii_graphic() && !b"\"'`,})".contains(&byte))
                .count();
        let span = Span::new(begin.start, end);
        let mut start = begin.start;
        while start > 0 && b"${ ".contains(&bytes[start - 1]) {
            start -= 1;
        }
        let name = name_of(bytes, start);
        let text = String::from_utf8_lossy(&bytes[begin.end..end]).into_owned();
        let mut about = Vec::from(name.as_bytes());
        about.push(b' ');
        about.extend_from_slice(text.as_bytes());
        let owner = self.named_in(&about)?;
        Some(Fact {
            kind: FactKind::Reference,
            provider: Some(owner.id.clone()),
            environment: Environment::Unknown,
            text: format!("{manager}: {text}"),
            name,
            span,
            beside: None,
        })
    }

    /// The provider that one of the words of a text names.
    fn named_in(&self, text: &[u8]) -> Option<&Arc<ProviderFacts>> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        text.split(|byte| !is_part(byte)).filter(|word| word.len() >= 4).find_map(|word| self.rules.named(word))
    }
}

/// The first of the bytes that end at `at` and belong together.
fn back(bytes: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    at - bytes[at.saturating_sub(REACH)..at].iter().rev().take_while(|&&byte| belongs(byte)).count()
}

fn name_of(bytes: &[u8], value: usize) -> String {
    let name = slot::name_of(bytes, value).map(|slot| slot.name);
    name.map_or(String::new(), |name| String::from_utf8_lossy(&bytes[name.range()]).into_owned())
}

/// A test card: digits that touch neither other digits nor letters.
fn card(bytes: &[u8], at: usize) -> Option<Fact> {
    if at.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_alphanumeric()) {
        return None;
    }
    let length = check::test_card(&bytes[at..])?;
    let span = Span::new(at, at + length);
    if bytes.get(span.end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let digits: String = bytes[span.range()].iter().filter(|byte| byte.is_ascii_digit()).map(|&byte| char::from(byte)).collect();
    Some(Fact {
        kind: FactKind::TestCard,
        provider: None,
        environment: Environment::Sandbox,
        text: format!("{}…{}", &digits[..6], &digits[digits.len() - 4..]),
        name: String::new(),
        span,
        beside: None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::detect::Scanner;
    use crate::finding::Sighting;

    static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(RuleSet::builtin().into()));

    fn facts(text: &str) -> Vec<Fact> {
        let facts = SCANNER.scan(text.as_bytes()).into_iter().filter_map(|sighting| match sighting {
            Sighting::Fact(fact) => Some(fact),
            Sighting::Credential(_) => None,
        });
        facts.collect()
    }

    fn rows(text: &str) -> Vec<String> {
        let row = |fact: Fact| {
            let provider = fact.provider.map_or("-".to_owned(), |provider| provider.to_string());
            format!("{} {provider} {} {}", fact.kind.name(), fact.environment, fact.text)
        };
        facts(text).into_iter().map(row).collect()
    }

    #[test]
    fn hosts_are_read_whole_and_classified() {
        for (text, row) in [
            ("https://api.sandbox.payca.io/v1", "host payca sandbox api.sandbox.payca.io"),
            ("API.SANDBOX.PAYCA.IO", "host payca sandbox api.sandbox.payca.io"),
            ("api.paychainhq.io", "host paychain live api.paychainhq.io"),
            ("sandbox-eu.paychainhq.io", "host paychain sandbox sandbox-eu.paychainhq.io"),
            ("new.paychainhq.io", "host paychain unknown new.paychainhq.io"),
            ("api-m.paypal.com", "host paypal live api-m.paypal.com"),
            ("auth.sandbox.venmo.com", "host braintree sandbox auth.sandbox.venmo.com"),
            ("acme-checkout-live.adyenpayments.com", "host adyen live acme-checkout-live.adyenpayments.com"),
            ("https://user:pw@sandbox.plaid.com/", "host plaid sandbox sandbox.plaid.com"),
            ("api.stripe.com.", "host stripe unknown api.stripe.com"),
        ] {
            assert_eq!(rows(text), [row], "{text}");
        }
        for none in ["my-payca.io", "payca.io.evil.example", "me@payca.io", "api.payca.iox", "xpayca.io"] {
            assert!(rows(none).is_empty(), "{none}: {:?}", rows(none));
        }
        assert_eq!(facts("PAYCA_BASE_URL=https://api.sandbox.payca.io")[0].name, "PAYCA_BASE_URL");
    }

    #[test]
    fn a_sandbox_route_needs_its_provider() {
        assert!(rows("POST /sandbox/transactions").is_empty());
        assert!(rows("app.get('/sandbox/transactions', list)").is_empty());
        assert!(
            rows("${PAYCA_BASE_URL}/sandbox/transactions")
                .contains(&"sandbox path payca sandbox /sandbox/transactions".to_owned())
        );
        assert!(
            rows("POST https://api.tenant.payca.io/sandbox/cards/fund")
                .contains(&"sandbox path payca sandbox /sandbox/cards/fund".to_owned())
        );
        assert!(
            rows("x-client-id: abc\nPOST /sandbox/transactions")
                .contains(&"sandbox path payca sandbox /sandbox/transactions".to_owned())
        );
        assert_eq!(rows("https://api.stripe.com/v1/test_helpers/test_clocks").len(), 2);
    }

    #[test]
    fn networks_webhooks_cards_names() {
        assert_eq!(rows("network: base-sepolia"), ["network - sandbox base-sepolia"]);
        assert_eq!(rows("chain=linea-mainnet"), ["network - live linea-mainnet"]);
        assert!(rows("base-sepolia-indexer").is_empty());
        assert_eq!(
            rows("STRIPE_WEBHOOK_URL=HTTP://Shop.Example:80/hooks/"),
            ["webhook URL stripe unknown http://shop.example/hooks"]
        );
        assert_eq!(
            rows("payments:\n  webhook:\n    url: https://shop.example/p?env=live#x"),
            ["webhook URL - unknown https://shop.example/p?env=live"]
        );
        assert_eq!(
            rows("\"notificationUrl\": \"http://shop.example/adyen\""),
            ["webhook URL adyen unknown http://shop.example/adyen"]
        );
        assert_eq!(rows("webhookCallbackUrl: 'https://shop.example/x'").len(), 1);
        assert_eq!(rows("STRIPE_WEBHOOK_SECRET=x\nSHOP_BASE_URL=https://shop.example/api\n"), [""; 0],);
        assert_eq!(
            rows("\"Stripe\": { \"Webhook\": { \"Url\": \"http://shop.example/hooks\" } }"),
            ["webhook URL - unknown http://shop.example/hooks"]
        );
        assert_eq!(
            rows("resource \"stripe_webhook_endpoint\" \"p\" {\n  url            = \"http://shop.example/h\""),
            ["webhook URL stripe unknown http://shop.example/h"]
        );
        assert_eq!(rows("curl https://api.stripe.com/v1/webhook_endpoints -u k: -d url=https://shop.example/x").len(), 2);
        for none in [
            "SLACK_WEBHOOK_URL=https://hooks.example/x",
            "WEBHOOK_URL=https://${HOST}/x",
            "webhook: true\n\nurl: https://a.example/b",
            "WEBHOOK_PORT=80",
        ] {
            assert!(rows(none).is_empty(), "{none}: {:?}", rows(none));
        }
        let card = "4242".repeat(4);
        assert_eq!(rows(&format!("card={card}")), ["test card - sandbox 424242…4242"]);
        assert!(rows(&format!("9{card}")).is_empty() && rows(&format!("{card}1")).is_empty());
        assert_eq!(rows("NEXT_PUBLIC_STRIPE_SECRET_KEY"), ["public name - unknown NEXT_PUBLIC_STRIPE_SECRET_KEY"]);
        assert_eq!(rows("VITE_PAYCHAIN_PAYOUT_KEY").len(), 1);
        for none in [
            "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY",
            "NEXT_PRIVATE_STRIPE_SECRET_KEY",
            "vite_secret",
            "STRIPE_SECRET_KEY",
            "NEXT_PUBLIC_SECRET_SANTA_DATE",
        ] {
            assert!(rows(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn events_and_references() {
        assert_eq!(rows(r#"{"id":"evt_1","object":"event","livemode":false}"#), ["event stripe sandbox livemode=false"]);
        assert_eq!(rows(r#"{\"object\": \"event\", \"livemode\": true}"#), ["event stripe live livemode=true"]);
        assert!(rows(r#"{"object":"charge","livemode":false}"#).is_empty());
        assert_eq!(rows(r#"{"live":"false","notificationItems":[]}"#), ["event adyen sandbox live=false"]);
        let transmission = |host: &str| rows(&format!(r#"{{"paypal-cert-url":"https://{host}/v1/notifications/certs/CERT-1"}}"#));
        assert_eq!(transmission("api.sandbox.paypal.com")[0], "event paypal sandbox a certificate of api.sandbox.paypal.com");
        assert_eq!(transmission("api.paypal.com")[0], "event paypal live a certificate of api.paypal.com");
        assert!(transmission("api.sandbox.pay.example").is_empty());
        assert_eq!(
            rows("STRIPE_SECRET_KEY: ${{ secrets.STRIPE_SECRET_KEY_LIVE }}"),
            ["reference stripe unknown CI secret store: STRIPE_SECRET_KEY_LIVE"]
        );
        assert_eq!(rows("PAYCA_CLIENT_SECRET=op://prod/payca/secret")[0], "reference payca unknown 1Password: prod/payca/secret");
        assert!(rows("DB_PASSWORD=op://prod/db/password").is_empty());
    }
}
