//! What the next commit changes: the index against the commits that it will follow. Whole folders
//! that the index knows to be unchanged are not looked into, as git itself does it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use gix_index::entry::{Flags, Mode};
use gix_index::extension::Tree as Cached;

use super::objects::{Entry, EntryKind, entries};
use super::refs::{Refs, commit_of};
use super::{GitError, Id, Objects, Repository, path_of};

/// A file as the next commit will have it, where that is not as its parents have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// From the top of the work tree.
    pub path: PathBuf,
    /// Its content.
    pub(crate) id: Id,
    /// Its content in each parent that has it.
    pub(crate) before: Vec<Id>,
}

/// What is staged.
#[derive(Debug, Default)]
pub struct Staged {
    /// Files that are new or changed.
    pub changes: Vec<Change>,
    /// Files of the first parent that the next commit does not have: where renamed ones come from.
    pub(crate) removed: Vec<(PathBuf, Id)>,
    /// Files whose conflicts are not resolved: nothing of them is staged.
    pub conflicts: Vec<PathBuf>,
    /// Submodules whose commit changes; what is in them is their own repository's.
    pub submodules: usize,
}

/// The index, decoded.
#[derive(Debug)]
pub(crate) struct Index {
    state: gix_index::File,
}

impl Repository {
    /// Reads the index. A repository without one tracks nothing.
    pub(crate) fn index(&self) -> Result<Option<Index>, GitError> {
        if !self.index.exists() {
            return Ok(None);
        }
        let options = gix_index::decode::Options { thread_limit: Some(1), ..Default::default() };
        // Like git, which verifies the hash of an index only when asked for a check.
        let state = gix_index::File::at(&self.index, self.hash, true, options);
        let state = state.map_err(|_| GitError::damaged(&self.index, "a damaged git index, or one that is not supported"))?;
        Ok(Some(Index { state }))
    }

    /// What the next commit changes.
    pub fn staged(&self, objects: &Objects) -> Result<Staged, GitError> {
        self.top()?;
        let refs = Refs::new(self)?;
        let mut parents = Vec::new();
        for id in refs.get("HEAD").into_iter().chain(refs.merged()) {
            let commit = commit_of(objects, id)?.ok_or_else(|| GitError::damaged(&self.own, format!("{id} is no commit")))?;
            let mut buffer = Vec::new();
            objects.find(&commit, &mut buffer)?;
            let head = super::objects::Head::read(&buffer);
            parents.push(head.ok_or_else(|| GitError::damaged(&self.own, format!("commit {commit} is damaged")))?.tree);
        }
        let mut staged = match self.index()? {
            Some(index) => Comparison::new(&index, objects).run(parents.first().copied())?,
            None => Staged::default(),
        };
        for &parent in parents.iter().skip(1) {
            staged.compare_with(objects, parent)?;
        }
        Ok(staged)
    }
}

impl Index {
    /// The files that it holds, without conflicts and without those that are not to be committed yet.
    pub(crate) fn files(&self) -> impl Iterator<Item = (PathBuf, Id)> + '_ {
        let plain = self.state.entries().iter().filter(|entry| {
            let kept = Mode::FILE | Mode::FILE_EXECUTABLE | Mode::SYMLINK;
            entry.stage_raw() == 0 && kept.contains(entry.mode) && !entry.flags.contains(Flags::INTENT_TO_ADD)
        });
        plain.map(|entry| (path_of(entry.path(&self.state)), entry.id))
    }

    /// A file of the work tree against what is staged of it: its content, and whether the file is as
    /// it was when it was staged. Nothing for what is not in the index.
    pub(crate) fn file(&self, path: &Path, about: &fs::Metadata) -> Option<(Id, bool)> {
        let name = path.to_string_lossy();
        let name = if std::path::MAIN_SEPARATOR == '/' { path.as_os_str().as_encoded_bytes() } else { name.as_bytes() };
        let entry = self.state.entry_by_path(name.into())?;
        let written = self.state.timestamp();
        Some((entry.id, is_same(entry, about, (written.unix_seconds(), i64::from(written.nanoseconds())))))
    }
}

