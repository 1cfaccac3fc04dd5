//! Templates that expand to generated keys, so that no key stands in the repository.
//!
//! `{base62:24}` is 24 letters and digits drawn from a seed. The forms stand in `rules/README.md`.

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::check;

/// A template that does not expand.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExpandError {
    /// No generator or check has that name.
    #[error("no generator, or check that makes values, is named {0:?}")]
    Unknown(String),
    /// The count is missing or not a number.
    #[error("{0:?} wants a length, as in {{base62:24}}")]
    Length(String),
    /// A brace without its partner.
    #[error("a brace without its partner; write {{{{ or }}}} for a brace")]
    Brace,
}

/// Expands every `{…}` of a template with characters drawn from `seed`.
pub fn expand(template: &str, seed: &str) -> Result<String, ExpandError> {
    let mut random = Random::new(seed);
    expand_with(template, &mut random)
}

fn expand_with(template: &str, random: &mut Random) -> Result<String, ExpandError> {
    let mut text = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
        } else if brace == "{" {
            let end = closing(rest).ok_or(ExpandError::Brace)?;
            generate(&rest[..end], random, &mut text)?;
            rest = &rest[end + 1..];
        } else {
            return Err(ExpandError::Brace);
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// The `}` that closes a form; forms nest in `{base64of:…}` and its like.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        None
    })
}

const DIGIT: &str = "0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn generate(form: &str, random: &mut Random, text: &mut String) -> Result<(), ExpandError> {
    let (name, argument) = form.split_once(':').unwrap_or((form, ""));
    let alphabet = match name {
        "uuid4" | "uuid" => {
            uuid(random, if name == "uuid4" { "4" } else { "1" }, text);
            return Ok(());
        }
        "bytes" => {
            let count: usize = argument.parse().map_err(|_| ExpandError::Length(form.to_owned()))?;
            let numbers: Vec<String> = (0..count).map(|_| random.below(256).to_string()).collect();
            text.push_str(&numbers.join(", "));
            return Ok(());
        }
        "stripe99" => {
            stripe_body(random, text);
            return Ok(());
        }
        "valid" => {
            let (check, template) = argument.split_once(':').ok_or_else(|| ExpandError::Length(form.to_owned()))?;
            let mend = check::named(check).and_then(|check| check.mend);
            let mend = mend.ok_or_else(|| ExpandError::Unknown(check.to_owned()))?;
            let value = mend(expand_with(template, random)?.into_bytes());
            text.push_str(&String::from_utf8_lossy(&value));
            return Ok(());
        }
        "base64of" | "base64urlof" | "hexof" => {
            let inner = expand_with(argument, random)?;
            encode(name, inner.as_bytes(), text);
            return Ok(());
        }
        "base62" => [DIGIT, UPPER, LOWER].concat(),
        "base58" => [DIGIT, UPPER, LOWER].concat().replace(['0', 'O', 'I', 'l'], ""),
        "base64" => [DIGIT, UPPER, LOWER, "+/"].concat(),
        "base64url" => [DIGIT, UPPER, LOWER, "-_"].concat(),
        "hex" => "0123456789abcdef".to_owned(),
        "HEX" => "0123456789ABCDEF".to_owned(),
        "upper" => [DIGIT, UPPER].concat(),
        "lower" => [DIGIT, LOWER].concat(),
        "alpha" => LOWER.to_owned(),
        "letters" => [UPPER, LOWER].concat(),
        "BASE32" => [UPPER, "234567"].concat(),
        "BECH32" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".to_owned(),
        "digit" => DIGIT.to_owned(),
        "base32" => [LOWER, "234567"].concat(),
        "print" => [DIGIT, UPPER, LOWER, "!#$%&()*+,-./:;<=>?@[]^_{|}~"].concat(),
        _ => return Err(ExpandError::Unknown(name.to_owned())),
    };
    let length: usize = argument.parse().map_err(|_| ExpandError::Length(form.to_owned()))?;
    random.draw(alphabet.as_bytes(), length, text);
    Ok(())
}

fn uuid(random: &mut Random, version: &str, text: &mut String) {
    let hex = b"0123456789abcdef";
    random.draw(hex, 8, text);
    text.push('-');
    random.draw(hex, 4, text);
    text.push('-');
    text.push_str(version);
    random.draw(hex, 3, text);
    text.push('-');
    random.draw(b"89ab", 1, text);
    random.draw(hex, 3, text);
    text.push('-');
    random.draw(hex, 12, text);
}

