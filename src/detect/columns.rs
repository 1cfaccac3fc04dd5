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
    let read = |name: Span, cells: &mut dyn Iterator<Item = Span>| {
        let known = around.rules_named(&bytes[name.range()]);
        if known.is_empty() {
            return Vec::new();
        }
        let read = |cell: Span| {
            if is_hash_of_mysql(&bytes[cell.range()]) {
                return None;
            }
            let slot = Slot { name, value: cell.start, listed: false };
            context::read(set, around, slot, (&known, true)).filter(|found| found.span.end == cell.end)
        };
        cells.filter_map(read).collect()
    };
    if let Some(insert) = Insert::at(bytes, stem) {
        return read(insert.name, &mut insert.cells(bytes));
    }
    Table::at(bytes, stem).map_or_else(Vec::new, |table| read(table.name, &mut table.cells_below(bytes)))
}

/// What old versions of `MySQL` make of a password: 16 hex digits in the column that is called after it.
fn is_hash_of_mysql(cell: &[u8]) -> bool {
    cell.len() == 16 && cell.iter().all(u8::is_ascii_hexdigit)
}

/// The names in a statement of SQL, and the column that is asked for: `INSERT INTO t (id, key) VALUES (1, 'v'), (2, 'w')`.
#[derive(Debug)]
struct Insert {
    name: Span,
    column: usize,
    columns: usize,
    /// Where the first row begins.
    rows: usize,
}

impl Insert {
    /// The statement among whose names the stem stands.
    fn at(bytes: &[u8], stem: Span) -> Option<Self> {
        let is_list = |byte: &&u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'`' | b'"' | b'[' | b']' | b',' | b' ' | b'\n' | b'\r' | b'\t')
        };
        let behind = bytes[stem.end..].iter().take(2 * HEAD).take_while(is_list).count();
        let close = stem.end + behind;
        if bytes.get(close) != Some(&b')') {
            return None;
        }
        let before = bytes[..stem.start].iter().rev().take(2 * HEAD).take_while(is_list).count();
        let open = (stem.start - before).checked_sub(1).filter(|&open| bytes[open] == b'(')?;
        if !is_insert(&bytes[open.saturating_sub(HEAD)..open]) {
            return None;
        }
        let rest = bytes[close + 1..].trim_ascii_start();
        let rows = bytes.len() - rest.len() + VALUES.len();
        if !rest.get(..VALUES.len())?.eq_ignore_ascii_case(VALUES) {
            return None;
        }
        let mut start = open + 1;
        let mut names = Vec::new();
        for name in bytes[open + 1..close].split(|&byte| byte == b',') {
            let quoted = |byte: &u8| byte.is_ascii_whitespace() || b"`\"[]".contains(byte);
            let ahead = name.iter().take_while(|byte| quoted(byte)).count();
            let behind = name[ahead..].iter().rev().take_while(|byte| quoted(byte)).count();
            names.push(Span::new(start + ahead, start + name.len() - behind));
            start += name.len() + 1;
        }
        let column = names.iter().position(|name| name.start <= stem.start && stem.end <= name.end)?;
        Some(Self { name: names[column], column, columns: names.len(), rows })
    }

    /// The texts in the column, row by row.
    fn cells<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Span> + 'a {
        let end = bytes.len().min(self.rows + BELOW);
        let mut at = self.rows;
        let rows = std::iter::from_fn(move || {
            at += bytes[at..end].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count();
            let row = row_of(bytes, Span::new(at, end))?;
            at = row.1;
            Some(row.0)
        });
        let of_column = |cells: Vec<Option<Span>>| if cells.len() == self.columns { cells[self.column] } else { None };
        rows.filter_map(of_column)
    }
}

/// What stands between the names of columns and their values.
const VALUES: &[u8] = b"values";

/// Whether a list of columns follows: `insert into acme.t `.
fn is_insert(head: &[u8]) -> bool {
    let head = head.trim_ascii_end();
    let is_table = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'`' | b'"' | b'[' | b']');
    let table = head.iter().rev().take_while(is_table).count();
    let verb = head[..head.len() - table].trim_ascii_end();
    table > 0 && verb.len() >= 5 && verb[verb.len() - 5..].eq_ignore_ascii_case(b" into")
}

