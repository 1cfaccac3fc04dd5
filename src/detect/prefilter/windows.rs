//! Literals by four of their bytes: buckets tell where any of those windows may stand, a list tells which.

use std::array;
use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;

use super::buckets::{BUCKETS, BYTES, Buckets, PLACES};
use super::rarity::rarest;
use super::simd::Level;
use super::{Bytes, Candidate, Prefilter};

/// Bytes of a literal that are looked for.
pub(super) const WINDOW: usize = 4;
/// Sets the bit that tells a lower-case letter from an upper-case one. Some other bytes become equal
/// too: the literal itself is compared afterwards.
const FOLD: u32 = 0x2020_2020;
/// Bits of a hash.
const HASH: u32 = 16;
/// Bits of a hash that choose a list of windows.
const LIST: u32 = 12;
/// Places that are looked at before their candidates are, in marks.
const STEP: usize = 8;

/// A bit for each hash of a window.
type Bits = [u64; 1 << (HASH - 6)];

/// Windows that were chosen for the literals they stand in, each with its bucket, and the one where there are half as
/// many. The last byte of a window is zero for a literal of three bytes: any may follow it.
pub(in crate::detect) type Chosen = [([u8; WINDOW], u8, u8)];

/// Finds literals, blind to case. Cheap to make.
#[derive(Debug)]
pub(in crate::detect) struct Windows {
    literals: Vec<Literal>,
    /// Literals with a chosen window, and the others, which have a pass of their own: they make those no slower.
    passes: Vec<Pass>,
    /// Literals that are too short for a window.
    short: Vec<usize>,
}

/// A literal in lower case, which stands in text in any.
#[derive(Debug)]
struct Literal {
    bytes: Bytes,
    /// Its first eight bytes; what it is too short for is zero.
    head: u64,
    /// What of them is compared, and the bits of letters that tell cases apart.
    mask: u64,
    case: u64,
}

/// Some of the literals, by their windows.
#[derive(Debug)]
struct Pass {
    buckets: Buckets,
    /// Which hashes windows have: most of what the buckets let through stops here.
    bits: Box<Bits>,
    /// Where the windows begin whose hash has these upper bits.
    lists: Box<[u16]>,
    all: Vec<Window>,
    /// How far behind the beginning of a literal its window may begin.
    reach: usize,
}

/// Four bytes that stand in a literal.
#[derive(Clone, Copy, Debug)]
struct Window {
    bytes: u32,
    literal: u16,
    offset: u16,
    /// The bytes of the literal beside it, and which of them there are: many literals have a window like `test`.
    beside: u64,
    mask: u64,
}

/// Where literals are looked for.
struct Text<'a> {
    bytes: &'a [u8],
    /// They begin in it.
    range: Range<usize>,
    literals: &'a [Literal],
}

/// Places of some marks, in order.
struct Places {
    all: [u16; STEP * PLACES + Self::SOME],
    count: usize,
}

impl Places {
    /// As many are written at a time, whether there are as many or not: few marks have more.
    const SOME: usize = 4;

    fn new() -> Self {
        Self { all: [0; STEP * PLACES + Self::SOME], count: 0 }
    }

    /// One for each bit of the marks.
    fn take(&mut self, marks: &[u64]) {
        self.count = 0;
        for (base, &mark) in (0_u16..).step_by(PLACES).zip(marks) {
            let (mut mark, mut next) = (mark, self.count);
            self.count += mark.count_ones() as usize;
            while next < self.count {
                for place in &mut self.all[next..next + Self::SOME] {
                    #[expect(clippy::cast_possible_truncation, reason = "the number of a bit")]
                    let bit = mark.trailing_zeros() as u16;
                    *place = base + bit;
                    mark &= mark.wrapping_sub(1);
                }
                next += Self::SOME;
            }
        }
    }

    /// Keeps those that `test` gives a one for, and not those that it gives a zero for.
    fn keep(&mut self, test: impl Fn(usize) -> u64) {
        let mut kept = 0;
        for at in 0..self.count {
            let place = self.all[at];
            self.all[kept] = place;
            #[expect(clippy::cast_possible_truncation, reason = "a bit")]
            let one = test(usize::from(place)) as usize;
            kept += one;
        }
        self.count = kept;
    }

    fn all(&self) -> &[u16] {
        &self.all[..self.count]
    }
}

/// The buckets of each chosen window.
pub(super) struct Choices(HashMap<u32, [u8; 2], FixedState>);

/// A window of a literal: where it begins, and its buckets.
pub(super) type Choice = (usize, [usize; 2]);

impl Choices {
    pub(super) fn new(chosen: &Chosen) -> Self {
        Self(chosen.iter().map(|&(window, bucket, of_few)| (folded(window), [bucket, of_few])).collect())
    }

