//! Values that stand for a secret and are none: `your_…_here`, `xxxxxxxx`, `1234567890`.
//!
//! Every test is bounded by chance: a random body of any length in use must not lose more than one
//! in ten thousand, so short words count only as whole tokens, long ones anywhere.

/// Words that say so when they are a whole token between other bytes than letters and digits.
const TOKENS: &[&str] = &[
    "changeit",
    "demo",
    "dummy",
    "enter",
    "fake",
    "fill",
    "here",
    "insert",
    "invalid",
    "mock",
    "none",
    "null",
    "paste",
    "sample",
    "some",
    "test",
    "todo",
    "undefined",
    "value",
    "xxxx",
    "your",
    "yours",
];

/// Words that say so wherever they stand, in any case.
const ANYWHERE: &[&str] = &[
    "a0b1c2d3",
    "a1b2c3d4",
    "abcdef123",
    "changeme",
    "dontcommit",
    "example",
    "invalid",
    "notareal",
    "notreal",
    "placeholder",
    "redacted",
    "replaceme",
    "runtimeonly",
    "yourapikey",
    "yourkey",
    "yoursecret",
    "yourtoken",
];

/// What begins the address of a secret in a store of secrets, and what is encrypted.
const MANAGERS: &[&str] = &[
    "@microsoft.keyvault(",
    "akv://",
    "arn:aws:",
    "azurekeyvault:",
    "doppler:",
    "enc(",
    "enc[",
    "file:/",
    "infisical:",
    "keychain:",
    "op://",
    "ref+",
    "secretref:",
    "sm://",
    "ssm:/",
    "vault:",
];

/// Bodies up to this length are searched for tokens.
const SHORT: usize = 64;

/// A run of steps of one (`abcdef`, `4321`, `aaaa`) counts from this length on.
const RUN: usize = 5;

pub(super) fn is_placeholder(body: &[u8]) -> bool {
    has_masking(body) || has_placeholder_word(body) || is_mostly_runs(body) || is_constant_name(body) || is_reference(body)
}

/// `…xxxxxxxx…`, `<…>`, `***`: eight equal bytes in a row, or bytes that no key holds.
fn has_masking(body: &[u8]) -> bool {
    let (mut length, mut longest) = (1, body.len().min(1));
    for pair in body.windows(2) {
        length = length * usize::from(pair[0] == pair[1]) + 1;
        longest = longest.max(length);
    }
    longest >= 8 || body.len() >= 8 && longest * 2 >= body.len()
}

/// `ADYEN_WS_PASSWORD`: the name of a variable where its value should be.
fn is_constant_name(body: &[u8]) -> bool {
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_uppercase);
    body.contains(&b'_') && body.split(|&byte| matches!(byte, b'_' | b'*')).all(is_word)
}

/// `${env:PASSWORD}`, `${ssm:/pay/password}`, `#{PASSWORD}`, `$PASSWORD_OF`, `@@PASSWORD@@`, `!ImportValue`: where a value
/// comes from.
fn is_reference(body: &[u8]) -> bool {
    let is_path = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:/,@ ".contains(byte);
    let is_name = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9'));
    match body {
        [b'$' | b'#' | b'%' | b'@' | b'{', b'{', .., b'}'] | [b'$', b'(', .., b')'] => true,
        // Cut where a blank or a quote stands.
        [b'$', b'{', path @ ..] => path.iter().all(is_path) && path.iter().any(|byte| matches!(byte, b':' | b'.')),
        [b'_', b'_', name @ .., b'_', b'_'] | [b'@', b'@', name @ .., b'@', b'@'] | [b'$', b'$', name @ .., b'$', b'$'] => {
            is_name(name)
        }
        [b'$', name @ ..] => name.contains(&b'_') && is_name(name),
        [b'!', tag @ ..] => tag.iter().all(u8::is_ascii_alphabetic),
        _ => MANAGERS.iter().any(|head| body.len() > head.len() && body[..head.len()].eq_ignore_ascii_case(head.as_bytes())),
    }
}

fn has_placeholder_word(body: &[u8]) -> bool {
    // A long body holds many short tokens by chance.
    body.len() <= SHORT && has_token(body) || (0..body.len()).any(|at| holds_word(&body[at..]))
}

fn has_token(body: &[u8]) -> bool {
    let tokens = body.split(|byte| !byte.is_ascii_alphanumeric());
    let mut tokens = tokens.filter(|token| (4..body.len()).contains(&token.len()));
    tokens.any(|token| TOKENS.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(token)))
}

/// Which words that say so anywhere have a byte at their first place, and at their second: a bit for each.
const BEGINNINGS: [[u32; 256]; 2] = {
    let mut words = [[0; 256]; 2];
    let mut number = 0;
    while number < ANYWHERE.len() {
        let word = ANYWHERE[number].as_bytes();
        let mut place = 0;
        while place < 2 {
            words[place][word[place] as usize] |= 1 << number;
            words[place][word[place].to_ascii_uppercase() as usize] |= 1 << number;
            place += 1;
        }
        number += 1;
    }
    words
};