/// The cells of a row, those that are texts without their quotes, and where the row ends.
fn row_of(bytes: &[u8], within: Span) -> Option<(Vec<Option<Span>>, usize)> {
    let text = &bytes[within.range()];
    let (mut cells, mut cell, mut depth) = (Vec::new(), None, 0);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\'' => {
                let start = at + 1;
                at = end_of_text(text, start)?;
                // `N'text'` and `concat('a', 'b')` are texts of other kinds.
                cell = (depth == 1).then(|| Span::new(within.start + start, within.start + at));
            }
            b'(' => depth += 1,
            b')' if depth > 1 => (depth, cell) = (depth - 1, None),
            b',' if depth == 1 => cells.push(cell.take()),
            b')' => {
                cells.push(cell);
                return Some((cells, within.start + at + 1));
            }
            _ if depth == 0 => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where a text ends that begins at `start`: two quotes are one of its own.
fn end_of_text(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr::memchr2(b'\'', b'\\', text.get(at..)?)?;
        match (text[at], text.get(at + 1)) {
            (b'\\', _) | (_, Some(b'\'')) => at += 2,
            _ => return Some(at),
        }
    }
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
        if line.len() > HEAD || !matches!(line.first(), Some(b' ' | b'"' | b'|' | b'A'..=b'Z' | b'a'..=b'z')) {
            return None;
        }
        let separator = *line.iter().find(|byte| SEPARATORS.contains(byte))?;
        // What clients of databases print has a line of dashes below its names.
        let below = &bytes[start + length + 1..];
        let ruled = separator == b'|' && (below.starts_with(b"--") || below.starts_with(b"+-"));
        if line[0] == b' ' && !ruled {
            return None;
        }
        let rule = if ruled { memchr::memchr(b'\n', below)? + 1 } else { 0 };
        let cells: Vec<Span> = cells(bytes, Span::new(start, start + line.len()), separator).collect();
        let names = cells.iter().all(|cell| is_column_name(&bytes[cell.range()]));
        let column = cells.iter().position(|cell| cell.start <= stem.start && stem.end <= cell.end)?;
        let (name, columns) = (cells[column], cells.len());
        (names && columns > 1).then_some(Self { name, separator, column, columns, rows: start + length + 1 + rule })
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
        if separator == b'|' { Span::new(start, start + text.trim_ascii().len()) } else { cell }
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
            "| id | key |\n+----+-----+\n|  1 | aa  |\n|  2 | bb  |\n+----+-----+\n",
            " id |  key \n----+------\n  1 | aa\n  2 | bb\n(2 rows)\n",
            "id,key\n1,aa\n2,bb\nan end without columns\n",
        ] {
            assert_eq!(column(text).unwrap(), ["aa", "bb"], "{text}");
        }
    }

    #[test]
    fn rows_of_an_insert() {
        let column = |text: &str| -> Option<Vec<String>> {
            let at = text.find("key").unwrap();
            let insert = Insert::at(text.as_bytes(), Span::new(at, at + 3))?;
            Some(insert.cells(text.as_bytes()).map(|cell| text[cell.range()].to_owned()).collect())
        };
        for text in [
            "INSERT INTO t (id, key, x) VALUES (1, 'aa', NOW()), (2, 'bb', 'it''s, \\'x')",
            "insert into `db`.`t`(`id`,`key`,`x`) values\n(1,'aa',NULL),\n(2,'bb',concat('a', 'b'));",
            "REPLACE INTO t (\n  id,\n  key,\n  x\n)\nVALUES (1, 'aa', 2), (2, 'bb', 3);",
            "INSERT IGNORE INTO t (id, key, x) VALUES (1, 'aa', 2), (2, ?, 3), (3, 'bb', 3), (4, 'cc');",
        ] {
            assert_eq!(column(text).unwrap(), ["aa", "bb"], "{text}");
        }
        for text in
            ["f(id, key) VALUES (1, 'aa')", "INSERT INTO t (id, key) SELECT 1, 'aa'", "SELECT id, key FROM t WHERE x IN (1)"]
        {
            assert_eq!(column(text), None, "{text}");
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