    /// The first chosen window of a literal.
    pub(super) fn find(&self, literal: &[u8]) -> Option<Choice> {
        let buckets = |window| Some(self.0.get(&folded(window))?.map(usize::from));
        match *literal {
            [a, b, c] => Some((0, buckets([a, b, c, 0])?)),
            _ => literal.windows(WINDOW).enumerate().find_map(|(at, window)| Some((at, buckets(window.try_into().ok()?)?))),
        }
    }
}

impl Windows {
    /// Looks for these literals, if it can by these windows.
    ///
    /// # Panics
    ///
    /// If there are more of them than a `u16` counts.
    pub(in crate::detect) fn new(literals: Vec<Bytes>, chosen: &Chosen) -> Self {
        Self::at_level(literals, chosen, Level::best())
    }

    pub(super) fn at_level(literals: Vec<Bytes>, chosen: &Chosen, level: Level) -> Self {
        let choices = Choices::new(chosen);
        let (long, short): (Vec<usize>, Vec<usize>) = (0..literals.len()).partition(|&at| literals[at].len() >= WINDOW - 1);
        let (mut known, mut others) = (Vec::with_capacity(long.len()), Vec::new());
        for literal in long {
            match choices.find(&literals[literal]) {
                Some(choice) => known.push((literal, choice)),
                None => others.push(literal),
            }
        }
        let passes = [known, spread(&literals, others)].into_iter().filter(|some| !some.is_empty());
        let passes = passes.map(|some| Pass::new(&literals, &some, level)).collect();
        Self { literals: literals.into_iter().map(Literal::new).collect(), passes, short }
    }

    #[cfg(test)]
    pub(in crate::detect) fn literals(&self) -> Vec<Bytes> {
        self.literals.iter().map(|literal| literal.bytes.clone()).collect()
    }

    /// The literal of that number.
    pub(in crate::detect) fn literal(&self, number: usize) -> &[u8] {
        &self.literals[number].bytes
    }
}

/// A window and a bucket for literals that have none chosen: those that begin alike come together, three or so in a
/// bucket, because every eight buckets cost time.
fn spread(literals: &[Bytes], mut some: Vec<usize>) -> Vec<(usize, Choice)> {
    some.sort_by_key(|&at| &literals[at]);
    let (count, buckets) = (some.len(), some.len().div_ceil(3).next_multiple_of(8).min(BUCKETS));
    let of = |rank: usize| [rank * buckets / count, rank * buckets.min(BUCKETS / 2) / count];
    some.into_iter().enumerate().map(|(rank, at)| (at, (rarest(&literals[at]), of(rank)))).collect()
}

impl Pass {
    /// Looks for some of the literals, each by a window.
    fn new(literals: &[Bytes], some: &[(usize, Choice)], level: Level) -> Self {
        let number = |at: usize| u16::try_from(at).expect("there are a few thousand literals");
        let mut windows: Vec<(Window, [usize; 2])> = Vec::with_capacity(some.len() + 512);
        for &(literal, (offset, buckets)) in some {
            let (beside, mask) = beside(&literals[literal], offset);
            let (number, at) = (number(literal), number(offset));
            let window = |bytes| (Window { bytes: folded(bytes), literal: number, offset: at, beside, mask }, buckets);
            match literals[literal][offset..] {
                [a, b, c] => windows.extend(any_symbol().map(|other| window([a, b, c, other]))),
                [a, b, c, d, ..] => windows.push(window([a, b, c, d])),
                _ => {}
            }
        }
        windows.sort_by_key(|(window, _)| (hash(window.bytes), window.bytes, window.literal));
        let buckets = Buckets::new(windows.iter().map(|&(window, buckets)| (window.bytes.to_le_bytes(), buckets)), level);
        let all: Vec<Window> = windows.into_iter().map(|(window, _)| window).collect();
        let mut bits: Box<Bits> = Box::new([0; 1 << (HASH - 6)]);
        let mut lists = vec![0_u16; (1 << LIST) + 1];
        for window in &all {
            let hash = hash(window.bytes);
            bits[hash >> 6] |= 1 << (hash & 63);
            lists[list(hash) + 1] += 1;
        }
        for at in 1..lists.len() {
            lists[at] += lists[at - 1];
        }
        let reach = all.iter().map(|window| usize::from(window.offset)).max().unwrap_or(0);
        Self { buckets, bits, lists: lists.into(), all, reach }
    }