/// The body of a modern Stripe key: `51`, the rest of the account id and the secret part, `00`
/// ten characters before the end.
fn stripe_body(random: &mut Random, text: &mut String) {
    let base62 = [DIGIT, UPPER, LOWER].concat();
    text.push_str("51");
    random.draw(base62.as_bytes(), 87, text);
    text.push_str("00");
    random.draw(base62.as_bytes(), 8, text);
}

/// Bytes as the form of this name writes them.
fn encode(name: &str, bytes: &[u8], text: &mut String) {
    match name {
        "hexof" => text.extend(bytes.iter().map(|byte| format!("{byte:02x}"))),
        "base64urlof" => base64(bytes, "-_", "", text),
        _ => base64(bytes, "+/", "=", text),
    }
}

fn base64(bytes: &[u8], last: &str, padding: &str, text: &mut String) {
    let digits = [UPPER, LOWER, DIGIT, last].concat().into_bytes();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, &byte| group << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            text.push(char::from(digits[(group >> (18 - 6 * at) & 63) as usize]));
        }
        text.push_str(&padding.repeat(3 - chunk.len()));
    }
}

/// Characters drawn from a seed, the same on every machine: `SplitMix64`, started by the SHA-256 of
/// the seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Draws from `seed`.
    pub fn new(seed: &str) -> Self {
        Self(Sha256::digest(seed.as_bytes()).iter().take(8).fold(0, |state, &byte| state << 8 | u64::from(byte)))
    }

    /// A number below `bound`, which is at most 65,536: the bias is negligible.
    #[expect(clippy::cast_possible_truncation, reason = "the result is below the bound")]
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % bound as u64) as usize
    }

    fn draw(&mut self, alphabet: &[u8], length: usize, text: &mut String) {
        for _ in 0..length {
            text.push(char::from(alphabet[self.below(alphabet.len())]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_expand_to_their_alphabet_and_length() {
        let text = expand("{hex:8}|{HEX:8}|{base32:6}|{uuid4}|{stripe99}|{{x}}", "seed").unwrap();
        let parts: Vec<_> = text.split('|').collect();
        assert!(parts[0].len() == 8 && parts[0].bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert!(parts[1].bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()));
        assert_eq!(parts[3].len(), 36);
        assert_eq!(parts[4].len(), 99);
        assert_eq!(parts[5], "{x}");
        assert_eq!(text, expand("{hex:8}|{HEX:8}|{base32:6}|{uuid4}|{stripe99}|{{x}}", "seed").unwrap());
        assert_ne!(text, expand("{hex:8}|{HEX:8}|{base32:6}|{uuid4}|{stripe99}|{{x}}", "other").unwrap());
    }

    #[test]
    fn encoded_templates() {
        assert_eq!(expand("{base64of:any carnal pleas}", "s").unwrap(), "YW55IGNhcm5hbCBwbGVhcw==");
        assert_eq!(expand("{base64of:{hex:3}}", "s").unwrap().len(), 4);
        assert_eq!(expand("{base64urlof:a??>?}", "s").unwrap(), "YT8_Pj8");
        assert_eq!(expand("{hexof:a key}", "s").unwrap(), "61206b6579");
    }

    #[test]
    fn values_that_pass_a_check() {
        assert_eq!(expand("{valid:luhn:7992739871{digit:1}}", "s").unwrap(), "79927398713");
        let key = expand("{valid:dynamic-crc:k_{base62:36}}", "s").unwrap();
        assert!((check::named("dynamic-crc").unwrap().test)(key.as_bytes()));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(expand("{nope:3}", "s"), Err(ExpandError::Unknown("nope".into())));
        assert_eq!(expand("{hex}", "s"), Err(ExpandError::Length("hex".into())));
        assert_eq!(expand("{valid:uuid4:x}", "s"), Err(ExpandError::Unknown("uuid4".into())));
        assert_eq!(expand("{valid:luhn}", "s"), Err(ExpandError::Length("valid:luhn".into())));
        assert_eq!(expand("a } b", "s"), Err(ExpandError::Brace));
        assert_eq!(expand("a { b", "s"), Err(ExpandError::Brace));
    }
}
