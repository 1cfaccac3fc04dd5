//! A private JSON Web Key: which of its fields must look random.

use super::Check;

pub(super) const CHECK: Check =
    Check::new("jwk", "a private JSON Web Key", |value| !private(value).is_empty()).random_in(private);

/// The name of the private field of EC, OKP and RSA keys.
const NAME: &[u8] = b"\"d\"";
/// Of 32 bytes, the shortest that is in use.
const SHORTEST: usize = 43;

/// The value of the field `d`, if it is long enough for a key.
fn private(value: &[u8]) -> &[u8] {
    let behind =
        |at: usize| value[at + NAME.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"");
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let text = memchr::memmem::find_iter(value, NAME).find_map(behind).unwrap_or_default();
    let length = text.iter().take_while(|byte| is_part(byte)).count();
    if length < SHORTEST { &[] } else { &text[..length] }
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
        assert!(private(b"\"kty\":\"EC\",\"d\":\"short\"").is_empty() && private(b"\"id\":\"x\"").is_empty());
    }
}
