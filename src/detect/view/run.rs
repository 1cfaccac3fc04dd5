//! Runs of digits: where they stand, and whether what they write is text.

use std::ops::Range;

use crate::detect::prefilter::{BLOCK, digits_of_base64};
use crate::span::Span;

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

    /// The first run of at least `shortest` digits that begins in the range.
    pub(super) fn run(&self, bytes: &[u8], range: Range<usize>, shortest: usize) -> Option<Span> {
        let mut start = range.start;
        while start < range.end {
            let least = bytes.get(start..start + shortest)?;
            // Where the last of so many bytes is no digit, the others need not be looked at.
            if let Some(other) = least.iter().rposition(|&byte| !self.holds(byte)) {
                start += other + 1;
                continue;
            }
            let end = start + shortest;
            return Some(Span::new(start, end + self.count(&bytes[end..])));
        }
        None
    }

    /// How many digits the bytes begin with.
    pub(super) fn count(&self, bytes: &[u8]) -> usize {
        bytes.iter().position(|&byte| !self.holds(byte)).unwrap_or(bytes.len())
    }
}

/// How many digits of base64 `run_of_base64` asks for.
pub(super) const SIXTEEN: usize = 16;

/// The first run of at least sixteen digits of base64 that begins in the range. Words are nearly all
/// runs, so there is nothing to skip by: this looks at every byte, at many of them at once.
pub(super) fn run_of_base64(bytes: &[u8], range: Range<usize>) -> Option<Span> {
    let mut start = range.start;
    let mut next = None;
    while let Some((block, behind)) = blocks(bytes, start).filter(|_| start < range.end) {
        let mask = u128::from(next.unwrap_or_else(|| digits_of_base64(block)));
        let mask_behind = digits_of_base64(behind);
        let two = mask | u128::from(mask_behind) << BLOCK;
        let four = two & two >> 1 & (two & two >> 1) >> 2;
        let sixteen = four & four >> 4 & (four & four >> 4) >> 8;
        let first = sixteen.trailing_zeros() as usize;
        if first < BLOCK {
            start += first;
            let end = start + SIXTEEN;
            return (start < range.end).then(|| Span::new(start, end + count_base64(&bytes[end..])));
        }
        start += BLOCK;
        next = Some(mask_behind);
    }
    BASE64.run(bytes, start..range.end, SIXTEEN)
}

/// How many digits of base64 the bytes begin with.
fn count_base64(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks();
    for (at, block) in blocks.iter().enumerate() {
        let digits = digits_of_base64(block).trailing_ones() as usize;
        if digits < BLOCK {
            return at * BLOCK + digits;
        }
    }
    bytes.len() - rest.len() + BASE64.count(rest)
}

fn blocks(bytes: &[u8], start: usize) -> Option<(&[u8; BLOCK], &[u8; BLOCK])> {
    let (block, rest) = bytes.get(start..)?.split_first_chunk()?;
    Some((block, rest.first_chunk()?))
}

/// Whether bytes begin as text does: printable but for a tenth, or UTF-8, or either in wide
/// characters. Random bytes do not.
pub(super) fn is_text(head: &[u8]) -> bool {
    let head = &head[..head.len().min(HEAD)];
    is_printable(head.iter()) || is_utf8(head) || is_wide(head, 1) || is_wide(head, 0)
}

/// Whether these bytes can begin no text: there are too many that are not
/// printable, and one that stands neither in UTF-8 nor in wide characters.
pub(super) fn is_random(few: &[u8]) -> bool {
    let (mut others, mut controls, mut zeros) = (0, 0, 0);
    // No branch depends on the bytes.
    for &byte in few {
        others += usize::from(!is_printable_byte(byte));
        controls += usize::from(is_control(byte));
        zeros += usize::from(byte == 0);
    }
    others > HEAD / 10 && controls > 0 && zeros == 0
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
    fn the_first_run_that_is_long_enough() {
        let run = |text: &str, from| HEX.run(text.as_bytes(), from..text.len(), 4).map(Span::range);
        assert_eq!(run("abc xyz 12 abcd", 0), Some(11..15));
        assert_eq!(run("abcdef", 0), Some(0..6));
        assert_eq!(run("abcdef", 2), Some(2..6));
        assert_eq!(run("abcdef", 3), None);
        assert_eq!(HEX.run(b"xx abcd", 0..3, 4), None);
        assert_eq!(run("", 0), None);
    }

    #[test]
    fn runs_of_base64_stand_where_the_digits_say() {
        for byte in 0..=255 {
            assert_eq!(digits_of_base64(&[byte; BLOCK]) == u64::MAX, BASE64.holds(byte), "{byte}");
            assert!(matches!(digits_of_base64(&[byte; BLOCK]), 0 | u64::MAX));
        }
        let mut random = crate::rule::examples::Random::new("runs");
        for _ in 0..2000 {
            let bytes: Vec<u8> =
                (0..random.below(400)).map(|_| b"abcABC019+/-_abcABC019+/-_abcABC019+/-_. "[random.below(41)]).collect();
            let start = random.below(bytes.len() + 1);
            let range = start..start + random.below(bytes.len() - start + 1);
            assert_eq!(run_of_base64(&bytes, range.clone()), BASE64.run(&bytes, range, SIXTEEN), "{}", bytes.escape_ascii());
        }
    }

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
