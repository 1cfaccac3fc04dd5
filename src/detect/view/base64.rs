//! Runs of base64 that write text: in both alphabets, with and without padding, in lines of a fixed
//! width.

use std::ops::Range;

use super::run::{BASE64, HEAD, is_random, is_text};
use super::stretch::{Block, Masks, Stretch, in_a_row};
use super::{Form, Grain, LONGEST, Runs, View, Writer};
use crate::credential;
use crate::detect::edge::escape_tail;
use crate::detect::prefilter::BLOCK;
use crate::span::Span;

/// Shorter ones hide no key.
const SHORTEST: usize = 16;
/// Shorter lines are not wrapped for their length.
const LINE: usize = 40;
/// So many digits are looked at before the others are.
const FEW: usize = 12;
/// So many digits are the head of a run, with those of an escape before it.
const HEAD_DIGITS: usize = HEAD / 3 * 4 + 6;
/// How far lines may be indented.
const INDENT: usize = 16;

pub(super) const VIEW: View = View { name: credential::View::Base64, form: Form::Run(Runs { find, write }) };

/// The values of digits that begin a letter of ASCII, the end of a line, or the zero of a wide character.
const LETTERS: u64 = 0xFFFF_FF0D;

fn find(stretch: &Stretch<'_>, range: Range<usize>, floor: usize, found: &mut Vec<Span>) -> usize {
    let (bytes, mut done) = (stretch.bytes, floor);
    let end = stretch.blocks(stretch.promising.digits, range.clone(), floor).find_map(|(block, wanted)| {
        let (base, mut places) = (block.base, long(&block) & wanted);
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            places &= places - 1;
            if base + place < done || !may_begin(bytes, base + place) {
                continue;
            }
            let other = !block.this.digits() & ((1 << place) - 1);
            let start = match BLOCK - other.leading_zeros() as usize {
                0 => base - bytes[done..base].iter().rev().take_while(|&&byte| BASE64.holds(byte)).count(),
                digits => base + digits,
            };
            let end = base + place + (block.joined(Masks::digits) >> place).trailing_ones() as usize;
            let end = if end < base + 2 * BLOCK { end } else { end + BASE64.count(&bytes[end..]) };
            // Without a sign among its first digits, a run is as readable as its first part. Most are not.
            let signs =
                block.joined(|masks| masks.slashes() | masks.dashes()) >> place & ((1 << (end - start).min(HEAD_DIGITS)) - 1);
            if base + place == start && signs == 0 && !is_readable(behind_escape(bytes, Span::new(start, end))) {
                continue;
            }
            done = end;
            examine(bytes, Span::new(start, end), found);
            if !found.is_empty() {
                return Some(done);
            }
        }
        None
    });
    end.unwrap_or(range.end.max(done))
}

/// Where sixteen digits begin that may write text, as far as masks tell: at the beginning of a run, or behind a sign if
/// none of the kind is among them. Identifiers write none.
fn long<'a>(block: &Block<'a>) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the bits of this block")]
    let sixteen = |of: fn(Masks<'a>) -> u64| in_a_row(block.joined(of), 16) as u64;
    let (slashed, dashed) = (block.is_behind(Masks::slashes), block.is_behind(Masks::dashes));
    // Most blocks have no place where so many digits are in a row.
    let run = block.this.digits() & !block.is_behind(Masks::digits);
    let long = sixteen(Masks::digits) & (run | slashed | dashed);
    if long == 0 {
        return 0;
    }
    let mut begins = run & long;
    if long & (slashed | dashed) != 0 {
        begins |= slashed & sixteen(|masks| masks.digits() & !masks.slashes());
        begins |= dashed & sixteen(|masks| masks.digits() & !masks.slashes() & !masks.dashes());
    }
    let escapes = block.is_behind(|masks| masks.percents() | masks.backslashes());
    if begins == 0 { 0 } else { begins & (!sixteen(Masks::numbers) | escapes) }
}

/// Whether sixteen digits at a place may write text: no others are [`is_readable`], if no escape stands before them.
fn may_begin(bytes: &[u8], place: usize) -> bool {
    let is_escaped = place > 0 && matches!(bytes[place - 1], b'%' | b'\\');
    is_escaped || may_be_text(&bytes[place..])
}

/// The digits of a run that belong to no escape before it.
fn behind_escape(bytes: &[u8], run: Span) -> &[u8] {
    &bytes[(run.start + escape_tail(bytes, run.start)).min(run.end)..run.end]
}

/// What is readable of a run.
fn examine(bytes: &[u8], run: Span, found: &mut Vec<Span>) {
    let digits = behind_escape(bytes, run);
    if run.len() <= LONGEST && !digits.is_empty() {
        readable(bytes, Span::new(run.end - digits.len(), run.end), found);
    }
}

