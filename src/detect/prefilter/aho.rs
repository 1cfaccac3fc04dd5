//! The portable prefilter: an Aho-Corasick automaton.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::{Bytes, Candidate, Prefilter};

/// An automaton over all literals, blind to case.
#[derive(Debug)]
pub(in crate::detect) struct Aho {
    automaton: AhoCorasick,
    longest: usize,
}

impl Aho {
    /// Builds the automaton. The DFA is three times as fast as the automatic choice, for a
    /// megabyte of tables.
    pub(in crate::detect) fn new(literals: &[Bytes]) -> Result<Self, BuildError> {
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(literals)?;
        let longest = literals.iter().map(|literal| literal.len()).max().unwrap_or(0);
        Ok(Self { automaton, longest })
    }
}

impl Prefilter for Aho {
    fn candidates(&self, bytes: &[u8], range: Range<usize>, found: &mut Vec<Candidate>) {
        let reach = (range.end + self.longest).min(bytes.len());
        let hits = self
            .automaton
            .find_overlapping_iter(&bytes[range.start..reach])
            .map(|hit| Candidate { at: range.start + hit.start(), literal: hit.pattern().as_usize() });
        found.extend(hits.filter(|hit| hit.at < range.end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_literal_that_begins_in_the_range() {
        let literals: Vec<Bytes> = ["abcd", "cdef", "bc"].map(|l| l.as_bytes().into()).into();
        let aho = Aho::new(&literals).unwrap();
        let mut found = Vec::new();
        aho.candidates(b"xABCDEF abcdef", 0..9, &mut found);
        found.sort_unstable();
        let all: Vec<_> = found.iter().map(|c| (c.at, c.literal)).collect();
        assert_eq!(all, [(1, 0), (2, 2), (3, 1), (8, 0)]);
    }
}
