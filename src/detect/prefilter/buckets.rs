//! Windows in buckets: which bytes may stand first, second, third and fourth in a window of each bucket. A place
//! where some bucket allows all four bytes may begin a window. Few places of ordinary text do, if windows that are
//! alike share a bucket: [`super::chosen`] says which.

#[cfg(target_arch = "x86_64")]
use super::chosen::KINDS;
use super::simd::Level;
use super::windows::WINDOW;

/// Each has a bit.
pub(super) const BUCKETS: usize = 64;
/// Places that are looked at together: a bit for each.
pub(super) const PLACES: usize = 64;
/// Bytes that windows at so many places take.
pub(super) const BYTES: usize = PLACES + WINDOW - 1;
/// What remains of a byte: six bits, the same for a letter in either case.
pub(super) const SYMBOLS: usize = 64;

/// Symbols are told apart by their kind where a vector holds less: those of one kind seldom stand in windows, or seldom
/// in text. [`KINDS`] says which.
#[cfg(any(test, target_arch = "x86_64"))]
pub(super) const KIND_COUNT: usize = 32;

/// The buckets that allow a byte, eight at a time: for each position in a window, by what remains of the byte.
pub(super) type Eight = [[u8; SYMBOLS]; WINDOW];
/// The same by the kind of the byte.
#[cfg(target_arch = "x86_64")]
pub(super) type EightByKind = [[u8; KIND_COUNT]; WINDOW];

/// Finds the places where a window of some bucket may stand.
#[derive(Debug)]
pub(super) struct Buckets {
    level: Level,
    /// As many as there are buckets for.
    #[cfg(target_arch = "x86_64")]
    pub(super) eights: Vec<Eight>,
    /// The same with half as many buckets, for vectors that hold less.
    #[cfg(target_arch = "aarch64")]
    pub(super) few: Vec<Eight>,
    /// The same by kinds, for vectors that look up less.
    #[cfg(target_arch = "x86_64")]
    pub(super) few: Vec<EightByKind>,
    /// All buckets together.
    all: Box<All>,
}

/// The buckets that allow a byte: for each position in a window, by what remains of the byte.
type All = [[u64; SYMBOLS]; WINDOW];

/// What remains of a byte: the bit that tells cases apart is dropped, and the one that ASCII leaves zero.
pub(super) fn symbol(byte: u8) -> usize {
    usize::from(byte & 0x1F | byte >> 1 & 0x20)
}

impl Buckets {
    /// Each window with the bucket that it belongs to, of all and of half as many.
    pub(super) fn new(windows: impl Iterator<Item = ([u8; WINDOW], [usize; 2])>, level: Level) -> Self {
        let (mut all, mut few): (Box<All>, Box<All>) = (Box::new([[0; SYMBOLS]; WINDOW]), Box::new([[0; SYMBOLS]; WINDOW]));
        for (window, [bucket, of_few]) in windows {
            for (position, byte) in window.into_iter().enumerate() {
                all[position][symbol(byte)] |= 1 << bucket;
                few[position][symbol(byte)] |= 1 << of_few;
            }
        }
        Self {
            level,
            #[cfg(target_arch = "x86_64")]
            eights: eights(&all),
            #[cfg(target_arch = "aarch64")]
            few: eights(&few),
            #[cfg(target_arch = "x86_64")]
            few: eights(&few).iter().map(by_kind).collect(),
            all,
        }
    }

    /// Sets a bit for each place where a window may begin: the first bit of the first mark for the first byte.
    /// The bytes are those of the places, and three more.
    pub(super) fn mark(&self, bytes: &[u8], marks: &mut [u64]) {
        self.level.mark(self, bytes, marks);
    }

    /// [`Self::mark`] without instructions of a processor.
    pub(super) fn mark_plain(&self, bytes: &[u8], marks: &mut [u64]) {
        let [first, second, third, fourth] = &*self.all;
        for (mark, bytes) in marks.iter_mut().zip(bytes.windows(BYTES).step_by(PLACES)) {
            let buckets =
                |four: &[u8]| first[symbol(four[0])] & second[symbol(four[1])] & third[symbol(four[2])] & fourth[symbol(four[3])];
            let places = bytes.windows(WINDOW).rev();
            *mark = places.fold(0, |mark, four| mark << 1 | u64::from(buckets(four) != 0));
        }
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn eights(all: &All) -> Vec<Eight> {
    let used = all[0].iter().fold(0, |used, buckets| used | buckets);
    let count = (BUCKETS - used.leading_zeros() as usize).div_ceil(8);
    let eight = |number: usize| all.each_ref().map(|symbols| symbols.map(|buckets| buckets.to_le_bytes()[number]));
    (0..count).map(eight).collect()
}

#[cfg(target_arch = "x86_64")]
fn by_kind(eight: &Eight) -> EightByKind {
    eight.each_ref().map(|symbols| {
        let mut kinds = [0; KIND_COUNT];
        for (buckets, kind) in symbols.iter().zip(KINDS) {
            kinds[usize::from(kind)] |= buckets;
        }
        kinds
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_one_symbol_in_either_case() {
        for byte in b'a'..=b'z' {
            assert_eq!(symbol(byte), symbol(byte.to_ascii_uppercase()));
        }
        let others: std::collections::BTreeSet<usize> = (b' '..=b'?').chain(b'`'..=0x7F).map(symbol).collect();
        assert_eq!(others.len(), SYMBOLS);
    }
}