/// The run if it writes text, else those of its parts that do: it may be a path, or joined to a name.
fn readable(bytes: &[u8], run: Span, found: &mut Vec<Span>) {
    let digits = &bytes[run.range()];
    // To the end, because many bytes are asked at once where none of them ends it.
    let has = |is_sign: fn(u8) -> bool| digits.iter().fold(false, |any, &byte| any | is_sign(byte));
    let (slashed, dashed) = (has(is_slash), has(is_dash));
    if !(slashed && dashed) && is_readable(digits) {
        return found.push(run);
    }
    if slashed {
        parts(bytes, run, |rest| memchr::memchr2(b'/', b'+', rest), found);
    }
    if dashed && found.is_empty() {
        if slashed {
            parts(bytes, run, |rest| rest.iter().position(|&byte| is_slash(byte) || is_dash(byte)), found);
        } else {
            parts(bytes, run, |rest| memchr::memchr2(b'-', b'_', rest), found);
        }
    }
}

/// The readable parts of a run that is cut at some of its signs.
fn parts(bytes: &[u8], run: Span, cut: impl Fn(&[u8]) -> Option<usize>, found: &mut Vec<Span>) {
    let mut start = run.start;
    loop {
        let rest = &bytes[start..run.end];
        let digits = cut(rest).map_or(rest, |end| &rest[..end]);
        if is_readable(digits) {
            found.push(Span::new(start, start + digits.len()));
        }
        if digits.len() == rest.len() {
            return;
        }
        start += digits.len() + 1;
    }
}

fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'+')
}

fn is_dash(byte: u8) -> bool {
    matches!(byte, b'-' | b'_')
}

fn is_readable(digits: &[u8]) -> bool {
    if digits.len() < SHORTEST {
        return false;
    }
    may_be_text(digits) && !digits[..SHORTEST].iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') && begins_text(digits)
}

/// Whether what digits write may be text: most words write no letters of ASCII at so many places.
fn may_be_text(digits: &[u8]) -> bool {
    let value = |at: usize| BASE64.value(digits[at]);
    let letters = [0, 4, 8, 12].into_iter().filter(|&at| LETTERS >> value(at) & 1 == 1).count();
    letters >= 3 || matches!(value(0), 48..62) && value(1) >> 2 & 3 == 2
}

/// Whether what digits write begins as text does. A few bytes tell most random ones.
fn begins_text(digits: &[u8]) -> bool {
    let mut head = [0; HEAD];
    let few = decode_into(&digits[..digits.len().min(FEW)], &mut head);
    if is_random(&head[..few]) {
        return false;
    }
    let length = decode_into(&digits[..digits.len().min(HEAD / 3 * 4)], &mut head);
    is_text(&head[..length])
}

/// Decodes into a head, which has room for so many digits; says how many bytes it takes.
fn decode_into(digits: &[u8], head: &mut [u8; HEAD]) -> usize {
    let (fours, rest) = digits.as_chunks::<4>();
    for (three, four) in head.chunks_exact_mut(3).zip(fours) {
        three.copy_from_slice(&group(four));
    }
    let (whole, more) = (fours.len() * 3, rest.len() * 6 / 8);
    head[whole..whole + more].copy_from_slice(&group(rest)[..more]);
    whole + more
}

/// The bytes that digits write; bits that make up no byte are dropped.
fn decode(digits: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let (fours, rest) = digits.as_chunks::<4>();
    fours.iter().flat_map(|four| group(four)).chain(group(rest).into_iter().take(rest.len() * 6 / 8))
}

/// What up to four digits write.
fn group(digits: &[u8]) -> [u8; 3] {
    let bits = digits.iter().fold(0_u32, |bits, &digit| bits << 6 | u32::from(BASE64.value(digit)));
    let [_, bytes @ ..] = (bits << (6 * (4 - digits.len()))).to_be_bytes();
    bytes
}

fn write(bytes: &[u8], run: Span, until: usize, writer: &mut Writer<'_>) -> usize {
    let mut line = run;
    loop {
        let padding = bytes[line.end..].iter().take(padding(line.len())).take_while(|&&byte| byte == b'=').count();
        let padded = Span::new(line.start, line.end + padding);
        writer.place(padded, Grain::Base64, |out| out.extend(decode(&bytes[line.range()])));
        let Some(next) = next_line(bytes, line).filter(|next| padding == 0 && next.start < until) else {
            return padded.end;
        };
        writer.place(Span::new(line.end, next.start), Grain::Whole, |_| {});
        line = next;
    }
}

fn padding(digits: usize) -> usize {
    (4 - digits % 4) % 4 % 3
}

