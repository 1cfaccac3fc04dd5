//! Runs of hex digits that write text; also `0x…` and the `\x…` of a database.

use std::ops::Range;

use super::run::{HEAD, HEX, is_text};
use super::stretch::{Masks, Stretch, in_a_row};
use super::{Form, Grain, LONGEST, Runs, View, Writer};
use crate::credential;
use crate::detect::edge::{escape_tail, is_left_edge};
use crate::detect::prefilter::{BLOCK, Classes};
use crate::span::Span;

/// Shorter ones hide no key.
const SHORTEST: usize = 32;

pub(super) const VIEW: View = View { name: credential::View::Hex, form: Form::Run(Runs { find, write }) };

/// The first digit of a byte of ASCII that is printed, or of the zero of a wide character; of a byte that goes on in
/// UTF-8; of one that another must follow.
const CLASSES: &Classes = &Classes::new(&[b"0234567", b"89abAB", b"cdefCDEF"]);

/// Whether sixteen pairs of digits may begin text: all but two are printed, or they may be UTF-8. No others are
/// [`is_text`].
fn may_be_text(digits: &[u8]) -> bool {
    const FIRST: u64 = 0x5555_5555;
    const LAST: u64 = 1 << 30;
    let mut masks = [[0; 3]];
    CLASSES.classify(&digits[..SHORTEST], &mut masks);
    let [printed, goes_on, begins] = masks[0].map(|mask| mask & FIRST);
    let follows = (goes_on | begins) << 2;
    let broken = goes_on & !follows | begins & !LAST & !(goes_on >> 2);
    printed.count_ones() >= 14 || broken == 0
}

fn find(stretch: &Stretch<'_>, range: Range<usize>, floor: usize, found: &mut Vec<Span>) -> usize {
    let (bytes, mut done) = (stretch.bytes, floor);
    let end = stretch.blocks(stretch.promising.hex, range.clone(), floor).find_map(|(block, wanted)| {
        let begins = block.this.hex() & !block.is_behind(Masks::hex) & wanted;
        if begins == 0 {
            return None;
        }
        let digits = block.joined(Masks::hex);
        #[expect(clippy::cast_possible_truncation, reason = "the bits of this block")]
        let mut places = begins & in_a_row(digits, SHORTEST as u32) as u64;
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            places &= places - 1;
            let start = block.base + place;
            let escaped = start > 0 && matches!(bytes[start - 1], b'%' | b'\\');
            if !escaped && !may_be_text(&bytes[start..]) {
                continue;
            }
            let end = start + (digits >> place).trailing_ones() as usize;
            done = if end < block.base + 2 * BLOCK { end } else { end + HEX.count(&bytes[end..]) };
            if let Some(run) = readable(bytes, Span::new(start, done)) {
                found.push(run);
                return Some(done);
            }
        }
        None
    });
    end.unwrap_or(range.end.max(done))
}

/// The part of a run that writes text, with a `\x` before it.
fn readable(bytes: &[u8], run: Span) -> Option<Span> {
    let before = &bytes[run.start.saturating_sub(2)..run.start];
    let skipped = if before == b"\\x" { 0 } else { escape_tail(bytes, run.start) };
    let start = run.start + skipped;
    let left = matches!(before, b"\\x" | b"0x" | b"0X") || is_left_edge(bytes, start);
    let right = bytes.get(run.end).is_none_or(|&byte| !byte.is_ascii_alphanumeric() && byte != b'_');
    let digits = bytes.get(start..run.end)?;
    let fits = digits.len().is_multiple_of(2) && (SHORTEST..=LONGEST).contains(&digits.len());
    let start = if before == b"\\x" { start - 2 } else { start };
    (fits && left && right && begins_text(digits)).then_some(Span::new(start, run.end))
}

fn begins_text(digits: &[u8]) -> bool {
    let mut head = [0; HEAD];
    let length = head.iter_mut().zip(decode(digits)).map(|(to, byte)| *to = byte).count();
    is_text(&head[..length])
}

fn decode(digits: &[u8]) -> impl Iterator<Item = u8> + '_ {
    digits.chunks_exact(2).map(|pair| HEX.value(pair[0]) << 4 | HEX.value(pair[1]))
}

fn write(bytes: &[u8], run: Span, _until: usize, writer: &mut Writer<'_>) -> usize {
    let start = run.start + if bytes[run.range()].starts_with(b"\\") { 2 } else { 0 };
    if start > run.start {
        writer.place(Span::new(run.start, start), Grain::Whole, |_| {});
    }
    writer.place(Span::new(start, run.end), Grain::Hex, |out| out.extend(decode(&bytes[start..run.end])));
    run.end
}

#[cfg(test)]
mod tests {
    use super::super::stretch;
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let runs = stretch::found(find, text.as_bytes(), 0..text.len());
        runs.into_iter().map(|run| &text[run.range()]).collect()
    }

    fn hex(text: &str) -> String {
        crate::rule::examples::expand(&format!("{{hexof:{text}}}"), "").unwrap()
    }

    #[test]
    fn runs_that_write_text() {
        let text = hex("name: a value of a slot");
        for (before, behind) in [("", ""), ("payload=", " "), ("\"", "\""), ("0x", ")"), ("%3D", "&"), ("\\n", "\\n")] {
            assert_eq!(found(&format!("{before}{text}{behind}")), [&text], "{before}");
            assert_eq!(found(&format!("{before}{}{behind}", text.to_uppercase())), [text.to_uppercase()]);
        }
        assert_eq!(found(&format!("'\\x{text}'")), [format!("\\x{text}")]);
        assert_eq!(found(&format!("{text}.{text}")), [&text, &text]);
    }

    #[test]
    fn what_is_no_text_at_a_glance_is_none() {
        let mut random = crate::rule::examples::Random::new("hex");
        let texts = ["a few words", "äöü ÄÖÜ", "ключ", "鍵", "\0a\0b", "\r\n\t", "\x01", "x"];
        let (mut text, mut other) = (0, 0);
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = Vec::new();
            while bytes.len() < 16 {
                match random.below(12) {
                    0 => bytes.push(u8::try_from(random.below(256)).unwrap()),
                    at => bytes.extend(texts[at % texts.len()].bytes()),
                }
            }
            bytes.truncate(16 + random.below(9));
            let digits: String = bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
            if may_be_text(digits.as_bytes()) {
                text += 1;
            } else {
                assert!(!is_text(&bytes), "{}", bytes.escape_ascii());
                other += 1;
            }
        }
        assert!(text > 1000 && other > 1000, "{text} {other}");
    }

    #[test]
    fn hashes_and_parts_of_words_are_left_alone() {
        let text = hex("name: a value of a slot");
        for other in [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
            "0".repeat(64),
            format!("{text}a"),
            format!("x{text}"),
            format!("{text}_"),
            hex("too short"),
            hex(&"too long ".repeat(1000)),
        ] {
            assert_eq!(found(&other), [""; 0], "{other}");
        }
    }
}
