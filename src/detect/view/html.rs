//! Character references of HTML and XML.

use super::{Escape, Escapes, Form, View};
use crate::credential;

/// No reference is longer.
const LONGEST: usize = 12;

/// Names of what stands in keys and beside them.
const NAMED: &[(&[u8], u8)] = &[
    (b"quot", b'"'),
    (b"amp", b'&'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"apos", b'\''),
    (b"nbsp", b' '),
    (b"lowbar", b'_'),
    (b"equals", b'='),
    (b"colon", b':'),
    (b"period", b'.'),
    (b"hyphen", b'-'),
    (b"sol", b'/'),
    (b"plus", b'+'),
];

pub(super) const VIEW: View =
    View { name: credential::View::Html, form: Form::Escape(Escapes { introducer: b'&', decode, hides }) };

/// Quotes and ampersands need no decoding: edges and slots understand them as they stand.
fn hides(escape: &Escape) -> bool {
    !matches!(escape.bytes[0], b'"' | b'&' | b'\'' | b' ')
}

fn decode(bytes: &[u8], at: usize) -> Option<Escape> {
    let rest = &bytes[at + 1..];
    // Most ampersands stand between the parameters of a URL.
    let end = rest.iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
    let name = &rest[..end];
    if rest.get(end) != Some(&b';') || end == LONGEST {
        return None;
    }
    let Some(number) = name.strip_prefix(b"#") else {
        let (_, byte) = NAMED.iter().find(|(text, _)| *text == name)?;
        return Some(Escape::byte(1 + end + 1, *byte));
    };
    let (digits, radix) = match number {
        [b'x' | b'X', digits @ ..] => (digits, 16),
        digits => (digits, 10),
    };
    // A sign is no part of the number.
    let digits = std::str::from_utf8(digits).ok()?;
    let c = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    Some(Escape::char(1 + end + 1, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Escape> {
        decode(text.as_bytes(), 0)
    }

    #[test]
    fn names_and_numbers() {
        assert_eq!(read("&quot;x"), Some(Escape::byte(6, b'"')));
        assert_eq!(read("&lt;"), Some(Escape::byte(4, b'<')));
        assert_eq!(read("&#95;"), Some(Escape::char(5, '_')));
        assert_eq!(read("&#x5F;"), Some(Escape::char(6, '_')));
        assert_eq!(read("&#X00005f;"), Some(Escape::char(10, '_')));
        assert_eq!(read("&#1082;"), Some(Escape::char(7, 'к')));
        for none in ["&", "&;", "&#;", "&#x;", "&#+5;", "&unknown;", "&quot", "&a=1;", "&#xD800;", "&#99999999999;"] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn quotes_alone_hide_nothing() {
        let hides = |text| hides(&read(text).unwrap());
        assert!(!hides("&quot;") && !hides("&amp;") && !hides("&#34;"));
        assert!(hides("&#95;") && hides("&lt;") && hides("&lowbar;"));
    }
}
