//! Keys in PEM: what stands between the lines of dashes, and whether that can be a key.

use super::{Check, decode, pkcs8};

/// A key that was cut still begins like one.
pub(super) const CHECK: Check = Check::new("pem-head", "the beginning of a key", begins_like_a_key);

/// What stands on either side of a title in PEM.
pub(super) const DASHES: &[u8] = b"-----";
/// The sign of an SSH key, encrypted or not.
const OPENSSH: &[u8] = b"openssh-key-v1\0";
/// Digits of base64.
const BASE64: usize = 64;
/// So many of them write the shortest key.
const SHORTEST: usize = 40;

/// What stands between the lines of dashes of a PEM block.
pub(super) fn between_dashes(body: &[u8]) -> Option<&[u8]> {
    let end = memchr::memmem::find(body, b"-----END ")?;
    let begin = memchr::memmem::rfind(&body[..end], DASHES).map_or(0, |at| at + DASHES.len());
    Some(&body[begin..end])
}

/// Whether what stands between lines of dashes is a key: its digits, without the blanks, quotes and escapes between
/// them. What decodes to a key is one, however regular the numbers in it are.
pub(super) fn is_plausible(armoured: &[u8]) -> bool {
    let body = without_headers(armoured);
    let digits: Vec<u8> = pkcs8::digits(body).into_iter().map(|at| body[at]).collect();
    let is_key = |bytes: Vec<u8>| pkcs8::has_head(&bytes) || bytes.starts_with(OPENSSH);
    decode::base64(&digits).is_some_and(is_key) || digits.len() >= SHORTEST && super::is_random(&digits, BASE64)
}

/// Every key in DER begins with the byte of a sequence, and so with an `M` in base64; what OpenSSL encrypts does not.
fn begins_like_a_key(value: &[u8]) -> bool {
    let Some(title) = memchr::memmem::find(value, b"KEY-----") else { return false };
    let body = between_dashes(&value[title..]).unwrap_or_default();
    memchr::memmem::find(body, b"DEK-Info:").is_some() || pkcs8::digits(body).first().is_some_and(|&at| body[at] == b'M')
}

/// What follows the headers of an encrypted key of OpenSSL: `DEK-Info:`, a cipher, a comma, and a number in hex.
fn without_headers(armoured: &[u8]) -> &[u8] {
    const HEADER: &[u8] = b"DEK-Info:";
    let Some(header) = memchr::memmem::find(armoured, HEADER) else { return armoured };
    let rest = &armoured[header + HEADER.len()..];
    let rest = memchr::memchr(b',', rest).map_or(rest, |comma| &rest[comma + 1..]);
    &rest[rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()..]
}

#[cfg(test)]
mod tests {
    use super::super::{decode, is_plausible};

    #[test]
    fn keys_begin_with_a_sequence() {
        let armoured = |body: &str| ["-----BEGIN RSA PRIVATE", " KEY-----", body, "-----END RSA PRIVATE", " KEY-----"].concat();
        for body in [
            "\nMIIEpAIBAAKCAQEA\n",
            "\\nMIIEpAIBAAKCAQEA\\n",
            "\n    MHcCAQEEI\n",
            "\\r\\nMC4CAQAw",
            "\nDEK-Info: X,00\n\nq7Zp\n",
        ] {
            assert!(super::begins_like_a_key(armoured(body).as_bytes()), "{body}");
        }
        for body in ["\nq7Zp2LxW9v\n", "\nfoo\n", "", "\nabcdef\n"] {
            assert!(!super::begins_like_a_key(armoured(body).as_bytes()), "{body}");
        }
    }

    /// What is regular in a key does not make it a placeholder: the names and zeros at the head of an SSH key, the
    /// numbers of a known group, blanks before each line.
    #[test]
    fn keys_with_regular_parts() {
        let noise: Vec<u8> = (0..200_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 21).to_le_bytes()[0]).collect();
        let head = b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\x01\0\0\0\x33";
        let ssh = [&head[..], &noise].concat();
        let group = [&[0x30, 0x82, 1, 16, 2, 1, 0, 0x30][..], &[0xFF; 68], &noise].concat();
        for (bytes, indent) in [(&ssh, 0), (&ssh, 8), (&group, 0), (&group, 12), (&noise, 0), (&noise, 8), (&noise, 16)] {
            let digits = String::from_utf8(decode::to_base64(bytes)).unwrap();
            let padded = digits.clone() + &"=".repeat((4 - digits.len() % 4) % 4);
            let lines: Vec<&str> = padded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
            let between = format!("\n{}", " ".repeat(indent));
            let text = [" KEY-----", &between, &lines.join(&between), &between, "-----END ", "KEY-----"].concat();
            assert!(is_plausible(text.as_bytes(), 64), "{indent}: {text}");
        }
        for other in ["QUJD".repeat(20), "x".repeat(80), " ".repeat(80)] {
            let text = [" KEY-----\n", &other, "\n-----END ", "KEY-----"].concat();
            assert!(!is_plausible(text.as_bytes(), 64), "{text}");
        }
    }
}
