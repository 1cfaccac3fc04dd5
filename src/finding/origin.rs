//! Where bytes come from: files, streams, commits.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file, named as the user would type it.
    File(PathBuf),
    /// Standard input, under the name the user gave it.
    Stdin(Option<PathBuf>),
    /// A member of an archive.
    Member {
        /// The archive.
        container: Box<Self>,
        /// The name that the archive gives it.
        name: PathBuf,
    },
    /// Something that a repository keeps.
    Kept(Box<Kept>),
}

/// Something that a repository keeps in its history, or in no history any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// What it is.
    pub what: KeptAs,
    /// The object, in hex digits.
    pub object: String,
    /// The first commit that holds it; unknown where no commit does.
    pub commit: Option<Commit>,
    /// Whether it is in the commit that is checked out.
    pub in_head: bool,
    /// Whether no branch, tag or stash leads to it.
    pub unreachable: bool,
}

/// As what a repository keeps something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptAs {
    /// A file, by its path from the top.
    File(PathBuf),
    /// The message of a commit.
    CommitMessage,
    /// The message of a tag.
    TagMessage,
    /// Content that has lost its path.
    Blob,
}

/// A commit, as far as it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit {
    /// Its name, in hex digits.
    pub id: String,
    /// Who wrote it, without the address.
    pub author: String,
    /// When it was written, as in RFC 3339.
    pub time: String,
}

impl Commit {
    /// The beginning of its name, as people write it.
    pub fn short(&self) -> &str {
        short(&self.id)
    }
}

/// The first digits of an object's name.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

impl Origin {
    /// What a repository keeps and it is, or is inside of.
    pub fn kept(&self) -> Option<&Kept> {
        match self {
            Self::File(_) | Self::Stdin(_) => None,
            Self::Member { container, .. } => container.kept(),
            Self::Kept(kept) => Some(kept),
        }
    }

    /// The same, to be changed.
    pub fn kept_mut(&mut self) -> Option<&mut Kept> {
        match self {
            Self::File(_) | Self::Stdin(_) => None,
            Self::Member { container, .. } => container.kept_mut(),
            Self::Kept(kept) => Some(kept),
        }
    }

    /// The path as it was named; standard input without a name has none.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stdin(name) => name.as_deref(),
            Self::Member { name, .. } => Some(name),
            Self::Kept(kept) => match &kept.what {
                KeptAs::File(path) => Some(path),
                KeptAs::CommitMessage | KeptAs::TagMessage | KeptAs::Blob => None,
            },
        }
    }
}

impl fmt::Display for Origin {
    /// With `/` on every system. Not fit for a terminal: the path may be hostile.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Member { container, .. } = self {
            write!(f, "{container}!")?;
        }
        if let Self::Kept(kept) = self {
            let object = short(&kept.object);
            match &kept.what {
                KeptAs::File(_) => {}
                KeptAs::CommitMessage => return write!(f, "{object} (commit message)"),
                KeptAs::TagMessage => return write!(f, "{object} (tag message)"),
                KeptAs::Blob => return write!(f, "{object} (content without a path)"),
            }
        }
        match self.path() {
            None => f.write_str("-"),
            Some(path) if std::path::MAIN_SEPARATOR == '/' => write!(f, "{}", path.display()),
            Some(path) => f.write_str(&path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")),
        }
    }
}
