//! Stretches of bytes, in which every view looks for what it decodes: their bytes are classified once for all.

use std::array;
use std::ops::Range;

use crate::detect::prefilter::{BLOCK, Classes};

/// So many blocks are classified at a time, at most.
const MANY: usize = 16;
/// So many at first: what is looked for may be near.
const FEW: usize = 4;

/// Digits of base64; of hex; `+/` and what begins `&lt;` and a colour; `-_` and the ends of lines; `%=`; backslashes;
/// what follows those that hide, `-` and `=`; zeros.
const CLASSES: &Classes = &Classes::new(&[
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_",
    b"0123456789abcdefABCDEF",
    b"+/&\x1b",
    b"-_\r\n",
    b"%=",
    b"\\",
    b"ux/01234567-=",
    b"\0",
]);

/// Which of 64 bytes are what: a bit for each, the lowest for the first.
#[derive(Clone, Copy)]
pub(super) struct Masks<'a> {
    classes: &'a [u64; 8],
    /// Digits there are none.
    cleared: u64,
}

impl Masks<'_> {
    /// Digits of base64, in both alphabets.
    pub(super) fn digits(self) -> u64 {
        self.classes[0] & !self.cleared
    }

    /// Digits of hex.
    pub(super) fn hex(self) -> u64 {
        self.classes[1] & !self.cleared
    }

    /// `+` and `/`.
    pub(super) fn slashes(self) -> u64 {
        self.classes[2] & self.digits()
    }

    /// `-` and `_`.
    pub(super) fn dashes(self) -> u64 {
        self.classes[3] & self.digits()
    }

    /// What numbers and identifiers are made of: digits of hex, and `-`.
    pub(super) fn numbers(self) -> u64 {
        self.classes[1] | self.classes[3] & self.classes[6]
    }

    /// `&` and ESC.
    pub(super) fn introducers(self) -> u64 {
        self.classes[2] & !self.classes[0]
    }

    /// The ends of lines.
    pub(super) fn ends(self) -> u64 {
        self.classes[3] & !self.classes[0]
    }

    /// `%` and `=`.
    pub(super) fn percents(self) -> u64 {
        self.classes[4]
    }

    /// Backslashes.
    pub(super) fn backslashes(self) -> u64 {
        self.classes[5]
    }

    /// What follows a backslash that hides.
    pub(super) fn hidden(self) -> u64 {
        self.classes[6] & !self.classes[3] & !self.classes[4]
    }

    /// Zeros.
    pub(super) fn zeros(self) -> u64 {
        self.classes[7]
    }
}

/// 64 bytes and their neighbours. The last may reach beyond the end of the bytes: what stands there is of no class.
pub(super) struct Block<'a> {
    /// Where it begins.
    pub(super) base: usize,
    pub(super) this: Masks<'a>,
    /// The block before, of which only the last byte counts.
    before: Masks<'a>,
    behind: Masks<'a>,
}

impl<'a> Block<'a> {
    /// Its places before one in the bytes.
    fn below(&self, place: usize) -> u64 {
        if place < self.base + BLOCK { (1 << place.saturating_sub(self.base)) - 1 } else { u64::MAX }
    }

    /// Where an escape may begin.
    pub(super) fn introducers(&self, hiding: bool) -> u64 {
        let (this, digits) = (self.this, self.joined(Masks::hex));
        #[expect(clippy::cast_possible_truncation, reason = "the bits of this block")]
        let two = (digits >> 1 & digits >> 2) as u64;
        let followed = this.percents() & (two | self.is_before(Masks::ends));
        let backslashes = if hiding { this.backslashes() & self.is_before(Masks::hidden) } else { this.backslashes() };
        followed | backslashes | this.introducers()
    }