/// The line that continues a full one: as long, or shorter if it is the last.
fn next_line(bytes: &[u8], line: Span) -> Option<Span> {
    if line.len() < LINE || !line.len().is_multiple_of(4) {
        return None;
    }
    let rest = &bytes[line.end..];
    let breaks: [&[u8]; 4] = [b"\r\n", b"\n", b"\\r\\n", b"\\n"];
    let length = breaks.iter().find(|end| rest.starts_with(end))?.len();
    let indent = rest[length..].iter().take(INDENT).take_while(|&&byte| byte == b' ').count();
    let start = line.end + length + indent;
    let digits = BASE64.count(&bytes[start..bytes.len().min(start + line.len() + 1)]);
    let next = Span::new(start, start + digits);
    let padding = bytes[next.end..].iter().take(padding(digits)).take_while(|&&byte| byte == b'=').count();
    if !(digits + padding).is_multiple_of(4) {
        return None;
    }
    ((1..=line.len()).contains(&digits) && begins_text(&bytes[next.range()])).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::super::stretch;
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let runs = stretch::found(find, text.as_bytes(), 0..text.len());
        runs.into_iter().map(|run| &text[run.range()]).collect()
    }

    fn text(digits: &str) -> String {
        String::from_utf8(decode(digits.as_bytes()).collect()).unwrap()
    }

    /// What `find` finds in a range, one digit after the other.
    fn found_slowly(bytes: &[u8], range: Range<usize>) -> Vec<Span> {
        let (mut found, mut at) = (Vec::new(), range.start);
        while at < range.end {
            let end = at + BASE64.count(&bytes[at..]);
            if end - at >= SHORTEST {
                let mut here = Vec::new();
                examine(bytes, Span::new(at, end), &mut here);
                found.extend(here);
            }
            at = end + 1;
        }
        found.retain(|run| run.start < range.end);
        found
    }

    #[test]
    fn vectors_miss_no_run_that_writes_text() {
        let mut random = crate::rule::examples::Random::new("runs");
        let runs = ["bmFtZTogYSB2YWx1ZSBvZiBhIHNsb3Q", "w6TDtsO8IMOkw7bDvCDDpMO2w7w", "YQBiAGMAZABlAGYAZwBoAGkA"];
        let others = ["/", "+", "-", "_", " ", "%3D", "%253D", "\\n", "\\u003d", "=", "\n", "word", "AbCdEfGhIj"];
        let (mut all, mut rounds) = (0, 0);
        while rounds < 4000 {
            rounds += 1;
            let mut text = String::new();
            for _ in 0..random.below(14) {
                let part = if random.below(4) == 0 { runs[random.below(runs.len())] } else { others[random.below(others.len())] };
                text.push_str(part);
            }
            let bytes = text.as_bytes();
            let start = random.below(bytes.len() + 1);
            let range = start..start + random.below(bytes.len() - start + 1);
            let mut fast = stretch::found(find, bytes, range.clone());
            fast.retain(|run| run.start < range.end);
            let slow = found_slowly(bytes, range.clone());
            assert_eq!(fast, slow, "{text} in {range:?}");
            all += slow.len();
        }
        assert!(all > 500, "{all}");
    }

    #[test]
    fn both_alphabets_with_and_without_padding() {
        assert_eq!(text("YW55IGNhcm5hbCBwbGVhc3VyZS4"), "any carnal pleasure.");
        assert_eq!(text("YW55IGNhcm5hbCBwbGVhcw"), "any carnal pleas");
        assert_eq!(text("Pz4_Pz4/fn5-fn5+"), "?>??>?~~~~~~");
        assert_eq!([0, 1, 2, 3, 4].map(padding), [0, 0, 2, 1, 0]);
    }

    #[test]
    fn runs_that_write_text() {
        let run = "bmFtZTogYSB2YWx1ZSBvZiBhIHNsb3Q";
        for (before, behind) in [
            ("", ""),
            ("Basic ", "\r\n"),
            ("\\n", "\\n"),
            ("%3D", "%3D"),
            ("\\u003d", "=\n"),
            ("/v1/", "/x"),
            ("x_", "-y"),
            ("a/b_", ""),
        ] {
            assert_eq!(found(&format!("{before}{run}{behind}")), [run], "{before:?}");
        }
        assert_eq!(found(&format!("{run}.{run}")), [run, run]);
    }

    #[test]
    fn words_paths_and_binary_data_are_left_alone() {
        for other in [
            "getApplicationContextInternal",
            "this_is_a_rather_long_variable_name",
            "/usr/share/doc/packages/example",
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "bmFtZTogYSB2YQ",
        ] {
            assert_eq!(found(other), [""; 0], "{other}");
        }
        assert_eq!(found(&"bmFtZTog".repeat(LONGEST / 8)).len(), 1);
        assert_eq!(found(&"bmFtZTog".repeat(LONGEST / 8 + 1)).len(), 0);
    }

    #[test]
    fn a_full_line_is_continued_by_the_next() {
        let full = "bmFtZTog".repeat(8);
        for (next, continued) in [
            ("\nbmFt", true),
            ("\nbmE=", true),
            ("\nbmE", false),
            ("\r\n  bmFtZTog", true),
            ("\\nbmFt", true),
            ("\n\nbmFt", false),
            ("\n====", false),
            (" bmFt", false),
        ] {
            let bytes = format!("{full}{next}");
            assert_eq!(next_line(bytes.as_bytes(), Span::new(0, 64)).is_some(), continued, "{next:?}");
        }
        assert_eq!(next_line(b"bmFtZTog\nbmFtZTog", Span::new(0, 8)), None);
    }
}
