//! Whether a value is a password that was drawn from letters, digits and any signs, brackets and operators among them:
//! what no alphabet of keys holds, and code, templates, expressions and hashes are full of.

use super::password_like::is_nothing_else;
use super::secret_like::{bits, is_key_fingerprint, is_wordy};
use super::{Check, words};

pub(super) const CHECK: Check = Check::new("signed-password", "drawn from letters, digits and signs", is_signed_password)
    // Placeholders are left out here; among so many signs, what says so elsewhere stands by chance.
    .random_in(|_| &[]);

/// The sum of votes (see `words`) below which a value reads like nothing, and the one without which case or digits are
/// missing.
const DRAWN: f64 = -4.0;
const NOISE: f64 = -12.0;

/// What inserts a value, chooses among characters or calls something: a template, an expression, a line of code.
const CODE: &[&[u8]] = &[
    b"${", b"{{", b"#{", b"%{", b"@{", b"{$", b"$(", b"%(", b"<%", b"[[", b"(?", b".*", b"()", b"->", b"=>", b"::", b"://",
    b"&&", b"||", b"a-z", b"A-Z", b"0-9", b"};", b");",
];

/// Signs that only code and what people draw have.
const BRACKETS: &[u8] = b"()[]{}<>|;,:";

/// The fewest letters that make a word before a bracket or an operator.
const WORD: usize = 4;

fn is_signed_password(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let ruled = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    let bracketed = has(|byte| BRACKETS.contains(byte));
    let level = if ruled { DRAWN } else { NOISE };
    has(u8::is_ascii_punctuation)
        && has(u8::is_ascii_digit)
        && (ruled || !bracketed)
        && words::score(value) <= level
        && bits(value) >= 2.7
        && !is_code(value)
        && !is_hash(value)
        && !is_key_fingerprint(value)
        && !is_wordy(value)
        && is_nothing_else(value)
}

/// `${x}`, `<x>`, `name(x)`, `{name:x}`, `x;name=y`, `x,name:y`.
fn is_code(value: &[u8]) -> bool {
    let enclosed = matches!(value, [b'<', .., b'>'] | [b'{', .., b'}'] | [b'[', .., b']'] | [b'(', .., b')'] | [b'%', .., b'%']);
    let calls = value.iter().enumerate().any(|(at, byte)| match byte {
        b'=' | b':' => ends_in_word(&value[..at]),
        b'(' | b'[' => ends_in_word(&value[..at]) || begins_with_word(&value[at + 1..]),
        b'{' | b'<' => begins_with_word(&value[at + 1..]),
        _ => false,
    });
    let goes_on = value.split(|byte| b";,&".contains(byte)).skip(1).any(|part| {
        let name = part.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_$.".contains(byte)).count();
        name >= 1 && matches!(part.get(name), Some(b'=' | b':' | b'('))
    });
    enclosed || calls || goes_on || closes_another(value) || CODE.iter().any(|code| memchr::memmem::find(value, code).is_some())
}

/// Whether the bracket at the end was opened before the value: `[inet:passwd=v]`.
fn closes_another(value: &[u8]) -> bool {
    let opener = match value.last() {
        Some(b')') => b'(',
        Some(b']') => b'[',
        Some(b'}') => b'{',
        Some(b'>') => b'<',
        _ => return false,
    };
    !value.contains(&opener)
}

fn ends_in_word(head: &[u8]) -> bool {
    head.iter().rev().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count() >= WORD
}

fn begins_with_word(rest: &[u8]) -> bool {
    rest.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count() >= WORD
}

/// `{SSHA}…`, `$P$…`, `pbkdf2_sha256$…`: what a password was made into.
fn is_hash(value: &[u8]) -> bool {
    let named = |close: u8| value.iter().skip(1).position(|&byte| byte == close).is_some_and(|at| at <= 12);
    let word = |byte: &&u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'0'..=b'9');
    let algorithm = value.iter().take_while(word).count();
    match value[0] {
        b'{' => named(b'}'),
        b'$' => named(b'$'),
        _ => algorithm >= WORD && matches!(value.get(algorithm), Some(b'$' | b':')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_generators_draw_passes() {
        let signs = b"!#$%&()*+,-./:;<=>?@[]^_{|}~";
        let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let mut state = 7u64;
        for (length, alphabet, allowed) in [
            (12, [&letters[..], signs].concat(), 3700),
            (20, [&letters[..], signs].concat(), 2600),
            (32, [&letters[..], signs].concat(), 3000),
            (20, [&letters[..], b".,:;!-_"].concat(), 2600),
            (24, [&letters[..26], &letters[52..], b"-._"].concat(), 2700),
        ] {
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                alphabet[(state >> 33) as usize % alphabet.len()]
            };
            let lost = (0..10_000).filter(|_| !is_signed_password(&(0..length).map(|_| draw()).collect::<Vec<u8>>())).count();
            assert!(lost <= allowed, "{length} of {}: {lost} of 10000 are lost", alphabet.len());
        }
    }

    #[test]
    fn code_templates_and_hashes_do_not() {
        for other in [
            "${DB_PASSWORD:-x7Q2}",
            "{{ .Values.Db.Password1 }}",
            "<YourPassword123>",
            "getPassword(K7,x2Q)",
            "os.environ[K7x2Qz]",
            "^(?=.*[A-Z])(?=.*[0-9]).{8,}$",
            "required|min:8|max:20",
            "x7Qk2mZ9;Encrypt=True",
            "x7Qk2mZ9&scope=Read",
            "{SSHA}kQ7x2mZ9vK4TgR8sYbN3mD",
            "$P$BkQ7x2mZ9vK4TgR8sYbN3mD",
            "pbkdf2_sha256$2600$kQ7x2mZ9",
            "Config::get(K7x2)",
            "this.form.value.Password2",
            "12:30:45.123Z",
            "MyPassword123!",
            "user.Pass1[0]",
            "AgEI{base64url:70}Q",
            "s,isSwagger2:o,isOAS3:i",
            "!0};np(nV,nH);var",
            "hV,d8.OTP=hL;let",
            "*7C21E0D85FA3096B4E1D83C5702BF96AE4810D37",
            "2Cool4u]",
        ] {
            assert!(!is_signed_password(other.as_bytes()), "{other}");
        }
    }
}
