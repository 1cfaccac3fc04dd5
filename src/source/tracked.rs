//! Which files git tracks: finds the git folder of a work tree and reads the paths in its index,
//! nothing else.

use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::finding::Tracked;

use super::{path_from_bytes, plain};

/// Where git keeps what it knows of a work tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GitDir {
    own: PathBuf,
    /// Shared between the work trees of one repository.
    common: PathBuf,
}

/// What `.git` in a folder says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DotGit {
    /// There is none, or a folder that is no repository: what is above counts.
    None,
    /// A file that leads to no repository: a submodule or work tree that was copied alone.
    Astray,
    /// The folder is the top of a work tree.
    Found(GitDir),
}

impl GitDir {
    /// Looks for the git folder of the work tree whose top is `folder`.
    pub(super) fn of(folder: &Path) -> DotGit {
        let dot_git = folder.join(".git");
        match fs::metadata(&dot_git) {
            Err(_) => DotGit::None,
            Ok(about) if about.is_dir() => Self::at(dot_git).map_or(DotGit::None, DotGit::Found),
            Ok(_) => {
                let target = pointer(&dot_git, b"gitdir: ");
                target.and_then(|path| Self::at(folder.join(path))).map_or(DotGit::Astray, DotGit::Found)
            }
        }
    }

    /// The folder itself, if it is one.
    pub(super) fn at(own: PathBuf) -> Option<Self> {
        let common = pointer(&own.join("commondir"), b"").map_or_else(|| own.clone(), |path| own.join(path));
        let valid = own.join("HEAD").symlink_metadata().is_ok() && common.join("objects").is_dir();
        valid.then_some(Self { own, common })
    }

    /// What belongs to the work tree alone, and what all work trees share.
    pub(super) fn into_parts(self) -> (PathBuf, PathBuf) {
        (self.own, self.common)
    }

    pub(super) fn index(&self) -> PathBuf {
        self.own.join("index")
    }

    /// The rules that are the user's own, for this repository.
    pub(super) fn exclude(&self) -> PathBuf {
        self.common.join("info/exclude")
    }
}

/// Reads a file that holds one path.
fn pointer(file: &Path, prefix: &[u8]) -> Option<PathBuf> {
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(file).ok()?.take(1 << 16).read_to_end(&mut bytes).ok()?;
    let path = bytes.strip_prefix(prefix)?.trim_ascii_end();
    (!path.is_empty()).then(|| path_from_bytes(path).into_owned())
}

/// The paths that git tracks in one work tree.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// All paths, one behind the other, ascending.
    bytes: Vec<u8>,
    /// Where each path ends.
    ends: Vec<usize>,
}

impl Index {
    /// Reads an index. A repository without one tracks nothing. The error is in plain words.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        match fs::metadata(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(plain(&error)),
            Ok(about) if !about.is_file() => return Err("not a file".to_owned()),
            Ok(_) => fs::File::open(file).map_err(|error| plain(&error))?,
        };
        // One thread, because the tables that several threads work from are trusted unseen.
        let options = gix_index::decode::Options { thread_limit: Some(1), ..Default::default() };
        gix_index::File::at(file, gix_index::hash::Kind::Sha1, false, options)
            .ok()
            .and_then(|index| Self::copied(&index))
            .ok_or_else(|| "a damaged git index, or one of a format that is not supported".to_owned())
    }

    /// Keeps the paths only: a tenth of the memory. `None` if they are not in order.
    fn copied(index: &gix_index::State) -> Option<Self> {
        let mut copy = Self::default();
        copy.bytes.reserve_exact(index.path_backing().len());
        copy.ends.reserve_exact(index.entries().len());
        for entry in index.entries() {
            let path: &[u8] = entry.path(index);
            // A path in conflict has several stages.
            let last = copy.ends.len().checked_sub(1).map(|last| copy.path(last));
            match last.map_or(std::cmp::Ordering::Greater, |last| path.cmp(last)) {
                std::cmp::Ordering::Less => return None,
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => {
                    copy.bytes.extend_from_slice(path);
                    copy.ends.push(copy.bytes.len());
                }
            }
        }
        Some(copy)
    }

    fn path(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }
}

