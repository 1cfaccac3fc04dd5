//! What the slots of a configuration hold: a value, a reference, a placeholder or nothing. Values
//! themselves never leave this file.

use super::entry::{self, Entry};
use super::survey::Survey;
use crate::credential::Provider;
use crate::detect::is_secret_name;
use crate::finding::PlaceKind;
use crate::rule::name::words;
use crate::span::Span;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filling {
    /// Something of its own.
    Value,
    /// The name of something that stands elsewhere, and where.
    Reference(&'static str),
    /// Encrypted content.
    Ciphertext,
    /// Words that stand for a value.
    Placeholder,
    /// Nothing.
    Empty,
}

impl Filling {
    /// The phrase in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Reference(_) => "reference",
            Self::Ciphertext => "ciphertext",
            Self::Placeholder => "placeholder",
            Self::Empty => "empty",
        }
    }
}

/// A slot of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Whose it is, by its name.
    pub provider: Option<Provider>,
    /// What it holds.
    pub filling: Filling,
    /// The host, if it holds a URL.
    pub host: Option<String>,
    /// The statement.
    pub span: Span,
}

/// Beginnings of references, and where they lead.
const STORES: &[(&str, &str)] = &[
    ("${{ secrets.", "CI secret store"),
    ("${{secrets.", "CI secret store"),
    ("${{", "CI variable"),
    ("op://", "1Password"),
    ("vault:", "Vault"),
    ("arn:aws:secretsmanager:", "AWS Secrets Manager"),
    ("{{resolve:", "AWS Secrets Manager"),
    ("arn:aws:ssm:", "AWS Parameter Store"),
    ("ssm:/", "AWS Parameter Store"),
    ("@microsoft.keyvault(", "Azure Key Vault"),
    ("akv://", "Azure Key Vault"),
    ("sm://", "Google Secret Manager"),
    ("projects/", "Google Secret Manager"),
    ("doppler://", "Doppler"),
    ("infisical://", "Infisical"),
    ("keychain://", "keychain"),
    ("ref+", "vals"),
    ("/run/secrets/", "mounted secret"),
];
/// Beginnings of references to variables.
const VARIABLES: &[&str] = &[
    "${",
    "$(",
    "$",
    "%",
    "{{",
    "<%",
    "process.env",
    "import.meta.env",
    "os.environ",
    "os.getenv",
    "env[",
    "env.",
    "env(",
    "getenv(",
    "system.getenv",
    "deno.env",
    "bun.env",
    "config(",
    "config[",
    "!ref",
    "!sub",
    "fn::",
    "var.",
    "data.",
    "local.",
    "random_password.",
    "@env",
    "secretkeyref",
    "valuefrom",
];
/// Beginnings of encrypted content.
const SEALED: &[&str] = &["enc[", "enc(", "encrypted:", "!vault", "$ansible_vault"];
/// Last words of names whose values differ from one environment to the other.
const SETTINGS: &[&str] = &[
    "key",
    "keys",
    "secret",
    "secrets",
    "token",
    "id",
    "url",
    "uri",
    "endpoint",
    "host",
    "hook",
    "webhook",
    "mode",
    "env",
    "environment",
    "network",
    "chain",
    "account",
    "merchant",
    "user",
    "username",
    "password",
    "passphrase",
    "pass",
    "certificate",
    "live",
    "test",
    "sandbox",
    "livemode",
    "testmode",
    "address",
    "base",
];

impl Survey<'_> {
    /// The slots of providers in a configuration, a dotenv file or a pipeline, in order.
    pub fn slots(&self) -> Vec<Slot> {
        if !matches!(self.kind(), PlaceKind::Config | PlaceKind::Dotenv | PlaceKind::Ci) {
            return Vec::new();
        }
        let found = self.filled(Span::new(0, self.input.bytes.len()));
        found.into_iter().filter(|slot| slot.provider.is_some() && is_setting(&slot.name)).collect()
    }

    /// Everything that is assigned in a range, whoever it belongs to.
    pub fn filled(&self, range: Span) -> Vec<Slot> {
        let bytes = self.input.bytes;
        let braces = memchr::memchr3(b'{', b'[', b'(', bytes).is_some();
        let mut entries = Vec::new();
        entry::read(bytes, range, braces, &mut entries);
        let mut slots: Vec<Slot> = Vec::new();
        // `- name: STRIPE_KEY` and the `value:` or `valueFrom:` below it.
        let mut named: Option<&Entry<'_>> = None;
        for entry in entries.iter().filter(|entry| !entry.commented) {
            let own = entry.name.to_ascii_lowercase();
            match (own.as_slice(), named) {
                (b"value", Some(name)) => {
                    slots.push(self.slot(name.value, entry.value, Span::new(name.span.start, entry.span.end)));
                }
                (b"valuefrom", Some(name)) => {
                    let slot = self.slot(name.value, b"", Span::new(name.span.start, entry.span.end));
                    slots.push(Slot { filling: Filling::Reference("Kubernetes Secret"), ..slot });
                }
                (b"name" | b"key", _) if is_variable(entry.value) => {
                    named = Some(entry);
                    continue;
                }
                _ => slots.push(self.slot(entry.name, entry.value, entry.span)),
            }
            named = None;
        }
        slots
    }

    fn slot(&self, name: &[u8], value: &[u8], span: Span) -> Slot {
        Slot {
            name: String::from_utf8_lossy(name).into_owned(),
            provider: self.provider_of(name).cloned(),
            filling: filling(name, value),
            host: host(value),
            span,
        }
    }
}

