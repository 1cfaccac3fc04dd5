//! A set of bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of bytes, tested in one look-up.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Alphabet([u64; 4]);

impl Alphabet {
    /// No byte.
    pub const NONE: Self = Self([0; 4]);
    /// Every byte.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Letters and digits.
    pub const ALPHANUMERIC: Self = {
        let mut set = Self([0; 4]);
        let mut byte = 0;
        while byte < 128u8 {
            if byte.is_ascii_alphanumeric() {
                set = set.with(byte);
            }
            byte += 1;
        }
        set
    };

    /// The same set with one byte more.
    pub(super) const fn with(mut self, byte: u8) -> Self {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
        self
    }

    /// Adds the bytes from `first` to `last`, both included.
    pub fn insert(&mut self, first: u8, last: u8) {
        for (word, bits) in (0..).zip(&mut self.0) {
            let (from, to) = (u32::from(first).max(64 * word), u32::from(last).min(64 * word + 63));
            if from <= to {
                *bits |= u64::MAX >> (63 - (to - from)) << (from - 64 * word);
            }
        }
    }

    /// Whether the byte is in the set.
    pub const fn contains(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 == 1
    }

    /// How many bytes are in the set.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no byte is.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// The bytes of both sets.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// The bytes that are in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    /// The bytes in ascending order.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=255).filter(|&byte| self.contains(byte))
    }

    /// How many bytes from the start of `bytes` are in the set, at most `limit`.
    pub fn run(&self, bytes: &[u8], limit: usize) -> usize {
        let bytes = &bytes[..bytes.len().min(limit)];
        // Eight at once, without a branch for each.
        let (eights, _) = bytes.as_chunks::<8>();
        let whole = eights.iter().take_while(|eight| eight.iter().fold(true, |all, &byte| all & self.contains(byte))).count() * 8;
        whole + bytes[whole..].iter().take_while(|&&byte| self.contains(byte)).count()
    }
}

impl FromIterator<u8> for Alphabet {
    fn from_iter<T: IntoIterator<Item = u8>>(bytes: T) -> Self {
        let mut set = Self::default();
        bytes.into_iter().for_each(|byte| set.insert(byte, byte));
        set
    }
}

impl fmt::Debug for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.bytes().collect::<Vec<_>>().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_bytes() {
        let mut set = Alphabet::default();
        assert!(set.is_empty());
        set.insert(b'a', b'c');
        set.insert(0xff, 0xff);
        assert_eq!(set.len(), 4);
        for (first, last) in [(0, 0), (0, 255), (63, 64), (1, 62), (60, 200), (128, 191), (192, 255), (5, 4)] {
            let mut all = Alphabet::default();
            all.insert(first, last);
            assert_eq!(all.bytes().collect::<Vec<_>>(), (first..=last).collect::<Vec<_>>());
        }
        assert_eq!(set.run(b"abca\xffxa", 100), 5);
        assert_eq!(set.run(b"abcabc", 2), 2);
        assert_eq!(Alphabet::ALPHANUMERIC.len(), 62);
        assert_eq!(set.bytes().collect::<Alphabet>(), set);
    }
}
