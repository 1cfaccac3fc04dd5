//! Hosts of providers, and the routes on them that are those of a sandbox.

use super::{Facts, REACH, back, name_of};
use crate::credential::Environment;
use crate::detect::confirm;
use crate::detect::near::{self, Around, Near};
use crate::finding::{Fact, FactKind};
use crate::rule::ProviderFacts;
use crate::rule::name::words;
use crate::span::Span;

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

impl Facts {
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

    /// The whole host that ends with a provider's domain.
    pub(super) fn host(&self, around: &Around<'_>, domain: Span) -> Option<Fact> {
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
    pub(super) fn path(around: &Around<'_>, path: Span, provider: &ProviderFacts) -> Option<Fact> {
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
}

/// How well a host is known, and what it says: an exact name before a wildcard before a word of a
/// sub-domain.
pub(super) fn classify(provider: &ProviderFacts, host: &str) -> (usize, Environment) {
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

/// The part of a host that its owner registered: two labels, three below such as `com.br`.
pub(super) fn registrable(host: &str) -> &str {
    let host = host.strip_prefix("*.").unwrap_or(host);
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (last, second) = (dots.next(), dots.next());
    let (Some(last), Some(second)) = (last, second) else { return host };
    let country = host.len() - last == 3 && last - second <= 4;
    if country { dots.next().map_or(host, |third| &host[third + 1..]) } else { &host[second + 1..] }
}

pub(super) fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')
}

fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/')
}

/// Where the URL begins whose host begins at `at`.
fn url_start(bytes: &[u8], at: usize) -> usize {
    let before = &bytes[..at];
    ["https://", "http://", "wss://"]
        .iter()
        .find(|scheme| before.ends_with(scheme.as_bytes()))
        .map_or(at, |scheme| at - scheme.len())
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
