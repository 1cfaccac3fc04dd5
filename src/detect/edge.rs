//! The left edge of a value: a letter before it may be the end of an escape, as in `%3D`, `\n` or
//! `ESC[32m`. The right edge is part of a rule's format.

/// How far back an escape is looked for.
const REACH: usize = 24;

/// Whether a value may begin at `at`: behind a byte that is no part of a word, or behind an escape.
pub(super) fn is_left_edge(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[at.saturating_sub(REACH)..at];
    match before.last() {
        None => true,
        Some(byte) if !byte.is_ascii_alphanumeric() && *byte != b'_' => true,
        // What begins with a separator is apart from what stands before it.
        Some(_) if matches!(bytes.get(at), Some(b':' | b'&')) => true,
        Some(_) => ends_in_escape(before),
    }
}

/// Whether the bytes end in an escape whose last byte looks like part of a word.
fn ends_in_escape(before: &[u8]) -> bool {
    let hex_behind = |digits: usize, introducer: &[u8]| {
        before.len() >= digits + introducer.len() && {
            let (head, tail) = before.split_at(before.len() - digits);
            tail.iter().all(u8::is_ascii_hexdigit) && head.ends_with(introducer)
        }
    };
    // %3D, %253D, =3D (quoted-printable), \x3d, \u003d, U+003D in CSS and Perl is not a thing here.
    hex_behind(2, b"%")
        || hex_behind(2, b"%25")
        || hex_behind(2, b"=")
        || hex_behind(2, b"\\x")
        || hex_behind(4, b"\\u")
        || is_letter_escape(before)
        || is_octal_escape(before)
        || is_colour(before)
}

/// `\n`, `\t` and their like.
fn is_letter_escape(before: &[u8]) -> bool {
    matches!(before, [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'a' | b'e' | b'0'])
}

/// `\012`, and rsyslog's `#012`.
fn is_octal_escape(before: &[u8]) -> bool {
    let digits = before.iter().rev().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let introducer = before.len().checked_sub(digits + 1).map(|at| before[at]);
    match introducer {
        Some(b'\\') => (1..=3).contains(&digits),
        Some(b'#') => digits == 3,
        _ => false,
    }
}

/// A terminal colour: the escape byte itself, or what loggers write for it.
fn is_colour(before: &[u8]) -> bool {
    let Some((b'A'..=b'Z' | b'a'..=b'z', rest)) = before.split_last() else { return false };
    let numbers = rest.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    let head = &rest[..rest.len() - numbers];
    let introducers: [&[u8]; 7] = [b"\x1b[", b"^[[", b"#033[", b"\\033[", b"\\x1b[", b"\\e[", b"\\u001b["];
    head.len() >= 2
        && introducers.iter().any(|introducer| {
            head.len() >= introducer.len() && head[head.len() - introducer.len()..].eq_ignore_ascii_case(introducer)
        })
}

/// How many bytes at `at`, which follow the byte before, belong to an escape that began there:
/// `n` of `\n`, `3D` of `%3D`. A name that is read leftwards begins behind them.
pub(super) fn escape_tail(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let hex = |digits: usize| if rest.len() >= digits && rest[..digits].iter().all(u8::is_ascii_hexdigit) { digits } else { 0 };
    match (at.checked_sub(1).map(|before| bytes[before]), rest.first()) {
        (Some(b'%'), _) if rest.starts_with(b"25") => {
            if hex(4) == 4 {
                4
            } else {
                2
            }
        }
        (Some(b'%'), _) => hex(2),
        (Some(b'\\'), Some(b'u')) => 1 + if rest.len() > 4 { 4 } else { 0 },
        (Some(b'\\'), Some(b'x')) => 1 + if rest.len() > 2 { 2 } else { 0 },
        (Some(b'\\'), Some(b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'a' | b'e')) => 1,
        (Some(b'\\'), Some(b'0'..=b'7')) => rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_see_escapes() {
        let edge = |before: &str| is_left_edge(format!("{before}K").as_bytes(), before.len());
        for before in [
            "",
            " ",
            "=",
            "\"",
            "(",
            "%3D",
            "%3d",
            "x%253D",
            "\\n",
            "\\t",
            "\\r\\n",
            "\\\\n",
            "\\x3d",
            "\\u003d",
            "\\075",
            "\u{1b}[32m",
            "\u{1b}[01;31m\u{1b}[K",
            "^[[32m",
            "#033[32m",
            "\\x1b[0m",
            "\\u001B[1m",
            "\\e[0m",
            "#011",
            "=3D",
            "&quot;",
            "-",
            "/",
            "é",
        ] {
            assert!(edge(before), "{before:?}");
        }
        for before in ["a", "_", "9", "di", "x_", "C:\\d", "3D", "%D", "#33", "#1234", "[32m", "a[m", "\\u3d"] {
            assert!(!edge(before), "{before:?}");
        }
    }

    #[test]
    fn escapes_before_a_name() {
        let tail = |text: &str, at| escape_tail(text.as_bytes(), at);
        assert_eq!(tail(r"\nx-key", 1), 1);
        assert_eq!(tail(r"\u0026key", 1), 5);
        assert_eq!(tail("%26key", 1), 2);
        assert_eq!(tail("%2526key", 1), 4);
        assert_eq!(tail("\"key", 1), 0);
        assert_eq!(tail("key", 0), 0);
    }
}