/// `STRIPE_SECRET_KEY`, as lists of names and values write it.
fn is_variable(value: &[u8]) -> bool {
    value.len() > 3
        && value.contains(&b'_')
        && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// Whether a name is that of a setting: of two words or more, one of which says what sort of setting.
fn is_setting(name: &str) -> bool {
    let all = words(name.as_bytes());
    let plain = !name.contains(['(', ')', '{', '}', '<', ' ', '/', '$']);
    plain && all.len() > 1 && all.iter().any(|word| SETTINGS.contains(&word.as_str()))
}

/// The host of a URL, without user, port and path.
fn host(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?.to_ascii_lowercase();
    let plain = host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    plain.then_some(host)
}

/// What a value is, without keeping it.
fn filling(name: &[u8], value: &[u8]) -> Filling {
    let value = value.trim_ascii();
    let lower = String::from_utf8_lossy(&value[..value.len().min(80)]).to_ascii_lowercase();
    let begins = |with: &&str| lower.starts_with(*with);
    if value.is_empty() || matches!(lower.as_str(), "null" | "~" | "nil" | "none" | "\"\"" | "''") {
        return Filling::Empty;
    }
    if let Some((_, store)) = STORES.iter().find(|(begin, _)| begins(begin)) {
        return Filling::Reference(store);
    }
    if SEALED.iter().any(begins) {
        return Filling::Ciphertext;
    }
    // `${X:-literal}` holds a literal.
    let default = [":-", "||", "??", "?:"].iter().any(|mark| lower.contains(mark));
    if VARIABLES.iter().any(begins) && !default {
        return Filling::Reference("variable");
    }
    let secret = is_secret_name(name) || words(name).iter().any(|word| matches!(word.as_str(), "key" | "token" | "password"));
    if secret && !crate::check::is_plausible(value, 16) { Filling::Placeholder } else { Filling::Value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_is() {
        for (name, value, expected) in [
            ("STRIPE_SECRET_KEY", "", Filling::Empty),
            ("STRIPE_SECRET_KEY", "null", Filling::Empty),
            ("STRIPE_SECRET_KEY", "${{ secrets.STRIPE_LIVE }}", Filling::Reference("CI secret store")),
            ("STRIPE_SECRET_KEY", "op://pay/stripe/key", Filling::Reference("1Password")),
            ("STRIPE_SECRET_KEY", "arn:aws:secretsmanager:eu-west-1:1:secret:x", Filling::Reference("AWS Secrets Manager")),
            ("STRIPE_SECRET_KEY", "$STRIPE_KEY", Filling::Reference("variable")),
            ("stripeKey", "process.env.STRIPE_KEY,", Filling::Reference("variable")),
            ("STRIPE_SECRET_KEY", "ENC[AES256_GCM,data:x]", Filling::Ciphertext),
            ("STRIPE_SECRET_KEY", "your_key_here", Filling::Placeholder),
            ("STRIPE_SECRET_KEY", "changeme", Filling::Placeholder),
            ("STRIPE_ACCOUNT_ID", "acct one", Filling::Value),
            ("PAYPAL_MODE", "sandbox", Filling::Value),
        ] {
            assert_eq!(filling(name.as_bytes(), value.as_bytes()), expected, "{name}={value}");
        }
    }

    #[test]
    fn hosts_of_urls() {
        for (value, expected) in [
            ("https://api.tenant.example/v1", Some("api.tenant.example")),
            ("http://user:pass@API.tenant.example:8080?x", Some("api.tenant.example")),
            ("https://localhost", None),
            ("https://${HOST}/x", None),
            ("api.tenant.example", None),
        ] {
            assert_eq!(host(value.as_bytes()).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn names_of_settings() {
        for name in ["STRIPE_SECRET_KEY", "paypal.mode", "stripeWebhookSecret", "ADYEN_MERCHANT_ACCOUNT"] {
            assert!(is_setting(name), "{name}");
        }
        for name in ["stripe", "stripe_version", "import stripe", "new Stripe(key)"] {
            assert!(!is_setting(name), "{name}");
        }
    }
}
