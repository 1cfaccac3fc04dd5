//! Names of slots that say what a value is for, and those that bundlers publish.

use super::REACH;
use crate::credential::Environment;
use crate::finding::{Fact, FactKind};
use crate::rule::name::{NameWords, words};
use crate::span::Span;

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
/// Words that say that a key pays out, beside `key`, `secret` or `token`.
const PAYOUT_WORDS: &[&str] =
    &["payout", "payouts", "withdraw", "withdrawal", "withdrawals", "disburse", "disbursement", "treasury", "sweep"];

/// A name with a public prefix that says its value is secret.
pub(super) fn public(bytes: &[u8], prefix: Span) -> Option<Fact> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
