//! What is no secret and says something of environments: hosts, chains, webhook URLs, sandbox routes,
//! test cards, references, public names, events. Each is told by a rare literal of the same single pass.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;

use super::near::{Around, Near};
use super::prefilter::Bytes;
use super::{confirm, near, slot};
use crate::check;
use crate::credential::{Environment, Provider};
use crate::finding::{Fact, FactKind};
use crate::rule::name::{NameWords, words};
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

/// Parts of the names of webhook URLs that are rare enough to be looked for.
const WEBHOOK: &[&str] = &[
    "webhook",
    "callback_u",
    "callback-u",
    "callbacku",
    "callback_e",
    "callbacke",
    "callback-e",
    "callback_a",
    "callbacka",
    "notify_u",
    "notify-u",
    "notifyu",
    "notification_u",
    "notification-u",
    "notificationu",
    "notification_e",
    "notificatione",
    "ipn_u",
    "ipn-u",
    "ipnu",
    "hook_u",
    "hook-u",
    "hooku",
    "hook_e",
    "hooke",
];
const HOOK_WORDS: &[&str] =
    &["webhook", "webhooks", "hook", "hooks", "callback", "callbacks", "notify", "notification", "notifications", "ipn"];
/// What is looked for around each word of a kind. A searcher is made once: it takes longer than to read a line.
static SCHEME_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("://"));
static EVENT_ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("evt_"));
static OBJECT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("object"));
const URL_WORDS: &[&str] = &["url", "urls", "uri", "endpoint", "endpoints", "address"];
/// Whose webhooks are no payments.
const STRANGERS: &[&str] = &[
    "slack",
    "discord",
    "teams",
    "github",
    "gitlab",
    "zapier",
    "alert",
    "alerts",
    "alertmanager",
    "uptime",
    "pagerduty",
    "sentry",
    "telegram",
];

/// Whether words name one of them; words end where digits begin, those of n8n too.
fn is_stranger(words: &[String]) -> bool {
    words.iter().any(|word| STRANGERS.contains(&word.as_str())) || words.windows(3).any(|three| three == ["n", "8", "n"])
}

/// What tells an event: of Stripe, of Adyen, and the certificate of a transmission of `PayPal`.
const EVENTS: [&str; 4] = ["livemode", "notificationitems", "paypal-cert-url", "paypal_cert_url"];

