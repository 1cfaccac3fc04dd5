//! Whether a value of no known shape may be a secret at all, for the one rule that knows nothing but the
//! name of its slot. Strict: it would rather lose a secret than call a word, a path, a hash with its
//! name or a ciphertext one.

use super::{Check, decode, words};

pub(super) const CHECK: Check = Check::new("secret-like", "nothing but a random value", is_secret_like);

/// What other things begin with: hashes that say so, ciphertexts of usual tools, public keys.
const OTHER_THINGS: &[&str] = &[
    "$2",
    "$argon2",
    "$pbkdf2",
    "$scrypt",
    "$apr1",
    "$1$",
    "$5$",
    "$6$",
    "aqica",
    "argon2",
    "bcrypt",
    "data",
    "ec-",
    "enc",
    "gaaaa",
    "http",
    "flw-t",
    "md5",
    "pbkdf2",
    "acct_",
    "card_",
    "chrg_",
    "cus_",
    "evt_",
    "pk_",
    "pk-",
    "pm_",
    "price_",
    "prod_",
    "pub",
    "scrypt",
    "sha",
    "ssh-",
    "tok_",
    "u2fsdgvkx1",
    "urn",
    "uuid",
    "vault",
    "xxx",
];

/// The mean vote of two neighbours (see `words`) that words come to, and random values rarely.
const WORDY: f64 = -0.6;

/// The sum of votes (see `words`) below which letters alone read like nothing.
const NOISE: f64 = -12.0;
/// How long a value is that may have few digits among its letters.
const LONG: usize = 32;

/// The shortest that words may stand before.
const BODY: usize = 24;

fn is_secret_like(value: &[u8]) -> bool {
    let body = behind_words(value);
    !is_other_thing(&value.to_ascii_lowercase()) && (is_noise(value) || body.len() < value.len() && is_noise(body))
}

fn is_noise(value: &[u8]) -> bool {
    is_mixed(value)
        && !is_path(value)
        && !is_uuid(value)
        && !is_number(value)
        && !is_key_fingerprint(value)
        && !is_card_token(value)
        && !is_wordy(value)
        && !encodes_text(value)
}

/// What says by its beginning that it is something else.
pub(super) fn is_other_thing(lower: &[u8]) -> bool {
    OTHER_THINGS.iter().any(|head| lower.starts_with(head.as_bytes()))
}

/// Digits and letters that change often enough, or letters that read like nothing; nothing in front that names a variable.
fn is_mixed(value: &[u8]) -> bool {
    let count = |test: fn(&u8) -> bool| value.iter().filter(|byte| test(byte)).count();
    let (digits, letters) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphabetic));
    let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase(), byte.is_ascii_alphanumeric());
    let changes = value.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    let begins = value.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/_-!@#%^*?~".contains(byte));
    let mixed = digits >= 1 && digits < letters * 5 && changes * 5 >= value.len();
    let noise = digits == 0 || value.len() >= LONG;
    (mixed || noise && words::score(value) <= NOISE) && letters >= 4 && begins && bits(value) >= 2.7
}

/// Bits of Shannon entropy for each byte.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
pub(super) fn bits(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for &byte in value {
        counts[usize::from(byte)] += 1;
    }
    let share = |count: u32| f64::from(count) / value.len() as f64;
    counts.iter().filter(|&&count| count > 0).map(|&count| -share(count) * share(count).log2()).sum()
}

/// `a/b/c`, `./x`, `x=y`: base64 holds few slashes, and `=` only at its end.
fn is_path(value: &[u8]) -> bool {
    let slashes = memchr::memchr_iter(b'/', value).count();
    let end = value.iter().rposition(|&byte| byte != b'=').map_or(0, |at| at + 1);
    slashes * 12 > value.len() || value[..end].contains(&b'=') || value.starts_with(b"./") || value.len() - end > 2
}

/// Also with a letter or two in front: `T-…`.
fn is_uuid(value: &[u8]) -> bool {
    let value = &value[value.len().saturating_sub(36).min(4)..];
    let dashes = value.iter().enumerate().filter(|&(_, &byte)| byte == b'-').map(|(at, _)| at);
    value.len() == 36 && dashes.eq([8, 13, 18, 23])
}

/// A number, such as the address of a wallet or a contract, which everybody may know: to those who write about
/// chains, a token is a coin. Keys of such wallets have a rule of their own.
pub(super) fn is_number(value: &[u8]) -> bool {
    value.starts_with(b"0x") && value[2..].iter().all(u8::is_ascii_hexdigit)
}