/// Whether a file has the size and the time that the index has noted, and was written before the index
/// was: by the clock of the file system, which may stand still while both are.
#[cfg(unix)]
fn is_same(entry: &gix_index::Entry, about: &fs::Metadata, written: (i64, i64)) -> bool {
    use std::os::unix::fs::MetadataExt;
    let stat = &entry.stat;
    !entry.flags.contains(Flags::INTENT_TO_ADD)
        && u64::from(stat.size) == about.size() & 0xFFFF_FFFF
        && i64::from(stat.mtime.secs) == about.mtime()
        && i64::from(stat.mtime.nsecs) == about.mtime_nsec()
        && i64::from(stat.ctime.secs) == about.ctime()
        && (about.mtime(), about.mtime_nsec()) < written
}

#[cfg(not(unix))]
fn is_same(_: &gix_index::Entry, _: &fs::Metadata, _: (i64, i64)) -> bool {
    false
}

impl Staged {
    /// Takes out what another parent has as well.
    fn compare_with(&mut self, objects: &Objects, tree: Id) -> Result<(), GitError> {
        let mut kept = Vec::new();
        for mut change in std::mem::take(&mut self.changes) {
            match objects.in_tree(tree, &change.path)? {
                Some((EntryKind::Blob, id)) if id == change.id => continue,
                Some((EntryKind::Blob, id)) => change.before.push(id),
                _ => {}
            }
            kept.push(change);
        }
        self.changes = kept;
        Ok(())
    }
}

/// The index against one tree.
struct Comparison<'a> {
    state: &'a gix_index::State,
    objects: &'a Objects,
    staged: Staged,
}

/// A part of the index: what is below one folder.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    /// Length of the folder's path, with the slash at its end.
    place: usize,
}

impl<'a> Comparison<'a> {
    fn new(index: &'a Index, objects: &'a Objects) -> Self {
        Self { state: &index.state, objects, staged: Staged::default() }
    }

    fn run(mut self, tree: Option<Id>) -> Result<Staged, GitError> {
        let all = Part { start: 0, end: self.state.entries().len(), place: 0 };
        let cached = self.state.tree();
        if tree.is_none() || cached.is_none_or(|cached| cached.num_entries.is_none() || Some(cached.id) != tree) {
            self.folder(all, tree, cached)?;
        }
        Ok(self.staged)
    }