/// Whether a body begins with one of the words that say so anywhere.
fn holds_word(body: &[u8]) -> bool {
    // Most pairs of random bytes begin none of them, and a search for each word costs more than this.
    let [first, second, ..] = *body else { return false };
    let begins = BEGINNINGS[0][usize::from(first)] & BEGINNINGS[1][usize::from(second)] != 0;
    begins && ANYWHERE.iter().any(|word| body.len() >= word.len() && body[..word.len()].eq_ignore_ascii_case(word.as_bytes()))
}

/// Ascending, descending and flat runs that make up half of the body, or one of twelve bytes.
fn is_mostly_runs(body: &[u8]) -> bool {
    // Most bodies hold no run at all, which costs less to see than to count.
    let (mut steps, mut most) = (0, 0);
    for pair in body.windows(2) {
        steps = (steps + 1) * usize::from(may_step(pair[0], pair[1]));
        most = most.max(steps);
    }
    if most + 1 < RUN {
        return false;
    }
    let (mut covered, mut longest, mut length, mut last_step) = (0, 0, 1, None);
    for pair in body.windows(2).map(Some).chain([None]) {
        let step = pair.and_then(|pair| step(pair[0], pair[1]));
        if step.is_some() && (step == last_step || length == 1) {
            length += 1;
        } else {
            if length >= RUN {
                covered += length;
            }
            longest = longest.max(length);
            length = if step.is_some() { 2 } else { 1 };
        }
        last_step = step;
    }
    longest >= 10 || covered * 2 >= body.len() && covered > 0
}

/// Whether there may be a [`step`] from one byte to the next.
fn may_step(from: u8, to: u8) -> bool {
    matches!((from | 0x20).abs_diff(to | 0x20), 0 | 1 | 9 | 25)
}

/// The step from one byte to the next, if it is one that people type: 0, 1 or -1, `9` to `0`
/// and `z` to `a` included.
fn step(from: u8, to: u8) -> Option<i8> {
    let (from, to) = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
    match (from, to) {
        (b'9', b'0') | (b'z', b'a') => Some(1),
        (b'0', b'9') | (b'a', b'z') => Some(-1),
        _ if !from.is_ascii_alphanumeric() => None,
        _ => match i16::from(to) - i16::from(from) {
            0 => Some(0),
            1 => Some(1),
            -1 => Some(-1),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn what_people_write_instead_of_a_key() {
        for body in [
            "your_business_key",
            "YOUR-SECRET-KEY-HERE",
            "placeholderplaceholder12",
            "xxxxxxxxxxxxxxxxxxxxxxxx",
            "XXXXXXXXXXXX",
            "1234567890",
            "123456789012345678901234",
            "abcdefghijklmnopqrstuvwx",
            "abcdef1234567890abcdef12",
            "00000000000000000000000000000000",
            "some-fake-key-for-ci",
            "AKIAIOSFODNN7EXAMPLE",
            "abc123changemeabc123",
            "secret_key_1234567890",
            "ADYEN_WS_PASSWORD",
            "${env:PAYFAST_PASSPHRASE}",
            "${ssm:/pay/ws/password}",
            "${env:ADYEN_PASSWORD,",
            "${ssm:/pay/${sls:stage}/password}",
            "${WORLDPAY_PASSWORD:?missing}",
            "#{WORLDPAY_PASSWORD}",
            "__WORLDPAY_XML_PASSWORD__",
            "$(WORLDPAY_PASSWORD)",
            "$WORLDPAY_PASSWORD_2",
            "@@NIUBIZ_PASSWORD@@",
            "!ImportValue",
            "vault:secret/data/pay#password",
            "ENC(q7Zp2LxW9vKc4TgR8sYbN3mD)",
            "ssm:/pay/adyen/password",
        ] {
            assert!(is_placeholder(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn every_step_is_one_at_a_glance() {
        for (from, to) in (0..=u8::MAX).flat_map(|from| (0..=u8::MAX).map(move |to| (from, to))) {
            assert!(super::step(from, to).is_none() || super::may_step(from, to), "{from} {to}");
        }
    }

    #[test]
    fn every_word_is_seen_wherever_it_stands() {
        for word in super::ANYWHERE {
            assert!(super::holds_word(word.as_bytes()), "{word}: its first letters are not asked for");
            assert!(is_placeholder(format!("q7Zp{word}Lx9W").as_bytes()), "{word}");
        }
    }

    #[test]
    fn what_keys_look_like() {
        for body in [
            "q7Zp2LxW9vKc4TgR8sYbN3mD",
            "${q7Zp2LxW9v!Kc4",
            "$K7ZP2LXW9VKC4TGR",
            "!q7Zp2LxW9vKc4",
            "9f86d081884c7d659a2feaa0c55ad015",
            "test9Kq2xxxZp7LwRvYc4Tg",
            "hello-Zp7LwRvYc4Tg9Kq2",
        ] {
            assert!(!is_placeholder(body.as_bytes()), "{body}");
        }
    }
}