/// Prefixes that bundlers publish. `NEXT_PRIVATE_` is none.
pub(crate) const PUBLIC: &[&str] = &[
    "NEXT_PUBLIC_",
    "VITE_",
    "REACT_APP_",
    "EXPO_PUBLIC_",
    "NUXT_PUBLIC_",
    "PUBLIC_",
    "GATSBY_",
    "VUE_APP_",
    "NG_APP_",
    "STORYBOOK_",
    "PARCEL_",
    "RAZZLE_",
    "SNOWPACK_PUBLIC_",
    "BUN_PUBLIC_",
    "REACT_NATIVE_",
    "QUASAR_",
    "DOCUSAURUS_",
    "MIX_",
    "PUBLIC_ENV__",
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
/// How far behind the key of a block its URL may stand, in bytes and lines.
const BLOCK: (usize, usize) = (512, 8);
/// Blanks and signs between a name and its URL, which may be aligned.
const ALIGNED: usize = 40;
/// How far around an event its type may stand.
const EVENT: usize = 4 * 1024;

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

    /// The providers that have a domain, in order.
    fn owners(&self, domain: &str) -> impl Iterator<Item = usize> {
        let first = self.domains.partition_point(|(other, _)| **other < *domain.as_bytes());
        self.domains[first..].iter().take_while(move |(other, _)| **other == *domain.as_bytes()).map(|&(_, owner)| owner)
    }

    /// The provider that knows a host best, and the environment that the host is of.
    fn owner_of(&self, host: &str) -> Option<(usize, Environment)> {
        let readings = self.owners(registrable(host)).map(|at| (at, classify(&self.rules.providers()[at], host)));
        let (owner, (_, environment)) = readings.max_by_key(|(_, reading)| reading.0)?;
        Some((owner, environment))
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
            Stem::Public => public(bytes, literal),
            Stem::Reference(manager) => self.reference(around, literal, MANAGERS[manager].1),
            Stem::Event if literal.len() == EVENTS[2].len() => self.transmission(bytes, literal),
            Stem::Event => event(around, literal),
        }
    }

    /// The whole host that ends with a provider's domain.
    fn host(&self, around: &Around<'_>, domain: Span) -> Option<Fact> {
        let bytes = around.bytes;
        match bytes.get(domain.end..).unwrap_or_default() {
            [b'.', next, ..] if next.is_ascii_alphanumeric() => return None,
            [next, ..] if is_host(*next) && *next != b'.' => return None,
            _ => {}
        }
        let start = back(bytes, domain.start, is_host);
        let start = start + bytes[start..domain.start].iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
        let span = Span::new(start, domain.end);
        if !matches!(bytes[..domain.start].last(), Some(b'.')) && start < domain.start {
            return None;
        }
        // An address of mail.
        let at = start.checked_sub(1).filter(|&at| bytes[at] == b'@');
        if at.is_some_and(|at| memchr::memmem::rfind(&bytes[at.saturating_sub(REACH)..at], b"//").is_none()) {
            return None;
        }
        let host = &bytes[span.range()];
        let text = || String::from_utf8_lossy(host).to_ascii_lowercase();
        let (owner, environment) = around.host(host, || self.owner_of(&text()))?;
        Some(Fact {
            kind: FactKind::Host,
            provider: Some(self.rules.providers()[owner].id.clone()),
            environment,
            text: text(),
            name: name_of(bytes, url_start(bytes, start)),
            span,
            beside: None,
        })
    }

    /// A route counts only with its provider: on one of its hosts, or beside its headers or variables.
    fn path(around: &Around<'_>, path: Span, provider: &ProviderFacts) -> Option<Fact> {
        let bytes = around.bytes;
        if bytes.get(path.end).is_some_and(|&next| next.is_ascii_alphanumeric() && !bytes[..path.end].ends_with(b"/")) {
            return None;
        }
        let start = back(bytes, path.start, |byte| byte.is_ascii_graphic() && !b"\"'`<>(),;".contains(&byte));
        let before = &bytes[start..path.start];
        let names = |host: &str| near::find_folded(before, host.trim_start_matches("*.").as_bytes()).next().is_some();
        let on_host = || provider.hosts().any(|(host, _)| names(host));
        let beside = if !before.is_empty() && (on_host() || confirm::names_provider(provider, before)) {
            Some(Span::new(start, path.start))
        } else {
            Near::new(around, path).credentials_of(provider)
        }?;
        let end = path.end + bytes[path.end..].iter().take(REACH).take_while(|&&byte| is_path(byte)).count();
        let span = Span::new(path.start, end);
        Some(Fact {
            kind: FactKind::SandboxPath,
            provider: Some(provider.id.clone()),
            environment: Environment::Sandbox,
            text: String::from_utf8_lossy(&bytes[span.range()]).into_owned(),
            name: String::new(),
            span,
            beside: Some(beside),
        })
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

    fn webhook(&self, around: &Around<'_>, part: Span) -> Option<Fact> {
        let bytes = around.bytes;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let start = back(bytes, part.start, is_name);
        let end = part.end + bytes[part.end..].iter().take(REACH).take_while(|&&byte| is_name(byte)).count();
        let name = &bytes[start..end];
        // Most names stand far from any URL.
        SCHEME_END.find(&bytes[end..(end + BLOCK.0 + ALIGNED).min(bytes.len())])?;
        let all = words(name);
        // One name may hold several of the parts.
        let first = all.iter().any(|word| HOOK_WORDS.contains(&word.as_str())) && is_first(name, part.start - start);
        if !first || is_stranger(&all) {
            return None;
        }
        let in_url = bytes[..start].ends_with(b"/");
        let is_whole = all.iter().any(|word| URL_WORDS.contains(&word.as_str())) && !in_url;
        let begin = if is_whole {
            slot::value_of(bytes, Span::new(part.start, end)).map(|slot| slot.value).filter(|&at| begins_url(bytes, at))
        } else {
            None
        };
        let begin = begin.or_else(|| url_below(bytes, end, in_url))?;
        let url = url_at(bytes, begin)?;
        let text = normalised(&String::from_utf8_lossy(&bytes[url.range()]))?;
        if is_stranger(&words(text.as_bytes())) {
            return None;
        }
        let floor = start.saturating_sub(URL);
        let line = memchr::memrchr(b'\n', &bytes[floor..start]).map_or(floor, |at| floor + at + 1);
        let mut evidence = name.to_vec();
        evidence.extend_from_slice(b" ");
        evidence.extend_from_slice(text.as_bytes());
        if in_url {
            evidence.extend_from_slice(&bytes[line..start]);
        }
        let owner = self.named_in(&evidence);
        Some(Fact {
            kind: FactKind::WebhookUrl,
            provider: owner.map(|provider| provider.id.clone()),
            environment: Environment::Unknown,
            text,
            name: String::from_utf8_lossy(name).into_owned(),
            span: url,
            beside: Some(Span::new(start, end)),
        })
    }

    /// The provider that one of the words of a text names.
    fn named_in(&self, text: &[u8]) -> Option<&Arc<ProviderFacts>> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        text.split(|byte| !is_part(byte)).filter(|word| word.len() >= 4).find_map(|word| self.rules.named(word))
    }

    /// The host of the certificate that a transmission of `PayPal` is signed with says which mode it is of.
    fn transmission(&self, bytes: &[u8], name: Span) -> Option<Fact> {
        let behind = &bytes[name.end..(name.end + URL).min(bytes.len())];
        let glue = behind.iter().take(ALIGNED).take_while(|byte| b"\"'\\ =:>[".contains(byte)).count();
        let rest = behind[glue..].strip_prefix(b"https://")?;
        let length = rest.iter().take(REACH).take_while(|&&byte| is_host(byte)).count();
        let host = String::from_utf8_lossy(&rest[..length]).to_ascii_lowercase();
        let provider = self.rules.providers().iter().find(|provider| provider.id.as_str() == "paypal")?;
        let owned = provider.hosts().any(|(known, _)| registrable(known) == registrable(&host));
        let environment = classify(provider, &host).1;
        (owned && environment != Environment::Unknown).then(|| Fact {
            kind: FactKind::Event,
            provider: Some(provider.id.clone()),
            environment,
            text: format!("a certificate of {host}"),
            name: String::new(),
            span: name,
            beside: None,
        })
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
}