    /// In three steps, the first two without a branch that depends on the bytes: places that the buckets let through,
    /// those of them where the hash is that of a window, and the literals there.
    fn candidates(&self, text: &Text<'_>, found: &mut Vec<Candidate>) {
        let Text { bytes, ref range, .. } = *text;
        let end = (range.end + self.reach).min(bytes.len());
        let mut start = range.start;
        let (mut marks, mut places) = ([0; STEP], Places::new());
        while start < end {
            // As many whole marks as there are bytes for, or the last few bytes before as many zeros.
            let count =
                ((bytes.len() - start).saturating_sub(BYTES - PLACES) / PLACES).min(STEP).min((end - start).div_ceil(PLACES));
            let mut last = [0; BYTES];
            let (here, count) = if count > 0 {
                (&bytes[start..start + count * PLACES + BYTES - PLACES], count)
            } else {
                let rest = &bytes[start..bytes.len().min(start + BYTES)];
                last[..rest.len()].copy_from_slice(rest);
                (&last[..], 1)
            };
            self.buckets.mark(here, &mut marks[..count]);
            places.take(&marks[..count]);
            places.keep(|place| {
                let hash = hash(folded(here[place..place + WINDOW].try_into().expect("a window")));
                self.bits[hash >> 6] >> (hash & 63) & 1
            });
            for &place in places.all() {
                self.at(text, start + usize::from(place), found);
            }
            start += count * PLACES;
        }
    }

    /// The literals whose window stands at `place`.
    fn at(&self, text: &Text<'_>, place: usize, found: &mut Vec<Candidate>) {
        let Text { bytes, ref range, literals } = *text;
        let Some(four) = four_at(bytes, place) else { return };
        let list = list(hash(four));
        let (beside, _) = beside(bytes, place);
        for window in &self.all[usize::from(self.lists[list])..usize::from(self.lists[list + 1])] {
            if window.bytes != four || beside & window.mask != window.beside {
                continue;
            }
            let Some(at) = place.checked_sub(usize::from(window.offset)) else { continue };
            let literal = usize::from(window.literal);
            if range.contains(&at) && literals[literal].stands_at(bytes, at) {
                found.push(Candidate { at, literal });
            }
        }
    }
}

/// A byte for everything that remains of one once its case is dropped.
fn any_symbol() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(|byte| byte & 0x20 != 0)
}

/// The window at a place; bytes behind the end are zero.
fn four_at(bytes: &[u8], place: usize) -> Option<u32> {
    let rest = bytes.get(place..)?;
    let four = rest.first_chunk().copied().unwrap_or_else(|| array::from_fn(|at| rest.get(at).copied().unwrap_or(0)));
    Some(folded(four))
}

/// Up to four bytes before a window, the nearest last, and up to four behind it; and a mask of those that there are.
fn beside(bytes: &[u8], window: usize) -> (u64, u64) {
    let before = &bytes[window.saturating_sub(4)..window];
    let behind = bytes.get(window + WINDOW..).unwrap_or_default();
    if let (Some(before), Some(behind)) = (before.first_chunk(), behind.first_chunk()) {
        return (u64::from(folded(*before)) | u64::from(folded(*behind)) << 32, u64::MAX);
    }
    let (mut all, mut mask) = ([0; 8], [0; 8]);
    for (at, &byte) in (4 - before.len()..4).zip(before).chain((4..8).zip(behind)) {
        (all[at], mask[at]) = (byte | 0x20, u8::MAX);
    }
    (u64::from_le_bytes(all), u64::from_le_bytes(mask))
}

impl Literal {
    fn new(bytes: Bytes) -> Self {
        let first = |of: fn(u8) -> u8| {
            u64::from_le_bytes(array::from_fn(|at| bytes.get(at).map_or(0, |byte| of(byte.to_ascii_lowercase()))))
        };
        let head = first(|byte| byte);
        let (mask, case) = (first(|_| u8::MAX), first(|byte| if byte.is_ascii_lowercase() { 0x20 } else { 0 }));
        Self { bytes, head, mask, case }
    }

    fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        let there = &bytes[at..];
        match there.first_chunk() {
            Some(&first) if (u64::from_le_bytes(first) | self.case) & self.mask != self.head => false,
            Some(_) if self.bytes.len() <= 8 => true,
            _ => there.get(..self.bytes.len()).is_some_and(|there| there.eq_ignore_ascii_case(&self.bytes)),
        }
    }
}

fn folded(bytes: [u8; WINDOW]) -> u32 {
    u32::from_le_bytes(bytes) | FOLD
}

fn hash(window: u32) -> usize {
    (window.wrapping_mul(0x9E37_79B1) >> (32 - HASH)) as usize
}

fn list(hash: usize) -> usize {
    hash >> (HASH - LIST)
}

impl Prefilter for Windows {
    fn candidates(&self, bytes: &[u8], range: Range<usize>, found: &mut Vec<Candidate>) {
        let text = Text { bytes, range, literals: &self.literals };
        for pass in &self.passes {
            pass.candidates(&text, found);
        }
        let range = text.range;
        for &literal in &self.short {
            let wanted = &self.literals[literal];
            let there = range.clone().filter(|&at| wanted.stands_at(bytes, at));
            found.extend(there.map(|at| Candidate { at, literal }));
        }
    }
}
