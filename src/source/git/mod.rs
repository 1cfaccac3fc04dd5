//! A git repository, read in process: where it is, its objects, its index, its history. Nothing is
//! ever written, no filter and no other program is run.

pub(crate) mod history;
mod objects;
pub(crate) mod pack;
mod refs;
mod reftable;
pub(crate) mod staged;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::path_from_bytes;
use super::tracked::{DotGit, GitDir};

pub use history::Selection;
pub use objects::Objects;
pub use staged::Change;

/// An object's name.
pub(crate) use gix_hash::ObjectId as Id;

/// Why a repository cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// There is none.
    #[error("{}: not in a git repository", .0.display())]
    None(PathBuf),
    /// There is one, and it has no files of its own.
    #[error("{}: a bare repository has no index", .0.display())]
    Bare(PathBuf),
    /// A revision that names nothing.
    #[error("{revision:?}: {why}")]
    Revision {
        /// As it was typed.
        revision: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is damaged, or of a format that is not supported.
    #[error("{}: {why}", .path.display())]
    Damaged {
        /// The repository, or a file of it.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl GitError {
    /// Whether it is a mistake of the user's.
    pub const fn is_mistake(&self) -> bool {
        !matches!(self, Self::Damaged { .. })
    }

    fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.into() }
    }
}

