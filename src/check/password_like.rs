//! Whether a short value may be a password, for slots that are named like one: drawn at random, or chosen from
//! letters, digits and punctuation together, or a word and a number. Words alone cannot be told from an example.

use super::secret_like::{bits, encodes_text, is_number, is_other_thing};
use super::{Check, placeholder, words};

pub(super) const CHECK: Check = Check::new("password-like", "drawn, or of letters, digits and punctuation", is_password_like)
    // Words make passwords, too; placeholders are left out here.
    .random_in(|_| &[]);

/// Parts of passwords in examples, tests and forms, and of the names of variables. `0` may stand for `o`, and so on.
const SHOWN: &[&[u8]] = &[
    b"1q2w", b"1qaz", b"a1b2", b"admin", b"asdf", b"auth", b"change", b"default", b"demo", b"example", b"hello", b"hunter",
    b"letme", b"pass", b"pswd", b"q1w2", b"qwer", b"sample", b"secr", b"secur", b"test", b"user", b"welcome", b"word", b"zaq1",
    b"zxcv",
];

/// The same, so short that they stand in what was drawn by chance.
const SHORT: &[&[u8]] = &[
    b"000", b"111", b"123", b"321", b"abc", b"asd", b"foo", b"ftp", b"key", b"php", b"pwd", b"qwe", b"sql", b"ssh", b"ssl",
    b"tcp", b"xml", b"xxx", b"xyz",
];

/// The sum of votes (see `words`) below which a value reads like nothing: few of eight letters and digits end above.
const DRAWN: f64 = -4.0;
/// The same for values of six or seven bytes, and the shortest that may be chosen.
const BRIEF: f64 = -6.5;
const CHOSEN: usize = 8;
/// The same for values that hold a digit, where more than the name speaks for them.
const EXPECTED: f64 = -2.0;
/// The sum below which no part of a value says what it is.
const NOISE: f64 = -8.0;

fn is_password_like(value: &[u8]) -> bool {
    let level = if value.len() < CHOSEN { BRIEF } else { DRAWN };
    (is_drawn(value, level) || is_chosen(value)) && is_nothing_else(value)
}

/// Whether a short value is drawn, in a slot of somebody who is known to draw short ones.
pub(super) fn is_expected_password(value: &[u8]) -> bool {
    let level = if value.iter().any(u8::is_ascii_digit) { EXPECTED } else { DRAWN };
    (is_drawn(value, level) || is_chosen(value)) && is_nothing_else(value)
}

fn is_drawn(value: &[u8], level: f64) -> bool {
    words::score(value) <= level && bits(value) >= 2.5 && !value.iter().all(u8::is_ascii_digit)
}

pub(super) fn is_nothing_else(value: &[u8]) -> bool {
    !is_shown(value)
        && !is_other_thing(&value.to_ascii_lowercase())
        && !is_name(value)
        && !value.ends_with(b"..")
        && !is_masked(value)
        && !encodes_text(value)
        && !placeholder::is_placeholder(value)
}

/// Letters, a digit and punctuation that no program needs: `Maple#41street`, not `prefix$suffix2`. Or a word and a
/// number of two digits or more: `Cedar1987`, `Maple_204`.
fn is_chosen(value: &[u8]) -> bool {
    let count = |test: fn(&u8) -> bool| value.iter().filter(|byte| test(byte)).count();
    let (letters, digits) = (count(u8::is_ascii_alphabetic), count(u8::is_ascii_digit));
    let inserted = value.windows(2).any(|pair| pair[0] == b'$' && (pair[1].is_ascii_alphabetic() || pair[1] == b'_'));
    let signed = letters >= 3 && digits >= 1 && count(|byte| b"!@#$^&*?".contains(byte)) >= 1;
    let last = value.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let word = value[..value.len() - last].strip_suffix(b"_").or_else(|| value[..value.len() - last].strip_suffix(b"-"));
    let word = word.unwrap_or(&value[..value.len() - last]);
    let numbered = (2..=4).contains(&last) && word.len() >= 4 && word.iter().all(u8::is_ascii_alphabetic);
    value.len() >= CHOSEN && (signed || numbered || is_ruled(value)) && !inserted
}