/// How well a host is known, and what it says: an exact name before a wildcard before a word of a
/// sub-domain.
fn classify(provider: &ProviderFacts, host: &str) -> (usize, Environment) {
    let exact = provider.hosts().find(|(known, _)| *known == host);
    let wild = || {
        let below = |known: &str| {
            known.strip_prefix("*.").is_some_and(|end| host.strip_suffix(end).is_some_and(|sub| sub.ends_with('.')))
        };
        provider.hosts().filter(|(known, _)| below(known)).max_by_key(|(known, _)| known.len())
    };
    if let Some((known, environment)) = exact.or_else(wild) {
        return (1 + known.len(), environment);
    }
    let sub = &host[..host.len() - registrable(host).len()];
    let sandbox = words(sub.as_bytes()).iter().any(|word| SANDBOX_LABELS.contains(&word.as_str()));
    (0, if sandbox { Environment::Sandbox } else { Environment::Unknown })
}

/// Words of sub-domains that make a host of a provider its sandbox.
const SANDBOX_LABELS: &[&str] = &[
    "sandbox",
    "sandboxapi",
    "sbx",
    "test",
    "tests",
    "testing",
    "testapi",
    "apitest",
    "tst",
    "uat",
    "stage",
    "staging",
    "stg",
    "preprod",
    "preproduction",
    "demo",
    "cert",
    "certify",
    "qa",
    "dev",
    "playground",
    "integration",
    "homolog",
    "hmlg",
];

