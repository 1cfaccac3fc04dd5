//! The escapes of JSON strings and of their cousins in C, JavaScript and Python, up to three levels.

use super::percent::hex;
use super::{Escape, Escapes, Form, View};
use crate::credential;

pub(super) const VIEW: View =
    View { name: credential::View::Json, form: Form::Escape(Escapes { introducer: b'\\', decode, hides }) };

/// Quotes and line ends need no decoding: edges and slots understand them as they stand.
fn hides(escape: &Escape) -> bool {
    escape.length > 2 || matches!(escape.bytes[0], b'/' | 0..=7)
}

fn decode(bytes: &[u8], at: usize) -> Option<Escape> {
    let bytes = &bytes[at..];
    let control = |byte| Some(Escape::byte(2, byte));
    match bytes.get(1)? {
        b'u' => {
            let (high, low) = (hex(bytes.get(2..4)?)?, hex(bytes.get(4..6)?)?);
            let c = char::from_u32(u32::from(high) << 8 | u32::from(low))?;
            Some(Escape::char(6, c))
        }
        b'x' => Some(Escape::byte(4, hex(bytes.get(2..4)?)?)),
        b'0'..=b'7' => {
            let digits: Vec<u8> = bytes[1..].iter().take(3).copied().take_while(|byte| matches!(byte, b'0'..=b'7')).collect();
            let number = digits.iter().fold(0u32, |number, digit| number * 8 + u32::from(digit - b'0'));
            Some(Escape::byte(1 + digits.len(), u8::try_from(number).ok()?))
        }
        b'n' => control(b'\n'),
        b'r' => control(b'\r'),
        b't' => control(b'\t'),
        b'b' => control(8),
        b'f' => control(12),
        b'v' => control(11),
        quoted @ (b'"' | b'\'' | b'\\' | b'/') => control(*quoted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escape() {
        assert_eq!(decode(br"\u005f", 0), Some(Escape::char(6, '_')));
        assert_eq!(decode(br"\u00e9", 0), Some(Escape::char(6, 'é')));
        assert_eq!(decode(br"\x5F", 0), Some(Escape::byte(4, b'_')));
        assert_eq!(decode(br"\137x", 0), Some(Escape::byte(4, b'_')));
        assert_eq!(decode(br"\/", 0), Some(Escape::byte(2, b'/')));
        assert_eq!(decode(br"\\u", 0), Some(Escape::byte(2, b'\\')));
        for none in [&br"\u00"[..], br"\ud800", br"\x5", br"\q", br"\777", br"\"] {
            assert_eq!(decode(none, 0), None, "{}", none.escape_ascii());
        }
    }
}
