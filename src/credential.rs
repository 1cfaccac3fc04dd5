//! What a credential is: whose, of which class and environment, and the secret itself, which
//! cannot be printed.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroize;

use crate::span::Span;

/// Declares a shared, ordered name.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as a string.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The id of a payment provider, as in `rules/<provider>.toml`.
    Provider
);
name!(
    /// The id of a rule: kebab-case, begins with its provider, never reused.
    RuleId
);

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The ordinary server-side key of an account.
    StandardApiKey,
    /// A key that is limited to some operations.
    RestrictedKey,
    /// A key that pays money out.
    PayoutKey,
    /// A key that executes published actions on a chain.
    ContractExecutionKey,
    /// The secret that signs webhooks.
    WebhookSecret,
    /// The secret half of a client id and secret.
    ClientSecret,
    /// The public half of a client id and secret.
    ClientId,
    /// A key made for browsers and apps.
    PublishableKey,
    /// A token that was issued for a session, a customer or one object.
    OauthToken,
    /// A private key that signs.
    PrivateKey,
    /// A card number.
    CardNumber,
    /// A password.
    Password,
    /// A secret of no known kind.
    General,
}

impl Class {
    /// Every class, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::StandardApiKey,
        Self::RestrictedKey,
        Self::PayoutKey,
        Self::ContractExecutionKey,
        Self::WebhookSecret,
        Self::ClientSecret,
        Self::ClientId,
        Self::PublishableKey,
        Self::OauthToken,
        Self::PrivateKey,
        Self::CardNumber,
        Self::Password,
        Self::General,
    ];

    /// The name in rule files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StandardApiKey => "standard-api-key",
            Self::RestrictedKey => "restricted-key",
            Self::PayoutKey => "payout-key",
            Self::ContractExecutionKey => "contract-execution-key",
            Self::WebhookSecret => "webhook-secret",
            Self::ClientSecret => "client-secret",
            Self::ClientId => "client-id",
            Self::PublishableKey => "publishable-key",
            Self::OauthToken => "oauth-token",
            Self::PrivateKey => "private-key",
            Self::CardNumber => "card-number",
            Self::Password => "password",
            Self::General => "general",
        }
    }

    /// Whether values may be so few that who has the key of the fingerprints could find one by trying.
    pub const fn is_guessable(self) -> bool {
        matches!(self, Self::CardNumber | Self::Password | Self::General)
    }

    /// Whether the value is public by design: never a leak, only evidence.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::ClientId | Self::PublishableKey)
    }

    /// Whether the class by itself pays money out.
    pub const fn pays_out(self) -> bool {
        matches!(self, Self::PayoutKey | Self::ContractExecutionKey)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which money a credential touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// Real money.
    Live,
    /// Play money.
    Sandbox,
    /// Nothing says.
    #[default]
    Unknown,
}

impl Environment {
    /// The name in rule files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How sure we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// It may well be something else.
    Weak,
    /// Shape or name leave little doubt.
    Strong,
}

impl Confidence {
    /// The name in reports and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Strong => "strong",
        }
    }
}

/// One fact that speaks for a reading, with the bytes that show it.
///
/// `fact` may quote the input (a slot name, a host); a report prints it through its redactor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The fact, as a phrase: `value prefix sk_test_`.
    pub fact: String,
    /// Its weight from 0 to 100, where the environment model gives one.
    pub weight: Option<u8>,
    /// Where it stands, in raw bytes.
    pub span: Option<Span>,
}

/// How the bytes of a credential were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// As they stand.
    Plain,
    /// After percent decoding.
    Percent,
    /// After undoing the escapes of JSON and C strings.
    Json,
    /// Without terminal colours.
    Ansi,
    /// From base64, in either alphabet.
    Base64,
    /// From hex digits.
    Hex,
    /// After undoing the character references of HTML.
    Html,
    /// After undoing quoted-printable.
    QuotedPrintable,
    /// From UTF-16, in either order of bytes.
    Utf16,
    /// From UTF-32, in either order of bytes.
    Utf32,
    /// The name of the file, not its content.
    Path,
}

impl View {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Percent => "percent",
            Self::Json => "json",
            Self::Ansi => "ansi",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Html => "html",
            Self::QuotedPrintable => "quoted-printable",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
            Self::Path => "path",
        }
    }
}

/// The bytes of a credential. They can be checked and fingerprinted, not printed; they are wiped
/// when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    bytes: Box<[u8]>,
    public_prefix: usize,
}