/// The part of a host that its owner registered: two labels, three below such as `com.br`.
fn registrable(host: &str) -> &str {
    let host = host.strip_prefix("*.").unwrap_or(host);
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (last, second) = (dots.next(), dots.next());
    let (Some(last), Some(second)) = (last, second) else { return host };
    let country = host.len() - last == 3 && last - second <= 4;
    if country { dots.next().map_or(host, |third| &host[third + 1..]) } else { &host[second + 1..] }
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')
}

fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/')
}

/// The first of the bytes that end at `at` and belong together.
fn back(bytes: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    at - bytes[at.saturating_sub(REACH)..at].iter().rev().take_while(|&&byte| belongs(byte)).count()
}

/// Where the URL begins whose host begins at `at`.
fn url_start(bytes: &[u8], at: usize) -> usize {
    let before = &bytes[..at];
    ["https://", "http://", "wss://"]
        .iter()
        .find(|scheme| before.ends_with(scheme.as_bytes()))
        .map_or(at, |scheme| at - scheme.len())
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

/// Whether no other part of a webhook's name stands before `at`.
fn is_first(name: &[u8], at: usize) -> bool {
    let before = name[..at].to_ascii_lowercase();
    let begins = |rest: &[u8]| WEBHOOK.iter().any(|part| rest.starts_with(part.as_bytes()));
    !(0..before.len()).any(|at| matches!(before[at], b'w' | b'c' | b'n' | b'i' | b'h') && begins(&before[at..]))
}

fn begins_url(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at.min(bytes.len())..];
    [&b"https://"[..], b"http://"]
        .iter()
        .any(|scheme| rest.len() > scheme.len() && rest[..scheme.len()].eq_ignore_ascii_case(scheme))
}

/// A `url` in the block, or in the body of the call, that follows a key such as `webhook`.
fn url_below(bytes: &[u8], from: usize, in_url: bool) -> Option<usize> {
    let rest = &bytes[from..(from + BLOCK.0).min(bytes.len())];
    let lines = memchr::memchr_iter(b'\n', rest).nth(BLOCK.1).unwrap_or(rest.len());
    let rest = &rest[..lines];
    let opens = rest.iter().take(64).find(|byte| b":={(".contains(byte)).is_some();
    if !(opens || in_url) {
        return None;
    }
    let lower = rest.to_ascii_lowercase();
    let mut found = URL_WORDS.iter().filter_map(|word| {
        memchr::memmem::find_iter(&lower, word.as_bytes()).find_map(|at| {
            // `"Url":` is all of a key; the end of `BASE_URL` is that of another variable.
            let part =
                |byte: u8| byte.is_ascii_alphanumeric() || rest[at].is_ascii_uppercase() && matches!(byte, b'_' | b'-' | b'.');
            let left = at.checked_sub(1).is_none_or(|before| !part(rest[before]));
            let behind = &rest[at + word.len()..];
            let glue = behind.iter().take(ALIGNED).take_while(|byte| b"\"'\\ =:>".contains(byte)).count();
            let value = from + at + word.len() + glue;
            (left && glue > 0 && begins_url(bytes, value)).then_some(value)
        })
    });
    let first = found.next()?;
    let first = found.fold(first, usize::min);
    // A block that ends before its URL is another block.
    let between = &bytes[from..first];
    let blank = memchr::memmem::find(between, b"\n\n").is_some();
    (!blank && !between.contains(&b'}')).then_some(first)
}

