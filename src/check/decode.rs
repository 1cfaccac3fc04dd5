//! Base64 in either alphabet, for the checks that look inside.

/// The bytes of a base64 text, with or without padding; nothing where it is none.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    let digits = &text[..text.len() - padding];
    if padding > 2 || digits.len() % 4 == 1 || padding > 0 && !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for chunk in digits.chunks(4) {
        let group = chunk.iter().try_fold(0u32, |group, &digit| Some(group << 6 | u32::from(value_of(digit)?)))?;
        let group = group << (6 * (4 - chunk.len()));
        bytes.extend(group.to_be_bytes()[1..chunk.len()].iter());
    }
    Some(bytes)
}

/// The digits of bytes, without padding.
pub(super) fn to_base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0usize, |group, &byte| group << 8 | usize::from(byte)) << (8 * (3 - chunk.len()));
        digits.extend((0..=chunk.len()).map(|at| DIGITS[group >> (18 - 6 * at) & 63]));
    }
    digits
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn base64_there_and_back() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(base64(encoded.as_bytes()).as_deref(), Some(plain.as_bytes()));
            assert_eq!(base64(encoded.trim_end_matches('=').as_bytes()).as_deref(), Some(plain.as_bytes()));
            assert_eq!(to_base64(plain.as_bytes()), encoded.trim_end_matches('=').as_bytes());
        }
        assert_eq!(base64(b"_-+/"), Some(vec![0xff, 0xef, 0xbf]));
        for wrong in ["Z", "Zm9v=", "Zg===", "Zm 9", "Zm9vYg="] {
            assert_eq!(base64(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