/// As rules for passwords ask: letters of both cases, digits and punctuation; neither a class of an expression nor what
/// tells how something is written: `A-Za-z0-9`, `Base64-encoded`.
fn is_ruled(value: &[u8]) -> bool {
    let kinds: [fn(&u8) -> bool; 4] =
        [u8::is_ascii_uppercase, u8::is_ascii_lowercase, u8::is_ascii_digit, |byte| b"!@#$%^&*?+=~-".contains(byte)];
    let lower = value.to_ascii_lowercase();
    let tells = [&b"a-z"[..], b"0-9", b"base64", b"encod"].iter().any(|part| memchr::memmem::find(&lower, part).is_some());
    kinds.iter().all(|kind| value.iter().any(kind)) && !tells
}

/// `abc-YYY`.
fn is_masked(value: &[u8]) -> bool {
    value.last_chunk().is_some_and(|[first, second, third]| first == second && second == third && first.is_ascii_alphabetic())
}

fn is_shown(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let spelt: Vec<u8> = lower.iter().map(|&byte| spelt(byte)).collect();
    let holds = |value: &[u8], parts: &[&[u8]]| parts.iter().any(|part| memchr::memmem::find(value, part).is_some());
    holds(&lower, SHOWN) || holds(&spelt, SHOWN) || (value.len() < CHOSEN || words::score(value) > NOISE) && holds(&lower, SHORT)
}

/// The letter that a digit or a sign stands for in `P4$$w0rd`.
const fn spelt(byte: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' | b'!' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        _ => byte,
    }
}

/// A number, an address of mail, a file and a path: `0xC00D2751`, `bob7@acme.example`, `pay2.p12`, `pay/ledger2`.
fn is_name(value: &[u8]) -> bool {
    let (head, tail) = value.split_at(value.iter().rposition(|&byte| byte == b'.').unwrap_or(value.len()));
    let ending = (2..=5).contains(&tail.len()) && tail[1..].iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let slashes = memchr::memchr_iter(b'/', value).count();
    let path = slashes > 1 || slashes == 1 && words::score(value) > NOISE;
    is_number(value) || !tail.is_empty() && head.contains(&b'@') || ending || path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_passwords_pass() {
        let alphabet = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#%^*-_+=?@";
        let mut state = 7u64;
        for (length, letters, allowed) in
            [(16, 62, 300), (16, alphabet.len(), 300), (16, 36, 400), (8, 62, 900), (8, 36, 1200), (12, 16, 1100)]
        {
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                alphabet[(state >> 33) as usize % letters]
            };
            let lost = (0..10_000).filter(|_| !is_password_like(&(0..length).map(|_| draw()).collect::<Vec<u8>>())).count();
            assert!(lost <= allowed, "{length} of {letters}: {lost} of 10000 are lost");
        }
    }

    #[test]
    fn those_that_services_draw_and_people_choose_pass() {
        for password in [
            "d26b1f61783a4c",
            "x7q2m9k4v1p8z3t6",
            "K7Q2M9X4V1P8Z3T6",
            "r6NECor63uX8EC",
            "c2OMUCAdTYIbMN",
            "xqkzvbwp",
            "Summer2024!",
            "Maple#41street",
            "kitty7!cat",
            "L3dg3r&Rome",
            "Cedar1987",
            "MapleCedar415",
            "Maple_204",
            "x7Qk2m",
            "qzx4vbw",
            "LdBNVcB96kEY",
            "Harbor-Lane42",
        ] {
            assert!(is_password_like(password.as_bytes()), "{password}");
        }
    }

    #[test]
    fn words_and_examples_do_not() {
        for other in [
            "MyPassword123",
            "SuperSecret42x",
            "Sup3rS3cr3tP@ssW0rd",
            "P4$$w0rd!9",
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
            "1q2w3e4r5t",
            "0xC00D2751",
            "bob7@acme.example",
            "pay2024xq.p12",
            "prefix$suffix2",
            "GXQPZX-YYY",
            "mysql57",
            "tcp4mux",
            "v2.1.0",
            "notify/html5/appkey",
            "pay/ledger2024",
            "eyJ0eXAiOiAiSldUIn0",
            "e72ca1655d05...",
            "A-Za-z0-9",
            "Base64-encoded",
            "Wachtwoord",
            "Adgangskode",
        ] {
            assert!(!is_password_like(other.as_bytes()), "{other}");
        }
    }
}
