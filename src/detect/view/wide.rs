//! Text in wide characters: UTF-16 and UTF-32 in either order of bytes, told by the zeros between
//! its letters. A mark at the beginning is neither needed nor believed.
//!
//! In a text of letters, the two orders differ by what comes first, and nothing else. A run reaches
//! from its first letter to its last and leaves the outer zeros, so the order does not matter, nor
//! where the bytes begin. What is no ASCII ends a run and stays as it is;
//! the letter before it may stay out of the run.

use std::ops::Range;

use super::stretch::{Masks, Stretch};
use super::{Form, Grain, Runs, View, Writer};
use crate::credential;
use crate::span::Span;

/// So many letters in a row are text.
const SHORTEST: usize = 8;

pub(super) const UTF_16: View =
    View { name: credential::View::Utf16, form: Form::Run(Runs { find: find::<2>, write: write::<2> }) };
pub(super) const UTF_32: View =
    View { name: credential::View::Utf32, form: Form::Run(Runs { find: find::<4>, write: write::<4> }) };

const fn is_letter(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x1b)
}

fn find<const STRIDE: usize>(stretch: &Stretch<'_>, range: Range<usize>, floor: usize, found: &mut Vec<Span>) -> usize {
    let end = stretch.blocks(stretch.promising.zeros, range.clone(), floor).find_map(|(block, wanted)| {
        let zeros = block.joined(Masks::zeros);
        let wide = (1..STRIDE).fold(!zeros, |wide, behind| wide & zeros >> behind);
        // So many but the last, which nothing need follow.
        let row = (1..SHORTEST - 1).fold(wide, |row, at| row & wide >> (at * STRIDE));
        #[expect(clippy::cast_possible_truncation, reason = "the bits of this block")]
        let mut places = row as u64 & wanted;
        while places != 0 {
            let start = block.base + places.trailing_zeros() as usize;
            places &= places - 1;
            let letters = count::<STRIDE>(&stretch.bytes[start..]);
            if letters >= SHORTEST {
                let end = start + (letters - 1) * STRIDE + 1;
                found.push(Span::new(start, end));
                return Some(end);
            }
        }
        None
    });
    end.unwrap_or(range.end)
}

/// How many letters the bytes begin with, each followed by zeros or by nothing.
fn count<const STRIDE: usize>(bytes: &[u8]) -> usize {
    let is_wide = |chunk: &&[u8]| is_letter(chunk[0]) && chunk[1..].iter().all(|&byte| byte == 0);
    bytes.chunks(STRIDE).take_while(is_wide).count()
}

fn write<const STRIDE: usize>(bytes: &[u8], run: Span, until: usize, writer: &mut Writer<'_>) -> usize {
    // A run may be as long as the file; what begins behind the piece belongs to another.
    let letters = run.len().min(until - run.start).div_ceil(STRIDE);
    let end = run.start + (letters - 1) * STRIDE + 1;
    let decoded = bytes[run.start..end].iter().step_by(STRIDE);
    writer.place(Span::new(run.start, end), Grain::Every(STRIDE), |out| out.extend(decoded));
    end
}

#[cfg(test)]
mod tests {
    use super::super::stretch;
    use super::*;

    fn utf_16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    fn utf_32(text: &str, little: bool) -> Vec<u8> {
        text.chars().flat_map(|c| if little { u32::from(c).to_le_bytes() } else { u32::from(c).to_be_bytes() }).collect()
    }

    fn found<const STRIDE: usize>(bytes: &[u8]) -> Vec<(usize, String)> {
        let text = |run: Span| bytes[run.range()].iter().step_by(STRIDE).map(|&byte| char::from(byte)).collect();
        let runs = stretch::found(find::<STRIDE>, bytes, 0..bytes.len());
        runs.into_iter().map(|run| (run.start, text(run))).collect()
    }

    #[test]
    fn either_order_with_and_without_a_mark() {
        let text = "name: value\r\n";
        assert_eq!(found::<2>(&utf_16(text, true)), [(0, text.to_owned())]);
        assert_eq!(found::<2>(&utf_16(text, false)), [(1, text.to_owned())]);
        assert_eq!(found::<4>(&utf_32(text, true)), [(0, text.to_owned())]);
        assert_eq!(found::<4>(&utf_32(text, false)), [(3, text.to_owned())]);
        let marked = format!("\u{feff}{text}");
        assert_eq!(found::<2>(&utf_16(&marked, true)), [(2, text.to_owned())]);
        assert_eq!(found::<2>(&utf_16(&marked, false)), [(3, text.to_owned())]);
        assert_eq!(found::<4>(&utf_32(&marked, true)), [(4, text.to_owned())]);
        assert_eq!(found::<4>(&utf_32(&marked, false)), [(7, text.to_owned())]);
    }

    #[test]
    fn the_rest_of_a_text_that_is_cut_anywhere() {
        for little in [true, false] {
            let bytes = utf_16("a long enough text", little);
            for cut in 0..8 {
                let (start, text) = found::<2>(&bytes[cut..]).remove(0);
                assert_eq!(bytes[cut + start], text.as_bytes()[0]);
                assert!("a long enough text".ends_with(&text));
            }
        }
    }

    #[test]
    fn other_scripts_end_a_run() {
        let bytes = utf_16("first part ключ second part", true);
        assert_eq!(found::<2>(&bytes).into_iter().map(|(_, text)| text).collect::<Vec<_>>(), ["first part ", " second part"]);
    }

    #[test]
    fn one_kind_is_not_the_other() {
        assert_eq!(found::<4>(&utf_16("name: value", true)), []);
        assert_eq!(found::<2>(&utf_32("name: value", true)), []);
    }

    #[test]
    fn other_bytes_are_no_text() {
        for other in
            [&b"\xff\xfeplain text after a mark"[..], &[0; 64], b"a\0b\0c\0\0\0d\0e\0", b"\0plain\0text\0", &[1, 0].repeat(40)]
        {
            assert_eq!(found::<2>(other), []);
            assert_eq!(found::<4>(other), []);
        }
    }
}
