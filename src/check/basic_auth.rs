//! Base64 of a user and a password, as registries keep them: `user:password`.

use super::{Check, decode};

/// Text in base64 does not look random: the password in it is looked at.
pub(super) const CHECK: Check =
    Check::new("basic-auth", "base64 of a user and a password", holds_user).mended_by(with_user).random_in(|_| &[]);

/// Shorter passwords are those of examples.
const SHORTEST: usize = 8;
/// Letters and digits, of which most passwords are.
const ALPHABET: usize = 62;

fn holds_user(value: &[u8]) -> bool {
    decode::base64(value).is_some_and(|text| {
        let Some(colon) = memchr::memchr(b':', &text) else { return false };
        let password = &text[colon + 1..];
        let written = colon > 0 && text.iter().all(u8::is_ascii_graphic);
        written && password.len() >= SHORTEST && super::is_random(password, ALPHABET)
    })
}

fn with_user(value: Vec<u8>) -> Vec<u8> {
    let Some(mut bytes) = decode::base64(&value) else { return value };
    for byte in &mut bytes {
        *byte = b"ghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789abcdef"[usize::from(*byte) % 58];
    }
    if let Some(byte) = bytes.get_mut(4) {
        *byte = b':';
    }
    decode::to_base64(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords() {
        let encoded = |text: &str| holds_user(&decode::to_base64(text.as_bytes()));
        assert!(encoded("acme:q7Zp2LxW9vKc"));
        assert!(holds_user(&with_user(b"q7Zp2LxW9vKcMn4tRb8sYd3e".to_vec())));
        for other in ["acme", ":q7Zp2LxW9vKc", "acme:short", "acme:q7Zp 2LxW9vKc"] {
            assert!(!encoded(other), "{other}");
        }
    }
}