impl Secret {
    /// Takes the canonical (decoded) bytes; the first `public_prefix` of them say only what kind
    /// of credential it is.
    pub fn new(bytes: &[u8], public_prefix: usize) -> Self {
        Self { bytes: bytes.into(), public_prefix: public_prefix.min(bytes.len()) }
    }

    /// Length in bytes, public prefix included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Runs a test on the bytes and lets out its verdict only.
    pub fn check(&self, test: impl FnOnce(&[u8]) -> bool) -> bool {
        test(&self.bytes)
    }

    /// The part that says only what kind of credential it is.
    pub fn public_prefix(&self) -> &[u8] {
        &self.bytes[..self.public_prefix]
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.bytes.len())
    }
}

/// The key of the fingerprints of a run.
#[derive(Clone)]
pub struct FingerprintKey {
    bytes: Box<[u8]>,
    keeping: Keeping,
}

/// Where the key of fingerprints is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    /// Nowhere: it is forgotten when the run ends.
    Nowhere,
    /// Beside its fingerprints: whoever reads them may have it.
    Beside,
    /// Apart from them.
    Apart,
}

impl FingerprintKey {
    /// A key that lives as long as this run: it relates findings, its fingerprints mean nothing
    /// to anybody else and are not printed.
    pub fn for_this_run() -> Result<Self, getrandom::Error> {
        Ok(Self { bytes: Self::random_bytes()?.into(), keeping: Keeping::Nowhere })
    }

    /// Bytes for a key that nobody can guess.
    pub fn random_bytes() -> Result<[u8; 32], getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A key that the user keeps: its fingerprints are the same in every run and are printed.
    pub fn kept(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), keeping: Keeping::Apart }
    }

    /// A key that stands beside its fingerprints: whoever reads them can test guesses, so that only what
    /// cannot be guessed may be kept under it.
    pub fn kept_beside(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), keeping: Keeping::Beside }
    }

    /// Whether fingerprints of this key may be printed.
    pub fn is_printable(&self) -> bool {
        self.keeping != Keeping::Nowhere
    }

    /// Whether the key is kept apart from its fingerprints, so that also what can be guessed may have one.
    pub fn is_apart(&self) -> bool {
        self.keeping == Keeping::Apart
    }

    /// The fingerprint of a secret: HMAC-SHA256 of its canonical bytes, cut to 128 bits.
    ///
    /// # Panics
    ///
    /// Never: HMAC takes a key of any length.
    pub fn fingerprint(&self, secret: &Secret) -> Fingerprint {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.bytes).expect("HMAC takes a key of any length");
        mac.update(&secret.bytes);
        let digest = mac.finalize().into_bytes();
        Fingerprint(std::array::from_fn(|at| digest[at]))
    }
}

impl Drop for FingerprintKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FingerprintKey({:?})", self.keeping)
    }
}

/// Tells two secrets apart without telling what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("kf1:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A credential that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The rule that recognised it.
    pub rule: RuleId,
    /// Whose it is; absent where the shape has several owners and nothing decides.
    pub provider: Option<Provider>,
    /// Who else gives out credentials of this shape.
    pub candidates: Vec<Provider>,
    /// Rules that would read it more precisely if their provider were named further away (in the
    /// path, elsewhere in the file).
    pub alternatives: Vec<RuleId>,
    /// What it opens.
    pub class: Class,
    /// Which money it touches.
    pub environment: Environment,
    /// Whether it can move money, alone or with the ids that stand beside it.
    pub moves_funds: bool,
    /// How sure the recognition is.
    pub confidence: Confidence,
    /// The secret.
    pub secret: Secret,
    /// Where it stands, in raw bytes.
    pub span: Span,
    /// How its bytes were read.
    pub view: View,
    /// What says so.
    pub because: Vec<Evidence>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        let secret = Secret::new(b"prefix_and-a-body", 7);
        assert_eq!(format!("{secret:?}"), "Secret(17 bytes)");
        let key = FingerprintKey::kept(b"some key bytes");
        assert_eq!(format!("{key:?}"), "FingerprintKey(Apart)");
    }

    /// Test case 2 of RFC 4231, cut to 128 bits.
    #[test]
    fn a_fingerprint_is_hmac_sha256() {
        let key = FingerprintKey::kept(b"Jefe");
        let print = key.fingerprint(&Secret::new(b"what do ya want for nothing?", 0));
        assert_eq!(print.to_string(), "kf1:5bdcc146bf60754e6a042426089575c7");
    }

    #[test]
    fn names_are_what_serde_writes() {
        for class in Class::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
    }
}
