//! Runs of hex digits that write text; also `0x…` and the `\x…` of a database.

use std::ops::Range;

use super::run::{HEAD, HEX, is_text};
use super::{Form, Grain, LONGEST, Runs, View, Writer};
use crate::credential;
use crate::detect::edge::{escape_tail, is_left_edge};
use crate::span::Span;

/// Shorter ones hide no key.
const SHORTEST: usize = 32;

pub(super) const VIEW: View = View { name: credential::View::Hex, form: Form::Run(Runs { needs_zero: false, find, write }) };

fn find(bytes: &[u8], range: Range<usize>, found: &mut Vec<Span>) -> usize {
    let mut at = range.start;
    while let Some(run) = HEX.run(bytes, at..range.end, SHORTEST) {
        at = run.end;
        if let Some(run) = readable(bytes, run) {
            found.push(run);
            return at;
        }
    }
    range.end.max(at)
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
    (left && right && fits && begins_text(digits)).then_some(Span::new(start, run.end))
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
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            at = find(text.as_bytes(), at..text.len(), &mut found);
        }
        found.into_iter().map(|run| &text[run.range()]).collect()
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
