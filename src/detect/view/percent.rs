//! Percent encoding, as in URLs; twice where a URL is a parameter of another.

use super::run::HEX;
use super::{Escape, Escapes, Form, View};
use crate::credential;

pub(super) const VIEW: View =
    View { name: credential::View::Percent, form: Form::Escape(Escapes { introducer: b'%', decode, hides: |_| true }) };

fn decode(bytes: &[u8], at: usize) -> Option<Escape> {
    Some(Escape::byte(3, hex(bytes.get(at + 1..at + 3)?)?))
}

/// The number that two hex digits write.
pub(super) fn hex(digits: &[u8]) -> Option<u8> {
    match digits {
        &[high, low] if HEX.holds(high) && HEX.holds(low) => Some(HEX.value(high) << 4 | HEX.value(low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hex_digits_of_either_case() {
        assert_eq!(decode(b"%5f", 0), Some(Escape::byte(3, b'_')));
        assert_eq!(decode(b"%3D=", 0), Some(Escape::byte(3, b'=')));
        assert_eq!(decode(b"%+1", 0), None);
        assert_eq!(decode(b"%5", 0), None);
    }
}
