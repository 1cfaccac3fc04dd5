//! Whether a password in a slot that names its provider is long, or short and drawn at random: providers hand out
//! passwords of eight characters, and examples are as short.

use super::secret_like::{bits, is_wordy};
use super::{Check, words};

pub(super) const CHECK: Check = Check::new("long-or-drawn", "long, or drawn at random", is_long_or_drawn);

/// From this length on, the name is enough.
const LONG: usize = 12;

/// Parts of short passwords that people choose.
const CHOSEN: &[&[u8]] = &[
    b"pass", b"pwd", b"word", b"w0rd", b"secret", b"admin", b"test", b"demo", b"user", b"qwer", b"qaz", b"wsx", b"asdf", b"abc",
    b"123", b"321", b"xxx", b"000",
];

fn is_long_or_drawn(value: &[u8]) -> bool {
    value.len() >= LONG || is_drawn(value)
}

/// Letters and digits that change often, and nothing that reads like a word.
fn is_drawn(value: &[u8]) -> bool {
    const KINDS: [fn(&u8) -> bool; 4] =
        [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_punctuation];
    let lower = value.to_ascii_lowercase();
    let kind = |byte: u8| KINDS.iter().position(|kind| kind(&byte));
    let changes = value.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    value.iter().any(u8::is_ascii_digit)
        && value.iter().filter(|byte| byte.is_ascii_alphabetic()).count() >= 2
        && changes >= 2
        && bits(value) >= 2.5
        && words::score(value) < if changes == 2 { -6.0 } else { -4.0 }
        && !CHOSEN.iter().any(|part| memchr::memmem::find(&lower, part).is_some())
        && !is_wordy(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_must_be_drawn() {
        for drawn in ["x0l73pf6", "N0wYZrmDkv", "3a9f15c2", "k7$Wq2z!", "summer and winter"] {
            assert!(is_long_or_drawn(drawn.as_bytes()), "{drawn}");
        }
        for chosen in ["abcd1234", "Welcome1", "hunter22", "P@ssw0rd", "1qaz2wsx", "merchant1", "88888888", "letmein", "q7q7q7q7"]
        {
            assert!(!is_long_or_drawn(chosen.as_bytes()), "{chosen}");
        }
    }
}
