//! Byte spans, and the line and column of an offset, counted only when somebody asks.

use std::ops::Range;

/// A run of bytes: from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// A span from `start` to `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Length in bytes.
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span holds no byte.
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether the two spans share a byte.
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The span as an index.
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The same span `by` bytes further on.
    #[must_use]
    pub const fn shifted(self, by: usize) -> Self {
        Self::new(self.start + by, self.end + by)
    }
}

/// Line and column, both from 1; columns count bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in bytes, from 1.
    pub column: u64,
}

/// Turns offsets into lines and columns, counting each byte at most once while offsets ascend.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    offset: usize,
    line: u64,
    line_start: i64,
    first_start: i64,
}

impl Default for Lines {
    fn default() -> Self {
        Self::starting_at(1, 1)
    }
}

impl Lines {
    /// Counts from a first byte that stands at `line` and `column`.
    pub fn starting_at(line: u64, column: u64) -> Self {
        let first_start = 1 - column.cast_signed();
        Self { offset: 0, line, line_start: first_start, first_start }
    }

    /// How far it has counted.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    #[expect(clippy::cast_possible_wrap, reason = "a buffer is shorter than 2^63 bytes")]
    /// The position of `offset` in `bytes`, which must be the same bytes at every call.
    pub fn position(&mut self, bytes: &[u8], offset: usize) -> Position {
        let offset = offset.min(bytes.len());
        if offset < self.offset {
            let back = memchr::memchr_iter(b'\n', &bytes[offset..self.offset]).count();
            self.line -= back as u64;
            if back > 0 {
                let newline = memchr::memrchr(b'\n', &bytes[..offset]);
                self.line_start = newline.map_or(self.first_start, |at| at as i64 + 1);
            }
        } else {
            for at in memchr::memchr_iter(b'\n', &bytes[self.offset..offset]) {
                self.line += 1;
                self.line_start = (self.offset + at) as i64 + 1;
            }
        }
        self.offset = offset;
        let column = offset as i64 - self.line_start + 1;
        Position { line: self.line, column: column.cast_unsigned() }
    }
}

/// Where lines begin, for offsets in any order.
#[derive(Clone, Debug)]
pub struct LineIndex {
    newlines: Vec<usize>,
    first: Position,
}

impl LineIndex {
    /// Of bytes whose first stands at `first`.
    pub fn new(bytes: &[u8], first: Position) -> Self {
        Self { newlines: memchr::memchr_iter(b'\n', bytes).collect(), first }
    }

    /// The position of an offset.
    pub fn position(&self, offset: usize) -> Position {
        let before = self.newlines.partition_point(|&newline| newline < offset);
        match before.checked_sub(1) {
            Some(last) => Position { line: self.first.line + before as u64, column: (offset - self.newlines[last]) as u64 },
            None => Position { line: self.first.line, column: self.first.column + offset as u64 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_ascend_and_go_back() {
        let text = b"ab\ncd\n\nef";
        let mut lines = Lines::default();
        let all: Vec<_> = (0..=text.len()).map(|at| lines.position(text, at)).collect();
        assert_eq!(all[0], Position { line: 1, column: 1 });
        assert_eq!(all[4], Position { line: 2, column: 2 });
        assert_eq!(all[7], Position { line: 4, column: 1 });
        for (at, &expected) in all.iter().enumerate().rev() {
            assert_eq!(lines.position(text, at), expected, "going back to {at}");
        }
    }

    #[test]
    fn an_index_agrees_with_counting() {
        let text = b"ab\ncd\n\nef";
        let index = LineIndex::new(text, Position { line: 7, column: 5 });
        let mut lines = Lines::starting_at(7, 5);
        for at in 0..=text.len() {
            assert_eq!(index.position(at), lines.position(text, at), "{at}");
        }
    }

    #[test]
    fn a_window_continues_the_line_it_starts_in() {
        let mut lines = Lines::starting_at(7, 5);
        assert_eq!(lines.position(b"xy\nz", 1), Position { line: 7, column: 6 });
        assert_eq!(lines.position(b"xy\nz", 3), Position { line: 8, column: 1 });
    }
}
