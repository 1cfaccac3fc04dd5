//! One pass over the bytes for every literal. May be wrong, never misses.

#[cfg(test)]
mod aho;
mod buckets;
#[cfg(test)]
mod choose;
mod chosen;
mod rarity;
mod simd;
#[cfg(test)]
mod tests;
mod windows;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

pub(super) use chosen::{LITERALS, WORDS};
pub(super) use simd::{BLOCK, Classes};
pub(super) use windows::Windows;

/// What is looked for: part of the program, or of a file that was read.
pub(super) type Bytes = Cow<'static, [u8]>;

/// A literal was seen: it may begin a credential, or be part of the name of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// Where it begins.
    pub(super) at: usize,
    /// Which of the literals.
    pub(super) literal: usize,
}

/// Finds literals.
pub(super) trait Prefilter: fmt::Debug + Send + Sync {
    /// Adds every literal that begins in `range`, in any case and overlapping ones too, in any
    /// order. Literals may end behind the range.
    fn candidates(&self, bytes: &[u8], range: Range<usize>, found: &mut Vec<Candidate>);
}
