//! Quoted-printable, as in mails: `=3D`, and lines that `=` cuts short.
//!
//! `=` and two digits stand in every other URL and program, so a sign counts only where the
//! surroundings are those of a mail.

use super::percent::hex;
use super::{Escape, Escapes, Form, View};
use crate::credential;

/// The longest line.
const LINE: usize = 76;
/// Where lines are cut that are cut for their length.
const CUT: usize = 69;

pub(super) const VIEW: View =
    View { name: credential::View::QuotedPrintable, form: Form::Escape(Escapes { introducer: b'=', decode, hides: |_| true }) };

fn decode(bytes: &[u8], at: usize) -> Option<Escape> {
    match bytes[at + 1..] {
        [b'\n', next, ..] => goes_on(next, bytes, at).then_some(Escape::nothing(2)),
        [b'\r', b'\n', next, ..] => goes_on(next, bytes, at).then_some(Escape::nothing(3)),
        _ => {
            let byte = sign(bytes, at)?;
            (byte == b'=' && bytes[at + 2] == b'D' || has_neighbour(bytes, at)).then_some(Escape::byte(3, byte))
        }
    }
}

/// What is written as a sign and stands in keys or beside them.
fn sign(bytes: &[u8], at: usize) -> Option<u8> {
    hex(bytes.get(at + 1..at + 3)?).filter(|byte| b"=_-+/.:\"' ".contains(byte))
}

/// Whether a word may go on behind the end of the line.
fn goes_on(next: u8, bytes: &[u8], at: usize) -> bool {
    (next.is_ascii_alphanumeric() || next == b'_') && is_cut(bytes, at)
}

/// Whether a line is cut here for its length, or holds a sign.
fn is_cut(bytes: &[u8], at: usize) -> bool {
    let line = &bytes[at.saturating_sub(LINE)..at];
    let start = memchr::memrchr(b'\n', line).map(|newline| newline + 1);
    let column = if at < LINE { at - start.unwrap_or(0) } else { start.map_or(LINE, |start| LINE - start) };
    let signs =
        || memchr::memchr_iter(b'=', &line[line.len() - column..]).any(|sign_at| sign(bytes, at - column + sign_at).is_some());
    column < LINE && (column >= CUT || signs())
}

/// Whether there is another sign within the length of a line.
fn has_neighbour(bytes: &[u8], at: usize) -> bool {
    let floor = at.saturating_sub(LINE);
    let ceiling = (at + 3 + LINE).min(bytes.len());
    let near =
        |from: usize, to: usize| memchr::memchr_iter(b'=', &bytes[from..to]).any(|near| sign(bytes, from + near).is_some());
    near(floor, at) || near(at + 3, ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, at: usize) -> Option<Escape> {
        decode(text.as_bytes(), at)
    }

    #[test]
    fn signs_in_the_neighbourhood_of_others() {
        assert_eq!(read("key=3Dvalue", 3), Some(Escape::byte(3, b'=')));
        assert_eq!(read("a=5Fb=5Fc", 1), Some(Escape::byte(3, b'_')));
        assert_eq!(read("a=5fb=2dc", 5), Some(Escape::byte(3, b'-')));
        for (text, at) in [("?a=5Fb&c=1", 2), ("x=3d", 1), ("a=b0", 1), ("a=41 b=42", 1), ("a=", 1), ("a=3", 1)] {
            assert_eq!(read(text, at), None, "{text}");
        }
        let far = format!("a=5F{}=5F", "b".repeat(200));
        assert_eq!(read(&far, 1), None);
    }

    #[test]
    fn lines_that_are_cut() {
        let long = "a".repeat(75);
        assert_eq!(read(&format!("{long}=\nb"), 75), Some(Escape::nothing(2)));
        assert_eq!(read(&format!("\n{long}=\r\nb"), 76), Some(Escape::nothing(3)));
        assert_eq!(read("key=3Dvalue=\nb", 11), Some(Escape::nothing(2)));
        assert_eq!(read("KEY=\nOTHER=", 3), None);
        assert_eq!(read(&format!("a{long}=\nb"), 76), None);
        assert_eq!(read("=\n", 0), None);
    }
}