    fn path(&self, at: usize) -> &'a [u8] {
        self.state.entries()[at].path(self.state)
    }

    /// Everything below one folder against the tree that the parent has there.
    fn folder(&mut self, part: Part, tree: Option<Id>, cached: Option<&Cached>) -> Result<(), GitError> {
        let bytes = tree.map(|tree| self.objects.tree(&tree)).transpose()?.unwrap_or_default();
        let place = self.path_before(part);
        let folders: HashMap<&[u8], &Cached> =
            cached.into_iter().flat_map(|cached| &cached.children).map(|child| (&child.name[..], child)).collect();
        let mut old = entries(&bytes, self.objects.hash).peekable();
        let mut at = part.start;
        while at < part.end {
            let rest = &self.path(at)[part.place..];
            let slash = memchr::memchr(b'/', rest);
            let key = &rest[..slash.map_or(rest.len(), |slash| slash + 1)];
            self.remove_before(&mut old, key, &place)?;
            let same = old.next_if(|entry| entry.key().eq(key.iter().copied()));
            let Some(slash) = slash else {
                self.entry(at, same.as_ref());
                at += 1;
                continue;
            };
            let sub_tree = same.map(|entry| entry.id());
            let child = folders.get(&rest[..slash]).copied();
            let end = self.end_of(at, part, key, child);
            let unchanged = child.is_some_and(|child| child.num_entries.is_some() && Some(child.id) == sub_tree);
            let entry = &self.state.entries()[at];
            if entry.mode == Mode::DIR {
                self.sparse(self.path(at), entry.id, sub_tree)?;
            } else if !unchanged {
                self.folder(Part { start: at, end, place: part.place + key.len() }, sub_tree, child)?;
            }
            at = end;
        }
        for entry in old {
            self.remove(&entry, &place)?;
        }
        Ok(())
    }

    fn path_before(&self, part: Part) -> Vec<u8> {
        if part.start < part.end { self.path(part.start)[..part.place].to_vec() } else { Vec::new() }
    }

    /// Where what is below a folder ends. The index counts the files of folders that it knows.
    fn end_of(&self, at: usize, part: Part, key: &[u8], cached: Option<&Cached>) -> usize {
        let inside = |at: usize| self.path(at)[part.place..].starts_with(key);
        if let Some(count) = cached.and_then(|cached| cached.num_entries) {
            let end = at.saturating_add(count as usize);
            if end > at && end <= part.end && inside(end - 1) && (end == part.end || !inside(end)) {
                return end;
            }
        }
        let (mut low, mut high) = (at + 1, part.end);
        while low < high {
            let middle = low.midpoint(high);
            // Behind the first entry that is not inside, none is.
            if inside(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// One file of the index against the entry that the parent has under its name.
    fn entry(&mut self, at: usize, old: Option<&Entry<'_>>) {
        let entry = &self.state.entries()[at];
        let before = old.filter(|old| old.kind == EntryKind::Blob).map(Entry::id);
        if entry.stage_raw() != 0 {
            let path = path_of(self.path(at));
            if self.staged.conflicts.last() != Some(&path) {
                self.staged.conflicts.push(path);
            }
        } else if entry.mode == Mode::COMMIT {
            self.staged.submodules += usize::from(old.map(Entry::id) != Some(entry.id));
        } else if before != Some(entry.id) && !entry.flags.contains(Flags::INTENT_TO_ADD) {
            let before = before.into_iter().collect();
            self.staged.changes.push(Change { path: path_of(self.path(at)), id: entry.id, before });
        }
    }

    fn remove_before<'b>(
        &mut self,
        old: &mut Peekable<impl Iterator<Item = Entry<'b>>>,
        key: &[u8],
        place: &[u8],
    ) -> Result<(), GitError> {
        while let Some(entry) = old.next_if(|entry| entry.key().lt(key.iter().copied())) {
            self.remove(&entry, place)?;
        }
        Ok(())
    }

    fn remove(&mut self, entry: &Entry<'_>, place: &[u8]) -> Result<(), GitError> {
        let path = [place, entry.name].concat();
        match entry.kind {
            EntryKind::Submodule => {}
            EntryKind::Blob => self.staged.removed.push((path_of(&path), entry.id())),
            EntryKind::Tree => {
                let below = files(self.objects, entry.id(), &[&path[..], b"/"].concat())?;
                self.staged.removed.extend(below.into_iter().map(|(path, id)| (path_of(&path), id)));
            }
        }
        Ok(())
    }

    /// A folder of which the index holds the tree only (a sparse checkout).
    fn sparse(&mut self, place: &[u8], tree: Id, before: Option<Id>) -> Result<(), GitError> {
        if before == Some(tree) {
            return Ok(());
        }
        let mut old = before.map(|before| files(self.objects, before, place)).transpose()?.unwrap_or_default();
        for (path, id) in files(self.objects, tree, place)? {
            let before = old.remove(&path);
            if before != Some(id) {
                self.staged.changes.push(Change { path: path_of(&path), id, before: before.into_iter().collect() });
            }
        }
        self.staged.removed.extend(old.into_iter().map(|(path, id)| (path_of(&path), id)));
        Ok(())
    }
}

/// Every file below a tree.
pub(super) fn files(objects: &Objects, tree: Id, place: &[u8]) -> Result<BTreeMap<Vec<u8>, Id>, GitError> {
    let mut found = BTreeMap::new();
    let mut trees = vec![(tree, place.to_vec())];
    while let Some((tree, place)) = trees.pop() {
        let bytes = objects.tree(&tree)?;
        for entry in entries(&bytes, objects.hash) {
            let path = [&place[..], entry.name].concat();
            match entry.kind {
                EntryKind::Tree => trees.push((entry.id(), [&path[..], b"/"].concat())),
                EntryKind::Blob => drop(found.insert(path, entry.id())),
                EntryKind::Submodule => {}
            }
        }
    }
    Ok(found)
}
