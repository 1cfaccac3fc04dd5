//! Named, pure tests of a secret's bytes. A test knows bytes, not which rule asks.
//!
//! Every value passes [`is_plausible`]; rules name the others in `checks` (the value is dropped
//! when one fails) and `supports` (the value is believed more when one passes).

mod airwallex_client_id;
mod base58check;
mod base64_key;
mod bip39;
mod card;
mod crc;
mod crockford_uuid;
mod decode;
mod encoded_id;
mod entropy;
mod iban;
mod jwk;
mod jwt;
mod luhn;
mod mercury_suffix;
mod pkcs8;
mod placeholder;
mod random_tail;
mod secret_like;
mod solana_keypair;
mod stripe_account;
mod test_card;
mod tr31;
mod url_password;
mod uuid4;
mod words;

pub(crate) use card::network;
pub use test_card::{is_published_test_card, test_card, test_card_heads};

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
    bip39::CHECK,
    card::CHECK,
    crc::DYNAMIC_CHECK,
    crc::GITHUB_CHECK,
    crockford_uuid::CHECK,
    encoded_id::HOST_CHECK,
    encoded_id::KEY_CHECK,
    iban::CHECK,
    jwk::CHECK,
    jwt::CHECK,
    luhn::CHECK,
    mercury_suffix::CHECK,
    pkcs8::CHECK,
    random_tail::CHECK,
    secret_like::CHECK,
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
    match between_dashes(body) {
        Some(armoured) => is_plausible_key(armoured),
        None => is_random(body, alphabet),
    }
}

/// Whether what stands between lines of dashes is a key: its digits, without the blanks, quotes and escapes between
/// them. What decodes to a key is one, however regular the numbers in it are.
fn is_plausible_key(armoured: &[u8]) -> bool {
    let body = without_headers(armoured);
    let digits: Vec<u8> = pkcs8::digits(body).into_iter().map(|at| body[at]).collect();
    let is_key = |bytes: Vec<u8>| pkcs8::has_head(&bytes) || bytes.starts_with(OPENSSH);
    decode::base64(&digits).is_some_and(is_key) || digits.len() >= SHORTEST_KEY && is_random(&digits, BASE64)
}

/// The sign of an SSH key, encrypted or not.
const OPENSSH: &[u8] = b"openssh-key-v1\0";
/// Digits of base64.
const BASE64: usize = 64;
/// So many of them write the shortest key.
const SHORTEST_KEY: usize = 40;

/// What follows the headers of an encrypted key of OpenSSL: `DEK-Info:`, a cipher, a comma, and a number in hex.
fn without_headers(armoured: &[u8]) -> &[u8] {
    const HEADER: &[u8] = b"DEK-Info:";
    let Some(header) = memchr::memmem::find(armoured, HEADER) else { return armoured };
    let rest = &armoured[header + HEADER.len()..];
    let rest = memchr::memchr(b',', rest).map_or(rest, |comma| &rest[comma + 1..]);
    &rest[rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()..]
}

fn is_random(body: &[u8], alphabet: usize) -> bool {
    !placeholder::is_placeholder(body) && !words::reads_like_words(body) && entropy::is_random(body, alphabet)
}

/// What stands on either side of a title in PEM.
const DASHES: &[u8] = b"-----";

/// What stands between the lines of dashes of a PEM block.
fn between_dashes(body: &[u8]) -> Option<&[u8]> {
    let end = memchr::memmem::find(body, b"-----END ")?;
    let begin = memchr::memmem::rfind(&body[..end], DASHES).map_or(0, |at| at + DASHES.len());
    Some(&body[begin..end])
}

#[cfg(test)]
mod tests {
    use super::{decode, is_plausible};

    /// What is regular in a key does not make it a placeholder: the names and zeros at the head of an SSH key, the
    /// numbers of a known group, blanks before each line.
    #[test]
    fn keys_with_regular_parts() {
        let noise: Vec<u8> = (0..200_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 21).to_le_bytes()[0]).collect();
        let head = b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\x01\0\0\0\x33";
        let ssh = [&head[..], &noise].concat();
        let group = [&[0x30, 0x82, 1, 16, 2, 1, 0, 0x30][..], &[0xFF; 68], &noise].concat();
        for (bytes, indent) in [(&ssh, 0), (&ssh, 8), (&group, 0), (&group, 12), (&noise, 0), (&noise, 8), (&noise, 16)] {
            let digits = String::from_utf8(decode::to_base64(bytes)).unwrap();
            let padded = digits.clone() + &"=".repeat((4 - digits.len() % 4) % 4);
            let lines: Vec<&str> = padded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            let between = format!("\n{}", " ".repeat(indent));
            let text = [" KEY-----", &between, &lines.join(&between), &between, "-----END ", "KEY-----"].concat();
            assert!(is_plausible(text.as_bytes(), 64), "{indent}: {text}");
        }
        for other in ["QUJD".repeat(20), "x".repeat(80), " ".repeat(80)] {
            let text = [" KEY-----\n", &other, "\n-----END ", "KEY-----"].concat();
            assert!(!is_plausible(text.as_bytes(), 64), "{text}");
        }
    }
}
