//! A signed JSON Web Token: the first of its three parts is a JSON object that names an algorithm. Only
//! the last part, the signature, looks random.

use super::{Check, decode};

pub(super) const CHECK: Check = Check::new("jwt", "a JSON Web Token", is_jwt).mended_by(mended).random_in(signature);

fn is_jwt(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.split(|&byte| byte == b'.').collect();
    let [header, payload, signature] = parts[..] else { return false };
    let names_algorithm = decode::base64(header).is_some_and(|text| is_object(&text) && has_algorithm(&text));
    let payload = decode::base64(payload);
    names_algorithm && payload.is_some_and(|text| !is_sample(&text)) && !signature.is_empty()
}

/// The subject of the tokens that everybody's documentation shows.
fn is_sample(payload: &[u8]) -> bool {
    let bare: Vec<u8> = payload.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    memchr::memmem::find(&bare, br#""sub":"1234567890""#).is_some()
}

fn is_object(text: &[u8]) -> bool {
    text.starts_with(b"{") && text.ends_with(b"}") && std::str::from_utf8(text).is_ok()
}

/// `"alg"`, a colon, and a string that is not `none`.
fn has_algorithm(text: &[u8]) -> bool {
    const NAME: &[u8] = b"\"alg\"";
    let Some(at) = memchr::memmem::find(text, NAME) else { return false };
    let mut rest = text[at + NAME.len()..].iter().filter(|byte| !byte.is_ascii_whitespace());
    let begins = rest.next() == Some(&b':') && rest.next() == Some(&b'"');
    let name: Vec<u8> = rest.take_while(|&&byte| byte != b'"').map(u8::to_ascii_lowercase).collect();
    begins && !name.is_empty() && name != b"none"
}

fn signature(value: &[u8]) -> &[u8] {
    value.rsplit(|&byte| byte == b'.').next().unwrap_or_default()
}

fn mended(value: Vec<u8>) -> Vec<u8> {
    // A header that begins as the value does, where that names a usual first field.
    let first = decode::base64(&value[..value.len().min(8)]).unwrap_or_default();
    let header = match first.get(2..5) {
        Some(field @ (b"typ" | b"kid" | b"x5t" | b"cty")) => [br#"{""#, field, br#"":"JWT","alg":"HS256"}"#].concat(),
        _ => br#"{"alg":"HS256","typ":"JWT"}"#.to_vec(),
    };
    let header = decode::to_base64(&header);
    let parts: Vec<&[u8]> = value.split(|&byte| byte == b'.').collect();
    match parts[..] {
        [_, payload, signature] => {
            // No base64 has such a length.
            let payload = &payload[..payload.len() - usize::from(payload.len() % 4 == 1)];
            [&header, payload, signature].join(&b'.')
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> Vec<u8> {
        let encoded = |text: &str| decode::to_base64(text.as_bytes());
        [&encoded(header)[..], &encoded(r#"{"sub":"1"}"#), &[b'x'; 43]].join(&b'.')
    }

    #[test]
    fn the_header_names_an_algorithm() {
        assert!(is_jwt(&token(r#"{"alg":"HS256","typ":"JWT"}"#)));
        assert!(is_jwt(&token(r#"{ "kid": "7", "alg" : "ES256" }"#)));
        assert!(!is_jwt(&token(r#"{"alg":"none"}"#)), "not signed");
        assert!(!is_jwt(&token(r#"{"typ":"JWT"}"#)));
        assert!(!is_jwt(&token(r#"["alg","HS256"]"#)));
        assert!(!is_jwt(b"a.b") && !is_jwt(b"a.b.c.d") && !is_jwt(b""));
        assert_eq!(signature(b"a.b.cd"), b"cd");
        assert!(is_jwt(&mended(b"eyJxxxxx.eyJxxxx.xxxx".to_vec())));
    }
}
