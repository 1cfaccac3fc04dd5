//! Named, pure tests of a secret's bytes. A test knows bytes, not which rule asks.
//!
//! Every value passes [`is_plausible`]; rules name the others in `checks` (the value is dropped
//! when one fails) and `supports` (the value is believed more when one passes).

mod airwallex_client_id;
mod base58check;
mod base64_key;
mod basic_auth;
mod bip39;
mod both_cases;
mod card;
mod crc;
mod crockford_uuid;
mod decode;
mod drawn_print;
mod encoded_id;
mod entropy;
mod iban;
mod jwk;
mod jwt;
mod long_or_drawn;
mod luhn;
mod mercury_suffix;
mod password_like;
mod pem;
mod pkcs8;
mod placeholder;
mod random_tail;
mod secret_like;
mod signed_password;
mod solana_keypair;
mod stripe_account;
mod test_card;
mod tr31;
mod url_password;
mod uuid4;
mod words;

pub(crate) use card::network;
pub use test_card::{is_published_test_card, test_card, test_card_heads};
pub(crate) use url_password::is_own_machine;

/// A part of a value.
pub type Part = fn(&[u8]) -> &[u8];

/// A test of the bytes of a value, by name.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The name in rule files.
    pub name: &'static str,
    /// What a value that passes is, for the evidence of a finding.
    pub shows: &'static str,
    /// Whether the whole value passes.
    pub test: fn(&[u8]) -> bool,
    /// The nearest value that passes, for checks that no random value does: examples are made by it.
    pub mend: Option<fn(Vec<u8>) -> Vec<u8>>,
    /// The part that must look random, where the rest of the value is words.
    pub random_part: Option<Part>,
}

impl Check {
    const fn new(name: &'static str, shows: &'static str, test: fn(&[u8]) -> bool) -> Self {
        Self { name, shows, test, mend: None, random_part: None }
    }

    const fn mended_by(self, mend: fn(Vec<u8>) -> Vec<u8>) -> Self {
        Self { mend: Some(mend), ..self }
    }

    const fn random_in(self, part: Part) -> Self {
        Self { random_part: Some(part), ..self }
    }
}

/// Every check that a rule can name.
pub const CHECKS: &[Check] = &[
    airwallex_client_id::CHECK,
    base58check::CHECK,
    base64_key::CHECK,
    basic_auth::CHECK,
    bip39::CHECK,
    both_cases::CHECK,
    card::CHECK,
    crc::DYNAMIC_CHECK,
    crc::GITHUB_CHECK,
    crockford_uuid::CHECK,
    drawn_print::CHECK,
    encoded_id::HOST_CHECK,
    encoded_id::KEY_CHECK,
    iban::CHECK,
    jwk::CHECK,
    jwt::CHECK,
    long_or_drawn::CHECK,
    luhn::CHECK,
    mercury_suffix::CHECK,
    password_like::CHECK,
    pem::CHECK,
    pkcs8::CHECK,
    random_tail::CHECK,
    secret_like::CHECK,
    signed_password::CHECK,
    solana_keypair::CHECK,
    stripe_account::CHECK,
    tr31::CHECK,
    url_password::CHECK,
    uuid4::CHECK,
];

/// The check of that name.
pub fn named(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.name == name)
}

/// Whether a body drawn from `alphabet` different bytes may be a real secret: not a placeholder,
/// not words, not less random than one body in a million would be by chance.
pub fn is_plausible(body: &[u8], alphabet: usize) -> bool {
    match pem::between_dashes(body) {
        Some(armoured) => pem::is_plausible(armoured),
        None => is_random(body, alphabet),
    }
}

fn is_random(body: &[u8], alphabet: usize) -> bool {
    !placeholder::is_placeholder(body) && !words::reads_like_words(body) && entropy::is_random(body, alphabet)
}
