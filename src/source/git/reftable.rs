//! References that git keeps in tables (`extensions.refStorage=reftable`): what each of them names, and
//! the log of the stash. By the format's own document; the indexes in a table are not needed to read all of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::ZlibDecoder;

use super::{GitError, Id};

/// So often the list of tables is read again, because git has replaced one of them in between.
const TRIES: usize = 5;
/// A larger table is no table.
const LARGEST: u64 = 1 << 30;

/// What a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Object(Id),
    Name(String),
}

/// All tables of one folder, the newer over the older.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    pub(super) references: BTreeMap<String, Target>,
    /// What the log of the stash leads to.
    pub(super) stashes: Vec<Id>,
}

impl Tables {
    /// Reads the tables that `tables.list` names. A work tree without any has no references of its own.
    pub(super) fn read(folder: &Path) -> Result<Self, GitError> {
        let failed = |error: &std::io::Error| GitError::damaged(folder, format!("references cannot be read: {error}"));
        let mut tries = 0;
        'again: loop {
            tries += 1;
            let list = match fs::read_to_string(folder.join("tables.list")) {
                Ok(list) => list,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
                Err(error) => return Err(failed(&error)),
            };
            let (mut tables, mut log) = (Self::default(), BTreeMap::new());
            for name in list.lines().filter(|name| !name.is_empty()) {
                if name.contains(['/', '\\']) {
                    return Err(GitError::damaged(folder, format!("{name:?} is no table")));
                }
                let path = folder.join(name);
                match whole(&path) {
                    Ok(bytes) => {
                        let table = Table::new(&bytes).and_then(|table| {
                            table.references(&mut tables.references)?;
                            table.log(&mut log)
                        });
                        table.ok_or_else(|| GitError::damaged(&path, "a damaged table of references"))?;
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound && tries < TRIES => continue 'again,
                    Err(error) => return Err(failed(&error)),
                }
            }
            tables.stashes = log.into_values().flatten().collect();
            return Ok(tables);
        }
    }
}

fn whole(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One table.
struct Table<'a> {
    bytes: &'a [u8],
    /// How long its head is.
    head: usize,
    block: usize,
    /// How long names of objects are.
    hash: usize,
    /// Where its log begins.
    log: usize,
}

