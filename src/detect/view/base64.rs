//! Runs of base64 that write text: in both alphabets, with and without padding, in lines of a fixed
//! width.

use std::ops::Range;

use super::run::{BASE64, HEAD, SIXTEEN, is_random, is_text, run_of_base64};
use super::{Form, Grain, LONGEST, Runs, View, Writer};
use crate::credential;
use crate::detect::edge::escape_tail;
use crate::detect::prefilter::{BLOCK, signs_of_base64};
use crate::span::Span;

/// Shorter ones hide no key.
const SHORTEST: usize = SIXTEEN;
/// Shorter lines are not wrapped for their length.
const LINE: usize = 40;
/// So many digits are looked at before the others are.
const FEW: usize = 12;
/// How far lines may be indented.
const INDENT: usize = 16;

pub(super) const VIEW: View = View { name: credential::View::Base64, form: Form::Run(Runs { needs_zero: false, find, write }) };

fn find(bytes: &[u8], range: Range<usize>, found: &mut Vec<Span>) -> usize {
    let mut at = range.start;
    while let Some(run) = run_of_base64(bytes, at..range.end) {
        at = run.end;
        let start = run.start + escape_tail(bytes, run.start);
        if run.len() <= LONGEST && start < run.end {
            readable(bytes, Span::new(start, run.end), found);
        }
        if !found.is_empty() {
            return at;
        }
    }
    range.end.max(at)
}

/// The run if it writes text, else those of its parts that do: it may be a path, or joined to a name.
fn readable(bytes: &[u8], run: Span, found: &mut Vec<Span>) {
    let digits = &bytes[run.range()];
    let signs = Signs::of(bytes, run);
    if !(signs.slashed && signs.dashed) && is_readable(digits) {
        return found.push(run);
    }
    if signs.slashed && signs.parts_between_slashes {
        parts(bytes, run, |slashes, _| slashes, found);
    }
    if signs.dashed && signs.parts && found.is_empty() {
        parts(bytes, run, |slashes, dashes| slashes | dashes, found);
    }
}

fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'+')
}

fn is_dash(byte: u8) -> bool {
    matches!(byte, b'-' | b'_')
}

/// Which signs stand in a run, and whether long parts may stand between them: most runs are names and paths of
/// short words.
struct Signs {
    slashed: bool,
    dashed: bool,
    parts: bool,
    parts_between_slashes: bool,
}

impl Signs {
    fn of(bytes: &[u8], run: Span) -> Self {
        let digits = &bytes[run.range()];
        let Some(block) = bytes[run.start..].first_chunk().filter(|_| run.len() <= BLOCK) else {
            let any = |is_sign: fn(u8) -> bool| digits.iter().fold(0, |any, &byte| any | u8::from(is_sign(byte))) > 0;
            return Self { slashed: any(is_slash), dashed: any(is_dash), parts: true, parts_between_slashes: true };
        };
        let run = u64::MAX >> (BLOCK - run.len());
        let (slashes, dashes) = signs_of_base64(block);
        let (slashes, dashes) = (slashes & run, dashes & run);
        Self {
            slashed: slashes > 0,
            dashed: dashes > 0,
            parts: has_sixteen(run & !slashes & !dashes),
            parts_between_slashes: has_sixteen(run & !slashes),
        }
    }
}

/// Whether sixteen bits in a row are set.
fn has_sixteen(bits: u64) -> bool {
    let two = bits & bits >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    eight & eight >> 8 > 0
}

/// The readable parts of a run that is cut at some of its signs: of slashes and dashes, each a bit.
fn parts(bytes: &[u8], run: Span, cuts: impl Fn(u64, u64) -> u64, found: &mut Vec<Span>) {
    let mut start = run.start;
    let mut part = |end: usize| {
        if is_readable(&bytes[start..end]) {
            found.push(Span::new(start, end));
        }
        start = end + 1;
    };
    for at in run.range().step_by(BLOCK) {
        let digits = &bytes[at..run.end.min(at + BLOCK)];
        let block =
            digits.first_chunk().copied().unwrap_or_else(|| std::array::from_fn(|at| digits.get(at).copied().unwrap_or(0)));
        let (slashes, dashes) = signs_of_base64(&block);
        let mut cuts = cuts(slashes, dashes);
        while cuts > 0 {
            part(at + cuts.trailing_zeros() as usize);
            cuts &= cuts - 1;
        }
    }
    part(run.end);
}

fn is_readable(digits: &[u8]) -> bool {
    if digits.len() < SHORTEST {
        return false;
    }
    // The first bit of a letter is zero, and two bytes begin another: most words fail this, and need
    // not be decoded.
    let value = |at: usize| BASE64.value(digits[at]);
    let letters = [0, 4, 8, 12].into_iter().filter(|&at| value(at) < 32).count();
    (letters >= 3 || value(0) >= 48 && value(1) >> 2 & 3 == 2) && begins_text(digits)
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
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let mut here = Vec::new();
            at = find(text.as_bytes(), at..text.len(), &mut here);
            found.extend(here);
        }
        found.into_iter().map(|run| &text[run.range()]).collect()
    }

    fn text(digits: &str) -> String {
        String::from_utf8(decode(digits.as_bytes()).collect()).unwrap()
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
