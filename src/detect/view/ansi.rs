//! Terminal colours: `grep --color` puts them inside a key.

use super::{Escape, Escapes, Form, View};
use crate::credential;

/// No colour is longer.
const LONGEST: usize = 32;

pub(super) const VIEW: View =
    View { name: credential::View::Ansi, form: Form::Escape(Escapes { introducer: 0x1b, decode, hides: |_| true }) };

/// `ESC [`, numbers, one letter.
fn decode(bytes: &[u8], at: usize) -> Option<Escape> {
    let numbers = bytes[at..].strip_prefix(b"\x1b[")?;
    let end = numbers.iter().take(LONGEST).position(|byte| !matches!(byte, b'0'..=b'?' | b' '..=b'/'))?;
    matches!(numbers[end], b'@'..=b'~').then(|| Escape::nothing(2 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences() {
        assert_eq!(decode(b"\x1b[01;31mx", 0), Some(Escape::nothing(8)));
        assert_eq!(decode(b"\x1b[K", 0), Some(Escape::nothing(3)));
        assert_eq!(decode(b"\x1b[31", 0), None);
        assert_eq!(decode(b"\x1b]0;title\x07", 0), None);
    }
}