/// What git tells its hooks by environment variables, and users tell git.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// `GIT_DIR`.
    pub git_dir: Option<PathBuf>,
    /// `GIT_COMMON_DIR`.
    pub common_dir: Option<PathBuf>,
    /// `GIT_WORK_TREE`.
    pub work_tree: Option<PathBuf>,
    /// `GIT_INDEX_FILE`.
    pub index_file: Option<PathBuf>,
    /// `GIT_OBJECT_DIRECTORY`.
    pub object_directory: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`.
    pub alternates: Vec<PathBuf>,
}

/// A repository that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// What belongs to this work tree alone.
    own: PathBuf,
    /// What all work trees share.
    common: PathBuf,
    /// The top of the work tree; a bare repository has none.
    top: Option<PathBuf>,
    index: PathBuf,
    object_directories: Vec<PathBuf>,
    hash: gix_hash::Kind,
    promised: bool,
    /// Whether references are kept in tables and not in files.
    has_tables: bool,
    /// Names of remotes, and where they are.
    remotes: Vec<(String, String)>,
}

impl Repository {
    /// Finds the repository around a folder, or the one that the variables name.
    pub fn find(start: &Path, variables: &Variables) -> Result<Self, GitError> {
        let named = variables.git_dir.as_ref().map(|named| start.join(named));
        let (git, top) = match named {
            Some(named) => {
                let git = GitDir::at(named.clone()).ok_or_else(|| GitError::None(named.clone()))?;
                (git, None)
            }
            None => around(start)?,
        };
        let (own, mut common) = git.into_parts();
        if let Some(named) = &variables.common_dir {
            common = start.join(named);
        }
        let mut settings = Settings::read(&common.join("config"));
        if settings.is("extensions.worktreeconfig") {
            settings.add(&own.join("config.worktree"));
        }
        let has_named = variables.git_dir.is_some();
        // A linked work tree has one, also if what it is linked to is bare.
        let is_linked = own != common;
        let top = match (&variables.work_tree, settings.get("core.worktree")) {
            (Some(tree), _) => Some(start.join(tree)),
            (None, Some(tree)) if top.is_none() => Some(own.join(tree)),
            (None, _) if has_named && (is_linked || !settings.is("core.bare")) => Some(start.to_owned()),
            (None, _) => top,
        };
        let hash = settings.hash(&common)?;
        let index = variables.index_file.as_ref().map_or_else(|| own.join("index"), |index| start.join(index));
        let objects = variables.object_directory.as_ref().map_or_else(|| common.join("objects"), |own| start.join(own));
        let others = variables.alternates.iter().map(|alternate| start.join(alternate));
        let object_directories = std::iter::once(objects).chain(others).collect();
        let promised = settings.get("extensions.partialclone").is_some() || settings.promises;
        let has_tables = settings.has_tables(&common)?;
        let remotes = settings.remotes;
        Ok(Self { own, common, top, index, object_directories, hash, promised, has_tables, remotes })
    }

    /// The top of the work tree.
    pub fn top(&self) -> Result<&Path, GitError> {
        self.top.as_deref().ok_or_else(|| GitError::Bare(self.own.clone()))
    }

    /// The folder that git keeps what all work trees share in.
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// The remote of this name, or that is at this place.
    pub fn remote(&self, name_or_url: &str) -> Option<&str> {
        let named = self.remotes.iter().find(|(name, _)| name == name_or_url);
        let found = named.or_else(|| self.remotes.iter().find(|(_, url)| url == name_or_url));
        found.map(|(name, _)| name.as_str())
    }

    /// Its objects.
    pub fn objects(&self) -> Result<Objects, GitError> {
        Objects::open(&self.object_directories, self.hash)
    }

    /// Whether older commits were left out when it was cloned.
    fn is_shallow(&self) -> bool {
        fs::metadata(self.common.join("shallow")).is_ok_and(|about| about.len() > 0)
    }

    /// What is known to be not here: a shallow clone, a partial one.
    pub fn missing(&self) -> Vec<(PathBuf, String)> {
        let mut missing = Vec::new();
        if self.is_shallow() {
            missing.push((
                self.common.join("shallow"),
                "a shallow clone: older commits are not here (git fetch --unshallow)".to_owned(),
            ));
        }
        if self.promised {
            let why = "a partial clone: objects that were not fetched were not scanned (git fetch --refetch --no-filter)";
            missing.push((self.common.join("config"), why.to_owned()));
        }
        missing
    }
}

/// The repository around a folder, and the top of its work tree.
fn around(start: &Path) -> Result<(GitDir, Option<PathBuf>), GitError> {
    let none = || GitError::None(start.to_owned());
    let real = fs::canonicalize(start).map_err(|_| none())?;
    for folder in real.ancestors() {
        match GitDir::of(folder) {
            DotGit::Found(git) => return Ok((git, Some(folder.to_owned()))),
            DotGit::Astray => return Err(GitError::damaged(&folder.join(".git"), "leads to no repository")),
            DotGit::None => {}
        }
        // A bare repository, or the folder `.git` itself.
        if folder.join("refs").is_dir()
            && let Some(git) = GitDir::at(folder.to_owned())
        {
            let top = folder.file_name().filter(|name| *name == ".git").and_then(|_| folder.parent());
            return Ok((git, top.map(Path::to_owned)));
        }
    }
    Err(none())
}

/// The few settings that say how a repository is laid out.
#[derive(Debug, Default)]
struct Settings {
    values: BTreeMap<String, String>,
    /// Whether a remote promises objects that are not here.
    promises: bool,
    /// Names of remotes, and where they are.
    remotes: Vec<(String, String)>,
}

impl Settings {
    fn read(file: &Path) -> Self {
        let mut settings = Self::default();
        settings.add(file);
        settings
    }

    /// What another file says counts more.
    fn add(&mut self, file: &Path) {
        let text = fs::read(file).unwrap_or_default();
        let (mut section, mut remote) = (String::new(), None);
        for line in String::from_utf8_lossy(&text).lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix('[') {
                let head = rest.split(']').next().unwrap_or_default();
                remote = head.strip_prefix("remote \"").map(|name| name.trim_end_matches('"').to_owned());
                section = head.to_ascii_lowercase();
            } else if !line.starts_with(['#', ';']) {
                // A key alone says yes.
                let (key, value) = line.split_once('=').unwrap_or((line, "true"));
                let key = key.trim().to_ascii_lowercase();
                let value = value.split(" #").next().unwrap_or_default().trim().trim_matches('"');
                self.promises |= remote.is_some() && key == "promisor" && is_yes(value);
                if let Some(remote) = remote.as_ref().filter(|_| matches!(&*key, "url" | "pushurl")) {
                    self.remotes.push((remote.clone(), value.to_owned()));
                }
                self.values.insert(format!("{section}.{key}"), value.to_owned());
            }
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    fn is(&self, key: &str) -> bool {
        self.get(key).is_some_and(is_yes)
    }

    fn has_tables(&self, common: &Path) -> Result<bool, GitError> {
        match self.get("extensions.refstorage").unwrap_or("files") {
            "files" => Ok(false),
            "reftable" => Ok(true),
            other => Err(GitError::damaged(common, format!("references kept as {other:?} are not supported"))),
        }
    }

    fn hash(&self, common: &Path) -> Result<gix_hash::Kind, GitError> {
        match self.get("extensions.objectformat").unwrap_or("sha1") {
            "sha1" => Ok(gix_hash::Kind::Sha1),
            "sha256" => Ok(gix_hash::Kind::Sha256),
            other => Err(GitError::damaged(common, format!("objects named by {other:?} are not supported"))),
        }
    }
}

/// What git takes for yes.
fn is_yes(value: &str) -> bool {
    ["true", "yes", "on", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

/// A path as git writes it.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    path_from_bytes(bytes).into_owned()
}