/// The URL that begins here; none that is put together when the program runs.
fn url_at(bytes: &[u8], at: usize) -> Option<Span> {
    let is_part = |byte: u8| byte.is_ascii_graphic() && !b"\"'`<>\\,;)]}|".contains(&byte) || byte >= 0x80;
    let length = bytes[at..].iter().take(URL).take_while(|&&byte| is_part(byte)).count();
    let url = &bytes[at..at + length];
    (!url.iter().any(|byte| b"${%".contains(byte)) && length > 10).then(|| Span::new(at, at + length))
}

/// Scheme and host in lower case, no default port, no slash at the end, no fragment; the query stays.
fn normalised(url: &str) -> Option<String> {
    let url = url.split('#').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, tail) = rest.split_at(end);
    let host = host.rsplit('@').next().unwrap_or(host).to_ascii_lowercase();
    let port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(&host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}{}", tail.strip_suffix('/').unwrap_or(tail)))
}

/// A name with a public prefix that says its value is secret.
fn public(bytes: &[u8], prefix: Span) -> Option<Fact> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let upper = bytes[prefix.range()].iter().all(|byte| !byte.is_ascii_lowercase());
    if !upper || prefix.start.checked_sub(1).is_some_and(|before| is_name(bytes[before])) {
        return None;
    }
    let length = bytes[prefix.end..].iter().take(REACH).take_while(|&&byte| is_name(byte)).count();
    let span = Span::new(prefix.start, prefix.end + length);
    let name = String::from_utf8_lossy(&bytes[span.range()]).into_owned();
    let secret = is_secret_name(&bytes[prefix.end..span.end]);
    let fact = Fact {
        kind: FactKind::PublicName,
        provider: None,
        environment: Environment::Unknown,
        text: name.clone(),
        name,
        span,
        beside: None,
    };
    secret.then_some(fact)
}

/// Words that say that a key pays out, beside `key`, `secret` or `token`.
const PAYOUT_WORDS: &[&str] =
    &["payout", "payouts", "withdraw", "withdrawal", "withdrawals", "disburse", "disbursement", "treasury", "sweep"];

/// Whether the name of a slot is that of a key that pays out.
pub(crate) fn is_payout_name(name: &[u8]) -> bool {
    let all = NameWords::of(name);
    all.has(&["key", "secret", "token"]) && (speaks_of_payouts(&all) || holds(&all, b"executionkey"))
}

/// Whether a key in a block of that name is one for payouts.
pub(crate) fn is_payout_block(name: &[u8]) -> bool {
    let all = NameWords::of(name);
    speaks_of_payouts(&all) || holds(&all, b"executionkey") || all.normal().ends_with(b"execution")
}

fn speaks_of_payouts(all: &NameWords) -> bool {
    all.has(PAYOUT_WORDS) || holds(all, b"contractexecution")
}

fn holds(all: &NameWords, part: &[u8]) -> bool {
    all.normal().len() >= part.len()
        && memchr::memchr(b'x', all.normal()).is_some()
        && all.normal().windows(part.len()).any(|there| there == part)
}

/// Whether the name of a slot says that its value is secret.
pub(crate) fn is_secret_name(name: &[u8]) -> bool {
    let all = words(name);
    let kept: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|word| !matches!(*word, "live" | "test" | "prod" | "production" | "sandbox"))
        .collect();
    let secret = matches!(
        kept[..],
        [.., "secret" | "secrets"]
            | [.., "secret", "key" | "token" | "value"]
            | [.., "private" | "signing" | "webhook" | "restricted", "key"]
    );
    secret || is_payout_name(name)
}

