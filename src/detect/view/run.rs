//! Runs of digits: where they stand, and whether what they write is text.

/// So much of a decoded run is read before the rest is decoded.
pub(super) const HEAD: usize = 24;

/// The digits of a notation, with their values.
pub(super) struct Digits([u8; 256]);

/// What is no digit.
const NONE: u8 = 0xFF;

/// Base64, in both alphabets.
pub(super) const BASE64: &Digits = &Digits::new(&[
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
]);
/// Hex, in both cases.
pub(super) const HEX: &Digits = &Digits::new(&[b"0123456789abcdef", b"0123456789ABCDEF"]);

impl Digits {
    const fn new<const N: usize>(alphabets: &[&[u8; N]]) -> Self {
        let mut values = [NONE; 256];
        let mut alphabet = 0;
        while alphabet < alphabets.len() {
            let mut at = 0;
            #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 digits")]
            while at < N {
                values[alphabets[alphabet][at] as usize] = at as u8;
                at += 1;
            }
            alphabet += 1;
        }
        Self(values)
    }

    /// Whether the byte is a digit.
    pub(super) fn holds(&self, byte: u8) -> bool {
        self.0[usize::from(byte)] != NONE
    }

    /// The value of a digit.
    pub(super) fn value(&self, byte: u8) -> u8 {
        self.0[usize::from(byte)]
    }

    /// How many digits the bytes begin with.
    pub(super) fn count(&self, bytes: &[u8]) -> usize {
        bytes.iter().position(|&byte| !self.holds(byte)).unwrap_or(bytes.len())
    }
}

/// Whether bytes begin as text does: printable but for a tenth, or UTF-8, or either in wide
/// characters. Random bytes do not.
pub(super) fn is_text(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD)];
    is_printable(head.iter()) || is_utf8(head) || is_wide(head, 1) || is_wide(head, 0)
}

/// Whether these bytes can begin no text: there are too many that are not printable, and some that stand neither in
/// UTF-8 nor in wide characters.
pub(super) fn is_random(few: &[u8]) -> bool {
    let (mut others, mut controls, mut zeros, mut broken) = (0, 0, 0, 0);
    let mut last = 0;
    // No branch depends on the bytes.
    for &byte in few {
        others += usize::from(!is_printable_byte(byte));
        controls += usize::from(is_control(byte));
        zeros += usize::from(byte == 0);
        // What goes on behind a letter of ASCII, or does not behind the first byte of another.
        let goes_on = byte & 0xC0 == 0x80;
        broken += usize::from(goes_on && last < 0x80 || !goes_on && last >= 0xC0);
        last = byte;
    }
    others > HEAD / 10 && controls + broken > 0 && zeros == 0
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !byte.is_ascii_whitespace()
}

fn is_printable_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
}

fn is_printable<'a>(bytes: impl ExactSizeIterator<Item = &'a u8>) -> bool {
    let all = bytes.len();
    // One too many of the others, and the rest need not be looked at.
    all > 0 && bytes.filter(|&&byte| !is_printable_byte(byte)).nth(all / 10).is_none()
}

fn is_wide(head: &[u8], odd: usize) -> bool {
    let mut zeros = head.iter().skip(odd).step_by(2);
    head.len() >= 4 && zeros.all(|&byte| byte == 0) && is_printable(head.iter().skip(1 - odd).step_by(2))
}

/// UTF-8 without control characters; the last character may be cut.
fn is_utf8(head: &[u8]) -> bool {
    if head.iter().any(|&byte| is_control(byte)) {
        return false;
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() == HEAD => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    head.len() >= HEAD / 2 && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_other_bytes() {
        for text in ["a key: value", "{\"a\":1}\r\n", "ключ и значение", "a\0b\0c\0d\0", "\0a\0b"] {
            assert!(is_text(text.as_bytes()), "{text:?}");
        }
        for other in [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], b"\x1f\x8b\x08\0\0\0\0\0", b"\0\0\0\0", b"", b"\xd0\x9a\xc3\x28 abc"]
        {
            assert!(!is_text(other), "{}", other.escape_ascii());
        }
    }
}
