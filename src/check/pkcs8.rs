//! The first bytes of a private key in DER: PKCS#8, open or encrypted, PKCS#1 or SEC 1, in base64, with
//! or without the lines of dashes.

use super::pem::DASHES;
use super::{Check, decode};

pub(super) const CHECK: Check = Check::new("pkcs8", "a private key in DER", is_private_key).mended_by(mended);

fn is_private_key(value: &[u8]) -> bool {
    let digits: Vec<u8> = places(value).into_iter().map(|at| value[at]).collect();
    decode::base64(&digits).is_some_and(|bytes| has_head(&bytes))
}

/// A sequence that is as long as the key, and begins as a private key does.
pub(super) fn has_head(bytes: &[u8]) -> bool {
    let Some((length, rest)) = sequence(bytes) else { return false };
    let version = |rest: &[u8]| matches!(rest, [2, 1, 0 | 1, 2 | 4 | 0x30, ..]);
    // An encrypted key begins with the algorithm that encrypts it.
    let algorithm = |rest: &[u8]| sequence(rest).is_some_and(|(_, inner)| inner.first() == Some(&6));
    length == rest.len() && (version(rest) || algorithm(rest))
}

/// The length that a sequence says it has, and what follows its head.
fn sequence(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [0x30, length @ 0..=0x7f, rest @ ..] | [0x30, 0x81, length, rest @ ..] => Some((usize::from(*length), rest)),
        [0x30, 0x82, high, low, rest @ ..] => Some((usize::from(u16::from_be_bytes([*high, *low])), rest)),
        _ => None,
    }
}

/// Where the base64 digits stand: not in the armour, not in a prefix such as `wallet-auth:`, not in
/// blanks, quotes, escapes, and what joins the lines of a key in code.
fn places(value: &[u8]) -> Vec<usize> {
    // Behind the second row of dashes, before the third.
    let mut dashes = memchr::memmem::find_iter(value, DASHES).skip(1);
    let armour = dashes.next().map(|at| at + DASHES.len());
    let begin = armour.or_else(|| Some(memchr::memrchr(b':', value)? + 1)).unwrap_or(0);
    let body = &value[begin..dashes.next().unwrap_or(value.len())];
    digits(body).into_iter().map(|at| begin + at).collect()
}

/// Where the base64 digits stand between the lines of dashes.
pub(super) fn digits(body: &[u8]) -> Vec<usize> {
    let mut places = Vec::with_capacity(body.len());
    let mut escaped = false;
    for (at, &byte) in body.iter().enumerate() {
        let alone =
            || !at.checked_sub(1).is_some_and(|at| is_digit(body[at])) && !body.get(at + 1).is_some_and(|&next| is_digit(next));
        if is_digit(byte) && !escaped && !(byte == b'+' && alone()) {
            places.push(at);
        }
        escaped = byte == b'\\';
    }
    places
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn mended(mut value: Vec<u8>) -> Vec<u8> {
    let places = places(&value);
    // Padding in the middle becomes a digit, each time another one.
    let digit = |at: usize| if value[at] == b'=' { b'A' + u8::try_from(at % 26).unwrap_or_default() } else { value[at] };
    let digits: Vec<u8> = places.iter().map(|&at| digit(at)).collect();
    let Some(mut bytes) = decode::base64(&digits).filter(|bytes| (8..=0xFFFF).contains(&bytes.len())) else { return value };
    let [high, low] = u16::try_from(bytes.len() - 4).unwrap_or_default().to_be_bytes();
    bytes[..8].copy_from_slice(&[0x30, 0x82, high, low, 2, 1, 0, 0x30]);
    for (at, digit) in places.into_iter().zip(decode::to_base64(&bytes)) {
        value[at] = digit;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armoured(bytes: &[u8]) -> String {
        let digits = String::from_utf8(decode::to_base64(bytes)).unwrap();
        let padding = "=".repeat((4 - digits.len() % 4) % 4);
        let lines: Vec<String> =
            (digits + &padding).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into()).collect();
        ["-----BEGIN", " X-----\n", &lines.join("\n"), "\n-----END", " X-----"].concat()
    }

    #[test]
    fn heads_of_der() {
        let key = |head: &[u8], length: usize| armoured(&[head, &vec![0xA5; length]].concat());
        assert!(is_private_key(key(&[0x30, 0x81, 0x87, 2, 1, 0, 0x30], 131).as_bytes()), "PKCS#8");
        assert!(is_private_key(key(&[0x30, 0x82, 4, 0xA3, 2, 1, 0, 2], 1183).as_bytes()), "PKCS#1");
        assert!(is_private_key(key(&[0x30, 0x77, 2, 1, 1, 4], 115).as_bytes()), "SEC 1");
        assert!(is_private_key(key(&[0x30, 0x81, 0x90, 0x30, 0x40, 6], 141).as_bytes()), "encrypted");
        assert!(!is_private_key(key(&[0x30, 0x81, 0x87, 2, 1, 0, 0x30], 130).as_bytes()), "cut");
        assert!(!is_private_key(key(&[0x30, 0x81, 0x87, 4, 1, 0, 0x30], 131).as_bytes()), "no version");
        let escaped = key(&[0x30, 0x81, 0x87, 2, 1, 0, 0x30], 131).replace('\n', "\\n");
        assert!(is_private_key(escaped.as_bytes()));
        let joined = key(&[0x30, 0x81, 0x87, 2, 1, 0, 0x30], 131).replace('\n', "\\n\" +\n    \"");
        assert!(is_private_key(joined.as_bytes()), "joined in code");
        let bare: Vec<u8> = key(&[0x30, 0x81, 0x87, 2, 1, 0, 0x30], 131)
            .lines()
            .filter(|line| !line.contains("--"))
            .flat_map(str::bytes)
            .collect();
        assert!(is_private_key(&[b"wallet-auth:", &bare[..]].concat()), "behind a prefix");
        assert!(is_private_key(&mended(armoured(&[7; 300]).into_bytes())));
        assert!(is_private_key(&mended([b'Q'; 184].to_vec())));
        assert!(!is_private_key(b""));
    }
}
