//! Objects of git by their names, and what stands in trees, commits and tags.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix_object::{Find, Kind};
use gix_pack::cache::lru::MemoryCappedHashmap;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::{GitError, Id};

/// What is kept of the bases of deltas, for each thread.
const CACHE: usize = 24 * 1024 * 1024;

/// The objects of a repository, its alternates included, one at a time.
#[derive(Clone)]
pub struct Objects {
    stores: Vec<(PathBuf, gix_odb::HandleArc)>,
    pub(super) hash: gix_hash::Kind,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objects({} folders)", self.stores.len())
    }
}

impl Objects {
    pub(super) fn open(directories: &[PathBuf], hash: gix_hash::Kind) -> Result<Self, GitError> {
        let open = |directory: &PathBuf| {
            let opened = gix_odb::Store::at_opts(
                directory.clone(),
                hash,
                &mut std::iter::empty(),
                gix_odb::store::init::Options::default(),
            );
            let store = Arc::new(opened.map_err(|error| GitError::damaged(directory, super::super::plain(&error)))?);
            let cache = || -> Box<gix_odb::cache::PackCache> { Box::new(MemoryCappedHashmap::new(CACHE)) };
            Ok((directory.clone(), store.to_cache_arc().with_pack_cache(cache)))
        };
        Ok(Self { stores: directories.iter().map(open).collect::<Result<_, _>>()?, hash })
    }

    /// Reads an object. Nothing where there is none of that name.
    pub(crate) fn find(&self, id: &Id, buffer: &mut Vec<u8>) -> Result<Option<Kind>, GitError> {
        if id.is_empty_tree() || id.is_empty_blob() {
            buffer.clear();
            return Ok(Some(if id.is_empty_tree() { Kind::Tree } else { Kind::Blob }));
        }
        let mut failure = None;
        for (directory, store) in &self.stores {
            let found = store.try_find(id, buffer).map(|found| found.map(|data| (data.kind, data.data.len())));
            match found {
                Ok(Some((kind, length))) => {
                    buffer.truncate(length);
                    return Ok(Some(kind));
                }
                Ok(None) => {}
                Err(error) => failure = Some(GitError::damaged(directory, format!("object {id}: {error}"))),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Reads a blob that must be there.
    pub(crate) fn blob(&self, id: &Id) -> Result<Vec<u8>, GitError> {
        self.wanted(id, Kind::Blob)
    }

    /// Reads a tree that must be there.
    pub(super) fn tree(&self, id: &Id) -> Result<Vec<u8>, GitError> {
        self.wanted(id, Kind::Tree)
    }

    fn wanted(&self, id: &Id, kind: Kind) -> Result<Vec<u8>, GitError> {
        let mut buffer = Vec::new();
        match self.find(id, &mut buffer)? {
            Some(found) if found == kind => Ok(buffer),
            Some(_) => Err(self.damaged(format!("object {id} is no {kind}"))),
            None => Err(self.damaged(format!("object {id} is missing"))),
        }
    }

    /// What a tree has at a path.
    pub(super) fn in_tree(&self, tree: Id, path: &Path) -> Result<Option<(EntryKind, Id)>, GitError> {
        let mut at = (EntryKind::Tree, tree);
        for part in path.components() {
            if at.0 != EntryKind::Tree {
                return Ok(None);
            }
            let bytes = self.tree(&at.1)?;
            let name = part.as_os_str().as_encoded_bytes();
            match entries(&bytes, self.hash).find(|entry| entry.name == name) {
                Some(entry) => at = (entry.kind, entry.id()),
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// What a commit has at a path. A commit or a folder that is not here, as in a shallow or partial
    /// clone, has nothing.
    pub(crate) fn in_commit(&self, commit: &Id, path: &Path) -> Result<Option<Id>, GitError> {
        let mut buffer = Vec::new();
        let kind = self.find(commit, &mut buffer)?;
        let head = kind.filter(|kind| *kind == Kind::Commit).and_then(|_| Head::read(&buffer));
        Ok(head.and_then(|head| self.in_tree(head.tree, path).ok().flatten()).map(|(_, id)| id))
    }

    /// The tags that a name leads through, with what stands in them.
    pub(super) fn tags(&self, id: Id) -> Result<Vec<(Id, Vec<u8>)>, GitError> {
        let (mut next, mut tags, mut buffer) = (Some(id), Vec::new(), Vec::new());
        while let Some(id) = next.filter(|_| tags.len() < 64) {
            let is_tag = self.find(&id, &mut buffer)? == Some(Kind::Tag);
            next = is_tag.then(|| named(&buffer, b"object ")).flatten();
            if is_tag {
                tags.push((id, buffer.clone()));
            }
        }
        Ok(tags)
    }

    /// Follows tags to what they name.
    pub(super) fn peeled(&self, id: Id) -> Result<Option<(Id, Kind)>, GitError> {
        let (mut id, mut buffer) = (id, Vec::new());
        for _ in 0..64 {
            match self.find(&id, &mut buffer)? {
                None => return Ok(None),
                Some(Kind::Tag) => match named(&buffer, b"object ") {
                    Some(next) => id = next,
                    None => return Err(self.damaged(format!("tag {id} names nothing"))),
                },
                Some(kind) => return Ok(Some((id, kind))),
            }
        }
        Err(self.damaged(format!("tag {id} is nested too deep")))
    }

    /// The one object whose name begins with these hex digits: nothing, one, or more than one.
    pub(super) fn by_prefix(&self, digits: &str) -> Option<Result<Id, ()>> {
        let prefix = gix_hash::Prefix::from_hex(digits).ok()?;
        let mut found: Option<Id> = None;
        for (_, store) in &self.stores {
            match store.lookup_prefix(prefix, None).ok().flatten() {
                None => {}
                Some(Err(())) => return Some(Err(())),
                Some(Ok(id)) if found.is_some_and(|other| other != id) => return Some(Err(())),
                Some(Ok(id)) => found = Some(id),
            }
        }
        found.map(Ok)
    }

    fn damaged(&self, why: String) -> GitError {
        GitError::Damaged { path: self.stores[0].0.clone(), why }
    }
}

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Tree,
    /// A file, or the text of a link.
    Blob,
    Submodule,
}

/// An entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) kind: EntryKind,
    pub(super) name: &'a [u8],
    pub(super) id: &'a [u8],
}

impl Entry<'_> {
    pub(super) fn id(&self) -> Id {
        Id::from_bytes_or_panic(self.id)
    }

    /// What git orders entries by: a folder as if a slash ended its name.
    pub(super) fn key(&self) -> impl Iterator<Item = u8> + '_ {
        let slash = (self.kind == EntryKind::Tree).then_some(b'/');
        self.name.iter().copied().chain(slash)
    }
}

/// The entries of a tree; what is damaged ends them.
pub(super) fn entries(mut bytes: &[u8], hash: gix_hash::Kind) -> impl Iterator<Item = Entry<'_>> {
    let length = hash.len_in_bytes();
    std::iter::from_fn(move || {
        let space = memchr::memchr(b' ', &bytes[..bytes.len().min(8)])?;
        let end = memchr::memchr(0, bytes)?;
        let id = bytes.get(end + 1..end + 1 + length)?;
        let kind = match &bytes[..space] {
            b"40000" | b"040000" => EntryKind::Tree,
            b"160000" => EntryKind::Submodule,
            _ => EntryKind::Blob,
        };
        let name = bytes.get(space + 1..end)?;
        bytes = &bytes[end + 1 + length..];
        Some(Entry { kind, name, id })
    })
}

/// The object that a line of a commit or tag names.
fn named(bytes: &[u8], key: &[u8]) -> Option<Id> {
    let line = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(key))?;
    Id::from_hex(line).ok()
}

