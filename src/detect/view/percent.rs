//! Percent encoding, as in URLs; twice where a URL is a parameter of another.

use super::{Escape, View};
use crate::credential;

pub(super) const VIEW: View =
    View { name: credential::View::Percent, rounds: 2, introducer: b'%', decode, hides: |bytes| decode(bytes).is_some() };

fn decode(bytes: &[u8]) -> Option<Escape> {
    Some(Escape::byte(3, hex(bytes.get(1..3)?)?))
}

/// The number that two hex digits write.
pub(super) fn hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hex_digits_of_either_case() {
        assert_eq!(decode(b"%5f"), Some(Escape::byte(3, b'_')));
        assert_eq!(decode(b"%3D="), Some(Escape::byte(3, b'=')));
        assert_eq!(decode(b"%+1"), None);
        assert_eq!(decode(b"%5"), None);
    }
}
