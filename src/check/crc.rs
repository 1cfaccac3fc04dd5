//! Tokens that end in six base62 digits of the CRC-32 of the 30 before: GitHub and npm count from `0`
//! over `A` to `z`, Dynamic over `a` to `Z`.

use super::Check;

const GITHUB: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DYNAMIC: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

pub(super) const GITHUB_CHECK: Check =
    Check::new("github-crc", "a body whose checksum is right", |value| ends_in_checksum(value, GITHUB))
        .mended_by(|value| with_checksum(value, GITHUB));

pub(super) const DYNAMIC_CHECK: Check =
    Check::new("dynamic-crc", "a body whose checksum is right", |value| ends_in_checksum(value, DYNAMIC))
        .mended_by(|value| with_checksum(value, DYNAMIC));

/// How many digits the checksum has, and how many bytes it is made from.
const DIGITS: usize = 6;
const BODY: usize = 30;

fn ends_in_checksum(value: &[u8], alphabet: &[u8; 62]) -> bool {
    let body = value.rsplit(|&byte| byte == b'_').next().unwrap_or_default();
    body.len() == BODY + DIGITS && body[BODY..] == checksum(&body[..BODY], alphabet)
}

fn with_checksum(mut value: Vec<u8>, alphabet: &[u8; 62]) -> Vec<u8> {
    if let Some(end) = value.len().checked_sub(DIGITS)
        && let Some(begin) = end.checked_sub(BODY)
    {
        let digits = checksum(&value[begin..end], alphabet);
        value[end..].copy_from_slice(&digits);
    }
    value
}

fn checksum(body: &[u8], alphabet: &[u8; 62]) -> [u8; DIGITS] {
    let mut rest = crc32(body);
    let mut digits = [alphabet[0]; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = alphabet[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// The CRC of zip and Ethernet, bit by bit: a body is short.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
    !bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32/ISO-HDLC.
    #[test]
    fn the_crc_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    /// One token that was made, published and revoked to show the format, and the example of Dynamic's
    /// documentation.
    #[test]
    fn published_tokens_pass() {
        let github = ["gh", "p_", "zQWBuTSOoRi4A9s", "pHcVY5ncnsDkxkJ", "0mLq17"].concat();
        let dynamic = ["dy", "n_", "aGLjTe3TUN40vSE", "75sTtgUx9AjIe0q", "4n3LFC"].concat();
        assert!((GITHUB_CHECK.test)(github.as_bytes()) && !(DYNAMIC_CHECK.test)(github.as_bytes()));
        assert!((DYNAMIC_CHECK.test)(dynamic.as_bytes()) && !(GITHUB_CHECK.test)(dynamic.as_bytes()));
        for at in 4..github.len() {
            let mut other = github.clone().into_bytes();
            other[at] = if other[at] == b'a' { b'b' } else { b'a' };
            assert!(!(GITHUB_CHECK.test)(&other), "{at}");
        }
        assert!(!(GITHUB_CHECK.test)(&github.as_bytes()[..39]));
        assert!(!(GITHUB_CHECK.test)(b""));
    }
}
