//! Whether a short value may be a password that somebody drew, for slots that are named like one. A password
//! that somebody chose cannot be told from an example, and is left out.

use super::secret_like::{bits, is_other_thing, is_wordy};
use super::{Check, words};

pub(super) const CHECK: Check = Check::new("password-like", "a password drawn at random", is_password_like);

/// Parts of passwords in examples, tests and forms.
const SHOWN: &[&[u8]] =
    &[b"pass", b"pwd", b"word", b"secret", b"admin", b"test", b"demo", b"user", b"qwer", b"asdf", b"abc", b"123", b"xxx", b"000"];

fn is_password_like(value: &[u8]) -> bool {
    const KINDS: [fn(&u8) -> bool; 3] = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    let lower = value.to_ascii_lowercase();
    let kind = |byte: u8| KINDS.iter().position(|kind| kind(&byte));
    let changes = value.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    let shown = SHOWN.iter().any(|part| memchr::memmem::find(&lower, part).is_some());
    // A random one without a digit is no rarity, but then it must look nothing like a name.
    let digits = value.iter().any(u8::is_ascii_digit) || changes * 5 >= value.len() * 3 && words::score(value) < -8.0;
    digits
        && KINDS[1..].iter().all(|kind| value.iter().any(kind))
        && (changes * 5 >= value.len() * 2 || changes * 3 >= value.len() && words::score(value) < -8.0)
        && bits(value) >= 3.0
        && !shown
        && !is_other_thing(&lower)
        && !is_wordy(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_passwords_pass() {
        let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#%^*-_+=?@";
        let mut state = 7u64;
        for (letters, allowed) in [(62, 2000), (alphabet.len(), 1500)] {
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                alphabet[(state >> 33) as usize % letters]
            };
            let lost = (0..10_000).filter(|_| !is_password_like(&(0..16).map(|_| draw()).collect::<Vec<u8>>())).count();
            assert!(lost <= allowed, "{letters}: {lost} of 10000 are lost");
        }
    }

    #[test]
    fn chosen_and_shown_ones_do_not() {
        for other in [
            "Summer2024Sale!",
            "MyPassword123",
            "SuperSecret42x",
            "Admin@2024Rx9q",
            "AppConfiguration1",
            "lowercase4only9",
            "ABCDEF0123456789",
            "1234567890Ab",
            "getPassword2FromEnv",
            "CorrectHorse7Battery",
            "$2b$12$q7Zp2LxW",
        ] {
            assert!(!is_password_like(other.as_bytes()), "{other}");
        }
    }
}
