//! Whether a value was drawn from letters, digits and punctuation alike, as frameworks draw their keys and salts.

use super::secret_like::bits;
use super::{Check, words};

pub(super) const CHECK: Check = Check::new("drawn-print", "drawn from letters, digits and punctuation", is_drawn)
    // Among so much punctuation, all that says `template` elsewhere stands by chance; this test is stricter.
    .random_in(|_| &[]);

/// The fewest of each, in fifty characters or more, and the longest run of letters.
const DIGITS: usize = 2;
const PUNCTUATION: usize = 5;
const RUN: usize = 24;

fn is_drawn(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"django-insecure-").unwrap_or(value);
    let count = |test: fn(&u8) -> bool| value.iter().filter(|byte| test(byte)).count();
    let run = value.split(|byte| !byte.is_ascii_alphabetic()).map(<[u8]>::len).max().unwrap_or_default();
    let mut tokens = value.split(|byte| !byte.is_ascii_alphanumeric());
    let words = tokens.any(|token| token.len() >= 6 && words::score(token) > 4.0);
    count(u8::is_ascii_digit) >= DIGITS
        && count(u8::is_ascii_punctuation) >= PUNCTUATION
        && run <= RUN
        && bits(value) >= 4.0
        && !words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_calls_are_not_drawn() {
        assert!(is_drawn(b"k7$w2z(q9!m4x#v8p%d1r&h6t*j3n^b5c@f0g-l_s=y+u)e2a8"));
        for other in [
            "put your unique phrase here, then here, and over there again",
            "get_random_secret_key(length=50, alphabet=0123456789)",
            "0123456789abcdef0123456789abcdef0123456789abcdef01",
            "aaaa!aaaa1aaaa!aaaa2aaaa!aaaa1aaaa!aaaa2aaaa!aaaa!",
        ] {
            assert!(!is_drawn(other.as_bytes()), "{other}");
        }
    }
}