    /// The bytes of this block and of the one behind it.
    pub(super) fn joined(&self, of: impl Fn(Masks<'a>) -> u64) -> u128 {
        u128::from(of(self.this)) | u128::from(of(self.behind)) << BLOCK
    }

    /// Places behind such bytes.
    pub(super) fn is_behind(&self, of: impl Fn(Masks<'a>) -> u64) -> u64 {
        of(self.this) << 1 | of(self.before) >> 63
    }

    /// Places before such bytes.
    pub(super) fn is_before(&self, of: impl Fn(Masks<'a>) -> u64) -> u64 {
        of(self.this) >> 1 | of(self.behind) << 63
    }
}

/// Bytes that are classified, not many at a time.
pub(super) struct Stretch<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether backslashes count only before what hides a key.
    hiding: bool,
    start: usize,
    count: usize,
    /// The byte before, as the last of a block; the blocks; the one behind them.
    masks: [[u64; 8]; MANY + 2],
    pub(super) promising: Promising,
}

/// Blocks where there may be what a view looks for: a bit for each.
#[derive(Default)]
pub(super) struct Promising {
    /// Many digits of base64 in a row.
    pub(super) digits: u32,
    /// Many digits of hex in a row.
    pub(super) hex: u32,
    pub(super) zeros: u32,
    pub(super) escapes: u32,
}

impl<'a> Stretch<'a> {
    /// None of the bytes yet.
    pub(super) fn new(bytes: &'a [u8], hiding: bool) -> Self {
        let masks = [[0; 8]; MANY + 2];
        Self { bytes, hiding, start: 0, count: 0, masks, promising: Promising::default() }
    }

    /// Goes on to the blocks from `start` on: few at first, and no more than reach to `end`.
    pub(super) fn go_to(&mut self, start: usize, end: usize) {
        let many = if self.count == 0 { FEW } else { MANY };
        self.count = end.saturating_sub(start).div_ceil(BLOCK).min(many);
        self.start = start;
        let before = start.checked_sub(1).map_or(0, |before| CLASSES.of(self.bytes[before]));
        self.masks[0] = array::from_fn(|class| u64::from(before >> class & 1) << 63);
        CLASSES.classify(&self.bytes[start.min(self.bytes.len())..], &mut self.masks[1..self.count + 2]);
        let mut promising = Promising::default();
        for number in 0..self.count {
            let block = self.block(number, 0);
            let flag = |is_there: bool| u32::from(is_there) << number;
            promising.digits |= flag(has_many(block.this.digits(), block.behind.digits()));
            promising.hex |= flag(has_many(block.this.hex(), block.behind.hex()));
            promising.zeros |= flag(block.this.zeros() | block.behind.zeros() != 0);
            promising.escapes |= flag(block.introducers(self.hiding) != 0);
        }
        self.promising = promising;
    }

    /// Where its last block ends.
    pub(super) fn end(&self) -> usize {
        self.start + self.count * BLOCK
    }

    /// The blocks of a range, which begins and ends in the stretch, if they are among these; and which of their places are
    /// in the range. Digits before the floor are none.
    pub(super) fn blocks(&self, among: u32, range: Range<usize>, floor: usize) -> impl Iterator<Item = (Block<'_>, u64)> {
        let below = |number: usize| (1_u32 << number) - 1;
        let mut left = if range.is_empty() {
            0
        } else {
            among & below((range.end - self.start).div_ceil(BLOCK)) & !below((range.start - self.start) / BLOCK)
        };
        std::iter::from_fn(move || {
            let number = left.trailing_zeros() as usize;
            left &= left.checked_sub(1)?;
            let block = self.block(number, floor);
            let wanted = block.below(range.end) & !block.below(range.start);
            Some((block, wanted))
        })
    }

    fn block(&self, number: usize, floor: usize) -> Block<'_> {
        let base = self.start + number * BLOCK;
        let masks = |number: usize, cleared| Masks { classes: &self.masks[number], cleared };
        let before = masks(number, if base <= floor { u64::MAX } else { 0 });
        let mut block = Block { base, before, this: masks(number + 1, 0), behind: masks(number + 2, 0) };
        block.this.cleared = block.below(floor);
        block
    }
}

/// Whether there are eight bits in a row that begin at a multiple of eight: where there are not, no fifteen are in a row
/// that begin in this block.
fn has_many(this: u64, behind: u64) -> bool {
    let has_eight = |bits: u64| (!bits).wrapping_sub(0x0101_0101_0101_0101) & bits & 0x8080_8080_8080_8080 != 0;
    has_eight(this) || this >> 63 & u64::from(behind & 0xFF == 0xFF) == 1
}

/// Where so many bits in a row begin.
pub(super) fn in_a_row(bits: u128, count: u32) -> u128 {
    let (mut all, mut so_far) = (bits, 1);
    while so_far < count {
        let more = so_far.min(count - so_far);
        all &= all >> more;
        so_far += more;
    }
    all
}

/// What a view finds in a range, in one stretch after the other.
#[cfg(test)]
pub(super) fn found(
    find: fn(&Stretch<'_>, Range<usize>, usize, &mut Vec<crate::span::Span>) -> usize,
    bytes: &[u8],
    range: Range<usize>,
) -> Vec<crate::span::Span> {
    let (mut found, mut stretch, mut at) = (Vec::new(), Stretch::new(bytes, false), range.start);
    while at < range.end {
        stretch.go_to(at, range.end);
        while at < stretch.end().min(range.end) {
            let mut here = Vec::new();
            at = find(&stretch, at..stretch.end().min(range.end), range.start, &mut here);
            found.append(&mut here);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_in_a_row() {
        for count in [1, 2, 3, 16, 31, 32] {
            let bits = (1_u128 << count) - 1;
            assert_eq!(in_a_row(bits << 7, count), 1 << 7);
            assert_eq!(in_a_row(bits << 7 >> 1 & !(1 << 6), count), 0);
        }
    }

    #[test]
    fn blocks_are_those_of_the_bytes_in_any_stretches() {
        for length in [0, 1, 63, 64, 65, 300, 64 * 40] {
            let mut bytes = vec![b'.'; length];
            (0..length).step_by(37).for_each(|at| bytes[at] = b'x');
            for start in [0, 1, 64, 70].into_iter().filter(|&start| start <= length) {
                let (mut stretch, mut seen) = (Stretch::new(&bytes, false), vec![false; length + BLOCK]);
                let mut at = start;
                while at < length {
                    stretch.go_to(at, length);
                    for (block, wanted) in stretch.blocks(u32::MAX, at..stretch.end().min(length), start) {
                        let is = |place: usize, bits: u64| bits >> place & 1 == 1;
                        for place in (0..BLOCK).filter(|&place| is(place, wanted)) {
                            let there = |at: Option<usize>| at.and_then(|at| bytes.get(at)) == Some(&b'x');
                            let at = block.base + place;
                            assert_eq!(is(place, block.this.digits()), there(Some(at)));
                            assert_eq!(is(place, block.is_before(Masks::digits)), there(Some(at + 1)));
                            let before = at.checked_sub(1).filter(|&before| before >= start);
                            assert_eq!(is(place, block.is_behind(Masks::digits)), there(before));
                            assert!(!std::mem::replace(&mut seen[at], true));
                        }
                    }
                    at = stretch.end();
                }
                assert!((0..length).all(|at| seen[at] == (at >= start)));
            }
        }
    }

    #[test]
    fn every_byte_is_what_it_is() {
        for byte in 0..=u8::MAX {
            let bytes = [byte];
            let mut stretch = Stretch::new(&bytes, false);
            stretch.go_to(0, 1);
            let block = stretch.block(0, 0);
            let is = |set: &[u8], mask: u64| assert_eq!(mask == 1, set.contains(&byte), "{byte} in {}", set.escape_ascii());
            is(b"+/", block.this.slashes());
            is(b"-_", block.this.dashes());
            is(b"0123456789abcdefABCDEF-", block.this.numbers());
            is(b"0123456789abcdefABCDEF", block.this.hex());
            is(b"&\x1b", block.this.introducers());
            is(b"\r\n", block.this.ends());
            is(b"%=", block.this.percents());
            is(b"\\", block.this.backslashes());
            is(b"ux/01234567", block.this.hidden());
            is(b"\0", block.this.zeros());
            assert_eq!(block.this.digits() == 1, byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte));
        }
    }
}
