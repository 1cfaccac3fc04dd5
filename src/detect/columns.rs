//! Tables of text: the names of the slots stand in the first line, the values below them. `user,password` and
//! `anna,…` is what password managers, consoles of clouds and databases export.

use super::context;
use super::near::Around;
use super::resolve::Found;
use super::slot::Slot;
use crate::rule::RuleSet;
use crate::span::Span;

/// The longest line of names, the longest name, and how far below a row may end: no farther than a list reaches.
const HEAD: usize = 512;
const NAME: usize = 40;
const BELOW: usize = 4096;

/// What stands between columns.
const SEPARATORS: &[u8] = b",;\t|";

/// The values below the name that holds the stem, if that is the name of a column.
pub(super) fn values_below(set: &RuleSet, around: &Around<'_>, stem: Span) -> Vec<Found> {
    let bytes = around.bytes;
    let Some(table) = Table::at(bytes, stem) else { return Vec::new() };
    let known = around.rules_named(&bytes[table.name.range()]);
    if known.is_empty() {
        return Vec::new();
    }
    table
        .cells_below(bytes)
        .filter_map(|cell| {
            let slot = Slot { name: table.name, value: cell.start, listed: false };
            context::read(set, around, slot, (&known, true)).filter(|found| found.span.end == cell.end)
        })
        .collect()
}

/// A line of names, and the column that is asked for.
#[derive(Debug)]
struct Table {
    name: Span,
    separator: u8,
    column: usize,
    columns: usize,
    /// Where the first row begins.
    rows: usize,
}

impl Table {
    /// The table in whose first line the stem stands.
    fn at(bytes: &[u8], stem: Span) -> Option<Self> {
        // What most names are followed by is asked first.
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'"');
        let tail = bytes[stem.end..].iter().take(NAME).take_while(is_part).count();
        if !matches!(bytes.get(stem.end + tail), Some(b',' | b';' | b'\t' | b'|' | b'\r' | b'\n')) {
            return None;
        }
        let floor = stem.start.saturating_sub(HEAD);
        let start = match memchr::memrchr(b'\n', &bytes[floor..stem.start]) {
            Some(end) => floor + end + 1,
            None if floor == 0 => 0,
            None => return None,
        };
        let length = memchr::memchr(b'\n', &bytes[start..bytes.len().min(start + 2 * HEAD)])?;
        let line = bytes[start..start + length].strip_suffix(b"\r").unwrap_or(&bytes[start..start + length]);
        if line.len() > HEAD || !matches!(line.first(), Some(b'"' | b'|' | b'A'..=b'Z' | b'a'..=b'z')) {
            return None;
        }
        let separator = *line.iter().find(|byte| SEPARATORS.contains(byte))?;
        let cells: Vec<Span> = cells(bytes, Span::new(start, start + line.len()), separator).collect();
        let names = cells.iter().all(|cell| is_column_name(&bytes[cell.range()]));
        let column = cells.iter().position(|cell| cell.start <= stem.start && stem.end <= cell.end)?;
        let (name, columns) = (cells[column], cells.len());
        (names && columns > 1).then_some(Self { name, separator, column, columns, rows: start + length + 1 })
    }

    /// What stands in the column, row by row, as long as rows have as many cells as there are names.
    fn cells_below<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Span> + 'a {
        let end = bytes.len().min(self.rows + BELOW);
        let mut start = self.rows;
        std::iter::from_fn(move || {
            let rest = bytes.get(start..end).filter(|rest| !rest.is_empty())?;
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let row = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
            let row = Span::new(start, start + row.len());
            start += length + 1;
            let mut count = 0;
            let cell = cells(bytes, row, self.separator).inspect(|_| count += 1).nth(self.column)?;
            let others = cells(bytes, row, self.separator).count();
            (others == self.columns).then_some(cell)
        })
    }
}

/// What names a column: a word or a few.
fn is_column_name(cell: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'.' | b'/');
    (1..=NAME).contains(&cell.len()) && cell[0].is_ascii_alphabetic() && cell.iter().all(is_part)
}

/// The cells of a line, without their quotes. A separator in quotes is part of a cell; those of Markdown stand also
/// before the first and behind the last one, and have blanks on both sides.
fn cells(bytes: &[u8], line: Span, separator: u8) -> impl Iterator<Item = Span> + '_ {
    let text = bytes[line.range()].trim_ascii_end();
    let framed = separator == b'|' && text.len() > 1 && text.starts_with(b"|") && text.ends_with(b"|");
    let line = if framed { Span::new(line.start + 1, line.start + text.len() - 1) } else { line };
    let trimmed = move |cell: Span| {
        let text = &bytes[cell.range()];
        let start = cell.start + text.len() - text.trim_ascii_start().len();
        if framed { Span::new(start, start + text.trim_ascii().len()) } else { cell }
    };
    let mut at = Some(line.start);
    std::iter::from_fn(move || {
        let start = at?;
        let text = &bytes[start..line.end];
        if let Some(quoted) = text.strip_prefix(b"\"")
            && let Some(length) = memchr::memchr(b'"', quoted)
            && quoted.get(length + 1).is_none_or(|next| *next == separator)
        {
            let end = start + length + 2;
            at = (end < line.end).then_some(end + 1);
            return Some(Span::new(start + 1, start + 1 + length));
        }
        let length = memchr::memchr(separator, text).unwrap_or(text.len());
        at = (length < text.len()).then_some(start + length + 1);
        Some(trimmed(Span::new(start, start + length)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the column that holds `key`.
    fn column(text: &str) -> Option<Vec<&str>> {
        let at = text.find("key").unwrap();
        let table = Table::at(text.as_bytes(), Span::new(at, at + 3))?;
        Some(table.cells_below(text.as_bytes()).map(|cell| &text[cell.range()]).collect())
    }

    #[test]
    fn columns_are_read_below_their_names() {
        for text in [
            "id,key\n1,aa\n2,bb\n",
            "key,id\r\naa,1\r\nbb,2\r\n",
            "\"id\";\"the key\";\"x\"\n\"1\";\"aa\";\"\"\n\"2\";\"bb\";\"y;z\"",
            "id\tkey\n1\taa\n2\tbb",
            "| id | the key |\n| 1 | aa |\n| 2 | bb |\n",
            "id,key\n1,aa\n2,bb\nan end without columns\n",
        ] {
            assert_eq!(column(text).unwrap(), ["aa", "bb"], "{text}");
        }
    }

    #[test]
    fn code_and_prose_have_no_columns() {
        for text in
            ["f(id, key)\n1,2\n", "  key,\n  id,\n", "key\nvalue\n", "{id, key\n", "a: b, key\n", "id,key", "| key |\n| v |\n"]
        {
            assert_eq!(column(text).filter(|values| !values.is_empty()), None, "{text}");
        }
    }
}
