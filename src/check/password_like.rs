//! Whether a short value may be a password that somebody drew, for slots that are named like one. A password
//! that somebody chose cannot be told from an example, and is left out.

use super::secret_like::{bits, is_other_thing, is_wordy};
use super::{Check, words};

pub(super) const CHECK: Check = Check::new("password-like", "a password drawn at random", is_password_like);

/// Parts of passwords in examples, tests and forms.
const SHOWN: &[&[u8]] = &[
    b"pass", b"pwd", b"word", b"secret", b"admin", b"test", b"demo", b"user", b"qwer", b"asdf", b"abc", b"123", b"xxx", b"000",
    b"a1b2",
];

fn is_password_like(value: &[u8]) -> bool {
    const KINDS: [fn(&u8) -> bool; 3] = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    let lower = value.to_ascii_lowercase();
    let kind = |byte: u8| KINDS.iter().position(|kind| kind(&byte));
    let changes = value.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    let shown = SHOWN.iter().any(|part| memchr::memmem::find(&lower, part).is_some());
    let holds = |kind: &fn(&u8) -> bool| value.iter().any(kind);
    let often = changes * 5 >= value.len() * 2;
    // A random one without a digit is no rarity, but then it must look nothing like a name.
    let digits =
        holds(&KINDS[0]) || changes * 5 >= value.len() * 3 && words::score(value) < -8.0 || often && words::score(value) < -10.0;
    let drawn = digits
        && KINDS[1..].iter().all(holds)
        && (often
            || changes * 3 >= value.len() && words::score(value) < -8.0
            || changes * 4 >= value.len() && words::score(value) < -14.0);
    (drawn || changes * 4 >= value.len() && is_of_one_case(value))
        && bits(value) >= 3.0
        && !shown
        && !is_other_thing(&lower)
        // What changes at every other letter reads like no word, if few of its pairs stand in words.
        && (!is_wordy(value) || often && words::score(value) < -4.0)
}

/// The shortest of letters of one case and digits, and the fewest of each, that nobody takes for a word with a number.
const ONE_CASE: usize = 14;
const FEWEST: usize = 3;

/// What services draw for their users: hex digits, or small letters and digits.
fn is_of_one_case(value: &[u8]) -> bool {
    let count = |test: fn(&u8) -> bool| value.iter().filter(|byte| test(byte)).count();
    let (digits, letters) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphabetic));
    value.len() >= ONE_CASE
        && digits >= FEWEST
        && letters >= FEWEST
        && digits + letters == value.len()
        && words::score(value) < -9.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_passwords_pass() {
        let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#%^*-_+=?@";
        let mut state = 7u64;
        for (letters, allowed) in [(62, 700), (alphabet.len(), 700)] {
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                alphabet[(state >> 33) as usize % letters]
            };
            let lost = (0..10_000).filter(|_| !is_password_like(&(0..16).map(|_| draw()).collect::<Vec<u8>>())).count();
            assert!(lost <= allowed, "{letters}: {lost} of 10000 are lost");
        }
    }

    #[test]
    fn those_that_services_draw_pass() {
        for drawn in
            ["d26b1f61783a4c", "x7q2m9k4v1p8z3t6", "K7Q2M9X4V1P8Z3T6", "r6NECor63uX8EC", "c2OMUCAdTYIbMN", "Ce7eAhNDutStml"]
        {
            assert!(is_password_like(drawn.as_bytes()), "{drawn}");
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
            "release20240501a",
            "ConcurrentHashMapOf",
            "a1b2c3d4e5f6g7",
            "utf8base64md5x2",
        ] {
            assert!(!is_password_like(other.as_bytes()), "{other}");
        }
    }
}