impl<'a> Table<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let (head, hash) = match (bytes.get(..4)?, bytes.get(4)?) {
            (b"REFT", 1) => (24, 20),
            (b"REFT", 2) if bytes.get(24..28)? == b"sha1" => (28, 20),
            (b"REFT", 2) if bytes.get(24..28)? == b"s256" => (28, 32),
            _ => return None,
        };
        // The foot is the head again, five positions and a checksum.
        let foot = bytes.len().checked_sub(head + 44)?;
        if bytes[foot..foot + head] != bytes[..head] || foot < head {
            return None;
        }
        let position = number(bytes, foot + head + 24, 8)?;
        let is_log_only = position == 0 && bytes.get(head) == Some(&b'g');
        let log = if is_log_only { head } else { usize::try_from(position).ok()? };
        Some(Self { bytes: &bytes[..foot], head, block: usize::try_from(number(bytes, 5, 3)?).ok()?, hash, log })
    }

    /// Every reference, over those of older tables.
    fn references(&self, all: &mut BTreeMap<String, Target>) -> Option<()> {
        let mut at = 0;
        while at < self.bytes.len() {
            // The head is a part of the first block.
            let start = if at == 0 { self.head } else { at };
            if self.bytes.get(start) != Some(&b'r') {
                break;
            }
            let length = usize::try_from(number(self.bytes, start + 1, 3)?).ok()?;
            let block = self.bytes.get(at..at.checked_add(length)?)?;
            self.block_of_references(records(block, start - at + 4)?, all)?;
            at += if self.block > 0 { length.next_multiple_of(self.block) } else { length };
        }
        Some(())
    }

    fn block_of_references(&self, mut records: Cursor<'_>, all: &mut BTreeMap<String, Target>) -> Option<()> {
        let mut name = Vec::new();
        while !records.is_empty() {
            let kind = records.key(&mut name)?;
            // Since when it is so.
            records.varint()?;
            let key = String::from_utf8_lossy(&name).into_owned();
            match kind {
                0 => drop(all.remove(&key)),
                1 | 2 => {
                    let id = Id::from_bytes_or_panic(records.take(self.hash)?);
                    if kind == 2 {
                        records.take(self.hash)?;
                    }
                    all.insert(key, Target::Object(id));
                }
                3 => {
                    let length = usize::try_from(records.varint()?).ok()?;
                    let target = String::from_utf8_lossy(records.take(length)?).into_owned();
                    all.insert(key, Target::Name(target));
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// What the log of the stash says, by the names of its records.
    fn log(&self, all: &mut BTreeMap<Vec<u8>, Option<Id>>) -> Option<()> {
        let mut at = self.log;
        while at > 0 && self.bytes.get(at) == Some(&b'g') {
            let length = usize::try_from(number(self.bytes, at + 1, 3)?).ok()?.checked_sub(4)?;
            let mut block = vec![0; length];
            let mut packed = ZlibDecoder::new(self.bytes.get(at + 4..)?);
            // The first block counts the head of the file as its own.
            let mut filled = 0;
            while filled < length {
                match packed.read(&mut block[filled..]).ok()? {
                    0 => break,
                    count => filled += count,
                }
            }
            block.truncate(filled);
            let _ = packed.read(&mut [0; 1]);
            self.block_of_log(records(&block, 0)?, all)?;
            at += 4 + usize::try_from(packed.total_in()).ok()?;
        }
        Some(())
    }

    fn block_of_log(&self, mut records: Cursor<'_>, all: &mut BTreeMap<Vec<u8>, Option<Id>>) -> Option<()> {
        let mut key = Vec::new();
        while !records.is_empty() {
            let kind = records.key(&mut key)?;
            let mut new = None;
            if kind == 1 {
                records.take(self.hash)?;
                new = Some(Id::from_bytes_or_panic(records.take(self.hash)?));
                // Who: name and address; when: seconds and zone; why.
                for _ in 0..2 {
                    let length = usize::try_from(records.varint()?).ok()?;
                    records.take(length)?;
                }
                records.varint()?;
                records.take(2)?;
                let length = usize::try_from(records.varint()?).ok()?;
                records.take(length)?;
            }
            if key.starts_with(b"refs/stash\0") {
                all.insert(key.clone(), new.filter(|id| !id.is_null()));
            }
        }
        Some(())
    }
}

/// The records of a block: behind its head, before the places where whole names stand.
fn records(block: &[u8], head: usize) -> Option<Cursor<'_>> {
    let count = usize::try_from(number(block, block.len().checked_sub(2)?, 2)?).ok()?;
    let end = block.len().checked_sub(2 + 3 * count)?;
    Some(Cursor { bytes: block.get(head..end)? })
}

/// A number, the highest byte first.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    Some(bytes.get(at..at.checked_add(length)?)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// What is left to be read.
struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut byte = self.take(1)?[0];
        let mut number = u64::from(byte & 0x7F);
        while byte & 0x80 != 0 {
            byte = self.take(1)?[0];
            number = number.checked_add(1)?.checked_mul(128)? | u64::from(byte & 0x7F);
        }
        Some(number)
    }

    /// Changes the name of the record before this one to that of this one; gives its kind.
    fn key(&mut self, name: &mut Vec<u8>) -> Option<u64> {
        let shared = usize::try_from(self.varint()?).ok()?;
        let (length, kind) = self.varint().map(|both| (both >> 3, both & 7))?;
        let rest = self.take(usize::try_from(length).ok()?)?;
        if shared > name.len() {
            return None;
        }
        name.truncate(shared);
        name.extend_from_slice(rest);
        Some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_table_is_refused_and_does_not_panic() {
        let mut bytes = b"REFT\x01\0\x10\0".to_vec();
        bytes.resize(24, 0);
        let head = bytes.clone();
        bytes.extend(&head);
        bytes.resize(24 + 68, 0);
        let mut all = BTreeMap::new();
        let empty = Table::new(&bytes).unwrap();
        assert!(empty.references(&mut all).is_some() && all.is_empty());
        for at in 0..bytes.len() {
            for value in [0, 1, b'r', b'g', 0x7F, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                if let Some(table) = Table::new(&damaged) {
                    let _ = table.references(&mut all);
                    let _ = table.log(&mut BTreeMap::new());
                }
            }
            assert!(Table::new(&bytes[..at]).is_none_or(|table| table.references(&mut all).is_some()));
        }
    }

    #[test]
    fn numbers_are_as_in_packs() {
        let read = |bytes: &[u8]| Cursor { bytes }.varint();
        assert_eq!((read(&[0x05]), read(&[0x80, 0x00]), read(&[0x81, 0x00])), (Some(5), Some(128), Some(256)));
        assert_eq!((read(&[0x80]), read(&[0xFF; 12])), (None, None));
    }
}