/// What git tracks below one folder.
#[derive(Clone, Debug)]
pub(super) struct Below {
    index: Arc<Index>,
    /// Of the paths in the index.
    range: Range<usize>,
    /// Length of the folder's path, with the slash at its end.
    place: usize,
    /// The index says of the folder only that it is there (a sparse checkout).
    sparse: bool,
}

impl Below {
    /// Everything in `index`.
    pub(super) fn top(index: Arc<Index>) -> Self {
        Self { range: 0..index.ends.len(), index, place: 0, sparse: false }
    }

    /// Whether nothing is tracked here.
    pub(super) fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Whether the file, link or submodule `name` of this folder is tracked; never `Ignored`.
    pub(super) fn state(&self, name: &[u8]) -> Tracked {
        let at = self.first(|rest| rest < name);
        if self.sparse {
            Tracked::Unknown
        } else if self.range.contains(&at) && self.rest(at) == name {
            Tracked::Yes
        } else {
            Tracked::No
        }
    }

    /// The folder `name` of this folder.
    pub(super) fn enter(&self, name: &[u8]) -> Self {
        let mut below = self.clone();
        if self.sparse {
            return below;
        }
        // A slash is less than most bytes that may follow the name, not than all: `a.b`, `a/x`, `a0`.
        let start = self.first(|rest| rest < name || before(rest, name));
        let end = self.first(|rest| rest < name || before(rest, name) || within(rest, name));
        below.range = start..end;
        below.place = self.place + name.len() + 1;
        below.sparse = !below.range.is_empty() && below.rest(start).is_empty();
        below
    }

    /// The first path for which `less` no longer holds.
    fn first(&self, less: impl Fn(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (self.range.start, self.range.end);
        while low < high {
            let middle = low.midpoint(high);
            if less(self.rest(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// What follows the folder in a path of the range.
    fn rest(&self, at: usize) -> &[u8] {
        &self.index.path(at)[self.place..]
    }
}

/// Whether `path` is `name`, or begins with it and goes on with a byte less than a slash.
fn before(path: &[u8], name: &[u8]) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.first().is_none_or(|&byte| byte < b'/'))
}

/// Whether `path` is below the folder `name`.
fn within(path: &[u8], name: &[u8]) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.first() == Some(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(paths: &[&str]) -> Below {
        let mut index = Index::default();
        for path in paths {
            index.bytes.extend_from_slice(path.as_bytes());
            index.ends.push(index.bytes.len());
        }
        Below::top(Arc::new(index))
    }

    #[test]
    fn a_folder_holds_what_is_below_it_and_no_neighbour() {
        let top = below(&["a", "a!", "a.b", "a.b/x", "a/c/d", "a/x", "a0", "b/y"]);
        assert_eq!(top.state(b"a0"), Tracked::Yes);
        assert_eq!(top.state(b"b"), Tracked::No);
        assert_eq!(top.state(b"zz"), Tracked::No);
        let a = top.enter(b"a");
        assert_eq!(a.range, 4..6);
        assert_eq!(a.state(b"x"), Tracked::Yes);
        assert_eq!(a.state(b"y"), Tracked::No);
        assert_eq!(a.enter(b"c").state(b"d"), Tracked::Yes);
        assert!(a.enter(b"none").is_empty());
        assert_eq!(a.enter(b"none").state(b"x"), Tracked::No);
        assert_eq!(top.enter(b"a.b").state(b"x"), Tracked::Yes);
        assert!(below(&[]).enter(b"a").is_empty());
    }

    #[test]
    fn below_a_sparse_folder_nothing_is_known() {
        let top = below(&["a/", "b/x"]);
        assert_eq!(top.enter(b"a").state(b"x"), Tracked::Unknown);
        assert_eq!(top.enter(b"a").enter(b"b").state(b"x"), Tracked::Unknown);
        assert_eq!(top.enter(b"b").state(b"x"), Tracked::Yes);
    }
}
