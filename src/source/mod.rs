//! Where bytes come from: which files a scan reads, and what git says of each of them.
//!
//! A walk gives every file below the named paths once, whatever the number of threads, and counts
//! what it leaves out. Nothing is opened here but the rule files and the index of git.

pub mod archive;
mod folders;
pub mod git;
mod ignored;
pub(crate) mod large;
mod named;
mod tracked;
mod walk;
mod worktree;

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use crate::finding::{Origin, Tracked};

pub use folders::Folders;
pub use large::MapChoice;
pub use walk::walk;

/// One file that the scan should read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Haystack {
    /// The file as the user would type it: joined to the argument that was given.
    pub origin: Origin,
    /// What git says of it.
    pub tracked: Tracked,
    /// How to read it.
    pub kind: HaystackKind,
}

impl Haystack {
    fn new(path: PathBuf, tracked: Tracked, kind: HaystackKind) -> Self {
        Self { origin: Origin::File(path), tracked, kind }
    }

    /// The path to open: also what the user would type.
    pub fn path(&self) -> &Path {
        self.origin.path().unwrap_or_else(|| Path::new(""))
    }
}

/// How a haystack is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HaystackKind {
    /// It has an end that is known beforehand.
    File,
    /// A named FIFO, `/dev/stdin` or `/dev/fd/N`: read as standard input.
    Pipe,
}

/// What a walk meets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// A file to read.
    File(Haystack),
    /// Something to count and pass by: git-ignored, excluded by a glob, `.git`, a device, a socket,
    /// a FIFO, a link that leads out of what was named. A folder counts as one.
    Excluded,
    /// Something that was wanted and cannot be had.
    Skipped(SourceError),
}

/// What a walk leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalkOptions {
    /// Read what git ignores as if no rule ignored it. `.git` stays excluded.
    pub no_ignore: bool,
    /// Globs in the syntax of `.gitignore`, for what is below a named folder. They are matched
    /// with the path as typed and with the path below that folder.
    pub exclude: Vec<String>,
}

/// Something that was wanted and cannot be read. The scan goes on without it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{origin}: {why}")]
pub struct SourceError {
    /// What was wanted.
    pub origin: Origin,
    /// Why it cannot be had, in plain words.
    pub why: String,
}

impl SourceError {
    /// An error that a system call gave.
    pub fn io(origin: Origin, error: &io::Error) -> Self {
        Self { origin, why: plain(error) }
    }

    fn new(path: PathBuf, why: impl Into<String>) -> Self {
        Self { origin: Origin::File(path), why: why.into() }
    }
}

/// A glob that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{glob}: {why}")]
pub struct GlobError {
    /// The glob as typed.
    pub glob: String,
    /// What is wrong with it.
    pub why: String,
}

/// A path as git writes it, as the system writes it.
fn path_from_bytes(bytes: &[u8]) -> Cow<'_, Path> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Cow::Borrowed(Path::new(std::ffi::OsStr::from_bytes(bytes)))
    }
    #[cfg(not(unix))]
    {
        Cow::Owned(PathBuf::from(String::from_utf8_lossy(bytes).into_owned()))
    }
}

/// An error in plain words, without the number that the system gives it.
fn plain(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return "missing".to_owned();
    }
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    format!("unreadable: {}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}
