//! What stands in base64 behind the prefix of some keys: `key_<id>,<secret>` (`WorkOS`, Highnote), or a
//! host name and `$` (Clerk's publishable keys).

use super::{Check, decode};

pub(super) const KEY_CHECK: Check =
    Check::new("base64-key-id", "base64 of an id and its secret", holds_key_id).mended_by(with_key_id).random_in(tail);

pub(super) const HOST_CHECK: Check = Check::new("base64-host", "base64 of a host name", holds_host).mended_by(with_host);

fn body(value: &[u8]) -> &[u8] {
    let mut parts = value.splitn(3, |&byte| byte == b'_');
    parts.nth(2).unwrap_or_default()
}

/// Text in base64 does not look random for long: the end, which is of the secret, does.
fn tail(value: &[u8]) -> &[u8] {
    &value[value.len().saturating_sub(20)..]
}

/// `key_` and a ULID, or another id of its length, a comma, and the secret.
fn holds_key_id(value: &[u8]) -> bool {
    decode::base64(body(value)).is_some_and(|text| {
        let Some(rest) = text.strip_prefix(b"key_") else { return false };
        let id = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let secret = rest.get(id + 1..).unwrap_or_default();
        id >= 16 && rest.get(id) == Some(&b',') && secret.len() >= 12 && secret.iter().all(u8::is_ascii_graphic)
    })
}

fn holds_host(value: &[u8]) -> bool {
    decode::base64(body(value)).is_some_and(|text| {
        let Some((b'$', host)) = text.split_last() else { return false };
        let part = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        host.contains(&b'.') && host.split(|&byte| byte == b'.').all(part)
    })
}

/// The value with `edit` done to the bytes that its body encodes.
fn edited(value: Vec<u8>, edit: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let digits = body(&value);
    let head = value.len() - digits.len();
    let padding = digits.iter().rev().take_while(|&&byte| byte == b'=').count();
    let Some(mut bytes) = decode::base64(digits) else { return value };
    edit(&mut bytes);
    [&value[..head], &decode::to_base64(&bytes), &b"=="[..padding]].concat()
}

/// A letter or digit for every byte, so that random bodies stay random.
fn letters(bytes: &mut [u8]) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ak";
    for byte in bytes {
        *byte = LETTERS[usize::from(*byte % 64)];
    }
}

fn with_key_id(value: Vec<u8>) -> Vec<u8> {
    edited(value, |bytes| {
        letters(bytes);
        bytes.iter_mut().zip(b"key_").for_each(|(byte, fixed)| *byte = *fixed);
        if let Some(byte) = bytes.get_mut(30) {
            *byte = b',';
        }
    })
}

fn with_host(value: Vec<u8>) -> Vec<u8> {
    edited(value, |bytes| {
        letters(bytes);
        if let [.., dot, _, _, _, last] = bytes {
            (*dot, *last) = (b'.', b'$');
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        [b"sk_live_", &decode::to_base64(text.as_bytes())[..]].concat()
    }

    #[test]
    fn keys_with_an_id_inside() {
        let id = "01HZ".repeat(6) + "AB";
        assert!(holds_key_id(&encoded(&format!("key_{id},{}", "q7Zp2LxW9vKc".repeat(2)))));
        assert!(!holds_key_id(&encoded(&format!("key_{id}.{}", "q7Zp2LxW9vKc".repeat(2)))));
        assert!(!holds_key_id(&encoded(&format!("key_{id},short"))));
        assert!(!holds_key_id(&encoded(&format!("kez_{id},{}", "q7Zp2LxW9vKc".repeat(2)))));
        assert!(holds_key_id(&with_key_id([&b"sk_live_"[..], &[b'x'; 72]].concat())));
    }

    #[test]
    fn hosts_that_end_in_a_dollar() {
        assert!(holds_host(&encoded("clerk.acme.example$")));
        assert!(!holds_host(&encoded("clerk.acme.example")));
        assert!(!holds_host(&encoded("clerk..example$")) && !holds_host(&encoded("clerk$")));
        assert!(holds_host(&with_host([&b"pk_live_"[..], &[b'x'; 40]].concat())));
    }
}
