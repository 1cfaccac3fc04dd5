//! Literals by four of their bytes: one look-up tells whether any of them can stand at a place.

use std::ops::Range;

use super::rarity::rarest;
use super::{Candidate, Prefilter};

/// Bytes of a literal that are looked for.
pub(super) const WINDOW: usize = 4;
/// Sets the bit that tells a lower-case letter from an upper-case one. Some other bytes become equal
/// too: the literal itself is compared afterwards.
const FOLD: u32 = 0x2020_2020;
/// Bits of a hash.
const HASH: u32 = 16;
/// Bits of a hash that choose a list of windows.
const LIST: u32 = 12;
/// Places that are looked at before their candidates are.
const STEP: usize = 1024;

/// A bit for each hash of a window.
type Bits = [u64; 1 << (HASH - 6)];

/// Finds literals, blind to case. Cheap to make.
#[derive(Debug)]
pub(in crate::detect) struct Windows {
    literals: Vec<Box<[u8]>>,
    bits: Box<Bits>,
    /// The same by another hash: both have a bit for few windows but those looked for.
    more_bits: Box<Bits>,
    /// Where the windows begin whose hash has these upper bits.
    lists: Box<[u16]>,
    all: Vec<Window>,
    /// Literals that are too short for a window.
    short: Vec<usize>,
    /// How far behind the beginning of a literal its window may begin.
    reach: usize,
}

/// Four bytes that stand in a literal.
#[derive(Clone, Copy, Debug)]
struct Window {
    bytes: u32,
    literal: u16,
    offset: u16,
}

impl Windows {
    /// Looks for these literals.
    ///
    /// # Panics
    ///
    /// If there are more of them than a `u16` counts.
    pub(in crate::detect) fn new(literals: Vec<Box<[u8]>>) -> Self {
        let number = |at: usize| u16::try_from(at).expect("there are a few thousand literals");
        let mut windows: Vec<Window> = Vec::with_capacity(2 * literals.len());
        let mut short = Vec::new();
        for (at, literal) in literals.iter().enumerate() {
            let window =
                |bytes: [u8; WINDOW], offset: usize| Window { bytes: folded(bytes), literal: number(at), offset: number(offset) };
            match literal[..] {
                [] | [_] | [_, _] => short.push(at),
                // Whatever the fourth byte is.
                [a, b, c] => {
                    windows.extend((0..128).map(|other| window([a, b, c, other & 0x1F | 0x20 | (other & 0x60) << 1], 0)));
                }
                _ => {
                    let offset = rarest(literal);
                    windows.extend(literal[offset..].first_chunk().map(|&bytes| window(bytes, offset)));
                }
            }
        }
        windows.sort_by_key(|window| (hash(window.bytes), window.bytes, window.literal));
        let mut bits: Box<Bits> = Box::new([0; 1 << (HASH - 6)]);
        let mut more_bits = bits.clone();
        let mut lists = vec![0_u16; (1 << LIST) + 1];
        for window in &windows {
            let (hash, other) = (hash(window.bytes), other_hash(window.bytes));
            bits[hash >> 6] |= 1 << (hash & 63);
            more_bits[other >> 6] |= 1 << (other & 63);
            lists[list(hash) + 1] += 1;
        }
        for at in 1..lists.len() {
            lists[at] += lists[at - 1];
        }
        let reach = windows.iter().map(|window| usize::from(window.offset)).max().unwrap_or(0);
        Self { literals, bits, more_bits, lists: lists.into(), all: windows, short, reach }
    }

    /// The literal of that number.
    pub(in crate::detect) fn literal(&self, number: usize) -> &[u8] {
        &self.literals[number]
    }

    /// The literals whose window stands at `place`.
    fn at(&self, bytes: &[u8], place: usize, range: &Range<usize>, found: &mut Vec<Candidate>) {
        let Some(four) = four_at(bytes, place).filter(|&four| has(&self.more_bits, other_hash(four))) else { return };
        let list = list(hash(four));
        for window in &self.all[usize::from(self.lists[list])..usize::from(self.lists[list + 1])] {
            let Some(at) = place.checked_sub(usize::from(window.offset)).filter(|_| window.bytes == four) else { continue };
            let literal = usize::from(window.literal);
            if range.contains(&at) && stands_at(bytes, at, &self.literals[literal]) {
                found.push(Candidate { at, literal });
            }
        }
    }
}

/// The window at a place; bytes behind the end are zero.
fn four_at(bytes: &[u8], place: usize) -> Option<u32> {
    let rest = bytes.get(place..)?;
    let four = rest.first_chunk().copied().unwrap_or_else(|| std::array::from_fn(|at| rest.get(at).copied().unwrap_or(0)));
    Some(folded(four))
}

fn stands_at(bytes: &[u8], at: usize, literal: &[u8]) -> bool {
    bytes.get(at..at + literal.len()).is_some_and(|there| there.eq_ignore_ascii_case(literal))
}

fn folded(bytes: [u8; WINDOW]) -> u32 {
    u32::from_le_bytes(bytes) | FOLD
}

fn hash(window: u32) -> usize {
    (window.wrapping_mul(0x9E37_79B1) >> (32 - HASH)) as usize
}

fn other_hash(window: u32) -> usize {
    (window.wrapping_mul(0x85EB_CA6B) >> (32 - HASH)) as usize
}

fn has(bits: &Bits, hash: usize) -> bool {
    bits[hash >> 6] >> (hash & 63) & 1 == 1
}

fn list(hash: usize) -> usize {
    hash >> (HASH - LIST)
}

/// Notes the places of `bytes` whose window may be one of those looked for; says how many. The last
/// three bytes begin no window. No branch depends on the bytes.
fn mark(bits: &Bits, bytes: &[u8], places: &mut [u16; STEP]) -> usize {
    let mut count = 0;
    for (at, four) in (0..).zip(bytes.windows(WINDOW)) {
        let hash = hash(folded([four[0], four[1], four[2], four[3]]));
        places[count % STEP] = at;
        count += usize::from(has(bits, hash));
    }
    count
}

impl Prefilter for Windows {
    fn candidates(&self, bytes: &[u8], range: Range<usize>, found: &mut Vec<Candidate>) {
        let end = (range.end + self.reach).min(bytes.len());
        let mut places = [0; STEP];
        let mut start = range.start;
        while start < end {
            let stop = (start + STEP).min(end);
            let count = mark(&self.bits, &bytes[start..(stop + WINDOW - 1).min(bytes.len())], &mut places);
            for &place in &places[..count] {
                self.at(bytes, start + usize::from(place), &range, found);
            }
            start = stop;
        }
        // The last bytes of all, behind which a window would be cut.
        for place in range.start.max(bytes.len().saturating_sub(WINDOW - 1))..end {
            self.at(bytes, place, &range, found);
        }
        for &literal in &self.short {
            let wanted = &self.literals[literal];
            let there = range.clone().filter(|&at| stands_at(bytes, at, wanted));
            found.extend(there.map(|at| Candidate { at, literal }));
        }
    }
}