/// What the head of a commit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) tree: Id,
    pub(super) parents: Vec<Id>,
    /// When it was made, in seconds.
    pub(super) time: i64,
}

impl Head {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut head = Self { tree: named(bytes, b"tree ")?, parents: Vec::new(), time: 0 };
        for line in bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty()) {
            if let Some(parent) = line.strip_prefix(b"parent ") {
                head.parents.push(Id::from_hex(parent).ok()?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                head.time = signature(committer).map_or(0, |(_, seconds, _)| seconds);
                break;
            }
        }
        Some(head)
    }
}

/// Name, seconds and the offset in minutes of a line such as `A B <a@b> 1700000000 +0100`.
fn signature(line: &[u8]) -> Option<(String, i64, i64)> {
    let text = String::from_utf8_lossy(line);
    let (name, rest) = text.split_once(" <").unwrap_or((&text, ""));
    let mut parts = rest.rsplit_once('>').map_or("", |(_, time)| time).split_whitespace();
    let seconds = parts.next()?.parse().ok()?;
    let zone: i64 = parts.next().and_then(|zone| zone.parse().ok()).unwrap_or(0);
    Some((name.to_owned(), seconds, zone / 100 * 60 + zone % 100))
}

/// Who wrote a commit, and when, as in RFC 3339.
pub(super) fn author(bytes: &[u8]) -> (String, String) {
    let mut lines = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
    let line = lines.find_map(|line| line.strip_prefix(b"author ")).unwrap_or_default();
    signature(line).map_or_else(Default::default, |(name, seconds, zone)| (name, rfc3339(seconds, zone)))
}

/// Where the message of a commit or tag begins.
pub(super) fn message(bytes: &[u8]) -> usize {
    memchr::memmem::find(bytes, b"\n\n").map_or(bytes.len(), |at| at + 2)
}

/// `2026-03-12T10:11:07+01:00`; nothing for a time that no calendar has.
fn rfc3339(seconds: i64, zone: i64) -> String {
    let offset = i32::try_from(zone * 60).ok().and_then(|seconds| Offset::from_seconds(seconds).ok());
    let time = Timestamp::from_second(seconds).ok().zip(offset).map(|(time, offset)| offset.to_datetime(time));
    let sign = if zone < 0 { '-' } else { '+' };
    let zone = if zone == 0 { "Z".to_owned() } else { format!("{sign}{:02}:{:02}", zone.abs() / 60, zone.abs() % 60) };
    time.map_or_else(String::new, |time| format!("{}{zone}", time.strftime("%Y-%m-%dT%H:%M:%S")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_git_shows_them() {
        assert_eq!(rfc3339(1_773_306_667, 0), "2026-03-12T09:11:07Z");
        assert_eq!(rfc3339(1_773_306_667, 60), "2026-03-12T10:11:07+01:00");
        assert_eq!(rfc3339(951_782_400, -330), "2000-02-28T18:30:00-05:30");
        assert_eq!(rfc3339(-1, 0), "1969-12-31T23:59:59Z");
        assert_eq!(signature(b"A <b> C <a@b> 12 -0530"), Some(("A".to_owned(), 12, -330)));
        assert_eq!(signature(b"nobody"), None);
    }

    #[test]
    fn a_damaged_tree_ends_and_does_not_panic() {
        let mut tree = b"100644 a\0".to_vec();
        tree.extend([7; 20]);
        tree.extend(b"40000 b\0");
        tree.extend([8; 19]);
        let found: Vec<_> = entries(&tree, gix_hash::Kind::Sha1).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].name, found[0].id), (EntryKind::Blob, &b"a"[..], &[7; 20][..]));
        assert_eq!(entries(b"nonsense", gix_hash::Kind::Sha1).count(), 0);
    }
}