/// Forty hex digits in upper case: PGP keys, key grips and certificates are called so, and hashes of `MySQL`, with a star.
pub(super) fn is_key_fingerprint(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"*").unwrap_or(value);
    value.len() == 40 && value.iter().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_lowercase())
}

/// What stands for a saved card, and shows its first six and its last four digits.
fn is_card_token(value: &[u8]) -> bool {
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let hex = value.iter().all(u8::is_ascii_hexdigit);
    !hex && value.len() > 10 && digits(&value[..6]) && digits(&value[value.len() - 4..])
}

/// Words as a whole, or a word between separators: `my-service-7f3k-token`.
pub(super) fn is_wordy(value: &[u8]) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
    let mean = words::score(value) / value.len() as f64;
    let mut tokens = value.split(|byte| !byte.is_ascii_alphanumeric());
    // Hex holds too few letters to read like words.
    let hex = value.iter().all(u8::is_ascii_hexdigit);
    !hex && mean > WORDY || tokens.any(|token| token.len() >= 6 && token.len() < value.len() && words::score(token) > 4.0)
}

/// What follows words that say whose a key is and of which environment, if it is long and in one part:
/// `acme_production_…`.
fn behind_words(value: &[u8]) -> &[u8] {
    let body = value.strip_suffix(b"==").or_else(|| value.strip_suffix(b"=")).unwrap_or(value);
    let at = body.iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    let (head, body) = body.split_at(at);
    let are_words = head.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'));
    if are_words && body.len() >= BODY { body } else { value }
}

/// Base64 of printable text is not drawn at random.
pub(super) fn encodes_text(value: &[u8]) -> bool {
    let printable = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\t');
    decode::base64(value).is_some_and(|text| text.iter().all(printable))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies that are drawn like the keys of most services: few are lost.
    #[test]
    fn random_values_pass() {
        let base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let alphabets = [
            ("hex", &base62[..10], "abcdef"),
            ("base62", base62, ""),
            ("base64url", base62, "-_"),
            ("lower", &base62[..10], &base62[36..]),
            ("letters", "", &base62[36..]),
        ];
        let mut state = 7u64;
        for (name, first, second) in alphabets {
            let alphabet = [first, second].concat().into_bytes();
            for length in [20, 24, 32, 40, 64] {
                let mut draw = || {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    alphabet[(state >> 33) as usize % alphabet.len()]
                };
                let lost = (0..10_000).filter(|_| !is_secret_like(&(0..length).map(|_| draw()).collect::<Vec<u8>>())).count();
                let allowed = if length < 24 { 900 } else { 500 };
                assert!(lost <= allowed, "{name} of {length}: {lost} of 10000 are lost");
            }
        }
    }

    #[test]
    fn words_may_stand_before_a_long_one() {
        for head in ["xnd_production_", "acme-sandbox-", ""] {
            assert!(is_secret_like(format!("{head}q7Zp2LxW9vKc4TgR8sYbN3mD").as_bytes()), "{head}");
        }
        for other in
            ["acme_production_q7Zp2LxW", "acme_production_getSecretKeyFromVault2", "sha_production_q7Zp2LxW9vKc4TgR8sYbN3mD"]
        {
            assert!(!is_secret_like(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn other_things_do_not() {
        for other in [
            "getSecretKeyFromVault2",
            "payment-service-token-v2",
            "org.acme.payments.Token2",
            "src/main/resources/key2.pem",
            "sha256-q7Zp2LxW9vKc4TgR8sYbN3mD",
            "$2b$12$q7Zp2LxW9vKc4TgR8sYbN3",
            "U2FsdGVkX1q7Zp2LxW9vKc4TgR8s",
            "dXNlcm5hbWU6cGFzc3dvcmQ=",
            "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9",
            "2024-01-01T00-00-00-000",
            "12345678901234567890",
            "CONFIG_ENCRYPTION_KEY_256",
            "AbstractSingletonProxyFactoryBean2",
            "key=q7Zp2LxW9vKc4TgR8sYbN3mD",
            "arn-aws-kms-us-east-1-key-2f4a",
            "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B",
            "0x5632724fb8ac3699296af26281e1d0f1",
            "T-0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9",
            "0F1E2D3C4B5A49788695A4B3C2D1E0F97A6B5C4D",
            "*0F1E2D3C4B5A49788695A4B3C2D1E0F97A6B5C4D",
            "411111qWmNbVcXzLkJhGfDsApOiUy1111",
        ] {
            assert!(!is_secret_like(other.as_bytes()), "{other}");
        }
    }
}