/// The mode that a provider's event says of itself.
fn event(around: &Around<'_>, word: Span) -> Option<Fact> {
    let bytes = around.bytes;
    let livemode = word.len() == b"livemode".len();
    let window = Span::new(word.start.saturating_sub(EVENT), (word.end + EVENT).min(bytes.len()));
    let (provider, value) = if livemode {
        let is_event = around.is_of_event(window, |range, found| events(bytes, range, found));
        (Provider::from("stripe"), is_event.then_some(word.end)?)
    } else {
        let (start, around) = (window.start, &bytes[window.range()]);
        let find = |part: &[u8]| memchr::memmem::find(part, b"\"live").or_else(|| memchr::memmem::find(part, b"live\\\""));
        // What its own line says goes before what others say.
        let line = memchr::memrchr(b'\n', &bytes[start..word.start]).map_or(start, |end| start + end + 1);
        let end =
            memchr::memchr(b'\n', &bytes[word.end..start + around.len()]).map_or(start + around.len(), |end| word.end + end);
        let live = find(&bytes[line..end]).map(|at| line + at).or_else(|| find(around).map(|at| start + at))?;
        (Provider::from("adyen"), live + 5)
    };
    let behind = &bytes[value.min(bytes.len())..];
    let glue = behind.iter().take(12).take_while(|byte| b"\\\": =>".contains(byte)).count();
    let environment = match &behind[glue..] {
        rest if rest.starts_with(b"true") => Environment::Live,
        rest if rest.starts_with(b"false") => Environment::Sandbox,
        _ => return None,
    };
    let text = if livemode { "livemode" } else { "live" };
    let said = if environment == Environment::Live { "true" } else { "false" };
    Some(Fact {
        kind: FactKind::Event,
        provider: Some(provider),
        environment,
        text: format!("{text}={said}"),
        name: String::new(),
        span: word,
        beside: None,
    })
}

/// What tells an event of Stripe and begins in a range, in order: its id, or `"object": "event"`, however it is escaped.
fn events(bytes: &[u8], range: Range<usize>, found: &mut Vec<Span>) {
    let new = found.len();
    let within = |finder: &Finder<'_>| range.start..bytes.len().min(range.end + finder.needle().len() - 1);
    for at in EVENT_ID.find_iter(&bytes[within(&EVENT_ID)]) {
        found.push(Span::new(range.start + at, range.start + at + EVENT_ID.needle().len()));
    }
    for at in OBJECT.find_iter(&bytes[within(&OBJECT)]) {
        let object = range.start + at;
        let behind = &bytes[object + OBJECT.needle().len()..];
        let glue = behind.iter().take(12).take_while(|byte| b"\\\": =>".contains(byte)).count();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if behind[glue..].starts_with(b"event") && !behind.get(glue + 5).is_some_and(is_part) {
            found.push(Span::new(object, object + OBJECT.needle().len() + glue + b"event".len()));
        }
    }
    found[new..].sort_unstable();
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
    fn domains_are_what_somebody_registered() {
        for (host, domain) in [
            ("a.b.payca.io", "payca.io"),
            ("*.adyenpayments.com", "adyenpayments.com"),
            ("x.acme.com.br", "acme.com.br"),
            ("y.acme.co.uk", "acme.co.uk"),
            ("payca.io", "payca.io"),
        ] {
            assert_eq!(registrable(host), domain);
        }
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

    #[test]
    fn names_of_secrets() {
        for name in [
            "STRIPE_SECRET_KEY",
            "clientSecret",
            "PAYOUT_TOKEN",
            "treasury_api_key",
            "CONTRACT_EXECUTION_KEY",
            "SECRET_KEY_LIVE",
            "WEBHOOK_SECRET",
        ] {
            assert!(is_secret_name(name.as_bytes()), "{name}");
        }
        for name in ["STRIPE_KEY", "SECRET_SANTA", "PAYOUT_DATE", "PUBLISHABLE_KEY", "PAYOUT_URL"] {
            assert!(!is_secret_name(name.as_bytes()), "{name}");
        }
    }
}
