//! Which four bytes of a literal are rarest.

use super::windows::WINDOW;

/// How often a byte occurs in text, in steps of a power of two, upper case counted as lower case:
/// digits and `a` to `f` more often than in prose, because logs are full of identifiers.
fn commonness(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b'e' | b' ' | b'a' | b't' => 12,
        b'o' | b'i' | b'n' | b's' | b'r' | b'd' | b'c' => 11,
        b'0'..=b'9' | b'l' | b'f' | b'b' | b'u' | b'm' | b'p' => 10,
        b'.' | b'h' | b'g' | b'-' | b'_' | b'y' | b'v' | b'/' | b'"' => 8,
        b'w' | b'k' | b'x' | b':' | b'=' => 7,
        b'j' | b'q' | b'z' => 5,
        _ => 4,
    }
}

/// Where the rarest window of a literal begins.
pub(super) fn rarest(literal: &[u8]) -> usize {
    let cost = |window: &[u8]| window.iter().map(|&byte| commonness(byte)).sum::<u32>();
    let costs = literal.windows(WINDOW).map(cost).enumerate();
    costs.min_by_key(|&(_, cost)| cost).map_or(0, |(at, _)| at)
}
