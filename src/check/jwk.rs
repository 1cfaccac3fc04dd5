//! A private JSON Web Key: which of its fields must look random.

use super::Check;

pub(super) const CHECK: Check =
    Check::new("jwk", "a private JSON Web Key", |value| !private(value).is_empty()).random_in(private);

/// The names of the private fields: of EC, OKP and RSA keys, and of keys that are secret as a whole.
const NAMES: [(&[u8], usize); 2] = [(b"\"d\"", 43), (b"\"k\"", 22)];
/// Says that the key is secret as a whole.
const SYMMETRIC: &[u8] = b"\"oct";

/// The value of the private field, if it is long enough for a key: 32 bytes, 16 if it is symmetric.
fn private(value: &[u8]) -> &[u8] {
    let (name, shortest) = NAMES[usize::from(memchr::memmem::find(value, SYMMETRIC).is_some())];
    let behind =
        |at: usize| value[at + name.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"");
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let text = memchr::memmem::find_iter(value, name).find_map(behind).unwrap_or_default();
    let length = text.iter().take_while(|byte| is_part(byte)).count();
    if length < shortest { &[] } else { &text[..length] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_field_is_found_among_others() {
        let body = "q7Zp2LxW9vKc".repeat(4);
        for text in [format!("\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"{body}\""), format!("\"d\" : \"{body}\", \"dp\"")] {
            assert_eq!(private(text.as_bytes()), body.as_bytes(), "{text}");
        }
        for text in [format!("\"kty\":\"oct\",\"k\":\"{body}\""), format!("\"k\": \"{body}\", \"kty\": \"oct\"")] {
            assert_eq!(private(text.as_bytes()), body.as_bytes(), "{text}");
        }
        assert!(private(format!("\"kty\":\"oct\",\"d\":\"{body}\"").as_bytes()).is_empty());
        assert!(private(b"\"kty\":\"EC\",\"d\":\"short\"").is_empty() && private(b"\"id\":\"x\"").is_empty());
    }
}
